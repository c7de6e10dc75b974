/* equity - the account's worth at the mid of trusted books, its curve, the loss limit.
 *
 * An asset is marked once, in the first market that has it as base. Where that book cannot be
 * trusted now, its last trusted mid is used and the event says that not everything was marked; the
 * loss limit waits then.
 */
#include <string.h>

#include "common/base/check.h"
#include "services/executor/executor.h"

struct worth {
	int64_t equity, unrealised;
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

/* The market that an asset is marked in: as its base, or as its other outcome. */
static const struct market *market_of(const struct executor *x, const char *asset, bool *ret_other)
{
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (!m->known || strcmp(m->def.quote, x->settings.quote) != 0)
			continue;
		*ret_other = outcome_both(m) && strcmp(m->other, asset) == 0;
		if (*ret_other || strcmp(m->def.base, asset) == 0)
			return m;
	}
	return NULL;
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

static struct worth worth_at(const struct executor *x, int64_t now)
{
	const struct account *a = &x->account;
	struct worth w = {.equity = a->asset[0].total, .marked = true};
	for (uint32_t i = 1; i < a->n; i++) {
		if (a->asset[i].total == 0)
			continue;
		bool other = false;
		const struct market *m = market_of(x, a->asset[i].name, &other);
		w.marked = w.marked && m && marked_now(x, m, now);
		if (m)
			w.equity = add_capped(w.equity, asset_value(m, other, a->asset[i].total));
	}
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		const struct position *p = &m->position;
		if (p->qty == 0 || m->mark == 0)
			continue;
		int64_t value = value_of(p->qty, m->def.qty_scale, m->mark, m->def.price_scale);
		w.unrealised = add_capped(w.unrealised, add_capped(value, -p->cost));
	}
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
	ev.ts_recv = s->now + s->x->settings.ack_latency_ns;
	event_set_name(ev.equity.account, a->name);
	event_set_name(ev.equity.asset, a->asset[0].name);
	ev.equity.cash_scale = CASH_SCALE;
	ev.equity.equity = w->equity;
	ev.equity.cash = a->asset[0].total;
	ev.equity.realised = a->realised;
	ev.equity.unrealised = w->unrealised;
	ev.equity.fees = a->fees;
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
