/* verb_positions - nj positions: what accounts hold of instruments, from the record. */
#include "tools/nj/newest.h"

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

static void of_perpetual(struct table *t, const struct ev_position *q)
{
	bool is = q->leverage > 0;
	newest_figure(t, is, q->funding, q->cash_scale);
	newest_figure(t, is, q->margin, q->cash_scale);
	if (is)
		table_int(t, q->leverage);
	else
		table_null(t);
	table_text(t, is ? enum_text(enum_margin_mode(), q->margin_mode) : NULL);
	newest_figure(t, q->liquidation != 0, q->liquidation, q->price_scale);
}

static void on_position(void *ctx, const struct event *ev)
{
	struct newest *p = ctx;
	const struct ev_position *q = &ev->position;
	struct table *t = p->table;

	if (ev->id != EVENT_position || !newest_wants(p, q->account, q->instrument.s))
		return;
	table_text(t, q->account);
	table_text(t, q->instrument.s);
	table_fixed(t, q->qty, q->qty_scale);
	newest_figure(t, q->qty != 0, q->avg_price, q->price_scale);
	table_fixed(t, q->realised, q->cash_scale);
	table_fixed(t, q->fees, q->cash_scale);
	of_perpetual(t, q);
	table_int(t, ev->ts_event);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	static const struct newest_kind kind = {columns, database_last_positions, on_position,
						"nothing of the kind was ever held",
						"nothing of the kind is held; --all has what was"};
	return newest_print(&(struct newest){.cli = cli, .o = options, .argc = argc, .argv = argv}, &kind);
}

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
	.options = newest_options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct newest_options),
	.operands_max = -1,
	.output = true,
	.run = run,
};
