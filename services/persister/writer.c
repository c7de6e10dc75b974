/* writer - the thread that owns the store: takes records in batches, commits, tries again until it has succeeded. */
#include "services/persister/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/ring.h"
#include "common/io/crash_point.h"
#include "proto/topic.h"

enum { BATCH_MAX = 2000 };
static const int64_t retry_min_ns = 100 * NS_PER_MS, retry_max_ns = 2 * NS_PER_S;

struct queued {
	uint8_t lane, pad;
	uint16_t topic_len; /* with its NUL */
	uint32_t len;
};

struct writer {
	struct store *store;
	const struct clock *clock;
	int64_t interval_ns;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ring queue;     /* guarded */
	struct writer_status status; /* guarded */
	struct {
		char publisher[EVENT_SOURCE_MAX];
		uint64_t epoch, seq;
	} acked[WRITER_PUBLISHERS_MAX]; /* guarded */
	bool stop;             /* guarded */
	struct arena arena;
	uint8_t *batch;        /* records being written, as they lay in the queue */
	size_t batch_len, batch_cap, batch_records;
};

/* Under the lock. */
static void note_ack(struct writer *w, const char *publisher, uint64_t epoch, uint64_t seq)
{
	for (size_t i = 0; i < WRITER_PUBLISHERS_MAX; i++) {
		if (w->acked[i].publisher[0] == '\0')
			snprintf(w->acked[i].publisher, sizeof w->acked[i].publisher, "%s", publisher);
		if (strcmp(w->acked[i].publisher, publisher) == 0) {
			w->acked[i].epoch = epoch;
			w->acked[i].seq = seq;
			return;
		}
	}
}

void writer_resume(struct writer *w, const char *publisher, uint64_t epoch, uint64_t seq)
{
	pthread_mutex_lock(&w->lock);
	note_ack(w, publisher, epoch, seq);
	pthread_mutex_unlock(&w->lock);
}

/* Copies what is queued, up to a batch: the lock is not held while SQLite works. */
static void take_batch(struct writer *w)
{
	size_t len;
	const uint8_t *at;
	while (w->batch_records < BATCH_MAX && (at = ring_front(&w->queue, &len)) != NULL) {
		size_t padded = (len + 7) & ~(size_t)7;
		if (w->batch_len + sizeof(uint64_t) + padded > w->batch_cap)
			break;
		uint64_t n = len;
		memcpy(w->batch + w->batch_len, &n, sizeof n);
		memcpy(w->batch + w->batch_len + sizeof n, at, len);
		w->batch_len += sizeof n + padded;
		w->batch_records++;
		ring_pop(&w->queue);
	}
}

static int write_record(struct writer *w, const uint8_t *at, struct event *ev)
{
	struct queued q;
	size_t used;
	memcpy(&q, at, sizeof q);
	const char *topic = (const char *)at + sizeof q;
	const uint8_t *body = at + sizeof q + q.topic_len;
	w->arena.used = 0;
	/* Checked when it was received: an event of an unknown id keeps its raw record. */
	int rc = codec_unpack(body, q.len, &w->arena, ev, &used);
	if (rc == ERR_UNKNOWN)
		rc = codec_peek(body, q.len, ev);
	return rc ? 0 : store_put(w->store, q.lane, topic, ev, body, q.len);
}

static int write_batch(struct writer *w)
{
	int rc = store_begin(w->store);
	for (size_t at = 0; !rc && at < w->batch_len;) {
		struct event ev;
		uint64_t n;
		memcpy(&n, w->batch + at, sizeof n);
		rc = write_record(w, w->batch + at + sizeof n, &ev);
		at += sizeof n + ((n + 7) & ~(uint64_t)7);
	}
	if (rc)
		store_rollback(w->store); /* whatever broke: the next try begins anew */
	return rc ? rc : store_commit(w->store);
}

static void acknowledge(struct writer *w)
{
	for (size_t at = 0; at < w->batch_len;) {
		uint64_t n;
		struct queued q;
		struct event head;
		memcpy(&n, w->batch + at, sizeof n);
		memcpy(&q, w->batch + at + sizeof n, sizeof q);
		const uint8_t *body = w->batch + at + sizeof n + sizeof q + q.topic_len;
		if (q.lane == LANE_X && codec_peek(body, q.len, &head) == 0)
			note_ack(w, head.source, head.epoch, head.seq);
		at += sizeof n + ((n + 7) & ~(uint64_t)7);
	}
	struct store_counters c = store_counters(w->store);
	w->status.written += w->batch_records;
	w->status.commits = c.commits;
	w->status.rows = c.rows;
	w->status.duplicates = c.duplicates;
	w->status.error = 0;
	w->status.error_since = 0;
	w->batch_len = w->batch_records = 0;
}

static void wait_for(struct writer *w, int64_t ns)
{
	int64_t at = clock_mono(w->clock) + ns;
	struct timespec until = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
	pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

static void note_error(struct writer *w, int rc)
{
	if (w->status.error_since == 0)
		w->status.error_since = clock_mono(w->clock);
	w->status.error = rc;
	w->status.retries++;
	w->status.corrupt = rc == ERR_CORRUPT;
	strncpy(w->status.reason, store_error(w->store), sizeof w->status.reason - 1);
}

static void *work(void *arg)
{
	struct writer *w = arg;
	int64_t retry = retry_min_ns;
	pthread_mutex_lock(&w->lock);
	while (!w->stop || w->queue.count || w->batch_records) {
		take_batch(w);
		if (w->batch_records == 0) {
			wait_for(w, w->interval_ns);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		int rc = write_batch(w);
		pthread_mutex_lock(&w->lock);
		if (!rc) {
			crash_point(CRASH_store_after_commit);
			acknowledge(w);
			crash_point(CRASH_store_acknowledged);
			retry = retry_min_ns;
			if (!w->stop && w->queue.count < BATCH_MAX / 4)
				wait_for(w, w->interval_ns);
			continue;
		}
		note_error(w, rc);
		if (w->stop || w->status.corrupt)
			break; /* what is not written stays with its publishers */
		wait_for(w, retry);
		retry = retry * 2 < retry_max_ns ? retry * 2 : retry_max_ns;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int writer_start(struct store *store, const struct clock *clock, int64_t interval_ns, size_t queue_bytes,
		 struct writer **ret_writer)
{
	struct writer *w = calloc(1, sizeof *w);
	if (!w)
		return ERR_NOMEM;
	w->store = store;
	w->clock = clock;
	w->interval_ns = interval_ns;
	w->batch_cap = 4 << 20;
	w->batch = malloc(w->batch_cap);
	w->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&w->lock, NULL);
	int rc = w->batch && w->arena.at ? ring_init(&w->queue, queue_bytes) : ERR_NOMEM;
	if (!rc && pthread_create(&w->thread, NULL, work, w) != 0)
		rc = ERR_NOMEM;
	if (rc) {
		ring_fini(&w->queue);
		free(w->batch);
		free(w->arena.at);
		free(w);
		return rc;
	}
	*ret_writer = w;
	return 0;
}

void writer_stop(struct writer *w, int64_t wait_ns)
{
	if (!w)
		return;
	(void)wait_ns;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL); /* ends after one try: SQLite's own waiting is bounded */
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	ring_fini(&w->queue);
	free(w->batch);
	free(w->arena.at);
	free(w);
}

int writer_put(struct writer *w, enum lane lane, const char *topic, const uint8_t *bytes, size_t len)
{
	size_t topic_len = strlen(topic) + 1;
	struct queued q = {.lane = (uint8_t)lane, .topic_len = (uint16_t)topic_len, .len = (uint32_t)len};
	uint8_t *at;
	must(topic_len <= TOPIC_MAX);
	pthread_mutex_lock(&w->lock);
	int rc = ring_reserve(&w->queue, sizeof q + topic_len + len, &at);
	if (!rc) {
		memcpy(at, &q, sizeof q);
		memcpy(at + sizeof q, topic, topic_len);
		memcpy(at + sizeof q + topic_len, bytes, len);
		ring_commit(&w->queue);
		w->status.taken++;
		if (w->queue.count == BATCH_MAX)
			pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

bool writer_has_room(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	bool room = w->queue.bytes < w->queue.cap / 4;
	pthread_mutex_unlock(&w->lock);
	return room;
}

uint32_t writer_acks(struct writer *w, struct pair *ret_acks, struct pair *ret_epochs, uint32_t cap)
{
	uint32_t n = 0;
	pthread_mutex_lock(&w->lock);
	for (; n < cap && n < WRITER_PUBLISHERS_MAX && w->acked[n].publisher[0]; n++) {
		event_set_name(ret_acks[n].name, w->acked[n].publisher);
		ret_acks[n].value = (int64_t)w->acked[n].seq;
		ret_epochs[n] = ret_acks[n];
		ret_epochs[n].value = (int64_t)w->acked[n].epoch;
	}
	pthread_mutex_unlock(&w->lock);
	return n;
}

uint64_t writer_acked(struct writer *w, const char *publisher)
{
	struct pair acks[WRITER_PUBLISHERS_MAX], epochs[WRITER_PUBLISHERS_MAX];
	uint32_t n = writer_acks(w, acks, epochs, WRITER_PUBLISHERS_MAX);
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(acks[i].name, publisher) == 0)
			return (uint64_t)acks[i].value;
	return 0;
}

struct writer_status writer_status(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	struct writer_status st = w->status;
	st.queued_bytes = w->queue.bytes;
	pthread_mutex_unlock(&w->lock);
	return st;
}
