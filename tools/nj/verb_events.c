/* verb_events - the row of nj events. */
#include "tools/nj/pages.h"

static const struct cli_example examples[] = {
	{"nj events | less", "The page."},
	{"nj events --json | jq '.events[].name'", "Names of all events."},
	{0},
};

const struct cli_verb verb_events = {
	.name = "events",
	.group = CLI_SETUP_GROUP,
	.summary = "Explain every event: fields, kinds, units, topics",
	.doc = "Markdown, docs/events.md; with --json the schema, as nj schema prints it.",
	.examples = examples,
	.operands_max = 0,
	.output = true,
	.run = pages_events,
};
