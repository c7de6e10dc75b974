/* journal - opening, appending and asking; what reaches the disk is journal_writer's affair.
 *
 *   journal_open ─► recovered ─► (writer runs) ─► journal_close
 *                                   │  disk says no twice
 *                                   └────────────► failed: appends are refused, reading goes on
 */
#include "common/io/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "common/io/fs.h"
#include "common/io/journal_priv.h"

#define SEGMENT_BYTES (16u << 20)
#define CAP_BYTES (1u << 30)
#define BUFFER_BYTES (8u << 20)
#define BATCH_RECORDS 64
/* The cap is at least so many segments, so that there is always one to trim. */
#define CAP_SEGMENTS 4

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	return value < min ? min : value > max ? max : value;
}

static uint64_t or_else(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static void init_locks(struct journal *j)
{
	pthread_condattr_t attr;

	must(pthread_mutex_init(&j->lock, NULL) == 0);
	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&j->wake, &attr) == 0);
	must(pthread_cond_init(&j->moved, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

static struct journal *journal_new(const struct journal_options *o)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	init_locks(j);
	j->dir_fd = j->lock_fd = j->event_fd = -1;
	pager_init(&j->pager);
	j->file.fd = j->spare.fd = -1;
	j->read_only = o->read_only;
	j->cap_bytes = or_else(o->cap_bytes, CAP_BYTES);
	j->segment_bytes = clamp(or_else(o->segment_bytes, SEGMENT_BYTES), JOURNAL_SEGMENT_MIN,
				 JOURNAL_SEGMENT_MAX);
	if (j->segment_bytes > j->cap_bytes / CAP_SEGMENTS)
		j->segment_bytes = clamp(j->cap_bytes / CAP_SEGMENTS, JOURNAL_SEGMENT_MIN,
					 JOURNAL_SEGMENT_MAX);
	j->batch_records = (uint32_t)or_else(o->batch_records, BATCH_RECORDS);
	j->batch_ns = o->batch_ns;
	j->dir = strdup(o->dir);
	return j;
}

static int make_arenas(struct journal *j, uint64_t bytes)
{
	bytes = clamp(or_else(bytes, BUFFER_BYTES), RECORD_BYTES_MAX, 1u << 30);
	j->fill.at = malloc(bytes);
	j->flight.at = malloc(bytes);
	j->fill.cap = j->flight.cap = bytes;
	return j->fill.at && j->flight.at ? 0 : ERR_NOMEM;
}

static int explain(const struct journal *j, int rc, char *reason, size_t cap)
{
	snprintf(reason, cap, "%s: %s", j->dir, errno ? strerror(errno) : err_text(rc));
	return rc;
}

/* Makes the folder ours: locked, and without what a crash left half made. */
static int own_folder(struct journal *j, char *reason, size_t cap)
{
	long pid = 0;

	errno = 0;
	int rc = fs_open_dir(j->dir, &j->dir_fd);

	if (!rc && j->read_only)
		return 0;
	if (!rc)
		rc = fs_lock(j->dir_fd, &j->lock_fd, &pid);
	if (rc == ERR_BUSY) {
		snprintf(reason, cap, "%s: the journal is in use by process %ld; stop it or "
				      "choose another folder",
			 j->dir, pid);
		return rc;
	}
	if (!rc)
		rc = fs_remove_all(j->dir_fd, "", TEMP_SUFFIX);
	return rc ? explain(j, rc, reason, cap) : 0;
}

static int make_ready(struct journal *j, const struct journal_options *o, char *reason, size_t cap)
{
	errno = 0;
	int rc = make_arenas(j, o->buffer_bytes);

	if (!rc) {
		j->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		rc = j->event_fd >= 0 ? 0 : err_from_errno(errno);
	}
	if (!rc)
		rc = journal_writer_start(j);
	return rc ? explain(j, rc, reason, cap) : 0;
}

int journal_open(const struct journal_options *o, struct journal **ret_journal, char *reason,
		 size_t cap)
{
	struct journal *j = journal_new(o);

	if (cap > 0)
		reason[0] = '\0';
	if (!j || !j->dir) {
		journal_close(j);
		return ERR_NOMEM;
	}
	int rc = own_folder(j, reason, cap);
	if (!rc)
		rc = journal_recover(j, o->epoch, reason, cap);
	j->accept_end = j->file.end;
	j->accept_size = j->file.size;
	if (!rc && !j->read_only)
		rc = make_ready(j, o, reason, cap);
	if (rc) {
		journal_close(j);
		return rc;
	}
	*ret_journal = j;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_writer_stop(j);
	for (uint32_t i = 0; i < j->n_segments; i++)
		sparse_fini(&j->segments[i].index);
	segment_file_close(&j->file);
	if (j->spare.fd >= 0)
		(void)fs_remove_all(j->dir_fd, "", TEMP_SUFFIX);
	segment_file_close(&j->spare);
	close_fd(j->event_fd);
	close_fd(j->lock_fd);
	close_fd(j->dir_fd);
	pthread_cond_destroy(&j->wake);
	pthread_cond_destroy(&j->moved);
	pthread_mutex_destroy(&j->lock);
	free(j->segments);
	free(j->fill.at);
	free(j->flight.at);
	free(j->job.bytes);
	pager_fini(&j->pager);
	free(j->dir);
	free(j);
}

/* Under the lock: 0, or why a record that takes so many bytes cannot be taken now. */
static int refuse(const struct journal *j, size_t bytes)
{
	if (j->failed)
		return j->failed;
	if (j->blocked && j->accept_end + bytes > j->accept_size)
		return j->blocked;
	uint64_t cost = segment_cost(j) + j->in_flight + j->fill.len + bytes;
	return cost > j->cap_bytes || j->fill.len + bytes > j->fill.cap ? ERR_FULL : 0;
}

static void take_place(struct journal *j, size_t bytes)
{
	if (j->accept_end + bytes > j->accept_size) {
		j->accept_end = SEGMENT_HEADER;
		j->accept_size = clamp(SEGMENT_HEADER + bytes, j->segment_bytes, UINT64_MAX);
	}
	j->accept_end += bytes;
}

int journal_append(struct journal *j, const void *bytes, size_t len, uint64_t *ret_seq)
{
	if (len > JOURNAL_RECORD_MAX)
		return ERR_TOO_LONG;
	if (j->read_only)
		return ERR_REFUSED;
	size_t need = record_bytes(len);
	bool wake = false;

	pthread_mutex_lock(&j->lock);
	int rc = refuse(j, need);
	if (!rc) {
		if (j->fill.count == 0)
			j->fill.first = j->last + 1;
		record_pack(j->fill.at + j->fill.len, ++j->last, bytes, len);
		take_place(j, need);
		j->fill.len += need;
		j->fill.count++;
		*ret_seq = j->last;
		wake = j->fill.count == 1 || j->fill.count == j->batch_records;
	}
	pthread_mutex_unlock(&j->lock);
	if (wake) /* not under the lock, on which it would go to sleep again at once */
		pthread_cond_signal(&j->wake);
	if (!rc)
		crash_point(CRASH_journal_append);
	return rc;
}

bool journal_has_room(const struct journal *j, size_t bytes)
{
	/* The lock is not part of what const promises. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&j->lock;

	pthread_mutex_lock(lock);
	bool room = refuse(j, bytes) == 0;
	pthread_mutex_unlock(lock);
	return room;
}

int journal_fd(const struct journal *j)
{
	return j->event_fd;
}

void journal_ack(struct journal *j)
{
	eventfd_t count;
	(void)eventfd_read(j->event_fd, &count);
}

uint64_t journal_durable(const struct journal *j)
{
	return atomic_load_explicit(&j->durable, memory_order_acquire);
}

struct journal_status journal_status(const struct journal *j)
{
	/* The lock is not part of what const promises. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&j->lock;

	pthread_mutex_lock(lock);
	struct journal_status s = j->counters;
	s.epoch = j->epoch;
	s.first = j->segments[j->dead].first;
	s.last = j->last;
	s.durable = atomic_load_explicit(&j->durable, memory_order_relaxed);
	s.bytes = segment_cost(j);
	s.failed = j->failed;
	s.blocked = j->blocked;
	pthread_mutex_unlock(lock);
	return s;
}

int journal_flush(struct journal *j, int64_t timeout_ns)
{
	int64_t due = clock_mono(clock_real()) + timeout_ns;
	struct timespec ts = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
	int late = 0, rc = 0;

	pthread_mutex_lock(&j->lock);
	uint64_t target = j->last;
	j->flush_now = true;
	pthread_cond_signal(&j->wake);
	while (!j->failed && journal_durable(j) < target && !late)
		late = pthread_cond_timedwait(&j->moved, &j->lock, &ts);
	if (journal_durable(j) < target)
		rc = j->failed ? j->failed : j->blocked ? j->blocked : ERR_TIMEOUT;
	pthread_mutex_unlock(&j->lock);
	return rc;
}

int journal_trim(struct journal *j, uint64_t seq)
{
	if (j->read_only)
		return ERR_REFUSED;
	pthread_mutex_lock(&j->lock);
	while (j->dead + 1 < j->n_segments && j->segments[j->dead + 1].first <= seq + 1) {
		j->old_bytes -= j->segments[j->dead].bytes;
		j->dead++;
	}
	if (j->dead > 0)
		pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	return 0;
}

int journal_blame(struct journal *j, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	pthread_mutex_lock(&j->lock);
	vsnprintf(j->reason, sizeof(j->reason), format, args);
	pthread_mutex_unlock(&j->lock);
	va_end(args);
	return err;
}

void journal_reason(struct journal *j, char *out, size_t cap)
{
	pthread_mutex_lock(&j->lock);
	snprintf(out, cap, "%s", j->reason);
	pthread_mutex_unlock(&j->lock);
}
