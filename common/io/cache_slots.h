/* cache_slots - the table behind the cache: one slot a key, its newest content, and a queue of
 * what has changed.
 *
 * Not thread-safe: the cache holds its lock around every call. All operations are O(1); a slot is
 * given back when its key has not been touched for its TTL. Nothing here knows Redis.
 */
#ifndef NJ_IO_CACHE_SLOTS_H
#define NJ_IO_CACHE_SLOTS_H

#include "common/base/ring.h"
#include "common/io/cache.h"

#define CACHE_NAME_MAX 192 /* prefix, pattern and subject */
#define CACHE_PREFIX_MAX 32
#define CACHE_BATCH_OPS 256
#define CACHE_TAKE_OPS 64 /* copied under the lock at a time: a caller waits for so many at most */
#define CACHE_BATCH_BYTES (256u << 10)
#define CACHE_NONE UINT32_MAX

struct cache_slot {
	char name[CACHE_NAME_MAX];
	uint32_t name_len, hash;
	enum cache_key key;
	uint32_t next;       /* in its chain, or in the list of free ones */
	uint32_t next_dirty; /* in the queue */
	uint32_t life;       /* counts its users, so that a late answer finds its own */
	bool used, dirty;
	bool poisoned;       /* another type stands there: delete it first */
	bool failed;         /* Redis refused it: to be tried again later */
	int64_t touched;     /* mono ns of the last call for it */
	uint8_t *bytes;      /* VALUE, CLAIM; owned, kept between users */
	uint32_t len, cap;
	struct ring items;   /* LIST */
	int64_t pending, total, total_at; /* COUNTER */
	enum cache_claim claim;
};

struct cache_slots {
	struct cache_slot *at; /* owned */
	uint32_t *chain;       /* owned; heads by hash */
	uint32_t mask, max, count, made, free;
	uint32_t first_dirty, last_dirty, dirty;
	char prefix[CACHE_PREFIX_MAX];
	uint32_t list_bytes;   /* for items of one list that wait */
};

/* One thing to do, with copies of its content. */
struct cache_op {
	uint32_t slot, life;
	enum cache_kind kind;
	bool poisoned;
	int64_t ttl_ms;
	uint32_t cap;          /* LIST */
	uint32_t items;        /* LIST: (length u32, bytes) each */
	size_t name, name_len, bytes, len; /* offsets into the batch's arena */
	int64_t n;             /* COUNTER */
};

struct cache_batch {
	struct buf arena;
	struct cache_op op[CACHE_BATCH_OPS];
	uint32_t n;
};

/* ERR_NOMEM, ERR_ARG */
int cache_slots_init(struct cache_slots *s, uint32_t max, const char *prefix);
void cache_slots_fini(struct cache_slots *s);

/* The slot of a key, a new one where there is none; ERR_SYNTAX, ERR_FULL. */
int cache_slots_get(struct cache_slots *s, enum cache_key key, const char *subject, int64_t now,
		    struct cache_slot **ret_slot);
/* Only one that is there; NULL. */
struct cache_slot *cache_slots_find(struct cache_slots *s, enum cache_key key, const char *subject);

/* VALUE, CLAIM; ERR_NOMEM */
int cache_slot_put(struct cache_slot *slot, const void *bytes, size_t len);
int cache_slot_push(struct cache_slots *s, struct cache_slot *slot, const void *bytes, size_t len,
		    uint64_t *dropped); /* LIST; older items fall out, counted */
void cache_slots_mark(struct cache_slots *s, struct cache_slot *slot); /* changed: into the queue */

void cache_batch_clear(struct cache_batch *b);
/* Adds what has changed longest ago to a batch, at most `max` slots and CACHE_TAKE_OPS; returns
 * how many slots left the queue, 0 where it is empty or the batch full. Values whose TTL has run
 * out while they waited are left out. */
uint32_t cache_slots_take(struct cache_slots *s, int64_t now, uint32_t max, struct cache_batch *b);

/* The slot an operation was taken from, unless it has another user by now. */
struct cache_slot *cache_slots_of(struct cache_slots *s, const struct cache_op *op);

/* The batch was lost with its connection: what can be written again is queued again. Returns the
 * items lost. */
uint64_t cache_slots_put_back(struct cache_slots *s, const struct cache_batch *b, uint32_t from);

/* Gives back slots whose keys have expired, and queues failed ones (all: every value) again. */
void cache_slots_tend(struct cache_slots *s, int64_t now, bool all);

#endif
