/* verb_lag - the row of nj lag. */
#include "tools/nj/lag.h"

static const struct cli_example examples[] = {
	{"nj lag", "Every consumer of every publisher."},
	{"nj lag strategy --columns publisher,lane,published,conflated,dropped", "What a strategy has left out."},
	{"nj lag --json | jq 'map(select(.missing > 0))'", "Who misses something now."},
	{0},
};

const struct cli_verb verb_lag = {
	.name = "lag",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Account for every record: handled, conflated, dropped or missing",
	.operands = "[SERVICE]...",
	.operand_choices = CLI_SERVICE_NAMES,
	.doc = "For lane M published = handled + conflated + dropped + waiting, at every moment and for each topic; "
	       "what is known to be published beyond that is missing and asked for. For lane X published is the "
	       "last sequence taken; nothing of it is ever left out but what is on record as a gap.\n\n"
	       "Exit code 0: all answer and every account adds up; 4: not so; 3: nobody answers.",
	.examples = examples,
	.columns = lag_columns,
	.operands_max = -1,
	.output = true,
	.run = lag_run,
};
