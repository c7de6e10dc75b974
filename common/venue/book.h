/* book - a price-level order book: what a snapshot and the deltas since then say, and how deep that is known.
 *
 * Prices and quantities are at the scales of the events they came from. Capacity is fixed at init: when a side
 * is full, its worst level falls out and the guaranteed depth shrinks to what is left. Levels outside the
 * guarantee may be incomplete and must never be traded against.
 */
#ifndef NJ_VENUE_BOOK_H
#define NJ_VENUE_BOOK_H

#include "common/base/buf.h"
#include "proto/event.h"

struct book_side {
	struct level *at; /* owned; sorted worst first, best last, so that changes near the touch move little */
	uint32_t n;
};

struct book {
	struct book_side side[2]; /* [0] bids, [1] asks */
	uint32_t cap;      /* levels a side */
	int64_t bid_floor; /* bids at and above it are complete; 0: all */
	int64_t ask_ceil;  /* asks at and below it are complete; INT64_MAX: all */
	uint64_t last_id;  /* the venue's update id it stands at */
	uint64_t evicted;  /* levels that fell out of a full side */
};

int book_init(struct book *b, uint32_t cap); /* ERR_NOMEM */
void book_fini(struct book *b);
void book_clear(struct book *b);

/* Replaces everything. Levels come best first (any order is accepted); zero quantities are skipped.
 * bid_floor and ask_ceil as in the event: 0 means that everything is known. ERR_RANGE on negative values. */
int book_snapshot(struct book *b, const struct ev_book_snapshot *s);

/* Applies new totals; quantity 0 removes. ERR_RANGE on a negative price or quantity: nothing is applied. */
int book_delta(struct book *b, const struct ev_book_delta *d);

static inline uint32_t book_depth(const struct book *b, enum side side)
{
	return b->side[side - 1].n;
}
/* i-th best level of a side, i < book_depth. */
static inline const struct level *book_level(const struct book *b, enum side side, uint32_t i)
{
	const struct book_side *s = &b->side[side - 1];
	return &s->at[s->n - 1 - i];
}
/* Quantity at exactly this price, 0 where there is none. */
int64_t book_qty_at(const struct book *b, enum side side, int64_t price);

/* Is this price inside the depth that the snapshot guarantees? */
bool book_known(const struct book *b, enum side side, int64_t price);

bool book_crossed(const struct book *b); /* best bid >= best ask, both present */

/* Fills a snapshot event's fields (not instrument and scales) with the best `depth` levels of each side; the
 * arrays are written best first into scratch, which must hold 2 * depth levels. */
void book_to_snapshot(const struct book *b, uint32_t depth, struct level *scratch, struct ev_book_snapshot *s);

#endif
