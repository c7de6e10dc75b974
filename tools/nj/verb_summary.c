/* verb_summary - nj summary: what accounts, strategies and instruments came to; by day; their curves; as files. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/io/journal.h"
#include "proto/codec.h"
#include "services/executor/money.h"
#include "services/executor/stats.h"
#include "tools/nj/assumed.h"
#include "tools/nj/database.h"
#include "tools/nj/options.h"
#include "tools/nj/table.h"

#define DAY_NS INT64_C(86400000000000)

struct options {
	const char *database, *journal, *files;
	bool days, curve;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"account", TABLE_TEXT, "Account."},
	{"scope", TABLE_TEXT, "account, strategy, instrument."},
	{"name", TABLE_TEXT, "Which."},
	{"at", TABLE_TIME, "Days: its beginning, UTC. Curve: the point. Else empty."},
	{"fills", TABLE_INT, "Executions and settlements."},
	{"traded", TABLE_NUMBER, "Value of all fills."},
	{"realised", TABLE_NUMBER, "Result of what was closed, before fees."},
	{"fees", TABLE_NUMBER, "Paid."},
	{"funding", TABLE_NUMBER, "Received; negative: paid."},
	{"start", TABLE_NUMBER, "Worth of the account at the beginning; of the others their result until then."},
	{"end", TABLE_NUMBER, "The same at the end, or at the point."},
	{"return", TABLE_NUMBER, "Of accounts: end over start, less 1."},
	{"sharpe", TABLE_NUMBER, "Mean of daily returns over their deviation, times the root of 365."},
	{"sortino", TABLE_NUMBER, "The same over the deviation of those below 0."},
	{"drawdown", TABLE_NUMBER, "Largest fall from a highest point, as a share of it."},
	{"calmar", TABLE_NUMBER, "Return a year over the drawdown."},
	{"win_rate", TABLE_NUMBER, "Share of closing fills that gained, before fees."},
	{"profit_factor", TABLE_NUMBER, "What those gained over what the others lost."},
	{"exposure", TABLE_NUMBER, "Mean gross worth of what was held, of perpetuals their notional, over worth."},
	{"turnover", TABLE_NUMBER, "Value of all fills over the mean worth."},
	{0},
};

static const char *const scopes[] = {"account", "strategy", "instrument"};

struct page {
	struct cli *cli;
	const struct options *o;
	struct table *totals, *days, *curve; /* NULL: not wanted */
	struct stats stats;
	uint64_t unreadable; /* records of the journal */
	struct assumed assumed;
};

static void money(struct table *t, int64_t value)
{
	table_fixed(t, value, CASH_SCALE);
}

static void figure(struct table *t, double value)
{
	char text[64];
	if (isnan(value)) {
		table_null(t);
		return;
	}
	snprintf(text, sizeof text, "%.6f", value);
	table_text(t, text);
}

static void nulls(struct table *t, int n)
{
	for (int i = 0; i < n; i++)
		table_null(t);
}

static void print_sums(struct table *t, const struct stats_sums *u)
{
	table_int(t, (int64_t)u->fills);
	money(t, u->traded);
	money(t, u->realised);
	money(t, u->fees);
	money(t, u->funding);
}

/* A result has no return: nothing was put in for it. */
static void print_worth(struct table *t, bool known, bool worth, const int64_t ends[2])
{
	int64_t start = ends[0], end = ends[1];
	if (!known) {
		nulls(t, 3);
		return;
	}
	money(t, start);
	money(t, end);
	figure(t, worth && start > 0 ? (double)end / (double)start - 1 : (double)NAN);
}

static void on_day(void *ctx, const struct stats_day *d)
{
	struct page *p = ctx;
	struct table *t = p->days;
	if (!t)
		return;
	table_text(t, d->account);
	table_text(t, scopes[d->scope]);
	table_text(t, d->name);
	table_int(t, d->day * DAY_NS);
	print_sums(t, d->sums);
	print_worth(t, d->has_worth, d->scope == STATS_ACCOUNT, (const int64_t[]){d->open, d->close});
	nulls(t, 8);
}

static void on_point(void *ctx, const struct stats_row *r)
{
	struct page *p = ctx;
	struct table *t = p->curve;
	if (!t)
		return;
	table_text(t, r->account);
	table_text(t, scopes[r->scope]);
	table_text(t, r->name);
	table_int(t, r->curve.last_at);
	nulls(t, 6);
	money(t, r->curve.last);
	nulls(t, 9);
}

static void print_total(struct page *p, const struct stats_row *r)
{
	struct table *t = p->totals;
	struct stats_figures f = stats_figures(r);
	table_text(t, r->account);
	table_text(t, scopes[r->scope]);
	table_text(t, r->name);
	table_null(t);
	print_sums(t, &r->all);
	print_worth(t, r->curve.any, r->scope == STATS_ACCOUNT, (const int64_t[]){r->curve.first, r->curve.last});
	const double rest[] = {f.sharpe,   f.sortino,       f.drawdown, f.calmar,
			       f.win_rate, f.profit_factor, f.exposure, f.turnover};
	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		figure(t, rest[i]);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct page *p = ctx;
	stats_on_event(&p->stats, ev);
	assumed_on_event(&p->assumed, ev);
}

/* Beside the table: figures are read by programs, what they rest on by people. */
static void note_assumed(struct page *p)
{
	char name[ASSUMED_NAME_MAX], value[ASSUMED_VALUE_MAX];
	for (uint32_t i = 0; i < p->assumed.n; i++) {
		if (assumed_repeats(&p->assumed, i))
			continue;
		assumed_name(&p->assumed, i, name);
		assumed_value(&p->assumed, i, value);
		cli_note(p->cli, "assumed, %s: %s. %s", name, value, p->assumed.row[i].is.text);
	}
}

/* ---- where the records are ---- */

static bool on_record(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct page *p = ctx;
	struct event ev;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len, used;
	(void)seq;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) != 0 ||
	    codec_peek(body, body_len, &ev) != 0) {
		p->unreadable++;
		return true;
	}
	if (ev.id != EVENT_fill && ev.id != EVENT_equity && ev.id != EVENT_valuation && ev.id != EVENT_funding &&
	    ev.id != EVENT_assumption && ev.id != EVENT_venue_report)
		return true;
	if (codec_unpack(body, body_len, NULL, &ev, &used) == 0)
		on_event(p, &ev);
	else
		p->unreadable++;
	return true;
}

static int from_journal(struct page *p)
{
	char reason[300];
	struct journal *j;
	struct journal_options o = {.dir = p->o->journal, .read_only = true};
	uint64_t next = 0;
	int rc = journal_open(&o, &j, reason, sizeof reason);
	if (rc != 0)
		return cli_fail(p->cli, rc == ERR_NOT_FOUND ? CLI_NOT_RUNNING : CLI_DATA, "%s", reason);
	struct journal_status s = journal_status(j);
	if (s.first > 1)
		cli_note(p->cli, "the journal begins with record %llu: what was before is in the database alone",
			 (unsigned long long)s.first);
	rc = s.first <= s.last ? journal_read(j, s.first, 0, on_record, p, &next) : 0;
	journal_reason(j, reason, sizeof reason);
	journal_close(j);
	if (p->unreadable > 0)
		cli_note(p->cli, "cannot read %llu of the records", (unsigned long long)p->unreadable);
	return rc == 0 ? CLI_OK : cli_fail(p->cli, CLI_DATA, "%s: %s", p->o->journal, reason);
}

static int from_database(struct page *p)
{
	struct database d;
	int rc = database_open(p->cli, p->o->database, &d);
	if (rc == CLI_OK)
		rc = database_events(&d, on_event, p);
	database_close(&d);
	return rc;
}

/* ---- one table, or three files ---- */

static int fold(struct page *p)
{
	stats_init(&p->stats, on_day, p);
	p->stats.on_point = on_point;
	int rc = p->o->journal ? from_journal(p) : from_database(p);
	stats_end(&p->stats);
	for (uint32_t i = 0; p->totals && i < p->stats.n; i++)
		print_total(p, &p->stats.row[i]);
	if (p->stats.left_out > 0)
		cli_note(p->cli, "more than %d accounts, strategies and instruments: some are left out",
			 STATS_ROWS_MAX);
	if (p->stats.unvalued > 0)
		cli_note(p->cli, "%llu fills count without their money: it could not be valued (executor.quotes)",
			 (unsigned long long)p->stats.unvalued);
	return rc;
}

static int print(struct page *p)
{
	struct table **t = p->o->curve ? &p->curve : p->o->days ? &p->days : &p->totals;
	int rc = table_open(p->cli, columns, t);
	if (rc != CLI_OK)
		return rc;
	int folded = fold(p);
	rc = table_close(*t);
	return folded == CLI_OK ? rc : folded;
}

enum { FILES = 3 };

struct file {
	struct cli cli; /* prints to it, all columns, as CSV */
	char path[DATABASE_PATH_MAX], partial[DATABASE_PATH_MAX + 8];
	struct table *table;
};

static int open_file(const struct page *p, const char *name, struct file *f)
{
	f->cli = *p->cli;
	f->cli.format = CLI_AS_CSV;
	f->cli.columns = f->cli.sort = NULL;
	f->cli.no_headers = f->cli.color = false;
	snprintf(f->path, sizeof f->path, "%.*s/%s.csv", DATABASE_PATH_MAX - 32, p->o->files, name);
	snprintf(f->partial, sizeof f->partial, "%s.part", f->path);
	f->cli.out = fopen(f->partial, "we");
	if (!f->cli.out)
		return cli_fail(p->cli, CLI_FAILED, "%s: %s", f->partial, strerror(errno));
	return table_open(&f->cli, columns, &f->table);
}

/* A file is whole, or the one of before stays. */
static int close_file(const struct page *p, struct file *f, bool keep)
{
	int rc = f->table ? table_close(f->table) : CLI_OK;
	if (!f->cli.out)
		return rc;
	bool written = fflush(f->cli.out) == 0 && fsync(fileno(f->cli.out)) == 0;
	written = fclose(f->cli.out) == 0 && written;
	if (keep && rc == CLI_OK && (!written || rename(f->partial, f->path) != 0))
		rc = cli_fail(p->cli, CLI_FAILED, "%s: %s", f->path, strerror(errno));
	if (!keep || rc != CLI_OK)
		(void)unlink(f->partial);
	return rc;
}

static int write_files(struct page *p)
{
	static const char *const names[FILES] = {"totals", "days", "curve"};
	struct file *f = calloc(FILES, sizeof *f);
	int rc = f ? CLI_OK : cli_fail(p->cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	if (rc == CLI_OK && mkdir(p->o->files, 0777) != 0 && errno != EEXIST)
		rc = cli_fail(p->cli, CLI_FAILED, "%s: %s", p->o->files, strerror(errno));
	for (int i = 0; rc == CLI_OK && i < FILES; i++)
		rc = open_file(p, names[i], &f[i]);
	if (rc == CLI_OK) {
		p->totals = f[0].table;
		p->days = f[1].table;
		p->curve = f[2].table;
		rc = fold(p);
	}
	for (int i = 0; f && i < FILES; i++) {
		int closed = close_file(p, &f[i], rc == CLI_OK);
		rc = rc == CLI_OK ? closed : rc;
	}
	if (rc == CLI_OK)
		cli_note(p->cli, "written: %s/{totals,days,curve}.csv", p->o->files);
	free(f);
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
	int rc = p->o->files ? write_files(p) : print(p);
	if (rc == CLI_OK && !p->o->days && !p->o->curve)
		note_assumed(p);
	free(p);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	{.name = "journal",
	 .kind = CLI_PATH,
	 .arg = "DIR",
	 .offset = AT(journal),
	 .doc = "The executor's journal instead (executor/journal below run.data): the same bytes, if it has all."},
	{.name = "files",
	 .kind = CLI_PATH,
	 .arg = "DIR",
	 .offset = AT(files),
	 .doc = "Write totals.csv, days.csv and curve.csv there instead of printing."},
	{.name = "days", .kind = CLI_FLAG, .offset = AT(days), .doc = "A row for each day instead of totals."},
	{.name = "curve", .kind = CLI_FLAG, .offset = AT(curve), .doc = "The points of the equity curves instead."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj summary", "Totals and ratios of the account, each strategy and each instrument."},
	{"nj summary --days -o csv > days.csv", "By day, as a file; the same journal gives the same bytes."},
	{"nj summary --files reports", "All of it as three files, the curves of strategies and instruments, too."},
	{0},
};

const struct cli_verb verb_summary = {
	.name = "summary",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Sum up an account: results, fees, returns and ratios, by day",
	.doc = "Folds the executor's records in the persister's database (read-only, also while it is written). "
	       "The definitions are in docs/accounting.md.",
	.options = options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct options),
	.output = true,
	.run = run,
};
