/* log_line - the pairs format is walked here, not by printf: only so it is known where a value
 * begins and ends, whatever the value contains.
 *
 * A terminal never sees a control character: C0, DEL, C1 and the marks that turn the direction of
 * writing are escaped, as are bytes that are not UTF-8.
 */
#include "common/io/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/utf8.h"

#define TAIL 64      /* kept free for the closing quote, truncated=true and the line feed */
#define PIECE_MAX 12 /* longest escape of one character */

/* ---- characters ---- */

static bool has_room(struct log_line *l, size_t n)
{
	if (l->len + n + TAIL <= LOG_LINE_MAX)
		return true;
	l->cut = true;
	return false;
}

static void put(struct log_line *l, const char *text, size_t n)
{
	must(l->len + n <= LOG_LINE_MAX);
	memcpy(l->at + l->len, text, n);
	l->len += n;
}

static uint32_t code_of(const uint8_t *at, size_t n)
{
	switch (n) {
	case 1:
		return at[0];
	case 2:
		return (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
	case 3:
		return (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 |
		       (at[2] & 0x3f);
	default:
		return 0x10000; /* nothing above needs an escape */
	}
}

static bool is_dangerous(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

/* Escape of one character into piece; 0 where it stands for itself. */
static size_t escape(char piece[PIECE_MAX], uint32_t code)
{
	static const char names[] = "\"\"\\\\\nn\rr\tt";
	for (const char *n = names; *n; n += 2)
		if (code == (unsigned char)n[0]) {
			piece[0] = '\\';
			piece[1] = n[1];
			return 2;
		}
	if (!is_dangerous(code))
		return 0;
	return (size_t)snprintf(piece, PIECE_MAX, "\\u%04" PRIx32, code);
}

/* Bytes that are no UTF-8 show as they are in logfmt, as U+FFFD in JSON, which has no way to say
 * them. */
static size_t escape_byte(char piece[PIECE_MAX], uint8_t byte, bool json)
{
	if (json)
		return utf8_put(piece, 0xfffd);
	return (size_t)snprintf(piece, PIECE_MAX, "\\x%02x", byte);
}

static void put_escaped(struct log_line *l, const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + len;
	while (at < end && has_room(l, PIECE_MAX)) {
		char piece[PIECE_MAX];
		size_t n = utf8_sequence(at, (size_t)(end - at));
		size_t escaped =
			n ? escape(piece, code_of(at, n)) : escape_byte(piece, *at, l->json);
		if (escaped)
			put(l, piece, escaped);
		else
			put(l, (const char *)at, n);
		at += n ? n : 1;
	}
}

/* ---- pairs ---- */

static void put_literal(struct log_line *l, const char *text)
{
	put(l, text, strlen(text));
}

/* Writes the key; false where the line is full. */
static bool put_key(struct log_line *l, const char *key, size_t key_len)
{
	if (!has_room(l, key_len + 16))
		return false;
	bool first = l->len == (l->json ? 1 : 0);
	if (l->json) {
		put_literal(l, first ? "\"" : ",\"");
		put_escaped(l, key, key_len);
		put_literal(l, "\":");
	} else {
		if (!first)
			put_literal(l, " ");
		put_escaped(l, key, key_len);
		put_literal(l, "=");
	}
	return true;
}

static bool is_bare(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"=\\", text[i]))
			return false;
	return len > 0;
}

static void put_value(struct log_line *l, const char *text, size_t len, bool number)
{
	bool bare = (number || !l->json) && is_bare(text, len);
	if (!bare)
		put_literal(l, "\"");
	put_escaped(l, text, len);
	if (!bare)
		put_literal(l, "\"");
}

void log_line_begin(struct log_line *l, bool json)
{
	l->len = 0;
	l->json = json;
	l->cut = false;
	if (json)
		put_literal(l, "{");
}

void log_line_text(struct log_line *l, const char *key, const char *value)
{
	if (put_key(l, key, strlen(key)))
		put_value(l, value, strlen(value), false);
}

void log_line_u64(struct log_line *l, const char *key, uint64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof text, "%" PRIu64, value);
	if (put_key(l, key, strlen(key)))
		put_value(l, text, (size_t)len, true);
}

void log_line_end(struct log_line *l)
{
	if (l->cut)
		put_literal(l, l->json ? ",\"truncated\":true" : " truncated=true");
	put_literal(l, l->json ? "}\n" : "\n");
}

/* ---- the pairs format ---- */

/* A value under construction: what printf would have written between one '=' and the next space. */
struct value {
	char at[LOG_LINE_MAX];
	size_t len;
	int conversions, others; /* numbers in it, and anything else */
};

static void value_put(struct value *v, const char *text, size_t len)
{
	size_t room = sizeof v->at - v->len;
	if (len > room)
		len = utf8_cut(text, len, room);
	memcpy(v->at + v->len, text, len);
	v->len += len;
}

struct spec {
	char text[24]; /* the conversion as written, its length letters replaced */
	size_t len;
	char kind, length; /* length: one of h H(hh) l L(ll) z j t, or 0 */
	int precision;     /* -1: none */
};

static void spec_put(struct spec *s, char c)
{
	must(s->len + 1 < sizeof s->text); /* the formats are our own constants */
	s->text[s->len++] = c;
	s->text[s->len] = '\0';
}

/* Reads one conversion behind its '%'; returns where it ends. Stars are taken from the arguments.
 */
static const char *read_spec(struct spec *s, const char *at, va_list *args)
{
	*s = (struct spec){.precision = -1};
	spec_put(s, '%');
	while (*at && strchr("-+ #0123456789", *at))
		spec_put(s, *at++);
	if (*at == '.') {
		s->precision = 0;
		at++;
		if (*at == '*') {
			s->precision = va_arg(*args, int);
			at++;
		}
		while (*at >= '0' && *at <= '9')
			s->precision = s->precision * 10 + (*at++ - '0');
	}
	while (*at && strchr("hlzjt", *at)) {
		s->length = s->length == *at ? (char)(*at - 'a' + 'A') : *at;
		at++;
	}
	s->kind = *at;
	return *at ? at + 1 : at;
}

static intmax_t take_signed(const struct spec *s, va_list *args)
{
	switch (s->length) {
	case 'l':
		return va_arg(*args, long);
	case 'L':
		return va_arg(*args, long long);
	case 'z':
		return va_arg(*args, ssize_t);
	case 'j':
		return va_arg(*args, intmax_t);
	case 't':
		return va_arg(*args, ptrdiff_t);
	case 'H':
		return (signed char)va_arg(*args, int);
	case 'h':
		return (short)va_arg(*args, int);
	default:
		return va_arg(*args, int);
	}
}

static uintmax_t take_unsigned(const struct spec *s, va_list *args)
{
	switch (s->length) {
	case 'l':
		return va_arg(*args, unsigned long);
	case 'L':
		return va_arg(*args, unsigned long long);
	case 'z':
		return va_arg(*args, size_t);
	case 'j':
		return va_arg(*args, uintmax_t);
	case 't':
		return (uintmax_t)va_arg(*args, ptrdiff_t);
	case 'H':
		return (unsigned char)va_arg(*args, unsigned);
	case 'h':
		return (unsigned short)va_arg(*args, unsigned);
	default:
		return va_arg(*args, unsigned);
	}
}

/* The compiler checked each format where log_write is called; here it is put together again from
 * its parts. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void value_number(struct value *v, struct spec *s, va_list *args)
{
	char text[128];
	int len;
	bool real = strchr("fFeEgG", s->kind) != NULL;
	if (s->precision >= 0) {
		int n = s->precision > 60 ? 60 : s->precision;
		spec_put(s, '.');
		spec_put(s, (char)('0' + n / 10));
		spec_put(s, (char)('0' + n % 10));
	}
	if (!real)
		spec_put(s, 'j');
	spec_put(s, s->kind);
	if (real)
		len = snprintf(text, sizeof text, s->text, va_arg(*args, double));
	else if (s->kind == 'd' || s->kind == 'i')
		len = snprintf(text, sizeof text, s->text, take_signed(s, args));
	else
		len = snprintf(text, sizeof text, s->text, take_unsigned(s, args));
	value_put(v, text, len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
	/* JSON knows no hexadecimal, no leading zero or plus, and no NaN. */
	bool plain = strchr("diu", s->kind) || (real && strpbrk(text, "nNiI") == NULL);
	bool decorated = s->text[1] && strchr("-+ #0123456789", s->text[1]);
	v->conversions += plain && !decorated;
	v->others += !(plain && !decorated);
}
#pragma GCC diagnostic pop

static void value_other(struct value *v, const struct spec *s, va_list *args)
{
	char text[32];
	v->others++;
	if (s->kind == 's') {
		const char *string = va_arg(*args, const char *);
		if (!string)
			string = "(null)";
		size_t max = s->precision >= 0 ? (size_t)s->precision : sizeof v->at;
		value_put(v, string, strnlen(string, max));
	} else if (s->kind == 'c') {
		text[0] = (char)va_arg(*args, int);
		value_put(v, text, 1);
	} else if (s->kind == 'p') {
		int len = snprintf(text, sizeof text, "%p", va_arg(*args, void *));
		value_put(v, text, (size_t)len);
	} else {
		must(s->kind == '%');
		value_put(v, "%", 1);
	}
}

/* Reads one value up to the separating space or the end of the format. */
static const char *read_value(struct value *v, const char *at, va_list *args)
{
	v->len = 0;
	v->conversions = v->others = 0;
	while (*at && *at != ' ') {
		if (*at != '%') {
			value_put(v, at++, 1);
			v->others++;
			continue;
		}
		struct spec s;
		at = read_spec(&s, at + 1, args);
		if (s.kind && strchr("diouxXfFeEgG", s.kind))
			value_number(v, &s, args);
		else
			value_other(v, &s, args);
	}
	return at;
}

void log_line_pairs(struct log_line *l, const char *format, va_list args)
{
	struct value v;
	va_list rest;
	va_copy(rest, args);
	for (const char *at = format; *at;) {
		size_t key_len = strcspn(at, "=");
		must(at[key_len] == '=' && memchr(at, '%', key_len) == NULL);
		const char *key = at;
		at = read_value(&v, at + key_len + 1, &rest);
		if (put_key(l, key, key_len))
			put_value(l, v.at, v.len, v.conversions == 1 && v.others == 0);
		while (*at == ' ')
			at++;
	}
	va_end(rest);
}
