/* symbol - the only place where text becomes an instrument id. */
#include "common/base/symbol.h"

#include <string.h>

#include "common/base/err.h"
#include "common/base/hash.h"

/* By range, not by ctype: a locale must not widen what reaches a path. */
static bool is_venue_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_raw_byte(char c)
{
	return is_venue_byte(c) || (c >= 'a' && c <= 'z') || c == '-';
}

static int check_part(const char *text, size_t len, size_t max, bool (*is_good)(char))
{
	if (len == 0)
		return ERR_SYNTAX;
	if (len > max)
		return ERR_TOO_LONG;
	for (size_t i = 0; i < len; i++)
		if (!is_good(text[i]))
			return ERR_SYNTAX;
	return 0;
}

static int join(const char *raw, size_t raw_len, const char *venue, size_t venue_len,
		struct symbol *ret_symbol)
{
	struct symbol s;
	int rc = check_part(raw, raw_len, SYMBOL_RAW_MAX, is_raw_byte);

	if (rc == 0)
		rc = check_part(venue, venue_len, SYMBOL_VENUE_MAX, is_venue_byte);
	if (rc < 0)
		return rc;
	memset(&s, 0, sizeof(s));
	memcpy(s.s, raw, raw_len);
	s.s[raw_len] = '.';
	memcpy(s.s + raw_len + 1, venue, venue_len);
	*ret_symbol = s;
	return 0;
}

int symbol_make(const char *raw, size_t raw_len, const char *venue, struct symbol *ret_symbol)
{
	return join(raw, raw_len, venue, strnlen(venue, SYMBOL_VENUE_MAX + 1), ret_symbol);
}

int symbol_parse(const char *text, size_t len, struct symbol *ret_symbol)
{
	const char *dot = len > 0 ? memchr(text, '.', len) : NULL;
	size_t raw_len;

	if (!dot)
		return len > SYMBOL_RAW_MAX ? ERR_TOO_LONG : ERR_SYNTAX;
	raw_len = (size_t)(dot - text);
	return join(text, raw_len, dot + 1, len - raw_len - 1, ret_symbol);
}

/* The bytes after the NUL are zero, so that the whole struct compares. */
bool symbol_equal(const struct symbol *a, const struct symbol *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

size_t symbol_raw_len(const struct symbol *s)
{
	return strcspn(s->s, ".");
}

const char *symbol_venue(const struct symbol *s)
{
	const char *dot = strchr(s->s, '.');

	return dot ? dot + 1 : "";
}

uint64_t symbol_hash(const struct symbol *s)
{
	return hash_bytes(s->s, strlen(s->s));
}
