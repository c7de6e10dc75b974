/* source - the venue simulator without its sockets: a recording's frames, and the answers to requests. */
#include "tools/nj/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/venue_sim/session.h"

enum { REQUEST_MAX = REQUEST_HEAD_MAX, ARGUMENTS_MAX = 20, FRAME_MAX = 40 << 20 };

static const char end_marker[] = "{\"e\":\"nightjar.end\"}";

struct line {
	struct session session; /* never on a socket: its subscriptions, its place in their sequences, its form */
	struct line_feed *feed; /* owned */
	struct buf rendered;
	int64_t position; /* stamp of the newest line */
	bool ended;
};

struct unasked {
	char name[96];
	uint32_t lines; /* a bit for each that did not ask */
	uint64_t frames;
};

struct source {
	struct options options;
	struct unasked unasked[SOURCE_UNASKED_MAX];
	uint32_t n_unasked;
	struct loop *loop; /* owned; never turns */
	struct sim sim;
	bool sim_open;
	struct line line[SOURCE_LINES_MAX];
	uint32_t n_lines;
	int end; /* of the first line that came to one */
	char number[4][24];
	char head[REQUEST_MAX];
};

static const char *number(struct source *s, int i, int64_t value)
{
	snprintf(s->number[i], sizeof(s->number[i]), "%lld", (long long)value);
	return s->number[i];
}

/* "there are A, B": what can be played. */
static int no_venue(const char *name, char *reason, size_t cap)
{
	size_t used = (size_t)snprintf(reason, cap, "collector.venue=%s: no such venue can be played; there are", name);
	for (size_t i = 0; dialect_at(i) && used < cap; i++)
		used += (size_t)snprintf(reason + used, cap - used, "%s %s", i ? "," : "", dialect_at(i)->name);
	return ERR_ARG;
}

/* The simulator's own command line gives every limit its default. */
static int parse_options(struct source *s, const struct source_options *o, char *reason, size_t cap)
{
	const char *argv[ARGUMENTS_MAX] = {"venue_sim", "--speed", "max", "--quiet", "--venue", o->venue};
	int n = 6;
	if (o->capture) {
		argv[n++] = "--capture";
		argv[n++] = o->capture;
	} else {
		argv[n++] = "--symbols";
		argv[n++] = o->symbols;
		argv[n++] = "--duration";
		argv[n++] = number(s, 0, o->duration_s);
		argv[n++] = "--seed";
		argv[n++] = number(s, 1, o->seed);
		argv[n++] = "--rate";
		argv[n++] = number(s, 2, o->rate);
		argv[n++] = "--start";
		argv[n++] = number(s, 3, o->start);
	}
	if (o->exchange_info) {
		argv[n++] = "--exchange-info";
		argv[n++] = o->exchange_info;
	}
	char *copy[ARGUMENTS_MAX];
	memcpy(copy, argv, sizeof(copy));
	return options_parse(&s->options, n, copy, reason, cap);
}

int source_open(const struct source_options *o, struct source **ret_source, char *reason, size_t cap)
{
	struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	int rc = dialect_find(o->venue) ? parse_options(s, o, reason, cap) : no_venue(o->venue, reason, cap);
	if (!rc)
		rc = loop_new(clock_real(), &s->loop);
	if (!rc) {
		rc = sim_init(&s->sim, &s->options, s->loop, reason, cap);
		s->sim_open = rc == 0;
	}
	if (rc) {
		source_close(s);
		return rc;
	}
	*ret_source = s;
	return 0;
}

static void close_line(struct line *l)
{
	streams_fini(&l->session.streams);
	feed_close(l->feed);
	buf_fini(&l->rendered);
}

void source_close(struct source *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_lines; i++)
		close_line(&s->line[i]);
	if (s->sim_open)
		sim_fini(&s->sim);
	loop_free(s->loop);
	free(s);
}

/* A request as it would have come in; its slices point into s->head. */
static int make_request(struct source *s, const char *path, int64_t asked_at, struct request *r)
{
	char stamp[40] = "";
	if (asked_at)
		snprintf(stamp, sizeof(stamp), "%cnj_stamp=%lld", strchr(path, '?') ? '&' : '?', (long long)asked_at);
	int n = snprintf(s->head, sizeof(s->head), "GET %s%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path, stamp);
	if (n < 0 || (size_t)n >= sizeof(s->head))
		return ERR_TOO_LONG;
	return request_parse(s->head, (size_t)n, r);
}

/* A stamped client that the simulator cannot send anything: its words of its own are not of the recording, and no
 * player is to begin, however many streams there are. */
static void make_session(struct source *s, struct session *session)
{
	session->sim = &s->sim;
	session->stamped = true;
	session->start_at = UINT32_MAX;
	session->conn.state = CONN_GONE;
	streams_init(&session->streams, s->sim.dialect->streams_max);
}

int source_connect(struct source *s, const char *path, uint32_t *ret_line)
{
	struct request r;
	char reason[256] = "";
	if (s->n_lines == SOURCE_LINES_MAX)
		return ERR_FULL;
	struct line *l = &s->line[s->n_lines];
	*l = (struct line){.ended = false};
	buf_init(&l->rendered, FRAME_MAX);
	make_session(s, &l->session);
	int rc = make_request(s, path, 0, &r);
	if (!rc)
		rc = s->sim.dialect->ws_open(&l->session, &r) ? ERR_ARG : 0;
	if (!rc)
		rc = feed_open(&s->sim.source, &l->feed, reason, sizeof(reason));
	if (rc) {
		close_line(l);
		return rc;
	}
	*ret_line = s->n_lines++;
	return 0;
}

int source_say(struct source *s, uint32_t line, const char *text, size_t len)
{
	must(line < s->n_lines);
	uint64_t refused = s->sim.truth.subscriptions_refused;
	s->sim.dialect->ws_text(&s->line[line].session, (struct text){text, len});
	return s->sim.truth.subscriptions_refused > refused ? ERR_REFUSED : 0;
}

bool source_is_recorded(const struct source *s)
{
	return s->sim.source.capture != NULL;
}

int source_end(const struct source *s)
{
	return s->end;
}

static int tell_end(struct source *s, struct line *l, int err, struct source_frame *ret_frame)
{
	int64_t last = s->sim.rec.last_stamp > l->position ? s->sim.rec.last_stamp : l->position;
	if (l->ended)
		return ERR_CLOSED;
	l->ended = true;
	s->end = s->end ? s->end : err;
	*ret_frame = (struct source_frame){
		.stamp = last + s->options.drain_ns, .text = end_marker, .len = sizeof(end_marker) - 1};
	return 0;
}

static void leave_out(struct source *s, uint32_t line, struct text stream)
{
	struct unasked *u = s->unasked, *end = s->unasked + s->n_unasked;
	while (u < end && (strncmp(u->name, stream.at, stream.len) != 0 || u->name[stream.len] != '\0'))
		u++;
	if (u == end) {
		if (s->n_unasked == SOURCE_UNASKED_MAX || stream.len == 0 || stream.len >= sizeof u->name)
			return;
		memcpy(u->name, stream.at, stream.len);
		s->n_unasked++;
	}
	u->lines |= UINT32_C(1) << line;
	u->frames += line == 0;
}

const char *source_unasked(const struct source *s, uint32_t i, uint64_t *ret_frames)
{
	for (uint32_t k = 0; k < s->n_unasked; k++) {
		const struct unasked *u = &s->unasked[k];
		if (u->lines != (UINT32_C(1) << s->n_lines) - 1 || i-- > 0)
			continue;
		*ret_frames = u->frames;
		return u->name;
	}
	return NULL;
}

int source_next(struct source *s, uint32_t line, struct source_frame *ret_frame)
{
	must(line < s->n_lines);
	struct line *l = &s->line[line];
	struct feed_line in;
	struct text text;
	int rc = ERR_CLOSED;
	while (!l->ended && (rc = feed_next(l->feed, &in)) == 0) {
		/* Played from the beginning: what has no stamp at all is behind that already. */
		if (in.stamp <= 0)
			continue;
		l->position = in.stamp;
		if (in.kind == FEED_REPLY)
			continue;
		if (!session_wants(&l->session, in.stream)) {
			leave_out(s, line, in.stream);
			continue;
		}
		rc = session_render(&l->session, &in, &l->rendered, &text);
		if (rc == ERR_NOT_FOUND)
			continue;
		if (rc)
			break;
		*ret_frame = (struct source_frame){.stamp = in.stamp, .text = text.at, .len = text.len};
		return 0;
	}
	return tell_end(s, l, rc, ret_frame);
}

/* Value of a header in "Name: value\r\n" lines, up to its end; NULL where it is absent. */
static const char *header_of(const struct buf *headers, const char *name)
{
	const char *at = (const char *)headers->at, *end = at + headers->len;
	size_t n = strlen(name);
	while (at && at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t left = (size_t)((eol ? eol : end) - at);
		if (left > n + 1 && memcmp(at, name, n) == 0 && at[n] == ':')
			return at + n + 1 + strspn(at + n + 1, " ");
		at = eol ? eol + 1 : end;
	}
	return NULL;
}

static int64_t header_i64(const struct buf *headers, const char *name)
{
	const char *text = headers->len ? header_of(headers, name) : NULL;
	return text ? strtoll(text, NULL, 10) : 0;
}

static void copy_header(const struct buf *headers, const char *name, char *out, size_t cap)
{
	const char *text = headers->len ? header_of(headers, name) : NULL;
	snprintf(out, cap, "%.*s", text ? (int)strcspn(text, "\r\n") : 0, text ? text : "");
}

int source_ask(struct source *s, const char *path, int64_t asked_at, struct source_answer *ret_answer)
{
	struct request r;
	struct reply reply;
	int rc = make_request(s, path, asked_at, &r);
	if (rc)
		return rc;
	reply_init(&reply);
	s->sim.dialect->rest(&s->sim, &r, &reply);
	buf_clear(&ret_answer->body);
	rc = buf_append(&ret_answer->body, reply.body.at, reply.body.len);
	ret_answer->status = reply.status;
	ret_answer->stamp = header_i64(&reply.headers, "X-Nightjar-Stamp");
	ret_answer->retry_after_s = header_i64(&reply.headers, "Retry-After");
	copy_header(&reply.headers, "X-Nightjar-Whole", ret_answer->whole, sizeof(ret_answer->whole));
	reply_fini(&reply);
	return rc;
}
