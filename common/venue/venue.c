/* venue - the registry of venue files, made from the folder's contents. */
#include "common/venue/venue.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define VENUE(name) extern const struct venue venue_##name;
#include "venue_registry.def"
#undef VENUE

static const struct venue *const venues[] = {
#define VENUE(name) &venue_##name,
#include "venue_registry.def"
#undef VENUE
};

const struct venue *venue_at(uint32_t i)
{
	return i < ARRAY_LEN(venues) ? venues[i] : NULL;
}

const struct venue *venue_find(const char *name, size_t len)
{
	for (uint32_t i = 0; i < ARRAY_LEN(venues); i++) {
		const struct venue *v = venues[i];
		size_t own = strlen(v->name);
		if (len == own + strlen(v->suffix) && memcmp(v->name, name, own) == 0 &&
		    memcmp(v->suffix, name + own, len - own) == 0)
			return v;
	}
	return NULL;
}

static bool ends_in(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return n > 0 && len >= n && memcmp(text + len - n, end, n) == 0;
}

const struct venue *venue_claimant(const struct venue *v, const char *raw, size_t len)
{
	char id[SYMBOL_RAW_MAX];
	size_t own = strlen(v->suffix);

	if (len + own > SYMBOL_RAW_MAX)
		return NULL; /* nobody has such an id */
	memcpy(id, raw, len);
	memcpy(id + len, v->suffix, own);
	for (uint32_t i = 0; i < ARRAY_LEN(venues); i++) {
		const struct venue *w = venues[i];
		bool longer = strlen(w->suffix) > own && ends_in(id, len + own, w->suffix);
		if (strcmp(w->name, v->name) == 0 && (longer || ends_in(raw, len, w->suffix)))
			return w;
	}
	return NULL;
}

int venue_claimed(const struct venue *v, const char *raw, size_t len, char *reason, size_t cap)
{
	const struct venue *w = venue_claimant(v, raw, len);

	if (w == NULL)
		return 0;
	snprintf(reason, cap,
		 "'%.*s' of %s%s: %s is what ids of %s%s end in, it is added to the names; leave it out, with venue "
		 "%s%s",
		 (int)len, raw, v->name, v->suffix, w->suffix, w->name, w->suffix, w->name, w->suffix);
	return ERR_EXISTS;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* An id has one point, the one before its venue. Only inside of a name: what reaches a path never has "..". */
static int replace_points(char *name, size_t len)
{
	if (memchr(name, '_', len) != NULL)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '.') {
			if (i == 0 || i + 1 == len || !is_alnum(name[i - 1]) || !is_alnum(name[i + 1]))
				return ERR_SYNTAX;
			name[i] = '_';
		}
	return 0;
}

int venue_market_init(const struct venue *v, const char *raw, size_t len, struct venue_market *ret_market)
{
	struct venue_market m = {
		.price_scale = VENUE_SCALE_DEFAULT,
		.qty_scale = VENUE_SCALE_DEFAULT,
	};
	char name[SYMBOL_RAW_MAX + 1];
	size_t suffix = strlen(v->suffix);

	if (len == 0)
		return ERR_SYNTAX;
	if (len + suffix > SYMBOL_RAW_MAX)
		return ERR_TOO_LONG;
	if (venue_claimant(v, raw, len) != NULL)
		return ERR_EXISTS;
	memcpy(name, raw, len);
	memcpy(name + len, v->suffix, suffix);
	int rc = v->points ? replace_points(name, len) : 0;
	if (!rc)
		rc = symbol_make(name, len + suffix, v->name, &m.symbol);
	if (rc < 0)
		return rc;
	memcpy(m.raw, raw, len);
	*ret_market = m;
	return 0;
}
