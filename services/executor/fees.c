/* fees - see fees.h. */
#include "services/executor/fees.h"

int fees_of(const struct fees *f, struct deal *d)
{
	return money_fee(d->cost, d->liquidity == liquidity_maker ? f->maker : f->taker, &d->fee);
}

int fees_reserve(const struct fees *f, struct rated what, int64_t *ret_amount)
{
	return money_reserve(what, f->maker > f->taker ? f->maker : f->taker, ret_amount);
}
