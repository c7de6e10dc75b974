/* own_money - what our journal's fills, fundings and balances make of the books, where the inputs are gone.
 *
 * Nothing is booked before all of it is known to fit: a record that was damaged moves no money.
 */
#include "services/executor/own.h"

#include <stdio.h>
#include <string.h>

#include "services/executor/perpetual.h"

static void add(struct asset *a, int64_t amount)
{
	int64_t sum;
	if (a && !__builtin_add_overflow(a->total, amount, &sum))
		a->total = sum > 0 ? sum : 0;
}

/* The balances that follow say the same, unless the journal ends in between. */
static void move_money(struct executor *x, const struct ev_fill *e, const struct order *o, int64_t cost,
		       int64_t *locked)
{
	bool buys = outcome_pays(o);
	int64_t base;
	if (fixed_rescale(e->qty, e->qty_scale, CASH_SCALE, &base) != 0)
		return;
	add(outcome_asset(&x->account, o->market, o->outcome), buys ? base : -base);
	add(quotes_asset(x, o->market), (buys ? -cost : cost) - e->fee);
	int64_t paid = buys ? cost + e->fee : base;
	if (paid > 0) /* a rebate can be more */
		*locked -= paid < *locked ? paid : *locked;
}

/* The order of a fill as far as its money goes: that in the table, or what it must have been. */
static struct order order_of(struct executor *x, const struct ev_fill *e, struct market *m, const struct order *found)
{
	struct order o = {.market = m, .side = e->side, .qty = e->qty};
	if (found)
		return *found;
	outcome_choose(&x->account, &o);
	return o;
}

static void hold(struct executor *x, const struct ev_fill *e, struct market *m)
{
	int64_t base;
	if (fixed_rescale(e->qty, e->qty_scale, CASH_SCALE, &base) == 0)
		holdings_add(&x->holdings, e->strategy, m, e->side == side_buy ? base : -base);
}

/* The fee is what the journal says; what its rounding carries over is worked out again. */
static void follow_order(struct order *o, const struct ev_fill *e, struct rated what, int64_t paid)
{
	struct deal d = {.what = what,
			 .cost = paid,
			 .side = outcome_pays(o) ? side_buy : side_sell,
			 .liquidity = e->liquidity,
			 .carry = o->fee_carry};
	d.what.price = outcome_price(o->market, o->outcome, what.price);
	if (fees_of(&o->market->fees, &d) == 0)
		o->fee_carry = d.carry;
}

/* What does not rest is not in the table: fills of one order follow each other then. Of a liquidation each is one. */
static void recall_loss(struct executor *x, int64_t at, const struct ev_fill *e, struct order *o)
{
	struct order gone = {.market = own_market(x, &e->instrument), .ordinal = 1};
	event_set_name(gone.client_order_id, e->client_order_id);
	bool forced = e->liquidity == liquidity_liquidated;
	gone.lost = !forced && strcmp(x->guard.last_id, e->client_order_id) == 0;
	if (!x->taking_own || o || forced)
		guard_on_fill(x, at, o ? o : &gone, e->realised);
}

static void quarantine(struct executor *x, const struct ev_fill *e, const char *why)
{
	own_disbelieve(x, "Fill %llu of order %s in the journal was not booked: %s.", (unsigned long long)e->fill_id,
		   e->client_order_id, why);
}

static const char *why_not(const struct executor *x, const struct ev_fill *e, const struct market *m,
			   const struct order *o)
{
	if (e->fill_id <= x->fills)
		return "its number was there before";
	if (!m)
		return "its instrument is unknown";
	bool own = e->liquidity == liquidity_settled || e->liquidity == liquidity_liquidated;
	bool known = o || own || strcmp(x->taking, e->client_order_id) == 0;
	return known ? NULL : "its order is unknown";
}

struct sums { /* what a fill makes of them; nothing is booked before all is known to fit */
	int64_t cost, paid; /* of the fill: by the instrument's price, and what moves for it */
	int64_t order_cost, realised, fees;
	struct position position;
};

/* True: the amounts that leave or come fit, too. */
static bool nets_fit(int64_t amount, int64_t fee)
{
	int64_t net;
	return fee != INT64_MIN && !__builtin_add_overflow(amount, fee, &net) &&
	       !__builtin_sub_overflow(amount, fee, &net);
}

static bool sum_up(struct executor *x, const struct ev_fill *e, struct market *m, const struct order *o,
		   struct sums *ret)
{
	struct rated what = {e->price, e->qty, e->price_scale, e->qty_scale};
	const struct asset *money = quotes_asset(x, m);
	int64_t gain, held = o ? o->cost : 0;
	ret->position = m->position;
	return e->price >= 0 && e->qty > 0 &&
	       outcome_cost(m, order_of(x, e, m, o).outcome, what, &ret->paid, &ret->cost) == 0 && ret->cost >= 0 &&
	       nets_fit(ret->cost, e->fee) && nets_fit(ret->paid, e->fee) &&
	       position_apply(&ret->position, e->side, e->qty, ret->cost, &gain) == 0 &&
	       !__builtin_add_overflow(ret->position.fees, e->fee, &ret->position.fees) &&
	       !__builtin_add_overflow(held, ret->cost, &ret->order_cost) &&
	       !__builtin_add_overflow(money->realised, e->realised, &ret->realised) &&
	       !__builtin_add_overflow(money->fees, e->fee, &ret->fees);
}

static void book(struct executor *x, const struct ev_fill *e, struct market *m, struct order *o, const struct sums *s)
{
	struct order of = order_of(x, e, m, o);
	struct execution done = {.qty = e->qty, .cost = s->cost, .fee = e->fee, .realised = e->realised};
	int64_t no_lock = 0;
	quotes_asset(x, m)->realised = s->realised;
	quotes_asset(x, m)->fees = s->fees;
	if (o) {
		o->cost = s->order_cost;
		follow_order(o, e, (struct rated){e->price, e->qty, e->price_scale, e->qty_scale}, s->paid);
	}
	if (market_margined(m) && e->liquidity != liquidity_liquidated)
		perpetual_recall(x, o ? o : &of, &done, &s->position);
	m->position = s->position;
	hold(x, e, m);
	int64_t paid = remote_in_base(m, e) ? 0 : e->fee;
	allocation_on_cash(x, e->strategy, m, (e->side == side_buy ? -s->cost : s->cost) - paid);
	remote_recall(x, m, e);
	if (!market_margined(m))
		move_money(x, e, &of, s->paid, o ? &o->locked : &no_lock);
}

void own_fill(struct executor *x, int64_t at, const struct ev_fill *e)
{
	struct order *o = orders_find(&x->orders, e->client_order_id);
	struct market *m = own_market(x, &e->instrument);
	struct sums s;
	const char *wrong = why_not(x, e, m, o);
	if (!wrong && !sum_up(x, e, m, o, &s))
		wrong = "its amounts do not fit";
	if (wrong) {
		quarantine(x, e, wrong);
		return;
	}
	x->fills = e->fill_id;
	book(x, e, m, o, &s);
	if (e->liquidity != liquidity_settled)
		recall_loss(x, at, e, o);
}

/* Of a perpetual; a journal of before they were on margin says nothing of its leverage. */
void own_position(struct executor *x, const struct ev_position *e)
{
	struct market *m = own_market(x, &e->instrument);
	if (!m || !market_margined(m) || e->margin < 0)
		return;
	m->perpetual.margin = m->position.qty != 0 ? e->margin : 0;
	m->perpetual.funding = e->funding;
	if (e->leverage != 0 || e->qty == 0)
		return;
	struct ev_command c = {.verb = verb_safe};
	event_set_name(c.target, "recovery");
	event_set_name(c.owner, "executor");
	snprintf(c.reason, sizeof(c.reason), "The journal holds %s as if it had been delivered: its margin is unknown.",
		 e->instrument.s);
	mode_raise(&x->mode, &c);
}

void own_funding(struct executor *x, const struct ev_funding *e)
{
	struct market *m = own_market(x, &e->instrument);
	if (!m || !market_margined(m))
		return;
	struct asset *wallet = perpetual_wallet(x, m);
	int64_t all, own, insured;
	if (e->amount == INT64_MIN || __builtin_add_overflow(wallet->funding, e->amount, &all) ||
	    __builtin_add_overflow(m->perpetual.funding, e->amount, &own) ||
	    (e->amount < 0 && __builtin_sub_overflow(wallet->insured, e->amount, &insured))) {
		own_disbelieve(x, "A funding of %s in the journal was not booked: it does not fit.", e->instrument.s);
		return;
	}
	wallet->funding = all;
	m->perpetual.funding = own;
	allocation_on_cash(x, e->strategy, m, e->amount);
	if (e->amount > 0)
		add(wallet, e->amount);
	else
		wallet->insured += perpetual_pay(x, m, -e->amount);
}

/* Its fills say no more of money. */
void own_liquidated(struct executor *x, int64_t at, const struct ev_liquidated *e)
{
	struct market *m = own_market(x, &e->instrument);
	if (!m || !market_margined(m))
		return;
	loud_note(m, at, e);
	struct asset *wallet = perpetual_wallet(x, m);
	fixed_wide change = (fixed_wide)e->realised - e->fee + e->insured;
	int64_t insured;
	if (change > INT64_MAX || change < -INT64_MAX ||
	    __builtin_add_overflow(wallet->insured, e->insured, &insured)) {
		own_disbelieve(x, "A liquidation of %s in the journal was not booked: it does not fit.",
			       e->instrument.s);
		return;
	}
	wallet->insured = insured;
	(void)perpetual_end(x, m, (int64_t)change);
}

/* What the orders lock of an asset, at most so much: roundings are the last order's to bear. */
static void share_locks(struct executor *x, const struct asset *a, int64_t most)
{
	for (uint32_t i = 0; i < x->orders.n; i++) {
		struct order *o = &x->orders.at[i];
		if (fills_locked_asset(x, o) != a)
			continue;
		o->locked = o->locked < most ? o->locked : most;
		most -= o->locked;
	}
}

void own_balance(struct executor *x, const struct ev_balance *e)
{
	struct asset *a = account_asset(&x->account, e->asset);
	if (!a)
		return;
	if (e->total < 0) {
		own_disbelieve(x, "A balance of %s in the journal was not taken over: it is negative.", e->asset);
		return;
	}
	a->total = e->total;
	int64_t margins = perpetual_margins(x, a);
	share_locks(x, a, e->locked > margins ? e->locked - margins : 0);
}

/* The journal may end at any record: after each, assets lock exactly what positions and orders hold of them. */
void own_relock(struct executor *x)
{
	for (uint32_t i = 0; i < x->account.n; i++)
		x->account.asset[i].locked = 0;
	perpetual_relock(x);
	for (uint32_t i = 0; i < x->orders.n; i++) {
		struct order *o = &x->orders.at[i];
		struct asset *a = fills_locked_asset(x, o);
		if (!a)
			continue;
		o->locked = o->locked < asset_free(a) ? o->locked : asset_free(a);
		a->locked += o->locked;
	}
}
