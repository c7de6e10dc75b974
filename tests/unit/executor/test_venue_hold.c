/* test_venue_hold - how long a venue wants no request, over a kill: kept, over, and what is none. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/io/clock.h"
#include "services/executor/venue_hold.h"

#define NOW (INT64_C(1700000000) * NS_PER_S)
#define DAYS(n) ((n) * 86400 * NS_PER_S)

static char folder[] = "/tmp/nj-hold-XXXXXX", path[PATH_MAX];

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/" VENUE_HOLD_NAME, folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void it_is_there_until_it_is_over(void **state)
{
	(void)state;
	assert_int_equal(venue_hold_find(folder, NOW), 0);
	assert_int_equal(venue_hold_write(folder, NOW + 10), 0);
	assert_int_equal(venue_hold_find(folder, NOW), NOW + 10);
	assert_int_equal(venue_hold_find(folder, NOW + 9), NOW + 10);
	assert_int_equal(venue_hold_find(folder, NOW + 10), 0);
	assert_int_equal(venue_hold_write(folder, NOW + DAYS(7)), 0);
	assert_int_equal(venue_hold_find(folder, NOW), NOW + DAYS(7));
	assert_int_equal(venue_hold_find(folder, NOW - DAYS(1)), 0); /* written by another clock */
}

static void what_is_no_number_is_none(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "\n", "soon\n", "1700000000000000010", "1700000000000000010 \n",
					    "99999999999999999999\n", "-5\n", "1700000000000000010x\n"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(texts[i], f) >= 0);
		fclose(f);
		assert_int_equal(venue_hold_find(folder, NOW), 0);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0); /* cannot be read, nor replaced */
	assert_int_equal(venue_hold_find(folder, NOW), 0);
	assert_int_not_equal(venue_hold_write(folder, NOW), 0);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_there_until_it_is_over),
		cmocka_unit_test(what_is_no_number_is_none),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
