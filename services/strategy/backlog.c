/* backlog - see backlog.h. */
#include "services/strategy/backlog.h"

#include <string.h>

#include "common/base/err.h"
#include "common/service/core.h"
#include "proto/topic.h"

enum { PAGE_BYTES = 512 << 10, ROOM = 2 * EVENT_PACKED_MAX };

struct entry { /* in front of a frame */
	int64_t position, at;
	uint64_t len;
};

void backlog_init(struct backlog *f)
{
	*f = (struct backlog){0};
	buf_init(&f->log, BACKLOG_BYTES_MAX);
}

void backlog_fini(struct backlog *f)
{
	buf_fini(&f->log);
}

/* The entry at an offset; false at the end. */
static bool entry_at(const struct backlog *f, size_t offset, struct entry *ret_entry)
{
	if (offset >= f->log.len)
		return false;
	memcpy(ret_entry, f->log.at + offset, sizeof(*ret_entry));
	return true;
}

static void compact(struct backlog *f)
{
	memmove(f->log.at, f->log.at + f->head, f->log.len - f->head);
	f->log.len -= f->head;
	f->head = 0;
}

static void drop_front(struct backlog *f, const struct entry *e)
{
	f->head += sizeof(*e) + e->len;
	if (f->head >= f->log.len / 2)
		compact(f);
}

/* Forgets an eighth at once where there is no room: moving what stays must not be the price of every entry. */
static void make_room(struct backlog *f, size_t len)
{
	struct entry e;
	size_t spare = f->log.len - f->head + len > BACKLOG_BYTES_MAX ? BACKLOG_BYTES_MAX / 8 : 0;
	while (f->log.len - f->head + len + spare > BACKLOG_BYTES_MAX && entry_at(f, f->head, &e)) {
		f->after = e.position;
		f->dropped++;
		drop_front(f, &e);
	}
	if (f->log.len + len > BACKLOG_BYTES_MAX)
		compact(f);
}

static int put_frame(struct backlog *f, int64_t at, const uint8_t *frame, size_t len)
{
	struct entry e = {.position = at > f->position ? at : f->position + 1, .at = at, .len = len};
	make_room(f, sizeof(e) + len);
	f->position = e.position;
	int rc = buf_reserve(&f->log, sizeof(e) + len);
	if (rc == 0)
		rc = buf_append(&f->log, &e, sizeof(e));
	return rc != 0 ? rc : buf_append(&f->log, frame, len);
}

int backlog_put(struct backlog *f, int64_t at, const struct event *ev)
{
	uint8_t frame[EVENT_PACKED_MAX];
	char topic[TOPIC_MAX];
	int n = topic_of(ev, topic), rc = n;
	if (n >= 0) {
		memcpy(frame, topic, (size_t)n + 1);
		rc = codec_pack(ev, frame + n + 1, sizeof(frame) - (size_t)n - 1);
	}
	if (rc >= 0)
		rc = put_frame(f, at, frame, (size_t)(n + 1 + rc));
	if (rc != 0) { /* it is missing from here on */
		f->dropped++;
		f->after = f->position = at > f->position ? at : f->position + 1;
	}
	return rc;
}

void backlog_handled(struct backlog *f, int64_t position)
{
	struct entry e;
	while (entry_at(f, f->head, &e) && e.position <= position)
		drop_front(f, &e);
	if (position > f->after && position <= f->position)
		f->after = position;
}

bool backlog_full(const struct backlog *f)
{
	return f->log.len - f->head + ROOM > BACKLOG_BYTES_MAX;
}

int64_t backlog_oldest(const struct backlog *f, int64_t behind)
{
	struct entry e;
	for (size_t at = f->head; entry_at(f, at, &e); at += sizeof(e) + e.len)
		if (e.position > behind)
			return e.at;
	return CORE_NEVER;
}

int64_t backlog_find(const struct backlog *f, const char *source, int64_t ts_recv)
{
	struct entry e;
	struct event head;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	for (size_t at = f->head; entry_at(f, at, &e); at += sizeof(e) + e.len)
		if (codec_split(f->log.at + at + sizeof(e), e.len, &topic, &topic_len, &body, &body_len) == 0 &&
		    codec_peek(body, body_len, &head) == 0 && head.ts_recv == ts_recv &&
		    strcmp(head.source, source) == 0)
			return e.position;
	return INT64_MIN;
}

int backlog_read(const struct backlog *f, int64_t after, uint32_t limit, struct buf *out, struct backlog_page *ret_page)
{
	struct backlog_page p = {.last = after};
	struct entry e;
	int rc = 0;
	for (size_t at = f->head; rc == 0 && entry_at(f, at, &e); at += sizeof(e) + e.len) {
		if (e.position <= after)
			continue;
		p.more = p.records == limit || out->len + e.len + 4 > PAGE_BYTES;
		if (p.more)
			break;
		uint8_t size[4] = {(uint8_t)e.len, (uint8_t)(e.len >> 8), (uint8_t)(e.len >> 16),
				   (uint8_t)(e.len >> 24)};
		rc = buf_append(out, size, sizeof(size));
		if (rc == 0)
			rc = buf_append(out, f->log.at + at + sizeof(e), e.len);
		p.records++;
		p.last = e.position;
	}
	if (rc == 0)
		*ret_page = p;
	return rc;
}

void backlog_save(const struct backlog *f, struct packer *p)
{
	pack_i64(p, f->after);
	pack_i64(p, f->position);
	pack_u64(p, f->dropped);
	pack_bin(p, f->log.at ? f->log.at + f->head : (const uint8_t *)"", f->log.len - f->head);
}

int backlog_load(struct backlog *f, struct unpacker *u)
{
	struct entry e;
	f->after = unpack_i64(u);
	f->position = unpack_i64(u);
	f->dropped = unpack_u64(u);
	struct blob log = unpack_bin(u);
	int rc = u->err ? u->err : buf_append(&f->log, log.at, log.n);
	for (size_t at = 0; rc == 0 && at < f->log.len; at += sizeof(e) + e.len) {
		if (f->log.len - at < sizeof(e))
			return ERR_CORRUPT;
		memcpy(&e, f->log.at + at, sizeof(e));
		if (e.len > f->log.len - at - sizeof(e) || e.position > f->position)
			return ERR_CORRUPT;
	}
	return rc;
}
