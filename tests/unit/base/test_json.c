/* test_json - RFC 8259 to the letter: what is accepted, what is refused and why, what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/base/rng.h"
#include "tests/fuzz/json_reference.h"
#include "tests/fuzz/json_walk.h"

struct vector {
	const char *text;
	size_t len;
	int rc;
};
#define V(text, rc) {text, sizeof(text) - 1, rc}
#define DEEP4(x) "[[[[" x "]]]]"
#define OBJECT4(x) "{\"a\":{\"a\":{\"a\":{\"a\":" x "}}}}"
#define DEEP16(x) DEEP4(DEEP4(DEEP4(DEEP4(x))))

/* Every text in memory of its own exact size, so that a sanitizer sees a byte too many read. */
static int verdict(const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	rc = walk(copy, len);
	assert_int_equal(rc == 0, ref_is_json(copy, len, JSON_DEPTH_MAX));
	free(copy);
	return rc;
}

static void expect(const struct vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = verdict(v[i].text, v[i].len);

		if (rc != v[i].rc)
			fail_msg("%.60s: %s, not %s", v[i].text, err_name(rc), err_name(v[i].rc));
	}
}

static void test_accepted(void **state)
{
	static const struct vector vectors[] = {
		V("null", 0), V("true", 0), V("false", 0), V("0", 0), V("\"\"", 0), V("[]", 0),
		V("{}", 0), V(" \t\r\n[ \t\r\n] \t\r\n", 0), V("{ }", 0), V("[[]]", 0),
		V("[{}]", 0), V("{\"\":0}", 0), V("{\"a\":1,\"a\":2}", 0), V("[1,2,3]", 0),
		V("[1 , 2]", 0), V("{\"a\" : 1 , \"b\" : [ ] }", 0), V("-0", 0), V("-1", 0),
		V("0.0", 0), V("-0.0", 0), V("10", 0), V("1.25", 0), V("1e1", 0), V("1E1", 0),
		V("1e+1", 0), V("1e-1", 0), V("1.5E-300", 0), V("1e400", 0), V("-1e400", 0),
		V("0e0", 0), V("0E+00", 0), V("1e00001", 0), V("9007199254740993", 0),
		V("123456789012345678901234567890", 0), V("0.10000000000000000000000000001", 0),
		V("\"a\"", 0), V("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0), V("\"\\u0000\"", 0),
		V("\"\\u00fc\\u20AC\\uABCD\"", 0), V("\"\\ud83d\\ude00\"", 0),
		V("\"\\ud800\"", 0), V("\"\\udc00\\ud800\"", 0), /* the grammar pairs nothing */
		V("\"\\uffff\"", 0), V("\"\x7f\"", 0), V("\"\xc2\x80\"", 0),
		V("\"\xdf\xbf\"", 0), V("\"\xe0\xa0\x80\"", 0), V("\"\xed\x9f\xbf\"", 0),
		V("\"\xee\x80\x80\"", 0), V("\"\xef\xbf\xbf\"", 0), V("\"\xf0\x90\x80\x80\"", 0),
		V("\"\xf4\x8f\xbf\xbf\"", 0), V("{\"\xe2\x82\xac\":\"\xf0\x9f\x98\x80\"}", 0),
		V("\"/* no comment */\"", 0), V("\"\xe2\x80\xa8\"", 0), V(DEEP16(""), 0),
		V(DEEP4(DEEP4(OBJECT4(OBJECT4("1")))), 0),
		V("[null,true,false,0,\"\",[],{}]", 0), V("[\"0123456789abcdef\"]", 0),
		V("\"0123456789abcdef0123456789abcde\\n\"", 0),
	};

	(void)state;
	expect(vectors, ARRAY_LEN(vectors));
}

static void test_refused_structure(void **state)
{
	static const struct vector vectors[] = {
		V("[1,]", ERR_SYNTAX), V("[,1]", ERR_SYNTAX), V("[1,,2]", ERR_SYNTAX),
		V("[,]", ERR_SYNTAX), V("[1 2]", ERR_SYNTAX), V("[1;2]", ERR_SYNTAX),
		V("[\"a\" \"b\"]", ERR_SYNTAX), V("[}", ERR_SYNTAX), V("{]", ERR_SYNTAX),
		V("[1}", ERR_SYNTAX), V("{\"a\":1]", ERR_SYNTAX), V("{,}", ERR_SYNTAX),
		V("{\"a\":1,}", ERR_SYNTAX), V("{\"a\":1,,\"b\":2}", ERR_SYNTAX),
		V("{\"a\"}", ERR_SYNTAX), V("{\"a\":}", ERR_SYNTAX), V("{:1}", ERR_SYNTAX),
		V("{\"a\"::1}", ERR_SYNTAX), V("{\"a\":1:2}", ERR_SYNTAX),
		V("{\"a\",1}", ERR_SYNTAX),
		V("{\"a\" 1}", ERR_SYNTAX), V("{a:1}", ERR_SYNTAX), V("{'a':1}", ERR_SYNTAX),
		V("{1:1}", ERR_SYNTAX), V("{null:1}", ERR_SYNTAX), V("{[]:1}", ERR_SYNTAX),
		V("{\"a\":1 \"b\":2}", ERR_SYNTAX), V("{\"a\":1,2}", ERR_SYNTAX),
		V("]", ERR_SYNTAX),
		V("}", ERR_SYNTAX), V(",", ERR_SYNTAX), V(":", ERR_SYNTAX), V("[:]", ERR_SYNTAX),
		V("[/**/]", ERR_SYNTAX), V("//\n1", ERR_SYNTAX), V("#", ERR_SYNTAX),
		V("[]]", ERR_TRAILING), V("{}}", ERR_TRAILING), V("[][]", ERR_TRAILING),
		V("1 2", ERR_TRAILING), V("{}x", ERR_TRAILING), V("{} //", ERR_TRAILING),
		V("null\0", ERR_TRAILING), V("\"a\",", ERR_TRAILING), V("1,", ERR_TRAILING),
		V("", ERR_TRUNCATED), V(" ", ERR_TRUNCATED), V("[", ERR_TRUNCATED),
		V("{", ERR_TRUNCATED), V("[1", ERR_TRUNCATED), V("[1,", ERR_TRUNCATED),
		V("{\"a", ERR_TRUNCATED), V("{\"a\"", ERR_TRUNCATED), V("{\"a\":", ERR_TRUNCATED),
		V("{\"a\":1", ERR_TRUNCATED), V("{\"a\":1,", ERR_TRUNCATED),
		V("\xef\xbb\xbf{}", ERR_SYNTAX), V("\xff\xfe[\0]\0", ERR_SYNTAX),
		V("\0[\0]", ERR_SYNTAX), V("[\0]", ERR_SYNTAX), V("[1]\0", ERR_TRAILING),
		V("[\x0c]", ERR_SYNTAX), V("\v1", ERR_SYNTAX), V("[\xc2\xa0]", ERR_SYNTAX),
		V("[\xe2\x81\xa0]", ERR_SYNTAX), V("[" DEEP16("") "]", ERR_DEPTH),
		V(DEEP16("{}"), ERR_DEPTH), V(DEEP16("[" ), ERR_DEPTH),
		V("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ERR_DEPTH),
		V("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
		  "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":", ERR_DEPTH),
	};

	(void)state;
	expect(vectors, ARRAY_LEN(vectors));
}

static void test_refused_scalars(void **state)
{
	static const struct vector vectors[] = {
		V("[01]", ERR_SYNTAX), V("[-01]", ERR_SYNTAX), V("[00]", ERR_SYNTAX),
		V("[-]", ERR_SYNTAX), V("[+1]", ERR_SYNTAX), V("[--1]", ERR_SYNTAX),
		V("[.5]", ERR_SYNTAX), V("[-.5]", ERR_SYNTAX), V("[1.]", ERR_SYNTAX),
		V("[1.e1]", ERR_SYNTAX), V("[1.5.5]", ERR_SYNTAX), V("[1e]", ERR_SYNTAX),
		V("[1e+]", ERR_SYNTAX), V("[1e-]", ERR_SYNTAX), V("[1e1.5]", ERR_SYNTAX),
		V("[1e1e1]", ERR_SYNTAX), V("[1ee1]", ERR_SYNTAX), V("[0x1f]", ERR_SYNTAX),
		V("[1_000]", ERR_SYNTAX), V("[1a]", ERR_SYNTAX), V("[1-1]", ERR_SYNTAX),
		V("[NaN]", ERR_SYNTAX), V("[nan]", ERR_SYNTAX), V("[Infinity]", ERR_SYNTAX),
		V("[-Infinity]", ERR_SYNTAX), V("[inf]", ERR_SYNTAX), V("[1,5", ERR_TRUNCATED),
		V("[\xef\xbc\x91]", ERR_SYNTAX), /* a fullwidth one */
		V("01", ERR_TRAILING), V("1a", ERR_TRAILING), V("-", ERR_TRUNCATED),
		V("1.", ERR_TRUNCATED), V("1e", ERR_TRUNCATED), V("1e+", ERR_TRUNCATED),
		V("[True]", ERR_SYNTAX), V("[TRUE]", ERR_SYNTAX), V("[tru]", ERR_SYNTAX),
		V("[truee]", ERR_SYNTAX), V("[nul]", ERR_SYNTAX), V("[fals]", ERR_SYNTAX),
		V("[undefined]", ERR_SYNTAX), V("t", ERR_TRUNCATED), V("nul", ERR_TRUNCATED),
		V("nulL", ERR_SYNTAX), V("nullx", ERR_TRAILING), V("['a']", ERR_SYNTAX),
		V("[\"a]", ERR_TRUNCATED), V("\"", ERR_TRUNCATED), V("\"\\", ERR_TRUNCATED),
		V("\"\\\"", ERR_TRUNCATED), V("\"\\u12", ERR_TRUNCATED), V("\"\\u", ERR_TRUNCATED),
		V("\"\\x41\"", ERR_SYNTAX), V("\"\\a\"", ERR_SYNTAX), V("\"\\0\"", ERR_SYNTAX),
		V("\"\\'\"", ERR_SYNTAX), V("\"\\U0041\"", ERR_SYNTAX),
		V("\"\\u12g4\"", ERR_SYNTAX),
		V("\"\\u 123\"", ERR_SYNTAX), V("\"\\u12\"", ERR_SYNTAX), V("\"\\\n\"", ERR_SYNTAX),
		V("\"\\\0\"", ERR_SYNTAX), V("\"\\\xc3\xbc\"", ERR_SYNTAX), V("\"\n\"", ERR_SYNTAX),
		V("\"\t\"", ERR_SYNTAX), V("\"\0\"", ERR_SYNTAX), V("\"\x1f\"", ERR_SYNTAX),
		V("\"0123456789abcde\x1f\"", ERR_SYNTAX), V("\"0123456789abcdef\x01\"", ERR_SYNTAX),
		V("{\"\n\":1}", ERR_SYNTAX), V("{\"\\q\":1}", ERR_SYNTAX),
	};

	(void)state;
	expect(vectors, ARRAY_LEN(vectors));
}

static void test_refused_utf8(void **state)
{
	static const struct vector vectors[] = {
		V("\"\x80\"", ERR_UTF8), V("\"\xbf\"", ERR_UTF8), V("\"\xc0\x80\"", ERR_UTF8),
		V("\"\xc1\xbf\"", ERR_UTF8), V("\"\xc0\xaf\"", ERR_UTF8), V("\"\xc3\"", ERR_UTF8),
		V("\"\xc3\x28\"", ERR_UTF8), V("\"\xc3\xc3\xbc\"", ERR_UTF8),
		V("\"\xe0\x80\x80\"", ERR_UTF8), V("\"\xe0\x9f\xbf\"", ERR_UTF8),
		V("\"\xe2\x82\"", ERR_UTF8), V("\"\xe2\x28\xa1\"", ERR_UTF8),
		V("\"\xed\xa0\x80\"", ERR_UTF8), V("\"\xed\xbf\xbf\"", ERR_UTF8),
		V("\"\xed\xa0\xbd\xed\xb8\x80\"", ERR_UTF8), V("\"\xf0\x80\x80\x80\"", ERR_UTF8),
		V("\"\xf0\x8f\xbf\xbf\"", ERR_UTF8), V("\"\xf0\x9f\x98\"", ERR_UTF8),
		V("\"\xf4\x90\x80\x80\"", ERR_UTF8), V("\"\xf5\x80\x80\x80\"", ERR_UTF8),
		V("\"\xf8\x88\x80\x80\x80\"", ERR_UTF8), V("\"\xfe\"", ERR_UTF8),
		V("\"\xff\"", ERR_UTF8), V("{\"\xff\":1}", ERR_UTF8),
		V("[\"good\",\"0123456789abcdef0123456789\xff\"]", ERR_UTF8),
		V("\"\xfc", ERR_UTF8), V("\"\xc3", ERR_TRUNCATED), V("\"\xe0", ERR_TRUNCATED),
		V("\"\xe0\xa0", ERR_TRUNCATED), V("\"\xe0\x80", ERR_UTF8),
		V("\"\xed\xa0", ERR_UTF8),
		V("\"\xf4\x8f\xbf", ERR_TRUNCATED), V("\"\xf4\x90", ERR_UTF8),
	};

	(void)state;
	expect(vectors, ARRAY_LEN(vectors));
}

/* Frames in the shape of the venues' own: Binance trade, depthUpdate, bookTicker, kline; text. */
static const char *const frames[] = {
	"{\"e\":\"trade\",\"E\":1723075202394,\"s\":\"BTCUSDT\",\"t\":3722345621,"
	"\"p\":\"55151.30000000\",\"q\":\"0.00051000\",\"T\":1723075202393,\"m\":true,\"M\":true}",
	"{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1723075202413,"
	"\"s\":\"BTCUSDT\",\"U\":50063301545,\"u\":50063301550,\"b\":[[\"55151.30\",\"0.1000000\"],"
	"[\"55150.00\",\"0\"]],\"a\":[]}}",
	"{\"u\":400900217,\"s\":\"BNBUSDT\",\"b\":\"25.35190000\",\"B\":\"31.21000000\","
	"\"a\":\"25.36520000\",\"A\":\"40.66000000\"}",
	"{\"e\":\"kline\",\"k\":{\"t\":1672515780000,\"i\":\"1m\",\"f\":-1,\"o\":0.0010,"
	"\"x\":false,\"B\":null,\"n\":1e2}}",
	"{\"msg\":\"Z\\u00fcrich \\ud83d\\ude00 \xe2\x82\xac \xf0\x9f\x98\x80\","
	"\"l\":[{},[],[[]]]}",
};

static void test_every_truncation(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(frames); f++) {
		size_t len = strlen(frames[f]);

		assert_int_equal(verdict(frames[f], len), 0);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(verdict(frames[f], n), ERR_TRUNCATED);
	}
}

/* Every byte of every frame changed to every value: never a crash, and the reference agrees. */
static void test_every_changed_byte(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(frames); f++) {
		size_t len = strlen(frames[f]);
		char text[400];

		assert_true(len < sizeof(text));
		memcpy(text, frames[f], len);
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				text[at] = (char)byte;
				verdict(text, len);
			}
			text[at] = frames[f][at];
		}
	}
}

static void test_random_changes(void **state)
{
	static const char spice[] = "{}[]\",:\\u0dt-.eE+ \n\x80\xc3\xe2";
	struct rng rng;

	(void)state;
	rng_seed(&rng, 8259);
	for (int round = 0; round < 30000; round++) {
		const char *frame = frames[rng_below(&rng, ARRAY_LEN(frames))];
		size_t len = strlen(frame), from = rng_below(&rng, len);
		char text[400];

		memcpy(text, frame, len);
		for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--)
			text[rng_below(&rng, len)] = spice[rng_below(&rng, sizeof(spice) - 1)];
		if (round % 2)
			memmove(text + from, frame, len - from); /* a frame within a frame */
		verdict(text, len - (round % 3 == 0 ? rng_below(&rng, len) : 0));
	}
}

static void expect_text(struct json_str s, const char *want)
{
	if (!json_str_is(s, want))
		fail_msg("\"%.*s\", not \"%s\"", (int)s.len, s.at, want);
}

/* The reading that a venue's file does. */
static void test_pulling_a_trade(void **state)
{
	struct json_str key, price = {0}, qty = {0}, symbol = {0};
	int64_t time = 0;
	uint64_t id = 0;
	bool maker = false;
	struct json j;

	(void)state;
	json_init(&j, frames[0], strlen(frames[0]));
	assert_true(json_object(&j));
	while (json_key(&j, &key)) {
		if (json_str_is(key, "p"))
			json_string(&j, &price);
		else if (json_str_is(key, "q"))
			json_scalar_text(&j, &qty);
		else if (json_str_is(key, "s"))
			json_string(&j, &symbol);
		else if (json_str_is(key, "T"))
			json_i64(&j, &time);
		else if (json_str_is(key, "t"))
			json_u64(&j, &id);
		else if (json_str_is(key, "m"))
			json_bool(&j, &maker);
		else if (json_str_is(key, "E"))
			json_skip(&j); /* "e" and "M" are left unread */
	}
	assert_int_equal(json_finish(&j), 0);
	expect_text(price, "55151.30000000");
	expect_text(qty, "0.00051000");
	expect_text(symbol, "BTCUSDT");
	assert_int_equal(time, 1723075202393);
	assert_int_equal(id, 3722345621);
	assert_true(maker);
}

static void test_pulling_levels(void **state)
{
	const char *text = " [ [ \"1.5\" , \"2\" ] , [ 1.25 , 0 ] , [ ] ] ";
	const char *want[] = {"1.5", "2", "1.25", "0"};
	size_t seen = 0, rows = 0;
	struct json_str s;
	struct json j;

	(void)state;
	json_init(&j, text, strlen(text));
	assert_true(json_array(&j));
	for (; json_item(&j); rows++) {
		assert_true(json_array(&j));
		while (json_item(&j)) {
			assert_true(seen < ARRAY_LEN(want));
			assert_true(json_scalar_text(&j, &s));
			expect_text(s, want[seen++]);
		}
	}
	assert_int_equal(json_finish(&j), 0);
	assert_int_equal(seen, 4);
	assert_int_equal(rows, 3);
}

static void test_raw(void **state)
{
	const char *text = "{\"a\": {\"x\":[1,2, 3]} ,\"b\":1e400,\"c\":\"\\n\"}";
	const char *want[] = {"{\"x\":[1,2, 3]}", "1e400", "\"\\n\""};
	struct json_str key, raw;
	struct json j;
	int i = 0;

	(void)state;
	json_init(&j, text, strlen(text));
	assert_true(json_object(&j));
	while (json_key(&j, &key)) {
		assert_true(json_raw(&j, &raw));
		expect_text(raw, want[i++]);
	}
	assert_int_equal(i, 3);
	assert_int_equal(json_finish(&j), 0);
}

static void test_numbers_keep_their_text(void **state)
{
	static const char *const texts[] = {
		"9007199254740993", "1e400", "-0", "0.1000", "1E+2", "-1.50e-07",
		"0.30000000000000000000000000000000000000000000000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct json_str s;
		struct json j;

		json_init(&j, texts[i], strlen(texts[i]));
		assert_true(json_number(&j, &s));
		expect_text(s, texts[i]);
		assert_int_equal(json_finish(&j), 0);
	}
}

struct integer {
	const char *text;
	int i_rc, u_rc;
	int64_t i;
	uint64_t u;
};

static void expect_integer(const char *text, size_t from, size_t len, const struct integer *want)
{
	struct json a, b;
	int64_t i = 77;
	uint64_t u = 77;

	json_init(&a, text, len);
	json_init(&b, text, len);
	if (from > 0) {
		assert_true(json_array(&a) && json_item(&a) && json_array(&b) && json_item(&b));
		json_i64(&a, &i);
		json_u64(&b, &u);
		assert_true(a.err < 0 || !json_item(&a));
		assert_true(b.err < 0 || !json_item(&b));
	} else {
		json_i64(&a, &i);
		json_u64(&b, &u);
	}
	assert_int_equal(json_finish(&a), want->i_rc);
	assert_int_equal(json_finish(&b), want->u_rc);
	assert_int_equal(i, want->i_rc == 0 ? want->i : 77);
	assert_int_equal(u, want->u_rc == 0 ? want->u : 77);
}

/* At the top, where the text ends with the number, and within an array. */
static void test_integers(void **state)
{
	static const struct integer rows[] = {
		{"0", 0, 0, 0, 0},
		{"-0", 0, 0, 0, 0},
		{"7", 0, 0, 7, 7},
		{"-7", 0, ERR_RANGE, -7, 0},
		{"1723075202393", 0, 0, 1723075202393, 1723075202393},
		{"9007199254740993", 0, 0, 9007199254740993, 9007199254740993},
		{"9223372036854775807", 0, 0, INT64_MAX, INT64_MAX},
		{"9223372036854775808", ERR_RANGE, 0, 0, 9223372036854775808u},
		{"-9223372036854775808", 0, ERR_RANGE, INT64_MIN, 0},
		{"-9223372036854775809", ERR_RANGE, ERR_RANGE, 0, 0},
		{"9999999999999999999", ERR_RANGE, 0, 0, 9999999999999999999u},
		{"18446744073709551615", ERR_RANGE, 0, 0, UINT64_MAX},
		{"18446744073709551616", ERR_RANGE, ERR_RANGE, 0, 0},
		{"18446744073709551620", ERR_RANGE, ERR_RANGE, 0, 0},
		{"184467440737095516150", ERR_RANGE, ERR_RANGE, 0, 0},
		{"99999999999999999999999999", ERR_RANGE, ERR_RANGE, 0, 0},
		{"1.0", ERR_TYPE, ERR_TYPE, 0, 0},
		{"1e3", ERR_TYPE, ERR_TYPE, 0, 0},
		{"99999999999999999999.5", ERR_TYPE, ERR_TYPE, 0, 0},
		{"\"1\"", ERR_TYPE, ERR_TYPE, 0, 0},
		{"null", ERR_TYPE, ERR_TYPE, 0, 0},
		{"true", ERR_TYPE, ERR_TYPE, 0, 0},
		{"[1]", ERR_TYPE, ERR_TYPE, 0, 0},
		{"-", ERR_TRUNCATED, ERR_TRUNCATED, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[80];
		struct integer want = rows[i];

		expect_integer(want.text, 0, strlen(want.text), &want);
		if (want.i_rc == ERR_TRUNCATED)
			want.i_rc = want.u_rc = ERR_SYNTAX;
		snprintf(text, sizeof(text), "[%s]", want.text);
		expect_integer(text, 1, strlen(text), &want);
		snprintf(text, sizeof(text), "[ %s ]", want.text);
		expect_integer(text, 1, strlen(text), &want);
	}
}

static void test_decimals(void **state)
{
	static const struct {
		const char *text;
		int scale, rc;
		int64_t value;
	} rows[] = {
		{"\"55151.30000000\"", 8, 0, 5515130000000},
		{"\"55151.30000000\"", 2, 0, 5515130},
		{"\"55151.30000000\"", 0, ERR_INEXACT, 0},
		{"\"-0.00051000\"", 5, 0, -51},
		{"0.0010", 4, 0, 10},
		{"1e-7", 8, 0, 10},
		{"\"1e-7\"", 8, 0, 10},
		{"\"9223372036854775807\"", 0, 0, INT64_MAX},
		{"\"9223372036854775808\"", 0, ERR_RANGE, 0},
		{"\"-9223372036854775808\"", 0, 0, INT64_MIN},
		{"\"18446744073709551617\"", 0, ERR_RANGE, 0},
		{"\"12345678901234567890123\"", 0, ERR_RANGE, 0},
		{"\"\"", 2, ERR_SYNTAX, 0},
		{"\"-\"", 2, ERR_SYNTAX, 0},
		{"\"1.\"", 2, ERR_SYNTAX, 0},
		{"\".5\"", 2, ERR_SYNTAX, 0},
		{"\"1\\u0030\"", 2, ERR_SYNTAX, 0}, /* escapes are not resolved */
		{"\" 1\"", 2, ERR_SYNTAX, 0},
		{"\"NaN\"", 2, ERR_SYNTAX, 0},
		{"1.5", 19, ERR_ARG, 0},
		{"\"1.5\"", -1, ERR_ARG, 0},
		{"null", 2, ERR_TYPE, 0},
		{"[]", 2, ERR_TYPE, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		int64_t value = 77;
		char text[80];
		struct json j;

		snprintf(text, sizeof(text), "%s%s%s", i % 2 ? "[" : "[ ",
			 rows[i / 2].text, i % 2 ? "]" : " , 1] ");
		json_init(&j, text, strlen(text));
		assert_true(json_array(&j) && json_item(&j));
		assert_int_equal(json_fixed(&j, rows[i / 2].scale, &value), rows[i / 2].rc == 0);
		assert_int_equal(j.err, rows[i / 2].rc);
		assert_int_equal(value, rows[i / 2].rc == 0 ? rows[i / 2].value : 77);
		while (json_item(&j))
			;
		assert_int_equal(json_finish(&j), rows[i / 2].rc);
	}
}

/* Each reader on each kind: its own or ERR_TYPE, and then nothing works any more. */
static void test_types(void **state)
{
	static const char *const texts[] = {"{}", "[]", "\"s\"", "1", "true", "false", "null", "x"};

	(void)state;
	for (int t = 0; t < 8; t++)
		for (int reader = 0; reader < 7; reader++) {
			bool truth, good = false, want;
			struct json_str s;
			int64_t i;
			struct json j;

			json_init(&j, texts[t], strlen(texts[t]));
			switch (reader) {
			case 0: good = json_object(&j), want = t == 0; break;
			case 1: good = json_array(&j), want = t == 1; break;
			case 2: good = json_string(&j, &s), want = t == 2; break;
			case 3: good = json_number(&j, &s), want = t == 3; break;
			case 4: good = json_i64(&j, &i), want = t == 3; break;
			case 5: good = json_bool(&j, &truth), want = t == 4 || t == 5; break;
			default: good = json_null(&j), want = t == 6; break;
			}
			assert_int_equal(good, want);
			if (!good) {
				assert_int_equal(j.err, t == 7 ? ERR_SYNTAX : ERR_TYPE);
				assert_int_equal(j.err_at, 0);
				assert_false(json_skip(&j));
				assert_int_equal(json_finish(&j), t == 7 ? ERR_SYNTAX : ERR_TYPE);
			}
		}
}

static void test_the_first_error_stays(void **state)
{
	const char *text = "{\"a\":1,\"b\":\"\xff\",\"c\":2";
	struct json_str key = {0}, s = {0};
	int64_t i = 0;
	struct json j;

	(void)state;
	json_init(&j, text, strlen(text));
	assert_true(json_object(&j));
	assert_true(json_key(&j, &key) && json_i64(&j, &i));
	assert_true(json_key(&j, &key));
	assert_false(json_string(&j, &s));
	assert_int_equal(j.err, ERR_UTF8);
	assert_int_equal(j.err_at, 12);
	assert_null(s.at);
	assert_false(json_key(&j, &key) || json_item(&j) || json_object(&j) || json_i64(&j, &i));
	assert_int_equal(json_peek(&j), JSON_ERROR);
	expect_text(key, "b"); /* untouched */
	assert_int_equal(i, 1);
	assert_int_equal(json_finish(&j), ERR_UTF8);
	assert_int_equal(j.err_at, 12);
}

/* Calls that do not fit where the reader stands are errors, not accidents. */
/* No body at all: nothing to point at, and no value. */
static void test_nothing(void **state)
{
	(void)state;
	struct json j;

	json_init(&j, NULL, 0);
	assert_int_equal(json_peek(&j), JSON_ERROR);
	assert_false(json_object(&j));
	assert_true(json_finish(&j) < 0);
}

static void test_misuse(void **state)
{
	struct json_str s;
	struct json j;

	(void)state;
	json_init(&j, "1", 1);
	assert_false(json_key(&j, &s));
	assert_int_equal(json_finish(&j), ERR_TYPE);
	json_init(&j, "[1]", 3);
	assert_true(json_array(&j));
	assert_false(json_key(&j, &s));
	assert_int_equal(json_finish(&j), ERR_TYPE);
	json_init(&j, "{}", 2);
	assert_true(json_object(&j));
	assert_false(json_item(&j));
	assert_int_equal(json_finish(&j), ERR_TYPE);
	json_init(&j, "1 2", 3);
	assert_true(json_skip(&j));
	assert_false(json_skip(&j)); /* one value is all there is */
	assert_int_equal(json_finish(&j), ERR_TRAILING);
	json_init(&j, "[1 2]", 5);
	assert_true(json_array(&j) && json_item(&j) && json_skip(&j));
	assert_false(json_skip(&j)); /* no element without json_item */
	assert_int_equal(json_finish(&j), ERR_SYNTAX);
	json_init(&j, "{}", 2);
	assert_int_equal(json_finish(&j), ERR_TRUNCATED); /* nothing was read */
}

static void expect_unescaped(const char *text, size_t len, int rc, const char *want)
{
	struct json_str s = {text, len, memchr(text, '\\', len) != NULL};
	char out[64];

	memset(out, 0x55, sizeof(out));
	assert_int_equal(json_unescape(s, out, sizeof(out)), rc);
	if (rc < 0)
		return;
	assert_memory_equal(out, want, (size_t)rc + 1);
	assert_int_equal(json_unescape(s, out, (size_t)rc + 1), rc);
	for (size_t cap = 0; cap <= (size_t)rc; cap++)
		assert_int_equal(json_unescape(s, out, cap), ERR_TOO_LONG);
	assert_int_equal(out[sizeof(out) - 1], 0x55);
}

static void test_unescape(void **state)
{
	static const char *const broken[] = {
		"\\", "a\\", "\\x", "\\u", "\\u123", "\\u12g4", "\\ud800", "\\ud800x", "\\ud800\\n",
		"\\ud800\\u0041", "\\udc00", "\\ud83d\\ud83d", "\\ud83d\\u", "\\udbff\\ue000",
	};

	(void)state;
	expect_unescaped("", 0, 0, "");
	expect_unescaped("plain", 5, 5, "plain");
	expect_unescaped("\\\"\\\\\\/\\b\\f\\n\\r\\t", 16, 8, "\"\\/\b\f\n\r\t");
	expect_unescaped("a\\u0041\\u00fc\\u20aC!", 20, 8, "aA\xc3\xbc\xe2\x82\xac!");
	expect_unescaped("\\ud83d\\uDE00", 12, 4, "\xf0\x9f\x98\x80");
	expect_unescaped("\\uDBFF\\uDFFF\\ud800\\udc00", 24, 8, "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80");
	expect_unescaped("a\\u0000b", 8, 3, "a\0b");
	expect_unescaped("\\ud7ff\\ue000", 12, 6, "\xed\x9f\xbf\xee\x80\x80");
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		expect_unescaped(broken[i], strlen(broken[i]), ERR_SYNTAX, NULL);
}

static void expect_quoted(const char *text, size_t len, const char *want)
{
	struct buf out;
	size_t n = strlen(want);

	buf_init(&out, n + 1);
	assert_int_equal(buf_byte(&out, '>'), 0);
	assert_int_equal(json_quote(&out, text, len), 0);
	assert_int_equal(out.len, n + 1);
	assert_memory_equal(out.at + 1, want, n);
	buf_fini(&out);
	for (size_t max = 1; max <= n; max++) {
		buf_init(&out, max);
		assert_int_equal(buf_byte(&out, '>'), 0);
		assert_int_equal(json_quote(&out, text, len), ERR_FULL);
		assert_int_equal(out.len, 1); /* nothing of it is left */
		buf_fini(&out);
	}
}

static void test_quote(void **state)
{
	(void)state;
	expect_quoted("", 0, "\"\"");
	expect_quoted("plain", 5, "\"plain\"");
	expect_quoted("\"\\/", 3, "\"\\\"\\\\/\"");
	expect_quoted("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	expect_quoted("\0\x01\x1b[31m\x1f\x7f", 9, "\"\\u0000\\u0001\\u001b[31m\\u001f\x7f\"");
	expect_quoted("\xc3\xbc\xf0\x9f\x98\x80", 6, "\"\xc3\xbc\xf0\x9f\x98\x80\"");
	expect_quoted("a\xff" "b\xc3", 4, "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
	expect_quoted("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused_structure),
		cmocka_unit_test(test_refused_scalars),
		cmocka_unit_test(test_refused_utf8),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_changed_byte),
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_pulling_a_trade),
		cmocka_unit_test(test_pulling_levels),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_numbers_keep_their_text),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_the_first_error_stays),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
