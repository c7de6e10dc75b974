/* play - a recording of `nj tap --record` published again, by its own times or faster. */
#ifndef NJ_TOOLS_NJ_PLAY_H
#define NJ_TOOLS_NJ_PLAY_H

#include "tools/nj/cli.h"

struct play_options {
	struct cli_list topics, never, publishers;
	int64_t wait, linger, count;
	const char *as, *speed;
};

int play_run(struct cli *cli, const void *options, int argc, char **argv);

/* "10x", "10", "0.5x", "max" (0): thousandths of real time. ERR_ARG. */
int play_parse_speed(const char *text, int64_t *ret_thousandths);

#endif
