/* verb_resume - the row of nj resume. */
#include "tools/nj/operate.h"
#include "tools/nj/options.h"

#define AT(member) offsetof(struct lease_options, member)

static const struct cli_option options[] = {
	OPTION_REASON(AT(reason)),
	OPTION_ACCOUNT(AT(account)),
	OPTION_OWNER(AT(owner)),
	{.name = "all", .kind = CLI_FLAG, .offset = AT(all), .doc = "Every owner's pause, not only your own."},
	OPTION_IN_FORCE(AT(timeout)),
	{0},
};

static const struct cli_example examples[] = {
	{"nj resume --reason 'maintenance is over'", "Your own pause, at once."},
	{"nj resume --all --reason 'all clear'", "Whoever paused."},
	{0},
};

const struct cli_verb verb_resume = {
	.name = "resume",
	.group = CLI_TRADE_GROUP,
	.summary = "End a pause: the executor takes orders again",
	.doc = "Gives the owner's lease of nj pause back; exit 4 where another owner's goes on. Safe mode and "
	       "halts have causes of their own and stay.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct lease_options),
	.run = lease_run,
};
