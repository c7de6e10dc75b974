/* indicators - moving averages and their kin over scaled integers, without a double.
 *
 * Each is a plain struct for a strategy's state: x_init once, x_add for each value (prices at one
 * scale); x_add returns whether *ret_value now holds the indicator. Values come back at the scale
 * of the input, rounded half to even; inside they carry INDICATOR_GUARD more decimals, so that
 * roundings do not pile up. The definitions are those of Tulip Indicators (tulipindicators.org),
 * whose published vectors are among the tests.
 */
#ifndef NJ_STRATEGY_INDICATORS_H
#define NJ_STRATEGY_INDICATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/fixed.h"

#define INDICATOR_GUARD 9        /* decimals kept beyond the input's */
#define INDICATOR_PERIOD_MAX 512 /* periods are 1 to this, or it is our bug */
#define INDICATOR_PERCENT_SCALE 4 /* of rsi: 0 to 100 with 4 decimals */

/* Exponential: first value as it is, then value += 2 / (period + 1) * (input - value). */
struct ema {
	fixed_wide value; /* at INDICATOR_GUARD more decimals */
	uint32_t period, count;
};
void ema_init(struct ema *e, uint32_t period);
bool ema_add(struct ema *e, int64_t input, int64_t *ret_value); /* from the first value on */

/* Simple: mean of the last `period` values. */
struct sma {
	int64_t ring[INDICATOR_PERIOD_MAX];
	fixed_wide sum;
	uint32_t period, count, at;
};
void sma_init(struct sma *s, uint32_t period);
bool sma_add(struct sma *s, int64_t input, int64_t *ret_value); /* from the period-th value on */

/* Wilder's: mean of the first `period` values, then value += (input - value) / period. */
struct wilder {
	fixed_wide value; /* a sum until it is full */
	uint32_t period, count;
};
void wilder_init(struct wilder *w, uint32_t period);
bool wilder_add(struct wilder *w, int64_t input, int64_t *ret_value);

/* Relative strength: 100 * up / (up + down), both Wilder averages of the moves; at
 * INDICATOR_PERCENT_SCALE. */
struct rsi {
	struct wilder up, down;
	int64_t last;
	bool begun;
};
void rsi_init(struct rsi *r, uint32_t period);
bool rsi_add(struct rsi *r, int64_t input, int64_t *ret_percent); /* 50 where nothing moved */

/* Average true range of high, low, close by Wilder; the first bar's range is high - low. */
struct atr {
	struct wilder range;
	int64_t close;
	bool begun;
};
void atr_init(struct atr *a, uint32_t period);
bool atr_add(struct atr *a, int64_t high, int64_t low, int64_t close, int64_t *ret_value);

#endif
