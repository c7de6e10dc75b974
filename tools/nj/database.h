/* database - the persister's database as a verb's user names it, or where the settings have it. */
#ifndef NJ_TOOLS_NJ_DATABASE_H
#define NJ_TOOLS_NJ_DATABASE_H

#include "services/persister/store_read.h"
#include "tools/nj/stack.h"

#define DATABASE_PATH_MAX (STACK_PATH_MAX + 32)

/* given: the option's value, NULL where the user gave none. CLI_OK, or another exit code, told. */
int database_open(struct cli *cli, const char *given, char ret_path[DATABASE_PATH_MAX], struct store_read **ret_store);

#endif
