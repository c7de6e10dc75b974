/* dialect_polymarket - the table of Polymarket: recordings only, no generated market. */
#include "common/io/clock.h"
#include "tools/venue_sim/polymarket.h"

const struct dialect dialect_polymarket = {
	.name = "POLYMARKET",
	.doc = "Polymarket's market channel, CLOB books and Gamma markets; from a recording",
	.line = polymarket_line,
	.frame = polymarket_facts,
	.reply = polymarket_reply,
	.numbers = polymarket_numbers,
	.scan = polymarket_scan,
	.fold = polymarket_fold,
	.rest = polymarket_rest,
	.refuse = polymarket_refuse,
	.index_info = polymarket_index,
	.ws_open = polymarket_ws_open,
	.ws_text = polymarket_ws_text,
	.spoil = polymarket_spoil,
	.snapshot_in_stream = true,
	.bare = true,
	.never_pings = true,
	.idle_ns = 120 * NS_PER_S,
	.streams_max = 1500,
	.weight_a_minute = 54000,
};
