/* test_unsettled - a market that its venue has settled without saying how: nobody is paid, people are told, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "tests/golden/rig.h"

#define T0 INT64_C(1700000040000000000)
#define NS INT64_C(1000000000)
#define HOUR (3600 * NS)

static struct rig r;
static const struct collector_market yes[] = {{"KX-A", 0, VENUE_TRADE_STREAM}};
static uint32_t raised, over, asked;
static int64_t now;
static uint32_t resolutions;
static struct ev_resolution last;
static uint8_t settlement;

static void on_unsettled(void *ctx, const struct venue_market *m, bool on)
{
	(void)ctx;
	assert_string_equal(m->raw, "KX-A");
	raised += on;
	over += !on;
}

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_resolution) {
		resolutions++;
		last = ev->resolution;
	}
	if (ev->id == EVENT_instrument)
		settlement = ev->instrument.settlement;
}

/* The venue describes the market, an hour after the last time. */
static void describe(const char *result)
{
	char text[300];
	uint32_t before = asked;
	rig_timers(&r, now);
	asked = r.n_requests;
	assert_int_equal(rig_last(&r)->ask, VENUE_ASK_INSTRUMENTS);
	assert_true(asked == before + 1);
	snprintf(text, sizeof text, "{\"markets\":[{\"ticker\":\"KX-A\",%s}]}", result);
	rig_reply(&r, now, 200, text);
	now += HOUR + NS;
}

static int begin(void **state)
{
	struct collector_core_settings s;
	(void)state;
	raised = over = asked = resolutions = 0;
	now = T0;
	settlement = settlement_none;
	collector_core_defaults(&s, venue_find("KALSHI", 6));
	s.markets = yes;
	s.n_markets = 1;
	s.describe_ns = HOUR;
	rig_open(&r, &s);
	r.on_event = watch;
	collector_core_free(r.core);
	r.actions.unsettled = on_unsettled;
	assert_int_equal(collector_core_new(&r.set, &r.actions, &r.core), 0);
	collector_core_start(r.core, T0 - NS, &r.sink);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_close(&r);
	return 0;
}

static void until_it_says(void **state)
{
	(void)state;
	describe("\"status\":\"active\"");
	describe("\"status\":\"determined\",\"result\":\"no\"");
	assert_int_equal(raised, 0);
	describe("\"status\":\"finalized\",\"result\":\"\"");
	describe("\"status\":\"finalized\"");
	assert_int_equal(raised, 1);
	assert_int_equal(resolutions, 0);
	assert_int_equal(settlement, settlement_none);
	describe("\"status\":\"finalized\",\"result\":\"no\"");
	assert_true(raised == 1 && over == 1);
	assert_int_equal(resolutions, 1);
	assert_string_equal(last.outcome, "no");
	assert_int_equal(settlement, settlement_final);
	describe("\"status\":\"finalized\""); /* what it said stands */
	assert_true(raised == 1 && over == 1);
	assert_int_equal(resolutions, 1);
}

static void void_is_said(void **state)
{
	(void)state;
	describe("\"status\":\"active\"");
	describe("\"status\":\"finalized\",\"result\":\"void\",\"settlement_value_dollars\":\"0.0000\"");
	assert_int_equal(resolutions, 1);
	assert_string_equal(last.outcome, "void");
	assert_int_equal(settlement, settlement_void);
	assert_int_equal(raised, 0);
}

/* What a life before this one raised: whoever hears it tells what was raised from what was not. */
static void what_it_pays_ends_what_was_told_before(void **state)
{
	(void)state;
	describe("\"status\":\"active\"");
	assert_int_equal(over, 0);
	describe("\"status\":\"finalized\",\"result\":\"yes\"");
	assert_true(raised == 0 && over == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(until_it_says), TEST(void_is_said),
					   TEST(what_it_pays_ends_what_was_told_before)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
