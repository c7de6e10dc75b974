/* binance_ask - the texts by which Binance is asked: stream names and paths of REST. */
#ifndef NJ_VENUE_BINANCE_ASK_H
#define NJ_VENUE_BINANCE_ASK_H

#include "common/venue/venue.h"

/* What a stream of ours is called behind the symbol; of klines the interval follows. Ends with a NULL name. */
struct binance_stream {
	enum venue_stream stream;
	const char *name;
};

/* Appends "btcusdt@trade/btcusdt@depth@100ms/…" for everything a feed wants. ERR_ARG where that is nothing,
 * ERR_TOO_LONG where it is more than max streams. */
int binance_streams(const struct venue_feed *feed, const struct binance_stream *streams, uint32_t max, struct buf *out);

/* Path and query of a request for klines of one market; times are in ms there. */
int binance_klines_path(const char *path, const struct venue_request *r, struct buf *out);

#endif
