/* params - a strategy's parameters from text: defaults, values, ranges. */
#ifndef NJ_STRATEGY_PARAMS_H
#define NJ_STRATEGY_PARAMS_H

#include "services/strategy/strategy.h"

/* Fills a struct of strategy->params_size bytes with the defaults. */
void params_defaults(const struct strategy *s, void *params);

/* Sets one by name. ERR_NOT_FOUND: no such parameter; ERR_SYNTAX, ERR_RANGE, ERR_INEXACT,
 * ERR_TOO_LONG, ERR_UNKNOWN (not one of the choices): nothing has changed then. */
int params_set(const struct strategy *s, void *params, const char *name, const char *value);

/* Why params_set refused, for people: "fast: "9x" is no whole number from 1 to 500", "there is no parameter fsat (did
 * you mean fast?)". */
void params_explain(const struct strategy *s, const char *name, const char *value, char *out, size_t cap);

const struct strategy_param *params_find(const struct strategy *s, const char *name); /* or NULL */

#endif
