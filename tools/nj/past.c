/* past - reading on: the archive, pages at a bounded rate, live frames; merged by time until all have caught up. */
#include "tools/nj/past.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum { QUEUE_BYTES = 2 << 20, ROOM_BYTES = 1 << 20, ARCHIVE_ROWS = 500, STEP_EVENTS = 4000 };
#define SILENT_NS (3 * NS_PER_S) /* who has said nothing for so long is not waited for */
#define GRACE_NS (NS_PER_S / 2)  /* what may still come for a time that has passed */

/* What is queued: the stamp and whether it came live, then the frame. */
struct queued {
	int64_t stamp;
	uint64_t epoch, seq;
	int64_t sent;
	uint64_t past;
};

static int64_t mono(const struct past *p)
{
	return clock_mono(loop_clock(p->client->loop));
}

int past_add(struct past *p, const char *publisher, enum lane lane)
{
	size_t len = strlen(publisher);
	if (p->n == PAST_STREAMS_MAX || len == 0 || len >= EVENT_SOURCE_MAX)
		return ERR_FULL;
	struct past_stream *s = &p->stream[p->n++];
	memset(s, 0, sizeof *s);
	s->past = p;
	s->lane = lane;
	memcpy(s->publisher, publisher, len + 1);
	return 0;
}

bool past_each_frame(const uint8_t *page, size_t len, past_frame_fn *fn, void *ctx)
{
	while (len >= 4) {
		size_t n = (size_t)page[0] | (size_t)page[1] << 8 | (size_t)page[2] << 16 | (size_t)page[3] << 24;
		if (n > len - 4)
			return false;
		if (!fn(ctx, page + 4, n))
			return true;
		page += 4 + n;
		len -= 4 + n;
	}
	return len == 0;
}

/* ---- into the queues ---- */

static int push(struct past_stream *s, const struct event *head, const char *topic, const uint8_t *body, size_t len)
{
	size_t topic_len = strlen(topic) + 1;
	uint8_t *at;
	struct queued q = {.stamp = head->ts_recv,
			   .epoch = head->epoch,
			   .seq = head->seq,
			   .sent = head->ts_sent,
			   .past = !s->past->is_live_frame};
	int rc = ring_reserve(&s->queue, sizeof q + topic_len + len, &at);
	if (rc)
		return ERR_FULL;
	memcpy(at, &q, sizeof q);
	memcpy(at + sizeof q, topic, topic_len);
	memcpy(at + sizeof q + topic_len, body, len);
	ring_commit(&s->queue);
	return 0;
}

static int on_deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len,
		      bool state)
{
	struct past_stream *s = ctx;
	return state ? 0 : push(s, head, in->topic, bytes, len);
}

static bool has_room(void *ctx, struct inbox *in)
{
	const struct past_stream *s = ctx;
	(void)in;
	return s->queue.bytes < ROOM_BYTES;
}

static void on_gap(void *ctx, struct inbox *in, const struct inbox_gap *gap)
{
	struct past_stream *s = ctx;
	s->past->counters.gaps++;
	if (in->lane == LANE_X)
		cli_note(s->past->cli, "%s no longer has #%" PRIu64 " to #%" PRIu64 " of lane X", s->publisher,
			 gap->first, gap->last);
}

static void on_refused(void *ctx, struct inbox *in, const struct event *head)
{
	struct past_stream *s = ctx;
	(void)in;
	cli_note(s->past->cli, "%s has a journal that ends at #%" PRIu64 ": older than what was read of it before",
		 s->publisher, head->seq);
	s->phase = PAST_REACHED; /* nothing more will come */
}

static void on_caught_up(void *ctx, struct inbox *in)
{
	struct past_stream *s = ctx;
	(void)in;
	s->phase = PAST_REACHED;
}

static const struct inbox_ops inbox_ops = {
	.deliver = on_deliver, .gap = on_gap, .refused = on_refused, .room = has_room, .caught_up = on_caught_up};

/* ---- the archive ---- */

static bool take_record(void *ctx, const struct store_record *r)
{
	struct past_stream *s = ctx;
	struct event head;
	if (codec_peek(r->body, r->len, &head) != 0)
		return true;
	if (push(s, &head, r->topic, r->body, r->len) != 0)
		return false;
	s->past->counters.archived++;
	s->archive.epoch = r->epoch;
	s->archive.seq = r->seq + 1;
	return true;
}

static void begin_paging(struct past_stream *s)
{
	s->phase = s->unlogged ? PAST_REACHED : PAST_PAGING;
	if (s->unlogged)
		return;
	/* Nobody to ask: whatever it publishes one day follows what the archive has. */
	if (s->lane == LANE_X && s->next == 0 && s->archive.seq > 0) {
		s->epoch = s->archive.epoch;
		s->next = s->archive.seq;
	}
	s->in.epoch = s->lane == LANE_X ? s->epoch : 0;
	s->in.next = s->next ? s->next : 1;
	s->in.last = s->after;
	inbox_start(&s->in, INBOX_FROM_CURSOR, mono(s->past));
}

/* Without the file, the persister itself is asked for what was given up: the inbox knows how. */
static void leave_archive(struct past_stream *s)
{
	if (s->archive.stop_epoch && s->archive.stop_seq > 1 && s->past->offset.from != TAP_FROM_LAST)
		s->next = s->archive.epoch == s->archive.stop_epoch && s->archive.seq ? s->archive.seq : 1;
	begin_paging(s);
}

static void read_archive(struct past_stream *s)
{
	uint64_t before = s->past->counters.archived;
	/* A journal that begins with its first record has given nothing up. */
	bool needed = s->archive.stop_epoch == 0 || s->archive.stop_seq > 1;
	struct store_read *store = past_store(s->past, needed);
	if (!store) {
		leave_archive(s);
		return;
	}
	s->archive.limit = ARCHIVE_ROWS;
	int rc = store_read_records(store, &s->archive, take_record, s);
	if (rc == ERR_BUSY)
		return; /* a checkpoint is under way: asked again at the next step */
	if (rc)
		cli_note(s->past->cli, "%s: %s", s->past->database, err_text(rc));
	if (rc || before == s->past->counters.archived)
		begin_paging(s);
}

/* ---- out of the queues, in order ---- */

static const struct queued *front(const struct past_stream *s, size_t *ret_len)
{
	return (const struct queued *)(const void *)ring_front(&s->queue, ret_len);
}

/* The publisher has said what it no longer has, and the copy of it is asked: until that answers or is given up. */
static bool asks_copy(const struct past_stream *s)
{
	return s->phase == PAST_PAGING && s->in.asks_copy && s->in.refusal.result != 0;
}

static bool is_silent(const struct past_stream *s, int64_t now)
{
	return !asks_copy(s) && (!s->heard_at || now - s->heard_at >= SILENT_NS);
}

/* Could something older than all that is queued still come of it? */
static bool is_waited_for(struct past_stream *s)
{
	if (s->phase == PAST_ARCHIVE && s->queue.count == 0)
		read_archive(s);
	if (s->phase == PAST_REACHED || s->queue.count > 0)
		return false;
	return s->phase == PAST_ARCHIVE || !is_silent(s, mono(s->past));
}

/* The stream whose first event is the oldest; NULL where there is none, or something is waited for. */
static struct past_stream *oldest(struct past *p)
{
	struct past_stream *best = NULL;
	int64_t stamp = 0;
	size_t len;
	for (size_t i = 0; i < p->n; i++) {
		struct past_stream *s = &p->stream[i];
		if (is_waited_for(s))
			return NULL;
		const struct queued *q = front(s, &len);
		if (q && (!best || q->stamp < stamp)) {
			best = s;
			stamp = q->stamp;
		}
	}
	return best;
}

static void give(struct past *p, struct past_stream *s)
{
	size_t len;
	const struct queued *q = front(s, &len);
	const struct tap_frame f = {.lane = s->lane,
				    .at = q->past ? q->sent : clock_wall(clock_real()),
				    .bytes = (const uint8_t *)(q + 1),
				    .len = len - sizeof *q,
				    .past = q->past != 0};
	bool wanted = q->stamp >= p->begin && q->stamp < p->end;
	if (q->stamp >= p->end) {
		s->ended = true;
		p->passed_at = p->passed_at ? p->passed_at : mono(p);
	}
	s->given_epoch = q->epoch;
	s->given_seq = q->seq;
	s->given_at = q->stamp;
	if (wanted)
		p->give(p->ctx, &f);
	ring_pop(&s->queue);
}

static bool is_drained(const struct past_stream *s, int64_t now)
{
	return (s->phase == PAST_REACHED || (s->phase == PAST_PAGING && is_silent(s, now))) && s->queue.count == 0;
}

static void note_progress(struct past *p)
{
	int64_t now = mono(p);
	bool drained = true, ended = p->end != INT64_MAX;
	for (size_t i = 0; i < p->n; i++) {
		drained = drained && is_drained(&p->stream[i], now);
		ended = ended && (p->stream[i].ended || is_drained(&p->stream[i], now));
	}
	if (drained && !p->all_reached) {
		p->all_reached = true;
		p->reached(p->ctx);
	}
	/* The end is behind us on some stream; the others had time to say what they still have. */
	bool passed = ended && p->passed_at && now - p->passed_at >= GRACE_NS;
	bool over = ended && drained && p->newest >= p->end;
	if ((passed || over || (drained && p->exit_at_end)) && !p->all_ended) {
		p->all_ended = true;
		p->ended(p->ctx);
	}
}

static void step(void *ctx)
{
	struct past *p = ctx;
	struct past_stream *s;
	int n = 0;
	while (!p->all_ended && n++ < STEP_EVENTS && (s = oldest(p)) != NULL)
		give(p, s);
	if (n >= STEP_EVENTS)
		loop_defer(p->client->loop, step, p);
	note_progress(p);
}

/* ---- asking for pages ---- */

/* Nobody has what is missing, and who might does not answer: a tap does not wait for that, it says so and goes on. */
static void give_copy_up(struct past_stream *s, int64_t now)
{
	cli_note(s->past->cli, "%s has given up what is asked for and the persister does not answer: that is left out",
		 s->publisher);
	s->heard_at = now;
	inbox_copy(&s->in, NULL);
	inbox_start(&s->in, INBOX_FROM_CURSOR, now);
}

/* Would it ask for a page now? */
static bool would_ask(const struct past_stream *s, int64_t now)
{
	return s->in.state == INBOX_STALLED || (s->in.state == INBOX_PAGING && now >= s->in.retry_at);
}

/* A page for one stream, the next in turn that can use one. The others only look after their tails. */
static void on_page(void *ctx)
{
	struct past *p = ctx;
	int64_t now = mono(p);
	bool asked = false;
	for (size_t k = 0, first = p->turn; k < p->n; k++) {
		struct past_stream *s = &p->stream[(first + k) % p->n];
		bool asks = would_ask(s, now);
		if (s->phase == PAST_ARCHIVE || s->unlogged || (asks && (asked || !has_room(s, &s->in))))
			continue;
		if (inbox_lacks_copy(&s->in))
			give_copy_up(s, now);
		inbox_poll(&s->in, now);
		if (asks)
			p->turn = (first + k + 1) % p->n;
		asked = asked || asks;
	}
	step(p);
}

/* ---- what the bus brings ---- */

static bool is_telemetry(const struct event *head)
{
	return head->id < 0x0100;
}

static struct past_stream *other_lane(struct past *p, const struct past_stream *s, enum lane lane)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->stream[i].lane == lane && strcmp(p->stream[i].publisher, s->publisher) == 0)
			return &p->stream[i];
	return NULL;
}

/* A heartbeat says how far its lanes reach, a tail how far a topic does: a lost end shows. */
static void on_telemetry(struct past *p, struct past_stream *s, const uint8_t *body, size_t len)
{
	static struct pair room[2 * EVENT_PAIRS_MAX];
	struct arena arena = {.at = (uint8_t *)room, .cap = sizeof room};
	struct event ev;
	size_t used;
	if (codec_unpack(body, len, &arena, &ev, &used) != 0)
		return;
	struct past_stream *x = other_lane(p, s, LANE_X);
	if (x && x->phase != PAST_ARCHIVE) {
		inbox_epoch_x(&x->in, ev.epoch, mono(p));
		if (ev.id == EVENT_heartbeat)
			inbox_tail(&x->in, ev.heartbeat.x_epoch, ev.heartbeat.x_last, mono(p));
	}
	if (s->unlogged)
		return;
	inbox_epoch_m(&s->in, ev.epoch, mono(p));
	if (ev.id == EVENT_heartbeat)
		inbox_tail_m(&s->in, ev.heartbeat.m_last, mono(p));
	else if (ev.id == EVENT_tail)
		inbox_tail_topic(&s->in, &ev, mono(p));
}

static void give_telemetry(struct past *p, const uint8_t *frame, size_t len)
{
	const struct tap_frame f = {.lane = LANE_M, .at = clock_wall(clock_real()), .bytes = frame, .len = len};
	if (p->all_reached && p->end == INT64_MAX)
		p->give(p->ctx, &f);
}

static void push_unlogged(struct past_stream *s, const char *topic, const uint8_t *body, size_t left)
{
	struct event head;
	size_t used;
	while (left > 0 && codec_measure(body, left, &used) == 0 && codec_peek(body, used, &head) == 0) {
		if (push(s, &head, topic, body, used) != 0)
			return; /* its sequence shows it */
		body += used;
		left -= used;
	}
}

void past_on_frame(struct past *p, struct past_stream *s, const uint8_t *frame, size_t len)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left;
	struct event head;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0 || codec_peek(body, left, &head) != 0)
		return;
	s->heard_at = mono(p);
	if (s->lane == LANE_M && is_telemetry(&head)) {
		on_telemetry(p, s, body, left);
		give_telemetry(p, frame, len);
	} else {
		p->is_live_frame = true;
		if (s->unlogged)
			push_unlogged(s, topic, body, left);
		else
			inbox_on_frame(&s->in, frame, len, s->heard_at);
		p->is_live_frame = false;
	}
	loop_defer(p->client->loop, step, p);
}

void past_on_reply(struct past *p, const struct event *reply, const uint8_t *page, size_t len)
{
	for (size_t i = 0; i < p->n; i++) {
		struct past_stream *s = &p->stream[i];
		if (!s->in.request || reply->reply.id != s->in.request)
			continue;
		uint64_t before = s->in.counters.paged;
		/* An answer without a record is no progress: it may be of who keeps the copy. */
		if (reply->reply.records > 0 || reply->reply.result == ERR_BUSY)
			s->heard_at = mono(p);
		inbox_on_reply(&s->in, reply, page, len, mono(p));
		p->counters.paged += s->in.counters.paged - before;
	}
	loop_defer(p->client->loop, step, p);
}

/* ---- begin and end ---- */

int past_start(struct past *p, const char *const *prefixes)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < p->n; i++) {
		struct past_stream *s = &p->stream[i];
		rc = ring_init(&s->queue, QUEUE_BYTES);
		if (!rc)
			rc = inbox_open(&s->in, p->client->bus, s->publisher, s->lane,
					s->lane == LANE_M ? prefixes : NULL, &inbox_ops, s);
		if (!rc)
			s->in.link->tag = s;
		if (!rc && s->lane == LANE_X && strcmp(s->publisher, "persister") != 0)
			inbox_copy(&s->in, "persister");
		if (!rc && s->phase == PAST_PAGING)
			begin_paging(s);
	}
	if (!rc)
		rc = loop_timer(p->client->loop, 0, NS_PER_S / p->pages_per_s, on_page, p, &p->on_page);
	return rc;
}

void past_stop(struct past *p)
{
	loop_end(&p->on_page);
	if (p->client && p->client->loop)
		loop_undefer(p->client->loop, step, p);
	for (size_t i = 0; i < p->n; i++) {
		if (p->stream[i].in.ops)
			inbox_close(&p->stream[i].in);
		ring_fini(&p->stream[i].queue);
	}
	store_read_close(p->store);
	p->store = NULL;
}
