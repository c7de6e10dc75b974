/* verb_orders - nj orders: the orders that are open, or all there were, from the record. */
#include "tools/nj/newest.h"

static const struct table_column columns[] = {
	{"account", TABLE_TEXT, "Account."},
	{"strategy", TABLE_TEXT, "Whose order it is."},
	{"instrument", TABLE_TEXT, "Instrument."},
	{"side", TABLE_TEXT, "buy, sell."},
	{"type", TABLE_TEXT, "market, limit, stop_market ... (nj help events)."},
	{"tif", TABLE_TEXT, "Time in force."},
	{"price", TABLE_NUMBER, "Its limit; empty: none."},
	{"trigger", TABLE_NUMBER, "Where it triggers; empty: nowhere."},
	{"quantity", TABLE_NUMBER, "Ordered."},
	{"filled", TABLE_NUMBER, "Of that, so far."},
	{"average", TABLE_NUMBER, "Average price of what is filled; empty: nothing is."},
	{"status", TABLE_TEXT, "State; cancelling: a cancel is on its way to the venue."},
	{"age", TABLE_SPAN, "Since its newest record."},
	{"id", TABLE_TEXT, "Client order id, as nj cancel takes it."},
	{"user_id", TABLE_TEXT, "The user's own, where it has one."},
	{"reason", TABLE_TEXT, "Why it ended as it did."},
	{0},
};

static bool lives(const struct ev_order *o)
{
	return o->status == order_status_pending || o->status == order_status_open ||
	       o->status == order_status_partial || o->status == order_status_waiting ||
	       o->status == order_status_triggered;
}

static void status(struct table *t, const struct ev_order *o)
{
	const char *text = enum_text(enum_order_status(), o->status);
	bool bad = o->status == order_status_rejected || o->status == order_status_expired;
	table_tone(t, bad ? TABLE_WARN : TABLE_PLAIN, o->cancelling && lives(o) ? "cancelling" : text);
}

static void on_order(void *ctx, const struct event *ev)
{
	struct newest *p = ctx;
	const struct ev_order *o = &ev->order;
	struct table *t = p->table;

	if (ev->id != EVENT_order || !newest_wants(p, o->account, o->instrument.s))
		return;
	table_text(t, o->account);
	table_text(t, o->strategy);
	table_text(t, o->instrument.s);
	table_text(t, enum_text(enum_side(), o->side));
	table_text(t, enum_text(enum_order_type(), o->type));
	table_text(t, enum_text(enum_tif(), o->tif));
	newest_figure(t, o->price != 0, o->price, o->price_scale);
	newest_figure(t, o->trigger_price != 0, o->trigger_price, o->price_scale);
	table_fixed(t, o->qty, o->qty_scale);
	table_fixed(t, o->filled, o->qty_scale);
	newest_figure(t, o->avg_price != 0, o->avg_price, o->price_scale);
	status(t, o);
	table_int(t, p->now > ev->ts_recv ? p->now - ev->ts_recv : 0);
	table_text(t, o->client_order_id);
	table_text(t, o->user_id);
	table_text(t, o->reason);
}

static int run(struct cli *cli, const void *options, int argc, char **argv)
{
	static const struct newest_kind kind = {columns, database_last_orders, on_order, "no such order was ever taken",
						"no such order is open; --all has those that ended"};
	return newest_print(&(struct newest){.cli = cli, .o = options, .argc = argc, .argv = argv}, &kind);
}

static const struct cli_example examples[] = {
	{"nj orders", "What is open, the oldest change first."},
	{"nj orders BTCUSDT.BINANCE --all -o csv > orders.csv", "Every order in one instrument, as it ended."},
	{0},
};

const struct cli_verb verb_orders = {
	.name = "orders",
	.group = CLI_TRADE_GROUP,
	.summary = "List the orders that are open",
	.operands = "[INSTRUMENT]...",
	.doc = "Each order as its newest record has it, from the persister's database, also while that is written. It "
	       "follows the bus by a few milliseconds. An order that waits for its trigger, or is on its way, is open.",
	.options = newest_options,
	.examples = examples,
	.columns = columns,
	.options_size = sizeof(struct newest_options),
	.operands_max = -1,
	.output = true,
	.run = run,
};
