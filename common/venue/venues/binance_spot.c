/* binance_spot - Binance spot: combined streams, REST snapshots and instruments.
 *
 * Facts: github binance/binance-spot-api-docs (web-socket-streams.md, rest-api/) of July 2026, and
 * recorded frames. Traps that the documents do not shout about: bookTicker has neither "e" nor any
 * time; partial depth has no symbol; serverShutdown comes raw or under the stream name
 * "!serverShutdown"; new keys and events appear without notice; times are in microseconds where
 * the URL asked for it; MIN_NOTIONAL became NOTIONAL in 2023.
 */
#include "common/base/err.h"
#include "common/venue/binance_ask.h"
#include "common/venue/binance_events.h"
#include "common/venue/venue_orders.h"

extern const struct venue venue_binance_spot;

#define TRADES_MAX 1000

static const struct binance_kind kinds[] = {
	BINANCE_KIND("depthUpdate", VENUE_DEPTH, binance_on_depth),
	BINANCE_KIND("trade", VENUE_TRADE, binance_on_trade),
	BINANCE_KIND("aggTrade", VENUE_TRADE, binance_on_trade),
	BINANCE_KIND("kline", VENUE_KLINE, binance_on_kline),
	BINANCE_KIND("24hrTicker", VENUE_TICKER, binance_on_ticker),
	BINANCE_KIND("24hrMiniTicker", VENUE_TICKER, binance_on_ticker),
	BINANCE_KIND("", VENUE_TOP, binance_on_top), /* the only kind without a name */
	{"", 0, VENUE_UNKNOWN, NULL},
};

static int decode(const struct venue_input *in, struct venue_output *out)
{
	return binance_decode(kinds, in, out);
}

/* ---- what we send ---- */

static const struct binance_stream stream_names[] = {
	{VENUE_DEPTH_STREAM, "depth@100ms", NULL},     {VENUE_TRADE_STREAM, "trade", "aggTrade"},
	{VENUE_TOP_STREAM, "bookTicker", NULL},        {VENUE_KLINE_STREAM, "kline_", NULL},
	{VENUE_TICKER_STREAM, "ticker", "miniTicker"}, {0, NULL, NULL},
};

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	int rc = buf_printf(out, "/stream?streams=");

	return rc == 0 ? binance_streams(feed, stream_names, venue_binance_spot.streams_max, out) : rc;
}

static const struct binance_weight depth_weights[] = {{100, 5}, {500, 25}, {1000, 50}, {5000, 250}, {0, 0}};
static const struct binance_weight klines_weights[] = {{1000, 2}, {0, 0}};
static const struct binance_rest api = {
	.base = "/api/v3",
	.depth = depth_weights,
	.klines = klines_weights,
	.klines_default = 500,
	.instruments_weight = 20,
	.trades = "historicalTrades",
	.trades_max = TRADES_MAX,
	.trades_weight = 25,
	.symbols_max = 100,
};

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	return binance_request(&api, r, out, ret_weight);
}

/* Managing a local order book, steps 5 to 7: drop u <= id; the next must reach back to id + 1.
 * Recorded frames are contiguous (U == previous u + 1) throughout. */
static enum venue_link link_depth(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	(void)fresh;
	if (d->last_id <= book_id)
		return VENUE_LINK_OLD;
	return d->first_id <= book_id + 1 ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
}

static const char *const stream_hosts[] = {
	"wss://stream.binance.com:9443",
	"wss://stream.binance.com:443",
	"wss://data-stream.binance.vision",
	NULL,
};
static const char *const rest_hosts[] = {
	"https://api.binance.com",         "https://api-gcp.binance.com",
	"https://api1.binance.com",        "https://api2.binance.com",
	"https://api3.binance.com",        "https://api4.binance.com",
	"https://data-api.binance.vision", NULL,
};
static const char *const intervals[] = {"1s", BINANCE_INTERVALS};

const struct venue venue_binance_spot = {
	BINANCE_VENUE,
	.trades_max = TRADES_MAX,
	.doc = "Binance spot: 100 ms depth, trades, bookTicker, klines, tickers.",
	.suffix = "",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.streams =
		VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM | VENUE_KLINE_STREAM | VENUE_TICKER_STREAM,
	.kline_intervals = intervals,
	.streams_max = 1024,
	.messages_per_s = 5,
	.pong_ns = 60 * BINANCE_SECOND,
	.weight_limit = 6000,
	.describe_whole = true,
	.time_path = "/api/v3/time",
	.time_key = "serverTime",
	.account = &venue_account_binance_spot,
	.orders = &venue_orders_binance_spot,
	.stream_path = stream_path,
	.request = request,
	.decode = decode,
	.link = link_depth,
};
