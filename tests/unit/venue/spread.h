/* spread - JSON with spaces around its marks, as no venue writes it: no quick way of reading applies. */
#ifndef NJ_TESTS_SPREAD_H
#define NJ_TESTS_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* out: 3 * len + 1. Returns its length without the NUL. */
static inline size_t spread(const char *text, size_t len, char *out)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool mark = !quoted && strchr("{}[],:", text[i]) != NULL && text[i] != 0;
		if (mark)
			out[n++] = ' ';
		out[n++] = text[i];
		if (mark)
			out[n++] = ' ';
		if (quoted && text[i] == '\\' && i + 1 < len)
			out[n++] = text[++i];
		else if (text[i] == '"')
			quoted = !quoted;
	}
	out[n] = 0;
	return n;
}

#endif
