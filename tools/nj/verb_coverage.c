/* verb_coverage - nj coverage: how much of each stream was seen, by day, from the gap ledger. */
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "tools/nj/coverage.h"
#include "tools/nj/database.h"
#include "tools/nj/options.h"
#include "tools/nj/table.h"

struct options {
	const char *database;
	struct cli_list stream;
	int64_t days;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"day", TABLE_TEXT, "UTC."},
	{"instrument", TABLE_TEXT, "Instrument."},
	{"stream", TABLE_TEXT, "depth, trade, top, kline, ticker, liquidation, mark."},
	{"percent", TABLE_NUMBER, "Of the time followed, seen or repaired; rounded down."},
	{"gaps", TABLE_INT, "Blind intervals that touch the day."},
	{"followed", TABLE_SPAN, "How long of the day it was to be seen."},
	{"blind", TABLE_SPAN, "How long it was not."},
	{"repaired", TABLE_SPAN, "Of that, fetched afterwards, or proved to have had nothing in it."},
	{"missing", TABLE_SPAN, "Of that, what stays missing."},
	{"records", TABLE_INT, "Records known to stay missing, where ids count."},
	{"origin", TABLE_TEXT, "live, replay, simulated."},
	{"source", TABLE_TEXT, "Collector."},
	{0},
};

struct page {
	struct cli *cli;
	const struct options *o;
	int argc;
	char **argv;
	struct table *table;
	struct coverage coverage;
	int64_t newest; /* day */
};

static bool is_wanted(const struct page *p, const struct coverage_row *r)
{
	bool instrument = p->argc == 0, stream = p->o->stream.n == 0;

	for (int i = 0; i < p->argc; i++)
		instrument = instrument || strcmp(p->argv[i], r->instrument) == 0;
	for (size_t i = 0; i < p->o->stream.n; i++)
		stream = stream || strcmp(p->o->stream.at[i], r->stream) == 0;
	return instrument && stream;
}

static void find_newest(void *ctx, const struct coverage_row *r)
{
	struct page *p = ctx;

	if (is_wanted(p, r) && r->day > p->newest)
		p->newest = r->day;
}

static void print_row(void *ctx, const struct coverage_row *r)
{
	struct page *p = ctx;
	char day[16], percent[TABLE_SHORT_MAX];

	if (!is_wanted(p, r) || (p->o->days > 0 && r->day <= p->newest - p->o->days * INT64_C(86400000000000)))
		return;
	coverage_day_text(r->day, day);
	int64_t thousandths = coverage_thousandths(r);
	snprintf(percent, sizeof percent, "%lld.%03lld", (long long)(thousandths / 1000),
		 (long long)(thousandths % 1000));
	table_text(p->table, day);
	table_text(p->table, r->instrument);
	table_text(p->table, r->stream);
	table_text(p->table, percent);
	table_int(p->table, r->gaps);
	table_int(p->table, r->followed);
	table_int(p->table, r->blind);
	table_int(p->table, r->repaired);
	table_int(p->table, r->missing);
	table_int(p->table, (int64_t)r->records);
	table_text(p->table, enum_text(enum_origin(), r->origin));
	table_text(p->table, r->source);
}

static void on_event(void *ctx, const struct event *ev)
{
	coverage_on_event(ctx, ev);
}

static void on_reach(void *ctx, const char *publisher, int64_t stamp)
{
	coverage_alive(ctx, publisher, stamp);
}

static int gather(struct page *p, struct database *d)
{
	int rc = database_events(d, on_event, &p->coverage);

	return rc == CLI_OK ? database_told(d, store_read_reach(d->store, on_reach, &p->coverage)) : rc;
}

static int print(struct page *p)
{
	int rc = coverage_rows(&p->coverage, find_newest, p);

	if (rc != 0)
		return cli_fail(p->cli, CLI_FAILED, "the records do not fit: %s", err_text(rc));
	if (p->newest == 0)
		cli_note(p->cli, "nothing of that has been followed yet");
	rc = table_open(p->cli, columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	coverage_rows(&p->coverage, print_row, p);
	return table_close(p->table);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct page p = {.cli = cli, .o = options, .argc = argc, .argv = argv};
	struct database d;
	int rc = database_open(cli, p.o->database, &d);

	coverage_init(&p.coverage);
	if (rc == CLI_OK)
		rc = gather(&p, &d);
	database_close(&d);
	if (rc == CLI_OK)
		rc = print(&p);
	coverage_fini(&p.coverage);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	{.letter = 's',
	 .name = "stream",
	 .kind = CLI_LIST,
	 .arg = "STREAM",
	 .offset = AT(stream),
	 .doc = "Only this stream: depth, trade, top, kline, ticker, liquidation, mark. May be repeated."},
	{.letter = 'n',
	 .name = "days",
	 .kind = CLI_INT,
	 .arg = "N",
	 .min = 1,
	 .max = 36500,
	 .offset = AT(days),
	 .doc = "Only the newest N days on record."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj coverage", "Every stream and day on record."},
	{"nj coverage BTCUSDT.BINANCE --stream trade --days 7", "Of one stream, a week."},
	{"nj coverage --sort percent --json", "The worst first, for programs."},
	{0},
};

const struct cli_verb verb_coverage = {
	.name = "coverage",
	.group = CLI_DATA_GROUP,
	.summary = "How much of each stream was seen, by day",
	.operands = "[INSTRUMENT]...",
	.doc = "Reads the gap ledger in the persister's database (read-only, also while it is written): what was "
	       "followed, when it was blind, what was fetched afterwards and what stays missing. A book that was "
	       "blind is right again after its next snapshot, but what it did meanwhile stays missing.",
	.options = options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct options),
	.operands_max = -1,
	.output = true,
	.run = run,
};
