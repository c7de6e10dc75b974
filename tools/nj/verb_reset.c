/* verb_reset - the row of nj reset. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct lease_options, member)

static const struct cli_option options[] = {
	OPTION_REASON(AT(reason)),
	OPTION_ACCOUNT(AT(account)),
	OPTION_OWNER(AT(owner)),
	OPTION_IN_FORCE(AT(timeout)),
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
