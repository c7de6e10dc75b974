/* test_nearest - typing mistakes find their name, strangers find none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/nearest.h"

static const char *ask(const char *typed)
{
	static const char *const names[] = {
	"status", "start", "stop", "restart", "symbols", "max_position", "tap", "o",
};
	struct nearest n;
	nearest_init(&n, typed);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		nearest_offer(&n, names[i]);
	return nearest_get(&n);
}

static void mistakes_are_understood(void **state)
{
	(void)state;
	assert_string_equal(ask("statsu"), "status"); /* swap */
	assert_string_equal(ask("statu"), "status");
	assert_string_equal(ask("sttop"), "stop");
	assert_string_equal(ask("symbol"), "symbols");
	assert_string_equal(ask("tpa"), "tap");
	assert_string_equal(ask("max_postion"), "max_position");
	assert_string_equal(ask("rest"), "restart"); /* beginning */
}

static void strangers_are_not(void **state)
{
	(void)state;
	assert_null(ask("banana"));
	assert_null(ask(""));
	assert_null(ask("q")); /* one letter is not a mistyped "o" */
	char text[4096];
	memset(text, 's', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_null(ask(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_understood),
		cmocka_unit_test(strangers_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
