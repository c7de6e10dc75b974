/* binance_usdm - Binance USD-M futures: routed streams, updates chained by pu, liquidations.
 *
 * Facts: Binance's "Important WebSocket Change Notice" of 2026, the USD-M futures documents, and
 * recorded frames. Traps: since 2026-04-23 there are three bases, and a stream asked for on the
 * wrong one is silent; one connection carries one class only. U is not the previous u + 1 in 97 %
 * of all updates: pu is what chains them. Trades are taken as aggTrade, whose "a" counts by one
 * while f..l leaves out what the insurance fund did; by "a" they are asked for afterwards, too.
 * forceOrder tells the largest liquidation of a second only; its p is the bankruptcy price. New keys
 * appear without notice.
 */
#include "common/base/err.h"
#include "common/venue/binance_ask.h"
#include "common/venue/binance_events.h"
#include "common/venue/binance_rest.h"
#include "common/venue/venue_account.h"

extern const struct venue venue_binance_usdm;

/* ---- what comes ---- */

static void on_agg_trade(struct binance_frame *f, struct venue_message *m)
{
	binance_on_trade(f, m);
	m->trade.count_id = binance_id(f, &f->own, 'a');
	wire_demand(&f->w, m->trade.count_id > 0);
}

static const struct binance_kind kinds[] = {
	BINANCE_KIND("depthUpdate", VENUE_DEPTH, binance_on_depth),
	BINANCE_KIND("aggTrade", VENUE_TRADE, on_agg_trade),
	BINANCE_KIND("trade", VENUE_TRADE, binance_on_trade),
	BINANCE_KIND("bookTicker", VENUE_TOP, binance_on_top),
	BINANCE_KIND("kline", VENUE_KLINE, binance_on_kline),
	BINANCE_KIND("24hrTicker", VENUE_TICKER, binance_on_ticker),
	BINANCE_KIND("24hrMiniTicker", VENUE_TICKER, binance_on_ticker),
	BINANCE_KIND("markPriceUpdate", VENUE_MARK, binance_on_mark),
	BINANCE_KIND("forceOrder", VENUE_LIQUIDATION, binance_on_liquidation),
	{"", 0, VENUE_UNKNOWN, NULL},
};

static int decode(const struct venue_input *in, struct venue_output *out)
{
	if (in->ask == VENUE_ASK_TRADES && in->market != NULL) {
		out->fault = (struct venue_fault){in->market, VENUE_TRADE};
		return binance_decode_aggregates(in, out);
	}
	return binance_decode(kinds, in, out);
}

/* ---- what we send ---- */

#define PUBLIC_STREAMS (VENUE_DEPTH_STREAM | VENUE_TOP_STREAM)
#define MARKET_STREAMS                                                                                                 \
	(VENUE_TRADE_STREAM | VENUE_KLINE_STREAM | VENUE_TICKER_STREAM | VENUE_LIQUIDATION_STREAM | VENUE_MARK_STREAM)

static const struct binance_stream stream_names[] = {
	{VENUE_DEPTH_STREAM, "depth@100ms", NULL},     {VENUE_TRADE_STREAM, "aggTrade", NULL},
	{VENUE_TOP_STREAM, "bookTicker", NULL},        {VENUE_KLINE_STREAM, "kline_", NULL},
	{VENUE_TICKER_STREAM, "ticker", "miniTicker"}, {VENUE_LIQUIDATION_STREAM, "forceOrder", NULL},
	{VENUE_MARK_STREAM, "markPrice@1s", NULL},     {0, NULL, NULL},
};

/* ERR_ARG where a connection is to carry streams of both bases. */
static int stream_path(const struct venue_feed *feed, struct buf *out)
{
	bool public = (feed->streams & PUBLIC_STREAMS) != 0, market = (feed->streams & MARKET_STREAMS) != 0;

	if (public == market)
		return ERR_ARG;
	int rc = buf_printf(out, "/%s/stream?streams=", public ? "public" : "market");
	return rc == 0 ? binance_streams(feed, stream_names, venue_binance_usdm.streams_max, out) : rc;
}

enum { TRADES_MAX = 1000 };
static const struct binance_weight depth_weights[] = {{50, 2}, {100, 5}, {500, 10}, {1000, 20}, {0, 0}};
static const struct binance_weight klines_weights[] = {{99, 1}, {499, 2}, {1000, 5}, {1500, 10}, {0, 0}};
static const struct binance_rest api = {
	.base = "/fapi/v1",
	.depth = depth_weights,
	.klines = klines_weights,
	.klines_default = 500,
	.instruments_weight = 1,
	.trades = "aggTrades",
	.trades_max = TRADES_MAX,
	.trades_weight = 20,
	.symbols_max = 0, /* it takes none */
};

static int request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight)
{
	return binance_request(&api, r, out, ret_weight);
}

/* The first update behind a snapshot must reach around its id (U <= id <= u), or begin where it ended; from then on
 * each names its predecessor. */
static enum venue_link link_depth(uint64_t book_id, bool fresh, const struct venue_depth *d)
{
	if (d->prev_id == book_id)
		return VENUE_LINK_NEXT;
	if (d->last_id < book_id || (d->last_id == book_id && !fresh))
		return VENUE_LINK_OLD;
	return fresh && d->first_id <= book_id ? VENUE_LINK_NEXT : VENUE_LINK_GAP;
}

static const uint32_t groups[] = {PUBLIC_STREAMS, MARKET_STREAMS, 0};
static const char *const stream_hosts[] = {"wss://fstream.binance.com", NULL};
static const char *const rest_hosts[] = {"https://fapi.binance.com", NULL};
static const char *const intervals[] = {BINANCE_INTERVALS};

const struct venue venue_binance_usdm = {
	BINANCE_VENUE,
	.doc = "Binance USD-M futures: 100 ms depth, aggregate trades, bookTicker, klines, tickers, mark prices and "
	       "funding, liquidations.",
	.suffix = "-PERP",
	.stream_hosts = stream_hosts,
	.rest_hosts = rest_hosts,
	.streams = PUBLIC_STREAMS | MARKET_STREAMS,
	.groups = groups,
	.kline_intervals = intervals,
	.streams_max = 200,
	.messages_per_s = 10,
	.pong_ns = 600 * BINANCE_SECOND,
	.weight_limit = 2400,
	.trades_max = TRADES_MAX,
	.time_path = "/fapi/v1/time",
	.time_key = "serverTime",
	.account = &venue_account_binance_usdm,
	.stream_path = stream_path,
	.request = request,
	.decode = decode,
	.link = link_depth,
};
