/* walk - what a taker would get from a book right now: levels, cost and fee, best first. */
#ifndef NJ_EXECUTOR_WALK_H
#define NJ_EXECUTOR_WALK_H

#include "services/executor/market.h"

#define WALK_LEVELS_MAX 512 /* more than that is treated as the end of the known depth */

struct walk {
	/* asked */
	enum side side;   /* the taker's */
	int64_t limit;    /* worst price it accepts; 0 any */
	int64_t qty;
	int64_t amount;   /* most it may cost with its fees; 0 any */
	uint8_t outcome;      /* enum outcome: what cost and fees are those of */
	/* found */
	struct level at[WALK_LEVELS_MAX];
	uint32_t n;
	int64_t found;    /* <= qty */
	int64_t cost, fees; /* sums of what each level's fill is rounded to */
	int64_t fee_carry;  /* struct deal */
};

/* Never goes beyond the depth that the book guarantees. ERR_RANGE: the money does not fit. */
int walk_book(const struct market *m, struct walk *w);

static inline enum side walk_against(enum side side)
{
	return side == side_buy ? side_sell : side_buy;
}

/* Would a taker of this side with this limit trade at that price? */
static inline bool walk_reaches(enum side side, int64_t limit, int64_t price)
{
	return limit == 0 || (side == side_buy ? price <= limit : price >= limit);
}

#endif
