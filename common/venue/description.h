/* description - an instrument as a venue's REST API describes it, made into ours. */
#ifndef NJ_VENUE_DESCRIPTION_H
#define NJ_VENUE_DESCRIPTION_H

#include "common/venue/wire.h"

/* The texts as they stand in the reply; len 0 where the venue says nothing, or has no such limit. */
struct description {
	struct json_str symbol, base, quote;
	struct json_str tick, price_min, price_max;
	struct json_str step, qty_min, qty_max, market_qty_max;
	struct json_str notional_min, notional_max;
	uint8_t price_scale_min; /* decimals that prices have at least, whatever the tick */
	bool trading;
	struct json_str complement; /* raw name of the other outcome's instrument */
	const struct venue_seal *seal; /* to go with it; NULL: none */
};

/* Hands out a VENUE_INSTRUMENT where we follow the symbol, and nothing where we do not. Errors of wire_decimal, with
 * out->fault set; nothing is handed out then. */
int description_deliver(const struct description *d, struct venue_output *out);

#endif
