/* inbox - follows one lane of one publisher without losing or doubling anything. */
#include "common/service/inbox.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/service/inbox_priv.h"
#include "common/io/crash_point.h"
#include "common/service/outbox.h"

enum { WAITING_BYTES = 8 << 20, RETRY_MIN_NS = 100000000, TAIL_NS = 100000000 };
enum {
	SILENT_MAX = 3, /* requests that a publisher leaves unanswered before its copy is asked */
	LACKING_MAX = 8 /* and that the copy does before people are told: some ten seconds */
};
static const int64_t retry_max_ns = 2 * NS_PER_S;

static uint64_t next_request_id; /* unique in this process: replies find their inbox by it */

int inbox_open(struct inbox *in, struct bus *bus, const char *publisher, enum lane lane, const char *const *prefixes,
	       const struct inbox_ops *ops, void *ctx)
{
	memset(in, 0, sizeof *in);
	must(strlen(publisher) < sizeof in->publisher);
	memcpy(in->publisher, publisher, strlen(publisher) + 1);
	in->ops = ops;
	in->ctx = ctx;
	in->bus = bus;
	in->lane = lane;
	in->prefixes = prefixes;
	int rc = ring_init(&in->waiting, WAITING_BYTES);
	if (!rc && lane == LANE_M)
		rc = accounts_init(&in->accounts, INBOX_TOPICS_MAX);
	if (!rc)
		rc = bus_subscribe(bus, publisher, lane, prefixes, in, &in->link);
	return rc;
}

void inbox_close(struct inbox *in)
{
	ring_fini(&in->waiting);
	accounts_fini(&in->accounts);
	memset(in, 0, sizeof *in);
}

void inbox_copy(struct inbox *in, const char *copy)
{
	must(in->lane == LANE_X);
	in->copy = copy;
}

bool inbox_lacks_copy(const struct inbox *in)
{
	return in->state == INBOX_PAGING && in->asks_copy && in->refusal.result && in->silent >= LACKING_MAX;
}

void inbox_page(struct inbox *in, int64_t mono_ns)
{
	in->state = INBOX_PAGING;
	in->asks_copy = false;
	in->checks = in->lane == LANE_X;
	in->asked_from = in->last;
	in->rewind = INT64_MAX;
	in->request = 0;
	in->retry_ns = RETRY_MIN_NS;
	in->retry_at = mono_ns;
	in->tail_at = 0;
}

void inbox_start(struct inbox *in, enum inbox_join join, int64_t mono_ns)
{
	in->join = join;
	in->was_live = false;
	in->verified = false;
	in->wants_state = join == INBOX_FROM_NOW && in->lane == LANE_M;
	if (join == INBOX_FROM_START) {
		in->epoch = 0;
		in->next = 1;
		in->last = 0;
	}
	if (join == INBOX_FROM_NOW) {
		in->next = 0;
		in->last = 0;
	}
	if (join == INBOX_FROM_NOW && in->lane == LANE_X)
		in->state = INBOX_LIVE;
	else
		inbox_page(in, mono_ns);
}

/* What became of one event. */
enum outcome { TAKEN, SKIPPED, HOLE, FULL, RESYNC, CONFLICT, AGAIN };

static enum outcome delivered(struct inbox *in, int rc)
{
	if (rc == ERR_FULL)
		return FULL;
	in->counters.delivered++;
	return TAKEN;
}

static enum outcome accept_x(struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len)
{
	if (in->epoch && head->epoch < in->epoch) {
		in->counters.refused++;
		in->ops->refused(in->ctx, in, head);
		return SKIPPED;
	}
	if (head->epoch > in->epoch && in->epoch)
		return HOLE; /* finish the old journal first; the reply says when there is nothing more of it */
	in->epoch = head->epoch;
	if (in->next == 0)
		in->next = head->seq;
	if (head->seq + 1 == in->next && in->last && head->ts_recv != in->last) {
		in->conflict = true;
		in->counters.refused++;
		in->ops->refused(in->ctx, in, head);
		return CONFLICT;
	}
	if (head->seq < in->next) {
		in->counters.duplicates += in->state == INBOX_LIVE || head->seq + 1 < in->next;
		return SKIPPED;
	}
	if (head->seq > in->next)
		return HOLE;
	crash_point(CRASH_inbox_before_deliver);
	enum outcome o = delivered(in, in->ops->deliver(in->ctx, in, head, bytes, len, false));
	crash_point(CRASH_inbox_after_deliver);
	if (o == TAKEN) {
		in->next++;
		in->last = head->ts_recv;
	}
	return o;
}

void inbox_report_gap_m(struct inbox *in, int64_t to, uint64_t missing)
{
	struct inbox_gap gap = {.from = in->last, .to = to};
	in->counters.gaps++;
	in->counters.missing += missing;
	in->ops->gap(in->ctx, in, &gap);
}

/* A topic is here up to its last record. Other topics may have gone on meanwhile: then our position is behind its hole,
 * and asking has to begin before it. */
static int64_t whole_until(const struct inbox *in, const struct account *a)
{
	return a && a->at > in->whole ? a->at : in->whole;
}

static bool is_duplicate(const struct inbox *in, const struct account *a, const struct event *head)
{
	if (a && a->first)
		return head->ts_recv <= whole_until(in, a);
	return head->ts_recv <= in->last;
}

/* True where asking has to begin before where it has begun. */
static bool turn_back(struct inbox *in, const struct account *a)
{
	int64_t from = whole_until(in, a);
	bool before = in->state == INBOX_LIVE || from < in->asked_from;
	if (before && from < in->last)
		in->last = from;
	if (before)
		in->asked_from = in->last;
	return before;
}

static enum outcome accept_m(struct inbox *in, const char *topic, size_t topic_len, const struct event *head,
			     const uint8_t *bytes, size_t len)
{
	struct accounts *as = &in->accounts;
	struct account *a = accounts_get(as, topic, topic_len);
	if (is_duplicate(in, a, head)) {
		in->counters.duplicates++;
		return SKIPPED;
	}
	/* It was started again: what it sent before we were connected is in its log. */
	if (in->state == INBOX_LIVE && in->epoch && head->epoch != in->epoch) {
		in->heard = head->epoch;
		return HOLE;
	}
	uint64_t next = a ? account_next(as, a, head->epoch, head->seq) : head->seq;
	if (head->seq < next) {
		in->counters.malformed++;
		return SKIPPED;
	}
	if (head->seq > next) {
		if (turn_back(in, a))
			return in->state == INBOX_LIVE ? HOLE : AGAIN;
		/* The replay itself has a hole: it is gone for good. */
		inbox_report_gap_m(in, head->ts_recv, head->seq - next);
		if (in->resync)
			return RESYNC;
		account_skip(as, a, head->epoch, head->seq);
	}
	in->account = a;
	enum outcome o = delivered(in, in->ops->deliver(in->ctx, in, head, bytes, len, false));
	if (o == TAKEN) {
		in->last = head->ts_recv;
		in->epoch = head->epoch;
		if (a) {
			account_take(as, a, head->epoch, head->seq, in->queues);
			a->at = head->ts_recv;
		}
	}
	return o;
}

/* Walks the events of one frame. TAKEN where all were dealt with. */
static enum outcome accept_frame(struct inbox *in, const uint8_t *frame, size_t len)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	struct event head;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left)) {
		in->counters.malformed++;
		return TAKEN;
	}
	in->topic = topic;
	while (left) {
		if (codec_measure(body, left, &used) || codec_peek(body, used, &head)) {
			in->counters.malformed++;
			return TAKEN;
		}
		enum outcome o = in->lane == LANE_X ? accept_x(in, &head, body, used)
						    : accept_m(in, topic, topic_len, &head, body, used);
		if (o != TAKEN && o != SKIPPED)
			return o;
		body += used;
		left -= used;
	}
	return TAKEN;
}

static void keep(struct inbox *in, const uint8_t *frame, size_t len)
{
	if (in->overflowed || ring_push(&in->waiting, frame, len) == 0)
		return;
	/* Forgotten, not lost: the publisher has it. */
	in->counters.overflows++;
	in->overflowed = true;
	ring_clear(&in->waiting);
}

static void stall(struct inbox *in)
{
	in->counters.stalls++;
	in->state = INBOX_STALLED;
	in->overflowed = false;
	ring_clear(&in->waiting);
}

bool inbox_wants(const struct inbox *in, const uint8_t *frame, size_t len)
{
	if (!in->prefixes || !in->prefixes[0])
		return true;
	for (size_t i = 0; in->prefixes[i]; i++) {
		size_t n = strlen(in->prefixes[i]);
		if (len >= n && memcmp(frame, in->prefixes[i], n) == 0)
			return true;
	}
	return false;
}

/* Whose life a frame is of. In the life that we live in anyway there is nothing to find out. */
static void hear_frame(struct inbox *in, const uint8_t *frame, size_t len, int64_t mono_ns)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	struct event head;
	if (in->lane != LANE_M || (in->state == INBOX_LIVE && in->heard && in->heard == in->epoch))
		return;
	if (!codec_split(frame, len, &topic, &topic_len, &body, &body_len) && !codec_peek(body, body_len, &head))
		inbox_heard(in, head.epoch, mono_ns);
}

void inbox_on_frame(struct inbox *in, const uint8_t *frame, size_t len, int64_t mono_ns)
{
	in->counters.received++;
	if (!inbox_wants(in, frame, len))
		return;
	hear_frame(in, frame, len, mono_ns);
	if (in->state == INBOX_PAGING)
		keep(in, frame, len);
	if (in->state != INBOX_LIVE)
		return;
	switch (accept_frame(in, frame, len)) {
	case HOLE:
		in->counters.holes++;
		inbox_page(in, mono_ns);
		keep(in, frame, len);
		break;
	case FULL:
		stall(in);
		break;
	case CONFLICT:
		inbox_page(in, mono_ns);
		break;
	default:
		break;
	}
}

/* After the last page: what waited is taken in; a hole in it means that the page was not the last after all. */
static void finish_paging(struct inbox *in, int64_t mono_ns)
{
	bool again = in->overflowed;
	size_t len;
	const uint8_t *frame;
	in->overflowed = false;
	in->state = INBOX_LIVE;
	while ((frame = ring_front(&in->waiting, &len)) != NULL) {
		enum outcome o = accept_frame(in, frame, len);
		if (o == FULL) {
			stall(in);
			return;
		}
		if (o == HOLE || o == CONFLICT) {
			in->counters.holes += o == HOLE;
			if (o == CONFLICT)
				ring_pop(&in->waiting);
			inbox_page(in, mono_ns);
			return;
		}
		ring_pop(&in->waiting);
	}
	if (again) {
		inbox_page(in, mono_ns);
	} else if (!in->was_live) {
		in->was_live = true;
		if (in->ops->caught_up)
			in->ops->caught_up(in->ctx, in);
	}
}

/* The last values instead of what is missing; what the log has between goes with the gap. */
void inbox_want_state(struct inbox *in)
{
	in->wants_state = true;
}

static size_t record_len(const uint8_t at[4])
{
	return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* A tail in an answer: all of its topic up to there was in this answer or the ones before, or is gone. */
static bool took_tail(struct inbox *in, const uint8_t *frame, size_t len)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len, used;
	struct event ev;
	if (in->lane != LANE_M || len < sizeof "tail." || memcmp(frame, outbox_tail_prefix, sizeof "tail." - 1) != 0)
		return false;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) ||
	    codec_unpack(body, body_len, NULL, &ev, &used) || ev.id != EVENT_tail) {
		in->counters.malformed++;
		return true;
	}
	struct account_tail t = {ev.epoch, ev.tail.first, ev.tail.last};
	size_t n = strlen(ev.tail.of);
	struct account *a = NULL;
	if (n == 0)
		in->accounts.based = true;
	else if (inbox_wants(in, (const uint8_t *)ev.tail.of, n))
		a = accounts_get(&in->accounts, ev.tail.of, n);
	if (!a)
		return true;
	int64_t from = whole_until(in, a);
	if (!in->wants_state && from < in->asked_from && account_is_behind(&in->accounts, a, &t))
		in->rewind = from < in->rewind ? from : in->rewind;
	else
		in->gone += account_settle(&in->accounts, a, &t);
	return true;
}

/* Takes the records of a page. False where the receiver is full or the page is broken. */
static bool take_page(struct inbox *in, const uint8_t *at, size_t len)
{
	in->gone = 0;
	while (len >= 4) {
		size_t n = record_len(at);
		if (n > len - 4) {
			in->counters.malformed++;
			return false;
		}
		bool tail = took_tail(in, at + 4, n);
		in->counters.paged += !tail;
		enum outcome o = !tail && inbox_wants(in, at + 4, n) ? accept_frame(in, at + 4, n) : TAKEN;
		if (o == FULL)
			stall(in);
		if (o == RESYNC)
			inbox_want_state(in);
		if (o == FULL || o == RESYNC || o == CONFLICT || o == AGAIN)
			return false;
		at += 4 + n;
		len -= 4 + n;
	}
	return true;
}

/* ERR_FULL; ERR_PROTOCOL: the page is cut, or its lengths are wrong. What came before that is in; it comes again. */
static int take_state(struct inbox *in, const struct event *reply, const uint8_t *at, size_t len)
{
	in->gone = 0;
	while (len >= 4) {
		size_t n = record_len(at);
		const char *topic;
		const uint8_t *body;
		size_t topic_len, body_len;
		struct event head;
		if (n > len - 4)
			return ERR_PROTOCOL;
		bool value = !took_tail(in, at + 4, n) && inbox_wants(in, at + 4, n);
		if (value && !codec_split(at + 4, n, &topic, &topic_len, &body, &body_len) &&
		    !codec_peek(body, body_len, &head)) {
			/* Its sequence is that of the topic's last event: the next live one follows it. */
			in->topic = topic;
			in->account = NULL;
			if (in->ops->deliver(in->ctx, in, &head, body, body_len, true) == ERR_FULL)
				return ERR_FULL;
		}
		at += 4 + n;
		len -= 4 + n;
	}
	if (len != 0)
		return ERR_PROTOCOL;
	in->wants_state = false;
	in->counters.missing += in->gone;
	in->last = in->whole = (int64_t)reply->reply.last;
	if (reply->reply.of_epoch)
		in->epoch = reply->reply.of_epoch;
	return 0;
}

static void on_copy(struct inbox *in, const struct ev_reply *r, const uint8_t *page, size_t len, int64_t mono_ns)
{
	uint64_t before = in->next;
	bool silent = in->refusal.result == 0;
	if (r->result != 0 && r->result != ERR_NOT_FOUND) {
		in->retry_at = mono_ns + in->retry_ns; /* it cannot tell now */
		in->asks_copy = !silent;
		return;
	}
	if (r->result == 0 && in->epoch == 0)
		in->epoch = r->of_epoch;
	bool taken = take_page(in, page, len);
	if (in->conflict) {
		in->conflict = false;
		in->checks = true;
		in->asks_copy = false;
		in->retry_at = mono_ns + in->retry_ns;
	}
	if (!taken || in->state != INBOX_PAGING)
		return;
	in->counters.copied += in->next > before;
	if (in->next > before)
		in->retry_ns = RETRY_MIN_NS;
	if (!r->more || in->next == before)
		inbox_leave_copy(in);
	/* A publisher that was silent is not hurried. */
	if (silent && !in->asks_copy)
		in->retry_at = mono_ns + in->retry_ns;
}

/* A page of the publisher itself, which begins with the record we have. */
static bool take_publishers_page(struct inbox *in, const struct ev_reply *r, const uint8_t *page, size_t len,
				 int64_t mono_ns)
{
	uint64_t before = in->next;
	bool taken = take_page(in, page, len);
	/* Only that one came: what is behind it cannot be read, and has to be asked for alone to be told so. */
	if (r->more && in->next == before)
		in->checks = false;
	if (in->conflict) {
		in->checks = true;
		in->conflict = false;
		in->retry_at = mono_ns + in->retry_ns;
	} else if (r->result == 0) {
		in->verified = true;
	}
	return taken;
}

/* The log does not have what its publisher has sent (it could not be written then). True where we go on behind it. */
static bool gone_on(struct inbox *in)
{
	inbox_report_gap_m(in, in->last + 1, in->gone);
	if (in->resync)
		inbox_want_state(in);
	return !in->resync;
}

/* The last page has come: is every topic here, or gone, up to its end? False where we ask on. */
static bool is_whole(struct inbox *in)
{
	if (in->rewind < in->last) {
		in->last = in->asked_from = in->rewind;
		in->rewind = INT64_MAX;
		return false;
	}
	if (in->gone && !gone_on(in))
		return false;
	in->whole = in->last;
	return true;
}

static void take_values(struct inbox *in, const struct event *reply, const uint8_t *page, size_t len, int64_t mono_ns)
{
	int64_t err = reply->reply.result;
	if (err == 0)
		err = take_state(in, reply, page, len);
	if (err) {
		inbox_lacks_state(in, err < 0 && err > INT32_MIN ? (int)err : ERR_PROTOCOL);
		in->retry_at = mono_ns + in->retry_ns;
		return;
	}
	in->stateless = 0;
	inbox_set_unserved(in, 0);
	finish_paging(in, mono_ns);
}

bool inbox_on_reply(struct inbox *in, const struct event *reply, const uint8_t *page, size_t len, int64_t mono_ns)
{
	const struct ev_reply *r = &reply->reply;
	if (!in->request || r->id != in->request)
		return false;
	in->request = 0;
	in->silent = 0;
	in->retry_at = mono_ns;
	in->counters.pages++;
	if (in->state != INBOX_PAGING)
		return true;
	if (in->asks_copy) {
		on_copy(in, r, page, len, mono_ns);
		return true;
	}
	if (in->wants_state) {
		take_values(in, reply, page, len, mono_ns);
		return true;
	}
	/* The record to compare may be given up, or not be readable: then the next one is asked for alone. */
	in->checks = r->result != ERR_NOT_FOUND && r->result != ERR_CORRUPT;
	if (inbox_is_older(in, r)) {
		inbox_refuse(in, reply);
		in->retry_at = mono_ns + in->retry_ns;
		return true;
	}
	if (r->result != 0 && !inbox_on_refusal(in, r)) {
		in->retry_at = mono_ns + in->retry_ns;
		return true;
	}
	if (r->result == 0)
		inbox_set_unserved(in, 0);
	if (in->lane == LANE_X && in->epoch == 0)
		in->epoch = r->of_epoch;
	bool taken = take_publishers_page(in, r, page, len, mono_ns);
	if (!taken || in->state != INBOX_PAGING)
		return true;
	in->retry_ns = RETRY_MIN_NS;
	if (r->result != 0 && in->lane == LANE_X)
		return true; /* ask again from where it begins now */
	if (in->lane == LANE_M && (int64_t)r->last > in->last)
		in->last = (int64_t)r->last;
	if (r->more)
		return true;
	if (in->lane == LANE_M)
		in->epoch = r->of_epoch;
	if (in->lane == LANE_M && !is_whole(in))
		return true;
	finish_paging(in, mono_ns);
	return true;
}

/* The record to compare is given up, and the copy is asked for it. */
static bool compares_copy(const struct inbox *in)
{
	return in->asks_copy && in->refusal.result == ERR_NOT_FOUND && in->refusal.first == in->next;
}

/* A publisher that does not answer: every other request is to its copy. */
static void choose_source(struct inbox *in)
{
	if (compares_copy(in) && in->silent >= LACKING_MAX)
		in->asks_copy = false; /* nothing is missing: it goes on without */
	bool for_silence = in->asks_copy && in->refusal.result == 0;
	if (for_silence)
		in->asks_copy = false;
	else if (in->copy && !in->asks_copy && in->silent >= SILENT_MAX) {
		in->asks_copy = true;
		in->refusal.result = 0;
	}
	in->silent += in->silent < UINT32_MAX;
}

static void ask(struct inbox *in, int64_t mono_ns)
{
	struct event ev;
	uint8_t out[1024];
	choose_source(in);
	event_init(&ev, EVENT_request);
	memcpy(ev.source, "inbox", 6);
	ev.request.id = ++next_request_id;
	ev.request.verb = in->wants_state ? verb_state : in->lane == LANE_X ? verb_replay_x : verb_replay_m;
	ev.request.of_epoch = in->lane == LANE_X ? in->epoch : 0;
	bool check = in->last && in->next > 1 && (in->asks_copy ? compares_copy(in) : in->checks);
	ev.request.from = in->lane == LANE_X ? in->next - check : (uint64_t)in->last;
	if (in->asks_copy)
		event_set_name(ev.request.target, in->publisher);
	int n = codec_pack(&ev, out, sizeof out);
	must(n > 0);
	const char *source = in->asks_copy ? in->copy : in->publisher;
	in->request = bus_request(in->bus, source, out, (size_t)n) == 0 ? ev.request.id : 0;
	in->retry_at = mono_ns + in->retry_ns;
	in->retry_ns = in->retry_ns * 2 < retry_max_ns ? in->retry_ns * 2 : retry_max_ns;
}

int64_t inbox_poll(struct inbox *in, int64_t mono_ns)
{
	if (in->state == INBOX_STALLED && (!in->ops->room || in->ops->room(in->ctx, in)))
		inbox_page(in, mono_ns);
	if (in->state == INBOX_LIVE && in->tail_at && mono_ns - in->tail_at >= TAIL_NS) {
		in->counters.holes++;
		inbox_page(in, mono_ns);
	}
	if (in->state == INBOX_PAGING && mono_ns >= in->retry_at)
		ask(in, mono_ns);
	if (in->state == INBOX_PAGING)
		return in->retry_at;
	return in->tail_at ? in->tail_at + TAIL_NS : INT64_MAX;
}
