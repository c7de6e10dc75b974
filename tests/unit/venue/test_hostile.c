/* test_hostile - a hostile exchange, the same for every decoder of the registry: numbers that are none, wrong names,
 * depth without end, books of a million levels, replies that are no answers.
 *
 * Each venue's samples are the frames that are spoilt. Whatever comes of them, it is whole or nothing, and no number
 * that it says is one that cannot be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/venue/venue.h"

#define MARKETS 4
#define LEVELS 5001
#define FRAMES 200
#define ROWS 1000000

#define VENUE(name) extern const struct venue venue_##name;
#include "venue_registry.def"
#undef VENUE

static const struct {
	const char *file;
	const struct venue *venue;
} files[] = {
#define VENUE(name) {#name, &venue_##name},
#include "venue_registry.def"
#undef VENUE
};

static struct {
	const struct venue *venue;
	const char *file;
	struct venue_market market[MARKETS];
	uint32_t n_markets;
	char *frame[FRAMES];
	uint32_t n_frames;
	struct level levels[2 * LEVELS];
	uint32_t messages, about_first; /* of which so many are market data of the first market */
} in;

static const struct venue_market *find(void *ctx, const char *raw, size_t len)
{
	(void)ctx;
	for (uint32_t i = 0; i < in.n_markets; i++)
		if (strlen(in.market[i].raw) == len && memcmp(in.market[i].raw, raw, len) == 0)
			return &in.market[i];
	return NULL;
}

static void check_levels(const struct levels *l, bool relative)
{
	assert_true(l->n <= LEVELS);
	for (uint32_t i = 0; i < l->n; i++)
		assert_true(l->at[i].price > 0 && (relative || l->at[i].qty >= 0));
}

static void on_message(void *ctx, const struct venue_message *m)
{
	(void)ctx;
	in.messages++;
	in.about_first += m->market == &in.market[0] && m->kind <= VENUE_LIQUIDATION;
	assert_true(m->time >= 0);
	switch (m->kind) {
	case VENUE_DEPTH:
		check_levels(&m->depth.bids, m->depth.relative);
		check_levels(&m->depth.asks, m->depth.relative);
		break;
	case VENUE_SNAPSHOT:
		check_levels(&m->snapshot.bids, false);
		check_levels(&m->snapshot.asks, false);
		break;
	case VENUE_TRADE:
		assert_true(m->trade.price > 0 && m->trade.qty > 0 && m->trade.at >= 0);
		break;
	case VENUE_TOP:
		assert_true(m->top.bid >= 0 && m->top.bid_qty >= 0 && m->top.ask >= 0 && m->top.ask_qty >= 0);
		break;
	case VENUE_KLINE:
		assert_true(m->kline.low <= m->kline.high && m->kline.low >= 0 && m->kline.volume >= 0);
		break;
	case VENUE_TICKER:
		for (int i = 0; i < VENUE_TICKER_VALUES; i++)
			assert_true(m->ticker.value[i] >= 0);
		break;
	case VENUE_MARK:
		assert_true(m->mark.price >= 0 && m->mark.index >= 0 && m->mark.settle >= 0);
		break;
	case VENUE_LIQUIDATION:
		assert_true(m->liquidation.price >= 0 && m->liquidation.qty > 0 && m->liquidation.side != 0);
		break;
	default:
		break;
	}
}

static int decode(const char *text, size_t len, enum venue_ask ask)
{
	struct venue_output out = {.find = find, .message = on_message, .levels = in.levels, .levels_max = LEVELS};
	struct venue_input input = {.text = text, .len = len, .ask = ask, .limit = 100, .interval = "1m"};

	input.market = ask != VENUE_ASK_NOTHING ? &in.market[0] : NULL;
	in.messages = in.about_first = 0;
	int rc = in.venue->decode(&input, &out);
	if (rc < 0 && ask != VENUE_ASK_INSTRUMENTS && ask != VENUE_ASK_LISTINGS)
		assert_int_equal(in.messages, 0);
	return rc;
}

static void add_market(char *rest)
{
	size_t len = strcspn(rest, " ");

	assert_int_equal(venue_market_init(in.venue, rest, len, &in.market[in.n_markets]), 0);
	struct venue_market *m = &in.market[in.n_markets++];
	m->price_scale = (uint8_t)strtoul(rest + len, &rest, 10);
	m->qty_scale = (uint8_t)strtoul(rest, NULL, 10);
}

/* The samples that are good frames of the stream. */
static void load(size_t file)
{
	static char line[1 << 16];
	char path[1024];
	const char *source = getenv("NJ_SOURCE");

	memset(&in, 0, sizeof(in));
	in.venue = files[file].venue;
	in.file = files[file].file;
	snprintf(path, sizeof(path), "%s/tests/unit/venue/samples/%s.txt", source != NULL ? source : ".", in.file);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "market ", 7) == 0 && in.n_markets < MARKETS)
			add_market(line + 7);
		else if (strncmp(line, "frame ", 6) == 0 && in.n_frames < FRAMES &&
			 decode(line + 6, strlen(line + 6), VENUE_ASK_NOTHING) == 0)
			in.frame[in.n_frames++] = strdup(line + 6);
	}
	fclose(f);
	assert_true(in.n_markets > 0 && in.n_frames > 0);
}

static void unload(void)
{
	for (uint32_t i = 0; i < in.n_frames; i++)
		free(in.frame[i]);
}

/* Puts `with` in the place of text[at .. at + len). */
static char *spliced(const char *text, size_t at, size_t len, const char *with)
{
	size_t size = strlen(text) + strlen(with) + 1;
	char *out = malloc(size);

	assert_non_null(out);
	snprintf(out, size, "%.*s%s%s", (int)at, text, with, text + at + len);
	return out;
}

/* ---- numbers that are none, in each place where there is one ---- */

static bool is_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static void spoil_number(const char *frame, size_t at, size_t len)
{
	static const char *const vectors[] = {
		"1e400", "1e-400",   "-1",        "-0.01", "0",   "99999999999999999999999999",
		"NaN",   "Infinity", "-Infinity", "0x10",  "1,5", "9223372036854775808",
		"",      " 1",       "1.",        ".5",    "+1",  "0.000000000000000000000000001",
		"null",  "[]",       "{}",        "true",  "1e3", "18446744073709551616"};

	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		char *bad = spliced(frame, at, len, vectors[i]);
		(void)decode(bad, strlen(bad), VENUE_ASK_NOTHING); /* checks what is said */
		free(bad);
	}
}

static void test_numbers(void)
{
	for (uint32_t i = 0; i < in.n_frames; i++)
		for (size_t at = 1; in.frame[i][at] != 0; at++) {
			size_t len = 0;
			char before = in.frame[i][at - 1];
			while (is_number(in.frame[i][at + len]))
				len++;
			if (len > 0 && (before == '"' || before == ':' || before == '[' || before == ','))
				spoil_number(in.frame[i], at, len);
			at += len > 0 ? len - 1 : 0;
		}
}

/* ---- another market's name, everywhere and in one place alone ---- */

static size_t find_name(const char *frame, size_t from, const char *raw)
{
	size_t n = strlen(raw);

	for (size_t at = from; strlen(frame + at) >= n; at++)
		if (strncasecmp(frame + at, raw, n) == 0)
			return at;
	return SIZE_MAX;
}

static void test_names(void)
{
	const char *raw = in.market[0].raw;
	size_t n = strlen(raw);
	char wrong[SYMBOL_RAW_MAX + 1];

	memset(wrong, '7', n);
	wrong[n] = 0;
	for (uint32_t i = 0; i < in.n_frames; i++) {
		(void)decode(in.frame[i], strlen(in.frame[i]), VENUE_ASK_NOTHING);
		if (in.about_first == 0)
			continue;
		uint32_t said = in.about_first;
		char *all = strdup(in.frame[i]);
		for (size_t at = 0; (at = find_name(all, at, raw)) != SIZE_MAX; at += n) {
			memcpy(all + at, wrong, n);
			/* the pair of a contract ("ps") is no name of the instrument */
			if (at > 6 && memcmp(in.frame[i] + at - 6, "\"ps\":\"", 6) == 0)
				continue;
			char *one = spliced(in.frame[i], at, n, wrong);
			(void)decode(one, strlen(one), VENUE_ASK_NOTHING);
			/* in a list each may have a name of its own */
			assert_true(in.about_first < said || strstr(one, "price_changes") != NULL);
			free(one);
		}
		(void)decode(all, strlen(all), VENUE_ASK_NOTHING);
		assert_int_equal(in.about_first, 0);
		free(all);
	}
}

/* ---- depth, and books of a million levels ---- */

static void test_depth(void)
{
	static const char *const opening[] = {"[", "{\"a\":", "[{\"data\":", "{\"data\":{\"b\":["};
	char text[4096], *bad;

	for (size_t k = 0; k < ARRAY_LEN(opening); k++) {
		text[0] = 0;
		for (int i = 0; i < 300; i++)
			strncat(text, opening[k], sizeof(text) - strlen(text) - 1);
		for (int ask = VENUE_ASK_NOTHING; ask <= VENUE_ASK_LISTINGS; ask++)
			assert_true(decode(text, strlen(text), (enum venue_ask)ask) < 0);
		/* as a key that we would skip */
		for (uint32_t i = 0; i < in.n_frames; i++) {
			if (in.frame[i][0] != '{' || in.frame[i][1] == '}')
				continue;
			char key[4200];
			snprintf(key, sizeof(key), "\"unknown\":%s,", text);
			bad = spliced(in.frame[i], 1, 0, key);
			assert_true(decode(bad, strlen(bad), VENUE_ASK_NOTHING) < 0);
			free(bad);
		}
	}
}

/* What is known to be said before and behind the levels of one side. */
static const struct {
	const char *file, *before, *row, *behind;
} books[] = {
	{"binance_spot", "{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"%s\",\"U\":1,\"u\":2,\"b\":[", "[\"1\",\"1\"]",
	 "],\"a\":[]}"},
	{"binance_usdm", "{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":\"%s\",\"U\":1,\"u\":2,\"pu\":1,\"b\":[",
	 "[\"1\",\"1\"]", "],\"a\":[]}"},
	{"bybit_linear",
	 "{\"topic\":\"orderbook.200.%s\",\"ts\":1,\"type\":\"snapshot\",\"data\":{\"u\":1,\"a\":[],\"b\":[",
	 "[\"1\",\"1\"]", "]}}"},
	{"bybit_spot",
	 "{\"topic\":\"orderbook.200.%s\",\"ts\":1,\"type\":\"snapshot\",\"data\":{\"u\":1,\"a\":[],\"b\":[",
	 "[\"1\",\"1\"]", "]}}"},
	{"kalshi",
	 "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"%s\",\"yes_dollars_fp\":[",
	 "[\"0.5\",\"1\"]", "]}}"},
	{"polymarket",
	 "{\"event_type\":\"book\",\"market\":\"0x1\",\"asset_id\":\"%s\",\"timestamp\":\"1\",\"hash\":\"\",\"asks\":[]"
	 ",\"bids\":[",
	 "{\"price\":\"0.5\",\"size\":\"1\"}", "]}"},
};

static size_t write_book(size_t book, uint32_t rows, char **ret_text)
{
	size_t step = strlen(books[book].row) + 1, size = step * rows + 1000;
	char *text = malloc(size);

	assert_non_null(text);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t len = (size_t)snprintf(text, size, books[book].before, in.market[0].raw);
#pragma GCC diagnostic pop
	for (uint32_t i = 0; i < rows; i++) {
		memcpy(text + len, books[book].row, step - 1);
		len += step - 1;
		if (i + 1 < rows)
			text[len++] = ',';
	}
	len += (size_t)snprintf(text + len, size - len, "%s", books[book].behind);
	*ret_text = text;
	return len;
}

static void test_giant_book(void)
{
	size_t book = 0;
	char *text;

	while (book < ARRAY_LEN(books) && strcmp(books[book].file, in.file) != 0)
		book++;
	assert_true(book < ARRAY_LEN(books)); /* a new venue has a row, too */
	size_t len = write_book(book, 3, &text);
	assert_int_equal(decode(text, len, VENUE_ASK_NOTHING), 0); /* the frame as such is a good one */
	assert_int_equal(in.about_first, 1);
	free(text);
	len = write_book(book, ROWS, &text);
	assert_int_equal(decode(text, len, VENUE_ASK_NOTHING), ERR_TOO_LONG);
	free(text);
}

/* ---- replies that are no answers ---- */

static void test_replies(void)
{
	static const char *const bodies[] = {
		"",
		" ",
		"<!DOCTYPE html><html><body>503</body></html>",
		"null",
		"true",
		"0",
		"\"ok\"",
		"{",
		"}",
		"{\"code\":-1003,\"msg\":\"Too many requests\"}",
		"Service Unavailable",
		"\xef\xbb\xbf{}",
		"\x1f\x8b\x08",
		"{\"retCode\":10006,\"retMsg\":\"Too many visits!\",\"result\":{},\"time\":1}"};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		for (int ask = VENUE_ASK_SNAPSHOT; ask <= VENUE_ASK_KLINES; ask++) {
			assert_true(decode(bodies[i], strlen(bodies[i]), (enum venue_ask)ask) < 0);
			assert_int_equal(in.messages, 0);
		}
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		(void)decode(bodies[i], strlen(bodies[i]), VENUE_ASK_INSTRUMENTS); /* some have an empty list */
		assert_int_equal(in.messages, 0);
	}
}

#define EACH(name)                                                                                                     \
	static void each_##name(void **state)                                                                          \
	{                                                                                                              \
		(void)state;                                                                                           \
		for (size_t i = 0; i < ARRAY_LEN(files); i++) {                                                        \
			load(i);                                                                                       \
			test_##name();                                                                                 \
			unload();                                                                                      \
		}                                                                                                      \
	}
EACH(numbers)
EACH(names)
EACH(depth)
EACH(giant_book)
EACH(replies)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_numbers),    cmocka_unit_test(each_names),   cmocka_unit_test(each_depth),
		cmocka_unit_test(each_giant_book), cmocka_unit_test(each_replies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
