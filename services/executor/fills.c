/* fills - what an execution does to the order, the money and the position, and its reports. */
#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/link.h"
#include "services/executor/perpetual.h"

struct transfer { /* what an execution moves; nothing is booked before all of it is known to fit */
	int64_t base, pay, receive; /* amounts at CASH_SCALE */
	int64_t order_cost, fees, realised;
	struct position position;
};

struct asset *fills_locked_asset(struct executor *x, const struct order *o)
{
	bool money = market_margined(o->market) || outcome_pays(o);
	return money ? quotes_asset(x, o->market) : outcome_asset(&x->account, o->market, o->outcome);
}

int fills_reserve(const struct order *o, int64_t rest, int64_t *ret_amount)
{
	if (market_margined(o->market))
		return perpetual_reserve(o, rest, ret_amount);
	if (!outcome_pays(o))
		return fixed_rescale(rest, o->market->def.qty_scale, CASH_SCALE, ret_amount);
	int64_t price = outcome_price(o->market, o->outcome, o->price);
	return price > 0 ? fees_reserve(&o->market->fees, order_rated(o, price, rest), ret_amount) : ERR_RANGE;
}

static int price_it(const struct order *o, struct execution *e)
{
	struct deal d = {.what = order_rated(o, outcome_price(o->market, o->outcome, e->price), e->qty),
			 .side = outcome_pays(o) ? side_buy : side_sell,
			 .liquidity = e->liquidity,
			 .carry = o->fee_carry};
	int rc = outcome_cost(o->market, o->outcome, order_rated(o, e->price, e->qty), &d.cost, &e->cost);
	if (rc == 0)
		rc = fees_of(&o->market->fees, &d);
	e->paid = d.cost;
	e->fee = d.fee;
	e->fee_carry = d.carry;
	return rc;
}

static int sum_up(struct executor *x, const struct order *o, struct execution *e,
		  struct transfer *t)
{
	const struct asset *money = quotes_asset(x, o->market);
	t->position = o->market->position;
	int rc = position_apply(&t->position, o->side, e->qty, e->cost, &e->realised);
	if (rc == 0)
		rc = money_add(t->position.fees, e->fee, &t->position.fees);
	if (rc == 0)
		rc = money_add(o->cost, e->cost, &t->order_cost);
	if (rc == 0)
		rc = money_add(money->fees, e->fee, &t->fees);
	if (rc == 0)
		rc = fixed_rescale(e->qty, o->market->def.qty_scale, CASH_SCALE, &t->base);
	if (rc == 0 && __builtin_add_overflow(money->realised, e->realised, &t->realised))
		rc = ERR_RANGE;
	if (rc == 0 && outcome_pays(o))
		rc = money_add(e->paid, e->fee, &t->pay);
	t->receive = outcome_pays(o) ? t->base : e->paid - e->fee;
	if (!outcome_pays(o))
		t->pay = t->base;
	return rc;
}

static int move(struct executor *x, struct order *o, const struct transfer *t)
{
	struct asset *traded = outcome_asset(&x->account, o->market, o->outcome);
	struct asset *to = outcome_pays(o) ? traded : quotes_asset(x, o->market);
	if (!traded)
		return ERR_FULL;
	if (to->total > INT64_MAX - t->receive)
		return ERR_RANGE;
	int rc = asset_pay(fills_locked_asset(x, o), t->pay, &o->locked);
	if (rc == 0)
		rc = asset_receive(to, t->receive);
	return rc;
}

static void post(struct executor *x, const struct order *o, const struct execution *e, int64_t base)
{
	struct ledger *l = &x->ledger;
	if (market_margined(o->market)) {
		perpetual_post(x, o, e);
		return;
	}
	size_t traded = (size_t)(outcome_asset(&x->account, o->market, o->outcome) - x->account.asset);
	size_t money = quotes_place(x, o->market);
	ledger_post(l, money, LEDGER_CASH, LEDGER_COST, o->side == side_buy ? e->cost : -e->cost);
	ledger_post(l, money, LEDGER_RESULT, LEDGER_COST, e->realised);
	ledger_post(l, money, LEDGER_CASH, LEDGER_FEES, e->fee);
	ledger_post(l, traded, LEDGER_VENUE, LEDGER_CASH, outcome_pays(o) ? base : -base);
	if (o->outcome == OUTCOME_OTHER)
		ledger_post(l, money, LEDGER_CASH, LEDGER_PAIRS, outcome_pays(o) ? base : -base);
}

int fills_execute(const struct step *s, struct order *o, struct execution *e)
{
	struct executor *x = s->x;
	struct transfer t;
	must(e->qty > 0 && e->qty <= order_rest(o));
	int rc = price_it(o, e);
	if (rc == 0)
		rc = sum_up(x, o, e, &t);
	if (rc == 0)
		rc = market_margined(o->market) ? perpetual_move(x, o, e, &t.position) : move(x, o, &t);
	if (rc != 0) {
		x->counters.refused_fills++;
		return rc;
	}
	o->market->position = t.position;
	o->filled += e->qty;
	o->cost = t.order_cost;
	o->fee_carry = e->fee_carry;
	quotes_asset(x, o->market)->realised = t.realised;
	quotes_asset(x, o->market)->fees = t.fees;
	x->fills++;
	x->counters.fills++;
	x->filled = true;
	allocation_on_cash(x, o->strategy, o->market, (o->side == side_buy ? -e->cost : e->cost) - e->fee);
	holdings_add(&x->holdings, o->strategy, o->market, o->side == side_buy ? t.base : -t.base);
	if (e->liquidity != liquidity_settled)
		guard_on_fill(x, s->now, o, e->realised);
	post(x, o, e, t.base);
	report_fill(s, o, e);
	settle_pairs(s, o, e->price);
	return 0;
}

void fills_release(struct executor *x, struct order *o, int64_t keep)
{
	if (o->locked <= keep)
		return;
	asset_unlock(fills_locked_asset(x, o), o->locked - keep);
	o->locked = keep;
}

void fills_unlock(struct executor *x, struct order *o)
{
	fills_release(x, o, 0);
}

int fills_lock(const struct step *s, const struct order *o, int64_t amount)
{
	struct executor *x = s->x;
	struct asset *a = fills_locked_asset(x, o);
	bool money = amount > 0 && a == quotes_asset(x, o->market);
	int64_t drain = money ? perpetual_drain(x, o->market->quote, s->now) : 0;
	return amount > asset_free(a) - drain ? ERR_REFUSED : asset_lock(a, amount);
}

static void end(const struct step *s, struct order *o, enum reject reject, const char *why)
{
	fills_release(s->x, o, 0);
	report_order(s, o, reject, why);
	link_note(s->x, o, true);
}

void fills_expire(const struct step *s, struct order *o)
{
	s->x->counters.expired++;
	o->status = order_status_expired;
	end(s, o, reject_none, "Its time ran out.");
	report_balance(s, fills_locked_asset(s->x, o));
}

void fills_close(const struct step *s, struct order *o, enum reject reject, bool moved)
{
	s->x->counters.cancelled++;
	o->status = order_status_cancelled;
	end(s, o, reject, risk_text(s->x, reject));
	if (moved)
		report_holdings(s, o->market);
	else
		report_balance(s, fills_locked_asset(s->x, o));
}

void fills_settle(const struct step *s, struct order *o)
{
	int64_t keep = 0;
	if (order_rest(o) == 0) {
		o->status = order_status_filled;
	} else {
		o->status = order_status_partial;
		/* It was reserved for more than this once, so it fits. */
		must(fills_reserve(o, order_rest(o), &keep) == 0);
	}
	fills_release(s->x, o, keep);
	report_order(s, o, reject_none, "");
	report_holdings(s, o->market);
	link_note(s->x, o, order_rest(o) == 0);
}

void fills_save(const struct executor *x, struct packer *p)
{
	pack_array(p, x->orders.n);
	for (uint32_t i = 0; i < x->orders.n; i++)
		pack_i64(p, x->orders.at[i].fee_carry);
}

int fills_load(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (!u->err && n != x->orders.n)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n && !u->err; i++)
		x->orders.at[i].fee_carry = unpack_i64(u);
	return u->err;
}
