/* tap_run - a run of `nj tap`: from the bus as it comes, from a point in the past, or from a recording. */
#ifndef NJ_TOOLS_NJ_TAP_RUN_H
#define NJ_TOOLS_NJ_TAP_RUN_H

#include "tools/nj/cli.h"

struct tap_options {
	struct cli_list topics, never, publishers, from;
	int64_t count, timeout, interval, top, sample, page_rate;
	const char *format, *delimiter, *lane, *record, *read, *dump, *translate, *cursor, *database;
	bool json, pretty, raw, hexdump, headers, stats, no_newline, unbuffered, telemetry, exit_at_end;
};

int tap_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
