/* verb_status - the row of nj status (apart from status.c: proto has a verb_status, too). */
#include "tools/nj/status.h"

static const struct cli_example examples[] = {
	{"nj status", "One line for each service."},
	{"nj status executor", "One service at length, its inputs too."},
	{"nj status --json | jq '.[] | {service, state, note}'", "Exact values for programs."},
	{"nj status -q >/dev/null || nj logs --level warn --since 5m", "In scripts, by the exit code."},
	{0},
};

const struct cli_verb verb_status = {
	.name = "status",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Tell what runs, whether it works and how far it is",
	.operands = "[SERVICE]...",
	.operand_choices = CLI_SERVICE_NAMES,
	.doc = "Exit code 0: all run and work; 4: some do not; 3: nothing runs. It works even "
	       "where the watchdog does "
	       "not: it looks at the locks and asks every service itself.",
	.examples = examples,
	.columns = status_columns,
	.operands_max = -1,
	.output = true,
	.run = status_run,
};
