/* verb_wait - the row of nj wait. */
#include "tools/nj/operate.h"

#define AT(member) offsetof(struct wait_options, member)

static const struct cli_option options[] = {
	{.name = "running", .kind = CLI_FLAG, .offset = AT(running), .doc = "Until they run; the default."},
	{.name = "stopped", .kind = CLI_FLAG, .offset = AT(stopped), .doc = "Until they have ended."},
	{.name = "handled",
	 .kind = CLI_INT,
	 .arg = "STAMP",
	 .min = 1,
	 .max = INT64_MAX,
	 .offset = AT(handled),
	 .doc = "Until all up to this event time (ns, %T of nj tap) is handled."},
	{.name = "timeout",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "30s",
	 .offset = AT(timeout),
	 .doc = "Longest wait; exit 5 after it."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj wait", "Until all five services run."},
	{"nj wait --stopped collector --timeout 1m", "Until it has drained."},
	{"nj wait --handled 1723161599000000000", "Until strategy and executor are at the end of a replay."},
	{0},
};

const struct cli_verb verb_wait = {
	.name = "wait",
	.group = CLI_OPERATE_GROUP,
	.summary = "Wait until services run, have ended, or are at an event time",
	.operands = "[SERVICE]...",
	.operand_choices = CLI_SERVICE_NAMES,
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct wait_options),
	.operands_max = 5,
	.run = wait_run,
};
