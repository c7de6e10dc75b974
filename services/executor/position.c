/* position - see position.h. */
#include "services/executor/position.h"

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

static int fits(fixed_wide v)
{
	return v >= -INT64_MAX && v <= INT64_MAX;
}

/* part of whole's share in value, half to even; whole > 0. */
static int64_t share(int64_t value, int64_t part, int64_t whole)
{
	return (int64_t)fixed_div_round((fixed_wide)value * part, whole);
}

int position_apply(struct position *p, enum side side, int64_t qty, int64_t cash,
		   int64_t *ret_realised)
{
	must(qty > 0 && cash >= 0);
	int64_t sign = side == side_buy ? 1 : -1;
	int64_t held = magnitude(p->qty);
	int64_t closing = p->qty * sign >= 0 ? 0 : (qty < held ? qty : held);
	/* The closing part is worth its share of the cash, the rest opens or grows. */
	int64_t closing_cash = closing == 0 ? 0 : share(cash, closing, qty);
	int64_t released = closing == 0 ? 0 : share(p->cost, closing, held);
	fixed_wide now = (fixed_wide)p->qty + sign * qty;
	fixed_wide cost = (fixed_wide)p->cost - released + sign * (cash - closing_cash);
	fixed_wide gain = closing == 0 ? 0 : (fixed_wide)-sign * closing_cash - released;
	fixed_wide realised = (fixed_wide)p->realised + gain;
	if (!fits(now) || !fits(cost) || !fits(gain) || !fits(realised))
		return ERR_RANGE;
	p->qty = (int64_t)now;
	p->cost = (int64_t)cost;
	p->realised = (int64_t)realised;
	*ret_realised = (int64_t)gain;
	return 0;
}
