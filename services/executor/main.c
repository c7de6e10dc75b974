/* main - the executor's shell: settings, inputs and outputs; everything it decides is in its core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/service/runtime.h"
#include "services/executor/gateway_io.h"
#include "services/executor/house.h"
#include "services/executor/kill_switch.h"
#include "services/executor/loud.h"
#include "services/executor/section.h"

static const struct service_input inputs[] = {
	{"collector", LANE_M, executor_topics, SEQUENCE_MARKET},
	{"strategy", LANE_X, NULL, SEQUENCE_INTENT},
	{0},
};
static const uint16_t pubs[] = {EVENT_order,         EVENT_fill,  EVENT_position, EVENT_balance, EVENT_equity,
				EVENT_trading_state, EVENT_alert, EVENT_gap,      EVENT_parity,  EVENT_funding,
				EVENT_latency,       EVENT_liquidated, EVENT_allocation, EVENT_venue_report,
				EVENT_valuation,     EVENT_assumption, 0};

struct figures {
	struct executor_counters house;
	struct gateway_io_counters venue;
};

#define COUNTER(name, member, doc)                                                                                     \
	{                                                                                                              \
		name, METRIC_COUNTER, doc, offsetof(struct figures, house.member)                                      \
	}
#define VENUE(name, member, doc)                                                                                       \
	{                                                                                                              \
		"executor_venue_" name "_total", METRIC_COUNTER, doc, offsetof(struct figures, venue.member)           \
	}
static const struct metric_row metrics[] = {
	COUNTER("executor_events_total", events, "Inputs applied."),
	COUNTER("executor_intents_total", intents, "Intents seen."),
	COUNTER("executor_orders_total", orders, "Orders accepted."),
	COUNTER("executor_rejected_total", rejected, "Orders rejected."),
	COUNTER("executor_expired_total", expired, "Intents too old to trade."),
	COUNTER("executor_cancelled_total", cancelled, "Orders cancelled."),
	COUNTER("executor_fills_total", fills, "Fills."),
	COUNTER("executor_foreign_origin_total", foreign_origin, "Market events of another origin than the account's."),
	COUNTER("executor_unknown_instrument_total", unknown_instrument, "Market events before their instrument."),
	COUNTER("executor_bad_books_total", bad_books, "Book events that do not fit their instrument."),
	COUNTER("executor_bad_instruments_total", bad_instruments,
		"Announcements and outcomes of instruments that make no sense or do not fit."),
	COUNTER("executor_full_instruments_total", full_instruments, "Announcements beyond the most instruments."),
	COUNTER("executor_refused_fills_total", refused_fills, "Fills and fundings that could not be paid or held."),
	{"executor_closing", METRIC_GAUGE, "Holdings that a flatten has still to close.",
	 offsetof(struct figures, house.closing)},
	COUNTER("executor_flatten_left_total", flatten_left, "Holdings that a flatten could not close."),
	COUNTER("executor_quarantined_total", quarantined, "Fills of its journal that a takeover did not book."),
	COUNTER("executor_fundings_total", fundings, "Fundings of holdings in perpetuals, paid or received."),
	COUNTER("executor_liquidations_total", liquidations, "Positions in perpetuals that were liquidated."),
	COUNTER("executor_bad_marks_total", bad_marks, "Mark prices that make no sense."),
	COUNTER("executor_stop_outs_total", stop_outs, "Orders that closed at a loss."),
	COUNTER("executor_stands_total", stands, "Times that the stop-loss guard made instruments stand still."),
	COUNTER("executor_delayed_total", delayed, "Intents that took longer to the exchange than the least."),
	{"executor_in_flight", METRIC_GAUGE, "Intents on their way to the exchange.",
	 offsetof(struct figures, house.in_flight)},
	COUNTER("executor_reloads_total", reloads, "Settings changed while running."),
	COUNTER("executor_venue_reports_total", remote_reports, "Live accounts: what the venue said."),
	COUNTER("executor_venue_duplicates_total", remote_duplicates, "Trades at the venue that were booked before."),
	COUNTER("executor_venue_quarantined_total", remote_quarantined, "Trades at the venue that were not booked."),
	VENUE("placed", placed, "Orders sent to the venue."),
	VENUE("cancels", cancels, "Cancels sent to the venue."),
	VENUE("queries", queries, "Orders asked for at the venue."),
	VENUE("unknown", unknown, "Answers that leave open what was done."),
	VENUE("refused", refused, "Orders that the venue refused."),
	VENUE("asks_refused", asks_refused, "Cancels and questions about orders that the venue refused; asked again."),
	VENUE("unsent", unsent, "Orders that were never sent."),
	VENUE("untold", untold, "Reports that the journal had no room for; asked for again."),
	VENUE("compared", compared, "Comparisons of orders and balances with the venue's that found the same."),
	VENUE("differed", differed, "Comparisons that found a difference."),
	VENUE("unanswered", unanswered, "Requests to the venue without an answer."),
	VENUE("stream_connects", stream_connects, "Connections of the account's stream."),
	VENUE("stream_texts", stream_texts, "Texts of the account's stream."),
	VENUE("clock_refused", clock_refused, "Stamps that the venue refused as not of its time."),
	{"executor_venue_clock_offset_ns", METRIC_GAUGE,
	 "By this the machine's clock is ahead of that of the venue that orders go to, which their stamps are of.",
	 offsetof(struct figures, venue.clock_offset)},
	{0},
};

struct shell {
	struct runtime *rt;
	struct house *house;
	struct kill_switch kill;
	struct gateway_io *venue; /* of the live account; NULL: there is none */
	struct figures figures;
	bool assumed; /* the journal says what is assumed now */
	struct loud loud[HOUSE_MAX];
};

/* The accounts by these settings. ERR_ARG with a reason for people. */
static int make_house(struct runtime *rt, const void *settings, char *reason, size_t cap, struct house **ret_house)
{
	struct executor_section_context from = {runtime_config(rt), runtime_settings(rt), runtime_run_id(rt)};
	struct executor_accounts *accounts = calloc(1, sizeof *accounts);
	if (!accounts)
		return ERR_NOMEM;
	int rc = executor_section_accounts(settings, &from, accounts, reason, cap);
	if (!rc) {
		rc = house_new(accounts->at, accounts->n, ret_house);
		if (rc)
			snprintf(reason, cap, "executor: the settings do not go together (%s)", err_text(rc));
	}
	free(accounts);
	return rc == ERR_RANGE ? ERR_ARG : rc;
}

static int check(struct runtime *rt, const void *settings, char *reason, size_t cap)
{
	struct house *house = NULL;
	int rc = make_house(rt, settings, reason, cap, &house);
	house_free(house);
	return rc ? rc : gateway_rule_check(settings, reason, cap);
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	struct shell *shell = calloc(1, sizeof *shell);
	if (!shell)
		return ERR_NOMEM;
	shell->rt = rt;
	int rc = make_house(rt, settings, reason, cap, &shell->house);
	if (!rc)
		rc = gateway_io_open(rt, shell->house, settings, &shell->venue, reason, cap);
	if (rc) {
		house_free(shell->house);
		free(shell);
		return rc;
	}
	kill_switch_init(&shell->kill, rt, shell->house);
	*ret_self = shell;
	return 0;
}

static void shell_free(void *self)
{
	struct shell *shell = self;
	gateway_io_close(shell->venue);
	house_free(shell->house);
	free(shell);
}

static void *core_of(void *self)
{
	return ((struct shell *)self)->house;
}

static const void *metrics_of(void *self)
{
	struct shell *shell = self;
	shell->figures = (struct figures){*house_counters(shell->house), gateway_io_counters(shell->venue)};
	return &shell->figures;
}

static bool safe_for(const void *self, const char *cause)
{
	return house_safe_for(((const struct shell *)self)->house, cause);
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	struct shell *shell = self;
	hb->progress = house_counters(shell->house)->events;
	bool lately = house_liquidated(shell->house, runtime_now(shell->rt));
	snprintf(hb->note, sizeof hb->note, "%s%s", enum_text(enum_trading(), (uint8_t)house_trading(shell->house)),
		 lately ? "; a position was liquidated" : "");
}

static void run(void *self)
{
	kill_switch_keep(&((struct shell *)self)->kill);
}

static bool ready(void *self)
{
	const struct shell *shell = self;
	return kill_switch_ready(&shell->kill) && gateway_io_ready(shell->venue);
}

static void applied(void *self, int64_t now, const struct event *ev)
{
	(void)now;
	(void)ev;
	gateway_io_applied(((struct shell *)self)->venue);
}

static void on_loud(void *ctx, enum severity severity, bool raised, const char *rule, const char *subject,
		    const char *text)
{
	runtime_alert(((struct shell *)ctx)->rt, severity, raised, rule, subject, text);
}

/* Each is told once, and once more when it is over. */
static void tell_people(struct shell *shell)
{
	const struct house *h = shell->house;
	struct ev_trading_state state;
	char text[EVENT_TEXT_MAX];
	house_describe(h, &state);
	bool killed = state.state == trading_killed, halted = state.state == trading_halted;
	snprintf(text, sizeof text, "%.160s", killed ? state.reason : "the kill switch is off");
	runtime_alert(shell->rt, severity_critical, killed, "trading_killed", "executor", text);
	if (!killed) {
		snprintf(text, sizeof text, "%.199s", halted ? state.reason : "trading is no longer halted");
		runtime_alert(shell->rt, severity_critical, halted, "trading_halted", "executor", text);
	}
	bool stands = house_stands(h, runtime_now(shell->rt), text);
	runtime_alert(shell->rt, severity_warning, stands, "stops_guard", "executor", text);
	for (uint32_t i = 0; i < house_count(h); i++)
		loud_tell(&shell->loud[i], house_at(shell->house, i), runtime_now(shell->rt), on_loud, shell);
}

/* Settings that were changed before this start: said once what the journal has is repeated. */
static void tell_assumptions(struct shell *shell)
{
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_reload;
	ev.command.role = role_service;
	event_set_name(ev.command.owner, "executor");
	event_set_name(ev.command.target, "executor.assumptions");
	if (!shell->assumed)
		shell->assumed = !house_assumes_anew(shell->house) || runtime_decide(shell->rt, &ev) == 0;
}

static void tick(void *self, int64_t mono_ns)
{
	struct shell *shell = self;
	(void)mono_ns;
	kill_switch_keep(&shell->kill);
	gateway_io_tick(shell->venue);
	if (runtime_life(shell->rt) == life_running && !runtime_verifying(shell->rt)) {
		tell_assumptions(shell);
		tell_people(shell);
	}
}

/* What would be on record and do nothing: meant for an account that is not here, or under the kill switch. */
static int judge(const void *self, const struct event *request, char *why)
{
	const struct house *h = ((const struct shell *)self)->house;
	const struct ev_request *r = &request->request;
	bool one = r->verb == verb_pause || r->verb == verb_resume || r->verb == verb_reset || r->verb == verb_flatten;
	char names[EVENT_TEXT_MAX / 2];
	if (r->verb == verb_flatten && house_all_killed(h)) {
		event_set_text(why, "the kill switch is on, and lets no order out: 'nj kill --reset' first");
		return ERR_REFUSED;
	}
	if (!one || !r->target[0] || house_has(h, r->target))
		return 0;
	house_names(h, names, sizeof names);
	snprintf(why, EVENT_TEXT_MAX, "there is no account '%.39s'; there are: %s", r->target, names);
	return ERR_ARG;
}

static void obeyed(void *self, const struct event *command, char *message)
{
	struct shell *shell = self;
	const struct house *h = shell->house;
	const struct executor_counters *c = house_counters(shell->house);
	bool killed = house_all_killed(h), on_record = true;
	uint32_t cancelled = house_cancelled_by_hand(h);
	char text[EVENT_TEXT_MAX], state[EVENT_TEXT_MAX];
	house_say(h, command->command.target, state, sizeof state);
	if (command->command.verb == verb_kill || command->command.verb == verb_unkill) {
		kill_switch_keep(&shell->kill); /* the record first, then the answer */
		on_record = shell->kill.state == (killed ? KILL_ON : KILL_OFF);
	}
	if (command->command.verb == verb_flatten && killed)
		snprintf(text, sizeof text, "not carried out: the kill switch is on");
	else if (command->command.verb == verb_flatten)
		snprintf(text, sizeof text, "orders are cancelled, %llu holdings are being closed",
			 (unsigned long long)c->closing);
	else if (command->command.verb == verb_cancel && cancelled == 0)
		event_set_text(text, "no open order is, or is of, what was named");
	else if (command->command.verb == verb_cancel)
		snprintf(text, sizeof text, "orders cancelled: %u", cancelled);
	else
		snprintf(text, sizeof text, "carried out: trading is %.120s%s", state,
			 on_record ? "" : "; its file could not be changed: see the log");
	event_set_text(message, text);
}

static int live_value(void *self, const char *key, int64_t *ret_value)
{
	return executor_live_value(house_at(((struct shell *)self)->house, 0), key, ret_value);
}

static const char *const standing[] = {"trading_killed", "trading_halted", "stops_guard",
				       "position_liquidated", "mark_unheard", "venue_unready", "venue_differs", NULL};

static const struct service service = {
	.name = "executor",
	.doc = "Trades intents on paper against the venues' own books.",
	.keys = executor_section_keys,
	.variants = true,
	.settings_size = sizeof(struct executor_section),
	.inputs = inputs,
	.pubs = pubs,
	.metrics = metrics,
	.core = &house_core,
	.safe_for = safe_for,
	.check = check,
	.start = start,
	.free = shell_free,
	.core_of = core_of,
	.metrics_of = metrics_of,
	.run = run,
	.ready = ready,
	.applied = applied,
	.tick = tick,
	.beat = beat,
	.judge = judge,
	.obeyed = obeyed,
	.standing = standing,
	.live = executor_live,
	.live_value = live_value,
};
SERVICE_MAIN(service)
