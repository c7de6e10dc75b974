/* sparse - a sorted array of (key, offset). */
#include "common/io/sparse.h"

#include <stdbool.h>
#include <stdlib.h>

static bool grow(struct sparse *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : 16;
	struct sparse_entry *at = realloc(s->at, cap * sizeof(*at));

	if (!at)
		return false;
	s->at = at;
	s->cap = cap;
	return true;
}

void sparse_add(struct sparse *s, uint64_t key, uint64_t offset)
{
	if (s->n > 0 &&
	    (key <= s->at[s->n - 1].key || offset < s->at[s->n - 1].offset + SPARSE_STRIDE))
		return;
	if (s->n == s->cap && !grow(s))
		return;
	s->at[s->n++] = (struct sparse_entry){.key = key, .offset = offset};
}

struct sparse_entry sparse_find(const struct sparse *s, uint64_t key, struct sparse_entry otherwise)
{
	uint32_t lo = 0, hi = s->n; /* entries before lo are at or below key, from hi on above */

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (s->at[mid].key <= key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? s->at[lo - 1] : otherwise;
}

void sparse_fini(struct sparse *s)
{
	free(s->at);
	*s = (struct sparse){0};
}
