/* json_walk - reads a whole text by the pull reader's typed calls and checks what it hands out. */
#ifndef NJ_TESTS_JSON_WALK_H
#define NJ_TESTS_JSON_WALK_H

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "common/base/utf8.h"

/* Text that comes out of an escape goes back through json_quote and comes out the same. */
static void walk_text(const struct json *j, struct json_str s)
{
	char *plain = malloc(s.len + 1), *again = malloc(s.len + 1);
	struct json_str inner;
	struct buf quoted;
	struct json k;
	int n, m;

	must(s.at >= j->begin && s.at + s.len <= j->end);
	must(s.escaped == (s.len > 0 && memchr(s.at, '\\', s.len) != NULL));
	must(utf8_valid(s.at, s.len));
	must(plain && again);
	n = json_unescape(s, plain, s.len + 1); /* never longer than the escapes */
	must(n >= 0 || (n == ERR_SYNTAX && s.escaped));
	if (n >= 0) {
		must((size_t)n <= s.len && plain[n] == 0 && utf8_valid(plain, (size_t)n));
		must(s.escaped || (size_t)n == s.len);
		must(json_unescape(s, again, (size_t)n) == ERR_TOO_LONG);
		buf_init(&quoted, 6 * s.len + 2);
		must(json_quote(&quoted, plain, (size_t)n) == 0);
		json_init(&k, (const char *)quoted.at, quoted.len);
		must(json_string(&k, &inner) && json_finish(&k) == 0);
		m = json_unescape(inner, again, s.len + 1);
		must(m == n && memcmp(plain, again, (size_t)n) == 0);
		buf_fini(&quoted);
	}
	free(plain);
	free(again);
}

/* A number's text is a number to fixed_parse, too: whatever it refuses it refuses for its size. */
static void walk_number(const struct json *j, struct json_str s)
{
	char text[FIXED_TEXT_MAX];
	int64_t value, again;
	size_t len;
	int rc;

	must(s.at >= j->begin && s.at + s.len <= j->end && s.len > 0 && !s.escaped);
	rc = fixed_parse(s.at, s.len, 8, &value);
	must(rc == 0 || rc == ERR_RANGE || rc == ERR_INEXACT);
	if (rc == 0) {
		len = fixed_format(text, sizeof(text), value, 8);
		must(fixed_parse(text, len, 8, &again) == 0 && again == value);
	}
}

/* Tries both integer readers on a copy of the reader: they agree with the number's text. */
static void walk_integer(const struct json *j)
{
	struct json a = *j, b = *j, c = *j;
	int64_t i = -5, exact;
	uint64_t u = 5;
	struct json_str s;
	bool is_i = json_i64(&a, &i), is_u = json_u64(&b, &u);

	if (!json_number(&c, &s)) {
		must(!is_i && !is_u && a.err < 0 && b.err < 0 && i == -5 && u == 5);
		return;
	}
	must(is_i || a.err == ERR_TYPE || a.err == ERR_RANGE);
	must(is_u || b.err == ERR_TYPE || b.err == ERR_RANGE);
	must(!is_i || (a.at == c.at && fixed_parse(s.at, s.len, 0, &exact) == 0 && exact == i));
	must(!is_u || b.at == c.at);
	must(!is_i || i < 0 || (is_u && u == (uint64_t)i));
	must(is_i || is_u || s.at[0] == '-' || s.len > 19 || memchr(s.at, '.', s.len) ||
	     memchr(s.at, 'e', s.len) || memchr(s.at, 'E', s.len));
}

/* One pass or two, the decimal and its error are the same. */
static void walk_fixed(const struct json *j)
{
	static const int scales[] = {0, 2, 8, 18, -1, 19};

	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		struct json one = *j, two = *j;
		int64_t got = -5, want = -5;
		struct json_str s;
		int rc = 0;

		json_fixed(&one, scales[i], &got);
		if (json_scalar_text(&two, &s))
			rc = fixed_parse(s.at, s.len, scales[i], &want);
		must(got == want && one.err == (two.err < 0 ? two.err : rc));
		must(one.err < 0 ? one.at == one.end : one.at == two.at && one.state == two.state);
	}
}

static void walk_scalar(struct json *j, enum json_kind kind)
{
	struct json_str s = {0};
	bool truth;

	switch (kind) {
	case JSON_STRING:
		walk_fixed(j);
		if (json_scalar_text(j, &s))
			walk_text(j, s);
		return;
	case JSON_NUMBER:
		walk_integer(j);
		walk_fixed(j);
		if (json_scalar_text(j, &s))
			walk_number(j, s);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		if (json_bool(j, &truth))
			must(truth == (kind == JSON_TRUE));
		return;
	case JSON_NULL:
		json_null(j);
		return;
	default:
		json_skip(j); /* where no value is, the error is set */
		must(j->err < 0);
	}
}

/* Reads the value that is due; nested as deep as the reader allows. */
static void walk_value(struct json *j)
{
	enum json_kind kind = json_peek(j);
	struct json_str key = {0};

	if (kind == JSON_OBJECT) {
		json_object(j);
		while (json_key(j, &key)) {
			walk_text(j, key);
			walk_value(j);
		}
	} else if (kind == JSON_ARRAY) {
		json_array(j);
		while (json_item(j))
			walk_value(j);
	} else {
		walk_scalar(j, kind);
	}
}

/* Reads nothing but the members themselves: each value is left for the next call to skip. */
static int walk_lazily(const char *text, size_t len)
{
	enum json_kind kind;
	struct json_str key;
	struct json j;

	json_init(&j, text, len);
	kind = json_peek(&j);
	if (kind == JSON_OBJECT) {
		json_object(&j);
		while (json_key(&j, &key))
			;
	} else if (kind == JSON_ARRAY) {
		json_array(&j);
		while (json_item(&j))
			;
	} else {
		json_skip(&j);
	}
	return json_finish(&j);
}

/* All ways through a text end in the same verdict, which is returned. */
static int walk(const char *text, size_t len)
{
	struct json pull, skip, raw;
	struct json_str all = {0};
	int rc;

	json_init(&pull, text, len);
	walk_value(&pull);
	rc = json_finish(&pull);
	must(rc <= 0 && rc == json_finish(&pull) && pull.err_at <= len);
	if (rc < 0) {
		must(!json_skip(&pull) && !json_key(&pull, &all) && !json_item(&pull));
		must(json_peek(&pull) == JSON_ERROR && json_finish(&pull) == rc);
	}
	json_init(&skip, text, len);
	json_skip(&skip);
	must(json_finish(&skip) == rc && skip.err_at == pull.err_at);
	json_init(&raw, text, len);
	must(json_raw(&raw, &all) == (rc == 0 || rc == ERR_TRAILING));
	must(json_finish(&raw) == rc);
	must(walk_lazily(text, len) == rc);
	return rc;
}

#endif
