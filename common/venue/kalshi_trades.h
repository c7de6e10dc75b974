/* kalshi_trades - Kalshi's trades of a span of time: GET /markets/trades. */
#ifndef NJ_VENUE_KALSHI_TRADES_H
#define NJ_VENUE_KALSHI_TRADES_H

#include "common/venue/venue.h"

#define KALSHI_TRADES_MAX 1000 /* rows of a reply */

/* As venue.h's request and decode. */
int kalshi_trades_path(const struct venue_request *r, struct buf *out);
int kalshi_decode_trades(const struct venue_input *in, struct venue_output *out);

#endif
