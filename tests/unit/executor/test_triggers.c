/* test_triggers - orders that wait for a price, worked out by hand. */
#include "scenario.h"

/* ---- triggers ---- */

static void a_mid_trigger_follows_the_book_and_no_trade(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000); /* 100.00 is ours: the venue still shows it, the mid is 99.50 */
	struct event ev = stop(side_sell, order_type_stop_market, 9900, 1000);
	ev.intent.trigger_by = trigger_by_mid;
	give(&ev);
	expect("o2", order_status_waiting, reject_none, 0);
	trade(side_sell, 9800, 10);
	expect_silence();
	delta(side_buy, 9900, 0); /* 98.00 and 100.00: 99.00 */
	expect("o2", order_status_filled, reject_none, 1000);
	desk_expect_fill(&d, 0, 9800, 1000, 98 * CENT / 10);
}

static void a_blind_market_triggers_nothing(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	struct event ev = stop(side_sell, order_type_stop_market, 9900, 1000);
	give(&ev);
	desk_state(&d, book_state_stale);
	trade(side_sell, 9700, 10);
	expect_silence();
	desk_state(&d, book_state_trusted);
	uint8_t origin = d.origin;
	d.origin = origin_live; /* another origin's trade, and its word that the book is not ours */
	trade(side_sell, 9700, 10);
	expect_silence();
	d.origin = origin;
	trade(side_sell, 9700, 10);
	expect_silence(); /* foreign until a snapshot */
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}, {9800, 2000}), (struct levels)LEVELS({10000, 1000}));
	desk_until(&d, d.now + 6 * S);
	trade(side_sell, 9700, 10);
	expect_silence(); /* no news of the book for 5 s */
	delta(side_sell, 10000, 1000);
	trade(side_sell, 9700, 10);
	expect("o2", order_status_filled, reject_none, 1000);
}

/* Sells when the price falls 1.00 behind the highest: 100, 101, 100.50, 102, then 101.00. */
static void a_trailing_stop_follows_by_an_amount(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	trade(side_buy, 10000, 10);
	struct event ev = wish(side_sell, order_type_trailing_stop, 0, 1000);
	ev.intent.trail = 100;
	give(&ev);
	expect("o2", order_status_waiting, reject_none, 0);
	static const int64_t prices[] = {10100, 10050, 10200, 10101};
	for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
		trade(side_buy, prices[i], 10);
		expect_silence();
	}
	trade(side_sell, 10100, 10);
	expect("o2", order_status_filled, reject_none, 1000);
	desk_expect_fill(&d, 0, 9900, 1000, 99 * CENT / 10);
}

/* Buys 1 % above the lowest, once it has been at 97.00: 98 does nothing; 96 is the lowest; 96.96 turns (96 * 1.01). */
static void a_trailing_stop_waits_for_its_activation(void **state)
{
	(void)state;
	trade(side_buy, 10000, 10);
	struct event ev = stop(side_buy, order_type_trailing_stop, 9700, 500);
	ev.intent.trail_bp = 100;
	give(&ev);
	expect("o1", order_status_waiting, reject_none, 0);
	trade(side_sell, 9800, 10);
	trade(side_buy, 9950, 10);
	expect_silence();
	trade(side_sell, 9700, 10);
	expect("o1", order_status_waiting, reject_none, 0);
	assert_int_equal(said("o1")->trigger_price, 0); /* it follows from here */
	trade(side_sell, 9600, 10);
	trade(side_buy, 9695, 10);
	expect_silence();
	trade(side_buy, 9696, 10);
	expect("o1", order_status_filled, reject_none, 500);
	desk_expect_fill(&d, 0, 10000, 500, 5 * CENT);
	ev = stop(side_buy, order_type_trailing_stop, 9700, 500);
	ev.intent.trail_bp = 100;
	ev.intent.trail = 100;
	refused(ev, reject_invalid);
}

static void money_of_what_waits(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	struct event ev = stop(side_sell, order_type_stop_market, 9500, 600);
	give(&ev);
	desk_expect_balance(&d, "ONE", CASH(1), 60 * CENT);
	ev = stop(side_sell, order_type_stop_market, 9400, 600);
	refused(ev, reject_balance);
	ev = stop(side_buy, order_type_stop_limit, 10500, 1000);
	ev.intent.price = 10600; /* 106 and a thousandth */
	give(&ev);
	desk_expect_balance(&d, "USDT", CASH(1000) - 10010 * CENT, 106 * CASH(1) + 106 * CENT / 10);
	named(intent_kind_cancel, 4, 0, 0);
	desk_expect_balance(&d, "USDT", CASH(1000) - 10010 * CENT, 0);
}

/* A stop that cannot be paid when it fires is cancelled, and says why. */
static void a_stop_that_nobody_can_pay(void **state)
{
	(void)state;
	struct event ev = stop(side_buy, order_type_stop_market, 10200, 5000);
	give(&ev);
	order(side_buy, tif_gtc, 9000, 9000); /* 810 of the 1000 */
	trade(side_buy, 10200, 10);
	expect("o1", order_status_cancelled, reject_balance, 0);
	assert_int_equal(desk_count(&d, EVENT_fill), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_mid_trigger_follows_the_book_and_no_trade),
		BOTH(a_blind_market_triggers_nothing),
		BOTH(a_trailing_stop_follows_by_an_amount),
		BOTH(a_trailing_stop_waits_for_its_activation),
		BOTH(money_of_what_waits),
		BOTH(a_stop_that_nobody_can_pay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
