/* past_seek - where each stream begins: asked of the publishers one request at a time, before anything is read.
 *
 * Lane X: the sequence of a time is found by halving, since stamps strictly increase; the last N by ever wider windows
 * from the end. Lane M is asked by stamp. What a journal no longer has is looked up in the persister's database.
 */
#include <inttypes.h>
#include <string.h>

#include "common/base/err.h"
#include "tools/nj/past.h"

#define ANSWER_NS (NS_PER_S)
#define WINDOW_MIN 256         /* records of lane X */
#define WINDOW_MIN_NS NS_PER_S /* of lane M */
enum { WIDER = 8, BUSY_TRIES = 200 };
#define BUSY_PAUSE_NS (50 * NS_PER_MS)

/* What a publisher says it has. */
struct extent {
	bool there;
	uint64_t epoch;
	uint64_t first, last;      /* sequences (X), stamps (M); first > last or 0: empty */
	int64_t first_at, last_at; /* stamps; 0 empty */
};

/* A publisher keeps replay to a rate of its own: busy means later. */
static int ask(struct past *p, const char *publisher, enum lane lane, uint64_t from, uint32_t limit)
{
	struct event request;
	int rc = ERR_BUSY;
	for (int tries = 0; rc == ERR_BUSY && tries < BUSY_TRIES; tries++) {
		if (tries > 0)
			client_run(p->client, BUSY_PAUSE_NS);
		client_request_init(&request, lane == LANE_X ? verb_replay_x : verb_replay_m);
		request.request.from = from;
		request.request.limit = limit;
		rc = client_ask(p->client, publisher, &request, ANSWER_NS);
		if (rc == 0)
			rc = (int)p->client->reply.reply.result;
	}
	return rc;
}

static bool take_stamp(void *ctx, const uint8_t *frame, size_t len)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left;
	struct event head;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) == 0 && codec_peek(body, left, &head) == 0)
		*(int64_t *)ctx = head.ts_recv;
	return false;
}

/* Stamp of one record of lane X; 0 unknown. */
static int64_t stamp_of(struct past *p, const char *publisher, uint64_t seq)
{
	int64_t stamp = 0;
	if (ask(p, publisher, LANE_X, seq, 1) == 0)
		past_each_frame(p->client->page.at, p->client->page.len, take_stamp, &stamp);
	return stamp;
}

/* Its other lane was asked before, and nobody answered. */
static bool is_known_absent(const struct past *p, const struct past_stream *s)
{
	const struct past_stream *before = s > p->stream ? s - 1 : NULL;
	return before && before->absent && strcmp(before->publisher, s->publisher) == 0;
}

static void find_extent(struct past *p, struct past_stream *s, struct extent *e)
{
	const struct ev_reply *r = &p->client->reply.reply;
	memset(e, 0, sizeof *e);
	int rc = is_known_absent(p, s) ? ERR_TIMEOUT
				       : ask(p, s->publisher, s->lane, s->lane == LANE_X ? UINT64_MAX : INT64_MAX, 1);
	s->absent = rc == ERR_TIMEOUT;
	s->unlogged = s->lane == LANE_M && rc == ERR_NOT_FOUND;
	if (rc)
		return;
	s->heard_at = clock_mono(loop_clock(p->client->loop));
	*e = (struct extent){.there = true, .epoch = r->of_epoch, .first = r->first, .last = r->last};
	if (s->lane == LANE_M) {
		e->first_at = (int64_t)e->first;
		e->last_at = (int64_t)e->last;
	} else if (e->last >= e->first && e->last > 0) {
		uint64_t first = e->first, last = e->last; /* the reply is overwritten by the next */
		e->first_at = stamp_of(p, s->publisher, first);
		e->last_at = stamp_of(p, s->publisher, last);
	}
	if (e->last_at > p->newest)
		p->newest = e->last_at;
}

/* ---- by time ---- */

/* First sequence whose stamp is at or after t; last + 1 where there is none. */
static uint64_t seq_at(struct past *p, const char *publisher, const struct extent *e, int64_t t)
{
	uint64_t low = e->first, high = e->last + 1;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int64_t stamp = stamp_of(p, publisher, middle);
		if (stamp == 0)
			return low; /* trimmed meanwhile, or silent: rather too early than too late */
		if (stamp < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void from_archive(struct past_stream *s, uint64_t epoch, uint64_t seq, int64_t since, const struct extent *e)
{
	s->phase = PAST_ARCHIVE;
	s->archive = (struct store_range){.publisher = s->publisher,
					  .epoch = epoch,
					  .seq = seq,
					  .stop_epoch = e->there ? e->epoch : 0,
					  .stop_seq = e->there ? e->first : 0,
					  .since = since};
}

static void note_begin(struct past *p, const struct past_stream *s, int64_t at)
{
	char text[32];
	cli_note(p->cli, "the log of %s begins at %s: what was before is no longer there", s->publisher,
		 clock_rfc3339(at, text));
}

static void seek_time(struct past *p, struct past_stream *s, const struct extent *e)
{
	if (s->lane == LANE_M) {
		bool has_all = e->first_at > 0 && e->first_at < p->begin;
		s->after = has_all ? p->begin - 1 : 0;
		if (!has_all && e->first_at > 0)
			note_begin(p, s, e->first_at);
		return;
	}
	if (!e->there || e->first_at == 0 || p->begin < e->first_at) {
		s->next = e->there ? e->first : 0;
		from_archive(s, 0, 0, p->begin, e);
	} else {
		s->next = seq_at(p, s->publisher, e, p->begin);
	}
}

static void seek_beginning(struct past_stream *s, const struct extent *e)
{
	s->after = 0;
	if (s->lane != LANE_X)
		return;
	s->next = e->there ? e->first : 0;
	from_archive(s, 0, 0, INT64_MIN, e);
}

static void seek_end(struct past_stream *s, const struct extent *e)
{
	s->after = e->last_at;
	s->next = e->last + 1;
}

/* ---- the last N that pass the filters ---- */

struct count {
	const struct past *p;
	const struct past_stream *s;
	uint64_t epoch, seq; /* archive: of the last one looked at */
	int64_t n, enough;
	int64_t position; /* of the last frame: stamp (M) */
	uint64_t frames;
};

static bool count_frame(void *ctx, const uint8_t *frame, size_t len)
{
	struct count *c = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	struct event head;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left) != 0)
		return true;
	bool wanted = tap_wants(c->p->filters, topic, false);
	c->frames++;
	while (left > 0 && codec_measure(body, left, &used) == 0 && codec_peek(body, used, &head) == 0) {
		c->n += wanted && !(c->s->lane == LANE_M && head.id < 0x0100); /* tails are no records */
		c->position = head.ts_recv;
		body += used;
		left -= used;
	}
	return true;
}

/* How many events from a position on, page by page; no more than it takes. */
static int64_t count_from(struct past *p, struct past_stream *s, uint64_t from)
{
	struct count c = {.p = p, .s = s, .enough = p->offset.n};
	bool more = true;
	while (more && c.n < c.enough && ask(p, s->publisher, s->lane, from, 0) == 0) {
		uint64_t before = c.frames;
		more = p->client->reply.reply.more;
		past_each_frame(p->client->page.at, p->client->page.len, count_frame, &c);
		from = s->lane == LANE_X ? from + (c.frames - before) : p->client->reply.reply.last;
	}
	return c.n;
}

static bool count_record(void *ctx, const struct store_record *r)
{
	struct count *c = ctx;
	c->n += tap_wants(c->p->filters, r->topic, false);
	c->epoch = r->epoch;
	c->seq = r->seq;
	return c->n < c->enough;
}

/* The journal has fewer than N: the rest is looked for in the database, from its end. */
static void seek_last_archived(struct past *p, struct past_stream *s, const struct extent *e, int64_t missing)
{
	struct count c = {.p = p, .s = s, .enough = missing};
	from_archive(s, 0, 0, INT64_MIN, e);
	struct store_range range = s->archive;
	struct store_read *store = past_store(p, e->first > 1);
	range.backwards = true;
	if (store && store_read_records(store, &range, count_record, &c) == 0) {
		s->archive.epoch = c.epoch;
		s->archive.seq = c.seq;
	}
}

static void seek_last_x(struct past *p, struct past_stream *s, const struct extent *e)
{
	uint64_t window = WINDOW_MIN;
	int64_t n = 0;
	s->next = e->there ? e->first : 0;
	while (e->there && e->last >= e->first) {
		uint64_t have = e->last - e->first + 1;
		s->next = window < have ? e->last - window + 1 : e->first;
		n = count_from(p, s, s->next);
		if (n >= p->offset.n)
			return;
		if (window >= have)
			break;
		window *= WIDER;
	}
	seek_last_archived(p, s, e, p->offset.n - n);
}

static void seek_last_m(struct past *p, struct past_stream *s, const struct extent *e)
{
	for (int64_t window = WINDOW_MIN_NS; e->first_at > 0; window *= WIDER) {
		bool whole = window >= e->last_at - e->first_at;
		s->after = whole ? 0 : e->last_at - window;
		if (whole || count_from(p, s, (uint64_t)s->after) >= p->offset.n)
			return;
	}
}

/* ---- all streams ---- */

static void seek_stored(struct past_stream *s, const struct extent *e)
{
	bool journal_has = e->there && s->epoch == e->epoch && s->next >= e->first;
	if (s->lane == LANE_X && !journal_has) {
		uint64_t next = s->next;
		from_archive(s, s->epoch, next, INT64_MIN, e);
		s->next = e->there ? e->first : 0;
	}
}

static void seek(struct past *p, struct past_stream *s, const struct extent *e, bool has_position)
{
	s->phase = PAST_PAGING;
	if (s->unlogged)
		return;
	switch (p->offset.from) {
	case TAP_FROM_BEGINNING:
		seek_beginning(s, e);
		break;
	case TAP_FROM_TIME:
		seek_time(p, s, e);
		break;
	case TAP_FROM_LAST:
		s->lane == LANE_X ? seek_last_x(p, s, e) : seek_last_m(p, s, e);
		break;
	case TAP_FROM_STORED:
		has_position ? seek_stored(s, e) : seek_end(s, e);
		break;
	case TAP_FROM_END:
		seek_end(s, e);
		break;
	}
	if (s->lane == LANE_X && e->there)
		s->epoch = e->epoch;
}

int past_seek(struct past *p)
{
	static struct extent extent[PAST_STREAMS_MAX];
	uint64_t positions[PAST_STREAMS_MAX] = {0};
	if (p->offset.from == TAP_FROM_STORED) {
		int rc = past_cursor_read(p, positions);
		if (rc && rc != ERR_NOT_FOUND)
			return cli_fail(p->cli, CLI_DATA, "%s: %s", p->cursor, err_text(rc));
		if (rc)
			cli_note(p->cli, "%s: no position yet; from now on", p->cursor);
	}
	for (size_t i = 0; i < p->n; i++)
		find_extent(p, &p->stream[i], &extent[i]);
	if (p->newest == 0)
		p->newest = clock_wall(clock_real());
	p->begin = p->offset.from == TAP_FROM_TIME ? tap_moment_at(&p->offset.begin, p->newest) : INT64_MIN;
	p->end = p->offset.has_end ? tap_moment_at(&p->offset.end, p->newest) : INT64_MAX;
	for (size_t i = 0; i < p->n; i++)
		seek(p, &p->stream[i], &extent[i], positions[i] != 0);
	return CLI_OK;
}

struct store_read *past_store(struct past *p, bool needed)
{
	char reason[400] = "";
	if (p->store || p->no_store)
		return p->store;
	int rc = store_read_open(p->database, &p->store, reason, sizeof reason);
	if (rc && !needed)
		return NULL;
	p->no_store = rc != 0;
	if (rc)
		cli_note(p->cli, "%s: what publishers have given up is asked of the persister",
			 reason[0] ? reason : err_text(rc));
	return p->store;
}
