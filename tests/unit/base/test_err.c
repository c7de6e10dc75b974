/* test_err - the error table: every value has a name and a text, and foreign values are
 * survived. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(ERR_IO, -1);
	assert_int_equal(ERR_FULL, -2);
	assert_string_equal(err_name(0), "OK");
	assert_string_equal(err_name(ERR_FULL), "ERR_FULL");
	assert_string_equal(err_text(ERR_FULL), "a bounded container is full");
}

static void test_every_row_is_named_once(void **state)
{
	(void)state;
	for (int i = 1; i < ERR_ORDINALS; i++) {
		assert_memory_equal(err_name(-i), "ERR_", 4);
		assert_true(strlen(err_text(-i)) > 0);
		for (int k = 1; k < i; k++)
			assert_string_not_equal(err_name(-i), err_name(-k));
	}
}

static void test_values_outside_the_table(void **state)
{
	static const int foreign[] = {1, 42, INT_MAX, INT_MIN, INT_MIN + 1, -ERR_ORDINALS, -1000};

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		assert_string_equal(err_name(foreign[i]), "ERR_?");
		assert_non_null(err_text(foreign[i]));
	}
}

static void test_from_errno(void **state)
{
	static const struct {
		int errnum, err;
	} rows[] = {
		{ENOSPC, ERR_NO_SPACE}, {EDQUOT, ERR_NO_SPACE}, {EIO, ERR_IO}, {EROFS, ERR_IO},
		{ENOMEM, ERR_NOMEM}, {ENOENT, ERR_NOT_FOUND}, {EEXIST, ERR_EXISTS},
		{EADDRINUSE, ERR_BUSY}, {EAGAIN, ERR_AGAIN}, {EACCES, ERR_REFUSED},
		{EPIPE, ERR_CLOSED}, {ECONNRESET, ERR_CLOSED}, {ECONNREFUSED, ERR_CONNECT},
		{ETIMEDOUT, ERR_TIMEOUT}, {EINVAL, ERR_ARG}, {ENAMETOOLONG, ERR_TOO_LONG},
		{EOVERFLOW, ERR_RANGE}, {0, ERR_IO}, {-1, ERR_IO}, {99999, ERR_IO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(err_from_errno(rows[i].errnum), rows[i].err);
	for (int errnum = -5; errnum < 200; errnum++)
		assert_true(err_from_errno(errnum) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_row_is_named_once),
		cmocka_unit_test(test_values_outside_the_table),
		cmocka_unit_test(test_from_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
