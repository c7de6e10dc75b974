/* test_vigil - a connection is alive while bytes come, and of use only where what was asked on it is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/io/vigil.h"

#define S INT64_C(1000000000)

static void silence_is_pinged_and_then_ended(void **state)
{
	struct vigil v = {0};
	(void)state;
	assert_int_equal(vigil_look(&v, 1000 * S, 0), VIGIL_WELL);
	vigil_open(&v, 1000 * S);
	assert_int_equal(vigil_look(&v, 1030 * S, 0), VIGIL_WELL);
	assert_int_equal(vigil_look(&v, 1030 * S + 1, 0), VIGIL_PING);
	assert_int_equal(vigil_look(&v, 1031 * S, 7), VIGIL_WELL); /* the pong */
	assert_int_equal(vigil_look(&v, 1061 * S, 7), VIGIL_WELL);
	assert_int_equal(vigil_look(&v, 1121 * S, 7), VIGIL_PING);
	assert_int_equal(vigil_look(&v, 1121 * S + 1, 7), VIGIL_SILENT);
	vigil_close(&v);
	assert_int_equal(vigil_look(&v, 2000 * S, 7), VIGIL_WELL);
}

/* Whatever else it says. */
static void what_is_asked_must_be_answered(void **state)
{
	struct vigil v = {0};
	uint64_t bytes = 0;
	(void)state;
	vigil_open(&v, 10 * S);
	vigil_asked(&v, 11 * S);
	for (int64_t at = 11 * S; at <= 16 * S; at += S)
		assert_int_equal(vigil_look(&v, at, ++bytes), VIGIL_WELL);
	assert_int_equal(vigil_look(&v, 16 * S + 1, ++bytes), VIGIL_UNANSWERED);
	vigil_answered(&v);
	assert_int_equal(vigil_look(&v, 17 * S, ++bytes), VIGIL_WELL);
	vigil_asked(&v, 17 * S);
	vigil_open(&v, 20 * S); /* another connection: nothing was asked on it */
	assert_int_equal(vigil_look(&v, 30 * S, 0), VIGIL_WELL);
}

static void nothing_is_waited_for_where_nothing_is_open(void **state)
{
	struct vigil v = {0};
	(void)state;
	vigil_asked(&v, S);
	assert_int_equal(vigil_look(&v, 100 * S, 1), VIGIL_WELL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_pinged_and_then_ended),
		cmocka_unit_test(what_is_asked_must_be_answered),
		cmocka_unit_test(nothing_is_waited_for_where_nothing_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
