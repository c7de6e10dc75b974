/* source - the venue simulator without its sockets: a recording's frames, and the answers to requests. */
#include "tools/nj/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/venue_sim/session.h"

enum { REQUEST_MAX = REQUEST_HEAD_MAX, ARGUMENTS_MAX = 20, ANSWER_MAX = 64 << 20 };

static const char end_marker[] = "{\"e\":\"nightjar.end\"}";

struct source {
	struct options options;
	struct loop *loop; /* owned; never turns */
	struct sim sim;
	bool sim_open;
	struct session session; /* only its streams and form are used */
	struct line_feed *feed;      /* owned */
	int64_t position;       /* stamp of the newest line */
	int end;
	bool ended;
	char number[4][24];
	char head[REQUEST_MAX];
};

static const char *number(struct source *s, int i, int64_t value)
{
	snprintf(s->number[i], sizeof(s->number[i]), "%lld", (long long)value);
	return s->number[i];
}

/* The simulator's own command line gives every limit its default. */
static int parse_options(struct source *s, const struct source_options *o, char *reason, size_t cap)
{
	const char *argv[ARGUMENTS_MAX] = {"venue_sim", "--speed", "max", "--quiet"};
	int n = 4;
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
	int rc = parse_options(s, o, reason, cap);
	if (!rc)
		rc = loop_new(clock_real(), &s->loop);
	if (!rc) {
		rc = sim_init(&s->sim, &s->options, s->loop, reason, cap);
		s->sim_open = rc == 0;
	}
	if (!rc)
		rc = feed_open(&s->sim.source, &s->feed, reason, cap);
	if (rc) {
		source_close(s);
		return rc;
	}
	s->session.sim = &s->sim;
	streams_init(&s->session.streams, s->sim.dialect->streams_max);
	*ret_source = s;
	return 0;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	streams_fini(&s->session.streams);
	feed_close(s->feed);
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

int source_subscribe(struct source *s, const char *path)
{
	struct request r;
	int rc = make_request(s, path, 0, &r);
	if (!rc)
		rc = s->sim.dialect->ws_open(&s->session, &r);
	return rc ? ERR_ARG : 0;
}

bool source_is_recorded(const struct source *s)
{
	return s->sim.source.capture != NULL;
}

int source_end(const struct source *s)
{
	return s->end;
}

static int tell_end(struct source *s, int err, struct source_frame *ret_frame)
{
	int64_t last = s->sim.rec.last_stamp > s->position ? s->sim.rec.last_stamp : s->position;
	if (s->ended)
		return ERR_CLOSED;
	s->ended = true;
	s->end = err;
	*ret_frame = (struct source_frame){
		.stamp = last + s->options.drain_ns, .text = end_marker, .len = sizeof(end_marker) - 1};
	return 0;
}

int source_next(struct source *s, struct source_frame *ret_frame)
{
	struct feed_line line;
	int rc;
	while (!s->ended && (rc = feed_next(s->feed, &line)) == 0) {
		/* Played from the beginning: what has no stamp at all is behind that already. */
		if (line.stamp <= 0)
			continue;
		s->position = line.stamp;
		if (line.kind == FEED_REPLY || !streams_has(&s->session.streams, line.stream))
			continue;
		struct text text = s->session.combined ? line.raw : line.data;
		*ret_frame = (struct source_frame){.stamp = line.stamp, .text = text.at, .len = text.len};
		return 0;
	}
	return tell_end(s, s->ended ? s->end : rc, ret_frame);
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
