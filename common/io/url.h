/* url - strict parts of an http, https, ws or wss URL: what we connect to is what we checked.
 *
 * Refused: user names and passwords, fragments, spaces, control and non-ASCII characters,
 * backslashes, hosts that are neither a name of letters, digits, '-', '_' and '.' nor a bracketed
 * IPv6 address, ports outside 1..65535.
 */
#ifndef NJ_IO_URL_H
#define NJ_IO_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define URL_HOST_MAX 254
#define URL_MAX (32u << 10) /* bytes of a whole URL */

struct url {
	bool tls;        /* https, wss */
	bool web_socket; /* ws, wss */
	bool loopback;   /* 127.0.0.0/8, ::1 or "localhost": the words, nothing is resolved */
	char host[URL_HOST_MAX]; /* IPv6 without brackets */
	bool ipv6;
	uint16_t port;
	/* Path and query within the given text; "" or "?…" means the path "/". */
	const char *target;
};

int url_parse(const char *text, struct url *ret_url); /* ERR_SYNTAX, ERR_TOO_LONG */

/* Appends without a NUL. Host as in a Host header: brackets for IPv6, the port where it is not the
 * scheme's own. */
int url_host(const struct url *u, struct buf *out);
int url_target(const struct url *u, struct buf *out);

#endif
