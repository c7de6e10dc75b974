/* digits - runs of ASCII digits, eight at a time: for fixed and json, which read little else. */
#ifndef NJ_BASE_DIGITS_H
#define NJ_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* First byte from at on that is no digit, or end; reads nothing beyond. */
static inline const char *digits_skip(const char *at, const char *end)
{
#ifdef __SSE2__
	while (end - at >= 16) {
		__m128i text = _mm_loadu_si128((const __m128i *)(const void *)at);
		/* '0' to '9' become the ten least signed bytes */
		__m128i moved = _mm_sub_epi8(text, _mm_set1_epi8((char)('0' + 128)));
		__m128i others = _mm_cmpgt_epi8(moved, _mm_set1_epi8(9 - 128));
		unsigned bits = (unsigned)_mm_movemask_epi8(others);

		if (bits != 0)
			return at + __builtin_ctz(bits);
		at += 16;
	}
#endif
	while (at < end && (unsigned char)(*at - '0') <= 9)
		at++;
	return at;
}

/* Reads digits from at on into *value, which goes on modulo 2^64: 19 digits never overflow it.
 * Returns like digits_skip. */
static inline const char *digits_read(const char *at, const char *end, uint64_t *value)
{
	uint64_t sum = *value;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	static const uint32_t pow10[9] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	};

	while (end - at >= 8) {
		uint64_t v, others;
		unsigned bits; /* eight for each digit in front */

		memcpy(&v, at, sizeof(v));
		v ^= 0x3030303030303030u; /* digits become 0 to 9, everything else is above */
		others = (v | (v + 0x7676767676767676u)) & 0x8080808080808080u;
		bits = others ? (unsigned)__builtin_ctzll(others) & ~7u : 64;
		if (bits == 0) {
			*value = sum;
			return at;
		}
		/* The last digit to the top, zeros before the first; then pairs, fours, eight. */
		v <<= 64 - bits;
		v = (v * 10 + (v >> 8)) & 0x00ff00ff00ff00ffu;
		v = (v * 100 + (v >> 16)) & 0x0000ffff0000ffffu;
		v = (v * 10000 + (v >> 32)) & 0xffffffffu;
		sum = sum * pow10[bits / 8] + v;
		at += bits / 8;
		if (bits < 64) {
			*value = sum;
			return at;
		}
	}
#endif
	for (; at < end && (unsigned char)(*at - '0') <= 9; at++)
		sum = sum * 10 + (unsigned char)(*at - '0');
	*value = sum;
	return at;
}

#endif
