/* journal_segment - makes segment files: under a temporary name, preallocated, and named only when
 * durable.
 *
 *   spare_make ──► spare_fill: header, records, fdatasync ──► spare_name: rename, sync
 *    └─ PLACE_MAKE: nothing was lost, try later   └─ PLACE_WRITE: this file is never used again ─┘
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "common/io/fs.h"
#include "common/io/journal_priv.h"

#define TEMP_NAME "segment" TEMP_SUFFIX

void segment_file_close(struct segment_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct segment_file){.fd = -1};
}

static void spare_discard(struct journal *j)
{
	segment_file_close(&j->spare);
	unlinkat(j->dir_fd, TEMP_NAME, 0);
}

/* A fresh inode each time: what an error did to the pages of an old one must not matter. */
static int spare_make(struct journal *j, uint64_t size)
{
	spare_discard(j);
	int fd = openat(j->dir_fd, TEMP_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (fd < 0)
		return journal_blame(j, err_from_errno(errno), "%s/%s: cannot be made: %s", j->dir,
				     TEMP_NAME, strerror(errno));
	j->spare = (struct segment_file){.fd = fd, .size = size, .end = SEGMENT_HEADER};
	int rc = fs_preallocate(fd, size);
	if (rc) {
		journal_blame(j, rc, "%s/%s: no room for %llu bytes: %s; free some space", j->dir,
			      TEMP_NAME, (unsigned long long)size, strerror(errno));
		spare_discard(j);
	}
	crash_point(CRASH_segment_made);
	return rc;
}

int segment_spare(struct journal *j)
{
	return j->spare.fd >= 0 ? 0 : spare_make(j, j->segment_bytes);
}

static int spare_fill(struct journal *j, uint64_t first, const uint8_t *records, size_t len)
{
	uint8_t header[SEGMENT_HEADER];

	segment_header_pack(header, j->epoch, first);
	int rc = fs_write_at(j->spare.fd, header, sizeof(header), 0);
	if (!rc && len > 0)
		rc = fs_write_at(j->spare.fd, records, len, SEGMENT_HEADER);
	crash_point(CRASH_segment_before_sync);
	if (!rc && fdatasync(j->spare.fd) != 0)
		rc = err_from_errno(errno);
	j->spare.end = SEGMENT_HEADER + len;
	return rc;
}

static int spare_name(struct journal *j, uint64_t first)
{
	char name[FS_NAME_MAX];

	fs_name(name, SEGMENT_PREFIX, first, SEGMENT_SUFFIX);
	crash_point(CRASH_segment_before_rename);
	if (renameat(j->dir_fd, TEMP_NAME, j->dir_fd, name) != 0)
		return err_from_errno(errno);
	crash_point(CRASH_segment_after_rename);
	return fs_sync_dir(j->dir_fd);
}

/* Gives back what was preallocated behind the last record; where that fails the file only stays
 * larger. */
static void retire(struct segment_file *f)
{
	if (f->fd >= 0 && f->end < f->size && ftruncate(f->fd, (off_t)f->end) != 0)
		errno = 0;
	segment_file_close(f);
}

int segment_place(struct journal *j, uint64_t first, const uint8_t *records, size_t len,
		  enum place_failure *ret_failure)
{
	uint64_t size =
		SEGMENT_HEADER + len > j->segment_bytes ? SEGMENT_HEADER + len : j->segment_bytes;
	int rc = j->spare.fd >= 0 && j->spare.size >= size ? 0 : spare_make(j, size);

	if (rc) {
		*ret_failure = PLACE_MAKE;
		return rc;
	}
	rc = spare_fill(j, first, records, len);
	if (!rc)
		rc = spare_name(j, first);
	if (rc) {
		journal_blame(j, rc, "%s/%s: a new segment from record %llu cannot be written: %s",
			      j->dir, TEMP_NAME, (unsigned long long)first, strerror(errno));
		spare_discard(j);
		*ret_failure = PLACE_WRITE;
		return rc;
	}
	retire(&j->file);
	j->file = j->spare;
	j->spare.fd = -1;
	j->current_first = first;
	return 0;
}

static int make_room(struct journal *j)
{
	if (j->n_segments < j->cap_segments)
		return 0;
	uint32_t cap = j->cap_segments ? j->cap_segments * 2 : 16;
	struct segment *at = realloc(j->segments, cap * sizeof(*at));
	if (!at)
		return ERR_NOMEM;
	j->segments = at;
	j->cap_segments = cap;
	return 0;
}

int segment_enter(struct journal *j, uint64_t first, uint64_t bytes)
{
	struct segment *last = j->n_segments ? &j->segments[j->n_segments - 1] : NULL;

	if (last && last->first == first) {
		sparse_fini(&last->index);
		*last = (struct segment){.first = first, .bytes = bytes, .id = ++j->next_id};
		return 0;
	}
	must(!last || last->first < first);
	int rc = make_room(j);
	if (rc)
		return rc;
	if (j->n_segments > 0)
		j->old_bytes += j->segments[j->n_segments - 1].bytes;
	j->segments[j->n_segments++] = (struct segment){.first = first, .bytes = bytes,
							.id = ++j->next_id};
	return 0;
}

uint64_t segment_cost(const struct journal *j)
{
	return j->old_bytes + (j->n_segments ? j->segments[j->n_segments - 1].bytes : 0);
}
