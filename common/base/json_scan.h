/* json_scan - what the files of the JSON reader share: its errors, its numbers, its state.
 *
 * Scanners go from `at` to behind their token, or return NULL where they failed.
 */
#ifndef NJ_BASE_JSON_SCAN_H
#define NJ_BASE_JSON_SCAN_H

#include "common/base/digits.h"
#include "common/base/err.h"
#include "common/base/json.h"

static inline bool fail(struct json *j, const char *at, int err)
{
	if (j->err == 0) {
		j->err = err;
		j->err_at = (size_t)(at - j->begin);
	}
	j->at = j->end;
	return false;
}

/* What stands at `at` cannot stand there, or nothing does. */
static inline bool fail_at(struct json *j, const char *at)
{
	return fail(j, at, at == j->end ? ERR_TRUNCATED : ERR_SYNTAX);
}

/* Venues send compact text: one comparison tells that there is no space. */
static inline const char *skip_space(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ' &&
	       (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* One digit or more. */
static inline const char *scan_digits(struct json *j, const char *at)
{
	const char *end = digits_skip(at, j->end);

	if (end > at)
		return end;
	fail_at(j, at);
	return NULL;
}

static inline const char *scan_number(struct json *j, const char *at)
{
	at += *at == '-';
	if (at < j->end && *at == '0')
		at++;
	else
		at = scan_digits(j, at);
	if (at && at < j->end && *at == '.')
		at = scan_digits(j, at + 1);
	if (at && at < j->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < j->end && (*at == '+' || *at == '-'))
			at++;
		at = scan_digits(j, at);
	}
	return at;
}

static inline enum json_kind kind_of(char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return c == '-' || is_digit(c) ? JSON_NUMBER : JSON_ERROR;
	}
}

/* First byte of the value that is due, or NULL. */
static inline const char *value(struct json *j)
{
	const char *at = skip_space(j->at, j->end);

	if (j->state == JSON_DUE && at < j->end)
		return at;
	if (j->state == JSON_DUE || at == j->end)
		fail(j, at, ERR_TRUNCATED);
	else
		fail(j, at, j->depth == 0 ? ERR_TRAILING : ERR_SYNTAX);
	return NULL;
}

/* Is a value due that begins at once and leaves room for its second byte? */
static inline bool is_compact(const struct json *j)
{
	return j->end - j->at >= 2 && j->state == JSON_DUE;
}

/* The value at `at` is not of the kind asked for. */
static inline bool fail_type(struct json *j, const char *at)
{
	return fail(j, at, kind_of(*at) == JSON_ERROR ? ERR_SYNTAX : ERR_TYPE);
}

/* `at` is behind a scalar, or NULL where its scanner failed. */
static inline bool after(struct json *j, const char *at)
{
	if (!at)
		return false;
	j->at = at;
	j->state = JSON_AFTER;
	return true;
}

#endif
