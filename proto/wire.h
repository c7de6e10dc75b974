/* wire - msgpack's own bytes: integers, strings and list heads, written and read in place.
 *
 * Writers take the output's offset and return the next one. They fail by returning WIRE_FULL or WIRE_ARG, which
 * every later writer hands on, so that a chain of them is checked once, at its end. Readers take and return a
 * pointer into the input; they fail by returning NULL and setting *err. Both expect the common case (room for
 * the longest form) inline; what is near the end of the memory goes through the careful functions of wire.c.
 */
#ifndef NJ_PROTO_WIRE_H
#define NJ_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/err.h"

#define WIRE_FULL (SIZE_MAX / 2)    /* the output has no room */
#define WIRE_ARG (SIZE_MAX / 2 + 1) /* the event breaks a rule of its own */
#define WIRE_INT_MAX 9              /* bytes of the longest integer */

/* Functions of the hot path are expanded where they are used, those of the cold one never. */
#define WIRE_HOT static inline __attribute__((always_inline))
#define WIRE_RARE(expr) __builtin_expect((expr), 0)

size_t wire_put_tight(uint8_t *out, size_t cap, size_t n, uint64_t bits, bool negative);
size_t wire_put_bytes(uint8_t *out, size_t cap, size_t n, const void *bytes, size_t len);
size_t wire_put_long(uint8_t *out, size_t cap, size_t n, const char *text, size_t len);
size_t wire_put_foreign(uint8_t *out, size_t cap, size_t n, const char *text, size_t len);
size_t wire_put_array(uint8_t *out, size_t cap, size_t n, uint32_t count);
size_t wire_put_bin(uint8_t *out, size_t cap, size_t n, const void *bytes, uint32_t len);

const uint8_t *wire_get_tight(const uint8_t *at, const uint8_t *end, uint64_t *bits, bool *negative, int *err);
const uint8_t *wire_get_str(const uint8_t *at, const uint8_t *end, size_t *len, int *err);
const uint8_t *wire_get_array(const uint8_t *at, const uint8_t *end, uint32_t *count, int *err);
const uint8_t *wire_get_bin(const uint8_t *at, const uint8_t *end, size_t *len, int *err);

WIRE_HOT const uint8_t *wire_fail(int *err, int error)
{
	*err = error;
	return NULL;
}

/* Big-endian words at any address. */
WIRE_HOT uint64_t wire_swap64(uint64_t v)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

WIRE_HOT void wire_store64(uint8_t *at, uint64_t v)
{
	v = wire_swap64(v);
	memcpy(at, &v, sizeof v);
}

WIRE_HOT uint64_t wire_load64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v);
	return wire_swap64(v);
}

/* The shortest form of a number: one store of eight bytes, of which the form's own are kept. */
WIRE_HOT size_t wire_put_bits(uint8_t *out, size_t cap, size_t n, uint64_t bits, bool negative)
{
	if (WIRE_RARE(n + WIRE_INT_MAX > cap))
		return wire_put_tight(out, cap, n, bits, negative);
	if (negative ? (int64_t)bits >= -32 : bits < 128) {
		out[n] = (uint8_t)bits;
		return n + 1;
	}
	/* Two's complement: a negative number needs the width of its complement and a sign bit. */
	uint64_t size = negative ? ~bits << 1 : bits;
	unsigned power = (unsigned)((size > UINT8_MAX) + (size > UINT16_MAX) + (size > UINT32_MAX));
	unsigned bytes = 1u << power;
	out[n] = (uint8_t)((negative ? 0xd0 : 0xcc) + power);
	wire_store64(out + n + 1, bits << (64 - 8 * bytes));
	return n + 1 + bytes;
}

WIRE_HOT size_t wire_put_u64(uint8_t *out, size_t cap, size_t n, uint64_t v)
{
	return wire_put_bits(out, cap, n, v, false);
}

WIRE_HOT size_t wire_put_i64(uint8_t *out, size_t cap, size_t n, int64_t v)
{
	return wire_put_bits(out, cap, n, (uint64_t)v, v < 0);
}

/* Always nine bytes, so that it can be rewritten in place. */
WIRE_HOT size_t wire_put_fixed64(uint8_t *out, size_t cap, size_t n, int64_t v)
{
	if (WIRE_RARE(n + WIRE_INT_MAX > cap))
		return n > cap ? n : WIRE_FULL;
	out[n] = 0xd3;
	wire_store64(out + n + 1, (uint64_t)v);
	return n + WIRE_INT_MAX;
}

WIRE_HOT size_t wire_put_byte(uint8_t *out, size_t cap, size_t n, uint8_t byte)
{
	if (WIRE_RARE(n + 1 > cap))
		return n > cap ? n : WIRE_FULL;
	out[n] = byte;
	return n + 1;
}

/* Length of the text in a field of max bytes, at most max - 1, eight bytes at a time; *ret_high gets a set high
 * bit where one of its bytes is not ASCII. */
WIRE_HOT size_t wire_text_len(const char *text, size_t max, uint64_t *ret_high)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t high = 0;
	size_t i = 0;

	for (; i + 8 <= max; i += 8) {
		uint64_t word = __builtin_bswap64(wire_load64((const uint8_t *)text + i));
		uint64_t zero = (word - ones) & ~word & highs;
		if (zero != 0) {
			*ret_high = high | (word & highs & (zero ^ (zero - 1)));
			return i + (size_t)__builtin_ctzll(zero) / 8;
		}
		high |= word & highs;
	}
	for (; i + 1 < max && text[i] != '\0'; i++)
		high |= (uint64_t)(text[i] & 0x80);
	*ret_high = high;
	return i < max ? i : max - 1;
}

/* A text field of max bytes. Short ones are copied as one block of constant size, whatever their length. */
WIRE_HOT size_t wire_put_text(uint8_t *out, size_t cap, size_t n, const char *text, size_t max)
{
	const size_t block = max < 32 ? max : 32;
	uint64_t high;
	size_t len = wire_text_len(text, max, &high);

	if (WIRE_RARE(high != 0))
		return wire_put_foreign(out, cap, n, text, len);
	if (WIRE_RARE(len >= 32 || n + 1 + block > cap))
		return wire_put_long(out, cap, n, text, len);
	out[n] = (uint8_t)(0xa0 | len);
	memcpy(out + n + 1, text, block);
	return n + 1 + len;
}

/* An integer of any form: its two's complement bits and whether it is below zero. */
WIRE_HOT const uint8_t *wire_get_bits(const uint8_t *at, const uint8_t *end, uint64_t *bits, bool *negative,
				      int *err)
{
	if (WIRE_RARE(end - at < WIRE_INT_MAX))
		return wire_get_tight(at, end, bits, negative, err);
	uint8_t byte = *at;
	if (byte < 0x80) {
		*bits = byte;
		*negative = false;
		return at + 1;
	}
	unsigned form = byte - 0xccu;
	if (form < 8) {
		unsigned bytes = 1u << (form & 3), shift = 64 - 8 * bytes;
		uint64_t word = wire_load64(at + 1);
		*bits = form < 4 ? word >> shift : (uint64_t)((int64_t)word >> shift);
		*negative = form >= 4 && (int64_t)word < 0;
		return at + 1 + bytes;
	}
	if (byte < 0xe0)
		return wire_fail(err, ERR_TYPE);
	*bits = (uint64_t)(int8_t)byte;
	*negative = true;
	return at + 1;
}

WIRE_HOT const uint8_t *wire_get_i64(const uint8_t *at, const uint8_t *end, int64_t *v, int *err)
{
	uint64_t bits;
	bool negative;

	if ((at = wire_get_bits(at, end, &bits, &negative, err)) == NULL)
		return NULL;
	if (WIRE_RARE(!negative && bits > INT64_MAX))
		return wire_fail(err, ERR_RANGE);
	*v = (int64_t)bits;
	return at;
}

WIRE_HOT const uint8_t *wire_get_u64(const uint8_t *at, const uint8_t *end, uint64_t max, uint64_t *v, int *err)
{
	uint64_t bits;
	bool negative;

	if ((at = wire_get_bits(at, end, &bits, &negative, err)) == NULL)
		return NULL;
	if (WIRE_RARE(negative || bits > max))
		return wire_fail(err, ERR_RANGE);
	*v = bits;
	return at;
}

/* Copies up to 31 bytes by two blocks that overlap. */
WIRE_HOT void wire_copy_short(char *out, const uint8_t *in, size_t len)
{
	if (len >= 16) {
		memcpy(out, in, 16);
		memcpy(out + len - 16, in + len - 16, 16);
	} else if (len >= 8) {
		memcpy(out, in, 8);
		memcpy(out + len - 8, in + len - 8, 8);
	} else if (len >= 4) {
		memcpy(out, in, 4);
		memcpy(out + len - 4, in + len - 4, 4);
	} else {
		for (size_t i = 0; i < len; i++)
			out[i] = (char)in[i];
	}
}

/* The bytes of a str: *len of them at the returned address. */
WIRE_HOT const uint8_t *wire_get_text(const uint8_t *at, const uint8_t *end, size_t *len, int *err)
{
	if (at < end && (*at & 0xe0) == 0xa0 && (size_t)(end - at) > (size_t)(*at & 0x1f)) {
		*len = *at & 0x1f;
		return at + 1;
	}
	return wire_get_str(at, end, len, err);
}

#endif
