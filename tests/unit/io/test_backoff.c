/* test_backoff - the series stays in its bounds, spreads over them, and a crowd does not move in
 * step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/io/backoff.h"
#include "common/io/clock.h"

static void series_stays_in_bounds(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct backoff b;
		backoff_init(&b, NS_PER_S, 300 * NS_PER_S, seed);
		int64_t bound = NS_PER_S;
		for (int i = 0; i < 40; i++) {
			int64_t delay = backoff_next(&b);
			assert_true(delay >= NS_PER_MS && delay <= bound);
			bound = bound * 2 > 300 * NS_PER_S ? 300 * NS_PER_S : bound * 2;
		}
		assert_int_equal(b.failures, 40);
		backoff_reset(&b);
		assert_true(backoff_next(&b) <= NS_PER_S);
	}
}

static void delays_are_uniform(void **state)
{
	(void)state;
	int quarter[4] = {0};
	for (uint64_t seed = 0; seed < 8000; seed++) {
		struct backoff b;
		backoff_init(&b, NS_PER_S, 300 * NS_PER_S, seed);
		for (int i = 0; i < 12; i++)
			backoff_next(&b);
		int64_t at_cap = backoff_next(&b);
		quarter[at_cap * 4 / (300 * NS_PER_S + 1)]++;
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(quarter[i], 1800, 2200);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* All see the venue go away at the same instant; of their 1,000 tries in the first minutes no
 * second may see a rush, and no client may follow another. */
static void a_hundred_clients_do_not_synchronise(void **state)
{
	(void)state;
	enum { CLIENTS = 100, TRIES = 10 };
	static int64_t at[CLIENTS * TRIES];
	for (int c = 0; c < CLIENTS; c++) {
		struct backoff b;
		backoff_init(&b, NS_PER_S, 300 * NS_PER_S, (uint64_t)c);
		int64_t now = 0;
		for (int i = 0; i < TRIES; i++)
			at[c * TRIES + i] = now += backoff_next(&b);
	}
	qsort(at, CLIENTS * TRIES, sizeof at[0], by_value);
	int rush = 0;
	for (int i = 0; i < CLIENTS * TRIES; i++) {
		if (at[i] < 20 * NS_PER_S) /* the first tries come close together by design */
			continue;
		int n = 0;
		while (i + n < CLIENTS * TRIES && at[i + n] < at[i] + NS_PER_S)
			n++;
		rush = n > rush ? n : rush;
	}
	assert_in_range(rush, 1, 25);
	for (int i = 1; i < CLIENTS * TRIES; i++)
		assert_true(at[i] != at[i - 1] || at[i] < NS_PER_S);
}

static void counts_without_end(void **state)
{
	(void)state;
	struct backoff b;
	backoff_init(&b, INT64_MAX / 3, INT64_MAX - 1, 1);
	b.failures = UINT32_MAX;
	for (int i = 0; i < 100; i++)
		assert_true(backoff_next(&b) >= NS_PER_MS);
	assert_int_equal(b.failures, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_stays_in_bounds),
		cmocka_unit_test(delays_are_uniform),
		cmocka_unit_test(a_hundred_clients_do_not_synchronise),
		cmocka_unit_test(counts_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
