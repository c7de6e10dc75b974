/* bybit_linear - Bybit's linear perpetuals; everything that the markets share is in bybit.c. */
#include "common/venue/bybit.h"

extern const struct venue venue_bybit_linear;

#define SECOND 1000000000LL

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	(void)feed;
	return buf_printf(out, "/v5/public/linear");
}

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	return bybit_request("linear", r, out, ret_weight);
}

static const char *const stream_hosts[] = {"wss://stream.bybit.com", NULL};
static const char *const rest_hosts[] = {"https://api.bybit.com", "https://api.bytick.com", NULL};

const struct venue venue_bybit_linear = {
	.name = "BYBIT",
	.doc = "Bybit linear perpetuals: 200 levels every 100 ms, trades, best prices, klines, tickers, liquidations.",
	.suffix = "-PERP",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.streams = BYBIT_STREAMS | VENUE_LIQUIDATION_STREAM,
	.kline_intervals = bybit_intervals,
	.snapshot_in_stream = true,
	.levels_roll = true,
	.streams_max = 1000,
	.messages_per_s = 10,
	.attempts_max = 500,
	.attempts_ns = 300 * SECOND,
	.life_ns = 24 * 3600 * SECOND,
	.pong_ns = 30 * SECOND,
	.silence_ns = 30 * SECOND,
	.ping_text = "{\"op\":\"ping\"}",
	.ping_ns = 20 * SECOND,
	.weight_limit = 600,
	.weight_ns = 5 * SECOND,
	.stream_path = stream_path,
	.stream_text = bybit_stream_text,
	.request = request,
	.decode = bybit_decode,
	.link = bybit_link,
};
