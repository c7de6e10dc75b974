/* kalshi_ticker - what Kalshi's channel "ticker" says of a market. */
#ifndef NJ_VENUE_KALSHI_TICKER_H
#define NJ_VENUE_KALSHI_TICKER_H

#include "common/venue/wire.h"

/* Bits of venue_ticker.said: the last price and the volume. */
#define KALSHI_TICKER_VALUES (1u << 0 | 1u << 4)

/* Reads a frame's "msg" and delivers the ticker. */
void kalshi_on_ticker(struct wire *w, struct json *j);

#endif
