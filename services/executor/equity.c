/* equity - the account's worth at its stated mark (mark.h), its curve, the loss limit.
 *
 * An asset is marked once, in the first market that has it as base, a perpetual's only where there is no other. A
 * position in a perpetual is worth its unrealised result. Where the mark cannot be trusted now, the last one is used
 * and the event says that not everything was marked; the loss limit waits then. What is paid in other assets is valued
 * at their rates (quotes.h), results of the past as well: so worth is what the account began with, all at today's
 * rates, plus results and fundings, less fees.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "services/executor/perpetual.h"

struct worth {
	int64_t equity, cash, unrealised, realised, fees; /* in the account's asset */
	int64_t funding, insured, margin, exposed;
	bool marked;
};

/* How far a market is from telling what an asset is worth: 0 is nearest. */
static int distance(const struct market *m)
{
	return m->quote + (market_margined(m) ? QUOTES_MAX : 0);
}

/* The market that an asset is marked in, as its base or as its other outcome: the first whose money is valued with the
 * fewest steps, so the account's own before all others, and what delivers it before perpetuals. */
static const struct market *market_of(const struct executor *x, const char *asset, bool *ret_other)
{
	const struct market *best = NULL;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (!m->known || m->quote == MARKET_NO_QUOTE || (best && distance(m) >= distance(best)))
			continue;
		bool other = outcome_both(m) && strcmp(m->other, asset) == 0;
		if (!other && strcmp(m->def.base, asset) != 0)
			continue;
		best = m;
		*ret_other = other;
		if (distance(m) == 0)
			break;
	}
	return best;
}

static int64_t asset_value(const struct executor *x, const struct market *m, bool other, int64_t qty)
{
	int64_t value = mark_value(qty, CASH_SCALE, mark_stated(x, m, other));
	return other ? qty - value : value;
}

struct sums { /* by slot, each in its own asset */
	int64_t worth[QUOTES_MAX];   /* of what is no money */
	int64_t exposed[QUOTES_MAX]; /* the same, but of perpetuals their notional in place of their result */
	int64_t unrealised[QUOTES_MAX];
	int64_t margin[QUOTES_MAX];
};

static void count_asset(const struct executor *x, const struct asset *a, int64_t now, struct sums *u, bool *marked)
{
	bool other = false;
	const struct market *m = market_of(x, a->name, &other);
	*marked = *marked && m && mark_stands(x, m, now);
	if (!m)
		return;
	int64_t value = asset_value(x, m, other, a->total);
	u->worth[m->quote] = exposure_add(u->worth[m->quote], value);
	u->exposed[m->quote] = exposure_add(u->exposed[m->quote], value);
}

/* A position in what was delivered is worth what the asset is. */
static void count_position(const struct executor *x, const struct market *m, int64_t now, struct sums *u, bool *marked)
{
	const struct position *p = &m->position;
	bool margined = market_margined(m);
	if (p->qty == 0 || m->quote == MARKET_NO_QUOTE)
		return;
	struct mark mark = mark_stated(x, m, p->qty < 0);
	*marked = *marked && (!margined || mark_stands(x, m, now));
	u->margin[m->quote] = exposure_add(u->margin[m->quote], m->perpetual.margin);
	if (mark.twice == 0)
		return;
	int64_t value = mark_value(p->qty, m->def.qty_scale, mark), gain = exposure_add(value, -p->cost);
	u->unrealised[m->quote] = exposure_add(u->unrealised[m->quote], gain);
	if (!margined)
		return;
	u->worth[m->quote] = exposure_add(u->worth[m->quote], gain);
	u->exposed[m->quote] = exposure_add(u->exposed[m->quote], exposure_abs(value));
}

static int64_t in_own(const struct executor *x, uint32_t slot, int64_t amount, bool *known)
{
	int64_t value;
	*known = quotes_value(x, (uint8_t)slot, amount, &value) && *known;
	return value;
}

/* One slot's share of everything; what has no rate is left out, and not marked. */
static void add_slot(const struct executor *x, uint32_t slot, const struct sums *u, int64_t now, struct worth *w)
{
	const struct asset *a = &x->account.asset[x->quotes.at[slot].place];
	bool any = a->total != 0 || u->worth[slot] != 0, known = true;
	int64_t cash = in_own(x, slot, a->total, &known);
	w->cash = exposure_add(w->cash, cash);
	w->equity = exposure_add(w->equity, exposure_add(cash, in_own(x, slot, u->worth[slot], &known)));
	w->exposed = exposure_add(w->exposed, in_own(x, slot, u->exposed[slot], &known));
	w->unrealised = exposure_add(w->unrealised, in_own(x, slot, u->unrealised[slot], &known));
	w->realised = exposure_add(w->realised, in_own(x, slot, a->realised, &known));
	w->fees = exposure_add(w->fees, in_own(x, slot, a->fees, &known));
	w->funding = exposure_add(w->funding, in_own(x, slot, a->funding, &known));
	w->insured = exposure_add(w->insured, in_own(x, slot, a->insured, &known));
	w->margin = exposure_add(w->margin, in_own(x, slot, u->margin[slot], &known));
	w->marked = w->marked && (!any || (known && quotes_fresh(x, (uint8_t)slot, now)));
}

static struct worth worth_at(const struct executor *x, int64_t now)
{
	const struct account *a = &x->account;
	struct worth w = {.marked = true};
	struct sums u = {0};
	for (uint32_t i = 1; i < a->n; i++)
		if (a->asset[i].total != 0 && !quotes_is_money(x, i))
			count_asset(x, &a->asset[i], now, &u, &w.marked);
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		count_position(x, markets_at(&x->markets, i), now, &u, &w.marked);
	for (uint32_t i = 0; i < x->quotes.n; i++)
		add_slot(x, i, &u, now, &w);
	return w;
}

bool equity_worth(const struct executor *x, int64_t now, int64_t *ret_worth)
{
	struct worth w = worth_at(x, now);
	*ret_worth = w.equity;
	return w.marked;
}

void equity_start(struct executor *x, int64_t now)
{
	if (x->started)
		return;
	struct worth w = worth_at(x, now);
	if (!w.marked)
		return;
	x->started = true;
	x->start_equity = w.equity;
}

void equity_rebase(struct executor *x, int64_t now, const int64_t *before)
{
	int64_t after;
	if (!before || !equity_worth(x, now, &after)) {
		x->started = false;
		guard_reset(x);
		return;
	}
	x->start_equity = exposure_add(x->start_equity, exposure_add(after, -*before));
	guard_shift(x, exposure_add(after, -*before));
}

static void report(const struct step *s, const struct worth *w, bool whole)
{
	const struct account *a = &s->x->account;
	struct event ev = report_begin(s, EVENT_equity, NULL);
	event_set_name(ev.equity.account, a->name);
	event_set_name(ev.equity.asset, a->asset[0].name);
	ev.equity.cash_scale = CASH_SCALE;
	ev.equity.equity = w->equity;
	ev.equity.cash = w->cash;
	ev.equity.realised = w->realised;
	ev.equity.unrealised = w->unrealised;
	ev.equity.fees = w->fees;
	ev.equity.marked = w->marked;
	ev.equity.funding = w->funding;
	ev.equity.insured = w->insured;
	ev.equity.margin = w->margin;
	ev.equity.whole = whole;
	ev.equity.exposed = w->exposed;
	sink_emit(s->out, &ev);
}

static void halt(const struct step *s, const char *why)
{
	enum trading before = mode_state(&s->x->mode);
	if (!mode_halt(&s->x->mode, "executor", why))
		return;
	report_trading(s, before);
	cancel_all(s, NULL, reject_halted);
}

/* Its own start is what an account's loss counts from: a reset does not begin a new one. */
static bool is_ruined(const struct executor *x, const struct worth *w, char why[EVENT_TEXT_MAX])
{
	char lost[FIXED_TEXT_MAX], most[FIXED_TEXT_MAX];
	int64_t loss = exposure_add(x->start_equity, -w->equity), limit = x->settings.loss_max;
	if (limit == 0 || !x->started || !w->marked || loss < limit)
		return false;
	fixed_format_trim(lost, sizeof(lost), loss, CASH_SCALE);
	fixed_format_trim(most, sizeof(most), limit, CASH_SCALE);
	snprintf(why, EVENT_TEXT_MAX,
		 "The loss since the account's start is %s; executor.loss_max = %s allows less. Raise that (nj "
		 "reload), then nj reset: alone it halts again.",
		 lost, most);
	return true;
}

static void tell(const struct step *s, bool whole)
{
	struct executor *x = s->x;
	equity_start(x, s->now);
	struct worth w = worth_at(x, s->now);
	report(s, &w, whole);
	char why[EVENT_TEXT_MAX];
	bool lost = is_ruined(x, &w, why);
	if (w.marked && guard_on_worth(x, s->now, w.equity, why))
		lost = true;
	if (lost)
		halt(s, why);
}

void equity_report(const struct step *s)
{
	tell(s, false);
}

void equity_point(const struct step *s)
{
	valuation_report(s);
	tell(s, true);
}

/* The curve has points at multiples of the interval, but only while something happens: after a
 * silence of any length there is one point, not one for each interval of it. */
void equity_arm(struct executor *x, int64_t now)
{
	int64_t interval = x->settings.equity_interval_ns;
	if (interval > 0 && x->equity_due == CORE_NEVER && now >= 0)
		x->equity_due = now - now % interval + interval;
}
