/* test_iso_time - dates and times of replies: every writing there is, every date that there is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/venue/iso_time.h"

#define SECOND 1000000000LL

static int64_t read_text(const char *text)
{
	int64_t ns = -1;

	assert_int_equal(iso_time(text, strlen(text), &ns), 0);
	return ns;
}

static void test_writings(void **state)
{
	(void)state;
	assert_int_equal(read_text("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(read_text("2026-07-24T00:00:16Z"), 1784851216 * SECOND);
	assert_int_equal(read_text("2026-07-24 00:00:16+00"), 1784851216 * SECOND);
	assert_int_equal(read_text("2026-07-24t00:00:16"), 1784851216 * SECOND);
	assert_int_equal(read_text("2026-07-24T02:30:16+02:30"), 1784851216 * SECOND);
	assert_int_equal(read_text("2026-07-23T21:30:16-0230"), 1784851216 * SECOND);
	assert_int_equal(read_text("2026-07-24"), 1784851200 * SECOND);
	assert_int_equal(read_text("2026-07-24T00:00:16.141988Z"), 1784851216141988000);
	assert_int_equal(read_text("2026-07-24T00:00:16.1234567899Z"), 1784851216123456789);
	assert_int_equal(read_text("2016-12-31T23:59:60Z"), 1483228800 * SECOND);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"",
					  "2026",
					  "2026-7-24",
					  "2026-13-01",
					  "2026-02-29",
					  "2026-00-10",
					  "2026-04-31",
					  "2026-07-24T",
					  "2026-07-24T24:00:00Z",
					  "2026-07-24T00:60:00Z",
					  "2026-07-24T00:00:00.Z",
					  "2026-07-24T00:00:00Zx",
					  "2026-07-24T00:00:00+24",
					  "2026-07-24T00:00:00+0",
					  "2026-07-24x00:00:00Z",
					  "-026-07-24",
					  "2026-07-24T00:00:61Z"};
	int64_t ns = 77;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(iso_time(bad[i], strlen(bad[i]), &ns), ERR_SYNTAX);
	assert_int_equal(iso_time("1969-12-31T23:59:59Z", 20, &ns), ERR_RANGE);
	assert_int_equal(iso_time("2300-01-01", 10, &ns), ERR_RANGE);
	assert_int_equal(ns, 77);
}

/* Every day for three hundred years, against the C library's calendar, there and back. */
static void test_calendar(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 106000; day++) {
		time_t at = day * 86400 + day % 86400;
		struct tm tm;
		char theirs[40], ours[21];
		assert_non_null(gmtime_r(&at, &tm));
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_int_equal(read_text(theirs), at * SECOND);
		iso_time_text(at * SECOND + 999999999, ours);
		assert_string_equal(ours, theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writings),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_calendar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
