/* docs_rows - what the page and the schema say about the wire beside the event rows: kinds, envelope, lanes. */
#include "proto/docs_rows.h"

#include "common/base/check.h"

#define I64_MIN "-9223372036854775808"
#define I64_MAX "9223372036854775807"
#define INT(low, high) .type = "int", .min = (low), .max = (high)
#define STR(bytes) .type = "str", .bytes_max = (bytes)-1

const struct docs_kind docs_kinds[DOCS_KINDS] = {
	[KIND_flag] = {"flag", "true or false", "Yes or no.", .type = "bool"},
	[KIND_u8] = {"u8", "integer", "0 to 255; scales 0 to 18.", INT("0", "255")},
	[KIND_u16] = {"u16", "integer", "0 to 65535.", INT("0", "65535")},
	[KIND_u32] = {"u32", "integer", "0 to 2^32 - 1.", INT("0", "4294967295")},
	[KIND_u64] = {"u64", "integer", "0 to 2^64 - 1.", INT("0", "18446744073709551615")},
	[KIND_i64] = {"i64", "integer", "-2^63 to 2^63 - 1.", INT(I64_MIN, I64_MAX)},
	[KIND_time] = {"time", "integer", "Nanoseconds since 1970-01-01T00:00:00Z.", INT(I64_MIN, I64_MAX)},
	[KIND_dur] = {"dur", "integer", "A duration in nanoseconds.", INT(I64_MIN, I64_MAX)},
	[KIND_price] = {"price", "integer", "Stands for value * 10^-price_scale of the same event.",
			INT(I64_MIN, I64_MAX)},
	[KIND_qty] = {"qty", "integer", "Stands for value * 10^-qty_scale of the same event.", INT(I64_MIN, I64_MAX)},
	[KIND_cash] = {"cash", "integer", "Stands for value * 10^-cash_scale of the same event.",
		       INT(I64_MIN, I64_MAX)},
	[KIND_symbol] = {"symbol", "str", "RAW.VENUE, [A-Za-z0-9_-]{1,80} and [A-Z0-9_]{1,16}; or empty.",
			 STR(sizeof(struct symbol))},
	[KIND_name] = {"name", "str", "UTF-8 of at most 39 bytes.", STR(EVENT_NAME_MAX)},
	[KIND_text] = {"text", "str", "UTF-8 of at most 199 bytes.", STR(EVENT_TEXT_MAX)},
	[KIND_levels] = {"levels", "array", "[price, qty, price, qty …], at most 4096 levels.", .type = "list",
			 .list_max = EVENT_LEVELS_MAX},
	[KIND_pairs] = {"pairs", "array", "[name, i64, name, i64 …], at most 512 pairs.", .type = "list",
			.list_max = EVENT_PAIRS_MAX},
	[KIND_blob] = {"blob", "bin", "Bytes.", .type = "bytes"},
	[KIND_enumeration] = {"enum", "integer", "An item of the enumeration, 0 is none; up to 255.", INT("0", "255")},
};

_Static_assert(EVENT_NAME_MAX == 40 && EVENT_TEXT_MAX == 200, "as the kinds say");
_Static_assert(EVENT_LEVELS_MAX == 4096 && EVENT_PAIRS_MAX == 512, "as the kinds say");

const struct docs_envelope docs_envelope[DOCS_ENVELOPE] = {
	{"id", "u16", "Which event.", NULL},
	{"version", "u8", "The newest `since` of this event that its sender knew.", NULL},
	{"source", "name", "Publisher, [a-z0-9_-]{1,19}.", NULL},
	{"epoch", "u64", "The publisher's, per lane; grows with each journal or start.", NULL},
	{"seq", "u64", "Lane M: per topic; lane X: per publisher; from 1.", NULL},
	{"origin", "u8", "Enumeration `origin`.", "origin"},
	{"ts_event", "time", "When it happened: venue time, or the cause's time.", NULL},
	{"ts_recv", "time",
	 "Event time, the only one that decisions know; strictly increasing per publisher (a shell's alerts and "
	 "reports of what was late count for themselves).",
	 NULL},
	{"ts_sent", "time", "Wall clock when published, always nine bytes; never part of a result.", NULL},
};

const struct docs_lane docs_lanes[DOCS_LANES] = {
	{"M", "{source}.m", "SUB", "topic", false,
	 "Market data and telemetry. May lose events, and counts each of them; what was lost of the last minutes is "
	 "asked for on lane R (replay_m)."},
	{"X", "{source}.x", "SUB", "source", true,
	 "Facts, on disk before anybody sees them. A hole in the sequence is asked for on lane R (replay_x)."},
	{"R", "{source}.rep", "DEALER", "", false,
	 "One packed request in a frame of its own, no topic; the answer is two frames: a packed reply and its page. A "
	 "page is, again and again, the length of a frame (four bytes, little endian) and a frame as on lane M or X."},
};

const char *docs_lane_name(uint8_t lane)
{
	must(lane >= LANE_M && lane <= LANE_R);
	return docs_lanes[lane - LANE_M].name;
}
