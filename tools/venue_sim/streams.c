/* streams - the set of streams that a connection is subscribed to. */
#include "tools/venue_sim/streams.h"

#include <stdlib.h>

#include "common/base/err.h"

void streams_init(struct streams *s, uint32_t max)
{
	*s = (struct streams){.max = max};
}

void streams_fini(struct streams *s)
{
	free(s->name);
	*s = (struct streams){0};
}

static int compare(const char *name, struct text t)
{
	int c = strncmp(name, t.at, t.len);

	return c != 0 ? c : name[t.len] != '\0';
}

static uint32_t find(const struct streams *s, struct text name)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (compare(s->name[mid], name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool holds(const struct streams *s, uint32_t i, struct text name)
{
	return i < s->n && compare(s->name[i], name) == 0;
}

static int make_room(struct streams *s)
{
	uint32_t cap = s->cap > 0 ? s->cap * 2 : 16;

	if (s->n == s->max)
		return ERR_FULL;
	if (s->n < s->cap)
		return 0;
	void *at = realloc(s->name, cap * sizeof(*s->name));
	if (at == NULL)
		return ERR_NOMEM;
	s->name = at;
	s->cap = cap;
	return 0;
}

int streams_add(struct streams *s, struct text name)
{
	uint32_t i;
	int rc;

	if (name.len == 0 || name.len >= STREAM_NAME_MAX || memchr(name.at, '\0', name.len) != NULL)
		return ERR_TOO_LONG;
	i = find(s, name);
	if (holds(s, i, name))
		return 0;
	rc = make_room(s);
	if (rc != 0)
		return rc;
	memmove(s->name + i + 1, s->name + i, (s->n - i) * sizeof(*s->name));
	memcpy(s->name[i], name.at, name.len);
	s->name[i][name.len] = '\0';
	s->n++;
	return 0;
}

bool streams_remove(struct streams *s, struct text name)
{
	uint32_t i = find(s, name);

	if (name.len >= STREAM_NAME_MAX || !holds(s, i, name))
		return false;
	memmove(s->name + i, s->name + i + 1, (s->n - i - 1) * sizeof(*s->name));
	s->n--;
	return true;
}

bool streams_has(const struct streams *s, struct text name)
{
	return name.len < STREAM_NAME_MAX && holds(s, find(s, name), name);
}
