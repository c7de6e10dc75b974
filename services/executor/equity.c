/* equity - the account's worth at the mid of trusted books, its curve, the loss limit.
 *
 * An asset is marked once, in the first market that has it as base. Where that book cannot be
 * trusted now, its last trusted mid is used and the event says that not everything was marked; the
 * loss limit waits then. What is paid in other assets is valued at their rates (quotes.h), results of the past as well:
 * so worth is what the account began with, all at today's rates, plus results, less fees.
 */
#include <string.h>

#include "common/base/check.h"
#include "services/executor/executor.h"

struct worth {
	int64_t equity, cash, unrealised, realised, fees; /* in the account's asset */
	bool marked;
};

/* qty * mid at CASH_SCALE, half to even; mark is twice the mid. */
static int64_t value_of(int64_t qty, int qty_scale, int64_t mark, int price_scale)
{
	fixed_wide twice = (fixed_wide)qty * mark;
	int drop = qty_scale + price_scale - CASH_SCALE;
	fixed_wide value;
	if (drop <= 0)
		value = fixed_div_round(twice * fixed_pow10(-drop), 2);
	else
		value = fixed_div_round(twice, (fixed_wide)2 * fixed_pow10(drop));
	if (value > INT64_MAX)
		return INT64_MAX;
	return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

static int64_t add_capped(int64_t a, int64_t b)
{
	int64_t sum;
	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a > 0 ? INT64_MAX : -INT64_MAX;
}

/* The market that an asset is marked in, as its base or as its other outcome: the first whose money is valued with the
 * fewest steps, so the account's own before all others. */
static const struct market *market_of(const struct executor *x, const char *asset, bool *ret_other)
{
	const struct market *best = NULL;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (!m->known || m->quote == MARKET_NO_QUOTE || (best && m->quote >= best->quote))
			continue;
		bool other = outcome_both(m) && strcmp(m->other, asset) == 0;
		if (!other && strcmp(m->def.base, asset) != 0)
			continue;
		best = m;
		*ret_other = other;
		if (m->quote == 0)
			break;
	}
	return best;
}

static bool marked_now(const struct executor *x, const struct market *m, int64_t now)
{
	return m->mark != 0 && market_usable(m, now, x->settings.stale_ns) == reject_none;
}

static int64_t asset_value(const struct market *m, bool other, int64_t qty)
{
	int64_t value = value_of(qty, CASH_SCALE, m->mark, m->def.price_scale);
	return other ? qty - value : value;
}

static bool is_money(const struct executor *x, uint32_t asset)
{
	for (uint32_t i = 0; i < x->quotes.n; i++)
		if (x->quotes.at[i].place == asset)
			return true;
	return false;
}

struct sums { /* by slot, each in its own asset */
	int64_t worth[QUOTES_MAX]; /* of what is no money */
	int64_t unrealised[QUOTES_MAX];
};

static void count_asset(const struct executor *x, const struct asset *a, int64_t now, struct sums *u, bool *marked)
{
	bool other = false;
	const struct market *m = market_of(x, a->name, &other);
	*marked = *marked && m && marked_now(x, m, now);
	if (m)
		u->worth[m->quote] = add_capped(u->worth[m->quote], asset_value(m, other, a->total));
}

static void count_position(const struct market *m, struct sums *u)
{
	const struct position *p = &m->position;
	if (p->qty == 0 || m->mark == 0 || m->quote == MARKET_NO_QUOTE)
		return;
	int64_t value = value_of(p->qty, m->def.qty_scale, m->mark, m->def.price_scale);
	u->unrealised[m->quote] = add_capped(u->unrealised[m->quote], add_capped(value, -p->cost));
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
	w->cash = add_capped(w->cash, cash);
	w->equity = add_capped(w->equity, add_capped(cash, in_own(x, slot, u->worth[slot], &known)));
	w->unrealised = add_capped(w->unrealised, in_own(x, slot, u->unrealised[slot], &known));
	w->realised = add_capped(w->realised, in_own(x, slot, a->realised, &known));
	w->fees = add_capped(w->fees, in_own(x, slot, a->fees, &known));
	w->marked = w->marked && (!any || (known && quotes_fresh(x, (uint8_t)slot, now)));
}

static struct worth worth_at(const struct executor *x, int64_t now)
{
	const struct account *a = &x->account;
	struct worth w = {.marked = true};
	struct sums u = {0};
	for (uint32_t i = 1; i < a->n; i++)
		if (a->asset[i].total != 0 && !is_money(x, i))
			count_asset(x, &a->asset[i], now, &u, &w.marked);
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		count_position(markets_at(&x->markets, i), &u);
	for (uint32_t i = 0; i < x->quotes.n; i++)
		add_slot(x, i, &u, now, &w);
	return w;
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

static void report(const struct step *s, const struct worth *w)
{
	const struct account *a = &s->x->account;
	struct event ev;
	event_init(&ev, EVENT_equity);
	ev.origin = s->origin;
	ev.ts_event = s->now;
	ev.ts_recv = flight_known_at(s, NULL);
	event_set_name(ev.equity.account, a->name);
	event_set_name(ev.equity.asset, a->asset[0].name);
	ev.equity.cash_scale = CASH_SCALE;
	ev.equity.equity = w->equity;
	ev.equity.cash = w->cash;
	ev.equity.realised = w->realised;
	ev.equity.unrealised = w->unrealised;
	ev.equity.fees = w->fees;
	ev.equity.marked = w->marked;
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

void equity_report(const struct step *s)
{
	struct executor *x = s->x;
	equity_start(x, s->now);
	struct worth w = worth_at(x, s->now);
	report(s, &w);
	bool lost = x->settings.loss_max > 0 && x->started && w.marked &&
		    add_capped(x->start_equity, -w.equity) >= x->settings.loss_max;
	char why[EVENT_TEXT_MAX] = "The loss limit of the account was reached.";
	if (w.marked && guard_on_worth(x, s->now, w.equity, why))
		lost = true;
	if (lost)
		halt(s, why);
}

/* The curve has points at multiples of the interval, but only while something happens: after a
 * silence of any length there is one point, not one for each interval of it. */
void equity_arm(struct executor *x, int64_t now)
{
	int64_t interval = x->settings.equity_interval_ns;
	if (interval > 0 && x->equity_due == CORE_NEVER && now >= 0)
		x->equity_due = now - now % interval + interval;
}
