/* kalshi_markets - Kalshi's reply to GET /markets: instruments, and what those that ended pay. */
#ifndef NJ_VENUE_KALSHI_MARKETS_H
#define NJ_VENUE_KALSHI_MARKETS_H

#include "common/venue/venue.h"

/* As venue.h's decode. One bad description does not keep the others back; the first error is returned at the end. */
int kalshi_decode_markets(const struct venue_input *in, struct venue_output *out);

#endif
