/* test_tap_offset - every form of `nj tap -o`, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "tools/nj/tap_offset.h"

#define NOW (INT64_C(1795312800) * NS_PER_S) /* 2026-11-22T02:00:00Z */
#define DAY (INT64_C(1795305600) * NS_PER_S) /* its midnight */
#define HOUR (3600 * NS_PER_S)

static int parse(const char *text, struct tap_offset *o)
{
	char reason[200] = "";
	struct cli_list list = {.at = {text}, .n = 1};
	int rc = tap_offset_parse(&list, NOW, o, reason, sizeof reason);
	assert_int_equal(rc != 0, reason[0] != '\0'); /* a refusal says why */
	return rc;
}

static struct tap_offset good(const char *text)
{
	struct tap_offset o = {0};
	if (parse(text, &o) != 0)
		fail_msg("%s is refused", text);
	return o;
}

static void words(void **state)
{
	(void)state;
	assert_int_equal(good("beginning").from, TAP_FROM_BEGINNING);
	assert_int_equal(good("earliest").from, TAP_FROM_BEGINNING);
	assert_int_equal(good("end").from, TAP_FROM_END);
	assert_int_equal(good("latest").from, TAP_FROM_END);
	assert_int_equal(good("stored").from, TAP_FROM_STORED);
	assert_int_equal(good("").from, TAP_FROM_END);
	assert_int_equal(good("-1").n, 1);
	assert_int_equal(good("-1").from, TAP_FROM_LAST);
	assert_int_equal(good("-100000").n, TAP_LAST_MAX);
}

static void moments(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} rows[] = {
		{"@2026-11-22", DAY},
		{"@2026-11-22T01:30", DAY + HOUR + HOUR / 2},
		{"@2026-11-22T01:30:01Z", DAY + HOUR + HOUR / 2 + NS_PER_S},
		{"s@2026-11-22 01:30:01.5", DAY + HOUR + HOUR / 2 + 3 * NS_PER_S / 2},
		{"@2026-11-22T00:00:00.123456789Z", DAY + 123456789},
		{"@01:30", DAY + HOUR + HOUR / 2},
		{"@23:59:59", DAY + 24 * HOUR - NS_PER_S}, /* of today, though it has not come */
		{"@1970-01-01", 0},
		{"@2000-02-29", INT64_C(951782400) * NS_PER_S},
		{"@2261-12-31", INT64_C(9214560000) * NS_PER_S},
		{"@1795312800", NOW},
		{"@1795312800123", NOW + 123 * NS_PER_MS},
		{"@1795312800123456", NOW + 123456 * NS_PER_US},
		{"s@1795312800123456789", NOW + 123456789},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tap_offset o = good(rows[i].text);
		assert_int_equal(o.from, TAP_FROM_TIME);
		assert_false(o.begin.back);
		if (o.begin.at != rows[i].at)
			fail_msg("%s: %lld, not %lld", rows[i].text, (long long)o.begin.at, (long long)rows[i].at);
	}
}

static void counted_back(void **state)
{
	(void)state;
	struct tap_offset o = good("-5m");
	assert_int_equal(o.from, TAP_FROM_TIME);
	assert_true(o.begin.back);
	assert_int_equal(tap_moment_at(&o.begin, NOW), NOW - 300 * NS_PER_S);
	assert_int_equal(tap_moment_at(&o.begin, NS_PER_S), 0); /* never before 1970 */
	o = good("s@-1h,e@-30m");
	assert_int_equal(tap_moment_at(&o.begin, NOW), NOW - HOUR);
	assert_true(o.has_end);
	assert_int_equal(tap_moment_at(&o.end, NOW), NOW - HOUR / 2);
}

static void ranges(void **state)
{
	(void)state;
	char reason[200];
	struct tap_offset o = good("s@01:00,e@02:00");
	assert_int_equal(o.begin.at, DAY + HOUR);
	assert_int_equal(o.end.at, DAY + 2 * HOUR);
	struct cli_list two = {.at = {"s@01:00", "e@02:00"}, .n = 2};
	assert_int_equal(tap_offset_parse(&two, NOW, &o, reason, sizeof reason), 0);
	assert_int_equal(o.end.at - o.begin.at, HOUR);
	o = good("e@02:00"); /* what was before it */
	assert_int_equal(o.from, TAP_FROM_BEGINNING);
	assert_int_equal(good("beginning,e@02:00").from, TAP_FROM_BEGINNING);
	assert_int_equal(good("s@-1h,e@02:00").from, TAP_FROM_TIME); /* which is later shows when the newest is known */
}

static void refused(void **state)
{
	static const char *const rows[] = {
		"-0",
		"-100001",
		"-99999999999999999999",
		"--1",
		"-5x",
		"-",
		"yesterday",
		"5",
		"@",
		"s@",
		"e@",
		"@never",
		"@2026-13-01",
		"@2026-02-29",
		"@2026-11-31",
		"@1969-12-31",
		"@2262-01-01",
		"@2026-11-22T",
		"@2026-11-22T24:00",
		"@2026-11-22T01:60",
		"@2026-11-22X01:00",
		"@2026-11-2",
		"@26-11-22",
		"@12:0",
		"@12:00:00+01:00",
		"@99999999999999999999",
		"@9999999999999999999",
		"@-5x",
		"s@02:00,e@01:00",
		"s@01:00,e@01:00",
		"s@-1m,e@-1h",
		"-5,e@01:00",
		"beginning,nonsense",
		"@2026-11-22T01:30:00.1234567890000000000000000000000000000000000000000000000000000",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tap_offset o = {.n = 77};
		if (parse(rows[i], &o) != ERR_ARG)
			fail_msg("%s is taken", rows[i]);
		assert_int_equal(o.n, 77); /* a failed call leaves it alone */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),  cmocka_unit_test(moments), cmocka_unit_test(counted_back),
		cmocka_unit_test(ranges), cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
