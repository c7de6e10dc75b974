/* test_merge - the order of a recording's inputs: begin, replies, live, then frames and replies by stamp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/collector/merge.h"

static const int64_t early = 100, late = 200;

static void nothing_before_the_first_frame(void **state)
{
	struct merge m = {0};
	(void)state;
	assert_int_equal(merge_next(&m), MERGE_NOTHING);
	m.answer = &early;
	assert_int_equal(merge_next(&m), MERGE_NOTHING);
	m.frame = &late;
	assert_int_equal(merge_next(&m), MERGE_BEGIN);
}

static void live_after_the_first_replies(void **state)
{
	struct merge m = {.started = true, .now = early, .frame = &early};
	(void)state;
	m.awaiting = true;
	assert_int_equal(merge_next(&m), MERGE_NOTHING);
	m.awaiting = false;
	m.answer = &late; /* later than the frame, but what the beginning asked for */
	assert_int_equal(merge_next(&m), MERGE_ANSWER);
	m.answer = NULL;
	assert_int_equal(merge_next(&m), MERGE_LIVE);
}

static void by_stamp_once_live(void **state)
{
	struct merge m = {.started = true, .told_live = true, .now = early};
	(void)state;
	m.frame = &late;
	m.answer = &early;
	assert_int_equal(merge_next(&m), MERGE_ANSWER);
	m.frame = &early;
	assert_int_equal(merge_next(&m), MERGE_FRAME); /* equal stamps: the frame first */
	m.answer = &late;
	assert_int_equal(merge_next(&m), MERGE_FRAME);
	m.awaiting = true; /* the unknown reply could be older */
	assert_int_equal(merge_next(&m), MERGE_NOTHING);
}

static void without_a_frame_only_what_is_due(void **state)
{
	struct merge m = {.started = true, .told_live = true, .now = early};
	(void)state;
	assert_int_equal(merge_next(&m), MERGE_NOTHING);
	m.answer = &late; /* a frame before it may still come */
	assert_int_equal(merge_next(&m), MERGE_NOTHING);
	m.answer = &early;
	assert_int_equal(merge_next(&m), MERGE_ANSWER);
}

static void replies_by_stamp_then_request(void **state)
{
	(void)state;
	assert_true(merge_before(1, 9, 2, 1));
	assert_false(merge_before(2, 1, 1, 9));
	assert_true(merge_before(1, 1, 1, 2));
	assert_false(merge_before(1, 2, 1, 1));
}

static void the_end(void **state)
{
	static const char end[] = "{\"e\":\"nightjar.end\"}", other[] = "{\"e\":\"nightjar.enD\"}";
	(void)state;
	assert_true(merge_is_end(end, sizeof end - 1));
	assert_false(merge_is_end(end, 10));
	assert_false(merge_is_end(other, sizeof other - 1));
	assert_false(merge_is_end("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_before_the_first_frame),
		cmocka_unit_test(live_after_the_first_replies),
		cmocka_unit_test(by_stamp_once_live),
		cmocka_unit_test(without_a_frame_only_what_is_due),
		cmocka_unit_test(replies_by_stamp_then_request),
		cmocka_unit_test(the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
