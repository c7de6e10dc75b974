/* test_again - venues whose snapshots come on the stream: a lost book is subscribed to anew, alone and in its turn. */
#include <stdio.h>

#include "common/venue/book.h"
#include "tests/golden/rig.h"

#define NS 1000000000LL
#define T0 (1700000000LL * NS)
#define MARKETS 12

static struct {
	uint32_t n, troubles, over;
	char market[8];
	uint32_t streams, sid;
	char text[200];
} again;

static void on_again(void *ctx, uint32_t connection, const struct venue_feed *feed)
{
	(void)ctx;
	assert_int_equal(connection, 0);
	assert_int_equal(feed->n, 1);
	again.n++;
	again.streams = feed->streams;
	again.sid = feed->sid;
	snprintf(again.market, sizeof(again.market), "%.7s", feed->markets[0]->raw);
}

static void on_trouble(void *ctx, const struct venue_market *m, bool on, const char *text)
{
	(void)ctx;
	(void)m;
	again.troubles += on;
	again.over += !on;
	snprintf(again.text, sizeof(again.text), "%.190s", text);
}

/* Markets A to L on one connection of a venue. */
static void open_rig(struct rig *r, const char *venue, uint32_t n, uint32_t streams)
{
	static const char *const names[MARKETS] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"};
	struct collector_market markets[MARKETS];
	struct collector_core_settings s;

	collector_core_defaults(&s, venue_find(venue, strlen(venue)));
	for (uint32_t i = 0; i < n; i++)
		markets[i] = (struct collector_market){.raw = names[i], .streams = streams};
	s.markets = markets;
	s.n_markets = n;
	s.describe_ns = 0;
	s.stale_ns = 3600 * NS;
	s.silence_ns = 3600 * NS;
	memset(&again, 0, sizeof(again));
	memset(r, 0, sizeof(*r));
	r->set = s;
	r->sink = (struct sink){r, rig_emit};
	r->actions = (struct collector_actions){.ctx = r,
						.request = rig_request,
						.reconnect = rig_reconnect,
						.again = on_again,
						.trouble = on_trouble};
	buf_init(&r->out, (size_t)1 << 30);
	assert_int_equal(collector_core_new(&s, &r->actions, &r->core), 0);
	rig_change(r, T0, feed_live);
}

static void book(struct rig *r, int64_t at, const char *type, const char *market, uint64_t u)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "{\"topic\":\"orderbook.200.%s\",\"type\":\"%s\",\"ts\":1700000000000,\"data\":{\"s\":\"%s\","
		 "\"b\":[[\"100\",\"%llu\"]],\"a\":[[\"101\",\"1\"]],\"u\":%llu,\"seq\":1}}",
		 market, type, market, (unsigned long long)u, (unsigned long long)u);
	rig_frame(r, at, text);
}

static void expect(const struct rig *r, const char *market, enum book_state state, uint64_t last_id)
{
	enum book_state is;
	const struct book *b = collector_core_book(r->core, market, &is);

	assert_int_equal(is, state);
	if (state == book_state_trusted)
		assert_int_equal(b->last_id, last_id);
}

static void test_hole(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "BYBIT", 2, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
	book(&r, T0 + 1, "snapshot", "A", 10);
	book(&r, T0 + 2, "snapshot", "B", 90);
	book(&r, T0 + 3, "delta", "A", 11);
	expect(&r, "A", book_state_trusted, 11);
	assert_int_equal(again.n, 0);
	book(&r, T0 + 4, "delta", "A", 13);
	assert_int_equal(again.n, 1);
	assert_string_equal(again.market, "A");
	assert_int_equal(again.streams, VENUE_DEPTH_STREAM); /* its trades go on */
	expect(&r, "A", book_state_syncing, 0);
	expect(&r, "B", book_state_trusted, 90);
	/* still of the old subscription, another hole, then the new one's snapshot amid the updates kept */
	book(&r, T0 + 5, "delta", "A", 14);
	book(&r, T0 + 6, "delta", "A", 17);
	book(&r, T0 + 7, "delta", "A", 18);
	assert_int_equal(again.n, 1);
	book(&r, T0 + 8, "snapshot", "A", 17);
	expect(&r, "A", book_state_trusted, 18);
	book(&r, T0 + 9, "delta", "A", 19);
	expect(&r, "A", book_state_trusted, 19);
	assert_int_equal(r.n_reconnects, 0);
	assert_int_equal(r.n_requests, 0);
	assert_int_equal(r.count[EVENT_gap], 1); /* one blind period of one book */
	assert_int_equal(rig_counters(&r)->resubscriptions, 1);
	rig_close(&r);
}

/* A market of which nothing comes is asked for more and more rarely; people hear of it once, the others never do. */
static void test_missing(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "BYBIT", 2, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
	book(&r, T0 + 1, "snapshot", "A", 10);
	rig_timers(&r, T0 + 9 * NS);
	assert_int_equal(again.n, 0);
	rig_timers(&r, T0 + 11 * NS);
	assert_int_equal(again.n, 1);
	assert_string_equal(again.market, "B");
	/* nothing of it has come: what it was refused with may have been a whole text */
	assert_int_equal(again.streams, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
	rig_timers(&r, T0 + 3600 * NS);
	assert_true(again.n > 10 && again.n < 120);
	assert_int_equal(again.troubles, 1);
	assert_int_equal(r.n_reconnects, 0);
	expect(&r, "A", book_state_trusted, 10);
	book(&r, T0 + 3601 * NS, "snapshot", "B", 5);
	expect(&r, "B", book_state_trusted, 5);
	assert_int_equal(again.over, 1);
	rig_close(&r);
}

/* A life before told people of it: this one tells when it is over. */
static void test_missing_before(void **state)
{
	(void)state;
	struct rig r;
	struct event ev;

	open_rig(&r, "BYBIT", 2, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
	event_init(&ev, EVENT_alert);
	ev.alert.state = alert_state_raised;
	event_set_name(ev.alert.rule, "another");
	event_set_name(ev.alert.subject, "A.BYBIT");
	collector_core_on_own(r.core, &ev);
	event_set_name(ev.alert.rule, COLLECTOR_MISSING_ALERT);
	event_set_name(ev.alert.subject, "no instrument at all");
	collector_core_on_own(r.core, &ev);
	event_set_name(ev.alert.subject, "B.BYBIT");
	collector_core_on_own(r.core, &ev);
	book(&r, T0 + 1, "snapshot", "A", 10);
	assert_int_equal(again.over, 0);
	book(&r, T0 + 2, "snapshot", "B", 10);
	assert_int_equal(again.over, 1);
	assert_int_equal(again.troubles, 0);
	rig_close(&r);
}

/* All books lost at once: the first few go at once, the others one a second. */
static void test_pace(void **state)
{
	(void)state;
	static const char *const names[MARKETS] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"};
	struct rig r;

	open_rig(&r, "BYBIT", MARKETS, VENUE_DEPTH_STREAM);
	for (int i = 0; i < MARKETS; i++)
		book(&r, T0 + 1, "snapshot", names[i], 10);
	for (int i = 0; i < MARKETS; i++)
		book(&r, T0 + 2, "delta", names[i], 12);
	assert_int_equal(again.n, 5);
	rig_timers(&r, T0 + 3 * NS);
	assert_in_range(again.n, 6, 8);
	rig_timers(&r, T0 + 9 * NS);
	assert_int_equal(again.n, MARKETS);
	for (int i = 0; i < MARKETS; i++) {
		book(&r, T0 + 9 * NS, "snapshot", names[i], 20);
		expect(&r, names[i], book_state_trusted, 20);
	}
	rig_timers(&r, T0 + 60 * NS);
	assert_int_equal(again.n, MARKETS);
	rig_close(&r);
}

/* A refusal that names a market is that market's; one that names none is the connection's. */
static void test_refusal(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "BYBIT", 2, VENUE_DEPTH_STREAM);
	book(&r, T0 + 1, "snapshot", "A", 10);
	uint32_t states = r.count[EVENT_feed_state];
	rig_frame(&r, T0 + 2,
		  "{\"success\":false,\"ret_msg\":\"error:handler not found,topic:orderbook.200.B\","
		  "\"op\":\"subscribe\"}");
	assert_int_equal(rig_counters(&r)->refusals, 1);
	assert_int_equal(again.troubles, 1);
	assert_non_null(strstr(again.text, "handler not found"));
	assert_int_equal(r.count[EVENT_feed_state], states);
	rig_frame(&r, T0 + 3, "{\"success\":false,\"ret_msg\":\"too many\",\"op\":\"subscribe\"}");
	assert_int_equal(rig_counters(&r)->refusals, 2);
	assert_int_equal(r.count[EVENT_feed_state], states + 1);
	rig_close(&r);
}

/* Answers to pings are no data: with nothing else the connection is silent. */
static void test_pongs_are_no_data(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "BYBIT", 1, VENUE_DEPTH_STREAM);
	book(&r, T0 + 1, "snapshot", "A", 10);
	for (int i = 1; i < 200; i++)
		rig_frame(&r, T0 + i * 20 * NS, "{\"success\":true,\"ret_msg\":\"pong\",\"op\":\"ping\"}");
	assert_int_equal(rig_counters(&r)->silences, 1);
	assert_int_equal(r.n_reconnects, 1);
	rig_close(&r);
}

static void kalshi(struct rig *r, int64_t at, const char *type, uint32_t sid, uint64_t seq, const char *msg)
{
	char text[400];

	snprintf(text, sizeof(text), "{\"type\":\"%s\",\"sid\":%u,\"seq\":%llu,\"msg\":{%s}}", type, sid,
		 (unsigned long long)seq, msg);
	rig_frame(r, at, text);
}

#define BOOK(market) "\"market_ticker\":\"" market "\",\"yes_dollars_fp\":[[\"0.4000\",\"10.00\"]]"
#define TRADE(market)                                                                                                  \
	"\"market_ticker\":\"" market "\",\"yes_price_dollars\":\"0.4000\",\"count_fp\":\"1.00\",\"taker_side\":"      \
	"\"yes\",\"ts_ms\":1700000000000"

/* Sequences span a subscription: answers count in them, and a hole in the trades' is none of the books'. */
static void test_feeds(void **state)
{
	(void)state;
	struct rig r;

	open_rig(&r, "KALSHI", 2, VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
	kalshi(&r, T0 + 1, "orderbook_snapshot", 3, 1, BOOK("A"));
	kalshi(&r, T0 + 2, "orderbook_snapshot", 3, 2, BOOK("B"));
	kalshi(&r, T0 + 3, "trade", 4, 1, TRADE("A"));
	rig_frame(&r, T0 + 4, "{\"id\":2,\"type\":\"ok\",\"sid\":3,\"seq\":3,\"msg\":{}}");
	kalshi(&r, T0 + 5, "orderbook_snapshot", 3, 4, BOOK("A"));
	expect(&r, "A", book_state_trusted, 4);
	expect(&r, "B", book_state_trusted, 2);
	assert_int_equal(again.n, 0);
	kalshi(&r, T0 + 6, "trade", 4, 3, TRADE("A"));
	expect(&r, "A", book_state_trusted, 4);
	assert_int_equal(rig_counters(&r)->feed_gaps, 1);
	assert_int_equal(r.count[EVENT_gap], 1);
	kalshi(&r, T0 + 7, "orderbook_snapshot", 3, 9, BOOK("A")); /* whole itself, whatever was missed before */
	assert_int_equal(rig_counters(&r)->feed_gaps, 2);
	expect(&r, "A", book_state_trusted, 9);
	assert_int_equal(again.n, 1);
	assert_string_equal(again.market, "B");
	assert_int_equal(again.sid, 3);
	assert_int_equal(r.n_reconnects, 0);
	rig_close(&r);
}

/* Without a key the books of such a venue are asked for, over and over; a failure makes one old, then stale. */
static void test_polled(void **state)
{
	(void)state;
	static const char body[] = "{\"orderbook_fp\":{\"yes_dollars\":[[\"0.4000\",\"10.00\"]],"
				   "\"no_dollars\":[[\"0.5500\",\"3.00\"]]}}";
	static const char empty[] = "{\"orderbook_fp\":{\"yes_dollars\":null,\"no_dollars\":null}}";
	static const struct collector_market x[] = {{"A", 0, VENUE_DEPTH_STREAM}}; /* trades: test_polled */
	struct collector_core_settings s;
	struct rig r;

	collector_core_defaults(&s, venue_find("KALSHI", 6));
	s.markets = x;
	s.n_markets = 1;
	s.describe_ns = 0;
	s.poll_ns = 5 * NS;
	s.ask_pace_ns = 1;
	s.stale_ns = s.silence_ns = 15 * NS;
	memset(&again, 0, sizeof(again));
	rig_open(&r, &s);
	rig_change(&r, T0, feed_live);
	rig_timers(&r, T0 + 2 * NS);
	assert_int_equal(r.n_requests, 1);
	assert_string_equal(rig_last_path(&r), "/trade-api/v2/markets/A/orderbook");
	rig_reply(&r, T0 + 2 * NS, 200, body);
	expect(&r, "A", book_state_trusted, 1);
	assert_int_equal(r.count[EVENT_book_snapshot], 1);
	rig_timers(&r, T0 + 8 * NS);
	assert_int_equal(r.n_requests, 2);
	rig_reply(&r, T0 + 8 * NS, 200, empty);
	expect(&r, "A", book_state_trusted, 2);
	assert_int_equal(r.count[EVENT_book_snapshot], 2);
	assert_int_equal(r.count[EVENT_book_state], 2); /* syncing, trusted: polling is no news */
	for (int i = 0; i < 4; i++) {
		rig_timers(&r, T0 + (14 + i) * NS);
		rig_reply(&r, T0 + (14 + i) * NS, 500, "");
		expect(&r, "A", book_state_trusted, 2);
	}
	rig_timers(&r, T0 + 48 * NS);
	expect(&r, "A", book_state_stale, 2);
	assert_int_equal(r.n_reconnects, 1); /* silent */
	rig_reply(&r, T0 + 48 * NS, 200, body);
	expect(&r, "A", book_state_trusted, 3);
	assert_int_equal(r.count[EVENT_gap], 1);
	assert_int_equal(again.n, 0);
	rig_close(&r);
}

/* The texts themselves. */
static void test_texts(void **state)
{
	(void)state;
	struct venue_market m = {.raw = "A"};
	const struct venue_market *markets[] = {&m};
	struct venue_feed feed = {.markets = markets, .n = 1, .streams = VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM};
	const struct venue *bybit = venue_find("BYBIT", 5), *kalshi_venue = venue_find("KALSHI", 6);
	struct buf out;

	buf_init(&out, 1 << 16);
	assert_int_equal(bybit->stream_again(&feed, 0, &out), 0);
	assert_int_equal(bybit->stream_again(&feed, 1, &out), 0);
	assert_int_equal(bybit->stream_again(&feed, 2, &out), ERR_NOT_FOUND);
	assert_int_equal(buf_byte(&out, 0), 0);
	assert_string_equal((const char *)out.at,
			    "{\"op\":\"unsubscribe\",\"args\":[\"orderbook.200.A\",\"publicTrade.A\"]}"
			    "{\"op\":\"subscribe\",\"args\":[\"orderbook.200.A\",\"publicTrade.A\"]}");
	buf_clear(&out);
	feed.sid = 7;
	assert_int_equal(kalshi_venue->stream_again(&feed, 0, &out), 0);
	assert_int_equal(kalshi_venue->stream_again(&feed, 1, &out), ERR_NOT_FOUND);
	assert_int_equal(buf_byte(&out, 0), 0);
	assert_string_equal((const char *)out.at,
			    "{\"id\":2,\"cmd\":\"update_subscription\",\"params\":{\"sids\":[7],\"action\":"
			    "\"get_snapshot\",\"market_tickers\":[\"A\"]}}");
	/* Which scale NO comes on is said in every subscription: the venue's default is to change. */
	buf_clear(&out);
	assert_int_equal(kalshi_venue->stream_text(&feed, 0, &out), 0);
	assert_int_equal(buf_byte(&out, 0), 0);
	assert_string_equal((const char *)out.at,
			    "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"orderbook_delta\",\"trade\"],"
			    "\"market_tickers\":[\"A\"],\"use_yes_price\":false}}");
	buf_clear(&out);
	feed.streams = VENUE_TICKER_STREAM | VENUE_DEPTH_STREAM;
	assert_int_equal(kalshi_venue->stream_text(&feed, 0, &out), 0);
	assert_int_equal(buf_byte(&out, 0), 0);
	assert_string_equal((const char *)out.at,
			    "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"orderbook_delta\",\"ticker\"],"
			    "\"market_tickers\":[\"A\"],\"use_yes_price\":false}}");
	feed.streams = VENUE_KLINE_STREAM;
	assert_int_equal(kalshi_venue->stream_text(&feed, 0, &out), ERR_NOT_FOUND);
	buf_clear(&out);
	assert_int_equal(kalshi_venue->auth->text(1703123456789, "GET", "/trade-api/v2/markets?limit=5", &out), 0);
	assert_int_equal(buf_byte(&out, 0), 0);
	assert_string_equal((const char *)out.at, "1703123456789GET/trade-api/v2/markets");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hole),    cmocka_unit_test(test_missing), cmocka_unit_test(test_missing_before),
		cmocka_unit_test(test_pace),    cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_pongs_are_no_data), cmocka_unit_test(test_feeds),
		cmocka_unit_test(test_texts), cmocka_unit_test(test_polled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
