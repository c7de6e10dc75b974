/* http_parse - strict reader of HTTP/1.1 request heads: no I/O, no allocation, no trust.
 *
 * Follows RFC 9112: CRLF only, no folded lines, no space before a colon, one Content-Length of
 * digits, no transfer codings, origin-form targets. What is doubtful is refused: a test server that
 * guesses hides a client's bugs.
 */
#ifndef NJ_SIM_HTTP_PARSE_H
#define NJ_SIM_HTTP_PARSE_H

#include <stdint.h>

#include "tools/venue_sim/text.h"

#define REQUEST_HEAD_MAX 65536 /* bytes; 1024 streams of 40 bytes fit into the target */
#define REQUEST_HEADERS_MAX 64
#define REQUEST_BODY_MAX 65536

struct request_header {
	struct text name, value;
};

struct request {                         /* slices of the connection's buffer */
	struct text method, path, query; /* query without its '?'; both still percent-encoded */
	struct request_header header[REQUEST_HEADERS_MAX];
	unsigned n_headers;
	size_t head_len; /* with the empty line */
	size_t body_len;
	bool keep_alive;
};

/* 0; ERR_AGAIN: not complete; ERR_PROTOCOL: 400; ERR_TOO_LONG: 431; ERR_UNKNOWN: 501 (a transfer
 * coding). */
int request_parse(const char *at, size_t len, struct request *ret_request);

/* Header by case-insensitive name; NULL value where absent. */
struct text request_header(const struct request *r, const char *name);
/* Is this token in the header's comma separated list? Without regard to case. */
bool request_has_token(const struct request *r, const char *name, const char *token);

/* Query parameter, percent-decoded, NUL-terminated; its length, or ERR_NOT_FOUND, ERR_SYNTAX,
 * ERR_TOO_LONG. */
int request_param(const struct request *r, const char *name, char *out, size_t cap);
/* Unsigned decimal parameter; fallback where absent. ERR_RANGE, ERR_SYNTAX. */
int request_param_i64(const struct request *r, const char *name, int64_t fallback,
		      int64_t *ret_value);

#endif
