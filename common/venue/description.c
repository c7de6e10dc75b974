/* description - an instrument as a venue's REST API describes it, made into ours. */
#include "common/venue/description.h"

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"

#define CROWD 1000 /* largest orders that a level may hold */
#define SHARE_SCALE 4

/* Decimals that a grid needs; the default where the filter is missing or switched off
 * ("0.00000000"). */
static int scale_of(struct json_str step, uint8_t *ret_scale)
{
	int64_t value = 0;
	int scale = VENUE_SCALE_DEFAULT, rc = 0;

	if (step.len > 0)
		rc = wire_decimal(step, FIXED_SCALE_MAX, &value);
	if (rc == ERR_RANGE) { /* larger than 9 at 18 decimals: still a grid */
		value = 1;
		rc = 0;
	}
	if (rc == 0 && value > 0)
		rc = fixed_scale_of(step.at, step.len, &scale);
	if (rc == 0)
		*ret_scale = (uint8_t)scale;
	return rc;
}

/* Decimals of quantities. Not those of the lot size alone: orders placed under an older, finer one
 * rest on, so that levels are finer than today's (recorded: 25.426189 BTC at a step of 0.00001).
 * So as many as the venue ever sends, as far as a level of CROWD largest orders still fits. */
static int qty_scale_of(const struct description *d, uint8_t *ret_scale)
{
	uint8_t lot = 0, scale = VENUE_SCALE_DEFAULT;
	int64_t largest = 0;
	int rc = scale_of(d->step, &lot);

	if (rc == 0 && d->qty_max.len > 0)
		rc = wire_decimal_floor(d->qty_max, 0, &largest);
	if (rc < 0)
		return rc;
	while (scale > lot && largest > INT64_MAX / CROWD / fixed_pow10(scale))
		scale--;
	*ret_scale = lot > scale ? lot : scale;
	return 0;
}

/* A limit; 0 where it is absent. A limit above every value is none. */
static int limit_of(struct json_str text, int scale, int64_t *ret_value)
{
	int rc = text.len > 0 ? wire_decimal_floor(text, scale, ret_value) : 0;

	if (rc == 0 && *ret_value == INT64_MAX)
		*ret_value = 0;
	return rc;
}

/* A whole number; one that cannot be read, or that nobody reaches, is no limit: 0. */
static uint32_t count_of(struct json_str text)
{
	uint64_t value;

	return text.len > 0 && wire_u64(text, &value) == 0 && value < UINT32_MAX ? (uint32_t)value : 0;
}

uint32_t description_share(struct json_str text)
{
	int64_t value;

	if (text.len == 0 || wire_decimal_floor(text, SHARE_SCALE, &value) < 0)
		return 0;
	return value < UINT32_MAX ? (uint32_t)value : 0;
}

/* As fine as the finest of them, and where they begin. */
static int price_scale_of(const struct description *d, uint8_t *ret_scale)
{
	int rc = scale_of(d->tick, ret_scale);

	if (*ret_scale < d->price_scale_min)
		*ret_scale = d->price_scale_min;
	for (uint32_t i = 0; rc == 0 && i < d->ranges; i++) {
		uint8_t scale = 0;
		rc = scale_of(d->range[i].tick, &scale);
		if (scale > *ret_scale)
			*ret_scale = scale;
	}
	return rc;
}

static int set_ranges(const struct description *d, struct ev_instrument *i)
{
	struct grid_range at[GRID_RANGES_MAX];
	int rc = 0;

	for (uint32_t n = 0; rc == 0 && n < d->ranges; n++) {
		rc = wire_decimal(d->range[n].from, i->price_scale, &at[n].from);
		if (rc == 0)
			rc = wire_decimal(d->range[n].tick, i->price_scale, &at[n].tick);
	}
	return rc == 0 && d->ranges > 0 ? grid_set(i, at, d->ranges) : rc;
}

static void set_band(const struct description_band *b, struct ev_instrument *i)
{
	i->buy_above = b->buy_above;
	i->buy_below = b->buy_below;
	i->sell_above = b->sell_above;
	i->sell_below = b->sell_below;
	i->buy_most = b->buy_most;
	i->sell_least = b->sell_least;
	i->band_by = b->by;
	i->band_minutes = b->minutes;
}

static void set_counts(const struct description *d, struct ev_instrument *i)
{
	i->orders_max = count_of(d->orders_max);
	i->triggers_max = count_of(d->triggers_max);
	i->trail_above_min = count_of(d->trails.above_min);
	i->trail_above_max = count_of(d->trails.above_max);
	i->trail_below_min = count_of(d->trails.below_min);
	i->trail_below_max = count_of(d->trails.below_max);
}

static int describe(const struct description *d, struct ev_instrument *i)
{
	int rc = price_scale_of(d, &i->price_scale);

	if (rc == 0)
		rc = qty_scale_of(d, &i->qty_scale);
	if (rc < 0)
		return rc;
	i->cash_scale = VENUE_CASH_SCALE;
	const struct {
		struct json_str text;
		int scale;
		int64_t *value;
	} limits[] = {
		{d->tick, i->price_scale, &i->tick_size},
		{d->price_min, i->price_scale, &i->price_min},
		{d->price_max, i->price_scale, &i->price_max},
		{d->step, i->qty_scale, &i->lot_size},
		{d->qty_min, i->qty_scale, &i->qty_min},
		{d->qty_max, i->qty_scale, &i->qty_max},
		{d->market_step, i->qty_scale, &i->market_lot_size},
		{d->market_qty_min, i->qty_scale, &i->market_qty_min},
		{d->market_qty_max, i->qty_scale, &i->market_qty_max},
		{d->position_max, i->qty_scale, &i->position_max},
		{d->notional_min, VENUE_CASH_SCALE, &i->notional_min},
		{d->notional_max, VENUE_CASH_SCALE, &i->notional_max},
	};
	for (size_t n = 0; rc == 0 && n < ARRAY_LEN(limits); n++)
		rc = limit_of(limits[n].text, limits[n].scale, limits[n].value);
	if (rc == 0)
		rc = set_ranges(d, i);
	set_band(&d->band, i);
	set_counts(d, i);
	wire_text(d->base, i->base, sizeof(i->base));
	wire_text(d->quote, i->quote, sizeof(i->quote));
	i->trading = d->trading;
	return rc;
}

int description_deliver(const struct description *d, struct venue_output *out)
{
	struct ev_instrument instrument = {0};
	struct venue_message m = {.kind = VENUE_INSTRUMENT, .seal = d->seal, .instrument = &instrument};

	m.market = d->symbol.len > 0 ? out->find(out->ctx, d->symbol.at, d->symbol.len) : NULL;
	if (m.market == NULL)
		return 0;
	out->fault = (struct venue_fault){m.market, VENUE_INSTRUMENT};
	int rc = d->unclear != 0 ? d->unclear : describe(d, &instrument);
	if (rc == 0 && d->complement.len > 0)
		rc = symbol_make(d->complement.at, d->complement.len, symbol_venue(&m.market->symbol),
				 &instrument.complement);
	if (rc == 0)
		out->message(out->ctx, &m);
	return rc;
}
