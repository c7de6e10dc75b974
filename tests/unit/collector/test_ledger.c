/* test_ledger - blind intervals: opened once and closed once; missed trades fetched afterwards. */
#include "tests/unit/collector/ledger_rig.h"

/* ---- trades that were missed ---- */

static void test_filled(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	trade(&r, T0 + 2 * NS, 14);
	assert_string_equal(b.blind.stream, "trade");
	assert_int_equal(b.blind.first_missing, 11);
	assert_int_equal(b.blind.from, T0 + NS);
	int i = newest(&r, VENUE_ASK_TRADES);
	assert_string_equal(r.path[i], "/api/v3/historicalTrades?symbol=BTCUSDT&limit=3&fromId=11");
	assert_int_equal(r.count[EVENT_gap], 0);
	reply_trades(&r, T0 + 3 * NS, r.request[i].id, (uint64_t[]){11, 1000}, 0); /* more than were asked for */
	assert_int_equal(b.backfilled, 3);
	assert_int_equal(r.count[EVENT_trade], 2); /* none of them as a live one */
	assert_int_equal(b.gaps[repair_backfill], 1);
	assert_int_equal(b.gap.missing, 0);
	assert_int_equal(b.gap.last_missing, 13);
	assert_int_equal(b.gap.to, T0 + 2 * NS);
	assert_int_equal(rig_counters(&r)->trades_filled, 3);
	/* some of them the venue does not have any more */
	trade(&r, T0 + 4 * NS, 20);
	i = newest(&r, VENUE_ASK_TRADES);
	reply_trades(&r, T0 + 5 * NS, r.request[i].id, (uint64_t[]){15, 19}, 17);
	assert_int_equal(b.gaps[repair_backfill], 2);
	assert_int_equal(b.gap.missing, 1);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

static void test_not_filled(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	trade(&r, T0 + 2 * NS, 14);
	int64_t now = T0 + 2 * NS;
	for (int n = 0; n < 4; n++) {
		assert_int_equal(r.count[EVENT_gap], 0);
		int i = newest(&r, VENUE_ASK_TRADES);
		rig_reply_to(&r, now + NS / 10, r.request[i].id, n % 2 ? 200 : 500, "[]");
		now += 5 * NS;
		rig_timers(&r, now);
	}
	assert_int_equal(b.gaps[repair_nothing], 1);
	assert_int_equal(b.gap.missing, 3);
	/* too many for one hole: on record at once */
	trade(&r, now + NS, 1000000);
	assert_int_equal(b.gaps[repair_nothing], 2);
	assert_int_equal(b.gap.missing, 1000000 - 15);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

/* The futures' aggregates count by an id of their own, and are asked for by it. */
static void test_aggregates(void **state)
{
	static const struct collector_market perp[] = {{"BTCUSDT", 0, VENUE_TRADE_STREAM}};
	static struct book_keeping b;
	struct collector_core_settings s;
	struct rig r;

	(void)state;
	memset(&b, 0, sizeof b);
	collector_core_defaults(&s, venue_find("BINANCE-PERP", 12));
	s.markets = perp;
	s.n_markets = 1;
	s.ask_pace_ns = 0;
	rig_open(&r, &s);
	r.on_event = keep;
	r.ctx = &b;
	collector_core_start(r.core, T0 - 1, &r.sink);
	rig_change(&r, T0, feed_live);
	agg_trade(&r, T0 + NS, 10);
	agg_trade(&r, T0 + 2 * NS, 13);
	int i = newest(&r, VENUE_ASK_TRADES);
	assert_true(i >= 0);
	assert_string_equal(r.path[i], "/fapi/v1/aggTrades?symbol=BTCUSDT&limit=2&fromId=11");
	rig_reply_to(&r, T0 + 3 * NS, r.request[i].id, 200,
		     "[{\"a\":11,\"p\":\"100\",\"q\":\"1\",\"f\":500,\"l\":502,\"T\":1700000041000,\"m\":true},"
		     "{\"a\":12,\"p\":\"100\",\"q\":\"1\",\"f\":503,\"l\":503,\"T\":1700000041000,\"m\":true}]");
	assert_int_equal(b.backfilled, 2);
	assert_int_equal(b.gaps[repair_backfill], 1);
	assert_int_equal(b.missing, 0);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

/* ---- connections ---- */

static void test_streams(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	assert_int_equal(r.count[EVENT_following], 1);
	trade(&r, T0 + NS, 10);
	rig_change(&r, T0 + 2 * NS, feed_lost);
	assert_string_equal(b.blind.stream, "all");
	assert_int_equal(b.blind.from, T0 + NS);
	rig_change(&r, T0 + 3 * NS, feed_connecting);
	rig_change(&r, T0 + 4 * NS, feed_live);
	assert_int_equal(r.count[EVENT_following], 1);
	rig_timers(&r, T0 + 5 * NS);
	int i = newest(&r, VENUE_ASK_KLINES);
	rig_reply_to(&r, T0 + 5 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_string_equal(b.gap.stream, "kline");
	assert_int_equal(b.gap.repair, repair_klines);
	trade(&r, T0 + 6 * NS, 11);
	assert_int_equal(b.gaps[repair_nothing], 1); /* all: tops are gone */
	assert_string_equal(b.gap.stream, "trade");
	assert_int_equal(b.gap.repair, repair_none_missed);
	assert_int_equal(b.gap.from, T0 + NS);
	assert_int_equal(b.gap.to, T0 + 6 * NS);
	depth(&r, T0 + 7 * NS, 100, 101);
	i = newest(&r, VENUE_ASK_SNAPSHOT);
	rig_reply_to(&r, T0 + 8 * NS, r.request[i].id, 200,
		     "{\"lastUpdateId\":101,\"bids\":[[\"99\",\"1\"]],\"asks\":[[\"101\",\"1\"]]}");
	assert_string_equal(b.gap.stream, "depth");
	assert_int_equal(b.gap.repair, repair_snapshot);
	assert_int_equal(still_open(&b), 0);
	rig_close(&r);
}

/* The venue refuses something and then goes: what was seen until then is blind from there. */
static void test_refused(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	rig_frame(&r, T0 + 2 * NS, "{\"error\":{\"code\":3,\"msg\":\"no\"},\"id\":1}");
	assert_int_equal(rig_counters(&r)->refusals, 1);
	rig_change(&r, T0 + 3 * NS, feed_lost);
	assert_int_equal(b.outages, 1);
	assert_int_equal(b.blind.from, T0 + 2 * NS);
	rig_close(&r);
}

/* Klines that come when the connection has gone again do not end its blindness. */
static void test_late_klines(void **state)
{
	(void)state;
	static struct book_keeping b;
	struct rig r;

	open_rig(&r, &b);
	rig_change(&r, T0, feed_live);
	trade(&r, T0 + NS, 10);
	int i = newest(&r, VENUE_ASK_KLINES);
	rig_change(&r, T0 + 2 * NS, feed_lost);
	rig_reply_to(&r, T0 + 3 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_int_equal(r.count[EVENT_gap], 0);
	rig_change(&r, T0 + 4 * NS, feed_connecting);
	rig_change(&r, T0 + 5 * NS, feed_live);
	rig_timers(&r, T0 + 6 * NS);
	i = newest(&r, VENUE_ASK_KLINES);
	rig_reply_to(&r, T0 + 7 * NS, r.request[i].id, 200,
		     "[[1699999980000,\"1\",\"1\",\"1\",\"1\",\"1\",1700000039999,\"1\",1]]");
	assert_string_equal(b.gap.stream, "kline");
	assert_int_equal(b.gap.to, T0 + 7 * NS);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_not_filled),
		cmocka_unit_test(test_aggregates),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_late_klines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
