/* bybit - Bybit's v5 streams and REST replies, the same for its spot and linear markets. */
#ifndef NJ_VENUE_BYBIT_H
#define NJ_VENUE_BYBIT_H

#include "common/venue/venue.h"

#define BYBIT_STREAMS                                                                                                  \
	(VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM | VENUE_KLINE_STREAM | VENUE_TICKER_STREAM)

extern const char *const bybit_intervals[];

/* As venue.h's members of these names; category is "spot" or "linear". */
int bybit_decode(const struct venue_input *in, struct venue_output *out);
int bybit_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out);
int bybit_request(const char *category, const struct venue_request *r, struct buf *out, uint32_t *ret_weight);
enum venue_link bybit_link(uint64_t book_id, bool fresh, const struct venue_depth *d);

#endif
