/* settle - event contracts come to their end: what is held of both outcomes, and what the venue says they pay.
 *
 * Settling takes no order: its fills have the liquidity `settled`, no fee, and each strategy's name, so that whoever
 * follows fills follows these. Orders that rest are cancelled first. A void market gives holders the average price they
 * paid, at the instrument's price scale. That a market has closed is no settlement: positions stay as they are.
 */
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

static const char nobody[] = "executor";

/* ---- pairs ---- */

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* YES and NO of one instrument: the position does not change by it. */
static void net_other(struct executor *x, const struct market *m)
{
	const struct asset *held = account_find(&x->account, m->other);
	if (!held || asset_free(held) == 0)
		return;
	struct asset *yes = outcome_asset(&x->account, m, OUTCOME_BASE);
	struct asset *no = outcome_asset(&x->account, m, OUTCOME_OTHER);
	int64_t pairs = smaller(asset_free(yes), asset_free(no));
	if (pairs == 0 || asset_receive(quotes_asset(x, m), pairs) != 0)
		return;
	yes->total -= pairs;
	no->total -= pairs;
	ledger_post(&x->ledger, (size_t)(yes - x->account.asset), LEDGER_CASH, LEDGER_VENUE, pairs);
	ledger_post(&x->ledger, (size_t)(no - x->account.asset), LEDGER_CASH, LEDGER_VENUE, pairs);
	ledger_post(&x->ledger, quotes_place(x, m), LEDGER_PAIRS, LEDGER_CASH, pairs);
}

/* What the strategy can give of a market, whole lots, at CASH_SCALE. */
static int64_t can_give(const struct executor *x, const char *strategy, const struct market *m)
{
	const struct asset *held = account_find(&x->account, m->def.base);
	int64_t own = holdings_of(&x->holdings, strategy, m);
	int64_t most = held ? smaller(asset_free(held), own) : 0;
	int64_t lot = fixed_pow10(CASH_SCALE - m->def.qty_scale) * (m->def.lot_size > 0 ? m->def.lot_size : 1);
	return most > 0 ? most - most % lot : 0;
}

static bool give(const struct step *s, const struct order *o, struct market *m, int64_t pairs, int64_t price)
{
	struct order sale = {.market = m, .side = side_sell, .outcome = OUTCOME_BASE};
	event_set_name(sale.strategy, o->strategy);
	struct execution e = {
		.price = price,
		.qty = pairs / fixed_pow10(CASH_SCALE - m->def.qty_scale),
		.liquidity = liquidity_settled,
	};
	sale.qty = e.qty;
	return fills_execute(s, &sale, &e) == 0;
}

static void merge(const struct step *s, const struct order *o, int64_t price)
{
	struct executor *x = s->x;
	struct market *m = o->market, *c = markets_get(&x->markets, &m->def.complement);
	if (!c || !c->known || c->def.price_scale != m->def.price_scale || c->def.qty_scale != m->def.qty_scale)
		return;
	int64_t pairs = smaller(can_give(x, o->strategy, m), can_give(x, o->strategy, c));
	if (pairs == 0 || !give(s, o, m, pairs, price))
		return;
	give(s, o, c, pairs, outcome_price(m, OUTCOME_OTHER, price));
	report_holdings(s, c);
}

void settle_pairs(const struct step *s, const struct order *o, int64_t price)
{
	const struct market *m = o->market;
	if (m->def.kind != instrument_kind_event)
		return;
	if (outcome_both(m))
		net_other(s->x, m);
	else if (o->side == side_buy)
		merge(s, o, price);
}

/* ---- the outcome ---- */

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

static int64_t paid_price(const struct market *m)
{
	int64_t price = m->def.pays;
	const struct position *p = &m->position;
	if (m->def.settlement == settlement_void) {
		price = 0;
		if (p->qty != 0)
			fixed_div(p->cost, CASH_SCALE, p->qty, m->def.qty_scale, m->def.price_scale, &price);
	}
	return price;
}

/* One strategy's part: the position, the results and the fill. Returns what it brings, for a short what it costs
 * (negative). */
static int64_t settle_row(const struct step *s, const struct holding *h, int64_t price)
{
	struct executor *x = s->x;
	struct market *m = h->market;
	struct order o = {.market = m, .side = h->qty > 0 ? side_sell : side_buy};
	struct execution e = {.price = price, .liquidity = liquidity_settled};
	struct position after = m->position;
	struct asset *money = quotes_asset(x, m);
	int64_t moved = h->qty, realised;
	event_set_name(o.strategy, h->strategy);
	int rc = fixed_rescale(magnitude(h->qty), CASH_SCALE, m->def.qty_scale, &e.qty);
	if (rc == 0)
		rc = money_cost(order_rated(&o, price, e.qty), &e.cost);
	if (rc == 0)
		rc = position_apply(&after, o.side, e.qty, e.cost, &e.realised);
	if (rc == 0 && __builtin_add_overflow(money->realised, e.realised, &realised))
		rc = ERR_RANGE;
	if (rc != 0) {
		x->counters.refused_fills++;
		return 0;
	}
	m->position = after;
	money->realised = realised;
	x->fills++;
	x->counters.fills++;
	x->filled = true;
	ledger_post(&x->ledger, quotes_place(x, m), LEDGER_CASH, LEDGER_COST, o.side == side_buy ? e.cost : -e.cost);
	ledger_post(&x->ledger, quotes_place(x, m), LEDGER_RESULT, LEDGER_COST, e.realised);
	o.qty = o.filled = e.qty;
	o.cost = e.cost;
	report_fill(s, &o, &e);
	allocation_on_cash(x, o.strategy, m, o.side == side_buy ? -e.cost : e.cost);
	holdings_add(&x->holdings, o.strategy, m, -moved);
	return o.side == side_sell ? e.cost : -e.cost;
}

/* Empties an asset; returns what there was. */
static int64_t take_all(struct executor *x, const char *name)
{
	const struct asset *found = account_find(&x->account, name);
	if (!found)
		return 0;
	struct asset *s = account_asset(&x->account, name);
	int64_t all = asset_free(s); /* every order of the market is cancelled, so that is all of it */
	s->total -= all;
	ledger_post(&x->ledger, (size_t)(s - x->account.asset), LEDGER_CASH, LEDGER_VENUE, all);
	return all;
}

/* Contracts that the account began with are in no position: those of YES less those of NO that no row accounts for. */
static int64_t brought(const struct executor *x, const struct market *m, int64_t price)
{
	const struct asset *yes = account_find(&x->account, m->def.base), *no = account_find(&x->account, m->other);
	int64_t held, cash = 0, extra = (yes ? yes->total : 0) - (no ? no->total : 0);
	if (fixed_rescale(m->position.qty, m->def.qty_scale, CASH_SCALE, &held) != 0)
		return 0;
	extra -= held;
	struct rated what = {price, magnitude(extra), m->def.price_scale, CASH_SCALE};
	return money_cost(what, &cash) != 0 ? 0 : extra < 0 ? -cash : cash;
}

/* Roundings of many rows may leave a unit that there is no cash for. */
static void pay_out(struct asset *quote, int64_t cash)
{
	int64_t no_lock = 0;
	if (cash >= 0)
		(void)asset_receive(quote, cash);
	else
		(void)asset_pay(quote, -cash < asset_free(quote) ? -cash : asset_free(quote), &no_lock);
}

void settle_market(const struct step *s, struct market *m)
{
	struct executor *x = s->x;
	int64_t one = fixed_pow10(m->def.price_scale), price = paid_price(m), cash;
	struct asset *money = quotes_asset(x, m);
	if (m->def.kind != instrument_kind_event || m->def.settlement == settlement_none || price < 0 || price > one)
		return;
	m->def.trading = false;
	cancel_all(s, m, reject_not_trading);
	if (!money)
		return; /* the account has nothing that is paid in that */
	holdings_complete(&x->holdings, &x->markets, nobody);
	bool any = false;
	cash = brought(x, m, price);
	ledger_post(&x->ledger, quotes_place(x, m), LEDGER_VENUE, LEDGER_CASH, cash);
	for (uint32_t i = x->holdings.n; i-- > 0;)
		if (x->holdings.at[i].market == m) {
			cash += settle_row(s, &x->holdings.at[i], price);
			any = true;
		}
	int64_t yes = take_all(x, m->def.base), no = take_all(x, m->other), had = money->total;
	ledger_post(&x->ledger, quotes_place(x, m), LEDGER_PAIRS, LEDGER_CASH, no);
	if (!any && yes == 0 && no == 0)
		return;
	pay_out(money, cash + no); /* NO gets what YES does not */
	int64_t paid = money->total - had;
	ledger_post(&x->ledger, quotes_place(x, m), LEDGER_ROUNDING, LEDGER_CASH, paid - (cash + no));
	report_holdings(s, m);
}
