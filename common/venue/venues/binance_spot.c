/* binance_spot - Binance spot: combined streams, REST snapshots and instruments.
 *
 * Facts: github binance/binance-spot-api-docs (web-socket-streams.md, rest-api/) of July 2026, and
 * recorded frames. Traps that the documents do not shout about: bookTicker has neither "e" nor any
 * time; partial depth has no symbol; serverShutdown comes raw or under the stream name
 * "!serverShutdown"; new keys and events appear without notice; times are in microseconds where
 * the URL asked for it; MIN_NOTIONAL became NOTIONAL in 2023.
 */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/binance_ask.h"
#include "common/venue/binance_events.h"

extern const struct venue venue_binance_spot;

#define SECOND 1000000000LL
#define SYMBOL_PARAMS_MAX 100 /* more names than that: ask for all instruments */

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
	{VENUE_DEPTH_STREAM, "depth@100ms"}, {VENUE_TRADE_STREAM, "trade"},   {VENUE_TOP_STREAM, "bookTicker"},
	{VENUE_KLINE_STREAM, "kline_"},      {VENUE_TICKER_STREAM, "ticker"}, {0, NULL},
};

static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	int rc = buf_printf(out, "/stream?streams=");

	return rc == 0 ? binance_streams(feed, stream_names, venue_binance_spot.streams_max, out) : rc;
}

/* The path subscribes: nothing is left to say. */
static int stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out)
{
	(void)feed;
	(void)nth;
	(void)out;
	return ERR_NOT_FOUND;
}

static int instruments_path(const struct venue_request *r, struct buf *out)
{
	int rc = buf_printf(out, "/api/v3/exchangeInfo");

	if (r->n == 0 || r->n > SYMBOL_PARAMS_MAX)
		return rc;
	for (uint32_t i = 0; rc == 0 && i < r->n; i++)
		rc = buf_printf(out, "%s%%22%s%%22", i == 0 ? "?symbols=%5B" : "%2C", r->markets[i]->raw);
	return rc == 0 ? buf_printf(out, "%%5D") : rc;
}

static uint32_t depth_weight(uint32_t limit)
{
	return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	int rc;

	switch (r->ask) {
	case VENUE_ASK_INSTRUMENTS:
		rc = instruments_path(r, out);
		*ret_weight = 20;
		return rc;
	case VENUE_ASK_SNAPSHOT:
		if (r->n != 1 || r->limit == 0 || r->limit > 5000)
			return ERR_ARG;
		*ret_weight = depth_weight(r->limit);
		return buf_printf(out, "/api/v3/depth?symbol=%s&limit=%u", r->markets[0]->raw, r->limit);
	case VENUE_ASK_KLINES:
		if (r->n != 1 || r->interval == NULL || r->limit > 1000)
			return ERR_ARG;
		*ret_weight = 2;
		return binance_klines_path("/api/v3/klines", r, out);
	default:
		return ERR_ARG;
	}
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
static const char *const intervals[] = {
	"1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M", NULL,
};

const struct venue venue_binance_spot = {
	.name = "BINANCE",
	.doc = "Binance spot: 100 ms depth, trades, bookTicker, klines, tickers.",
	.suffix = "",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.streams =
		VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM | VENUE_KLINE_STREAM | VENUE_TICKER_STREAM,
	.kline_intervals = intervals,
	.trade_ids_count = true,
	.streams_max = 1024,
	.messages_per_s = 5,
	.attempts_max = 300,
	.attempts_ns = 300 * SECOND,
	.life_ns = 24 * 3600 * SECOND,
	.pong_ns = 60 * SECOND,
	.silence_ns = 30 * SECOND, /* the server pings every 20 s */
	.weight_limit = 6000,
	.weight_ns = 60 * SECOND,
	.weight_header = "X-MBX-USED-WEIGHT-1M",
	.retry_header = "Retry-After",
	.stream_path = stream_path,
	.stream_text = stream_text,
	.request = request,
	.decode = decode,
	.link = link_depth,
};
