/* exposure - what positions could become if every open order filled, and what that would be worth.
 *
 * The worst case of an instrument has two ends: `longs` where all its open purchases fill and none of its sales,
 * `shorts` where it is the other way round. Amounts of the base at CASH_SCALE, negative is short. Sums that do not fit
 * stay at the end of the range.
 */
#ifndef NJ_EXECUTOR_EXPOSURE_H
#define NJ_EXECUTOR_EXPOSURE_H

#include <stdbool.h>
#include <stdint.h>

struct executor;
struct market;
struct order;

struct exposure {
	int64_t longs, shorts;
	int64_t top; /* highest price of its open orders, at the instrument's scale */
};

/* Fills in `exposure` of every market: of all strategies, or of one. The order that is being checked is left out where
 * it is open already. Returns how many open orders were counted, in `only` or (NULL) everywhere. */
int64_t exposure_collect(struct executor *x, const char *strategy, const struct market *only,
			 const struct order *leave_out);

/* Quote at CASH_SCALE of this much of the base at half this price, half to even; the sign of the amount. */
int64_t exposure_worth(const struct market *m, int64_t amount, int64_t twice_price);

/* What one costs at an end of the worst case, twice: a short end of both outcomes (outcome.h) is contracts of the other
 * one, each 1 less the price. Every other end is at the price. */
int64_t exposure_price(const struct market *m, bool is_short, int64_t twice_price);

/* Twice what a market's end is counted at: by its mid; without one by the highest of its average entry and its open
 * orders' prices, or by the whole 1 where it is contracts of the other outcome. */
int64_t exposure_mark(const struct market *m, bool is_short);

/* A quantity of the instrument as an amount of its base. */
int64_t exposure_base(const struct market *m, int64_t qty);

int64_t exposure_add(int64_t a, int64_t b);
static inline int64_t exposure_abs(int64_t a)
{
	return a >= 0 ? a : a == INT64_MIN ? INT64_MAX : -a;
}

/* What a worst case is worth, in quote: the larger of its two ends by worth, not by amount. */
struct exposure_prices {
	int64_t longs, shorts; /* twice what one costs where an end is positive, and where it is negative */
};
int64_t exposure_at_stake(const struct market *m, const struct exposure *e, struct exposure_prices p);

/* The larger of the two ends, by amount. */
static inline int64_t exposure_most(const struct exposure *e)
{
	int64_t longs = exposure_abs(e->longs), shorts = exposure_abs(e->shorts);
	return longs > shorts ? longs : shorts;
}

#endif
