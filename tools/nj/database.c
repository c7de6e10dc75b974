/* database - see database.h. */
#include "tools/nj/database.h"

#include <stdio.h>

#include "common/base/err.h"

int database_open(struct cli *cli, const char *given, char ret_path[DATABASE_PATH_MAX], struct store_read **ret_store)
{
	struct run_settings run;
	char reason[DATABASE_PATH_MAX + 200] = "";
	int rc = stack_settings(cli, &run);
	if (rc != CLI_OK)
		return rc;
	if (given)
		snprintf(ret_path, DATABASE_PATH_MAX, "%s", given);
	else
		snprintf(ret_path, DATABASE_PATH_MAX, "%s/persister/nightjar.db", run.data);
	rc = store_read_open(ret_path, ret_store, reason, sizeof reason);
	if (rc == 0)
		return CLI_OK;
	return cli_fail(cli, rc == ERR_NOT_FOUND ? CLI_NOT_RUNNING : CLI_DATA, "%s",
			reason[0] ? reason : err_text(rc));
}
