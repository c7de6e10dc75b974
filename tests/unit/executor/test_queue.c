/* test_queue - the models of the queue, markets that are not seen, and the venue's words, worked out by hand. */
#include "scenario.h"

#include "services/executor/venue_words.h"

static int open_with(enum queue_model model, int64_t blind_max_ns)
{
	struct executor_settings s = desk_settings();
	s.queue = (uint8_t)model;
	s.blind_max_ns = blind_max_ns;
	desk_open(&d, &s);
	desk_book(&d);
	step();
	return 0;
}

static int open_back(void **state)
{
	through_disk = *state != NULL;
	return open_with(QUEUE_BACK, 3 * S);
}

static int open_share(void **state)
{
	through_disk = *state != NULL;
	return open_with(QUEUE_SHARE, 0);
}

static int open_square(void **state)
{
	through_disk = *state != NULL;
	return open_with(QUEUE_SQUARE, 0);
}

static int open_through(void **state)
{
	through_disk = *state != NULL;
	return open_with(QUEUE_THROUGH, 0);
}

static int64_t ahead(void)
{
	assert_int_equal(executor_open_orders(d.x), 1);
	return d.x->orders.at[0].ahead;
}

/* 2 stand at 98 ahead of us; 1 joins behind: 3 shown. Then 0.9 are cancelled, one way or another. */
static void join_and_be_followed(void)
{
	order(side_buy, tif_gtc, 9800, 500);
	assert_int_equal(ahead(), 2000);
	delta(side_buy, 9800, 3000);
	assert_int_equal(ahead(), 2000);
	delta(side_buy, 9800, 2100);
}

static void back_believes_that_nobody_ahead_leaves(void **state)
{
	(void)state;
	join_and_be_followed();
	assert_int_equal(ahead(), 2000);
	delta(side_buy, 9800, 700); /* by now some of them must have */
	assert_int_equal(ahead(), 700);
}

/* 0.9 * 2 / 3 = 0.6 of it ahead. */
static void share_takes_a_proportion(void **state)
{
	(void)state;
	join_and_be_followed();
	assert_int_equal(ahead(), 1400);
	/* 0.4 are sold to those ahead; a change elsewhere is no news of our price; then the book shows the trade, and
	 * 0.2 less: of 1 ahead and 0.7 behind, 0.2 * 1 / 1.7 = 0.117 (rounded down). */
	trade(side_sell, 9800, 400);
	assert_int_equal(ahead(), 1000);
	delta(side_buy, 9700, 1000);
	assert_int_equal(ahead(), 1000);
	delta(side_buy, 9800, 1500);
	assert_int_equal(ahead(), 883);
	/* What is traded is not cancelled: 0.5 more, all of it shown. */
	trade(side_sell, 9800, 500);
	delta(side_buy, 9800, 1000);
	assert_int_equal(ahead(), 383);
	trade(side_sell, 9800, 400);
	desk_expect_fill(&d, 0, 9800, 17, 1666 * CENT / 10000);
}

/* 0.9 * 4 / (4 + 1) = 0.72 of it ahead. */
static void square_weighs_by_squares(void **state)
{
	(void)state;
	join_and_be_followed();
	assert_int_equal(ahead(), 1280);
	/* 0.68 of them are served: 0.6 ahead, 0.82 behind. 1.32 of the 1.42 vanish: by squares (0.36 of 1.0324) 0.460
	 * of it ahead, but then 0.86 were behind, where only 0.82 stood: 0.5 ahead. */
	trade(side_sell, 9800, 680);
	delta(side_buy, 9800, 1420);
	assert_int_equal(ahead(), 600);
	delta(side_buy, 9800, 100);
	assert_int_equal(ahead(), 100);
}

static void through_fills_beyond_the_price_only(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 500);
	trade(side_sell, 9900, 90000);
	expect_silence();
	trade(side_sell, 9899, 200);
	expect("o1", order_status_partial, reject_none, 200);
	/* The book comes down to the price, and then beyond it. */
	desk_snapshot(&d, (struct levels)LEVELS({9800, 2000}), (struct levels)LEVELS({9900, 1000}));
	expect("o1", order_status_partial, reject_none, 200);
	assert_int_equal(executor_open_orders(d.x), 1);
	delta(side_sell, 9890, 1000);
	expect("o1", order_status_filled, reject_none, 500);
	desk_expect_fill(&d, 0, 9900, 300, 297 * CENT / 100);
}

/* blind_max is 3 s: an order ends 3 s after the last event that left its book usable. */
static void orders_do_not_outlive_their_market(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 500);
	struct event ev = stop(side_buy, order_type_stop_market, 10500, 100);
	give(&ev);
	until(d.now + 2 * S);
	delta(side_buy, 9800, 2500); /* seen */
	int64_t seen = d.now;
	until(seen + 2 * S);
	desk_state(&d, book_state_untrusted);
	step();
	until(seen + 3 * S - 1);
	expect_silence();
	until(seen + 3 * S);
	expect("o1", order_status_cancelled, reject_data_loss, 0);
	expect("o2", order_status_cancelled, reject_data_loss, 0);
	assert_int_equal(desk_last(&d, EVENT_order)->ts_event, seen + 3 * S);
	assert_int_equal(d.x->account.asset[0].locked, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void names_are_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < QUEUE_MODELS; i++)
		assert_int_equal(queue_find(queue_name((enum queue_model)i)), i);
	assert_int_equal(queue_find("front"), QUEUE_MODELS);
}

static void a_venue_words_its_refusals(void **state)
{
	(void)state;
	const enum side buy = side_buy;
	struct symbol binance = desk_symbol("BTCUSDT.BINANCE"), other = desk_symbol("ONE.TEST");
	assert_string_equal(venue_words(&binance, reject_tick_size, buy, false), "Filter failure: PRICE_FILTER");
	assert_string_equal(venue_words(&binance, reject_max_qty, buy, false), "Filter failure: LOT_SIZE");
	assert_string_equal(venue_words(&binance, reject_max_qty, buy, true), "Filter failure: MARKET_LOT_SIZE");
	assert_string_equal(venue_words(&binance, reject_lot_size, buy, true), "Filter failure: MARKET_LOT_SIZE");
	assert_string_equal(venue_words(&binance, reject_trail, buy, false), "Filter failure: TRAILING_DELTA");
	assert_string_equal(venue_words(&binance, reject_price_band, buy, false),
			    "Filter failure: PERCENT_PRICE_BY_SIDE");
	assert_null(venue_words(&binance, reject_paused, buy, false));
	assert_null(venue_words(&other, reject_tick_size, buy, false));
	const struct symbol perp = desk_symbol("BTCUSDT-PERP.BINANCE"), bybit = desk_symbol("BTCUSDT.BYBIT");
	assert_string_equal(venue_words(&perp, reject_balance, buy, false), "-2019 Margin is insufficient.");
	assert_string_equal(venue_words(&perp, reject_limit_triggers, buy, true), "-4045 Reach max stop order limit.");
	assert_null(venue_words(&perp, reject_max_notional, buy, false)); /* of spot's filters only */
	assert_string_equal(venue_words(&bybit, reject_tick_size, buy, true), "170134 Order price decimal too long.");
	assert_string_equal(venue_words(&perp, reject_price_band, buy, false),
			    "-4016 Price is higher than mark price multiplier cap.");
	assert_string_equal(venue_words(&perp, reject_price_band, side_sell, false),
			    "-4024 Price is lower than mark price multiplier floor.");
	const struct symbol event = desk_symbol("KXBTC.KALSHI");
	assert_string_equal(venue_words(&event, reject_post_only, buy, false), "invalid_order: post only cross");
}

/* Buys at most at 105 %, and at least at 90 % of the last trade, which was at 100; then of the mid, 99.50. */
static void the_price_band_is_the_venues(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.buy_above = 10500;
	def.instrument.buy_below = 9000;
	def.instrument.sell_above = 20000;
	desk_feed(&d, &def);
	struct event ev = wish(side_buy, order_type_limit, 10448, 100); /* 99.50 * 1.05 = 104.475 */
	refused(ev, reject_price_band);
	ev = wish(side_buy, order_type_limit, 8954, 100); /* 89.55 */
	refused(ev, reject_price_band);
	trade(side_buy, 10000, 10);
	ev = wish(side_buy, order_type_limit, 10501, 100);
	refused(ev, reject_price_band);
	order(side_buy, tif_ioc, 10500, 100);
	expect("o4", order_status_filled, reject_none, 100);
	ev = wish(side_sell, order_type_limit, 20001, 50);
	refused(ev, reject_price_band);
	ev = wish(side_sell, order_type_limit, 20000, 50);
	give(&ev);
	expect("o6", order_status_open, reject_none, 0);
}

#define BOTH_WITH(test, open)                                                                                          \
	cmocka_unit_test_setup_teardown(test, open, close_desk),                                                       \
		cmocka_unit_test_prestate_setup_teardown(test, open, close_desk, &through_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_WITH(back_believes_that_nobody_ahead_leaves, open_back),
		BOTH_WITH(share_takes_a_proportion, open_share),
		BOTH_WITH(square_weighs_by_squares, open_square),
		BOTH_WITH(through_fills_beyond_the_price_only, open_through),
		BOTH_WITH(orders_do_not_outlive_their_market, open_back),
		BOTH(the_price_band_is_the_venues),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(a_venue_words_its_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
