/* test_alike - text like other text, against the plain definition, in memory that ends where the text ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/alike.h"
#include "common/base/rng.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool plainly_alike(const char *like, const char *text, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (is_digit(like[i]) ? !is_digit(text[i]) : text[i] != like[i])
			return false;
	return true;
}

/* Digits as often as not; the others are what lies around them, and what differs from one by its high bit alone. */
static void fill(struct rng *r, char *text, uint32_t n)
{
	static const char others[] = "/:.,[]\" \xb0\xb9\xff";

	for (uint32_t i = 0; i < n; i++)
		text[i] = rng_below(r, 2) == 0 ? (char)('0' + rng_below(r, 10)) : others[rng_below(r, sizeof(others))];
}

static void test_random(void **state)
{
	uint32_t yes = 0;
	struct rng r;
	(void)state;

	rng_seed(&r, 11);
	for (int k = 0; k < 200000; k++) {
		uint32_t n = ALIKE_BLOCK + (uint32_t)rng_below(&r, ALIKE_MAX - ALIKE_BLOCK + 1);
		char *like = malloc(n), *text = malloc(n);
		struct alike a;
		assert_non_null(like);
		assert_non_null(text);
		fill(&r, like, n);
		memcpy(text, like, n);
		for (uint32_t i = 0; i < n; i++)
			if (is_digit(text[i]))
				text[i] = (char)('0' + rng_below(&r, 10));
		if (rng_below(&r, 2) == 0)
			fill(&r, text + rng_below(&r, n), 1);
		alike_take(&a, like, n);
		assert_int_equal(alike(&a, text), plainly_alike(like, text, n));
		yes += alike(&a, text);
		free(like);
		free(text);
	}
	assert_in_range(yes, 100000, 180000);
}

static void test_zeros(void **state)
{
	char text[] = "[\"12.00000000\",]";
	struct alike a;
	(void)state;

	alike_take(&a, text, 16);
	alike_zeros(&a, 5, 3);
	for (int i = 5; i < 13; i++) {
		text[i] = '7';
		assert_int_equal(alike(&a, text), i < 8);
		text[i] = '0';
	}
	assert_true(alike(&a, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_zeros)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
