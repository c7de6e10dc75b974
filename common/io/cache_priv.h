/* cache_priv - the inside of the cache, shared by cache.c (callers) and cache_writer.c (the
 * thread). */
#ifndef NJ_IO_CACHE_PRIV_H
#define NJ_IO_CACHE_PRIV_H

#include <pthread.h>

#include "common/io/backoff.h"
#include "common/io/cache_redis.h"
#include "common/io/cache_slots.h"

#define CACHE_REASON_MAX 300

struct cache {
	struct cache_options o; /* with texts of our own */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	struct cache_slots slots; /* all below, too: under the lock */
	struct cache_counters counters;
	char reason[CACHE_REASON_MAX];
	bool stop, hurry, orphan, done;
	uint64_t rounds; /* in which all that was in the queue at their beginning was written */

	/* The thread's own. */
	struct redis_link *link;
	struct backoff backoff;
	struct cache_batch batch;
	int64_t retry_at, tend_at;
	uint32_t tends;
};

/* cache_writer.c: the thread. It frees the cache where its owner has not waited for it. */
void *cache_writer(void *ctx);
/* cache.c */
void cache_free(struct cache *c);

#endif
