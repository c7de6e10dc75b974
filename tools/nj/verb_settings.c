/* verb_settings - the row of nj settings. */
#include "tools/nj/pages.h"

static const struct cli_example examples[] = {
	{"nj settings executor", "One service's section; bus, run, log and redis are shared."},
	{"nj settings --json | jq -r '.[] | .section + \".\" + .name'", "Names of all settings."},
	{0},
};

const struct cli_verb verb_settings = {
	.name = "settings",
	.group = CLI_SETUP_GROUP,
	.summary = "Explain every setting: kind, default, limits, meaning",
	.operands = "[SECTION]",
	.operand_choices = CLI_SERVICE_NAMES "|bus|run|log|redis",
	.doc = "Markdown, docs/settings.md; the services print it from the tables that read the settings. What is in "
	       "force is shown by nightjar-SERVICE --print-config.",
	.examples = examples,
	.operands_max = 1,
	.output = true,
	.run = pages_services,
};
