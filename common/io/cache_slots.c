/* cache_slots - hashed chains over an array, a list of free slots and a queue of changed ones. */
#include "common/io/cache_slots.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/io/clock.h"

#define LIST_BYTES (16u << 10)
#define VALUE_FIRST 256u

int cache_slots_init(struct cache_slots *s, uint32_t max, const char *prefix)
{
	uint32_t heads = 16;

	if (strlen(prefix) >= CACHE_PREFIX_MAX)
		return ERR_ARG;
	while (heads < max)
		heads *= 2;
	*s = (struct cache_slots){.mask = heads - 1, .max = max, .free = CACHE_NONE,
				  .first_dirty = CACHE_NONE,
				  .last_dirty = CACHE_NONE, .list_bytes = LIST_BYTES};
	memcpy(s->prefix, prefix, strlen(prefix) + 1);
	s->at = calloc(max, sizeof(*s->at));
	s->chain = malloc(heads * sizeof(*s->chain));
	if (!s->at || !s->chain) {
		cache_slots_fini(s);
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < heads; i++)
		s->chain[i] = CACHE_NONE;
	return 0;
}

void cache_slots_fini(struct cache_slots *s)
{
	for (uint32_t i = 0; s->at && i < s->made; i++) {
		free(s->at[i].bytes);
		ring_fini(&s->at[i].items);
	}
	free(s->at);
	free(s->chain);
	*s = (struct cache_slots){0};
}

static bool is_allowed(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' ||
	       c == '.' || c == ':' || c == '-';
}

static int check_subject(const char *subject, size_t *ret_len)
{
	size_t n = 0;

	for (; subject[n] != '\0'; n++)
		if (n == CACHE_SUBJECT_MAX || !is_allowed(subject[n]))
			return ERR_SYNTAX;
	if (n == 0)
		return ERR_SYNTAX;
	*ret_len = n;
	return 0;
}

static char *put_text(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

/* "top:{instrument}" and "BTCUSDT.BINANCE" give "nj:top:BTCUSDT.BINANCE". */
static int make_name(const struct cache_slots *s, enum cache_key key, const char *subject,
		     char out[CACHE_NAME_MAX],
		     uint32_t *ret_len)
{
	const char *pattern = cache_row(key)->pattern;
	size_t fixed = (size_t)(strchr(pattern, '{') - pattern), n;
	int rc = check_subject(subject, &n);

	if (rc)
		return rc;
	must(strlen(s->prefix) + 1 + fixed + n < CACHE_NAME_MAX);
	char *at = put_text(out, s->prefix, strlen(s->prefix));
	*at++ = ':';
	at = put_text(at, pattern, fixed);
	at = put_text(at, subject, n);
	*at = '\0';
	*ret_len = (uint32_t)(at - out);
	return 0;
}

static struct cache_slot *look_up(struct cache_slots *s, const char *name, uint32_t len,
				  uint32_t hash)
{
	for (uint32_t i = s->chain[hash & s->mask]; i != CACHE_NONE; i = s->at[i].next) {
		struct cache_slot *slot = &s->at[i];
		if (slot->hash == hash && slot->name_len == len &&
		    memcmp(slot->name, name, len) == 0)
			return slot;
	}
	return NULL;
}

struct cache_slot *cache_slots_find(struct cache_slots *s, enum cache_key key, const char *subject)
{
	char name[CACHE_NAME_MAX];
	uint32_t len;

	if (make_name(s, key, subject, name, &len) != 0)
		return NULL;
	return look_up(s, name, len, (uint32_t)hash_bytes(name, len));
}

static struct cache_slot *vacant(struct cache_slots *s)
{
	struct cache_slot *slot = NULL;

	if (s->free != CACHE_NONE) {
		slot = &s->at[s->free];
		s->free = slot->next;
	} else if (s->made < s->max) {
		slot = &s->at[s->made++];
	}
	return slot;
}

/* Everything but the memory that a slot keeps for its next user. */
static void reset(struct cache_slot *slot)
{
	struct cache_slot clean = {.bytes = slot->bytes, .cap = slot->cap, .items = slot->items,
				   .life = slot->life + 1, .used = true,
				   	.claim = CACHE_CLAIM_UNKNOWN};

	*slot = clean;
	if (slot->items.at)
		ring_clear(&slot->items);
}

int cache_slots_get(struct cache_slots *s, enum cache_key key, const char *subject, int64_t now,
		    struct cache_slot **ret_slot)
{
	char name[CACHE_NAME_MAX];
	uint32_t len;
	int rc = make_name(s, key, subject, name, &len);

	if (rc)
		return rc;
	uint32_t hash = (uint32_t)hash_bytes(name, len);
	struct cache_slot *slot = look_up(s, name, len, hash);
	if (!slot) {
		slot = vacant(s);
		if (!slot)
			return ERR_FULL;
		reset(slot);
		memcpy(slot->name, name, len + 1);
		slot->name_len = len;
		slot->hash = hash;
		slot->key = key;
		slot->next = s->chain[hash & s->mask];
		s->chain[hash & s->mask] = (uint32_t)(slot - s->at);
		s->count++;
	}
	slot->touched = now;
	*ret_slot = slot;
	return 0;
}

int cache_slot_put(struct cache_slot *slot, const void *bytes, size_t len)
{
	if (len > slot->cap) {
		size_t cap = slot->cap ? slot->cap : VALUE_FIRST;
		while (cap < len)
			cap *= 2;
		uint8_t *grown = realloc(slot->bytes, cap);
		if (!grown)
			return ERR_NOMEM;
		slot->bytes = grown;
		slot->cap = (uint32_t)cap;
	}
	if (len > 0)
		memcpy(slot->bytes, bytes, len);
	slot->len = (uint32_t)len;
	return 0;
}

int cache_slot_push(struct cache_slots *s, struct cache_slot *slot, const void *bytes, size_t len,
		    uint64_t *dropped)
{
	if (!slot->items.at) {
		int rc = ring_init(&slot->items, s->list_bytes);
		if (rc)
			return rc;
	}
	while (slot->items.count >= cache_row(slot->key)->cap ||
	       ring_push(&slot->items, bytes, len) != 0) {
		if (slot->items.count == 0)
			return ERR_TOO_LONG;
		ring_pop(&slot->items);
		++*dropped;
	}
	return 0;
}

void cache_slots_mark(struct cache_slots *s, struct cache_slot *slot)
{
	uint32_t i = (uint32_t)(slot - s->at);

	if (slot->dirty)
		return;
	slot->dirty = true;
	slot->failed = false;
	slot->next_dirty = CACHE_NONE;
	if (s->last_dirty == CACHE_NONE)
		s->first_dirty = i;
	else
		s->at[s->last_dirty].next_dirty = i;
	s->last_dirty = i;
	s->dirty++;
}

static struct cache_slot *pop_dirty(struct cache_slots *s)
{
	struct cache_slot *slot = &s->at[s->first_dirty];

	s->first_dirty = slot->next_dirty;
	if (s->first_dirty == CACHE_NONE)
		s->last_dirty = CACHE_NONE;
	slot->dirty = false;
	s->dirty--;
	return slot;
}

static int copy_items(struct cache_slot *slot, struct cache_batch *b, struct cache_op *op)
{
	const uint8_t *at;
	size_t len;
	int rc = 0;

	while (!rc && (at = ring_front(&slot->items, &len)) != NULL) {
		uint32_t n = (uint32_t)len;
		rc = buf_append(&b->arena, &n, sizeof(n));
		if (!rc)
			rc = buf_append(&b->arena, at, len);
		ring_pop(&slot->items);
		op->items++;
	}
	return rc;
}

static int copy_content(struct cache_slot *slot, struct cache_batch *b, struct cache_op *op)
{
	int rc = buf_append(&b->arena, slot->name, slot->name_len);

	op->name_len = slot->name_len;
	op->bytes = b->arena.len;
	if (!rc && op->kind == CACHE_LIST)
		rc = copy_items(slot, b, op);
	else if (!rc && op->kind != CACHE_COUNTER && slot->len > 0)
		rc = buf_append(&b->arena, slot->bytes, slot->len);
	op->len = b->arena.len - op->bytes;
	if (op->kind == CACHE_COUNTER) {
		op->n = slot->pending;
		slot->pending = 0;
	}
	return rc;
}

/* Milliseconds that a key has still to live; a value that waited has lived already. */
static int64_t ttl_left(const struct cache_slot *slot, int64_t now)
{
	int64_t ttl = cache_row(slot->key)->ttl_ms, age = (now - slot->touched) / NS_PER_MS;

	return cache_row(slot->key)->kind == CACHE_VALUE && age > 0 ? ttl - age : ttl;
}

void cache_batch_clear(struct cache_batch *b)
{
	b->n = 0;
	buf_clear(&b->arena);
}

static bool is_full(const struct cache_batch *b)
{
	return b->n == CACHE_BATCH_OPS || b->arena.len >= CACHE_BATCH_BYTES;
}

static void take_one(struct cache_slots *s, int64_t now, struct cache_batch *b)
{
	struct cache_slot *slot = pop_dirty(s);
	const struct cache_row *row = cache_row(slot->key);
	struct cache_op op = {.slot = (uint32_t)(slot - s->at), .life = slot->life,
			      .kind = row->kind,
			      .poisoned = slot->poisoned, .ttl_ms = ttl_left(slot, now),
			      .cap = row->cap, .name = b->arena.len};

	if (op.ttl_ms <= 0)
		return;
	slot->poisoned = false;
	/* Out of memory: the value stays in its slot and is tried again, what gathered is gone. */
	slot->failed = copy_content(slot, b, &op) != 0;
	if (!slot->failed)
		b->op[b->n++] = op;
}

uint32_t cache_slots_take(struct cache_slots *s, int64_t now, uint32_t max, struct cache_batch *b)
{
	uint32_t n = 0;

	for (; n < max && n < CACHE_TAKE_OPS && s->dirty > 0 && !is_full(b); n++)
		take_one(s, now, b);
	return n;
}

struct cache_slot *cache_slots_of(struct cache_slots *s, const struct cache_op *op)
{
	struct cache_slot *slot = &s->at[op->slot];
	return slot->used && slot->life == op->life ? slot : NULL;
}

uint64_t cache_slots_put_back(struct cache_slots *s, const struct cache_batch *b, uint32_t from)
{
	uint64_t lost = 0;

	for (uint32_t i = from; i < b->n; i++) {
		const struct cache_op *op = &b->op[i];
		struct cache_slot *slot = cache_slots_of(s, op);
		lost += op->items;
		if (!slot)
			continue;
		slot->poisoned |= op->poisoned;
		slot->pending += op->n;
		if (op->kind == CACHE_CLAIM)
			slot->claim = CACHE_CLAIM_UNKNOWN;
		if (op->kind == CACHE_VALUE || op->kind == CACHE_COUNTER)
			cache_slots_mark(s, slot);
	}
	return lost;
}

static void unlink_slot(struct cache_slots *s, struct cache_slot *slot)
{
	uint32_t i = (uint32_t)(slot - s->at), *at = &s->chain[slot->hash & s->mask];

	while (*at != i)
		at = &s->at[*at].next;
	*at = slot->next;
	slot->used = false;
	slot->next = s->free;
	s->free = i;
	s->count--;
}

void cache_slots_tend(struct cache_slots *s, int64_t now, bool all)
{
	for (uint32_t i = 0; i < s->made; i++) {
		struct cache_slot *slot = &s->at[i];
		if (!slot->used || slot->dirty)
			continue;
		const struct cache_row *row = cache_row(slot->key);
		if (now - slot->touched >= row->ttl_ms * NS_PER_MS)
			unlink_slot(s, slot);
		else if (slot->failed || (all && row->kind == CACHE_VALUE))
			cache_slots_mark(s, slot);
	}
}
