/* checks - what an intent must pass before it becomes an order, each with its typed refusal. */
#include "services/executor/checks.h"

#include <string.h>

#include "common/base/err.h"

static bool valid(const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	bool limit = in->type == order_type_limit;
	return in->client_order_id[0] && (in->side == side_buy || in->side == side_sell) &&
	       (limit || in->type == order_type_market) &&
	       (in->tif == tif_gtc || in->tif == tif_ioc || in->tif == tif_fok) && in->qty > 0 &&
	       (limit ? in->price > 0 : in->price == 0) && in->price_scale <= FIXED_SCALE_MAX &&
	       in->qty_scale <= FIXED_SCALE_MAX;
}

/* One account, one quote asset: an instrument that is paid in another cannot be paid at all. */
enum reject checks_sound(const struct executor *x, const struct event *ev, const struct market *m)
{
	return valid(ev) && strcmp(m->def.quote, x->settings.quote) == 0 ? reject_none : reject_invalid;
}

enum reject checks_admission(const struct executor *x, const struct event *ev, struct market *m)
{
	if (!m || !m->known)
		return m && m->foreign ? reject_origin : reject_unknown_instrument;
	enum reject reject = checks_sound(x, ev, m);
	if (reject == reject_none)
		reject = mode_reject(&x->mode);
	if (reject != reject_none)
		return reject;
	return ev->origin != x->origin || m->foreign ? reject_origin : reject_none;
}

bool checks_expired(const struct executor *x, int64_t now, const struct event *ev)
{
	int64_t at = ev->intent.expires_at;
	if (at != 0)
		return now > at;
	return now - ev->ts_recv > x->settings.intent_expiry_ns;
}

static bool multiple(int64_t value, int64_t step)
{
	return step == 0 || value % step == 0;
}

static enum reject check_price(const struct ev_instrument *d, const struct ev_intent *in,
			       struct order *o)
{
	int rc = fixed_rescale(in->price, in->price_scale, d->price_scale, &o->price);
	if (rc != 0)
		return rc == ERR_INEXACT ? reject_tick_size : reject_price_range;
	return multiple(o->price, d->tick_size) ? reject_none : reject_tick_size;
}

static enum reject check_qty(const struct ev_instrument *d, const struct ev_intent *in,
			     struct order *o)
{
	int rc = fixed_rescale(in->qty, in->qty_scale, d->qty_scale, &o->qty);
	if (rc != 0)
		return rc == ERR_INEXACT ? reject_lot_size : reject_max_qty;
	if (!multiple(o->qty, d->lot_size))
		return reject_lot_size;
	if (o->qty < d->qty_min)
		return reject_min_qty;
	if (d->qty_max != 0 && o->qty > d->qty_max)
		return reject_max_qty;
	bool market = o->type == order_type_market;
	bool over = market && d->market_qty_max != 0 && o->qty > d->market_qty_max;
	return over ? reject_max_qty : reject_none;
}

enum reject checks_notional(const struct order *o, int64_t price)
{
	const struct market *m = o->market;
	int64_t cash;
	if (money_cost(order_rated(o, price, o->qty), &cash) != 0)
		return reject_max_notional;
	if (cash < m->notional_min)
		return reject_min_notional;
	return m->notional_max != 0 && cash > m->notional_max ? reject_max_notional : reject_none;
}

static enum reject check_range(const struct ev_instrument *d, int64_t price)
{
	bool low = price < d->price_min, high = d->price_max != 0 && price > d->price_max;
	return low || high ? reject_price_range : reject_none;
}

enum reject checks_filters(const struct ev_intent *in, struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	bool limit = o->type == order_type_limit;
	enum reject reject = d->trading ? reject_none : reject_not_trading;
	if (reject == reject_none && limit)
		reject = check_price(d, in, o);
	if (reject == reject_none)
		reject = check_qty(d, in, o);
	if (reject == reject_none && limit)
		reject = checks_notional(o, o->price);
	if (reject == reject_none && limit)
		reject = check_range(d, o->price);
	return reject;
}
