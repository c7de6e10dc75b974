/* fused - strategy and executor in one process: the bus between the cores, without sockets. */
#include "tools/nj/fused.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/topic.h"
#include "services/executor/section.h"
#include "services/strategy/section.h"

enum { TOPICS_MAX = 8192, STEP_MAX = 2000, FIRST_APP_ID = 0x0100 };

static bool follows(const struct fused_core *c, const char *topic)
{
	for (size_t i = 0; c->topics[i]; i++)
		if (strncmp(topic, c->topics[i], strlen(c->topics[i])) == 0)
			return true;
	return false;
}

static void push(struct fused_core *c, struct sequencer_input *in, const struct event *ev, const uint8_t *bytes,
		 size_t len)
{
	int rc = sequencer_push(&c->sequencer, in, ev, bytes, len, 0);
	if (rc == ERR_FULL && in == c->market) { /* make room: all before it is known */
		fused_advance(c->fused, ev->ts_recv - 1);
		rc = sequencer_push(&c->sequencer, in, ev, bytes, len, 0);
	}
	if (rc && !c->fused->err)
		c->fused->err = rc;
}

static void deliver_market(struct fused *f, const struct event *ev, const char *topic, const uint8_t *bytes, size_t len)
{
	for (int i = FUSED_EXECUTOR; i <= FUSED_STRATEGY; i++)
		if (follows(&f->core[i], topic))
			push(&f->core[i], f->core[i].market, ev, bytes, len);
}

/* What one of the two says is news for the other, and can be answered from then on. */
static void deliver_feedback(struct fused *f, enum fused_who who, const struct event *ev, const uint8_t *bytes,
			     size_t len)
{
	struct fused_core *from = &f->core[who];
	struct fused_core *to = &f->core[who == FUSED_STRATEGY ? FUSED_EXECUTOR : FUSED_STRATEGY];
	int64_t answer = ev->ts_recv + to->latency;
	push(to, to->feedback, ev, bytes, len);
	if (answer < from->feedback->limit)
		sequencer_limit(from->feedback, answer);
}

static void count(struct fused *f, struct fused_lane *lane, const uint8_t *bytes, size_t len)
{
	lane->events++;
	if (f->digests)
		digest_add(&lane->digest, bytes, len);
}

/* Source, version and topic, then stamp and sequence, as the outbox gives them. */
static int address(struct fused_publisher *p, struct event *ev, enum lane lane, char topic[TOPIC_MAX])
{
	memcpy(ev->source, p->name, sizeof(ev->source));
	ev->version = event_row(ev->id)->version;
	ev->epoch = 0;
	ev->ts_sent = 0;
	int rc = topic_of(ev, topic);
	if (rc < 0)
		return rc;
	if (ev->ts_recv <= p->last_stamp)
		ev->ts_recv = p->last_stamp + 1;
	p->last_stamp = ev->ts_recv;
	if (lane == LANE_X) {
		ev->seq = ++p->x_last;
		return 0;
	}
	uint64_t *seq = strmap_put(&p->topics, topic, strlen(topic));
	if (!seq)
		return ERR_FULL;
	ev->seq = ++*seq;
	return 0;
}

static void publish(struct fused *f, enum fused_who who, struct event *ev)
{
	struct fused_publisher *p = &f->publisher[who];
	enum lane lane = event_row(ev->id)->lane;
	uint8_t packed[EVENT_PACKED_MAX];
	char topic[TOPIC_MAX];
	must(ev->id >= FIRST_APP_ID || lane == LANE_X);
	int rc = address(p, ev, lane, topic);
	int n = rc < 0 ? rc : codec_pack(ev, packed, sizeof(packed));
	if (n < 0) {
		f->err = f->err ? f->err : n;
		return;
	}
	count(f, lane == LANE_M ? &p->m : &p->x, packed, (size_t)n);
	if (f->on_event)
		f->on_event(f->ctx, ev);
	if (who != FUSED_COLLECTOR)
		deliver_feedback(f, who, ev, packed, (size_t)n);
	else if (lane == LANE_M)
		deliver_market(f, ev, topic, packed, (size_t)n);
}

void fused_publish(struct fused *f, struct event *ev)
{
	publish(f, FUSED_COLLECTOR, ev);
}

/* ---- the two cores behind their sequencers ---- */

static void emit(void *ctx, struct event *ev)
{
	struct fused_core *c = ctx;
	publish(c->fused, c->who, ev);
}

static void apply(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct fused_core *c = ctx;
	struct sink out = {.ctx = c, .emit = emit};
	(void)in;
	c->ops->on_event(c->core, now, ev, &out);
}

static int64_t next_due(void *ctx)
{
	struct fused_core *c = ctx;
	return c->ops->next_due(c->core);
}

static void fire(void *ctx, int64_t due)
{
	struct fused_core *c = ctx;
	struct sink out = {.ctx = c, .emit = emit};
	c->ops->on_timer(c->core, due, &out);
}

static void late(void *ctx, struct sequencer_input *in, const struct event *ev, int64_t at)
{
	struct fused_core *c = ctx;
	(void)in;
	(void)ev;
	(void)at;
	c->fused->late++;
}

static bool ready(void *ctx)
{
	return ((struct fused_core *)ctx)->fused->err == 0;
}

static const struct sequencer_ops ops = {
	.apply = apply, .next_due = next_due, .fire = fire, .late = late, .ready = ready};

/* Tells the other one how far this one is; it has seen all that was sent to it. True: news. */
static bool promise(struct fused_core *from, struct fused_core *to)
{
	struct sequencer_input *in = to->feedback, before = *in;
	int64_t handled = sequencer_handled(&from->sequencer);
	int64_t quiet = sequencer_handled_quiet(&from->sequencer);
	if (quiet <= 0 || quiet > CORE_NEVER - from->latency)
		return false;
	sequencer_promise(&to->sequencer, in, handled + from->latency);
	sequencer_quiet(in, quiet + from->latency);
	sequencer_limit(in, INT64_MAX);
	return in->promised != before.promised || in->quiet != before.quiet || in->limit != before.limit;
}

static bool turn(struct fused_core *c, struct fused_core *other)
{
	int64_t wake;
	bool done = sequencer_step(&c->sequencer, 0, STEP_MAX, &wake) > 0;
	return promise(c, other) || done;
}

int fused_advance(struct fused *f, int64_t at)
{
	struct fused_core *x = &f->core[FUSED_EXECUTOR], *s = &f->core[FUSED_STRATEGY];
	sequencer_promise(&x->sequencer, x->market, at);
	sequencer_promise(&s->sequencer, s->market, at);
	for (bool more = true; more && !f->err;) {
		more = turn(s, x);
		more = turn(x, s) || more;
	}
	return f->err;
}

static int open_core(struct fused *f, enum fused_who who, const struct fused_core *as, size_t queue)
{
	struct fused_core *c = &f->core[who];
	const char *other = who == FUSED_STRATEGY ? "executor" : "strategy";
	*c = *as;
	c->fused = f;
	c->who = who;
	int rc = sequencer_init(&c->sequencer, &ops, c);
	if (!rc)
		rc = sequencer_add(&c->sequencer, "collector", SEQUENCE_MARKET, SEQUENCER_FOREVER, queue, &c->market);
	if (!rc)
		rc = sequencer_add(&c->sequencer, other, who == FUSED_STRATEGY ? SEQUENCE_LEDGER : SEQUENCE_INTENT,
				   SEQUENCER_FOREVER, queue, &c->feedback);
	return rc;
}

static int open_publishers(struct fused *f)
{
	static const char *const names[] = {"collector", "executor", "strategy"};
	int rc = 0;
	for (int i = 0; i < FUSED_PUBLISHERS && !rc; i++) {
		struct fused_publisher *p = &f->publisher[i];
		snprintf(p->name, sizeof(p->name), "%s", names[i]);
		rc = strmap_init(&p->topics, TOPICS_MAX, sizeof(uint64_t));
		if (!rc && f->digests)
			rc = digest_init(&p->m.digest);
		if (!rc && f->digests)
			rc = digest_init(&p->x.digest);
	}
	return rc;
}

static int make_cores(struct fused *f, const struct fused_options *o, char *reason, size_t cap)
{
	char why[EVENT_TEXT_MAX] = "";
	int rc = strategy_core_new(o->strategy, why, &f->strategy);
	if (rc) {
		snprintf(reason, cap, "strategy: %s", why[0] ? why : err_text(rc));
		return rc;
	}
	rc = house_new(o->executor, o->accounts, &f->executor);
	if (rc)
		snprintf(reason, cap, "executor: the settings do not go together (%s)", err_text(rc));
	return rc;
}

int fused_open(struct fused *f, const struct fused_options *o, char *reason, size_t cap)
{
	memset(f, 0, sizeof(*f));
	f->digests = o->digests;
	int rc = make_cores(f, o, reason, cap);
	if (rc)
		return rc;
	struct fused_core x = {.ops = &house_core,
			       .core = f->executor,
			       .topics = executor_topics,
			       .latency = o->executor->ack_latency_ns};
	struct fused_core s = {.ops = &strategy_core,
			       .core = f->strategy,
			       .topics = strategy_topics,
			       .latency = o->strategy->order_latency_ns};
	rc = open_publishers(f);
	if (!rc)
		rc = open_core(f, FUSED_EXECUTOR, &x, (size_t)o->queue_bytes);
	if (!rc)
		rc = open_core(f, FUSED_STRATEGY, &s, (size_t)o->queue_bytes);
	if (rc)
		snprintf(reason, cap, "%s", err_text(rc));
	return rc;
}

void fused_close(struct fused *f)
{
	for (int i = 0; i < FUSED_PUBLISHERS; i++) {
		struct fused_publisher *p = &f->publisher[i];
		sequencer_fini(&f->core[i].sequencer);
		strmap_fini(&p->topics);
		digest_fini(&p->m.digest);
		digest_fini(&p->x.digest);
	}
	house_free(f->executor);
	strategy_core_free(f->strategy);
	memset(f, 0, sizeof(*f));
}
