/* lots - what is held as purchases of their own, for taxes: which of them a sale closes, and at what gain.
 *
 * A lot is what one fill opened, with its fees: a long one's basis is what was paid, a short one's what was received. A
 * fill of the other side closes lots, in parts where it must, in the order of the method: FIFO the oldest, LIFO the
 * newest, HIFO those that leave the smallest gain (dearest bought; of short ones, cheapest sold), of equal ones the
 * oldest. What is left of it opens a lot. Parts are shares of basis and money, half to even, all that is left for the
 * last: sums are exact.
 *
 * No more than LOTS_MAX are kept: beyond that the two oldest become one, of the date of the first.
 */
#ifndef NJ_EXECUTOR_LOTS_H
#define NJ_EXECUTOR_LOTS_H

#include "proto/event.h"

#define LOTS_MAX 256

enum lots_method {
	LOTS_FIFO,
	LOTS_LIFO,
	LOTS_HIFO,
};

struct lot {
	int64_t qty;   /* at the scale of its fills; negative: short */
	int64_t basis; /* at CASH_SCALE, >= 0 but for a short one whose fees were more than it brought */
	int64_t at;    /* ns, event time it was opened at */
};

struct lots {
	struct lot at[LOTS_MAX]; /* oldest first; all of one sign */
	uint32_t n;
	enum lots_method method;
	uint64_t merged;
};

struct lots_fill {
	int64_t at, qty, cost, fee; /* qty > 0; cost at CASH_SCALE, before the fee */
	enum side side;
};

struct lots_closed { /* one lot, or a part of one, that was closed */
	int64_t opened_at, closed_at;
	int64_t qty;             /* as the lot's: negative of a short one */
	int64_t basis, proceeds; /* paid and received, fees included, whichever came first */
};
typedef void lots_closed_fn(void *ctx, const struct lots_closed *c);

/* ERR_RANGE: money or quantity do not fit; nothing has changed then. closed may be NULL. */
int lots_on_fill(struct lots *l, const struct lots_fill *f, lots_closed_fn *closed, void *ctx);

int64_t lots_qty(const struct lots *l);

#endif
