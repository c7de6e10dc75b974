/* fees - what an execution costs at its market, and the most that an order there may have to pay.
 *
 * The one place where a fee is computed: a market carries its model (struct fees), whoever books, walks or reserves
 * asks here.
 */
#ifndef NJ_EXECUTOR_FEES_H
#define NJ_EXECUTOR_FEES_H

#include "proto/event.h"
#include "services/executor/money.h"

struct fees { /* what a market charges */
	int64_t maker, taker; /* share of the cost, FEE_SCALE */
};

struct deal { /* one execution, as its fee is asked for */
	struct rated what;
	int64_t cost; /* what `what` is worth, CASH_SCALE, >= 0 */
	enum side side;
	enum liquidity liquidity;
	int64_t carry; /* what roundings of the same order's fees have overpaid so far; the deal adds its own */
	int64_t fee;   /* filled in by fees_of, CASH_SCALE */
};

/* Half to even; ERR_RANGE. */
int fees_of(const struct fees *f, struct deal *d);

/* What must be set aside to buy this at its price or better and pay the dearest fee: rounded up; ERR_RANGE. */
int fees_reserve(const struct fees *f, struct rated what, int64_t *ret_amount);

#endif
