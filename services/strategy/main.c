/* main - the strategy service's shell: which strategies sit where, inputs and outputs; the rest is in its core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime.h"
#include "services/strategy/doubts.h"
#include "services/strategy/external.h"
#include "services/strategy/registry.h"
#include "services/strategy/section.h"

static const struct service_input inputs[] = {
	{"collector", LANE_M, strategy_topics, SEQUENCE_MARKET},
	{"executor", LANE_X, NULL, SEQUENCE_LEDGER},
	{0},
};
static const uint16_t pubs[] = {EVENT_intent, EVENT_wish, EVENT_alert, EVENT_gap, EVENT_parity, 0};

#define COUNTER(name, member, doc)                                                                                     \
	{                                                                                                              \
		name, METRIC_COUNTER, doc, offsetof(struct strategy_core_counters, member)                             \
	}
static const struct metric_row metrics[] = {
	COUNTER("strategy_events_total", events, "Inputs applied."),
	COUNTER("strategy_calls_total", calls, "Calls of strategies."),
	COUNTER("strategy_conflated_total", conflated, "Market events that books alone took: a newer one was there."),
	COUNTER("strategy_orders_total", orders, "Intents to place an order."),
	COUNTER("strategy_cancels_total", cancels, "Intents to cancel one."),
	COUNTER("strategy_refused_stale_total", refused_stale, "Wishes refused for want of trusted, fresh data."),
	COUNTER("strategy_refused_other_total", refused_other, "Wishes refused for another reason."),
	COUNTER("strategy_foreign_origin_total", foreign_origin, "Events of another origin that nobody saw."),
	COUNTER("strategy_bad_books_total", bad_books, "Book events that do not fit their instrument."),
	COUNTER("strategy_wishes_total", wishes, "Wishes of external programs."),
	COUNTER("strategy_bad_feedback_total", bad_feedback, "Fills that do not fit the position."),
	{0},
};

struct shell {
	struct runtime *rt;
	struct strategy_core *core;
	struct external *external;
};

/* The core by these settings, and what it was made of (s). ERR_ARG with a reason for people. */
static int make_core(struct runtime *rt, const void *settings, struct strategy_core_settings *s, char *reason,
		     size_t cap, struct strategy_core **ret_core)
{
	char why[EVENT_TEXT_MAX] = "";
	/* Where the settings are only checked there is no run yet. */
	const char *run_id = runtime_run_id(rt)[0] ? runtime_run_id(rt) : "check";
	struct strategy_section_context from = {
		.config = runtime_config(rt), .run = runtime_settings(rt), .run_id = run_id};
	int rc = strategy_section_core(settings, &from, s, reason, cap);
	if (rc)
		return rc;
	rc = strategy_core_new(s, why, ret_core);
	if (rc)
		snprintf(reason, cap, "%s%s", why[0] ? "" : "strategy: ", why[0] ? why : err_text(rc));
	return rc == 0 || rc == ERR_NOMEM ? rc : ERR_ARG;
}

static void tell_doubts(struct runtime *rt, const struct strategy_core_settings *s)
{
	char text[DOUBT_MAX];
	for (uint32_t i = 0; i < s->n_seats; i++)
		if (doubts_of(runtime_config(rt), runtime_collectors(rt), &s->seat[i], text))
			fprintf(stderr, "nightjar-strategy: note: %s\n", text);
}

static int check(struct runtime *rt, const void *settings, char *reason, size_t cap)
{
	struct strategy_core *core = NULL;
	struct strategy_core_settings *s = calloc(1, sizeof *s);
	int rc = s ? make_core(rt, settings, s, reason, cap, &core) : ERR_NOMEM;
	if (!rc)
		tell_doubts(rt, s);
	strategy_core_free(core);
	free(s);
	return rc;
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	struct strategy_core_settings *s = calloc(1, sizeof *s);
	struct shell *shell = calloc(1, sizeof *shell);
	int rc = s && shell ? make_core(rt, settings, s, reason, cap, &shell->core) : ERR_NOMEM;
	const struct strategy_section *section = settings;
	if (!rc) {
		struct external_options o = {
			.rt = rt, .core = shell->core, .latency_ns = section->external_latency_ns};
		rc = external_new(&o, s, &shell->external);
		if (rc == ERR_FULL)
			snprintf(reason, cap, "strategy.seats: more than eight of them are for programs outside");
		rc = rc == ERR_FULL ? ERR_ARG : rc;
	}
	free(s);
	if (rc) {
		strategy_core_free(shell ? shell->core : NULL);
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
	external_free(shell->external);
	strategy_core_free(shell->core);
	free(shell);
}

static void *core_of(void *self)
{
	return ((struct shell *)self)->core;
}

static const char *run_id(const void *self)
{
	return strategy_core_run_id(((const struct shell *)self)->core);
}

static const void *metrics_of(void *self)
{
	return strategy_core_counters(((struct shell *)self)->core);
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	hb->progress = strategy_core_counters(((struct shell *)self)->core)->events;
	if (external_empty(((struct shell *)self)->external) > 0)
		event_set_name(hb->note, "external seat empty");
}

/* ---- programs outside ---- */

static int sides(void *self)
{
	return external_sides(((struct shell *)self)->external);
}

static struct sequencer_input *side_of(void *self, const struct event *ev)
{
	return external_side_of(((struct shell *)self)->external, ev);
}

static void applied(void *self, int64_t now, const struct event *ev)
{
	external_applied(((struct shell *)self)->external, now, ev);
}

static bool ready(void *self)
{
	return external_ready(((struct shell *)self)->external);
}

/* Settings may be others than those of the life before. */
static void run(void *self)
{
	struct shell *shell = self;
	uint32_t anew = strategy_core_anew(shell->core);
	if (anew)
		log_info("other parameters than before: seats begin anew, with their orders and positions", "seats=%u",
			 (unsigned)anew);
	if (strategy_core_blind(shell->core) && !runtime_lockstep(shell->rt)) {
		log_info("an instrument is new: market data begins with its last values", NULL);
		runtime_rejoin(shell->rt);
	}
	external_run(shell->external);
}

static void tick(void *self, int64_t mono_ns)
{
	external_tick(((struct shell *)self)->external, mono_ns);
}

static void on_request(void *self, const struct event *request, struct event *reply, struct buf *page)
{
	external_on_request(((struct shell *)self)->external, request, reply, page);
}

static int save(void *self, struct buf *out)
{
	return external_save(((struct shell *)self)->external, out);
}

static int load(void *self, const uint8_t *at, size_t len)
{
	return external_load(((struct shell *)self)->external, at, len);
}

/* ---- docs/settings.md: what each strategy's subsection may hold ---- */

static int put_param(const struct strategy_param *p, struct buf *out)
{
	static const char *const kinds[] = {
		[PARAM_COUNT] = "count", [PARAM_QTY] = "quantity", [PARAM_CHOICE] = "choice", [PARAM_NAME] = "text"};
	char limits[80] = "";
	if (p->kind == PARAM_CHOICE)
		snprintf(limits, sizeof limits, "%s", p->choices);
	else if (p->kind == PARAM_COUNT)
		snprintf(limits, sizeof limits, "%lld to %lld", (long long)p->min, (long long)p->max);
	return buf_printf(out, "| `%s` | %s | `%s` | %s | %s%s%s%s |\n", p->name, kinds[p->kind], p->value, limits,
			  p->doc, p->unit && p->unit[0] ? " (" : "", p->unit ? p->unit : "",
			  p->unit && p->unit[0] ? ")" : "");
}

static int docs(const char *page, struct buf *out)
{
	size_t n;
	const struct strategy *const *all = registry_all(&n);
	int rc = 0;
	(void)page;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = buf_printf(out,
				"### strategy / %s\n\n%s\n\n| setting | kind | default | limits | meaning |\n"
				"|---|---|---|---|---|\n",
				all[i]->name, all[i]->doc);
		for (uint32_t k = 0; rc == 0 && k < all[i]->n_params; k++)
			rc = put_param(&all[i]->params[k], out);
		if (rc == 0)
			rc = buf_byte(out, '\n');
	}
	return rc;
}

static const char *const standing[] = {"external_gone", NULL};

static const struct service service = {
	.name = "strategy",
	.doc = "Turns market events into intents.",
	.keys = strategy_section_keys,
	.peeks = doubts_peeks,
	.subsections = true,
	.settings_size = sizeof(struct strategy_section),
	.inputs = inputs,
	.pubs = pubs,
	.metrics = metrics,
	.core = &strategy_core,
	.check = check,
	.start = start,
	.free = shell_free,
	.core_of = core_of,
	.metrics_of = metrics_of,
	.run_id = run_id,
	.beat = beat,
	.sides = sides,
	.side_of = side_of,
	.applied = applied,
	.ready = ready,
	.run = run,
	.tick = tick,
	.standing = standing,
	.on_request = on_request,
	.save = save,
	.load = load,
	.docs = docs,
};
SERVICE_MAIN(service)
