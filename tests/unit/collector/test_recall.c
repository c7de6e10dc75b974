/* test_recall - trades whose ids do not count, fetched by time after a blind interval: none twice, none forgotten. */
#include "tests/unit/collector/ledger_rig.h"

#define TICKER "KXTEST-1"

static const struct collector_market yes[] = {{TICKER, 0, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM}};
static struct book_keeping b;
static struct rig r;
static struct venue venue;

static void open_kalshi(uint32_t rows)
{
	struct collector_core_settings s;

	memset(&b, 0, sizeof b);
	venue = *venue_find("KALSHI", 6);
	venue.recall_max = rows;
	collector_core_defaults(&s, &venue);
	s.markets = yes;
	s.n_markets = 1;
	s.ask_pace_ns = 0;
	s.fill_max = 1000;
	rig_open(&r, &s);
	r.on_event = keep;
	r.ctx = &b;
	collector_core_start(r.core, T0 - 1, &r.sink);
}

static void on_stream(int64_t now, int id)
{
	char text[400];

	snprintf(text, sizeof text,
		 "{\"type\":\"trade\",\"sid\":2,\"seq\":%d,\"msg\":{\"trade_id\":\"id-%d\",\"market_ticker\":\"" TICKER
		 "\",\"yes_price_dollars\":\"0.3600\",\"no_price_dollars\":\"0.6400\",\"count_fp\":\"1.00\","
		 "\"taker_side\":\"no\",\"ts\":%lld,\"ts_ms\":%lld}}",
		 id, id, (long long)(now / NS), (long long)(now / 1000000));
	rig_frame(&r, now, text);
}

/* Rows as the venue gives them, newest first; `ids` ends with 0, the number is the second behind T0 as well. */
static void reply(int64_t now, const int *ids)
{
	char text[2000] = "{\"cursor\":\"\",\"trades\":[";
	size_t n = strlen(text);
	int i = newest(&r, VENUE_ASK_TRADES);

	for (const int *id = ids; *id != 0; id++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "%s{\"trade_id\":\"id-%d\",\"ticker\":\"" TICKER
				      "\",\"yes_price_dollars\":\"0.36\",\"count_fp\":\"1.00\",\"taker_side\":\"yes\","
				      "\"created_time\":\"2023-11-14T22:14:%02d.000250Z\"}",
				      id > ids ? "," : "", *id, *id % 60);
	snprintf(text + n, sizeof text - n, "]}");
	rig_reply_to(&r, now, r.request[i].id, 200, text);
}

/* Seen: 1 and, on the new connection, 21. Blind between; T0 is 22:14:00. */
static void be_blind(void)
{
	rig_change(&r, T0, feed_live);
	on_stream(T0 + NS, 1);
	rig_change(&r, T0 + 10 * NS, feed_lost);
	rig_change(&r, T0 + 19 * NS, feed_connecting);
	rig_change(&r, T0 + 20 * NS, feed_live);
	on_stream(T0 + 21 * NS, 21);
	assert_string_equal(b.blind.stream, "trade");
	assert_int_equal(newest(&r, VENUE_ASK_TRADES), -1); /* they may be on their way */
	rig_timers(&r, T0 + 27 * NS);
}

static void test_recalled(void **state)
{
	(void)state;
	open_kalshi(1000);
	be_blind();
	int i = newest(&r, VENUE_ASK_TRADES);
	assert_true(i >= 0);
	assert_string_equal(r.path[i], "/trade-api/v2/markets/trades?ticker=" TICKER
				       "&limit=1000&min_ts=1700000039&max_ts=1700000064");
	reply(T0 + 27 * NS, (int[]){21, 15, 12, 1, 0});
	assert_int_equal(b.backfilled, 2);
	assert_int_equal(b.gaps[repair_backfill], 1);
	assert_string_equal(b.gap.stream, "trade");
	assert_int_equal(b.gap.cause, gap_cause_disconnect);
	assert_int_equal(b.gap.from, T0 + NS);
	assert_int_equal(b.gap.to, T0 + 21 * NS);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

static void test_pages(void **state)
{
	(void)state;
	open_kalshi(2);
	be_blind();
	reply(T0 + 27 * NS, (int[]){19, 15, 0});
	rig_timers(&r, T0 + 28 * NS);
	int i = newest(&r, VENUE_ASK_TRADES);
	assert_non_null(strstr(r.path[i], "&max_ts=1700000056"));
	reply(T0 + 28 * NS, (int[]){15, 12, 0});
	rig_timers(&r, T0 + 29 * NS);
	reply(T0 + 29 * NS, (int[]){12, 0});
	assert_int_equal(b.backfilled, 3);
	assert_int_equal(b.gaps[repair_backfill], 1);
	rig_close(&r);
}

/* A venue that reaches no further back: up to there it stays missing. */
static void test_partial(void **state)
{
	(void)state;
	open_kalshi(2);
	be_blind();
	reply(T0 + 27 * NS, (int[]){19, 15, 0});
	rig_timers(&r, T0 + 28 * NS);
	uint32_t nothing = b.gaps[repair_nothing];
	reply(T0 + 28 * NS, (int[]){19, 15, 0});
	assert_int_equal(b.backfilled, 2);
	assert_int_equal(b.gaps[repair_nothing], nothing + 1);
	assert_int_equal(b.gap.repair, repair_backfill);
	assert_int_equal(b.gap.from, T0 + 15 * NS);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

static void test_no_answer(void **state)
{
	(void)state;
	open_kalshi(1000);
	be_blind();
	uint32_t nothing = b.gaps[repair_nothing];
	for (int n = 0; n < 4; n++) {
		int i = newest(&r, VENUE_ASK_TRADES);
		rig_reply_to(&r, T0 + (27 + 8 * n) * NS, r.request[i].id, n % 2 ? 200 : 500, "{}");
		on_stream(T0 + (28 + 8 * n) * NS, 22 + n);
		rig_timers(&r, T0 + (35 + 8 * n) * NS);
	}
	assert_int_equal(b.backfilled, 0);
	assert_int_equal(b.gaps[repair_nothing], nothing + 1);
	assert_string_equal(b.gap.stream, "trade");
	assert_int_equal(b.gaps[repair_backfill], 0);
	rig_close(&r);
}

/* Killed before the answer: the next life asks for all of it, and for what was missed until it came. */
static void test_killed(void **state)
{
	static uint8_t room[ARENA_SIZE];
	struct arena arena = {.at = room, .cap = sizeof room};
	size_t used, len;

	(void)state;
	open_kalshi(1000);
	be_blind();
	collector_core_free(r.core);
	assert_int_equal(collector_core_new(&r.set, &r.actions, &r.core), 0);
	len = r.out.len;
	for (size_t at = 0; at < len; at += used) {
		struct event ev;
		arena.used = 0;
		assert_int_equal(codec_unpack(r.out.at + at, len - at, &arena, &ev, &used), 0);
		if (event_row(ev.id)->lane == LANE_X)
			collector_core_on_own(r.core, &ev);
	}
	collector_core_resume(r.core, r.last_at, &r.sink);
	collector_core_start(r.core, T0 + 40 * NS, &r.sink);
	rig_change(&r, T0 + 40 * NS, feed_connecting);
	rig_change(&r, T0 + 41 * NS, feed_live);
	on_stream(T0 + 42 * NS, 42); /* another subscription: its sequence begins anew */
	rig_timers(&r, T0 + 48 * NS);
	reply(T0 + 48 * NS, (int[]){42, 39, 15, 0});
	assert_int_equal(b.backfilled, 2);
	assert_string_equal(b.gap.stream, "trade");
	assert_int_equal(b.gap.from, T0 + NS);
	assert_int_equal(b.gap.to, T0 + 42 * NS);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recalled),  cmocka_unit_test(test_pages),  cmocka_unit_test(test_partial),
		cmocka_unit_test(test_no_answer), cmocka_unit_test(test_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
