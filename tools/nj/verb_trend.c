/* verb_trend - the row of nj trend. */
#include "tools/nj/operate.h"

static const struct cli_example examples[] = {
	{"nj trend", "Is anything growing?"},
	{"nj trend executor --json", "Exact figures for scripts: bytes an hour."},
	{0},
};

const struct cli_verb verb_trend = {
	.name = "trend",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Show how memory, processor time, descriptors and journals develop",
	.operands = "[SERVICE]",
	.operand_choices = CLI_SERVICE_NAMES,
	.doc = "The watchdog samples every service once a minute and keeps a week. Growth is the Theil-Sen slope an "
	       "hour: a jump or a burst is none. From fewer than ten samples nothing is said (-). Exit code 3: no "
	       "watchdog answers.",
	.examples = examples,
	.columns = trend_columns,
	.operands_max = 1,
	.output = true,
	.run = trend_run,
};
