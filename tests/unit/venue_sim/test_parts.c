/* test_parts - the small parts of venue_sim: options, streams, limits, candles, faults, frames'
 * facts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "tools/venue_sim/binance.h"
#include "tools/venue_sim/candles.h"
#include "tools/venue_sim/faults.h"
#include "tools/venue_sim/feed.h"
#include "tools/venue_sim/limits.h"
#include "tools/venue_sim/options.h"

#define SECOND INT64_C(1000000000)

static int parse(struct options *o, const char *a, const char *b)
{
	char *argv[] = {(char *)"venue_sim", (char *)(uintptr_t)a, (char *)(uintptr_t)b, NULL};
	char reason[300] = "";
	int rc = options_parse(o, b != NULL ? 3 : a != NULL ? 2 : 1, argv, reason, sizeof(reason));

	assert_true((rc == 0) == (reason[0] == '\0'));
	return rc;
}

static void test_options(void **state)
{
	struct options o;
	char host[16];
	uint16_t port;

	(void)state;
	assert_int_equal(parse(&o, NULL, NULL), 0);
	assert_string_equal(o.listen, "127.0.0.1:0");
	assert_int_equal(o.speed, 1);
	assert_int_equal(parse(&o, "--speed", "max"), 0);
	assert_int_equal(o.speed, 0);
	assert_int_equal(parse(&o, "--duration", "2.5"), 0);
	assert_int_equal(o.duration, 2500000000);
	assert_int_equal(parse(&o, "--tls", "a,b"), 0);
	assert_string_equal(o.tls_cert, "a");
	assert_string_equal(o.tls_key, "b");
	assert_int_equal(parse(&o, "--tls", "a"), ERR_ARG);
	assert_int_equal(parse(&o, "--speed", "0.5"), ERR_ARG);
	assert_int_equal(parse(&o, "--duration", "-1"), ERR_ARG);
	assert_int_equal(parse(&o, "--seed", NULL), ERR_ARG);
	assert_int_equal(parse(&o, "--listen", "127.0.0.1"), ERR_ARG);
	assert_int_equal(options_address("[::1]:80", host, sizeof(host), &port), 0);
	assert_string_equal(host, "::1");
	assert_int_equal(port, 80);
	assert_int_equal(options_address("x:65536", host, sizeof(host), &port), ERR_ARG);
	assert_int_equal(options_address("averyveryverylongname:1", host, sizeof(host), &port),
			 ERR_ARG);
}

static void test_streams(void **state)
{
	static const char *const names[] = {"b", "a", "ab", "aa", "b@c"};
	struct streams s;

	(void)state;
	streams_init(&s, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(streams_add(&s, text_of(names[i])), 0);
	assert_int_equal(streams_add(&s, TEXT("a")), 0);
	assert_int_equal(s.n, 5);
	assert_int_equal(streams_add(&s, TEXT("new")), ERR_FULL);
	assert_int_equal(streams_add(&s, TEXT("")), ERR_TOO_LONG);
	for (size_t i = 0; i < 5; i++)
		assert_true(streams_has(&s, text_of(names[i])));
	assert_false(streams_has(&s, TEXT("b@")));
	assert_true(streams_remove(&s, TEXT("ab")));
	assert_false(streams_remove(&s, TEXT("ab")));
	assert_int_equal(s.n, 4);
	assert_string_equal(s.name[0], "a");
	assert_string_equal(s.name[3], "b@c");
	streams_fini(&s);
}

static void test_limits(void **state)
{
	struct limits l;
	int64_t now = 600 * SECOND, retry = 0;

	(void)state;
	limits_init(&l, 100);
	assert_int_equal(limits_take(&l, now, 100, &retry), 0);
	for (int i = 0; i < LIMITS_PATIENCE; i++) {
		assert_int_equal(limits_take(&l, now + 20 * SECOND, 1, &retry), 429);
		assert_int_equal(retry, 41);
	}
	assert_int_equal(limits_take(&l, now + 20 * SECOND, 1, &retry), 418);
	assert_int_equal(limits_take(&l, now + 139 * SECOND, 1, &retry), 418);
	assert_int_equal(retry, 2);
	assert_int_equal(limits_take(&l, now + 140 * SECOND, 1, &retry), 0);
	assert_int_equal(l.used, 1);
}

static void test_candles(void **state)
{
	static struct candle_ring c;
	struct candle_bar sum;

	(void)state;
	c.span_ms = 1000;
	candles_add(&c, &(struct candle_fill){1500, 10, 2, false});
	candles_add(&c, &(struct candle_fill){1999, 12, 3, true});
	candles_add(&c,
		    &(struct candle_fill){1600, 9, 1, true}); /* late: still in the newest bar */
	candles_add(&c, &(struct candle_fill){4000, 11, 5, false});
	assert_int_equal(c.n, 4);
	const struct candle_bar *b = candles_at(&c, 3);
	assert_int_equal(b->open_ms, 1000);
	assert_int_equal(b->open, 10);
	assert_int_equal(b->high, 12);
	assert_int_equal(b->low, 9);
	assert_int_equal(b->close, 9);
	assert_int_equal(b->volume, 6);
	assert_int_equal(b->taker_volume, 2);
	assert_int_equal((int64_t)b->value, 20 + 36 + 9);
	assert_int_equal(candles_at(&c, 2)->trades, 0);
	assert_int_equal(candles_at(&c, 2)->open, 9);
	sum = *candles_at(&c, 2);
	candle_merge(&sum, candles_at(&c, 1));
	candle_merge(&sum, candles_at(&c, 0));
	assert_int_equal(sum.open, 11);
	assert_int_equal(sum.low, 11);
	assert_int_equal(sum.close, 11);
	assert_int_equal(sum.trades, 1);
	candles_add(&c, &(struct candle_fill){1000LL * CANDLES_KEPT, 7, 1, false});
	assert_int_equal(c.n, CANDLES_KEPT);
	candles_add(&c, &(struct candle_fill){1000LL * (3 * CANDLES_KEPT), 8, 1, false});
	assert_int_equal(candles_at(&c, 0)->open, 8);
}

static void test_faults(void **state)
{
	static struct faults f;
	char reason[200];

	(void)state;
	assert_int_equal(faults_parse(&f,
				      "skip@2:btcusdt@depth*2,drop@9,delay@0=250,corrupt@1=utf8",
				      reason, sizeof(reason)),
			 0);
	assert_int_equal(f.n, 4);
	assert_string_equal(f.at[0].stream, "btcusdt@depth");
	assert_int_equal(f.at[0].after, 2);
	assert_int_equal(f.at[0].count, 2);
	assert_int_equal(f.at[2].value, 250);
	assert_string_equal(f.at[3].variant, "utf8");
	f.n = 1;
	int struck = 0;
	for (int i = 0; i < 10; i++) {
		assert_null(faults_strike(&f, FAULT_OF_FRAMES, TEXT("btcusdt@trade")));
		struck += faults_strike(&f, FAULT_OF_FRAMES, TEXT("btcusdt@depth@100ms")) != NULL;
		if (i == 1)
			assert_int_equal(struck, 0);
	}
	assert_int_equal(struck, 2);
	static const char *const bad[] = {
		"skip", "nope@1",          "skip@x", "skip@1*x", "corrupt@1=nope",
		"@1",   "skip@1=truncate", "=",      "*"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(faults_parse(&f, bad[i], reason, sizeof(reason)), ERR_ARG);
	while (f.n < FAULTS_MAX)
		assert_int_equal(faults_parse(&f, "skip@1", reason, sizeof(reason)), 0);
	assert_int_equal(faults_parse(&f, "skip@1", reason, sizeof(reason)), ERR_FULL);
}

static struct feed_line frame(const char *raw)
{
	struct feed_line line = {.kind = FEED_FRAME, .raw = text_of(raw)};

	assert_true(feed_split(line.raw, &line.stream, &line.data));
	return line;
}

static void test_facts(void **state)
{
	struct feed_line line =
		frame("{\"stream\":\"a@depth@100ms\",\"data\":{\"e\":\"x\",\"s\":\"A\",\"U\":5,"
		      "\"u\":7,\"b\":[],\"a\":[]}}");
	struct frame_facts f;
	struct text stream, data;

	(void)state;
	assert_true(binance_frame(&line, &f));
	assert_int_equal(f.kind, FRAME_DEPTH);
	assert_true(text_is(f.symbol, "A"));
	assert_int_equal(f.first_id, 5);
	assert_int_equal(f.last_id, 7);
	line = frame("{\"stream\":\"a@bookTicker\",\"data\":{\"u\":9,\"s\":\"A\"}}");
	assert_true(binance_frame(&line, &f));
	assert_int_equal(f.kind, FRAME_TOP);
	assert_int_equal(f.last_id, 9);
	line = frame("{\"stream\":\"a@trade\",\"data\":{\"s\":\"A\"}}");
	assert_false(binance_frame(&line, &f));
	line = frame("{\"stream\":\"a@depth5@100ms\",\"data\":{\"s\":\"A\"}}");
	assert_true(binance_frame(&line, &f));
	assert_int_equal(f.kind, FRAME_OTHER);
	assert_false(feed_split(TEXT("{\"stream\":\"a"), &stream, &data));
	assert_false(feed_split(TEXT("{\"stream\":\"a\",\"data\":"), &stream, &data));
	assert_false(feed_split(TEXT("{\"data\":{},\"stream\":\"a\"}"), &stream, &data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options), cmocka_unit_test(test_streams),
		cmocka_unit_test(test_limits),  cmocka_unit_test(test_candles),
		cmocka_unit_test(test_faults),  cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
