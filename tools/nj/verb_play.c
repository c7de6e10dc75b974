/* verb_play - the row of nj play. */
#include "tools/nj/options.h"
#include "tools/nj/play.h"

#define AT(member) offsetof(struct play_options, member)

static const struct cli_option options[] = {
	{.name = "as",
	 .kind = CLI_TEXT,
	 .arg = "NAME",
	 .fallback = "play",
	 .offset = AT(as),
	 .doc = "Publish under this name; refused where somebody on the bus has it."},
	{.name = "speed",
	 .kind = CLI_TEXT,
	 .arg = "FACTOR",
	 .fallback = "1x",
	 .offset = AT(speed),
	 .doc = "Times of the recording divided by it: 1x, 10x, 0.5x; max does not wait."},
	OPTION_LIST('p', "publisher", "NAME", AT(publishers), "Play what this publisher sent, only. May be repeated."),
	OPTION_LIST('t', "topic", "FILTER", AT(topics), "Play these topics only. May be repeated."),
	OPTION_NOT(AT(never)),
	OPTION_COUNT(0, "count", AT(count), "End after N events."),
	{.name = "wait",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "1s",
	 .offset = AT(wait),
	 .doc = "Before the first event: followers connect."},
	{.name = "linger",
	 .kind = CLI_DUR,
	 .arg = "TIME",
	 .fallback = "2s",
	 .offset = AT(linger),
	 .doc = "After the last event: followers ask for what they missed."},
	{0},
};

static const struct cli_example examples[] = {
	{"nj tap --record day.njtap -W 24h", "What is played later."},
	{"nj play day.njtap", "Again, as it was, under the name play; nj tap -p play shows it."},
	{"nj play day.njtap --speed max --as collector -p collector --set bus.dir=/tmp/lab/bus",
	 "A recorded day for services on a bus of their own."},
	{0},
};

const struct cli_verb verb_play = {
	.name = "play",
	.group = CLI_DATA_GROUP,
	.summary = "Publish a recording of nj tap again",
	.operands = "FILE",
	.doc = "Events keep their stamps; name, sequence and epoch are the player's, and every origin becomes replay, "
	       "so "
	       "that nothing played passes as live. Heartbeats, promises and metrics of the recording are left out.\n\n"
	       "A publisher's stamps strictly increase: where events of several publishers are played together they "
	       "push each other on. Choose one with --publisher to keep all stamps.\n\n"
	       "The player has a journal and a log of its own, removed at the end, so followers that miss something "
	       "ask "
	       "for it as of any service.",
	.options = options,
	.examples = examples,
	.options_size = sizeof(struct play_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = play_run,
};
