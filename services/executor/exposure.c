/* exposure - see exposure.h. */
#include "services/executor/exposure.h"

#include <string.h>

#include "services/executor/link.h"
#include "services/executor/outcome.h"

int64_t exposure_add(int64_t a, int64_t b)
{
	int64_t sum;
	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a > 0 ? INT64_MAX : -INT64_MAX;
}

int64_t exposure_base(const struct market *m, int64_t qty)
{
	int64_t amount;
	if (fixed_rescale(qty, m->def.qty_scale, CASH_SCALE, &amount) == 0)
		return amount;
	return qty > 0 ? INT64_MAX : -INT64_MAX;
}

static void begin(struct executor *x, const char *strategy)
{
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		struct market *m = markets_at(&x->markets, i);
		int64_t held = strategy || !m->known ? 0 : exposure_base(m, m->position.qty);
		m->exposure = (struct exposure){.longs = held, .shorts = held};
	}
	for (uint32_t i = 0; i < x->holdings.n && strategy; i++) {
		const struct holding *h = &x->holdings.at[i];
		if (strcmp(h->strategy, strategy) == 0)
			h->market->exposure = (struct exposure){.longs = h->qty, .shorts = h->qty};
	}
}

static void count(const struct order *o)
{
	struct exposure *e = &o->market->exposure;
	int64_t rest = exposure_base(o->market, order_rest(o));
	if (o->side == side_buy)
		e->longs = exposure_add(e->longs, rest);
	else
		e->shorts = exposure_add(e->shorts, -rest);
	e->top = o->price > e->top ? o->price : e->top;
}

/* A strategy's own holding is never taken through zero by what only reduces it; the account's, which others share, may
 * be. Of a stop and a target with one quantity only one can fill it. */
static bool counts(struct executor *x, const struct order *o, const char *strategy)
{
	if (strategy && o->reduce_only)
		return false;
	return o->leg != order_leg_stop || !link_other(x, o);
}

int64_t exposure_collect(struct executor *x, const char *strategy, const struct market *only,
			 const struct order *leave_out)
{
	int64_t n = 0;
	begin(x, strategy);
	for (uint32_t i = 0; i < x->orders.n; i++) {
		const struct order *o = &x->orders.at[i];
		bool same = leave_out && strcmp(o->client_order_id, leave_out->client_order_id) == 0;
		if (same || (strategy && strcmp(o->strategy, strategy) != 0))
			continue;
		n += !only || o->market == only;
		if (counts(x, o, strategy))
			count(o);
	}
	return n;
}

int64_t exposure_worth(const struct market *m, int64_t amount, int64_t twice_price)
{
	fixed_wide twice = (fixed_wide)amount * twice_price;
	fixed_wide value = fixed_div_round(twice, (fixed_wide)2 * fixed_pow10(m->def.price_scale));
	if (value > INT64_MAX)
		return INT64_MAX;
	return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

int64_t exposure_price(const struct market *m, bool is_short, int64_t twice_price)
{
	if (!is_short || !outcome_both(m))
		return twice_price;
	int64_t all = 2 * fixed_pow10(m->def.price_scale);
	return twice_price < all ? all - twice_price : 0;
}

static int64_t end_worth(const struct market *m, int64_t amount, struct exposure_prices p)
{
	return exposure_worth(m, exposure_abs(amount), amount < 0 ? p.shorts : p.longs);
}

int64_t exposure_at_stake(const struct market *m, const struct exposure *e, struct exposure_prices p)
{
	int64_t longs = end_worth(m, e->longs, p), shorts = end_worth(m, e->shorts, p);
	return longs > shorts ? longs : shorts;
}

int64_t exposure_mark(const struct market *m, bool is_short)
{
	const struct position *p = &m->position;
	int64_t price = 0;
	if (is_short && outcome_both(m))
		return exposure_price(m, true, m->mark);
	if (m->mark != 0)
		return m->mark;
	if (p->qty != 0 && fixed_div(p->cost, CASH_SCALE, p->qty, m->def.qty_scale, m->def.price_scale, &price) != 0)
		price = 0;
	if (price < m->exposure.top)
		price = m->exposure.top;
	return price > INT64_MAX / 2 ? INT64_MAX : 2 * price;
}
