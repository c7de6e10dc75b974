/* verb_doctor - the row of nj doctor. */
#include "tools/nj/doctor.h"

static const struct cli_option options[] = {
	{.name = "diff",
	 .kind = CLI_FLAG,
	 .offset = offsetof(struct doctor_options, diff),
	 .doc = "Compare the diagnoses of two files, saved with --json; exit 4 where a verdict differs."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj doctor", "Everything; a healthy stack has no line but OK."},
	{"nj doctor service disk", "Only checks whose names begin so."},
	{"nj doctor --json > now.json; nj doctor --diff yesterday.json now.json", "What has changed."},
	{"nj doctor --json | jq '.checks[] | select(.verdict != \"ok\")'", "For scripts and bug reports."},
	{0},
};

const struct cli_verb verb_doctor = {
	.name = "doctor",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Check the whole stack and say what is wrong and what to do",
	.operands = "[CHECK|FILE]...",
	.doc = "Numbered checks: settings, bus, services, connection, books, clock, versions, errors, processes, "
	       "memory, "
	       "CPU, open files, disks, logs, journals, database, gaps, alerts, cache. Each says what was measured; "
	       "where that is not as expected also why, and what to do.\n\n"
	       "Exit code 0: all is well; 4: warnings; 1: failures. It changes nothing.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct doctor_options),
	.operands_max = -1,
	.output = true,
	.run = doctor_run,
};
