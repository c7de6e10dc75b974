/* test_budget - the request budget of an address that others use, too: what replies say of it holds requests back. */
#include <stdio.h>

#include "tests/golden/rig.h"

#define NS 1000000000LL
#define MINUTE (60 * NS)
#define T0 (1700000040LL * NS + 15 * NS) /* fifteen seconds into a minute */
#define MARKETS 8

static const struct collector_market many[MARKETS] = {
	{"AAA", 0, VENUE_DEPTH_STREAM}, {"BBB", 0, VENUE_DEPTH_STREAM}, {"CCC", 0, VENUE_DEPTH_STREAM},
	{"DDD", 0, VENUE_DEPTH_STREAM}, {"EEE", 0, VENUE_DEPTH_STREAM}, {"FFF", 0, VENUE_DEPTH_STREAM},
	{"GGG", 0, VENUE_DEPTH_STREAM}, {"HHH", 0, VENUE_DEPTH_STREAM},
};

/* Eight books that need a snapshot, of which half of 400 pays for four a minute. */
static void open_weighted(struct rig *r, const char *venue, uint32_t weight_limit, uint32_t weight)
{
	struct collector_core_settings s;

	collector_core_defaults(&s, venue_find(venue, strlen(venue)));
	s.snapshot_weight = weight;
	s.markets = many;
	s.n_markets = MARKETS;
	s.reply_ns = s.stale_ns = s.silence_ns = 3600 * NS;
	s.weight_limit = weight_limit;
	rig_open(r, &s);
	collector_core_start(r->core, T0, &r->sink);
	struct collector_reply reply = {.now = T0, .id = rig_last(r)->id, .status = 200};
	reply.body = "{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"
		     "\"limit\":400}],\"symbols\":[]}";
	reply.len = strlen(reply.body);
	collector_core_on_reply(r->core, &reply, &r->sink);
	rig_change(r, T0, feed_live);
	for (int i = 0; i < MARKETS; i++) {
		char text[200];
		snprintf(text, sizeof text,
			 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"%s\",\"U\":1,\"u\":1,\"b\":[],\"a\":[]}",
			 (long long)(T0 / 1000000), many[i].raw);
		rig_frame(r, T0, text);
	}
}

static void open_rig(struct rig *r, const char *venue, uint32_t weight_limit)
{
	open_weighted(r, venue, weight_limit, 0);
}

static struct collector_budget tell_used(struct rig *r, int64_t now, int64_t used)
{
	const struct budget_said said = {used, BUDGET_UNSAID, BUDGET_UNSAID, BUDGET_UNSAID};

	rig_timers(r, now);
	collector_core_on_budget(r->core, now, &said);
	return collector_core_budget(r->core);
}

/* Whoever used it: at four fifths everything waits for the next full minute, and a second for the clocks. */
static void test_held(void **state)
{
	struct rig r;
	int64_t asked = T0 + 15 * NS, over = T0 + 46 * NS;
	(void)state;

	open_rig(&r, "BINANCE", 0);
	struct collector_budget b = tell_used(&r, asked, 319);
	assert_int_equal(b.used, 319);
	assert_int_equal(b.limit, 400);
	assert_int_equal(b.holds, 0);
	b = tell_used(&r, asked, 320);
	assert_int_equal(b.holds, 1);
	assert_int_equal(b.held_until, over);
	b = tell_used(&r, asked + NS, 390); /* the reply to one that was under way: the same wait */
	assert_int_equal(b.used, 390);
	assert_int_equal(b.holds, 1);
	uint32_t before = r.n_requests;
	rig_timers(&r, over);
	assert_int_equal(r.n_requests, before);
	rig_timers(&r, over + 1);
	assert_true(r.n_requests > before); /* as soon as it may */
	b = tell_used(&r, over + NS, 60);   /* in the new minute */
	assert_int_equal(b.holds, 1);
	rig_close(&r);
}

/* It began a hundred times within the minute, as in a crash storm: each life keeps to what the one before was told,
 * and without a snapshot of it to what its own first reply says. */
static void test_lives(void **state)
{
	struct rig r;
	struct buf saved;
	int64_t asked = T0 + 15 * NS, over = T0 + 46 * NS;
	(void)state;

	open_rig(&r, "BINANCE", 0);
	tell_used(&r, asked, 320);
	uint32_t before = r.n_requests;
	buf_init(&saved, 1 << 22);
	for (int life = 0; life < 100; life++) {
		struct collector_core *next;
		buf_clear(&saved);
		assert_int_equal(collector_core_save(r.core, &saved), 0);
		assert_int_equal(collector_core_new(&r.set, &r.actions, &next), 0);
		assert_int_equal(collector_core_load(next, saved.at, saved.len), 0);
		collector_core_free(r.core);
		r.core = next;
		collector_core_start(r.core, asked + life * NS / 10, &r.sink);
		rig_timers(&r, asked + life * NS / 10 + NS / 20);
	}
	assert_int_equal(r.n_requests, before);
	rig_timers(&r, over + 1);
	assert_true(r.n_requests > before);
	buf_fini(&saved);
	rig_close(&r);
}

/* A limit of the settings goes before the venue's, and another window's is none of the header's. */
static void test_own_limit(void **state)
{
	struct rig r;
	(void)state;

	open_rig(&r, "BINANCE", 200);
	assert_int_equal(tell_used(&r, T0 + NS, 159).holds, 0);
	assert_int_equal(tell_used(&r, T0 + NS, 160).holds, 1);
	assert_int_equal(collector_core_budget(r.core).limit, 200);
	rig_close(&r);
}

/* Bybit says what is left; and 403 is an address that has asked too often: ten minutes of silence. At Binance it is
 * something else, and what was asked for is asked for again. */
static void test_forbidden(void **state)
{
	static const char *const venues[] = {"BYBIT", "BINANCE"};
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		struct collector_core_settings s;
		collector_core_defaults(&s, venue_find(venues[i], strlen(venues[i])));
		s.markets = many;
		s.n_markets = 1;
		rig_open(&r, &s);
		collector_core_start(r.core, T0, &r.sink);
		const struct budget_said few = {BUDGET_UNSAID, 2, 10, T0 + 2 * NS};
		collector_core_on_budget(r.core, T0, &few);
		assert_int_equal(collector_core_budget(r.core).held_until, T0 + 2 * NS);
		struct collector_reply reply = {.now = T0, .id = rig_last(&r)->id, .status = 403, .body = "", .len = 0};
		collector_core_on_reply(r.core, &reply, &r.sink);
		rig_timers(&r, T0 + 600 * NS);
		assert_int_equal(r.n_requests > 1, i == 1);
		rig_timers(&r, T0 + 601 * NS);
		assert_true(r.n_requests > 1);
		rig_close(&r);
	}
}

/* One too many in the reply's own words, with status 200: a window's wait, and nothing that could not be read. */
static void test_too_many(void **state)
{
	static const char body[] = "{\"retCode\":10006,\"retMsg\":\"Too many visits!\",\"result\":{},\"time\":1}";
	struct rig r;
	struct collector_core_settings s;
	(void)state;

	collector_core_defaults(&s, venue_find("BYBIT", 5));
	s.markets = many;
	s.n_markets = 1;
	rig_open(&r, &s);
	collector_core_start(r.core, T0, &r.sink);
	struct collector_reply reply = {
		.now = T0, .id = rig_last(&r)->id, .status = 200, .body = body, .len = sizeof body - 1};
	collector_core_on_reply(r.core, &reply, &r.sink);
	assert_int_equal(collector_core_counters(r.core)->replies_failed, 1);
	assert_int_equal(collector_core_counters(r.core)->malformed, 0);
	assert_int_equal(collector_core_blocked(r.core), T0 + 5 * NS);
	rig_timers(&r, T0 + 4 * NS);
	assert_int_equal(r.n_requests, 1);
	rig_timers(&r, T0 + 6 * NS);
	assert_int_equal(r.n_requests, 2);
	rig_close(&r);
}

/* No ban lasts longer than three days, whatever a venue says. */
static void test_three_days_at_most(void **state)
{
	struct rig r;
	const int64_t day = 86400 * NS;
	(void)state;

	open_rig(&r, "BINANCE", 0);
	assert_true(collector_core_on_status(r.core, T0, 418, 3 * day - NS));
	assert_int_equal(collector_core_blocked(r.core), T0 + 3 * day - NS);
	assert_true(collector_core_on_status(r.core, T0, 418, 30 * day));
	assert_int_equal(collector_core_blocked(r.core), T0 + 3 * day);
	rig_close(&r);
}

/* Refused was a request of the clock's or the account's: nothing is asked meanwhile, nor in the next life. */
static void test_refused_elsewhere(void **state)
{
	struct rig r;
	struct buf saved;
	struct collector_core *next;
	int64_t asked = T0 + 15 * NS, over = asked + 120 * NS;
	(void)state;

	open_rig(&r, "BINANCE", 0);
	rig_timers(&r, asked);
	assert_false(collector_core_on_status(r.core, asked, 403, 120 * NS));
	assert_true(collector_core_on_status(r.core, asked, 418, 120 * NS));
	assert_true(collector_core_on_status(r.core, asked + NS, 429, NS)); /* does not end the longer one */
	assert_int_equal(collector_core_blocked(r.core), over);
	uint32_t before = r.n_requests;
	rig_timers(&r, over);
	assert_int_equal(r.n_requests, before);
	buf_init(&saved, 1 << 22);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	assert_int_equal(collector_core_new(&r.set, &r.actions, &next), 0);
	assert_int_equal(collector_core_load(next, saved.at, saved.len), 0);
	assert_int_equal(collector_core_blocked(next), over);
	collector_core_free(next);
	rig_timers(&r, over + 1);
	assert_true(r.n_requests > before);
	buf_fini(&saved);
	rig_close(&r);
}

static uint32_t snapshots(const struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_requests; i++)
		n += r->request[i].ask == VENUE_ASK_SNAPSHOT;
	return n;
}

/* What a snapshot weighs is a setting where the venue's file is not to be trusted: half of 400 pays for so many a
 * minute, of which as many may come at once, the question for the instruments counted. */
static void test_own_weight(void **state)
{
	static const struct {
		const char *venue;
		uint32_t weight, a_minute;
	} rows[] = {{"BINANCE", 0, 4}, {"BINANCE", 100, 2}, {"BINANCE-PERP", 40, 5}, {"BINANCE-PERP", 200, 1}};
	struct rig r;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		open_weighted(&r, rows[i].venue, 0, rows[i].weight);
		uint32_t at_once = snapshots(&r), wanted = at_once + rows[i].a_minute;
		assert_int_equal(at_once, rows[i].a_minute - 1);
		rig_timers(&r, T0 + MINUTE + NS);
		assert_int_equal(snapshots(&r), wanted < MARKETS ? wanted : MARKETS);
		if (rows[i].weight > 0)
			assert_int_equal(rig_last(&r)->weight, rows[i].weight);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_own_limit),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_three_days_at_most),
		cmocka_unit_test(test_refused_elsewhere),
		cmocka_unit_test(test_own_weight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
