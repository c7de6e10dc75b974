/* verb_backfill - nj backfill: a venue's past into the history file, resumed and verified; files of others, too. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/config.h"
#include "common/venue/candles.h"
#include "common/venue/iso_time.h"
#include "tools/nj/archive.h"
#include "tools/nj/backfill.h"
#include "tools/nj/stack.h"
#include "tools/nj/table.h"

#define YEAR_NS (INT64_C(366) * 86400 * NS_PER_S)
#define SETTLED_NS (10 * NS_PER_S) /* a kline that closed just now may not be there yet: that is no outage */
#define BAR_WIDTH 30
#define REDRAW_NS (NS_PER_S / 10)

struct options {
	const char *database, *venue, *interval, *from, *to, *rest, *ca_file;
	struct cli_list file;
	bool trades, plain;
	int64_t rows, budget, pace_ns;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"instrument", TABLE_TEXT, "Instrument."},
	{"what", TABLE_TEXT, "klines and their interval, or trades."},
	{"from", TABLE_TIME, "Begin of what was wanted; of a file: its first time."},
	{"to", TABLE_TIME, "End of it; of a file: its last time."},
	{"rows", TABLE_INT, "That came."},
	{"new", TABLE_INT, "Of those, not in the history before."},
	{"outages", TABLE_INT, "Stretches that are not there: of a venue, put on record; of a file, looked for only."},
	{"outage", TABLE_SPAN, "How long they are together."},
	{"missing", TABLE_INT, "Trades between the ids that came that the venue did not give."},
	{"origin", TABLE_TEXT, "live: from the venue's own host; replay: from a file; else simulated."},
	{0},
};

struct page {
	struct cli *cli;
	const struct options *o;
	const struct venue *venue;
	struct history *history;
	struct asker asker;
	struct table *table;
	int64_t now, from, to;
	bool bar;                               /* on a terminal */
	int64_t drawn_at, began_at, began_from; /* from: a run goes on where the one before was */
};

/* ---- the bar ---- */

static void clear_bar(struct page *p)
{
	if (p->bar && p->drawn_at)
		fprintf(p->cli->err, "\r\033[K");
}

static void draw(void *ctx, const struct backfill *b, int64_t at)
{
	struct page *p = ctx;
	char bar[BAR_WIDTH + 1], left[TABLE_SHORT_MAX], rows[TABLE_SHORT_MAX], when[32];
	int64_t mono = clock_mono(clock_real()), whole = b->to - b->from, done = at - b->from;

	if (!p->bar || whole <= 0 || (at < b->to && mono - p->drawn_at < REDRAW_NS))
		return;
	p->drawn_at = mono;
	done = done < 0 ? 0 : done > whole ? whole : done;
	if (!p->began_at) {
		p->began_at = mono;
		p->began_from = done;
	}
	int filled = (int)((fixed_wide)done * BAR_WIDTH / whole);
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	int64_t took = mono - p->began_at;
	int64_t here = done - p->began_from;
	int64_t rest = here > 0 ? (int64_t)((fixed_wide)took * (whole - done) / here) : 0;
	when[0] = '\0';
	if (at > 0)
		clock_rfc3339(at, when);
	fprintf(p->cli->err, "\r\033[K%s %s [%s] %3d%%  %s rows  %.10s  %s left", b->market.raw,
		b->interval ? b->interval : "trades", bar, (int)((fixed_wide)done * 100 / whole),
		table_thousands((int64_t)b->result.rows, rows), when, table_span(rest, left));
	fflush(p->cli->err);
}

static void waits(void *ctx, int64_t ns, const char *why)
{
	struct page *p = ctx;
	char span[TABLE_SHORT_MAX];

	clear_bar(p);
	cli_note(p->cli, "%s: waiting %s", why, table_span(ns, span));
}

/* ---- times ---- */

/* A date, a time, or how long ago: 2024-01-31, 2024-01-31T12:00:00Z, 30d, 5y. */
static int parse_time(const struct page *p, const char *text, int64_t *ret_ns)
{
	static const struct config_key row = {.name = "time", .kind = CONFIG_DUR, .min = 0, .max = INT64_MAX};
	char why[200];
	int64_t ago = 0;
	size_t len = strlen(text);

	if (strchr(text, '-') != NULL)
		return iso_time(text, len, ret_ns);
	if (len > 1 && len < 4 && text[len - 1] == 'y' && isdigit((unsigned char)text[0]))
		ago = strtoll(text, NULL, 10) * YEAR_NS;
	else if (config_parse(&row, text, &ago, why, sizeof why) != 0)
		return ERR_SYNTAX;
	*ret_ns = p->now - ago;
	return *ret_ns > 0 ? 0 : ERR_RANGE;
}

static int read_times(struct page *p)
{
	p->now = clock_wall(clock_real());
	p->to = p->now;
	if (parse_time(p, p->o->from, &p->from) != 0)
		return cli_usage(p->cli, "--from %s is neither a date nor a span", p->o->from);
	if (p->o->to && parse_time(p, p->o->to, &p->to) != 0)
		return cli_usage(p->cli, "--to %s is neither a date nor a span", p->o->to);
	if (p->to > p->now)
		p->to = p->now;
	return p->from < p->to ? CLI_OK : cli_usage(p->cli, "--from is not before --to");
}

/* ---- one instrument ---- */

static void print_row(struct page *p, const char *instrument, const struct backfill_result *r, uint8_t origin)
{
	char what[40];

	snprintf(what, sizeof what, p->o->trades ? "trades" : "klines %s", p->o->interval);
	table_text(p->table, instrument);
	table_text(p->table, what);
	table_int(p->table, r->from);
	table_int(p->table, r->to);
	table_int(p->table, (int64_t)r->rows);
	table_int(p->table, (int64_t)r->fresh);
	table_int(p->table, (int64_t)r->outages);
	table_int(p->table, r->outage_ns);
	table_int(p->table, (int64_t)r->missing);
	table_text(p->table, enum_text(enum_origin(), origin));
}

static int refuse_name(struct page *p, const char *raw)
{
	char reason[300];

	if (venue_claimed(p->venue, raw, strlen(raw), reason, sizeof reason))
		return cli_usage(p->cli, "%s", reason);
	return cli_usage(p->cli, "%s cannot be an instrument's name", raw);
}

static int fetch(struct page *p, const char *raw)
{
	struct backfill b = {.asker = &p->asker,
			     .history = p->history,
			     .interval = p->o->interval,
			     .rows = (uint32_t)p->o->rows,
			     .from = p->from,
			     .to = p->to,
			     .settled = p->now - SETTLED_NS,
			     .progress = draw,
			     .ctx = p};
	int rc = venue_market_init(p->venue, raw, strlen(raw), &b.market);

	if (rc)
		return refuse_name(p, raw);
	p->asker.reason[0] = '\0';
	p->began_at = 0;
	rc = backfill_describe(&b);
	if (!rc)
		rc = p->o->trades ? backfill_trades(&b) : backfill_klines(&b);
	clear_bar(p);
	if (rc)
		return cli_fail(p->cli, rc == ERR_BUSY ? CLI_TIMEOUT : CLI_FAILED,
				"%s: %s; what came is kept, run it again", raw,
				p->asker.reason[0] ? p->asker.reason : err_text(rc));
	print_row(p, b.market.symbol.s, &b.result, p->asker.origin);
	return b.result.missing > 0 ? CLI_DEGRADED : CLI_OK;
}

static bool has_klines(const struct venue *v, const char *interval)
{
	const char *const *have = v->kline_intervals;

	while (have && *have && strcmp(*have, interval) != 0)
		have++;
	return have && *have && !v->klines_are_prices;
}

static int fetch_all(struct page *p, int argc, char **argv)
{
	struct asker_options ao = {.venue = p->venue,
				   .rest = p->o->rest,
				   .ca_file = p->o->ca_file,
				   .plain = p->o->plain,
				   .pace_ns = p->o->pace_ns,
				   .budget = (uint32_t)p->o->budget,
				   .waits = waits,
				   .ctx = p};
	int worst = CLI_OK;

	if (p->o->trades && p->venue->trades_max == 0 && p->venue->recall_max == 0)
		return cli_usage(p->cli, "%s gives no trades of the past but the newest: import its files (--file)",
				 p->o->venue);
	if (!p->o->trades && !has_klines(p->venue, p->o->interval))
		return cli_usage(p->cli, "%s has no klines of %s", p->o->venue, p->o->interval);
	int rc = asker_open(&p->asker, &ao);
	if (rc)
		return cli_fail(p->cli, CLI_FAILED, "%s", err_text(rc));
	for (int i = 0; i < argc && (worst == CLI_OK || worst == CLI_DEGRADED); i++) {
		rc = fetch(p, argv[i]);
		worst = rc != CLI_OK ? rc : worst;
	}
	asker_close(&p->asker);
	return worst;
}

/* ---- files ---- */

/* Klines that no file had, between the first and the last that came: told, and not on record as the venue's outages,
 * which a file cannot prove. Of a file its own, of all of them also what lies between them. */
static int look_for_holes(struct page *p, const struct symbol *instrument, struct backfill_result *r)
{
	const struct history_series s = {origin_replay, instrument->s, p->o->interval};
	struct backfill_holes holes = {0};
	int64_t interval;

	if (p->o->trades || r->rows == 0)
		return 0;
	int rc = candle_interval(p->o->interval, strlen(p->o->interval), &interval);
	if (!rc)
		rc = backfill_count_holes(p->history, &s, (int64_t[]){r->from, candle_end(r->to, interval)}, &holes);
	r->outages = holes.n;
	r->outage_ns = holes.ns;
	r->first_outage = holes.first;
	return rc;
}

static void tell_holes(struct page *p, const char *instrument, const struct backfill_result *r)
{
	char span[TABLE_SHORT_MAX], when[32];

	if (r->outages == 0)
		return;
	clock_rfc3339(r->first_outage, when);
	cli_note(p->cli,
		 "%s: klines are missing in %llu places, %s together, the first at %s; a fetch of them "
		 "(without --file) asks the venue",
		 instrument, (unsigned long long)r->outages, table_span(r->outage_ns, span), when);
}

static int import_file(struct page *p, const struct venue_market *market, const char *path, struct backfill_result *all)
{
	const struct archive_options ao = {.path = path,
					   .instrument = market->symbol,
					   .raw = market->raw,
					   .interval = p->o->trades ? NULL : p->o->interval};
	struct archive_result got;
	char reason[200];
	int rc = archive_import(&ao, p->history, &got, reason, sizeof reason);

	if (rc)
		return cli_fail(p->cli, CLI_DATA, "%s: %s: %s; nothing of the file was taken", path, reason,
				err_text(rc));
	struct backfill_result r = {.rows = got.rows, .fresh = got.fresh, .from = got.from, .to = got.to};
	rc = look_for_holes(p, &market->symbol, &r);
	if (rc)
		return cli_fail(p->cli, CLI_FAILED, "%s", err_text(rc));
	print_row(p, market->symbol.s, &r, origin_replay);
	if (r.rows > 0) {
		all->from = all->rows == 0 || r.from < all->from ? r.from : all->from;
		all->to = all->rows == 0 || r.to > all->to ? r.to : all->to;
		all->rows += r.rows;
	}
	return CLI_OK;
}

static int import(struct page *p, const char *raw)
{
	struct venue_market market;
	struct backfill_result all = {0};
	int rc = venue_market_init(p->venue, raw, strlen(raw), &market);

	if (rc)
		return refuse_name(p, raw);
	for (size_t i = 0; i < p->o->file.n && rc == CLI_OK; i++)
		rc = import_file(p, &market, p->o->file.at[i], &all);
	if (rc != CLI_OK)
		return rc;
	rc = look_for_holes(p, &market.symbol, &all);
	if (rc)
		return cli_fail(p->cli, CLI_FAILED, "%s", err_text(rc));
	tell_holes(p, market.symbol.s, &all);
	return CLI_OK;
}

static int open_history(struct page *p)
{
	struct run_settings set;
	char path[STACK_PATH_MAX + 32], reason[300] = "";
	int rc = stack_settings(p->cli, &set);

	if (rc != CLI_OK)
		return rc;
	if (p->o->database)
		snprintf(path, sizeof path, "%s", p->o->database);
	else
		snprintf(path, sizeof path, "%s/history.db", set.data);
	if (!p->o->database && stack_make_dirs(set.data) != 0)
		return cli_fail(p->cli, CLI_FAILED, "%s cannot be made", set.data);
	rc = history_open(path, &p->history, reason, sizeof reason);
	return rc ? cli_fail(p->cli, CLI_FAILED, "%s", reason) : CLI_OK;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct page p = {.cli = cli, .o = options, .bar = !cli->quiet && isatty(fileno(cli->err))};
	int64_t interval;

	p.venue = venue_find(p.o->venue, strlen(p.o->venue));
	if (!p.venue)
		return cli_usage(cli, "there is no venue '%s'", p.o->venue);
	if (!p.o->trades && candle_interval(p.o->interval, strlen(p.o->interval), &interval) != 0)
		return cli_usage(cli, "--interval %s is none of 1s to 1d, 3d, 1w, 1M", p.o->interval);
	if (p.o->file.n > 0 && argc > 1)
		return cli_usage(cli, "files are of one instrument");
	int rc = read_times(&p);
	if (rc == CLI_OK)
		rc = open_history(&p);
	if (rc == CLI_OK)
		rc = table_open(cli, columns, &p.table);
	if (rc == CLI_OK)
		rc = p.o->file.n > 0 ? import(&p, argv[0]) : fetch_all(&p, argc, argv);
	int closed = p.table ? table_close(p.table) : CLI_OK;
	history_close(p.history);
	return rc != CLI_OK ? rc : closed;
}

static const struct cli_option options[] = {
	{.name = "interval",
	 .letter = 'i',
	 .kind = CLI_TEXT,
	 .arg = "INTERVAL",
	 .fallback = "1m",
	 .offset = AT(interval),
	 .doc = "Of the klines: 1s to 1d, 3d, 1w, 1M."},
	{.name = "trades", .letter = 't', .kind = CLI_FLAG, .offset = AT(trades), .doc = "Trades instead of klines."},
	{.name = "from",
	 .letter = 'f',
	 .kind = CLI_TEXT,
	 .arg = "TIME",
	 .fallback = "1d",
	 .offset = AT(from),
	 .doc = "A date, a time of RFC 3339, or how long ago: 2024-01-31, 30d, 5y."},
	{.name = "to", .kind = CLI_TEXT, .arg = "TIME", .offset = AT(to), .doc = "End; as --from. Default: now."},
	{.name = "file",
	 .kind = CLI_LIST,
	 .arg = "FILE",
	 .offset = AT(file),
	 .doc = "Import this file instead of asking the venue: Binance's dumps (klines, trades, aggTrades), Bybit's "
		"(trades), other CSV, freqtrade's JSON; plain, zip, gzip or zstd. May be repeated."},
	{.letter = 'd',
	 .name = "database",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .offset = AT(database),
	 .doc = "The history. Default: history.db below run.data."},
	{.name = "venue",
	 .kind = CLI_TEXT,
	 .arg = "VENUE",
	 .fallback = "BINANCE",
	 .offset = AT(venue),
	 .doc = "As in the settings of the collector: BINANCE, BINANCE-PERP, BYBIT, BYBIT-PERP, KALSHI; with --file "
		"POLYMARKET, too. Trades without --file: of Binance and Kalshi."},
	{.name = "rest",
	 .kind = CLI_TEXT,
	 .arg = "URL",
	 .offset = AT(rest),
	 .doc = "REST base address. Default: the venue's own."},
	{.name = "ca-file",
	 .kind = CLI_PATH,
	 .arg = "FILE",
	 .offset = AT(ca_file),
	 .doc = "CA certificates. Default: the system's."},
	{.name = "plain", .kind = CLI_FLAG, .offset = AT(plain), .doc = "Allow http:// beyond loopback."},
	{.name = "budget",
	 .kind = CLI_INT,
	 .arg = "PERCENT",
	 .fallback = "50",
	 .min = 1,
	 .max = 100,
	 .offset = AT(budget),
	 .doc = "Share of the venue's request budget to use, by what its replies say is used."},
	{.name = "pace",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "0s",
	 .offset = AT(pace_ns),
	 .doc = "Between requests, at least."},
	{.name = "rows",
	 .kind = CLI_INT,
	 .arg = "N",
	 .min = 1,
	 .max = 1000,
	 .offset = AT(rows),
	 .doc = "Rows to ask for at once. Default: what the venue gives."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj backfill BTCUSDT --from 5y", "Five years of one-minute klines; stopped, it goes on where it was."},
	{"nj backfill BTCUSDT ETHUSDT -i 1h --from 2020-01-01", "Of two instruments, by the hour."},
	{"nj backfill BTCUSDT --trades --from 2h", "Every trade of the last two hours."},
	{"nj backfill KXBTCD-26NOV2217-T85999.99 --trades --venue KALSHI --from 30d", "A market of Kalshi."},
	{"nj backfill BTCUSDT --file BTCUSDT-1m-2024-01.zip", "The venue's own dump of a month."},
	{"nj backfill BTCUSDT --trades --venue BYBIT --file BTCUSDT_2025-05-19.csv.gz", "Bybit's own dump of a day."},
	{0},
};

const struct cli_verb verb_backfill = {
	.name = "backfill",
	.group = CLI_DATA_GROUP,
	.summary = "Fetch or import klines and trades of the past",
	.operands = "INSTRUMENT...",
	.doc = "Writes into a SQLite file of its own, history.db: tables klines, trades, outages, progress, and views "
	       "klines_v and trades_v with plain numbers. What a page brought and how far it came are one transaction: "
	       "run the same again after an end of any kind, and it goes on; rows that are there stay as they are.\n\n"
	       "Klines are verified at the end: each hole is asked for once more, and what the venue does not have is "
	       "recorded as its outage. Trades are verified by their ids; those of Kalshi, which do not count, are "
	       "asked for by their time (trade_id: a hash of the venue's own), as far back as it keeps them at hand, "
	       "some three months. Requests keep to a share of the venue's budget; where it refuses one too many, "
	       "that is waited out.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct options),
	.operands_min = 1,
	.operands_max = -1,
	.output = true,
	.run = run,
};
