/* test_widen - an instrument at finer scales is the same one: every price and quantity of it moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "services/collector/state.h"

static void every_price_and_quantity_moves(void **state)
{
	(void)state;
	struct ev_instrument i = {.price_scale = 2, .qty_scale = 3, .tick_size = 1, .price_min = 2, .price_max = 3};
	i.lot_size = 4;
	i.qty_min = 5;
	i.qty_max = 6;
	i.market_qty_max = 7;
	i.market_lot_size = 8;
	i.market_qty_min = 9;
	i.position_max = 10;
	assert_true(widen_instrument(&i, 3, 5));
	assert_int_equal(i.price_scale, 3);
	assert_int_equal(i.qty_scale, 5);
	assert_int_equal(i.tick_size, 10);
	assert_int_equal(i.price_min, 20);
	assert_int_equal(i.price_max, 30);
	assert_int_equal(i.lot_size, 400);
	assert_int_equal(i.qty_min, 500);
	assert_int_equal(i.qty_max, 600);
	assert_int_equal(i.market_qty_max, 700);
	assert_int_equal(i.market_lot_size, 800);
	assert_int_equal(i.market_qty_min, 900);
	assert_int_equal(i.position_max, 1000);
	struct ev_instrument was = i;
	assert_false(widen_instrument(&i, 2, 5));
	i.position_max = was.position_max = INT64_MAX / 2;
	assert_false(widen_instrument(&i, 3, 6)); /* it does not fit: nothing has moved */
	assert_int_equal(i.position_max, was.position_max);
	assert_int_equal(i.lot_size, was.lot_size);
	assert_int_equal(i.qty_scale, was.qty_scale);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_price_and_quantity_moves)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
