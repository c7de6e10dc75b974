/* verb_positions - nj positions: what accounts hold of instruments, from the record. */
#include <stddef.h>
#include <string.h>

#include "common/base/err.h"
#include "tools/nj/database.h"
#include "tools/nj/options.h"
#include "tools/nj/table.h"

struct options {
	const char *database, *account;
	bool all;
};
#define AT(member) offsetof(struct options, member)

static const struct table_column columns[] = {
	{"account", TABLE_TEXT, "Account."},
	{"instrument", TABLE_TEXT, "Instrument."},
	{"quantity", TABLE_NUMBER, "Held; negative is short."},
	{"average", TABLE_NUMBER, "Average price of what is held; empty: nothing is."},
	{"realised", TABLE_NUMBER, "Of what was closed since the account was opened, before fees."},
	{"fees", TABLE_NUMBER, "Paid since then."},
	{"funding", TABLE_NUMBER, "Perpetuals: received since then; negative: paid."},
	{"margin", TABLE_NUMBER, "Perpetuals: set aside for it."},
	{"leverage", TABLE_INT, "Perpetuals: what the initial margin is a share of."},
	{"mode", TABLE_TEXT, "Perpetuals: cross, isolated."},
	{"liquidation", TABLE_NUMBER, "Perpetuals: mark price at which it is liquidated; empty: none."},
	{"changed", TABLE_TIME, "Event time of its newest record."},
	{0},
};

struct page {
	struct cli *cli;
	const struct options *o;
	int argc;
	char **argv;
	struct table *table;
	uint64_t rows;
};

static bool is_wanted(const struct page *p, const struct ev_position *q)
{
	if (p->o->account && strcmp(p->o->account, q->account) != 0)
		return false;
	for (int i = 0; i < p->argc; i++)
		if (strcmp(p->argv[i], q->instrument.s) == 0)
			return true;
	return p->argc == 0;
}

static void figure(struct table *t, bool is, int64_t value, uint8_t scale)
{
	if (is)
		table_fixed(t, value, scale);
	else
		table_null(t);
}

static void of_perpetual(struct table *t, const struct ev_position *q)
{
	bool is = q->leverage > 0;
	figure(t, is, q->funding, q->cash_scale);
	figure(t, is, q->margin, q->cash_scale);
	if (is)
		table_int(t, q->leverage);
	else
		table_null(t);
	table_text(t, is ? enum_text(enum_margin_mode(), q->margin_mode) : NULL);
	figure(t, q->liquidation != 0, q->liquidation, q->price_scale);
}

static void on_position(void *ctx, const struct event *ev)
{
	struct page *p = ctx;
	const struct ev_position *q = &ev->position;
	struct table *t = p->table;

	if (ev->id != EVENT_position || !is_wanted(p, q))
		return;
	p->rows++;
	table_text(t, q->account);
	table_text(t, q->instrument.s);
	table_fixed(t, q->qty, q->qty_scale);
	figure(t, q->qty != 0, q->avg_price, q->price_scale);
	table_fixed(t, q->realised, q->cash_scale);
	table_fixed(t, q->fees, q->cash_scale);
	of_perpetual(t, q);
	table_int(t, ev->ts_event);
}

static int print(struct page *p, struct database *d)
{
	int rc = table_open(p->cli, columns, &p->table);
	if (rc != CLI_OK)
		return rc;
	int told = database_last_positions(d, p->o->all, on_position, p);
	rc = table_close(p->table);
	if (told == CLI_OK && p->rows == 0)
		cli_note(p->cli, p->o->all ? "nothing of the kind was ever held"
					   : "nothing of the kind is held; --all has what was");
	return told == CLI_OK ? rc : told;
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	struct page p = {.cli = cli, .o = options, .argc = argc, .argv = argv};
	struct database d;
	int rc = database_open(cli, p.o->database, &d);
	if (rc == CLI_OK)
		rc = print(&p, &d);
	database_close(&d);
	return rc;
}

static const struct cli_option options[] = {
	OPTION_DATABASE(AT(database)),
	OPTION_ACCOUNT(AT(account)),
	{.name = "all", .kind = CLI_FLAG, .offset = AT(all), .doc = "Also what is down to zero."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj positions", "What is held."},
	{"nj positions --account paper --json", "Of one account, for programs."},
	{0},
};

const struct cli_verb verb_positions = {
	.name = "positions",
	.group = CLI_TRADE_GROUP,
	.summary = "List what accounts hold of instruments",
	.operands = "[INSTRUMENT]...",
	.doc = "Each position as its newest record has it, from the persister's database, also while that is written. "
	       "Of paper and live accounts alike, by our own books; nj accounts has what venues say that we hold.",
	.options = options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct options),
	.operands_max = -1,
	.output = true,
	.run = run,
};
