/* money - see money.h. */
#include "services/executor/money.h"

#include <stdbool.h>

#include "common/base/check.h"
#include "common/base/err.h"

int money_cost(struct rated w, int64_t *ret_cash)
{
	return fixed_mul(w.price, w.price_scale, w.qty, w.qty_scale, CASH_SCALE, ret_cash);
}

int money_fee(int64_t cost, int64_t rate, int64_t *ret_cash)
{
	return fixed_mul(cost, CASH_SCALE, rate, FEE_SCALE, CASH_SCALE, ret_cash);
}

/* value * 10^-from at CASH_SCALE, rounded up; value >= 0. */
static int ceil_to_cash(fixed_wide value, int from, int64_t *ret_cash)
{
	while (from < CASH_SCALE) {
		if (value > INT64_MAX)
			return ERR_RANGE;
		value *= 10;
		from++;
	}
	bool lost = false;
	while (from > CASH_SCALE) {
		lost = lost || value % 10 != 0;
		value /= 10;
		from--;
	}
	value += lost ? 1 : 0;
	if (value > INT64_MAX)
		return ERR_RANGE;
	*ret_cash = (int64_t)value;
	return 0;
}

int money_reserve(struct rated w, int64_t rate, int64_t *ret_cash)
{
	int64_t cost, fee;
	must(w.price >= 0 && w.qty >= 0 && rate >= 0);
	int rc = ceil_to_cash((fixed_wide)w.price * w.qty, w.price_scale + w.qty_scale, &cost);
	if (rc == 0)
		rc = ceil_to_cash((fixed_wide)cost * rate, CASH_SCALE + FEE_SCALE, &fee);
	if (rc == 0)
		rc = money_add(cost, fee, ret_cash);
	return rc;
}

int money_add(int64_t a, int64_t b, int64_t *ret_sum)
{
	must(a >= 0 && b >= 0);
	if (a > INT64_MAX - b)
		return ERR_RANGE;
	*ret_sum = a + b;
	return 0;
}
