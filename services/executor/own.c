/* own - the way back without inputs: what our journal says of orders and money is taken over.
 *
 * Everything the journal states is restored: balances, positions, results, open orders, the state
 * of trading, which intents were answered. What it cannot tell is assumed to be bad: books are
 * unknown until their next snapshot, and the queue ahead of a resting order is endless until a book
 * shows it.
 */
#include <stdio.h>
#include <string.h>

#include "services/executor/perpetual.h"
#include "services/executor/trigger.h"

/* A market that the account can trade; or could, when that was written. */
static struct market *known_market(struct executor *x, const struct symbol *symbol)
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

/* Only what rests or waits is an order after its step: the others have ended in the same breath. */
static void restore(struct executor *x, const struct ev_order *e)
{
	struct market *m = known_market(x, &e->instrument);
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
	set_lock(x, &o);
	orders_insert(&x->orders, &o);
}

/* It was counted when it was accepted. */
static void recall_rates(struct executor *x, int64_t at, const struct ev_order *e)
{
	struct market *m = known_market(x, &e->instrument);
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
		if (o->stage == stage_held && strcmp(o->link_id, e->link_id) == 0)
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

static void add(struct asset *a, int64_t amount)
{
	int64_t sum;
	if (a && !__builtin_add_overflow(a->total, amount, &sum))
		a->total = sum > 0 ? sum : 0;
}

/* The balances that follow say the same, unless the journal ends in between. */
static void move_money(struct executor *x, const struct ev_fill *e, const struct order *o, int64_t cost,
		       int64_t *locked)
{
	bool buys = outcome_pays(o);
	int64_t base;
	if (fixed_rescale(e->qty, e->qty_scale, CASH_SCALE, &base) != 0)
		return;
	add(outcome_asset(&x->account, o->market, o->outcome), buys ? base : -base);
	add(quotes_asset(x, o->market), (buys ? -cost : cost) - e->fee);
	int64_t paid = buys ? cost + e->fee : base;
	*locked -= paid < *locked ? paid : *locked;
}

/* The order of a fill as far as its money goes: that in the table, or what it must have been. */
static struct order order_of(struct executor *x, const struct ev_fill *e, struct market *m, const struct order *found)
{
	struct order o = {.market = m, .side = e->side, .qty = e->qty};
	if (found)
		return *found;
	outcome_choose(&x->account, &o);
	return o;
}

static void hold(struct executor *x, const struct ev_fill *e, struct market *m)
{
	int64_t base;
	if (fixed_rescale(e->qty, e->qty_scale, CASH_SCALE, &base) == 0)
		holdings_add(&x->holdings, e->strategy, m, e->side == side_buy ? base : -base);
}

/* The fee is what the journal says; what its rounding carries over is worked out again. */
static void follow_order(struct order *o, const struct ev_fill *e, struct rated what, int64_t cost, int64_t paid)
{
	struct deal d = {.what = what,
			 .cost = paid,
			 .side = outcome_pays(o) ? side_buy : side_sell,
			 .liquidity = e->liquidity,
			 .carry = o->fee_carry};
	d.what.price = outcome_price(o->market, o->outcome, what.price);
	o->cost += cost;
	if (fees_of(&o->market->fees, &d) == 0)
		o->fee_carry = d.carry;
}

/* What does not rest is not in the table: fills of one order follow each other then. Of a liquidation each is one. */
static void recall_loss(struct executor *x, int64_t at, const struct ev_fill *e, struct order *o)
{
	struct order gone = {.market = known_market(x, &e->instrument), .ordinal = 1};
	event_set_name(gone.client_order_id, e->client_order_id);
	bool forced = e->liquidity == liquidity_liquidated;
	gone.lost = !forced && strcmp(x->guard.last_id, e->client_order_id) == 0;
	if (!x->taking_own || o || forced)
		guard_on_fill(x, at, o ? o : &gone, e->realised);
}

/* A fill that cannot be ours, or was booked before, is not booked: what the account is worth is not guessed at. Orders
 * wait until people have looked (reset). */
static void quarantine(struct executor *x, const struct ev_fill *e, const char *why)
{
	struct ev_command c = {.verb = verb_safe};
	x->counters.quarantined++;
	event_set_name(c.target, "recovery");
	event_set_name(c.owner, "executor");
	snprintf(c.reason, sizeof(c.reason), "Fill %llu of order %s in the journal was not booked: %s.",
		 (unsigned long long)e->fill_id, e->client_order_id, why);
	mode_raise(&x->mode, &c);
}

static const char *why_not(const struct executor *x, const struct ev_fill *e, const struct market *m,
			   const struct order *o)
{
	if (e->fill_id <= x->fills)
		return "its number was there before";
	if (!m)
		return "its instrument is unknown";
	bool own = e->liquidity == liquidity_settled || e->liquidity == liquidity_liquidated;
	bool known = o || own || strcmp(x->taking, e->client_order_id) == 0;
	return known ? NULL : "its order is unknown";
}

static void on_fill(struct executor *x, int64_t at, const struct ev_fill *e)
{
	struct rated what = {e->price, e->qty, e->price_scale, e->qty_scale};
	struct order *o = orders_find(&x->orders, e->client_order_id);
	struct market *m = known_market(x, &e->instrument);
	int64_t cost, paid, realised, no_lock = 0;
	const char *wrong = why_not(x, e, m, o);
	if (wrong) {
		quarantine(x, e, wrong);
		return;
	}
	x->fills = e->fill_id;
	quotes_asset(x, m)->realised += e->realised;
	quotes_asset(x, m)->fees += e->fee;
	struct order of = order_of(x, e, m, o);
	if (outcome_cost(m, of.outcome, what, &paid, &cost) != 0)
		return;
	if (o)
		follow_order(o, e, what, cost, paid);
	struct position after = m->position;
	struct execution done = {.qty = e->qty, .cost = cost, .fee = e->fee, .realised = e->realised};
	bool applies = position_apply(&after, e->side, e->qty, cost, &realised) == 0;
	if (applies && market_margined(m) && e->liquidity != liquidity_liquidated)
		perpetual_recall(x, o ? o : &of, &done, &after);
	if (applies) {
		m->position = after;
		m->position.fees += e->fee;
	}
	hold(x, e, m);
	allocation_on_cash(x, e->strategy, m, (e->side == side_buy ? -cost : cost) - e->fee);
	remote_recall(x, m, e);
	if (e->liquidity != liquidity_settled)
		recall_loss(x, at, e, o);
	if (!market_margined(m))
		move_money(x, e, &of, paid, o ? &o->locked : &no_lock);
}

/* Of a perpetual; a journal of before they were on margin says nothing of its leverage. */
static void on_position(struct executor *x, const struct ev_position *e)
{
	struct market *m = known_market(x, &e->instrument);
	if (!m || !market_margined(m) || e->margin < 0)
		return;
	m->perpetual.margin = m->position.qty != 0 ? e->margin : 0;
	m->perpetual.funding = e->funding;
	if (e->leverage != 0 || e->qty == 0)
		return;
	struct ev_command c = {.verb = verb_safe};
	event_set_name(c.target, "recovery");
	event_set_name(c.owner, "executor");
	snprintf(c.reason, sizeof(c.reason), "The journal holds %s as if it had been delivered: its margin is unknown.",
		 e->instrument.s);
	mode_raise(&x->mode, &c);
}

static void on_funding(struct executor *x, const struct ev_funding *e)
{
	struct market *m = known_market(x, &e->instrument);
	if (!m || !market_margined(m))
		return;
	struct asset *wallet = perpetual_wallet(x, m);
	wallet->funding += e->amount;
	m->perpetual.funding += e->amount;
	allocation_on_cash(x, e->strategy, m, e->amount);
	if (e->amount > 0)
		add(wallet, e->amount);
	else if (e->amount > -INT64_MAX)
		wallet->insured += perpetual_pay(x, m, -e->amount);
}

/* Its fills say no more of money. */
static void on_liquidated(struct executor *x, int64_t at, const struct ev_liquidated *e)
{
	struct market *m = known_market(x, &e->instrument);
	if (!m || !market_margined(m))
		return;
	loud_note(m, at, e);
	struct asset *wallet = perpetual_wallet(x, m);
	fixed_wide change = (fixed_wide)e->realised - e->fee + e->insured;
	wallet->insured += e->insured;
	if (change <= INT64_MAX && change > -INT64_MAX)
		(void)perpetual_end(x, m, (int64_t)change);
}

/* What the orders lock of an asset, at most so much: roundings are the last order's to bear. */
static void share_locks(struct executor *x, const struct asset *a, int64_t most)
{
	for (uint32_t i = 0; i < x->orders.n; i++) {
		struct order *o = &x->orders.at[i];
		if (fills_locked_asset(x, o) != a)
			continue;
		o->locked = o->locked < most ? o->locked : most;
		most -= o->locked;
	}
}

static void on_balance(struct executor *x, const struct ev_balance *e)
{
	struct asset *a = account_asset(&x->account, e->asset);
	if (!a)
		return;
	a->total = e->total;
	int64_t margins = perpetual_margins(x, a);
	share_locks(x, a, e->locked > margins ? e->locked - margins : 0);
}

/* The journal may end at any record: after each, assets lock exactly what positions and orders hold of them. */
static void relock(struct executor *x)
{
	for (uint32_t i = 0; i < x->account.n; i++)
		x->account.asset[i].locked = 0;
	perpetual_relock(x);
	for (uint32_t i = 0; i < x->orders.n; i++) {
		struct order *o = &x->orders.at[i];
		struct asset *a = fills_locked_asset(x, o);
		if (!a)
			continue;
		o->locked = o->locked < asset_free(a) ? o->locked : asset_free(a);
		a->locked += o->locked;
	}
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
	struct market *m = known_market(x, instrument);
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
		on_fill(x, ev->ts_event, &ev->fill);
		break;
	case EVENT_venue_report:
		remote_recall_report(x, &ev->venue_report);
		break;
	case EVENT_allocation:
		allocation_recall(x, &ev->allocation);
		break;
	case EVENT_balance:
		on_balance(x, &ev->balance);
		break;
	case EVENT_position:
		on_position(x, &ev->position);
		break;
	case EVENT_funding:
		on_funding(x, &ev->funding);
		break;
	case EVENT_liquidated:
		on_liquidated(x, ev->ts_event, &ev->liquidated);
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
	relock(x);
	x->ledger.derive = true;
}
