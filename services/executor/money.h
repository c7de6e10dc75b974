/* money - prices times quantities and fees as cash, exact or rounded half to even. */
#ifndef NJ_EXECUTOR_MONEY_H
#define NJ_EXECUTOR_MONEY_H

#include "common/base/fixed.h"

#define CASH_SCALE 8 /* decimals of every amount of an asset that the executor keeps */
#define FEE_SCALE 8  /* decimals of a fee rate: 100000 is 0.001 */
#define FEE_MAX 10000000 /* largest rate a setting may give: 0.1 */

struct rated { /* a price and a quantity with their scales */
	int64_t price, qty;
	uint8_t price_scale, qty_scale;
};

/* price * qty at CASH_SCALE, half to even; ERR_RANGE. */
int money_cost(struct rated what, int64_t *ret_cash);

/* cost * rate at CASH_SCALE, half to even; cost >= 0. */
int money_fee(int64_t cost, int64_t rate, int64_t *ret_cash);

/* What must be set aside to pay price * qty and its fee: both rounded up; ERR_RANGE. */
int money_reserve(struct rated what, int64_t rate, int64_t *ret_cash);

/* a + b, both >= 0; ERR_RANGE where it does not fit. */
int money_add(int64_t a, int64_t b, int64_t *ret_sum);

#endif
