/* test_by_hand - orders that a person cancels: by whose name, and nothing else. */
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

static void cancel(const char *target)
{
	desk_command(&d, verb_cancel, target, "news", 0);
}

/* Two resting orders; their ids stay in the desk's outputs. */
static void two_rest(char first[EVENT_NAME_MAX])
{
	desk_order(&d, side_buy, tif_gtc, 9000, 1000);
	memcpy(first, d.out[0].order.client_order_id, EVENT_NAME_MAX);
	desk_order(&d, side_buy, tif_gtc, 8900, 1000);
	assert_int_equal(executor_open_orders(d.x), 2);
}

static void expect(uint32_t ended, uint32_t open)
{
	assert_int_equal(executor_cancelled_by_hand(d.x), ended);
	assert_int_equal(executor_open_orders(d.x), open);
}

static void one_order_by_its_id(void **state)
{
	(void)state;
	char id[EVENT_NAME_MAX];
	two_rest(id);
	cancel(id);
	assert_string_equal(desk_shape(&d), "ob");
	assert_string_equal(d.out[0].order.client_order_id, id);
	desk_expect_order(&d, order_status_cancelled, reject_by_hand, 0);
	expect(1, 1);
	cancel(id); /* it has ended */
	assert_int_equal(d.n, 0);
	expect(0, 1);
}

static void names_of_nothing_end_nothing(void **state)
{
	const char *const names[] = {"OTHER.TEST", "ON", "nobody", "live"};
	char id[EVENT_NAME_MAX];
	(void)state;
	two_rest(id);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cancel(names[i]);
		assert_int_equal(d.n, 0);
		expect(0, 2);
	}
}

static void by_strategy_instrument_account_and_all(void **state)
{
	const char *const names[] = {"s", "ONE.TEST", "paper", ""};
	char id[EVENT_NAME_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		two_rest(id);
		cancel(names[i]);
		assert_string_equal(desk_shape(&d), "obob");
		expect(2, 0);
		desk_order(&d, side_buy, tif_gtc, 9000, 1000); /* trading goes on */
		desk_expect_order(&d, order_status_open, reject_none, 0);
		cancel("");
		expect(1, 0);
	}
}

static void they_end_in_every_state(void **state)
{
	char id[EVENT_NAME_MAX];
	(void)state;
	two_rest(id);
	desk_command(&d, verb_pause, "", "going home", 0);
	cancel("");
	expect(2, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_order_by_its_id, open_book, close_book),
		cmocka_unit_test_setup_teardown(names_of_nothing_end_nothing, open_book, close_book),
		cmocka_unit_test_setup_teardown(by_strategy_instrument_account_and_all, open_book, close_book),
		cmocka_unit_test_setup_teardown(they_end_in_every_state, open_book, close_book),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
