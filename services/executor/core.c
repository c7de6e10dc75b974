/* core - inputs to their files, commands to the mode, timers of lease and equity curve. */
#include "services/executor/core.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/gap.h"
#include "services/executor/band.h"
#include "services/executor/link.h"
#include "services/executor/perpetual.h"
#include "services/executor/trigger.h"

#define SECOND INT64_C(1000000000)

void executor_defaults(struct executor_settings *s)
{
	*s = (struct executor_settings){
		.account = "paper",
		.run_id = "run",
		.quote = "USDT",
		.balance = {{"USDT", INT64_C(10000) * 100000000}},
		.n_balances = 1,
		.maker_fee = 100000,
		.taker_fee = 100000,
		.ack_latency_ns = SECOND / 100,
		.stale_ns = 5 * SECOND,
		.equity_interval_ns = 10 * SECOND,
		.intent_expiry_ns = 2 * SECOND,
		.order_latency_ns = SECOND / 20,
		.guard = {.stops_within_ns = 600 * SECOND, .stops_pause_ns = 600 * SECOND},
		.open_orders_max = 200,
		.instruments_max = 256,
		.book_levels = 5000,
	};
	char reason[EVENT_TEXT_MAX];
	must(margin_parse(&s->margins, MARGIN_DEFAULT, reason, sizeof(reason)) == 0);
}

bool core_in_range(const struct executor_settings *s)
{
	bool sound = s->account[0] && s->quote[0] && s->n_balances <= EXECUTOR_BALANCES_MAX &&
		     s->maker_fee >= 0 && s->maker_fee <= FEE_MAX && s->taker_fee >= 0 &&
		     s->taker_fee <= FEE_MAX && s->ack_latency_ns >= 0 && s->stale_ns > 0 &&
		     s->equity_interval_ns >= 0 && s->intent_expiry_ns >= 0 && s->blind_max_ns >= 0 &&
		     s->queue < QUEUE_MODELS && s->order_latency_ns >= 0 && s->loss_max >= 0 &&
		     s->open_orders_max > 0 && s->instruments_max > 0 && s->book_levels > 0;
	sound = sound && s->mark < MARK_KINDS && s->margins.n > 0;
	sound = sound && s->n_quotes < QUOTES_MAX && limits_in_range(s->limit) && guard_in_range(&s->guard) &&
		allocation_in_range(&s->allocation) && s->n_scopes <= LIMITS_SCOPES_MAX;
	sound = sound && s->latency.model < LATENCY_MODELS &&
		latency_curve_check(&s->latency.order, s->order_latency_ns) == 0 &&
		latency_curve_check(&s->latency.ack, s->ack_latency_ns) == 0;
	for (uint32_t i = 0; sound && i < s->n_scopes; i++)
		sound = s->scope[i].name[0] && limits_in_range(s->scope[i].limit);
	for (uint32_t i = 0; sound && i < s->n_balances; i++)
		sound = s->balance[i].asset[0] && s->balance[i].amount >= 0;
	return sound;
}

/* A live account has what the venue says it has. */
static int fund(struct executor *x)
{
	bool told = x->settings.remote && !x->settings.dry;
	if (x->settings.remote)
		x->settings.latency.model = LATENCY_FIXED; /* the way to the venue takes the time that it takes */
	for (uint32_t i = 0; i < x->settings.n_balances; i++) {
		const struct executor_balance *b = &x->settings.balance[i];
		int rc = asset_receive(account_asset(&x->account, b->asset), told ? 0 : b->amount);
		if (rc != 0)
			return rc;
	}
	ledger_derive(x);
	return 0;
}

int executor_new(const struct executor_settings *s, struct executor **ret_executor)
{
	if (!core_in_range(s))
		return ERR_RANGE;
	struct executor *x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	x->settings = *s;
	x->origin = s->origin;
	event_set_name(x->run_id, s->run_id);
	x->equity_due = x->sight_due = x->perpetuals.due = x->allocation.due = CORE_NEVER;
	account_init(&x->account, s->account, s->quote);
	int rc = markets_init(&x->markets, s->instruments_max, s->book_levels);
	if (rc == 0)
		rc = quotes_open(x);
	if (rc == 0)
		rc = fund(x);
	x->settings.fees.rest = (struct fees){.maker = s->maker_fee, .taker = s->taker_fee};
	x->markets.fees = &x->settings.fees;
	x->markets.margins = &x->settings.margins;
	if (rc == 0)
		rc = orders_init(&x->orders, s->open_orders_max);
	if (rc == 0)
		rc = flight_init(&x->flight);
	if (rc == 0)
		rc = link_init(&x->links, s->open_orders_max);
	if (rc == 0)
		rc = remote_init(x);
	if (rc != 0)
		executor_free(x);
	else
		*ret_executor = x;
	return rc;
}

void executor_free(struct executor *x)
{
	if (!x)
		return;
	markets_fini(&x->markets);
	orders_fini(&x->orders);
	flight_fini(&x->flight);
	link_fini(&x->links);
	remote_fini(x);
	free(x);
}

/* The instrument a market event is about; NULL for every other event. */
static const struct symbol *market_symbol(const struct event *ev)
{
	switch (ev->id) {
	case EVENT_instrument:
		return &ev->instrument.instrument;
	case EVENT_book_snapshot:
		return &ev->book_snapshot.instrument;
	case EVENT_book_delta:
		return &ev->book_delta.instrument;
	case EVENT_book_state:
		return &ev->book_state.instrument;
	case EVENT_trade:
		return &ev->trade.instrument;
	case EVENT_mark:
		return &ev->mark.instrument;
	case EVENT_resolution:
		return &ev->resolution.instrument;
	default:
		return NULL;
	}
}

/* No account mixes origins. */
static bool same_origin(struct executor *x, const struct event *ev, const struct symbol *symbol)
{
	if (ev->origin == x->origin && ev->origin != origin_none)
		return true;
	x->counters.foreign_origin++;
	struct market *m = markets_put(&x->markets, symbol);
	if (m)
		m->foreign = true;
	return false;
}

static void on_instrument(const struct step *s, const struct ev_instrument *d)
{
	struct executor *x = s->x;
	struct market *m = markets_put(&x->markets, &d->instrument);
	bool held = d->kind == instrument_kind_perpetual || account_asset(&x->account, d->base);
	if (!m || !held) {
		x->counters.full_instruments++;
		return;
	}
	/* Resting orders are in the old scales, or of another nature: they cannot go on under new ones. */
	if (market_scales_differ(m, d) || market_nature_differs(m, d))
		cancel_all(s, m, reject_invalid);
	bool delivered = !market_margined(m);
	/* Those at a venue end when it says so: until then the old definition stands, and nothing new is traded. */
	bool busy = m->resting > 0 && (market_scales_differ(m, d) || market_nature_differs(m, d));
	int rc = busy ? ERR_BUSY : markets_define(&x->markets, m, d);
	if (rc == 0) {
		quotes_on_market(x, m);
		if (delivered && market_margined(m))
			perpetual_adopt(x, m);
		settle_market(s, m);
		return;
	}
	x->counters.bad_instruments++;
	m->def.trading = false;
}

/* The description says the same as soon as the collector has made it anew. */
static void on_resolution(const struct step *s, struct market *m, const struct ev_resolution *r)
{
	int64_t pays = -1;
	if (m->def.settlement != settlement_none)
		return;
	bool sound = m->def.kind == instrument_kind_event &&
		     fixed_rescale(r->pays, r->price_scale, m->def.price_scale, &pays) == 0 && pays >= 0 &&
		     pays <= fixed_pow10(m->def.price_scale);
	/* A better one may follow: this one is not taken for the outcome. */
	if (!sound) {
		s->x->counters.bad_instruments++;
		return;
	}
	m->def.settlement = strcmp(r->outcome, "void") == 0 ? settlement_void : settlement_final;
	m->def.pays = pays;
	settle_market(s, m);
}

static bool trade_fits(const struct market *m, const struct ev_trade *t)
{
	return t->price_scale == m->def.price_scale && t->qty_scale == m->def.qty_scale &&
	       t->price > 0 && t->price <= ORDERS_PRICE_MAX && t->qty > 0;
}

/* Resting orders first, then what the price triggers. */
static void on_trade(const struct step *s, struct market *m, const struct event *ev)
{
	const struct ev_trade *t = &ev->trade;
	flight_on_trade(s, m, ev);
	band_on_trade(m, s->now, t->price, t->qty);
	if (market_usable(m, s->now, s->x->settings.stale_ns) != reject_none)
		return;
	m->last = m->marks.traded = t->price;
	if (t->aggressor == side_buy || t->aggressor == side_sell)
		maker_on_trade(s, m, ev);
	link_settle(s);
	trigger_on_trade(s, m, t->price);
}

/* Where the venue's mark price is not heard, its book is what margins are judged by. */
static void on_book(const struct step *s, struct market *m)
{
	maker_on_book(s, m);
	link_settle(s);
	trigger_on_book(s, m);
	if (!mark_heard(m, s->now) && market_usable(m, s->now, s->x->settings.stale_ns) == reject_none)
		liquidate_on_mark(s, m);
}

/* What no longer carries itself goes first: a stop that the same price triggers comes too late. */
static void on_mark(const struct step *s, struct market *m, const struct ev_mark *e)
{
	if (mark_on_event(m, s->now, e) != 0) {
		s->x->counters.bad_marks++;
		return;
	}
	if (market_margined(m))
		funding_arm(s->x);
	liquidate_on_mark(s, m);
	link_settle(s);
	trigger_on_mark(s, m);
}

/* A change bears the venue's time; a snapshot may bear the collector's, which must not put it back. */
static void date_book(struct market *m, const struct event *ev)
{
	if (ev->id == EVENT_book_delta || (ev->id == EVENT_book_snapshot && ev->ts_event > m->shown_at))
		m->shown_at = ev->ts_event;
}

static void on_known_market(const struct step *s, struct market *m, const struct event *ev)
{
	int rc = 0;
	switch (ev->id) {
	case EVENT_mark:
		on_mark(s, m, &ev->mark);
		return;
	case EVENT_resolution:
		on_resolution(s, m, &ev->resolution);
		return;
	case EVENT_book_snapshot:
		rc = market_on_snapshot(m, ev->ts_recv, &ev->book_snapshot);
		break;
	case EVENT_book_delta:
		rc = market_on_delta(m, ev->ts_recv, &ev->book_delta);
		break;
	case EVENT_book_state:
		market_on_state(m, ev->ts_recv, &ev->book_state);
		break;
	default:
		if (!trade_fits(m, &ev->trade))
			rc = ERR_TYPE;
		else
			on_trade(s, m, ev);
	}
	if (rc == 0)
		date_book(m, ev);
	if (rc != 0 && rc != ERR_AGAIN)
		s->x->counters.bad_books++;
	else if (ev->id != EVENT_trade)
		on_book(s, m);
	sight_on_market(s, m);
}

static void on_market(const struct step *s, const struct event *ev, const struct symbol *symbol)
{
	struct executor *x = s->x;
	if (!same_origin(x, ev, symbol))
		return;
	if (ev->id == EVENT_instrument)
		on_instrument(s, &ev->instrument);
	struct market *m = markets_get(&x->markets, symbol);
	if (m)
		memcpy(m->source, ev->source, sizeof(m->source));
	if (ev->id == EVENT_instrument)
		return;
	if (m && m->known)
		on_known_market(s, m, ev);
	else
		x->counters.unknown_instrument++;
}

/* safe: a reason raises the cause named by target, an empty one clears it. The rest is for our
 * account only. reset: people have looked, also at a restart that was not the same run. */
static bool is_ours(const struct executor *x, const struct ev_command *c)
{
	return !c->target[0] || strcmp(c->target, x->settings.account) == 0;
}

static bool reset(struct executor *x)
{
	bool halted = mode_reset(&x->mode), unsure = mode_clear(&x->mode, "recovery");
	bool differed = remote_reset(x);
	if (halted)
		guard_reset(x);
	return halted || unsure || differed;
}

bool core_obey(struct executor *x, int64_t now, const struct ev_command *c)
{
	struct mode *m = &x->mode;
	bool ours = is_ours(x, c);
	switch (c->verb) {
	case verb_pause:
		return ours && mode_pause(m, now, c);
	case verb_resume:
		return ours && mode_resume(m, c);
	case verb_reset:
		return ours && reset(x);
	case verb_safe:
		if (!c->target[0])
			return false;
		return c->reason[0] ? mode_raise(m, c) : mode_clear(m, c->target);
	case verb_reload:
		live_set(x, c);
		return false;
	case verb_flatten:
		if (ours && !m->killed)
			flatten_begin(x, now, c);
		return false;
	case verb_kill:
		if (ours)
			flatten_stop(x);
		return ours && mode_kill(m, c->owner, c->reason);
	case verb_unkill:
		return ours && mode_unkill(m);
	default:
		return false;
	}
}

static void on_command(const struct step *s, const struct ev_command *c)
{
	enum trading before = mode_state(&s->x->mode);
	if (c->verb == verb_cancel)
		cancel_on_command(s, c);
	if (c->verb == verb_flatten && is_ours(s->x, c))
		cancel_all(s, NULL, reject_flatten);
	bool changed = core_obey(s->x, s->now, c);
	if (c->verb == verb_reload)
		assume_tell(s);
	if (!changed)
		return;
	report_trading(s, before);
	enum trading now = mode_state(&s->x->mode);
	if ((now == trading_halted || now == trading_killed) && now != before)
		cancel_all(s, NULL, now == trading_killed ? reject_killed : reject_halted);
}

void core_lose_books(struct executor *x)
{
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		market_lose_book(markets_at(&x->markets, i));
}

/* Our own shell tells us that records of an input are gone. Market data may have been among them,
 * unless it was the lane of intents. */
static void on_gap(struct executor *x, const struct ev_gap *gap)
{
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		struct market *m = markets_at(&x->markets, i);
		bool named = !gap->instrument.s[0] || symbol_equal(&m->def.instrument, &gap->instrument);
		if (named && gap_costs_market(gap, m->source))
			market_lose_book(m);
	}
}

/* Results carry the account's origin; before it has one, that of what caused them. */
static struct step step_of(struct executor *x, int64_t now, uint8_t origin, const struct sink *out)
{
	if (x->ledger.derive)
		ledger_derive(x);
	return (struct step){x, out, now, x->origin != origin_none ? x->origin : origin};
}

/* A ledger can be added up from its records alone only if the beginning is one of them. */
static void open_account(const struct step *s)
{
	struct executor *x = s->x;
	if (x->opened || x->origin == origin_none)
		return;
	x->opened = true;
	report_trading(s, trading_none);
	for (uint32_t i = 0; i < x->account.n; i++)
		report_balance(s, &x->account.asset[i]);
	equity_report(s);
	allocation_open(s);
	assume_tell(s);
}

/* What the step has done to linked and reduce-only orders; then what it comes to. */
static void finish(const struct step *s)
{
	link_settle(s);
	if (s->x->filled) {
		cancel_unreducible(s);
		link_settle(s);
		equity_report(s);
	}
	s->x->filled = false;
	link_settle(s);
	if (s->x->ledger.posted == s->x->ledger.checked)
		return;
	must(ledger_check(s->x) == 0); /* nothing comes from nowhere */
	s->x->ledger.checked = s->x->ledger.posted;
}

static void on_event(void *core, int64_t now, const struct event *ev, const struct sink *out)
{
	struct executor *x = core;
	const struct symbol *symbol = market_symbol(ev);
	x->counters.events++;
	if (!symbol && ev->id != EVENT_intent && ev->id != EVENT_command && ev->id != EVENT_gap &&
	    ev->id != EVENT_venue_report) {
		x->counters.ignored++;
		return;
	}
	/* The first market event fixes the origin where the settings do not. */
	if (x->origin == origin_none && symbol)
		x->origin = ev->origin;
	struct step s = step_of(x, now, ev->origin, out);
	open_account(&s);
	if (symbol)
		on_market(&s, ev, symbol);
	else if (ev->id == EVENT_intent)
		intake_on_intent(&s, ev);
	else if (ev->id == EVENT_command)
		on_command(&s, &ev->command);
	else if (ev->id == EVENT_venue_report)
		remote_on_report(&s, &ev->venue_report);
	else
		on_gap(x, &ev->gap);
	finish(&s);
	equity_arm(x, now);
	allocation_arm(x, now);
	sight_arm(x, now);
}

static int64_t next_due(const void *core)
{
	const struct executor *x = core;
	int64_t lease = mode_due(&x->mode), closing = flatten_due(x);
	int64_t first = lease < closing ? lease : closing;
	int64_t arrives = flight_due(x);
	first = first < arrives ? first : arrives;
	first = first < x->orders.due ? first : x->orders.due;
	first = first < x->sight_due ? first : x->sight_due;
	first = first < x->perpetuals.due ? first : x->perpetuals.due;
	first = first < x->allocation.due ? first : x->allocation.due;
	return first < x->equity_due ? first : x->equity_due;
}

/* Each in a step of its own, as an intent that comes in. */
static void arrive(const struct step *s)
{
	flight_on_timer(s);
	finish(s);
	equity_arm(s->x, s->now);
	sight_arm(s->x, s->now);
}

/* In order of id: 1 the leases, 2 what arrives, 3 the orders' dates and sight, 4 fundings, 5 the closing of positions,
 * 6 the strategies' budgets, 7 the equity curve. */
static void on_timer(void *core, int64_t due, const struct sink *out)
{
	struct executor *x = core;
	struct step s = step_of(x, due, origin_none, out);
	enum trading before = mode_state(&x->mode);
	if (mode_expire(&x->mode, due))
		report_trading(&s, before);
	while (flight_due(x) <= due)
		arrive(&s);
	if (x->orders.due <= due)
		cancel_due(&s);
	if (x->sight_due <= due)
		sight_on_timer(&s);
	if (x->perpetuals.due <= due)
		funding_on_timer(&s);
	if (flatten_due(x) <= due)
		flatten_on_timer(&s);
	if (x->allocation.due <= due)
		allocation_on_timer(&s);
	if (x->equity_due <= due) {
		x->equity_due = CORE_NEVER;
		equity_point(&s);
		x->filled = false;
	}
	finish(&s);
}

const struct core_ops executor_core = {
	.on_event = on_event,
	.next_due = next_due,
	.on_timer = on_timer,
	.save = executor_save,
	.load = executor_load,
	.on_own = executor_on_own,
};

const struct executor_counters *executor_counters(const struct executor *x)
{
	return &x->counters;
}

const char *executor_account(const struct executor *x)
{
	return x->account.name;
}

enum trading executor_trading(const struct executor *x)
{
	return mode_state(&x->mode);
}

void executor_describe(const struct executor *x, struct ev_trading_state *ret_state)
{
	*ret_state = (struct ev_trading_state){0};
	mode_describe(&x->mode, ret_state);
}

bool executor_safe_for(const struct executor *x, const char *cause)
{
	return mode_has(&x->mode, cause);
}

uint32_t executor_cancelled_by_hand(const struct executor *x)
{
	return x->named;
}

uint32_t executor_open_orders(const struct executor *x)
{
	return x->orders.n;
}
