/* main - the strategy service's shell: which strategies sit where, inputs and outputs; the rest is in its core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/runtime.h"
#include "services/strategy/core.h"
#include "services/strategy/registry.h"

struct settings {
	char seats[400];
	int64_t intent_expiry_ns, stale_ns, book_levels;
};

#define AT(member) offsetof(struct settings, member)
#define TEXT(member) AT(member), sizeof(((struct settings *)0)->member)

static const struct config_key keys[] = {
	{"seats", CONFIG_TEXT, "ema_cross", 0, 0, "",
	 "Strategies to host, comma separated; each has a subsection of its name with its parameters.", NULL,
	 TEXT(seats)},
	{"intent_expiry", CONFIG_DUR, "2s", NS_PER_MS, 3600 * NS_PER_S, "ns",
	 "How long after it takes effect an intent may still be traded.", NULL, AT(intent_expiry_ns), 0},
	{"stale", CONFIG_DUR, "5s", NS_PER_MS, 3600 * NS_PER_S, "ns", "Without news of the book for longer: no orders.",
	 NULL, AT(stale_ns), 0},
	{"book_levels", CONFIG_INT, "5000", 10, 20000, "levels", "Levels of a book a strategy may ask for.", NULL,
	 AT(book_levels), 0},
	{0},
};

static const char *const market_topics[] = {"instrument.", "book.", "trade.", "top.", "candle.", NULL};
static const struct service_input inputs[] = {
	{"collector", LANE_M, market_topics, SEQUENCE_MARKET},
	{"executor", LANE_X, NULL, SEQUENCE_LEDGER},
	{0},
};
static const uint16_t pubs[] = {EVENT_intent, EVENT_alert, EVENT_gap, EVENT_parity, 0};

#define COUNTER(name, member, doc) {name, METRIC_COUNTER, doc, offsetof(struct strategy_core_counters, member)}
static const struct metric_row metrics[] = {
	COUNTER("strategy_events_total", events, "Inputs applied."),
	COUNTER("strategy_calls_total", calls, "Calls of strategies."),
	COUNTER("strategy_orders_total", orders, "Intents to place an order."),
	COUNTER("strategy_cancels_total", cancels, "Intents to cancel one."),
	COUNTER("strategy_refused_stale_total", refused_stale, "Wishes refused for want of trusted, fresh data."),
	COUNTER("strategy_refused_other_total", refused_other, "Wishes refused for another reason."),
	COUNTER("strategy_foreign_origin_total", foreign_origin, "Events of another origin that nobody saw."),
	COUNTER("strategy_bad_books_total", bad_books, "Book events that do not fit their instrument."),
	COUNTER("strategy_bad_feedback_total", bad_feedback, "Fills that do not fit the position."),
	{0},
};

struct shell {
	struct runtime *rt;
	struct strategy_core *core;
};

struct seat_reader {
	struct strategy_seat *seat;
	char *reason;
	size_t cap;
};

static int on_parameter(void *ctx, const char *key, const char *value, const char *where)
{
	struct seat_reader *r = ctx;
	struct strategy_seat *seat = r->seat;
	if (strcmp(key, "strategy") == 0) {
		seat->strategy = registry_find(value);
		if (!seat->strategy)
			snprintf(r->reason, r->cap, "%s: strategy.%s.strategy: no strategy '%s' was built in", where,
				 seat->name, value);
		return seat->strategy ? 0 : ERR_ARG;
	}
	if (strcmp(key, "account") == 0) {
		event_set_name(seat->account, value);
		return 0;
	}
	if (strcmp(key, "instrument") == 0) {
		if (symbol_parse(value, strlen(value), &seat->instrument) == 0)
			return 0;
		snprintf(r->reason, r->cap, "%s: strategy.%s.instrument: '%s' is not like BTCUSDT.BINANCE", where,
			 seat->name, value);
		return ERR_ARG;
	}
	if (seat->n_settings == STRATEGY_SETTINGS_MAX) {
		snprintf(r->reason, r->cap, "%s: strategy.%s: too many parameters", where, seat->name);
		return ERR_ARG;
	}
	event_set_name(seat->setting[seat->n_settings].name, key);
	event_set_name(seat->setting[seat->n_settings++].value, value);
	return 0;
}

static int read_seat(struct runtime *rt, const char *name, struct strategy_seat *seat, char *reason, size_t cap)
{
	struct seat_reader r = {.seat = seat, .reason = reason, .cap = cap};
	event_set_name(seat->name, name);
	event_set_name(seat->account, "paper");
	int rc = config_each(runtime_config(rt), "strategy", name, on_parameter, &r);
	if (rc)
		return rc;
	if (!seat->strategy)
		seat->strategy = registry_find(name);
	if (!seat->strategy) {
		snprintf(reason, cap, "strategy.seats: no strategy '%s' was built in; name one by strategy.%s.strategy",
			 name, name);
		return ERR_ARG;
	}
	if (seat->instrument.s[0] == '\0') {
		snprintf(reason, cap, "strategy.%s.instrument is missing: which instrument shall it trade?", name);
		return ERR_ARG;
	}
	return 0;
}

static uint8_t origin_of(const char *text)
{
	return strcmp(text, "any") == 0 ? 0 : enum_value(enum_origin(), text, strlen(text));
}

static int read_settings(struct runtime *rt, const struct settings *in, struct strategy_core_settings *s, char *reason,
			 size_t cap)
{
	const struct run_settings *run = runtime_settings(rt);
	strategy_core_defaults(s);
	event_set_name(s->run_id, runtime_run_id(rt));
	s->order_latency_ns = run->order_latency_ns;
	s->intent_expiry_ns = in->intent_expiry_ns;
	s->stale_ns = in->stale_ns;
	s->book_levels = (uint32_t)in->book_levels;
	s->origin = origin_of(run->origin);
	char list[400], *save = NULL;
	snprintf(list, sizeof list, "%s", in->seats);
	int rc = 0;
	for (char *name = strtok_r(list, ", ", &save); name && !rc; name = strtok_r(NULL, ", ", &save)) {
		if (s->n_seats == STRATEGY_SEATS_MAX) {
			snprintf(reason, cap, "strategy.seats: more than %d", STRATEGY_SEATS_MAX);
			return ERR_ARG;
		}
		rc = read_seat(rt, name, &s->seat[s->n_seats++], reason, cap);
	}
	return rc;
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	struct strategy_core_settings *s = calloc(1, sizeof *s);
	struct shell *shell = calloc(1, sizeof *shell);
	char why[EVENT_TEXT_MAX] = "";
	int rc = s && shell ? read_settings(rt, settings, s, reason, cap) : ERR_NOMEM;
	if (!rc) {
		rc = strategy_core_new(s, why, &shell->core);
		if (rc) {
			snprintf(reason, cap, "strategy: %s", why[0] ? why : err_text(rc));
			rc = rc == ERR_NOMEM ? rc : ERR_ARG;
		}
	}
	free(s);
	if (rc) {
		free(shell);
		return rc;
	}
	shell->rt = rt;
	*ret_self = shell;
	return 0;
}

static void shell_free(void *self)
{
	struct shell *shell = self;
	strategy_core_free(shell->core);
	free(shell);
}

static void *core_of(void *self)
{
	return ((struct shell *)self)->core;
}

static const void *metrics_of(void *self)
{
	return strategy_core_counters(((struct shell *)self)->core);
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	hb->progress = strategy_core_counters(((struct shell *)self)->core)->events;
}

static const struct service service = {
	.name = "strategy",
	.doc = "Turns market events into intents.",
	.keys = keys,
	.subsections = true,
	.settings_size = sizeof(struct settings),
	.inputs = inputs,
	.pubs = pubs,
	.metrics = metrics,
	.core = &strategy_core,
	.start = start,
	.free = shell_free,
	.core_of = core_of,
	.metrics_of = metrics_of,
	.beat = beat,
};
SERVICE_MAIN(service)
