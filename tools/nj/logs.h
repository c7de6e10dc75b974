/* logs - nj logs: the log files of a stack as one stream in the order of time. */
#ifndef NJ_TOOLS_NJ_LOGS_H
#define NJ_TOOLS_NJ_LOGS_H

#include "common/service/settings.h"
#include "tools/nj/cli.h"

struct logs_options {
	bool follow;
	int64_t lines, since;
	const char *level, *grep, *dir;
};
/* The last n lines of one service, each indented; nothing where there are no logs. */
void logs_tail(struct cli *cli, const struct run_settings *run, const char *service, int64_t n);
int logs_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
