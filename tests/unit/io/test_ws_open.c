/* test_ws_open - how a WebSocket opens, or not: handshakes, time limits, TLS, refused options. */
#include "tests/unit/io/ws_client.h"

/* ---- handshakes ---- */

static void serve_answer(struct peer_conn *p, void *ctx)
{
	char head[4096];

	if (!peer_head(p, head, sizeof head))
		return;
	peer_text(p, ctx);
	shutdown(p->fd, SHUT_WR);
	peer_drain(p);
}

static void check_limits(struct client *c)
{
	assert_int_equal(ws_status(c->ws), 429);
	assert_int_equal(ws_retry_after_s(c->ws), 17);
}

static void test_other_statuses(void **state)
{
	struct client *c = *state;

	c->ended = check_limits;
	c->extra = (void *)(uintptr_t)"HTTP/1.1 429 Too Many Requests\r\n"
		   "Retry-After: 17\r\nContent-Length: 2\r\n\r\nno";
	assert_string_equal(
		talk(c, serve_answer, (struct ws_options){0}),
		"close 1006 ERR_STATUS: the server answered HTTP 429 Too Many Requests");
}

static void test_bad_accept(void **state)
{
	struct client *c = *state;

	c->extra = (void *)(uintptr_t)"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n"
		   "Connection: Upgrade\r\n"
		   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	assert_string_equal(talk(c, serve_answer, (struct ws_options){0}),
			    "close 1006 ERR_PROTOCOL: the answer's "
			    "Sec-WebSocket-Accept is not the one for our key");
}

static void test_end_during_handshake(void **state)
{
	struct client *c = *state;

	c->extra = (void *)(uintptr_t)"HTTP/1.1 101 OK\r\nUpgrade: web";
	assert_string_equal(talk(c, serve_answer, (struct ws_options){0}),
			    "close 1006 ERR_CLOSED: the connection ended during the handshake");
}

static void test_not_http(void **state)
{
	struct client *c = *state;

	c->extra = (void *)(uintptr_t)"SSH-2.0-OpenSSH_9.2\r\n";
	assert_string_equal(talk(c, serve_answer, (struct ws_options){0}),
			    "close 1006 ERR_PROTOCOL: the answer is not HTTP/1.1");
}

static void serve_huge_head(struct peer_conn *p, void *ctx)
{
	char head[4096];

	(void)ctx;
	if (!peer_head(p, head, sizeof head) || !peer_text(p, "HTTP/1.1 101 OK\r\n"))
		return;
	for (int i = 0; i < 1000 && peer_printf(p, "X-%d: 0123456789012345678901234567890\r\n", i);
	     i++)
		;
}

static void test_head_is_bounded(void **state)
{
	assert_string_equal(talk(*state, serve_huge_head, (struct ws_options){0}),
			    "close 1006 ERR_TOO_LONG: the answer's head is longer than 16 KiB");
}

static void test_server_never_answers(void **state)
{
	struct client *c = *state;

	assert_string_equal(
		talk(c, serve_nothing, (struct ws_options){.connect_ns = 150 * NS_PER_MS}),
		"close 1006 ERR_TIMEOUT: the server did not answer the handshake in time");
	assert_in_range(c->took_ms, 140, 15000);
}

static void serve_drip(struct peer_conn *p, void *ctx)
{
	char head[4096];
	const char *at = "HTTP/1.1 101 Switching Protocols\r\n";

	(void)ctx;
	if (!peer_head(p, head, sizeof head))
		return;
	while (*at && peer_write(p, at++, 1) && peer_wait_ms(p, 50))
		;
	peer_drain(p);
}

static void test_server_drips(void **state)
{
	struct client *c = *state;

	assert_string_equal(
		talk(c, serve_drip, (struct ws_options){.connect_ns = 300 * NS_PER_MS}),
		"close 1006 ERR_TIMEOUT: the server did not answer the handshake in time");
	assert_in_range(c->took_ms, 290, 15000);
}

static void test_nobody_listens(void **state)
{
	struct client *c = *state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char url[64];

	/* Bound but not listening: nobody else gets the port meanwhile. */
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(url, sizeof url, "ws://127.0.0.1:%u/", ntohs(a.sin_port));
	dial(c, (struct ws_options){.url = url});
	loop_run(c->l);
	close(fd);
	assert_memory_equal(c->text.at, "close 1006 ERR_CONNECT: ", 24);
	assert_int_equal(ws_status(c->ws), 0);
	assert_int_equal(ws_retry_after_s(c->ws), -1);
}

static void test_unknown_host(void **state)
{
	struct client *c = *state;

	dial(c, (struct ws_options){.url = "wss://nightjar.invalid/", .connect_ns = 10 * NS_PER_S});
	loop_run(c->l);
	assert_memory_equal(c->text.at, "close 1006 ERR_DNS: ", 20);
}

static void test_subprotocols(void **state)
{
	static const struct {
		const char *offer, *answer, *expect;
	} rows[] = {
		{"a.1", "Sec-WebSocket-Protocol: a.1\r\n",
		 "open a.1 msg(x) close 1006 ERR_TIMEOUT: "},
		{"a.1", "", "open  msg(x) close 1006 ERR_TIMEOUT: "},
		{"a.1", "Sec-WebSocket-Protocol: b\r\n",
		 "close 1006 ERR_PROTOCOL: the server chose a subprotocol"},
		{NULL, "Sec-WebSocket-Protocol: a.1\r\n",
		 "close 1006 ERR_PROTOCOL: the server chose a subprotocol"},
		{NULL, "Sec-WebSocket-Extensions: permessage-deflate\r\n",
		 "close 1006 ERR_PROTOCOL: the server chose an extension"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client *c = *state;
		struct ws_options o = {.protocol = rows[i].offer, .close_ns = 30 * NS_PER_MS};

		c->extra = (void *)(uintptr_t)rows[i].answer;
		c->opened = NULL;
		c->got = NULL;
		peer_start(&c->peer, serve_protocol, c->extra);
		dial(c, o);
		while (!c->closes && c->messages == 0) {
			struct loop_source *t;

			assert_int_equal(
				loop_timer(c->l, 5 * NS_PER_MS, 0, (loop_fn)loop_stop, c->l, &t),
				0);
			loop_run(c->l);
			if (c->messages && !c->closes) {
				note(c, "%s", "");
				ws_close(c->ws, 1000, "");
				loop_run(c->l);
			}
		}
		text_of(c);
		if (rows[i].offer && !strncmp(rows[i].expect, "open", 4)) {
			assert_string_equal(ws_protocol(c->ws), rows[i].answer[0] ? "a.1" : "");
			assert_memory_equal(c->text.at, "open msg(x) close 1006 ERR_TIMEOUT", 34);
		} else {
			assert_memory_equal(c->text.at, rows[i].expect, strlen(rows[i].expect));
		}
		ws_free(&c->ws);
		peer_stop(&c->peer);
		teardown(state);
		setup(state);
	}
}

/* ---- refused before a packet is sent ---- */

static void test_refused_options(void **state)
{
	static const char *const evil[] = {"X: a\r\nHost: b", NULL},
				 *const own[] = {"host: b", NULL},
				 *const key[] = {"Sec-WebSocket-Key: x", NULL},
				 *const bare[] = {"nonsense", NULL};
	static const struct {
		struct ws_options o;
		int rc;
	} rows[] = {
		{{.url = "ws://example.com/"}, ERR_REFUSED},
		{{.url = "ws://10.0.0.1/"}, ERR_REFUSED},
		{{.url = "ws://127.0.0.1.example.com/"}, ERR_REFUSED},
		{{.url = "ws://0x7f000001/"}, ERR_REFUSED},
		{{.url = "wss://user:pw@example.com/"}, ERR_SYNTAX},
		{{.url = "https://example.com/"}, ERR_SYNTAX},
		{{.url = "wss://example.com/a b"}, ERR_SYNTAX},
		{{.url = "wss://example.com/\r\nX: y"}, ERR_SYNTAX},
		{{.url = "wss://example.com:0/"}, ERR_SYNTAX},
		{{.url = "wss://[::1/"}, ERR_SYNTAX},
		{{.url = "wss:///"}, ERR_SYNTAX},
		{{.url = ""}, ERR_SYNTAX},
		{{.url = "ws://127.0.0.1/", .headers = evil}, ERR_ARG},
		{{.url = "ws://127.0.0.1/", .headers = own}, ERR_ARG},
		{{.url = "ws://127.0.0.1/", .headers = key}, ERR_ARG},
		{{.url = "ws://127.0.0.1/", .headers = bare}, ERR_ARG},
		{{.url = "ws://127.0.0.1/", .user_agent = "a\nb"}, ERR_ARG},
		{{.url = "ws://127.0.0.1/", .protocol = "a b"}, ERR_ARG},
		{{.url = "ws://127.0.0.1/", .protocol = ""}, ERR_ARG},
	};
	struct client *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = ws_open(c->l, &rows[i].o, &handler, c, &c->ws);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %s", i, err_name(rc));
		assert_null(c->ws);
	}
}

/* ---- TLS ---- */

static void test_tls_refused(void **state)
{
	struct client *c = *state;
	struct peer_cert cert, other;

	peer_cert_make(&cert, "IP:127.0.0.1");
	peer_cert_make(&other, "DNS:example.com");
	peer_use_tls(&c->peer, &cert);
	talk(c, serve_nothing, (struct ws_options){0});
	assert_memory_equal(c->text.at, "close 1006 ERR_TLS: ", 20);
	teardown(state);
	setup(state);
	c = *state;
	peer_use_tls(&c->peer, &cert);
	talk(c, serve_nothing, (struct ws_options){.ca_file = other.path});
	assert_memory_equal(c->text.at, "close 1006 ERR_TLS: ", 20);
	teardown(state);
	setup(state);
	c = *state;
	peer_use_tls(&c->peer, &other); /* verifies, but for another host */
	talk(c, serve_nothing, (struct ws_options){.ca_file = other.path});
	assert_memory_equal(c->text.at, "close 1006 ERR_TLS: ", 20);
	peer_cert_free(&cert);
	peer_cert_free(&other);
}

static void test_tls_never_finishes(void **state)
{
	struct client *c = *state;
	char url[64];

	peer_start(&c->peer, serve_nothing, NULL);
	snprintf(url, sizeof url, "wss://127.0.0.1:%u/", c->peer.port);
	dial(c, (struct ws_options){.url = url, .connect_ns = 200 * NS_PER_MS});
	loop_run(c->l);
	ws_free(&c->ws);
	peer_stop(&c->peer);
	assert_memory_equal(c->text.at, "close 1006 ERR_TIMEOUT: ", 24);
	assert_in_range(c->took_ms, 190, 15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_other_statuses),
		TEST(test_bad_accept),
		TEST(test_end_during_handshake),
		TEST(test_not_http),
		TEST(test_head_is_bounded),
		TEST(test_server_never_answers),
		TEST(test_server_drips),
		TEST(test_nobody_listens),
		TEST(test_unknown_host),
		TEST(test_subprotocols),
		TEST(test_refused_options),
		TEST(test_tls_refused),
		TEST(test_tls_never_finishes),
	};

	return cmocka_run_group_tests_name("ws_open", tests, NULL, NULL);
}
