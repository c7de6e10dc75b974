/* logs - nj logs: the log files of a stack as one stream in the order of time. */
#ifndef NJ_TOOLS_NJ_LOGS_H
#define NJ_TOOLS_NJ_LOGS_H

#include "tools/nj/cli.h"

struct logs_options {
	bool follow;
	int64_t lines, since;
	const char *level, *grep, *dir;
};
int logs_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
