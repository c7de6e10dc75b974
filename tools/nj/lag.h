/* lag - nj lag. */
#ifndef NJ_TOOLS_NJ_LAG_H
#define NJ_TOOLS_NJ_LAG_H

#include "tools/nj/cli.h"
#include "tools/nj/table.h"

extern const struct table_column lag_columns[];
int lag_run(struct cli *cli, const void *options, int argc, char **argv);

#endif
