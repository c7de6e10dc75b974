/* json_text - the text inside JSON strings: escapes resolved, escapes written. */
#include "common/base/json.h"

#include "common/base/err.h"
#include "common/base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "XXXX" behind "\u" at at[0..left): the code unit, or ERR_SYNTAX. */
static int code_unit(const char *at, size_t left)
{
	int unit = 0;

	if (left < 4)
		return ERR_SYNTAX;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return ERR_SYNTAX;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* "\uXXXX", or a pair of them, at at[0..left): its code point and the bytes it takes. */
static int code_point(const char *at, size_t left, size_t *ret_taken)
{
	int high = code_unit(at + 2, left - 2), low;

	*ret_taken = 6;
	if (high < 0 || high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || left < 12 || at[6] != '\\' || at[7] != 'u')
		return ERR_SYNTAX;
	low = code_unit(at + 8, left - 8);
	if (low < 0xdc00 || low > 0xdfff)
		return ERR_SYNTAX;
	*ret_taken = 12;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* One escape at at[0..left): its text and the bytes it takes; returns the text's length. */
static int resolve(const char *at, size_t left, char text[4], size_t *ret_taken)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *name;
	int code;

	if (left < 2 || at[1] == 0)
		return ERR_SYNTAX;
	if (at[1] == 'u') {
		code = code_point(at, left, ret_taken);
		return code < 0 ? code : (int)utf8_put(text, (uint32_t)code);
	}
	name = strchr(names, at[1]);
	if (!name)
		return ERR_SYNTAX;
	text[0] = bytes[name - names];
	*ret_taken = 2;
	return 1;
}

int json_unescape(struct json_str s, char *out, size_t cap)
{
	size_t from = 0, len = 0;

	if (cap > INT32_MAX)
		cap = INT32_MAX; /* the length is an int */
	while (from < s.len) {
		char text[4];
		size_t taken = 1;
		int n = 1;

		text[0] = s.at[from];
		if (text[0] == '\\')
			n = resolve(s.at + from, s.len - from, text, &taken);
		if (n < 0)
			return n;
		if ((size_t)n >= cap - len || len >= cap)
			return ERR_TOO_LONG;
		memcpy(out + len, text, (size_t)n);
		len += (size_t)n;
		from += taken;
	}
	if (len >= cap)
		return ERR_TOO_LONG;
	out[len] = 0;
	return (int)len;
}

static int quote_special(struct buf *out, unsigned char c)
{
	static const char bytes[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *byte = c ? strchr(bytes, c) : NULL;
	char escape[2] = {'\\', 0};

	if (!byte)
		return buf_printf(out, "\\u%04x", c);
	escape[1] = names[byte - bytes];
	return buf_append(out, escape, sizeof(escape));
}

/* The next piece: a run that needs nothing, a byte to escape, or one that is not UTF-8. */
static int quote_piece(struct buf *out, const char *text, size_t len, size_t *ret_taken)
{
	size_t run = 0, n;

	while (run < len) {
		unsigned char c = (unsigned char)text[run];

		n = c < ' ' || c == '"' || c == '\\' ? 0
			: utf8_sequence((const uint8_t *)text + run, len - run);
		if (n == 0)
			break;
		run += n;
	}
	*ret_taken = run > 0 ? run : 1;
	if (run > 0)
		return buf_append(out, text, run);
	if ((unsigned char)text[0] >= 0x80)
		return buf_append(out, REPLACEMENT, 3);
	return quote_special(out, (unsigned char)text[0]);
}

int json_quote(struct buf *out, const char *text, size_t len)
{
	size_t before = out->len, taken;
	int rc = buf_byte(out, '"');

	for (size_t at = 0; at < len && rc == 0; at += taken)
		rc = quote_piece(out, text + at, len - at, &taken);
	if (rc == 0)
		rc = buf_byte(out, '"');
	if (rc < 0)
		out->len = before;
	return rc;
}
