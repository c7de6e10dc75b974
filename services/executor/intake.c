/* intake - an intent arrives: seen before? order or cancel? passed on, or answered with why not. */
#include <string.h>

#include "common/base/err.h"
#include "services/executor/checks.h"

static struct order draft_of(const struct ev_intent *in, struct market *m)
{
	struct order o = {
		.ordinal = in->ordinal,
		.market = m,
		.side = in->side,
		.type = in->type,
		.tif = in->tif,
	};
	event_set_name(o.strategy, in->strategy);
	event_set_name(o.client_order_id, in->client_order_id);
	return o;
}

static enum reject place(const struct step *s, const struct event *ev, struct market *m)
{
	struct order o = draft_of(&ev->intent, m);
	enum reject reject = checks_filters(&ev->intent, &o);
	return reject == reject_none ? taker_place(s, &o) : reject;
}

enum reject intake_own(const struct step *s, const struct event *ev, struct market *m)
{
	enum reject reject = m->known ? checks_sound(s->x, ev, m) : reject_unknown_instrument;
	return reject == reject_none ? place(s, ev, m) : reject;
}

static void on_order(const struct step *s, const struct event *ev)
{
	struct executor *x = s->x;
	struct market *m = markets_get(&x->markets, &ev->intent.instrument);
	bool twice = orders_find(&x->orders, ev->intent.client_order_id) != NULL;
	enum reject reject = twice ? reject_duplicate : checks_admission(x, ev, m);
	if (reject == reject_none && checks_expired(x, s->now, ev)) {
		report_expiry(s, ev);
		return;
	}
	if (reject == reject_none)
		reject = place(s, ev, m);
	if (reject != reject_none)
		report_refusal(s, ev, reject);
}

/* Cancels are obeyed in every state, of any age and origin: they can only make things safer. */
static void on_cancel(const struct step *s, const struct event *ev)
{
	struct orders *os = &s->x->orders;
	struct order *o = orders_find(os, ev->intent.client_order_id);
	if (!o || strcmp(o->strategy, ev->intent.strategy) != 0) {
		report_refusal(s, ev, reject_unknown_order);
		return;
	}
	fills_close(s, o, reject_none, false);
	orders_remove(os, (uint32_t)(o - os->at));
}

static enum reject note(struct executor *x, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	if (in->ordinal == 0 || !in->strategy[0])
		return reject_invalid;
	switch (orders_note(&x->orders, in->strategy, ev->epoch, in->ordinal)) {
	case 0:
		return reject_none;
	case ERR_EXISTS:
		return reject_duplicate;
	default:
		return reject_limit_orders;
	}
}

void intake_on_intent(const struct step *s, const struct event *ev)
{
	struct executor *x = s->x;
	if (strcmp(ev->intent.account, x->settings.account) != 0) {
		x->counters.other_account++;
		return;
	}
	x->counters.intents++;
	equity_start(x, s->now);
	enum reject reject = note(x, ev);
	if (reject != reject_none)
		report_refusal(s, ev, reject);
	else if (ev->intent.kind == intent_kind_order)
		on_order(s, ev);
	else if (ev->intent.kind == intent_kind_cancel)
		on_cancel(s, ev);
	else
		report_refusal(s, ev, reject_invalid);
}

void intake_cancel_all(const struct step *s, const struct market *only, enum reject reject)
{
	struct orders *os = &s->x->orders;
	for (uint32_t i = 0; i < os->n;) {
		if (only && os->at[i].market != only) {
			i++;
			continue;
		}
		fills_close(s, &os->at[i], reject, false);
		orders_remove(os, i);
	}
}
