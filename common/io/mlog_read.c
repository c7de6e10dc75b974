/* mlog_read - walks the records of the lane-M log, in our process or beside it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/mlog_priv.h"

static int blame(struct mlog *m, int err, const struct mlog_place *p, const char *what)
{
	return mlog_blame(m, err, "%s/m-%020" PRId64 ".njm: offset %" PRIu64 ": %s", m->dir,
			  p->file->first, p->at, what);
}

int mlog_open_place(struct mlog *m, const struct mlog_file *f)
{
	char name[FS_NAME_MAX];

	fs_name(name, MLOG_PREFIX, (uint64_t)f->first, MLOG_SUFFIX);
	int rc = pager_open(&m->pager, m->dir_fd, name, f->id);
	return rc ? mlog_blame(m, rc, "%s/%s: %s", m->dir, name, strerror(errno)) : 0;
}

/* A record that is being committed this moment may have been read half: looked at twice before it
 * is bad. */
static int check_twice(struct mlog *m, const struct mlog_place *p, size_t need,
		       struct mlog_record *ret_record)
{
	const uint8_t *at;
	int rc = ERR_CORRUPT;

	for (int i = 0; i < 2 && rc == ERR_CORRUPT; i++) {
		rc = pager_get(&m->pager, p->at, need, p->file->size, &at);
		if (!rc)
			rc = mlog_record_check(at, ret_record);
		if (rc == ERR_CORRUPT)
			pager_forget(&m->pager);
	}
	return rc;
}

int mlog_next(struct mlog *m, struct mlog_place *p, struct mlog_record *ret_record)
{
	uint64_t size = p->file->size;
	const uint8_t *at;

	p->sealed = p->at + MLOG_RECORD > size;
	if (p->sealed)
		return ERR_NOT_FOUND;
	int rc = pager_get(&m->pager, p->at, MLOG_RECORD, size, &at);
	if (rc)
		return blame(m, rc == ERR_TRUNCATED ? ERR_CORRUPT : rc, p,
			     "the file ends too early");
	uint32_t commit = mlog_commit(at);
	p->sealed = commit == MLOG_SEAL;
	if (commit == 0 || p->sealed)
		return ERR_NOT_FOUND;
	size_t need = mlog_record_bytes(commit - 1);
	if (commit - 1 > MLOG_FRAME_MAX || need > size - p->at)
		return blame(m, ERR_CORRUPT, p, "a length does not check");
	rc = check_twice(m, p, need, ret_record);
	if (rc)
		return blame(m, rc == ERR_TRUNCATED ? ERR_CORRUPT : rc, p,
			     "a record does not check");
	p->at += need;
	return 0;
}

struct reading {
	int64_t after;
	uint32_t limit, count;
	bool (*fn)(void *ctx, int64_t stamp, const uint8_t *frame, size_t len);
	void *ctx;
	bool done;
};

/* The file that holds the first record above `after`, or the one before it. */
static uint32_t find(const struct mlog *m, int64_t after)
{
	uint32_t lo = 0, hi = m->n;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (m->files[mid].first <= after)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int read_file(struct mlog *m, uint32_t i, struct reading *r)
{
	struct mlog_file *f = &m->files[i];
	bool newest = i + 1 == m->n;
	struct sparse_entry start = sparse_find(&f->index, (uint64_t)r->after,
						(struct sparse_entry){.offset = MLOG_HEADER});
	struct mlog_place p = {.file = f, .at = start.offset};
	struct mlog_record record;
	int rc = mlog_open_place(m, f);

	while (!rc && !r->done && (!newest || p.at < f->end)) {
		rc = mlog_next(m, &p, &record);
		if (rc)
			break;
		sparse_add(&f->index, (uint64_t)record.stamp, p.at - mlog_record_bytes(record.len));
		if (record.stamp <= r->after)
			continue;
		r->after = record.stamp;
		r->count++;
		r->done = !r->fn(r->ctx, record.stamp, record.frame, record.len) ||
			r->count == r->limit;
	}
	if (rc == ERR_NOT_FOUND && !p.sealed && !newest)
		return blame(m, ERR_CORRUPT, &p, "records are missing up to the end of the file");
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int mlog_read(struct mlog *m, int64_t after, uint32_t limit,
	      bool (*fn)(void *ctx, int64_t stamp, const uint8_t *frame, size_t len), void *ctx)
{
	struct reading r = {.after = after < 0 ? 0 : after, .limit = limit, .fn = fn, .ctx = ctx};
	int rc = m->read_only ? mlog_refresh(m) : 0;

	pager_forget(&m->pager);
	for (uint32_t i = find(m, r.after); !rc && !r.done && i < m->n; i++)
		rc = read_file(m, i, &r);
	if (rc)
		pager_fini(&m->pager);
	/* an error behind a page shows when reading goes on from there */
	return r.count > 0 && limit > 0 ? 0 : rc;
}
