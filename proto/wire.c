/* wire - msgpack's own bytes: the careful half, for the ends of the memory and for rare forms. */
#include "proto/wire.h"

#include "proto/text.h"

void wire_clear(void *at, size_t n)
{
	memset(at, 0, n);
}

size_t wire_put_bytes(uint8_t *out, size_t cap, size_t n, const void *bytes, size_t len)
{
	if (n > cap)
		return n;
	if (len > cap - n)
		return WIRE_FULL;
	if (len > 0)
		memcpy(out + n, bytes, len);
	return n + len;
}

/* A number below zero, with room for the longest form. */
size_t wire_put_negative(uint8_t *out, size_t n, int64_t v)
{
	uint8_t *at = out + n;

	if (v >= -32) {
		at[0] = (uint8_t)v;
		return n + 1;
	}
	unsigned power = (unsigned)((v < INT8_MIN) + (v < INT16_MIN) + (v < INT32_MIN));
	unsigned bytes = 1u << power;
	at[0] = (uint8_t)(0xd0 + power);
	for (unsigned i = 0; i < bytes; i++)
		at[1 + i] = (uint8_t)((uint64_t)v >> (8 * (bytes - 1 - i)));
	return n + 1 + bytes;
}

size_t wire_put_u64_tight(uint8_t *out, size_t cap, size_t n, uint64_t v)
{
	uint8_t scratch[WIRE_INT_MAX];

	return wire_put_bytes(out, cap, n, scratch, wire_put_u64_free(scratch, 0, v));
}

size_t wire_put_i64_tight(uint8_t *out, size_t cap, size_t n, int64_t v)
{
	uint8_t scratch[WIRE_INT_MAX];

	return wire_put_bytes(out, cap, n, scratch, wire_put_i64_free(scratch, 0, v));
}

/* A head of the form code, big-endian length; code + 1 and + 2 are the 16 and 32 bit forms of an 8
 * bit one. */
static size_t put_head(uint8_t *out, size_t cap, size_t n, uint8_t code, uint32_t len)
{
	uint8_t head[5] = {code};
	size_t size = 2;

	if (len > UINT16_MAX) {
		head[0] = (uint8_t)(code + 2);
		head[1] = (uint8_t)(len >> 24);
		head[2] = (uint8_t)(len >> 16);
		head[3] = (uint8_t)(len >> 8);
		head[4] = (uint8_t)len;
		size = 5;
	} else if (len > UINT8_MAX) {
		head[0] = (uint8_t)(code + 1);
		head[1] = (uint8_t)(len >> 8);
		head[2] = (uint8_t)len;
		size = 3;
	} else {
		head[1] = (uint8_t)len;
	}
	return wire_put_bytes(out, cap, n, head, size);
}

size_t wire_put_long(uint8_t *out, size_t cap, size_t n, const char *text, size_t len)
{
	if (len > UINT32_MAX)
		return n > cap ? n : WIRE_ARG;
	if (len < 32)
		n = wire_put_byte(out, cap, n, (uint8_t)(0xa0 | len));
	else
		n = put_head(out, cap, n, 0xd9, (uint32_t)len);
	return wire_put_bytes(out, cap, n, text, len);
}

/* Text with bytes beyond ASCII: what is not UTF-8 goes out as '?', for nobody would accept it. */
size_t wire_put_foreign(uint8_t *out, size_t cap, size_t n, const char *text, size_t len)
{
	size_t end = wire_put_long(out, cap, n, text, len);

	if (end <= cap)
		text_repair(out + end - len, len);
	return end;
}

size_t wire_put_list(uint8_t *out, size_t cap, size_t n, uint32_t count)
{
	if (count < 16)
		return wire_put_byte(out, cap, n, (uint8_t)(0x90 | count));
	if (count <= UINT16_MAX) {
		uint8_t head[3] = {0xdc, (uint8_t)(count >> 8), (uint8_t)count};
		return wire_put_bytes(out, cap, n, head, sizeof head);
	}
	return put_head(out, cap, n, 0xdb, count); /* 0xdd, the 32 bit form */
}

size_t wire_put_bin(uint8_t *out, size_t cap, size_t n, const void *bytes, uint32_t len)
{
	n = put_head(out, cap, n, 0xc4, len);
	return wire_put_bytes(out, cap, n, bytes, len);
}

/* Bytes of an integer behind its code; 0 where the code is the number, or none at all. */
static ptrdiff_t int_bytes(uint8_t code)
{
	return code >= 0xcc && code <= 0xd3 ? (ptrdiff_t)1 << ((code - 0xcc) & 3) : 0;
}

/* Sign and bits of what lies behind the codes from 0xcc on. */
static int64_t int_value(const uint8_t *at)
{
	switch (*at) {
	case 0xcc:
		return at[1];
	case 0xcd:
		return at[1] << 8 | at[2];
	case 0xce:
		return wire_load32(at + 1);
	case 0xd0:
		return (int8_t)at[1];
	case 0xd1:
		return (int16_t)(at[1] << 8 | at[2]);
	case 0xd2:
		return (int32_t)wire_load32(at + 1);
	default: /* 0xcf, 0xd3 */
		return (int64_t)wire_load64(at + 1);
	}
}

/* Any form; at < end. */
const uint8_t *wire_get_rare(const uint8_t *at, const uint8_t *end, uint64_t *bits, bool *negative,
	int *err)
{
	ptrdiff_t bytes = int_bytes(*at);
	int64_t v;

	if (end - at < 1 + bytes)
		return wire_fail(err, ERR_TRUNCATED);
	if (bytes > 0)
		v = int_value(at);
	else if (*at < 0x80 || *at >= 0xe0)
		v = (int8_t)*at;
	else
		return wire_fail(err, ERR_TYPE);
	*bits = (uint64_t)v;
	*negative = v < 0 && *at != 0xcf;
	return at + 1 + bytes;
}

/* The big-endian number of 1, 2 or 4 bytes behind a code; returns the address after it. */
static const uint8_t *get_len(const uint8_t *at, const uint8_t *end, size_t bytes, size_t *len,
	int *err)
{
	size_t v = 0;

	if ((size_t)(end - at) < 1 + bytes)
		return wire_fail(err, ERR_TRUNCATED);
	for (size_t i = 1; i <= bytes; i++)
		v = v << 8 | at[i];
	*len = v;
	return at + 1 + bytes;
}

const uint8_t *wire_get_str(const uint8_t *at, const uint8_t *end, size_t *len, int *err)
{
	if (at == end)
		return wire_fail(err, ERR_TRUNCATED);
	if ((*at & 0xe0) == 0xa0) {
		*len = *at & 0x1f;
		at++;
	} else if (*at >= 0xd9 && *at <= 0xdb) {
		at = get_len(at, end, (size_t)1 << (*at - 0xd9), len, err);
	} else {
		return wire_fail(err, ERR_TYPE);
	}
	if (at != NULL && *len > (size_t)(end - at))
		return wire_fail(err, ERR_TRUNCATED);
	return at;
}

const uint8_t *wire_get_list(const uint8_t *at, const uint8_t *end, uint32_t *count, int *err)
{
	size_t n;

	if (at == end)
		return wire_fail(err, ERR_TRUNCATED);
	if ((*at & 0xf0) == 0x90) {
		*count = *at & 0x0f;
		return at + 1;
	}
	if (*at != 0xdc && *at != 0xdd)
		return wire_fail(err, ERR_TYPE);
	if ((at = get_len(at, end, *at == 0xdc ? 2 : 4, &n, err)) != NULL)
		*count = (uint32_t)n;
	return at;
}

const uint8_t *wire_get_bin(const uint8_t *at, const uint8_t *end, size_t *len, int *err)
{
	if (at == end)
		return wire_fail(err, ERR_TRUNCATED);
	if (*at < 0xc4 || *at > 0xc6)
		return wire_fail(err, ERR_TYPE);
	at = get_len(at, end, (size_t)1 << (*at - 0xc4), len, err);
	if (at != NULL && *len > (size_t)(end - at))
		return wire_fail(err, ERR_TRUNCATED);
	return at;
}
