/* main - the executor's shell: settings, inputs and outputs; everything it decides is in its core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/service/runtime.h"
#include "services/executor/core.h"

struct settings {
	char account[EVENT_NAME_MAX], quote[EVENT_NAME_MAX];
	char balances[400];
	int64_t maker_fee, taker_fee, loss_max;
	int64_t stale_ns, equity_every_ns, intent_expiry_ns;
	int64_t open_orders_max, instruments_max, book_levels;
};

#define AT(member) offsetof(struct settings, member)
#define TEXT(member) AT(member), sizeof(((struct settings *)0)->member)

static const struct config_key keys[] = {
	{"account", CONFIG_TEXT, "paper", 0, 0, "", "Name of the paper account.", NULL, TEXT(account)},
	{"quote", CONFIG_TEXT, "USDT", 0, 0, "asset", "Asset it is counted in; only its instruments are traded.", NULL,
	 TEXT(quote)},
	{"balances", CONFIG_TEXT, "USDT=10000", 0, 0, "", "What a new account holds: ASSET=amount, comma separated.",
	 NULL, TEXT(balances)},
	{"maker_fee", CONFIG_DECIMAL, "0.001", 0, 10000000, "", "Fee of fills that rested in the book.", NULL,
	 AT(maker_fee), 0},
	{"taker_fee", CONFIG_DECIMAL, "0.001", 0, 10000000, "", "Fee of fills that took from the book.", NULL,
	 AT(taker_fee), 0},
	{"loss_max", CONFIG_DECIMAL, "0", 0, INT64_MAX, "quote", "Loss since the start that halts trading; 0 none.",
	 NULL, AT(loss_max), 0},
	{"stale", CONFIG_DUR, "5s", NS_PER_MS, 3600 * NS_PER_S, "ns", "A book without news for longer is not traded.",
	 NULL, AT(stale_ns), 0},
	{"equity_every", CONFIG_DUR, "10s", NS_PER_MS, 86400 * NS_PER_S, "ns", "Event time between equity records.",
	 NULL, AT(equity_every_ns), 0},
	{"intent_expiry", CONFIG_DUR, "2s", NS_PER_MS, 3600 * NS_PER_S, "ns", "For intents that name no expiry.", NULL,
	 AT(intent_expiry_ns), 0},
	{"open_orders_max", CONFIG_INT, "200", 1, 100000, "orders", "Most open orders.", NULL, AT(open_orders_max), 0},
	{"instruments_max", CONFIG_INT, "256", 1, 10000, "", "Most instruments it keeps books of.", NULL,
	 AT(instruments_max), 0},
	{"book_levels", CONFIG_INT, "5000", 10, 20000, "levels", "Levels it keeps of each side.", NULL, AT(book_levels),
	 0},
	{0},
};

static const char *const market_topics[] = {"instrument.", "book.", "trade.", NULL};
static const struct service_input inputs[] = {
	{"collector", LANE_M, market_topics, SEQUENCE_MARKET},
	{"strategy", LANE_X, NULL, SEQUENCE_INTENT},
	{0},
};
static const uint16_t pubs[] = {EVENT_order, EVENT_fill, EVENT_position, EVENT_balance, EVENT_equity,
				EVENT_trading_state, EVENT_alert, EVENT_gap, EVENT_parity, 0};

#define COUNTER(name, member, doc) {name, METRIC_COUNTER, doc, offsetof(struct executor_counters, member)}
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
	{0},
};

struct shell {
	struct runtime *rt;
	struct executor *core;
};

/* "USDT=10000,BTC=0.5" */
static int parse_balances(const char *text, struct executor_settings *s, char *reason, size_t cap)
{
	char list[400], *save = NULL;
	snprintf(list, sizeof list, "%s", text);
	s->n_balances = 0;
	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		char *eq = strchr(item, '=');
		if (s->n_balances == EXECUTOR_BALANCES_MAX || !eq || eq == item ||
		    fixed_parse(eq + 1, strlen(eq + 1), 8, &s->balance[s->n_balances].amount) != 0 ||
		    s->balance[s->n_balances].amount < 0) {
			snprintf(reason, cap, "executor.balances: '%s' is not ASSET=amount with at most 8 decimals",
				 item);
			return ERR_ARG;
		}
		*eq = '\0';
		event_set_name(s->balance[s->n_balances++].asset, item);
	}
	return 0;
}

static uint8_t origin_of(const char *text)
{
	return strcmp(text, "any") == 0 ? 0 : enum_value(enum_origin(), text, strlen(text));
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	const struct settings *in = settings;
	const struct run_settings *run = runtime_settings(rt);
	struct executor_settings s;
	executor_defaults(&s);
	event_set_name(s.account, in->account);
	event_set_name(s.quote, in->quote);
	s.maker_fee = in->maker_fee;
	s.taker_fee = in->taker_fee;
	s.loss_max = in->loss_max;
	s.stale_ns = in->stale_ns;
	s.equity_interval_ns = in->equity_every_ns;
	s.intent_expiry_ns = in->intent_expiry_ns;
	s.open_orders_max = (uint32_t)in->open_orders_max;
	s.instruments_max = (uint32_t)in->instruments_max;
	s.book_levels = (uint32_t)in->book_levels;
	s.ack_latency_ns = run->ack_latency_ns;
	s.origin = origin_of(run->origin);
	int rc = parse_balances(in->balances, &s, reason, cap);
	if (rc)
		return rc;
	struct shell *shell = calloc(1, sizeof *shell);
	if (!shell)
		return ERR_NOMEM;
	shell->rt = rt;
	rc = executor_new(&s, &shell->core);
	if (rc) {
		snprintf(reason, cap, "executor: the settings do not go together (%s)", err_text(rc));
		free(shell);
		return rc == ERR_RANGE ? ERR_ARG : rc;
	}
	*ret_self = shell;
	return 0;
}

static void shell_free(void *self)
{
	struct shell *shell = self;
	executor_free(shell->core);
	free(shell);
}

static void *core_of(void *self)
{
	return ((struct shell *)self)->core;
}

static const void *metrics_of(void *self)
{
	return executor_counters(((struct shell *)self)->core);
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	struct shell *shell = self;
	hb->progress = executor_counters(shell->core)->events;
	event_set_name(hb->note, enum_text(enum_trading(), (uint8_t)executor_trading(shell->core)));
}

static const struct service service = {
	.name = "executor",
	.doc = "Trades intents on paper against the venues' own books.",
	.keys = keys,
	.settings_size = sizeof(struct settings),
	.inputs = inputs,
	.pubs = pubs,
	.metrics = metrics,
	.core = &executor_core,
	.start = start,
	.free = shell_free,
	.core_of = core_of,
	.metrics_of = metrics_of,
	.beat = beat,
};
SERVICE_MAIN(service)
