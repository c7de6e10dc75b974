/* taker - a checked order meets the book: what it takes now, and whether the rest of it rests. */
#include "common/base/check.h"
#include "services/executor/checks.h"

static bool may_rest(const struct order *o)
{
	return o->type == order_type_limit && o->tif == tif_gtc;
}

static enum reject check_book(const struct step *s, const struct order *o)
{
	const struct market *m = o->market;
	enum side against = walk_against(o->side);
	enum reject reject = market_usable(m, s->now, s->x->settings.stale_ns);
	if (reject != reject_none || o->type == order_type_limit)
		return reject;
	/* The venue's filter speaks of a price; a market order's is the one it begins at. */
	if (book_depth(&m->book, against) == 0)
		return reject_depth;
	return checks_notional(o, book_level(&m->book, against, 0)->price);
}

static enum reject check_reach(const struct order *o, const struct walk *w)
{
	if (o->tif == tif_fok && w->found < w->qty)
		return reject_not_fillable;
	return o->type == order_type_market && w->found == 0 ? reject_depth : reject_none;
}

/* The worst price at which any of it can fill. */
static int64_t worst_price(const struct order *o, const struct walk *w)
{
	return o->type == order_type_market ? w->at[w->n - 1].price : o->price;
}

/* A limit order is covered at its limit, and to the last unit for the roundings of each level it
 * takes. */
static int needed(const struct order *o, const struct walk *w, int64_t *ret_amount)
{
	int64_t taken, rest, all;
	if (o->side == side_sell)
		return fills_reserve(o, o->qty, ret_amount);
	int rc = money_add(w->cost, w->fees, &taken);
	if (rc != 0 || o->type == order_type_market) {
		if (rc == 0)
			*ret_amount = taken;
		return rc;
	}
	rc = fills_reserve(o, o->qty - w->found, &rest);
	if (rc == 0)
		rc = fills_reserve(o, o->qty, &all);
	if (rc == 0)
		rc = money_add(taken, rest, &taken);
	if (rc == 0)
		*ret_amount = all > taken ? all : taken;
	return rc;
}

static enum reject set_aside(struct executor *x, struct order *o, const struct walk *w)
{
	int64_t amount;
	if (may_rest(o) && x->orders.n == x->orders.max)
		return reject_limit_orders;
	if (needed(o, w, &amount) != 0)
		return reject_balance;
	if (asset_lock(fills_locked_asset(x, o), amount) != 0)
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

static void conclude(const struct step *s, struct order *o, bool well)
{
	bool moved = o->filled > 0;
	if (order_rest(o) == 0) {
		fills_settle(s, o);
	} else if (!well) {
		fills_close(s, o, reject_balance, moved);
	} else if (!may_rest(o)) {
		fills_close(s, o, o->type == order_type_market ? reject_depth : reject_none, moved);
	} else {
		o->ahead = maker_ahead(o);
		if (moved)
			fills_settle(s, o);
		else
			report_balance(s, fills_locked_asset(s->x, o));
		must(orders_insert(&s->x->orders, o) == 0);
	}
}

enum reject taker_place(const struct step *s, struct order *o)
{
	struct executor *x = s->x;
	struct walk *w = &x->walk;
	enum reject reject = check_book(s, o);
	if (reject != reject_none)
		return reject;
	*w = (struct walk){.side = o->side, .limit = o->price, .qty = o->qty};
	if (walk_book(o->market, w) != 0)
		return reject_max_notional;
	reject = check_reach(o, w);
	if (reject == reject_none)
		reject = risk_check(s, o, worst_price(o, w));
	if (reject == reject_none)
		reject = set_aside(x, o, w);
	if (reject != reject_none)
		return reject;
	x->counters.orders++;
	risk_on_order(x, s->now, o);
	o->status = order_status_open;
	report_order(s, o, reject_none, "");
	conclude(s, o, take(s, o, w));
	return reject_none;
}
