/* test_http_parse - requests as clients send them, as nobody should, cut anywhere, and noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "tools/venue_sim/http_parse.h"

static int parse(const char *text, struct request *r)
{
	return request_parse(text, strlen(text), r);
}

static void test_usual(void **state)
{
	static const char text[] = "GET /api/v3/depth?symbol=BTCUSDT&limit=5 HTTP/1.1\r\n"
				   "Host: localhost\r\nConnection: Upgrade, keep-alive\r\n"
				   "X-Thing:\t a b \r\ncontent-LENGTH: 3\r\n\r\nabc";
	struct request r;

	(void)state;
	assert_int_equal(parse(text, &r), 0);
	assert_true(text_is(r.method, "GET"));
	assert_true(text_is(r.path, "/api/v3/depth"));
	assert_true(text_is(r.query, "symbol=BTCUSDT&limit=5"));
	assert_true(text_is(request_header(&r, "x-THING"), "a b"));
	assert_null(request_header(&r, "absent").at);
	assert_true(request_has_token(&r, "connection", "upgrade"));
	assert_true(request_has_token(&r, "connection", "KEEP-ALIVE"));
	assert_false(request_has_token(&r, "connection", "keep"));
	assert_int_equal(r.head_len, strlen(text) - 3);
	assert_int_equal(r.body_len, 3);
	assert_true(r.keep_alive);
}

static void test_keep_alive(void **state)
{
	struct request r;

	(void)state;
	assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &r), 0);
	assert_false(r.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &r), 0);
	assert_false(r.keep_alive);
	assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &r), 0);
	assert_true(r.keep_alive);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
		{"GET / HTTP/2\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET / x HTTP/1.1\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET /#x HTTP/1.1\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\nHost: x\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost : x\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nA: \x7f\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		 ERR_PROTOCOL},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		 ERR_TOO_LONG},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_UNKNOWN},
		{"GET / HTTP/1.1\r\nHost: x\r\n", ERR_AGAIN},
		{"", ERR_AGAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct request r = {.head_len = 77};
		if (parse(rows[i].text, &r) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
		assert_int_equal(r.head_len, 77); /* untouched on failure */
	}
}

static void test_too_long(void **state)
{
	static char text[REQUEST_HEAD_MAX + 100];
	struct request r;
	size_t n = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(request_parse(text, REQUEST_HEAD_MAX - 1, &r), ERR_AGAIN);
	assert_int_equal(request_parse(text, sizeof(text), &r), ERR_TOO_LONG);
	n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < REQUEST_HEADERS_MAX; i++, n += 6)
		memcpy(text + n, "a: b\r\n", 6);
	memcpy(text + n, "\r\n", 2);
	assert_int_equal(request_parse(text, n + 2, &r), ERR_TOO_LONG);
}

static void test_params(void **state)
{
	struct request r;
	char out[8];
	int64_t value = 5;

	(void)state;
	assert_int_equal(parse("GET /?a=1&b=%41%5b&&c&d=&a=2&e=%zz&f=%&g=%00&h=12345678&i=123456789"
			       "0123456789012&j=-1&k=99 HTTP/1.1\r\nHost: x\r\n\r\n",
			       &r),
			 0);
	assert_int_equal(request_param(&r, "a", out, sizeof(out)), 1);
	assert_string_equal(out, "1");
	assert_int_equal(request_param(&r, "b", out, sizeof(out)), 2);
	assert_string_equal(out, "A[");
	assert_int_equal(request_param(&r, "c", out, sizeof(out)), ERR_NOT_FOUND);
	assert_int_equal(request_param(&r, "d", out, sizeof(out)), 0);
	assert_int_equal(request_param(&r, "e", out, sizeof(out)), ERR_SYNTAX);
	assert_int_equal(request_param(&r, "f", out, sizeof(out)), ERR_SYNTAX);
	assert_int_equal(request_param(&r, "g", out, sizeof(out)), ERR_SYNTAX);
	assert_int_equal(request_param(&r, "h", out, sizeof(out)), ERR_TOO_LONG);
	assert_int_equal(request_param_i64(&r, "i", 1, &value), ERR_RANGE);
	assert_int_equal(request_param_i64(&r, "j", 1, &value), ERR_SYNTAX);
	assert_int_equal(request_param_i64(&r, "d", 1, &value), ERR_SYNTAX);
	assert_int_equal(value, 5);
	assert_int_equal(request_param_i64(&r, "k", 1, &value), 0);
	assert_int_equal(value, 99);
	assert_int_equal(request_param_i64(&r, "none", 7, &value), 0);
	assert_int_equal(value, 7);
}

/* Every cut needs more bytes; no changed byte reads outside (the sanitizers watch) or hangs. */
static void test_cut_and_noise(void **state)
{
	static const char text[] = "POST /ws/a@b?streams=a%2Fb&x=1 HTTP/1.1\r\nHost: x\r\n"
				   "Upgrade: websocket\r\nContent-Length: 2\r\n\r\n";
	const size_t len = sizeof(text) - 1;
	struct rng rng;
	struct request r;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		char *copy = malloc(n + 1);
		memcpy(copy, text, n);
		assert_int_equal(request_parse(copy, n, &r), ERR_AGAIN);
		free(copy);
	}
	rng_seed(&rng, 1);
	for (int i = 0; i < 20000; i++) {
		char *copy = malloc(len), out[16];
		memcpy(copy, text, len);
		for (uint64_t k = rng_below(&rng, 4); k < 4; k++)
			copy[rng_below(&rng, len)] = (char)rng_u64(&rng);
		if (request_parse(copy, len, &r) == 0) {
			assert_true(r.head_len <= len);
			request_param(&r, "streams", out, sizeof(out));
			request_has_token(&r, "upgrade", "websocket");
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),   cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_params),  cmocka_unit_test(test_cut_and_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
