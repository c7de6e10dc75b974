/* kalshi_candles - Kalshi's candlesticks of a span of time: GET /markets/candlesticks. */
#ifndef NJ_VENUE_KALSHI_CANDLES_H
#define NJ_VENUE_KALSHI_CANDLES_H

#include "common/venue/venue.h"

extern const char *const kalshi_intervals[]; /* NULL-ended */

/* As venue.h's request and decode. */
int kalshi_candles_path(const struct venue_request *r, struct buf *out);
int kalshi_decode_candles(const struct venue_input *in, struct venue_output *out);

#endif
