/* verb_logs - the row of nj logs. */
#include "tools/nj/logs.h"

#define AT(member) offsetof(struct logs_options, member)

static const struct cli_option options[] = {
	{.letter = 'f', .name = "follow", .kind = CLI_FLAG, .offset = AT(follow), .doc = "Go on with what comes."},
	{.letter = 'n',
	 .name = "lines",
	 .kind = CLI_INT,
	 .arg = "N",
	 .fallback = "-1",
	 .min = -1,
	 .max = 1000000,
	 .offset = AT(lines),
	 .doc = "The last N lines; -1: 100, with --since all of them."},
	{.name = "tail",
	 .kind = CLI_INT,
	 .arg = "N",
	 .min = -1,
	 .max = 1000000,
	 .fallback = "-1",
	 .offset = AT(lines),
	 .doc = "The same, as docker has it."},
	{.name = "since",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .offset = AT(since),
	 .doc = "Only lines that are younger, rotated files included."},
	{.name = "level",
	 .kind = CLI_CHOICE,
	 .arg = "LEVEL",
	 .fallback = "debug",
	 .choices = "debug|info|warn|error",
	 .offset = AT(level),
	 .doc = "Only lines of this level or a worse one."},
	{.name = "grep",
	 .kind = CLI_TEXT,
	 .arg = "TEXT",
	 .offset = AT(grep),
	 .doc = "Only lines with this text in them."},
	{.name = "dir",
	 .kind = CLI_PATH,
	 .arg = "DIR",
	 .offset = AT(dir),
	 .doc = "Where the logs are. Default: log.dir, else the directory logs beside the bus."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj logs -f", "All services, as it comes."},
	{"nj logs --since 10m --level warn", "What went wrong lately."},
	{"nj logs -n 20 collector --grep connect", "One service."},
	{0},
};

const struct cli_verb verb_logs = {
	.name = "logs",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Show the services' logs, merged by time",
	.operands = "[SERVICE]...",
	.operand_choices = CLI_SERVICE_NAMES "|keeper|redis",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct logs_options),
	.operands_max = 16,
	.run = logs_run,
};
