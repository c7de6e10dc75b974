/* registry - see registry.h. */
#include "services/strategy/registry.h"

#include <string.h>

#include "common/base/check.h"

#define STRATEGY(name) extern const struct strategy strategy_##name;
#include "strategy_registry.def"
#undef STRATEGY

static const struct strategy *const all[] = {
#define STRATEGY(name) &strategy_##name,
#include "strategy_registry.def"
#undef STRATEGY
};

const struct strategy *const *registry_all(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(all);
	return all;
}

const struct strategy *registry_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
