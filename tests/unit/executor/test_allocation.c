/* test_allocation - shares by hand, budgets before every order, and that a restart changes none of it.
 *
 * The desk's book: 99.00 x 1, 98.00 x 2 | 100.00 x 1, 101.00 x 2, 103.00 x 5; its mid is 99.50. Cash 1000, fees a
 * thousandth. The orders are of strategy "s".
 */
#include "scenario.h"

#include "common/base/rng.h"
#include "services/executor/share.h"

#define SHARE(hundredths) ((int64_t)(hundredths) * 1000000)
#define HOUR (3600 * S)

/* ---- shares ---- */

static struct share within(int64_t weight, int64_t least, int64_t most)
{
	return (struct share){.weight = weight, .least = SHARE(least), .most = SHARE(most)};
}

static void shares_follow_the_weights(void **state)
{
	struct share s[] = {within(1, 0, 100), within(3, 0, 100), within(4, 0, 100)};
	(void)state;
	share_bound(s, 3);
	assert_int_equal(s[0].share, 12500000);
	assert_int_equal(s[1].share, 37500000);
	assert_int_equal(s[2].share, SHARE(50));
}

/* 1 : 3 : 4 would be 0.125, 0.375, 0.5. The first rises to 0.3: 0.7 are left for 3 : 4. */
static void what_is_too_little_is_filled_up_by_the_others(void **state)
{
	struct share s[] = {within(1, 30, 100), within(3, 0, 100), within(4, 0, 100)};
	(void)state;
	share_bound(s, 3);
	assert_int_equal(s[0].share, SHARE(30));
	assert_int_equal(s[1].share, SHARE(30));
	assert_int_equal(s[2].share, SHARE(40));
}

/* The last falls to 0.2, the others share 0.8 as 1 : 3, of which the second may have 0.5: the first takes 0.3. */
static void what_is_too_much_goes_to_the_others(void **state)
{
	struct share s[] = {within(1, 0, 100), within(3, 0, 50), within(4, 0, 20)};
	(void)state;
	share_bound(s, 3);
	assert_int_equal(s[2].share, SHARE(20));
	assert_int_equal(s[1].share, SHARE(50));
	assert_int_equal(s[0].share, SHARE(30));
}

static void what_nobody_may_have_is_nobodys(void **state)
{
	struct share s[] = {within(1, 0, 30), within(1, 0, 30)}, none[] = {within(0, 0, 100), within(0, 0, 100)};
	(void)state;
	share_bound(s, 2);
	assert_int_equal(s[0].share, SHARE(30));
	assert_int_equal(s[1].share, SHARE(30));
	share_bound(none, 2);
	assert_int_equal(none[0].share, SHARE(50));
}

/* Whatever the weights: each within its bounds, never more than all, and all of it where the bounds allow. */
static void bounds_hold_for_any_weights(void **state)
{
	struct rng rng;
	(void)state;
	rng_seed(&rng, 5);
	for (int round = 0; round < 20000; round++) {
		struct share s[ALLOCATION_MAX];
		uint32_t n = 1 + (uint32_t)rng_below(&rng, ALLOCATION_MAX);
		int64_t most = 0, sum = 0;
		for (uint32_t i = 0; i < n; i++) {
			int64_t least = (int64_t)rng_below(&rng, (uint64_t)(SHARE_ALL / n) + 1);
			int64_t width = (int64_t)rng_below(&rng, (uint64_t)(SHARE_ALL - least) + 1);
			s[i] = (struct share){.weight = (fixed_wide)rng_below(&rng, UINT64_C(1) << 40) << 13,
					      .least = least,
					      .most = least + width};
			most += s[i].most;
		}
		share_bound(s, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_in_range(s[i].share, s[i].least, s[i].most);
			sum += s[i].share;
		}
		assert_true(sum <= SHARE_ALL);
		assert_true(sum >= (most < SHARE_ALL ? most : SHARE_ALL) - (int64_t)n);
	}
}

/* 2 and 4 about 3: squares 1 and 1, over 1: the root of 2 is 1.41421356. */
static void deviations_are_those_of_a_sample(void **state)
{
	int64_t at[] = {2 * SHARE_ALL, 4 * SHARE_ALL}, same[] = {7, 7, 7}, mean, deviation;
	(void)state;
	assert_true(share_measure(at, 2, &mean, &deviation));
	assert_int_equal(mean, 3 * SHARE_ALL);
	assert_int_equal(deviation, 141421356);
	assert_false(share_measure(at, 1, &mean, &deviation));
	assert_false(share_measure(same, 3, &mean, &deviation));
}

static struct allocated with(int64_t a, int64_t b)
{
	return (struct allocated){.at = {SHARE(a), SHARE(b)}, .n = 2};
}

/* Deviations of 1 : 4, so shares of 0.8 : 0.2; one without a measure counts as the mean of their weights: a third. */
static void equal_risk_is_inverse_to_the_deviation(void **state)
{
	struct allocated of[] = {with(1, 3), with(10, 18), {.n = 0}};
	struct share s[] = {within(0, 0, 100), within(0, 0, 100), within(0, 0, 100)};
	(void)state;
	share_weigh(s, of, 2, allocation_method_equal_risk);
	share_bound(s, 2);
	assert_in_range(s[0].share, 79999990, 80000010);
	assert_in_range(s[1].share, 19999990, 20000010);
	share_weigh(s, of, 3, allocation_method_equal_risk);
	share_bound(s, 3);
	assert_in_range(s[2].share, 33333320, 33333340);
}

/* -1 and 1: mean 0, as much as one without a measure. 5 and 7: six times 0.7071 times the deviation, cut at 1: twice
 * that. -5 and -7: nothing. */
static void performance_is_from_nothing_to_twice(void **state)
{
	struct allocated of[] = {with(-1, 1), with(5, 7), with(-5, -7), {.n = 0}};
	struct share s[] = {within(0, 0, 100), within(0, 0, 100), within(0, 0, 100), within(0, 0, 100)};
	(void)state;
	share_weigh(s, of, 4, allocation_method_performance);
	share_bound(s, 4);
	assert_int_equal(s[0].share, SHARE(25));
	assert_int_equal(s[1].share, SHARE(50));
	assert_int_equal(s[2].share, 0);
	assert_int_equal(s[3].share, SHARE(25));
}

/* ---- budgets ---- */

static struct executor_settings settings(enum allocation_method method, const char *text)
{
	struct executor_settings s = desk_settings();
	char reason[EVENT_TEXT_MAX] = "";
	s.allocation = (struct allocation_settings){
		.method = (uint8_t)method, .every_ns = HOUR, .window = 3, .leverage = 1};
	assert_int_equal(allocation_parse(&s.allocation, text, reason, sizeof(reason)), 0);
	return s;
}

static void begin(void **state, const struct executor_settings *s)
{
	through_disk = *state != NULL;
	desk_open(&d, s);
	desk_book(&d);
	step();
}

static const struct ev_allocation *told(const char *strategy)
{
	const struct ev_allocation *found = NULL;
	for (uint32_t i = 0; i < d.n; i++)
		if (d.out[i].id == EVENT_allocation && strcmp(d.out[i].allocation.strategy, strategy) == 0)
			found = &d.out[i].allocation;
	return found;
}

/* Half of 1000 is 500: 5 at 100.00 can be worth no more than that, 5.01 can. */
static void no_order_goes_beyond_the_budget(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "s=0.5, t=0.25");
	begin(state, &s);
	order(side_buy, tif_gtc, 10000, 5010);
	desk_expect_order(&d, order_status_rejected, reject_risk_budget, 0);
	assert_string_equal(desk_last(&d, EVENT_order)->order.reason,
			    "The strategy could have 501 at stake; its budget is 500, a share of 0.5 "
			    "(executor.allocation = fixed).");
	order(side_buy, tif_gtc, 10000, 5000);
	desk_expect_order(&d, order_status_partial, reject_none, 1000);
	/* What rests counts as filled. */
	order(side_buy, tif_gtc, 9000, 100);
	desk_expect_order(&d, order_status_rejected, reject_risk_budget, 0);
	/* The way out is open. */
	order(side_sell, tif_ioc, 0, 1000);
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	desk_close(&d);
}

/* 4.8 stand at 150, the budget is half of 1232: more is at stake than may be, and only less passes. */
static void beyond_the_budget_only_less_passes(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "s=0.5");
	begin(state, &s);
	order(side_buy, tif_ioc, 0, 4800);
	desk_until(&d, HOUR - MS);
	d.now = HOUR - MS;
	desk_snapshot(&d, (struct levels)LEVELS({14900, 50000}), (struct levels)LEVELS({15100, 50000}));
	desk_state(&d, book_state_trusted);
	step();
	until(HOUR);
	assert_true(told("s")->budget < CASH(617));
	order(side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_risk_budget, 0);
	order(side_sell, tif_ioc, 0, 1000);
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	desk_close(&d);
}

static void who_is_not_named_has_nothing(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "t=0.25");
	begin(state, &s);
	order(side_buy, tif_gtc, 9000, 100);
	desk_expect_order(&d, order_status_rejected, reject_risk_budget, 0);
	desk_close(&d);
}

static void budgets_are_of_a_strategy_each(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "s=0.1, t=0.2");
	begin(state, &s);
	struct event ev = desk_intent(&d, side_buy, tif_gtc, 9000, 2000);
	event_set_name(ev.intent.strategy, "t");
	ev.intent.ordinal = 1;
	give(&ev);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	order(side_buy, tif_gtc, 9000, 1000);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	order(side_buy, tif_gtc, 9000, 1000);
	desk_expect_order(&d, order_status_rejected, reject_risk_budget, 0);
	desk_close(&d);
}

static void leverage_multiplies(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "s=0.1");
	s.allocation.leverage = 3;
	begin(state, &s);
	order(side_buy, tif_gtc, 9000, 3000);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	order(side_buy, tif_gtc, 9000, 400);
	desk_expect_order(&d, order_status_rejected, reject_risk_budget, 0);
	desk_close(&d);
}

/* What is told before the first order: 0.5 and 0.25 of 1000; of 999.40 an hour later, where 1 was bought at 100 with a
 * fee of 0.10 and stands at 99.50. Its return is -0.6 of 500. */
static void budgets_are_set_anew_by_what_was_gained(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "s=0.5, t=0.25");
	through_disk = *state != NULL;
	desk_open(&d, &s);
	desk_instrument(&d);
	assert_int_equal(told("s")->budget, CASH(500));
	assert_int_equal(told("t")->budget, CASH(250));
	assert_false(told("s")->sampled);
	step();
	desk_book(&d);
	order(side_buy, tif_ioc, 0, 1000);
	desk_until(&d, HOUR - MS);
	d.now = HOUR - MS;
	desk_book(&d);
	step();
	until(HOUR);
	assert_int_equal(told("s")->budget, 49970000000);
	assert_int_equal(told("s")->result, -60000000);
	assert_true(told("s")->sampled);
	assert_int_equal(told("s")->gain, -120000);
	assert_int_equal(told("t")->gain, 0);
	desk_close(&d);
}

/* A book that is stale at the hour says nothing: no return, and the budget stays. */
static void what_cannot_be_marked_waits(void **state)
{
	struct executor_settings s = settings(allocation_method_fixed, "s=0.5");
	begin(state, &s);
	order(side_buy, tif_ioc, 0, 1000);
	until(HOUR);
	assert_int_equal(told("s")->budget, CASH(500));
	assert_false(told("s")->sampled);
	assert_int_equal(told("s")->result, 0);
	desk_close(&d);
}

/* The same hours again from a state or, without one, from the journal: the same budgets. */
static void a_restart_keeps_budgets_and_returns(void **state)
{
	struct executor_settings s = settings(allocation_method_equal_risk, "s, t=0.1..0.6");
	struct executor *y = NULL;
	begin(state, &s);
	assert_int_equal(executor_new(&s, &y), 0);
	struct executor *x = d.x;
	d.x = y;
	desk_book(&d);
	d.x = x;
	for (int hour = 1; hour <= 4; hour++) {
		desk_clear(&d);
		d.now = hour * HOUR - MS;
		desk_snapshot(&d, (struct levels)LEVELS({9900 + 10 * hour * hour, 1000}),
			      (struct levels)LEVELS({10000 + 10 * hour * hour, 5000}));
		struct event ev = desk_intent(&d, side_buy, tif_ioc, 0, 300);
		desk_feed(&d, &ev);
		desk_until(&d, hour * HOUR);
		for (uint32_t i = 0; i < d.n; i++)
			executor_core.on_own(y, &d.out[i]);
		step();
	}
	assert_int_equal(d.x->allocation.of[0].n, 3);
	assert_memory_equal(d.x->allocation.of, y->allocation.of, sizeof(y->allocation.of));
	assert_true(d.x->allocation.of[0].share + d.x->allocation.of[1].share <= SHARE_ALL);
	assert_true(d.x->allocation.of[1].share <= SHARE(60));
	executor_free(y);
	desk_close(&d);
}

static void settings_say_what_is_wrong(void **state)
{
	static const char *const wrong[] = {"", "s=2", "s=-1", "s=x", "s=0.5..0.4", "s=0.5..", "s, s", "=1",
					    "s=0.6..1, t=0.5..1"};
	struct allocation_settings s = {.method = allocation_method_performance, .every_ns = HOUR, .window = 2,
					.leverage = 1};
	char reason[EVENT_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(allocation_parse(&s, wrong[i], reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, "executor.allocations: "));
	}
	assert_int_equal(allocation_parse(&s, "s, t=0.1..0.4", reason, sizeof(reason)), 0);
	assert_int_equal(s.row[0].most, SHARE_ALL);
	assert_int_equal(s.row[1].least, SHARE(10));
	s.method = allocation_method_fixed;
	assert_int_equal(allocation_parse(&s, "s", reason, sizeof(reason)), ERR_ARG);
	assert_int_equal(allocation_parse(&s, "s=0.5, t=0.6", reason, sizeof(reason)), ERR_ARG);
}

#define TWICE(test) cmocka_unit_test(test), cmocka_unit_test_prestate(test, &through_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_the_weights),
		cmocka_unit_test(what_is_too_little_is_filled_up_by_the_others),
		cmocka_unit_test(what_is_too_much_goes_to_the_others),
		cmocka_unit_test(what_nobody_may_have_is_nobodys),
		cmocka_unit_test(bounds_hold_for_any_weights),
		cmocka_unit_test(deviations_are_those_of_a_sample),
		cmocka_unit_test(equal_risk_is_inverse_to_the_deviation),
		cmocka_unit_test(performance_is_from_nothing_to_twice),
		TWICE(no_order_goes_beyond_the_budget),
		TWICE(beyond_the_budget_only_less_passes),
		TWICE(who_is_not_named_has_nothing),
		TWICE(budgets_are_of_a_strategy_each),
		TWICE(leverage_multiplies),
		TWICE(budgets_are_set_anew_by_what_was_gained),
		TWICE(what_cannot_be_marked_waits),
		TWICE(a_restart_keeps_budgets_and_returns),
		cmocka_unit_test(settings_say_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
