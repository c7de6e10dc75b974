/* journal_read - pages of durable records straight from the files, while the writer goes on behind
 * them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/fs.h"
#include "common/io/journal_priv.h"

/* What is to be read of one segment; copied out of the list, which the writer may change
 * meanwhile. */
struct span {
	uint64_t id, first, stop; /* stop: last sequence that counts and is durable */
	uint64_t bytes;           /* nothing behind this offset is looked at */
	uint64_t seq, at;         /* where reading is */
};

struct reading {
	uint64_t limit, count, next; /* next: sequence wanted */
	bool (*fn)(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len);
	void *ctx;
	bool done;
};

/* Under the lock: the living segment that holds seq. */
static uint32_t find(const struct journal *j, uint64_t seq)
{
	uint32_t lo = j->dead, hi = j->n_segments;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (j->segments[mid].first <= seq)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Under the lock: where reading for seq begins in its segment. */
static struct sparse_entry start_of(const struct journal *j, const struct segment *s, uint64_t seq)
{
	for (size_t i = 0; i < ARRAY_LEN(j->places); i++)
		if (j->places[i].id == s->id && j->places[i].seq == seq)
			return (struct sparse_entry){.key = seq, .offset = j->places[i].at};
	return sparse_find(&s->index, seq, (struct sparse_entry){s->first, SEGMENT_HEADER});
}

static int locate(struct journal *j, uint64_t seq, struct span *ret_span)
{
	pthread_mutex_lock(&j->lock);
	uint64_t durable = atomic_load_explicit(&j->durable, memory_order_relaxed);
	uint32_t i = find(j, seq);
	const struct segment *s = &j->segments[i];
	int rc = seq < s->first ? ERR_NOT_FOUND : 0;
	struct sparse_entry start = start_of(j, s, seq);
	*ret_span = (struct span){
		.id = s->id, .first = s->first, .bytes = s->bytes,
		.stop = i + 1 < j->n_segments && s[1].first <= durable ? s[1].first - 1 : durable,
		.seq = start.key, .at = start.offset,
	};
	pthread_mutex_unlock(&j->lock);
	return rc;
}

/* Under way through an old segment its index is filled, so that the next page is found at once. */
static void note(struct journal *j, const struct span *s)
{
	pthread_mutex_lock(&j->lock);
	struct segment *segment = &j->segments[find(j, s->seq)];
	if (segment->id == s->id)
		sparse_add(&segment->index, s->seq, s->at);
	pthread_mutex_unlock(&j->lock);
}

static int blame(struct journal *j, int err, const struct span *s, const char *what)
{
	return journal_blame(j, err,
			     "%s/x-%020" PRIu64 ".njj: offset %" PRIu64 ": record %" PRIu64 ": %s",
			     j->dir, s->first, s->at, s->seq, what);
}

static int open_span(struct journal *j, const struct span *s)
{
	char name[FS_NAME_MAX];

	fs_name(name, SEGMENT_PREFIX, s->first, SEGMENT_SUFFIX);
	int rc = pager_open(&j->pager, j->dir_fd, name, s->id);
	return rc ? blame(j, rc, s, strerror(errno)) : 0;
}

/* Has `need` bytes at s->at in memory. */
static int page_in(struct journal *j, const struct span *s, size_t need, const uint8_t **ret_at)
{
	int rc = pager_get(&j->pager, s->at, need, s->bytes, ret_at);

	if (rc == ERR_TRUNCATED)
		return blame(j, ERR_CORRUPT, s,
			     "the file ends before it; restore the file from a copy");
	return rc ? blame(j, rc, s, strerror(errno)) : 0;
}

static int next_record(struct journal *j, const struct span *s, struct record *ret_record)
{
	const uint8_t *at;
	struct record r;
	int rc = page_in(j, s, RECORD_HEADER, &at);

	if (rc)
		return rc;
	size_t need = record_bytes(record_claim(at));
	if (need > RECORD_BYTES_MAX)
		return blame(j, ERR_CORRUPT, s,
			     "its length does not check; restore the file from a copy");
	rc = page_in(j, s, need, &at);
	if (rc)
		return rc;
	if (record_check(at, need, j->epoch, &r) != 0 || r.seq != s->seq)
		return blame(j, ERR_CORRUPT, s,
			     "its checksum does not hold; restore the file from a copy");
	*ret_record = r;
	return 0;
}

static int read_span(struct journal *j, struct span *s, struct reading *r)
{
	uint64_t marked = s->at;
	struct record record = {0};
	int rc = open_span(j, s);

	while (!rc && !r->done && s->seq <= s->stop) {
		rc = next_record(j, s, &record);
		if (rc)
			break;
		if (s->at >= marked + SPARSE_STRIDE) {
			note(j, s);
			marked = s->at;
		}
		j->places[0] = (struct place){.id = s->id, .seq = s->seq, .at = s->at};
		s->at += record_bytes(record.len);
		s->seq++;
		j->places[1] = (struct place){.id = s->id, .seq = s->seq, .at = s->at};
		if (record.seq < r->next)
			continue;
		r->next = record.seq + 1;
		r->done = !r->fn(r->ctx, record.seq, record.payload, record.len) ||
			  (r->limit && ++r->count >= r->limit);
	}
	return rc;
}

int journal_read(struct journal *j, uint64_t from, uint32_t limit,
		 bool (*fn)(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len), void *ctx,
		 uint64_t *ret_next)
{
	struct reading r = {.limit = limit, .next = from, .fn = fn, .ctx = ctx};
	struct span span;
	int rc = 0;

	while (!rc && !r.done) {
		rc = locate(j, r.next, &span);
		if (rc || r.next > span.stop)
			break;
		rc = read_span(j, &span, &r);
	}
	if (rc) /* who restores the file, in place or as a new one, need not stop us to have it read */
		pager_fini(&j->pager);
	if (rc && (limit == 0 || r.next == from))
		return rc;
	*ret_next = r.next; /* an error behind a page shows when reading goes on from there */
	return 0;
}
