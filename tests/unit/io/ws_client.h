/* ws_client - what the tests of the WebSocket client share: noted events, a server's frames. */
#ifndef NJ_TESTS_WS_CLIENT_H
#define NJ_TESTS_WS_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/io/ws.h"
#include "common/io/ws_frame.h"
#include "tests/unit/io/peer.h"

/* ---- client: every event becomes a word in a text ---- */

struct client {
	struct loop *l;
	struct loop_source *guard;
	struct ws *ws;
	struct buf text;
	struct peer peer;
	void (*opened)(struct client *c);
	void (*got)(struct client *c);
	void (*ended)(struct client *c);
	int messages, closes;
	char wide[64]; /* start of the last message where it is longer than 40 bytes */
	struct ws_counters counters;
	int64_t began_ms, took_ms;
	void *extra;
};

__attribute__((format(printf, 2, 3))) static inline void note(struct client *c, const char *format,
							      ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	assert_int_equal(buf_append(&c->text, text, strlen(text)), 0);
}

static inline void on_open(void *ctx)
{
	struct client *c = ctx;

	note(c, "open ");
	if (c->opened)
		c->opened(c);
}

static inline void on_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct client *c = ctx;

	c->messages++;
	if (len <= 40)
		note(c, "%s(%.*s) ", binary ? "bin" : "msg", (int)len, bytes);
	else
		note(c, "%s[%zu] ", binary ? "bin" : "msg", len);
	snprintf(c->wide, sizeof c->wide, "%.*s", (int)(len < 60 ? len : 60), bytes);
	if (c->got)
		c->got(c);
}

static inline void on_ping(void *ctx)
{
	note(ctx, "ping ");
}

static inline void on_close(void *ctx, int code, int err, const char *reason)
{
	struct client *c = ctx;

	assert_int_equal(c->closes, 0);
	c->closes++;
	note(c, "close %d %s: %s", code, err_name(err), reason);
	c->took_ms = peer_now_ms() - c->began_ms;
	if (c->ended)
		c->ended(c);
	loop_stop(c->l);
}

static const struct ws_handler handler = {
	.on_open = on_open, .on_message = on_message, .on_ping = on_ping, .on_close = on_close,
};

static inline void give_up(void *ctx)
{
	(void)ctx;
	fail_msg("the loop did not stop in time");
}

static inline int setup(void **state)
{
	struct client *c = calloc(1, sizeof *c);

	assert_non_null(c);
	assert_int_equal(loop_new(clock_real(), &c->l), 0);
	assert_int_equal(loop_timer(c->l, 30 * NS_PER_S, 0, give_up, c, &c->guard), 0);
	buf_init(&c->text, 1 << 20);
	*state = c;
	return 0;
}

static inline int teardown(void **state)
{
	struct client *c = *state;

	ws_free(&c->ws);
	loop_free(c->l);
	buf_fini(&c->text);
	free(c);
	return 0;
}

static inline void dial(struct client *c, struct ws_options o)
{
	char url[64];

	snprintf(url, sizeof url, "%s://127.0.0.1:%u/ws?x=1", c->peer.tls ? "wss" : "ws",
		 c->peer.port);
	if (!o.url)
		o.url = url;
	c->began_ms = peer_now_ms();
	assert_int_equal(ws_open(c->l, &o, &handler, c, &c->ws), 0);
}

static inline const char *text_of(struct client *c)
{
	assert_int_equal(buf_byte(&c->text, 0), 0);
	return (const char *)c->text.at;
}

/* Runs until on_close, then frees the client, so that the server's thread sees its end. */
static inline const char *talk(struct client *c, void (*serve)(struct peer_conn *, void *),
			       struct ws_options o)
{
	peer_start(&c->peer, serve, c->extra);
	dial(c, o);
	assert_int_equal(loop_run(c->l), 0);
	if (c->ws)
		c->counters = ws_counters(c->ws);
	ws_free(&c->ws);
	peer_stop(&c->peer);
	return text_of(c);
}

/* ---- server ---- */

static inline bool upgrade(struct peer_conn *p, const char *more)
{
	char head[4096], key[64], accept[29];

	if (!peer_head(p, head, sizeof head) ||
	    !peer_header(head, "Sec-WebSocket-Key", key, sizeof key))
		return false;
	ws_accept_key(key, accept);
	return peer_printf(p,
			   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
			   "Connection: keep-alive, upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
			   accept, more);
}

static inline bool frame(struct peer_conn *p, uint8_t opcode, bool fin, const char *text)
{
	struct buf b;
	bool ok;

	buf_init(&b, 1 << 20);
	must(ws_frame_append(&b, (uint8_t)(opcode | (fin ? WS_FIN : 0)), NULL, text,
			     strlen(text)) == 0);
	ok = peer_write(p, b.at, b.len);
	buf_fini(&b);
	return ok;
}

static inline bool close_frame(struct peer_conn *p, int code, const char *reason)
{
	uint8_t payload[125] = {(uint8_t)(code >> 8), (uint8_t)code};
	uint8_t head[2] = {0x88, (uint8_t)(2 + strlen(reason))};

	memcpy(payload + 2, reason, strlen(reason));
	return peer_write(p, head, 2) && peer_write(p, payload, 2 + strlen(reason));
}

/* One frame of the client, unmasked, NUL-terminated; its opcode or -1. */
static inline int client_frame(struct peer_conn *p, char *text, size_t cap)
{
	uint8_t head[WS_FRAME_HEADER_MAX];
	struct ws_frame f;
	size_t n = 0;

	do {
		if (n == sizeof head || !peer_read_all(p, head + n, 1))
			return -1;
		n++;
	} while (ws_frame_parse(head, n, true, &f) == ERR_AGAIN);
	must(f.masked);
	must(f.len < cap);
	if (!peer_read_all(p, text, f.len))
		return -1;
	ws_frame_mask((uint8_t *)text, f.len, f.mask, 0);
	text[f.len] = '\0';
	return f.opcode | (f.rsv1 ? 0x40 : 0);
}

/* ctx: further lines of the answer. One message, then silence. */
static inline void serve_protocol(struct peer_conn *p, void *ctx)
{
	if (upgrade(p, ctx))
		frame(p, WS_TEXT, true, "x");
	peer_drain(p);
}

static inline void serve_nothing(struct peer_conn *p, void *ctx)
{
	(void)ctx;
	peer_drain(p);
}

#endif
