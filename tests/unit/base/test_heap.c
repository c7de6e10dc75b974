/* test_heap - against a list kept in order the slow way, with nodes taken from anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/heap.h"
#include "common/base/rng.h"

#define N 300

static struct heap_node node[N];
static bool held[N];

/* The one that must come first. */
static struct heap_node *slow_first(void)
{
	struct heap_node *best = NULL;
	for (int i = 0; i < N; i++)
		if (held[i] && (!best || node[i].key < best->key ||
				(node[i].key == best->key && node[i].order < best->order)))
			best = &node[i];
	return best;
}

static void random_puts_and_takes(void **state)
{
	(void)state;
	struct heap h;
	struct rng rng;
	rng_seed(&rng, 5);
	assert_int_equal(heap_init(&h, N), 0);
	assert_null(heap_first(&h));
	for (int step = 0; step < 200000; step++) {
		size_t i = rng_below(&rng, N);
		if (held[i])
			heap_take(&h, &node[i]);
		else
			heap_put(&h, &node[i], (int64_t)rng_below(&rng, 20) - 10);
		held[i] = !held[i];
		if (step % 16 == 0)
			assert_ptr_equal(heap_first(&h), slow_first());
	}
	heap_fini(&h);
}

static void equal_keys_come_in_order(void **state)
{
	(void)state;
	struct heap h;
	assert_int_equal(heap_init(&h, N), 0);
	for (int i = 0; i < N; i++)
		heap_put(&h, &node[i], i % 3 == 0 ? INT64_MIN : INT64_MAX);
	for (int i = 0; i < N; i += 3) {
		assert_ptr_equal(heap_first(&h), &node[i]);
		heap_take(&h, &node[i]);
	}
	for (int i = 0; i < N; i++) {
		if (i % 3 == 0)
			continue;
		assert_ptr_equal(heap_first(&h), &node[i]);
		heap_take(&h, heap_first(&h));
	}
	assert_null(heap_first(&h));
	heap_fini(&h);
	heap_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_puts_and_takes),
		cmocka_unit_test(equal_keys_come_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
