/* replay - a recording through collector, strategy and executor in one process, without sockets. */
#include "tools/nj/replay.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/clock.h"
#include "services/collector/merge.h"

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

static int subscribe(struct replay *r, const char *venue_name, char *reason, size_t cap)
{
	const struct venue *venue = venue_find(venue_name, strlen(venue_name));
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct venue_feed feed;
	struct buf path;
	buf_init(&path, PATH_MAX_BYTES);
	collector_core_feed(r->core, 0, markets, &feed);
	int rc = venue->stream_path(&feed, &path);
	if (!rc)
		rc = buf_byte(&path, 0);
	if (!rc)
		rc = source_subscribe(r->source, (const char *)path.at);
	size_t len = path.len;
	if (!rc && venue->stream_text(&feed, 0, &path) == 0 && path.len > len)
		rc = ERR_ARG;
	buf_fini(&path);
	if (rc)
		snprintf(reason, cap, "%s's subscription is not one the simulator understands (%s)", venue_name,
			 err_text(rc));
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
	set.stamped = set.one_connection = true;
	int rc = collector_section_core(&set, &actions, reason, cap, &r->core);
	if (rc)
		return rc;
	bool recorded = source_is_recorded(r->source);
	collector_core_origin(r->core, 0, recorded ? origin_replay : origin_simulated);
	return subscribe(r, set.venue, reason, cap);
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

static void tell(struct replay *r, enum feed state, const char *reason)
{
	struct collector_change change = {.now = r->now, .state = state, .reason = reason};
	collector_core_on_connection(r->core, &change, &r->sink);
}

static void give_frame(struct replay *r)
{
	const struct source_frame *f = &r->frame;
	if (f->stamp > r->now)
		r->now = f->stamp;
	r->has_frame = false;
	if (merge_is_end(f->text, f->len)) {
		r->ended = true;
		tell(r, feed_ended, "end of the recording");
		return;
	}
	r->frames++;
	struct collector_frame frame = {.now = r->now, .text = f->text, .len = f->len};
	collector_core_on_frame(r->core, &frame, &r->sink);
}

static bool step(struct replay *r)
{
	struct replay_asked *answer = first_answer(r);
	if (!r->has_frame && source_next(r->source, &r->frame) == 0)
		r->has_frame = true;
	struct merge m = {.started = r->started,
			  .told_live = r->told_live,
			  .now = r->now,
			  .frame = r->has_frame ? &r->frame.stamp : NULL,
			  .answer = answer ? &answer->at : NULL};
	switch (merge_next(&m)) {
	case MERGE_NOTHING:
		return false;
	case MERGE_BEGIN:
		r->first = r->now = r->frame.stamp;
		r->started = true;
		collector_core_start(r->core, r->now, &r->sink);
		return true;
	case MERGE_LIVE:
		r->told_live = true;
		tell(r, feed_live, NULL);
		return true;
	case MERGE_ANSWER:
		give_answer(r, answer);
		return true;
	case MERGE_FRAME:
		give_frame(r);
		return true;
	}
	return false;
}

/* Something with the very stamp of the last input may still follow, unless it has been used up. */
static int advance(struct replay *r)
{
	int64_t stamp = r->fused->publisher[FUSED_COLLECTOR].last_stamp;
	int64_t at = stamp > r->now - 1 ? stamp : r->now - 1;
	if (r->ended && r->now > at)
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
