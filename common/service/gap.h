/* gap - what a gap in a publisher's lane is called, and whose data it may have cost. */
#ifndef NJ_SERVICE_GAP_H
#define NJ_SERVICE_GAP_H

#include <stdbool.h>

#include "proto/event.h"

/* Names the stream of a gap that a follower puts on record. */
void gap_set_lane(struct ev_gap *gap, const char *publisher, enum lane lane);

/* May market data of this publisher be missing? Not where lane X is meant, nor another publisher's lane M. "": whose
 * the market is is not known. */
bool gap_costs_market(const struct ev_gap *gap, const char *publisher);

#endif
