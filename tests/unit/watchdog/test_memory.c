/* test_memory - from heartbeats to alerts, over simulated hours: what holds too much, runs away or creeps is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/io/clock.h"
#include "services/watchdog/memory.h"

#define MIB (UINT64_C(1) << 20)

static const struct memory_limits limits = {
	.rss_max = 500 * MIB,
	.stack_max = 1536 * MIB,
	.growth_max = 100 * MIB,
	.runaway_max = 200 * MIB,
	.creep_max = 4 * MIB,
};

enum rule { HIGH, GROWTH, RUNAWAY, CREEP, STACK, RULES };
static const char *const names[RULES] = {"memory_high", "memory_growth", "memory_runaway", "memory_creep",
					 "stack_memory_high"};
static bool is_raised[RULES];

static void tell(void *ctx, enum severity severity, bool raised, const char *rule, const char *subject,
		 const char *text)
{
	(void)ctx;
	assert_true(strstr(text, strcmp(subject, "stack") == 0 ? "all services" : subject) != NULL);
	for (int i = 0; i < RULES; i++)
		if (strcmp(names[i], rule) == 0) {
			is_raised[i] = raised;
			assert_int_equal(severity, i == RUNAWAY || i == STACK ? severity_critical : severity_warning);
			return;
		}
	fail_msg("unknown rule %s", rule);
}

static const struct memory_alerts alerts = {.tell = tell};

struct world {
	struct memory m;
	int64_t at;
	uint64_t files; /* bytes of mapped files */
};

static void begin(struct world *w)
{
	memset(is_raised, 0, sizeof is_raised);
	*w = (struct world){.at = 1000 * NS_PER_S, .files = 15 * MIB};
	assert_int_equal(memory_init(&w->m, w->at), 0);
}

/* A minute of heartbeats, one each 5 s, with so much memory. */
static void minute(struct world *w, uint64_t anon)
{
	for (int i = 0; i < 12; i++, w->at += 5 * NS_PER_S) {
		struct event ev;
		event_init(&ev, EVENT_heartbeat);
		ev.heartbeat.anon = anon;
		ev.heartbeat.rss = anon + w->files;
		memory_on_telemetry(&w->m, &ev, w->at);
		memory_sample(&w->m, w->at);
		memory_judge(&w->m, &limits, "executor", &alerts);
	}
}

static void hello(struct world *w, uint32_t pid)
{
	struct event ev;
	event_init(&ev, EVENT_hello);
	ev.hello.pid = pid;
	memory_on_telemetry(&w->m, &ev, w->at);
}

static void too_much_is_told_at_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	minute(&w, 485 * MIB);
	assert_false(is_raised[HIGH]); /* 500 with its files */
	minute(&w, 486 * MIB);
	assert_true(is_raised[HIGH]);
	minute(&w, 400 * MIB);
	assert_false(is_raised[HIGH]);
	memory_judge_stack(1536 * MIB, &limits, &alerts);
	assert_false(is_raised[STACK]);
	memory_judge_stack(1536 * MIB + 1, &limits, &alerts);
	assert_true(is_raised[STACK]);
	memory_fini(&w.m);
}

/* Minutes until a leak of so many MiB an hour raises the rule; 0: not within the time. */
static int found_after(enum rule rule, uint64_t mib_an_hour, int minutes)
{
	struct world w;
	int found = 0;

	begin(&w);
	for (int i = 0; i < minutes && !found; i++) {
		minute(&w, 20 * MIB + mib_an_hour * MIB * (uint64_t)i / 60);
		found = is_raised[rule] ? i + 1 : 0;
	}
	memory_fini(&w.m);
	return found;
}

static void leaks_are_found_in_time(void **state)
{
	(void)state;
	int at = found_after(GROWTH, 101, 600);
	assert_true(at > 0 && at <= 30);
	at = found_after(RUNAWAY, 201, 600);
	assert_true(at > 0 && at <= 30);
	assert_int_equal(found_after(RUNAWAY, 150, 120), 0);
	at = found_after(CREEP, 5, 600);
	assert_true(at > 0 && at <= 362);
	assert_int_equal(found_after(GROWTH, 5, 600), 0);
	assert_int_equal(found_after(CREEP, 3, 1200), 0);
}

/* A start that fills caches, a burst, and files that come and go in the page cache: no leak. */
static void what_is_healthy_is_not_told(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i <= TREND_SAMPLES; i++) {
		w.files = (uint64_t)(i % 500) * MIB / 2;
		minute(&w, i < 4 ? (uint64_t)i * 10 * MIB + MIB : i % 1000 < 3 ? 200 * MIB : 40 * MIB);
		for (int r = GROWTH; r <= CREEP; r++)
			assert_false(is_raised[r]);
	}
	assert_int_equal(w.m.trend.n, TREND_SAMPLES);
	memory_fini(&w.m);
}

static void a_new_process_is_a_new_line(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	hello(&w, 100);
	for (int i = 0; i < 400; i++)
		minute(&w, (20 + (uint64_t)i) * MIB);
	assert_true(is_raised[CREEP]);
	hello(&w, 100); /* greets somebody else */
	minute(&w, 421 * MIB);
	assert_true(is_raised[CREEP]);
	hello(&w, 101);
	minute(&w, 20 * MIB);
	assert_false(is_raised[CREEP]);
	assert_true(w.m.trend.n <= 1);
	memory_fini(&w.m);
}

static int64_t pair_of(const struct pair *p, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(p[i].name, name) == 0)
			return p[i].value;
	fail_msg("no pair %s", name);
	return -1;
}

static void metrics_become_samples(void **state)
{
	static struct pair pairs[EVENT_PAIRS_MAX];
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i < 20; i++) {
		struct pair values[] = {{"process_cpu_ns_total", 1 + i * 15 * NS_PER_S},
					{"process_open_fds", 30 + i},
					{"process_threads", 7},
					{"in.collector.m.queued", 3},
					{"in.strategy.x.queued", 4},
					{"queued", 1000}};
		struct event ev;
		event_init(&ev, EVENT_metrics);
		ev.metrics.values = (struct pairs){.at = values, .n = ARRAY_LEN(values)};
		memory_on_telemetry(&w.m, &ev, w.at);
		minute(&w, 40 * MIB);
	}
	uint32_t n = memory_pairs(&w.m, "executor", pairs, 0);
	assert_int_equal(pair_of(pairs, n, "executor.cpu"), 250); /* 15 s of a minute */
	assert_int_equal(pair_of(pairs, n, "executor.fds"), 49);
	assert_int_equal(pair_of(pairs, n, "executor.fds_6h"), 60);
	assert_int_equal(pair_of(pairs, n, "executor.threads"), 7);
	assert_int_equal(pair_of(pairs, n, "executor.queued"), 7);
	assert_int_equal(pair_of(pairs, n, "executor.anon"), 40 * MIB);
	assert_int_equal(pair_of(pairs, n, "executor.memory_1h"), 0);
	assert_true(pair_of(pairs, n, "executor.samples") >= 19);
	assert_int_equal(memory_pairs(&w.m, "executor", pairs, EVENT_PAIRS_MAX), EVENT_PAIRS_MAX);
	memory_fini(&w.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_much_is_told_at_once),
		cmocka_unit_test(leaks_are_found_in_time),
		cmocka_unit_test(what_is_healthy_is_not_told),
		cmocka_unit_test(a_new_process_is_a_new_line),
		cmocka_unit_test(metrics_become_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
