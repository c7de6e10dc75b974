/* verb_snapshot - the row of nj snapshot. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj snapshot", "Before an upgrade: every service that has state."},
	{0},
};

const struct cli_verb verb_snapshot = {
	.name = "snapshot",
	.group = CLI_OPERATE_GROUP,
	.summary = "Write the state of services to disk now",
	.operands = "[SERVICE]...",
	.operand_choices = CLI_SERVICE_NAMES "|all",
	.doc = "Returns when the snapshots are on disk. A restart goes on from there instead of from the last regular "
	       "one.",
	.options = command_common,
	.examples = examples,
	.options_size = sizeof(struct command_options),
	.operands_max = -1,
	.run = command_each,
};
