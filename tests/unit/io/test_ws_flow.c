/* test_ws_flow - how much flows: pauses, senders without end, peers that do not read, TLS too. */
#include "tests/unit/io/ws_client.h"

/* ---- pausing ---- */

static void serve_flood(struct peer_conn *p, void *ctx)
{
	struct buf b;
	char text[16];

	(void)ctx;
	if (!upgrade(p, ""))
		return;
	buf_init(&b, 64 << 20);
	for (int i = 0; i < 300000; i++) {
		snprintf(text, sizeof text, "%07d", i);
		must(ws_frame_append(&b, WS_FIN | WS_TEXT, NULL, text, 7) == 0);
	}
	*(atomic_int *)ctx = 1;
	peer_write(p, b.at, b.len);
	buf_fini(&b);
	*(atomic_int *)ctx = 2;
	close_frame(p, 1000, "end");
	peer_drain(p);
}

static void on_number(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct client *c = ctx;
	char text[8] = "";

	(void)binary;
	assert_int_equal(len, 7);
	memcpy(text, bytes, 7);
	assert_int_equal(strtol(text, NULL, 10), c->messages);
	c->messages++;
	if (c->got)
		c->got(c);
}

static void resume_later(void *ctx)
{
	struct client *c = ctx;

	note(c, "%d ", c->took_ms == c->messages);
	ws_resume(c->ws);
}

static void remember(void *ctx)
{
	struct client *c = ctx;

	c->took_ms = c->messages;
}

static void pause_at_1000(struct client *c)
{
	struct loop_source *t;

	if (c->messages != 1000)
		return;
	ws_pause(c->ws);
	ws_pause(c->ws);
	assert_int_equal(loop_timer(c->l, 20 * NS_PER_MS, 0, remember, c, &t), 0);
	assert_int_equal(loop_timer(c->l, 200 * NS_PER_MS, 0, resume_later, c, &t), 0);
}

static void flood(struct client *c, atomic_int *progress, const char *ca_file)
{
	struct ws_handler h = handler;
	char url[64];

	h.on_message = on_number;
	c->got = pause_at_1000;
	peer_start(&c->peer, serve_flood, progress);
	snprintf(url, sizeof url, "%s://127.0.0.1:%u/", c->peer.tls ? "wss" : "ws", c->peer.port);
	assert_int_equal(
		ws_open(c->l, &(struct ws_options){.url = url, .ca_file = ca_file}, &h, c, &c->ws),
		0);
	loop_run(c->l);
	ws_free(&c->ws);
	peer_stop(&c->peer);
	assert_string_equal(text_of(c), "open 1 close 1000 ERR_CLOSED: end");
	assert_int_equal(c->messages, 300000);
}

static void test_pause_and_resume(void **state)
{
	atomic_int progress = 0;

	flood(*state, &progress, NULL);
}

static void test_tls_verified(void **state)
{
	struct client *c = *state;
	struct peer_cert cert;
	atomic_int progress = 0;

	peer_cert_make(&cert, "IP:127.0.0.1");
	peer_use_tls(&c->peer, &cert);
	flood(c, &progress, cert.path);
	peer_cert_free(&cert);
}

/* ---- fairness ---- */

static void serve_endless(struct peer_conn *p, void *ctx)
{
	static char block[64 << 10];

	(void)ctx;
	for (size_t i = 0; i + 8 <= sizeof block; i += 8)
		memcpy(block + i, "\x82\x06sixsix", 8);
	if (upgrade(p, ""))
		while (peer_write(p, block, sizeof block))
			;
}

static void count_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	(void)bytes;
	must(len == 6 && binary);
	((struct client *)ctx)->messages++;
}

static void count_batch(void *ctx)
{
	++*(int *)((struct client *)ctx)->extra;
}

static void tick(void *ctx)
{
	struct client *c = ctx;

	if (++c->closes == 40)
		loop_stop(c->l);
}

/* A peer that sends without end takes neither the timers nor the memory. */
static void fairness(struct client *c, const char *ca_file)
{
	const struct ws_handler h = {
		.on_open = on_open, .on_message = count_message, .on_batch = count_batch,
	};
	struct loop_source *t;
	int batches = 0;
	char url[64];

	c->extra = &batches;
	peer_start(&c->peer, serve_endless, NULL);
	snprintf(url, sizeof url, "%s://127.0.0.1:%u/", ca_file ? "wss" : "ws", c->peer.port);
	assert_int_equal(ws_open(c->l, &(struct ws_options){.url = url, .ca_file = ca_file}, &h, c,
				 &c->ws), 0);
	c->began_ms = peer_now_ms();
	assert_int_equal(loop_timer(c->l, 0, 5 * NS_PER_MS, tick, c, &t), 0);
	loop_run(c->l);
	assert_in_range(peer_now_ms() - c->began_ms, 190, 10000);
	assert_true(batches > 10 && c->messages > 20 * batches);
	ws_free(&c->ws);
	peer_stop(&c->peer);
}

static void test_fairness(void **state)
{
	fairness(*state, NULL);
}

static void test_fairness_tls(void **state)
{
	struct client *c = *state;
	struct peer_cert cert;

	peer_cert_make(&cert, "IP:127.0.0.1");
	peer_use_tls(&c->peer, &cert);
	fairness(c, cert.path);
	peer_cert_free(&cert);
}

/* ---- pings of ours ---- */

static void serve_pong(struct peer_conn *p, void *ctx)
{
	char text[256];

	(void)ctx;
	if (!upgrade(p, ""))
		return;
	must(client_frame(p, text, sizeof text) == WS_PING && strcmp(text, "are you there") == 0);
	frame(p, WS_PONG, true, text);
	close_frame(p, 1000, "");
	peer_drain(p);
}

static void ping_it(struct client *c)
{
	assert_int_equal(ws_ping(c->ws, "are you there", 13), 0);
}

static void test_ping(void **state)
{
	struct client *c = *state;

	c->opened = ping_it;
	assert_string_equal(talk(c, serve_pong, (struct ws_options){0}),
			    "open close 1000 ERR_CLOSED: ");
	assert_int_equal(c->counters.pongs, 1);
}

/* ---- a peer that pings without reading, one that breaks off while we write ---- */

static void serve_pings(struct peer_conn *p, void *ctx)
{
	char beat[126], text[256];
	int n = 0, opcode;

	memset(beat, 'p', 125);
	beat[125] = '\0';
	if (!upgrade(p, ""))
		return;
	for (int i = 0; i < 120000; i++)
		must(frame(p, WS_PING, true, beat));
	frame(p, WS_TEXT, true, "now");
	while ((opcode = client_frame(p, text, sizeof text)) == WS_PONG)
		n += strcmp(text, beat) == 0;
	must(opcode == WS_CLOSE);
	*(atomic_int *)ctx = n;
	close_frame(p, 1000, "");
}

static void close_it(struct client *c)
{
	ws_close(c->ws, 1000, "");
}

/* What cannot be answered in bounded memory is counted, and the connection lives on. */
static void test_ping_flood(void **state)
{
	struct ws_handler h = handler;
	struct client *c = *state;
	atomic_int pongs = 0;
	struct ws_counters n;
	char url[64];

	h.on_ping = NULL;
	c->got = close_it;
	peer_start(&c->peer, serve_pings, &pongs);
	snprintf(url, sizeof url, "ws://127.0.0.1:%u/", c->peer.port);
	assert_int_equal(ws_open(c->l, &(struct ws_options){.url = url, .close_ns = 10 * NS_PER_S},
				 &h, c, &c->ws), 0);
	loop_run(c->l);
	n = ws_counters(c->ws);
	ws_free(&c->ws);
	peer_stop(&c->peer);
	assert_string_equal(text_of(c), "open msg(now) close 1000 OK: ");
	assert_int_equal(n.pings, 120000);
	assert_true(n.pongs_dropped > 0);
	assert_int_equal(pongs + (long)n.pongs_dropped, 120000);
}

static void serve_reset(struct peer_conn *p, void *ctx)
{
	(void)ctx;
	if (upgrade(p, ""))
		peer_wait_ms(p, 50);
	peer_reset(p);
}

static void write_on(void *ctx)
{
	struct client *c = ctx;

	if (c->ws && c->closes == 0)
		ws_send(c->ws, "into the void", 13);
}

static void pause_and_write(struct client *c)
{
	struct loop_source *t;

	ws_pause(c->ws);
	assert_int_equal(loop_timer(c->l, 0, 5 * NS_PER_MS, write_on, c, &t), 0);
}

/* Paused, we would not read the end; writing finds it. */
static void test_break_while_paused(void **state)
{
	struct client *c = *state;

	c->opened = pause_and_write;
	assert_string_equal(talk(c, serve_reset, (struct ws_options){0}),
			    "open close 1006 ERR_IO: the connection broke");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_pause_and_resume),
		TEST(test_tls_verified),
		TEST(test_fairness),
		TEST(test_fairness_tls),
		TEST(test_ping),
		TEST(test_ping_flood),
		TEST(test_break_while_paused),
	};

	return cmocka_run_group_tests_name("ws_flow", tests, NULL, NULL);
}
