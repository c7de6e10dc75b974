/* test_net_nomem - the nth allocation fails, for every n: the network clients end in order.
 *
 * This program's own malloc stands in front of libc's; only what our code asks for on the main
 * thread can fail, and all of it must be given back. Skipped under sanitizers, which have their
 * own.
 */
#include "common/io/http_retry.h"
#include "common/io/log.h"
#include "tests/unit/io/ws_client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

int main(void)
{
	printf("skipped: a sanitizer has the allocator\n");
	return 77;
}

#else

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *at, size_t n);
extern void __libc_free(void *at);
extern const char __executable_start[], etext[];

static pthread_t main_thread;
static long countdown; /* 0: nothing fails; else the countdown-th call does */
static long calls;
static bool counting;
static void *owned[1000]; /* what our code got since counting began */
static int live;

/* A library's tail call looks like one of ours; for what fails that does no harm. */
static bool is_ours(const void *caller)
{
	return pthread_equal(pthread_self(), main_thread) &&
	       (const char *)caller >= __executable_start && (const char *)caller < etext;
}

static bool fails(const void *caller)
{
	return is_ours(caller) && countdown && ++calls == countdown;
}

static void *own(const void *caller, void *at)
{
	if (at && is_ours(caller) && counting && live < (int)ARRAY_LEN(owned))
		owned[live++] = at;
	return at;
}

/* Whoever gives it back. */
static bool disown(const void *at)
{
	if (!at || !pthread_equal(pthread_self(), main_thread))
		return false;
	for (int i = 0; i < live; i++) {
		if (owned[i] != at)
			continue;
		owned[i] = owned[--live];
		return true;
	}
	return false;
}

void *malloc(size_t n)
{
	const void *caller = __builtin_return_address(0);

	return fails(caller) ? NULL : own(caller, __libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	const void *caller = __builtin_return_address(0);

	return fails(caller) ? NULL : own(caller, __libc_calloc(n, size));
}

void *realloc(void *at, size_t n)
{
	const void *caller = __builtin_return_address(0);
	bool was_owned;
	void *more;

	if (fails(caller))
		return NULL;
	was_owned = disown(at);
	more = __libc_realloc(at, n);
	if (was_owned)
		owned[live++] = more ? more : at;
	return at ? more : own(caller, more);
}

void free(void *at)
{
	disown(at);
	__libc_free(at);
}

/* Runs a scenario with the nth allocation failing, until it gets through with none. The first run is
 * for what libraries keep for good. */
static void sweep(void (*scenario)(struct client *c), void (*serve)(struct peer_conn *, void *))
{
	int failed = 0;

	for (long n = 0;; n++) {
		struct client *c = NULL;
		long made;

		calls = 0;
		live = 0;
		counting = n > 0;
		setup((void **)&c);
		peer_start(&c->peer, serve, NULL);
		countdown = n;
		scenario(c);
		countdown = 0;
		made = calls;
		peer_stop(&c->peer);
		teardown((void **)&c);
		counting = false;
		if (live != 0)
			fail_msg("allocation %ld failed: %d blocks are lost", n, live);
		if (made < n)
			break;
		failed += n > 0;
		assert_true(n < 1000);
	}
	print_message("%d allocations failed, one at a time\n", failed);
	assert_true(failed > 5);
}

/* ---- WebSocket ---- */

static void serve_frames(struct peer_conn *p, void *ctx)
{
	char text[512];

	(void)ctx;
	if (!upgrade(p, "Sec-WebSocket-Extensions: permessage-deflate\r\n"))
		return;
	peer_write(p, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9);
	frame(p, WS_TEXT, false, "a");
	frame(p, WS_PING, true, "b");
	frame(p, WS_CONT, true, "c");
	while (client_frame(p, text, sizeof text) >= 0 && text[0] != '\x03')
		;
	close_frame(p, 1000, "");
}

static void quiet_open(void *ctx)
{
	static const char text[] =
		"a message that is long enough to be deflated, and it is deflated";
	struct client *c = ctx;

	ws_send(c->ws, text, sizeof text);
	ws_ping(c->ws, "x", 1);
}

static void quiet_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct client *c = ctx;

	(void)bytes;
	(void)len;
	(void)binary;
	if (++c->messages == 2)
		ws_close(c->ws, 1000, "");
}

static void quiet_close(void *ctx, int code, int err, const char *reason)
{
	struct client *c = ctx;

	must(code == 1000 || err < 0);
	must(reason[0] || code == 1000);
	c->closes++;
	loop_stop(c->l);
}

static void one_web_socket(struct client *c)
{
	static const struct ws_handler h = {
		.on_open = quiet_open, .on_message = quiet_message, .on_close = quiet_close,
	};
	char url[64];
	int rc;

	snprintf(url, sizeof url, "ws://127.0.0.1:%u/", c->peer.port);
	rc = ws_open(c->l, &(struct ws_options){.url = url, .deflate = true}, &h, c, &c->ws);
	assert_true(rc == 0 || (rc == ERR_NOMEM && !c->ws));
	if (rc == 0)
		loop_run(c->l);
	assert_int_equal(c->closes, rc == 0);
	ws_free(&c->ws);
}

static void test_ws(void **state)
{
	(void)state;
	sweep(one_web_socket, serve_frames);
}

/* ---- HTTP ---- */

static void serve_reply(struct peer_conn *p, void *ctx)
{
	char head[4096];

	(void)ctx;
	while (peer_head(p, head, sizeof head))
		peer_text(p, strstr(head, "POST") ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
						  : "HTTP/1.1 404 No\r\nX: y\r\n"
						    "Content-Length: 2\r\n\r\nno");
}

static void on_reply(void *ctx, const struct http_response *r)
{
	struct client *c = ctx;

	must(r->err == 0 ? r->body_len == 2 && r->body[2] == '\0' : r->reason[0] != '\0');
	c->messages++;
	if (c->messages == c->closes)
		loop_stop(c->l);
}

/* A request, one behind it in line, and one under the retry policy. closes: how many were taken. */
static void three_requests(struct client *c)
{
	static const char *const lines[] = {"X-A: 1", NULL};
	struct http_request r = {.headers = lines};
	struct http *h = NULL;
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u/", c->peer.port);
	r.url = url;
	if (http_open(c->l, &(struct http_options){.concurrent_max = 1}, &h) < 0)
		return;
	c->closes += http_retry_send(h, &r, on_reply, c, NULL) == 0;
	c->closes += http_send(h, &r, on_reply, c, NULL) == 0;
	r.method = "POST";
	r.body = "xy";
	r.body_len = 2;
	c->closes += http_send(h, &r, on_reply, c, NULL) == 0;
	if (c->closes > 0)
		loop_run(c->l);
	assert_int_equal(c->messages, c->closes);
	http_close(h);
}

static void test_http(void **state)
{
	(void)state;
	sweep(three_requests, serve_reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ws),
		cmocka_unit_test(test_http),
	};

	main_thread = pthread_self();
	log_open(&(struct log_options){.service = "test", .level = LOG_ERROR});
	return cmocka_run_group_tests_name("net_nomem", tests, NULL, NULL);
}

#endif
