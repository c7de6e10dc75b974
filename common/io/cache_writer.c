/* cache_writer - the thread that writes what has changed to Redis.
 *
 *              cache_set …            take (lock)           pipelined (no lock)
 *   any thread ──────────► slots ◄──────────────► thread ◄─────────────────────► Redis
 *                                 put back, results
 *   away ─ come_back ─► there ─ leave: any error of the connection ─► away, waits (backoff) …
 * A batch that was under way is put back; what cannot be written twice is counted as dropped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/cache_priv.h"
#include "common/io/clock.h"

#define TEND_NS (5 * NS_PER_S)
/* Every value is written again so often: a flushed server heals within a minute. */
#define REFRESH_TENDS 12
#define PUSH_MAX 64 /* items of one RPUSH */

/* One command out of texts and bytes that lie in the batch. */
struct words {
	const char *at[PUSH_MAX + 8];
	size_t len[PUSH_MAX + 8];
	int n;
};

static void word(struct words *w, const void *at, size_t len)
{
	must((size_t)w->n < ARRAY_LEN(w->at));
	w->at[w->n] = at;
	w->len[w->n++] = len;
}

static void text(struct words *w, const char *t)
{
	word(w, t, strlen(t));
}

static int send_words(struct cache *c, struct words *w)
{
	int rc = redis_command(c->link, w->n, w->at, w->len);
	w->n = 0;
	return rc;
}

static void name_of(const struct cache *c, const struct cache_op *op, struct words *w)
{
	word(w, c->batch.arena.at + op->name, op->name_len);
}

static int send_one(struct cache *c, const char *verb)
{
	struct words w = {.n = 0};
	text(&w, verb);
	return send_words(c, &w);
}

static int send_set(struct cache *c, const struct cache_op *op, const char *ttl)
{
	struct words w = {.n = 0};

	text(&w, "SET");
	name_of(c, op, &w);
	word(&w, c->batch.arena.at + op->bytes, op->len);
	text(&w, "PX");
	text(&w, ttl);
	if (op->kind == CACHE_CLAIM)
		text(&w, "NX");
	return send_words(c, &w);
}

static int send_items(struct cache *c, const struct cache_op *op)
{
	const uint8_t *at = c->batch.arena.at + op->bytes;
	struct words w = {.n = 0};
	int rc = 0;

	for (uint32_t i = 0; i < op->items && !rc; i++) {
		uint32_t len;
		memcpy(&len, at, sizeof(len));
		if (w.n == 0) {
			text(&w, "RPUSH");
			name_of(c, op, &w);
		}
		word(&w, at + sizeof(len), len);
		at += sizeof(len) + len;
		if (w.n == PUSH_MAX + 2 || i + 1 == op->items)
			rc = send_words(c, &w);
	}
	return rc;
}

static int send_named(struct cache *c, const struct cache_op *op, const char *verb,
		      const char *more, const char *last)
{
	struct words w = {.n = 0};

	text(&w, verb);
	name_of(c, op, &w);
	if (more)
		text(&w, more);
	if (last)
		text(&w, last);
	return send_words(c, &w);
}

static int send_change(struct cache *c, const struct cache_op *op)
{
	char number[32];

	if (op->kind == CACHE_COUNTER) {
		snprintf(number, sizeof(number), "%" PRId64, op->n);
		return send_named(c, op, "INCRBY", number, NULL);
	}
	snprintf(number, sizeof(number), "-%" PRIu32, op->cap);
	int rc = send_items(c, op);
	return rc ? rc : send_named(c, op, "LTRIM", number, "-1");
}

/* List and counter get their TTL in the same transaction as their content. */
static int send_transaction(struct cache *c, const struct cache_op *op, const char *ttl)
{
	int rc = send_one(c, "MULTI");

	if (!rc && op->poisoned)
		rc = send_named(c, op, "DEL", NULL, NULL);
	if (!rc)
		rc = send_change(c, op);
	if (!rc)
		rc = send_named(c, op, "PEXPIRE", ttl, NULL);
	return rc ? rc : send_one(c, "EXEC");
}

static uint32_t commands_of(const struct cache_op *op)
{
	if (op->kind == CACHE_VALUE || op->kind == CACHE_CLAIM)
		return 1;
	uint32_t change = op->kind == CACHE_COUNTER ? 1 : (op->items + PUSH_MAX - 1) / PUSH_MAX + 1;
	return 3 + (op->poisoned ? 1u : 0u) + change;
}

static int send_op(struct cache *c, const struct cache_op *op)
{
	char ttl[32];

	snprintf(ttl, sizeof(ttl), "%" PRId64, op->ttl_ms);
	if (op->kind == CACHE_VALUE || op->kind == CACHE_CLAIM)
		return send_set(c, op, ttl);
	return send_transaction(c, op, ttl);
}

/* Under the lock: what an error reply means for the slot. */
static void on_error(struct cache *c, const struct cache_op *op, struct cache_slot *slot,
		     const char *error)
{
	bool wrong = strncmp(error, "WRONGTYPE", 9) == 0 || strstr(error, "not an integer") != NULL;

	c->counters.errors++;
	c->counters.wrong_type += wrong;
	c->counters.oom += strncmp(error, "OOM", 3) == 0;
	c->counters.dropped += op->items;
	snprintf(c->reason, sizeof(c->reason), "redis: %.*s: %s", (int)op->name_len,
		 (const char *)c->batch.arena.at + op->name, error);
	if (!slot)
		return;
	slot->poisoned = wrong;
	slot->pending += op->n;
	slot->failed = op->kind == CACHE_VALUE || op->kind == CACHE_COUNTER;
	if (op->kind == CACHE_CLAIM)
		slot->claim = CACHE_CLAIM_UNKNOWN;
	if (wrong && op->kind == CACHE_COUNTER)
		cache_slots_mark(&c->slots, slot);
}

static void settle(struct cache *c, const struct cache_op *op, const struct redis_reply *last,
		   const char *error)
{
	pthread_mutex_lock(&c->lock);
	struct cache_slot *slot = cache_slots_of(&c->slots, op);
	if (error[0] != '\0') {
		on_error(c, op, slot, error);
	} else if (slot && op->kind == CACHE_COUNTER) {
		slot->total = last->integer;
		slot->total_at = clock_mono(clock_real());
	} else if (slot && op->kind == CACHE_CLAIM) {
		slot->claim = last->kind == REDIS_NIL ? CACHE_CLAIM_TAKEN : CACHE_CLAIM_OURS;
	}
	pthread_mutex_unlock(&c->lock);
}

/* Reads the replies of one operation; in a transaction the first error counts, not EXEC's echo of
 * it. A value that was taken tells nothing. */
static int read_op(struct cache *c, const struct cache_op *op)
{
	struct redis_reply r;
	char error[REDIS_TEXT_MAX];

	r.strings = NULL;
	error[0] = '\0';
	for (uint32_t n = commands_of(op); n > 0; n--) {
		int rc = redis_reply(c->link, &r);
		if (rc)
			return rc;
		if (r.errors > 0 && error[0] == '\0')
			memcpy(error, r.error, sizeof(error));
	}
	if (op->kind != CACHE_VALUE || error[0] != '\0')
		settle(c, op, &r, error);
	return 0;
}

static void set_reason(struct cache *c, const char *why)
{
	snprintf(c->reason, sizeof(c->reason), "%s", why);
}

/* Under no lock: away from Redis until the backoff has passed. */
static void leave(struct cache *c, int rc)
{
	pthread_mutex_lock(&c->lock);
	c->counters.connected = false;
	c->counters.disconnects++;
	c->counters.timeouts += rc == ERR_TIMEOUT;
	snprintf(c->reason, sizeof(c->reason), "redis %s", redis_reason(c->link));
	pthread_mutex_unlock(&c->lock);
	redis_close(c->link);
	c->link = NULL;
	c->retry_at = clock_mono(clock_real()) + backoff_next(&c->backoff);
}

static void come_back(struct cache *c)
{
	char why[CACHE_REASON_MAX] = "";
	int rc = redis_open(&c->o, &c->link, why, sizeof(why));
	int64_t now = clock_mono(clock_real());

	pthread_mutex_lock(&c->lock);
	c->counters.connects += rc == 0;
	c->counters.connect_failures += rc != 0;
	c->counters.timeouts += rc == ERR_TIMEOUT;
	c->counters.connected = rc == 0;
	if (rc)
		set_reason(c, why);
	else
		/* it may be another, or the same and empty */
		cache_slots_tend(&c->slots, now, true);
	pthread_mutex_unlock(&c->lock);
	c->retry_at = rc ? now + backoff_next(&c->backoff) : 0;
}

/* Under the lock for a few slots at a time; *left of what is to be written comes down by what was
 * taken. */
static void fill_batch(struct cache *c, uint32_t *left)
{
	int64_t now = clock_mono(clock_real());
	uint32_t n;

	cache_batch_clear(&c->batch);
	do {
		pthread_mutex_lock(&c->lock);
		n = cache_slots_take(&c->slots, now, *left, &c->batch);
		pthread_mutex_unlock(&c->lock);
		*left -= n;
	} while (n > 0);
}

/* Writes one batch; the error of the connection where that ends. */
static int write_batch(struct cache *c, uint32_t *left)
{
	uint32_t answered = 0, commands = 0;
	int rc = 0;

	fill_batch(c, left);
	if (c->batch.n == 0)
		return 0;
	redis_deadline(c->link, 4 * c->o.command_ns);
	for (uint32_t i = 0; i < c->batch.n && !rc; i++)
		rc = send_op(c, &c->batch.op[i]);
	while (!rc && answered < c->batch.n) {
		rc = read_op(c, &c->batch.op[answered]);
		commands += rc ? 0 : commands_of(&c->batch.op[answered]);
		answered += rc == 0;
	}
	pthread_mutex_lock(&c->lock);
	c->counters.flushes += rc == 0;
	c->counters.commands += commands;
	if (rc)
		c->counters.dropped += cache_slots_put_back(&c->slots, &c->batch, answered);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* Writes what is in the queue now, and not what comes meanwhile: that is what keeps it to a few
 * writes a second and key. Changed slots go to the queue's end, so that no key is written twice. */
static void write_all(struct cache *c)
{
	int rc = 0;

	if (!c->link && clock_mono(clock_real()) >= c->retry_at)
		come_back(c);
	if (!c->link)
		return;
	pthread_mutex_lock(&c->lock);
	uint32_t left = c->slots.dirty;
	pthread_mutex_unlock(&c->lock);
	while (left > 0 && rc == 0)
		rc = write_batch(c, &left);
	if (rc) {
		leave(c, rc);
		return;
	}
	backoff_reset(&c->backoff);
	pthread_mutex_lock(&c->lock);
	c->rounds++;
	pthread_mutex_unlock(&c->lock);
}

/* Under the lock: until it is time to write. */
static void wait_for_time(struct cache *c, int64_t next)
{
	while (!c->stop && !c->hurry) {
		int64_t now = clock_mono(clock_real()), due = c->tend_at;
		if (c->slots.dirty > 0 || !c->link)
			due = next;
		if (!c->link && c->retry_at > due)
			due = c->retry_at;
		if (now >= due)
			break;
		struct timespec ts = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
		pthread_cond_timedwait(&c->wake, &c->lock, &ts);
	}
	c->hurry = false;
}

static void tend(struct cache *c, int64_t now)
{
	if (now < c->tend_at)
		return;
	c->tend_at = now + TEND_NS;
	cache_slots_tend(&c->slots, now, ++c->tends % REFRESH_TENDS == 0);
}

void *cache_writer(void *ctx)
{
	struct cache *c = ctx;
	bool stop = false;

	c->tend_at = clock_mono(clock_real()) + TEND_NS;
	while (!stop) {
		write_all(c);
		pthread_mutex_lock(&c->lock);
		pthread_cond_broadcast(&c->idle);
		/* seen before a round of writing, so that what was set before the close is
		 * written */
		stop = c->stop;
		if (!stop)
			wait_for_time(c, clock_mono(clock_real()) + c->o.flush_ns);
		tend(c, clock_mono(clock_real()));
		pthread_mutex_unlock(&c->lock);
	}
	if (c->link)
		write_all(c);
	redis_close(c->link);
	pthread_mutex_lock(&c->lock);
	c->done = true;
	bool orphan = c->orphan;
	pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->lock);
	if (orphan)
		cache_free(c);
	return NULL;
}
