/* verbs - every verb of nj, one row for each file verb_NAME.c. */
#ifndef NJ_TOOLS_NJ_VERBS_H
#define NJ_TOOLS_NJ_VERBS_H

#include "tools/nj/cli.h"

extern const struct cli_verb *const verbs[];
extern const size_t verbs_count;

#endif
