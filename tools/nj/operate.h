/* operate - the verbs that act: units through the watchdog, the executor's pause, waiting. Their
 * rows are in verb_NAME.c, apart from the code: proto has names like verb_stop, too. */
#ifndef NJ_TOOLS_NJ_OPERATE_H
#define NJ_TOOLS_NJ_OPERATE_H

#include "tools/nj/cli.h"
#include "tools/nj/table.h"

/* units.c: ps; start, stop, restart (which one the verb's name says). */
struct units_options {
	int64_t timeout;
	bool no_wait;
};
extern const struct cli_option units_options[];
extern const struct table_column units_columns[], trend_columns[];
int units_ps(struct cli *cli, const void *options, int argc, char **argv);
int units_run(struct cli *cli, const void *options, int argc, char **argv);

/* lease.c: pause, resume, reset of the executor. */
struct lease_options {
	int64_t lease, span, timeout;
	const char *reason, *owner, *account;
	bool all;
};
int lease_run(struct cli *cli, const void *options, int argc, char **argv);

/* trend.c: what the watchdog has sampled. */
int trend_run(struct cli *cli, const void *options, int argc, char **argv);

/* command.c: cancel, flatten, kill; reload, snapshot, log-level of one service or of all that run. */
struct command_options {
	int64_t lease, timeout;
	const char *reason, *owner, *account;
	bool yes, no_wait, reset, all;
};
extern const struct cli_option command_common[]; /* command_rows.c */
int command_kill(struct cli *cli, const void *options, int argc, char **argv);
int command_cancel(struct cli *cli, const void *options, int argc, char **argv);
int command_flatten(struct cli *cli, const void *options, int argc, char **argv);
int command_each(struct cli *cli, const void *options, int argc, char **argv);
int command_log_level(struct cli *cli, const void *options, int argc, char **argv);

/* wait.c */
struct wait_options {
	bool running, stopped;
	int64_t handled, timeout;
};
int wait_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
