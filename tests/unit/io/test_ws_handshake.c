/* test_ws_handshake - the request's text, and every way a reply can be wrong; also cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/ws_handshake.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UP "Upgrade: websocket\r\n"
#define CONN "Connection: Upgrade\r\n"
#define OK101 "HTTP/1.1 101 Switching Protocols\r\n"

static void test_request(void **state)
{
	static const char *const lines[] = {"X-A: 1", "X-B: 2", NULL};
	struct url u;
	struct ws_request r = {.url = &u, .protocol = "p.1", .user_agent = "nj", .headers = lines,
			       .deflate = true, .key = KEY};
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(url_parse("wss://[2001:db8::1]:9443?streams=a/b", &u), 0);
	assert_int_equal(ws_request_check(&r), 0);
	assert_int_equal(ws_request_pack(&r, &b), 0);
	buf_byte(&b, 0);
	assert_string_equal(
		b.at,
		"GET /?streams=a/b HTTP/1.1\r\nHost: [2001:db8::1]:9443\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Protocol: p.1\r\nSec-WebSocket-Extensions: " WS_DEFLATE_OFFER "\r\n"
		"User-Agent: nj\r\nX-A: 1\r\nX-B: 2\r\n\r\n");
	buf_clear(&b);
	r = (struct ws_request){.url = &u, .key = KEY};
	assert_int_equal(url_parse("wss://h.example:443/ws", &u), 0);
	assert_int_equal(ws_request_pack(&r, &b), 0);
	buf_byte(&b, 0);
	assert_string_equal(b.at, "GET /ws HTTP/1.1\r\nHost: h.example\r\nUpgrade: websocket\r\n"
				  "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY
				  "\r\nSec-WebSocket-Version: 13\r\n\r\n");
	buf_fini(&b);
}

static int parse(const char *text, size_t len, const struct ws_request *r, struct ws_reply *p,
		 size_t *used)
{
	char *exact = malloc(len ? len : 1);
	int rc;

	memcpy(exact, text, len);
	ws_reply_init(p);
	rc = ws_reply_parse(p, r, exact, len, used);
	free(exact);
	return rc;
}

static void test_replies(void **state)
{
	static const struct {
		const char *text;
		int rc, status;
	} rows[] = {
		{OK101 UP CONN ACCEPT "\r\n", 0, 101},
		{"HTTP/1.1 101\r\n" UP CONN ACCEPT "\r\n", 0, 101},
		{OK101 "upgrade: WebSocket\r\nCONNECTION: foo, UPGRADE\r\n" ACCEPT "\r\n", 0, 101},
		{OK101 UP "Connection: a\r\nConnection: Upgrade , b\r\n" ACCEPT "\r\n", 0, 101},
		{OK101 UP CONN ACCEPT "Sec-WebSocket-Protocol: p.1\r\n\r\n", 0, 101},
		{OK101 UP CONN ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 0,
		 101},
		{"HTTP/1.1 200 OK\r\n\r\n", ERR_STATUS, 200},
		{"HTTP/1.0 503 Busy\r\nRetry-After: 5\r\n\r\n", ERR_STATUS, 503},
		{"HTTP/1.1 418 I'm \x01\xff\r\n\r\n", ERR_STATUS, 418},
		{"HTTP/1.0 101 OK\r\n" UP CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{"HTTP/2 101 OK\r\n" UP CONN ACCEPT "\r\n", ERR_PROTOCOL, 0},
		{"HTTP/1.1 10 OK\r\n" UP CONN ACCEPT "\r\n", ERR_PROTOCOL, 0},
		{"HTTP/1.1 1011 OK\r\n" UP CONN ACCEPT "\r\n", ERR_PROTOCOL, 0},
		{"HTTP/1.1  101 OK\r\n" UP CONN ACCEPT "\r\n", ERR_PROTOCOL, 0},
		{"\r\n\r\n", ERR_PROTOCOL, 0},
		{OK101 CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 "Upgrade: h2c\r\n" CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 "Upgrade: websocket, h2c\r\n" CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP UP CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP "Connection: keep-alive, upgrades\r\n" ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		 ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT "Sec-WebSocket-Protocol: P.1\r\n\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT "Sec-WebSocket-Protocol: p.1, p.2\r\n\r\n", ERR_PROTOCOL,
		 101},
		{OK101 UP CONN ACCEPT
		 "Sec-WebSocket-Protocol: p.1\r\nSec-WebSocket-Protocol: p.1\r\n\r\n",
		 ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT "Sec-WebSocket-Extensions: x\r\n\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n"
				      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		 ERR_PROTOCOL, 101},
		{OK101 "Upgrade : websocket\r\n" CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP " folded\r\n" CONN ACCEPT "\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT "X: a\rb\r\n\r\n", ERR_PROTOCOL, 101},
		{OK101 UP CONN ACCEPT "no colon\r\n\r\n", ERR_PROTOCOL, 101},
		{"SSH-2.0\r\n", ERR_PROTOCOL, 0},
		{"X", ERR_PROTOCOL, 0},
	};
	struct ws_request r = {.protocol = "p.1", .deflate = true, .key = KEY};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_reply p;
		size_t used = 7;
		int rc = parse(rows[i].text, strlen(rows[i].text), &r, &p, &used);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %s", i, err_name(rc));
		assert_int_equal(p.status, rows[i].status);
		assert_int_equal(used, rc == 0 ? strlen(rows[i].text) : 7);
		assert_true((rc == ERR_PROTOCOL) == (p.why != NULL));
		ws_reply_fini(&p);
	}
}

static void test_nothing_is_offered(void **state)
{
	struct ws_request r = {.key = KEY};
	const char *protocol = OK101 UP CONN ACCEPT "Sec-WebSocket-Protocol: p.1\r\n\r\n";
	const char *deflate =
		OK101 UP CONN ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
	struct ws_reply p;
	size_t used;

	(void)state;
	assert_int_equal(parse(protocol, strlen(protocol), &r, &p, &used), ERR_PROTOCOL);
	ws_reply_fini(&p);
	assert_int_equal(parse(deflate, strlen(deflate), &r, &p, &used), ERR_PROTOCOL);
	ws_reply_fini(&p);
}

static void test_all_truncations(void **state)
{
	static const char text[] = OK101 UP CONN ACCEPT "\r\n\x81\x02hi";
	struct ws_request r = {.key = KEY};
	size_t head = sizeof text - 1 - 4;

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		struct ws_reply p;
		size_t used = 0;

		assert_int_equal(parse(text, n, &r, &p, &used), n < head ? ERR_AGAIN : 0);
		assert_int_equal(used, n < head ? 0 : head);
		ws_reply_fini(&p);
	}
}

static void test_head_limit(void **state)
{
	struct ws_request r = {.key = KEY};
	char *text = malloc(WS_REPLY_MAX + 100);
	struct ws_reply p;
	size_t used, at = strlen(OK101);

	(void)state;
	memcpy(text, OK101, at);
	memset(text + at, 'x', WS_REPLY_MAX + 100 - at);
	assert_int_equal(parse(text, WS_REPLY_MAX - 1, &r, &p, &used), ERR_AGAIN);
	ws_reply_fini(&p);
	assert_int_equal(parse(text, WS_REPLY_MAX, &r, &p, &used), ERR_TOO_LONG);
	ws_reply_fini(&p);
	/* An end behind the limit is no end. */
	memcpy(text + WS_REPLY_MAX + 50, "\r\n\r\n", 4);
	assert_int_equal(parse(text, WS_REPLY_MAX + 60, &r, &p, &used), ERR_TOO_LONG);
	ws_reply_fini(&p);
	/* Too many lines. */
	for (int i = 0; i <= HEADERS_MAX; i++)
		at += (size_t)snprintf(text + at, 16, "X: %03d\r\n", i);
	memcpy(text + at, "\r\n", 2);
	assert_int_equal(parse(text, at + 2, &r, &p, &used), ERR_PROTOCOL);
	ws_reply_fini(&p);
	free(text);
}

static void test_checks(void **state)
{
	static const char *const bad[] = {
		"Host: x",
		"host:x",
		"Upgrade: x",
		"Connection: x",
		"Sec-WebSocket-Key: x",
		"sec-websocket-foo: x",
		"Content-Length: 1",
		"Transfer-Encoding: x",
		"X: a\nb",
		"X: a\rb",
		"X\t: a",
		"X : a",
		": a",
		"",
		"X",
		"X\r\nY: a",
		"X: \x7f",
		"X: \x01",
	};
	struct ws_request r = {.key = KEY};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *lines[] = {"Good: 1", bad[i], NULL};

		r.headers = lines;
		if (ws_request_check(&r) != ERR_ARG)
			fail_msg("taken: %s", bad[i]);
	}
	r.headers = (const char *[]){"X-MBX-APIKEY: vmPU\tz", "Empty:", "Utf: \xc3\xa4", NULL};
	assert_int_equal(ws_request_check(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_nothing_is_offered),
		cmocka_unit_test(test_all_truncations),
		cmocka_unit_test(test_head_limit),
		cmocka_unit_test(test_checks),
	};

	return cmocka_run_group_tests_name("ws_handshake", tests, NULL, NULL);
}
