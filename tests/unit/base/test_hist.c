/* test_hist - quantiles within 1.6 % of the exact ones, exact extremes, and merging as if recorded
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hist.h"
#include "common/base/rng.h"

#define N 20000

static const double quantiles[] = {0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999};

static void test_empty(void **state)
{
	static struct hist h, zeroed;

	(void)state;
	hist_init(&h);
	assert_memory_equal(&h, &zeroed, sizeof(h));
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	hist_merge(&h, &zeroed);
	assert_int_equal(h.count, 0);
}

static void test_one_value(void **state)
{
	static const uint64_t values[] = {
		0, 1, 127, 128, 129, 999, 123456789, (1ull << 40) - 1, 1ull << 41, UINT64_MAX,
	};

	volatile double zero = 0; /* 0 / 0 is no number */

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		static struct hist h;

		hist_init(&h);
		hist_record(&h, values[i]);
		for (double q = -0.5; q < 1.6; q += 0.5) /* never beyond min or max */
			assert_int_equal(hist_quantile(&h, q), values[i]);
		assert_int_equal(hist_quantile(&h, 0.0 / zero), values[i]);
		assert_int_equal(h.min, values[i]);
		assert_int_equal(h.max, values[i]);
		assert_int_equal(h.sum, values[i]);
	}
}

static void test_small_values_are_exact(void **state)
{
	static struct hist h;

	(void)state;
	hist_init(&h);
	for (uint64_t v = 1; v <= 100; v++)
		hist_record(&h, v);
	assert_int_equal(hist_quantile(&h, 0.5), 50);
	assert_int_equal(hist_quantile(&h, 0.501), 51);
	assert_int_equal(hist_quantile(&h, 0.99), 99);
	assert_int_equal(hist_quantile(&h, 0), 1);
	assert_int_equal(hist_quantile(&h, 1), 100);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void expect_close(uint64_t got, uint64_t exact)
{
	uint64_t error = got > exact ? got - exact : exact - got;

	assert_true((double)error <= 0.016 * (double)exact);
}

static void test_quantile_error(void **state)
{
	static uint64_t values[N];
	static struct hist h;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 11);
	for (int spread = 4; spread <= 41; spread++) {
		hist_init(&h);
		for (int i = 0; i < N; i++) {
			/* every octave is visited as often as the others */
			values[i] = rng_u64(&rng) >> (64 - spread + (int)rng_below(&rng, 4));
			values[i] >>= rng_below(&rng, (uint64_t)spread - 3);
			hist_record(&h, values[i]);
		}
		qsort(values, N, sizeof(values[0]), by_value);
		for (size_t k = 0; k < sizeof(quantiles) / sizeof(*quantiles); k++) {
			size_t rank = (size_t)(quantiles[k] * N + 0.999);

			expect_close(hist_quantile(&h, quantiles[k]), values[rank - 1]);
		}
	}
}

/* Each bucket edge falls on the right side: neighbours never go back. */
static void test_order_is_kept(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (uint64_t v = 1; v < 1ull << 41; v += 1 + v / 300) {
		static struct hist h;
		uint64_t got;

		memset(&h, 0, sizeof(h));
		hist_record(&h, v);
		h.min = 0;
		h.max = UINT64_MAX; /* uncover the bucket's middle */
		got = hist_quantile(&h, 0.5);
		expect_close(got, v);
		assert_true(got >= last);
		last = got;
	}
}

static void test_beyond_the_range(void **state)
{
	static struct hist h;

	(void)state;
	hist_init(&h);
	for (int i = 0; i < 10; i++)
		hist_record(&h, 5);
	for (int i = 0; i < 10; i++)
		hist_record(&h, UINT64_MAX - 1);
	assert_int_equal(h.count, 20);
	assert_int_equal(h.bucket[HIST_BUCKETS - 1], 10);
	assert_int_equal(hist_quantile(&h, 0.25), 5);
	assert_int_equal(hist_quantile(&h, 0.75), UINT64_MAX - 1);
	assert_int_equal(h.sum, UINT64_MAX); /* held at the top, not wrapped */
}

static void test_merge(void **state)
{
	static struct hist a, b, both;
	struct rng rng;

	(void)state;
	hist_init(&a);
	hist_init(&b);
	hist_init(&both);
	rng_seed(&rng, 3);
	for (int i = 0; i < N; i++) {
		uint64_t v = rng_below(&rng, 1u << (1 + i % 30));

		hist_record(i % 3 ? &a : &b, v);
		hist_record(&both, v);
	}
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
	hist_init(&b);
	hist_merge(&b, &a); /* into an empty one */
	assert_memory_equal(&b, &both, sizeof(b));
	hist_init(&a);
	hist_merge(&b, &a); /* from an empty one */
	assert_memory_equal(&b, &both, sizeof(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one_value),
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_quantile_error),
		cmocka_unit_test(test_order_is_kept),
		cmocka_unit_test(test_beyond_the_range),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
