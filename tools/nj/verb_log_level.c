/* verb_log_level - the row of nj log-level. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj log-level debug collector", "One service."},
	{"nj log-level info", "Every service that runs."},
	{0},
};

const struct cli_verb verb_log_level = {
	.name = "log-level",
	.group = CLI_OPERATE_GROUP,
	.summary = "Change what services log, until their next start",
	.operands = "debug|info|warn|error [SERVICE]...",
	.operand_choices = "debug|info|warn|error|" CLI_SERVICE_NAMES "|all",
	.doc = "The setting log.level, and nj reload, change it for good.",
	.options = command_common,
	.examples = examples,
	.options_size = sizeof(struct command_options),
	.operands_min = 1,
	.operands_max = -1,
	.run = command_log_level,
};
