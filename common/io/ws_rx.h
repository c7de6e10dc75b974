/* ws_rx - the receiving half of a WebSocket as a pure machine: bytes in, messages out.
 *
 * Bytes are read straight into its buffer (ws_rx_room, ws_rx_took) and parsed in place: a message
 * that came as one plain frame is handed out without being copied. Either role; memory is bounded
 * by message_max and follows what came, not what a header claims.
 */
#ifndef NJ_IO_WS_RX_H
#define NJ_IO_WS_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/io/ws_deflate.h"

enum ws_rx_kind { WS_RX_MESSAGE, WS_RX_PING, WS_RX_PONG, WS_RX_CLOSE };

struct ws_rx_item {
	enum ws_rx_kind kind;
	bool binary;
	const char *bytes; /* message, control payload, reason of a close; no NUL behind it */
	size_t len;
	int code; /* of a close frame; 1005 where it had none */
};

struct ws_rx {
	struct buf in;      /* what was read and not parsed yet is [at, in.len) */
	size_t at;
	struct buf message; /* fragments so far, or what was inflated */
	size_t message_max;
	bool server;        /* frames of the peer must be masked; else they must not be */
	bool open, packed, binary; /* a fragmented message is under way; it is compressed */
	struct ws_deflate *deflate; /* not owned; NULL where not negotiated */
	int failed;         /* the error it died of */
	const char *why;    /* a sentence about it */
};

void ws_rx_init(struct ws_rx *rx, size_t message_max, bool server);
void ws_rx_fini(struct ws_rx *rx); /* NULL and zeroed are fine */

/* Room for at least `want` (> 0) more bytes at *ret_at; *ret_cap is how many fit. Ends the life of
 * the last item's bytes. ERR_NOMEM, ERR_FULL (more than ws_rx_next could not use: a broken promise
 * of the caller's loop). */
int ws_rx_room(struct ws_rx *rx, size_t want, uint8_t **ret_at, size_t *ret_cap);
void ws_rx_took(struct ws_rx *rx, size_t n);

/* The next item; its bytes are good until the next call. ERR_AGAIN where more bytes are needed,
 * else the error that ends the connection: ERR_PROTOCOL, ERR_TOO_LONG, ERR_UTF8, ERR_CORRUPT,
 * ERR_NOMEM; ERR_CLOSED after a close frame. Errors are sticky. */
int ws_rx_next(struct ws_rx *rx, struct ws_rx_item *ret_item);

/* The close code that tells the peer about an error of ws_rx_next (RFC 6455 7.4.1). */
int ws_close_code(int err);
/* Whether a code may stand in a close frame. */
bool ws_close_code_valid(int code);

#endif
