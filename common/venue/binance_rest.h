/* binance_rest - replies of Binance's REST API, the same for its spot and futures markets. */
#ifndef NJ_VENUE_BINANCE_REST_H
#define NJ_VENUE_BINANCE_REST_H

#include "common/venue/venue.h"

/* Each decodes a reply as venue.h's decode does. Snapshot, klines and trades need in->market. */
int binance_decode_snapshot(const struct venue_input *in, struct venue_output *out);
int binance_decode_klines(const struct venue_input *in, struct venue_output *out);
int binance_decode_trades(const struct venue_input *in, struct venue_output *out); /* binance_trades.c */
int binance_decode_aggregates(const struct venue_input *in, struct venue_output *out); /* there, too */

/* Delivers what describes a market we follow and every budget. One description that cannot be read
 * does not keep the others back; its error is returned at the end. */
int binance_decode_instruments(const struct venue_input *in, struct venue_output *out);

#endif
