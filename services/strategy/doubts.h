/* doubts - what a seat's settings say that no other section bears out.
 *
 * An account that the executor does not have, an instrument that no collector follows, candles that none makes: each is
 * a strategy that would never trade, without an error. Only told, by --check-config and so by nj up: on another host
 * another file may have the rest. A section of which nothing is given is taken for such a one.
 */
#ifndef NJ_STRATEGY_DOUBTS_H
#define NJ_STRATEGY_DOUBTS_H

#include <stddef.h>

#include "common/io/config.h"
#include "common/service/collectors.h"
#include "services/strategy/core.h"

#define DOUBT_MAX 400

extern const char *const doubts_peeks[]; /* for config_peek: what it looks at */

/* The first doubt about a seat, for people; false: there is none. */
bool doubts_of(const struct config *config, const struct collectors *collectors, const struct strategy_seat *seat,
	       char text[DOUBT_MAX]);

#endif
