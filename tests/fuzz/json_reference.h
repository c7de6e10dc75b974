/* json_reference - a second opinion on JSON: RFC 8259 by recursive descent, slow and plain. */
#ifndef NJ_TESTS_JSON_REFERENCE_H
#define NJ_TESTS_JSON_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ref {
	const unsigned char *at, *end;
	int depth_max;
};

static bool ref_value(struct ref *r, int depth);

static void ref_space(struct ref *r)
{
	while (r->at < r->end && memchr(" \t\r\n", *r->at, 4))
		r->at++;
}

static bool ref_byte(struct ref *r, unsigned char byte)
{
	if (r->at == r->end || *r->at != byte)
		return false;
	r->at++;
	return true;
}

static bool ref_one_of(struct ref *r, const char *bytes)
{
	return r->at < r->end && memchr(bytes, *r->at, strlen(bytes)) ? r->at++, true : false;
}

/* One code point from U+0080 on: decoded by arithmetic, judged afterwards. */
static bool ref_code_point(struct ref *r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned lead = *r->at++;
	unsigned n = lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
	uint32_t code = lead & (0x7fu >> n);

	for (unsigned i = 1; i < n; i++) {
		if (r->at == r->end || (*r->at & 0xc0) != 0x80)
			return false;
		code = code << 6 | (*r->at++ & 0x3fu);
	}
	return n > 0 && code >= least[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static bool ref_escape(struct ref *r)
{
	if (!ref_byte(r, 'u'))
		return ref_one_of(r, "\"\\/bfnrt");
	for (int i = 0; i < 4; i++)
		if (!ref_one_of(r, "0123456789abcdefABCDEF"))
			return false;
	return true;
}

static bool ref_string(struct ref *r)
{
	if (!ref_byte(r, '"'))
		return false;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at < ' ')
			return false;
		if (*r->at >= 0x80 ? !ref_code_point(r) : ref_byte(r, '\\') ? !ref_escape(r) :
		    (r->at++, false))
			return false;
	}
	return ref_byte(r, '"');
}

static bool ref_digits(struct ref *r)
{
	if (!ref_one_of(r, "0123456789"))
		return false;
	while (ref_one_of(r, "0123456789"))
		;
	return true;
}

static bool ref_number(struct ref *r)
{
	ref_byte(r, '-');
	if (!ref_byte(r, '0') && !ref_digits(r))
		return false;
	if (ref_byte(r, '.') && !ref_digits(r))
		return false;
	if (ref_one_of(r, "eE")) {
		ref_one_of(r, "+-");
		return ref_digits(r);
	}
	return true;
}

static bool ref_word(struct ref *r, const char *word)
{
	for (; *word; word++)
		if (!ref_byte(r, (unsigned char)*word))
			return false;
	return true;
}

static bool ref_member(struct ref *r, bool is_object, int depth)
{
	if (is_object) {
		ref_space(r);
		if (!ref_string(r))
			return false;
		ref_space(r);
		if (!ref_byte(r, ':'))
			return false;
	}
	return ref_value(r, depth);
}

static bool ref_container(struct ref *r, bool is_object, int depth)
{
	unsigned char close = is_object ? '}' : ']';

	r->at++;
	if (depth > r->depth_max)
		return false;
	ref_space(r);
	if (ref_byte(r, close))
		return true;
	do {
		if (!ref_member(r, is_object, depth))
			return false;
	} while (ref_byte(r, ','));
	return ref_byte(r, close);
}

/* A value with the space around it. */
static bool ref_value(struct ref *r, int depth)
{
	bool good = false;

	ref_space(r);
	if (r->at == r->end)
		return false;
	if (*r->at == '{' || *r->at == '[')
		good = ref_container(r, *r->at == '{', depth + 1);
	else if (*r->at == '"')
		good = ref_string(r);
	else if (*r->at == 't')
		good = ref_word(r, "true");
	else if (*r->at == 'f')
		good = ref_word(r, "false");
	else if (*r->at == 'n')
		good = ref_word(r, "null");
	else
		good = ref_number(r);
	ref_space(r);
	return good;
}

static bool ref_is_json(const void *text, size_t len, int depth_max)
{
	struct ref r = {text, (const unsigned char *)text + len, depth_max};

	return len > 0 && ref_value(&r, 0) && r.at == r.end;
}

#endif
