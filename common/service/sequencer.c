/* sequencer - puts the inputs of a core into the order of event time, and says how far that time has come. */
#include "common/service/sequencer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/service/core.h"

enum { EXCEPTIONS_MAX = 65536 };

struct queued { /* in front of the packed bytes of an event */
	int64_t at, mono;
	uint64_t seq, epoch;
	struct account *account;
	bool replaceable;
};

/* What could happen next: an event of an input, or a timer (input NULL). */
struct candidate {
	struct sequencer_input *in;
	int64_t at;   /* event time it would be applied at */
	int64_t mono; /* when it arrived */
	bool late;
	bool held;    /* becomes late as soon as its time is over */
	int order;    /* among equal times: repeated exceptions, then class and input, timers, what was held back */
};

enum { ORDER_EXCEPTION = 0, ORDER_TIMER = 1 << 20, ORDER_HELD };

int sequencer_init(struct sequencer *s, const struct sequencer_ops *ops, void *ctx)
{
	memset(s, 0, sizeof *s);
	s->ops = ops;
	s->ctx = ctx;
	s->arena.cap = ARENA_SIZE;
	s->arena.at = malloc(ARENA_SIZE);
	if (!s->arena.at)
		return ERR_NOMEM;
	if (ops->replaceable && conflate_init(&s->conflate))
		return ERR_NOMEM;
	return strmap_init(&s->exceptions, EXCEPTIONS_MAX, sizeof(int64_t));
}

void sequencer_fini(struct sequencer *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		ring_fini(&s->in[i].queue);
	strmap_fini(&s->exceptions);
	conflate_fini(&s->conflate);
	free(s->arena.at);
	memset(s, 0, sizeof *s);
}

int sequencer_add(struct sequencer *s, const char *publisher, enum sequencer_class class, int64_t wait_ns,
		  size_t queue_bytes, struct sequencer_input **ret_in)
{
	if (s->n == SEQUENCER_INPUTS_MAX)
		return ERR_FULL;
	struct sequencer_input *in = &s->in[s->n];
	memset(in, 0, sizeof *in);
	if (strlen(publisher) >= sizeof in->publisher)
		return ERR_TOO_LONG;
	memcpy(in->publisher, publisher, strlen(publisher) + 1);
	in->class = class;
	in->feedback = class == SEQUENCE_INTENT || class == SEQUENCE_LEDGER;
	in->limit = INT64_MAX;
	in->wait_ns = wait_ns;
	int rc = ring_init(&in->queue, queue_bytes);
	if (rc)
		return rc;
	s->n++;
	*ret_in = in;
	return 0;
}

int sequencer_push(struct sequencer *s, struct sequencer_input *in, const struct event *head, const uint8_t *bytes,
		   size_t len, int64_t mono_ns)
{
	uint8_t *at;
	struct account *a = in->account;
	struct queued q = {.at = head->ts_recv, .mono = mono_ns, .seq = head->seq, .epoch = head->epoch, .account = a};
	q.replaceable = a && s->ops->replaceable && s->ops->replaceable(s->ctx, head->id);
	in->account = NULL;
	int rc = ring_reserve(&in->queue, sizeof q + len, &at);
	if (rc)
		return rc;
	memcpy(at, &q, sizeof q);
	memcpy(at + sizeof q, bytes, len);
	ring_commit(&in->queue);
	in->heard = mono_ns;
	if (q.replaceable) {
		a->replaceable++;
		a->older_at = a->newest_at;
		a->newest_at = q.at;
	}
	/* Stamps of a publisher strictly increase: an event is a promise that nothing more comes up to it. */
	if (q.at > in->promised)
		in->promised = q.at;
	return 0;
}

void sequencer_promise(struct sequencer *s, struct sequencer_input *in, int64_t at)
{
	(void)s;
	if (at > in->promised)
		in->promised = at;
}

void sequencer_quiet(struct sequencer_input *in, int64_t quiet)
{
	in->quiet = quiet; /* the newest one counts: it knows of more that we have published */
}

void sequencer_limit(struct sequencer_input *in, int64_t limit)
{
	in->limit = limit;
}

/* How far the market has come that has come farthest. */
static int64_t latest_market(const struct sequencer *s)
{
	int64_t at = 0;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->in[i].class == SEQUENCE_MARKET && s->in[i].promised > at)
			at = s->in[i].promised;
	return at;
}

/* What an input can no longer send, all things considered. A recording at its end has nothing more to send: it holds
 * back nobody else's, and takes no time further than they do. */
static int64_t promised_by(const struct sequencer *s, const struct sequencer_input *in)
{
	if (in->class == SEQUENCE_MARKET && in->quiet == CORE_NEVER)
		return latest_market(s);
	if (!in->feedback)
		return in->promised;
	int64_t quiet = in->limit == INT64_MAX || in->quiet < in->limit ? in->quiet : in->limit - 1;
	return quiet > in->promised ? quiet : in->promised;
}

static size_t exception_key(char out[64], const char *publisher, int64_t at)
{
	return (size_t)snprintf(out, 64, "%s|%lld", publisher, (long long)at);
}

int sequencer_except(struct sequencer *s, const char *publisher, int64_t at, int64_t applied_at)
{
	char key[64];
	size_t len = exception_key(key, publisher, at);
	int64_t *slot = strmap_put(&s->exceptions, key, len);
	if (!slot)
		return ERR_FULL;
	*slot = applied_at;
	if (applied_at > s->excepted_until)
		s->excepted_until = applied_at;
	return 0;
}

int sequencer_hold(struct sequencer *s, const char *publisher, int64_t from, int64_t until)
{
	int rc = ERR_NOT_FOUND;
	for (uint32_t i = 0; i < s->n; i++) {
		struct sequencer_input *in = &s->in[i];
		if (in->class == SEQUENCE_COMMAND || strcmp(in->publisher, publisher) != 0)
			continue;
		in->held_from = from;
		in->held_until = until;
		rc = 0;
	}
	return rc;
}

void sequencer_skip_to(struct sequencer *s, int64_t now)
{
	for (uint32_t i = 0; i < s->n; i++)
		s->in[i].held_until = 0;
	strmap_clear(&s->exceptions);
	conflate_clear(&s->conflate);
	s->excepted_until = 0;
	if (now <= s->now)
		return;
	s->now = now;
	s->order = ORDER_TIMER;
}

int sequencer_repeat_conflated(struct sequencer *s, const char *publisher, const struct sequencer_conflation *c)
{
	if (!s->ops->replaceable)
		return ERR_REFUSED;
	return conflate_add(&s->conflate, publisher, c->topic, c->from, c->to);
}

static const struct queued *head_of(const struct sequencer_input *in)
{
	size_t len;
	return (const struct queued *)(const void *)ring_front(&in->queue, &len);
}

/* The head of an input has had its turn. */
static void pop(struct sequencer_input *in, enum account_end end)
{
	const struct queued *q = head_of(in);
	if (q->replaceable)
		q->account->replaceable--;
	if (q->account && in->accounts)
		account_ended(in->accounts, q->account, end);
	ring_pop(&in->queue);
}

void sequencer_drop(struct sequencer_input *in, uint64_t *ret_first)
{
	const struct queued *q = head_of(in);
	*ret_first = q ? q->seq : 0;
	while (in->queue.count)
		pop(in, ACCOUNT_DROPPED);
}

/* Time at which the head of an input is to be applied; false where an exception says never. */
static bool head_time(const struct sequencer *s, const struct sequencer_input *in, const struct queued *q,
		      int64_t *ret_at)
{
	*ret_at = q->at;
	if (s->exceptions.count == 0)
		return true;
	char key[64];
	size_t len = exception_key(key, in->publisher, q->at);
	const int64_t *at = strmap_get(&s->exceptions, key, len);
	if (at)
		*ret_at = *at;
	return !at || *at != 0;
}

static int order_of(const struct sequencer *s, const struct sequencer_input *in)
{
	return ((int)in->class << 8) + (int)(in - s->in) + 1;
}

static bool before(const struct candidate *a, const struct candidate *b)
{
	if (a->late != b->late)
		return a->late;
	if (a->at != b->at)
		return a->at < b->at;
	return a->order < b->order;
}

/* Has the core's time passed this point already? */
static bool passed(const struct sequencer *s, int64_t at, int order)
{
	return at < s->now || (at == s->now && order < s->order);
}

/* Had an earlier run not seen it before another time? Then it is late, and that time is over before it is applied. */
static bool holds(const struct sequencer_input *in, int64_t at)
{
	return at > in->held_from && at < in->held_until;
}

/* Before this nothing of the input is applied. */
static int64_t first_of(const struct sequencer *s, const struct sequencer_input *in, const struct queued *q)
{
	int64_t at;
	return holds(in, q->at) && head_time(s, in, q, &at) && at == q->at ? in->held_until : q->at;
}

static struct candidate head_candidate(struct sequencer *s, struct sequencer_input *in)
{
	struct candidate c = {.in = NULL, .at = CORE_NEVER, .order = ORDER_HELD + 1};
	const struct queued *q;
	int64_t at;
	while ((q = head_of(in)) != NULL && !head_time(s, in, q, &at)) {
		in->last_at = q->at;
		in->last_seq = q->seq;
		in->last_epoch = q->epoch;
		pop(in, ACCOUNT_DROPPED);
	}
	if (q) {
		int order = at == q->at ? order_of(s, in) : ORDER_EXCEPTION;
		bool held = order != ORDER_EXCEPTION && holds(in, q->at);
		if (held) {
			at = in->held_until;
			order = ORDER_HELD;
		}
		c = (struct candidate){.in = in, .at = at, .mono = q->mono, .order = order, .held = held,
				       .late = order != ORDER_EXCEPTION && passed(s, at, order)};
	}
	return c;
}

static struct candidate next_candidate(struct sequencer *s)
{
	struct candidate best = {.at = s->ops->next_due(s->ctx), .order = ORDER_TIMER};
	for (uint32_t i = 0; i < s->n; i++) {
		struct candidate c = head_candidate(s, &s->in[i]);
		if (c.in && before(&c, &best))
			best = c;
	}
	return best;
}

/* Event time up to which an input cannot send anything more that belongs before the candidate. */
static int64_t reach(const struct sequencer *s, const struct sequencer_input *in, const struct candidate *c)
{
	int64_t promised = promised_by(s, in);
	if (in == c->in || promised == CORE_NEVER)
		return CORE_NEVER;
	/* What comes at an equal time but later in order does not stand in the way. */
	return promised + (order_of(s, in) > c->order ? 1 : 0);
}

/* Is some input already past this time? Without one nobody knows that a timer's time has come. */
static bool time_has_come(const struct sequencer *s, int64_t at)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!s->in[i].feedback && s->in[i].class != SEQUENCE_COMMAND && s->in[i].promised >= at)
			return true;
	return false;
}

/* When a timer began to wait for promises; a candidate event carries its own arrival. */
static int64_t waiting_since(struct sequencer *s, const struct candidate *c, int64_t mono_ns)
{
	if (c->in)
		return c->mono;
	if (s->timer_blocked_due != c->at || s->timer_blocked_at == 0) {
		s->timer_blocked_due = c->at;
		s->timer_blocked_at = mono_ns;
	}
	return s->timer_blocked_at;
}

/* When waiting for an input ends that a candidate has waited for since then. */
static int64_t wait_end(const struct sequencer *s, const struct sequencer_input *in, int64_t since)
{
	int64_t end = since + in->wait_ns, last = since + (in->wait_ns > s->repair_ns ? in->wait_ns : s->repair_ns);
	if (in->repairing)
		return last;
	if (in->heard > since)
		end = in->heard + in->wait_ns;
	return end < last ? end : last;
}

/* May the candidate go now? Otherwise *ret_wake is when waiting ends, at the latest. */
static bool may_go(struct sequencer *s, const struct candidate *c, int64_t mono_ns, int64_t *ret_wake)
{
	if (c->late)
		return true;
	if (!c->in && !time_has_come(s, c->at))
		return false;
	bool go = true;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct sequencer_input *in = &s->in[i];
		if (reach(s, in, c) >= c->at)
			continue;
		if (in->wait_ns == SEQUENCER_FOREVER)
			return false;
		int64_t until = wait_end(s, in, waiting_since(s, c, mono_ns));
		if (mono_ns >= until)
			continue;
		if (until < *ret_wake)
			*ret_wake = until;
		go = false;
	}
	return go;
}

/* Behind, all of a topic that wait, but for the newest: decided at the first of them. */
static bool conflates(struct sequencer *s, const struct candidate *c, const struct queued *q, const char *topic,
		      int64_t mono_ns)
{
	const struct account *a = q->account;
	bool behind = s->behind_ns && mono_ns - q->mono > s->behind_ns && c->in->wait_ns != SEQUENCER_FOREVER;
	if (!behind || a->replaceable < 2)
		return false;
	struct sequencer_conflation what = {
		.seq = q->seq, .epoch = q->epoch, .from = q->at, .to = a->older_at, .count = a->replaceable - 1};
	snprintf(what.topic, sizeof what.topic, "%s", topic);
	if (conflate_add(&s->conflate, c->in->publisher, topic, what.from, what.to))
		return false;
	if (s->ops->conflate(s->ctx, c->in, &what))
		return true;
	conflate_forget(&s->conflate, c->in->publisher, topic);
	return false;
}

/* Is this one applied without being acted upon? */
static bool is_quiet(struct sequencer *s, const struct candidate *c, const struct queued *q, const struct event *ev,
		     int64_t mono_ns)
{
	char topic[TOPIC_MAX];
	if (!q->replaceable || topic_of(ev, topic) < 0)
		return false;
	if (!conflate_covers(&s->conflate, c->in->publisher, topic, q->at) && !conflates(s, c, q, topic, mono_ns))
		return false;
	c->in->conflated++;
	return true;
}

static void apply_head(struct sequencer *s, const struct candidate *c, int64_t mono_ns)
{
	struct sequencer_input *in = c->in;
	size_t len, used;
	const uint8_t *bytes = ring_front(&in->queue, &len);
	const struct queued *q = (const struct queued *)(const void *)bytes;
	struct event ev;
	s->arena.used = 0;
	int rc = codec_unpack(bytes + sizeof *q, len - sizeof *q, &s->arena, &ev, &used);
	if (rc) {
		s->undecodable++;
		pop(in, ACCOUNT_DROPPED);
		return;
	}
	s->of = in;
	if (c->late || c->held) {
		in->late++;
		if (s->now < c->at)
			s->now = c->at;
		s->now++;
		s->order = ORDER_EXCEPTION;
		s->ops->late(s->ctx, in, &ev, s->now);
	} else {
		s->now = c->at;
		s->order = c->order;
	}
	/* What was repaired late may be older than what was applied before. */
	if (ev.ts_recv > in->last_at)
		in->last_at = ev.ts_recv;
	in->last_seq = ev.seq;
	in->last_epoch = ev.epoch;
	in->applied++;
	bool quiet = is_quiet(s, c, q, &ev, mono_ns);
	(quiet ? s->ops->apply_quietly : s->ops->apply)(s->ctx, in, s->now, &ev);
	pop(in, quiet ? ACCOUNT_CONFLATED : ACCOUNT_HANDLED);
}

uint32_t sequencer_step(struct sequencer *s, int64_t mono_ns, uint32_t limit, int64_t *ret_wake)
{
	uint32_t done = 0;
	*ret_wake = INT64_MAX;
	while (done < limit && s->ops->ready(s->ctx)) {
		struct candidate c = next_candidate(s);
		if (c.at == CORE_NEVER || !may_go(s, &c, mono_ns, ret_wake))
			break;
		if (c.in) {
			apply_head(s, &c, mono_ns);
		} else {
			if (c.at >= s->now) {
				s->now = c.at;
				s->order = ORDER_TIMER;
			}
			s->of = NULL;
			s->timer_blocked_at = 0;
			s->ops->fire(s->ctx, c.at);
		}
		done++;
	}
	return done;
}

int64_t sequencer_unheard(const struct sequencer *s, const struct sequencer_input *in)
{
	if (in == s->of || in->class == SEQUENCE_COMMAND)
		return 0;
	int64_t until = s->now + (order_of(s, in) < s->order ? 1 : 0);
	const struct queued *q = head_of(in); /* what is late goes ahead of it */
	return promised_by(s, in) < until - 1 || (q && q->at < until) ? until : 0;
}

static int64_t handled(const struct sequencer *s, bool quiet)
{
	int64_t due = s->ops->next_due(s->ctx);
	int64_t done = due == CORE_NEVER ? CORE_NEVER : due - 1;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct queued *q = head_of(&s->in[i]);
		if (!q && quiet && s->in[i].feedback)
			continue;
		int64_t at = q ? first_of(s, &s->in[i], q) - 1 : promised_by(s, &s->in[i]);
		if (at < done)
			done = at;
	}
	/* A late event is applied after the present; one that bears the present itself may still be in order. */
	return done > s->now - 1 ? done : s->now - 1;
}

int64_t sequencer_handled(const struct sequencer *s)
{
	return handled(s, false);
}

int64_t sequencer_handled_quiet(const struct sequencer *s)
{
	uint32_t feedback = 0;
	for (uint32_t i = 0; i < s->n; i++)
		feedback += s->in[i].feedback;
	return handled(s, feedback <= 1);
}
