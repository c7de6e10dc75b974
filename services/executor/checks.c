/* checks - what an intent must pass before it becomes an order, each with its typed refusal. */
#include "services/executor/checks.h"

#include <string.h>

#include "common/base/err.h"
#include "proto/grid.h"
#include "services/executor/band.h"
#include "services/executor/terms.h"

#define SHARE_WHOLE 10000 /* 1 in the instrument's shares */

/* What is paid in an asset that the account does not pay in cannot be paid at all. */
enum reject checks_sound(const struct event *ev, const struct market *m)
{
	bool sound = ev->intent.client_order_id[0] && terms_sound(&ev->intent);
	sound = sound && (ev->intent.trigger_by != trigger_by_mark || market_margined(m));
	return sound && m->quote != MARKET_NO_QUOTE ? reject_none : reject_invalid;
}

enum reject checks_admission(const struct executor *x, const struct event *ev, struct market *m)
{
	if (!m || !m->known)
		return m && m->foreign ? reject_origin : reject_unknown_instrument;
	enum reject reject = quotes_open_for(x, m) ? checks_sound(ev, m) : reject_invalid;
	if (reject == reject_none)
		reject = mode_reject(&x->mode);
	if (reject != reject_none)
		return reject;
	return ev->origin != x->origin || m->foreign ? reject_origin : reject_none;
}

bool checks_expired(const struct executor *x, int64_t now, const struct event *ev)
{
	int64_t at = ev->intent.expires_at;
	if (ev->intent.good_until != 0 && ev->intent.good_until <= now)
		return true;
	if (at != 0)
		return now > at;
	return now - ev->ts_recv > x->settings.intent_expiry_ns;
}

static bool multiple(int64_t value, int64_t step)
{
	return step == 0 || value % step == 0;
}

static enum reject rescaled(const struct ev_instrument *d, int64_t price, uint8_t scale, int64_t *ret_price)
{
	int64_t to = 0;
	int rc = fixed_rescale(price, scale, d->price_scale, &to);
	if (rc != 0)
		return rc == ERR_INEXACT ? reject_tick_size : reject_price_range;
	if (to > ORDERS_PRICE_MAX)
		return reject_price_range;
	*ret_price = to;
	return reject_none;
}

enum reject checks_price(const struct ev_instrument *d, int64_t price, uint8_t scale, int64_t *ret_price)
{
	enum reject reject = rescaled(d, price, scale, ret_price);
	return reject != reject_none || grid_holds(d, *ret_price) ? reject : reject_tick_size;
}

/* How far from a price, not a price: whatever range that will be in. */
static enum reject check_distance(const struct ev_instrument *d, int64_t price, uint8_t scale, int64_t *ret_price)
{
	enum reject reject = rescaled(d, price, scale, ret_price);
	return reject != reject_none || multiple(*ret_price, d->tick_size) ? reject : reject_tick_size;
}

static enum reject check_prices(const struct ev_instrument *d, const struct ev_intent *in, struct order *o)
{
	enum reject reject = checks_price(d, in->price, in->price_scale, &o->price);
	if (reject == reject_none)
		reject = checks_price(d, in->trigger_price, in->price_scale, &o->trigger);
	if (reject == reject_none)
		reject = check_distance(d, in->trail, in->price_scale, &o->trail);
	return reject;
}

static enum reject take_size(const struct ev_instrument *d, const struct ev_intent *in, struct order *o)
{
	int rc = fixed_rescale(in->qty, in->qty_scale, d->qty_scale, &o->qty);
	if (rc != 0)
		return rc == ERR_INEXACT ? reject_lot_size : reject_max_qty;
	/* Finer than any money there is: the rest of it buys nothing. */
	rc = fixed_rescale(in->amount, in->cash_scale, CASH_SCALE, &o->amount);
	return rc == 0 ? reject_none : rc == ERR_INEXACT ? reject_invalid : reject_max_notional;
}

/* The venue's further filter for orders at market. */
static enum reject market_qty(const struct ev_instrument *d, int64_t qty)
{
	if (!multiple(qty, d->market_lot_size))
		return reject_lot_size;
	if (qty < d->market_qty_min)
		return reject_min_qty;
	return d->market_qty_max != 0 && qty > d->market_qty_max ? reject_max_qty : reject_none;
}

static enum reject limit_qty(const struct ev_instrument *d, int64_t qty)
{
	if (!multiple(qty, d->lot_size))
		return reject_lot_size;
	if (qty < d->qty_min)
		return reject_min_qty;
	return d->qty_max != 0 && qty > d->qty_max ? reject_max_qty : reject_none;
}

bool checks_only_at_market(const struct ev_instrument *d, const struct ev_intent *in)
{
	int64_t qty;
	if (in->price != 0 || fixed_rescale(in->qty, in->qty_scale, d->qty_scale, &qty) != 0)
		return false;
	return in->amount != 0 || limit_qty(d, qty) == reject_none;
}

enum reject checks_qty(const struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	enum reject reject = limit_qty(d, o->qty);
	if (reject != reject_none)
		return reject;
	return order_limited(o) ? reject_none : market_qty(d, o->qty);
}

/* Stops alone trail: above the price where they buy, below it where they sell. */
enum reject checks_trail(const struct order *o, int64_t price)
{
	const struct ev_instrument *d = &o->market->def;
	uint32_t least = o->side == side_buy ? d->trail_above_min : d->trail_below_min;
	uint32_t most = o->side == side_buy ? d->trail_above_max : d->trail_below_max;
	if (o->type != order_type_trailing_stop || (o->trail_bp == 0 && price == 0))
		return reject_none;
	fixed_wide by = o->trail_bp != 0 ? o->trail_bp : (fixed_wide)o->trail * SHARE_WHOLE;
	fixed_wide unit = o->trail_bp != 0 ? 1 : price;
	return by < least * unit || (most != 0 && by > most * unit) ? reject_trail : reject_none;
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

enum reject checks_range(const struct ev_instrument *d, int64_t price)
{
	if (d->kind == instrument_kind_event && price >= fixed_pow10(d->price_scale))
		return reject_price_range;
	bool low = price < d->price_min, high = d->price_max != 0 && price > d->price_max;
	return price != 0 && (low || high) ? reject_price_range : reject_none;
}

/* What is known of the price at which it will trade: its limit, else its trigger, else nothing before the book. */
static int64_t likely_price(const struct order *o)
{
	return o->price != 0 ? o->price : o->trigger;
}

enum reject checks_terms(const struct order *o, int64_t now)
{
	const struct ev_instrument *d = &o->market->def;
	int64_t price = likely_price(o);
	enum reject reject = o->amount == 0 ? checks_qty(o) : reject_none;
	if (reject == reject_none && price != 0)
		reject = checks_notional(o, price);
	if (reject == reject_none)
		reject = checks_range(d, o->price);
	if (reject == reject_none)
		reject = checks_range(d, o->trigger);
	if (reject == reject_none && o->price != 0)
		reject = band_check(o->market, now, o->side, o->price);
	return reject;
}

enum reject checks_filters(const struct ev_intent *in, int64_t now, struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	enum reject reject = d->trading ? reject_none : reject_not_trading;
	if (reject == reject_none)
		reject = check_prices(d, in, o);
	if (reject == reject_none)
		reject = take_size(d, in, o);
	return reject == reject_none ? checks_terms(o, now) : reject;
}
