/* plain - runs of plain text within a JSON string: ASCII without controls, quotes and backslashes. */
#ifndef NJ_BASE_PLAIN_H
#define NJ_BASE_PLAIN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* First byte from at on that is not plain, or end; reads nothing beyond. */
static inline const char *plain_skip(const char *at, const char *end)
{
#ifdef __SSE2__
	for (; end - at >= 16; at += 16) {
		__m128i text = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i stop = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
					    _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
		/* signed: below 0x20 are the controls and all bytes from 0x80 */
		stop = _mm_or_si128(stop, _mm_cmplt_epi8(text, _mm_set1_epi8(' ')));
		unsigned bits = (unsigned)_mm_movemask_epi8(stop);

		if (bits != 0)
			return at + __builtin_ctz(bits);
	}
#endif
	while (at < end && *at >= ' ' && *at != '"' && *at != '\\' && (unsigned char)*at < 0x80)
		at++;
	return at;
}

#endif
