/* test_remote_money - a live account: budgets of what the venue says it has, results of what it filled, its locks. */
#include "at_venue.h"

static int open_live(void **state)
{
	struct executor_settings s = desk_settings();
	char reason[300], text[] = "s=0.5";
	s.allocation = (struct allocation_settings){
		.method = allocation_method_fixed, .every_ns = 3600 * S, .window = 24, .leverage = 1};
	assert_int_equal(allocation_parse(&s.allocation, text, reason, sizeof(reason)), 0);
	through_disk = *state != NULL;
	open_funded(s, CASH(1000));
	return 0;
}

static int64_t flow(void)
{
	return d.x->allocation.of[0].flow[0];
}

/* Half of 1000, told with the first wish; not half of the nothing that it had when it was opened. */
static void a_share_is_of_what_the_venue_says(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 5060); /* 500.94 */
	expect("o1", order_status_rejected, reject_risk_budget, 0);
	order(side_buy, tif_gtc, 9900, 5000); /* 495 at its limit, 497.5 at the mid */
	expect("o2", order_status_pending, reject_none, 0);
	tell(venue_says_funds, "USDT", CASH(2000)); /* it is ours by then: nothing is taken over */
	assert_int_equal(d.x->allocation.of[0].budget, CASH(500));
	desk_command(&d, verb_reset, "", "looked", 0);
	tell(venue_says_funds, "USDT", CASH(1200));
	tell(venue_says_agreed, "", 0);
	order(side_buy, tif_gtc, 9900, 1000);
	expect("o3", order_status_pending, reject_none, 0);
	assert_int_equal(d.x->allocation.of[0].budget, CASH(600));
}

/* What is paid in the base is missing from what is held, and counts once. */
static void a_result_is_what_came_of_it(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 10000, 1000);
	write_down(NULL);
	charge.amount = CENT;
	trades("o1", "1", side_buy, 10000, 500);
	assert_int_equal(flow(), -50 * CASH(1) - CENT);
	charge = (struct charge){"ONE", CASH(1) / 100};
	trades("o1", "2", side_buy, 10000, 500);
	assert_int_equal(flow(), -100 * CASH(1) - CENT);
	order(side_sell, tif_gtc, 10000, 900);
	write_down(NULL);
	charge = (struct charge){"USDT", 0};
	trades("o2", "3", side_sell, 10100, 900);
	assert_int_equal(flow(), -100 * CASH(1) - CENT + 9090 * CENT);
	int64_t was = flow();
	take_over();
	assert_int_equal(flow(), was);
}

/* At market what it may still cost stays locked after each trade: no limit says what the rest needs. */
static void an_order_at_market_keeps_its_lock(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 2000);
	int64_t locked = account_find(&d.x->account, "USDT")->locked;
	assert_true(locked > 200 * CASH(1));
	trades("o1", "1", side_buy, 10000, 500);
	desk_expect_balance(&d, "USDT", CASH(950), locked - 50 * CASH(1));
	trades("o1", "2", side_buy, 10000, 1500);
	desk_expect_balance(&d, "USDT", CASH(800), 0);
}

/* The same pair at another venue, which this one would take for its own. */
static void another_venues_instrument_is_refused(void **state)
{
	(void)state;
	event_set_name(d.x->settings.venue, "OTHER");
	order(side_buy, tif_gtc, 9900, 1000);
	expect("o1", order_status_rejected, reject_not_live, 0);
	event_set_name(d.x->settings.venue, "TEST");
	order(side_buy, tif_gtc, 9900, 1000);
	expect("o2", order_status_pending, reject_none, 0);
}

#define LIVE(test)                                                                                                     \
	cmocka_unit_test_setup_teardown(test, open_live, close_desk),                                                  \
		cmocka_unit_test_prestate_setup_teardown(test, open_live, close_desk, &on)

int main(void)
{
	static bool on = true;
	const struct CMUnitTest tests[] = {
		LIVE(a_share_is_of_what_the_venue_says),
		LIVE(a_result_is_what_came_of_it),
		LIVE(an_order_at_market_keeps_its_lock),
		LIVE(another_venues_instrument_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
