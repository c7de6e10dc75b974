/* journal_recover - opening what is on disk: which segments count, where the journal ends, what is
 * cut.
 *
 *   list ─► headers of all ─► last one as a whole ─► clean or torn ─► copied to a fresh file
 *                                                  └ corrupt ─► ERR_CORRUPT, nothing is touched
 * The last segment is copied because its last pages may be in the page cache only, and after an
 * fdatasync that failed the kernel calls them clean: only writing them again proves them. Where
 * the disk has no room for the copy they are written again in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/fs.h"
#include "common/io/journal_priv.h"

/* Files larger than any segment that was ever made. */
#define FILE_MAX (uint64_t)(JOURNAL_SEGMENT_MAX + RECORD_BYTES_MAX)

struct recovery {
	struct journal *j;
	struct fs_list names;
	uint8_t *bytes; /* of the last segment */
	uint64_t size;
	struct segment_verdict verdict;
	struct sparse index;
	char *reason;
	size_t cap;
};

static int give_up(const struct recovery *r, int err, uint64_t first, const char *what)
{
	snprintf(r->reason, r->cap, "%s/x-%020" PRIu64 ".njj: %s", r->j->dir, first, what);
	return err;
}

static int open_segment(const struct recovery *r, uint64_t first, int *ret_fd)
{
	char name[FS_NAME_MAX];

	fs_name(name, SEGMENT_PREFIX, first, SEGMENT_SUFFIX);
	int fd = openat(r->j->dir_fd, name,
			(r->j->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return give_up(r, err_from_errno(errno), first, strerror(errno));
	*ret_fd = fd;
	return 0;
}

static int check_header(const struct recovery *r, int fd, uint64_t first, uint64_t *ret_epoch)
{
	uint8_t header[SEGMENT_HEADER];
	uint64_t named;
	size_t n;
	int rc = fs_read_at(fd, header, sizeof(header), 0, &n);

	if (rc)
		return give_up(r, rc, first, strerror(errno));
	if (n < sizeof(header) || segment_header_check(header, ret_epoch, &named) != 0 ||
	    named != first)
		return give_up(r, ERR_CORRUPT, first, "offset 0: the header does not check; "
			       "restore the file from a copy, or move the folder away to begin a "
			       "new journal");
	return 0;
}

static int load(struct recovery *r, int fd, uint64_t first)
{
	size_t n;
	int rc = fs_size(fd, &r->size);

	if (!rc && r->size > FILE_MAX)
		return give_up(r, ERR_CORRUPT, first, "larger than any segment; move it away");
	r->bytes = rc ? NULL : malloc(r->size);
	if (!rc && !r->bytes)
		return give_up(r, ERR_NOMEM, first, "no memory to read it");
	if (!rc)
		rc = fs_read_at(fd, r->bytes, r->size, 0, &n);
	if (rc)
		return give_up(r, rc, first, strerror(errno));
	r->size = n < r->size ? n : r->size;
	return r->size < SEGMENT_HEADER ? ERR_TRUNCATED : 0;
}

static void note_record(void *ctx, uint64_t seq, size_t offset)
{
	struct recovery *r = ctx;
	sparse_add(&r->index, seq, offset);
}

static int judge(struct recovery *r, uint64_t first)
{
	const struct segment_verdict *v = &r->verdict;

	segment_scan(r->bytes, r->size, r->j->epoch, first, note_record, r, &r->verdict);
	if (v->tail != TAIL_CORRUPT)
		return 0;
	snprintf(r->reason, r->cap,
		 "%s/x-%020" PRIu64 ".njj: offset %zu: record %" PRIu64
		 " does not check though record %" PRIu64 " behind it does; "
		 "restore the file from a copy (the persister keeps one)",
		 r->j->dir, first, v->end, v->last + 1, v->witness);
	return ERR_CORRUPT;
}

/* A full disk must not keep a journal from opening: the same bytes over themselves, and zeros for
 * what is torn. */
static int rewrite_in_place(struct recovery *r, uint64_t first, int fd)
{
	const struct segment_verdict *v = &r->verdict;

	memset(r->bytes + v->end, 0, v->torn);
	int rc = fs_write_at(fd, r->bytes, v->end + v->torn, 0);
	if (!rc && fdatasync(fd) != 0)
		rc = err_from_errno(errno);
	if (rc)
		return give_up(r, rc, first, strerror(errno));
	r->j->file = (struct segment_file){.fd = dup(fd), .size = r->size, .end = v->end};
	r->j->current_first = first;
	return r->j->file.fd >= 0 ? 0 : give_up(r, err_from_errno(errno), first, strerror(errno));
}

static int adopt(struct recovery *r, uint64_t first, int fd)
{
	struct journal *j = r->j;
	enum place_failure failure;

	if (j->read_only)
		return 0;
	int rc = segment_place(j, first, r->bytes + SEGMENT_HEADER,
			       r->verdict.end - SEGMENT_HEADER, &failure);
	if (rc == ERR_NO_SPACE && failure == PLACE_MAKE) {
		j->counters.write_errors++; /* it goes on, but the disk is full */
		return rewrite_in_place(r, first, fd);
	}
	if (rc)
		journal_reason(j, r->reason, r->cap);
	return rc;
}

static int enter_last(struct recovery *r, uint64_t first)
{
	struct journal *j = r->j;
	int rc = segment_enter(j, first, r->verdict.end);

	if (rc)
		return give_up(r, rc, first, err_text(rc));
	j->segments[j->n_segments - 1].index = r->index;
	r->index = (struct sparse){0};
	j->last = r->verdict.last;
	j->counters.cut_bytes += r->verdict.torn;
	atomic_store(&j->durable, j->last);
	return 0;
}

static int recover_last(struct recovery *r, uint64_t first)
{
	int fd;
	int rc = open_segment(r, first, &fd);

	if (rc)
		return rc;
	rc = load(r, fd, first);
	if (!rc)
		rc = judge(r, first);
	if (!rc)
		rc = adopt(r, first, fd);
	if (!rc)
		rc = enter_last(r, first);
	close(fd);
	return rc;
}

/* Header and size of one segment; all must agree on the epoch. */
static int survey(struct recovery *r, uint64_t first, bool known, uint64_t *ret_bytes)
{
	uint64_t epoch = 0;
	int fd;
	int rc = open_segment(r, first, &fd);

	if (rc)
		return rc;
	rc = check_header(r, fd, first, &epoch);
	if (!rc && known && epoch != r->j->epoch)
		rc = give_up(r, ERR_CORRUPT, first,
			     "belongs to another epoch than the segments before it; move it away");
	if (!rc)
		rc = fs_size(fd, ret_bytes);
	close(fd);
	if (!rc)
		r->j->epoch = epoch;
	return rc;
}

/* A last segment that is shorter than a header holds nothing: the one before it is the last. */
static int drop_stump(struct recovery *r)
{
	uint64_t first = r->names.at[r->names.n - 1], size;
	char name[FS_NAME_MAX];
	int fd;
	int rc = open_segment(r, first, &fd);

	if (rc)
		return rc;
	rc = fs_size(fd, &size);
	close(fd);
	if (rc || size >= SEGMENT_HEADER)
		return rc;
	if (r->names.n == 1 && first != 1)
		return give_up(r, ERR_CORRUPT, first,
			       "too short, and the records before it are gone; restore the folder");
	fs_name(name, SEGMENT_PREFIX, first, SEGMENT_SUFFIX);
	if (!r->j->read_only && unlinkat(r->j->dir_fd, name, 0) != 0)
		return give_up(r, err_from_errno(errno), first, strerror(errno));
	r->names.n--;
	r->j->counters.cut_bytes += size;
	return 0;
}

static int recover_all(struct recovery *r)
{
	uint64_t bytes;
	int rc = r->names.n ? drop_stump(r) : 0;

	for (size_t i = 0; i < r->names.n && !rc; i++) {
		rc = survey(r, r->names.at[i], i > 0, &bytes);
		if (!rc && i + 1 < r->names.n)
			rc = segment_enter(r->j, r->names.at[i], bytes);
	}
	return rc;
}

static int begin(struct recovery *r, uint64_t new_epoch)
{
	struct journal *j = r->j;
	enum place_failure failure;

	if (j->read_only)
		return give_up(r, ERR_NOT_FOUND, 1, "there is no journal in this folder");
	j->epoch = new_epoch;
	int rc = segment_place(j, 1, NULL, 0, &failure);
	if (rc) {
		journal_reason(j, r->reason, r->cap);
		return rc;
	}
	return segment_enter(j, 1, SEGMENT_HEADER);
}

static void forget(struct recovery *r)
{
	fs_list_fini(&r->names);
	sparse_fini(&r->index);
	free(r->bytes);
}

int journal_recover(struct journal *j, uint64_t new_epoch, char *reason, size_t cap)
{
	struct recovery r = {.j = j, .reason = reason, .cap = cap};
	int rc = fs_list(j->dir_fd, SEGMENT_PREFIX, SEGMENT_SUFFIX, &r.names);

	if (rc) {
		snprintf(reason, cap, "%s: %s", j->dir, strerror(errno));
		return rc;
	}
	rc = recover_all(&r);
	if (!rc)
		rc = r.names.n ? recover_last(&r, r.names.at[r.names.n - 1]) : begin(&r, new_epoch);
	forget(&r);
	return rc;
}
