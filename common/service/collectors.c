/* collectors - see collectors.h. */
#include "common/service/collectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/hash.h"

#define LIST_MAX 256

/* One word of the list: NAME or NAME/N. */
struct word {
	const char *text;
	char name[EVENT_SOURCE_MAX], section[EVENT_SOURCE_MAX];
	uint32_t shards; /* 0: not shared out */
};

static bool is_section(const char *s)
{
	bool letter = false;
	for (const char *c = s; *c; c++) {
		bool is_letter = *c >= 'a' && *c <= 'z';
		if (!is_letter && !(*c >= '0' && *c <= '9') && *c != '_')
			return false;
		letter = letter || is_letter;
	}
	return letter; /* collector-2 is a share, no section */
}

static int read_name(struct word *w, size_t len, char *reason, size_t cap)
{
	static const size_t own = sizeof COLLECTORS_SERVICE - 1;
	bool plain = len == own, sub = len > own + 1 && w->text[own] == '-';
	if (strncmp(w->text, COLLECTORS_SERVICE, own) != 0 || (!plain && !sub)) {
		snprintf(reason, cap, "'%.40s' is no collector's name: collector, or collector-WORD with settings of "
				      "its own in the subsection WORD of collector",
			 w->text);
		return ERR_ARG;
	}
	if (len + (w->shards ? 2 : 0) >= sizeof w->name) {
		snprintf(reason, cap, "'%.40s' makes a name longer than %d letters", w->text, EVENT_SOURCE_MAX - 1);
		return ERR_ARG;
	}
	memcpy(w->name, w->text, len);
	snprintf(w->section, sizeof w->section, "%s", plain ? "" : w->name + own + 1);
	if (plain || is_section(w->section))
		return 0;
	snprintf(reason, cap,
		 "'%.40s': behind 'collector-' stands a word of small letters, digits and '_', not digits alone "
		 "(collector/2 is collector-1 and collector-2)",
		 w->text);
	return ERR_ARG;
}

static int read_word(const char *text, struct word *w, char *reason, size_t cap)
{
	size_t len = strcspn(text, "/");
	memset(w, 0, sizeof *w);
	w->text = text;
	if (text[len]) {
		char *end;
		unsigned long n = text[len + 1] >= '0' && text[len + 1] <= '9' ? strtoul(text + len + 1, &end, 10) : 0;
		if (n < 1 || n > COLLECTORS_MAX || *end) {
			snprintf(reason, cap, "'%.40s': behind '/' stands how many share the symbols, 1 to %d", text,
				 COLLECTORS_MAX);
			return ERR_ARG;
		}
		w->shards = (uint32_t)n;
	}
	return read_name(w, len, reason, cap);
}

static int add(struct collectors *c, const struct word *w, uint32_t shard, char *reason, size_t cap)
{
	struct collector_place p = {.shard = shard ? shard : 1, .shards = w->shards ? w->shards : 1};
	memcpy(p.section, w->section, sizeof p.section);
	memcpy(p.name, w->name, sizeof p.name);
	if (shard) {
		size_t len = strlen(p.name);
		snprintf(p.name + len, sizeof p.name - len, "-%u", shard);
	}
	if (c->n == COLLECTORS_MAX) {
		snprintf(reason, cap, "more than %d collectors", COLLECTORS_MAX);
		return ERR_ARG;
	}
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->at[i].section, p.section) == 0 && (!shard || shard == 1)) {
			snprintf(reason, cap, "'%.40s': %s%s follows these symbols already", w->text, c->at[i].name,
				 c->at[i].shards > 1 ? " and its like" : "");
			return ERR_ARG;
		}
	c->at[c->n++] = p;
	return 0;
}

static int add_word(struct collectors *c, const char *text, char *reason, size_t cap)
{
	struct word w;
	int rc = read_word(text, &w, reason, cap);
	if (!rc && w.shards == 0)
		return add(c, &w, 0, reason, cap);
	for (uint32_t i = 1; !rc && i <= w.shards; i++)
		rc = add(c, &w, i, reason, cap);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct collector_place *)a)->name, ((const struct collector_place *)b)->name);
}

int collectors_parse(const char *text, struct collectors *ret, char *reason, size_t cap)
{
	struct collectors c = {.n = 0};
	char list[LIST_MAX], *save = NULL;
	int rc = 0;
	snprintf(reason, cap, "no collector is named: 'collector' is the usual one");
	if (strlen(text) >= sizeof list) {
		snprintf(reason, cap, "longer than %d bytes", LIST_MAX - 1);
		return ERR_ARG;
	}
	memcpy(list, text, strlen(text) + 1);
	for (char *w = strtok_r(list, ", ", &save); w && !rc; w = strtok_r(NULL, ", ", &save))
		rc = add_word(&c, w, reason, cap);
	if (rc || c.n == 0)
		return ERR_ARG;
	qsort(c.at, c.n, sizeof c.at[0], by_name);
	*ret = c;
	return 0;
}

const struct collector_place *collectors_find(const struct collectors *c, const char *name)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->at[i].name, name) == 0)
			return &c->at[i];
	return NULL;
}

const char *collectors_text(const struct collectors *c, char *out, size_t cap)
{
	size_t used = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < c->n && used < cap; i++)
		used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? ", " : "", c->at[i].name);
	return out;
}

/* Not hash_bytes: where a symbol lives must be the same on every machine and in every release. */
static uint64_t fnv1a(const char *s, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint32_t collectors_shard(const char *symbol, size_t len, uint32_t shards)
{
	uint64_t of = fnv1a(symbol, len), best = 0;
	uint32_t at = 1;
	for (uint32_t k = 1; k <= shards; k++) {
		uint64_t mark = hash_mix(of + k * UINT64_C(0x9e3779b97f4a7c15));
		if (mark > best) {
			best = mark;
			at = k;
		}
	}
	return at;
}
