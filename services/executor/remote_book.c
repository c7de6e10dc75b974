/* remote_book - what a trade at the venue does to the money, the position and the books. */
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

struct deal_done { /* nothing is booked before all of it is known to fit; amounts at CASH_SCALE */
	struct execution e;
	struct position position;
	struct asset *fee_asset;
	int64_t base;         /* of the base asset that changed hands */
	int64_t taken;        /* of it, the commission where that is in the base */
	int64_t sold;         /* of `taken` and the dust, what the position is smaller by: at the instrument's scale */
	int64_t worth, gain;  /* proceeds of what was sold for it, and what that realised */
	int64_t order_cost, fees, realised, dust;
	int64_t other_fees;   /* of a third asset that the commission is in */
};

static int read_trade(const struct order *o, const struct ev_venue_report *r, struct deal_done *d)
{
	const struct ev_instrument *def = &o->market->def;
	int rc = fixed_rescale(r->price, r->price_scale, def->price_scale, &d->e.price);
	if (rc == 0)
		rc = fixed_rescale(r->qty, r->qty_scale, def->qty_scale, &d->e.qty);
	if (rc == 0)
		rc = fixed_rescale(d->e.qty, def->qty_scale, CASH_SCALE, &d->base);
	if (rc == 0)
		rc = fixed_rescale(r->fee, r->cash_scale, CASH_SCALE, &d->e.commission);
	if (rc == 0 && d->e.commission == INT64_MIN)
		rc = ERR_RANGE; /* a rebate is received: its opposite must fit */
	if (rc == 0)
		rc = money_cost(order_rated(o, d->e.price, d->e.qty), &d->e.cost);
	d->e.paid = d->e.cost;
	d->e.liquidity = r->liquidity == liquidity_maker ? liquidity_maker : liquidity_taker;
	d->e.trade_id = r->trade_id;
	return rc;
}

static int add(int64_t a, int64_t b, int64_t *ret)
{
	return __builtin_add_overflow(a, b, ret) ? ERR_RANGE : 0;
}

/* A commission in the base: whole units of it leave the position at the trade's price. */
static int sell_taken(const struct order *o, struct deal_done *d)
{
	const struct ev_instrument *def = &o->market->def;
	int64_t unit = fixed_pow10(CASH_SCALE - def->qty_scale);
	if (add(o->market->dust, d->taken, &d->dust) != 0)
		return ERR_RANGE;
	d->sold = d->dust > 0 ? d->dust / unit : 0;
	d->dust -= d->sold * unit;
	if (d->sold == 0)
		return 0;
	int rc = money_cost(order_rated(o, d->e.price, d->sold), &d->worth);
	if (rc == 0)
		rc = position_apply(&d->position, side_sell, d->sold, d->worth, &d->gain);
	d->e.fee = d->worth;
	return rc;
}

static int sum_up(struct executor *x, const struct order *o, struct deal_done *d)
{
	struct asset *money = quotes_asset(x, o->market);
	d->position = o->market->position;
	d->dust = o->market->dust;
	int rc = position_apply(&d->position, o->side, d->e.qty, d->e.cost, &d->e.realised);
	if (d->fee_asset == money)
		d->e.fee = d->e.commission;
	else if (strcmp(d->fee_asset->name, o->market->def.base) == 0)
		d->taken = d->e.commission;
	if (rc == 0 && d->taken != 0)
		rc = sell_taken(o, d);
	if (rc == 0)
		rc = add(d->position.fees, d->e.fee, &d->position.fees);
	if (rc == 0)
		rc = add(money->fees, d->e.fee, &d->fees);
	if (rc == 0)
		rc = add(d->fee_asset->fees, d->e.commission, &d->other_fees);
	if (rc == 0)
		rc = add(money->realised, d->e.realised, &d->realised);
	if (rc == 0)
		rc = add(d->realised, d->gain, &d->realised);
	return rc != 0 ? rc : money_add(o->cost, d->e.cost, &d->order_cost);
}

/* What the asset must have when all is done, and what the order's lock pays of it. */
static int pay(struct asset *a, int64_t amount, int64_t *lock)
{
	return amount > 0 ? asset_pay(a, amount, lock) : asset_receive(a, -amount);
}

/* All or nothing: the assets as they were come back where one of them cannot. */
static int move(struct executor *x, struct order *o, const struct deal_done *d)
{
	struct account *a = &x->account;
	struct asset *base = account_asset(a, o->market->def.base), *quote = quotes_asset(x, o->market);
	struct asset was_base = *base, was_quote = *quote, was_fee = *d->fee_asset;
	int64_t lock = o->locked, none = 0;
	bool buys = o->side == side_buy;
	int rc = buys ? asset_receive(base, d->base) : asset_receive(quote, d->e.cost);
	if (rc == 0)
		rc = buys ? pay(quote, d->e.cost, &lock) : pay(base, d->base, &lock);
	if (rc == 0)
		rc = pay(d->fee_asset, d->e.commission, d->fee_asset == (buys ? quote : base) ? &lock : &none);
	if (rc == 0) {
		o->locked = lock;
		return 0;
	}
	*d->fee_asset = was_fee;
	*base = was_base;
	*quote = was_quote;
	return rc;
}

static void post(struct executor *x, const struct order *o, const struct deal_done *d)
{
	struct ledger *l = &x->ledger;
	size_t base = (size_t)(account_asset(&x->account, o->market->def.base) - x->account.asset);
	size_t fee = (size_t)(d->fee_asset - x->account.asset), money = quotes_place(x, o->market);
	bool buys = o->side == side_buy;
	ledger_post(l, money, LEDGER_CASH, LEDGER_COST, buys ? d->e.cost : -d->e.cost);
	ledger_post(l, money, LEDGER_RESULT, LEDGER_COST, d->e.realised);
	ledger_post(l, base, LEDGER_VENUE, LEDGER_CASH, buys ? d->base : -d->base);
	if (fee == base) {
		ledger_post(l, base, LEDGER_CASH, LEDGER_VENUE, d->e.commission);
		ledger_post(l, money, LEDGER_COST, LEDGER_FEES, d->worth - d->gain);
		ledger_post(l, money, LEDGER_RESULT, LEDGER_FEES, d->gain);
	} else {
		bool counted = quotes_is_money(x, fee); /* fees are told of money alone */
		ledger_post(l, fee, LEDGER_CASH, counted ? LEDGER_FEES : LEDGER_VENUE, d->e.commission);
	}
}

int remote_book(const struct step *s, struct order *o, const struct ev_venue_report *r)
{
	struct executor *x = s->x;
	struct deal_done d = {0};
	struct account *a = &x->account;
	struct asset *money = quotes_asset(x, o->market);
	if (!money || !account_asset(a, o->market->def.base))
		return ERR_FULL;
	d.fee_asset = r->fee_asset[0] ? account_asset(a, r->fee_asset) : money;
	if (!d.fee_asset)
		return ERR_FULL;
	d.e.commission_asset = d.fee_asset->name;
	int rc = read_trade(o, r, &d);
	if (rc == 0)
		rc = sum_up(x, o, &d);
	if (rc == 0)
		rc = move(x, o, &d);
	if (rc != 0)
		return rc;
	o->market->position = d.position;
	o->market->dust = d.dust;
	o->filled += d.e.qty;
	o->cost = d.order_cost;
	money->realised = d.realised;
	money->fees = d.fees;
	if (d.fee_asset != money && d.taken == 0 && quotes_is_money(x, (size_t)(d.fee_asset - a->asset)))
		d.fee_asset->fees = d.other_fees;
	x->fills++;
	x->counters.fills++;
	x->filled = true;
	holdings_add(&x->holdings, o->strategy, o->market, (o->side == side_buy ? d.base : -d.base) - d.taken);
	guard_on_fill(x, s->now, o, d.e.realised);
	allocation_on_cash(x, o->strategy, o->market,
			   (o->side == side_buy ? -d.e.cost : d.e.cost) - (d.taken == 0 ? d.e.fee : 0));
	post(x, o, &d);
	d.e.realised += d.gain;
	report_fill(s, o, &d.e);
	if (d.fee_asset != money && strcmp(d.fee_asset->name, o->market->def.base) != 0)
		report_balance(s, d.fee_asset);
	return 0;
}

int remote_fund(const struct step *s, const char *asset, int64_t amount)
{
	struct executor *x = s->x;
	struct asset *a = account_asset(&x->account, asset);
	int64_t before;
	if (!a)
		return ERR_FULL;
	if (amount < a->locked)
		return ERR_RANGE;
	if (amount == a->total)
		return 0;
	bool told = equity_worth(x, s->now, &before);
	ledger_post(&x->ledger, (size_t)(a - x->account.asset), LEDGER_FUNDED, LEDGER_CASH, amount - a->total);
	a->total = amount;
	equity_rebase(x, s->now, told ? &before : NULL);
	x->allocation.set = false; /* shares of another worth: set anew with the next intent */
	report_balance(s, a);
	return 0;
}
