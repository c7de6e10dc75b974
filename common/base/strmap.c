/* strmap - linear probing over indices at half load at most; an entry is head, key, value. */
#include "common/base/strmap.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/hash.h"

#define VALUE_ALIGN 16

struct head {
	uint32_t hash; /* compared before the key is touched */
	uint32_t len;
	char key[STRMAP_KEY_MAX];
};

#define VALUE_OFFSET ((sizeof(struct head) + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN)

static struct head *head_at(const struct strmap *m, uint32_t i)
{
	return (struct head *)(void *)(m->entry + (size_t)i * m->stride);
}

int strmap_init(struct strmap *m, uint32_t max, size_t value_size)
{
	uint32_t slots = 8;

	*m = (struct strmap){0};
	if (max > UINT32_MAX / 8 || value_size > SIZE_MAX / 4)
		return ERR_NOMEM;
	while (slots < max * 2)
		slots *= 2;
	m->stride = VALUE_OFFSET + (value_size + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN;
	m->value_size = value_size;
	m->max = max;
	m->mask = slots - 1;
	m->slot = calloc(slots, sizeof(*m->slot));
	m->entry = calloc(max > 0 ? max : 1, m->stride);
	if (!m->slot || !m->entry) {
		strmap_fini(m);
		return ERR_NOMEM;
	}
	return 0;
}

void strmap_fini(struct strmap *m)
{
	if (!m)
		return;
	free(m->slot);
	free(m->entry);
	*m = (struct strmap){0};
}

void strmap_clear(struct strmap *m)
{
	memset(m->slot, 0, ((size_t)m->mask + 1) * sizeof(*m->slot));
	m->count = 0;
}

/* The slot that holds the key, or the empty one where it would go; one is always empty. */
static uint32_t *probe(const struct strmap *m, const char *key, size_t len, uint32_t hash)
{
	for (uint32_t i = hash & m->mask;; i = (i + 1) & m->mask) {
		const struct head *head;

		if (m->slot[i] == 0)
			return &m->slot[i];
		head = head_at(m, m->slot[i] - 1);
		if (head->hash == hash && head->len == len && memcmp(head->key, key, len) == 0)
			return &m->slot[i];
	}
}

static bool is_key(const char *key, size_t len)
{
	return len < STRMAP_KEY_MAX && (len == 0 || !memchr(key, 0, len));
}

static void *value_at(const struct strmap *m, uint32_t i)
{
	return m->entry + (size_t)i * m->stride + VALUE_OFFSET;
}

void *strmap_get(const struct strmap *m, const char *key, size_t len)
{
	uint32_t slot;

	if (m->count == 0 || len >= STRMAP_KEY_MAX)
		return NULL;
	slot = *probe(m, key, len, (uint32_t)hash_bytes(key, len));
	return slot == 0 ? NULL : value_at(m, slot - 1);
}

static void *insert(struct strmap *m, uint32_t *slot, const char *key, size_t len, uint32_t hash)
{
	struct head *head = head_at(m, m->count);

	memset(head, 0, m->stride); /* strmap_clear leaves old entries in place */
	head->hash = hash;
	head->len = (uint32_t)len;
	if (len > 0)
		memcpy(head->key, key, len);
	*slot = ++m->count;
	return value_at(m, m->count - 1);
}

void *strmap_put(struct strmap *m, const char *key, size_t len)
{
	uint32_t hash, *slot;

	if (!is_key(key, len) || m->max == 0)
		return NULL;
	hash = (uint32_t)hash_bytes(key, len);
	slot = probe(m, key, len, hash);
	if (*slot != 0)
		return value_at(m, *slot - 1);
	return m->count < m->max ? insert(m, slot, key, len, hash) : NULL;
}

/* Empties a slot: what had to go behind it moves up, so that no probe ends before its key. */
static void close_up(struct strmap *m, uint32_t hole)
{
	m->slot[hole] = 0;
	for (uint32_t i = (hole + 1) & m->mask; m->slot[i] != 0; i = (i + 1) & m->mask) {
		uint32_t home = head_at(m, m->slot[i] - 1)->hash & m->mask;
		if (((i - home) & m->mask) < ((i - hole) & m->mask))
			continue; /* it lies between its home and the hole's other side */
		m->slot[hole] = m->slot[i];
		m->slot[i] = 0;
		hole = i;
	}
}

bool strmap_remove(struct strmap *m, const char *key, size_t len)
{
	uint32_t *slot;

	if (m->count == 0 || len >= STRMAP_KEY_MAX)
		return false;
	slot = probe(m, key, len, (uint32_t)hash_bytes(key, len));
	if (*slot == 0)
		return false;
	uint32_t gone = *slot - 1, last = --m->count;
	close_up(m, (uint32_t)(slot - m->slot));
	if (gone == last)
		return true;
	const struct head *head = head_at(m, last);
	*probe(m, head->key, head->len, head->hash) = gone + 1;
	memcpy(head_at(m, gone), head, m->stride);
	return true;
}

const char *strmap_key_at(const struct strmap *m, uint32_t i)
{
	must(i < m->count);
	return head_at(m, i)->key;
}

void *strmap_value_at(const struct strmap *m, uint32_t i)
{
	must(i < m->count);
	return value_at(m, i);
}
