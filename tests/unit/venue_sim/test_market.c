/* test_market - the generated market: the same seed tells the same story, and the story holds
 * together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/crc.h"
#include "common/base/err.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/feed.h"

#define START INT64_C(1700000000000000000)
#define SECOND INT64_C(1000000000)

static struct market_options options(uint64_t seed, int64_t seconds)
{
	return (struct market_options){.dialect = &dialect_binance_spot,
				       .symbols = "BTCUSDT,ETHUSDT,ABC",
				       .seed = seed,
				       .start = START,
				       .duration = seconds * SECOND};
}

static uint32_t checksum(uint64_t seed, uint64_t *ret_lines)
{
	struct market_options o = options(seed, 30);
	struct feed_line line;
	struct market *m;
	uint32_t crc = 0;
	int rc;

	*ret_lines = 0;
	assert_int_equal(market_new(&o, &m), 0);
	while ((rc = market_next(m, &line)) == 0) {
		crc = crc32c(crc, &line.stamp, sizeof(line.stamp));
		crc = crc32c(crc, line.raw.at, line.raw.len);
		++*ret_lines;
	}
	assert_int_equal(rc, ERR_CLOSED);
	market_free(m);
	return crc;
}

static void test_seed(void **state)
{
	uint64_t n, m;
	uint32_t first = checksum(1, &n);

	(void)state;
	assert_true(n > 3000);
	assert_int_equal(checksum(1, &m), first);
	assert_int_equal(m, n);
	assert_int_not_equal(checksum(2, &m), first);
}

/* A symbol added changes nothing of the others: each has a seed of its own. */
static void test_symbols_are_independent(void **state)
{
	struct market_options one = options(3, 5), all = options(3, 5);
	struct feed_line a, b;
	struct market *m, *n;

	(void)state;
	one.symbols = "ETHUSDT";
	assert_int_equal(market_new(&one, &m), 0);
	assert_int_equal(market_new(&all, &n), 0);
	while (market_next(m, &a) == 0) {
		if (a.kind == FEED_REPLY)
			continue;
		do {
			assert_int_equal(market_next(n, &b), 0);
		} while (b.kind == FEED_REPLY || !text_starts(b.stream, "ethusdt@"));
		assert_true(text_equal(a.raw, b.raw));
	}
	market_free(m);
	market_free(n);
}

static void test_refused(void **state)
{
	static char too_long[MARKET_SYMBOL_LEN + 1];
	const char *const bad[] = {"", "btcusdt", "BTC/USDT", "A,,B", "-A", too_long};
	struct market *m = NULL;

	(void)state;
	memset(too_long, 'A', sizeof(too_long) - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct market_options o = options(1, 1);
		o.symbols = bad[i];
		assert_int_equal(market_new(&o, &m), ERR_ARG);
	}
	assert_null(m);
	market_free(NULL);
}

/* Everything the crowd does for an hour, with bursts: sides never cross or empty, ids follow. */
static void test_crowd(void **state)
{
	static struct crowd c;
	struct crowd_spec spec = {.price = 250000, .lots = 10000, .rate = 20};
	int64_t now = 0, low = spec.price, high = spec.price;

	(void)state;
	crowd_init(&c, &spec, 7);
	while (now < 3600 * SECOND) {
		uint64_t update = c.quotes.update_id, trade = c.trade_id;
		now += crowd_act(&c, now);
		assert_true(c.quotes.n[0] > 0 && c.quotes.n[1] > 0);
		int64_t bid = quotes_at(&c.quotes, QUOTES_BID, 0)->price;
		int64_t ask = quotes_at(&c.quotes, QUOTES_ASK, 0)->price;
		assert_true(0 < bid && bid < ask);
		assert_true(c.quotes.update_id >= update);
		for (uint32_t i = 0; i < c.n_fills; i++) {
			assert_int_equal(c.fill[i].id, trade + i + 1);
			assert_true(c.fill[i].qty > 0);
		}
		low = bid < low ? bid : low;
		high = ask > high ? ask : high;
		if (c.quotes.n_changed[0] + c.quotes.n_changed[1] > 200)
			quotes_told(&c.quotes);
	}
	assert_true(high - low > spec.price / 500); /* something to trade on */
	assert_true(low > spec.price / 2 && high < spec.price * 2);
}

static void test_quotes(void **state)
{
	static struct quotes q;

	(void)state;
	quotes_init(&q, 100);
	assert_true(quotes_set(&q, QUOTES_BID, 10, 1));
	assert_true(quotes_set(&q, QUOTES_BID, 12, 2));
	assert_true(quotes_set(&q, QUOTES_BID, 11, 3));
	assert_true(quotes_set(&q, QUOTES_ASK, 14, 4));
	assert_true(quotes_set(&q, QUOTES_ASK, 13, 5));
	assert_int_equal(quotes_at(&q, QUOTES_BID, 0)->price, 12);
	assert_int_equal(quotes_at(&q, QUOTES_BID, 2)->price, 10);
	assert_int_equal(quotes_at(&q, QUOTES_ASK, 0)->price, 13);
	assert_int_equal(q.update_id, 105);
	assert_int_equal(q.n_changed[QUOTES_BID], 3);
	assert_true(quotes_set(&q, QUOTES_BID, 12, 0));
	assert_false(quotes_set(&q, QUOTES_BID, 12, 0)); /* removing what is not there */
	assert_int_equal(q.n_changed[QUOTES_BID], 3);
	assert_int_equal(quotes_qty(&q, QUOTES_BID, 12), 0);
	assert_int_equal(quotes_qty(&q, QUOTES_BID, 11), 3);
	quotes_told(&q);
	assert_int_equal(q.diff_id, 106);
	for (int64_t i = 0; i < QUOTES_LEVELS_MAX - 2; i++)
		assert_true(quotes_set(&q, QUOTES_ASK, 100 + i, 1));
	assert_false(quotes_set(&q, QUOTES_ASK, 99, 1));
	assert_int_equal(q.n[QUOTES_ASK], QUOTES_LEVELS_MAX);
}

/* The folded book of the frames is the crowd's own book after each diff, by the snapshot told
 * first. */
static void test_fold_agrees(void **state)
{
	struct market_options o = options(5, 20);
	struct feed_source source = {.dialect = &dialect_binance_spot, .market = &o};
	struct recording rec;
	struct fold fold;
	struct line_feed *feed;
	struct feed_line line;
	char reason[100];
	uint64_t tops = 0;

	(void)state;
	assert_int_equal(
		recording_scan(&rec, &source, &dialect_binance_spot, reason, sizeof(reason)), 0);
	assert_int_equal(rec.symbols.count, 3);
	assert_int_equal(fold_init(&fold, &rec, &dialect_binance_spot), 0);
	assert_int_equal(feed_open(&source, &feed, reason, sizeof(reason)), 0);
	while (feed_next(feed, &line) == 0) {
		fold_line(&fold, &line);
		struct frame_facts facts;
		if (line.kind != FEED_FRAME || !binance_frame(&line, &facts) ||
		    facts.kind != FRAME_DEPTH)
			continue;
		const struct fold_symbol *s = fold_find(&fold, facts.symbol);
		assert_true(s->book.valid);
		assert_int_equal(s->book.last_id, facts.last_id);
		assert_true(fold_book_at(&s->book, FOLD_BID, 0)->price <
			    fold_book_at(&s->book, FOLD_ASK, 0)->price);
		tops++;
	}
	assert_true(tops > 300);
	assert_int_equal(fold.bad, 0);
	assert_int_equal(fold.gaps, 0);
	feed_close(feed);
	fold_fini(&fold);
	recording_fini(&rec);
}

static void test_numbers(void **state)
{
	static const struct {
		int64_t value;
		int scale;
		const char *text;
	} rows[] = {{0, 0, "0.00000000"},   {1, 8, "0.00000001"},   {6000001, 2, "60000.01000000"},
		    {-5, 1, "-0.50000000"}, {12, 0, "12.00000000"}, {1, 10, "0.0000000001"}};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		assert_int_equal(binance_tell_number(&b, rows[i].value, rows[i].scale, 8), 0);
		assert_int_equal(b.len, strlen(rows[i].text));
		assert_memory_equal(b.at, rows[i].text, b.len);
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed),    cmocka_unit_test(test_symbols_are_independent),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_quotes),  cmocka_unit_test(test_fold_agrees),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
