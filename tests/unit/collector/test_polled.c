/* test_polled - trades asked for where no stream brings them: each once, in order, and what cannot be had on record. */
#include "tests/unit/collector/ledger_rig.h"

#define MS 1000000LL
#define MARKETS 4

static const struct collector_market yes[MARKETS] = {{"KX-A", 0, VENUE_TRADE_STREAM},
						     {"KX-B", 0, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM},
						     {"KX-C", 0, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM},
						     {"KX-D", 0, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM}};
static struct venue venue;
static struct rig r;
static struct {
	struct book_keeping book;
	char told[1000]; /* "second second* ", * for a backfilled one */
	uint32_t complete, candles;
} heard;

static void hear(void *ctx, const struct event *ev)
{
	size_t n = strlen(heard.told);
	bool old = ev->id == EVENT_trade_backfill;

	(void)ctx;
	keep(&heard.book, ev);
	if (ev->id == EVENT_trade || old) {
		snprintf(heard.told + n, sizeof heard.told - n, "%lld%s ", (long long)((ev->ts_event - T0) / NS),
			 old ? "*" : "");
		assert_int_equal(ev->origin, origin_live);
	}
	if (ev->id == EVENT_candle && strcmp(ev->candle.interval, "1s") == 0) {
		heard.candles++;
		heard.complete += ev->candle.complete;
	}
}

static void told(const char *all)
{
	assert_string_equal(heard.told, all);
	heard.told[0] = '\0';
}

static void begin_life(void)
{
	r.n_requests = 0;
	collector_core_start(r.core, r.last_at, &r.sink);
}

static void open_kalshi(uint32_t n, uint32_t rows)
{
	struct collector_core_settings s;

	memset(&heard, 0, sizeof heard);
	venue = *venue_find("KALSHI", 6);
	venue.recall_max = rows;
	collector_core_defaults(&s, &venue);
	s.markets = yes;
	s.n_markets = n;
	s.describe_ns = 0;
	s.poll_ns = 5 * NS;
	s.ask_pace_ns = 1;
	s.stale_ns = s.silence_ns = 300 * NS;
	rig_open(&r, &s);
	r.on_event = hear;
	collector_core_start(r.core, T0 - NS, &r.sink);
}

/* Rows as the venue gives them, newest first: seconds behind T0 and a name; 0 is the end. T0 is 22:14:00. */
struct row {
	int second;
	char name;
};

static void reply(int64_t now, const struct row *rows)
{
	char text[4000] = "{\"cursor\":\"\",\"trades\":[";
	size_t n = strlen(text);
	int i = newest(&r, VENUE_ASK_TRADES);

	for (const struct row *row = rows; row->name != 0; row++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "%s{\"trade_id\":\"id-%c\",\"ticker\":\"KX-A\",\"yes_price_dollars\":\"0.36\","
				      "\"count_fp\":\"1.00\",\"taker_side\":\"yes\","
				      "\"created_time\":\"2023-11-14T22:%02d:%02d.000250Z\"}",
				      row > rows ? "," : "", row->name, 14 + row->second / 60, row->second % 60);
	snprintf(text + n, sizeof text - n, "]}");
	assert_true(i >= 0);
	rig_reply_to(&r, now, r.request[i].id, 200, text);
}

/* Asked again by then, for nothing but what may be new. */
static void asked(int64_t by, const char *path)
{
	rig_timers(&r, by);
	int i = newest(&r, VENUE_ASK_TRADES);
	assert_true(i >= 0);
	assert_string_equal(r.path[i], path);
}

#define ALL "/trade-api/v2/markets/trades?ticker=KX-A&limit=1000"
#define ROWS(...) ((const struct row[]){__VA_ARGS__, {0, 0}})
#define NONE ((const struct row[]){{0, 0}})

/* Seen: b, at 4 s; a is of before. */
static void first_pages(void)
{
	rig_change(&r, T0 + 2 * NS, feed_live);
	asked(T0 + 3 * NS, ALL);
	reply(T0 + 3 * NS, ROWS({1, 'a'}));
	told("");
	assert_true(heard.book.live);
	asked(T0 + 9 * NS, ALL "&min_ts=1700000031");
	reply(T0 + 9 * NS, ROWS({4, 'b'}, {1, 'a'}));
	told("4 ");
}

static void test_each_once(void **state)
{
	(void)state;
	open_kalshi(1, 1000);
	first_pages();
	int before = newest(&r, VENUE_ASK_TRADES);
	rig_timers(&r, T0 + 14 * NS);
	assert_int_equal(newest(&r, VENUE_ASK_TRADES), before); /* at the pace of books */
	asked(T0 + 15 * NS, ALL "&min_ts=1700000034");
	reply(T0 + 15 * NS, ROWS({12, 'e'}, {12, 'd'}, {7, 'c'}, {4, 'b'}, {1, 'a'}));
	told("7 12 12 ");
	asked(T0 + 21 * NS, ALL "&min_ts=1700000042");
	reply(T0 + 21 * NS,
	      ROWS({13, 'g'}, {12, 'e'}, {12, 'd'}, {9, 'f'}, {7, 'c'}, {4, 'b'})); /* f was listed late */
	told("9 13 ");
	rig_timers(&r, T0 + 27 * NS);
	reply(T0 + 27 * NS, NONE);
	rig_timers(&r, T0 + 33 * NS);
	reply(T0 + 33 * NS, ROWS({13, 'g'}, {12, 'e'}));
	told("");
	assert_int_equal(rig_counters(&r)->trades, 6);
	assert_int_equal(rig_counters(&r)->trades_late, 1); /* f, of a second whose candle had closed */
	assert_int_equal(heard.candles, 4); /* of seconds 4, 7, 12 and, once nothing more can come of it, 13 */
	assert_int_equal(heard.book.n, 0);
	rig_close(&r);
}

/* A page that is full and does not reach back: what is between is missing, on record, and no candle hides it. */
static void test_full_page(void **state)
{
	(void)state;
	open_kalshi(1, 3);
	rig_change(&r, T0 + 2 * NS, feed_live);
	rig_timers(&r, T0 + 3 * NS);
	reply(T0 + 3 * NS, ROWS({1, 'c'}, {1, 'b'}, {0, 'a'})); /* a past of any length is none */
	rig_timers(&r, T0 + 9 * NS);
	reply(T0 + 9 * NS, ROWS({5, 'e'}, {4, 'd'}, {1, 'c'}));
	told("4 5 ");
	assert_int_equal(heard.book.n, 0);
	rig_timers(&r, T0 + 15 * NS);
	reply(T0 + 15 * NS, ROWS({9, 'i'}, {8, 'h'}, {7, 'g'}));
	told("7 8 9 ");
	assert_int_equal(heard.book.gaps[repair_nothing], 1);
	assert_string_equal(heard.book.gap.stream, "trade");
	assert_int_equal(heard.book.gap.cause, gap_cause_sequence);
	assert_int_equal(heard.book.gap.to, T0 + 15 * NS);
	assert_true(heard.book.gap.from < T0 + 9 * NS);
	assert_int_equal(rig_counters(&r)->trade_gaps, 1);
	assert_int_equal(still_open(&heard.book), 0);
	rig_close(&r);
}

/* Refusals and nonsense: later each time; blind after some of them, and nothing is lost where the next page reaches. */
static void test_failures(void **state)
{
	(void)state;
	open_kalshi(1, 1000);
	first_pages();
	for (int n = 0; n < 5; n++) {
		rig_timers(&r, T0 + (15 + 6 * n) * NS);
		rig_reply(&r, T0 + (15 + 6 * n) * NS, n % 2 ? 200 : 500, "{\"trades\":[{\"trade_id\":1}]}");
		assert_int_equal(still_open(&heard.book), n >= 3);
	}
	assert_string_equal(heard.book.blind.stream, "trade");
	rig_timers(&r, T0 + 50 * NS);
	reply(T0 + 50 * NS, ROWS({40, 'd'}, {20, 'c'}, {4, 'b'}));
	told("20 40 ");
	assert_int_equal(heard.book.gaps[repair_none_missed], 1);
	assert_int_equal(still_open(&heard.book), 0);
	rig_close(&r);
}

/* The next life, from the snapshot; `published`: it is not the newest, a trade came behind it. */
static void live_again(const struct buf *saved, bool published)
{
	struct event ev;

	collector_core_free(r.core);
	assert_int_equal(collector_core_new(&r.set, &r.actions, &r.core), 0);
	assert_int_equal(collector_core_load(r.core, saved->at, saved->len), 0);
	event_init(&ev, EVENT_trade);
	ev.ts_recv = ev.ts_event = r.last_at;
	assert_int_equal(symbol_make("KX-A", 4, "KALSHI", &ev.trade.instrument), 0);
	if (published)
		collector_core_on_own(r.core, &ev);
	collector_core_resume(r.core, r.last_at, &r.sink);
	begin_life();
	rig_change(&r, T0 + 60 * NS, feed_live);
	rig_timers(&r, T0 + 61 * NS);
}

/* Nothing twice; of the time between, as trades that were missed, what the venue still has. */
static void test_restart(void **state)
{
	struct buf saved;

	(void)state;
	open_kalshi(1, 1000);
	buf_init(&saved, 1 << 20);
	first_pages();
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	live_again(&saved, false);
	asked(T0 + 61 * NS, ALL "&min_ts=1700000034");
	reply(T0 + 61 * NS, ROWS({60, 'e'}, {59, 'd'}, {5, 'c'}, {4, 'b'}, {1, 'a'}));
	told("5* 59* 60 ");
	assert_int_equal(heard.book.gaps[repair_backfill], 1);
	assert_int_equal(heard.book.gap.to, T0 + 60 * NS);
	assert_int_equal(heard.book.gap.cause, gap_cause_restart);
	assert_int_equal(still_open(&heard.book), 0);
	rig_timers(&r, T0 + 67 * NS);
	reply(T0 + 67 * NS, ROWS({59, 'g'}, {62, 'f'}, {60, 'e'}, {59, 'd'}));
	told("62 59 ");
	buf_fini(&saved);
	rig_close(&r);
}

/* Trades were published behind the snapshot, nobody knows which: all until now is a gap, and none is told again. */
static void test_killed(void **state)
{
	struct buf saved;

	(void)state;
	open_kalshi(1, 1000);
	buf_init(&saved, 1 << 20);
	first_pages();
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	rig_timers(&r, T0 + 15 * NS);
	reply(T0 + 15 * NS, ROWS({12, 'c'}, {4, 'b'}));
	told("12 ");
	live_again(&saved, true);
	asked(T0 + 61 * NS, ALL);
	reply(T0 + 61 * NS, ROWS({60, 'e'}, {59, 'd'}, {12, 'c'}, {4, 'b'}));
	told("60 ");
	assert_int_equal(heard.book.gaps[repair_backfill], 0);
	assert_string_equal(heard.book.gap.stream, "trade");
	assert_int_equal(heard.book.gap.repair, repair_nothing);
	assert_true(heard.book.gap.from <= T0 + 9 * NS);
	assert_int_equal(heard.book.gap.to, T0 + 60 * NS);
	assert_int_equal(still_open(&heard.book), 0);
	buf_fini(&saved);
	rig_close(&r);
}

/* With a key trades are streamed, without it polled: a snapshot of the one is of other settings for the other. */
static void test_with_a_key(void **state)
{
	struct collector_core_settings keyed;
	struct collector_core *core;
	struct buf saved;

	(void)state;
	open_kalshi(1, 1000);
	begin_life();
	rig_change(&r, T0 + NS, feed_live);
	reply(T0 + NS, ROWS({0, 'a'}));
	buf_init(&saved, 1 << 20);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	keyed = r.set;
	keyed.poll_ns = 0;
	assert_int_equal(collector_core_new(&keyed, &r.actions, &core), 0);
	assert_int_equal(collector_core_load(core, saved.at, saved.len), ERR_DIFFERS);
	buf_clear(&saved);
	assert_int_equal(collector_core_save(core, &saved), 0);
	collector_core_free(core);
	assert_int_equal(collector_core_new(&r.set, &r.actions, &core), 0);
	assert_int_equal(collector_core_load(core, saved.at, saved.len), ERR_DIFFERS);
	collector_core_free(core);
	buf_fini(&saved);
	rig_close(&r);
}

/* Two requests a market and poll, as far as the venue's budget reaches, and neither kind starves the other. */
static void test_budget(void **state)
{
	static const char book[] = "{\"orderbook_fp\":{\"yes_dollars\":[[\"0.4000\",\"10.00\"]],\"no_dollars\":null}}";
	uint32_t answered, n[2] = {0, 0};

	(void)state;
	open_kalshi(MARKETS, 1000);
	collector_core_free(r.core);
	r.set.weight_limit = 20; /* half of it is ours: a request a second */
	assert_int_equal(collector_core_new(&r.set, &r.actions, &r.core), 0);
	begin_life();
	rig_change(&r, T0 + NS, feed_live);
	answered = r.n_requests;
	for (int64_t now = T0 + NS; now < T0 + 121 * NS; now += 100 * MS) {
		rig_timers(&r, now);
		while (answered < r.n_requests) {
			const struct collector_request *q = &r.request[answered++ % RIG_REQUESTS];
			n[q->ask == VENUE_ASK_TRADES]++;
			rig_reply_to(&r, now, q->id, 200, q->ask == VENUE_ASK_TRADES ? "{\"trades\":[]}" : book);
		}
	}
	assert_in_range(n[0] + n[1], 110, 126);
	assert_in_range(n[0], 40, 70); /* of three books */
	assert_in_range(n[1], 50, 80); /* and four markets' trades */
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once), cmocka_unit_test(test_full_page), cmocka_unit_test(test_failures),
		cmocka_unit_test(test_restart),   cmocka_unit_test(test_killed),    cmocka_unit_test(test_budget),
		cmocka_unit_test(test_with_a_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
