/* verb_top - the row of nj top. */
#include "tools/nj/options.h"
#include "tools/nj/tap_stats.h"
#include "tools/nj/top.h"

#define AT(member) offsetof(struct top_options, member)

static const struct cli_option options[] = {
	OPTION_COUNT('n', "count", AT(reports), "End after N pictures."),
	{.name = "once", .kind = CLI_FLAG, .offset = AT(once), .doc = "One picture; the same as -n 1."},
	{.letter = 'i',
	 .name = "interval",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "1s",
	 .min = 100000000,
	 .max = INT64_C(3600000000000),
	 .offset = AT(interval),
	 .doc = "Between two pictures."},
	{.name = "rows",
	 .kind = CLI_INT,
	 .arg = "N",
	 .fallback = "-1",
	 .min = -1,
	 .max = TAP_TOPICS_MAX,
	 .offset = AT(rows),
	 .doc = "The N busiest topics; 0: all; -1: as many as fit, 20 where there is no terminal."},
	OPTION_TOPIC(AT(topics), "Count"),
	OPTION_NOT(AT(never)),
	OPTION_PUBLISHER(AT(publishers)),
	OPTION_TELEMETRY(AT(telemetry), "Count"),
	{.letter = 'J',
	 .name = "json",
	 .kind = CLI_FLAG,
	 .offset = AT(json),
	 .doc = "One JSON object a picture and line."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj top", "Services and topics, each second; Ctrl-C ends it."},
	{"nj top trade book -i 5s", "Trades and books only, every five seconds."},
	{"nj top -n 1 -J | jq '.services[] | select(.lag > 1e9)'", "For scripts: who is more than a second behind."},
	{0},
};

const struct cli_verb verb_top = {
	.name = "top",
	.group = CLI_OBSERVE_GROUP,
	.summary = "Show services and topics as they run: rates, bytes, lag, gaps",
	.operands = "[TOPIC-FILTER]...",
	.doc = "A plain subscriber, as nj tap is. On a terminal the picture is drawn in place, elsewhere block after "
	       "block. Lag is event time: how far a core is behind the newest market event. Latency (p50, p99) is from "
	       "sending to here, within the interval; missing events are counted by their sequences.",
	.options = options,
	.examples = examples,
	.columns = top_columns,
	.options_size = sizeof(struct top_options),
	.operands_max = -1,
	.run = top_run,
};
