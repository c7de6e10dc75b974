/* replay - the publisher's side of replay requests: pages of the lane-X journal and of the lane-M log. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "common/service/outbox.h"

struct page {
	struct buf bytes;
	uint32_t records, limit;
	uint64_t last; /* sequence or stamp of the last record in it */
	bool full;
};

int replay_page_add(struct buf *page, const uint8_t *frame, size_t len)
{
	if (page->len + len + 4 > OUTBOX_PAGE_BYTES)
		return ERR_FULL;
	return outbox_put_record(page, frame, len);
}

static bool page_add(struct page *p, uint64_t position, const uint8_t *frame, size_t len)
{
	if (p->records >= p->limit || replay_page_add(&p->bytes, frame, len) != 0) {
		p->full = true;
		return false;
	}
	p->records++;
	p->last = position;
	return true;
}

static bool add_x(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	return page_add(ctx, seq, frame, len);
}

static bool add_m(void *ctx, int64_t at, const uint8_t *frame, size_t len)
{
	return page_add(ctx, (uint64_t)at, frame, len);
}

/* What is good before the place was a page of its own; whoever asks on from there meets it, and the operator hears. */
static void report(struct outbox *b, enum lane lane, uint64_t at, int err)
{
	b->counters.unreadable++;
	if (b->o.unreadable)
		b->o.unreadable(b->o.ctx, lane, at, err);
}

static int fill_x(struct outbox *b, const struct event *request, struct page *p, struct ev_reply *r)
{
	if (!b->journal)
		return ERR_NOT_FOUND;
	struct journal_status st = journal_status(b->journal);
	r->of_epoch = st.epoch;
	r->first = st.first;
	r->last = st.durable;
	if (request->request.of_epoch && request->request.of_epoch != st.epoch)
		return ERR_EPOCH;
	uint64_t from = request->request.from ? request->request.from : 1;
	if (from > st.durable)
		return 0;
	if (from < st.first)
		return ERR_NOT_FOUND;
	uint64_t next;
	int rc = journal_read(b->journal, from, 0, add_x, p, &next);
	r->more = p->records && p->last < st.durable;
	if (rc && p->records == 0)
		report(b, LANE_X, from, rc);
	return p->records ? 0 : rc;
}

/* Where a log cannot be read it is as good as gone: it goes on with the next file, at the latest with what comes. */
static int step_over(struct outbox *b, int64_t after, struct ev_reply *r)
{
	int64_t next = mlog_next_file(b->mlog, after);
	r->first = (uint64_t)(next ? next : mlog_last(b->mlog));
	r->last = r->first - 1;
	r->more = true;
	return ERR_GAP;
}

static int fill_m(struct outbox *b, const struct event *request, struct page *p, struct ev_reply *r)
{
	if (!b->mlog)
		return ERR_NOT_FOUND;
	int64_t after = (int64_t)request->request.from;
	r->of_epoch = b->m_epoch;
	r->first = (uint64_t)mlog_first(b->mlog);
	r->last = (uint64_t)mlog_last(b->mlog);
	int rc = mlog_read(b->mlog, after, 0, add_m, p);
	if (rc && p->records == 0) {
		report(b, LANE_M, (uint64_t)after, rc);
		return after < mlog_last(b->mlog) ? step_over(b, after, r) : rc;
	}
	r->more = p->full || rc;
	/* The page speaks for everything up to here, also where a filter leaves nothing of it. */
	if (r->more)
		r->last = p->last;
	else if (!rc)
		outbox_put_tails(b, &p->bytes);
	/* The record asked from is no longer there: what came between it and the oldest is gone for good. */
	return after && (r->first == 0 || r->first > (uint64_t)after) ? ERR_GAP : 0;
}

/* A request costs something even where it gets no record. */
enum { REQUEST_COST = 4096 };

bool outbox_within_rate(struct outbox *b)
{
	int64_t rate = (int64_t)b->o.replay_rate, now = clock_mono(b->o.clock);
	if (rate == 0)
		return true;
	int64_t burst = rate / 8 > (int64_t)OUTBOX_PAGE_BYTES ? rate / 8 : (int64_t)OUTBOX_PAGE_BYTES;
	int64_t passed = b->replay_at == 0 || now - b->replay_at > NS_PER_S ? NS_PER_S : now - b->replay_at;
	b->replay_credit += passed * rate / NS_PER_S;
	b->replay_at = now;
	if (b->replay_credit > burst)
		b->replay_credit = burst;
	b->counters.replay_deferred += b->replay_credit <= 0;
	return b->replay_credit > 0;
}

void outbox_charge(struct outbox *b, size_t bytes)
{
	b->replay_credit -= (int64_t)bytes + REQUEST_COST;
}

static int fill(struct outbox *b, const struct event *request, struct page *p, struct ev_reply *r)
{
	if (!outbox_within_rate(b))
		return ERR_BUSY;
	int rc = r->verb == verb_replay_x ? fill_x(b, request, p, r) : fill_m(b, request, p, r);
	outbox_charge(b, p->bytes.len);
	b->counters.replay_pages++;
	b->counters.replay_records += p->records;
	return rc;
}

bool outbox_on_request(struct outbox *b, const struct bus_peer *peer, const struct event *request)
{
	uint8_t verb = request->request.verb;
	if (verb != verb_replay_x && verb != verb_replay_m)
		return false;
	/* Of somebody else's lane: for who keeps copies. */
	if (request->request.target[0] && strcmp(request->request.target, b->o.source) != 0)
		return false;
	struct page page = {.limit = request->request.limit};
	if (page.limit == 0 || page.limit > OUTBOX_PAGE_RECORDS)
		page.limit = OUTBOX_PAGE_RECORDS;
	buf_init(&page.bytes, BUS_PAGE_MAX);
	struct event reply;
	event_init(&reply, EVENT_reply);
	memcpy(reply.source, b->o.source, strlen(b->o.source) + 1);
	reply.reply.verb = verb;
	reply.reply.id = request->request.id;
	outbox_flush(b);
	if (b->journal)
		outbox_send_durable(b);
	reply.reply.result = fill(b, request, &page, &reply.reply);
	reply.reply.records = page.records;
	uint8_t out[1024];
	int n = codec_pack(&reply, out, sizeof out);
	must(n > 0);
	crash_point(CRASH_replay_before_reply);
	bus_reply(b->bus, peer, out, (size_t)n, page.bytes.at, page.bytes.len);
	buf_fini(&page.bytes);
	return true;
}
