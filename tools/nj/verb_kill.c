/* verb_kill - the row of nj kill. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct command_options, member)

static const struct cli_option options[] = {
	OPTION_REASON(AT(reason)),
	{.letter = 'y', .name = "yes", .kind = CLI_FLAG, .offset = AT(yes), .doc = "Yes, I mean it; required."},
	{.name = "reset", .kind = CLI_FLAG, .offset = AT(reset), .doc = "Put the kill switch off again."},
	OPTION_OWNER(AT(owner)),
	OPTION_ANSWER(AT(timeout), "Longest wait for the executor's answer."),
	{0},
};

static const struct cli_example examples[] = {
	{"nj kill --yes --reason 'it buys without end'", "Cancels every order; nothing trades any more."},
	{"nj kill --reset --yes --reason 'mended'", "Trading is what it was without the switch."},
	{0},
};

const struct cli_verb verb_kill = {
	.name = "kill",
	.group = CLI_TRADE_GROUP,
	.summary = "The kill switch: cancel all orders, trade nothing until it is put off",
	.doc = "Stronger than a pause, safe mode and a halt: no order of any kind, not even of nj flatten (flatten "
	       "first if positions are to be closed). It is written to executor.kill in run.data before the executor "
	       "is asked, so that it holds also for an executor that does not run or does not answer, across "
	       "restarts, and where journals and snapshots are lost. Only nj kill --reset ends it; the executor must "
	       "run for that.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct command_options),
	.run = command_kill,
};
