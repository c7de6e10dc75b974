/* book - a price-level order book: what snapshot and deltas say, and how deep that is known.
 *
 * Prices and quantities are at the scales of the events they came from. Capacity is fixed at init:
 * when a side is full, its worst level falls out and the guaranteed depth shrinks to what is left.
 * Levels outside the guarantee may be incomplete and must never be traded against.
 *
 * Each side is a window of ticks around the touch, indexed directly by price, with a hashed set
 * behind it for what lies deeper. A change near the touch is one store and perhaps one bit; the
 * window follows the touch. Its tick is the greatest common divisor of the prices seen. Memory
 * follows the levels held, not where they have wandered (slots.h).
 */
#ifndef NJ_VENUE_BOOK_H
#define NJ_VENUE_BOOK_H

#include "common/venue/level_set.h"
#include "common/venue/slots.h"
#include "proto/event.h"

#define BOOK_WINDOW SLOTS_MAX /* ticks of a side that are indexed directly; a quarter of it costs twice the time */

struct book_view;

/* Inside, a level's key is its price for bids and minus its price for asks: greater is better on
 * both sides. */
struct book_side {
	struct slots slots;     /* the window */
	uint32_t top;           /* no word of the slots above it has a bit */
	struct level_set tail;  /* levels worse than the window */
	uint32_t n;             /* levels in window and tail */
	int64_t sign;           /* 1 bids, -1 asks */
	int64_t base;           /* key of slot 0 */
	int64_t tick;           /* key distance of two slots */
	uint64_t inverse;       /* 2^64 / tick rounded up, 0 for tick 1 */
	uint64_t span;          /* BOOK_WINDOW * tick */
	struct book_view *view; /* owned: the best levels in order, as far as somebody has asked */
};

struct book {
	struct book_side side[2]; /* [0] bids, [1] asks */
	uint32_t cap;             /* levels a side */
	int64_t bid_floor;        /* bids at and above it are complete; 0: all */
	int64_t ask_ceil;         /* asks at and below it are complete; INT64_MAX: all */
	uint64_t last_id;         /* the venue's update id it stands at */
	uint64_t evicted;         /* levels that fell out of a full side */
};

int book_init(struct book *b, uint32_t cap); /* 1 <= cap; ERR_NOMEM, ERR_ARG */
void book_fini(struct book *b);
void book_clear(struct book *b);

/* Replaces everything. Levels come best first (any order is accepted, the last of a price counts);
 * zero quantities are skipped. bid_floor and ask_ceil as in the event: 0 means that everything is
 * known. ERR_RANGE on negative values: the book stays as it was. */
int book_snapshot(struct book *b, const struct ev_book_snapshot *s);

/* Applies new totals; quantity 0 removes. ERR_RANGE on a negative price or quantity: nothing is
 * applied. */
int book_delta(struct book *b, const struct ev_book_delta *d);

static inline uint32_t book_depth(const struct book *b, enum side side)
{
	return b->side[side - 1].n;
}

/* i-th best level of a side, i < book_depth; good until the next change. Asking in order of i is
 * cheap. */
const struct level *book_level(const struct book *b, enum side side, uint32_t i);

/* Quantity at exactly this price, 0 where there is none. */
int64_t book_qty_at(const struct book *b, enum side side, int64_t price);

/* Is this price inside the depth that the snapshot guarantees? */
bool book_known(const struct book *b, enum side side, int64_t price);

bool book_crossed(const struct book *b); /* best bid >= best ask, both present */

/* Fills a snapshot event's fields (not instrument and scales) with the best `depth` levels of each
 * side; the arrays are written best first into scratch, which must hold 2 * depth levels. */
void book_to_snapshot(const struct book *b, uint32_t depth, struct level *scratch, struct ev_book_snapshot *s);

#endif
