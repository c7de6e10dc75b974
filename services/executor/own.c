/* own - the way back without inputs: what our journal says of orders and money is taken over.
 *
 * Everything the journal states is restored: balances, positions, results, open orders, the state
 * of trading, which intents were answered. What it cannot tell is assumed to be bad: books are
 * unknown until their next snapshot, and the queue ahead of a resting order is endless until a book
 * shows it.
 */
#include "services/executor/own.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "services/executor/perpetual.h"
#include "services/executor/trigger.h"

void own_disbelieve(struct executor *x, const char *fmt, ...)
{
	struct ev_command c = {.verb = verb_safe};
	va_list args;
	x->counters.quarantined++;
	event_set_name(c.target, "recovery");
	event_set_name(c.owner, "executor");
	va_start(args, fmt);
	vsnprintf(c.reason, sizeof(c.reason), fmt, args);
	va_end(args);
	mode_raise(&x->mode, &c);
}

struct market *own_market(struct executor *x, const struct symbol *symbol)
{
	struct market *m = markets_get(&x->markets, symbol);
	if (!m || !m->known)
		return NULL;
	quotes_admit(x, m);
	return m->quote != MARKET_NO_QUOTE ? m : NULL;
}

static bool is_first_answer(const struct ev_order *e)
{
	/* Without an intent it is an order of the executor's own; a later word has the ordinal of an earlier one. */
	return e->intent_ordinal != 0 && e->revision == 0 &&
	       (e->status == order_status_open || e->status == order_status_waiting ||
		e->status == order_status_expired || e->status == order_status_pending ||
		(e->status == order_status_rejected && e->reject != reject_duplicate && e->reject != reject_venue));
}

static int reserve(struct executor *x, const struct order *o, int64_t *ret_amount)
{
	if (o->stage == stage_held) {
		*ret_amount = 0;
		return 0;
	}
	if (o->stage == stage_trigger)
		return trigger_reserve(x, o, ret_amount);
	return fills_reserve(o, order_rest(o), ret_amount);
}

static void set_lock(struct executor *x, struct order *o)
{
	int64_t amount;
	perpetual_claim(x, o);
	if (reserve(x, o, &amount) == 0)
		o->locked = amount;
}

/* After a fill: an order keeps what its rest needs, or what is left of its lock where roundings made that less. */
static void release_lock(struct executor *x, struct order *o)
{
	int64_t keep;
	if (reserve(x, o, &keep) == 0 && keep < o->locked)
		o->locked = keep;
}

/* An order at market that was triggered has ended by the next record; where there is none, it fires again. */
static uint8_t stage_of(const struct executor *x, const struct ev_order *e)
{
	if (x->settings.remote && e->status != order_status_waiting)
		return e->status == order_status_triggered ? stage_trigger : stage_remote;
	bool may_rest = e->price != 0 && (e->tif == tif_gtc || e->tif == tif_gtd);
	if (e->status == order_status_triggered)
		return may_rest ? stage_resting : stage_trigger;
	if (e->status != order_status_waiting)
		return stage_resting;
	return e->qty == 0 || e->type == order_type_limit ? stage_held : stage_trigger;
}

/* What an order event says of an order that stays. */
static void take_terms(const struct executor *x, struct order *o, const struct ev_order *e)
{
	o->status = e->status;
	o->stage = stage_of(x, e);
	o->price = e->price;
	o->qty = e->qty;
	o->filled = o->told = e->filled;
	o->trigger_by = e->trigger_by;
	o->trigger = e->trigger_price;
	o->trail = e->trail;
	o->trail_bp = e->trail_bp;
	o->good_until = e->good_until;
	o->post_only = e->post_only;
	o->reduce_only = e->reduce_only;
	o->link = e->link;
	o->leg = e->leg;
	o->revision = e->revision;
	o->remote.cancel = e->cancelling;
}

static void disbelieve_order(struct executor *x, const struct ev_order *e)
{
	own_disbelieve(x, "Order %s in the journal was not taken over: its terms make no sense.", e->client_order_id);
}

/* Only what rests or waits is an order after its step: the others have ended in the same breath. */
static void restore(struct executor *x, const struct ev_order *e)
{
	struct market *m = own_market(x, &e->instrument);
	bool rests = e->price != 0 && (e->tif == tif_gtc || e->tif == tif_gtd);
	if (!m || (!rests && e->status != order_status_waiting && !x->settings.remote))
		return;
	struct order o = {
		.ordinal = e->intent_ordinal,
		.market = m,
		.side = e->side,
		.type = e->type,
		.tif = e->tif,
		.ahead = INT64_MAX,
	};
	outcome_choose(&x->account, &o);
	event_set_name(o.strategy, e->strategy);
	event_set_name(o.client_order_id, e->client_order_id);
	event_set_name(o.user_id, e->user_id);
	event_set_name(o.link_id, e->link_id);
	take_terms(x, &o, e);
	if (!orders_sound(&o)) {
		disbelieve_order(x, e);
		return;
	}
	set_lock(x, &o);
	orders_insert(&x->orders, &o);
}

/* It was counted when it was accepted. */
static void recall_rates(struct executor *x, int64_t at, const struct ev_order *e)
{
	struct market *m = own_market(x, &e->instrument);
	struct order o = {.ordinal = e->intent_ordinal, .market = m};
	event_set_name(o.strategy, e->strategy);
	bool accepted = e->status == order_status_open || e->status == order_status_waiting;
	bool first = !e->link_id[0] || strcmp(e->link_id, e->client_order_id) == 0; /* legs came with another */
	if (m && accepted && first && e->revision == 0 && !orders_find(&x->orders, e->client_order_id))
		risk_on_order(x, at, &o);
}

/* The order was there: where it was triggered, or replaced by anything but less of it, it takes a new place. */
static void update(struct executor *x, const struct ev_order *e, struct order *o)
{
	struct order now = *o;
	take_terms(x, &now, e);
	if (!orders_sound(&now)) {
		disbelieve_order(x, e);
		return;
	}
	bool other = now.price != o->price || now.trigger != o->trigger || now.qty > o->qty;
	bool moves = now.stage != o->stage || (now.revision != o->revision && other);
	if (!moves) {
		*o = now;
		release_lock(x, o);
		return;
	}
	orders_remove(&x->orders, (uint32_t)(o - x->orders.at));
	now.ahead = INT64_MAX;
	set_lock(x, &now);
	orders_insert(&x->orders, &now);
}

/* Exits that are too small to be active yet have grown without a word. */
static void feed_exits(struct executor *x, const struct ev_order *e)
{
	for (uint32_t i = 0; i < x->orders.n; i++) {
		struct order *o = &x->orders.at[i];
		if (o->stage == stage_held && e->filled >= 0 && strcmp(o->link_id, e->link_id) == 0)
			o->qty = e->filled;
	}
}

/* What does not rest is not in the table: its fills follow its own word at once. */
static void note_taker(struct executor *x, const struct ev_order *e)
{
	if (e->status != order_status_open && e->status != order_status_triggered && e->status != order_status_pending)
		return;
	event_set_name(x->taking, e->client_order_id);
	x->taking_own = e->intent_ordinal == 0;
}

static void end(struct executor *x, struct order *o)
{
	remote_recall_end(x, o->client_order_id);
	orders_remove(&x->orders, (uint32_t)(o - x->orders.at));
}

/* A refusal is about another intent, but for the venue's own. */
static void on_order(struct executor *x, const struct ev_order *e)
{
	/* Still under way: its strategy's journal has the intent. (On its way to a venue it is an order already.) */
	if (e->status == order_status_pending && !x->settings.remote)
		return;
	note_taker(x, e);
	if (e->leg == order_leg_entry)
		feed_exits(x, e);
	struct order *o = orders_find(&x->orders, e->client_order_id);
	if (is_first_answer(e) && (!o || e->status == order_status_rejected))
		orders_recall(&x->orders, e->strategy, e->intent_ordinal);
	bool lives = e->status == order_status_open || e->status == order_status_pending ||
		     e->status == order_status_partial || e->status == order_status_waiting ||
		     e->status == order_status_triggered;
	if (lives && o)
		update(x, e, o);
	else if (lives && e->status != order_status_partial)
		restore(x, e);
	else if (o && !lives && (e->status != order_status_rejected || e->reject == reject_venue))
		end(x, o);
}

/* A halt that it led to is on record itself. */
static void on_equity(struct executor *x, int64_t at, const struct ev_equity *e)
{
	char why[EVENT_TEXT_MAX];
	if (!e->marked)
		return;
	guard_on_worth(x, at, e->equity, why);
	if (!x->started)
		x->start_equity = e->equity;
	x->started = true;
}

/* Commands are in the journal themselves; this is for what event time did: a lease ran out, a
 * loss. */
static void on_trading_state(struct executor *x, int64_t at, const struct ev_trading_state *e)
{
	struct mode *m = &x->mode;
	if (e->state == trading_killed) {
		mode_kill(m, e->owner, e->reason);
		return;
	}
	mode_unkill(m);
	if (e->state == trading_halted)
		mode_halt(m, e->owner, e->reason);
	else
		mode_reset(m);
	mode_expire(m, at);
	if (e->state == trading_running)
		mode_resume_all(m);
	if (e->state == trading_running || e->state == trading_paused)
		m->n = 0;
}

/* Only what was seen had orders. */
static void see(struct executor *x, int64_t at, const struct symbol *instrument)
{
	struct market *m = own_market(x, instrument);
	if (m)
		m->seen_at = at;
}

void executor_on_own(void *core, const struct event *ev)
{
	struct executor *x = core;
	if (x->origin == origin_none)
		x->origin = ev->origin;
	x->opened = x->opened || ev->id == EVENT_balance;
	core_lose_books(x);
	if (ev->ts_event != 0)
		flight_recall(&x->flight, ev->ts_event, ev->ts_recv);
	switch (ev->id) {
	case EVENT_order:
		recall_rates(x, ev->ts_event, &ev->order);
		on_order(x, &ev->order);
		see(x, ev->ts_event, &ev->order.instrument);
		break;
	case EVENT_fill:
		own_fill(x, ev->ts_event, &ev->fill);
		break;
	case EVENT_venue_report:
		remote_recall_report(x, &ev->venue_report);
		break;
	case EVENT_allocation:
		allocation_recall(x, &ev->allocation);
		break;
	case EVENT_balance:
		own_balance(x, &ev->balance);
		break;
	case EVENT_position:
		own_position(x, &ev->position);
		break;
	case EVENT_funding:
		own_funding(x, &ev->funding);
		break;
	case EVENT_liquidated:
		own_liquidated(x, ev->ts_event, &ev->liquidated);
		break;
	case EVENT_equity:
		on_equity(x, ev->ts_event, &ev->equity);
		break;
	case EVENT_trading_state:
		on_trading_state(x, ev->ts_event, &ev->trading_state);
		break;
	case EVENT_assumption:
		assume_recall(x, &ev->assumption);
		break;
	case EVENT_latency:
		feed_delays_recall(&x->flight.feed, &ev->latency);
		break;
	case EVENT_command:
		core_obey(x, ev->ts_recv, &ev->command);
		break;
	default:
		break;
	}
	own_relock(x);
	x->ledger.derive = true;
}
