/* cancel - orders end before they are filled: by intent, all at once, by their date, with nothing left to reduce. */
#include <string.h>

#include "services/executor/executor.h"

bool cancel_one(const struct step *s, uint32_t i, enum reject reject)
{
	struct orders *os = &s->x->orders;
	struct order o = os->at[i];
	if (o.stage == stage_remote) {
		remote_cancel(s, &os->at[i], reject, false);
		return false;
	}
	orders_remove(os, i);
	fills_close(s, &o, reject, false);
	return true;
}

/* Cancels are obeyed in every state, of any age and origin: they can only make things safer. */
void cancel_on_intent(const struct step *s, const struct event *ev)
{
	struct order *o = intake_named(s->x, &ev->intent);
	if (!o)
		report_refusal(s, ev, reject_unknown_order);
	else
		cancel_one(s, (uint32_t)(o - s->x->orders.at), reject_none);
}

void cancel_all_on_intent(const struct step *s, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	struct orders *os = &s->x->orders;
	bool whole = in->scope == cancel_scope_account;
	for (uint32_t i = 0; i < os->n;) {
		const struct order *o = &os->at[i];
		bool ours = whole || strcmp(o->strategy, in->strategy) == 0;
		bool here = !in->instrument.s[0] || symbol_equal(&o->market->def.instrument, &in->instrument);
		if (!ours || !here || !cancel_one(s, i, reject_none))
			i++;
	}
}

void cancel_all(const struct step *s, const struct market *only, enum reject reject)
{
	struct orders *os = &s->x->orders;
	for (uint32_t i = 0; i < os->n;) {
		if ((only && os->at[i].market != only) || !cancel_one(s, i, reject))
			i++;
	}
}

static bool is_named(const struct order *o, const char *target)
{
	return strcmp(o->client_order_id, target) == 0 || strcmp(o->strategy, target) == 0 ||
	       strcmp(o->market->def.instrument.s, target) == 0 || (o->user_id[0] && strcmp(o->user_id, target) == 0);
}

void cancel_on_command(const struct step *s, const struct ev_command *c)
{
	struct orders *os = &s->x->orders;
	bool whole = !c->target[0] || strcmp(c->target, s->x->account.name) == 0;
	s->x->named = 0;
	for (uint32_t i = 0; i < os->n;)
		if (whole || is_named(&os->at[i], c->target)) {
			s->x->named++;
			i += !cancel_one(s, i, reject_by_hand);
		} else {
			i++;
		}
}

void cancel_due(const struct step *s)
{
	struct orders *os = &s->x->orders;
	for (uint32_t i = 0; i < os->n && os->due <= s->now;) {
		struct order o = os->at[i];
		if (o.good_until == 0 || o.good_until > s->now) {
			i++;
			continue;
		}
		if (o.stage == stage_remote) {
			orders_undate(os, i++);
			remote_cancel(s, &os->at[i - 1], reject_none, true);
			continue;
		}
		orders_remove(os, i);
		fills_expire(s, &o);
	}
}

void cancel_unreducible(const struct step *s)
{
	struct orders *os = &s->x->orders;
	for (uint32_t i = 0; i < os->n;) {
		const struct order *o = &os->at[i];
		bool placed = o->stage == stage_resting || o->stage == stage_remote;
		bool idle = o->reduce_only && placed && holdings_reducible(&s->x->holdings, o) == 0;
		if (!idle || !cancel_one(s, i, reject_reduce_only))
			i++;
	}
}
