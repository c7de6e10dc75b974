/* test_rng - the published generators, and bounds without a bias. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/rng.h"

/* The first outputs of the reference code for the state 1, 2, 3, 4. */
static void test_reference(void **state)
{
	static const uint64_t want[] = {
		11520, 0, 1509978240, 1215971899390074240,
	};
	struct rng rng = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		assert_int_equal(rng_u64(&rng), want[i]);
}

/* splitmix64 from seed 1234567, as its reference code prints it. */
static void test_seeding(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1234567);
	assert_int_equal(rng.s[0], 6457827717110365317u);
	assert_int_equal(rng.s[1], 3203168211198807973u);
	assert_int_equal(rng.s[2], 9817491932198370423u);
	assert_int_equal(rng.s[3], 4593380528125082431u);
}

static void test_same_seed_same_numbers(void **state)
{
	struct rng a, b;
	int differ = 0;

	(void)state;
	rng_seed(&a, 99);
	rng_seed(&b, 99);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rng_u64(&a), rng_u64(&b));
	rng_seed(&b, 100);
	for (int i = 0; i < 1000; i++)
		differ += rng_u64(&a) != rng_u64(&b);
	assert_int_equal(differ, 1000);
}

static void test_below(void **state)
{
	static const uint64_t bounds[] = {
		1, 2, 3, 10, 1000, (1ull << 63) + 1, UINT64_MAX, 0xaaaaaaaaaaaaaaabull,
	};
	uint32_t seen[10] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		for (int k = 0; k < 2000; k++)
			assert_true(rng_below(&rng, bounds[i]) < bounds[i]);
	for (int i = 0; i < 100000; i++)
		seen[rng_below(&rng, 10)]++;
	for (int i = 0; i < 10; i++) /* 10,000 expected, deviation 95 */
		assert_in_range(seen[i], 9500, 10500);
}

static void test_unit(void **state)
{
	double sum = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	for (int i = 0; i < 100000; i++) {
		double x = rng_unit(&rng);

		assert_true(x >= 0 && x < 1);
		sum += x;
	}
	assert_true(sum > 49500 && sum < 50500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_seeding),
		cmocka_unit_test(test_same_seed_same_numbers),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
