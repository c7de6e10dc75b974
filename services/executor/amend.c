/* amend - an open order takes another price, quantity or trigger.
 *
 * What keeps the place in the queue: less quantity at the same price, nothing else; more quantity or another price goes
 * to the back, or takes from the book where it now reaches it. The quantity is that of the whole order, with what has
 * been filled of it, and must be above that. A refusal leaves the order as it is.
 */
#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/checks.h"
#include "services/executor/link.h"
#include "services/executor/perpetual.h"
#include "services/executor/room.h"
#include "services/executor/terms.h"
#include "services/executor/trigger.h"

/* The order as it would be; 0 in the intent keeps what there is. */
static enum reject draft(const struct ev_intent *in, struct order *n)
{
	const struct ev_instrument *d = &n->market->def;
	int64_t price = 0, trigger = 0, qty = 0;
	enum reject reject = checks_price(d, in->price, in->price_scale, &price);
	if (reject == reject_none)
		reject = checks_price(d, in->trigger_price, in->price_scale, &trigger);
	if (reject != reject_none)
		return reject;
	int rc = fixed_rescale(in->qty, in->qty_scale, d->qty_scale, &qty);
	if (rc != 0)
		return rc == ERR_INEXACT ? reject_lot_size : reject_max_qty;
	if ((price != 0 && n->price == 0) || (trigger != 0 && (n->stage != stage_trigger || n->trigger == 0)))
		return reject_invalid;
	n->price = price != 0 ? price : n->price;
	n->trigger = trigger != 0 ? trigger : n->trigger;
	n->qty = qty != 0 ? qty : n->qty;
	n->revision++;
	return n->qty > n->filled ? reject_none : reject_invalid;
}

static bool sound(const struct ev_intent *in)
{
	return in->price >= 0 && in->trigger_price >= 0 && in->qty >= 0 && in->price_scale <= FIXED_SCALE_MAX &&
	       in->qty_scale <= FIXED_SCALE_MAX && (in->price > 0 || in->trigger_price > 0 || in->qty > 0);
}

/* Less at the same price, in the queue or before the trigger: only makes things safer, and keeps its place. */
static bool shrinks(const struct order *o, const struct order *n)
{
	return n->price == o->price && n->trigger == o->trigger && n->qty <= o->qty;
}

static void shrink(const struct step *s, struct order *o, const struct order *n)
{
	o->qty = n->qty;
	o->revision = n->revision;
	/* It had more than that before, so it fits. */
	int64_t keep = 0;
	bool waits = o->stage == stage_trigger;
	must((waits ? trigger_reserve(s->x, o, &keep) : fills_reserve(o, order_rest(o), &keep)) == 0);
	fills_release(s->x, o, keep);
	report_order(s, o, reject_none, "");
	report_balance(s, fills_locked_asset(s->x, o));
}

/* It waits on, with another trigger, limit or quantity. */
static enum reject wait_on(const struct step *s, uint32_t i, struct order *n)
{
	struct executor *x = s->x;
	struct asset *a = fills_locked_asset(x, n);
	int64_t had = n->locked, amount;
	if (trigger_reached(n))
		return reject_would_trigger;
	enum reject reject = room_for_position(x, n);
	if (reject == reject_none)
		reject = risk_check(s, n, trigger_likely_price(n));
	if (reject != reject_none)
		return reject;
	perpetual_claim(x, n);
	if (trigger_reserve(x, n, &amount) != 0)
		return reject_balance;
	asset_unlock(a, had);
	if (fills_lock(s, n, amount) != 0) {
		must(asset_lock(a, had) == 0);
		return reject_balance;
	}
	n->locked = amount;
	orders_remove(&x->orders, i);
	must(orders_insert(&x->orders, n) == 0);
	report_order(s, n, reject_none, "");
	report_balance(s, a);
	return reject_none;
}

static enum reject replace(const struct step *s, const struct event *ev, struct order *o)
{
	struct executor *x = s->x;
	struct order n = *o;
	if (o->stage == stage_remote)
		return reject_not_live;
	enum reject reject = sound(&ev->intent) && o->stage != stage_held ? draft(&ev->intent, &n) : reject_invalid;
	if (reject == reject_none)
		reject = checks_terms(&n, s->now);
	/* A shared quantity belongs to more than one order. */
	if (reject == reject_none && n.link_id[0] && n.qty != o->qty)
		reject = reject_invalid;
	if (reject != reject_none)
		return reject;
	if (shrinks(o, &n)) {
		shrink(s, o, &n);
		return reject_none;
	}
	reject = o->market->def.trading ? mode_reject(&x->mode) : reject_not_trading;
	if (reject == reject_none && checks_expired(x, s->now, ev))
		reject = reject_too_old;
	if (reject != reject_none)
		return reject;
	uint32_t i = (uint32_t)(o - x->orders.at);
	return o->stage == stage_trigger ? wait_on(s, i, &n) : taker_replace(s, i, &n);
}

void amend_on_intent(const struct step *s, const struct event *ev)
{
	struct order *o = intake_named(s->x, &ev->intent);
	enum reject reject = o ? replace(s, ev, o) : reject_unknown_order;
	if (reject != reject_none)
		report_refusal(s, ev, reject);
}
