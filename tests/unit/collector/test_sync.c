/* test_sync - the order book procedure of the collector core, edge by edge, on made frames. */
#include <stdio.h>

#include "common/venue/book.h"
#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000000LL * NS)

static const struct collector_market one[] = {{"BTCUSDT", 0, 7}};
static const struct collector_market many[] = {{"BTCUSDT", 0, 7}, {"ETHUSDT", 0, 7}, {"XRPUSDT", 0, 7},
					       {"LTCUSDT", 0, 7}, {"ADAUSDT", 0, 7}, {"DOTUSDT", 0, 7},
					       {"TRXUSDT", 0, 7}, {"UNIUSDT", 0, 7}};

static void settings(struct collector_core_settings *s)
{
	collector_core_defaults(s, venue_find("BINANCE", 7));
	s->markets = one;
	s->n_markets = 1;
}

static void open_one(struct rig *r)
{
	struct collector_core_settings s;

	settings(&s);
	rig_open(r, &s);
	rig_change(r, T0, feed_live);
}

/* One bid and one ask change. */
static void depth(struct rig *r, int64_t now, const char *symbol, uint64_t first, uint64_t last)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"%s\",\"U\":%llu,\"u\":%llu,"
		 "\"b\":[[\"99.5\",\"%llu\"]],\"a\":[[\"101.5\",\"%llu\"]]}",
		 (long long)(now / 1000000), symbol, (unsigned long long)first, (unsigned long long)last,
		 (unsigned long long)last, (unsigned long long)last);
	rig_frame(r, now, text);
}

static void reply_depth(struct rig *r, int64_t now, uint64_t id)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"lastUpdateId\":%llu,\"bids\":[[\"100\",\"1\"],[\"99\",\"2\"]],"
		 "\"asks\":[[\"101\",\"3\"]]}",
		 (unsigned long long)id);
	rig_reply(r, now, 200, text);
}

static enum book_state state_of(const struct rig *r, const char *raw, uint64_t *ret_id)
{
	enum book_state state;
	const struct book *b = collector_core_book(r->core, raw, &state);

	*ret_id = b->last_id;
	return state;
}

static void expect(const struct rig *r, enum book_state state, uint64_t id)
{
	uint64_t at;

	assert_int_equal(state_of(r, "BTCUSDT", &at), state);
	assert_int_equal(at, id);
}

/* Synced at 160 by T0 + 3: the start of most tests. */
static void sync_one(struct rig *r)
{
	open_one(r);
	depth(r, T0 + 1, "BTCUSDT", 150, 155);
	assert_int_equal(rig_last(r)->ask, VENUE_ASK_SNAPSHOT);
	assert_string_equal(rig_last_path(r), "/api/v3/depth?symbol=BTCUSDT&limit=1000");
	depth(r, T0 + 2, "BTCUSDT", 156, 160);
	reply_depth(r, T0 + 3, 157);
	expect(r, book_state_trusted, 160);
}

static void test_documented(void **state)
{
	(void)state;
	struct rig r;

	sync_one(&r);
	const struct collector_counters *n = rig_counters(&r);
	assert_int_equal(n->depth_dropped, 1); /* u 155 <= 157 */
	assert_int_equal(n->depth_applied, 1); /* 156 <= 158 <= 160 */
	assert_int_equal(r.count[EVENT_book_snapshot], 1);
	assert_int_equal(r.count[EVENT_book_delta], 1);
	depth(&r, T0 + 4, "BTCUSDT", 161, 161);
	depth(&r, T0 + 5, "BTCUSDT", 161, 161); /* repeated: old */
	depth(&r, T0 + 6, "BTCUSDT", 160, 163); /* reaches back, and on */
	expect(&r, book_state_trusted, 163);
	assert_int_equal(n->depth_applied, 3);
	assert_int_equal(n->depth_dropped, 2);
	assert_int_equal(n->resyncs, 0);
	rig_close(&r);
}

static void test_old_snapshot(void **state)
{
	(void)state;
	struct rig r;

	open_one(&r);
	depth(&r, T0 + 1, "BTCUSDT", 150, 155);
	reply_depth(&r, T0 + 2, 149); /* lastUpdateId < first U: fetched again */
	expect(&r, book_state_syncing, 0);
	assert_int_equal(rig_counters(&r)->snapshots_old, 1);
	assert_int_equal(r.n_requests, 1);
	rig_timers(&r, T0 + NS);
	assert_int_equal(r.n_requests, 2);
	reply_depth(&r, T0 + NS, 155);
	expect(&r, book_state_trusted, 155);
	rig_close(&r);
}

static void test_snapshot_before_updates(void **state)
{
	(void)state;
	struct rig r;

	open_one(&r);
	assert_int_equal(r.n_requests, 0);
	rig_timers(&r, T0 + 2 * NS); /* a quiet market: asked for after first_ns */
	assert_int_equal(r.n_requests, 1);
	reply_depth(&r, T0 + 2 * NS, 149);
	expect(&r, book_state_trusted, 149);
	depth(&r, T0 + 3 * NS, "BTCUSDT", 140, 149);
	depth(&r, T0 + 3 * NS + 1, "BTCUSDT", 150, 155);
	expect(&r, book_state_trusted, 155);
	rig_close(&r);
}

struct seen_gap {
	struct ev_gap gap;
	uint32_t n;
};

static void watch_gap(void *ctx, const struct event *ev)
{
	struct seen_gap *g = ctx;

	if (ev->id != EVENT_gap)
		return;
	g->gap = ev->gap;
	g->n++;
}

static void test_hole(void **state)
{
	(void)state;
	struct rig r;
	struct seen_gap g = {0};

	sync_one(&r);
	r.on_event = watch_gap;
	r.ctx = &g;
	depth(&r, T0 + 10, "BTCUSDT", 165, 170);
	expect(&r, book_state_syncing, 0); /* untrusted, and asked at once */
	assert_int_equal(r.n_requests, 2);
	depth(&r, T0 + 11, "BTCUSDT", 171, 175);
	reply_depth(&r, T0 + 12, 172);
	expect(&r, book_state_trusted, 175);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.gap.stream, "depth");
	assert_int_equal(g.gap.cause, gap_cause_sequence);
	assert_int_equal(g.gap.repair, repair_snapshot);
	assert_int_equal(g.gap.first_missing, 161);
	assert_int_equal(g.gap.last_missing, 164);
	assert_int_equal(g.gap.from, T0 + 3);
	assert_int_equal(g.gap.to, T0 + 12);
	assert_int_equal(rig_counters(&r)->resyncs, 1);
	assert_int_equal(rig_counters(&r)->depth_gaps, 1);
	rig_close(&r);
}

static void test_hole_while_waiting(void **state)
{
	(void)state;
	struct rig r;

	open_one(&r);
	depth(&r, T0 + 1, "BTCUSDT", 150, 155);
	depth(&r, T0 + 2, "BTCUSDT", 160, 165); /* 156..159 are missing: 150..155 is of no use */
	reply_depth(&r, T0 + 3, 157);           /* to the newest request, or too old: never taken */
	expect(&r, book_state_syncing, 0);
	rig_timers(&r, T0 + NS);
	reply_depth(&r, T0 + NS, 162);
	expect(&r, book_state_trusted, 165);
	rig_close(&r);
}

static void test_overflow(void **state)
{
	(void)state;
	struct rig r;
	struct collector_core_settings s;

	settings(&s);
	s.pending_max = 5;
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	for (uint64_t i = 1; i <= 12; i++)
		depth(&r, T0 + (int64_t)i, "BTCUSDT", i, i);
	assert_int_equal(rig_counters(&r)->pending_overflows, 2);
	assert_int_equal(rig_counters(&r)->pending_high_water, 5);
	reply_depth(&r, T0 + 20, 11);
	expect(&r, book_state_trusted, 12);
	rig_close(&r);
}

static void test_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":161,\"u\":161,"
		"\"b\":[[\"-1\",\"1\"]],\"a\":[]}",
		"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":161,\"u\":161,"
		"\"b\":[[\"1e400\",\"1\"]],\"a\":[]}",
		"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":161,\"u\":161,"
		"\"b\":[[\"1\"",
		"{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUp",
		"{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"s\":\"BTCUSDT\","
		"\"e\":\"depthUpdate\",\"b\":\"\xff\"}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig r;
		struct seen_gap g = {0};
		sync_one(&r);
		r.on_event = watch_gap;
		r.ctx = &g;
		rig_frame(&r, T0 + 10, bad[i]);
		assert_int_equal(rig_counters(&r)->malformed, 1);
		assert_int_equal(rig_counters(&r)->resyncs, 1);
		expect(&r, book_state_syncing, 0);
		depth(&r, T0 + 11, "BTCUSDT", 162, 163);
		reply_depth(&r, T0 + 12, 162);
		expect(&r, book_state_trusted, 163);
		assert_int_equal(g.n, 1);
		assert_int_equal(g.gap.cause, gap_cause_malformed);
		rig_close(&r);
	}
}

/* A million levels, and more than an event can carry. */
static void test_giants(void **state)
{
	(void)state;
	const uint32_t sizes[] = {EVENT_LEVELS_MAX + 1, 1000000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rig r;
		struct buf text;
		sync_one(&r);
		buf_init(&text, (size_t)64 << 20);
		buf_printf(&text, "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":161,\"u\":161,"
				  "\"a\":[],\"b\":[");
		for (uint32_t k = 0; k < sizes[i]; k++)
			buf_printf(&text, "%s[\"%u.5\",\"1\"]", k > 0 ? "," : "", k + 1);
		buf_printf(&text, "]}");
		buf_byte(&text, 0);
		rig_frame(&r, T0 + 10, (char *)text.at);
		assert_int_equal(rig_counters(&r)->resyncs, 1);
		assert_int_equal(rig_counters(&r)->depth_oversized + rig_counters(&r)->malformed, 1);
		assert_int_equal(r.count[EVENT_book_delta], 1);
		buf_fini(&text);
		rig_close(&r);
	}
}

static void test_stale(void **state)
{
	(void)state;
	struct rig r;

	sync_one(&r);
	depth(&r, T0 + NS, "BTCUSDT", 161, 161);
	rig_timers(&r, T0 + 6 * NS);
	expect(&r, book_state_trusted, 161);
	rig_timers(&r, T0 + 6 * NS + 1); /* exactly the last update + 5 s */
	expect(&r, book_state_stale, 161);
	assert_int_equal(r.last_at, T0 + 6 * NS);
	assert_int_equal(rig_counters(&r)->stale, 1);
	depth(&r, T0 + 7 * NS, "BTCUSDT", 161, 161); /* old news */
	expect(&r, book_state_stale, 161);
	depth(&r, T0 + 8 * NS, "BTCUSDT", 162, 162);
	expect(&r, book_state_trusted, 162);
	assert_int_equal(rig_counters(&r)->resyncs, 0);
	rig_close(&r);
}

static void test_crossed(void **state)
{
	(void)state;
	static const char cross[] = "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":161,\"u\":161,"
				    "\"b\":[[\"101\",\"5\"]],\"a\":[]}";
	static const char clear[] = "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\"U\":162,\"u\":162,"
				    "\"b\":[[\"101\",\"0\"]],\"a\":[]}";
	struct rig r;

	sync_one(&r);
	rig_frame(&r, T0 + 10, cross);
	expect(&r, book_state_crossed, 161);
	rig_frame(&r, T0 + 20, clear);
	expect(&r, book_state_trusted, 162);
	rig_close(&r);

	sync_one(&r);
	rig_frame(&r, T0 + 10, cross);
	rig_timers(&r, T0 + 10 + NS + 1); /* for too long: built anew */
	expect(&r, book_state_syncing, 0);
	assert_int_equal(rig_counters(&r)->crossed, 1);
	assert_int_equal(rig_counters(&r)->resyncs, 1);
	rig_reply(&r, T0 + 2 * NS, 200, "{\"lastUpdateId\":170,\"bids\":[[\"100\",\"1\"]],\"asks\":[[\"100\",\"1\"]]}");
	assert_int_equal(rig_counters(&r)->snapshots_bad, 1); /* a crossed snapshot is none */
	expect(&r, book_state_syncing, 0);
	rig_timers(&r, T0 + 3 * NS);
	reply_depth(&r, T0 + 3 * NS, 170);
	expect(&r, book_state_trusted, 170);
	rig_close(&r);
}

static void test_replies(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
	} bad[] = {{0, ""},         {500, "oops"},
		   {403, "<html>"}, {200, ""},
		   {200, "{"},      {200, "{\"lastUpdateId\":1}"},
		   {200, "[]"},     {404, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"}};
	struct rig r;
	struct collector_core_settings s;

	settings(&s);
	s.reply_ns = s.stale_ns = s.silence_ns = 3600 * NS;
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	depth(&r, T0 + 1, "BTCUSDT", 150, 155);
	int64_t now = T0 + 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t asked = r.n_requests;
		rig_reply(&r, now, bad[i].status, bad[i].body);
		expect(&r, book_state_syncing, 0);
		assert_int_equal(r.n_requests, asked); /* not at once */
		now += 60 * NS;
		rig_timers(&r, now);
		assert_true(r.n_requests > asked);
		depth(&r, now, "BTCUSDT", 156 + i, 156 + i);
	}
	rig_reply_to(&r, now, 12345, 200, "{}"); /* nobody asked */
	assert_int_equal(rig_counters(&r)->replies_unasked, 1);
	reply_depth(&r, now, 158);
	assert_int_equal(rig_counters(&r)->snapshots, 1);
	rig_close(&r);
}

static void test_refused(void **state)
{
	(void)state;
	struct rig r;

	open_one(&r);
	depth(&r, T0 + 1, "BTCUSDT", 150, 155);
	struct collector_reply reply = {.now = T0 + 2,
					.id = rig_last(&r)->id,
					.status = 429,
					.body = "{}",
					.len = 2,
					.retry_after_ns = 30 * NS};
	collector_core_on_reply(r.core, &reply, &r.sink);
	rig_timers(&r, T0 + 2 + 30 * NS);
	assert_int_equal(r.n_requests, 1);
	rig_timers(&r, T0 + 3 + 30 * NS);
	assert_int_equal(r.n_requests, 2);
	rig_close(&r);
}

static void test_no_reply(void **state)
{
	(void)state;
	struct rig r;

	open_one(&r);
	depth(&r, T0 + 1, "BTCUSDT", 150, 155);
	uint64_t first = rig_last(&r)->id;
	rig_timers(&r, T0 + 11 * NS);
	assert_int_equal(r.n_requests, 2);
	rig_reply_to(&r, T0 + 11 * NS, first, 200, "{\"lastUpdateId\":155,\"bids\":[],\"asks\":[]}");
	assert_int_equal(rig_counters(&r)->replies_unasked, 1);
	expect(&r, book_state_syncing, 0);
	reply_depth(&r, T0 + 12 * NS, 155);
	expect(&r, book_state_trusted, 155);
	rig_close(&r);
}

/* Eight books lost at once: a burst of five requests, then one each pace. */
static void test_pacing(void **state)
{
	(void)state;
	struct rig r;
	struct collector_core_settings s;

	settings(&s);
	s.markets = many;
	s.n_markets = 8;
	s.reply_ns = 3600 * NS;
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	for (int i = 0; i < 8; i++)
		depth(&r, T0 + 1 + i, many[i].raw, 1, 1);
	assert_int_equal(r.n_requests, 5);
	rig_timers(&r, T0 + NS);
	assert_int_equal(r.n_requests, 5);
	rig_timers(&r, T0 + NS + 100);
	assert_int_equal(r.n_requests, 6);
	rig_timers(&r, T0 + 4 * NS);
	assert_int_equal(r.n_requests, 8);
	rig_timers(&r, T0 + 100 * NS);
	assert_int_equal(r.n_requests, 8);
	rig_close(&r);
}

/* The venue's own budget slows us: half of 400 a minute is four snapshots of weight 50, one each 15 s. */
static void open_budget(struct rig *r, uint32_t weight_limit)
{
	struct collector_core_settings s;

	settings(&s);
	s.markets = many;
	s.n_markets = 8;
	s.reply_ns = s.stale_ns = s.silence_ns = 3600 * NS;
	s.weight_limit = weight_limit;
	rig_open(r, &s);
	collector_core_start(r->core, T0, &r->sink);
	rig_reply(r, T0, 200,
		  "{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
		  "\"intervalNum\":1,\"limit\":400}],\"symbols\":[]}");
	rig_change(r, T0 + 60 * NS, feed_live);
	for (int i = 0; i < 8; i++)
		depth(r, T0 + 60 * NS + 1 + i, many[i].raw, 1, 1);
}

static void test_budget(void **state)
{
	(void)state;
	struct rig r;

	open_budget(&r, 0);
	assert_int_equal(r.n_requests, 1 + 4);
	rig_timers(&r, T0 + 75 * NS);
	assert_int_equal(r.n_requests, 1 + 4);
	rig_timers(&r, T0 + 76 * NS);
	assert_int_equal(r.n_requests, 1 + 5);
	rig_timers(&r, T0 + 121 * NS);
	assert_int_equal(r.n_requests, 1 + 8);
	rig_close(&r);
}

/* Nobody may know the budget better than the one who shares the address: a setting goes before what the venue says. */
static void test_own_budget(void **state)
{
	(void)state;
	struct rig r;

	open_budget(&r, 200); /* half of it: two books a minute, not four */
	assert_int_equal(r.n_requests, 1 + 2);
	rig_timers(&r, T0 + 89 * NS);
	assert_int_equal(r.n_requests, 1 + 2);
	rig_timers(&r, T0 + 92 * NS);
	assert_int_equal(r.n_requests, 1 + 3);
	rig_close(&r);
}

/* A market that only sends nonsense does not disturb its neighbour on the same connection. */
static void test_neighbours(void **state)
{
	(void)state;
	struct rig r;
	struct collector_core_settings s;
	uint64_t id;

	settings(&s);
	s.markets = many;
	s.n_markets = 2;
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	depth(&r, T0 + 1, "BTCUSDT", 150, 155);
	reply_depth(&r, T0 + 2, 155);
	for (int i = 0; i < 200; i++) {
		rig_frame(&r, T0 + 3 + i, "{\"e\":\"depthUpdate\",\"s\":\"ETHUSDT\",\"b\":[[\"-1\",\"x\"]]}");
		rig_frame(&r, T0 + 3 + i, "{\"e\":\"trade\",\"s\":\"ETHUSDT\",\"p\":{}}");
		depth(&r, T0 + 3 + i, "BTCUSDT", 156 + (uint64_t)i, 156 + (uint64_t)i);
	}
	assert_int_equal(rig_counters(&r)->malformed, 400);
	assert_int_equal(state_of(&r, "BTCUSDT", &id), book_state_trusted);
	assert_int_equal(id, 355);
	assert_int_equal(rig_counters(&r)->depth_applied, 200);
	assert_true(r.n_requests < 10); /* and floods nobody with requests */
	rig_close(&r);
}

static void test_disconnect(void **state)
{
	(void)state;
	struct rig r;
	struct seen_gap g = {0};

	sync_one(&r);
	r.on_event = watch_gap;
	r.ctx = &g;
	rig_change(&r, T0 + NS, feed_lost);
	expect(&r, book_state_untrusted, 0);
	rig_change(&r, T0 + 2 * NS, feed_connecting);
	rig_change(&r, T0 + 3 * NS, feed_live);
	expect(&r, book_state_syncing, 0);
	assert_int_equal(g.n, 0); /* still blind */
	depth(&r, T0 + 4 * NS, "BTCUSDT", 300, 301);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.gap.cause, gap_cause_disconnect);
	assert_int_equal(g.gap.from, T0 + 2); /* the last frame */
	assert_int_equal(g.gap.to, T0 + 4 * NS);
	assert_int_equal(g.gap.instrument.s[0], 0);
	reply_depth(&r, T0 + 5 * NS, 301);
	expect(&r, book_state_trusted, 301);
	assert_int_equal(g.n, 2); /* the book was blind for longer than its connection */
	assert_string_equal(g.gap.stream, "depth");
	assert_int_equal(g.gap.repair, repair_snapshot);
	assert_int_equal(g.gap.from, T0 + 2);
	assert_int_equal(g.gap.to, T0 + 5 * NS);
	assert_int_equal(r.count[EVENT_feed_state], 4); /* live, lost, connecting, live */
	rig_close(&r);
}

static void test_silence(void **state)
{
	(void)state;
	struct rig r;
	struct seen_gap g = {0};

	sync_one(&r);
	r.on_event = watch_gap;
	r.ctx = &g;
	rig_timers(&r, T0 + 29 * NS);
	assert_int_equal(r.n_reconnects, 0);
	rig_timers(&r, T0 + 40 * NS);
	assert_int_equal(r.n_reconnects, 1);
	assert_int_equal(rig_counters(&r)->silences, 1);
	depth(&r, T0 + 41 * NS, "BTCUSDT", 161, 162); /* it was only slow */
	assert_int_equal(g.n, 1);
	assert_int_equal(g.gap.cause, gap_cause_silence);
	expect(&r, book_state_trusted, 162);
	rig_close(&r);
}

static void test_ended(void **state)
{
	(void)state;
	struct rig r;

	sync_one(&r);
	rig_change(&r, T0 + NS, feed_ended);
	expect(&r, book_state_untrusted, 0);
	assert_int_equal(rig_counters(&r)->disconnects, 0);
	rig_timers(&r, T0 + 3600 * NS);
	assert_int_equal(r.n_reconnects, 0);
	rig_close(&r);
}

/* A core restored after its process died: what came between is a gap of cause restart. */
static void test_restart(void **state)
{
	(void)state;
	struct rig r;
	struct buf saved;
	struct seen_gap g = {0};

	sync_one(&r);
	buf_init(&saved, 1 << 22);
	assert_int_equal(collector_core_save(r.core, &saved), 0);
	collector_core_free(r.core);
	assert_int_equal(collector_core_new(&r.set, &r.actions, &r.core), 0);
	assert_int_equal(collector_core_load(r.core, saved.at, saved.len), 0);
	r.on_event = watch_gap;
	r.ctx = &g;
	struct collector_change away = {.now = T0 + 3, .state = feed_lost, .cause = gap_cause_restart};
	collector_core_on_connection(r.core, &away, &r.sink);
	expect(&r, book_state_untrusted, 0);
	rig_change(&r, T0 + 60 * NS, feed_live);
	expect(&r, book_state_syncing, 0);
	depth(&r, T0 + 61 * NS, "BTCUSDT", 500, 501);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.gap.cause, gap_cause_restart);
	/* every shorter snapshot is refused */
	for (size_t len = 0; len < saved.len; len += 1 + len / 50) {
		struct collector_core *c;
		assert_int_equal(collector_core_new(&r.set, &r.actions, &c), 0);
		assert_true(collector_core_load(c, saved.at, len) < 0);
		collector_core_free(c);
	}
	buf_fini(&saved);
	rig_close(&r);
}

static void test_dump(void **state)
{
	(void)state;
	struct rig r;

	sync_one(&r);
	memset(r.count, 0, sizeof(r.count));
	collector_core_dump(r.core, &r.sink);
	assert_int_equal(r.count[EVENT_book_snapshot], 1);
	assert_int_equal(r.count[EVENT_book_state], 1);
	rig_change(&r, T0 + NS, feed_lost);
	memset(r.count, 0, sizeof(r.count));
	collector_core_dump(r.core, &r.sink);
	assert_int_equal(r.count[EVENT_book_snapshot], 0);
	assert_int_equal(r.count[EVENT_book_state], 1);
	rig_close(&r);
}

static void test_settings(void **state)
{
	(void)state;
	struct collector_core_settings s;
	struct collector_actions a = {0};
	struct collector_core *c = NULL;
	const struct collector_market twice[] = {{"BTCUSDT", 0, 3}, {"BTCUSDT", 1, 2}};
	const struct collector_market split[] = {{"BTCUSDT", 0, 1}, {"BTCUSDT", 1, 2}};
	const struct collector_market bad[] = {{"BTC/USDT", 0, 1}};
	const struct collector_market far[] = {{"BTCUSDT", COLLECTOR_CONNECTIONS_MAX, 1}};

	settings(&s);
	s.publish_levels = 100000;
	assert_int_equal(collector_core_new(&s, &a, &c), ERR_ARG);
	settings(&s);
	s.n_markets = 0;
	assert_int_equal(collector_core_new(&s, &a, &c), ERR_ARG);
	settings(&s);
	s.markets = twice;
	s.n_markets = 2;
	assert_int_equal(collector_core_new(&s, &a, &c), ERR_ARG);
	s.markets = bad;
	s.n_markets = 1;
	assert_int_equal(collector_core_new(&s, &a, &c), ERR_SYNTAX);
	s.markets = far;
	assert_int_equal(collector_core_new(&s, &a, &c), ERR_ARG);
	assert_null(c);
	s.markets = split;
	s.n_markets = 2;
	assert_int_equal(collector_core_new(&s, &a, &c), 0);
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct venue_feed feed;
	collector_core_feed(c, 1, markets, &feed);
	assert_int_equal(feed.n, 1);
	assert_int_equal(feed.streams, VENUE_TRADE_STREAM);
	collector_core_free(c);
	collector_core_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documented),
		cmocka_unit_test(test_old_snapshot),
		cmocka_unit_test(test_snapshot_before_updates),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_hole_while_waiting),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_giants),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_reply),
		cmocka_unit_test(test_pacing),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_own_budget),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
