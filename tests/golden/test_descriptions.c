/* test_descriptions - recorded instruments: price bands as another program counts them, prices on the markets' grids.
 *
 * The sums were taken from the same replies with Python's decimals: one wrong share, anywhere, and they differ. Each
 * recorded price of Kalshi's must be one that its market has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/venue.h"
#include "proto/grid.h"
#include "tests/golden/capture.h"
#include "tests/golden/cryptofeed.h"

#define LEVELS 1000

struct sums {
	uint64_t buy_above, buy_below, sell_above, sell_below, buy_most, sell_least, minutes;
	uint64_t instruments, banded, ranged, on_grid, off_grid;
};

/* Filters of orders at market and of what an account may have open; counts of instruments, and sums. */
struct room {
	uint64_t steps, least, orders, triggers, positions;
};

static const struct venue *venue;
static struct venue_market market; /* whichever is asked for */
static struct ev_instrument def;   /* the last that was described */
static struct sums sums;
static struct room room;

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	if (def.price_scale != 0 && strlen(market.raw) == len && memcmp(market.raw, raw, len) == 0)
		return &market;
	return venue_market_init(venue, raw, len, &market) == 0 ? &market : NULL;
}

static void add_instrument(const struct ev_instrument *i)
{
	assert_true(grid_sound(i));
	sums.instruments++;
	sums.banded += i->band_by != band_by_none;
	sums.ranged += i->tick_1 != 0;
	sums.buy_above += i->buy_above;
	sums.buy_below += i->buy_below;
	sums.sell_above += i->sell_above;
	sums.sell_below += i->sell_below;
	sums.buy_most += i->buy_most;
	sums.sell_least += i->sell_least;
	sums.minutes += i->band_minutes;
	room.steps += i->market_lot_size != 0;
	room.least += i->market_qty_min != 0;
	room.orders += i->orders_max;
	room.triggers += i->triggers_max;
	room.positions += i->position_max != 0;
	def = *i;
}

static void add_prices(const struct levels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		*(grid_holds(&def, l->at[i].price) ? &sums.on_grid : &sums.off_grid) += 1;
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	if (m->kind == VENUE_INSTRUMENT) {
		add_instrument(m->instrument);
		market.price_scale = m->instrument->price_scale;
		market.qty_scale = m->instrument->qty_scale;
	} else if (m->kind == VENUE_SNAPSHOT) {
		add_prices(&m->snapshot.bids);
		add_prices(&m->snapshot.asks);
	} else if (m->kind == VENUE_DEPTH) {
		add_prices(&m->depth.bids);
		add_prices(&m->depth.asks);
	} else if (m->kind == VENUE_TRADE) {
		add_prices(&(struct levels){&(struct level){m->trade.price, 1}, 1});
	}
}

static void decode(const char *text, size_t len, enum venue_ask ask)
{
	static struct level levels[2 * LEVELS];
	struct venue_input in = {.text = text, .len = len, .ask = ask};
	struct venue_output out = {.find = find, .message = on_message, .levels = levels, .levels_max = LEVELS};
	assert_int_equal(venue->decode(&in, &out), 0);
}

static void begin(const char *name)
{
	venue = venue_find(name, strlen(name));
	assert_non_null(venue);
	def = (struct ev_instrument){0};
	sums = (struct sums){0};
	room = (struct room){0};
}

static void describe(const char *name, const char *file, const char *url)
{
	struct capture c = {0};
	char *text;

	begin(name);
	if (capture_open(file, &c) != 0)
		skip();
	while (sums.instruments == 0 && (text = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (!cryptofeed_line(text, &l))
			continue;
		if (json_str_is(l.kind, "http") && memmem(l.url.at, l.url.len, url, strlen(url)) != NULL)
			decode(l.data, strlen(l.data), VENUE_ASK_INSTRUMENTS);
		free(l.data);
	}
	capture_close(&c);
}

static void expect(const struct sums *wanted)
{
	assert_memory_equal(&sums, wanted, sizeof(sums));
}

static void expect_room(const struct room *wanted)
{
	assert_memory_equal(&room, wanted, sizeof(room));
}

/* PERCENT_PRICE: 1,665 of 5 and 0.2, 30 of 1.2 and 0.8, all of five minutes. */
static void spot_of_binance(void **state)
{
	(void)state;
	describe("BINANCE", "binance/rest/BINANCE.jsonl.zst", "exchangeInfo");
	expect(&(struct sums){83610000, 3570000, 83610000, 3570000, 0, 0, 8475, 1695, 1695, 0, 0, 0});
	expect_room(&(struct room){0, 0, 339000, 8475, 40});
}

/* Of the mark price: 117 of 15 %, 3 of 10 %, 2 of 5 %. */
static void futures_of_binance(void **state)
{
	(void)state;
	describe("BINANCE-PERP", "binance/rest/BINANCE_FUTURES.jsonl.zst", "exchangeInfo");
	expect(&(struct sums){1399500, 0, 0, 1040500, 0, 0, 0, 122, 122, 0, 0, 0});
	assert_int_equal(def.band_by, band_by_mark);
	expect_room(&(struct room){122, 122, 24400, 1220, 0});
}

static void linear_of_bybit(void **state)
{
	(void)state;
	describe("BYBIT-PERP", "bybit/BYBIT.jsonl.zst", "category=linear");
	expect(&(struct sums){8777000, 0, 0, 7223000, 9583100, 6416900, 0, 800, 800, 0, 0, 0});
	assert_int_equal(def.band_by, band_by_premium);
}

static void spot_of_bybit(void **state)
{
	(void)state;
	describe("BYBIT", "bybit/BYBIT.jsonl.zst", "category=spot");
	expect(&(struct sums){5766500, 0, 0, 5373500, 0, 0, 1114, 557, 557, 0, 0, 0});
	assert_int_equal(def.band_by, band_by_mean);
}

/* What stands in an object under a name, raw. */
static struct json_str member(const char *text, size_t len, const char *name)
{
	struct json_str key, value = {NULL, 0, false};
	struct json j;

	json_init(&j, text, len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, name))
			json_raw(&j, &value);
		else
			json_skip(&j);
	assert_non_null(value.at);
	return value;
}

static void describe_event(const char *file)
{
	struct capture c = {0};

	if (capture_open(file, &c) != 0)
		skip();
	struct json_str reply = member(c.text, c.len, "response");
	decode(reply.at, reply.len, VENUE_ASK_INSTRUMENTS);
	capture_close(&c);
}

static void play(const char *file)
{
	struct capture c = {0};
	char *text;

	if (capture_open(file, &c) != 0)
		skip();
	while ((text = capture_line(&c)) != NULL) {
		struct json_str frame = member(text, strlen(text), "event");
		decode(frame.at, frame.len, VENUE_ASK_NOTHING);
	}
	capture_close(&c);
}

/* One cent each: a grid of a single range is a tick size. With ranges made up, prices between the steps show. */
static void prices_of_kalshi(void **state)
{
	(void)state;
	static const struct grid_range coarse[] = {{0, 1}, {20, 2}, {80, 1}};
	static const char events[] = "kalshi/events/KXGOLD15M-26AUG050800-00/2026-08-05.ndjson.gz";

	begin("KALSHI");
	describe_event("kalshi/KXGOLD15M-26AUG050800.json");
	play(events);
	uint64_t all = sums.on_grid;
	printf("Kalshi: %llu prices on the grid\n", (unsigned long long)all);
	assert_true(def.tick_size == 1 && def.price_scale == 2 && sums.ranged == 0);
	assert_true(sums.off_grid == 0 && all > 1000);

	assert_int_equal(grid_set(&def, coarse, 3), 0);
	sums = (struct sums){0};
	play(events);
	assert_int_equal(sums.on_grid + sums.off_grid, all);
	assert_true(sums.off_grid > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spot_of_binance), cmocka_unit_test(futures_of_binance),
		cmocka_unit_test(linear_of_bybit), cmocka_unit_test(spot_of_bybit),
		cmocka_unit_test(prices_of_kalshi),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
