/* outbox - how a service publishes: stamps, sequences, the lane-X journal before the bus, the lane-M log beside it. */
#include "common/service/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "proto/topic.h"

enum { JOURNAL_FLUSH_NS = 2000000000, FIRST_APP_ID = 0x0100 };
enum { SEGMENT_MIN = 16 << 10, SEGMENT_MAX = 16 << 20, BURST_MAX = 256 << 10 };

/* The topic of a message under way and the frame of one record share this size. */
enum { FRAME_MAX = BUS_FRAME_X_MAX };

static bool is_telemetry(const struct event *ev, const struct event_row *row)
{
	return row->lane == LANE_M && ev->id < FIRST_APP_ID;
}

const char outbox_tail_prefix[] = "tail.";
const char *const outbox_telemetry_prefixes[] = {"promise.", "heartbeat.", "hello.", "metrics.", NULL};

static bool begins(const char *topic, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);
	return len > n && memcmp(topic, prefix, n) == 0;
}

bool outbox_is_telemetry(const char *topic, size_t len)
{
	for (size_t i = 0; outbox_telemetry_prefixes[i]; i++)
		if (begins(topic, len, outbox_telemetry_prefixes[i]))
			return true;
	return begins(topic, len, outbox_tail_prefix);
}

/* Packs topic, NUL and event into out. Returns the length; *ret_topic is the topic's length. */
static int pack_frame(const struct event *ev, const char *topic, size_t topic_len, uint8_t *out, size_t cap)
{
	if (topic_len + 1 >= cap)
		return ERR_FULL;
	memcpy(out, topic, topic_len + 1);
	int n = codec_pack(ev, out + topic_len + 1, cap - topic_len - 1);
	return n < 0 ? n : n + (int)topic_len + 1;
}

static int open_journal(struct outbox *b, char *reason, size_t cap)
{
	char dir[400];
	snprintf(dir, sizeof dir, "%s/journal", b->o.dir);
	/* Whole segments are given up: small ones where the cap is small. */
	uint64_t segment = b->o.journal_cap / 16;
	segment = segment > SEGMENT_MAX ? SEGMENT_MAX : segment < SEGMENT_MIN ? SEGMENT_MIN : segment;
	struct journal_options jo = {.segment_bytes = b->o.journal_cap ? segment : 0,
		.dir = dir, .epoch = (uint64_t)clock_wall(b->o.clock), .cap_bytes = b->o.journal_cap};
	int rc = journal_open(&jo, &b->journal, reason, cap);
	if (rc)
		return rc;
	uint64_t burst = b->o.journal_cap / 8;
	b->burst = burst == 0 || burst > BURST_MAX ? BURST_MAX : (size_t)burst;
	struct journal_status st = journal_status(b->journal);
	b->x_epoch = st.epoch;
	b->x_next = st.last + 1;
	b->x_sent = st.last;
	b->verify_last = b->compare_last = st.last;
	return 0;
}

static int open_log(struct outbox *b, char *reason, size_t cap)
{
	char dir[400];
	snprintf(dir, sizeof dir, "%s/mlog", b->o.dir);
	struct mlog_options mo = {.dir = dir, .cap_bytes = b->o.mlog_cap, .keep_ns = b->o.mlog_keep_ns};
	int rc = mlog_open(&mo, &b->mlog, reason, cap);
	if (!rc)
		b->resend_after = mlog_last(b->mlog);
	return rc;
}

int outbox_open(struct outbox *b, struct bus *bus, const struct outbox_options *o, char *reason, size_t cap)
{
	memset(b, 0, sizeof *b);
	b->o = *o;
	snprintf(b->source, sizeof b->source, "%s", o->source);
	b->bus = bus;
	b->x_next = 1;
	b->m_epoch = (uint64_t)clock_wall(o->clock);
	b->batch = malloc(FRAME_MAX);
	if (!b->batch || strmap_init(&b->topics, OUTBOX_TOPICS_MAX, sizeof(struct outbox_topic)))
		return ERR_NOMEM;
	int rc = o->dir ? open_journal(b, reason, cap) : 0;
	if (!rc && o->dir && o->logged)
		rc = open_log(b, reason, cap);
	return rc;
}

void outbox_close(struct outbox *b)
{
	if (b->journal) {
		outbox_flush(b);
		journal_flush(b->journal, JOURNAL_FLUSH_NS);
		outbox_durable(b);
		journal_close(b->journal);
	}
	mlog_close(b->mlog);
	strmap_fini(&b->topics);
	free(b->batch);
	memset(b, 0, sizeof *b);
}

bool outbox_decides(uint16_t id)
{
	return id == EVENT_command || id == EVENT_gap || id == EVENT_injected || id == EVENT_venue_report;
}

/* A record of the shell that nothing follows from: an alert, a report of what was late. */
static bool is_note(const struct event *ev)
{
	return ev->ts_event == 0 && !outbox_decides(ev->id);
}

/* Notes come when the machine makes them come: they have times of their own, and move those of results by nothing. */
static void stamp(struct outbox *b, struct event *ev)
{
	int64_t last = is_note(ev) && b->last_note > b->last_stamp ? b->last_note : b->last_stamp;
	if (ev->ts_recv <= last)
		ev->ts_recv = last + 1;
	*(is_note(ev) ? &b->last_note : &b->last_stamp) = ev->ts_recv;
}

void outbox_flush(struct outbox *b)
{
	if (b->batch_len == 0)
		return;
	if (bus_send(b->bus, LANE_M, b->batch, b->batch_len) != 0)
		b->counters.send_errors++;
	b->counters.m_frames++;
	b->batch_len = 0;
}

/* Adds a frame to the message under way where the topic is the same and it fits, else starts a new one. */
static void queue_frame(struct outbox *b, const uint8_t *frame, size_t len, size_t topic_len)
{
	bool same = b->batch_len && b->batch_topic == topic_len && memcmp(b->batch, frame, topic_len + 1) == 0;
	if (!same || b->batch_len + len > EVENT_PACKED_MAX)
		outbox_flush(b);
	if (b->batch_len) {
		memcpy(b->batch + b->batch_len, frame + topic_len + 1, len - topic_len - 1);
		b->batch_len += len - topic_len - 1;
		return;
	}
	memcpy(b->batch, frame, len);
	b->batch_len = len;
	b->batch_topic = topic_len;
}

static int emit_m(struct outbox *b, struct event *ev, const struct event_row *row, const char *topic, size_t topic_len)
{
	uint8_t frame[EVENT_PACKED_MAX];
	bool telemetry = is_telemetry(ev, row);
	struct outbox_topic *t = strmap_put(&b->topics, topic, topic_len);
	if (!t) {
		b->counters.pack_errors++;
		return ERR_FULL;
	}
	t->telemetry = telemetry;
	if (!telemetry)
		stamp(b, ev);
	ev->seq = ++t->seq;
	ev->epoch = b->m_epoch;
	int n = pack_frame(ev, topic, topic_len, frame, sizeof frame);
	if (n < 0) {
		--t->seq;
		b->counters.pack_errors++;
		return n;
	}
	if (telemetry) {
		b->counters.telemetry++;
	} else if (ev->ts_recv <= b->resend_after) {
		b->counters.resent_skipped++;
		return 0;
	} else {
		b->counters.m_events++;
		t->first = t->first ? t->first : t->seq;
		if (b->mlog && mlog_append(b->mlog, ev->ts_recv, frame, (size_t)n) != 0)
			b->counters.log_errors++;
	}
	queue_frame(b, frame, (size_t)n, topic_len);
	return 0;
}

struct record {
	struct event head;
	uint8_t *bytes; /* frame */
	size_t len, body;
	bool found;
};

static bool take_record(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct record *r = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	(void)seq;
	if (len > FRAME_MAX || codec_split(frame, len, &topic, &topic_len, &body, &body_len) ||
	    codec_peek(body, body_len, &r->head))
		return false;
	memcpy(r->bytes, frame, len);
	r->len = len;
	r->body = (size_t)(body - frame);
	r->found = true;
	return false;
}

static bool record_at(struct outbox *b, uint64_t seq, struct record *r)
{
	uint64_t next;
	r->found = false;
	int rc = journal_read(b->journal, seq, 1, take_record, r, &next);
	return rc == 0 && r->found;
}

/* Steps over a record of the shell at the comparing position; what it did to the stamps is repeated. */
static void step_over(struct outbox *b, const struct record *r)
{
	if (!is_note(&r->head))
		b->last_stamp = r->head.ts_recv;
	b->x_next++;
}

static bool skip_shell_records(struct outbox *b, struct record *r)
{
	while (b->x_next <= b->verify_last) {
		if (!record_at(b, b->x_next, r))
			return false;
		if (r->head.ts_event != 0)
			return true;
		step_over(b, r);
	}
	return false;
}

/* Has the core's time passed what the shell decided here? Until then the inputs have to come in the recorded order. */
static bool is_past(const struct record *r, int64_t now)
{
	struct event ev;
	size_t used;
	if (outbox_decides(r->head.id))
		return r->head.ts_recv <= now;
	if ((r->head.id != EVENT_parity && r->head.id != EVENT_wish) ||
	    codec_unpack(r->bytes + r->body, r->len - r->body, NULL, &ev, &used) != 0)
		return true;
	return (ev.id == EVENT_wish ? ev.wish.applied_at : ev.parity.applied_at) <= now;
}

void outbox_pass_shell(struct outbox *b, int64_t now)
{
	struct record r = {.bytes = malloc(FRAME_MAX)};
	must(r.bytes);
	while (outbox_verifying(b) && record_at(b, b->x_next, &r) && r.head.ts_event == 0 && is_past(&r, now))
		step_over(b, &r);
	free(r.bytes);
}

static void report_difference(struct outbox *b, const struct record *r, const struct event *ev)
{
	struct buf was, now;
	struct event old;
	struct arena arena = {.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	size_t used;
	buf_init(&was, 1 << 20);
	buf_init(&now, 1 << 20);
	if (arena.at && codec_unpack(r->bytes + r->body, r->len - r->body, &arena, &old, &used) == 0)
		codec_print(&old, &was);
	codec_print(ev, &now);
	buf_byte(&was, 0);
	buf_byte(&now, 0);
	b->counters.differing++;
	if (b->o.differs && was.at && now.at)
		b->o.differs(b->o.ctx, b->x_next, (const char *)was.at, (const char *)now.at);
	buf_fini(&was);
	buf_fini(&now);
	free(arena.at);
}

/* Compares with the journal instead of appending. True where the event is dealt with. */
static bool verify(struct outbox *b, struct event *ev, const char *topic, size_t topic_len)
{
	if (b->x_next > b->verify_last)
		return false;
	struct record r = {.bytes = malloc(FRAME_MAX)};
	uint8_t *frame = malloc(FRAME_MAX);
	must(r.bytes && frame);
	bool done = skip_shell_records(b, &r);
	if (done) {
		stamp(b, ev);
		ev->seq = b->x_next;
		int n = pack_frame(ev, topic, topic_len, frame, FRAME_MAX);
		if (n < 0 || !codec_same_result(frame + topic_len + 1, (size_t)n - topic_len - 1, r.bytes + r.body,
						r.len - r.body))
			report_difference(b, &r, ev);
		else
			b->counters.verified++;
		if (b->x_next++ >= b->compare_last)
			outbox_accept_journal(b);
	}
	free(r.bytes);
	free(frame);
	return done;
}

static int emit_x(struct outbox *b, struct event *ev, const char *topic, size_t topic_len)
{
	if (!b->journal)
		return ERR_REFUSED;
	ev->epoch = b->x_epoch;
	if (verify(b, ev, topic, topic_len))
		return 0;
	stamp(b, ev);
	ev->seq = b->x_next;
	uint8_t frame[EVENT_PACKED_MAX];
	int n = pack_frame(ev, topic, topic_len, frame, sizeof frame);
	if (n < 0) {
		b->counters.pack_errors++;
		return n;
	}
	uint64_t seq;
	int rc = journal_append(b->journal, frame, (size_t)n, &seq);
	bool later = rc == ERR_FULL || rc == ERR_NO_SPACE;
	if (rc && later && ev->ts_event == 0) {
		b->counters.refused++;
		return rc;
	}
	if (rc) {
		b->failed = rc; /* what a core has made must not be missing; outbox_ready makes this rare */
		return rc;
	}
	must(seq == b->x_next);
	b->x_next++;
	b->counters.x_events++;
	return 0;
}

static int emit(struct outbox *b, struct event *ev)
{
	const struct event_row *row = event_row(ev->id);
	char topic[TOPIC_MAX];
	must(row && row->lane != LANE_R);
	if (b->failed)
		return b->failed;
	memcpy(ev->source, b->source, sizeof ev->source);
	ev->version = row->version;
	ev->ts_sent = clock_wall(b->o.clock);
	int topic_len = topic_of(ev, topic);
	if (topic_len < 0) {
		b->counters.pack_errors++;
		return topic_len;
	}
	return row->lane == LANE_M ? emit_m(b, ev, row, topic, (size_t)topic_len)
				   : emit_x(b, ev, topic, (size_t)topic_len);
}

int outbox_emit(struct outbox *b, struct event *ev)
{
	return emit(b, ev);
}

int outbox_emit_shell(struct outbox *b, struct event *ev)
{
	if (event_row(ev->id)->lane == LANE_X) {
		ev->ts_event = 0;
		if (ev->ts_recv == 0)
			ev->ts_recv = b->last_stamp + 1;
		/* While comparing, the shell's records of that time are in the journal already. */
		if (outbox_verifying(b))
			return 0;
	}
	return emit(b, ev);
}

static bool send_record(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct outbox *b = ctx;
	crash_point(CRASH_publish_before);
	if (bus_send(b->bus, LANE_X, frame, len) != 0)
		b->counters.send_errors++;
	crash_point(CRASH_publish_after);
	b->x_sent = seq;
	return true;
}

int outbox_send_durable(struct outbox *b)
{
	uint64_t next;
	while (b->x_sent < journal_durable(b->journal)) {
		uint64_t before = b->x_sent;
		int rc = journal_read(b->journal, b->x_sent + 1, OUTBOX_PAGE_RECORDS, send_record, b, &next);
		if (rc || b->x_sent == before) {
			b->failed = rc ? rc : ERR_CORRUPT;
			return b->failed;
		}
	}
	return 0;
}

int outbox_durable(struct outbox *b)
{
	journal_ack(b->journal);
	int rc = outbox_send_durable(b);
	int failed = journal_status(b->journal).failed;
	if (!rc && failed)
		b->failed = failed;
	return rc ? rc : failed;
}

bool outbox_ready(const struct outbox *b)
{
	if (b->failed || !b->journal || outbox_verifying(b))
		return !b->failed;
	/* More than this in flight means the disk is behind. */
	return b->x_next < journal_durable(b->journal) + 4096 && outbox_has_room(b);
}

bool outbox_has_room(const struct outbox *b)
{
	return !b->journal || journal_has_room(b->journal, b->burst);
}

bool outbox_verifying(const struct outbox *b)
{
	return b->journal && b->x_next <= b->verify_last;
}

void outbox_accept_journal(struct outbox *b)
{
	if (!b->journal)
		return;
	struct record r = {.bytes = malloc(FRAME_MAX)};
	must(r.bytes);
	uint64_t seq = b->verify_last;
	while (seq && record_at(b, seq, &r) && is_note(&r.head))
		seq--;
	if (r.found && !is_note(&r.head) && r.head.ts_recv > b->last_stamp)
		b->last_stamp = r.head.ts_recv;
	/* What was said before, an alert of the start, say, stands behind the journal of the last life already. */
	if (b->x_next <= b->verify_last)
		b->x_next = b->verify_last + 1;
	free(r.bytes);
}

void outbox_compare_to(struct outbox *b, uint64_t seq)
{
	b->compare_last = seq;
	if (outbox_verifying(b) && b->x_next > seq)
		outbox_accept_journal(b);
}

static bool note_topic(void *ctx, int64_t at, const uint8_t *frame, size_t len)
{
	struct outbox *b = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	struct event head;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) == 0 &&
	    codec_peek(body, body_len, &head) == 0) {
		struct outbox_topic *t = strmap_put(&b->topics, topic, topic_len);
		if (t && head.seq > t->seq)
			t->seq = head.seq;
		if (at > b->last_stamp)
			b->last_stamp = at;
	}
	return true;
}

int outbox_resume_log(struct outbox *b)
{
	int rc = b->mlog ? mlog_read(b->mlog, 0, 0, note_topic, b) : 0;
	outbox_accept_journal(b);
	return rc;
}

static const struct outbox_topic *topic_at(const struct outbox *b, uint32_t i)
{
	return strmap_value_at(&b->topics, i);
}

/* Each process numbers its telemetry anew. */
void outbox_save(const struct outbox *b, struct packer *p)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->topics.count; i++)
		n += !topic_at(b, i)->telemetry;
	pack_i64(p, b->last_stamp);
	pack_u64(p, b->x_next);
	pack_array(p, 2 * n);
	for (uint32_t i = 0; i < b->topics.count; i++) {
		if (topic_at(b, i)->telemetry)
			continue;
		pack_str(p, strmap_key_at(&b->topics, i));
		pack_u64(p, topic_at(b, i)->seq);
	}
}

void outbox_load(struct outbox *b, struct unpacker *u)
{
	b->last_stamp = unpack_i64(u);
	uint64_t next = unpack_u64(u);
	if (!u->err && b->journal)
		b->x_next = next;
	uint32_t n = unpack_array(u) / 2;
	for (uint32_t i = 0; i < n && !u->err; i++) {
		char topic[TOPIC_MAX];
		unpack_str(u, topic, sizeof topic);
		uint64_t last = unpack_u64(u);
		if (u->err || outbox_is_telemetry(topic, strlen(topic)))
			continue;
		struct outbox_topic *t = strmap_put(&b->topics, topic, strlen(topic));
		if (t)
			t->seq = last;
	}
}
