/* pump - the order in which the core gets its inputs, and how far ahead of its consumers the collector may run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/merge.h"
#include "services/collector/shell.h"

/* Bytes held back at which reading from the venue pauses, and goes on. What is in hand by then still comes. */
enum { HELD_HIGH = 1 << 20, HELD_LOW = 512 << 10, PUMP_MAX = 4000 };

struct held { /* in front of the text of a frame */
	int64_t stamp;
};

int64_t pump_now(struct shell *s)
{
	if (s->set.stamped)
		return s->now;
	event_clock_resume(&s->time, runtime_clock(s->rt), s->now);
	int64_t now = event_clock_now(&s->time, runtime_clock(s->rt));
	/* A frame may come before any tick does: the core's timers, which run on it, would take sleep for silence. */
	if (now - s->now >= CLOCKS_SLEPT_NS)
		clocks_look(s);
	s->now = now;
	return now;
}

void pump_emit(void *ctx, struct event *ev)
{
	struct shell *s = ctx;
	runtime_emit(s->rt, ev);
	if (s->set.candles_only && ev->id == EVENT_feed_state)
		connection_polled(s, &ev->feed_state);
	if (s->markets && ev->id == EVENT_resolution)
		markets_resolved(s, &ev->resolution.instrument);
	s->emitted++;
	uint32_t last = (s->mark_first + s->mark_n - 1) % SHELL_MARKS;
	if (s->mark_n && (s->emitted % 32 != 0 || s->mark_n == SHELL_MARKS)) {
		s->mark[last].stamp = ev->ts_recv;
		s->mark[last].events = s->emitted;
		return;
	}
	last = (s->mark_first + s->mark_n++) % SHELL_MARKS;
	s->mark[last] = (struct mark){.stamp = ev->ts_recv, .events = s->emitted};
}

void pump_live_frame(struct line *l, const char *text, size_t len)
{
	struct shell *s = l->shell;
	struct collector_frame f = {.now = pump_now(s), .connection = l->number, .text = text, .len = len};
	if (!l->told_live)
		return; /* the machine slept: what is in the buffers is of before, and the gap is on record */
	s->frames_since_snapshot++;
	collector_core_on_frame(s->core, &f, &s->sink);
}

/* "<ns> <raw JSON>"; stamped 0: the server's own answer to a text of ours. That is not of the recording, and as the
 * first frame it would have the core's time begin in 1970. */
void pump_stamped_frame(struct line *l, const char *text, size_t len)
{
	struct shell *s = l->shell;
	struct held h = {0};
	size_t i = 0;
	while (i < len && i < 19 && text[i] >= '0' && text[i] <= '9')
		h.stamp = h.stamp * 10 + (text[i++] - '0');
	if (h.stamp == 0 || i >= len || text[i] != ' ') {
		s->counters.foreign_text++;
		return;
	}
	uint8_t *at;
	i++;
	if (ring_reserve(&l->held, sizeof h + len - i, &at)) {
		connection_again(l, "more frames held back than fit", 0);
		return;
	}
	memcpy(at, &h, sizeof h);
	memcpy(at + sizeof h, text + i, len - i);
	ring_commit(&l->held);
	if (l->held.bytes > s->counters.held_high_water)
		s->counters.held_high_water = l->held.bytes;
	if (l->held.bytes > HELD_HIGH && !l->paused) {
		l->paused = true;
		ws_pause(plug_of(l)->ws);
	}
}

static void give_answer(struct shell *s, struct asked *a)
{
	char whole[sizeof a->whole];
	memcpy(whole, a->whole, sizeof whole);
	struct collector_reply r = {.now = pump_now(s),
				    .id = a->id,
				    .status = a->status,
				    .body = (const char *)a->body.at,
				    .len = a->body.len,
				    .whole = whole,
				    .retry_after_ns = a->retry_after_ns};
	/* Free for the next request before the core can make one. */
	struct buf body = a->body;
	memset(a, 0, sizeof *a);
	collector_core_on_reply(s->core, &r, &s->sink);
	buf_fini(&body);
}

void pump_answer(struct shell *s, struct asked *a)
{
	if (!s->set.stamped) {
		give_answer(s, a);
		pump_after(s);
		return;
	}
	/* Never before it was asked for; a reply without a stamp was not recorded: it comes at once. */
	if (a->at < a->asked_at)
		a->at = a->asked_at;
	pump(s);
	pump_after(s);
}

/* Stamped: is some reply still unknown? Then no frame may pass: it could be older than that frame. The earliest known
 * one is handed out. */
static bool awaiting(struct shell *s, struct asked **ret_first)
{
	bool waits = false;
	struct asked *first = NULL;
	for (size_t i = 0; i < SHELL_REQUESTS_MAX; i++) {
		struct asked *a = &s->asked[i];
		if (!a->used)
			continue;
		waits = waits || !a->answered;
		if (a->answered && (!first || merge_before(a->at, a->id, first->at, first->id)))
			first = a;
	}
	*ret_first = first;
	return waits;
}

static void pop_marks(struct shell *s, int64_t handled)
{
	while (s->mark_n && s->mark[s->mark_first].stamp <= handled) {
		s->handled = s->mark[s->mark_first].events;
		s->mark_first = (s->mark_first + 1) % SHELL_MARKS;
		s->mark_n--;
	}
}

static bool has_credit(struct shell *s)
{
	if (!runtime_lockstep(s->rt))
		return true;
	pop_marks(s, runtime_credit(s->rt));
	if (s->emitted - s->handled < (uint64_t)s->set.credit)
		return true;
	s->counters.credit_waits++;
	return false;
}

/* The first frame: only now the core's time can begin. */
static void begin(struct shell *s, int64_t stamp)
{
	s->now = stamp;
	s->started = true;
	collector_core_start(s->core, s->now, &s->sink);
}

static void tell_live(struct shell *s)
{
	s->told_live = true;
	for (uint32_t i = 0; i < s->n_lines; i++) {
		struct collector_change change = {.now = s->now, .connection = i, .state = feed_live};
		collector_core_on_connection(s->core, &change, &s->sink);
	}
}

static void end_of_recording(struct line *l)
{
	struct shell *s = l->shell;
	struct collector_change change = {
		.now = s->now, .connection = l->number, .state = feed_ended, .reason = "end of the recording"};
	log_info("end of the recording", "at=%lld connection=%u", (long long)s->now, l->number);
	l->ended = true;
	s->ended = true;
	for (uint32_t i = 0; i < s->n_lines; i++)
		s->ended = s->ended && s->line[i].ended;
	collector_core_on_connection(s->core, &change, &s->sink);
}

static void give_frame(struct line *l, int64_t stamp, const char *text, size_t len)
{
	struct shell *s = l->shell;
	if (stamp > s->now)
		s->now = stamp;
	if (merge_is_end(text, len)) {
		if (!l->ended)
			end_of_recording(l);
		return;
	}
	struct collector_frame f = {.now = s->now, .connection = l->number, .text = text, .len = len};
	s->frames_since_snapshot++;
	collector_core_on_frame(s->core, &f, &s->sink);
	l->cursor = stamp;
}

/* The line whose frame is the earliest, of equal ones the first; NULL while some may still bring an earlier one. */
static struct line *first_line(struct shell *s, int64_t *ret_stamp)
{
	struct line *first = NULL;
	for (uint32_t i = 0; i < s->n_lines; i++) {
		size_t len;
		struct held h;
		const uint8_t *at = ring_front(&s->line[i].held, &len);
		if (!at && s->line[i].ended)
			continue;
		if (!at)
			return NULL;
		memcpy(&h, at, sizeof h);
		if (!first || h.stamp < *ret_stamp) {
			first = &s->line[i];
			*ret_stamp = h.stamp;
		}
	}
	return first;
}

static bool hand_out(struct line *l, int64_t stamp)
{
	size_t len;
	const uint8_t *at = ring_front(&l->held, &len);
	if (!has_credit(l->shell))
		return false;
	give_frame(l, stamp, (const char *)at + sizeof(struct held), len - sizeof(struct held));
	ring_pop(&l->held);
	return true;
}

/* One step of the merge; false where nothing may be handed out now. */
static bool pump_one(struct shell *s)
{
	struct asked *answer;
	int64_t stamp = 0;
	struct line *line = first_line(s, &stamp);
	struct merge m = {
		.started = s->started, .told_live = s->told_live, .now = s->now, .frame = line ? &stamp : NULL};
	m.awaiting = awaiting(s, &answer);
	m.answer = answer ? &answer->at : NULL;
	switch (merge_next(&m)) {
	case MERGE_NOTHING:
		return false;
	case MERGE_BEGIN:
		begin(s, stamp);
		return true;
	case MERGE_LIVE:
		tell_live(s);
		return true;
	case MERGE_ANSWER:
		if (answer->at > s->now)
			s->now = answer->at;
		give_answer(s, answer);
		return true;
	case MERGE_FRAME:
		break;
	}
	return hand_out(line, stamp);
}

static void resume_lines(struct shell *s)
{
	for (uint32_t i = 0; i < s->n_lines; i++) {
		struct line *l = &s->line[i];
		if (!l->paused || !plug_of(l)->ws || l->held.bytes >= HELD_LOW)
			continue;
		l->paused = false;
		ws_resume(plug_of(l)->ws);
	}
}

static bool nothing_held(const struct shell *s)
{
	for (uint32_t i = 0; i < s->n_lines; i++)
		if (s->line[i].held.count > 0)
			return false;
	return true;
}

static void pump_more(void *ctx)
{
	struct shell *s = ctx;
	pump(s);
	pump_after(s);
}

void pump(struct shell *s)
{
	if (s->pumping || s->stopping)
		return;
	s->pumping = true;
	uint32_t n = 0;
	while (n < PUMP_MAX && pump_one(s))
		n++;
	s->pumping = false;
	resume_lines(s);
	if (n == PUMP_MAX)
		loop_defer(runtime_loop(s->rt), pump_more, s);
}

void pump_on_credit(void *self)
{
	struct shell *s = self;
	if (!s->set.stamped)
		return;
	loop_defer(runtime_loop(s->rt), pump_more, s);
}

void pump_after(struct shell *s)
{
	if (!s->started || s->pumping)
		return;
	int64_t stamp = runtime_outbox(s->rt)->last_stamp;
	/* Something with the very stamp of the last input may still follow, unless it has been used up. */
	int64_t at = stamp > s->now - 1 ? stamp : s->now - 1;
	if (s->ended && nothing_held(s))
		runtime_promise_end(s->rt, s->now);
	else
		runtime_promise(s->rt, at, at);
	if (s->frames_since_snapshot >= (uint64_t)runtime_settings(s->rt)->snapshot_events) {
		s->frames_since_snapshot = 0;
		runtime_snapshot(s->rt);
	}
	outbox_flush(runtime_outbox(s->rt));
}
