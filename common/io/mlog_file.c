/* mlog_file - the files of the lane-M log: found, made, mapped, dropped. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/mlog_priv.h"

#define WINDOW (1u << 20) /* bytes mapped at a time: what the log adds to our resident memory */
#define MAP_UNIT 4096u
#define SIZE_MAX_BYTES (UINT64_C(1) << 32)

int mlog_blame(struct mlog *m, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->reason, sizeof(m->reason), format, args);
	va_end(args);
	return err;
}

int mlog_enter(struct mlog *m, int64_t first, uint64_t size)
{
	if (m->n == m->cap) {
		uint32_t cap = m->cap ? m->cap * 2 : 16;
		struct mlog_file *files = realloc(m->files, cap * sizeof(*files));
		if (!files)
			return ERR_NOMEM;
		m->files = files;
		m->cap = cap;
	}
	m->files[m->n++] = (struct mlog_file){.first = first, .size = size, .end = MLOG_HEADER,
					     .id = ++m->next_id};
	m->bytes += size;
	return 0;
}

static void remove_file(struct mlog *m, int64_t first)
{
	char name[FS_NAME_MAX];

	fs_name(name, MLOG_PREFIX, (uint64_t)first, MLOG_SUFFIX);
	if (!m->read_only && unlinkat(m->dir_fd, name, 0) != 0)
		mlog_blame(m, ERR_IO, "%s/%s: cannot be removed: %s", m->dir, name,
			   strerror(errno));
}

void mlog_drop_first(struct mlog *m)
{
	struct mlog_file *f = &m->files[0];

	remove_file(m, f->first);
	m->bytes -= f->size;
	sparse_fini(&f->index);
	memmove(m->files, m->files + 1, --m->n * sizeof(*m->files));
}

static void drop_last(struct mlog *m)
{
	struct mlog_file *f = &m->files[--m->n];

	remove_file(m, f->first);
	m->bytes -= f->size;
	sparse_fini(&f->index);
}

void mlog_window_close(struct mlog *m)
{
	if (m->window)
		munmap(m->window, m->window_len);
	m->window = NULL;
	m->window_len = 0;
}

int mlog_window(struct mlog *m, uint64_t offset, size_t len, uint8_t **ret_at)
{
	if (!m->window || offset < m->window_at || offset + len > m->window_at + m->window_len) {
		uint64_t from = offset & ~(uint64_t)(MAP_UNIT - 1),
			left = m->files[m->n - 1].size - from;
		uint64_t want = offset - from + len > WINDOW ? offset - from + len : WINDOW;
		size_t map_len = (size_t)(want < left ? want : left);
		mlog_window_close(m);
		void *at = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd,
				(off_t)from);
		if (at == MAP_FAILED)
			return err_from_errno(errno);
		m->window = at;
		m->window_at = from;
		m->window_len = map_len;
	}
	*ret_at = m->window + (offset - m->window_at);
	return 0;
}

static int write_header(int fd, uint64_t size, int64_t first)
{
	uint8_t header[MLOG_HEADER];

	mlog_header_pack(header, size, first);
	return fs_write_at(fd, header, sizeof(header), 0);
}

/* Every block is allocated here: a store into a hole of a full disk would kill us with SIGBUS. */
static int make_temp(struct mlog *m, int64_t first, int *ret_fd)
{
	unlinkat(m->dir_fd, MLOG_TEMP, 0);
	int fd = openat(m->dir_fd, MLOG_TEMP, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (fd < 0)
		return err_from_errno(errno);
	int rc = fs_preallocate(fd, m->segment_bytes);
	if (!rc)
		rc = write_header(fd, m->segment_bytes, first);
	if (rc) {
		int errnum = errno;
		close(fd);
		unlinkat(m->dir_fd, MLOG_TEMP, 0);
		errno = errnum;
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int mlog_file_make(struct mlog *m, int64_t first)
{
	char name[FS_NAME_MAX];
	int fd = -1;

	while (m->n > 0 && m->bytes + m->segment_bytes > m->cap_bytes)
		mlog_drop_first(m);
	fs_name(name, MLOG_PREFIX, (uint64_t)first, MLOG_SUFFIX);
	int rc = make_temp(m, first, &fd);
	if (rc == ERR_NO_SPACE && m->n > 1) { /* the oldest minutes for the newest */
		mlog_drop_first(m);
		rc = make_temp(m, first, &fd);
	}
	if (!rc && renameat(m->dir_fd, MLOG_TEMP, m->dir_fd, name) != 0)
		rc = err_from_errno(errno);
	int errnum = errno;
	if (!rc)
		rc = mlog_enter(m, first, m->segment_bytes);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return mlog_blame(m, rc, "%s/%s: cannot be made: %s", m->dir, name,
				  strerror(errnum));
	}
	m->fd = fd;
	return 0;
}

/* Enters a file if its header is right; size and name are part of the header. */
static int examine(struct mlog *m, int64_t first)
{
	char name[FS_NAME_MAX];
	uint8_t header[MLOG_HEADER];
	uint64_t size = 0;
	size_t n = 0;

	fs_name(name, MLOG_PREFIX, (uint64_t)first, MLOG_SUFFIX);
	int fd = openat(m->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_from_errno(errno);
	int rc = fs_size(fd, &size);
	if (!rc)
		rc = fs_read_at(fd, header, sizeof(header), 0, &n);
	close(fd);
	if (rc)
		return rc;
	if (n < sizeof(header) || size > SIZE_MAX_BYTES || first <= 0 ||
	    mlog_header_check(header, size, first) != 0)
		return ERR_CORRUPT;
	return mlog_enter(m, first, size);
}

/* Enters the files of the list that are newer than what is known. */
static int examine_newer(struct mlog *m, const struct fs_list *l)
{
	int64_t known = m->n ? m->files[m->n - 1].first : 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < l->n; i++) {
		int64_t first = (int64_t)l->at[i];
		if (first <= known)
			continue;
		rc = examine(m, first);
		if (rc == ERR_CORRUPT)
			remove_file(m, first);
		if (rc == ERR_CORRUPT || rc == ERR_NOT_FOUND)
			rc = 0;
	}
	return rc;
}

/* Walks the newest file from what is known of it to its end. */
static int find_end(struct mlog *m, bool *ret_sealed)
{
	struct mlog_file *f = &m->files[m->n - 1];
	struct mlog_place p = {.file = f, .at = f->end};
	struct mlog_record r;
	int64_t last = f->end > MLOG_HEADER ? m->last : f->first - 1;
	int rc = mlog_open_place(m, f);

	while (!rc && (rc = mlog_next(m, &p, &r)) == 0 && r.stamp > last) {
		sparse_add(&f->index, (uint64_t)r.stamp, p.at - mlog_record_bytes(r.len));
		last = r.stamp;
		f->end = p.at;
	}
	if (f->end > MLOG_HEADER)
		m->last = last;
	*ret_sealed = p.sealed;
	return rc == ERR_IO || rc == ERR_NOMEM ? rc : 0;
}

/* What a killed append or a power cut left behind the last record must not be taken for one later.
 * Only what is not zero is written: the rest of a preallocated file stays untouched. */
static int wipe_behind(struct mlog *m, int fd, uint64_t end, uint64_t size)
{
	static const uint8_t zeros[MAP_UNIT];
	uint8_t bytes[MAP_UNIT];
	size_t n;

	for (uint64_t at = end; at < size; at += n) {
		size_t want = size - at < sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);
		int rc = fs_read_at(fd, bytes, want, at, &n);
		if (!rc && n > 0 && memcmp(bytes, zeros, n) != 0)
			rc = fs_write_at(fd, zeros, n, at);
		if (rc || n == 0)
			return rc ? rc : mlog_blame(m, ERR_IO, "%s: a file shrinks", m->dir);
	}
	return 0;
}

static int go_on_in_last(struct mlog *m)
{
	char name[FS_NAME_MAX];
	const struct mlog_file *f = &m->files[m->n - 1];

	fs_name(name, MLOG_PREFIX, (uint64_t)f->first, MLOG_SUFFIX);
	int fd = openat(m->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd >= 0 ? wipe_behind(m, fd, f->end, f->size) : err_from_errno(errno);
	if (!rc) /* a copy that was restored may have holes */
		rc = fs_fill_holes(fd, f->size);
	if (rc) {
		mlog_blame(m, rc, "%s/%s: %s", m->dir, name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	m->fd = fd;
	return 0;
}

int mlog_recover(struct mlog *m)
{
	struct fs_list l;
	bool sealed = true;
	int rc = fs_list(m->dir_fd, MLOG_PREFIX, MLOG_SUFFIX, &l);

	if (rc)
		return rc;
	rc = examine_newer(m, &l);
	fs_list_fini(&l);
	while (!rc && m->n > 0) {
		rc = find_end(m, &sealed);
		if (rc || m->last > 0)
			break;
		drop_last(m); /* made, then killed before its first record */
	}
	if (!rc && m->n > 0 && !sealed && !m->read_only)
		rc = go_on_in_last(m);
	return rc;
}

int mlog_refresh(struct mlog *m)
{
	struct fs_list l;
	bool sealed;
	int rc = fs_list(m->dir_fd, MLOG_PREFIX, MLOG_SUFFIX, &l);

	if (rc)
		return rc;
	pager_forget(&m->pager);
	while (m->n > 0 && (l.n == 0 || (uint64_t)m->files[0].first < l.at[0]))
		mlog_drop_first(m);
	/* as the list was made before, a newer file in it means that this one has its seal */
	if (m->n > 0)
		rc = find_end(m, &sealed);
	if (!rc)
		rc = examine_newer(m, &l);
	if (!rc && m->n > 0)
		rc = find_end(m, &sealed);
	fs_list_fini(&l);
	return rc;
}
