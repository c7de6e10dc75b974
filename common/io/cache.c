/* cache - the callers' side: slots under a lock, and the life of the thread that writes them. */
#include "common/io/cache.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/cache_priv.h"
#include "common/io/clock.h"

#define SLOTS 4096u
#define SLOTS_MAX (1u << 20)
#define COMMAND_NS (500 * NS_PER_MS)
#define FLUSH_NS (250 * NS_PER_MS)
#define BACKOFF_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (10 * NS_PER_S)
#define CLOSE_NS (2 * NS_PER_S)

/* ---- Opening and closing. */

static void wipe_free(const char *secret)
{
	char *at = (char *)(uintptr_t)secret;

	if (at)
		explicit_bzero(at, strlen(at));
	free(at);
}

void cache_free(struct cache *c)
{
	cache_slots_fini(&c->slots);
	buf_fini(&c->batch.arena);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	pthread_cond_destroy(&c->idle);
	free((char *)(uintptr_t)c->o.address);
	free((char *)(uintptr_t)c->o.user);
	wipe_free(c->o.password);
	free(c);
}

static int64_t or_else(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

static bool copy_options(struct cache *c, const struct cache_options *o)
{
	c->o = *o;
	c->o.prefix = NULL;
	c->o.address = strdup(o->address);
	c->o.user = strdup(o->user ? o->user : "");
	c->o.password = strdup(o->password ? o->password : "");
	c->o.command_ns = or_else(o->command_ns, COMMAND_NS);
	c->o.flush_ns = or_else(o->flush_ns, FLUSH_NS);
	return c->o.address && c->o.user && c->o.password;
}

static void init_locks(struct cache *c)
{
	pthread_condattr_t attr;

	must(pthread_mutex_init(&c->lock, NULL) == 0);
	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&c->wake, &attr) == 0);
	must(pthread_cond_init(&c->idle, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

/* Signals belong to the loop; SIGPIPE, which hiredis does not keep away, becomes EPIPE. */
static int start_thread(struct cache *c)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&c->thread, NULL, cache_writer, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc ? err_from_errno(rc) : 0;
}

static int refuse_option(char *reason, size_t cap, const char *what)
{
	snprintf(reason, cap, "cache: %s", what);
	return ERR_ARG;
}

int cache_open(const struct cache_options *o, struct cache **ret_cache, char *reason, size_t cap)
{
	const char *prefix = o->prefix ? o->prefix : "nj";

	if (!redis_address_ok(o->address))
		return refuse_option(reason, cap, "the address must be host:port or unix:/path");
	if (o->slots_max > SLOTS_MAX || o->database < 0 || strlen(prefix) >= CACHE_PREFIX_MAX)
		return refuse_option(reason, cap,
				     "too many slots, a long prefix or a negative database");
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	init_locks(c);
	buf_init(&c->batch.arena, CACHE_BATCH_BYTES + (64u << 10));
	backoff_init(&c->backoff, BACKOFF_NS, BACKOFF_MAX_NS, (uint64_t)clock_wall(clock_real()));
	int rc = copy_options(c, o) ? 0 : ERR_NOMEM;
	if (!rc)
		rc = cache_slots_init(&c->slots, o->slots_max ? o->slots_max : SLOTS, prefix);
	if (!rc)
		rc = start_thread(c);
	if (rc) {
		snprintf(reason, cap, "cache: %s", err_text(rc));
		cache_free(c);
		return rc;
	}
	*ret_cache = c;
	return 0;
}

static struct timespec to_timespec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

/* A thread that hangs in a name lookup is left behind and cleans up after itself. */
void cache_close(struct cache *c)
{
	if (!c)
		return;
	struct timespec due = to_timespec(clock_mono(clock_real()) + CLOSE_NS);
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	while (!c->done && pthread_cond_timedwait(&c->idle, &c->lock, &due) == 0)
		;
	bool done = c->done;
	c->orphan = !done;
	if (!done)
		pthread_detach(c->thread);
	pthread_mutex_unlock(&c->lock);
	if (!done)
		return;
	pthread_join(c->thread, NULL);
	cache_free(c);
}

/* ---- The callers' side. */

static int refused(struct cache *c, int rc)
{
	c->counters.dropped += rc == ERR_FULL || rc == ERR_NOMEM;
	c->counters.refused += rc == ERR_SYNTAX || rc == ERR_TOO_LONG;
	return rc;
}

/* Under the lock: the slot that a call is for. */
static int enter(struct cache *c, enum cache_key key, const char *subject, size_t len,
		 struct cache_slot **ret_slot)
{
	const struct cache_row *row = cache_row(key);

	if (row->bytes_max && len > row->bytes_max)
		return refused(c, ERR_TOO_LONG);
	int rc = cache_slots_get(&c->slots, key, subject, clock_mono(clock_real()), ret_slot);
	if (rc)
		return refused(c, rc);
	c->counters.sets++;
	return 0;
}

/* Under the lock: the thread looks by itself each flush_ns where it knows of something to write. */
static void mark(struct cache *c, struct cache_slot *slot)
{
	bool first = c->slots.dirty == 0;

	cache_slots_mark(&c->slots, slot);
	if (first)
		pthread_cond_signal(&c->wake);
}

int cache_set(struct cache *c, enum cache_key key, const char *subject, const void *bytes,
	      size_t len)
{
	struct cache_slot *slot;

	must(cache_row(key)->kind == CACHE_VALUE);
	pthread_mutex_lock(&c->lock);
	int rc = enter(c, key, subject, len, &slot);
	if (!rc) {
		c->counters.coalesced += slot->dirty;
		rc = refused(c, cache_slot_put(slot, bytes, len));
	}
	if (!rc)
		mark(c, slot);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int cache_push(struct cache *c, enum cache_key key, const char *subject, const void *bytes,
	       size_t len)
{
	struct cache_slot *slot;

	must(cache_row(key)->kind == CACHE_LIST);
	pthread_mutex_lock(&c->lock);
	int rc = enter(c, key, subject, len, &slot);
	if (!rc)
		rc = refused(c, cache_slot_push(&c->slots, slot, bytes, len, &c->counters.dropped));
	if (!rc)
		mark(c, slot);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int cache_add(struct cache *c, enum cache_key key, const char *subject, int64_t n)
{
	struct cache_slot *slot;

	must(cache_row(key)->kind == CACHE_COUNTER);
	pthread_mutex_lock(&c->lock);
	int rc = enter(c, key, subject, 0, &slot);
	if (!rc && __builtin_add_overflow(slot->pending, n, &slot->pending))
		rc = ERR_RANGE;
	if (!rc)
		mark(c, slot);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

int cache_total(struct cache *c, enum cache_key key, const char *subject, int64_t *ret_total,
		int64_t *ret_age_ns)
{
	must(cache_row(key)->kind == CACHE_COUNTER);
	pthread_mutex_lock(&c->lock);
	const struct cache_slot *slot = cache_slots_find(&c->slots, key, subject);
	int rc = slot && slot->total_at ? 0 : ERR_NOT_FOUND;
	if (!rc) {
		*ret_total = slot->total + slot->pending;
		*ret_age_ns = clock_mono(clock_real()) - slot->total_at;
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

enum cache_claim cache_claim(struct cache *c, enum cache_key key, const char *subject,
			     const char *token)
{
	enum cache_claim claim = CACHE_CLAIM_UNKNOWN;
	int64_t ttl = cache_row(key)->ttl_ms * NS_PER_MS, now = clock_mono(clock_real());

	must(cache_row(key)->kind == CACHE_CLAIM);
	pthread_mutex_lock(&c->lock);
	struct cache_slot *slot = cache_slots_find(&c->slots, key, subject);
	bool ask = !slot || slot->claim == CACHE_CLAIM_UNKNOWN || now - slot->touched >= ttl;
	if (slot)
		claim = slot->claim;
	if (ask && enter(c, key, subject, strlen(token), &slot) == 0 &&
	    cache_slot_put(slot, token, strlen(token)) == 0) {
		claim = c->counters.connected ? CACHE_CLAIM_PENDING : CACHE_CLAIM_UNKNOWN;
		slot->claim = claim;
		mark(c, slot);
	}
	pthread_mutex_unlock(&c->lock);
	return claim;
}

int cache_flush(struct cache *c, int64_t timeout_ns)
{
	struct timespec due = to_timespec(clock_mono(clock_real()) + timeout_ns);
	int late = 0;

	pthread_mutex_lock(&c->lock);
	/* the round that runs now may have begun before our last call */
	uint64_t want = c->rounds + 2;
	while (!late && c->rounds < want) {
		c->hurry = true;
		pthread_cond_signal(&c->wake);
		late = pthread_cond_timedwait(&c->idle, &c->lock, &due);
	}
	pthread_mutex_unlock(&c->lock);
	return late ? ERR_TIMEOUT : 0;
}

struct cache_counters cache_counters(struct cache *c)
{
	pthread_mutex_lock(&c->lock);
	struct cache_counters counters = c->counters;
	counters.slots = c->slots.count;
	pthread_mutex_unlock(&c->lock);
	return counters;
}

void cache_reason(struct cache *c, char *out, size_t cap)
{
	pthread_mutex_lock(&c->lock);
	snprintf(out, cap, "%s", c->reason);
	pthread_mutex_unlock(&c->lock);
}
