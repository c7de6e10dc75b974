/* funding - what holders of perpetuals pay, or get, at the venue's funding times.
 *
 *          mark event: rate, time of the next funding            event time reaches it
 *   NONE ---------------------------------------------> DUE ---------------------------> NONE
 *                                                         |  a mark before that time: another rate, another time
 *                                                         +--+
 *
 * Paid is quantity * mark price * rate, longs to shorts where the rate is positive: Binance, "Introduction to Binance
 * Futures Funding Rates" (faq 360033525031); Bybit, "Introduction to Funding Rate". Rate and mark price are the last
 * that were heard by then; who holds nothing at that time has no part in it. A funding that was not announced before
 * its time is not paid: who held what then is not known any more. Each strategy has its own part, rounded half to even.
 *
 * Money comes from what is free, then from margin (perpetual_pay); what that does not cover the venue bears, and the
 * next mark price liquidates.
 */
#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/perpetual.h"

static const char nobody[] = "executor";

void funding_arm(struct executor *x)
{
	int64_t due = CORE_NEVER;
	for (uint32_t i = 0; i < markets_count(&x->markets) && x->markets.margined > 0; i++) {
		int64_t at = markets_at(&x->markets, i)->marks.funding_at;
		due = at != 0 && at < due ? at : due;
	}
	x->perpetuals.due = due;
}

/* What this holding receives; negative: pays. ERR_RANGE */
static int amount_of(const struct holding *h, struct mark mark, int64_t *ret_amount)
{
	int64_t value = mark_value(h->qty, CASH_SCALE, mark), amount;
	int rc = fixed_mul(value, CASH_SCALE, h->market->marks.rate, MARK_RATE_SCALE, CASH_SCALE, &amount);
	*ret_amount = rc == 0 ? -amount : 0;
	return rc;
}

static void report(const struct step *s, const struct holding *h, struct mark mark, int64_t amount)
{
	const struct market *m = h->market;
	struct event ev = report_begin(s, EVENT_funding, m);
	struct ev_funding *e = &ev.funding;
	event_set_name(e->account, s->x->account.name);
	event_set_name(e->strategy, h->strategy);
	e->instrument = m->def.instrument;
	e->qty_scale = m->def.qty_scale;
	e->cash_scale = CASH_SCALE;
	mark_price(mark, &e->mark, &e->price_scale);
	e->qty = h->qty / fixed_pow10(CASH_SCALE - m->def.qty_scale);
	e->rate = m->marks.rate;
	e->amount = amount;
	e->funding_at = m->marks.funding_at;
	sink_emit(s->out, &ev);
}

static bool fits(const struct asset *wallet, const struct market *m, int64_t amount)
{
	int64_t sum;
	return !__builtin_add_overflow(wallet->funding, amount, &sum) &&
	       !__builtin_add_overflow(m->perpetual.funding, amount, &sum) &&
	       (amount >= 0 || !__builtin_sub_overflow(wallet->insured, amount, &sum));
}

static void settle(const struct step *s, const struct holding *h, struct mark mark, int64_t amount)
{
	struct executor *x = s->x;
	struct market *m = h->market;
	struct asset *wallet = perpetual_wallet(x, m);
	size_t at = quotes_place(x, m);
	int64_t unpaid = 0;
	if (!fits(wallet, m, amount) || (amount >= 0 && asset_receive(wallet, amount) != 0)) {
		x->counters.refused_fills++;
		return;
	}
	if (amount < 0)
		unpaid = perpetual_pay(x, m, -amount);
	wallet->funding += amount;
	wallet->insured += unpaid;
	m->perpetual.funding += amount;
	allocation_on_cash(x, h->strategy, m, amount);
	ledger_post(&x->ledger, at, LEDGER_FUNDINGS, LEDGER_CASH, amount);
	ledger_post(&x->ledger, at, LEDGER_INSURED, LEDGER_CASH, unpaid);
	x->counters.fundings++;
	x->filled = true; /* the worth is told */
	report(s, h, mark, amount);
}

/* Those who receive first: it may be the same account's other strategy that pays. */
static void pay(const struct step *s, struct market *m)
{
	struct executor *x = s->x;
	struct mark mark = mark_judged(m, s->now);
	if (m->position.qty == 0 || mark.twice == 0 || !perpetual_wallet(x, m))
		return;
	holdings_complete(&x->holdings, &x->markets, nobody);
	for (int receives = 1; receives >= 0; receives--)
		for (uint32_t i = 0; i < x->holdings.n; i++) {
			const struct holding *h = &x->holdings.at[i];
			int64_t amount;
			if (h->market == m && amount_of(h, mark, &amount) == 0 && (amount >= 0) == receives)
				settle(s, h, mark, amount);
		}
	report_holdings(s, m);
}

void funding_on_timer(const struct step *s)
{
	struct executor *x = s->x;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		struct market *m = markets_at(&x->markets, i);
		if (m->marks.funding_at == 0 || m->marks.funding_at > s->now)
			continue;
		if (market_margined(m))
			pay(s, m);
		m->marks.funding_at = 0;
	}
	funding_arm(x);
}
