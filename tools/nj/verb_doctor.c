/* verb_doctor - the row of nj doctor. */
#include "tools/nj/doctor.h"

static const struct cli_example examples[] = {
	{"nj doctor", "Everything; a healthy stack has no line but OK."},
	{"nj doctor service disk", "Only checks whose names begin so."},
	{"nj doctor --json | jq '.checks[] | select(.verdict != \"ok\")'", "For scripts and bug reports."},
	{0},
};

const struct cli_verb verb_doctor = {
	.name = "doctor",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Check the whole stack and say what is wrong and what to do",
	.operands = "[CHECK]...",
	.doc = "Numbered checks: settings, bus, services, connection, books, clock, versions, errors, processes, "
	       "memory, "
	       "CPU, open files, disks, logs, journals, database, gaps, alerts, cache. Each says what was measured; "
	       "where that is not as expected also why, and what to do.\n\n"
	       "Exit code 0: all is well; 4: warnings; 1: failures. It changes nothing.",
	.examples = examples,
	.operands_max = -1,
	.output = true,
	.run = doctor_run,
};
