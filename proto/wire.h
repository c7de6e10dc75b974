/* wire - msgpack's own bytes: integers, strings and list heads, written and read in place.
 *
 * Writers take the output's offset and return the next one. They fail by returning WIRE_FULL or
 * WIRE_ARG, which every later writer hands on, so that a chain of them is checked once, at its end.
 * Readers take and return a pointer into the input; they fail by returning NULL and setting *err.
 * Both expect the common case (room for the longest form) inline; what is near the end of the
 * memory goes through the careful functions of wire.c. */
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

size_t wire_put_negative(uint8_t *out, size_t n, int64_t v);
size_t wire_put_u64_tight(uint8_t *out, size_t cap, size_t n, uint64_t v);
size_t wire_put_i64_tight(uint8_t *out, size_t cap, size_t n, int64_t v);
size_t wire_put_bytes(uint8_t *out, size_t cap, size_t n, const void *bytes, size_t len);
size_t wire_put_long(uint8_t *out, size_t cap, size_t n, const char *text, size_t len);
size_t wire_put_foreign(uint8_t *out, size_t cap, size_t n, const char *text, size_t len);
size_t wire_put_list(uint8_t *out, size_t cap, size_t n, uint32_t count);
size_t wire_put_bin(uint8_t *out, size_t cap, size_t n, const void *bytes, uint32_t len);

/* codec_measure for an element of an event: one level of the depth is used up. */
int wire_measure_inside(const uint8_t *at, size_t len, size_t *ret_len);

/* memset to zero as a call: for a constant size gcc resorts to a string instruction, which is slow
 * to start. */
void wire_clear(void *at, size_t n);

const uint8_t *wire_get_rare(const uint8_t *at, const uint8_t *end, uint64_t *bits, bool *negative,
	int *err);
const uint8_t *wire_get_str(const uint8_t *at, const uint8_t *end, size_t *len, int *err);
const uint8_t *wire_get_list(const uint8_t *at, const uint8_t *end, uint32_t *count, int *err);
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

WIRE_HOT uint32_t wire_swap32(uint32_t v)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

WIRE_HOT void wire_store32(uint8_t *at, uint32_t v)
{
	v = wire_swap32(v);
	memcpy(at, &v, sizeof v);
}

WIRE_HOT uint32_t wire_load32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return wire_swap32(v);
}

/* The shortest form of a number, with room for the longest. Branches, not arithmetic on the width:
 * streams repeat themselves, and a branch that is guessed right breaks the chain from one number to
 * the next. */
WIRE_HOT size_t wire_put_u64_free(uint8_t *out, size_t n, uint64_t v)
{
	uint8_t *at = out + n;

	if (v < 128) {
		at[0] = (uint8_t)v;
		return n + 1;
	}
	if (v > UINT32_MAX) {
		at[0] = 0xcf;
		wire_store64(at + 1, v);
		return n + 9;
	}
	if (v > UINT16_MAX) {
		at[0] = 0xce;
		wire_store32(at + 1, (uint32_t)v);
		return n + 5;
	}
	if (v > UINT8_MAX) {
		at[0] = 0xcd;
		at[1] = (uint8_t)(v >> 8);
		at[2] = (uint8_t)v;
		return n + 3;
	}
	at[0] = 0xcc;
	at[1] = (uint8_t)v;
	return n + 2;
}

WIRE_HOT size_t wire_put_i64_free(uint8_t *out, size_t n, int64_t v)
{
	return v >= 0 ? wire_put_u64_free(out, n, (uint64_t)v) : wire_put_negative(out, n, v);
}

WIRE_HOT size_t wire_put_u64(uint8_t *out, size_t cap, size_t n, uint64_t v)
{
	if (WIRE_RARE(n + WIRE_INT_MAX > cap))
		return wire_put_u64_tight(out, cap, n, v);
	return wire_put_u64_free(out, n, v);
}

WIRE_HOT size_t wire_put_i64(uint8_t *out, size_t cap, size_t n, int64_t v)
{
	if (WIRE_RARE(n + WIRE_INT_MAX > cap))
		return wire_put_i64_tight(out, cap, n, v);
	return wire_put_i64_free(out, n, v);
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

WIRE_HOT size_t wire_put_array(uint8_t *out, size_t cap, size_t n, uint32_t count)
{
	if (WIRE_RARE(count > UINT16_MAX || n + 3 > cap))
		return wire_put_list(out, cap, n, count);
	if (count < 16) {
		out[n] = (uint8_t)(0x90 | count);
		return n + 1;
	}
	out[n] = 0xdc;
	out[n + 1] = (uint8_t)(count >> 8);
	out[n + 2] = (uint8_t)count;
	return n + 3;
}

/* ASCII of len in a field of at least 32 bytes. A short one is copied as one block of constant
 * size. */
WIRE_HOT size_t wire_put_ascii(uint8_t *out, size_t cap, size_t n, const char *text, size_t len)
{
	if (WIRE_RARE(len >= 32 || n + 33 > cap))
		return wire_put_long(out, cap, n, text, len);
	out[n] = (uint8_t)(0xa0 | len);
	memcpy(out + n + 1, text, 32);
	return n + 1 + len;
}

/* An integer of any form: its two's complement bits and whether it is below zero. Branches for the
 * usual forms, for the reason above. */
WIRE_HOT const uint8_t *wire_get_bits(const uint8_t *at, const uint8_t *end, uint64_t *bits,
	bool *negative, int *err)
{
	*negative = false;
	if (WIRE_RARE(at == end))
		return wire_fail(err, ERR_TRUNCATED);
	if (*at < 0x80) {
		*bits = *at;
		return at + 1;
	}
	if (*at == 0xce && end - at >= 5) {
		*bits = wire_load32(at + 1);
		return at + 5;
	}
	if (*at == 0xcd && end - at >= 3) {
		*bits = (uint64_t)at[1] << 8 | at[2];
		return at + 3;
	}
	if (*at == 0xcf && end - at >= 9) {
		*bits = wire_load64(at + 1);
		return at + 9;
	}
	return wire_get_rare(at, end, bits, negative, err);
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

/* As a packer writes it that wants to rewrite it in place; other forms are as good. */
WIRE_HOT const uint8_t *wire_get_fixed64(const uint8_t *at, const uint8_t *end, int64_t *v,
	int *err)
{
	if (WIRE_RARE(end - at < WIRE_INT_MAX || *at != 0xd3))
		return wire_get_i64(at, end, v, err);
	*v = (int64_t)wire_load64(at + 1);
	return at + 9;
}

WIRE_HOT const uint8_t *wire_get_u64(const uint8_t *at, const uint8_t *end, uint64_t max,
	uint64_t *v, int *err)
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

/* The head of a list. Every element takes at least one byte: a count beyond the bytes left is a
 * lie. */
WIRE_HOT const uint8_t *wire_get_array(const uint8_t *at, const uint8_t *end, uint32_t *count,
	int *err)
{
	if (end - at >= 3 && *at == 0xdc) {
		*count = (uint32_t)at[1] << 8 | at[2];
		at += 3;
	} else if ((at = wire_get_list(at, end, count, err)) == NULL) {
		return NULL;
	}
	return *count <= (size_t)(end - at) ? at : wire_fail(err, ERR_TRUNCATED);
}

/* Zeroes a field of a constant max of 16 to 112 bytes, in blocks that may overlap; see wire_clear
 * for why it is no memset. */
WIRE_HOT void wire_zero_field(char *field, size_t max)
{
	static const char zeros[16] = {0};

#define BLOCK(i) \
	if (max > 16 * (i)) \
		memcpy(field + (max - 16 < 16 * (i) ? max - 16 : 16 * (i)), zeros, 16)
	memcpy(field, zeros, 16);
	BLOCK(1);
	BLOCK(2);
	BLOCK(3);
	BLOCK(4);
	BLOCK(5);
	BLOCK(6);
#undef BLOCK
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
