/* description - an instrument as a venue's REST API describes it, made into ours. */
#ifndef NJ_VENUE_DESCRIPTION_H
#define NJ_VENUE_DESCRIPTION_H

#include "common/venue/wire.h"
#include "proto/grid.h"

/* The texts as they stand in the reply; len 0 where the venue says nothing, or has no such limit. */
struct description {
	struct json_str symbol, base, quote;
	struct json_str tick, price_min, price_max;
	struct json_str step, qty_min, qty_max;
	struct json_str market_step, market_qty_min, market_qty_max; /* of orders at market, beside those */
	struct json_str position_max;
	struct json_str orders_max, triggers_max;
	struct description_trails {
		struct json_str above_min, above_max, below_min, below_max; /* 1e-4, whole */
	} trails;
	struct json_str notional_min, notional_max;
	uint8_t price_scale_min; /* decimals that prices have at least, whatever the tick */
	/* Where the tick differs with the price: each range's begin and step, rising; `tick` is the finest then. */
	struct description_range {
		struct json_str from, tick;
	} range[GRID_RANGES_MAX];
	uint32_t ranges;
	/* How far from the market orders may be, as the instrument says it; 0 no limit. */
	struct description_band {
		uint32_t buy_above, buy_below, sell_above, sell_below, buy_most, sell_least; /* 1e-4 */
		uint32_t minutes;
		uint8_t by; /* enum band_by */
	} band;
	bool trading;
	struct json_str complement; /* raw name of the other outcome's instrument */
	const struct venue_seal *seal; /* to go with it; NULL: none */
	int unclear; /* the error of what could not be read: nothing is handed out then */
};

/* A factor ("1.15") at 1e-4, cut down; what cannot be read, or is not above 0, is none: 0. */
uint32_t description_share(struct json_str text);

/* Hands out a VENUE_INSTRUMENT where we follow the symbol, and nothing where we do not. Errors of wire_decimal and
 * grid_set, and d->unclear, with
 * out->fault set; nothing is handed out then. */
int description_deliver(const struct description *d, struct venue_output *out);

#endif
