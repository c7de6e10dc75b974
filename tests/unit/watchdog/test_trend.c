/* test_trend - a leak is found within its time, level memory and single jumps are none, and a week is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "services/watchdog/trend.h"

#define MIB 1024 /* in KiB */

/* Minutes of memory: level, slope and noise. */
static void feed(struct trend *t, uint32_t minutes, int64_t slope_an_hour, uint64_t noise, uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed);
	for (uint32_t i = 0; i < minutes; i++) {
		int64_t kib = 60 * MIB + slope_an_hour * i / 60 + (noise ? (int64_t)rng_below(&r, noise) : 0);
		trend_add(t, &(struct trend_sample){.value = {[TREND_MEMORY] = (uint32_t)kib, [TREND_FDS] = 20 + i}});
	}
}

static int64_t slope_of(uint32_t minutes, uint32_t window, int64_t slope_an_hour, uint64_t noise, uint64_t seed)
{
	struct trend t;

	assert_int_equal(trend_init(&t), 0);
	feed(&t, minutes, slope_an_hour, noise, seed);
	int64_t slope = trend_slope(&t, TREND_MEMORY, window);
	trend_fini(&t);
	return slope;
}

static void a_leak_is_found_and_level_memory_is_none(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		/* 100 MiB an hour within half an hour, whatever the noise of 4 MiB makes of it. */
		int64_t leak = slope_of(30, TREND_HOUR, 120 * MIB, 4 * MIB, seed);
		assert_true(leak > 100 * MIB && leak < 140 * MIB);
		int64_t level = slope_of(30, TREND_HOUR, 0, 4 * MIB, seed);
		assert_true(level > -10 * MIB && level < 10 * MIB);
		/* 5 MiB an hour within six, under noise in which an hour shows nothing. */
		leak = slope_of(360, TREND_SIX_HOURS, 5 * MIB, 4 * MIB, seed);
		assert_true(leak > 4 * MIB && leak < 6 * MIB);
		level = slope_of(360, TREND_SIX_HOURS, 0, 4 * MIB, seed);
		assert_true(level > -MIB && level < MIB);
	}
	assert_int_equal(slope_of(9, TREND_HOUR, 1000 * MIB, 0, 1), 0); /* a start is not a slope */
}

static void a_ramp_has_its_slope(void **state)
{
	static const uint32_t windows[] = {TREND_HOUR, TREND_SIX_HOURS, TREND_SAMPLES};

	(void)state;
	for (uint32_t minutes = 10; minutes < 3 * TREND_SAMPLES; minutes = minutes * 3 / 2)
		for (int w = 0; w < 3; w++)
			assert_int_equal(slope_of(minutes, windows[w], 60 * MIB, 0, 1), 60 * MIB);
	assert_int_equal(slope_of(600, TREND_HOUR, -60, 0, 1), -60);
}

static void a_single_jump_is_no_slope(void **state)
{
	struct trend t;

	(void)state;
	assert_int_equal(trend_init(&t), 0);
	for (uint32_t i = 0; i < 360; i++)
		trend_add(&t, &(struct trend_sample){.value = {[TREND_MEMORY] = i % 180 == 30 ? 400 * MIB : 60 * MIB}});
	assert_int_equal(trend_slope(&t, TREND_MEMORY, TREND_HOUR), 0);
	assert_int_equal(trend_slope(&t, TREND_MEMORY, TREND_SIX_HOURS), 0);
	trend_fini(&t);
}

static void a_restart_begins_anew(void **state)
{
	struct trend t;

	(void)state;
	assert_int_equal(trend_init(&t), 0);
	feed(&t, 500, 60 * MIB, 0, 1);
	trend_restarted(&t);
	assert_int_equal(trend_slope(&t, TREND_MEMORY, TREND_SIX_HOURS), 0);
	assert_int_equal(trend_last(&t).value[TREND_MEMORY], 0);
	feed(&t, 20, 0, 0, 1);
	assert_int_equal(trend_slope(&t, TREND_MEMORY, TREND_SIX_HOURS), 0);
	assert_int_equal(trend_last(&t).value[TREND_MEMORY], 60 * MIB);
	assert_int_equal(trend_slope(&t, TREND_FDS, TREND_HOUR), 60);
	trend_fini(&t);
}

static void a_week_is_kept(void **state)
{
	struct trend t;

	(void)state;
	assert_int_equal(trend_init(&t), 0);
	feed(&t, 3 * TREND_SAMPLES + 17, 60, 0, 1);
	assert_int_equal(t.n, 7 * 24 * 60);
	assert_int_equal(t.taken, 3 * TREND_SAMPLES + 17);
	assert_int_equal(trend_slope(&t, TREND_MEMORY, TREND_SAMPLES), 60);
	trend_fini(&t);
	trend_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_is_found_and_level_memory_is_none),
		cmocka_unit_test(a_ramp_has_its_slope),
		cmocka_unit_test(a_single_jump_is_no_slope),
		cmocka_unit_test(a_restart_begins_anew),
		cmocka_unit_test(a_week_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
