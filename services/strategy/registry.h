/* registry - every strategy that was built in: one row for each file of strategies/. */
#ifndef NJ_STRATEGY_REGISTRY_H
#define NJ_STRATEGY_REGISTRY_H

#include "services/strategy/strategy.h"

const struct strategy *registry_find(const char *name); /* or NULL */
const struct strategy *const *registry_all(size_t *ret_n);

#endif
