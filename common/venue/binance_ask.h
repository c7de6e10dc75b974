/* binance_ask - the texts by which Binance is asked: stream names and paths of REST. */
#ifndef NJ_VENUE_BINANCE_ASK_H
#define NJ_VENUE_BINANCE_ASK_H

#include "common/venue/venue.h"

/* What a stream of ours is called behind the symbol; of klines the interval follows. Ends with a NULL name. */
struct binance_stream {
	enum venue_stream stream;
	const char *name;
	const char *lesser; /* of feed->aggregate (trades) or feed->mini (tickers); NULL: the same */
};

/* Appends "btcusdt@trade/btcusdt@depth@100ms/…" for everything a feed wants. ERR_ARG where that is nothing,
 * ERR_TOO_LONG where it is more than max streams. */
int binance_streams(const struct venue_feed *feed, const struct binance_stream *streams, uint32_t max, struct buf *out);

/* What a request costs by the rows it asks for; the last row (weight 0 behind it) is the most there is. */
struct binance_weight {
	uint32_t limit, weight;
};

/* How one of the markets is asked. */
struct binance_rest {
	const char *base; /* "/api/v3" */
	const struct binance_weight *depth, *klines;
	uint32_t klines_default; /* rows where a request names no number */
	uint32_t instruments_weight;
	const char *trades; /* name of what gives trades by id */
	uint32_t trades_max, trades_weight;
	uint32_t symbols_max; /* that a request for instruments takes; more: ask for all */
};

/* As venue.h's request. */
int binance_request(const struct binance_rest *api, const struct venue_request *r, struct buf *out,
		    uint32_t *ret_weight);

/* As venue.h's stream_text: the path subscribes, and nothing is left to say. */
int binance_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out);

#define BINANCE_SECOND 1000000000LL
/* From a minute on both markets have the same intervals. */
#define BINANCE_INTERVALS                                                                                              \
	"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M", NULL

/* Members of struct venue in which the markets are alike. The server pings every 20 s (spot) or 3 min, and data comes
 * much sooner. */
#define BINANCE_VENUE                                                                                                  \
	.name = "BINANCE", .trade_ids_count = true, .mergeable = true, .attempts_max = 300,                            \
	.attempts_ns = 300 * BINANCE_SECOND,                                                                           \
	.life_ns = 24 * 3600 * BINANCE_SECOND, .silence_ns = 30 * BINANCE_SECOND, .weight_ns = 60 * BINANCE_SECOND,    \
	.budget = {.used = "X-MBX-USED-WEIGHT-1M"}, .retry_header = "Retry-After", .stream_text = binance_stream_text

#endif
