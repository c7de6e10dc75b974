/* verb_ps - the row of nj ps. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj ps", "States as supervisorctl names them."},
	{"nj ps --no-headers --columns unit,state", "For scripts."},
	{0},
};

const struct cli_verb verb_ps = {
	.name = "ps",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Show the watchdog's units: state, pid, uptime, deaths",
	.doc = "Exit code 0: all run; 4: some do not; 3: no watchdog answers. What the services "
	       "do is told by nj status.",
	.examples = examples,
	.columns = units_columns,
	.output = true,
	.run = units_ps,
};
