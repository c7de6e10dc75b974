/* permits - which role may ask a service for which verb: one table, looked at once for every request. */
#ifndef NJ_SERVICE_PERMITS_H
#define NJ_SERVICE_PERMITS_H

#include <stdbool.h>

#include "proto/event.h"

/* A verb without a row is left to operators. */
bool control_allowed(enum role role, enum verb verb);

#endif
