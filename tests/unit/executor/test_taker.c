/* test_taker - orders that meet the book at once, worked out by hand. */
#include "desk.h"

static struct desk d;

static int open_book(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
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

/* 1 at 100 and 1.5 at 101 are 251.5; fees 0.1 and 0.1515; 1000 - 251.7515 is left. */
static void market_buy_walks_two_levels(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 2500);
	assert_string_equal(desk_shape(&d), "offopbbe");
	const struct ev_order *first = &desk_said(&d, EVENT_order, 0)->order;
	assert_int_equal(first->status, order_status_open);
	assert_int_equal(first->filled, 0);
	desk_expect_fill(&d, 0, 10000, 1000, 10 * CENT);
	desk_expect_fill(&d, 1, 10100, 1500, 15 * CENT + 15 * CENT / 100);
	desk_expect_order(&d, order_status_filled, reject_none, 2500);
	assert_int_equal(desk_last(&d, EVENT_order)->order.avg_price, 10060);
	desk_expect_balance(&d, "USDT", CASH(1000) - 25175 * CENT - 15 * CENT / 100, 0);
	desk_expect_balance(&d, "ONE", 250 * CENT, 0);
	const struct ev_position *p = &desk_last(&d, EVENT_position)->position;
	assert_int_equal(p->qty, 2500);
	assert_int_equal(p->avg_price, 10060);
	assert_int_equal(p->realised, 0);
	assert_int_equal(p->fees, 25 * CENT + 15 * CENT / 100);
	const struct ev_fill *f = &desk_said(&d, EVENT_fill, 1)->fill;
	assert_int_equal(f->fill_id, 2);
	assert_int_equal(f->liquidity, liquidity_taker);
	assert_int_equal(f->book_at, d.now);
	assert_string_equal(f->fee_asset, "USDT");
}

static void results_carry_their_times_and_origin(void **state)
{
	(void)state;
	d.now += 7;
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	for (uint32_t i = 0; i < d.n; i++) {
		assert_int_equal(d.out[i].ts_event, d.now);
		assert_int_equal(d.out[i].ts_recv, d.now + 10 * MS);
		assert_int_equal(d.out[i].origin, origin_simulated);
	}
}

/* Bought 2.5 at 100.6 average; 1 sold at 99 and 1 at 98: cost of 2 is 201.2, proceeds 197: -4.2. */
static void selling_realises_at_average_cost(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 2500);
	int64_t cash = desk_last(&d, EVENT_balance)->balance.total;
	desk_order(&d, side_sell, tif_ioc, 0, 2000);
	desk_expect_fill(&d, 0, 9900, 1000, 99 * CENT / 10);
	desk_expect_fill(&d, 1, 9800, 1000, 98 * CENT / 10);
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.realised, -160 * CENT);
	assert_int_equal(desk_said(&d, EVENT_fill, 1)->fill.realised, -260 * CENT);
	const struct ev_position *p = &desk_last(&d, EVENT_position)->position;
	assert_int_equal(p->qty, 500);
	assert_int_equal(p->avg_price, 10060);
	assert_int_equal(p->realised, -420 * CENT);
	desk_expect_balance(&d, "USDT", cash + 19700 * CENT - 197 * CENT / 10, 0);
	desk_expect_balance(&d, "ONE", 50 * CENT, 0);
}

static void market_beyond_the_book_is_cut_off(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 8500);
	assert_string_equal(desk_shape(&d), "offfopbbe");
	desk_expect_order(&d, order_status_cancelled, reject_depth, 8000);
	/* 100 + 202 + 515 and a thousandth of it. */
	desk_expect_balance(&d, "USDT", CASH(1000) - 81700 * CENT - 817 * CENT / 10, 0);
}

/* Asks are known up to 101.00 only: what stands at 103.00 may not be all of it, or not the best. */
static void nothing_beyond_the_guaranteed_depth(void **state)
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
		.bids = LEVELS({9900, 1000}, {9800, 2000}),
		.asks = LEVELS({10000, 1000}, {10100, 2000}, {10300, 5000}),
	};
	desk_feed(&d, &ev);
	desk_order(&d, side_buy, tif_ioc, 0, 4000);
	desk_expect_order(&d, order_status_cancelled, reject_depth, 3000);
	desk_order(&d, side_sell, tif_ioc, 0, 2000);
	desk_expect_order(&d, order_status_cancelled, reject_depth, 1000);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_depth, 0);
}

static void what_was_taken_is_gone_until_renewed(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 400);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_expect_fill(&d, 0, 10000, 600, 6 * CENT);
	desk_expect_fill(&d, 1, 10100, 400, 404 * CENT / 100);
	desk_delta(&d, side_sell, 10100, 2000); /* renews 101.00 only */
	desk_order(&d, side_buy, tif_ioc, 0, 2000);
	desk_expect_fill(&d, 0, 10100, 2000, 202 * CENT / 10);
	desk_delta(&d, side_sell, 10000, 300);
	desk_order(&d, side_buy, tif_ioc, 0, 500);
	desk_expect_fill(&d, 0, 10000, 300, 3 * CENT);
	desk_expect_fill(&d, 1, 10300, 200, 206 * CENT / 100);
}

static void a_book_shown_anew_renews_what_changed(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 1400); /* 1000 at 100.00, 400 at 101.00 */
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}),
		      (struct levels)LEVELS({10000, 1000}, {10100, 900}));
	desk_order(&d, side_buy, tif_ioc, 0, 500);
	desk_expect_fill(&d, 0, 10100, 500, 505 * CENT / 100);
}

static void a_book_that_was_lost_is_another_one(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_state(&d, book_state_untrusted);
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}),
		      (struct levels)LEVELS({10000, 1000}));
	desk_state(&d, book_state_trusted);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_expect_fill(&d, 0, 10000, 1000, 10 * CENT);
}

static void limit_ioc_takes_up_to_its_price(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 10050, 1500);
	assert_string_equal(desk_shape(&d), "ofopbbe");
	desk_expect_order(&d, order_status_cancelled, reject_none, 1000);
	desk_expect_balance(&d, "USDT", CASH(900) - 10 * CENT, 0);
	desk_order(&d, side_buy, tif_ioc, 9990, 1500);
	assert_string_equal(desk_shape(&d), "oob");
	desk_expect_order(&d, order_status_cancelled, reject_none, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void limit_fok_is_all_or_nothing(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_fok, 10100, 3001);
	assert_string_equal(desk_shape(&d), "o");
	desk_expect_order(&d, order_status_rejected, reject_not_fillable, 0);
	desk_order(&d, side_buy, tif_fok, 10100, 3000);
	desk_expect_order(&d, order_status_filled, reject_none, 3000);
	desk_order(&d, side_buy, tif_fok, 0, 5001);
	desk_expect_order(&d, order_status_rejected, reject_not_fillable, 0);
}

/* 1 at 100 is taken, 1 rests at 100.50: 100.50 and a fee of 0.1005 stay locked. */
static void limit_gtc_takes_then_rests(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 10050, 2000);
	assert_string_equal(desk_shape(&d), "ofopbbe");
	desk_expect_order(&d, order_status_partial, reject_none, 1000);
	desk_expect_balance(&d, "USDT", CASH(900) - 10 * CENT, 10060 * CENT + 5 * CENT / 100);
	assert_int_equal(executor_open_orders(d.x), 1);
	desk_cancel(&d, 1);
	assert_string_equal(desk_shape(&d), "ob");
	desk_expect_order(&d, order_status_cancelled, reject_none, 1000);
	desk_expect_balance(&d, "USDT", CASH(900) - 10 * CENT, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void resting_sell_locks_base(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_order(&d, side_sell, tif_gtc, 11000, 600);
	assert_string_equal(desk_shape(&d), "ob");
	desk_expect_balance(&d, "ONE", 100 * CENT, 60 * CENT);
	desk_order(&d, side_sell, tif_ioc, 0, 500);
	desk_expect_order(&d, order_status_rejected, reject_balance, 0);
	desk_order(&d, side_sell, tif_ioc, 0, 400);
	desk_expect_order(&d, order_status_filled, reject_none, 400);
	desk_expect_balance(&d, "ONE", 60 * CENT, 60 * CENT);
}

/* Exactly what a market buy costs is enough; one unit less is not. */
static void the_last_unit_counts(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.balance[0].amount = 25175 * CENT + 15 * CENT / 100;
	struct desk rich, poor;
	desk_open(&rich, &s);
	desk_book(&rich);
	desk_order(&rich, side_buy, tif_ioc, 0, 2500);
	desk_expect_order(&rich, order_status_filled, reject_none, 2500);
	desk_expect_balance(&rich, "USDT", 0, 0);
	desk_close(&rich);
	s.balance[0].amount--;
	desk_open(&poor, &s);
	desk_book(&poor);
	desk_order(&poor, side_buy, tif_ioc, 0, 2500);
	desk_expect_order(&poor, order_status_rejected, reject_balance, 0);
	desk_close(&poor);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		TEST(market_buy_walks_two_levels),
		TEST(results_carry_their_times_and_origin),
		TEST(selling_realises_at_average_cost),
		TEST(market_beyond_the_book_is_cut_off),
		TEST(nothing_beyond_the_guaranteed_depth),
		TEST(what_was_taken_is_gone_until_renewed),
		TEST(a_book_shown_anew_renews_what_changed),
		TEST(a_book_that_was_lost_is_another_one),
		TEST(limit_ioc_takes_up_to_its_price),
		TEST(limit_fok_is_all_or_nothing),
		TEST(limit_gtc_takes_then_rests),
		TEST(resting_sell_locks_base),
		TEST(the_last_unit_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
