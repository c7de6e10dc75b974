/* verb_report - nj report: what a run came to, and rests on: orders, fills, equity, gaps, latencies, memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "tools/nj/client.h"
#include "tools/nj/database.h"
#include "tools/nj/live.h"
#include "tools/nj/options.h"
#include "tools/nj/report.h"
#include "tools/nj/services.h"
#include "tools/nj/table.h"

struct options {
	const char *database;
	int64_t live_ns;
	bool brief;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"part", TABLE_TEXT, "What it is about."},
	{"figure", TABLE_TEXT, "Name of the figure."},
	{"value", TABLE_TEXT, "Its value, exact, with its unit."},
	{"meaning", TABLE_TEXT, "What exactly was counted or measured."},
	{0},
};

struct page {
	struct cli *cli;
	const struct options *o;
	struct database database;
	struct report report;
	struct stack stack;
	struct live live;
	bool has_live;
	struct table *table;
	uint64_t orders, filled, holes;
};

static void row(struct page *p, const char *part, const char *figure, const char *value,
		const char *meaning)
{
	table_text(p->table, part);
	table_text(p->table, figure);
	table_text(p->table, value);
	table_text(p->table, meaning);
}

static void count(struct page *p, const char *part, const char *figure, uint64_t n,
		  const char *meaning)
{
	char text[TABLE_SHORT_MAX];
	row(p, part, figure, table_thousands((int64_t)n, text), meaning);
}

/* Names the account where there are several. */
static const char *of_account(const struct page *p, const char *figure, const char *account,
			      char out[2 * EVENT_NAME_MAX])
{
	snprintf(out, 2 * EVENT_NAME_MAX, p->report.n_accounts > 1 ? "%.30s (%s)" : "%.30s", figure, account);
	return out;
}

static void money(struct page *p, const struct ev_equity *of, const char *figure, int64_t value, const char *meaning)
{
	char text[FIXED_TEXT_MAX + EVENT_NAME_MAX], name[2 * EVENT_NAME_MAX];
	size_t n = fixed_format(text, sizeof text, value, of->cash_scale);
	snprintf(text + n, sizeof text - n, " %s", of->asset);
	row(p, "equity", of_account(p, figure, of->account, name), text, meaning);
}

/* ---- what the figures are of ---- */

/* By the executor's own words: an account whose orders fill at the venue is not on paper. */
static const char *money_of(const struct assumed *a)
{
	bool paper = a->n == 0, venue = false;
	for (uint32_t i = 0; i < a->n; i++) {
		bool there = strcmp(a->row[i].is.value, "venue") == 0;
		venue = venue || (there && strcmp(a->row[i].is.about, "fills") == 0);
		paper = paper || (!there && strcmp(a->row[i].is.about, "fills") == 0);
	}
	return !venue ? "PAPER" : paper ? "PAPER and VENUE ORDERS" : "VENUE ORDERS";
}

static void origins(const struct page *p, char out[64])
{
	static const char *const names[] = {"", "LIVE", "REPLAY", "SIMULATED"};
	const struct report *r = &p->report;
	snprintf(out, 64, "%s", money_of(&r->assumed));
	bool seen[4] = {false};
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		seen[i] = r->by_origin[i] > 0 || (p->has_live && p->live.origin == i);
	for (size_t i = 1; i < ARRAY_LEN(names); i++)
		if (seen[i]) {
			size_t n = strlen(out);
			snprintf(out + n, 64 - n, ", %s", names[i]);
		}
}

/* ---- parts ---- */

static void on_orders(void *ctx, const struct store_orders *o)
{
	struct page *p = ctx;
	char name[80];
	p->orders += (uint64_t)o->count;
	p->filled += strcmp(o->status, "filled") == 0 ? (uint64_t)o->count : 0;
	if (!p->table)
		return;
	bool why = strcmp(o->reject, "none") != 0 && o->reject[0];
	snprintf(name, sizeof name, "%s%s%s%s", o->status, why ? " (" : "", why ? o->reject : "",
		 why ? ")" : "");
	count(p, "orders", name, (uint64_t)o->count, "Orders in this state now.");
}

static void print_equity(struct page *p, const struct report_account *a)
{
	if (!a->has_equity)
		return;
	money(p, &a->last, "start", a->first.equity, "Cash and positions at market; first record that is marked.");
	if (a->was_funded)
		money(p, &a->last, "taken over", a->taken,
		      "From the venue, after the first record: part of the start, no result.");
	money(p, &a->last, "end", a->last.equity, "The same; newest record.");
	money(p, &a->last, "realised", a->last.realised, "Of closed positions, before fees.");
	money(p, &a->last, "fees", a->last.fees, "Paid for all fills.");
}

static void print_state(struct page *p, const struct report_account *a)
{
	char name[2 * EVENT_NAME_MAX];
	if (a->trading.state)
		row(p, "trading", of_account(p, "state", a->name, name),
		    enum_text(enum_trading(), a->trading.state),
		    a->trading.reason[0] ? a->trading.reason : "Whether the executor takes orders now.");
}

static void print_trading(struct page *p)
{
	const struct report *r = &p->report;
	uint64_t fills = r->makers + r->takers;
	count(p, "intents", "published", r->intents, "What strategies wanted: orders and cancels.");
	store_read_orders(p->database.store, on_orders, p);
	count(p, "fills", "all", fills, "Executions of orders, of all accounts.");
	count(p, "fills", "taker", r->takers, "Against the book as it stood.");
	count(p, "fills", "maker", r->makers, "Of orders that rested in the book.");
	count(p, "fills", "partial", r->partials, "Times an order was left filled in part, the rest open.");
	for (size_t i = 0; i < r->n_accounts; i++)
		print_equity(p, &r->account[i]);
	for (size_t i = 0; i < r->n_accounts; i++)
		print_state(p, &r->account[i]);
	count(p, "trading", "safe mode", r->safe_entered,
	      "Times that trading was stopped because something could not be trusted.");
}

static void on_candles(void *ctx, const struct store_candles *c)
{
	struct page *p = ctx;
	char name[160], text[80];
	if (c->interval_ns == 0)
		return;
	int64_t all = (c->last - c->first) / c->interval_ns + 1;
	snprintf(name, sizeof name, "%s %s", c->instrument, c->interval);
	snprintf(text, sizeof text, "%lld of %lld", (long long)c->count, (long long)all);
	row(p, "candles", name, text, "Intervals with trades, of those from the first to the last.");
}

/* The venue, and who follows it where several do. */
static const char *feed_name(const struct report *r, const struct report_feed *f, char out[2 * EVENT_NAME_MAX + 8])
{
	bool several = false;
	for (size_t i = 0; i < r->n_feeds; i++)
		several = several || (strcmp(r->feed[i].venue, f->venue) == 0 &&
				      strcmp(r->feed[i].source, f->source) != 0);
	snprintf(out, 2 * EVENT_NAME_MAX + 8, several ? "%s (%s)" : "%s", f->venue, f->source);
	return out;
}

static void print_feeds(struct page *p)
{
	char text[80], down[TABLE_SHORT_MAX], name[2 * EVENT_NAME_MAX + 8];
	const struct report *r = &p->report;
	for (size_t i = 0; i < r->n_feeds; i++) {
		const struct report_feed *f = &r->feed[i];
		double all = (double)f->live_ns + (double)f->down_ns;
		/* Rounded down: less than all of it is never 100 %. */
		double per_cent = all > 0 ? floor((double)f->live_ns * 1e4 / all) / 1e2 : 0;
		snprintf(text, sizeof text, "%.2f %%, %s down", per_cent, table_span(f->down_ns, down));
		row(p, "feed", feed_name(r, f, name), text,
		    "Share of the run that it was connected; how long it was not.");
	}
}

static void print_gaps(struct page *p)
{
	const struct report *r = &p->report;
	char name[120], text[80], span[TABLE_SHORT_MAX], thousands[TABLE_SHORT_MAX];
	count(p, "gaps", "all", r->gaps_total, "Periods on record in which a stream was blind.");
	for (size_t i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gap[i];
		snprintf(name, sizeof name, "%s, %s", g->stream, enum_text(enum_gap_cause(), g->cause));
		snprintf(text, sizeof text, "%s, %s", table_thousands((int64_t)g->count, thousands),
			 table_span(g->blind_ns, span));
		row(p, "gaps", name, text, "How many, and how long together.");
	}
	count(p, "parity", "exceptions", r->parity,
	      "Inputs that were not applied in the order of event time; on record so that a replay repeats them.");
	const struct enum_row *causes = enum_parity_cause();
	for (uint8_t i = 0; r->parity > 0 && i < causes->n && causes->items[i].value < ARRAY_LEN(r->parity_of); i++)
		count(p, "parity", causes->items[i].name, r->parity_of[causes->items[i].value], causes->items[i].doc);
	count(p, "alerts", "critical", r->alerts_critical, "Times that one was raised.");
	count(p, "alerts", "warning", r->alerts_warning, "Times that one was raised.");
}

static void print_hist(struct page *p, const char *figure, const struct hist *h, const char *meaning)
{
	static const double at[] = {0.5, 0.9, 0.99};
	char text[120];
	size_t n = 0;
	if (h->count == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%llu / ",
				      (unsigned long long)(hist_quantile(h, at[i]) / 1000));
	snprintf(text + n, sizeof text - n, "%llu us", (unsigned long long)(h->max / 1000));
	row(p, "latency", figure, text, meaning);
}

static void print_latency(struct page *p)
{
	if (p->has_live) {
		print_hist(p, "in the collector", &p->live.in_collector,
			   "p50 / p90 / p99 / max, from the venue's socket to published.");
		print_hist(p, "on the bus", &p->live.on_bus,
			   "p50 / p90 / p99 / max, from published to decoded by this program.");
	}
	print_hist(p, "to an intent", &p->report.intent_age,
		   "p50 / p90 / p99 / max, from the causing market event to the intent on disk and out.");
}

static void print_memory(struct page *p)
{
	char path[64], text[TABLE_SHORT_MAX];
	unsigned long long size, resident, total = 0;
	for (size_t i = 0; i < p->stack.n; i++) {
		snprintf(path, sizeof path, "/proc/%d/statm", (int)p->stack.at[i].pid);
		FILE *f = fopen(path, "re");
		bool ok = f && fscanf(f, "%llu %llu", &size, &resident) == 2;
		if (f)
			fclose(f);
		if (!ok)
			continue;
		resident *= (unsigned long long)sysconf(_SC_PAGESIZE);
		total += resident;
		row(p, "memory", p->stack.at[i].name, table_bytes((int64_t)resident, text),
		    "Resident now, shared pages included.");
	}
	if (total)
		row(p, "memory", "all", table_bytes((int64_t)total, text), "Sum of them.");
}

/* As the executor put them on record, not as the settings are now. */
static void print_assumed(struct page *p)
{
	const struct assumed *a = &p->report.assumed;
	char name[ASSUMED_NAME_MAX], value[ASSUMED_VALUE_MAX];
	for (uint32_t i = 0; i < a->n; i++) {
		if (assumed_repeats(a, i))
			continue;
		assumed_name(a, i, name);
		assumed_value(a, i, value);
		row(p, "assumed", name, value, a->row[i].is.text);
	}
}

static void on_lane(void *ctx, const struct store_lane *l)
{
	struct page *p = ctx;
	p->holes += (uint64_t)(l->last - l->first + 1 - l->count) + (uint64_t)(l->first - 1);
}

static void print_data(struct page *p)
{
	struct stat st;
	int64_t bytes = 0;
	char text[TABLE_SHORT_MAX], wal[sizeof p->database.path + 8];
	snprintf(wal, sizeof wal, "%s-wal", p->database.path);
	store_read_lanes(p->database.store, on_lane, p);
	count(p, "data", "records", p->report.records,
	      "Facts in the database: intents, orders, fills, gaps (lane X).");
	count(p, "data", "missing", p->holes, "Holes in the facts' sequence numbers; 0: nothing was lost.");
	count(p, "data", "undecodable", store_read_undecodable(p->database.store),
	      "Facts that this program cannot read; left out above.");
	if (stat(p->database.path, &st) == 0)
		bytes = st.st_size;
	if (stat(wal, &st) == 0)
		bytes += st.st_size;
	row(p, "data", "database", table_bytes(bytes, text), p->database.path);
}

static int print_table(struct page *p)
{
	char label[64], span[TABLE_SHORT_MAX];
	int rc = table_open(p->cli, columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	origins(p, label);
	row(p, "run", "kind", label, "Whose money, and where the market data came from.");
	row(p, "run", "span", p->report.first ? table_span(p->report.last - p->report.first, span) : "-",
	    "Event time from the first to the last record.");
	print_trading(p);
	print_assumed(p);
	store_read_candles(p->database.store, on_candles, p);
	print_feeds(p);
	print_gaps(p);
	print_latency(p);
	print_memory(p);
	print_data(p);
	return table_close(p->table);
}

#define WORTH_MAX (FIXED_TEXT_MAX + 2 * EVENT_NAME_MAX)
#define WORTHS_MAX (REPORT_ACCOUNTS_MAX * WORTH_MAX)

/* "9990.51 USDT", of several accounts "main 9990.51 USDT, hedge 500.00 USD". */
static void worths(const struct report *r, char out[WORTHS_MAX])
{
	size_t used = 0;
	snprintf(out, WORTHS_MAX, "-");
	for (size_t i = 0; i < r->n_accounts; i++) {
		const struct report_account *a = &r->account[i];
		char amount[FIXED_TEXT_MAX];
		if (!a->has_equity)
			continue;
		fixed_format(amount, sizeof amount, a->last.equity, a->last.cash_scale);
		used += (size_t)snprintf(out + used, WORTHS_MAX - used, "%s", used ? ", " : "");
		if (r->n_accounts > 1)
			used += (size_t)snprintf(out + used, WORTHS_MAX - used, "%s ", a->name);
		used += (size_t)snprintf(out + used, WORTHS_MAX - used, "%s %s", amount, a->last.asset);
	}
}

static int print_brief(struct page *p)
{
	char label[64], price[FIXED_TEXT_MAX] = "-", equity[WORTHS_MAX];
	size_t services = 0;
	store_read_orders(p->database.store, on_orders, p);
	origins(p, label);
	for (size_t i = 0; i < services_n; i++)
		services += stack_find(&p->stack, services_names[i]) != NULL;
	if (p->has_live && p->live.price)
		fixed_format(price, sizeof price, p->live.price, p->live.price_scale);
	worths(&p->report, equity);
	fprintf(p->cli->out,
		"%s  services %zu/%zu  %s %s  orders %llu (%llu filled)  fills %llu  equity %s  "
		"gaps %llu\n",
		label, services, services_n, p->has_live ? p->live.instrument.s : "price", price,
		(unsigned long long)p->orders, (unsigned long long)p->filled,
		(unsigned long long)(p->report.makers + p->report.takers), equity,
		(unsigned long long)p->report.gaps_total);
	return CLI_OK;
}

/* ---- gathering ---- */

static void on_event(void *ctx, const struct event *ev)
{
	report_on_event(ctx, ev);
}

/* A stack that does not run has a report all the same. */
static void watch(struct page *p)
{
	struct client c;
	char reason[200];
	const char *flags[CLI_LIST_MAX];
	stack_scan(p->database.run.bus_dir, &p->stack);
	size_t i = 0;
	while (services_is_collector(services_names[i]) && !stack_find(&p->stack, services_names[i]))
		i++;
	if (p->o->live_ns == 0 || !services_is_collector(services_names[i]))
		return;
	memcpy(flags, p->cli->set.at, sizeof flags);
	if (client_open(&c, p->cli->config_path, flags, p->cli->set.n, reason, sizeof reason) == 0)
		p->has_live = live_watch(&p->live, &c, p->o->live_ns) == 0 && p->live.events > 0;
	client_close(&c);
}

static int gather(struct page *p)
{
	watch(p);
	report_init(&p->report);
	int rc = database_events(&p->database, on_event, &p->report);
	report_end(&p->report, p->report.last);
	return rc;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct page *p = calloc(1, sizeof *p);
	(void)argc;
	(void)argv;
	if (!p)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	p->cli = cli;
	p->o = options;
	int rc = database_open(cli, p->o->database, &p->database);
	if (rc == CLI_OK)
		rc = gather(p);
	if (rc == CLI_OK)
		rc = p->o->brief ? print_brief(p) : print_table(p);
	live_fini(&p->live);
	database_close(&p->database);
	free(p);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	{.name = "live",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "2s",
	 .offset = AT(live_ns),
	 .doc = "How long to watch a running stack's bus for latencies; 0: not."},
	{.letter = 'b',
	 .name = "brief",
	 .kind = CLI_FLAG,
	 .offset = AT(brief),
	 .doc = "One line."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj report", "Of the stack that runs now, or of the one that ran here last."},
	{"nj report --brief --live 300ms", "One line, for a look now and then."},
	{"nj report --json --database old/nightjar.db --live 0s", "Of another database."},
	{0},
};

const struct cli_verb verb_report = {
	.name = "report",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Sum up a run: orders, fills, equity, gaps, latencies",
	.doc = "Reads the persister's database (read-only, also while it is written) and, where the "
	       "stack runs, watches its bus for a moment. Every row says what exactly it counts.",
	.options = options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct options),
	.output = true,
	.run = run,
};
