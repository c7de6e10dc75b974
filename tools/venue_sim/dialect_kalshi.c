/* dialect_kalshi - the table of Kalshi. */
#include "tools/venue_sim/kalshi.h"

const struct dialect dialect_kalshi = {
	.name = "KALSHI",
	.doc = "Kalshi event contracts; --client-key makes it check signed handshakes",
	.line = kalshi_line,
	.frame = kalshi_frame_facts,
	.reply = kalshi_reply,
	.numbers = kalshi_numbers,
	.fold = kalshi_fold,
	.tell_trade = kalshi_tell_trade,
	.tell_diff = kalshi_tell_diff,
	.tell_snapshot = kalshi_tell_snapshot,
	.rest = kalshi_rest,
	.refuse = kalshi_refuse,
	.index_info = kalshi_index,
	.ws_open = wallet_kalshi_open,
	.ws_text = wallet_kalshi_text,
	.tell_account = wallet_kalshi_tell,
	.render = kalshi_render,
	.spoil = kalshi_spoil,
	.symbols = "KX-DEMO-A,KX-DEMO-B",
	.snapshot_in_stream = true,
	.bare = true,
	.ping = "heartbeat",
	.streams_max = 4000,
	.weight_a_minute = 12000, /* tokens: 200 a second, 10 a request */
};
