/* bybit_spot - Bybit's spot market; everything that the markets share is in bybit.c. */
#include "common/venue/bybit.h"

extern const struct venue venue_bybit_spot;

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	(void)feed;
	return buf_printf(out, "/v5/public/spot");
}

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	return bybit_request("spot", r, out, ret_weight);
}

const struct venue venue_bybit_spot = {
	BYBIT_VENUE,
	.doc = "Bybit spot: 200 levels every 100 ms, trades, best bid and ask, klines, tickers.",
	.suffix = "",
	.streams = BYBIT_STREAMS,
	.time_path = "/v5/market/time",
	.time_key = "time",
	.stream_path = stream_path,
	.request = request,
};
