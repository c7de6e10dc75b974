/* test_bybit_captures - the collector core on recorded Bybit data, spot and linear.
 *
 * Every update follows the one before it, and a book of 200 levels has 200 levels, always.
 */
#include "tests/golden/capture.h"
#include "tests/golden/cryptofeed.h"
#include "tests/golden/rig.h"

#include "common/venue/book.h"

#define NS 1000000000LL
#define ALL_STREAMS 31

struct side_of_bybit {
	const char *venue, *category, *conn;
	struct collector_market market[4];
	uint32_t n_markets;
	struct rig rig;
	bool open;
	uint32_t not_whole, crossed, deltas;
};

static struct side_of_bybit sides[] = {
	{.venue = "BYBIT-PERP",
	 .category = "category=linear",
	 .conn = "BYBIT.ws.2",
	 .market = {{"BTCUSDT", 0, ALL_STREAMS}, {"ETHUSDT", 0, ALL_STREAMS}, {"SOLUSDT", 0, ALL_STREAMS},
		    {"DOGEUSDT", 0, ALL_STREAMS}},
	 .n_markets = 4},
	{.venue = "BYBIT",
	 .category = "category=spot",
	 .conn = "BYBIT.ws.3",
	 .market = {{"BTCUSDT", 0, ALL_STREAMS}, {"ETHUSDT", 0, ALL_STREAMS}},
	 .n_markets = 2},
};

static void watch(void *ctx, const struct event *ev)
{
	struct side_of_bybit *s = ctx;
	enum book_state state;
	char raw[SYMBOL_RAW_MAX + 1] = "";

	if (ev->id != EVENT_book_delta)
		return;
	memcpy(raw, ev->book_delta.instrument.s, strcspn(ev->book_delta.instrument.s, "-."));
	const struct book *b = collector_core_book(s->rig.core, raw, &state);
	s->deltas++;
	s->not_whole += book_depth(b, side_buy) != 200 || book_depth(b, side_sell) != 200;
	s->crossed += book_crossed(b);
}

static void open_side(struct side_of_bybit *s, int64_t now, const char *instruments)
{
	struct collector_core_settings set;

	collector_core_defaults(&set, venue_find(s->venue, strlen(s->venue)));
	set.markets = s->market;
	set.n_markets = s->n_markets;
	set.origin = origin_replay;
	rig_open(&s->rig, &set);
	s->rig.on_event = watch;
	s->rig.ctx = s;
	collector_core_start(s->rig.core, now, &s->rig.sink);
	rig_reply(&s->rig, now, 200, instruments);
	assert_true(collector_core_described(s->rig.core));
	rig_change(&s->rig, now + 1, feed_live);
	s->open = true;
}

static void feed(const struct cryptofeed *l)
{
	for (size_t i = 0; i < 2; i++) {
		struct side_of_bybit *s = &sides[i];
		if (json_str_is(l->kind, "http") && memmem(l->url.at, l->url.len, s->category, strlen(s->category)))
			open_side(s, l->at, l->data);
		else if (json_str_is(l->kind, "recv") && json_str_is(l->conn, s->conn) && s->open)
			rig_frame(&s->rig, l->at, l->data);
	}
}

static void check_side(const struct side_of_bybit *s)
{
	const struct collector_counters *n = rig_counters(&s->rig);

	assert_int_equal(n->malformed, 0);
	assert_int_equal(n->unknown, 0);
	assert_int_equal(n->outliers, 0);
	assert_int_equal(n->snapshots, s->n_markets);
	assert_int_equal(n->snapshots_bad, 0);
	assert_int_equal(n->depth_gaps, 0);
	assert_int_equal(n->resyncs, 0);
	assert_int_equal(n->depth_dropped, 0);
	assert_int_equal(s->not_whole, 0);
	assert_int_equal(s->crossed, 0);
	assert_int_equal(s->deltas, n->depth_applied);
	for (uint32_t i = 0; i < s->n_markets; i++) {
		enum book_state state;
		assert_non_null(collector_core_book(s->rig.core, s->market[i].raw, &state));
		assert_int_equal(state, book_state_trusted);
	}
}

static void test_bybit(void **state)
{
	(void)state;
	struct capture c = {0};
	char *text;

	if (capture_open("bybit/BYBIT.jsonl.zst", &c) != 0)
		skip();
	while ((text = capture_line(&c)) != NULL) {
		struct cryptofeed l;
		if (!cryptofeed_line(text, &l))
			continue;
		feed(&l);
		free(l.data);
	}
	uint32_t books = 0, trades = 0;
	for (size_t i = 0; i < 2; i++) {
		assert_true(sides[i].open);
		check_side(&sides[i]);
		books += (uint32_t)rig_counters(&sides[i].rig)->depth_applied + sides[i].n_markets;
		trades += (uint32_t)rig_counters(&sides[i].rig)->trades;
		rig_close(&sides[i].rig);
	}
	printf("Bybit: %u frames of books, %u trades\n", books, trades);
	assert_int_equal(books, 2148);
	assert_int_equal(trades, 347);
	capture_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bybit)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
