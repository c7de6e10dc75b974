/* test_health - heartbeats tell the hung from the idle from the well; a leak is found, level memory is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/io/clock.h"
#include "services/watchdog/health.h"

#define MIB (INT64_C(1) << 20)

static const struct health_limits limits = {.dead_ns = 5 * NS_PER_S, .boot_ns = 30 * NS_PER_S};

static void beat(struct health *h, int64_t at, uint64_t progress, int64_t silence_max)
{
	struct event ev;
	event_init(&ev, EVENT_heartbeat);
	ev.heartbeat.progress = progress;
	ev.heartbeat.silence_max = silence_max;
	health_on_beat(h, &ev, at);
}

static void hung_means_no_heartbeat(void **state)
{
	(void)state;
	struct health h;
	const int64_t began = 100 * NS_PER_S;
	health_init(&h, began);
	assert_int_equal(health_state(&h, &limits, began), HEALTH_UNKNOWN);
	assert_int_equal(health_state(&h, &limits, began + 30 * NS_PER_S), HEALTH_UNKNOWN);
	assert_int_equal(health_state(&h, &limits, began + 30 * NS_PER_S + 1), HEALTH_HUNG);
	int64_t at = began + 31 * NS_PER_S;
	beat(&h, at, 0, 0);
	assert_int_equal(health_state(&h, &limits, at + 5 * NS_PER_S), HEALTH_OK);
	assert_int_equal(health_state(&h, &limits, at + 5 * NS_PER_S + 1), HEALTH_HUNG);
	/* A new process has the time of a boot again. */
	health_restarted(&h, at + 6 * NS_PER_S);
	assert_int_equal(health_state(&h, &limits, at + 6 * NS_PER_S + limits.boot_ns), HEALTH_UNKNOWN);
	beat(&h, at + 7 * NS_PER_S, 0, 0);
	assert_int_equal(health_state(&h, &limits, at + 8 * NS_PER_S), HEALTH_OK);
}

static void idle_means_heartbeats_without_work(void **state)
{
	(void)state;
	struct health h;
	int64_t at = NS_PER_S;
	health_init(&h, at);
	for (int i = 0; i < 240; i++, at += 250 * NS_PER_MS) {
		beat(&h, at, 7, 30 * NS_PER_S);
		bool late = at - NS_PER_S > 30 * NS_PER_S;
		assert_int_equal(health_state(&h, &limits, at), late ? HEALTH_IDLE : HEALTH_OK);
	}
	beat(&h, at, 8, 30 * NS_PER_S);
	assert_int_equal(health_state(&h, &limits, at), HEALTH_OK);
	/* A service that has nothing to do says so itself, and that is no alarm: an hourly job waits for its hour. */
	for (int i = 0; i < 4 * 3600; i++, at += 250 * NS_PER_MS)
		beat(&h, at, 8, 0);
	assert_int_equal(health_state(&h, &limits, at), HEALTH_OK);
}

/* Minutes of memory with noise: level + slope. Returns the growth found. */
static int64_t growth_of(int minutes, int64_t slope_an_hour, int64_t noise, uint64_t seed)
{
	struct health h;
	struct rng r;
	int64_t at = 60 * NS_PER_S;
	rng_seed(&r, seed);
	health_init(&h, 0);
	for (int i = 0; i < minutes; i++, at += 60 * NS_PER_S) {
		struct event ev;
		event_init(&ev, EVENT_heartbeat);
		int64_t rss = 60 * MIB + slope_an_hour * i / 60;
		if (noise)
			rss += (int64_t)rng_below(&r, (uint64_t)noise);
		ev.heartbeat.rss = (uint64_t)rss;
		health_on_beat(&h, &ev, at);
		health_sample(&h, at);
	}
	return health_growth(&h);
}

static void a_leak_is_found_and_level_memory_is_none(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		/* 100 MiB an hour within half an hour, whatever the noise of 4 MiB makes of it. */
		int64_t leak = growth_of(30, 120 * MIB, 4 * MIB, seed);
		assert_true(leak > 100 * MIB && leak < 140 * MIB);
		int64_t level = growth_of(30, 0, 4 * MIB, seed);
		assert_true(level > -10 * MIB && level < 10 * MIB);
		/* The line is that of the last hour: what grew six hours ago does not count. */
		assert_true(growth_of(360, 5 * MIB, MIB / 4, seed) > 4 * MIB);
	}
	assert_int_equal(growth_of(9, 1000 * MIB, 0, 1), 0); /* a start is not a slope */
	assert_int_equal(growth_of(20, 60 * MIB, 0, 1), 60 * MIB);
}

static void a_single_jump_is_no_slope(void **state)
{
	(void)state;
	struct health h;
	int64_t at = 60 * NS_PER_S;
	health_init(&h, 0);
	for (int i = 0; i < 60; i++, at += 60 * NS_PER_S) {
		struct event ev;
		event_init(&ev, EVENT_heartbeat);
		ev.heartbeat.rss = (uint64_t)((i == 30 ? 400 : 60) * MIB);
		health_on_beat(&h, &ev, at);
		health_sample(&h, at);
	}
	assert_int_equal(health_growth(&h), 0);
}

static void samples_are_one_a_minute_and_bounded(void **state)
{
	(void)state;
	struct health h;
	health_init(&h, 0);
	for (int64_t at = NS_PER_S; at < 10 * 3600 * NS_PER_S; at += NS_PER_S) {
		beat(&h, at, 1, 0);
		health_sample(&h, at);
		assert_true(h.samples <= HEALTH_SAMPLES);
		if (at == 3600 * NS_PER_S)
			assert_int_equal(h.samples, 60);
	}
	assert_int_equal(h.samples, HEALTH_SAMPLES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hung_means_no_heartbeat),
		cmocka_unit_test(idle_means_heartbeats_without_work),
		cmocka_unit_test(a_leak_is_found_and_level_memory_is_none),
		cmocka_unit_test(a_single_jump_is_no_slope),
		cmocka_unit_test(samples_are_one_a_minute_and_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
