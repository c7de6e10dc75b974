/* verb_schema - the row of nj schema. */
#include "tools/nj/pages.h"

static const struct cli_example examples[] = {
	{"nj schema > nightjar.schema.json", "A file for a code generator."},
	{0},
};

const struct cli_verb verb_schema = {
	.name = "schema",
	.group = CLI_SETUP_GROUP,
	.summary = "Print the schema of all events as JSON",
	.doc = "One object: envelope, kinds, events with their fields, enumerations. For writers of clients in other "
	       "languages.",
	.examples = examples,
	.operands_max = 0,
	.output = true,
	.run = pages_events,
};
