/* ws_handshake - a client's opening handshake (RFC 6455 4.1) as pure text, replies read strictly.
 */
#ifndef NJ_IO_WS_HANDSHAKE_H
#define NJ_IO_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/io/headers.h"
#include "common/io/url.h"
#include "common/io/ws_deflate.h"

#define WS_REPLY_MAX (16u << 10) /* bytes of a reply's head */
#define WS_KEY_CHARS 24

struct ws_request {
	const struct url *url;
	const char *protocol;       /* offered, or NULL; one token */
	const char *user_agent;     /* or NULL */
	const char *const *headers; /* further lines, NULL-ended, or NULL */
	bool deflate;
	char key[WS_KEY_CHARS + 1]; /* base64 of 16 random bytes */
};

struct ws_reply {
	int status;
	char phrase[64]; /* of the status line, cut */
	const char *protocol; /* within headers; "" none */
	bool deflate;
	struct ws_deflate_params params;
	struct headers headers;
	const char *why; /* a sentence where parsing failed */
};

/* Whether the request can be sent as it is: header lines and protocol are safe, and none of the
 * lines is the handshake's own (Host, Upgrade, Connection, Sec-WebSocket-*, lengths). ERR_ARG. */
int ws_request_check(const struct ws_request *r);
int ws_request_pack(const struct ws_request *r, struct buf *out); /* ERR_FULL, ERR_NOMEM */

void ws_reply_init(struct ws_reply *p);
void ws_reply_fini(struct ws_reply *p);

/* Reads the reply's head from the front of at[0..len); *ret_used is behind its empty line. 0: the
 * connection is open. ERR_AGAIN: more bytes are needed. ERR_TOO_LONG: more than WS_REPLY_MAX.
 * ERR_STATUS: another status than 101 (p->status, p->headers). ERR_PROTOCOL: p->why. */
int ws_reply_parse(struct ws_reply *p, const struct ws_request *r, const char *at, size_t len,
		   size_t *ret_used);

#endif
