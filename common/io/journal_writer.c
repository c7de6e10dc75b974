/* journal_writer - the one thread that writes: groups, rotation, and what happens when the disk
 * says no.
 *
 *           append             take                ┌ fits: write_here, fdatasync ─┐
 *   caller ──────► fill arena ────► flight arena ──┤                              ├─► mark_durable
 *                                                  └ else: place (new segment) ───┘
 *   write_here fails ─► place once, from memory ─► fails too ─► fail (for good)
 *   place: no file can be had ─► blocked, tried again each RETRY_NS; written in vain twice ─► fail
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "common/io/fs.h"
#include "common/io/journal_priv.h"

#define RETRY_NS (250 * NS_PER_MS)
#define WRITES_IN_VAIN 2

/* Records of an arena that are written and synced together. */
struct stretch {
	uint8_t *at;
	size_t len;
	uint64_t first;
	uint32_t count;
};

/* Not under the lock: who waits wakes at once, and would have to wait for it. */
static void announce(struct journal *j)
{
	pthread_cond_broadcast(&j->moved);
	(void)eventfd_write(j->event_fd, 1);
}

static void fail(struct journal *j, int err)
{
	pthread_mutex_lock(&j->lock);
	j->failed = err;
	j->fill.len = 0;
	j->fill.count = 0;
	j->in_flight = 0;
	pthread_mutex_unlock(&j->lock);
	announce(j);
}

/* Under the lock; false when the time was up. */
static bool wait_until(struct journal *j, int64_t due)
{
	struct timespec ts = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
	return pthread_cond_timedwait(&j->wake, &j->lock, &ts) == 0;
}

/* No segment could be had (err), or one was written in vain (0): both count. */
static void set_blocked(struct journal *j, int err, bool in_vain)
{
	pthread_mutex_lock(&j->lock);
	j->counters.write_errors += in_vain || (err && !j->blocked);
	j->blocked = err;
	pthread_mutex_unlock(&j->lock);
}

/* Removes the files of trimmed segments, oldest first, so that a crash leaves no hole. */
static void bury(struct journal *j)
{
	char name[FS_NAME_MAX];

	pthread_mutex_lock(&j->lock);
	while (j->dead > 0) {
		fs_name(name, SEGMENT_PREFIX, j->segments[0].first, SEGMENT_SUFFIX);
		sparse_fini(&j->segments[0].index);
		memmove(j->segments, j->segments + 1, --j->n_segments * sizeof(*j->segments));
		j->dead--;
		pthread_mutex_unlock(&j->lock);
		crash_point(CRASH_trim_before_unlink);
		int rc = unlinkat(j->dir_fd, name, 0);
		crash_point(CRASH_trim_after_unlink);
		pthread_mutex_lock(&j->lock);
		j->counters.write_errors += rc != 0;
	}
	pthread_mutex_unlock(&j->lock);
}

/* Waits for the next try to make a segment; false where the journal is being closed. */
static bool wait_for_room(struct journal *j)
{
	int64_t due = clock_mono(clock_real()) + RETRY_NS;

	pthread_mutex_lock(&j->lock);
	bool stop = j->stop;
	while (!j->stop && j->dead == 0 && wait_until(j, due))
		;
	pthread_mutex_unlock(&j->lock);
	bury(j);
	return !stop;
}

/* The records that have a place from `at` on in `room` bytes. */
static struct stretch measure(const struct arena *a, size_t at, uint64_t seq, uint64_t room)
{
	struct stretch s = {.at = a->at + at, .first = seq};

	while (at + s.len < a->len) {
		size_t n = record_bytes(record_claim(s.at + s.len));
		if (s.len + n > room)
			break;
		s.len += n;
		s.count++;
	}
	return s;
}

static void seal(const struct journal *j, const struct stretch *s)
{
	uint8_t *at = s->at;

	for (uint32_t i = 0; i < s->count; i++) {
		record_seal(at, j->epoch, i);
		at += record_bytes(record_claim(at));
	}
}

/* A new segment for the stretch; `in_vain`: writes that already failed. */
static int place(struct journal *j, const struct stretch *s, int in_vain)
{
	enum place_failure failure;
	bool urgent = in_vain > 0;

	for (;;) {
		int rc = segment_place(j, s->first, s->at, s->len, &failure);
		if (rc == 0)
			break;
		set_blocked(j, failure == PLACE_MAKE ? rc : 0, failure == PLACE_WRITE);
		if (failure == PLACE_WRITE && ++in_vain >= WRITES_IN_VAIN)
			return rc;
		if (failure == PLACE_MAKE && (urgent || !wait_for_room(j)))
			return rc;
	}
	crash_point(CRASH_segment_rotated);
	pthread_mutex_lock(&j->lock);
	j->blocked = 0;
	j->counters.rotations++;
	int rc = segment_enter(j, s->first, j->file.end);
	j->accept_end = j->file.end + j->in_flight - s->len + j->fill.len;
	j->accept_size = j->file.size;
	pthread_mutex_unlock(&j->lock);
	return rc;
}

static int write_here(struct journal *j, const struct stretch *s)
{
	int64_t began = clock_mono(clock_real());
	crash_point(CRASH_journal_before_write);
	int rc = fs_write_at(j->file.fd, s->at, s->len, j->file.end);

	crash_point(CRASH_journal_before_sync);
	if (!rc && fdatasync(j->file.fd) != 0)
		rc = err_from_errno(errno);
	int errnum = errno;
	uint64_t took = (uint64_t)(clock_mono(clock_real()) - began);
	crash_point(CRASH_journal_after_sync);
	if (rc)
		journal_blame(j, rc, "%s/x-%020llu.njj: offset %llu: records from %llu on: %s",
			      j->dir, (unsigned long long)j->current_first,
			      (unsigned long long)j->file.end, (unsigned long long)s->first,
			      strerror(errnum));
	else
		j->file.end += s->len;
	pthread_mutex_lock(&j->lock);
	j->counters.write_errors += rc != 0;
	if (took > j->counters.sync_ns_max)
		j->counters.sync_ns_max = took;
	pthread_mutex_unlock(&j->lock);
	return rc;
}

/* Entries in front of the durable mark are never looked at, so they can be made before it moves. */
static void index_stretch(struct journal *j, const struct stretch *s)
{
	uint64_t base = j->file.end - s->len, next = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		if (base + at >= next) {
			pthread_mutex_lock(&j->lock);
			sparse_add(&j->segments[j->n_segments - 1].index, s->first + i, base + at);
			pthread_mutex_unlock(&j->lock);
			next = base + at + SPARSE_STRIDE;
		}
		at += record_bytes(record_claim(s->at + at));
	}
}

static void mark_durable(struct journal *j, const struct stretch *s)
{
	index_stretch(j, s);
	pthread_mutex_lock(&j->lock);
	j->segments[j->n_segments - 1].bytes = j->file.end;
	j->in_flight -= s->len;
	j->counters.syncs++;
	atomic_store_explicit(&j->durable, s->first + s->count - 1, memory_order_release);
	crash_point(CRASH_journal_durable);
	pthread_mutex_unlock(&j->lock);
	announce(j);
}

static int write_stretch(struct journal *j, size_t at, uint64_t seq, struct stretch *ret_s)
{
	struct stretch s = measure(&j->flight, at, seq, j->file.size - j->file.end);
	int in_vain = 0;

	if (s.count > 0) {
		seal(j, &s);
		int rc = write_here(j, &s);
		*ret_s = s;
		if (rc == 0)
			return 0;
		in_vain = 1;
	} else {
		uint64_t one = record_bytes(record_claim(j->flight.at + at));
		uint64_t room = j->segment_bytes - SEGMENT_HEADER;
		s = measure(&j->flight, at, seq, one > room ? one : room);
		seal(j, &s);
		*ret_s = s;
	}
	return place(j, &s, in_vain);
}

static void write_flight(struct journal *j)
{
	struct stretch s;
	uint64_t seq = j->flight.first;

	for (size_t at = 0; at < j->flight.len; at += s.len, seq += s.count) {
		int rc = write_stretch(j, at, seq, &s);
		if (rc) {
			fail(j, rc);
			return;
		}
		mark_durable(j, &s);
	}
}

/* Under the lock: swaps the arenas. */
static void take(struct journal *j)
{
	struct arena full = j->fill;

	j->fill = j->flight;
	j->fill.len = 0;
	j->fill.count = 0;
	j->flight = full;
	j->in_flight = full.len;
	j->flush_now = false;
}

/* Under the lock: lets a group gather where that was asked for. */
static void gather(struct journal *j)
{
	if (j->batch_ns <= 0)
		return;
	int64_t due = clock_mono(clock_real()) + j->batch_ns;
	while (!j->stop && !j->flush_now && j->fill.count < j->batch_records && wait_until(j, due))
		;
}

/* The spare is made when there is nothing to write, or when the segment is half full. */
static void prepare_spare(struct journal *j, bool idle)
{
	if (!j->failed && j->spare.fd < 0 && (idle || j->file.end * 2 > j->file.size))
		set_blocked(j, segment_spare(j), false);
}

/* Under the lock: until there is work, at most until the next try to make a spare. */
static void wait_for_work(struct journal *j)
{
	int64_t due = clock_mono(clock_real()) + RETRY_NS;

	while (!j->stop && j->fill.count == 0 && j->dead == 0 && !journal_snapshot_due(j)) {
		if (!j->blocked)
			pthread_cond_wait(&j->wake, &j->lock);
		else if (!wait_until(j, due))
			break;
	}
	if (j->fill.count > 0)
		gather(j);
}

static void *writer_run(void *ctx)
{
	struct journal *j = ctx;

	prepare_spare(j, true);
	pthread_mutex_lock(&j->lock);
	for (;;) {
		wait_for_work(j);
		bool write = j->fill.count > 0 && !j->failed, stop = j->stop;
		if (write)
			take(j);
		pthread_mutex_unlock(&j->lock);
		if (write)
			write_flight(j);
		journal_snapshot_write(j);
		bury(j);
		if (!stop)
			prepare_spare(j, !write);
		pthread_mutex_lock(&j->lock);
		if (j->stop && (j->fill.count == 0 || j->failed) && !journal_snapshot_due(j))
			break;
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* Signals are the loop's. */
int journal_writer_start(struct journal *j)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&j->thread, NULL, writer_run, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return err_from_errno(rc);
	j->has_thread = true;
	return 0;
}

void journal_writer_stop(struct journal *j)
{
	if (!j->has_thread)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	j->has_thread = false;
}
