/* ws_deflate - permessage-deflate (RFC 7692) without any I/O: negotiation and two zlib streams.
 *
 * Either side of a connection can use it. Sizes are bounded by the buffer that takes the result.
 */
#ifndef NJ_IO_WS_DEFLATE_H
#define NJ_IO_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/* What a client of ours sends. */
#define WS_DEFLATE_OFFER "permessage-deflate; client_max_window_bits"
#define WS_DEFLATE_TAIL 4 /* bytes that ws_deflate_unpack borrows behind a final frame */

struct ws_deflate_params {
	bool server_no_context, client_no_context;
	int server_bits, client_bits; /* of the LZ77 window, 8..15 */
};

/* Client: reads a reply's Sec-WebSocket-Extensions to WS_DEFLATE_OFFER. ERR_PROTOCOL for anything
 * but one permessage-deflate with parameters of RFC 7692 7.1, each at most once. */
int ws_deflate_reply(const char *value, struct ws_deflate_params *ret_params);

/* Server: takes the first acceptable offer and writes the header's value for the reply.
 * ERR_NOT_FOUND where there is none (the connection goes on without), ERR_PROTOCOL where the header
 * is malformed. */
int ws_deflate_answer(const char *offers, struct ws_deflate_params *ret_params, char *out,
		      size_t cap);

struct ws_deflate;

/* ERR_NOMEM. */
int ws_deflate_new(const struct ws_deflate_params *p, bool server, struct ws_deflate **ret_deflate);
void ws_deflate_free(struct ws_deflate *d); /* NULL is fine */

/* Inflates one frame's payload onto the end of out. On the message's last frame (fin) the
 * WS_DEFLATE_TAIL bytes behind the payload are used and put back: they must belong to the caller.
 * ERR_TOO_LONG where out would become full (out->max is one above the longest message),
 * ERR_CORRUPT, ERR_NOMEM; the stream is dead after an error. */
int ws_deflate_unpack(struct ws_deflate *d, uint8_t *at, size_t len, bool fin, struct buf *out);

/* Deflates one whole message onto the end of out, ready as the payload of a frame with RSV1.
 * ERR_ARG where the negotiated window (8 bits) is one zlib cannot make: send uncompressed, which is
 * always allowed. ERR_FULL. */
int ws_deflate_pack(struct ws_deflate *d, const void *payload, size_t len, struct buf *out);

#endif
