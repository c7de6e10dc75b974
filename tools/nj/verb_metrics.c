/* verb_metrics - the row of nj metrics. */
#include "tools/nj/pages.h"

static const struct cli_example examples[] = {
	{"nj metrics collector", "One service."},
	{0},
};

const struct cli_verb verb_metrics = {
	.name = "metrics",
	.group = CLI_SETUP_GROUP,
	.summary = "Explain every metric of every service",
	.operands = "[SERVICE]",
	.operand_choices = CLI_SERVICE_NAMES,
	.doc = "Markdown, docs/metrics.md. Their values: nj status SERVICE --json.",
	.examples = examples,
	.operands_max = 1,
	.output = true,
	.run = pages_services,
};
