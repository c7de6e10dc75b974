/* verb_pause - the row of nj pause. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct lease_options, member)

static const struct cli_option options[] = {
	{.name = "for",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "1h",
	 .min = 1000000000,
	 .max = 2592000000000000,
	 .offset = AT(lease),
	 .doc = "How long; from one second to 30 days."},
	{.name = "lease",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .min = 1000000000,
	 .max = 2592000000000000,
	 .offset = AT(span),
	 .doc = "The same as --for."},
	OPTION_REASON(AT(reason)),
	OPTION_ACCOUNT(AT(account)),
	OPTION_OWNER(AT(owner)),
	OPTION_IN_FORCE(AT(timeout)),
	{0},
};

static const struct cli_example examples[] = {
	{"nj pause --for 30m --reason 'exchange maintenance'", "Half an hour."},
	{"nj pause --lease 2h --owner night-shift --reason 'no watch'", "In another name than yours."},
	{"nj pause --account hedge --reason 'too much of it'", "One account; the others trade on."},
	{"nj pause --reason 'looking into fills' && nj report", "For the default of an hour."},
	{0},
};

const struct cli_verb verb_pause = {
	.name = "pause",
	.group = CLI_TRADE_GROUP,
	.summary = "Let the executor take no new orders for a while",
	.doc = "A lease: it ends by itself, in event time, or by its owner's nj resume. Each owner has one; "
	       "trading goes on when the last has ended. Orders that rest stay; cancels are "
	       "carried out. The command is journalled with its owner and reason before it takes effect, "
	       "and a replay repeats it.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct lease_options),
	.run = lease_run,
};
