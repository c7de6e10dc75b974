/* dialect_binance_spot - the table of Binance spot: its limits, and where each part stands. */
#include "common/io/clock.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/wallet.h"

const struct dialect dialect_binance_spot = {
	.name = "BINANCE",
	.doc = "Binance spot",
	.line = binance_line,
	.frame = binance_frame,
	.reply = binance_reply,
	.numbers = binance_numbers,
	.fold = binance_fold,
	.tell_trade = binance_tell_trade,
	.tell_agg_trade = binance_tell_agg_trade,
	.tell_top = binance_tell_top,
	.tell_diff = binance_tell_diff,
	.tell_kline = binance_tell_kline,
	.tell_snapshot = binance_tell_snapshot,
	.tell_snapshot_url = binance_tell_snapshot_url,
	.tell_shutdown = binance_tell_shutdown,
	.rest = binance_rest,
	.refuse = binance_refuse,
	.rest_base = "/api/v3",
	.symbols = "BTCUSDT,ETHUSDT",
	.index_info = binance_index,
	.weight_limit = binance_weight_limit,
	.ws_open = binance_ws_open,
	.ws_text = binance_ws_text,
	.tell_account = wallet_binance_tell,
	.messages_a_second = 5,
	.streams_max = 1024,
	.weight_a_minute = 6000,
};
