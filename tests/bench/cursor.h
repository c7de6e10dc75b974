/* cursor - JSON read by hand as the benchmarks' references do: no grammar, no bounds, no doubt about what comes. */
#ifndef NJ_TESTS_CURSOR_H
#define NJ_TESTS_CURSOR_H

#include <stdint.h>

/* Behind a run of digits. */
static inline const char *cursor_u64(const char *p, uint64_t *v)
{
	uint64_t n = 0;

	for (; (unsigned)(*p - '0') <= 9; p++)
		n = n * 10 + (unsigned)(*p - '0');
	*v = n;
	return p;
}

/* Behind a text without escapes, a number or a word. */
static inline const char *cursor_skip(const char *p)
{
	if (*p == '"') {
		for (p++; *p != '"'; p++)
			;
		return p + 1;
	}
	while (*p != ',' && *p != '}')
		p++;
	return p;
}

/* A decimal at a scale, whatever it has more; p is behind the opening quote. Behind what ends it. */
static inline const char *cursor_fixed(const char *p, int scale, int64_t *v)
{
	int64_t n = 0;

	for (; (unsigned)(*p - '0') <= 9; p++)
		n = n * 10 + (*p - '0');
	if (*p == '.')
		p++;
	for (; scale > 0; scale--) {
		n *= 10;
		if ((unsigned)(*p - '0') <= 9)
			n += *p++ - '0';
	}
	while (*p >= '0') /* neither quote nor NUL */
		p++;
	*v = n;
	return p + 1;
}

#endif
