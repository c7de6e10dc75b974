/* ws - WebSocket client (RFC 6455): libcurl makes the connection, framing is ours, the loop drives.
 *
 * Every wait has a limit. TLS is verified (options can name a CA file, nothing turns verification
 * off). Text is handed over without a UTF-8 check: the JSON reader checks it once. Control frames
 * are answered here; a ping gets its pong with the same payload at once. permessage-deflate is
 * offered where options say so.
 *
 * ws_open → CONNECTING → OPEN (on_open) → CLOSING (ws_close) → CLOSED (on_close, exactly once).
 */
#ifndef NJ_IO_WS_H
#define NJ_IO_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/loop.h"

struct ws;

/* Copied by ws_open; nothing of it needs to live on. */
struct ws_options {
	const char *url;          /* wss://, or ws:// to loopback or where plain is set */
	const char *protocol;     /* subprotocol to offer, or NULL */
	/* NULL-ended "Name: value", or NULL; none of the handshake's own */
	const char *const *headers;
	const char *ca_file;      /* NULL: the system's */
	const char *user_agent;
	bool deflate;
	bool plain;               /* allow ws:// to other hosts (a compose network) */
	size_t message_max;       /* bytes after inflating; 0: 1 MiB; larger closes with 1009 */
	int64_t connect_ns;       /* 0: 10 s for DNS, TCP, TLS and handshake together */
	int64_t close_ns;         /* 0: 2 s for the closing handshake */
};

struct ws_handler {
	void (*on_open)(void *ctx);
	/* A whole message; bytes are good during the call. binary: opcode 2. */
	void (*on_message)(void *ctx, const char *bytes, size_t len, bool binary);
	void (*on_ping)(void *ctx); /* after it was answered; may be NULL */
	void (*on_batch)(void *ctx); /* after all messages of one socket read; may be NULL */
	/* Exactly once, never from inside a function called by the owner. The ws is dead afterwards
	 * and must be freed (ws_free may be called in here). reason is a sentence, or the peer's
	 * own words from its close frame.
	 *   code 1000..4999: a close frame, the peer's (err ERR_CLOSED) or its answer to ws_close
	 *     (err 0).
	 *   code 1002, 1007, 1009, 1011: what we told a peer that broke a rule; err ERR_PROTOCOL,
	 *     ERR_UTF8 or ERR_CORRUPT (damaged deflate data), ERR_TOO_LONG, ERR_NOMEM.
	 *   code 1006: the connection just ended or was never made; err ERR_CLOSED, ERR_IO,
	 *     ERR_TIMEOUT, ERR_DNS, ERR_CONNECT, ERR_TLS, ERR_PROTOCOL or ERR_TOO_LONG (a bad
	 *     answer to the handshake), ERR_STATUS (an answer with another status than 101, see
	 *     ws_status and ws_retry_after_s: a 429 or 418 is to be obeyed), 0 (ws_close while
	 *     connecting). */
	void (*on_close)(void *ctx, int code, int err, const char *reason);
};

struct ws_counters {
	uint64_t messages, bytes_in; /* whole messages and their bytes after inflating */
	uint64_t wire_bytes_in;      /* bytes of the connection below TLS */
	uint64_t pings, pongs;       /* received */
	uint64_t pongs_dropped;      /* pings not answered: 1 MiB waited for the peer to read */
	uint64_t frames_sent;
};

/* Starts connecting; the outcome is on_open or on_close. ERR_ARG (protocol, header lines or user
 * agent cannot be sent), ERR_SYNTAX (URL; user names and passwords in it too), ERR_REFUSED (ws://
 * to another host), ERR_NOMEM. */
int ws_open(struct loop *l, const struct ws_options *o, const struct ws_handler *h, void *ctx,
	    struct ws **ret_ws);
void ws_free(struct ws **ws_p); /* closes hard, without on_close; *ws_p may be NULL */

/* Queues a text message; ERR_FULL where 1 MiB waits already, ERR_TOO_LONG above 1 MiB, ERR_CLOSED
 * where not open. */
int ws_send(struct ws *w, const char *text, size_t len);
int ws_ping(struct ws *w, const void *payload, size_t len); /* at most 125 bytes, else ERR_ARG */
/* Starts the closing handshake; what still arrives is dropped. reason is cut to 123 bytes. */
void ws_close(struct ws *w, int code, const char *reason);

/* Stop and resume reading: the peer feels it through TCP (lockstep's flow control). Messages of the
 * read in hand are still delivered. While paused neither pings nor the end of the connection are
 * noticed. */
void ws_pause(struct ws *w);
void ws_resume(struct ws *w);

/* Subprotocol the server chose ("" none), after on_open. */
const char *ws_protocol(const struct ws *w);
bool ws_deflated(const struct ws *w); /* permessage-deflate is in use */
/* Of the handshake's reply, whatever its status: a header (NULL absent), the status (0: none came),
 * Retry-After in seconds (-1 absent). Good in on_open and on_close until ws_free. */
const char *ws_header(const struct ws *w, const char *name);
int ws_status(const struct ws *w);
int64_t ws_retry_after_s(const struct ws *w);
struct ws_counters ws_counters(const struct ws *w);

#endif
