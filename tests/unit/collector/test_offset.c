/* test_offset - the clock's distance from the venue's: what is certain of it counts, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/collector/offset.h"

#define MS INT64_C(1000000)
#define T INT64_C(1700000000000000000)

static enum offset_grade grade(int64_t trip, int64_t ahead, int64_t *ret_ns)
{
	/* The venue answers in the middle of the round trip. */
	struct offset_sample s = {.sent = T + ahead, .received = T + ahead + trip, .venue = (T + trip / 2) / MS * MS};
	struct offset o = offset_of(&s);
	*ret_ns = o.ns;
	return offset_grade(&o);
}

static void by_what_is_certain(void **state)
{
	int64_t ns;
	(void)state;
	assert_int_equal(grade(20 * MS, 0, &ns), OFFSET_GOOD);
	assert_in_range(ns + MS, 0, 2 * MS);
	assert_int_equal(grade(20 * MS, 255 * MS, &ns), OFFSET_GOOD); /* 245 ms at least */
	assert_int_equal(grade(20 * MS, 270 * MS, &ns), OFFSET_WARN);
	assert_in_range(ns, 269 * MS, 271 * MS);
	assert_int_equal(grade(20 * MS, -270 * MS, &ns), OFFSET_WARN);
	assert_in_range(-ns, 269 * MS, 271 * MS);
	assert_int_equal(grade(20 * MS, 1020 * MS, &ns), OFFSET_FAR);
	assert_int_equal(grade(20 * MS, -86400000 * MS, &ns), OFFSET_FAR);
	assert_int_equal(grade(3000 * MS, 1020 * MS, &ns), OFFSET_GOOD); /* a slow answer proves nothing */
}

static void clock_set_back_under_way(void **state)
{
	struct offset_sample s = {.sent = T, .received = T - 5000 * MS, .venue = T};
	struct offset o = offset_of(&s);
	(void)state;
	assert_in_range(o.known, 0, MS);
}

static int read(const char *text, const char *key, int64_t *ret)
{
	return offset_read(text, strlen(text), key, ret);
}

static void reading(void **state)
{
	int64_t ns = 0;
	(void)state;
	assert_int_equal(read("{\"serverTime\":1499827319559}", "serverTime", &ns), 0);
	assert_int_equal(ns, 1499827319559 * MS);
	assert_int_equal(read("{\"retCode\":0,\"result\":{\"time\":5},\"time\":1688639403423}", "time", &ns), 0);
	assert_int_equal(ns, 1688639403423 * MS);
	assert_int_equal(read("{}", "time", &ns), ERR_PROTOCOL);
	assert_int_equal(read("{\"time\":\"1688639403423\"}", "time", &ns), ERR_PROTOCOL);
	assert_int_equal(read("{\"time\":-1}", "time", &ns), ERR_PROTOCOL);
	assert_int_equal(read("{\"time\":9223372036854775807}", "time", &ns), ERR_PROTOCOL);
	assert_true(read("{\"time\":1688639403423", "time", &ns) < 0);
	assert_true(read("", "time", &ns) < 0);
	assert_int_equal(ns, 1688639403423 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_what_is_certain),
					   cmocka_unit_test(clock_set_back_under_way), cmocka_unit_test(reading)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
