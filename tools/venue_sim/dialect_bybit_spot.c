/* dialect_bybit_spot - the table of Bybit spot: as linear, but for what is read and opened. */
#include "common/io/clock.h"
#include "tools/venue_sim/bybit.h"

const struct dialect dialect_bybit_spot = {
	.name = "BYBIT",
	.doc = "Bybit v5, spot",
	.line = bybit_line_spot,
	.frame = bybit_frame,
	.reply = bybit_reply_spot,
	.numbers = bybit_numbers,
	.fold = bybit_fold,
	.tell_trade = bybit_tell_trade,
	.tell_top = bybit_tell_top,
	.tell_diff = bybit_tell_diff,
	.tell_kline = bybit_tell_kline,
	.tell_snapshot = bybit_tell_snapshot,
	.rest = bybit_rest,
	.refuse = bybit_refuse,
	.index_info = bybit_index,
	.ws_open = bybit_ws_open_spot,
	.ws_text = bybit_ws_text,
	.render = bybit_render,
	.spoil = bybit_spoil,
	.symbols = "BTCUSDT,ETHUSDT",
	.snapshot_in_stream = true,
	.bare = true,
	.never_pings = true,
	.idle_ns = 600 * NS_PER_S,
	.streams_max = 2000,
	.weight_a_minute = 7200, /* 600 requests in 5 s */
};
