/* text - a slice of somebody else's bytes. */
#ifndef NJ_SIM_TEXT_H
#define NJ_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct text {
	const char *at;
	size_t len;
};

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})

static inline struct text text_of(const char *s)
{
	return (struct text){s, strlen(s)};
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool text_is(struct text t, const char *s)
{
	return text_equal(t, text_of(s));
}

static inline bool text_starts(struct text t, const char *prefix)
{
	size_t n = strlen(prefix);
	return t.len >= n && memcmp(t.at, prefix, n) == 0;
}

#endif
