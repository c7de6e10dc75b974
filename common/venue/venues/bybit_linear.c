/* bybit_linear - Bybit's linear perpetuals; everything that the markets share is in bybit.c. */
#include "common/venue/bybit.h"

extern const struct venue venue_bybit_linear;

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	(void)feed;
	return buf_printf(out, "/v5/public/linear");
}

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	return bybit_request("linear", r, out, ret_weight);
}

const struct venue venue_bybit_linear = {
	BYBIT_VENUE,
	.doc = "Bybit linear perpetuals: 200 levels every 100 ms, trades, best prices, klines, tickers, mark prices "
	       "and funding, "
	       "liquidations.",
	.suffix = "-PERP",
	.streams = BYBIT_STREAMS | VENUE_LIQUIDATION_STREAM | VENUE_MARK_STREAM,
	.time_path = "/v5/market/time",
	.time_key = "time",
	.stream_path = stream_path,
	.request = request,
};
