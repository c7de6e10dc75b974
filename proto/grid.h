/* grid - which prices an instrument has, where its tick differs with the price.
 *
 * Kalshi's markets have fine ticks near 0 and 1 and coarse ones between (price_level_structure and price_ranges, in
 * docs.kalshi.com/getting_started/fixed_point_migration: "tapered_deci_cent" is 0.001 up to 0.10, 0.01 up to 0.90, then
 * 0.001 again). A range begins with a price that both neighbours have: it is of the upper one, whose steps are counted
 * from it. The instrument's tick_size is what all prices are multiples of, so whoever knows no ranges is never wrong,
 * only too generous.
 */
#ifndef NJ_PROTO_GRID_H
#define NJ_PROTO_GRID_H

#include "proto/event.h"

#define GRID_RANGES_MAX 5

struct grid_range {
	int64_t from, tick; /* at the instrument's price scale; the last one has no end */
};

/* Gives the instrument these ranges and its tick_size; one alone is a tick_size and no more. ERR_RANGE: a tick that is
 * not above 0, a beginning that is not above the one before it (the first: not 0); ERR_TOO_LONG. */
int grid_set(struct ev_instrument *d, const struct grid_range *at, uint32_t n);

/* What stands in the instrument makes sense: nothing negative, ranges in rising order, each with its tick. */
bool grid_sound(const struct ev_instrument *d);

/* Is there such a price? Any, where there is no tick at all. */
bool grid_holds(const struct ev_instrument *d, int64_t price);

/* The step that prices have there; 0 none. */
int64_t grid_tick(const struct ev_instrument *d, int64_t price);

/* The highest price there is that is not above this one (which is not negative). */
int64_t grid_floor(const struct ev_instrument *d, int64_t price);

#endif
