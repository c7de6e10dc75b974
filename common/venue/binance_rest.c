/* binance_rest - replies of Binance's REST API: depth, klines, exchangeInfo.
 *
 * Facts: github binance/binance-spot-api-docs rest-api/ and filters.md of July 2026, recorded
 * replies of 2021.
 */
#include "common/venue/binance_rest.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/description.h"
#include "common/venue/wire.h"

#define SECOND 1000000000LL
#define DAY_MINUTES 1440

/* GET /api/v3/depth */
int binance_decode_snapshot(const struct venue_input *in, struct venue_output *out)
{
	struct venue_message m = {.kind = VENUE_SNAPSHOT, .market = in->market};
	struct level *asks = out->levels + out->levels_max;
	struct json_str key, id = {"", 0, false};
	bool has_bids = false, has_asks = false;
	struct json j;
	int rc = 0;

	json_init(&j, in->text, in->len);
	json_object(&j);
	while (rc == 0 && json_key(&j, &key)) {
		if (json_str_is(key, "lastUpdateId")) {
			json_number(&j, &id);
		} else if (json_str_is(key, "bids")) {
			rc = wire_levels(&j, in->market, out->levels, out->levels_max, &m.snapshot.bids);
			has_bids = true;
		} else if (json_str_is(key, "asks")) {
			rc = wire_levels(&j, in->market, asks, out->levels_max, &m.snapshot.asks);
			has_asks = true;
		} else {
			json_skip(&j);
		}
	}
	if (rc == 0)
		rc = json_finish(&j);
	if (rc == 0)
		rc = has_bids && has_asks ? wire_u64(id, &m.snapshot.last_id) : ERR_PROTOCOL;
	if (rc < 0)
		return rc;
	m.snapshot.bids_cut = m.snapshot.bids.n >= in->limit;
	m.snapshot.asks_cut = m.snapshot.asks.n >= in->limit;
	out->message(out->ctx, &m);
	return 0;
}

/* Rows of GET /api/v3/klines: [open time, open, high, low, close, volume, close time, quote
 * volume, trades, …]. The last one may still be open: `closed` is left to the reader of the clock.
 */
#define KLINE_FIELDS 9

static int read_kline(const struct json_str text[KLINE_FIELDS], const struct venue_market *market,
		      struct venue_kline *k)
{
	int64_t *const value[KLINE_FIELDS] = {&k->open_at, &k->open,     &k->high,         &k->low, &k->close,
					      &k->volume,  &k->close_at, &k->quote_volume, NULL};
	uint64_t trades;
	int rc = wire_u64(text[8], &trades);

	for (int i = 0; rc == 0 && i < 8; i++)
		if (i == 0 || i == 6)
			rc = wire_time(text[i], value[i]);
		else
			rc = wire_decimal(text[i],
					  i == 5   ? market->qty_scale
					  : i == 7 ? VENUE_CASH_SCALE
						   : market->price_scale,
					  value[i]);
	k->close_at += 1000000;
	k->trades = (uint32_t)trades;
	if (rc == 0 && (k->low > k->high || k->open_at >= k->close_at || trades > UINT32_MAX))
		rc = ERR_PROTOCOL;
	return rc;
}

static int walk_klines(const struct venue_input *in, struct venue_output *out, bool deliver_them)
{
	struct venue_message m = {.kind = VENUE_KLINE, .market = in->market};
	struct json_str text[KLINE_FIELDS];
	struct json j;
	int rc = 0;

	json_init(&j, in->text, in->len);
	json_array(&j);
	while (rc == 0 && json_item(&j)) {
		int n = 0;
		json_array(&j);
		while (json_item(&j))
			if (n < KLINE_FIELDS)
				json_scalar_text(&j, &text[n++]);
			else
				json_skip(&j);
		rc = j.err != 0 ? j.err : n < KLINE_FIELDS ? ERR_PROTOCOL : 0;
		if (rc == 0)
			rc = read_kline(text, in->market, &m.kline);
		if (rc == 0 && deliver_them)
			out->message(out->ctx, &m);
	}
	return rc != 0 ? rc : json_finish(&j);
}

int binance_decode_klines(const struct venue_input *in, struct venue_output *out)
{
	int rc = walk_klines(in, out, false);
	return rc == 0 ? walk_klines(in, out, true) : rc;
}

/* ---- GET /api/v3/exchangeInfo ---- */

/* One filter's members: the type may come first or last. */
struct filter {
	struct json_str type, tick, step, low, high, qty_low, qty_high, notional, notional_high;
	struct json_str up, down, bid_up, bid_down, ask_up, ask_down, minutes;
	struct json_str limit, position;
	struct description_trails trails;
};

static const struct {
	const char *key;
	size_t offset;
} filter_keys[] = {
	{"filterType", offsetof(struct filter, type)},
	{"tickSize", offsetof(struct filter, tick)},
	{"stepSize", offsetof(struct filter, step)},
	{"minPrice", offsetof(struct filter, low)},
	{"maxPrice", offsetof(struct filter, high)},
	{"minQty", offsetof(struct filter, qty_low)},
	{"maxQty", offsetof(struct filter, qty_high)},
	{"minNotional", offsetof(struct filter, notional)},
	{"notional", offsetof(struct filter, notional)}, /* futures */
	{"maxNotional", offsetof(struct filter, notional_high)},
	{"multiplierUp", offsetof(struct filter, up)},
	{"multiplierDown", offsetof(struct filter, down)},
	{"bidMultiplierUp", offsetof(struct filter, bid_up)},
	{"bidMultiplierDown", offsetof(struct filter, bid_down)},
	{"askMultiplierUp", offsetof(struct filter, ask_up)},
	{"askMultiplierDown", offsetof(struct filter, ask_down)},
	{"avgPriceMins", offsetof(struct filter, minutes)},
	{"limit", offsetof(struct filter, limit)}, /* futures */
	{"maxNumOrders", offsetof(struct filter, limit)},
	{"maxNumAlgoOrders", offsetof(struct filter, limit)},
	{"maxPosition", offsetof(struct filter, position)},
	{"minTrailingAboveDelta", offsetof(struct filter, trails.above_min)},
	{"maxTrailingAboveDelta", offsetof(struct filter, trails.above_max)},
	{"minTrailingBelowDelta", offsetof(struct filter, trails.below_min)},
	{"maxTrailingBelowDelta", offsetof(struct filter, trails.below_max)},
};

static struct json_str *filter_slot(struct filter *f, struct json_str key)
{
	for (size_t i = 0; i < ARRAY_LEN(filter_keys); i++)
		if (json_str_is(key, filter_keys[i].key))
			return (struct json_str *)(void *)((char *)f + filter_keys[i].offset);
	return NULL;
}

/* Spot: a buy and a sell must each be within factors of the mean price of so many minutes, 0: of the last price
 * (filters.md: PERCENT_PRICE and PERCENT_PRICE_BY_SIDE; the reference price that replaces the mean for some symbols
 * since May 2026 is not among the streams). Futures, whose filter has no minutes: buys are bounded above and sells
 * below, by factors of the mark price (USD-M "Common Definition"). */
static void read_band(const struct filter *f, bool by_side, struct description_band *b)
{
	uint64_t minutes;

	*b = (struct description_band){
		.buy_above = description_share(by_side ? f->bid_up : f->up),
		.sell_below = description_share(by_side ? f->ask_down : f->down),
		.by = band_by_mark,
	};
	if (f->minutes.len == 0)
		return;
	b->buy_below = description_share(by_side ? f->bid_down : f->down);
	b->sell_above = description_share(by_side ? f->ask_up : f->up);
	b->by = band_by_last;
	if (wire_u64(f->minutes, &minutes) == 0 && minutes > 0 && minutes <= DAY_MINUTES) {
		b->by = band_by_mean;
		b->minutes = (uint32_t)minutes;
	}
}

/* What an account may have open, and trailing stops. */
static void take_room(const struct filter *f, struct description *d)
{
	if (json_str_is(f->type, "MAX_NUM_ORDERS"))
		d->orders_max = f->limit;
	else if (json_str_is(f->type, "MAX_NUM_ALGO_ORDERS"))
		d->triggers_max = f->limit;
	else if (json_str_is(f->type, "MAX_POSITION"))
		d->position_max = f->position;
	else if (json_str_is(f->type, "TRAILING_DELTA"))
		d->trails = f->trails;
}

static void read_filter(struct json *j, struct description *d)
{
	struct filter f = {0};
	struct json_str key, *slot;

	json_object(j);
	while (json_key(j, &key)) {
		slot = filter_slot(&f, key);
		if (slot != NULL)
			json_scalar_text(j, slot);
		else
			json_skip(j);
	}
	take_room(&f, d);
	if (json_str_is(f.type, "PRICE_FILTER")) {
		d->tick = f.tick;
		d->price_min = f.low;
		d->price_max = f.high;
	} else if (json_str_is(f.type, "LOT_SIZE")) {
		d->step = f.step;
		d->qty_min = f.qty_low;
		d->qty_max = f.qty_high;
	} else if (json_str_is(f.type, "MARKET_LOT_SIZE")) {
		d->market_step = f.step;
		d->market_qty_min = f.qty_low;
		d->market_qty_max = f.qty_high;
	} else if (json_str_is(f.type, "PERCENT_PRICE")) {
		read_band(&f, false, &d->band);
	} else if (json_str_is(f.type, "PERCENT_PRICE_BY_SIDE")) {
		read_band(&f, true, &d->band);
	} else if (json_str_is(f.type, "MIN_NOTIONAL") || json_str_is(f.type, "NOTIONAL")) {
		d->notional_min = f.notional;
		d->notional_max = f.notional_high;
	}
}

static void read_description(struct json *j, struct description *d)
{
	struct json_str key, status = {"", 0, false};

	*d = (struct description){0};
	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "symbol")) {
			json_string(j, &d->symbol);
		} else if (json_str_is(key, "status")) {
			json_string(j, &status);
			d->trading = json_str_is(status, "TRADING");
		} else if (json_str_is(key, "baseAsset")) {
			json_string(j, &d->base);
		} else if (json_str_is(key, "quoteAsset")) {
			json_string(j, &d->quote);
		} else if (json_str_is(key, "filters")) {
			json_array(j);
			while (json_item(j))
				read_filter(j, d);
		} else {
			json_skip(j);
		}
	}
}

static void deliver_rate_limit(struct json *j, struct venue_output *out)
{
	struct json_str key, type = {"", 0, false}, interval = type, number = type, limit = type;

	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "rateLimitType"))
			json_string(j, &type);
		else if (json_str_is(key, "interval"))
			json_string(j, &interval);
		else if (json_str_is(key, "intervalNum"))
			json_scalar_text(j, &number);
		else if (json_str_is(key, "limit"))
			json_scalar_text(j, &limit);
		else
			json_skip(j);
	}
	bool weighted = json_str_is(type, "REQUEST_WEIGHT");
	struct venue_message m = {.kind = VENUE_LIMIT, .limit = {.weighted = weighted}};
	int64_t unit = json_str_is(interval, "SECOND")   ? SECOND
		       : json_str_is(interval, "MINUTE") ? 60 * SECOND
		       : json_str_is(interval, "HOUR")   ? 3600 * SECOND
		       : json_str_is(interval, "DAY")    ? 86400 * SECOND
							 : 0;
	uint64_t count;
	if (!(weighted || json_str_is(type, "RAW_REQUESTS")) || unit == 0)
		return; /* limits of orders are not ours */
	if (wire_u64(number, &count) < 0 || count == 0 || count > 366 || wire_u64(limit, &m.limit.limit) < 0)
		return;
	m.limit.window_ns = (int64_t)count * unit;
	out->message(out->ctx, &m);
}

/* One bad description does not keep the others back; the first error is returned at the end. */
static int deliver_instruments(struct json *j, struct venue_output *out)
{
	struct json_str key;
	int first = 0;

	json_object(j);
	while (json_key(j, &key)) {
		bool limits = json_str_is(key, "rateLimits"), symbols = json_str_is(key, "symbols");
		if (!limits && !symbols) {
			json_skip(j);
			continue;
		}
		json_array(j);
		while (json_item(j)) {
			struct description d;
			if (limits) {
				deliver_rate_limit(j, out);
				continue;
			}
			read_description(j, &d);
			int rc = j->err != 0 ? j->err : description_deliver(&d, out);
			first = first == 0 ? rc : first;
		}
	}
	return first != 0 ? first : json_finish(j);
}

int binance_decode_instruments(const struct venue_input *in, struct venue_output *out)
{
	struct json j;

	json_init(&j, in->text, in->len);
	if (json_peek(&j) != JSON_OBJECT)
		return ERR_TYPE;
	json_skip(&j);
	int rc = json_finish(&j); /* the whole of it is sound before anything is delivered */
	if (rc < 0)
		return rc;
	json_init(&j, in->text, in->len);
	return deliver_instruments(&j, out);
}
