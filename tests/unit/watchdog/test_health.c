/* test_health - heartbeats tell the hung from the idle from the well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/io/clock.h"
#include "services/watchdog/health.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hung_means_no_heartbeat),
		cmocka_unit_test(idle_means_heartbeats_without_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
