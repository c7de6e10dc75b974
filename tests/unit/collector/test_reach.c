/* test_reach - a book whose price runs towards the end of what is known is renewed without losing its trust. */
#include <stdio.h>

#include "common/venue/book.h"
#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000000LL * NS)
#define SCALE 100000000LL /* of prices, before the instrument is described */

static const struct collector_market one[] = {{"BTCUSDT", 0, VENUE_DEPTH_STREAM}};

/* An update of one level a side; a quantity of "0" removes. */
struct update {
	uint64_t id;
	const char *bid, *bid_qty, *ask, *ask_qty;
};

static void feed(struct rig *r, int64_t now, const struct update *u)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\",\"U\":%llu,\"u\":%llu,\"b\":[[\"%s\",\"%s\"]],"
		 "\"a\":[[\"%s\",\"%s\"]]}",
		 (long long)(now / 1000000), (unsigned long long)u->id, (unsigned long long)u->id, u->bid, u->bid_qty,
		 u->ask, u->ask_qty);
	rig_frame(r, now, text);
}

/* Bids 100 to 96, asks 101 to 105, five levels a side being what was asked for: more lies behind them. */
static void reply_five(struct rig *r, int64_t now, uint64_t id)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"lastUpdateId\":%llu,\"bids\":[[\"100\",\"1\"],[\"99\",\"1\"],[\"98\",\"1\"],[\"97\",\"1\"],"
		 "[\"96\",\"1\"]],\"asks\":[[\"101\",\"1\"],[\"102\",\"1\"],[\"103\",\"1\"],[\"104\",\"1\"],"
		 "[\"105\",\"1\"]]}",
		 (unsigned long long)id);
	rig_reply(r, now, 200, text);
}

static const struct book *book_of(const struct rig *r)
{
	enum book_state state;
	const struct book *b = collector_core_book(r->core, "BTCUSDT", &state);

	assert_int_equal(state, book_state_trusted);
	return b;
}

static void open_with(struct rig *r, uint32_t publish)
{
	struct collector_core_settings s;

	collector_core_defaults(&s, venue_find("BINANCE", 7));
	s.markets = one;
	s.n_markets = 1;
	s.snapshot_limit = 5;
	s.publish_levels = publish;
	s.stale_ns = s.silence_ns = 3600 * NS;
	rig_open(r, &s);
	rig_change(r, T0, feed_live);
	feed(r, T0 + 1, &(struct update){10, "100", "1", "101", "1"});
	reply_five(r, T0 + 2, 10);
	assert_int_equal(r->count[EVENT_book_snapshot], 1);
	assert_int_equal(book_of(r)->ask_ceil, 105 * SCALE);
}

/* The asks from 101 to 103 are bought away: the best is 104, past half of the way to 105. */
static void run_up(struct rig *r)
{
	feed(r, T0 + 11, &(struct update){11, "100", "1", "101", "0"});
	feed(r, T0 + 12, &(struct update){12, "100", "2", "102", "0"});
	feed(r, T0 + 13, &(struct update){13, "101.5", "1", "103", "0"});
}

static void expect_level(const struct rig *r, enum side side, int64_t price, int64_t qty)
{
	assert_int_equal(book_qty_at(book_of(r), side, price), qty);
}

static void test_renewed(void **state)
{
	(void)state;
	struct rig r;

	open_with(&r, 100);
	uint32_t asked = r.n_requests;
	run_up(&r);
	rig_timers(&r, T0 + 10 * NS);
	assert_int_equal(r.n_requests, asked); /* not before ten seconds after the last snapshot */
	rig_timers(&r, T0 + 11 * NS);
	assert_int_equal(r.n_requests, asked + 1);
	feed(&r, T0 + 12 * NS, &(struct update){14, "101.5", "3", "104", "7"});
	feed(&r, T0 + 12 * NS + 1, &(struct update){15, "101.5", "4", "107", "9"});
	uint32_t states = r.count[EVENT_book_state], deltas = r.count[EVENT_book_delta];
	rig_reply(&r, T0 + 12 * NS + 2, 200,
		  "{\"lastUpdateId\":14,\"bids\":[[\"101.5\",\"3\"],[\"100\",\"2\"],[\"99\",\"1\"]],"
		  "\"asks\":[[\"104\",\"7\"],[\"105\",\"1\"],[\"106\",\"6\"],[\"107\",\"1\"],[\"108\",\"8\"]]}");
	const struct book *b = book_of(&r);
	assert_int_equal(b->last_id, 15);
	assert_int_equal(b->bid_floor, 0); /* three bids where five were asked for: all there are */
	assert_int_equal(b->ask_ceil, 108 * SCALE);
	expect_level(&r, side_buy, 1015 * SCALE / 10, 4 * SCALE); /* 15 came before the reply, and is kept */
	expect_level(&r, side_sell, 107 * SCALE, 9 * SCALE);
	expect_level(&r, side_sell, 106 * SCALE, 6 * SCALE);
	expect_level(&r, side_buy, 98 * SCALE, 0);
	assert_int_equal(r.count[EVENT_book_snapshot], 2);
	assert_int_equal(r.count[EVENT_book_delta], deltas); /* nothing is told twice */
	assert_int_equal(r.count[EVENT_book_state], states); /* trusted all the time */
	assert_int_equal(r.count[EVENT_gap], 0);
	assert_int_equal(rig_counters(&r)->renewals, 1);
	assert_int_equal(rig_counters(&r)->resyncs, 0);
	assert_int_equal(rig_counters(&r)->depth_applied, 5);
	assert_int_equal(rig_counters(&r)->depth_dropped, 1); /* 10, from the very beginning */
	feed(&r, T0 + 12 * NS + 3, &(struct update){16, "101.5", "5", "104", "7"});
	assert_int_equal(book_of(&r)->last_id, 16);
	rig_close(&r);
}

static void test_newer_than_the_stream(void **state)
{
	(void)state;
	struct rig r;

	open_with(&r, 100);
	run_up(&r);
	rig_timers(&r, T0 + 11 * NS);
	reply_five(&r, T0 + 11 * NS, 20); /* nothing came meanwhile, the snapshot is ahead */
	assert_int_equal(book_of(&r)->last_id, 20);
	for (uint64_t id = 14; id <= 20; id++)
		feed(&r, T0 + 12 * NS + (int64_t)id, &(struct update){id, "100", "9", "101", "9"});
	expect_level(&r, side_buy, 100 * SCALE, 1 * SCALE); /* already in it */
	feed(&r, T0 + 13 * NS, &(struct update){21, "100", "8", "101", "8"});
	expect_level(&r, side_buy, 100 * SCALE, 8 * SCALE);
	assert_int_equal(rig_counters(&r)->resyncs, 0);
	rig_close(&r);
}

/* Whatever is wrong with the reply, the live book is none the worse, and it is tried again. */
static void test_unusable(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
	} bad[] = {
		{0, ""},
		{500, "oops"},
		{200, "{\"lastUpdateId\":"},
		{200, "{\"lastUpdateId\":3,\"bids\":[[\"100\",\"1\"]],\"asks\":[[\"101\",\"1\"]]}"},   /* old */
		{200, "{\"lastUpdateId\":14,\"bids\":[[\"100\",\"1\"]],\"asks\":[[\"100\",\"1\"]]}"},  /* crossed */
		{200, "{\"lastUpdateId\":14,\"bids\":[[\"-100\",\"1\"]],\"asks\":[[\"101\",\"1\"]]}"}, /* negative */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig r;
		open_with(&r, 100);
		run_up(&r);
		rig_timers(&r, T0 + 11 * NS);
		feed(&r, T0 + 12 * NS, &(struct update){14, "101.5", "3", "104", "7"});
		uint32_t asked = r.n_requests;
		rig_reply(&r, T0 + 13 * NS, bad[i].status, bad[i].body);
		assert_int_equal(book_of(&r)->last_id, 14);
		expect_level(&r, side_sell, 104 * SCALE, 7 * SCALE);
		expect_level(&r, side_buy, 98 * SCALE, 1 * SCALE);
		assert_int_equal(rig_counters(&r)->renewals, 0);
		assert_int_equal(rig_counters(&r)->resyncs, 0);
		feed(&r, T0 + 14 * NS, &(struct update){15, "101.5", "3", "104", "7"});
		rig_timers(&r, T0 + 24 * NS);
		assert_int_equal(r.n_requests, asked + 1);
		rig_reply(&r, T0 + 25 * NS, 200,
			  "{\"lastUpdateId\":15,\"bids\":[[\"101.5\",\"3\"]],\"asks\":[[\"104\",\"7\"]]}");
		assert_int_equal(rig_counters(&r)->renewals, 1);
		rig_close(&r);
	}
}

/* A hole while the reply is awaited: that book is lost, and the reply belongs to nobody. */
static void test_lost_meanwhile(void **state)
{
	(void)state;
	struct rig r;

	open_with(&r, 100);
	run_up(&r);
	rig_timers(&r, T0 + 11 * NS);
	uint64_t id = rig_last(&r)->id;
	feed(&r, T0 + 12 * NS, &(struct update){19, "101.5", "3", "104", "7"});
	assert_int_equal(rig_counters(&r)->resyncs, 1);
	assert_int_equal(rig_counters(&r)->depth_gaps, 1);
	rig_reply_to(&r, T0 + 12 * NS, id, 200, "{\"lastUpdateId\":18,\"bids\":[],\"asks\":[]}");
	assert_int_equal(rig_counters(&r)->replies_unasked, 1);
	reply_five(&r, T0 + 13 * NS, 19);
	assert_int_equal(book_of(&r)->last_id, 19);
	assert_int_equal(r.count[EVENT_gap], 1);
	rig_close(&r);
}

/* Subscribers know two levels a side, the book five: it is shown anew without asking the venue. */
static void test_told_again(void **state)
{
	(void)state;
	struct rig r;

	open_with(&r, 2);
	uint32_t asked = r.n_requests;
	feed(&r, T0 + 11, &(struct update){11, "100", "1", "101", "0"});
	assert_int_equal(r.count[EVENT_book_snapshot], 2);
	assert_int_equal(r.n_requests, asked);
	rig_close(&r);
}

/* A simulator's book that was folded up knows less than its levels suggest, and says so. */
static void test_whole(void **state)
{
	(void)state;
	struct rig r;

	open_with(&r, 100);
	run_up(&r);
	rig_timers(&r, T0 + 11 * NS);
	struct collector_reply reply = {.now = T0 + 11 * NS,
					.id = rig_last(&r)->id,
					.status = 200,
					.whole = "96.5-105.25",
					.body = "{\"lastUpdateId\":13,\"bids\":[[\"101.5\",\"1\"],[\"50\",\"1\"]],"
						"\"asks\":[[\"104\",\"1\"],[\"200\",\"1\"]]}"};
	reply.len = strlen(reply.body);
	collector_core_on_reply(r.core, &reply, &r.sink);
	assert_int_equal(book_of(&r)->bid_floor, 965 * SCALE / 10);
	assert_int_equal(book_of(&r)->ask_ceil, 10525 * SCALE / 100);
	rig_close(&r);
}

/* Saved in the middle of it, loaded, and finished. */
static void test_saved(void **state)
{
	(void)state;
	struct rig r, again;
	struct buf bytes;

	open_with(&r, 100);
	run_up(&r);
	rig_timers(&r, T0 + 11 * NS);
	feed(&r, T0 + 12 * NS, &(struct update){14, "101.5", "3", "104", "7"});
	buf_init(&bytes, 64 << 20);
	assert_int_equal(collector_core_save(r.core, &bytes), 0);
	rig_open(&again, &r.set);
	assert_int_equal(collector_core_load(again.core, bytes.at, bytes.len), 0);
	rig_reply_to(&again, T0 + 13 * NS, rig_last(&r)->id, 200,
		     "{\"lastUpdateId\":14,\"bids\":[[\"101.5\",\"3\"]],\"asks\":[[\"104\",\"7\"]]}");
	assert_int_equal(rig_counters(&again)->renewals, 1);
	expect_level(&again, side_sell, 104 * SCALE, 7 * SCALE);
	buf_fini(&bytes);
	rig_close(&again);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_renewed),        cmocka_unit_test(test_newer_than_the_stream),
		cmocka_unit_test(test_unusable),       cmocka_unit_test(test_lost_meanwhile),
		cmocka_unit_test(test_told_again),     cmocka_unit_test(test_whole),
		cmocka_unit_test(test_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
