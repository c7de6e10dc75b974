/* margin - what a position in a linear perpetual needs: initial margin by leverage, maintenance margin by tiers.
 *
 * Pure arithmetic over a table of rows, one for an instrument, a venue's perpetuals or all perpetuals. With notional N
 * (quantity times price, in the quote asset):
 *
 *   initial margin      N / leverage
 *   maintenance margin  N * rate - amount, both of the tier that N falls into; the amount makes it continuous:
 *                       amount of a tier = amount of the one below + its floor * (its rate - the rate below)
 *   liquidation price   where  margin + others + q * p - cost = maintenance(|q| * p)
 *
 * with the signed quantity q, its signed cost, `margin` the balance that stands for it, and `others` what the rest of a
 * cross account adds (unrealised results less maintenance margins of its other positions; 0 where isolated). A tier
 * also bounds the leverage of positions as large as that. Sources: Binance, "How to Calculate Liquidation Price of
 * USDⓈ-M Futures Contracts" (faq b3c689c1f50a44cabb3a84e663b81d93) and "Leverage and Margin of USDⓈ-M Futures" (faq
 * 360033162192), GET /fapi/v1/leverageBracket (maintMarginRatio, cum, notionalCap, initialLeverage); Bybit,
 * "Maintenance Margin (USDT Contract)", which has the same tiers as risk limits.
 */
#ifndef NJ_EXECUTOR_MARGIN_H
#define NJ_EXECUTOR_MARGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/symbol.h"
#include "proto/event.h"
#include "services/executor/money.h"

#define MARGIN_TIERS_MAX 16
#define MARGIN_ROWS_MAX 32
#define MARGIN_TEXT_MAX 4000
#define MARGIN_LEVERAGE_MAX 1000

struct margin_tier {
	int64_t upto;     /* largest notional that is in it, CASH_SCALE; INT64_MAX any */
	int64_t rate;     /* of the maintenance margin, FEE_SCALE */
	int64_t amount;   /* taken off it, CASH_SCALE */
	int64_t leverage; /* largest that a position of this size may have */
};

struct margin {
	uint8_t mode; /* enum margin_mode */
	int64_t leverage;
	int64_t fee;  /* of a liquidation, share of the notional, FEE_SCALE */
	struct margin_tier tier[MARGIN_TIERS_MAX];
	uint32_t n;
};

struct margin_table { /* the first row that fits: of a symbol, of a venue's perpetuals, of all */
	struct margin_row {
		char key[sizeof(struct symbol)]; /* BTCUSDT-PERP.BINANCE, BINANCE-PERP, PERP */
		struct margin margin;
	} row[MARGIN_ROWS_MAX];
	uint32_t n;
};

/* The setting's default: the tiers that Binance published for BTCUSDT and, for all others, the strictest of the same
 * announcement (2021-03-18, https://www.binance.com/en/support/announcement/86cf9aa472574b8cb2e05bb751c2a9a6), with the
 * liquidationFee of its exchange information. Those of today are the account's own to look up. */
#define MARGIN_GENERAL                                                                                                 \
	"PERP cross 5 0.012 5000:0.01:50 25000:0.025:20 100000:0.05:10 250000:0.1:5 1000000:0.125:2 *:0.5:1"
#define MARGIN_DEFAULT                                                                                                 \
	"BTCUSDT-PERP.BINANCE cross 5 0.012 50000:0.004:125 250000:0.005:100 1000000:0.01:50 10000000:0.025:20 "      \
	"20000000:0.05:10 50000000:0.1:5 100000000:0.125:4 200000000:0.15:3 300000000:0.25:2 *:0.5:1, " MARGIN_GENERAL

/* The rows of "KEY cross|isolated LEVERAGE FEE UPTO:RATE:LEVERAGE …, …", the last tier's UPTO is *; behind them one for
 * all perpetuals where there is none. ERR_ARG with a reason that names the row. */
int margin_parse(struct margin_table *t, const char *text, char *reason, size_t cap);

const struct margin *margin_find(const struct margin_table *t, const struct symbol *symbol);

/* Of so much notional (>= 0) at its leverage: rounded down for a fill, up for what an order sets aside. */
int64_t margin_initial(const struct margin *m, int64_t notional);
int64_t margin_initial_up(const struct margin *m, int64_t notional);

int64_t margin_maintenance(const struct margin *m, int64_t notional);

/* The largest notional at which its leverage is allowed. */
int64_t margin_reach(const struct margin *m);

struct margined { /* a position and what stands for it */
	int64_t qty;  /* signed, not 0 */
	uint8_t qty_scale;
	int64_t cost; /* signed, CASH_SCALE */
	int64_t balance; /* margin and others */
};

/* Price at the scale at which it is liquidated, half to even; 0: at none. */
int64_t margin_liquidation_price(const struct margin *m, const struct margined *p, uint8_t price_scale);

#endif
