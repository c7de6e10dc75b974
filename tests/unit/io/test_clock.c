/* test_clock - real time moves forward, simulated time only when told, dates are right over the
 * whole range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/io/clock.h"

static void real_clock_moves(void **state)
{
	(void)state;
	const struct clock *c = clock_real();
	int64_t last = clock_mono(c);
	for (int i = 0; i < 100000; i++) {
		int64_t now = clock_mono(c);
		assert_true(now >= last);
		last = now;
	}
	int64_t wall = clock_wall(c), libc = (int64_t)time(NULL);
	assert_true(wall / NS_PER_S - libc <= 1 && libc - wall / NS_PER_S <= 1);
}

static void simulated_clock_moves_when_told(void **state)
{
	(void)state;
	struct clock_sim sim;
	clock_sim_init(&sim, 5 * NS_PER_S);
	assert_int_equal(clock_wall(&sim.clock), 5 * NS_PER_S);
	assert_int_equal(clock_mono(&sim.clock), 0);
	clock_sim_advance(&sim, 7);
	assert_int_equal(clock_wall(&sim.clock), 5 * NS_PER_S + 7);
	assert_int_equal(clock_mono(&sim.clock), 7);
	sim.wall_ns -= NS_PER_S; /* a step back of the wall clock leaves the monotonic one alone */
	assert_int_equal(clock_wall(&sim.clock), 4 * NS_PER_S + 7);
	assert_int_equal(clock_mono(&sim.clock), 7);
}

static void event_time_follows_the_wall_clock(void **state)
{
	(void)state;
	struct clock_sim sim;
	struct event_clock e = {0};
	clock_sim_init(&sim, 1000 * NS_PER_S);
	clock_sim_advance(&sim, 5);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(event_clock_now(&e, &sim.clock), clock_wall(&sim.clock));
		clock_sim_advance(&sim, i % 3 ? 1 : 40 * NS_PER_MS);
	}
	sim.wall_ns += 3600 * NS_PER_S; /* set ahead, or the machine slept: what comes now is from now */
	assert_int_equal(event_clock_now(&e, &sim.clock), clock_wall(&sim.clock));
	assert_true(event_clock_ahead(&e, &sim.clock) <= 0);
}

/* An hour back is caught up in two, strictly forward meanwhile however often it is asked. */
static void a_step_back_slows_event_time_and_never_stops_it(void **state)
{
	(void)state;
	static const int64_t paces[] = {1, 7, 50 * NS_PER_MS, 10 * NS_PER_S};
	for (size_t p = 0; p < sizeof paces / sizeof paces[0]; p++) {
		struct clock_sim sim;
		struct event_clock e = {0};
		clock_sim_init(&sim, 10000 * NS_PER_S);
		clock_sim_advance(&sim, NS_PER_S);
		int64_t before = event_clock_now(&e, &sim.clock), back = paces[p] < NS_PER_MS ? 1000 : 3600 * NS_PER_S;
		int64_t began = clock_mono(&sim.clock), last = before;
		sim.wall_ns -= back;
		assert_int_equal(event_clock_now(&e, &sim.clock), before);
		assert_int_equal(event_clock_ahead(&e, &sim.clock), back);
		while (event_clock_ahead(&e, &sim.clock) > 0) {
			clock_sim_advance(&sim, paces[p]);
			int64_t now = event_clock_now(&e, &sim.clock), spent = clock_mono(&sim.clock) - began;
			assert_true(now >= last);
			assert_true(now - before <= spent && now - before >= spent / 2 - paces[p]);
			last = now;
		}
		int64_t spent = clock_mono(&sim.clock) - began;
		assert_true(spent >= 2 * back - 2 && spent <= 2 * back + 2 * paces[p]);
	}
}

static void event_time_goes_on_where_the_process_before_was(void **state)
{
	(void)state;
	struct clock_sim sim;
	struct event_clock e = {0};
	clock_sim_init(&sim, 100 * NS_PER_S);
	clock_sim_advance(&sim, NS_PER_S);
	event_clock_resume(&e, &sim.clock, 111 * NS_PER_S);
	clock_sim_advance(&sim, 4 * NS_PER_S);
	assert_int_equal(event_clock_now(&e, &sim.clock), 113 * NS_PER_S);
	event_clock_resume(&e, &sim.clock, 50 * NS_PER_S); /* older than what was said: nothing */
	assert_int_equal(event_clock_now(&e, &sim.clock), 113 * NS_PER_S);
}

static void known_dates(void **state)
{
	(void)state;
	static const struct { int64_t ns; const char *text; } row[] = {
		{0, "1970-01-01T00:00:00.000000000Z"},
		{-1, "1969-12-31T23:59:59.999999999Z"},
		{INT64_C(1795314000123456789), "2026-11-22T02:20:00.123456789Z"},
		{INT64_C(951782399000000000), "2000-02-28T23:59:59.000000000Z"},
		{INT64_C(951782400000000000), "2000-02-29T00:00:00.000000000Z"},
		{INT64_C(4107542400000000000), "2100-03-01T00:00:00.000000000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
	};
	char out[32];
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_string_equal(clock_rfc3339(row[i].ns, out), row[i].text);
}

static void dates_agree_with_libc(void **state)
{
	(void)state;
	for (int64_t s = -9000000000; s < 9000000000; s += 7654321) {
		time_t t = (time_t)s;
		struct tm tm;
		char expect[64], out[32];
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(expect, sizeof expect, "%Y-%m-%dT%H:%M:%S.000000000Z", &tm) >
			    0);
		assert_string_equal(clock_rfc3339(s * NS_PER_S, out), expect);
	}
}

static void test_sleep(void **state)
{
	(void)state;
	struct clock_sim c;
	struct clock never = {.wall = clock_real()->wall, .mono = clock_real()->mono};

	clock_sim_init(&c, 1000);
	clock_sim_advance(&c, 50);
	assert_int_equal(clock_slept(&c.clock), 0);
	clock_sim_sleep(&c, 70);
	clock_sim_advance(&c, 5);
	assert_int_equal(clock_slept(&c.clock), 70);
	assert_int_equal(clock_wall(&c.clock), 1125);
	assert_int_equal(clock_mono(&c.clock), 55);
	assert_int_equal(clock_slept(&never), 0);
	int64_t slept = clock_slept(clock_real());
	assert_true(slept >= 0 && clock_slept(clock_real()) - slept < NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(real_clock_moves),
		cmocka_unit_test(simulated_clock_moves_when_told),
		cmocka_unit_test(event_time_follows_the_wall_clock),
		cmocka_unit_test(a_step_back_slows_event_time_and_never_stops_it),
		cmocka_unit_test(event_time_goes_on_where_the_process_before_was),
		cmocka_unit_test(known_dates),
		cmocka_unit_test(dates_agree_with_libc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
