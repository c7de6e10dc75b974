/* test_remote_losses - what a live account has lost: counted from what the venue says it has, not from what was paid
 * in or taken out.
 */
#include "at_venue.h"

static void open_live(void **state, int64_t loss_max, int64_t day_loss_max)
{
	struct executor_settings s = desk_settings();
	s.loss_max = loss_max;
	s.guard.day_loss_max = day_loss_max;
	through_disk = *state != NULL;
	open_funded(s, CASH(1000));
}

/* Bought at 100, sold at 90. */
static void lose_ten(void)
{
	order(side_buy, tif_gtc, 10000, 1000);
	write_down(NULL);
	trades("o1", "1", side_buy, 10000, 1000);
	assert_int_equal(executor_trading(d.x), trading_running);
	order(side_sell, tif_gtc, 10000, 1000);
	trades("o2", "2", side_sell, 9000, 1000);
}

static void the_whole_loss_halts(void **state)
{
	open_live(state, CASH(10), 0);
	lose_ten();
	assert_int_equal(executor_trading(d.x), trading_halted);
	desk_close(&d);
}

static void the_loss_of_the_first_day_halts(void **state)
{
	open_live(state, 0, CASH(10));
	lose_ten();
	assert_int_equal(executor_trading(d.x), trading_halted);
	desk_close(&d);
}

static void a_smaller_loss_does_not(void **state)
{
	open_live(state, CASH(10) + 1, CASH(10) + 1);
	lose_ten();
	assert_int_equal(executor_trading(d.x), trading_running);
	desk_close(&d);
}

/* After a reset by people the venue's balance is taken over: 500 were taken out, then 700 paid in. */
static void what_is_paid_in_or_out_is_no_result(void **state)
{
	static const int64_t balance[] = {CASH(500), CASH(1200)};
	open_live(state, CASH(10), CASH(10));
	for (size_t i = 0; i < ARRAY_LEN(balance); i++) {
		desk_command(&d, verb_reset, "", "looked", 0);
		tell(venue_says_funds, "USDT", balance[i]);
		tell(venue_says_agreed, "", 0);
		assert_int_equal(account_find(&d.x->account, "USDT")->total, balance[i]);
		desk_until(&d, d.now + 600 * INT64_C(1000000000));
		assert_int_equal(executor_trading(d.x), trading_running);
	}
	desk_book(&d);
	lose_ten();
	assert_int_equal(executor_trading(d.x), trading_halted);
	desk_close(&d);
}

/* From the journal alone: its first worth with what the venue says it has. */
static void a_takeover_counts_from_the_same_worth(void **state)
{
	open_live(state, CASH(10), CASH(10));
	order(side_buy, tif_gtc, 10000, 1000);
	write_down(NULL);
	trades("o1", "1", side_buy, 10000, 1000);
	assert_int_equal(d.x->start_equity, CASH(1000));
	assert_int_equal(d.x->guard.day_start, CASH(1000));
	int64_t first = desk_last(&d, EVENT_equity)->equity.equity;
	take_over();
	assert_true(d.x->started);
	assert_int_equal(d.x->start_equity, first);
	assert_int_equal(d.x->guard.day_start, d.x->start_equity);
	desk_book(&d);
	order(side_sell, tif_gtc, 10000, 1000);
	trades("o2", "2", side_sell, 8900, 1000);
	assert_int_equal(executor_trading(d.x), trading_halted);
	desk_close(&d);
}

int main(void)
{
	static bool on = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_loss_halts),
		cmocka_unit_test_prestate(the_whole_loss_halts, &on),
		cmocka_unit_test(the_loss_of_the_first_day_halts),
		cmocka_unit_test_prestate(the_loss_of_the_first_day_halts, &on),
		cmocka_unit_test(a_smaller_loss_does_not),
		cmocka_unit_test_prestate(a_smaller_loss_does_not, &on),
		cmocka_unit_test(what_is_paid_in_or_out_is_no_result),
		cmocka_unit_test_prestate(what_is_paid_in_or_out_is_no_result, &on),
		cmocka_unit_test(a_takeover_counts_from_the_same_worth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
