/* json - strict RFC 8259 pull reader over a buffer: no allocation, raw numbers, errors sticky.
 *
 * Read as many values as wanted, then ask json_finish() once: after the first error every call
 * returns false or an empty value and the position of the error is kept. Checks grammar, depth
 * (JSON_DEPTH_MAX), UTF-8 (also in what is skipped) and that nothing follows. Duplicate keys are
 * the caller's affair.
 *
 *     struct json j; struct json_str key, price = {0};
 *     json_init(&j, text, len);
 *     json_object(&j);
 *     while (json_key(&j, &key))
 *             if (json_str_is(key, "p")) json_string(&j, &price); else json_skip(&j);
 *     int rc = json_finish(&j);
 *
 * The buffer must stay alive while slices of it are used. It need not be NUL-terminated.
 */
#ifndef NJ_BASE_JSON_H
#define NJ_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/buf.h"

#define JSON_DEPTH_MAX 16

enum json_kind {
	JSON_ERROR, JSON_OBJECT, JSON_ARRAY, JSON_STRING,
	JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL,
};

enum json_state { JSON_DUE, JSON_FRESH, JSON_AFTER }; /* drawn in json.c */

struct json_str {
	const char *at; /* into the caller's buffer, escapes not resolved */
	size_t len;
	bool escaped; /* holds at least one backslash: use json_unescape */
};

struct json {
	const char *begin, *at, *end;
	int err;         /* first error, or 0 */
	size_t err_at;   /* its byte offset */
	uint32_t is_object; /* bit per depth, the innermost lowest */
	uint8_t depth;
	uint8_t state;   /* enum json_state */
	bool closed;     /* the last byte ends a container: runs of digits or letters stop there */
};

/* text may be NULL where len is 0. */
void json_init(struct json *j, const char *text, size_t len);

/* Kind of the value that is due, without consuming it; JSON_ERROR where none is. No error is
 * set. */
enum json_kind json_peek(struct json *j);

/* Enter a container. json_key: true and the key while members follow, false after '}' was consumed.
 * json_item: true while elements follow, false after ']' was consumed. A value that was not read
 * since the last of either is skipped, fully checked. */
bool json_object(struct json *j);
bool json_array(struct json *j);
bool json_key(struct json *j, struct json_str *ret_key);
bool json_item(struct json *j);

/* Scalars. A value of another type is ERR_TYPE (sticky). json_number hands out the raw text. An
 * integer is digits with no point and no exponent, else ERR_TYPE; ERR_RANGE where it does not
 * fit. */
bool json_string(struct json *j, struct json_str *ret_text);
bool json_number(struct json *j, struct json_str *ret_text);
bool json_scalar_text(struct json *j, struct json_str *ret_text); /* of a string or a number */
bool json_i64(struct json *j, int64_t *ret_value);
bool json_u64(struct json *j, uint64_t *ret_value);
/* A decimal, as a string or as a number, exactly at this scale: fixed_parse of json_scalar_text in
 * one pass. Its errors become the reader's: ERR_SYNTAX, ERR_RANGE, ERR_INEXACT, ERR_ARG. */
bool json_fixed(struct json *j, int scale, int64_t *ret_value);
bool json_bool(struct json *j, bool *ret_value);
bool json_null(struct json *j);

/* Consumes one value of any kind, fully checked; json_raw also hands out its text. */
bool json_skip(struct json *j);
bool json_raw(struct json *j, struct json_str *ret_text);

/* For readers with a quicker way for what they usually meet: `at` is behind a whole value, or a whole member
 * with the comma before it, that the caller has checked himself, byte for byte as strictly as this reader would.
 * Allowed where a value is due (JSON_DUE) or, for a member, where one may follow (JSON_FRESH, JSON_AFTER). */
static inline void json_resume(struct json *j, const char *at)
{
	j->at = at;
	j->state = JSON_AFTER;
}

/* The same behind a key and its colon: a value is due. */
static inline void json_resume_due(struct json *j, const char *at)
{
	j->at = at;
	j->state = JSON_DUE;
}

/* 0, or the first error; ERR_TRAILING where bytes follow the value, ERR_TRUNCATED where it is not
 * complete. */
int json_finish(struct json *j);

static inline bool json_str_is(struct json_str s, const char *text)
{
	size_t n = strlen(text);
	return s.len == n && memcmp(s.at, text, n) == 0;
}

/* Resolves escapes into out (NUL-terminated; cap counts the NUL). Returns the length, which
 * "\u0000" makes larger than strlen; ERR_TOO_LONG, ERR_SYNTAX (lone surrogate). out may hold a part
 * of it on failure. */
int json_unescape(struct json_str s, char *out, size_t cap);

/* Appends a JSON string with quotes, escaping what RFC 8259 demands; each byte that is not
 * UTF-8 becomes U+FFFD. ERR_FULL, ERR_NOMEM: nothing is appended. */
int json_quote(struct buf *out, const char *text, size_t len);

#endif
