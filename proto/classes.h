/* classes - which characters names of publishers, symbols and topics may hold, in blocks of 16.
 *
 * Vectors of gcc and clang: a comparison gives -1 in each lane where it holds. The lanes are
 * signed, so a byte beyond ASCII is below zero and in no class. */
#ifndef NJ_PROTO_CLASSES_H
#define NJ_PROTO_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

#define CLASSES_LANES 16

typedef int8_t classes_block __attribute__((vector_size(CLASSES_LANES)));

/* The lanes below n, 0 <= n <= 17. */
WIRE_HOT classes_block classes_below(size_t n)
{
	static const int8_t lanes[2 * CLASSES_LANES + 1] = {-1, -1, -1, -1, -1, -1, -1, -1, -1,
							    -1, -1, -1, -1, -1, -1, -1, -1};
	classes_block b;

	memcpy(&b, lanes + CLASSES_LANES + 1 - n, sizeof b);
	return b;
}

/* [a-z0-9_-] */
WIRE_HOT classes_block classes_lower(classes_block b)
{
	return ((b >= 'a') & (b <= 'z')) | ((b >= '0') & (b <= '9')) | (b == '_') | (b == '-');
}

/* [A-Za-z0-9_-]: raw symbols and tokens of topics. The bit 0x20 turns capitals into small
 * letters. */
WIRE_HOT classes_block classes_token(classes_block b)
{
	classes_block small = b | 0x20;

	return ((small >= 'a') & (small <= 'z')) | ((b >= '0') & (b <= '9')) | (b == '_') |
	       (b == '-');
}

/* [A-Z0-9_] */
WIRE_HOT classes_block classes_venue(classes_block b)
{
	return ((b >= 'A') & (b <= 'Z')) | ((b >= '0') & (b <= '9')) | (b == '_');
}

/* The first lane that is set, or 16. Lanes are bytes in the order of memory. */
WIRE_HOT size_t classes_first(classes_block b)
{
	uint64_t half[2];

	memcpy(half, &b, sizeof half);
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		half[0] = __builtin_bswap64(half[0]);
		half[1] = __builtin_bswap64(half[1]);
	}
	if (half[0] != 0)
		return (size_t)__builtin_ctzll(half[0]) / 8;
	return half[1] != 0 ? 8 + (size_t)__builtin_ctzll(half[1]) / 8 : CLASSES_LANES;
}

WIRE_HOT bool classes_any(classes_block b)
{
	uint64_t half[2];

	memcpy(half, &b, sizeof half);
	return (half[0] | half[1]) != 0;
}

/* The block at text, of which `max` bytes may be read and the first `len` count. */
WIRE_HOT classes_block classes_load(const char *text, size_t len, size_t max)
{
	classes_block b = {0};

	if (WIRE_RARE(max < sizeof b))
		memcpy(&b, text, len < max ? len : max);
	else
		memcpy(&b, text, sizeof b);
	return b;
}

/* Length of the text in a field of max >= 16 bytes, at most max - 1. *ret_ascii: no byte of it is
 * beyond ASCII. */
WIRE_HOT size_t classes_len(const char *text, size_t max, bool *ret_ascii)
{
	const classes_block zero = {0};
	classes_block high = {0};
	size_t i = 0;

	for (; i + CLASSES_LANES <= max; i += CLASSES_LANES) {
		classes_block b = classes_load(text + i, CLASSES_LANES, max - i);
		size_t n = classes_first(b == zero);
		high |= (b < zero) & classes_below(n);
		if (n < CLASSES_LANES) {
			*ret_ascii = !classes_any(high);
			return i + n;
		}
	}
	*ret_ascii = !classes_any(high);
	for (; i + 1 < max && text[i] != '\0'; i++)
		*ret_ascii = *ret_ascii && text[i] > 0;
	return i < max ? i : max - 1;
}

/* The text of len, of max readable bytes, is a publisher's name: [a-z0-9_-]+ */
WIRE_HOT bool classes_source(const char *text, size_t len, size_t max)
{
	classes_block bad = {0};

	for (size_t i = 0; i < len; i += CLASSES_LANES) {
		size_t left = len - i < CLASSES_LANES ? len - i : CLASSES_LANES;
		bad |= ~classes_lower(classes_load(text + i, left, max - i)) & classes_below(left);
	}
	return !classes_any(bad) && len > 0;
}

/* A token of a topic: [A-Za-z0-9_-]+ */
bool classes_is_token(const char *text, size_t len, size_t max);

/* Where the dot is in the text of len, of max readable bytes; 0 where symbol_parse would refuse
 * it. */
size_t classes_symbol(const char *text, size_t len, size_t max);

#endif
