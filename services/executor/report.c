/* report - what the executor says: order, fill, position, balance and trading_state events. */
#include <stdio.h>
#include <string.h>

#include "services/executor/checks.h"
#include "services/executor/perpetual.h"
#include "services/executor/venue_words.h"

struct event report_begin(const struct step *s, uint16_t id, const struct market *m)
{
	struct event ev;
	event_init(&ev, id);
	ev.origin = s->origin;
	ev.ts_event = s->now;
	ev.ts_recv = flight_known_at(s, m);
	return ev;
}

const char *report_reject_text(enum reject reject)
{
	const struct enum_row *row = enum_reject();
	for (uint8_t i = 0; i < row->n; i++)
		if (row->items[i].value == reject)
			return row->items[i].doc;
	return "";
}

static void say_terms(struct ev_order *e, const struct order *o)
{
	e->trigger_by = o->trigger_by;
	event_set_name(e->user_id, o->user_id);
	e->post_only = o->post_only;
	e->reduce_only = o->reduce_only;
	e->good_until = o->good_until;
	e->trigger_price = o->trigger;
	e->trail = o->trail;
	e->trail_bp = o->trail_bp;
	e->cash_scale = CASH_SCALE;
	e->amount = o->amount;
	e->link = o->link;
	e->leg = o->leg;
	event_set_name(e->link_id, o->link_id);
	e->revision = o->revision;
	e->cancelling = o->stage == stage_remote && o->remote.cancel;
}

void report_order(const struct step *s, const struct order *o, enum reject reject,
		  const char *reason)
{
	struct event ev = report_begin(s, EVENT_order, o->market);
	struct ev_order *e = &ev.order;
	event_set_name(e->account, s->x->account.name);
	event_set_name(e->strategy, o->strategy);
	event_set_name(e->client_order_id, o->client_order_id);
	e->instrument = o->market->def.instrument;
	e->side = o->side;
	e->type = o->type;
	e->tif = o->tif;
	e->status = o->status;
	e->reject = (uint8_t)reject;
	e->price_scale = o->market->def.price_scale;
	e->qty_scale = o->market->def.qty_scale;
	e->price = o->price;
	e->qty = o->qty;
	e->filled = o->filled;
	e->avg_price = order_avg_price(o);
	e->intent_ordinal = o->ordinal;
	event_set_text(e->reason, reason);
	say_terms(e, o);
	sink_emit(s->out, &ev);
}

/* A scale that no event may carry is answered with the largest that it may. */
static uint8_t said_scale(uint8_t scale)
{
	return scale < FIXED_SCALE_MAX ? scale : FIXED_SCALE_MAX;
}

static const struct market *venue_of(const struct step *s, const struct ev_intent *in)
{
	const struct market *m = markets_get(&s->x->markets, &in->instrument);
	return m && m->known ? m : NULL;
}

struct answer {
	enum order_status status;
	enum reject reject;
	const char *reason;
};

/* An intent that is no order, or not yet, is answered in its own words and scales. */
static void answer(const struct step *s, const struct event *intent, const struct answer *a)
{
	const struct ev_intent *in = &intent->intent;
	struct event ev = report_begin(s, EVENT_order, a->status == order_status_pending ? NULL : venue_of(s, in));
	struct ev_order *e = &ev.order;
	event_set_name(e->account, s->x->account.name);
	event_set_name(e->strategy, in->strategy);
	event_set_name(e->client_order_id, in->client_order_id);
	e->instrument = in->instrument;
	e->side = in->side;
	e->type = in->type;
	e->tif = in->tif;
	e->status = (uint8_t)a->status;
	e->reject = (uint8_t)a->reject;
	e->price_scale = said_scale(in->price_scale);
	e->qty_scale = said_scale(in->qty_scale);
	e->price = in->price;
	e->qty = in->qty;
	e->intent_ordinal = in->ordinal;
	event_set_text(e->reason, a->reason);
	event_set_name(e->user_id, in->user_id);
	e->cash_scale = said_scale(in->cash_scale);
	e->trigger_price = in->trigger_price;
	e->amount = in->amount;
	sink_emit(s->out, &ev);
}

void report_refusal(const struct step *s, const struct event *intent, enum reject reject)
{
	const struct ev_intent *in = &intent->intent;
	const char *why = risk_text(s->x, reject);
	const struct market *m = venue_of(s, in);
	bool at_market = m && checks_only_at_market(&m->def, in);
	const char *words = venue_words(&in->instrument, reject, (enum side)in->side, at_market);
	char text[2 * EVENT_TEXT_MAX];
	s->x->counters.rejected++;
	snprintf(text, sizeof(text), "%s (%s)", why, words ? words : "");
	answer(s, intent, &(struct answer){order_status_rejected, reject, words ? text : why});
}

void report_expiry(const struct step *s, const struct event *intent)
{
	int64_t until = intent->intent.good_until;
	bool its_date = until != 0 && until <= s->now;
	const char *why = its_date ? "The date until which it was good had passed when it arrived."
				   : "The intent was too old when it arrived.";
	s->x->counters.expired++;
	answer(s, intent, &(struct answer){order_status_expired, reject_none, why});
}

void report_pending(const struct step *s, const struct event *intent)
{
	answer(s, intent, &(struct answer){order_status_pending, reject_none, ""});
}

void report_assumption(const struct step *s, const struct assumption *a)
{
	struct event ev = report_begin(s, EVENT_assumption, NULL);
	event_set_name(ev.assumption.account, s->x->account.name);
	event_set_name(ev.assumption.about, a->about);
	event_set_name(ev.assumption.value, a->value);
	event_set_text(ev.assumption.text, a->text);
	sink_emit(s->out, &ev);
}

void report_latency(const struct step *s, const struct ev_latency *e)
{
	struct event ev = report_begin(s, EVENT_latency, NULL);
	ev.latency = *e;
	event_set_name(ev.latency.account, s->x->account.name);
	sink_emit(s->out, &ev);
}

void report_fill(const struct step *s, const struct order *o, const struct execution *x)
{
	struct event ev = report_begin(s, EVENT_fill, o->market);
	struct ev_fill *e = &ev.fill;
	event_set_name(e->account, s->x->account.name);
	event_set_name(e->strategy, o->strategy);
	event_set_name(e->client_order_id, o->client_order_id);
	e->fill_id = s->x->fills;
	e->instrument = o->market->def.instrument;
	e->side = o->side;
	e->liquidity = (uint8_t)x->liquidity;
	e->price_scale = o->market->def.price_scale;
	e->qty_scale = o->market->def.qty_scale;
	e->cash_scale = CASH_SCALE;
	e->price = x->price;
	e->qty = x->qty;
	e->fee = x->fee;
	event_set_name(e->fee_asset, o->market->def.quote);
	e->realised = x->realised;
	e->book_at = o->market->updated_at;
	e->rate = quotes_rate(s->x, o->market->quote);
	event_set_name(e->trade_id, x->trade_id ? x->trade_id : "");
	event_set_name(e->commission_asset, x->commission_asset ? x->commission_asset : "");
	e->commission = x->commission;
	sink_emit(s->out, &ev);
}

static void report_position(const struct step *s, const struct market *m)
{
	struct event ev = report_begin(s, EVENT_position, m);
	struct ev_position *e = &ev.position;
	const struct position *p = &m->position;
	event_set_name(e->account, s->x->account.name);
	e->instrument = m->def.instrument;
	e->price_scale = m->def.price_scale;
	e->qty_scale = m->def.qty_scale;
	e->cash_scale = CASH_SCALE;
	e->qty = p->qty;
	if (p->qty != 0)
		fixed_div(p->cost, CASH_SCALE, p->qty, m->def.qty_scale, m->def.price_scale,
			  &e->avg_price);
	e->realised = p->realised;
	e->fees = p->fees;
	if (market_margined(m)) {
		e->margin = m->perpetual.margin;
		e->leverage = (uint32_t)m->perpetual.terms->leverage;
		e->margin_mode = m->perpetual.terms->mode;
		e->liquidation = perpetual_liquidation_price(s->x, m, s->now);
		e->funding = m->perpetual.funding;
	}
	sink_emit(s->out, &ev);
}

void report_balance(const struct step *s, const struct asset *a)
{
	struct event ev = report_begin(s, EVENT_balance, NULL);
	event_set_name(ev.balance.account, s->x->account.name);
	event_set_name(ev.balance.asset, a->name);
	ev.balance.cash_scale = CASH_SCALE;
	ev.balance.total = a->total;
	ev.balance.locked = a->locked;
	sink_emit(s->out, &ev);
}

void report_holdings(const struct step *s, const struct market *m)
{
	report_position(s, m);
	if (market_margined(m)) {
		report_balance(s, perpetual_wallet(s->x, m));
		return;
	}
	report_balance(s, account_asset(&s->x->account, m->def.base));
	if (outcome_both(m) && account_find(&s->x->account, m->other))
		report_balance(s, outcome_asset(&s->x->account, m, OUTCOME_OTHER));
	if (quotes_asset(s->x, m))
		report_balance(s, quotes_asset(s->x, m));
}

void report_trading(const struct step *s, enum trading before)
{
	struct event ev = report_begin(s, EVENT_trading_state, NULL);
	event_set_name(ev.trading_state.account, s->x->account.name);
	ev.trading_state.before = (uint8_t)before;
	mode_describe(&s->x->mode, &ev.trading_state);
	sink_emit(s->out, &ev);
}
