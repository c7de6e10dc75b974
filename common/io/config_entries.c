/* config_entries - the list of settings that were given, each with its place; later places cover
 * earlier ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/config_impl.h"

const struct config_entry *config_entry_find(const struct config_entries *e, const char *section,
					     const char *sub, const char *key)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->at[i].key, key) == 0 && strcmp(e->at[i].section, section) == 0 &&
		    strcmp(e->at[i].sub, sub) == 0)
			return &e->at[i];
	return NULL;
}

static void entry_fini(struct config_entry *e)
{
	if (e->section)
		explicit_bzero(e->section, e->bytes); /* it may hold a secret */
	free(e->section);
	*e = (struct config_entry){0};
}

void config_entries_fini(struct config_entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		entry_fini(&e->at[i]);
	free(e->at);
	*e = (struct config_entries){0};
}

static int entry_init(struct config_entry *e, const struct config_given *g, bool secret)
{
	const char *const text[] = {g->section, g->sub, g->key, g->value, g->where};
	char **const place[] = {&e->section, &e->sub, &e->key, &e->value, &e->where};
	size_t bytes = 0;
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		bytes += strlen(text[i]) + 1;
	char *at = malloc(bytes);
	if (!at)
		return ERR_NOMEM;
	e->bytes = bytes;
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		size_t len = strlen(text[i]) + 1;
		memcpy(at, text[i], len);
		*place[i] = at;
		at += len;
	}
	e->origin = g->origin;
	e->secret = secret;
	return 0;
}

static int entries_grow(struct config_entries *e)
{
	if (e->n < e->cap)
		return 0;
	size_t cap = e->cap ? e->cap * 2 : 64;
	struct config_entry *at = realloc(e->at, cap * sizeof *at);
	if (!at)
		return ERR_NOMEM;
	e->at = at;
	e->cap = cap;
	return 0;
}

int config_entries_put(struct config_entries *e, const struct config_given *g, bool secret)
{
	struct config_entry fresh;
	int rc = entry_init(&fresh, g, secret);
	if (rc != 0)
		return rc;
	const struct config_entry *old = config_entry_find(e, g->section, g->sub, g->key);
	if (old) {
		size_t i = (size_t)(old - e->at);
		entry_fini(&e->at[i]);
		e->at[i] = fresh;
		return 0;
	}
	rc = entries_grow(e);
	if (rc != 0) {
		entry_fini(&fresh);
		return rc;
	}
	e->at[e->n++] = fresh;
	return 0;
}

const char *config_where(const struct config *c, const char *section, const char *key)
{
	const struct config_entry *e = config_entry_find(&c->entries, section, "", key);
	return e ? e->where : "default";
}

/* An entry of a subsection that the other has not, or has otherwise. */
static const struct config_entry *sub_only_in(const struct config *a, const struct config *b, const char *section)
{
	for (size_t i = 0; i < a->entries.n; i++) {
		const struct config_entry *e = &a->entries.at[i];
		if (!e->sub[0] || strcmp(e->section, section) != 0)
			continue;
		const struct config_entry *other = config_entry_find(&b->entries, e->section, e->sub, e->key);
		if (!other || strcmp(other->value, e->value) != 0)
			return e;
	}
	return NULL;
}

bool config_sub_differs(const struct config *was, const struct config *now, const char *section, char *what, size_t cap)
{
	const struct config_entry *e = sub_only_in(now, was, section);
	if (!e)
		e = sub_only_in(was, now, section);
	if (e)
		snprintf(what, cap, "%s: %s.%s.%s", e->where, e->section, e->sub, e->key);
	return e != NULL;
}
