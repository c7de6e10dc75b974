/* liquidate - the venue takes positions over that their margin no longer carries.
 *
 * Judged with each mark price (mark.h), of an isolated position by its margin and result, of a cross one by all of the
 * account's money that no isolated position has, and the results of all cross positions:
 *
 *                     balance <= maintenance margin
 *     CARRIED ------------------------------------------> its orders are cancelled, it is taken over
 *
 * Of several cross positions the one with the largest maintenance margin goes first, until what is left carries the
 * others; all orders of the account are cancelled before. Taken over is the whole position, at the mark price (rounded
 * to the instrument's against the holder), for a fee (margin.h) that is never more than what is left. What is lost
 * beyond that the venue's insurance bears; an isolated position never costs more than its margin. That is how Binance
 * describes it (faq 360033525271 "Liquidation Protocols", 360033525371 "Insurance Funds") but for its first step, an
 * order that tries to make the position smaller: it would have to guess what others do in such a moment. With a fee of
 * 1 it is Bybit's: all margin is lost.
 *
 * No order stands behind it: its fills have the liquidity `liquidated` and each strategy's name.
 */
#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/perpetual.h"

static const char nobody[] = "executor";

struct takeover {
	struct market *m;
	struct mark mark;
	int64_t price;    /* at the instrument's scale */
	int64_t balance, maintenance; /* as they were judged */
	int64_t realised; /* of all parts */
	int64_t fee, fee_left, fee_qty; /* fee_qty: what it is still to be charged on, CASH_SCALE */
	int64_t insured;
};

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- what it comes to ---- */

/* One strategy's part as an execution; ERR_RANGE. */
static int part_of(const struct takeover *t, const struct holding *h, struct execution *ret_part)
{
	const struct ev_instrument *d = &t->m->def;
	struct execution e = {.price = t->price, .liquidity = liquidity_liquidated};
	int rc = fixed_rescale(magnitude(h->qty), CASH_SCALE, d->qty_scale, &e.qty);
	struct rated what = {t->price, e.qty, d->price_scale, d->qty_scale};
	if (rc == 0)
		rc = money_cost(what, &e.cost);
	*ret_part = e;
	return rc;
}

/* All parts together: what the position has cost is known, and what it brings. ERR_RANGE; ERR_AGAIN: no part. */
static int sum_up(const struct executor *x, struct takeover *t)
{
	fixed_wide sum = -(fixed_wide)t->m->position.cost;
	bool any = false;
	for (uint32_t i = 0; i < x->holdings.n; i++) {
		const struct holding *h = &x->holdings.at[i];
		struct execution e;
		if (h->market != t->m)
			continue;
		if (part_of(t, h, &e) != 0)
			return ERR_RANGE;
		sum += h->qty > 0 ? e.cost : -e.cost;
		any = true;
	}
	if (sum > INT64_MAX || sum < -INT64_MAX)
		return ERR_RANGE;
	t->realised = (int64_t)sum;
	return any ? 0 : ERR_AGAIN;
}

/* Results of the other cross positions. */
static int64_t others(const struct executor *x, const struct market *m, int64_t now)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *other = markets_at(&x->markets, i);
		if (other != m && perpetual_pooled(m, other))
			sum = exposure_add(sum, perpetual_unrealised(other, now));
	}
	return sum;
}

static int charge(const struct executor *x, struct takeover *t, int64_t now)
{
	const struct market *m = t->m;
	int64_t stands = perpetual_cross(m) ? perpetual_pool(x, m->quote) : m->perpetual.margin, fee;
	int64_t left = exposure_add(stands, t->realised), worth;
	int64_t most = perpetual_cross(m) ? smaller(left, exposure_add(left, others(x, m, now))) : left;
	struct rated what = {t->price, magnitude(m->position.qty), m->def.price_scale, m->def.qty_scale};
	int rc = money_cost(what, &worth);
	if (rc == 0)
		rc = money_fee(worth, m->perpetual.terms->fee, &fee);
	if (rc != 0)
		return rc;
	t->fee = t->fee_left = most <= 0 ? 0 : smaller(fee, most);
	t->insured = left < 0 ? -left : 0;
	return fixed_rescale(magnitude(m->position.qty), m->def.qty_scale, CASH_SCALE, &t->fee_qty);
}

/* ---- the takeover ---- */

static void report(const struct step *s, const struct takeover *t)
{
	const struct market *m = t->m;
	struct event ev = report_begin(s, EVENT_liquidated, m);
	struct ev_liquidated *e = &ev.liquidated;
	event_set_name(e->account, s->x->account.name);
	e->instrument = m->def.instrument;
	e->qty_scale = m->def.qty_scale;
	e->cash_scale = CASH_SCALE;
	e->margin_mode = m->perpetual.terms->mode;
	e->qty = m->position.qty;
	mark_price(t->mark, &e->mark, &e->price_scale);
	e->balance = t->balance;
	e->maintenance = t->maintenance;
	e->fee = t->fee;
	e->insured = t->insured;
	e->realised = t->realised;
	loud_note(t->m, s->now, e);
	sink_emit(s->out, &ev);
}

/* Only parts on the position's own side are charged, and of them no more than the position. */
static int64_t fee_of(struct takeover *t, const struct holding *h, bool same_side)
{
	int64_t qty = same_side ? smaller(magnitude(h->qty), t->fee_qty) : 0, fee = t->fee_left;
	if (qty == 0)
		return 0;
	if (qty < t->fee_qty)
		fee = (int64_t)fixed_div_round((fixed_wide)t->fee_left * qty, t->fee_qty);
	t->fee_qty -= qty;
	t->fee_left -= fee;
	return fee;
}

static void take_part(const struct step *s, struct takeover *t, const struct holding *h, bool is_long)
{
	struct executor *x = s->x;
	struct market *m = t->m;
	struct order o = {.market = m, .side = h->qty > 0 ? side_sell : side_buy, .ordinal = 1};
	struct execution e;
	int64_t moved = h->qty;
	event_set_name(o.strategy, h->strategy);
	must(part_of(t, h, &e) == 0);
	e.fee = fee_of(t, h, (h->qty > 0) == is_long);
	must(position_apply(&m->position, o.side, e.qty, e.cost, &e.realised) == 0);
	m->position.fees += e.fee;
	quotes_asset(x, m)->realised += e.realised;
	quotes_asset(x, m)->fees += e.fee;
	x->fills++;
	x->counters.fills++;
	x->filled = true;
	o.qty = o.filled = e.qty;
	perpetual_post(x, &o, &e);
	guard_on_fill(x, s->now, &o, e.realised);
	report_fill(s, &o, &e);
	allocation_on_cash(x, o.strategy, m, (o.side == side_buy ? -e.cost : e.cost) - e.fee);
	holdings_add(&x->holdings, o.strategy, m, -moved);
}

/* Its margin is free again, then it pays: no more than it or the pool has, as the rest is insured. */
static void settle(struct executor *x, const struct takeover *t)
{
	int64_t change = t->realised - t->fee + t->insured;
	must(perpetual_end(x, t->m, change) == 0);
	perpetual_wallet(x, t->m)->insured += t->insured;
	ledger_post(&x->ledger, quotes_place(x, t->m), LEDGER_INSURED, LEDGER_CASH, t->insured);
}

static bool fits(const struct executor *x, const struct takeover *t)
{
	const struct asset *a = &x->account.asset[quotes_place(x, t->m)];
	fixed_wide total = (fixed_wide)a->total + t->realised + t->insured;
	fixed_wide realised = (fixed_wide)a->realised + t->realised;
	fixed_wide own = (fixed_wide)t->m->position.realised + t->realised;
	const fixed_wide most = INT64_MAX / 2;
	return total <= most && realised <= most && realised >= -most && own <= most && own >= -most &&
	       a->fees <= INT64_MAX - t->fee && a->insured <= INT64_MAX - t->insured;
}

/* False where it could not be reckoned. */
static bool take_over(const struct step *s, struct market *m, int64_t balance, int64_t maintenance)
{
	struct executor *x = s->x;
	struct takeover t = {.m = m, .mark = mark_judged(m, s->now), .balance = balance, .maintenance = maintenance};
	bool is_long = m->position.qty > 0;
	t.price = mark_rounded(t.mark, m->def.price_scale, !is_long);
	holdings_complete(&x->holdings, &x->markets, nobody);
	int rc = sum_up(x, &t);
	if (rc == 0)
		rc = charge(x, &t, s->now);
	if (rc != 0 || !fits(x, &t)) {
		x->counters.refused_fills++;
		return false;
	}
	x->counters.liquidations++;
	report(s, &t);
	for (uint32_t i = x->holdings.n; i-- > 0;)
		if (x->holdings.at[i].market == m)
			take_part(s, &t, &x->holdings.at[i], is_long);
	settle(x, &t);
	report_holdings(s, m);
	return true;
}

/* ---- the judgement ---- */

static void judge_isolated(const struct step *s, struct market *m)
{
	int64_t balance = exposure_add(m->perpetual.margin, perpetual_unrealised(m, s->now));
	int64_t maintenance = perpetual_maintenance(m, s->now);
	if (balance > maintenance)
		return;
	cancel_all(s, m, reject_liquidated);
	(void)take_over(s, m, balance, maintenance);
}

struct judged { /* all cross positions of a money together */
	int64_t balance, maintenance;
	struct market *first; /* with the largest maintenance margin */
};

static struct judged judge(struct executor *x, uint8_t slot, int64_t now)
{
	struct judged j = {.balance = perpetual_pool(x, slot)};
	int64_t largest = -1;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		struct market *m = markets_at(&x->markets, i);
		if (!perpetual_cross(m) || m->quote != slot || m->position.qty == 0)
			continue;
		int64_t maintenance = perpetual_maintenance(m, now);
		j.balance = exposure_add(j.balance, perpetual_unrealised(m, now));
		j.maintenance = exposure_add(j.maintenance, maintenance);
		if (maintenance > largest) {
			largest = maintenance;
			j.first = m;
		}
	}
	return j;
}

static void judge_cross(const struct step *s, uint8_t slot)
{
	struct judged j = judge(s->x, slot, s->now);
	if (j.balance > j.maintenance)
		return;
	cancel_all(s, NULL, reject_liquidated);
	while (j.first && j.balance <= j.maintenance) {
		if (!take_over(s, j.first, j.balance, j.maintenance))
			return;
		j = judge(s->x, slot, s->now);
	}
}

void liquidate_on_mark(const struct step *s, struct market *m)
{
	if (!market_margined(m) || m->position.qty == 0 || m->quote == MARKET_NO_QUOTE)
		return;
	if (perpetual_cross(m))
		judge_cross(s, m->quote);
	else
		judge_isolated(s, m);
}
