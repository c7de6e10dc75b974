/* replay - a recording through collector, strategy and executor in one process, without sockets. */
#include "tools/nj/replay.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "services/collector/merge.h"

_Static_assert(SOURCE_LINES_MAX >= COLLECTOR_CONNECTIONS_MAX, "each connection of the plan is a line of the source");

enum { FRAMES_A_ROUND = 16, BODY_MAX = 64 << 20, PATH_MAX_BYTES = 1 << 16 };

static void on_event(void *ctx, struct event *ev)
{
	struct replay *r = ctx;
	fused_publish(r->fused, ev);
}

static void on_request(void *ctx, const struct collector_request *request)
{
	struct replay *r = ctx;
	struct replay_asked *a = NULL;
	for (size_t i = 0; i < REPLAY_REQUESTS_MAX && !a; i++)
		if (!r->asked[i].used)
			a = &r->asked[i];
	if (!a)
		return; /* the core's own limit on waiting asks again */
	bool snapshot = request->ask == VENUE_ASK_SNAPSHOT;
	r->requests++;
	a->used = true;
	a->id = request->id;
	int rc = source_ask(r->source, request->path, snapshot ? r->now : 0, &a->answer);
	if (rc)
		a->answer.status = 0;
	/* Never before it was asked for; a reply without a stamp was not recorded: it comes at once. */
	a->at = !rc && a->answer.stamp > r->now ? a->answer.stamp : r->now;
}

static void on_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	/* A new connection goes on at the frame after the last one: nothing changes. */
	(void)ctx;
	(void)connection;
	(void)reason;
}

/* As the collector connects: to the feed's path, with the texts that subscribe to what the path does not name. */
static int connect_line(struct replay *r, const struct venue *venue, uint32_t number, struct buf *text)
{
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct venue_feed feed;
	uint32_t line = 0;
	collector_core_feed(r->core, number, markets, &feed);
	int rc = venue->stream_path(&feed, text);
	if (!rc)
		rc = buf_byte(text, 0);
	if (!rc)
		rc = source_connect(r->source, (const char *)text->at, &line);
	must(rc || line == number);
	for (uint32_t nth = 0; !rc; nth++) {
		buf_clear(text);
		rc = venue->stream_text(&feed, nth, text);
		if (!rc)
			rc = source_say(r->source, line, (const char *)text->at, text->len);
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int connect_all(struct replay *r, const struct collector_section *set, char *reason, size_t cap)
{
	const struct venue *venue = venue_find(set->venue, strlen(set->venue));
	struct buf text;
	int rc = 0;
	buf_init(&text, PATH_MAX_BYTES);
	r->n_lines = collector_core_connections(r->core);
	for (uint32_t i = 0; i < r->n_lines && !rc; i++) {
		buf_clear(&text);
		collector_core_origin(r->core, i, source_is_recorded(r->source) ? origin_replay : origin_simulated);
		rc = connect_line(r, venue, i, &text);
	}
	buf_fini(&text);
	if (rc == ERR_REFUSED)
		snprintf(reason, cap,
			 "%s refuses the subscription: is each of collector.symbols=%.200s in what is played?",
			 set->venue, set->symbols);
	else if (rc)
		snprintf(reason, cap,
			 "%s: what collector.symbols and collector.streams ask for cannot be subscribed to here (%s); "
			 "name fewer, or play it with venue_sim and the whole stack (docs/simulator.md)",
			 set->venue, err_text(rc));
	return rc;
}

int replay_open(struct replay *r, const struct replay_parts *parts, char *reason, size_t cap)
{
	struct collector_actions actions = {.ctx = r, .request = on_request, .reconnect = on_reconnect};
	struct collector_section set = *parts->section;
	memset(r, 0, sizeof(*r));
	r->fused = parts->fused;
	r->source = parts->source;
	r->sink = (struct sink){r, on_event};
	for (size_t i = 0; i < REPLAY_REQUESTS_MAX; i++)
		buf_init(&r->asked[i].answer.body, BODY_MAX);
	set.stamped = true;
	int rc = collector_section_core(&set, &actions, reason, cap, &r->core);
	if (rc)
		return rc;
	return connect_all(r, &set, reason, cap);
}

void replay_close(struct replay *r)
{
	for (size_t i = 0; i < REPLAY_REQUESTS_MAX; i++)
		buf_fini(&r->asked[i].answer.body);
	collector_core_free(r->core);
	memset(r, 0, sizeof(*r));
}

static struct replay_asked *first_answer(struct replay *r)
{
	struct replay_asked *first = NULL;
	for (size_t i = 0; i < REPLAY_REQUESTS_MAX; i++) {
		struct replay_asked *a = &r->asked[i];
		if (a->used && (!first || merge_before(a->at, a->id, first->at, first->id)))
			first = a;
	}
	return first;
}

static void give_answer(struct replay *r, struct replay_asked *a)
{
	struct source_answer answer = a->answer;
	if (a->at > r->now)
		r->now = a->at;
	struct collector_reply reply = {.now = r->now,
					.id = a->id,
					.status = answer.status,
					.body = (const char *)answer.body.at,
					.len = answer.body.len,
					.whole = answer.whole,
					.retry_after_ns = answer.retry_after_s * NS_PER_S};
	/* Free for the next request before the core can make one. */
	memset(a, 0, sizeof(*a));
	buf_init(&a->answer.body, BODY_MAX);
	collector_core_on_reply(r->core, &reply, &r->sink);
	buf_fini(&answer.body);
}

static void tell(struct replay *r, uint32_t connection, enum feed state, const char *reason)
{
	struct collector_change change = {.now = r->now, .connection = connection, .state = state, .reason = reason};
	collector_core_on_connection(r->core, &change, &r->sink);
}

/* The line whose frame is the earliest, of equal ones the first, as the collector's pump has it; NULL behind the end.
 */
static struct replay_line *first_line(struct replay *r)
{
	struct replay_line *first = NULL;
	for (uint32_t i = 0; i < r->n_lines; i++) {
		struct replay_line *l = &r->line[i];
		if (!l->has_frame && source_next(r->source, i, &l->frame) == 0)
			l->has_frame = true;
		if (l->has_frame && (!first || l->frame.stamp < first->frame.stamp))
			first = l;
	}
	return first;
}

static void give_frame(struct replay *r, struct replay_line *l)
{
	const struct source_frame *f = &l->frame;
	uint32_t number = (uint32_t)(l - r->line);
	if (f->stamp > r->now)
		r->now = f->stamp;
	l->has_frame = false;
	if (merge_is_end(f->text, f->len)) {
		r->ended++;
		tell(r, number, feed_ended, "end of the recording");
		return;
	}
	r->frames++;
	struct collector_frame frame = {.now = r->now, .connection = number, .text = f->text, .len = f->len};
	collector_core_on_frame(r->core, &frame, &r->sink);
}

static bool step(struct replay *r)
{
	struct replay_asked *answer = first_answer(r);
	struct replay_line *line = first_line(r);
	struct merge m = {.started = r->started,
			  .told_live = r->told_live,
			  .now = r->now,
			  .frame = line ? &line->frame.stamp : NULL,
			  .answer = answer ? &answer->at : NULL};
	switch (merge_next(&m)) {
	case MERGE_NOTHING:
		return false;
	case MERGE_BEGIN:
		r->first = r->now = line->frame.stamp;
		r->started = true;
		collector_core_start(r->core, r->now, &r->sink);
		return true;
	case MERGE_LIVE:
		r->told_live = true;
		for (uint32_t i = 0; i < r->n_lines; i++)
			tell(r, i, feed_live, NULL);
		return true;
	case MERGE_ANSWER:
		give_answer(r, answer);
		return true;
	case MERGE_FRAME:
		give_frame(r, line);
		return true;
	}
	return false;
}

/* Something with the very stamp of the last input may still follow, unless it has been used up. */
static int advance(struct replay *r)
{
	int64_t stamp = r->fused->publisher[FUSED_COLLECTOR].last_stamp;
	int64_t at = stamp > r->now - 1 ? stamp : r->now - 1;
	if (r->ended == r->n_lines && r->now > at)
		at = r->now;
	return fused_advance(r->fused, at);
}

int replay_run(struct replay *r)
{
	for (uint64_t n = 1; step(r) && !r->fused->err; n++)
		if (n % FRAMES_A_ROUND == 0 && advance(r))
			break;
	return advance(r);
}
