/* test_section - what the settings make of the core: which streams it asks for, and what it refuses with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/collector/plan.h"
#include "services/collector/scan.h"
#include "services/collector/section.h"

static void no_request(void *ctx, const struct collector_request *r)
{
	(void)ctx;
	(void)r;
}

static void no_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx;
	(void)connection;
	(void)reason;
}

static struct collector_section section(void)
{
	return (struct collector_section){.venue = "BINANCE",
					  .trades = "each",
					  .tickers = "full",
					  .symbols = "BTCUSDT",
					  .streams = "trade,ticker,kline",
					  .kline_interval = "1h",
					  .candles = "1m",
					  .weight_share = 80,
					  .book_levels = 100,
					  .snapshot_limit = 100,
					  .publish_levels = 100,
					  .stale_ns = 1,
					  .crossed_ns = 1,
					  .silence_ns = 1};
}

static int make(const struct collector_section *in, char *reason, size_t cap, struct collector_core **ret_core)
{
	struct collector_actions actions = {.request = no_request, .reconnect = no_reconnect};

	return collector_section_core(in, &actions, reason, cap, ret_core);
}

static void expect_path(const struct collector_section *in, const char *path)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct collector_core *core;
	struct venue_feed feed;
	struct buf out;
	char reason[300] = "";

	assert_int_equal(make(in, reason, sizeof(reason), &core), 0);
	collector_core_feed(core, 0, markets, &feed);
	buf_init(&out, 1000);
	assert_int_equal(venue_find(in->venue, strlen(in->venue))->stream_path(&feed, &out), 0);
	assert_int_equal(buf_byte(&out, 0), 0);
	assert_string_equal((const char *)out.at, path);
	buf_fini(&out);
	collector_core_free(core);
}

static void test_lesser_streams(void **state)
{
	(void)state;
	struct collector_section in = section();

	expect_path(&in, "/stream?streams=btcusdt@trade/btcusdt@kline_1h/btcusdt@ticker");
	snprintf(in.trades, sizeof(in.trades), "aggregate");
	expect_path(&in, "/stream?streams=btcusdt@aggTrade/btcusdt@kline_1h/btcusdt@ticker");
	snprintf(in.tickers, sizeof(in.tickers), "mini");
	expect_path(&in, "/stream?streams=btcusdt@aggTrade/btcusdt@kline_1h/btcusdt@miniTicker");
}

static uint32_t followed(const struct collector_section *in)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct collector_core *core;
	struct venue_feed feed;
	char reason[300] = "";

	assert_int_equal(make(in, reason, sizeof(reason), &core), 0);
	collector_core_feed(core, 0, markets, &feed);
	collector_core_free(core);
	return feed.streams;
}

/* What is not on a stream cannot be said to be followed. */
static void test_polled_streams(void **state)
{
	(void)state;
	struct collector_section in = section();

	snprintf(in.venue, sizeof(in.venue), "KALSHI");
	snprintf(in.symbols, sizeof(in.symbols), "KXBTC-26-T1");
	snprintf(in.streams, sizeof(in.streams), "depth,trade,ticker");
	in.poll_ns = 1;
	assert_true(collector_section_polls(&in, venue_find("KALSHI", 6)));
	assert_int_equal(followed(&in), VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM);
	snprintf(in.stream_url, sizeof(in.stream_url), "ws://127.0.0.1:1");
	assert_false(collector_section_polls(&in, venue_find("KALSHI", 6)));
	assert_int_equal(followed(&in), VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TICKER_STREAM);
}

static const char *default_of(const char *name)
{
	for (const struct config_key *k = collector_section_keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k->fallback;
	return "";
}

/* Where nobody says otherwise a perpetual comes with its mark price; spot, which has none, as before. */
static void test_perpetuals_are_marked(void **state)
{
	(void)state;
	static const struct {
		const char *venue;
		bool perpetual;
	} rows[] = {{"BINANCE", false},
		    {"BINANCE-PERP", true},
		    {"BYBIT", false},
		    {"BYBIT-PERP", true},
		    {"KALSHI", false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct collector_section in = section();
		const struct venue *v = venue_find(rows[i].venue, strlen(rows[i].venue));
		snprintf(in.venue, sizeof(in.venue), "%s", rows[i].venue);
		snprintf(in.streams, sizeof(in.streams), "%s", default_of("streams"));
		assert_false(collector_section_unmarked(&in, v));
		snprintf(in.streams, sizeof(in.streams), "depth,trade");
		assert_int_equal(collector_section_unmarked(&in, v), rows[i].perpetual);
	}
	struct collector_section in = section();
	struct plan plan;
	char reason[300] = "";
	snprintf(in.venue, sizeof(in.venue), "BINANCE-PERP");
	snprintf(in.streams, sizeof(in.streams), "%s", default_of("streams"));
	assert_int_equal(collector_section_plan(&in, &plan, reason, sizeof(reason)), 0);
	assert_true(plan.streams & VENUE_MARK_STREAM);
	snprintf(in.streams, sizeof(in.streams), "mark");
	expect_path(&in, "/market/stream?streams=btcusdt@markPrice@1s");
}

static void expect_refusal(const struct collector_section *in, const char *word)
{
	struct collector_core *core;
	char reason[300] = "";

	assert_int_equal(make(in, reason, sizeof(reason), &core), ERR_ARG);
	assert_non_null(strstr(reason, word));
}

/* With a scan no symbol need be named; without one, and where nothing is listed or streamed, that is refused. */
static void test_scan(void **state)
{
	(void)state;
	struct collector_section in = section();
	struct collector_core *core;
	struct scan_settings scan;
	char reason[300] = "";

	in.scan = true;
	in.scan_markets = 10;
	expect_refusal(&in, "lists no markets");
	snprintf(in.venue, sizeof(in.venue), "POLYMARKET");
	snprintf(in.streams, sizeof(in.streams), "depth,trade");
	in.symbols[0] = '\0';
	assert_int_equal(make(&in, reason, sizeof(reason), &core), 0);
	assert_int_equal(collector_core_connections(core), 0);
	collector_core_free(core);
	in.stamped = true;
	expect_refusal(&in, "recording");
	in.stamped = false;
	in.scan_markets = 500;
	snprintf(in.symbols, sizeof(in.symbols), "1");
	for (int i = 2; i <= 25; i++)
		snprintf(in.symbols + strlen(in.symbols), sizeof(in.symbols) - strlen(in.symbols), ",%d", i);
	expect_refusal(&in, "1024 markets"); /* 25 and two outcomes of 500 */
	in.scan_volume_min = 3;
	in.scan_every_ns = 1000000000;
	scan_defaults(&scan, venue_find("POLYMARKET", 10));
	collector_section_scan(&in, &scan);
	assert_int_equal(scan.filter.volume_min, 300000000);
	assert_int_equal(scan.markets_max, 500);
	in.scan = false;
	in.symbols[0] = '\0';
	expect_refusal(&in, "cannot be followed");
}

/* Descriptions from elsewhere make nothing of it live. */
static void test_catalog_origin(void **state)
{
	(void)state;
	const struct venue *v = venue_find("POLYMARKET", 10);
	struct collector_section in = section();

	snprintf(in.venue, sizeof(in.venue), "POLYMARKET");
	assert_int_equal(collector_section_origin(&in, v->stream_hosts[0], v->stream_hosts), origin_live);
	snprintf(in.catalog_url, sizeof(in.catalog_url), "%s", v->catalog_hosts[0]);
	assert_int_equal(collector_section_origin(&in, v->stream_hosts[0], v->stream_hosts), origin_live);
	snprintf(in.catalog_url, sizeof(in.catalog_url), "https://example.org");
	assert_int_equal(collector_section_origin(&in, v->stream_hosts[0], v->stream_hosts), origin_simulated);
}

static void test_refusals(void **state)
{
	(void)state;
	struct collector_section in = section();

	snprintf(in.trades, sizeof(in.trades), "some");
	expect_refusal(&in, "collector.trades: 'some' is neither each nor aggregate");
	in = section();
	snprintf(in.symbols, sizeof(in.symbols), "ETHUSDT, BTCUSDT-PERP");
	expect_refusal(&in, "collector.symbols: 'BTCUSDT-PERP' of BINANCE: -PERP is what ids of BINANCE-PERP end in");
	in = section();
	snprintf(in.tickers, sizeof(in.tickers), "tiny");
	expect_refusal(&in, "collector.tickers");
	in = section();
	in.candles_only = true;
	snprintf(in.kline_interval, sizeof(in.kline_interval), "7m");
	expect_refusal(&in, "BINANCE has no klines of 7m");
	in = section();
	in.candles_only = in.stamped = true;
	expect_refusal(&in, "collector.stamped");
	in = section();
	in.candles_only = true;
	snprintf(in.venue, sizeof(in.venue), "KALSHI"); /* its days are New York's */
	snprintf(in.kline_interval, sizeof(in.kline_interval), "1d");
	expect_refusal(&in, "KALSHI has no klines of 1d");
}

/* What would be tried for ever without a word that helps. */
static void test_slips(void **state)
{
	(void)state;
	static const struct {
		const char *symbols, *streams, *stream_url, *rest_url, *says;
	} rows[] = {
		{"BTC/USDT", "trade", "", "", "collector.symbols: 'BTC/USDT' is no name of an instrument"},
		{"ETHUSDT,BTCUSDT, ETHUSDT", "trade", "", "", "collector.symbols: 'ETHUSDT' is there twice"},
		{"BTCUSDT", "mark", "", "", "collector.streams: BINANCE has none of 'mark'"},
		{"BTCUSDT", "trade", "http://localhost", "", "collector.stream_url: 'http://localhost' is no address"},
		{"BTCUSDT", "trade", "wss://", "", "collector.stream_url"},
		{"BTCUSDT", "trade", "", "127.0.0.1:9300", "it is like http://127.0.0.1:9300 or https://HOST"},
		{"BTCUSDT", "trade", "", "ftp://h", "collector.rest_url"},
	};
	struct collector_core *core;
	char reason[300];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct collector_section in = section();
		snprintf(in.symbols, sizeof in.symbols, "%s", rows[i].symbols);
		snprintf(in.streams, sizeof in.streams, "%s", rows[i].streams);
		snprintf(in.stream_url, sizeof in.stream_url, "%s", rows[i].stream_url);
		snprintf(in.rest_url, sizeof in.rest_url, "%s", rows[i].rest_url);
		expect_refusal(&in, rows[i].says);
	}
	struct collector_section in = section();
	snprintf(in.symbols, sizeof in.symbols, "ETHUSDT, ETHUSDT_260925 ,1000SHIBUSDT,");
	snprintf(in.stream_url, sizeof in.stream_url, "wss://[::1]:9443");
	snprintf(in.rest_url, sizeof in.rest_url, "http://127.0.0.1:9300");
	assert_int_equal(make(&in, reason, sizeof reason, &core), 0);
	collector_core_free(core);
}

/* Klines that are asked for need be on no stream; a venue that only takes signed connections is not polled for its
 * books as well. */
static void test_candles_only(void **state)
{
	(void)state;
	struct collector_section in = section();

	in.candles_only = true;
	assert_int_equal(followed(&in), VENUE_KLINE_STREAM);
	snprintf(in.venue, sizeof(in.venue), "KALSHI");
	assert_false(collector_section_polls(&in, venue_find("KALSHI", 6)));
	assert_int_equal(followed(&in), VENUE_KLINE_STREAM);
}

/* Without a stream an interval is silent, and healthy. */
static void test_silence(void **state)
{
	(void)state;
	struct collector_section in = section();
	const struct venue *v = venue_find("BINANCE", 7);

	in.silence_ns = 0;
	assert_int_equal(collector_section_silence(&in, v), v->silence_ns);
	in.candles_only = true;
	assert_true(collector_section_silence(&in, v) > 3600 * INT64_C(1000000000));
	assert_true(collector_section_silence(&in, v) < 7200 * INT64_C(1000000000));
}

/* Only what the venue's own address says over TLS is live; not a recording played again, nor anybody else's server. */
static void test_origin(void **state)
{
	static const char *const own[] = {"wss://venue.example/ws", "ws://plain.example", NULL};
	struct collector_section in = section();

	(void)state;
	assert_int_equal(collector_section_origin(&in, own[0], own), origin_live);
	assert_int_equal(collector_section_origin(&in, own[1], own), origin_simulated);
	assert_int_equal(collector_section_origin(&in, "wss://venue.example/ws2", own), origin_simulated);
	assert_int_equal(collector_section_origin(&in, "ws://127.0.0.1:9", own), origin_simulated);
	snprintf(in.rest_url, sizeof in.rest_url, "https://127.0.0.1:9"); /* whose snapshots go into the same books */
	assert_int_equal(collector_section_origin(&in, own[0], own), origin_simulated);
	snprintf(in.rest_url, sizeof in.rest_url, "%s", venue_find(in.venue, strlen(in.venue))->rest_hosts[0]);
	assert_int_equal(collector_section_origin(&in, own[0], own), origin_live);
	in.stamped = true;
	assert_int_equal(collector_section_origin(&in, own[0], own), origin_simulated);
}

/* A region's address, or a new one: as good as ours where people say so, whole and over TLS. */
static void test_own_hosts(void **state)
{
	static const char *const own[] = {"wss://venue.example", NULL};
	struct collector_section in = section();

	(void)state;
	snprintf(in.own_hosts, sizeof in.own_hosts, "%s",
		 "wss://stream.venue.example:443  https://api.venue.example ws://plain.example");
	assert_int_equal(collector_section_origin(&in, "wss://stream.venue.example:443", own), origin_live);
	assert_int_equal(collector_section_origin(&in, "wss://stream.venue.example", own), origin_simulated);
	assert_int_equal(collector_section_origin(&in, "wss://stream.venue.example:443/ws", own), origin_simulated);
	assert_int_equal(collector_section_origin(&in, "ws://plain.example", own), origin_simulated);
	assert_int_equal(collector_section_origin(&in, "", own), origin_simulated);
	snprintf(in.rest_url, sizeof in.rest_url, "https://api.venue.example");
	assert_int_equal(collector_section_origin(&in, own[0], own), origin_live);
	snprintf(in.rest_url, sizeof in.rest_url, "https://api.venue.example.evil");
	assert_int_equal(collector_section_origin(&in, own[0], own), origin_simulated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lesser_streams), cmocka_unit_test(test_refusals),
					   cmocka_unit_test(test_slips), cmocka_unit_test(test_scan),
					   cmocka_unit_test(test_catalog_origin),
					   cmocka_unit_test(test_silence), cmocka_unit_test(test_origin),
					   cmocka_unit_test(test_own_hosts), cmocka_unit_test(test_polled_streams),
					   cmocka_unit_test(test_perpetuals_are_marked),
					   cmocka_unit_test(test_candles_only)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
