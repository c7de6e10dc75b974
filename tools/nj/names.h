/* names - who publishes on a bus: the services, running or not, and everybody else who holds a lock there. */
#ifndef NJ_TOOLS_NJ_NAMES_H
#define NJ_TOOLS_NJ_NAMES_H

#include "common/io/bus.h"
#include "tools/nj/cli.h"
#include "tools/nj/stack.h"

struct names {
	const char *at[BUS_PEERS_MAX]; /* into the list, or into stack */
	size_t n;
	struct stack stack;
};

/* The chosen ones; where none is, all. `chosen` is kept, and `ret_names` must stay where it is. */
void names_find(const struct cli_list *chosen, const char *bus_dir, struct names *ret_names);

#endif
