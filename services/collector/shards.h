/* shards - what each of a stack's collectors follows, and that no two of them follow the same.
 *
 * common/service/collectors.h says which processes there are; their settings say what they follow. Every collector
 * looks at the settings of all, so that a mistake is told by whichever is started.
 */
#ifndef NJ_COLLECTOR_SHARDS_H
#define NJ_COLLECTOR_SHARDS_H

#include "common/service/collectors.h"
#include "services/collector/section.h"

/* ERR_ARG with a reason for people: a market that two processes would follow, or a process with nothing to follow. */
int shards_check(const struct config *c, const struct collectors *all, char *reason, size_t cap);

/* Leaves of a process's settings what is its own: its share of the symbols, and the references where no process before
 * it has the same ones. */
void shards_take(const struct config *c, const struct collectors *all, const struct collector_place *own,
		 struct collector_section *set);

#endif
