/* test_remote_losses - what a live account has lost: counted from what the venue says it has, not from what was paid
 * in or taken out.
 */
#include "scenario.h"

static struct event journal[200];
static uint32_t journalled;

/* What the venue said is on record before what followed from it. */
static void write_down(const struct event *said)
{
	if (said)
		journal[journalled++] = *said;
	for (uint32_t i = 0; i < d.n; i++)
		journal[journalled++] = d.out[i];
}

static void tell(enum venue_says says, const char *asset, int64_t amount)
{
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	ev.venue_report = (struct ev_venue_report){.says = (uint8_t)says, .cash_scale = 8, .amount = amount};
	event_set_name(ev.venue_report.account, "paper");
	event_set_name(ev.venue_report.asset, asset);
	give(&ev);
	write_down(&ev);
}

static void trades(const char *id, const char *trade_id, enum side side, int64_t price, int64_t qty)
{
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	struct ev_venue_report *r = &ev.venue_report;
	*r = (struct ev_venue_report){.says = venue_says_trade, .price_scale = 2, .qty_scale = 3, .cash_scale = 8};
	event_set_name(r->account, "paper");
	event_set_name(r->client_order_id, id);
	event_set_name(r->trade_id, trade_id);
	event_set_name(r->fee_asset, "USDT");
	r->instrument = desk_symbol("ONE.TEST");
	r->side = (uint8_t)side;
	r->price = price;
	r->qty = qty;
	give(&ev);
	write_down(&ev);
}

/* What is there at first is the venue's to say: the settings say nothing. */
static void open_live(void **state, int64_t loss_max, int64_t day_loss_max)
{
	struct executor_settings s = desk_settings();
	s.remote = true;
	s.n_balances = 0;
	s.loss_max = loss_max;
	s.guard.day_loss_max = day_loss_max;
	through_disk = *state != NULL;
	journalled = 0;
	desk_open(&d, &s);
	desk_instrument(&d);
	write_down(NULL);
	desk_book(&d);
	step();
	tell(venue_says_funds, "USDT", CASH(1000));
	tell(venue_says_agreed, "", 0);
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

static void take_over(void)
{
	struct executor_settings s = d.x->settings;
	struct executor *y = NULL;
	struct event def = desk_definition("ONE.TEST", "ONE");
	assert_int_equal(executor_new(&s, &y), 0);
	def.origin = d.origin;
	def.ts_recv = def.ts_event = d.now;
	executor_core.on_event(y, d.now, &def, &d.sink);
	for (uint32_t i = 0; i < journalled; i++)
		executor_core.on_own(y, &journal[i]);
	executor_free(d.x);
	d.x = y;
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
