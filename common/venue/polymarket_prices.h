/* polymarket_prices - what Polymarket tells of a token's past: GET /prices-history. */
#ifndef NJ_VENUE_POLYMARKET_PRICES_H
#define NJ_VENUE_POLYMARKET_PRICES_H

#include "common/venue/venue.h"

#define POLYMARKET_PRICES_SPAN_NS (14 * 86400 * INT64_C(1000000000)) /* of one request */

extern const char *const polymarket_intervals[]; /* NULL-ended */

/* As venue.h's request and decode. */
int polymarket_prices_path(const struct venue_request *r, struct buf *out);
int polymarket_decode_prices(const struct venue_input *in, struct venue_output *out);

#endif
