/* taker - a checked order meets the book: what it takes now, and whether the rest of it rests. */
#include "common/base/check.h"
#include "services/executor/checks.h"
#include "services/executor/perpetual.h"
#include "services/executor/room.h"

#define LEGS_MAX 2 /* orders that an order may bring with it: link.h */

static enum reject check_book(const struct step *s, const struct order *o)
{
	const struct market *m = o->market;
	enum side against = walk_against(o->side);
	enum reject reject = market_usable(m, s->now, s->x->settings.stale_ns);
	if (reject != reject_none || order_limited(o))
		return reject;
	return book_depth(&m->book, against) == 0 ? reject_depth : reject_none;
}

/* Would a venue match it at once? What we have taken of a level it would not know of. */
static bool would_match(const struct order *o)
{
	enum side against = walk_against(o->side);
	const struct book *b = &o->market->book;
	return book_depth(b, against) > 0 && walk_reaches(o->side, o->price, book_level(b, against, 0)->price);
}

/* Cuts an order that may only reduce down to what there is to reduce. */
static enum reject cut(const struct step *s, struct order *o)
{
	int64_t most = market_whole_lots(o->market, holdings_reducible(&s->x->holdings, o), !order_limited(o));
	if (most <= 0)
		return reject_reduce_only;
	if (order_rest(o) > most)
		o->qty = o->filled + most;
	return reject_none;
}

/* What an amount of money buys now, in whole lots. */
static enum reject size_by_amount(const struct step *s, struct order *o)
{
	struct walk *w = &s->x->walk;
	*w = (struct walk){.side = o->side, .qty = INT64_MAX, .amount = o->amount};
	if (walk_book(o->market, w) != 0)
		return reject_max_notional;
	o->qty = market_whole_lots(o->market, w->found, true);
	return o->qty == 0 ? reject_min_notional : checks_qty(o);
}

/* The venue's filters speak of a price; an order's at market is the one it begins at. */
static enum reject check_start(const struct order *o)
{
	if (order_limited(o))
		return reject_none;
	return checks_notional(o, book_level(&o->market->book, walk_against(o->side), 0)->price);
}

/* Everything about the order that only the moment can tell. */
static enum reject check_now(const struct step *s, struct order *o)
{
	enum reject reject = check_book(s, o);
	if (reject == reject_none && o->amount != 0 && o->qty == 0)
		reject = size_by_amount(s, o);
	if (reject == reject_none && o->post_only && would_match(o))
		reject = reject_post_only;
	if (reject == reject_none)
		reject = check_start(o);
	if (reject == reject_none)
		reject = room_for_position(s->x, o);
	/* After the filters: venues do not hold a closing order's size against it. */
	if (reject == reject_none && o->reduce_only)
		reject = cut(s, o);
	return reject;
}

static enum reject check_reach(const struct order *o, const struct walk *w)
{
	if (o->tif == tif_fok && w->found < w->qty)
		return reject_not_fillable;
	return !order_limited(o) && w->found == 0 ? reject_depth : reject_none;
}

/* The worst price at which any of it can fill. */
static int64_t worst_price(const struct order *o, const struct walk *w)
{
	return order_limited(o) ? o->price : w->at[w->n - 1].price;
}

/* A limit order is covered at its limit, and to the last unit for the roundings of each level it
 * takes. */
static int needed(const struct order *o, const struct walk *w, int64_t *ret_amount)
{
	int64_t taken, rest, all;
	if (market_margined(o->market))
		return perpetual_needed(o, w, ret_amount);
	if (!outcome_pays(o))
		return fills_reserve(o, order_rest(o), ret_amount);
	int rc = money_add(w->cost, w->fees, &taken);
	if (rc != 0 || !order_limited(o)) {
		if (rc == 0)
			*ret_amount = taken;
		return rc;
	}
	rc = fills_reserve(o, order_rest(o) - w->found, &rest);
	if (rc == 0)
		rc = fills_reserve(o, order_rest(o), &all);
	if (rc == 0)
		rc = money_add(taken, rest, &taken);
	if (rc == 0)
		*ret_amount = all > taken ? all : taken;
	return rc;
}

/* slots: what it may need in the table of orders. */
static enum reject set_aside(const struct step *s, struct order *o, const struct walk *w, uint32_t slots)
{
	struct executor *x = s->x;
	int64_t amount;
	if (slots > x->orders.max - x->orders.n)
		return reject_limit_orders;
	if (needed(o, w, &amount) != 0)
		return reject_balance;
	bool held = market_margined(o->market) || outcome_asset(&x->account, o->market, o->outcome);
	if (!held || fills_lock(s, o, amount) != 0)
		return reject_balance;
	o->locked = amount;
	return reject_none;
}

/* Executes what was found, level by level. Returns whether all of it went well. */
static bool take(const struct step *s, struct order *o, const struct walk *w)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct execution e = {
			.price = w->at[i].price,
			.qty = w->at[i].qty,
			.liquidity = liquidity_taker,
		};
		if (fills_execute(s, o, &e) != 0)
			return false;
		market_take(o->market, walk_against(o->side), e.price, e.qty);
	}
	return true;
}

/* `before` of it was filled when the step began. */
static void conclude(const struct step *s, struct order *o, int64_t before, bool well)
{
	bool moved = o->filled > before;
	if (order_rest(o) == 0) {
		fills_settle(s, o);
	} else if (!well) {
		fills_close(s, o, reject_balance, moved);
	} else if (!order_may_rest(o)) {
		fills_close(s, o, order_limited(o) ? reject_none : reject_depth, moved);
	} else {
		o->stage = stage_resting;
		queue_join(o);
		if (moved)
			fills_settle(s, o);
		else
			report_balance(s, fills_locked_asset(s->x, o));
		must(orders_insert(&s->x->orders, o) == 0);
	}
}

/* What the book gives it now goes to the walk, and its money is set aside. */
static enum reject plan(const struct step *s, struct order *o, uint32_t slots)
{
	struct walk *w = &s->x->walk;
	enum reject reject = check_now(s, o);
	if (reject != reject_none)
		return reject;
	reject = remote_check(s->x, o);
	if (reject != reject_none)
		return reject;
	outcome_choose(&s->x->account, o);
	*w = (struct walk){.side = o->side, .limit = o->price, .qty = order_rest(o), .outcome = o->outcome};
	if (walk_book(o->market, w) != 0)
		return reject_max_notional;
	reject = check_reach(o, w);
	if (reject == reject_none)
		reject = risk_check(s, o, worst_price(o, w));
	perpetual_claim(s->x, o);
	if (reject == reject_none)
		reject = perpetual_check(s, o, worst_price(o, w));
	return reject == reject_none ? set_aside(s, o, w, slots) : reject;
}

enum reject taker_place(const struct step *s, struct order *o)
{
	uint32_t legs = o->link != order_link_none ? LEGS_MAX : 0;
	bool remote = s->x->settings.remote;
	enum reject reject = plan(s, o, (order_may_rest(o) || remote) + legs);
	if (reject != reject_none)
		return reject;
	if (remote) {
		risk_on_order(s->x, s->now, o);
		remote_submit(s, o);
		return reject_none;
	}
	s->x->counters.orders++;
	risk_on_order(s->x, s->now, o);
	o->status = order_status_open;
	report_order(s, o, reject_none, "");
	conclude(s, o, 0, take(s, o, &s->x->walk));
	return reject_none;
}

void taker_go_on(const struct step *s, struct order *o)
{
	int64_t before = o->filled, qty = o->qty;
	fills_unlock(s->x, o);
	enum reject reject = plan(s, o, order_may_rest(o) || s->x->settings.remote);
	if (reject == reject_none && s->x->settings.remote) {
		remote_submit(s, o);
		return;
	}
	if (reject == reject_none) {
		if (o->qty != qty) /* cut to what there is to reduce */
			report_order(s, o, reject_none, "");
		conclude(s, o, before, take(s, o, &s->x->walk));
		return;
	}
	/* A target that the market refuses stands alone from here: what protects the holding must not end with it. */
	if (o->leg == order_leg_target)
		o->link_id[0] = '\0';
	fills_close(s, o, reject, false);
}

enum reject taker_replace(const struct step *s, uint32_t i, struct order *n)
{
	struct asset *a = fills_locked_asset(s->x, n);
	int64_t had = n->locked, before = n->filled;
	asset_unlock(a, had);
	n->locked = 0;
	enum reject reject = plan(s, n, 0);
	if (reject != reject_none) {
		must(asset_lock(a, had) == 0);
		return reject;
	}
	orders_remove(&s->x->orders, i);
	report_order(s, n, reject_none, "");
	conclude(s, n, before, take(s, n, &s->x->walk));
	return reject_none;
}
