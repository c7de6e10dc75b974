/* status - nj status. */
#ifndef NJ_TOOLS_NJ_STATUS_H
#define NJ_TOOLS_NJ_STATUS_H

#include "tools/nj/cli.h"
#include "tools/nj/table.h"

extern const struct table_column status_columns[];
int status_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
