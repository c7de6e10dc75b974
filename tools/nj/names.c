/* names - who publishes on a bus: the services, running or not, and everybody else who holds a lock there. */
#include "tools/nj/names.h"

#include <string.h>

#include "common/base/check.h"
#include "tools/nj/look.h"

static void add(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i], name) == 0)
			return;
	if (names->n < ARRAY_LEN(names->at) && strlen(name) < EVENT_SOURCE_MAX)
		names->at[names->n++] = name;
}

void names_find(const struct cli_list *chosen, const char *bus_dir, struct names *ret_names)
{
	ret_names->n = 0;
	for (size_t i = 0; i < chosen->n; i++)
		add(ret_names, chosen->at[i]);
	if (chosen->n > 0)
		return;
	for (size_t i = 0; services_names[i]; i++)
		add(ret_names, services_names[i]);
	stack_scan(bus_dir, &ret_names->stack);
	for (size_t i = 0; i < ret_names->stack.n; i++)
		if (strcmp(ret_names->stack.at[i].name, STACK_KEEPER) != 0)
			add(ret_names, ret_names->stack.at[i].name);
}
