/* intake - an intent: seen before? under way? where it has arrived, passed on by its kind, or answered with why not. */
#include <string.h>

#include "common/base/err.h"
#include "services/executor/checks.h"
#include "services/executor/link.h"
#include "services/executor/room.h"
#include "services/executor/terms.h"
#include "services/executor/trigger.h"

static struct order draft_of(const struct ev_intent *in, struct market *m)
{
	struct order o = {
		.ordinal = in->ordinal,
		.market = m,
		.side = in->side,
		.type = in->type,
		.tif = in->tif,
		.trigger_by = in->trigger_by,
		.trail_bp = in->trail_bp,
		.post_only = in->post_only,
		.reduce_only = in->reduce_only,
		.good_until = in->good_until,
		.link = in->link,
		.leg = in->link == order_link_oco       ? order_leg_target
		       : in->link == order_link_bracket ? order_leg_entry
							: order_leg_none,
	};
	event_set_name(o.strategy, in->strategy);
	event_set_name(o.client_order_id, in->client_order_id);
	event_set_name(o.user_id, in->user_id);
	if (in->link != order_link_none)
		event_set_name(o.link_id, in->client_order_id);
	return o;
}

static enum reject place(const struct step *s, const struct event *ev, struct market *m)
{
	struct order o = draft_of(&ev->intent, m);
	enum reject reject = checks_filters(&ev->intent, s->now, &o);
	if (reject == reject_none && o.link != order_link_none)
		reject = link_check(ev, s->now, &o);
	if (reject == reject_none)
		reject = room_for_orders(s->x, &o);
	if (reject == reject_none)
		reject = terms_conditional(o.type) ? trigger_place(s, &o) : taker_place(s, &o);
	if (reject == reject_none && o.link != order_link_none)
		link_open(s, ev, &o);
	if (reject == reject_none)
		sight_on_market(s, m);
	return reject;
}

enum reject intake_own(const struct step *s, const struct event *ev, struct market *m)
{
	enum reject reject = m->known ? checks_sound(ev, m) : reject_unknown_instrument;
	return reject == reject_none ? place(s, ev, m) : reject;
}

static void on_order(const struct step *s, const struct event *ev)
{
	struct executor *x = s->x;
	struct market *m = markets_get(&x->markets, &ev->intent.instrument);
	bool twice = orders_find(&x->orders, ev->intent.client_order_id) != NULL;
	enum reject reject = twice ? reject_duplicate : checks_admission(x, ev, m);
	if (reject == reject_none && orders_find_user(&x->orders, ev->intent.user_id))
		reject = reject_user_id;
	bool old = reject == reject_none && checks_expired(x, s->now, ev);
	if (old)
		report_expiry(s, ev);
	else if (reject == reject_none)
		reject = place(s, ev, m);
	if (reject != reject_none)
		report_refusal(s, ev, reject);
	if (old || (reject != reject_none && reject != reject_duplicate))
		link_refuse(s, ev);
}

struct order *intake_named(struct executor *x, const struct ev_intent *in)
{
	struct order *o = in->client_order_id[0] ? orders_find(&x->orders, in->client_order_id)
						 : orders_find_user(&x->orders, in->user_id);
	return o && strcmp(o->strategy, in->strategy) == 0 ? o : NULL;
}

static void obey(const struct step *s, const struct event *ev)
{
	switch (ev->intent.kind) {
	case intent_kind_order:
		on_order(s, ev);
		break;
	case intent_kind_cancel:
		cancel_on_intent(s, ev);
		break;
	case intent_kind_replace:
		amend_on_intent(s, ev);
		break;
	case intent_kind_cancel_all:
		cancel_all_on_intent(s, ev);
		break;
	default:
		report_refusal(s, ev, reject_invalid);
	}
}

static enum reject note(struct executor *x, const struct event *ev)
{
	const struct ev_intent *in = &ev->intent;
	if (in->ordinal == 0 || !in->strategy[0])
		return reject_invalid;
	switch (orders_note(&x->orders, in->strategy, ev->epoch, in->ordinal + link_legs(in))) {
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
	allocation_open(s);
	enum reject reject = note(x, ev);
	if (reject != reject_none)
		report_refusal(s, ev, reject);
	else if (!flight_put(s, ev))
		obey(s, ev);
}

void intake_arrive(const struct step *s, const struct event *ev)
{
	equity_start(s->x, s->now);
	allocation_open(s);
	obey(s, ev);
}
