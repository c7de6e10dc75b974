/* nearest - optimal string alignment distance: inserted, deleted, replaced and swapped bytes. */
#include "common/base/nearest.h"

#include <stdint.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t bounded_len(const char *text)
{
	return strnlen(text, NEAREST_MAX);
}

/* Three rows of the usual table are alive: the one before last is needed for swaps. */
static size_t distance(const char *a, const char *b)
{
	size_t n = bounded_len(a), m = bounded_len(b);
	size_t row[3][NEAREST_MAX + 1];
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = least(replaced, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

void nearest_init(struct nearest *n, const char *typed)
{
	*n = (struct nearest){.typed = typed, .distance = SIZE_MAX};
}

void nearest_offer(struct nearest *n, const char *name)
{
	size_t len = bounded_len(n->typed);
	size_t d = distance(n->typed, name);
	/* The beginning of a name is a good guess however much of it is missing. */
	if (len >= 3 && strncmp(n->typed, name, len) == 0)
		d = least(d, 1);
	size_t allowed = len < 3 ? 1 : least(len / 3 + 1, 4);
	if (d < n->distance && d <= allowed && d < bounded_len(name)) {
		n->distance = d;
		n->best = name;
	}
}

const char *nearest_get(const struct nearest *n)
{
	return n->best;
}
