/* verb_reset - the row of nj reset. */
#include "tools/nj/operate.h"

#define AT(member) offsetof(struct lease_options, member)

static const struct cli_option options[] = {
	{.letter = 'r',
	 .name = "reason",
	 .kind = CLI_TEXT,
	 .arg = "TEXT",
	 .offset = AT(reason),
	 .doc = "Why; required."},
	{.name = "owner", .kind = CLI_TEXT, .arg = "NAME", .offset = AT(owner), .doc = "Who. Default: USER."},
	{.name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "5s",
	 .offset = AT(timeout),
	 .doc = "Longest wait until it is in force; exit 5 after it."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj reset --reason 'limit raised after review'", "At once."},
	{0},
};

const struct cli_verb verb_reset = {
	.name = "reset",
	.group = CLI_TRADE_GROUP,
	.summary = "Leave HALTED after a loss limit was reached",
	.doc = "The executor stops by itself at a loss limit and stays so across restarts, until "
	       "somebody says why it may go on.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct lease_options),
	.run = lease_run,
};
