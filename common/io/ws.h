/* ws - WebSocket client (RFC 6455): libcurl makes the connection, the framing is ours, the loop drives it.
 *
 * Every wait has a limit. TLS is verified (options can name a CA file, nothing turns verification off). Text is
 * handed over without a UTF-8 check: the JSON reader checks it once. Control frames are answered here; a ping
 * gets its pong with the same payload at once. permessage-deflate is offered where options say so.
 *
 * IDLE → CONNECTING (ws_open) → OPEN (on_open) → CLOSING (ws_close) → CLOSED (on_close, exactly once).
 */
#ifndef NJ_IO_WS_H
#define NJ_IO_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/loop.h"

struct ws;

struct ws_options {
	const char *url;          /* ws:// or wss://; ws:// only to loopback addresses or where plain is set */
	const char *protocol;     /* subprotocol to offer, or NULL */
	const char *const *headers; /* NULL-ended "Name: value", or NULL */
	const char *ca_file;      /* NULL: the system's */
	const char *user_agent;
	bool deflate;
	bool plain;               /* allow ws:// to hosts that are not loopback (a compose network) */
	size_t message_max;       /* bytes of one message after inflating; 0: 1 MiB; larger closes with 1009 */
	int64_t connect_ns;       /* 0: 10 s for DNS, TCP, TLS and handshake together */
	int64_t close_ns;         /* 0: 2 s for the closing handshake */
};

struct ws_handler {
	void (*on_open)(void *ctx);
	/* A whole message; bytes are good during the call. binary: opcode 2. */
	void (*on_message)(void *ctx, const char *bytes, size_t len, bool binary);
	void (*on_ping)(void *ctx); /* after it was answered; may be NULL */
	void (*on_batch)(void *ctx); /* after all messages of one socket read; may be NULL */
	/* code: 1000.. of the close frame, 1006 where the connection just ended; err: why on our side. The ws is dead
	 * afterwards and must be freed (ws_free may be called in here). */
	void (*on_close)(void *ctx, int code, int err, const char *reason);
};

struct ws_counters {
	uint64_t messages, bytes_in, wire_bytes_in, pings, pongs, frames_sent;
};

int ws_open(struct loop *l, const struct ws_options *o, const struct ws_handler *h, void *ctx, struct ws **ret_ws);
void ws_free(struct ws **ws_p); /* closes hard, without on_close */

/* Queues a text message; ERR_FULL where 1 MiB waits already, ERR_CLOSED where not open. */
int ws_send(struct ws *w, const char *text, size_t len);
int ws_ping(struct ws *w, const void *payload, size_t len);
void ws_close(struct ws *w, int code, const char *reason);

/* Stop and resume reading: the peer feels it through TCP (lockstep's flow control). Messages of the read in hand
 * are still delivered. */
void ws_pause(struct ws *w);
void ws_resume(struct ws *w);

/* Subprotocol the server chose ("" none) and a header of its 101 reply (NULL absent), after on_open. */
const char *ws_protocol(const struct ws *w);
const char *ws_header(const struct ws *w, const char *name);
struct ws_counters ws_counters(const struct ws *w);

#endif
