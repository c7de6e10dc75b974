/* alike - text written like other text: the same characters, but any digit where that had one; nothing is looked for.
 *
 * Sixteen characters at a time, in blocks that overlap where the length is no multiple: at 0, at 16 and at the end.
 */
#ifndef NJ_BASE_ALIKE_H
#define NJ_BASE_ALIKE_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ALIKE_BLOCK 16
#define ALIKE_MAX (3 * ALIKE_BLOCK)

struct alike {
	alignas(ALIKE_BLOCK) uint8_t text[ALIKE_MAX];  /* '0' for any digit */
	alignas(ALIKE_BLOCK) uint8_t reach[ALIKE_MAX]; /* how far a character may be above it */
	uint32_t n;
};

static inline void alike_take_block(struct alike *a, const char *at, uint32_t from)
{
#ifdef __SSE2__
	__m128i text = _mm_loadu_si128((const __m128i *)(const void *)(at + from));
	__m128i moved = _mm_sub_epi8(text, _mm_set1_epi8((char)('0' + 128))); /* digits: the ten least signed bytes */
	__m128i digit = _mm_cmplt_epi8(moved, _mm_set1_epi8(10 - 128));
	__m128i zeros = _mm_and_si128(digit, _mm_set1_epi8('0'));

	_mm_storeu_si128((__m128i *)(void *)(a->text + from), _mm_or_si128(_mm_andnot_si128(digit, text), zeros));
	_mm_storeu_si128((__m128i *)(void *)(a->reach + from), _mm_and_si128(digit, _mm_set1_epi8(9)));
#else
	for (uint32_t i = from; i < from + ALIKE_BLOCK; i++) {
		bool digit = (unsigned char)(at[i] - '0') <= 9;
		a->text[i] = digit ? '0' : (uint8_t)at[i];
		a->reach[i] = digit ? 9 : 0;
	}
#endif
}

/* Of the n characters at `at`, 16 .. 48. */
static inline void alike_take(struct alike *a, const char *at, uint32_t n)
{
	a->n = n;
	alike_take_block(a, at, 0);
	if (n > 2 * ALIKE_BLOCK)
		alike_take_block(a, at, ALIKE_BLOCK);
	alike_take_block(a, at, n - ALIKE_BLOCK);
}

/* Of the eight digits from there on, those behind the first n must be zeros. */
static inline void alike_zeros(struct alike *a, uint32_t from, uint32_t n)
{
	static const uint8_t reach[16] = {9, 9, 9, 9, 9, 9, 9, 9};

	memcpy(a->reach + from, reach + 8 - n, 8);
}

#ifdef __SSE2__
static inline __m128i alike_block(const struct alike *a, const char *at, uint32_t i)
{
	__m128i text = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
	__m128i above = _mm_xor_si128(text, _mm_loadu_si128((const __m128i *)(const void *)(a->text + i)));
	return _mm_subs_epu8(above, _mm_loadu_si128((const __m128i *)(const void *)(a->reach + i)));
}
#endif

/* Are the n characters at `at` like those? */
static inline bool alike(const struct alike *a, const char *at)
{
#ifdef __SSE2__
	__m128i off = _mm_or_si128(alike_block(a, at, 0), alike_block(a, at, a->n - ALIKE_BLOCK));

	if (a->n > 2 * ALIKE_BLOCK)
		off = _mm_or_si128(off, alike_block(a, at, ALIKE_BLOCK));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(off, _mm_setzero_si128())) == 0xffff;
#else
	unsigned off = 0;

	for (uint32_t i = 0; i < a->n; i++)
		off |= ((uint8_t)at[i] ^ a->text[i]) > a->reach[i];
	return off == 0;
#endif
}

#endif
