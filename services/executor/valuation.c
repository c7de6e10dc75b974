/* valuation - what each position was marked at, at a point of the equity curve: so that whoever reads the journal can
 * tell what each strategy and each instrument had come to, in the account's asset, as exactly as the account itself.
 */
#include "services/executor/perpetual.h"

static bool is_held(const struct executor *x, const struct market *m)
{
	if (m->position.qty != 0)
		return true;
	for (uint32_t i = 0; i < x->holdings.n; i++)
		if (x->holdings.at[i].market == m)
			return true; /* strategies against each other */
	return false;
}

static void report(const struct step *s, const struct market *m)
{
	const struct executor *x = s->x;
	struct event ev = report_begin(s, EVENT_valuation, NULL);
	struct ev_valuation *e = &ev.valuation;
	event_set_name(e->account, x->account.name);
	e->instrument = m->def.instrument;
	e->qty_scale = m->def.qty_scale;
	e->qty = m->position.qty;
	mark_price(mark_stated(x, m, m->position.qty < 0), &e->price, &e->price_scale);
	e->rate = quotes_rate(x, m->quote);
	e->marked = mark_stands(x, m, s->now) && quotes_fresh(x, m->quote, s->now);
	sink_emit(s->out, &ev);
}

void valuation_report(const struct step *s)
{
	const struct markets *ms = &s->x->markets;
	for (uint32_t i = 0; i < markets_count(ms); i++) {
		const struct market *m = markets_at(ms, i);
		if (m->known && m->quote != MARKET_NO_QUOTE && is_held(s->x, m))
			report(s, m);
	}
}
