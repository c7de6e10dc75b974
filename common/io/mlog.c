/* mlog - opening, appending and bounding of the lane-M log.
 *
 *   append ─► window of the newest file: stamp, frame, CRC ─► commit word (release)
 *     └ does not fit: seal the file ─► make the next one ─► the oldest fall out (bytes, then time)
 */
#include "common/io/mlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/le.h"
#include "common/io/mlog_priv.h"

#define SEGMENT_BYTES (16u << 20)
#define SEGMENT_MIN 4096u
#define SEGMENT_MAX (1u << 30)
#define CAP_BYTES (256u << 20)
#define CAP_SEGMENTS 4
#define KEEP_NS (15 * 60 * NS_PER_S)
#define RETRY_NS (250 * NS_PER_MS)

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	return value < min ? min : value > max ? max : value;
}

static struct mlog *mlog_new(const struct mlog_options *o)
{
	struct mlog *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->dir_fd = m->lock_fd = m->fd = -1;
	pager_init(&m->pager);
	m->read_only = o->read_only;
	m->cap_bytes = o->cap_bytes ? o->cap_bytes : CAP_BYTES;
	m->segment_bytes = clamp(o->segment_bytes ? o->segment_bytes : SEGMENT_BYTES, SEGMENT_MIN,
				 SEGMENT_MAX);
	if (m->segment_bytes > m->cap_bytes / CAP_SEGMENTS)
		m->segment_bytes = clamp(m->cap_bytes / CAP_SEGMENTS, SEGMENT_MIN, SEGMENT_MAX);
	m->segment_bytes &= ~UINT64_C(7);
	m->keep_ns = o->keep_ns > 0 ? o->keep_ns : KEEP_NS;
	m->dir = strdup(o->dir);
	return m;
}

static int own_folder(struct mlog *m)
{
	long pid = 0;

	errno = 0;
	int rc = fs_open_dir(m->dir, &m->dir_fd);
	if (!rc && !m->read_only)
		rc = fs_lock(m->dir_fd, &m->lock_fd, &pid);
	if (rc == ERR_BUSY)
		return mlog_blame(m, rc, "%s: the log is in use by process %ld; stop it or choose "
					 "another folder",
				  m->dir, pid);
	if (!rc && !m->read_only)
		rc = fs_remove_all(m->dir_fd, "", ".tmp");
	return rc ? mlog_blame(m, rc, "%s: %s", m->dir, errno ? strerror(errno) : err_text(rc)) : 0;
}

int mlog_open(const struct mlog_options *o, struct mlog **ret_log, char *reason, size_t cap)
{
	struct mlog *m = mlog_new(o);

	if (cap > 0)
		reason[0] = '\0';
	if (!m || !m->dir) {
		mlog_close(m);
		return ERR_NOMEM;
	}
	int rc = own_folder(m);
	if (!rc)
		rc = mlog_recover(m);
	if (rc) {
		snprintf(reason, cap, "%s", m->reason[0] ? m->reason : err_text(rc));
		mlog_close(m);
		return rc;
	}
	m->reason[0] = '\0';
	*ret_log = m;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void mlog_close(struct mlog *m)
{
	if (!m)
		return;
	mlog_window_close(m);
	for (uint32_t i = 0; i < m->n; i++)
		sparse_fini(&m->files[i].index);
	close_fd(m->fd);
	close_fd(m->lock_fd);
	close_fd(m->dir_fd);
	pager_fini(&m->pager);
	free(m->files);
	free(m->dir);
	free(m);
}

static void store_commit(uint8_t *at, uint32_t word)
{
	/* Offsets are multiples of 8 in a mapping, so the store is one and aligned. */
	__atomic_store_n((uint32_t *)(void *)at, htole32(word), __ATOMIC_RELEASE);
}

/* From here on nothing is written to the newest file. Its last bytes need no seal where no record
 * fits them. */
static int seal(struct mlog *m)
{
	const struct mlog_file *f = &m->files[m->n - 1];
	uint8_t *at;
	int rc = 0;

	if (f->end + MLOG_RECORD <= f->size) {
		rc = mlog_window(m, f->end, MLOG_RECORD, &at);
		if (!rc)
			store_commit(at, MLOG_SEAL);
	}
	mlog_window_close(m);
	close_fd(m->fd);
	m->fd = -1;
	return rc;
}

static int next_file(struct mlog *m, int64_t stamp)
{
	if (m->fd >= 0)
		/* a seal that cannot be set costs the readers the file, not us the record */
		(void)seal(m);
	if (stamp < m->retry_at)
		return ERR_NO_SPACE;
	int rc = mlog_file_make(m, stamp);
	m->retry_at = rc ? stamp + RETRY_NS : 0;
	return rc;
}

static void drop_old(struct mlog *m, int64_t stamp)
{
	while (m->n > 1 && m->files[1].first <= stamp - m->keep_ns)
		mlog_drop_first(m);
}

int mlog_append(struct mlog *m, int64_t stamp, const void *frame, size_t len)
{
	if (m->read_only)
		return ERR_REFUSED;
	if (stamp <= m->last || stamp <= 0)
		return ERR_ARG;
	size_t need = mlog_record_bytes(len);
	if (len > MLOG_FRAME_MAX || need > m->segment_bytes - MLOG_HEADER)
		return ERR_TOO_LONG;
	int rc = 0;
	if (m->fd < 0 || need > m->files[m->n - 1].size - m->files[m->n - 1].end)
		rc = next_file(m, stamp);
	if (rc)
		return rc;
	struct mlog_file *f = &m->files[m->n - 1];
	uint8_t *at;
	rc = mlog_window(m, f->end, need, &at);
	if (rc)
		return rc;
	le_put64(at + 8, (uint64_t)stamp);
	memcpy(at + MLOG_RECORD, frame, len);
	le_put32(at + 4, mlog_crc((uint32_t)len + 1, stamp, frame, len));
	store_commit(at, (uint32_t)len + 1);
	sparse_add(&f->index, (uint64_t)stamp, f->end);
	f->end += need;
	m->last = stamp;
	drop_old(m, stamp);
	return 0;
}

int64_t mlog_first(const struct mlog *m)
{
	return m->last ? m->files[0].first : 0;
}

int64_t mlog_last(const struct mlog *m)
{
	return m->last;
}

int64_t mlog_next_file(const struct mlog *m, int64_t after)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->files[i].first > after)
			return m->files[i].first;
	return 0;
}

uint64_t mlog_bytes(const struct mlog *m)
{
	return m->bytes;
}

const char *mlog_reason(const struct mlog *m)
{
	return m->reason;
}
