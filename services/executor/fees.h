/* fees - what an execution costs at its market, and the most that an order there may have to pay.
 *
 * The one place where a fee is computed: a market carries its model (struct fees), whoever books, walks or reserves
 * asks here. Three models, C contracts at price P:
 *
 *   flat        rate * cost, half to even to the last unit of cash.
 *   kalshi      rate * C * P * (1 - P), up to 0.0001; then what the balance changes by is rounded down to whole cents
 *               (the difference is a fee too), and once the roundings of one order exceed a cent, a cent of them is
 *               given back, never more than the fee. docs.kalshi.com, "Fee Rounding".
 *   polymarket  rate * C * P * (1 - P) to five decimals, half up; what is below comes to nothing.
 *               docs.polymarket.com, "Fees".
 *
 * A sale's fee is never more than it brings: nothing is owed for having sold.
 */
#ifndef NJ_EXECUTOR_FEES_H
#define NJ_EXECUTOR_FEES_H

#include "common/base/symbol.h"
#include "proto/event.h"
#include "services/executor/money.h"

#define FEES_ROWS_MAX 64
#define FEES_TEXT_MAX 2000

enum fee_model {
	FEE_FLAT,
	FEE_KALSHI,
	FEE_POLYMARKET,
};

struct fees { /* what a market charges */
	int64_t maker, taker; /* FEE_SCALE: share of the cost, or the curve's rate */
	uint8_t model;
};

struct fee_table { /* which markets charge what: the first row that fits, of a symbol, then of a venue */
	struct fee_row {
		char key[sizeof(struct symbol)]; /* BTCUSDT.BINANCE, BINANCE-PERP (its perpetuals), BINANCE */
		struct fees fees;
	} row[FEES_ROWS_MAX];
	uint32_t n;
	struct fees rest; /* of every other market */
};

/* Adds the rows of "KALSHI 0 0.07 kalshi, BINANCE 0.001 0.001": key, maker, taker, model where it is not flat.
 * ERR_ARG with a reason that names the row. */
int fees_parse(struct fee_table *t, const char *text, char *reason, size_t cap);

const struct fees *fees_find(const struct fee_table *t, const struct symbol *symbol);

/* "0.001/0.001", with the curve's name where it has one; returns the length. */
#define FEES_ROW_TEXT 60
size_t fees_format(const struct fees *f, char *out, size_t cap);

struct deal { /* one execution, as its fee is asked for */
	struct rated what;
	int64_t cost; /* what `what` is worth, CASH_SCALE, >= 0 */
	enum side side;
	enum liquidity liquidity;
	int64_t carry; /* what roundings of the same order's fees have overpaid so far; the deal adds its own */
	int64_t fee;   /* filled in by fees_of, CASH_SCALE */
};

/* ERR_RANGE. What the venue settles costs nothing. */
int fees_of(const struct fees *f, struct deal *d);

/* What must be set aside to buy this at its price or better and pay the dearest fee in one go: rounded up; ERR_RANGE.
 * A curve's fee grows while the price falls towards a half, but never by as much as the cost shrinks. */
int fees_reserve(const struct fees *f, struct rated what, int64_t *ret_amount);

#endif
