/* test_dialects - each venue's lines, facts and folded books; its generated market; frames that are hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "tools/venue_sim/bybit.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/hostile.h"
#include "tools/venue_sim/kalshi.h"
#include "tools/venue_sim/polymarket.h"

#define START INT64_C(1700000000000000000)
#define SECOND INT64_C(1000000000)

static bool line_of(const struct dialect *d, const char *raw, const char *addr, struct feed_line *line)
{
	static char name[STREAM_NAME_MAX];

	*line = (struct feed_line){.kind = FEED_FRAME, .raw = text_of(raw), .addr = text_of(addr)};
	return d->line(line, name);
}

static void expect_stream(const struct dialect *d, const char *raw, const char *addr, const char *stream)
{
	struct feed_line line;

	assert_true(line_of(d, raw, addr, &line));
	assert_true(text_is(line.stream, stream));
}

static void test_streams(void **state)
{
	static const char book[] =
			"{\"topic\":\"orderbook.200.BTCUSDT\",\"type\":\"delta\",\"data\":{\"s\":\"BTCUSDT\"}}";
	static const char change[] =
			"{\"market\":\"0xa\",\"price_changes\":[{\"asset_id\":\"7\"}],\"timestamp\":\"1\"}";
	static const char trade[] = "{\"market\":\"0xa\",\"asset_id\":\"7\",\"event_type\":\"last_trade_price\"}";
	struct feed_line line;

	(void)state;
	expect_stream(&dialect_bybit_spot, book, "wss://stream.bybit.com/v5/public/spot", "orderbook.200.BTCUSDT");
	expect_stream(&dialect_bybit_spot, book, "", "orderbook.200.BTCUSDT");
	assert_false(line_of(&dialect_bybit_spot, book, "wss://stream.bybit.com/v5/public/linear", &line));
	assert_false(line_of(&dialect_bybit_spot, "{\"op\":\"pong\"}", "", &line));
	expect_stream(&dialect_binance_usdm, "{\"stream\":\"btcusdt@depth@0ms\",\"data\":{}}", "",
			"btcusdt@depth@100ms");
	expect_stream(&dialect_binance_usdm, "{\"stream\":\"btcusdt@depth5@100ms\",\"data\":{}}", "",
			"btcusdt@depth5@100ms");
	expect_stream(&dialect_kalshi, "{\"type\":\"orderbook_snapshot\",\"msg\":{\"market_ticker\":\"KX-A\"}}", "",
		      "orderbook_delta/KX-A");
	assert_false(line_of(&dialect_kalshi, "{\"type\":\"ok\",\"msg\":{}}", "", &line));
	expect_stream(&dialect_polymarket, change, "", "0xa");
	expect_stream(&dialect_polymarket, trade, "", "7");
	expect_stream(&dialect_polymarket, "[{\"market\":\"0xa\",\"asset_id\":\"7\"}]", "", "0xa");
	expect_stream(&dialect_polymarket, "", "", STREAM_EVERY);
}

/* The market that a venue's words tell is the one that its own reader folds: no gap, nothing bad, never crossed. */
static void fold_market(const struct dialect *d, const char *symbols)
{
	struct market_options o = {.dialect = d, .symbols = symbols, .seed = 3, .start = START, .duration = 20 * SECOND,
			.rate = 50};
	struct feed_source source = {.dialect = d, .market = &o};
	struct frame_facts facts;
	struct recording rec;
	struct fold fold;
	struct line_feed *feed;
	struct feed_line line;
	char reason[200];
	uint32_t books = 0;

	assert_int_equal(recording_scan(&rec, &source, d, reason, sizeof(reason)), 0);
	assert_int_equal(rec.symbols.count, 2);
	assert_int_equal(fold_init(&fold, &rec, d), 0);
	assert_int_equal(feed_open(&source, &feed, reason, sizeof(reason)), 0);
	while (feed_next(feed, &line) == 0) {
		fold_line(&fold, &line);
		if (line.kind != FEED_FRAME || !d->frame(&line, &facts) || facts.kind != FRAME_DEPTH)
			continue;
		const struct fold_symbol *s = fold_find(&fold, facts.symbol);
		if (s == NULL)
			continue;
		assert_true(s->book.valid);
		assert_true(d == &dialect_kalshi || /* between two changes of one instant it may be */
			    fold_book_at(&s->book, FOLD_BID, 0)->price < fold_book_at(&s->book, FOLD_ASK, 0)->price);
		books++;
	}
	assert_true(books > 200);
	assert_int_equal(fold.bad, 0);
	assert_int_equal(fold.gaps, 0);
	const struct fold_symbol *s = fold_find(&fold, text_of(((struct rec_symbol *)strmap_value_at(&rec.symbols,
			0))->name));
	assert_true(s->trades > 5 && s->minute.n > 0);
	feed_close(feed);
	fold_fini(&fold);
	recording_fini(&rec);
}

static void test_generated(void **state)
{
	(void)state;
	fold_market(&dialect_binance_spot, "BTCUSDT,ETHUSDT");
	fold_market(&dialect_binance_usdm, "BTCUSDT,ETHUSDT");
	fold_market(&dialect_bybit_spot, "BTCUSDT,ETHUSDT");
	fold_market(&dialect_bybit_linear, "BTCUSDT,ETHUSDT");
	fold_market(&dialect_kalshi, "KX-DEMO-A,KX-DEMO-B");
}

static void expect_hostile(const char *variant, const char *frame, const char *wanted)
{
	struct buf out;

	buf_init(&out, HOSTILE_FRAME_MAX);
	assert_int_equal(hostile_frame(variant, text_of(frame), &out), 0);
	assert_int_equal(out.len, strlen(wanted));
	assert_memory_equal(out.at, wanted, out.len);
	buf_fini(&out);
}

static void test_hostile(void **state)
{
	static const char frame[] = "{\"s\":\"AB\",\"b\":[[\"1.5\",\"2.25\"],[\"1.4\",\"3.0\"]]}";
	struct buf out;

	(void)state;
	expect_hostile("exponent", frame, "{\"s\":\"AB\",\"b\":[[\"1e400\",\"2.25\"],[\"1.4\",\"3.0\"]]}");
	expect_hostile("negative", frame, "{\"s\":\"AB\",\"b\":[[\"-1.5\",\"2.25\"],[\"1.4\",\"3.0\"]]}");
	expect_hostile("symbol", frame, "{\"s\":\"XX\",\"b\":[[\"1.5\",\"2.25\"],[\"1.4\",\"3.0\"]]}");
	buf_init(&out, HOSTILE_FRAME_MAX);
	assert_int_equal(hostile_frame("levels", TEXT("{\"u\":\"1\"}"), &out), ERR_NOT_FOUND);
	assert_int_equal(hostile_frame("levels", TEXT("{\"p\":\"1.5\"}"), &out), ERR_NOT_FOUND);
	assert_int_equal(hostile_frame("nonsense", TEXT(frame), &out), ERR_ARG);
	assert_int_equal(out.len, 0);
	assert_int_equal(hostile_frame("levels", TEXT(frame), &out), 0);
	assert_true(out.len > 10000000);
	buf_clear(&out);
	assert_int_equal(hostile_frame("deep", TEXT(frame), &out), 0);
	assert_true(out.len > 100000);
	buf_fini(&out);
}

static void test_names(void **state)
{
	static const char *const names[] = {"BINANCE", "BINANCE-PERP", "BYBIT", "BYBIT-PERP", "KALSHI", "POLYMARKET"};
	size_t n = 0;
	char when[32];

	(void)state;
	for (; dialect_at(n) != NULL; n++)
		assert_ptr_equal(dialect_find(dialect_at(n)->name), dialect_at(n));
	assert_int_equal(n, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < n; i++)
		assert_non_null(dialect_find(names[i]));
	assert_null(dialect_find("binance"));
	assert_true(text_is(dialect_url_param(TEXT("/x?a=1&bc=23&d="), "bc"), "23"));
	assert_int_equal(dialect_url_param(TEXT("/x?a=1"), "b").len, 0);
	kalshi_time(INT64_C(1785930336564039000), when);
	assert_string_equal(when, "2026-08-05T11:45:36.564039Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_generated),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
