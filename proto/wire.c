/* wire - msgpack's own bytes: the careful half, for the ends of the memory and for rare forms. */
#include "proto/wire.h"

#include "proto/text.h"

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

size_t wire_put_tight(uint8_t *out, size_t cap, size_t n, uint64_t bits, bool negative)
{
	uint8_t scratch[WIRE_INT_MAX];
	size_t len = wire_put_bits(scratch, sizeof scratch, 0, bits, negative);

	return wire_put_bytes(out, cap, n, scratch, len);
}

/* A head of the form code, big-endian length; code + 1 and + 2 are the 16 and 32 bit forms of an 8 bit one. */
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

size_t wire_put_array(uint8_t *out, size_t cap, size_t n, uint32_t count)
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

const uint8_t *wire_get_tight(const uint8_t *at, const uint8_t *end, uint64_t *bits, bool *negative, int *err)
{
	uint8_t scratch[WIRE_INT_MAX] = {0};
	size_t left = (size_t)(end - at);

	if (left == 0)
		return wire_fail(err, ERR_TRUNCATED);
	memcpy(scratch, at, left < sizeof scratch ? left : sizeof scratch);
	const uint8_t *next = wire_get_bits(scratch, scratch + sizeof scratch, bits, negative, err);
	if (next == NULL)
		return NULL;
	size_t used = (size_t)(next - scratch);
	return used > left ? wire_fail(err, ERR_TRUNCATED) : at + used;
}

/* The big-endian number of 1, 2 or 4 bytes behind a code; returns the address after it. */
static const uint8_t *get_len(const uint8_t *at, const uint8_t *end, size_t bytes, size_t *len, int *err)
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

/* Every element takes at least one byte: a count beyond the bytes left is a lie. */
const uint8_t *wire_get_array(const uint8_t *at, const uint8_t *end, uint32_t *count, int *err)
{
	size_t n;

	if (at == end)
		return wire_fail(err, ERR_TRUNCATED);
	if ((*at & 0xf0) == 0x90) {
		n = *at & 0x0f;
		at++;
	} else if (*at == 0xdc || *at == 0xdd) {
		at = get_len(at, end, *at == 0xdc ? 2 : 4, &n, err);
	} else {
		return wire_fail(err, ERR_TYPE);
	}
	if (at == NULL)
		return NULL;
	if (n > (size_t)(end - at))
		return wire_fail(err, ERR_TRUNCATED);
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
