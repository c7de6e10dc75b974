/* verb_stop - the row of nj stop. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj stop strategy", "One service."},
	{"nj stop all", "All of them, in reverse order; the watchdog stays. See also nj down."},
	{0},
};

const struct cli_verb verb_stop = {
	.name = "stop",
	.group = CLI_OPERATE_GROUP,
	.summary = "Stop services and keep them stopped",
	.operands = "SERVICE...|all",
	.operand_choices = CLI_SERVICE_NAMES "|all",
	.doc = "The watchdog does it, in native mode: SIGTERM, and after its grace SIGKILL. "
	       "Returns when the service has drained and ended; it stays stopped until nj start.",
	.options = units_options,
	.examples = examples,
	.options_size = sizeof(struct units_options),
	.operands_min = 1,
	.operands_max = -1,
	.run = units_run,
};
