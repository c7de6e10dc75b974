/* utf8 - one sequence at a time, by the table of RFC 3629 section 4; ASCII by whole words. */
#include "common/base/utf8.h"

#include <string.h>

#include "common/base/check.h"

static bool is_tail(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Only the second byte has a narrower range, and only behind four of the leads. */
static bool is_second(uint8_t lead, uint8_t byte)
{
	switch (lead) {
	case 0xe0:
		return byte >= 0xa0 && byte <= 0xbf;
	case 0xed:
		return byte >= 0x80 && byte <= 0x9f;
	case 0xf0:
		return byte >= 0x90 && byte <= 0xbf;
	case 0xf4:
		return byte >= 0x80 && byte <= 0x8f;
	default:
		return is_tail(byte);
	}
}

static size_t length_by_lead(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t utf8_sequence(const uint8_t *at, size_t len)
{
	size_t n = len > 0 ? length_by_lead(at[0]) : 0;

	if (n == 0 || n > len)
		return 0;
	if (n > 1 && !is_second(at[0], at[1]))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!is_tail(at[i]))
			return 0;
	return n;
}

bool utf8_valid(const void *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = at + len;
	uint64_t word;
	size_t n;

	while (at < end) {
		if ((size_t)(end - at) >= sizeof(word)) {
			memcpy(&word, at, sizeof(word));
			if ((word & 0x8080808080808080u) == 0) {
				at += sizeof(word);
				continue;
			}
		}
		n = utf8_sequence(at, (size_t)(end - at));
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
	size_t n = max;

	if (len <= max)
		return len;
	while (n > 0 && is_tail((uint8_t)text[n]))
		n--;
	return n;
}

size_t utf8_put(char out[4], uint32_t code)
{
	must(code <= 0x10ffff && (code < 0xd800 || code > 0xdfff));
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}
