/* verb_cancel - the row of nj cancel. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct command_options, member)

static const struct cli_option options[] = {
	OPTION_REASON(AT(reason)),
	{.name = "all", .kind = CLI_FLAG, .offset = AT(all), .doc = "Every open order."},
	OPTION_OWNER(AT(owner)),
	OPTION_ANSWER(AT(timeout), "Longest wait for the executor's answer."),
	{0},
};

static const struct cli_example examples[] = {
	{"nj cancel --all --reason 'before the upgrade'", "Everything that rests or waits."},
	{"nj cancel BTCUSDT.BINANCE --reason 'news'", "Of one instrument."},
	{"nj cancel ema_cross --reason 'wrong settings'", "Of one strategy."},
	{"nj cancel hedge --reason 'too much of it'", "Of one account."},
	{0},
};

const struct cli_verb verb_cancel = {
	.name = "cancel",
	.group = CLI_TRADE_GROUP,
	.summary = "Cancel open orders: one, those of a name, or all of them",
	.operands = "[ORDER|INSTRUMENT|STRATEGY|ACCOUNT]",
	.doc = "An order is named by its client order id or by the id that its user gave it. Positions stay, and "
	       "strategies may order again: give nj pause first if they should not. The command is journalled, and a "
	       "replay repeats it. The answer says how many orders it ended.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct command_options),
	.operands_max = 1,
	.run = command_cancel,
};
