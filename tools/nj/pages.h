/* pages - nj events, schema, settings, metrics: the manual's pages as the programs print them. */
#ifndef NJ_TOOLS_NJ_PAGES_H
#define NJ_TOOLS_NJ_PAGES_H

#include "tools/nj/cli.h"

int pages_events(struct cli *cli, const void *options, int argc, char **argv);   /* also of schema */
int pages_services(struct cli *cli, const void *options, int argc, char **argv); /* settings, metrics */

#endif
