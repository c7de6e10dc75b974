/* test_order_id - ids are FNV-1a over what names an intent: known values, and no two alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/order_id.h"

static void id_of(const char *account, const char *strategy, const char *run, uint64_t n,
		  char out[EVENT_NAME_MAX])
{
	struct order_id_parts parts = {account, strategy, run, n};
	order_id(&parts, out);
}

/* Computed by another program (Python's integers) from the definition in order_id.h. */
static void known_values(void **state)
{
	(void)state;
	char id[EVENT_NAME_MAX];
	id_of("paper", "ema", "run-7", 1, id);
	assert_string_equal(id, "c41f171fa66beb7b53ee8e726d335a0a");
	id_of("paper", "ema", "run-7", 2, id);
	assert_string_equal(id, "80a5e8b30e6beb7612ad3af1a9af6629");
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, EVENT_NAME_MAX);
}

/* Eight names, 20,000 ordinals each. */
static void no_two_alike(void **state)
{
	(void)state;
	enum { N = 160000 };
	char(*id)[EVENT_NAME_MAX] = calloc(N, sizeof(*id));
	assert_non_null(id);
	for (uint64_t i = 0; i < N; i++)
		id_of(i & 1 ? "paper" : "pape", i & 2 ? "ema" : "rema", i & 4 ? "run" : "run2",
		      1 + i / 8, id[i]);
	qsort(id, N, sizeof(*id), compare);
	for (uint32_t i = 1; i < N; i++)
		assert_string_not_equal(id[i - 1], id[i]);
	assert_int_equal(strlen(id[0]), 32);
	free(id);
}

/* The separators are part of what is hashed: parts cannot run into each other. */
static void parts_do_not_run_together(void **state)
{
	(void)state;
	char a[EVENT_NAME_MAX], b[EVENT_NAME_MAX];
	id_of("ab", "c", "d", 1, a);
	id_of("a", "bc", "d", 1, b);
	assert_string_not_equal(a, b);
	id_of("a", "b", "cd", 1, a);
	id_of("a", "bc", "d", 1, b);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(no_two_alike),
		cmocka_unit_test(parts_do_not_run_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
