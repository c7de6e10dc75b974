/* verb_summary - nj summary: what an account came to, by account, strategy and instrument; by day; its curve. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "services/executor/money.h"
#include "services/executor/stats.h"
#include "tools/nj/database.h"
#include "tools/nj/options.h"
#include "tools/nj/table.h"

#define DAY_NS INT64_C(86400000000000)

struct options {
	const char *database;
	bool days, curve;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"scope", TABLE_TEXT, "account, strategy, instrument."},
	{"name", TABLE_TEXT, "Which."},
	{"at", TABLE_TIME, "Days: its beginning, UTC. Curve: the point. Else empty."},
	{"fills", TABLE_INT, "Executions and settlements."},
	{"traded", TABLE_NUMBER, "Value of all fills."},
	{"realised", TABLE_NUMBER, "Result of what was closed, before fees."},
	{"fees", TABLE_NUMBER, "Paid."},
	{"funding", TABLE_NUMBER, "Received; negative: paid."},
	{"start", TABLE_NUMBER, "Worth of the account at the beginning."},
	{"end", TABLE_NUMBER, "Worth of the account at the end, or at the point."},
	{"return", TABLE_NUMBER, "End over start, less 1."},
	{"sharpe", TABLE_NUMBER, "Mean of daily returns over their deviation, times the root of 365."},
	{"sortino", TABLE_NUMBER, "The same over the deviation of those below 0."},
	{"drawdown", TABLE_NUMBER, "Largest fall from a highest point, as a share of it."},
	{"calmar", TABLE_NUMBER, "Return a year over the drawdown."},
	{"win_rate", TABLE_NUMBER, "Share of closing fills that gained, before fees."},
	{"profit_factor", TABLE_NUMBER, "What those gained over what the others lost."},
	{"exposure", TABLE_NUMBER, "Mean share of worth that was not cash."},
	{"turnover", TABLE_NUMBER, "Value of all fills over the mean worth."},
	{0},
};

static const char *const scopes[] = {"account", "strategy", "instrument"};

struct page {
	struct cli *cli;
	const struct options *o;
	struct table *table;
	struct stats stats;
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

static void print_worth(struct table *t, bool known, int64_t start, int64_t end)
{
	if (!known) {
		nulls(t, 3);
		return;
	}
	money(t, start);
	money(t, end);
	figure(t, start > 0 ? (double)end / (double)start - 1 : (double)NAN);
}

static void on_day(void *ctx, const struct stats_day *d)
{
	struct page *p = ctx;
	struct table *t = p->table;
	if (!p->o->days)
		return;
	table_text(t, scopes[d->scope]);
	table_text(t, d->name);
	table_int(t, d->day * DAY_NS);
	print_sums(t, d->sums);
	print_worth(t, d->has_worth, d->open, d->close);
	nulls(t, 8);
}

static void print_point(struct page *p, const struct event *ev)
{
	const struct ev_equity *e = &ev->equity;
	int64_t worth;
	if (!e->marked || fixed_rescale(e->equity, e->cash_scale, CASH_SCALE, &worth) != 0)
		return;
	table_text(p->table, scopes[STATS_ACCOUNT]);
	table_text(p->table, e->account);
	table_int(p->table, ev->ts_event);
	nulls(p->table, 6);
	money(p->table, worth);
	nulls(p->table, 9);
}

static void print_total(struct page *p, const struct stats_row *r)
{
	struct table *t = p->table;
	struct stats_figures f = stats_figures(r);
	table_text(t, scopes[r->scope]);
	table_text(t, r->name);
	table_null(t);
	print_sums(t, &r->all);
	print_worth(t, r->curve.any, r->curve.first, r->curve.last);
	const double rest[] = {f.sharpe,   f.sortino,       f.drawdown, f.calmar,
			       f.win_rate, f.profit_factor, f.exposure, f.turnover};
	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		figure(t, rest[i]);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct page *p = ctx;
	if (p->o->curve && ev->id == EVENT_equity)
		print_point(p, ev);
	if (!p->o->curve)
		stats_on_event(&p->stats, ev);
}

static int print(struct page *p, struct database *d)
{
	int rc = table_open(p->cli, columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	stats_init(&p->stats, on_day, p);
	int told = database_events(d, on_event, p);
	stats_end(&p->stats);
	for (uint32_t i = 0; !p->o->days && i < p->stats.n; i++)
		print_total(p, &p->stats.row[i]);
	rc = table_close(p->table);
	if (p->stats.left_out > 0)
		cli_note(p->cli, "more than %d accounts, strategies and instruments: some are left out",
			 STATS_ROWS_MAX);
	if (p->stats.unvalued > 0)
		cli_note(p->cli, "%llu fills count without their money: it could not be valued (executor.quotes)",
			 (unsigned long long)p->stats.unvalued);
	return told == CLI_OK ? rc : told;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct page *p = calloc(1, sizeof *p);
	struct database d;
	(void)argc;
	(void)argv;
	if (!p)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	p->cli = cli;
	p->o = options;
	int rc = database_open(cli, p->o->database, &d);
	if (rc == CLI_OK)
		rc = print(p, &d);
	database_close(&d);
	free(p);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	{.name = "days", .kind = CLI_FLAG, .offset = AT(days), .doc = "A row for each day instead of totals."},
	{.name = "curve", .kind = CLI_FLAG, .offset = AT(curve), .doc = "The points of the equity curve instead."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj summary", "Totals and ratios of the account, each strategy and each instrument."},
	{"nj summary --days -o csv > days.csv", "By day, as a file; the same journal gives the same bytes."},
	{"nj summary --curve -o csv > curve.csv", "The equity curve as a file."},
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
