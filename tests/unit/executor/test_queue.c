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

/* No trade has told of what vanished: it was cancelled. */
static void let_it_be_cancelled(void)
{
	until(d.now + 2 * S);
}

/* 2 stand at 98 ahead of us; 1 joins behind: 3 shown. Then 0.9 are cancelled, one way or another. */
static void join_and_be_followed(void)
{
	order(side_buy, tif_gtc, 9800, 500);
	assert_int_equal(ahead(), 2000);
	delta(side_buy, 9800, 3000);
	assert_int_equal(ahead(), 2000);
	delta(side_buy, 9800, 2100);
	let_it_be_cancelled();
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
	let_it_be_cancelled();
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

/* ---- of one trade two messages tell, in either order ---- */

/* A sale at 98 of so much; the level shows `left` then. Returns what of ours was filled. */
static int64_t sale(bool book_first, int64_t qty, int64_t left)
{
	int64_t filled = 0;
	if (book_first)
		delta(side_buy, 9800, left);
	for (uint32_t i = 0; i < d.n; i++) /* a smaller bid fills nobody */
		assert_int_not_equal(d.out[i].id, EVENT_fill);
	trade(side_sell, 9800, qty);
	for (uint32_t i = 0; i < d.n; i++)
		filled += d.out[i].id == EVENT_fill ? d.out[i].fill.qty : 0;
	if (!book_first)
		delta(side_buy, 9800, left);
	return filled;
}

/* 2 stand at 98, then our 1, then 1 more. 1.5 are sold: 0.5 are left before us. Then 1: 0.5 of it ours, and the book,
 * which has none of ours, loses all of it. Then 0.5 more: ours. */
static void sold_in_turn(bool book_first)
{
	order(side_buy, tif_gtc, 9800, 1000);
	delta(side_buy, 9800, 3000);
	assert_int_equal(sale(book_first, 1500, 1500), 0);
	assert_int_equal(ahead(), 500);
	assert_int_equal(sale(book_first, 1000, 500), 500);
	assert_int_equal(ahead(), 0);
	assert_int_equal(sale(book_first, 500, 0), 500);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void the_trade_is_told_first(void **state)
{
	(void)state;
	sold_in_turn(false);
}

static void the_book_is_first(void **state)
{
	(void)state;
	sold_in_turn(true);
}

static void through_fills_at_its_price_in_no_order(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 1000);
	assert_int_equal(sale(true, 1500, 500) + sale(false, 500, 0), 0);
}

/* 1.5 of the 2 ahead vanish. Trades may explain that, for one to two seconds (until 1002 here); of 0.4 and 1.2 the
 * first 1.5 do, the last 0.1 serve those ahead. Then it is forgotten: of 0.6 those ahead get 0.4, we 0.2. */
static void what_vanished_waits_for_its_trade(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 500);
	delta(side_buy, 9800, 500);
	assert_int_equal(ahead(), 500);
	trade(side_sell, 9800, 400);
	assert_int_equal(ahead(), 500);
	until(1002 * S - 2);
	trade(side_sell, 9800, 1200);
	expect_silence();
	assert_int_equal(ahead(), 400);
	delta(side_buy, 9800, 300); /* 0.1 more */
	assert_int_equal(ahead(), 300);
	until(1004 * S - 1);
	trade(side_sell, 9800, 500);
	desk_expect_fill(&d, 0, 9800, 200, 196 * CENT / 100);
}

/* The level goes and comes again: 3 new ones stand behind us, who have the 2 of before ahead until they are told. */
static void a_level_renewed_is_behind_us(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 1000);
	delta(side_buy, 9800, 0);
	delta(side_buy, 9800, 3000);
	trade(side_sell, 9800, 1900);
	expect_silence();
	trade(side_sell, 9800, 400);
	expect("o1", order_status_partial, reject_none, 300);
	delta(side_buy, 9800, 2600);
	trade(side_sell, 9800, 100);
	expect("o1", order_status_partial, reject_none, 400);
}

/* Told with the time of the book's last change, which shows it already. */
static void tell_of_before(int64_t price, int64_t qty)
{
	d.now--;
	trade(side_sell, price, qty);
}

/* 1.5 of 2 are sold and the book shows it; then we come, behind 0.5; then the sale is told, and one beyond. */
static void placed_between_the_two(void **state)
{
	(void)state;
	delta(side_buy, 9800, 500);
	order(side_buy, tif_gtc, 9800, 1000);
	tell_of_before(9800, 1500);
	tell_of_before(9700, 300);
	expect_silence();
	assert_int_equal(ahead(), 500);
	trade(side_sell, 9800, 700);
	expect("o1", order_status_partial, reject_none, 200);
}

/* One sale of 2.3 takes the 2 at 98 and 0.3 below, where no queue is before us; what follows at 98 is ours. */
static void sold_through_the_level(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 1000);
	delta(side_buy, 9800, 0);
	trade(side_sell, 9800, 1900); /* 0.1 of the 2 were cancelled */
	expect_silence();
	trade(side_sell, 9700, 300);
	expect("o1", order_status_partial, reject_none, 300);
	delta(side_buy, 9800, 5000);
	trade(side_sell, 9800, 100);
	expect("o1", order_status_partial, reject_none, 400);
}

/* Nobody serves anybody while the book is lost; then it shows 0.8, and 1.2 have vanished: after the 1.2 the 0.8. */
static void the_book_was_lost_between(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 1000);
	desk_state(&d, book_state_untrusted);
	trade(side_sell, 9800, 5000);
	expect_silence();
	desk_snapshot(&d, (struct levels)LEVELS({9800, 800}), (struct levels)LEVELS({10000, 1000}));
	desk_state(&d, book_state_trusted);
	trade(side_sell, 9800, 1200);
	expect_silence();
	assert_int_equal(ahead(), 800);
	trade(side_sell, 9800, 900);
	expect("o1", order_status_partial, reject_none, 100);
}

/* One sells 3 down to 98.90: 1 goes to those at 99, and the rest of it, at 98.90, is ours. The trade is theirs. */
static void a_seller_who_stays_is_not_met_twice(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 3000);
	delta(side_buy, 9900, 0);
	delta(side_sell, 9890, 2000);
	expect("o1", order_status_partial, reject_none, 2000);
	trade(side_sell, 9900, 1000);
	expect_silence();
	trade(side_sell, 9900, 500);
	expect("o1", order_status_partial, reject_none, 2500);
}

/* The sale of 0.9 is no cancellation, told late or not; the 0.3 that vanish next are: of 1.1 ahead and 1 behind
 * 0.3 * 1.1 / 2.1 = 0.157 ahead. */
static void what_a_trade_has_explained_is_not_cancelled(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 500);
	delta(side_buy, 9800, 3000);
	assert_int_equal(sale(true, 900, 2100), 0);
	assert_int_equal(ahead(), 1100);
	delta(side_buy, 9800, 1800);
	assert_int_equal(ahead(), 943);
}

/* The collector's clock may run behind the venue's: its snapshot does not make an old trade a new one. */
static void a_snapshot_does_not_put_the_clock_back(void **state)
{
	(void)state;
	delta(side_buy, 9800, 500);
	d.now -= 5;
	desk_snapshot(&d, (struct levels)LEVELS({9800, 500}), (struct levels)LEVELS({10000, 1000}));
	d.now += 5;
	order(side_buy, tif_gtc, 9800, 1000);
	tell_of_before(9800, 1500);
	expect_silence();
	assert_int_equal(ahead(), 500);
}

/* What comes to stand anew, at another price or with more, has another book before it. */
static void a_new_place_is_a_new_queue(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 1000);
	delta(side_buy, 9800, 500);
	named(intent_kind_replace, 1, 0, 1100);
	tell_of_before(9800, 1500);
	expect_silence();
	assert_int_equal(ahead(), 500);
	trade(side_sell, 9800, 600);
	expect("o1", order_status_partial, reject_none, 100);
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
	assert_string_equal(venue_words(&event, reject_duplicate, buy, false), "order_already_exists");
	assert_null(venue_words(&event, reject_tick_size, buy, false)); /* nobody has seen it */
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
		BOTH_WITH(the_trade_is_told_first, open_back),
		BOTH_WITH(the_trade_is_told_first, open_share),
		BOTH_WITH(the_trade_is_told_first, open_square),
		BOTH_WITH(the_book_is_first, open_back),
		BOTH_WITH(the_book_is_first, open_share),
		BOTH_WITH(the_book_is_first, open_square),
		BOTH_WITH(through_fills_at_its_price_in_no_order, open_through),
		BOTH_WITH(what_vanished_waits_for_its_trade, open_back),
		BOTH_WITH(a_level_renewed_is_behind_us, open_back),
		BOTH_WITH(placed_between_the_two, open_back),
		BOTH_WITH(placed_between_the_two, open_share),
		BOTH_WITH(sold_through_the_level, open_back),
		BOTH_WITH(the_book_was_lost_between, open_back),
		BOTH_WITH(a_seller_who_stays_is_not_met_twice, open_back),
		BOTH_WITH(what_a_trade_has_explained_is_not_cancelled, open_share),
		BOTH_WITH(a_snapshot_does_not_put_the_clock_back, open_back),
		BOTH_WITH(a_new_place_is_a_new_queue, open_back),
		BOTH_WITH(orders_do_not_outlive_their_market, open_back),
		BOTH(the_price_band_is_the_venues),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(a_venue_words_its_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
