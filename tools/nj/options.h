/* options - options that several verbs have alike: one wording, one letter, one range. A row is given the offset of
 * its member; what differs by verb is written out in the verb's own table.
 */
#ifndef NJ_TOOLS_NJ_OPTIONS_H
#define NJ_TOOLS_NJ_OPTIONS_H

#include "tools/nj/cli.h"

/* clang-format off */
#define OPTION_LIST(short_name, long_name, value, at, text) \
	{.letter = short_name, .name = long_name, .kind = CLI_LIST, .arg = value, .offset = at, .doc = text}

/* What of the bus; `does` is "Show", "Count", "Play". */
#define OPTION_TOPIC(at, does) \
	OPTION_LIST('t', "topic", "FILTER", at, does " these topics; the same as an operand. May be repeated.")
#define OPTION_NOT(at) OPTION_LIST('T', "not", "FILTER", at, "Leave these topics out. May be repeated.")
#define OPTION_PUBLISHER(at) \
	OPTION_LIST('p', "publisher", "NAME", at, "Listen to this service only. May be repeated.")
#define OPTION_TELEMETRY(at, does) \
	{.name = "telemetry", .kind = CLI_FLAG, .offset = at, .doc = does " heartbeats, promises and metrics too."}

/* What database.h opens. */
#define OPTION_DATABASE(at) \
	{.letter = 'd', .name = "database", .kind = CLI_PATH, .arg = "FILE", .offset = at, \
	 .doc = "The persister's database. Default: persister/nightjar.db below run.data."}

/* So many of something, at least one. */
#define OPTION_COUNT(short_name, long_name, at, text) \
	{.letter = short_name, .name = long_name, .kind = CLI_INT, .arg = "N", .min = 1, .max = 1000000000, \
	 .offset = at, .doc = text}

/* Orders to people's account: who and why go on record. */
#define OPTION_REASON(at) \
	{.letter = 'r', .name = "reason", .kind = CLI_TEXT, .arg = "TEXT", .offset = at, .doc = "Why; required."}
#define OPTION_OWNER(at) {.name = "owner", .kind = CLI_TEXT, .arg = "NAME", .offset = at, .doc = "Who. Default: USER."}
#define OPTION_ACCOUNT(at) \
	{.letter = 'a', .name = "account", .kind = CLI_TEXT, .arg = "NAME", .offset = at, \
	 .doc = "This account only. Default: every account."}
#define OPTION_ANSWER(at, text) \
	{.name = "timeout", .kind = CLI_DUR, .arg = "TIME", .fallback = "10s", .min = 1000000000, .max = 600000000000, \
	 .offset = at, .doc = text}
#define OPTION_IN_FORCE(at) \
	{.name = "timeout", .kind = CLI_DUR, .arg = "TIME", .fallback = "5s", .offset = at, \
	 .doc = "Longest wait until it is in force; exit 5 after it."}
/* clang-format on */

#endif
