/* test_offset - the clock's distance from the venue's: what is certain of it counts, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/venue/offset.h"

#define MS INT64_C(1000000)
#define T INT64_C(1700000000000000000)

static enum offset_grade grade(int64_t trip, int64_t ahead, int64_t *ret_ns)
{
	/* The venue answers in the middle of the round trip. */
	struct offset_sample s = {.sent = T + ahead,
				  .received = T + ahead + trip,
				  .venue = (T + trip / 2) / MS * MS,
				  .cut = MS};
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
	struct offset_sample s = {.sent = T, .received = T - 5000 * MS, .venue = T, .cut = MS};
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

static void dates(void **state)
{
	static const char *const bad[] = {"",
					  "Sun, 06 Nov 1994 08:49:37",
					  "Sunday, 06-Nov-94 08:49:37 GMT",
					  "Sun Nov  6 08:49:37 1994",
					  "Sun, 06 Now 1994 08:49:37 GMT",
					  "Sun, 06 anF 1994 08:49:37 GMT",
					  "Sun, 31 Nov 1994 08:49:37 GMT",
					  "Sun, 06 Nov 1994 25:49:37 GMT",
					  "Sun, 06 Nov 1994 08:49:37 GMT and more",
					  "Sun, 06 Nov 1994 08:49:37 CET"};
	int64_t ns = 0;
	(void)state;
	assert_int_equal(offset_date("Sun, 06 Nov 1994 08:49:37 GMT", &ns), 0);
	assert_int_equal(ns, INT64_C(784111777) * OFFSET_SECOND);
	assert_int_equal(offset_date("Thu, 01 Jan 1970 00:00:00 GMT", &ns), 0);
	assert_int_equal(ns, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_not_equal(offset_date(bad[i], &ns), 0);
}

/* What is known after so many answers in whole seconds, as clocks.c asks for them. */
static struct offset after(int n, int64_t trip, int64_t ahead, int64_t *ret_worst)
{
	const int64_t every = 15130 * MS;
	struct offset o = {0};
	*ret_worst = 0;
	for (int i = 0; i < n; i++) {
		int64_t at = T + i * every;
		struct offset_sample s = {.sent = at + ahead,
					  .received = at + ahead + trip,
					  .venue = (at + trip / 2) / OFFSET_SECOND * OFFSET_SECOND,
					  .cut = OFFSET_SECOND};
		struct offset next = offset_of(&s);
		o = i == 0 ? next : offset_join(&o, &next, every);
		int64_t wrong = o.ns > ahead ? o.ns - ahead : ahead - o.ns;
		assert_true(wrong <= o.known); /* the truth is always within */
		*ret_worst = o.known;
	}
	return o;
}

/* A date alone proves nothing below a second and a half; with those of two minutes what is asked for is told. */
static void whole_seconds(void **state)
{
	static const int64_t aheads[] = {0, 100, -100, 249, -260, 320, -400, 900, 1100, -1100, 3600000};
	int64_t known;
	(void)state;
	for (size_t i = 0; i < sizeof aheads / sizeof *aheads; i++) {
		int64_t ahead = aheads[i] * MS, size = ahead < 0 ? -ahead : ahead;
		struct offset o = after(1, 40 * MS, ahead, &known);
		assert_in_range(known, 500 * MS, 600 * MS);
		o = after(8, 40 * MS, ahead, &known);
		assert_in_range(known, 0, 120 * MS);
		enum offset_grade g = offset_grade(&o);
		if (size < OFFSET_FAR_NS)
			assert_int_not_equal(g, OFFSET_FAR);
		if (size > OFFSET_FAR_NS + 2 * known)
			assert_int_equal(g, OFFSET_FAR);
		if (size < OFFSET_WARN_NS)
			assert_int_equal(g, OFFSET_GOOD);
		if (size > OFFSET_WARN_NS + 2 * known)
			assert_true(g >= OFFSET_WARN);
	}
}

static void a_clock_that_was_set(void **state)
{
	int64_t known;
	struct offset o = after(8, 40 * MS, 0, &known), now = after(1, 40 * MS, 5000 * MS, &known);
	(void)state;
	struct offset both = offset_join(&o, &now, 15130 * MS);
	assert_int_equal(both.ns, now.ns);
	assert_int_equal(both.known, now.known);
	assert_int_equal(offset_grade(&both), OFFSET_FAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dates), cmocka_unit_test(whole_seconds),
					   cmocka_unit_test(a_clock_that_was_set),
					   cmocka_unit_test(by_what_is_certain),
					   cmocka_unit_test(clock_set_back_under_way), cmocka_unit_test(reading)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
