/* link - see link.h. */
#include "services/executor/link.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/executor/checks.h"
#include "services/executor/trigger.h"

int link_init(struct links *l, uint32_t orders_max)
{
	*l = (struct links){.max = orders_max + 8};
	l->at = calloc(l->max, sizeof(*l->at));
	return l->at ? 0 : ERR_NOMEM;
}

void link_fini(struct links *l)
{
	free(l->at);
	*l = (struct links){0};
}

uint32_t link_legs(const struct ev_intent *in)
{
	return (uint32_t)(in->stop_price > 0) + (uint32_t)(in->target_price > 0);
}

/* ---- making them ---- */

static enum reject leg_price(const struct event *ev, const struct market *m, int64_t price, int64_t *ret_price)
{
	enum reject reject = checks_price(&m->def, price, ev->intent.price_scale, ret_price);
	return reject == reject_none ? checks_range(&m->def, *ret_price) : reject;
}

/* What all legs have of their first order. */
static struct order leg_of(const struct order *first, uint64_t ordinal, const char *id)
{
	bool bracket = first->link == order_link_bracket;
	struct order o = {
		.ordinal = ordinal,
		.market = first->market,
		.side = (uint8_t)(bracket ? walk_against(first->side) : first->side),
		.tif = bracket ? tif_gtc : first->tif,
		.good_until = bracket ? 0 : first->good_until,
		.link = first->link,
		.stage = stage_held,
		.reduce_only = bracket || first->reduce_only,
		.status = order_status_waiting,
	};
	event_set_name(o.strategy, first->strategy);
	event_set_name(o.client_order_id, id);
	event_set_name(o.link_id, first->link_id);
	return o;
}

static struct order stop_of(const struct event *ev, const struct order *first)
{
	const struct ev_intent *in = &ev->intent;
	struct order o = leg_of(first, in->ordinal + link_legs(in), in->stop_id);
	o.leg = order_leg_stop;
	o.type = in->stop_limit > 0 ? order_type_stop_limit : order_type_stop_market;
	o.trigger_by = in->trigger_by;
	must(checks_price(&o.market->def, in->stop_price, ev->intent.price_scale, &o.trigger) == reject_none);
	must(checks_price(&o.market->def, in->stop_limit, ev->intent.price_scale, &o.price) == reject_none);
	/* Of an oco the whole quantity is there from the start. */
	if (first->link == order_link_oco)
		o.qty = first->qty;
	return o;
}

enum reject link_check(const struct event *ev, int64_t now, const struct order *first)
{
	const struct ev_intent *in = &ev->intent;
	int64_t price = 0;
	enum reject reject = leg_price(ev, first->market, in->target_price, &price);
	if (reject == reject_none)
		reject = leg_price(ev, first->market, in->stop_price, &price);
	if (reject == reject_none)
		reject = leg_price(ev, first->market, in->stop_limit, &price);
	if (reject != reject_none || in->link != order_link_oco)
		return reject;
	/* A bracket's exits may meet any price when their time comes; this stop begins to wait now. */
	struct order stop = stop_of(ev, first);
	return trigger_reached(&stop) ? reject_would_trigger : checks_terms(&stop, now);
}

static void hold(const struct step *s, const struct order *leg)
{
	report_order(s, leg, reject_none, "");
	must(orders_insert(&s->x->orders, leg) == 0);
}

static void open_target(const struct step *s, const struct event *ev, const struct order *first)
{
	struct order o = leg_of(first, ev->intent.ordinal + 1, ev->intent.target_id);
	o.leg = order_leg_target;
	o.type = order_type_limit;
	must(leg_price(ev, o.market, ev->intent.target_price, &o.price) == reject_none);
	hold(s, &o);
}

void link_open(const struct step *s, const struct event *ev, const struct order *first)
{
	if (ev->intent.target_price > 0)
		open_target(s, ev, first);
	if (ev->intent.stop_price > 0) {
		struct order stop = stop_of(ev, first);
		hold(s, &stop);
	}
	if (first->link != order_link_oco)
		return;
	struct links *l = &s->x->links;
	must(l->n < l->max);
	struct link_note *n = &l->at[l->n++];
	*n = (struct link_note){.link = order_link_oco, .leg = order_leg_entry};
	event_set_name(n->link_id, first->link_id);
}

void link_refuse(const struct step *s, const struct event *ev)
{
	struct event leg = *ev;
	uint32_t legs = link_legs(&ev->intent);
	for (uint32_t i = 0; i < legs; i++) {
		bool target = i == 0 && ev->intent.target_price > 0;
		leg.intent.ordinal = ev->intent.ordinal + i + 1;
		event_set_name(leg.intent.client_order_id, target ? ev->intent.target_id : ev->intent.stop_id);
		report_refusal(s, &leg, reject_linked);
	}
}

/* ---- what one does to the others ---- */

static struct order *find(struct executor *x, const char *link_id, enum order_leg leg)
{
	struct orders *os = &x->orders;
	for (uint32_t i = 0; i < os->n; i++)
		if (os->at[i].leg == leg && strcmp(os->at[i].link_id, link_id) == 0)
			return &os->at[i];
	return NULL;
}

struct order *link_other(struct executor *x, const struct order *o)
{
	return find(x, o->link_id, o->leg == order_leg_stop ? order_leg_target : order_leg_stop);
}

/* Takes an order out of the table. */
static struct order lift(struct executor *x, struct order *o)
{
	struct order copy = *o;
	orders_remove(&x->orders, (uint32_t)(o - x->orders.at));
	return copy;
}

static void drop(const struct step *s, struct order *o, enum reject reject)
{
	if (!o)
		return;
	struct order gone = lift(s->x, o);
	fills_close(s, &gone, reject, false);
}

static void drop_leg(const struct step *s, const char *link_id, enum order_leg leg)
{
	drop(s, find(s->x, link_id, leg), reject_linked);
}

void link_fired(const struct step *s, const struct order *stop)
{
	if (!stop->link_id[0])
		return;
	drop_leg(s, stop->link_id, order_leg_target);
	drop_leg(s, stop->link_id, order_leg_entry);
}

void link_note(struct executor *x, struct order *o, bool ended)
{
	struct links *l = &x->links;
	int64_t filled = o->filled - o->told;
	if (!o->link_id[0] || (filled == 0 && !ended))
		return;
	o->told = o->filled;
	uint32_t i = 0;
	while (i < l->n && (l->at[i].leg != o->leg || strcmp(l->at[i].link_id, o->link_id) != 0))
		i++;
	must(i < l->max);
	struct link_note *n = &l->at[i];
	if (i == l->n) {
		*n = (struct link_note){.link = o->link, .leg = o->leg};
		event_set_name(n->link_id, o->link_id);
		l->n++;
	}
	n->filled += filled;
	n->ended = n->ended || ended;
}

/* ---- exits grow with their entry ---- */

/* Does what an exit may close by now pass the venue's filters? */
static enum reject ready(const struct order *o, int64_t now)
{
	return order_rest(o) > 0 ? checks_terms(o, now) : reject_linked;
}

static void activate(const struct step *s, struct order *leg)
{
	struct order o = lift(s->x, leg);
	if (o.type != order_type_limit) {
		trigger_wait(s, &o);
		return;
	}
	o.stage = stage_resting;
	o.status = order_status_open;
	report_order(s, &o, reject_none, "");
	taker_go_on(s, &o);
}

/* An exit that is active already grows: the target goes to the back of the queue, the stop waits on. */
static void grow(const struct step *s, struct order *leg)
{
	struct order o = lift(s->x, leg);
	o.revision++;
	if (o.stage == stage_trigger) {
		fills_unlock(s->x, &o);
		trigger_wait(s, &o);
		return;
	}
	report_order(s, &o, reject_none, "");
	taker_go_on(s, &o);
}

static void follow_entry(const struct step *s, const struct link_note *n, enum order_leg leg)
{
	struct order *o = find(s->x, n->link_id, leg);
	if (!o)
		return;
	o->qty += n->filled;
	if (o->stage != stage_held) {
		if (n->filled > 0)
			grow(s, o);
		return;
	}
	enum reject reject = ready(o, s->now);
	if (reject == reject_none)
		activate(s, o);
	else if (n->ended)
		drop(s, o, reject);
}

/* The target has filled: the stop has that much less to close. */
static void shrink_stop(const struct step *s, const struct link_note *n)
{
	struct order *o = find(s->x, n->link_id, order_leg_stop);
	if (!o || n->filled == 0)
		return;
	o->qty = order_rest(o) > n->filled ? o->qty - n->filled : o->filled;
	if (order_rest(o) == 0) {
		drop(s, o, reject_linked);
		return;
	}
	o->revision++;
	report_order(s, o, reject_none, "");
}

static void settle(const struct step *s, const struct link_note *n)
{
	if (n->leg == order_leg_entry) {
		follow_entry(s, n, order_leg_target);
		follow_entry(s, n, order_leg_stop);
		return;
	}
	if (n->filled > 0)
		drop_leg(s, n->link_id, order_leg_entry);
	if (n->leg == order_leg_target)
		shrink_stop(s, n);
	if (n->ended)
		drop_leg(s, n->link_id, n->leg == order_leg_target ? order_leg_stop : order_leg_target);
}

void link_settle(const struct step *s)
{
	struct links *l = &s->x->links;
	while (l->n > 0) {
		struct link_note n = l->at[0];
		l->n--;
		memmove(l->at, l->at + 1, l->n * sizeof(*l->at));
		settle(s, &n);
	}
}
