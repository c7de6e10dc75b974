/* test_maker - resting orders: queues, trades at and through the price, books that come. */
#include "desk.h"

static struct desk d;

static int open_book(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.maker_fee = 20000; /* 0.0002: to be told from the taker's 0.001 */
	desk_open(&d, &s);
	desk_book(&d);
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	desk_close(&d);
	return 0;
}

static void the_queue_goes_first(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9900, 500); /* behind the 1 that is shown there */
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, 600);
	assert_int_equal(d.n, 0);
	desk_trade(&d, side_sell, 9900, 600); /* 0.4 of the queue, then 0.2 for us */
	assert_string_equal(desk_shape(&d), "fopbbe");
	desk_expect_fill(&d, 0, 9900, 200, 396000); /* 19.8 at 0.0002 is 0.00396 */
	assert_int_equal(desk_last(&d, EVENT_fill)->fill.liquidity, liquidity_maker);
	desk_expect_order(&d, order_status_partial, reject_none, 200);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, 1000);
	desk_expect_fill(&d, 0, 9900, 300, 594000);
	desk_expect_order(&d, order_status_filled, reject_none, 500);
	desk_expect_balance(&d, "USDT", CASH(1000) - 4950 * CENT - 990000, 0);
	desk_expect_balance(&d, "ONE", 50 * CENT, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void only_the_other_side_fills(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9950, 500); /* nobody ahead */
	desk_clear(&d);
	desk_trade(&d, side_buy, 9950, 5000);
	desk_trade(&d, side_none, 9950, 5000);
	desk_trade(&d, side_sell, 9951, 5000);
	assert_int_equal(d.n, 0);
	desk_trade(&d, side_sell, 9950, 100);
	desk_expect_fill(&d, 0, 9950, 100, 199000);
}

static void a_trade_through_the_price_skips_the_queue(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9900, 500);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9890, 300);
	desk_expect_fill(&d, 0, 9900, 300, 594000); /* at our price, never better */
	desk_expect_order(&d, order_status_partial, reject_none, 300);
	desk_trade(&d, side_sell, 9900, 100); /* the queue is gone for good */
	desk_expect_order(&d, order_status_partial, reject_none, 400);
}

static void cancels_ahead_shorten_the_queue(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9900, 500);
	desk_delta(&d, side_buy, 9900, 300);
	desk_until(&d, d.now + 2 * S); /* no trade has told of it: it was cancelled */
	desk_delta(&d, side_buy, 9900, 5000); /* what came later is behind us */
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, 400);
	desk_expect_fill(&d, 0, 9900, 100, 198000);
}

static void a_trade_is_shared_best_price_then_oldest_first(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9940, 300);
	desk_order(&d, side_buy, tif_gtc, 9950, 300);
	desk_order(&d, side_buy, tif_gtc, 9950, 300);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9930, 700);
	assert_int_equal(desk_count(&d, EVENT_fill), 3);
	assert_string_equal(desk_said(&d, EVENT_fill, 0)->fill.client_order_id, "o2");
	assert_string_equal(desk_said(&d, EVENT_fill, 1)->fill.client_order_id, "o3");
	assert_string_equal(desk_said(&d, EVENT_fill, 2)->fill.client_order_id, "o1");
	desk_expect_fill(&d, 0, 9950, 300, 597000);
	desk_expect_fill(&d, 1, 9950, 300, 597000);
	desk_expect_fill(&d, 2, 9940, 100, 198800);
	assert_int_equal(executor_open_orders(d.x), 1);
}

/* Two orders in one queue of 1: a trade of 1.5 has 0.5 for both of them together. */
static void the_queue_is_not_walked_twice(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9900, 300);
	desk_order(&d, side_buy, tif_gtc, 9900, 300);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, 1500);
	desk_expect_fill(&d, 0, 9900, 300, 594000);
	desk_expect_fill(&d, 1, 9900, 200, 396000);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, 50);
	desk_expect_fill(&d, 0, 9900, 50, 99000);
}

/* Asks come down to our bid: what they show there is ours, once. */
static void a_book_that_comes_to_us_fills(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9950, 900);
	desk_clear(&d);
	desk_delta(&d, side_sell, 9940, 200);
	desk_expect_fill(&d, 0, 9950, 200, 398000);
	desk_clear(&d);
	desk_delta(&d, side_sell, 10300, 4000); /* news elsewhere: the 0.2 are taken */
	assert_int_equal(d.n, 0);
	desk_delta(&d, side_sell, 9940, 250); /* a new total of that level counts in full */
	desk_expect_fill(&d, 0, 9950, 250, 497500);
	desk_order(&d, side_buy, tif_ioc, 9940, 250);
	desk_expect_order(&d, order_status_cancelled, reject_none, 0);
}

static void sells_mirror_buys(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_order(&d, side_sell, tif_gtc, 10100, 400); /* behind 2 */
	desk_clear(&d);
	desk_trade(&d, side_buy, 10100, 2100);
	desk_expect_fill(&d, 0, 10100, 100, 202000);
	desk_trade(&d, side_buy, 10101, 100);
	desk_expect_order(&d, order_status_partial, reject_none, 200);
	desk_delta(&d, side_sell, 10000, 0);
	desk_delta(&d, side_sell, 10100, 0);
	desk_clear(&d);
	desk_delta(&d, side_buy, 10150, 150);
	desk_expect_fill(&d, 0, 10100, 150, 303000);
}

static void no_fill_without_a_book_to_trust(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9950, 900);
	desk_clear(&d);
	desk_state(&d, book_state_untrusted);
	desk_trade(&d, side_sell, 9900, 5000);
	desk_snapshot(&d, (struct levels)LEVELS({9800, 1000}), (struct levels)LEVELS({9900, 100}));
	assert_int_equal(d.n, 0);
	desk_state(&d, book_state_trusted); /* it comes to us the moment it can be trusted */
	desk_expect_fill(&d, 0, 9950, 100, 199000);
	desk_clear(&d);
	desk_delta(&d, side_buy, 9990, 100); /* crossed in itself */
	desk_trade(&d, side_sell, 9900, 100);
	assert_int_equal(d.n, 0);
	desk_delta(&d, side_buy, 9990, 0);
	d.now += 5 * S + 1;
	desk_trade(&d, side_sell, 9900, 100); /* stale */
	assert_int_equal(d.n, 0);
}

/* Rests below what the book guarantees: how much is ahead is unknown, so no trade at its price is
 * ours. */
static void unknown_depth_is_an_endless_queue(void **state)
{
	(void)state;
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot = (struct ev_book_snapshot){
		.instrument = desk_symbol("ONE.TEST"),
		.price_scale = 2,
		.qty_scale = 3,
		.bid_floor = 9900,
		.ask_ceil = 10100,
		.bids = LEVELS({9900, 1000}),
		.asks = LEVELS({10000, 1000}),
	};
	desk_feed(&d, &ev);
	desk_order(&d, side_buy, tif_gtc, 9800, 500);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9800, 90000);
	assert_int_equal(d.n, 0);
	desk_snapshot(&d, (struct levels)LEVELS({9800, 100}), (struct levels)LEVELS({9900, 1000}));
	desk_trade(&d, side_sell, 9800, 150);
	desk_expect_fill(&d, 0, 9800, 50, 98000);
}

static void trades_that_make_no_sense_are_counted(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9950, 900);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, -5);
	desk_trade(&d, side_sell, 0, 5);
	assert_int_equal(d.n, 0);
	assert_int_equal(executor_counters(d.x)->bad_books, 2);
}

/* The lock follows what is left: 99 x 0.5 with the dearer of both fees. */
static void the_lock_shrinks_with_each_fill(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9900, 1000);
	desk_expect_balance(&d, "USDT", CASH(1000), 9900 * CENT + 99 * CENT / 10);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9800, 500);
	desk_expect_balance(&d, "USDT", CASH(1000) - 4950 * CENT - 990000,
			    4950 * CENT + 495 * CENT / 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		TEST(the_queue_goes_first),
		TEST(only_the_other_side_fills),
		TEST(a_trade_through_the_price_skips_the_queue),
		TEST(cancels_ahead_shorten_the_queue),
		TEST(a_trade_is_shared_best_price_then_oldest_first),
		TEST(the_queue_is_not_walked_twice),
		TEST(a_book_that_comes_to_us_fills),
		TEST(sells_mirror_buys),
		TEST(no_fill_without_a_book_to_trust),
		TEST(unknown_depth_is_an_endless_queue),
		TEST(trades_that_make_no_sense_are_counted),
		TEST(the_lock_shrinks_with_each_fill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
