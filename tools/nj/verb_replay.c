/* verb_replay - nj replay: a recording through the three cores in one process, and what came of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/service/settings.h"
#include "services/executor/section.h"
#include "services/strategy/section.h"
#include "tools/nj/assumed.h"
#include "tools/nj/cli.h"
#include "tools/nj/replay.h"
#include "tools/nj/table.h"

struct options {
	const char *capture, *exchange_info, *run_id;
	int64_t generate_ns, seed, rate;
	bool digest;
};

#define AT(member) offsetof(struct options, member)
static const struct cli_option options[] = {
	{.name = "capture",
	 .kind = CLI_PATH,
	 .arg = "FILES",
	 .doc = "Recorded files, comma separated, played in that order.",
	 .offset = AT(capture)},
	{.name = "exchange-info",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .doc = "The instruments' filters, where the recording has none.",
	 .offset = AT(exchange_info)},
	{.name = "generate",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "60s",
	 .min = 1000000000,
	 .max = 2592000000000000,
	 .doc = "Without --capture: so much of a generated market.",
	 .offset = AT(generate_ns)},
	{.name = "seed",
	 .kind = CLI_INT,
	 .arg = "N",
	 .fallback = "1",
	 .min = 1,
	 .max = INT32_MAX,
	 .doc = "Of the generated market: the same seed gives the same market.",
	 .offset = AT(seed)},
	{.name = "rate",
	 .kind = CLI_INT,
	 .arg = "N",
	 .fallback = "20",
	 .min = 1,
	 .max = 1000,
	 .doc = "Of the generated market: actions a second and symbol.",
	 .offset = AT(rate)},
	{.name = "run-id",
	 .kind = CLI_TEXT,
	 .arg = "ID",
	 .doc = "Part of every client order id; the setting run.run_id, else replay.",
	 .offset = AT(run_id)},
	{.name = "digest",
	 .kind = CLI_FLAG,
	 .doc = "Also SHA-256 of what each publisher said on each lane.",
	 .offset = AT(digest)},
	{0},
};
#undef AT

struct tally {
	uint64_t candles, trades, orders, rejected, fills, intents;
	struct worth { /* of one account, where it could be marked */
		struct ev_equity first, last;
	} worth[HOUSE_MAX];
	uint32_t accounts;
	struct assumed assumed;
};

struct job { /* everything of one run */
	struct cli *cli;
	const struct options *o;
	struct run_settings run;
	struct collector_section collector;
	struct strategy_section strategy;
	struct executor_section executor;
	struct config *config;
	struct strategy_core_settings strategy_core;
	struct executor_accounts accounts;
	struct source *source;
	struct fused fused;
	struct replay replay;
	struct tally tally;
	int64_t took_ns;
	char reason[EVENT_TEXT_MAX * 2];
};

static void on_event(void *ctx, const struct event *ev)
{
	struct tally *t = ctx;
	t->candles += ev->id == EVENT_candle;
	t->trades += ev->id == EVENT_trade;
	t->intents += ev->id == EVENT_intent;
	t->fills += ev->id == EVENT_fill;
	if (ev->id == EVENT_order) {
		t->orders += ev->order.status == order_status_open;
		t->rejected += ev->order.status == order_status_rejected;
	}
	assumed_on_event(&t->assumed, ev);
	if (ev->id != EVENT_equity || !ev->equity.marked)
		return;
	uint32_t i = 0;
	while (i < t->accounts && strcmp(t->worth[i].last.account, ev->equity.account) != 0)
		i++;
	if (i == HOUSE_MAX)
		return;
	if (i == t->accounts)
		t->worth[t->accounts++].first = ev->equity;
	t->worth[i].last = ev->equity;
}

/* ---- settings: those of the three services, read by the services' own tables ---- */

static int load_settings(struct job *j)
{
	struct config_section s[SETTINGS_SECTIONS_MAX + 3];
	struct config_error err = {{0}};
	uint32_t n = settings_sections(&j->run, NULL, NULL, s);
	s[n++] = (struct config_section){
		.name = "collector", .keys = collector_section_keys, .self = &j->collector, .variants = true};
	s[n++] = (struct config_section){
		.name = "strategy", .keys = strategy_section_keys, .self = &j->strategy, .subsections = true};
	s[n++] = (struct config_section){
		.name = "executor", .keys = executor_section_keys, .self = &j->executor, .variants = true};
	int rc = config_new(s, n, settings_foreign, &j->config);
	if (!rc)
		rc = config_load(j->config, j->cli->config_path, j->cli->set.at, j->cli->set.n, NULL, &err);
	if (rc)
		return cli_fail(j->cli, CLI_USAGE, "%s", err.text[0] ? err.text : err_text(rc));
	return CLI_OK;
}

/* The settings may be those of a live stack. What is played is not live and never called so, and the cores take
 * nothing that they were not told to expect. */
static void expect_origin(struct job *j)
{
	const char *is = enum_text(enum_origin(), j->o->capture ? origin_replay : origin_simulated);
	if (strcmp(j->run.origin, "any") == 0 || strcmp(j->run.origin, is) == 0)
		return;
	cli_note(j->cli, "run.origin is %s; what is played here is %s, and so is all that comes of it", j->run.origin,
		 is);
	snprintf(j->run.origin, sizeof j->run.origin, "%s", is);
}

static int make_settings(struct job *j)
{
	expect_origin(j);
	const char *own = j->run.run_id[0] ? j->run.run_id : "replay";
	struct strategy_section_context from = {
		.config = j->config, .run = &j->run, .run_id = j->o->run_id ? j->o->run_id : own};
	int rc = strategy_section_core(&j->strategy, &from, &j->strategy_core, j->reason, sizeof(j->reason));
	struct executor_section_context paper = {.config = j->config, .run = &j->run, .run_id = from.run_id};
	if (!rc)
		rc = executor_section_accounts(&j->executor, &paper, &j->accounts, j->reason, sizeof(j->reason));
	return rc ? cli_fail(j->cli, CLI_USAGE, "%s", j->reason) : CLI_OK;
}

/* ---- the run ---- */

static int open_source(struct job *j)
{
	struct source_options so = {.venue = j->collector.venue,
				    .capture = j->o->capture,
				    .exchange_info = j->o->exchange_info,
				    .symbols = j->collector.symbols,
				    .duration_s = j->o->generate_ns / NS_PER_S,
				    .start = NS_PER_S,
				    .seed = j->o->seed,
				    .rate = j->o->rate};
	int rc = source_open(&so, &j->source, j->reason, sizeof(j->reason));
	return rc ? cli_fail(j->cli, CLI_DATA, "%s", j->reason[0] ? j->reason : err_text(rc)) : CLI_OK;
}

static int open_cores(struct job *j)
{
	struct fused_options fo = {.strategy = &j->strategy_core,
				   .executor = j->accounts.at,
				   .accounts = j->accounts.n,
				   .queue_bytes = j->run.queue_bytes,
				   .digests = j->o->digest};
	struct replay_parts parts = {.section = &j->collector, .fused = &j->fused, .source = j->source};
	int rc = fused_open(&j->fused, &fo, j->reason, sizeof(j->reason));
	if (!rc) {
		j->fused.on_event = on_event;
		j->fused.ctx = &j->tally;
		rc = replay_open(&j->replay, &parts, j->reason, sizeof(j->reason));
	}
	return rc ? cli_fail(j->cli, CLI_USAGE, "%s", j->reason) : CLI_OK;
}

/* A recording of trades where aggregate trades are asked for plays without any: that is said. */
static void tell_left_out(struct job *j)
{
	uint64_t frames;
	uint32_t n = 0;
	const char *name;
	char list[400] = "";
	for (size_t at = 0; (name = source_unasked(j->source, n, &frames)) != NULL; n++)
		if (at < sizeof list)
			at += (size_t)snprintf(list + at, sizeof list - at, "%s%.60s (%" PRIu64 " frames)",
					       n ? ", " : "", name, frames);
	if (n > 0)
		cli_note(j->cli, "not played, since nobody follows them (collector.symbols, streams, trades): %s%s",
			 list, n == SOURCE_UNASKED_MAX ? " …" : "");
}

static int play(struct job *j)
{
	int64_t began = clock_mono(clock_real());
	int rc = replay_run(&j->replay);
	j->took_ns = clock_mono(clock_real()) - began;
	if (rc)
		return cli_fail(j->cli, CLI_FAILED, "stopped at %" PRId64 ": %s", j->replay.now, err_text(rc));
	if (j->fused.late)
		return cli_fail(j->cli, CLI_FAILED, "%" PRIu64 " events came out of order", j->fused.late);
	if (source_is_recorded(j->source))
		tell_left_out(j);
	if (j->replay.frames == 0)
		return cli_fail(j->cli, CLI_DATA, "nothing to replay: no frame of the streams asked for");
	return CLI_OK;
}

/* ---- the report ---- */

static const struct table_column columns[] = {
	{"name", TABLE_TEXT, "What is told."},
	{"value", TABLE_TEXT, "Exactly."},
	{0},
};

static void row_text(struct table *t, const char *name, const char *value)
{
	table_text(t, name);
	table_text(t, value);
}

static void row(struct table *t, const char *name, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	row_text(t, name, text);
}

static void row_cash(struct table *t, const char *name, int64_t value, uint8_t scale)
{
	char text[FIXED_TEXT_MAX];
	fixed_format_trim(text, sizeof(text), value, scale);
	row_text(t, name, text);
}

static void tell_worth(struct table *t, const struct worth *w)
{
	row_text(t, "asset", w->last.asset);
	row_cash(t, "equity_first", w->first.equity, w->first.cash_scale);
	row_cash(t, "equity_last", w->last.equity, w->last.cash_scale);
	row_cash(t, "realised", w->last.realised, w->last.cash_scale);
	row_cash(t, "fees", w->last.fees, w->last.cash_scale);
}

/* Where there are several, each has its rows behind its name. */
static void tell_accounts(struct table *t, const struct tally *s)
{
	for (uint32_t i = 0; i < s->accounts; i++) {
		if (s->accounts > 1)
			row_text(t, "account", s->worth[i].last.account);
		tell_worth(t, &s->worth[i]);
	}
}

static void tell_assumed(struct table *t, const struct assumed *a)
{
	char name[ASSUMED_NAME_MAX + 8], text[ASSUMED_VALUE_MAX + EVENT_TEXT_MAX + 2], of[ASSUMED_NAME_MAX];
	char value[ASSUMED_VALUE_MAX];
	for (uint32_t i = 0; i < a->n; i++) {
		if (assumed_repeats(a, i))
			continue;
		assumed_name(a, i, of);
		assumed_value(a, i, value);
		snprintf(name, sizeof(name), "assumed.%s", of);
		snprintf(text, sizeof(text), "%s: %s", value, a->row[i].is.text);
		row_text(t, name, text);
	}
}

static void tell_lane(struct table *t, const char *who, const char *lane, const struct fused_lane *l)
{
	char name[64], hex[DIGEST_HEX_MAX];
	snprintf(name, sizeof(name), "events.%s.%s", who, lane);
	row(t, name, l->events);
	if (!l->digest.state || digest_hex(&l->digest, hex))
		return;
	snprintf(name, sizeof(name), "sha256.%s.%s", who, lane);
	row_text(t, name, hex);
}

static int report(struct job *j)
{
	const struct tally *s = &j->tally;
	struct table *t;
	uint64_t events = 0;
	int rc = table_open(j->cli, columns, &t);
	if (rc)
		return rc;
	row_text(t, "origin", source_is_recorded(j->source) ? "replay" : "simulated");
	row_text(t, "run_id", j->strategy_core.run_id);
	row(t, "from", (uint64_t)j->replay.first);
	row(t, "to", (uint64_t)j->replay.now);
	row(t, "frames", j->replay.frames);
	row(t, "requests", j->replay.requests);
	row(t, "trades", s->trades);
	row(t, "candles", s->candles);
	row(t, "intents", s->intents);
	row(t, "orders", s->orders);
	row(t, "rejected", s->rejected);
	row(t, "fills", s->fills);
	tell_accounts(t, s);
	tell_assumed(t, &s->assumed);
	for (int i = 0; i < FUSED_PUBLISHERS; i++) {
		const struct fused_publisher *p = &j->fused.publisher[i];
		if (i == FUSED_COLLECTOR)
			tell_lane(t, p->name, "m", &p->m);
		tell_lane(t, p->name, "x", &p->x);
		events += p->m.events + p->x.events;
	}
	row(t, "events", events);
	row(t, "took_ns", (uint64_t)j->took_ns);
	row(t, "events_per_s", (uint64_t)((double)events * 1e9 / (double)(j->took_ns > 0 ? j->took_ns : 1)));
	return table_close(t);
}

static int work(struct job *j)
{
	int rc = load_settings(j);
	if (!rc)
		rc = make_settings(j);
	if (!rc)
		rc = open_source(j);
	if (!rc)
		rc = open_cores(j);
	if (!rc)
		rc = play(j);
	if (!rc)
		rc = report(j);
	if (rc)
		return rc;
	int end = source_end(j->source);
	return end == ERR_CLOSED
		       ? CLI_OK
		       : cli_fail(j->cli, CLI_DATA, "the recording is damaged, it ends early: %s", err_text(end));
}

static int run(struct cli *cli, const void *opts, int argc, char **argv)
{
	struct job *j = calloc(1, sizeof(*j));
	(void)argc;
	(void)argv;
	if (!j)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	j->cli = cli;
	j->o = opts;
	log_set_level(cli->verbose ? LOG_INFO : LOG_WARN);
	int rc = work(j);
	replay_close(&j->replay);
	fused_close(&j->fused);
	source_close(j->source);
	config_free(j->config);
	free(j);
	return rc;
}

static const struct cli_example examples[] = {
	{"nj replay --capture btcusdt.gz --set strategy.ema_cross.instrument=BTCUSDT.BINANCE",
	 "What the strategy would have done."},
	{"nj replay --capture btcusdt.gz --digest --json", "To compare two versions byte for byte."},
	{"nj replay --capture bybit.zst --set collector.venue=BYBIT-PERP "
	 "--set strategy.ema_cross.instrument=BTCUSDT-PERP.BYBIT",
	 "On perpetuals."},
	{"nj replay --generate 10m --seed 7", "Over a generated market."},
	{0},
};

const struct cli_verb verb_replay = {
	.name = "replay",
	.group = CLI_DATA_GROUP,
	.summary = "Play a recording through the cores in one process",
	.doc = "The same cores, settings, order of inputs and stamps as the services in lockstep, without "
	       "sockets, so that the same recording and run id give the same market events, intents, orders "
	       "and fills, byte for byte. The setting collector.venue says whose protocol the recording is in: spot, "
	       "perpetuals and event contracts of each venue that venue_sim can be. Those paid in another asset than "
	       "USDT need executor.quote and executor.balances (KALSHI: USD).\n\n"
	       "Nothing is written but the report. A digest is the SHA-256 over a publisher's packed events "
	       "of one lane, one after another, with epoch and time of sending zero.",
	.options = options,
	.options_size = sizeof(struct options),
	.examples = examples,
	.output = true,
	.run = run,
};
