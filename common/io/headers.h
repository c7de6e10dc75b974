/* headers - HTTP header lines: read once, asked for by name; and the check of lines we send. */
#ifndef NJ_IO_HEADERS_H
#define NJ_IO_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define HEADERS_MAX 100 /* lines of one reply */

struct headers {
	struct buf text; /* name NUL value NUL … */
	uint32_t n;
	struct {
		uint32_t name, value; /* offsets into text */
	} rows[HEADERS_MAX];
};

void headers_init(struct headers *h, size_t bytes_max);
void headers_fini(struct headers *h); /* NULL and zeroed are fine */
void headers_clear(struct headers *h);

/* Takes one "Name: value" line without its line end. ERR_SYNTAX (RFC 9112 5: the name is no token,
 * space before the colon, folded line, control characters in the value), ERR_FULL (too many lines
 * or bytes), ERR_NOMEM. */
int headers_add(struct headers *h, const char *line, size_t len);

/* Value of the nth (from 0) header of that name, whatever its case; NULL where there is none. */
const char *headers_nth(const struct headers *h, const char *name, uint32_t nth);
const char *headers_get(const struct headers *h, const char *name);

/* Whether a comma separated list holds the token, without regard to case. list may be NULL. */
bool headers_list_has(const char *list, const char *token);

/* Bytes of the token (RFC 9110 5.6.2) that text starts with. */
size_t headers_token(const char *text);

/* Whether "Name: value" can be sent as it is: no line ends, no control characters. */
bool headers_line_safe(const char *line);
bool headers_value_safe(const char *text); /* the same for a value alone */
/* Whether the line's name is `name`, without regard to case. */
bool headers_line_is(const char *line, const char *name);

/* Retry-After in seconds from now (RFC 9110 10.2.3: a number, or a date), at most a week; -1 where
 * value is NULL or means nothing. now_s: seconds since 1970. */
int64_t headers_retry_after_s(const char *value, int64_t now_s);

#endif
