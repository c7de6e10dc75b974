/* verb_reload - the row of nj reload. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj reload executor", "After a new loss_max."},
	{"nj reload", "Every service that runs."},
	{0},
};

const struct cli_verb verb_reload = {
	.name = "reload",
	.group = CLI_OPERATE_GROUP,
	.summary = "Let services read their settings again",
	.operands = "[SERVICE]...",
	.operand_choices = CLI_SERVICE_NAMES "|all",
	.doc = "The same file, environment and flags as at the start. All that is new is taken over, or nothing: a "
	       "wrong value, or a changed setting that needs a restart, refuses it with file, line, key and remedy. "
	       "What changed is journalled, one command for each setting. docs/settings.md says which may change while "
	       "a service runs.",
	.options = command_common,
	.examples = examples,
	.options_size = sizeof(struct command_options),
	.operands_max = -1,
	.run = command_each,
};
