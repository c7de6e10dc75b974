/* perpetual - see perpetual.h. */
#include "services/executor/perpetual.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/link.h"

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct asset *perpetual_wallet(struct executor *x, const struct market *m)
{
	return quotes_asset(x, m);
}

/* ---- what orders set aside ---- */

/* The position against the order's side; 0 where there is none. */
static int64_t against(const struct order *o)
{
	int64_t held = o->market->position.qty;
	return o->side == side_sell ? (held > 0 ? held : 0) : (held < 0 ? -held : 0);
}

/* Of a stop and a target with one quantity only one can fill it: the claim is the target's, as the lock. */
static int64_t claim_of(struct executor *x, const struct order *o, const struct order *other)
{
	bool same = strcmp(other->client_order_id, o->client_order_id) == 0 ||
		    (o->link_id[0] && strcmp(other->link_id, o->link_id) == 0);
	if (other->market != o->market || other->side != o->side || same || other->closes == 0)
		return 0;
	bool shares = other->leg == order_leg_stop && link_other(x, other);
	return shares ? 0 : smaller(other->closes, order_rest(other));
}

void perpetual_claim(struct executor *x, struct order *o)
{
	o->closes = 0;
	if (!market_margined(o->market))
		return;
	int64_t left = against(o);
	for (uint32_t i = 0; i < x->orders.n && left > 0; i++)
		left -= smaller(left, claim_of(x, o, &x->orders.at[i]));
	o->closes = smaller(left, order_rest(o));
}

/* Initial margin and fee, rounded up. */
static int reserve(const struct market *m, int64_t price, int64_t qty, int64_t *ret_amount)
{
	struct rated what = {price, qty, m->def.price_scale, m->def.qty_scale};
	int64_t cost, all;
	int rc = money_reserve(what, 0, &cost);
	if (rc == 0)
		rc = fees_reserve(&m->fees, what, &all);
	return rc != 0 ? rc : money_add(margin_initial_up(m->perpetual.terms, cost), all - cost, ret_amount);
}

int perpetual_reserve(const struct order *o, int64_t rest, int64_t *ret_amount)
{
	*ret_amount = 0;
	if (rest <= o->closes || o->price == 0)
		return 0;
	return reserve(o->market, o->price, rest - o->closes, ret_amount);
}

int perpetual_needed(const struct order *o, const struct walk *w, int64_t *ret_amount)
{
	int64_t closes = o->closes, sum = 0, more;
	int rc = 0;
	for (uint32_t i = 0; i < w->n && rc == 0; i++) {
		int64_t closing = smaller(closes, w->at[i].qty);
		closes -= closing;
		if (closing == w->at[i].qty)
			continue;
		rc = reserve(o->market, w->at[i].price, w->at[i].qty - closing, &more);
		if (rc == 0)
			rc = money_add(sum, more, &sum);
	}
	int64_t rest = order_limited(o) ? order_rest(o) - w->found : 0;
	if (rc == 0 && rest > closes) {
		rc = reserve(o->market, o->price, rest - closes, &more);
		if (rc == 0)
			rc = money_add(sum, more, &sum);
	}
	if (rc == 0)
		*ret_amount = sum;
	return rc;
}

enum reject perpetual_check(const struct step *s, const struct order *o, int64_t price)
{
	struct market *m = o->market;
	if (!market_margined(m) || order_rest(o) <= o->closes)
		return reject_none;
	exposure_collect(s->x, NULL, m, o);
	int64_t rest = exposure_base(m, order_rest(o));
	int64_t reach = o->side == side_buy ? exposure_add(m->exposure.longs, rest)
					    : exposure_add(rest, -m->exposure.shorts);
	int64_t twice = price > INT64_MAX / 2 ? INT64_MAX : 2 * price;
	twice = m->mark > twice ? m->mark : twice;
	bool fits = exposure_worth(m, reach, twice) <= margin_reach(m->perpetual.terms);
	return fits ? reject_none : reject_leverage;
}

/* ---- executions ---- */

struct parts { /* of an execution: what it gives back, and what it opens */
	int64_t released, initial;
};

static struct parts parts_of(const struct order *o, const struct execution *e, const struct position *after)
{
	const struct position *before = &o->market->position;
	const struct perpetual *p = &o->market->perpetual;
	int64_t held = magnitude(before->qty), opened = 0;
	bool opposite = (before->qty > 0) == (o->side == side_sell) && before->qty != 0;
	int64_t closing = opposite ? smaller(e->qty, held) : 0;
	struct parts parts = {0};
	if (closing == held)
		parts.released = closing == 0 ? 0 : p->margin;
	else if (closing > 0)
		parts.released = (int64_t)fixed_div_round((fixed_wide)p->margin * closing, held);
	if (closing == 0)
		opened = e->cost;
	else if (closing < e->qty)
		opened = magnitude(after->cost);
	parts.initial = margin_initial(p->terms, opened);
	return parts;
}

/* Sets the asset's lock, and the position's part of it. */
static void set_margin(struct asset *wallet, struct market *m, int64_t margin)
{
	wallet->locked += margin - m->perpetual.margin;
	m->perpetual.margin = margin;
}

bool perpetual_pooled(const struct market *m, const struct market *other)
{
	return perpetual_cross(m) && perpetual_cross(other) && m->quote == other->quote;
}

/* What other cross positions have set aside. */
static int64_t pooled(const struct executor *x, const struct market *m)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < markets_count(&x->markets) && perpetual_cross(m); i++) {
		const struct market *other = markets_at(&x->markets, i);
		if (other != m && perpetual_pooled(m, other))
			sum += other->perpetual.margin;
	}
	return sum;
}

/* Frees margin until so much is free, or there is none left that answers for this. */
static void draw(struct executor *x, struct market *m, int64_t amount)
{
	struct asset *wallet = perpetual_wallet(x, m);
	int64_t missing = amount - asset_free(wallet);
	if (missing > 0)
		set_margin(wallet, m, m->perpetual.margin - smaller(missing, m->perpetual.margin));
	for (uint32_t i = 0; i < markets_count(&x->markets) && perpetual_cross(m); i++) {
		struct market *other = markets_at(&x->markets, i);
		missing = amount - asset_free(wallet);
		if (missing <= 0)
			return;
		if (perpetual_pooled(m, other))
			set_margin(wallet, other, other->perpetual.margin - smaller(missing, other->perpetual.margin));
	}
}

int64_t perpetual_pay(struct executor *x, struct market *m, int64_t amount)
{
	struct asset *wallet = perpetual_wallet(x, m);
	draw(x, m, amount);
	int64_t paid = smaller(amount, asset_free(wallet));
	wallet->total -= paid;
	return amount - paid;
}

int64_t perpetual_end(struct executor *x, struct market *m, int64_t change)
{
	struct asset *wallet = perpetual_wallet(x, m);
	set_margin(wallet, m, 0);
	if (change < 0)
		return perpetual_pay(x, m, -change);
	return asset_receive(wallet, change) == 0 ? 0 : -change;
}

int perpetual_move(struct executor *x, struct order *o, const struct execution *e, const struct position *after)
{
	struct asset *wallet = perpetual_wallet(x, o->market);
	struct perpetual *p = &o->market->perpetual;
	struct parts parts = parts_of(o, e, after);
	fixed_wide net = (fixed_wide)e->realised - e->fee, total = wallet->total + net;
	if (total > INT64_MAX || net < -INT64_MAX)
		return ERR_RANGE;
	/* What there is: its own lock, what is free, what closing gives back; then margins, where it only closes. */
	fixed_wide can = (fixed_wide)asset_free(wallet) + o->locked + parts.released + net - parts.initial;
	if (can < 0 && parts.initial == 0)
		can += p->margin - parts.released + pooled(x, o->market);
	if (can < 0)
		return ERR_REFUSED;
	int64_t need = parts.initial - (net < 0 ? (int64_t)net : 0), own = smaller(need, o->locked);
	o->locked -= own;
	wallet->locked -= own;
	set_margin(wallet, o->market, p->margin - parts.released);
	if (net < 0)
		must(perpetual_pay(x, o->market, (int64_t)-net) == 0);
	else
		wallet->total += (int64_t)net;
	set_margin(wallet, o->market, p->margin + parts.initial);
	o->closes -= smaller(o->closes, e->qty);
	must(wallet->locked >= 0 && wallet->locked <= wallet->total);
	return 0;
}

void perpetual_post(struct executor *x, const struct order *o, const struct execution *e)
{
	struct ledger *l = &x->ledger;
	size_t wallet = quotes_place(x, o->market);
	ledger_post(l, wallet, LEDGER_CONTRACTS, LEDGER_COST, o->side == side_buy ? e->cost : -e->cost);
	ledger_post(l, wallet, LEDGER_RESULT, LEDGER_COST, e->realised);
	ledger_post(l, wallet, LEDGER_CONTRACTS, LEDGER_CASH, e->realised);
	ledger_post(l, wallet, LEDGER_CASH, LEDGER_FEES, e->fee);
}

/* The records behind it say the same, unless the journal ends in between; and where it says what cannot be. */
void perpetual_recall(struct executor *x, struct order *o, const struct execution *e, const struct position *after)
{
	struct asset *wallet = perpetual_wallet(x, o->market);
	if (perpetual_move(x, o, e, after) == 0)
		return;
	struct parts parts = parts_of(o, e, after);
	fixed_wide net = (fixed_wide)e->realised - e->fee, total = wallet->total + net;
	fixed_wide need = parts.initial - (net < 0 ? net : 0);
	wallet->total = total < 0 ? 0 : total > INT64_MAX ? INT64_MAX : (int64_t)total;
	o->locked -= need > o->locked ? o->locked : (int64_t)need;
	o->closes -= smaller(o->closes, e->qty);
	o->market->perpetual.margin += parts.initial - parts.released;
}

void perpetual_relock(struct executor *x)
{
	for (uint32_t i = 0; i < markets_count(&x->markets) && x->markets.margined > 0; i++) {
		struct market *m = markets_at(&x->markets, i);
		if (!market_margined(m))
			continue;
		struct asset *wallet = perpetual_wallet(x, m);
		if (!wallet)
			continue;
		m->perpetual.margin = smaller(m->perpetual.margin, asset_free(wallet));
		wallet->locked += m->perpetual.margin;
	}
}

/* ---- what positions are worth ---- */

int64_t perpetual_unrealised(const struct market *m, int64_t now)
{
	struct mark mark = mark_judged(m, now);
	if (m->position.qty == 0 || mark.twice == 0)
		return 0;
	return exposure_add(mark_value(m->position.qty, m->def.qty_scale, mark), -m->position.cost);
}

int64_t perpetual_drain(const struct executor *x, uint8_t slot, int64_t now)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < markets_count(&x->markets) && x->markets.margined > 0; i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (perpetual_cross(m) && m->quote == slot)
			sum = exposure_add(sum, perpetual_unrealised(m, now));
	}
	return sum < 0 ? -sum : 0;
}

int64_t perpetual_margins(const struct executor *x, const struct asset *wallet)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < markets_count(&x->markets) && x->markets.margined > 0; i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (m->quote != MARKET_NO_QUOTE && &x->account.asset[x->quotes.at[m->quote].place] == wallet)
			sum += m->perpetual.margin;
	}
	return sum;
}

int64_t perpetual_maintenance(const struct market *m, int64_t now)
{
	struct mark mark = mark_judged(m, now);
	return margin_maintenance(m->perpetual.terms, magnitude(mark_value(m->position.qty, m->def.qty_scale, mark)));
}

int64_t perpetual_pool(const struct executor *x, uint8_t slot)
{
	int64_t sum = x->account.asset[x->quotes.at[slot].place].total;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (m->quote == slot && !perpetual_cross(m))
			sum -= m->perpetual.margin;
	}
	return sum;
}

/* What stands for a position beside its own result. */
static int64_t balance_of(const struct executor *x, const struct market *m, int64_t now)
{
	if (!perpetual_cross(m))
		return m->perpetual.margin;
	int64_t sum = perpetual_pool(x, m->quote);
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *other = markets_at(&x->markets, i);
		if (other == m || !perpetual_pooled(m, other) || other->position.qty == 0)
			continue;
		sum = exposure_add(sum, perpetual_unrealised(other, now));
		sum = exposure_add(sum, -perpetual_maintenance(other, now));
	}
	return sum;
}

int64_t perpetual_liquidation_price(const struct executor *x, const struct market *m, int64_t now)
{
	struct margined p = {m->position.qty, m->def.qty_scale, m->position.cost, 0};
	if (p.qty == 0)
		return 0;
	p.balance = balance_of(x, m, now);
	return margin_liquidation_price(m->perpetual.terms, &p, m->def.price_scale);
}

/* ---- states of before ---- */

void perpetual_adopt(struct executor *x, struct market *m)
{
	struct asset *wallet = perpetual_wallet(x, m);
	const struct position *p = &m->position;
	struct asset *base = p->qty != 0 && wallet ? account_asset(&x->account, m->def.base) : NULL;
	int64_t delivered, no_lock = 0;
	if (!base || fixed_rescale(p->qty, m->def.qty_scale, CASH_SCALE, &delivered) != 0)
		return;
	if (delivered > 0) {
		(void)asset_pay(base, smaller(delivered, asset_free(base)), &no_lock);
		(void)asset_receive(wallet, p->cost > 0 ? p->cost : 0);
	} else {
		(void)asset_receive(base, -delivered);
		(void)asset_pay(wallet, smaller(magnitude(p->cost), asset_free(wallet)), &no_lock);
	}
	set_margin(wallet, m, smaller(margin_initial(m->perpetual.terms, magnitude(p->cost)), asset_free(wallet)));
	x->ledger.derive = true;
}

/* The order held its base, or all of its cost. What is free now is all that it can hold. */
static int relock(struct executor *x, struct order *o)
{
	struct asset *had = o->side == side_buy ? perpetual_wallet(x, o->market)
						: account_asset(&x->account, o->market->def.base);
	struct asset *wallet = perpetual_wallet(x, o->market);
	int64_t amount;
	if (!had || !wallet || o->locked > had->locked)
		return ERR_CORRUPT;
	asset_unlock(had, o->locked);
	perpetual_claim(x, o);
	if (o->locked == 0 || perpetual_reserve(o, order_rest(o), &amount) != 0)
		amount = 0;
	o->locked = smaller(amount, asset_free(wallet));
	return asset_lock(wallet, o->locked);
}

int perpetual_adopt_all(struct executor *x)
{
	int rc = 0;
	for (uint32_t i = 0; i < x->orders.n && rc == 0; i++)
		if (market_margined(x->orders.at[i].market))
			rc = relock(x, &x->orders.at[i]);
	for (uint32_t i = 0; i < markets_count(&x->markets) && rc == 0; i++)
		if (market_margined(markets_at(&x->markets, i)))
			perpetual_adopt(x, markets_at(&x->markets, i));
	x->perpetuals.adopt = false;
	return rc;
}

void perpetual_save(const struct executor *x, struct packer *p)
{
	pack_array(p, 3 * x->quotes.n);
	for (uint32_t i = 0; i < x->quotes.n; i++) {
		pack_str(p, x->quotes.at[i].asset);
		pack_i64(p, x->account.asset[x->quotes.at[i].place].funding);
		pack_i64(p, x->account.asset[x->quotes.at[i].place].insured);
	}
	pack_array(p, 2 * markets_count(&x->markets));
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		pack_i64(p, markets_at(&x->markets, i)->perpetual.margin);
		pack_i64(p, markets_at(&x->markets, i)->perpetual.funding);
	}
	pack_array(p, x->orders.n);
	for (uint32_t i = 0; i < x->orders.n; i++)
		pack_i64(p, x->orders.at[i].closes);
}

static int load_sums(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 3 != 0)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n / 3; i++) {
		char name[EVENT_NAME_MAX];
		unpack_str(u, name, sizeof(name));
		struct asset *a = u->err ? NULL : account_asset(&x->account, name);
		if (!a)
			return u->err ? u->err : ERR_CORRUPT;
		a->funding = unpack_i64(u);
		a->insured = unpack_i64(u);
	}
	return u->err;
}

static int load_markets(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n != 2 * markets_count(&x->markets))
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		struct market *m = markets_at(&x->markets, i);
		m->perpetual.margin = unpack_i64(u);
		m->perpetual.funding = unpack_i64(u);
		bool held = market_margined(m) && m->position.qty != 0 && m->quote != MARKET_NO_QUOTE;
		if (m->perpetual.margin < 0 || (m->perpetual.margin > 0 && !held))
			return ERR_CORRUPT;
	}
	return u->err;
}

int perpetual_load(struct executor *x, struct unpacker *u)
{
	x->perpetuals.adopt = false;
	int rc = load_sums(x, u);
	if (rc == 0)
		rc = load_markets(x, u);
	uint32_t n = rc == 0 ? unpack_array(u) : 0;
	if (rc != 0 || u->err || n != x->orders.n)
		return rc != 0 ? rc : u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n && !u->err; i++) {
		x->orders.at[i].closes = unpack_i64(u);
		if (x->orders.at[i].closes < 0)
			return ERR_CORRUPT;
	}
	funding_arm(x);
	return u->err;
}
