/* test_candles - closing rules, exact sums, gaps, snapshots; recorded trades and candles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/venue/candles.h"

#define S 1000000000LL
#define M (60 * S)
#define D (1440 * M)
#define KEEP 50000

static struct ev_candle closed[KEEP];
static int64_t closed_at[KEEP];
static uint32_t n_closed;

static void keep(void *ctx, int64_t close_at, struct ev_candle *c)
{
	(void)ctx;
	assert_true(n_closed < KEEP);
	closed_at[n_closed] = close_at;
	closed[n_closed++] = *c;
}

static const struct candle_sink sink = {NULL, keep};

static void make(struct candles *c, int64_t a, int64_t b)
{
	const int64_t intervals[] = {a, b};

	assert_int_equal(candles_init(c, intervals, b > 0 ? 2 : 1, CANDLE_GRACE_NS), 0);
	candles_rescale(c, 2, 3);
	n_closed = 0;
}

static void trade(struct candles *c, int64_t at, int64_t price, int64_t qty)
{
	candles_on_trade(c, &(struct candle_trade){at, price, qty, 1}, &sink);
}

static void test_intervals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {{"1s", S},      {"5s", 5 * S},   {"1m", M},       {"15m", 15 * M},
		    {"1h", 60 * M}, {"4h", 240 * M}, {"1d", 1440 * M},
		    {"3d", 3 * D},  {"1w", 7 * D},   {"1M", CANDLE_MONTH_NS}};
	static const char *const bad[] = {"",    "m",   "1",  "0m",      "7m", "2w", "-1m",
					  "1mm", "25h", "2d", "999999s", "2M", "1y"};
	char text[EVENT_NAME_MAX];
	int64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(candle_interval(good[i].text, strlen(good[i].text), &ns), 0);
		assert_int_equal(ns, good[i].ns);
		candle_interval_text(ns, text);
		assert_string_equal(text, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(candle_interval(bad[i], strlen(bad[i]), &ns) < 0);
	struct candles c;
	const int64_t falling[] = {M, S}, odd[] = {7 * S + 1};
	assert_int_equal(candles_init(&c, falling, 2, 0), ERR_ARG);
	assert_int_equal(candles_init(&c, odd, 1, 0), ERR_ARG);
	assert_int_equal(candles_init(&c, falling, 1, -1), ERR_ARG);
}

/* Seconds since 1970 of `date -u -d` for the first days of months around leap years, centuries and 1970. */
static void test_alignment(void **state)
{
	(void)state;
	static const int64_t month[][2] = {
		{0, 2678400},                    /* January 1970 */
		{-2678400, 0},                   /* December 1969 */
		{951782400 - 28 * 86400, 951868800}, /* February 2000, a leap year */
		{1072915200, 1075593600},        /* January 2004 */
		{1706745600, 1709251200},        /* February 2024 */
		{1740787200, 1743465600},        /* March 2025 */
		{4107542400 - 28 * 86400, 4107542400}, /* February 2100, none */
	};
	for (size_t i = 0; i < sizeof month / sizeof month[0]; i++) {
		int64_t open = month[i][0] * S, end = month[i][1] * S;
		assert_int_equal(candle_open(open, CANDLE_MONTH_NS), open);
		assert_int_equal(candle_open(end - 1, CANDLE_MONTH_NS), open);
		assert_int_equal(candle_open(end, CANDLE_MONTH_NS), end);
		assert_int_equal(candle_end(open, CANDLE_MONTH_NS), end);
	}
	/* Binance's first week of BTCUSDT begins on Monday 2017-08-14, its first three days on 2017-08-16. */
	assert_int_equal(candle_open(1502942428000 * 1000000, CANDLE_WEEK_NS), INT64_C(1502668800) * S);
	assert_int_equal(candle_open(1502942428000 * 1000000, 3 * D), INT64_C(1502841600) * S);
	assert_int_equal(candle_open(-1, CANDLE_WEEK_NS), -3 * D);
	for (int64_t at = -2000 * D, was = candle_open(at, CANDLE_MONTH_NS); at < 40000 * D; at += D) {
		int64_t open = candle_open(at, CANDLE_MONTH_NS);
		assert_true(open <= at && at < candle_end(open, CANDLE_MONTH_NS));
		assert_true(open == was || open == candle_end(was, CANDLE_MONTH_NS));
		was = open;
	}
}

/* A month of trades, a day at a time: the month closes with its 29 days, and days make the same one. */
static void test_month(void **state)
{
	(void)state;
	const int64_t intervals[] = {D, CANDLE_MONTH_NS}, february = INT64_C(1706745600) * S;
	struct candle_merge m;
	struct candles c;

	n_closed = 0;
	assert_int_equal(candles_init(&c, intervals, 2, CANDLE_GRACE_NS), 0);
	candles_rescale(&c, 2, 3);
	trade(&c, february - 40 * D, 100, 1);
	for (int64_t day = 0; day < 29; day++)
		trade(&c, february + day * D, 100 + day, 1000);
	trade(&c, february + 29 * D, 7, 1);
	const struct ev_candle *made = &closed[n_closed - 1];
	assert_string_equal(made->interval, "1M");
	assert_int_equal(made->open_at, february);
	assert_int_equal(closed_at[n_closed - 1], february + 29 * D);
	assert_int_equal(made->trades, 29);
	struct ev_candle days[29], month = *made;
	uint32_t n = 0;
	for (uint32_t i = 0; i < n_closed; i++)
		if (strcmp(closed[i].interval, "1d") == 0 && closed[i].open_at >= february)
			days[n++] = closed[i];
	assert_int_equal(n, 29);
	n_closed = 0;
	assert_int_equal(candle_merge_init(&m, 7 * D, CANDLE_MONTH_NS), ERR_ARG);
	assert_int_equal(candle_merge_init(&m, D, CANDLE_MONTH_NS), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(candle_merge_add(&m, &days[i], &sink), 0);
	assert_int_equal(n_closed, 1);
	assert_memory_equal(&closed[0], &month, sizeof month);
}

static void test_close_by_trade(void **state)
{
	(void)state;
	struct candles c;

	make(&c, S, M);
	trade(&c, 10 * S + 1, 100, 10);
	trade(&c, 10 * S + 5, 130, 20);
	trade(&c, 10 * S + 9, 90, 30);
	trade(&c, 11 * S - 1, 110, 40);
	assert_int_equal(n_closed, 0);
	trade(&c, 13 * S, 200, 1); /* nothing in second 11 and 12: no candle for them */
	assert_int_equal(n_closed, 1);
	const struct ev_candle *k = &closed[0];
	assert_string_equal(k->interval, "1s");
	assert_int_equal(k->open_at, 10 * S);
	assert_int_equal(closed_at[0], 11 * S);
	assert_int_equal(k->open, 100);
	assert_int_equal(k->high, 130);
	assert_int_equal(k->low, 90);
	assert_int_equal(k->close, 110);
	assert_int_equal(k->volume, 100);
	assert_int_equal(k->trades, 4);
	/* 1000 + 2600 + 2700 + 4400 at scale 5 is 0.107 at 8 */
	assert_int_equal(k->quote_volume, 10700000);
	assert_false(k->complete); /* what came before the first trade is unknown */
	assert_false(k->from_venue);
	trade(&c, 14 * S, 200, 1);
	assert_true(closed[1].complete);
	trade(&c, 60 * S, 200, 1);
	assert_int_equal(n_closed, 4); /* second 14 and the first minute */
	assert_string_equal(closed[3].interval, "1m");
	assert_int_equal(closed[3].trades, 6);
}

static void test_close_by_clock(void **state)
{
	(void)state;
	struct candles c;

	make(&c, S, 0);
	trade(&c, 10 * S + 500, 100, 10);
	assert_int_equal(candles_due(&c), 11 * S + CANDLE_GRACE_NS);
	candles_on_clock(&c, 11 * S + CANDLE_GRACE_NS - 1, &sink);
	assert_int_equal(n_closed, 0);
	trade(&c, 10 * S + 700, 101, 10); /* within the grace */
	candles_on_clock(&c, 11 * S + CANDLE_GRACE_NS, &sink);
	assert_int_equal(n_closed, 1);
	assert_int_equal(closed[0].trades, 2);
	assert_int_equal(candles_due(&c), INT64_MAX);
	trade(&c, 10 * S + 800, 999, 10); /* too late */
	assert_int_equal(c.late, 1);
	trade(&c, 11 * S, 102, 1);
	trade(&c, 10 * S, 999, 10); /* older than the open one */
	assert_int_equal(c.late, 2);
	candles_on_clock(&c, 20 * S, &sink);
	assert_int_equal(n_closed, 2);
	assert_int_equal(closed[1].high, 102);
	candles_on_clock(&c, 30 * S, &sink);
	assert_int_equal(n_closed, 2);
}

static void test_gaps(void **state)
{
	(void)state;
	struct candles c;

	make(&c, S, M);
	trade(&c, 1 * S, 100, 1);
	trade(&c, 61 * S, 100, 1);
	trade(&c, 62 * S, 100, 1); /* closes 61 */
	assert_true(closed[n_closed - 1].complete);
	candles_on_gap(&c, 62 * S + 5, 64 * S + 5);
	trade(&c, 64 * S + 5, 100, 1); /* closes 62: touched */
	assert_false(closed[n_closed - 1].complete);
	trade(&c, 65 * S, 100, 1); /* closes 64: began before the end of the gap */
	assert_false(closed[n_closed - 1].complete);
	trade(&c, 66 * S, 100, 1);
	assert_true(closed[n_closed - 1].complete);
	trade(&c, 120 * S, 100, 1);
	assert_string_equal(closed[n_closed - 1].interval, "1m");
	assert_false(closed[n_closed - 1].complete);
	trade(&c, 180 * S, 100, 1);
	assert_true(closed[n_closed - 1].complete);
}

static void test_large(void **state)
{
	(void)state;
	struct candles c;
	const int64_t huge = INT64_MAX;

	make(&c, S, 0);
	for (int i = 0; i < 5; i++)
		trade(&c, S, huge, huge);
	trade(&c, 2 * S, 1, huge);
	assert_int_equal(n_closed, 0); /* sums that do not fit are refused, not wrapped */
	assert_int_equal(c.refused, 1);
	trade(&c, 2 * S, 1, 1);
	trade(&c, 3 * S, 5, 1000);
	assert_int_equal(c.refused, 2);
	candles_rescale(&c, 4, 3); /* an open candle goes on at a wider scale */
	trade(&c, 3 * S, 700, 1000);
	trade(&c, 4 * S, 700, 1000);
	assert_int_equal(n_closed, 1);
	assert_int_equal(closed[0].open, 500);
	assert_int_equal(closed[0].close, 700);
	assert_int_equal(closed[0].quote_volume, 12000000);
	candles_rescale(&c, 1, 1); /* but not at a narrower one */
	trade(&c, 6 * S, 7, 1);
	assert_int_equal(n_closed, 1);
}

static void test_rounding(void **state)
{
	(void)state;
	struct candles c;
	const int64_t interval = S;

	n_closed = 0;
	assert_int_equal(candles_init(&c, &interval, 1, 0), 0);
	candles_rescale(&c, 8, 8); /* products have 16 digits: rounded once, half to even */
	trade(&c, S, 1, 50000000);
	trade(&c, 2 * S, 3, 50000000);
	trade(&c, 3 * S, 1, 50000001);
	trade(&c, 4 * S, 1, 1);
	assert_int_equal(closed[0].quote_volume, 0);
	assert_int_equal(closed[1].quote_volume, 2);
	assert_int_equal(closed[2].quote_volume, 1);
}

static void test_saved(void **state)
{
	(void)state;
	struct candles a, b;
	struct buf saved;

	make(&a, S, M);
	trade(&a, 10 * S, 100, 10);
	trade(&a, 11 * S, INT64_MAX, INT64_MAX);
	trade(&a, 11 * S, INT64_MAX, INT64_MAX);
	candles_on_gap(&a, 10 * S, 10 * S);
	buf_init(&saved, 1 << 16);
	struct packer p = {.out = &saved};
	candles_save(&a, &p);
	assert_int_equal(p.err, 0);
	for (size_t len = 0; len <= saved.len; len++) {
		make(&b, S, M);
		struct unpacker u = {.at = saved.at, .end = saved.at + len};
		assert_int_equal(candles_load(&b, &u) == 0, len == saved.len);
	}
	assert_int_equal(a.n, b.n);
	assert_true(a.series[1].now.volume == b.series[1].now.volume);
	assert_true(a.series[1].now.cash == b.series[1].now.cash);
	assert_int_equal(a.blind_to, b.blind_to);
	const int64_t other[] = {S, 5 * M};
	assert_int_equal(candles_init(&b, other, 2, 0), 0);
	struct unpacker u = {.at = saved.at, .end = saved.at + saved.len};
	assert_int_equal(candles_load(&b, &u), ERR_DIFFERS);
	buf_fini(&saved);
}

/* ---- recordings ---- */

static char *read_capture(const char *name)
{
	static char text[64 << 20];
	char path[1024];
	const char *root = getenv("NIGHTJAR_CAPTURES"), *source = getenv("NJ_SOURCE");

	if (root != NULL)
		snprintf(path, sizeof(path), "%s/ohlcv/%s", root, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/captures/ohlcv/%s", source != NULL ? source : ".", name);
	gzFile f = gzopen(path, "rb");
	if (f == NULL) {
		printf("skipped: no recording at %s\n", path);
		return NULL;
	}
	int n = gzread(f, text, sizeof(text) - 1);
	gzclose(f);
	assert_true(n > 0);
	text[n] = 0;
	return text;
}

/* Scales that hold every trade and candle of the recording. */
#define PRICE_SCALE 8
#define QTY_SCALE 8

static int64_t decimal(struct json_str text, int scale)
{
	int64_t value;
	assert_int_equal(fixed_parse(text.at, text.len, scale, &value), 0);
	return value;
}

static void feed_trades(struct candles *c, const char *text)
{
	struct json j;

	json_init(&j, text, strlen(text));
	json_array(&j);
	while (json_item(&j)) {
		struct json_str field[7] = {0};
		int n = 0;
		json_array(&j);
		while (json_item(&j))
			json_raw(&j, &field[n < 6 ? n++ : 6]);
		trade(c, decimal(field[0], 0) * 1000000, decimal(field[4], PRICE_SCALE), decimal(field[5], QTY_SCALE));
	}
	assert_int_equal(json_finish(&j), 0);
}

/* date,open,high,low,close,volume; returns the rows, and how many equal the i-th closed candle. */
static uint32_t equal_rows(const char *interval, char *text, uint32_t *ret_rows)
{
	uint32_t equal = 0, rows = 0, i = 0;

	strtok_r(text, "\n", &text);
	for (char *line; (line = strtok_r(NULL, "\n", &text)) != NULL; rows++) {
		int64_t v[6];
		for (int k = 0; k < 6; k++) {
			size_t len = strcspn(line, ",");
			v[k] = decimal((struct json_str){line, len, false}, k == 0 ? 0 : 8);
			line += len + (line[len] == ',');
		}
		while (i < n_closed &&
		       (strcmp(closed[i].interval, interval) != 0 || closed[i].open_at < v[0] * 1000000))
			i++;
		const struct ev_candle *c = &closed[i];
		equal += i < n_closed && c->open_at == v[0] * 1000000 && c->open == v[1] && c->high == v[2] &&
			 c->low == v[3] && c->close == v[4] && c->volume == v[5];
	}
	*ret_rows = rows;
	return equal;
}

static void test_recorded(void **state)
{
	(void)state;
	struct candles c;
	const int64_t intervals[] = {M, 5 * M};
	char *text = read_capture("XRP_ETH-trades.json.gz");

	if (text == NULL)
		skip();
	n_closed = 0;
	assert_int_equal(candles_init(&c, intervals, 2, CANDLE_GRACE_NS), 0);
	candles_rescale(&c, PRICE_SCALE, QTY_SCALE);
	feed_trades(&c, text);
	candles_on_clock(&c, INT64_MAX, &sink);
	assert_int_equal(n_closed, 2469 + 706);
	assert_int_equal(c.late, 0);
	uint32_t rows;
	assert_int_equal(equal_rows("1m", read_capture("XRP_ETH-1m.csv.gz"), &rows), 2469);
	assert_int_equal(rows, 2469);
	assert_int_equal(equal_rows("5m", read_capture("XRP_ETH-5m.csv.gz"), &rows), 706);
	assert_int_equal(rows, 706);
}

/* [ms, o, h, l, c, v] as JSON numbers; volumes are rounded doubles of their recorder: to six
 * decimals. */
static uint32_t read_rows(const char *text, struct ev_candle *rows)
{
	struct json j;
	uint32_t n = 0;

	json_init(&j, text, strlen(text));
	json_array(&j);
	while (json_item(&j)) {
		int64_t v[6] = {0};
		int k = 0;
		json_array(&j);
		while (json_item(&j)) {
			struct json_str field;
			json_number(&j, &field);
			int scale;
			int64_t value = 0;
			assert_int_equal(fixed_scale_of(field.at, field.len, &scale), 0);
			assert_int_equal(fixed_parse(field.at, field.len, scale, &value), 0);
			assert_int_equal(fixed_round(value, scale, k == 0 ? 0 : 8, &v[k]), 0);
			k++;
		}
		rows[n++] = (struct ev_candle){.price_scale = 8,
					       .qty_scale = 8,
					       .open_at = v[0] * 1000000,
					       .open = v[1],
					       .high = v[2],
					       .low = v[3],
					       .close = v[4],
					       .volume = v[5],
					       .trades = 1,
					       .complete = true};
	}
	assert_int_equal(json_finish(&j), 0);
	return n;
}

static uint32_t merged_equal(const char *from_name, int64_t from, const char *into_name, int64_t into)
{
	static struct ev_candle rows[KEEP];
	struct candle_merge m;
	uint32_t complete = 0, equal = 0, k = 0;
	char *text = read_capture(from_name);

	if (text == NULL)
		skip();
	uint32_t n = read_rows(text, rows);
	n_closed = 0;
	assert_int_equal(candle_merge_init(&m, from, into), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(candle_merge_add(&m, &rows[i], &sink), 0);
	candle_merge_end(&m, &sink);
	n = read_rows(read_capture(into_name), rows);
	for (uint32_t i = 0; i < n_closed; i++) {
		const struct ev_candle *a = &closed[i], *b = NULL;
		while (k < n && rows[k].open_at < a->open_at)
			k++;
		b = k < n ? &rows[k] : NULL;
		if (!a->complete || b == NULL || b->open_at != a->open_at)
			continue;
		complete++;
		equal += a->open == b->open && a->high == b->high && a->low == b->low && a->close == b->close &&
			 llabs(a->volume - b->volume) <= 100;
	}
	assert_int_equal(complete, equal);
	return equal;
}

static void test_merged(void **state)
{
	(void)state;
	assert_int_equal(merged_equal("BTC_USDT-1h.json.gz", 60 * M, "BTC_USDT-4h.json.gz", 240 * M), 11234);
	assert_int_equal(merged_equal("BTC_USDT-3m.json.gz", 3 * M, "BTC_USDT-15m.json.gz", 15 * M), 8801);
}

static void test_merge_edges(void **state)
{
	(void)state;
	struct candle_merge m;
	struct ev_candle c = {.open_at = 0,
			      .open = 5,
			      .high = 9,
			      .low = 1,
			      .close = 6,
			      .volume = 10,
			      .quote_volume = 7,
			      .trades = 2,
			      .complete = true};

	assert_int_equal(candle_merge_init(&m, M, 90 * S), ERR_ARG);
	assert_int_equal(candle_merge_init(&m, M, M), ERR_ARG);
	assert_int_equal(candle_merge_init(&m, M, 2 * M), 0);
	n_closed = 0;
	assert_int_equal(candle_merge_add(&m, &c, &sink), 0);
	assert_int_equal(candle_merge_add(&m, &c, &sink), ERR_STALE);
	c.open_at = M;
	c.high = 12;
	c.close = 2;
	assert_int_equal(candle_merge_add(&m, &c, &sink), 0);
	assert_int_equal(n_closed, 1);
	assert_string_equal(closed[0].interval, "2m");
	assert_true(closed[0].complete);
	assert_int_equal(closed[0].high, 12);
	assert_int_equal(closed[0].close, 2);
	assert_int_equal(closed[0].volume, 20);
	assert_int_equal(closed[0].trades, 4);
	c.open_at = 3 * M; /* minute 2 is missing */
	assert_int_equal(candle_merge_add(&m, &c, &sink), 0);
	assert_int_equal(n_closed, 2);
	assert_false(closed[1].complete);
	c.open_at = 4 * M;
	c.volume = INT64_MAX;
	assert_int_equal(candle_merge_add(&m, &c, &sink), 0);
	c.open_at = 5 * M;
	assert_int_equal(candle_merge_add(&m, &c, &sink), ERR_RANGE);
	c.qty_scale = 1;
	assert_int_equal(candle_merge_add(&m, &c, &sink), ERR_DIFFERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intervals),      cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_month),          cmocka_unit_test(test_close_by_trade),
		cmocka_unit_test(test_close_by_clock), cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_large),          cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_saved),          cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_merged),         cmocka_unit_test(test_merge_edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
