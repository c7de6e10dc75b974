/* test_attempts - a venue is never dialled more often than it allows, and as soon as it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "services/collector/attempts.h"

#define NS INT64_C(1000000000)
#define WINDOW (300 * NS)

enum { LIMIT = 150, DROPS = 1000 };

static void as_many_as_allowed_at_once(void **state)
{
	struct attempts a;
	(void)state;
	attempts_init(&a, LIMIT, WINDOW);
	for (int i = 0; i < LIMIT; i++) {
		assert_int_equal(attempts_wait(&a, 5 * NS), 0);
		attempts_note(&a, 5 * NS);
	}
	assert_int_equal(attempts_wait(&a, 5 * NS), WINDOW);
	assert_int_equal(attempts_wait(&a, 100 * NS), WINDOW - 95 * NS);
	assert_int_equal(attempts_wait(&a, 5 * NS + WINDOW - 1), 1);
	assert_int_equal(attempts_wait(&a, 5 * NS + WINDOW), 0);
}

static void more_than_can_be_kept_is_less(void **state)
{
	struct attempts a;
	(void)state;
	attempts_init(&a, 1000000, WINDOW);
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		assert_int_equal(attempts_wait(&a, NS), 0);
		attempts_note(&a, NS);
	}
	assert_true(attempts_wait(&a, NS) > 0);
}

/* A thousand connections are cut, by every pattern of lines and backoff: none is dialled for ahead of its turn, each
 * within the window that it has to wait for, and no window holds more than the limit. */
static void a_storm_of_drops(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct attempts a;
		struct rng r;
		int64_t dialled[DROPS], now = NS;
		rng_seed(&r, seed);
		attempts_init(&a, LIMIT, WINDOW);
		for (int i = 0; i < DROPS; i++) {
			now += (int64_t)rng_below(&r, seed % 2 == 0 ? 10 * NS / 1000 : 4 * NS);
			int64_t wait = attempts_wait(&a, now);
			assert_in_range(wait, 0, WINDOW);
			now += wait;
			assert_int_equal(attempts_wait(&a, now), 0);
			attempts_note(&a, now);
			dialled[i] = now;
			if (i >= LIMIT)
				assert_true(dialled[i] - dialled[i - LIMIT] >= WINDOW);
			if (wait > 0) /* and no later than it must */
				assert_int_equal(dialled[i] - dialled[i - LIMIT], WINDOW);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_allowed_at_once),
		cmocka_unit_test(more_than_can_be_kept_is_less),
		cmocka_unit_test(a_storm_of_drops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
