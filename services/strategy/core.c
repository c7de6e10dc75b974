/* core - market events to the strategies of their instrument, feedback to its own. */
#include "services/strategy/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/service/gap.h"
#include "services/strategy/host.h"

#define MILLISECOND INT64_C(1000000)

void strategy_core_defaults(struct strategy_core_settings *s)
{
	*s = (struct strategy_core_settings){
		.run_id = "run",
		.order_latency_ns = 50 * MILLISECOND,
		.intent_expiry_ns = 2000 * MILLISECOND,
		.stale_ns = 5000 * MILLISECOND,
		.book_levels = 5000,
	};
}

static int complain(int err, char *why, const char *what)
{
	if (why)
		snprintf(why, EVENT_TEXT_MAX, "%s", what);
	return err;
}

static int check_seat(const struct strategy_core_settings *s, uint32_t i, char *why)
{
	const struct strategy_seat *seat = &s->seat[i];
	if (!seat->name[0] || !seat->strategy || !seat->account[0] || !seat->instrument.s[0] ||
	    seat->n_settings > STRATEGY_SETTINGS_MAX)
		return complain(ERR_RANGE, why, "a strategy needs a name, an account and an instrument");
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(s->seat[k].name, seat->name) == 0)
			return complain(ERR_EXISTS, why, "two strategies have the same name");
	return 0;
}

static int check(const struct strategy_core_settings *s, char *why)
{
	if (!s->run_id[0] || s->n_seats > STRATEGY_SEATS_MAX || s->order_latency_ns < 0 || s->intent_expiry_ns < 0 ||
	    s->stale_ns <= 0 || s->book_levels == 0)
		return complain(ERR_RANGE, why, "a setting of the strategies is out of its range");
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < s->n_seats; i++)
		rc = check_seat(s, i, why);
	return rc;
}

static bool anybody_wants_book(const struct strategy_core_settings *s, const struct symbol *symbol)
{
	for (uint32_t i = 0; i < s->n_seats; i++)
		if (s->seat[i].strategy->wants_book && symbol_equal(&s->seat[i].instrument, symbol))
			return true;
	return false;
}

static int add_view(struct strategy_core *c, const struct symbol *symbol)
{
	bool wants = anybody_wants_book(&c->settings, symbol);
	int rc = view_init(&c->view[c->n_views], symbol, wants, c->settings.book_levels);
	c->n_views += rc == 0;
	return rc;
}

static int add_seat(struct strategy_core *c, const struct strategy_seat *as, char *why)
{
	struct strategy_ctx *seat = &c->seat[c->n_seats++];
	int rc = seat_init(seat, as, why);
	if (rc == 0 && !view_find(c, &as->instrument))
		rc = add_view(c, &as->instrument);
	if (rc != 0)
		return rc;
	seat->core = c;
	seat->view = view_find(c, &as->instrument);
	return 0;
}

int strategy_core_new(const struct strategy_core_settings *s, char *why, struct strategy_core **ret_core)
{
	int rc = check(s, why);
	if (rc != 0)
		return rc;
	struct strategy_core *c = calloc(1, sizeof(*c));
	if (!c)
		return complain(ERR_NOMEM, why, err_text(ERR_NOMEM));
	c->settings = *s;
	c->origin = s->origin;
	event_set_name(c->run_id, s->run_id);
	for (uint32_t i = 0; rc == 0 && i < s->n_seats; i++)
		rc = add_seat(c, &s->seat[i], why);
	if (rc != 0)
		strategy_core_free(c);
	else
		*ret_core = c;
	return rc;
}

void strategy_core_free(struct strategy_core *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->n_seats; i++)
		seat_fini(&c->seat[i]);
	for (uint32_t i = 0; i < c->n_views; i++)
		view_fini(&c->view[i]);
	free(c);
}

/* The instrument a market event is about; NULL for every other event. */
static const struct symbol *market_symbol(const struct event *ev)
{
	switch (ev->id) {
	case EVENT_instrument:
		return &ev->instrument.instrument;
	case EVENT_trade:
		return &ev->trade.instrument;
	case EVENT_book_snapshot:
		return &ev->book_snapshot.instrument;
	case EVENT_book_delta:
		return &ev->book_delta.instrument;
	case EVENT_book_state:
		return &ev->book_state.instrument;
	case EVENT_top:
		return &ev->top.instrument;
	case EVENT_candle:
		return &ev->candle.instrument;
	case EVENT_ticker:
		return &ev->ticker.instrument;
	case EVENT_mark:
		return &ev->mark.instrument;
	case EVENT_liquidation:
		return &ev->liquidation.instrument;
	default:
		return NULL;
	}
}

struct step {
	int64_t now;
	const struct event *ev;
	const struct sink *out;
};

static void call(struct strategy_ctx *seat, const struct step *s)
{
	seat->now = s->now;
	seat->cause = s->ev;
	seat->out = s->out;
	seat->core->counters.calls++;
	seat->strategy->on_event(seat->state, seat, s->ev);
	seat->cause = NULL;
	seat->out = NULL;
}

static void on_market(struct strategy_core *c, const struct step *s, const struct symbol *symbol)
{
	struct view *v = view_find(c, symbol);
	if (!v) {
		c->counters.ignored++;
		return;
	}
	if (view_on_event(v, s->ev) != 0)
		c->counters.bad_books++;
	for (uint32_t i = 0; i < c->n_seats; i++)
		if (c->seat[i].view == v)
			call(&c->seat[i], s);
}

static void on_feedback(struct strategy_core *c, const struct step *s)
{
	for (uint32_t i = 0; i < c->n_seats; i++)
		if (seat_on_feedback(&c->seat[i], s->ev)) {
			call(&c->seat[i], s);
			return;
		}
	c->counters.ignored++;
}

static void on_wish(struct strategy_core *c, const struct step *s)
{
	for (uint32_t i = 0; i < c->n_seats; i++)
		if (c->seat[i].strategy->external && strcmp(c->seat[i].name, s->ev->wish.strategy) == 0) {
			c->counters.wishes++;
			wish_on_event(&c->seat[i], s->now, &s->ev->wish, s->out);
			return;
		}
	c->counters.ignored++;
}

/* Our own shell tells us that market data is missing: books are unknown until their snapshots. */
static void on_gap(struct strategy_core *c, const struct ev_gap *gap)
{
	for (uint32_t i = 0; i < c->n_views; i++) {
		struct view *v = &c->view[i];
		bool named = !gap->instrument.s[0] || symbol_equal(&gap->instrument, &v->symbol);
		if (named && gap_costs_market(gap, v->source))
			view_lose_book(v);
	}
}

static bool same_origin(struct strategy_core *c, const struct event *ev, bool market)
{
	if (c->origin == origin_none && market)
		c->origin = ev->origin;
	return ev->origin == c->origin && ev->origin != origin_none;
}

static void on_event(void *core, int64_t now, const struct event *ev, const struct sink *out)
{
	struct strategy_core *c = core;
	struct step s = {now, ev, out};
	const struct symbol *symbol = market_symbol(ev);
	bool feedback = ev->id == EVENT_order || ev->id == EVENT_fill;
	c->counters.events++;
	if (ev->id == EVENT_gap)
		on_gap(c, &ev->gap);
	else if (ev->id == EVENT_wish)
		on_wish(c, &s);
	else if (!symbol && !feedback)
		c->counters.ignored++;
	else if (!same_origin(c, ev, symbol != NULL))
		c->counters.foreign_origin++;
	else if (symbol)
		on_market(c, &s, symbol);
	else
		on_feedback(c, &s);
}

/* The state of a book, its top, what a position is worth: the newest one says it all. Trades, candles and the trust in
 * a book are facts, each of which a strategy may count. */
static bool replaceable(uint16_t id)
{
	return id == EVENT_book_delta || id == EVENT_top || id == EVENT_ticker || id == EVENT_mark;
}

/* Behind: the book has it, the strategies are called with a newer one. */
static void on_quiet(void *core, int64_t now, const struct event *ev)
{
	struct strategy_core *c = core;
	const struct symbol *symbol = market_symbol(ev);
	struct view *v = symbol && same_origin(c, ev, true) ? view_find(c, symbol) : NULL;
	(void)now;
	c->counters.events++;
	c->counters.conflated++;
	if (v && view_on_event(v, ev) != 0)
		c->counters.bad_books++;
}

/* Strategies act on events alone: the host has no timers. */
static int64_t next_due(const void *core)
{
	(void)core;
	return CORE_NEVER;
}

static void on_timer(void *core, int64_t due, const struct sink *out)
{
	(void)core;
	(void)due;
	(void)out;
}

/* Our journal's intents are what we have asked for; books were not listened to meanwhile. */
static void on_own(void *core, const struct event *ev)
{
	struct strategy_core *c = core;
	for (uint32_t i = 0; i < c->n_views; i++)
		view_lose_book(&c->view[i]);
	for (uint32_t i = 0; ev->id == EVENT_intent && i < c->n_seats; i++)
		if (strcmp(c->seat[i].name, ev->intent.strategy) == 0)
			seat_on_own(&c->seat[i], ev);
}

const struct core_ops strategy_core = {
	.on_event = on_event,
	.next_due = next_due,
	.on_timer = on_timer,
	.save = strategy_core_save,
	.load = strategy_core_load,
	.replaceable = replaceable,
	.on_quiet = on_quiet,
	.on_own = on_own,
};

const struct strategy_core_counters *strategy_core_counters(const struct strategy_core *c)
{
	return &c->counters;
}

const struct strategy_outcome *strategy_core_outcome(const struct strategy_core *c, const char *seat)
{
	for (uint32_t i = 0; i < c->n_seats; i++)
		if (strcmp(c->seat[i].name, seat) == 0)
			return &c->seat[i].outcome;
	return NULL;
}

const char *strategy_core_run_id(const struct strategy_core *c)
{
	return c->run_id;
}
