/* bybit_rest - replies of Bybit's v5 REST API, and its names of intervals. */
#ifndef NJ_VENUE_BYBIT_REST_H
#define NJ_VENUE_BYBIT_REST_H

#include "common/venue/venue.h"

/* Each decodes a reply as venue.h's decode does: GET /v5/market/instruments-info and /v5/market/kline. */
int bybit_decode_instruments(const struct venue_input *in, struct venue_output *out);
int bybit_decode_klines(const struct venue_input *in, struct venue_output *out);

/* "60" for "1h"; NULL where Bybit has none. */
const char *bybit_their_interval(const char *ours);

#endif
