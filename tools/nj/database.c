/* database - see database.h. */
#include "tools/nj/database.h"

#include <stdio.h>

#include "common/base/err.h"

void database_path(const struct run_settings *run, char ret_path[DATABASE_PATH_MAX])
{
	snprintf(ret_path, DATABASE_PATH_MAX, "%s/persister/nightjar.db", run->data);
}

int database_open(struct cli *cli, const char *given, struct database *ret_database)
{
	struct database *d = ret_database;
	char reason[DATABASE_PATH_MAX + 200] = "";
	*d = (struct database){.cli = cli};
	int rc = stack_settings(cli, &d->run);
	if (rc != CLI_OK)
		return rc;
	if (given)
		snprintf(d->path, sizeof d->path, "%s", given);
	else
		database_path(&d->run, d->path);
	rc = store_read_open(d->path, &d->store, reason, sizeof reason);
	if (rc == 0)
		return CLI_OK;
	return cli_fail(cli, rc == ERR_NOT_FOUND ? CLI_NOT_RUNNING : CLI_DATA, "%s", reason[0] ? reason : err_text(rc));
}

void database_close(struct database *d)
{
	store_read_close(d->store);
	d->store = NULL;
}

int database_told(const struct database *d, int rc)
{
	return rc == 0 ? CLI_OK : cli_fail(d->cli, CLI_DATA, "%s: %s", d->path, err_text(rc));
}

static int told_of(const struct database *d, int rc)
{
	uint64_t lost = store_read_undecodable(d->store);
	if (lost > 0)
		cli_note(d->cli,
			 "%s: this program cannot read %llu of the records and leaves them out; the version "
			 "that wrote them can",
			 d->path, (unsigned long long)lost);
	return database_told(d, rc);
}

int database_events(struct database *d, store_read_event_fn *fn, void *ctx)
{
	return told_of(d, store_read_events(d->store, 0, fn, ctx));
}

int database_last_orders(struct database *d, bool all, store_read_event_fn *fn, void *ctx)
{
	return told_of(d, store_read_last_orders(d->store, all, fn, ctx));
}

int database_last_positions(struct database *d, bool all, store_read_event_fn *fn, void *ctx)
{
	return told_of(d, store_read_last_positions(d->store, all, fn, ctx));
}
