/* verb_flatten - the row of nj flatten. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct command_options, member)

static const struct cli_option options[] = {
	OPTION_REASON(AT(reason)),
	{.letter = 'y', .name = "yes", .kind = CLI_FLAG, .offset = AT(yes), .doc = "Yes, sell at market; required."},
	{.name = "for",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "60s",
	 .min = 1000000000,
	 .max = 3600000000000,
	 .offset = AT(lease),
	 .doc = "Event time for which a book that cannot be used now is tried again."},
	OPTION_ACCOUNT(AT(account)),
	OPTION_OWNER(AT(owner)),
	{.name = "no-wait", .kind = CLI_FLAG, .offset = AT(no_wait), .doc = "Return when the command is on disk."},
	{.name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "90s",
	 .min = 1000000000,
	 .max = 600000000000,
	 .offset = AT(timeout),
	 .doc = "Longest wait; exit 5 after it."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj pause --reason 'going home' && nj flatten --yes --reason 'going home'", "And no new positions."},
	{0},
};

const struct cli_verb verb_flatten = {
	.name = "flatten",
	.group = CLI_TRADE_GROUP,
	.summary = "Cancel every order and close every position at market",
	.doc = "The executor does it by orders of its own, in event time, against the same books and by the same rules "
	       "as any other; the command is journalled first, and a replay repeats it. Each strategy's part is closed "
	       "under the strategy's name. It does not pause: a strategy that wants to may buy again, so give nj pause "
	       "first. What no order can close (less than the lot or the minimum notional) is left: exit 4.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct command_options),
	.run = command_flatten,
};
