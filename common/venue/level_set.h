/* level_set - price levels far from the touch: found by hash, put in order only when asked.
 *
 * Levels far away come and go all the time and are hardly ever read. A change costs one probe; who
 * walks them pays for sorting, once until the next level comes or goes. The worst level, which
 * falls out when a book is full, comes from a short list of the worst that is kept true by every
 * insertion.
 *
 * "Worse" is lower for bids and higher for asks: the rank of a price is price ^ flip, flip all
 * ones for asks. The memory for the capacity is reserved at init; pages are used as the set grows.
 * Nothing is allocated later.
 */
#ifndef NJ_VENUE_LEVEL_SET_H
#define NJ_VENUE_LEVEL_SET_H

#include <stdbool.h>

#include "proto/event.h"

#define LEVEL_VICTIMS 256

struct level_order {
	bool valid;
	struct level at[]; /* best first */
};

struct level_set {
	struct level *slot;      /* owned: open addressing; price -1 is empty, quantity 0 has gone */
	uint32_t bits, bits_max; /* 2^bits slots are in use */
	uint32_t n, cap;
	uint32_t taken; /* slots that are not empty */
	int64_t flip;
	struct level_order *order;     /* owned: the levels in order, while valid */
	int64_t victim[LEVEL_VICTIMS]; /* prices, worst last; some may have gone since */
	uint32_t victims;
	int64_t bar; /* rank below which every level is a victim; INT64_MIN: no list */
};

int level_set_init(struct level_set *s, uint32_t cap, bool asks); /* ERR_NOMEM */
void level_set_fini(struct level_set *s);
void level_set_clear(struct level_set *s);

/* Sets the quantity at a price; 0 removes. The set must not grow beyond its capacity. */
void level_set_put(struct level_set *s, int64_t price, int64_t qty);
/* Quantity at a price, 0 where there is none. */
int64_t level_set_get(const struct level_set *s, int64_t price);

/* Removes and returns the worst level; there must be one. */
struct level level_set_pop_worst(struct level_set *s);

/* Price of the best level, by a walk through all of them; there must be one. */
int64_t level_set_best(const struct level_set *s);

/* Removes every level at this price or better and hands them out, in no order, good until the next
 * change. */
const struct level *level_set_take(struct level_set *s, int64_t price, uint32_t *ret_n);

/* i-th best, i < n; good until the next change. */
const struct level *level_set_nth(const struct level_set *s, uint32_t i);

#endif
