/* database - the persister's database as a verb's user names it, or where the settings have it. */
#ifndef NJ_TOOLS_NJ_DATABASE_H
#define NJ_TOOLS_NJ_DATABASE_H

#include "services/persister/store_read.h"
#include "tools/nj/stack.h"

#define DATABASE_PATH_MAX (STACK_PATH_MAX + 32)

struct database {
	struct cli *cli;
	struct run_settings run;
	char path[DATABASE_PATH_MAX];
	struct store_read *store; /* owned */
};

/* Where the settings have it. */
void database_path(const struct run_settings *run, char ret_path[DATABASE_PATH_MAX]);

/* given: the option's value (OPTION_DATABASE), NULL where the user gave none. Reads the settings. CLI_OK, or another
 * exit code, told. */
int database_open(struct cli *cli, const char *given, struct database *ret_database);
void database_close(struct database *d); /* also one that did not open, or {0} */

/* What a store_read_* returned: CLI_OK, or CLI_DATA, told. */
int database_told(const struct database *d, int rc);
/* store_read_events of all of it; tells how many cannot be decoded. CLI_OK, or CLI_DATA, told. */
int database_events(struct database *d, store_read_event_fn *fn, void *ctx);
int database_last_orders(struct database *d, bool all, store_read_event_fn *fn, void *ctx);    /* likewise */
int database_last_positions(struct database *d, bool all, store_read_event_fn *fn, void *ctx); /* likewise */

#endif
