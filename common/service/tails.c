/* tails - how far each topic of a publisher goes: told with heartbeats, and at the end of what a follower asks for. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/outbox.h"
#include "proto/topic.h"

int64_t outbox_values_stamp(const struct outbox *b)
{
	return b->mlog && mlog_last(b->mlog) == 0 ? 0 : b->last_stamp;
}

uint64_t outbox_topic_last(const struct outbox *b, const char *topic, size_t len)
{
	const struct outbox_topic *t = strmap_get(&b->topics, topic, len);
	return t ? t->seq : 0;
}

/* While what the log has already is made again, the sequences are behind what followers have: nothing to tell. */
static bool are_known(const struct outbox *b)
{
	return b->mlog && b->last_stamp >= b->resend_after;
}

static bool is_told_of(const struct outbox_topic *t)
{
	return !t->telemetry && t->seq > 0;
}

static void make_tail(const char *topic, const struct outbox_topic *t, struct event *ev)
{
	event_init(ev, EVENT_tail);
	event_set_text(ev->tail.of, topic);
	ev->tail.first = t->first;
	ev->tail.last = t->seq;
}

void outbox_send_tails(struct outbox *b, bool all)
{
	if (!are_known(b))
		return;
	for (uint32_t i = 0; i < b->topics.count; i++) {
		struct outbox_topic *t = strmap_value_at(&b->topics, i);
		struct event ev;
		if (!is_told_of(t) || (!all && t->told == t->seq))
			continue;
		make_tail(strmap_key_at(&b->topics, i), t, &ev);
		if (outbox_emit(b, &ev) == 0)
			t->told = t->seq;
	}
	outbox_flush(b);
}

int outbox_put_record(struct buf *page, const uint8_t *frame, size_t len)
{
	uint8_t size[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};
	int rc = buf_append(page, size, sizeof size);
	return rc ? rc : buf_append(page, frame, len);
}

static int put_tail(const struct outbox *b, const char *of, const struct outbox_topic *t, struct buf *page)
{
	uint8_t frame[2 * TOPIC_MAX + 256];
	char topic[TOPIC_MAX];
	struct event ev;
	make_tail(of, t, &ev);
	memcpy(ev.source, b->o.source, strlen(b->o.source) + 1);
	ev.epoch = b->m_epoch;
	int n = topic_of(&ev, topic);
	must(n > 0);
	memcpy(frame, topic, (size_t)n + 1);
	int body = codec_pack(&ev, frame + n + 1, sizeof frame - (size_t)n - 1);
	must(body > 0);
	return outbox_put_record(page, frame, (size_t)(n + 1 + body));
}

void outbox_put_tails(const struct outbox *b, struct buf *page)
{
	size_t before = page->len;
	struct outbox_topic all = {0};
	int rc = 0;
	if (!are_known(b))
		return;
	for (uint32_t i = 0; rc == 0 && i < b->topics.count; i++) {
		const struct outbox_topic *t = strmap_value_at(&b->topics, i);
		if (is_told_of(t)) {
			rc = put_tail(b, strmap_key_at(&b->topics, i), t, page);
			all.seq++;
		}
	}
	if (rc == 0)
		rc = put_tail(b, "", &all, page);
	if (rc)
		page->len = before; /* more than a page can hold: none is better than a part */
}
