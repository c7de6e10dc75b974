/* test_top - what nj top makes of telemetry: lag, what is not stored yet, restarts; messages of nj bench, speeds of nj
 * play. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/codec.h"
#include "tools/nj/bench.h"
#include "tools/nj/play.h"
#include "tools/nj/top.h"

static struct top_services s;

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof s);
	return 0;
}

static void beat(const char *source, uint64_t progress, uint64_t x_last, int64_t mono)
{
	struct event ev;
	event_init(&ev, EVENT_heartbeat);
	snprintf(ev.source, sizeof ev.source, "%s", source);
	ev.heartbeat.state = life_running;
	ev.heartbeat.progress = progress;
	ev.heartbeat.x_last = x_last;
	top_on_event(&s, &ev, LANE_M, mono);
}

static void promise(const char *source, int64_t handled)
{
	struct event ev;
	event_init(&ev, EVENT_promise);
	snprintf(ev.source, sizeof ev.source, "%s", source);
	ev.promise.handled = handled;
	top_on_event(&s, &ev, LANE_M, 1);
}

static void trade(int64_t ts_recv)
{
	struct event ev;
	event_init(&ev, EVENT_trade);
	snprintf(ev.source, sizeof ev.source, "collector");
	ev.ts_recv = ts_recv;
	top_on_event(&s, &ev, LANE_M, 1);
}

static void lag_is_event_time(void **state)
{
	(void)state;
	beat("executor", 1, 5, 10);
	beat("collector", 1, 5, 10);
	assert_int_equal(top_lag(&s, &s.at[0]), -1); /* nothing is known yet */
	trade(1000);
	promise("executor", 400);
	promise("collector", 400);
	assert_int_equal(top_lag(&s, &s.at[0]), 600);
	assert_int_equal(top_lag(&s, &s.at[1]), -1); /* follows no market */
	promise("executor", 1200);
	assert_int_equal(top_lag(&s, &s.at[0]), 0); /* its promise reaches further than the market */
	trade(900);
	assert_int_equal(s.newest, 1000); /* an older one changes nothing */
}

static void unstored_is_counted(void **state)
{
	(void)state;
	struct event ev;
	struct pair acks[] = {{"executor", 7}, {"strategy", 30}};
	beat("executor", 1, 10, 10);
	assert_int_equal(top_unstored(&s.at[0]), -1);
	event_init(&ev, EVENT_heartbeat);
	memcpy(ev.source, "persister", 10);
	ev.heartbeat.acks = (struct pairs){acks, 2};
	top_on_event(&s, &ev, LANE_M, 10);
	assert_int_equal(top_unstored(&s.at[0]), 3);
	beat("executor", 1, 7, 11);
	assert_int_equal(top_unstored(&s.at[0]), 0);
	/* Acknowledgements of anybody else are not of the database. */
	memcpy(ev.source, "watchdog", 9);
	acks[0].value = 1;
	top_on_event(&s, &ev, LANE_M, 12);
	assert_int_equal(top_unstored(&s.at[0]), 0);
}

static void a_restart_begins_anew(void **state)
{
	(void)state;
	beat("collector", 500, 1, 10);
	assert_int_equal(s.at[0].shown_progress, 500); /* no burst in the first picture */
	beat("collector", 700, 1, 11);
	assert_int_equal(s.at[0].progress - s.at[0].shown_progress, 200);
	beat("collector", 3, 1, 12);
	assert_int_equal(s.at[0].progress - s.at[0].shown_progress, 0);
	assert_int_equal(s.n, 1);
}

static void names_are_bounded(void **state)
{
	(void)state;
	char name[EVENT_SOURCE_MAX];
	for (int i = 0; i < 3 * BUS_PEERS_MAX; i++) {
		snprintf(name, sizeof name, "p%d", i);
		beat(name, 1, 1, 10);
	}
	assert_int_equal(s.n, BUS_PEERS_MAX);
}

static void messages_have_their_size(void **state)
{
	static struct bench_message m;
	static uint8_t packed[64 << 10];
	(void)state;
	for (int64_t size = BENCH_SIZE_MIN; size <= BENCH_SIZE_MAX; size += size / 3) {
		bench_message_init(&m, LANE_M, size);
		assert_in_range(m.packed, size, size + 24); /* one level more at most */
		assert_int_equal(codec_pack(&m.ev, packed, sizeof packed), m.packed);
	}
	bench_message_init(&m, LANE_X, 4096);
	assert_int_equal(event_row(m.ev.id)->lane, LANE_X);
	assert_int_equal(m.ev.origin, origin_simulated);
}

static void speeds(void **state)
{
	static const struct {
		const char *text;
		int64_t thousandths;
	} rows[] = {{"1", 1000},  {"1x", 1000}, {"10x", 10000},         {"0.5x", 500},
		    {"0.001", 1}, {"max", 0},   {"1000000", 1000000000}};
	static const char *const wrong[] = {
		"", "x", "0", "0x", "0.0001", "-1", "1xx", "fast", "1000001", "1 x", "11111111111111111111111111111"};
	int64_t got = -5;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(play_parse_speed(rows[i].text, &got), 0);
		assert_int_equal(got, rows[i].thousandths);
	}
	got = -5;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (play_parse_speed(wrong[i], &got) != ERR_ARG || got != -5)
			fail_msg("'%s' is taken", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lag_is_event_time, setup),
		cmocka_unit_test_setup(unstored_is_counted, setup),
		cmocka_unit_test_setup(a_restart_begins_anew, setup),
		cmocka_unit_test_setup(names_are_bounded, setup),
		cmocka_unit_test(messages_have_their_size),
		cmocka_unit_test(speeds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
