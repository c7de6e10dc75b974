/* test_seal - books with hashes through the collector core: proved, in doubt, overdue, lost, and made anew. */
#include <stdio.h>

#include "tests/golden/rig.h"

#include "common/base/fixed.h"
#include "common/io/digest.h"
#include "common/venue/book.h"

#define MS 1000000LL
#define SECOND 1000000000LL
#define T0 1784851200000LL /* ms */
#define GROUP "0xd23b"

static struct rig r;
static const struct collector_market markets[] = {{"111", 0, 7}, {"222", 0, 7}};
static uint32_t troubles, untrusted, trusted, resolutions;
static struct event last;
static struct ev_gap last_gap;

/* What goes into the hash beside the levels. */
static const char *order_min, *neg_risk, *last_price, *tick;

static void watch(void *ctx, const struct event *ev)
{
	(void)ctx;
	last = *ev;
	if (ev->id == EVENT_book_state) {
		untrusted += ev->book_state.state == book_state_untrusted;
		trusted += ev->book_state.state == book_state_trusted;
	}
	if (ev->id == EVENT_gap)
		last_gap = ev->gap;
	resolutions += ev->id == EVENT_resolution;
}

static void hash(const char *token, int64_t ms, const char *bids, const char *asks, char out[DIGEST_SHA1_HEX])
{
	char text[4000];
	int n = snprintf(text, sizeof(text),
			 "{\"market\":\"" GROUP
			 "\",\"asset_id\":\"%s\",\"timestamp\":\"%lld\",\"hash\":\"\",\"bids\":[%s],"
			 "\"asks\":[%s],\"min_order_size\":\"%s\",\"tick_size\":\"%s\",\"neg_risk\":%s,"
			 "\"last_trade_price\":\"%s\"}",
			 token, (long long)ms, bids, asks, order_min, tick, neg_risk, last_price);

	assert_int_equal(digest_sha1(text, (size_t)n, out), 0);
}

#define L(price, size) "{\"price\":\"" price "\",\"size\":\"" size "\"}"

static void book_frame(int64_t ms, const char *token, const char *bids, const char *asks)
{
	char sum[DIGEST_SHA1_HEX], text[4000];

	hash(token, ms, bids, asks, sum);
	snprintf(text, sizeof(text),
		 "[{\"market\":\"" GROUP "\",\"asset_id\":\"%s\",\"timestamp\":\"%lld\",\"hash\":\"%s\",\"bids\":[%s],"
		 "\"asks\":[%s],\"tick_size\":\"%s\",\"event_type\":\"book\",\"last_trade_price\":\"%s\"}]",
		 token, (long long)ms, sum, bids, asks, tick, last_price);
	rig_frame(&r, ms * MS, text);
}

/* A change of 111, and the book that the venue says is behind it. */
static void change_to(int64_t ms, const char *row, const char *bids, const char *asks)
{
	char sum[DIGEST_SHA1_HEX], text[4000];

	hash("111", ms, bids, asks, sum);
	snprintf(text, sizeof(text),
		 "{\"market\":\"" GROUP "\",\"price_changes\":[{\"asset_id\":\"111\",%s,\"hash\":\"%s\"}],"
		 "\"timestamp\":\"%lld\",\"event_type\":\"price_change\"}",
		 row, sum, (long long)ms);
	rig_frame(&r, ms * MS, text);
}

static void trade(int64_t ms, const char *price)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"market\":\"" GROUP "\",\"asset_id\":\"222\",\"price\":\"%s\",\"size\":\"1\",\"side\":\"BUY\","
		 "\"timestamp\":\"%lld\",\"event_type\":\"last_trade_price\"}",
		 price, (long long)ms);
	rig_frame(&r, ms * MS, text);
}

#define BID(price, size) "\"price\":\"" price "\",\"size\":\"" size "\",\"side\":\"BUY\""
#define ASK(price, size) "\"price\":\"" price "\",\"size\":\"" size "\",\"side\":\"SELL\""

static enum book_state state_of(const char *token)
{
	enum book_state state = book_state_none;

	assert_non_null(collector_core_book(r.core, token, &state));
	return state;
}

static void on_trouble(void *ctx, const struct venue_market *m, bool on, const char *text)
{
	(void)ctx;
	assert_string_equal(m->raw, "111");
	assert_non_null(text);
	troubles += on ? 1 : 100;
}

static int begin(void **state)
{
	struct collector_core_settings set;
	(void)state;
	order_min = "5";
	neg_risk = "false";
	last_price = "0.500";
	tick = "0.01";
	untrusted = trusted = resolutions = 0;
	collector_core_defaults(&set, venue_find("POLYMARKET", 10));
	set.markets = markets;
	set.n_markets = 2;
	troubles = 0;
	set.stale_ns = 3600 * SECOND;
	set.silence_ns = 7200 * SECOND;
	rig_open(&r, &set);
	collector_core_free(r.core); /* one that tells people */
	r.actions.trouble = on_trouble;
	assert_int_equal(collector_core_new(&set, &r.actions, &r.core), 0);
	r.on_event = watch;
	rig_change(&r, T0 * MS, feed_live);
	book_frame(T0, "111", L("0.4", "10") "," L("0.5", "20"), L("0.6", "30"));
	book_frame(T0, "222", L("0.4", "30"), L("0.6", "10") "," L("0.5", "20"));
	assert_int_equal(state_of("111"), book_state_trusted);
	assert_int_equal(state_of("222"), book_state_trusted);
	assert_int_equal(rig_counters(&r)->seals_met, 2);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_close(&r);
	return 0;
}

static void test_proved(void **state)
{
	(void)state;
	change_to(T0 + 1, BID("0.5", "21.5"), L("0.4", "10") "," L("0.5", "21.5"), L("0.6", "30"));
	change_to(T0 + 2, BID("0.4", "0"), L("0.5", "21.5"), L("0.6", "30"));
	change_to(T0 + 3, ASK("0.65", "0.000001"), L("0.5", "21.5"), L("0.65", "0.000001") "," L("0.6", "30"));
	assert_int_equal(rig_counters(&r)->seals_met, 5);
	assert_int_equal(rig_counters(&r)->seals_doubted, 0);
	assert_int_equal(untrusted, 0);
}

/* Two frames of one time: both bring the hash behind the second. */
static void test_same_time(void **state)
{
	(void)state;
	change_to(T0 + 1, BID("0.5", "21"), L("0.5", "21"), L("0.6", "30"));
	assert_int_equal(rig_counters(&r)->seals_doubted, 1);
	assert_int_equal(state_of("111"), book_state_trusted);
	change_to(T0 + 1, BID("0.4", "0"), L("0.5", "21"), L("0.6", "30"));
	assert_int_equal(rig_counters(&r)->seals_met, 3);
	rig_timers(&r, T0 * MS + 10 * SECOND);
	assert_int_equal(untrusted, 0);
}

/* The hash knows the trade first: its price is found among the levels that moved, and holds for both tokens. */
static void test_trade_found(void **state)
{
	(void)state;
	last_price = "0.600";
	change_to(T0 + 1, ASK("0.6", "29"), L("0.4", "10") "," L("0.5", "20"), L("0.6", "29"));
	assert_int_equal(rig_counters(&r)->seals_doubted, 0);
	book_frame(T0 + 2, "222", L("0.4", "29"), L("0.6", "10") "," L("0.5", "20"));
	last_price = "0.500"; /* told of late, a trade of the other token's side: 1 - 0.5 */
	change_to(T0 + 3, BID("0.5", "19"), L("0.4", "10") "," L("0.5", "19"), L("0.6", "29"));
	assert_int_equal(rig_counters(&r)->seals_doubted, 0);
	assert_int_equal(rig_counters(&r)->seals_met, 5);
}

/* Not found: the trade itself says it, before the next change does. */
static void test_trade_told(void **state)
{
	(void)state;
	last_price = "0.730";
	change_to(T0 + 1, ASK("0.6", "29"), L("0.4", "10") "," L("0.5", "20"), L("0.6", "29"));
	assert_int_equal(rig_counters(&r)->seals_doubted, 1);
	trade(T0 + 80, "0.73");
	assert_int_equal(rig_counters(&r)->seals_met, 3);
	rig_timers(&r, T0 * MS + 10 * SECOND);
	assert_int_equal(untrusted, 0);
	assert_int_equal(rig_counters(&r)->seals_broken, 0);
}

/* A lost change: the next hash differs, the one after that finds the book untrusted, a whole repair makes it trusted.
 */
static void test_overdue(void **state)
{
	(void)state;
	change_to(T0 + 10, BID("0.5", "21"), L("0.4", "77") "," L("0.5", "21"), L("0.6", "30"));
	assert_int_equal(state_of("111"), book_state_trusted); /* its time may not be over */
	change_to(T0 + 20, BID("0.5", "22"), L("0.4", "77") "," L("0.5", "22"), L("0.6", "30"));
	assert_int_equal(state_of("111"), book_state_untrusted);
	uint32_t whole = r.count[EVENT_book_snapshot];
	change_to(T0 + 30, BID("0.4", "77"), L("0.4", "77") "," L("0.5", "22"), L("0.6", "30"));
	assert_int_equal(state_of("111"), book_state_trusted);
	assert_int_equal(r.count[EVENT_book_snapshot], whole + 1); /* who was told waits for a whole one */
	assert_int_equal(untrusted, 1);
	assert_int_equal(rig_counters(&r)->seals_broken, 0);
	assert_int_equal(state_of("222"), book_state_trusted);
}

static void test_lost(void **state)
{
	(void)state;
	uint32_t requests = r.n_requests;
	change_to(T0 + 10, BID("0.5", "21"), L("0.4", "77") "," L("0.5", "21"), L("0.6", "30"));
	rig_timers(&r, (T0 + 10) * MS + 250 * MS);
	assert_int_equal(state_of("111"), book_state_trusted);
	rig_timers(&r, (T0 + 10) * MS + 251 * MS);
	assert_int_equal(rig_counters(&r)->seals_broken, 1);
	assert_int_equal(r.n_requests, requests + 1);
	assert_string_equal(rig_last_path(&r), "/book?token_id=111");
	assert_int_equal(r.n_reconnects, 0);
	assert_int_equal(state_of("111"), book_state_syncing);
	assert_int_equal(state_of("222"), book_state_trusted); /* the other one is as good as before */
	rig_reply(&r, (T0 + 400) * MS, 200,
		  "{\"market\":\"" GROUP "\",\"asset_id\":\"111\",\"timestamp\":\"1784851200300\",\"hash\":"
		  "\"0000000000000000000000000000000000000000\",\"bids\":[" L("0.4", "77") "," L(
			  "0.5", "21") "],"
				       "\"asks\":[" L("0.6", "30") "]}");
	assert_int_equal(state_of("111"), book_state_trusted);
	assert_int_equal(last_gap.cause, gap_cause_checksum);
	assert_int_equal(last_gap.repair, repair_snapshot);
	assert_int_equal(last_gap.from, T0 * MS); /* blind since the last proof */
	change_to(T0 + 500, BID("0.5", "1"), L("0.4", "77") "," L("0.5", "1"), L("0.6", "30"));
	assert_int_equal(rig_counters(&r)->seals_met, 3);
	assert_int_equal(rig_counters(&r)->seals_doubted, 1);
}

/* Nothing helps: the waits between snapshots double, and people are told once. */
static void test_hopeless(void **state)
{
	int64_t ms = T0, asked_at = 0, wait = 0, longest = 0;
	uint32_t requests = r.n_requests;
	(void)state;
	order_min = "6"; /* as if the venue hashed otherwise from now on */
	for (int i = 0; i < 4000; i++) {
		ms += 50;
		change_to(ms, BID("0.5", "21"), L("0.4", "10") "," L("0.5", "21"), L("0.6", "30"));
		if (r.n_requests == requests)
			continue;
		requests = r.n_requests;
		wait = ms - asked_at;
		longest = asked_at != 0 && wait > longest ? wait : longest;
		asked_at = ms;
		char body[400];
		snprintf(body, sizeof(body),
			 "{\"asset_id\":\"111\",\"timestamp\":\"%lld\",\"bids\":[" L("0.5", "21") "],\"asks\":[]}",
			 (long long)ms);
		rig_reply(&r, ms * MS, 200, body);
	}
	assert_true(longest >= 30000 && longest <= 31000);
	assert_true(rig_counters(&r)->seals_broken < 20);
	assert_int_equal(troubles, 1);
	order_min = "5"; /* the next whole book proves itself: over */
	book_frame(ms + 50, "111", L("0.5", "21"), "");
	assert_int_equal(state_of("111"), book_state_trusted);
	assert_int_equal(troubles, 101);
}

/* As long as it is in doubt again and again, it is not called trusted for longer than its doubt. */
static void test_never_trusted_for_long(void **state)
{
	int64_t ms = T0, since = 0, longest = 0;
	(void)state;
	order_min = "6";
	for (int i = 0; i < 1000; i++) {
		ms += 50;
		uint32_t requests = r.n_requests;
		change_to(ms, BID("0.5", "21"), L("0.4", "10") "," L("0.5", "21"), L("0.6", "30"));
		if (r.n_requests != requests) {
			char body[400];
			snprintf(body, sizeof(body),
				 "{\"asset_id\":\"111\",\"timestamp\":\"%lld\",\"bids\":[" L("0.5",
											     "21") "],\"asks\":[]}",
				 (long long)ms);
			rig_reply(&r, ms * MS, 200, body);
		}
		bool is_trusted = state_of("111") == book_state_trusted;
		since = is_trusted ? (since != 0 ? since : ms) : 0;
		longest = is_trusted && ms - since > longest ? ms - since : longest;
	}
	assert_true(longest <= 100);
	assert_true(untrusted > 3);
}

/* What REST says goes into the hash: the smallest order, and whether the risk is negative. */
static void test_described(void **state)
{
	(void)state;
	collector_core_start(r.core, T0 * MS, &r.sink);
	assert_non_null(strstr(rig_last_path(&r), "/markets?limit=2&clob_token_ids=111&clob_token_ids=222"));
	rig_reply(&r, T0 * MS, 200,
		  "[{\"conditionId\":\"" GROUP "\",\"clobTokenIds\":\"[\\\"111\\\",\\\"222\\\"]\",\"active\":true,"
		  "\"outcomes\":\"[\\\"Yes\\\",\\\"No\\\"]\",\"orderMinSize\":15,\"negRisk\":true,"
		  "\"orderPriceMinTickSize\":0.01,\"closed\":false}]");
	assert_true(collector_core_described(r.core));
	order_min = "15";
	neg_risk = "true";
	/* described: other scales, so the book begins anew; the stream's next one is proved with what REST said */
	book_frame(T0 + 1, "111", L("0.4", "10"), L("0.6", "30"));
	change_to(T0 + 2, BID("0.4", "11"), L("0.4", "11"), L("0.6", "30"));
	assert_int_equal(state_of("111"), book_state_trusted);
	assert_int_equal(rig_counters(&r)->seals_met, 4);
	assert_int_equal(rig_counters(&r)->seals_doubted, 0);
	/* a finer tick: told, kept, and hashed with */
	rig_frame(&r, (T0 + 3) * MS,
		  "{\"event_type\":\"tick_size_change\",\"asset_id\":\"111\",\"market\":\"" GROUP
		  "\",\"old_tick_size\":\"0.01\",\"new_tick_size\":\"0.001\",\"timestamp\":\"1784851200003\"}");
	assert_int_equal(last.id, EVENT_instrument);
	assert_int_equal(last.instrument.price_scale, 4);
	assert_int_equal(last.instrument.tick_size, 10);
	tick = "0.001";
	change_to(T0 + 4, BID("0.401", "1"), L("0.4", "11") "," L("0.401", "1"), L("0.6", "30"));
	assert_int_equal(rig_counters(&r)->seals_met, 5);
}

/* More tokens than one request takes: in parts, then the same of closed ones; outcomes come that way, too. */
static void test_parts(void **state)
{
	static struct collector_market many[100];
	static char raw[100][12];
	static const char *const closed =
		"[{\"conditionId\":\"0x9\",\"clobTokenIds\":\"[\\\"1099\\\"]\",\"outcomes\":\"[\\\"Yes\\\"]\","
		"\"outcomePrices\":\"[\\\"1\\\"]\",\"closed\":true,\"umaResolutionStatus\":\"resolved\"}]";
	struct collector_core_settings set = r.set;
	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(raw[i], sizeof(raw[i]), "%d", 1000 + i);
		many[i] = (struct collector_market){raw[i], 0, 7};
	}
	set.markets = many;
	set.n_markets = 100;
	set.ask_pace_ns = 0;
	set.book_levels = set.snapshot_limit = 10;
	collector_core_free(r.core);
	assert_int_equal(collector_core_new(&set, &r.actions, &r.core), 0);
	int64_t now = (T0 + 1000) * MS;
	uint32_t before = r.n_requests;
	collector_core_start(r.core, now, &r.sink);
	for (uint32_t part = 0; part < 4; part++) {
		rig_timers(&r, ++now);
		assert_int_equal(r.n_requests, before + part + 1);
		char limit[40];
		snprintf(limit, sizeof(limit), "/markets?limit=%d&clob_token_ids=%d&", part % 2 == 0 ? 80 : 20,
			 part % 2 == 0 ? 1000 : 1080);
		assert_int_equal(strncmp(rig_last_path(&r), limit, strlen(limit)), 0);
		rig_reply(&r, now, 200, part == 3 ? closed : "[]");
	}
	rig_timers(&r, now + SECOND);
	assert_int_equal(r.n_requests, before + 4);
	assert_int_equal(resolutions, 1);
	assert_string_equal(last.resolution.instrument.s, "1099.POLYMARKET");
	assert_int_equal(last.resolution.pays, fixed_pow10(last.resolution.price_scale));
}

static const char resolved[] =
	"{\"market\":\"" GROUP "\",\"assets_ids\":[\"111\",\"222\"],\"winning_asset_id\":\"222\",\"winning_outcome\":"
	"\"Down\",\"timestamp\":\"1784851201000\",\"event_type\":\"market_resolved\"}";

/* A finer price makes all that is kept finer: what a contract pays is what it was. */
static void test_resolution_widened(void **state)
{
	(void)state;
	collector_core_start(r.core, T0 * MS, &r.sink);
	rig_reply(&r, T0 * MS, 200,
		  "[{\"conditionId\":\"" GROUP "\",\"clobTokenIds\":\"[\\\"111\\\",\\\"222\\\"]\",\"active\":true,"
		  "\"outcomes\":\"[\\\"Yes\\\",\\\"No\\\"]\",\"orderMinSize\":15,\"negRisk\":true,"
		  "\"orderPriceMinTickSize\":0.01,\"closed\":false}]");
	rig_frame(&r, (T0 + 1000) * MS, resolved);
	assert_int_equal(resolutions, 2);
	trade(T0 + 1001, "0.4000001");
	assert_int_equal(rig_counters(&r)->widened, 1);
	rig_frame(&r, (T0 + 1002) * MS, resolved);
	assert_int_equal(resolutions, 2);
}

static void test_resolution(void **state)
{
	(void)state;
	rig_frame(&r, (T0 + 1000) * MS, resolved);
	assert_int_equal(resolutions, 2);
	assert_int_equal(last.id, EVENT_resolution);
	assert_string_equal(last.resolution.instrument.s, "222.POLYMARKET");
	assert_int_equal(last.resolution.pays, 100000000);
	assert_string_equal(last.resolution.outcome, "Down");
	assert_int_equal(last.resolution.resolved_at, (T0 + 1000) * MS);
	rig_frame(&r, (T0 + 1001) * MS, resolved); /* once is enough */
	assert_int_equal(resolutions, 2);
}

/* In the middle of a doubt the core is saved: what was loaded goes on the same way. */
static void test_saved(void **state)
{
	struct collector_core *again;
	struct buf bytes, second;
	(void)state;
	last_price = "0.730";
	change_to(T0 + 1, ASK("0.6", "29"), L("0.4", "10") "," L("0.5", "20"), L("0.6", "29"));
	buf_init(&bytes, 1 << 26);
	buf_init(&second, 1 << 26);
	assert_int_equal(collector_core_save(r.core, &bytes), 0);
	struct collector_core_settings set = r.set;
	set.markets = markets;
	set.n_markets = 2;
	assert_int_equal(collector_core_new(&set, &r.actions, &again), 0);
	assert_int_equal(collector_core_load(again, bytes.at, bytes.len), 0);
	assert_int_equal(collector_core_save(again, &second), 0);
	assert_int_equal(bytes.len, second.len);
	assert_memory_equal(bytes.at, second.at, bytes.len);
	collector_core_free(r.core);
	r.core = again;
	trade(T0 + 80, "0.73");
	assert_int_equal(rig_counters(&r)->seals_met, 3);
	assert_int_equal(untrusted, 0);
	buf_fini(&bytes);
	buf_fini(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_proved),    TEST(test_same_time),  TEST(test_trade_found), TEST(test_trade_told),
		TEST(test_overdue),   TEST(test_lost),       TEST(test_hopeless),    TEST(test_never_trusted_for_long),
		TEST(test_described), TEST(test_resolution), TEST(test_parts),     TEST(test_saved),
		TEST(test_resolution_widened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
