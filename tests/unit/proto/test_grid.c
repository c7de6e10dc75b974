/* test_grid - prices in ranges: which there are, which is the next lower one, and what makes no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "proto/grid.h"

/* Kalshi's tapered_deci_cent at three decimals. */
static const struct grid_range tapered[] = {{0, 1}, {100, 10}, {900, 1}};

static struct ev_instrument made(const struct grid_range *at, uint32_t n)
{
	struct ev_instrument d = {0};
	assert_int_equal(grid_set(&d, at, n), 0);
	assert_true(grid_sound(&d));
	return d;
}

static void prices_of_a_tapered_market(void **state)
{
	(void)state;
	struct ev_instrument d = made(tapered, 3);
	static const struct {
		int64_t price, floor;
	} rows[] = {{1, 1},     {99, 99},   {100, 100}, {101, 100}, {109, 100}, {110, 110},
		    {895, 890}, {899, 890}, {900, 900}, {901, 901}, {999, 999}, {0, 0}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(grid_floor(&d, rows[i].price), rows[i].floor);
		assert_int_equal(grid_holds(&d, rows[i].price), rows[i].price == rows[i].floor);
	}
	assert_int_equal(d.tick_size, 1);
}

/* Steps are counted from where their range begins, and a boundary is a price, whatever the step below it. */
static void steps_are_counted_from_the_boundary(void **state)
{
	(void)state;
	static const struct grid_range at[] = {{0, 20}, {50, 30}};
	struct ev_instrument d = made(at, 2);
	assert_true(grid_holds(&d, 40) && grid_holds(&d, 50) && grid_holds(&d, 80));
	assert_false(grid_holds(&d, 60) || grid_holds(&d, 90));
	assert_int_equal(grid_floor(&d, 49), 40);
	assert_int_equal(grid_floor(&d, 79), 50);
	assert_int_equal(d.tick_size, 10); /* what 20, 30 and 50 are multiples of */
}

static void one_tick_or_none(void **state)
{
	(void)state;
	static const struct grid_range one = {0, 5};
	struct ev_instrument d = made(&one, 1), any = {0};
	assert_int_equal(d.tick_1, 0);
	assert_int_equal(d.tick_size, 5);
	assert_true(grid_holds(&d, 15) && !grid_holds(&d, 16));
	assert_int_equal(grid_floor(&d, 19), 15);
	assert_true(grid_sound(&any) && grid_holds(&any, 7));
	assert_int_equal(grid_floor(&any, 7), 7);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	static const struct grid_range late[] = {{10, 1}}, still[] = {{0, 1}, {100, 0}};
	static const struct grid_range back[] = {{0, 1}, {50, 1}, {50, 2}}, many[GRID_RANGES_MAX + 1] = {{0, 1}};
	struct ev_instrument d = {0};
	assert_int_equal(grid_set(&d, late, 1), ERR_RANGE);
	assert_int_equal(grid_set(&d, still, 2), ERR_RANGE);
	assert_int_equal(grid_set(&d, back, 3), ERR_RANGE);
	assert_int_equal(grid_set(&d, many, GRID_RANGES_MAX + 1), ERR_TOO_LONG);
	assert_int_equal(d.tick_size, 0);
	assert_false(grid_sound(&(struct ev_instrument){.tick_size = -1}));
	assert_false(grid_sound(&(struct ev_instrument){.tick_1 = -1}));
	assert_false(grid_sound(&(struct ev_instrument){.from_2 = 5, .tick_2 = 1})); /* no first range */
	assert_false(grid_sound(&(struct ev_instrument){.tick_1 = 1, .from_2 = 5}));
	assert_false(grid_sound(&(struct ev_instrument){.tick_1 = 1, .from_3 = 5, .tick_3 = 1}));
	struct ev_instrument flat = {.tick_1 = 1, .from_2 = 5, .tick_2 = 1, .from_3 = 5, .tick_3 = 1};
	assert_false(grid_sound(&flat));
}

/* Against the definition, price by price, for grids of any kind. */
static void every_price_against_the_definition(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 7);
	for (int round = 0; round < 200; round++) {
		struct grid_range at[GRID_RANGES_MAX] = {{0, 1 + (int64_t)rng_below(&r, 12)}};
		uint32_t n = 2 + (uint32_t)rng_below(&r, GRID_RANGES_MAX - 1);
		for (uint32_t i = 1; i < n; i++)
			at[i] = (struct grid_range){at[i - 1].from + 1 + (int64_t)rng_below(&r, 60),
						    1 + (int64_t)rng_below(&r, 12)};
		struct ev_instrument d = made(at, n);
		int64_t last = 0;
		for (int64_t price = 0; price < 400; price++) {
			uint32_t k = n - 1;
			while (at[k].from > price)
				k--;
			bool is = (price - at[k].from) % at[k].tick == 0;
			last = is ? price : last;
			assert_int_equal(grid_holds(&d, price), is);
			assert_int_equal(grid_floor(&d, price), last);
			assert_true(!is || price % d.tick_size == 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_of_a_tapered_market),
		cmocka_unit_test(steps_are_counted_from_the_boundary),
		cmocka_unit_test(one_tick_or_none),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(every_price_against_the_definition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
