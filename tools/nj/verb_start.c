/* verb_start - the row of nj start. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj start strategy", "One service."},
	{"nj start all", "All of them, in the order of starting."},
	{0},
};

const struct cli_verb verb_start = {
	.name = "start",
	.group = CLI_OPERATE_GROUP,
	.summary = "Start services that were stopped",
	.operands = "SERVICE...|all",
	.operand_choices = CLI_SERVICE_NAMES "|all",
	.doc = "The watchdog does it, in native mode. Returns when the service runs again, its "
	       "state recovered; exit 1 where it died instead, 5 after --timeout.",
	.options = units_options,
	.examples = examples,
	.options_size = sizeof(struct units_options),
	.operands_min = 1,
	.operands_max = -1,
	.run = units_run,
};
