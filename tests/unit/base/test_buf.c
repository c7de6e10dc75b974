/* test_buf - growth, the maximum, and that a refused operation leaves the content alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/rng.h"

static void test_append_and_consume(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_null(b.at);
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(buf_append(&b, "hello ", 6), 0);
	assert_int_equal(buf_byte(&b, 'w'), 0);
	assert_int_equal(buf_append(&b, "orld", 4), 0);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.at, "hello world", 11);
	buf_consume(&b, 6);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.at, "world", 5);
	buf_consume(&b, 5);
	assert_int_equal(b.len, 0);
	buf_consume(&b, 0);
	buf_fini(&b);
	assert_null(b.at);
	buf_fini(&b);
	buf_fini(NULL);
}

static void test_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_append(&b, "123456", 6), ERR_FULL);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_append(&b, "12345", 5), 0);
	assert_int_equal(b.cap, 5);
	assert_int_equal(buf_byte(&b, '6'), ERR_FULL);
	assert_int_equal(buf_reserve(&b, 1), ERR_FULL);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_FULL);
	assert_int_equal(buf_reserve(&b, 0), 0);
	assert_memory_equal(b.at, "12345", 5);
	buf_clear(&b);
	assert_int_equal(buf_append(&b, "abcde", 5), 0);
	buf_fini(&b);
	buf_init(&b, 0);
	assert_int_equal(buf_byte(&b, 1), ERR_FULL);
	assert_int_equal(buf_printf(&b, "%s", ""), 0);
	assert_int_equal(buf_printf(&b, "x"), ERR_FULL);
	buf_fini(&b);
}

static void test_more_memory_than_there_is(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_int_equal(buf_byte(&b, 'a'), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), ERR_NOMEM);
	assert_int_equal(b.len, 1);
	assert_int_equal(b.at[0], 'a');
	buf_fini(&b);
}

static void test_printf_to_the_last_byte(void **state)
{
	char text[601];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[600] = 0;
	for (size_t max = 590; max <= 610; max++) {
		struct buf b;

		buf_init(&b, max);
		assert_int_equal(buf_append(&b, "ab", 2), 0);
		if (max < 602) {
			assert_int_equal(buf_printf(&b, "%s", text), ERR_FULL);
			assert_int_equal(b.len, 2);
		} else {
			assert_int_equal(buf_printf(&b, "%s", text), 0);
			assert_int_equal(b.len, 602);
			assert_memory_equal(b.at + 2, text, 600);
		}
		buf_fini(&b);
	}
}

static void test_printf_formats(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(buf_printf(&b, "%d %s", -7, "seven"), 0);
	assert_int_equal(buf_printf(&b, "|%05.2f", 1.5), 0);
	assert_int_equal(b.len, 14);
	assert_memory_equal(b.at, "-7 seven|01.50", 14);
	buf_fini(&b);
}

/* Random operations against plain array arithmetic. */
static void test_against_a_model(void **state)
{
	static uint8_t model[4096], chunk[700];
	size_t len = 0;
	struct rng rng;
	struct buf b;

	(void)state;
	rng_seed(&rng, 7);
	buf_init(&b, sizeof(model));
	for (int i = 0; i < 20000; i++) {
		size_t n = rng_below(&rng, sizeof(chunk));

		if (rng_below(&rng, 100) < 55) {
			memset(chunk, i, n);
			assert_int_equal(buf_append(&b, chunk, n),
					 n > sizeof(model) - len ? ERR_FULL : 0);
			if (n <= sizeof(model) - len) {
				memcpy(model + len, chunk, n);
				len += n;
			}
		} else {
			n = n < len ? n : len;
			buf_consume(&b, n);
			len -= n;
			memmove(model, model + n, len);
		}
		assert_int_equal(b.len, len);
		assert_true(b.cap <= b.max && b.len <= b.cap);
		if (len > 0)
			assert_memory_equal(b.at, model, len);
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_and_consume),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_more_memory_than_there_is),
		cmocka_unit_test(test_printf_to_the_last_byte),
		cmocka_unit_test(test_printf_formats),
		cmocka_unit_test(test_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
