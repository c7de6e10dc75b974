/* test_ws - an open WebSocket against a scripted server: frames both ways, ends, frees. */
#include "tests/unit/io/ws_client.h"

/* ---- messages ---- */

static void serve_messages(struct peer_conn *p, void *ctx)
{
	char text[256];

	(void)ctx;
	if (!upgrade(p, ""))
		return;
	frame(p, WS_TEXT, true, "one");
	frame(p, WS_TEXT, false, "t");
	frame(p, WS_PING, true, "beat");
	frame(p, WS_CONT, false, "w");
	frame(p, WS_PONG, true, "unasked");
	frame(p, WS_CONT, true, "o");
	frame(p, WS_BINARY, true, "three");
	frame(p, WS_TEXT, true, "");
	must(client_frame(p, text, sizeof text) == WS_PONG);
	must(strcmp(text, "beat") == 0);
	close_frame(p, 1001, "going away");
	must(client_frame(p, text, sizeof text) == WS_CLOSE);
	must(memcmp(text, "\x03\xe9", 2) == 0);
}

static void test_messages(void **state)
{
	struct client *c = *state;

	assert_string_equal(
		talk(c, serve_messages, (struct ws_options){0}),
		"open msg(one) ping msg(two) bin(three) msg() close 1001 ERR_CLOSED: going away");
	assert_int_equal(c->counters.messages, 4);
	assert_int_equal(c->counters.bytes_in, 11);
	assert_int_equal(c->counters.pings, 1);
	assert_int_equal(c->counters.pongs, 1);
	assert_int_equal(c->counters.frames_sent, 2);
}

/* The frame that follows the head in the same segment belongs to the stream; on_batch ends each
 * read. */
static void on_batch(void *ctx)
{
	note(ctx, "| ");
}

static void serve_glued(struct peer_conn *p, void *ctx)
{
	char head[2048], key[64], accept[29], all[512];
	int n;

	(void)ctx;
	if (!peer_head(p, head, sizeof head) ||
	    !peer_header(head, "Sec-WebSocket-Key", key, sizeof key))
		return;
	must(strstr(head, "GET /ws?x=1 HTTP/1.1\r\n"));
	must(strstr(head, "\r\nX-Key: secret\r\n"));
	must(strstr(head, "\r\nUser-Agent: nightjar\r\n"));
	must(strstr(head, "\r\nSec-WebSocket-Version: 13\r\n"));
	must(!strcasestr(head, "Sec-WebSocket-Extensions"));
	ws_accept_key(key, accept);
	n = snprintf(all, sizeof all,
		     "HTTP/1.1 101 Hi\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		     "Sec-WebSocket-Accept: %s\r\nX-Weight:  7 \r\n\r\n\x81\x02hi\x81\x02ho",
		     accept);
	peer_write(p, all, (size_t)n);
	peer_drain(p);
}

static void close_at_two(struct client *c)
{
	assert_string_equal(ws_header(c->ws, "x-weight"), "7");
	assert_null(ws_header(c->ws, "x-none"));
	assert_string_equal(ws_protocol(c->ws), "");
	assert_int_equal(ws_status(c->ws), 101);
	if (c->messages == 2)
		ws_close(c->ws, 1000, "enough");
}

static void test_head_and_frames_in_one_segment(void **state)
{
	static const char *const lines[] = {"X-Key: secret", NULL};
	struct ws_handler h = handler;
	struct client *c = *state;
	char url[64];

	h.on_batch = on_batch;
	c->got = close_at_two;
	peer_start(&c->peer, serve_glued, NULL);
	snprintf(url, sizeof url, "ws://localhost:%u/ws?x=1", c->peer.port);
	assert_int_equal(ws_open(c->l,
				 &(struct ws_options){.url = url,
						      .headers = lines,
						      .user_agent = "nightjar",
						      .close_ns = 50 * NS_PER_MS},
				 &h, c, &c->ws),
			 0);
	assert_int_equal(loop_run(c->l), 0);
	ws_free(&c->ws);
	peer_stop(&c->peer);
	/* The server never answers the close frame. */
	assert_string_equal(text_of(c), "open msg(hi) msg(ho) | close 1006 ERR_TIMEOUT: the "
			    "server did not answer the close frame in time");
}

/* ---- sending ---- */

static void serve_echo(struct peer_conn *p, void *ctx)
{
	static char text[70000];
	int opcode;

	(void)ctx;
	if (!upgrade(p, ""))
		return;
	while ((opcode = client_frame(p, text, sizeof text)) == WS_TEXT)
		frame(p, WS_TEXT, true, text);
	must(opcode == WS_CLOSE);
	close_frame(p, 1000, "bye");
}

static void send_some(struct client *c)
{
	static char big[65537];

	memset(big, 'x', sizeof big - 1);
	assert_int_equal(ws_send(c->ws, "a", 1), 0);
	assert_int_equal(ws_send(c->ws, big, 125), 0);
	assert_int_equal(ws_send(c->ws, big, 126), 0);
	assert_int_equal(ws_send(c->ws, big, 65535), 0);
	assert_int_equal(ws_send(c->ws, big, 65536), 0);
	assert_int_equal(ws_ping(c->ws, big, 126), ERR_ARG);
	assert_int_equal(ws_send(c->ws, big, (1 << 20) + 1), ERR_TOO_LONG);
}

static void close_at_five(struct client *c)
{
	if (c->messages == 5) {
		ws_close(c->ws, 4000, "done");
		assert_int_equal(ws_send(c->ws, "late", 4), ERR_CLOSED);
		assert_int_equal(ws_ping(c->ws, "", 0), ERR_CLOSED);
		ws_close(c->ws, 1000, "twice is once");
	}
}

static void test_sends_and_closes(void **state)
{
	struct client *c = *state;

	c->opened = send_some;
	c->got = close_at_five;
	assert_string_equal(
		talk(c, serve_echo, (struct ws_options){0}),
		"open msg(a) msg[125] msg[126] msg[65535] msg[65536] close 1000 OK: bye");
	assert_int_equal(c->counters.frames_sent, 6);
}

/* A peer that does not read: what waits is bounded, and nothing is lost once it reads. */
static void serve_late_reader(struct peer_conn *p, void *ctx)
{
	static char text[70000];
	int n = 0, opcode;

	if (!upgrade(p, ""))
		return;
	peer_wait_ms(p, 300);
	while ((opcode = client_frame(p, text, sizeof text)) == WS_TEXT) {
		must(strtol(text, NULL, 10) == n);
		n++;
	}
	must(opcode == WS_CLOSE);
	*(atomic_int *)ctx = n;
	close_frame(p, 1000, "");
}

static void send_until_full(struct client *c)
{
	static char text[60000];
	int n = 0, rc;

	memset(text, ' ', sizeof text);
	do {
		snprintf(text, sizeof text, "%-9d", n);
		rc = ws_send(c->ws, text, sizeof text);
		n += rc == 0;
		assert_true(n < 1000);
	} while (rc == 0);
	assert_int_equal(rc, ERR_FULL);
	assert_int_equal(ws_ping(c->ws, "", 0), ERR_FULL);
	note(c, "sent=%d ", n);
	ws_close(c->ws, 1000, NULL);
}

static void test_queue_is_bounded_and_whole(void **state)
{
	struct client *c = *state;
	atomic_int received = 0;
	char expected[128];

	c->opened = send_until_full;
	c->extra = &received;
	talk(c, serve_late_reader, (struct ws_options){0});
	assert_in_range(received, 18, 999);
	snprintf(expected, sizeof expected, "open sent=%d close 1000 OK: ", received);
	assert_string_equal(c->text.at, expected);
}

/* ---- broken peers ---- */

struct raw {
	const char *bytes;
	size_t len;
	const char *expect; /* after "open " */
	int sent_code;      /* of the close frame the server must see */
};

static void serve_raw(struct peer_conn *p, void *ctx)
{
	const struct raw *r = ctx;
	char text[256];

	if (!upgrade(p, ""))
		return;
	peer_write(p, r->bytes, r->len);
	must(client_frame(p, text, sizeof text) == WS_CLOSE);
	must(((uint8_t)text[0] << 8 | (uint8_t)text[1]) == r->sent_code);
}

#define RAW(bytes, expect, code) {bytes, sizeof(bytes) - 1, expect, code}

static void test_broken_frames(void **state)
{
	static const struct raw rows[] = {
		RAW("\x91\x00", "close 1002 ERR_PROTOCOL: a frame header breaks RFC 6455", 1002),
		RAW("\xc1\x00", "close 1002 ERR_PROTOCOL: a frame header breaks RFC 6455", 1002),
		RAW("\x83\x00", "close 1002 ERR_PROTOCOL: a frame header breaks RFC 6455", 1002),
		RAW("\x09\x00", "close 1002 ERR_PROTOCOL: a frame header breaks RFC 6455", 1002),
		RAW("\x89\x7e\x00\x7e", "close 1002 ERR_PROTOCOL: a frame header breaks RFC 6455",
		    1002),
		RAW("\x81\x81\x01\x02\x03\x04!",
		    "close 1002 ERR_PROTOCOL: a server's frame is masked", 1002),
		RAW("\x80\x00", "close 1002 ERR_PROTOCOL: a continuation continues nothing", 1002),
		RAW("\x81\x02ok\x80\x00",
		    "msg(ok) close 1002 ERR_PROTOCOL: a continuation continues nothing", 1002),
		RAW("\x01\x00\x81\x00", "close 1002 ERR_PROTOCOL: a message starts inside another",
		    1002),
		RAW("\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01",
		    "close 1009 ERR_TOO_LONG: a frame is longer than a message may be", 1009),
		RAW("\x88\x01\x03", "close 1002 ERR_PROTOCOL: a close frame holds half a code",
		    1002),
		RAW("\x88\x02\x03\xed",
		    "close 1002 ERR_PROTOCOL: a close frame holds a code that may not be sent",
		    1002),
		RAW("\x88\x04\x03\xe8\xc3\x28",
		    "close 1007 ERR_UTF8: the reason of a close frame is not UTF-8", 1007),
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client *c = *state;
		char expected[256];

		c->extra = (void *)(uintptr_t)&rows[i];
		snprintf(expected, sizeof expected, "open %s", rows[i].expect);
		assert_string_equal(talk(c, serve_raw, (struct ws_options){0}), expected);
		assert_true(c->took_ms < 15000);
		teardown(state);
		setup(state);
	}
}

static void serve_endless_fragments(struct peer_conn *p, void *ctx)
{
	char text[256];

	(void)ctx;
	if (!upgrade(p, ""))
		return;
	frame(p, WS_TEXT, false, "0123456789");
	for (int i = 0; i < 12; i++)
		frame(p, WS_CONT, false, "0123456789");
	must(client_frame(p, text, sizeof text) == WS_CLOSE);
}

static void test_fragments_are_bounded_together(void **state)
{
	assert_string_equal(
		talk(*state, serve_endless_fragments, (struct ws_options){.message_max = 100}),
		"open close 1009 ERR_TOO_LONG: a message is longer than its limit");
}

static void serve_cut(struct peer_conn *p, void *ctx)
{
	if (!upgrade(p, ""))
		return;
	peer_write(p, "\x81\x02ok\x81\x05ha", 8);
	if (ctx)
		peer_reset(p);
}

static void test_end_without_close_frame(void **state)
{
	assert_string_equal(
		talk(*state, serve_cut, (struct ws_options){0}),
		"open msg(ok) close 1006 ERR_CLOSED: the connection ended without a close frame");
}

static void test_reset(void **state)
{
	struct client *c = *state;

	c->extra = c;
	talk(c, serve_cut, (struct ws_options){0});
	/* The reset may overtake what was sent before it. */
	assert_non_null(strstr((char *)c->text.at, "close 1006 ERR_IO"));
}

static void serve_half_close(struct peer_conn *p, void *ctx)
{
	(void)ctx;
	if (!upgrade(p, ""))
		return;
	frame(p, WS_TEXT, true, "last");
	shutdown(p->fd, SHUT_WR);
	peer_drain(p);
}

static void test_half_close(void **state)
{
	assert_string_equal(
		talk(*state, serve_half_close, (struct ws_options){0}),
		"open msg(last) close 1006 ERR_CLOSED: the connection ended without a close frame");
}

/* ---- freeing inside callbacks ---- */

static void free_and_stop(struct client *c)
{
	ws_free(&c->ws);
	loop_stop(c->l);
}

static void test_free_in_callbacks(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct client *c = *state;

		if (i == 0)
			c->opened = free_and_stop;
		else if (i == 1)
			c->got = free_and_stop;
		else
			c->ended = free_and_stop;
		c->extra = (void *)(uintptr_t)"";
		talk(c, i < 2 ? serve_protocol : serve_cut, (struct ws_options){0});
		assert_int_equal(c->closes, i == 2);
		teardown(state);
		setup(state);
	}
}

static void test_free_while_connecting(void **state)
{
	struct client *c = *state;
	struct loop_source *t;

	for (int i = 0; i < 3; i++) {
		dial(c, (struct ws_options){.url = "wss://nightjar.invalid/"});
		if (i > 0) {
			assert_int_equal(
				loop_timer(c->l, i * NS_PER_MS, 0, (loop_fn)loop_stop, c->l, &t),
				0);
			loop_run(c->l);
		}
		ws_free(&c->ws);
	}
	assert_int_equal(loop_timer(c->l, 20 * NS_PER_MS, 0, (loop_fn)loop_stop, c->l, &t), 0);
	loop_run(c->l);
}

static void test_close_while_connecting(void **state)
{
	struct client *c = *state;

	peer_start(&c->peer, serve_nothing, NULL);
	dial(c, (struct ws_options){0});
	ws_close(c->ws, 1000, "never mind");
	assert_int_equal(c->closes, 0);
	loop_run(c->l);
	ws_free(&c->ws);
	peer_stop(&c->peer);
	assert_string_equal(text_of(c), "close 1006 OK: closed by ourselves while connecting");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_messages),
		TEST(test_head_and_frames_in_one_segment),
		TEST(test_sends_and_closes),
		TEST(test_queue_is_bounded_and_whole),
		TEST(test_broken_frames),
		TEST(test_fragments_are_bounded_together),
		TEST(test_end_without_close_frame),
		TEST(test_reset),
		TEST(test_half_close),
		TEST(test_free_in_callbacks),
		TEST(test_free_while_connecting),
		TEST(test_close_while_connecting),
	};

	return cmocka_run_group_tests_name("ws", tests, NULL, NULL);
}
