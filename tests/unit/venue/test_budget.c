/* test_budget - what replies say of a request budget: how long to wait, whatever nonsense a header holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "common/venue/venue.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define NOW (1784851200 * SECOND + 20 * SECOND) /* twenty seconds into a minute */

static const struct budget_said nothing = {BUDGET_UNSAID, BUDGET_UNSAID, BUDGET_UNSAID, BUDGET_UNSAID};

static void test_numbers(void **state)
{
	static const char *const bad[] = {NULL,  "",    " 1",  "1 ",   "-1",  "+1", "1.5", "0x10",
					  "1e3", "ten", "12,", "\x80", "1234567890123456789"};
	(void)state;
	assert_int_equal(budget_number("0"), 0);
	assert_int_equal(budget_number("4799"), 4799);
	assert_int_equal(budget_number("000012"), 12);
	assert_int_equal(budget_number("999999999999999999"), 999999999999999999);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(budget_number(bad[i]), BUDGET_UNSAID);
}

/* The rest of the window, and what the clocks may be apart. */
static void test_used(void **state)
{
	(void)state;
	const struct budget b = {.limit = 6000, .window_ns = MINUTE, .share = 80};
	struct budget_said said = nothing;

	assert_int_equal(budget_hold(&b, &said, NOW), 0);
	said.used = 4799;
	assert_int_equal(budget_hold(&b, &said, NOW), 0);
	said.used = 4800;
	assert_int_equal(budget_hold(&b, &said, NOW), NOW + 41 * SECOND);
	assert_int_equal(budget_hold(&b, &said, NOW + 40 * SECOND), NOW + 101 * SECOND);
	said.used = 1000000;
	assert_int_equal(budget_hold(&b, &said, NOW), NOW + 41 * SECOND);
	const struct budget whole = {.limit = 6000, .window_ns = MINUTE, .share = 100};
	said.used = 5999;
	assert_int_equal(budget_hold(&whole, &said, NOW), 0);
	said.used = 6000;
	assert_int_equal(budget_hold(&whole, &said, NOW), NOW + 41 * SECOND);
	const struct budget unknown = {.share = 80};
	assert_int_equal(budget_hold(&unknown, &said, NOW), 0);
}

/* Until they are there again, where that is said and near; else for the second over which the window rolls. */
static void test_left(void **state)
{
	(void)state;
	const struct budget b = {.limit = 600, .window_ns = 5 * SECOND, .share = 80};
	struct budget_said said = nothing;

	said.left = 25;
	said.of = 120;
	assert_int_equal(budget_hold(&b, &said, NOW), 0);
	said.left = 24;
	assert_int_equal(budget_hold(&b, &said, NOW), NOW + SECOND);
	said.reset_at = NOW - 1;
	assert_int_equal(budget_hold(&b, &said, NOW), NOW + SECOND);
	said.reset_at = NOW + 3 * SECOND;
	assert_int_equal(budget_hold(&b, &said, NOW), NOW + 3 * SECOND);
	said.reset_at = INT64_MAX;
	assert_int_equal(budget_hold(&b, &said, NOW), NOW + MINUTE);
	said.of = 0; /* of none at all: that is no limit */
	assert_int_equal(budget_hold(&b, &said, NOW), 0);
	said.of = BUDGET_UNSAID;
	assert_int_equal(budget_hold(&b, &said, NOW), 0);
}

/* Headers by name, each beside its value. */
static const char *value(void *ctx, const char *name)
{
	for (const char *const *pair = ctx; pair[0] != NULL; pair += 2)
		if (strcmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

/* Replies as the venues' documents show them, read by the names that their files have. */
static void test_venues(void **state)
{
	static const char *const binance[] = {"X-MBX-USED-WEIGHT", "7", "X-MBX-USED-WEIGHT-1M", "5123", NULL};
	static const char *const bybit[] = {"X-Bapi-Limit", "10", "X-Bapi-Limit-Status", "1",
					    "X-Bapi-Limit-Reset-Timestamp", "1784851221500", NULL};
	static const char *const none[] = {NULL};
	static const char *const products[] = {"BINANCE", "BINANCE-PERP", "BYBIT", "BYBIT-PERP"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(products); i++) {
		const struct venue *v = venue_find(products[i], strlen(products[i]));
		assert_non_null(v);
		struct budget b = {.limit = v->weight_limit, .window_ns = v->weight_ns, .share = 80};
		const char *const *reply = i < 2 ? binance : bybit;
		struct budget_said said = budget_read(&v->budget, value, (void *)(uintptr_t)reply);
		assert_int_equal(said.used, i < 2 ? 5123 : BUDGET_UNSAID);
		assert_int_equal(said.left, i < 2 ? BUDGET_UNSAID : 1);
		assert_int_equal(budget_hold(&b, &said, NOW), i < 2 ? NOW + 41 * SECOND : NOW + 3 * SECOND / 2);
		said = budget_read(&v->budget, value, (void *)(uintptr_t)none);
		assert_memory_equal(&said, &nothing, sizeof said);
	}
}

static int64_t any_number(struct rng *r)
{
	switch (rng_below(r, 4)) {
	case 0: return BUDGET_UNSAID;
	case 1: return INT64_MAX - (int64_t)rng_below(r, 2);
	case 2: return (int64_t)rng_below(r, 200);
	default: return (int64_t)(rng_u64(r) >> 1);
	}
}

/* Whatever is said, nobody waits for more than a window or a minute. */
static void test_bounded(void **state)
{
	struct rng r;
	(void)state;
	rng_seed(&r, 4);
	for (int i = 0; i < 200000; i++) {
		struct budget b = {.limit = (uint64_t)any_number(&r),
				   .window_ns = rng_below(&r, 2) == 0 ? MINUTE : 5 * SECOND,
				   .share = (uint32_t)(1 + rng_below(&r, 100))};
		struct budget_said said = {any_number(&r), any_number(&r), any_number(&r), any_number(&r)};
		int64_t until = budget_hold(&b, &said, NOW + (int64_t)rng_below(&r, (uint64_t)MINUTE));
		assert_true(until == 0 || (until > NOW && until <= NOW + 2 * MINUTE + SECOND));
	}
}

static void test_refused(void **state)
{
	static const int asked_too_often[] = {429, 418, 403}, other[] = {200, 400, 401, 404, 500, 503};
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(budget_refused(asked_too_often[i], 7 * SECOND, MINUTE), 7 * SECOND);
		assert_int_equal(budget_refused(asked_too_often[i], 0, 2 * MINUTE), i < 2 ? MINUTE : 2 * MINUTE);
		assert_int_equal(budget_refused(asked_too_often[i], -1, 0), i < 2 ? MINUTE : 0);
	}
	for (int i = 0; i < 6; i++)
		assert_int_equal(budget_refused(other[i], 7 * SECOND, MINUTE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_used),    cmocka_unit_test(test_left),
		cmocka_unit_test(test_venues),  cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
