/* runtime - what a service does while it runs: publish, promise, alert, and step its core through its inputs. */
#include "common/service/runtime.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/io/sdnotify.h"
#include "common/service/runtime_state.h"

enum {
	STEP_MAX = 2000,
	PROMISE_MIN_NS = 5000000, /* live: no more often; the pulse sends what was held back */
	PROMISE_REPEAT_NS = 200000000
};

enum { ALERT_NONE, ALERT_RAISED, ALERT_LOGGED }; /* states of an alert's key */

struct loop *runtime_loop(struct runtime *rt) { return rt->loop; }
const struct clock *runtime_clock(struct runtime *rt) { return loop_clock(rt->loop); }
const struct run_settings *runtime_settings(struct runtime *rt) { return &rt->run; }
struct bus *runtime_bus(struct runtime *rt) { return rt->bus; }
struct outbox *runtime_outbox(struct runtime *rt) { return &rt->outbox; }
struct config *runtime_config(struct runtime *rt) { return rt->config; }
enum life runtime_life(const struct runtime *rt) { return rt->life; }
bool runtime_lockstep(const struct runtime *rt) { return rt->run.pace[0] == 'l' && rt->run.pace[1] == 'o'; }
int64_t runtime_mono(struct runtime *rt) { return clock_mono(loop_clock(rt->loop)); }
const char *runtime_run_id(const struct runtime *rt) { return rt->run_id; }
const char *runtime_dir(const struct runtime *rt) { return rt->dir; }
const char *runtime_name(const struct runtime *rt) { return rt->name; }
const struct collectors *runtime_collectors(const struct runtime *rt) { return &rt->collectors; }
const struct collector_place *runtime_place(const struct runtime *rt) { return &rt->place; }

struct inbox *runtime_input(struct runtime *rt, const char *publisher, enum lane lane)
{
	struct follow *f = follow_find(rt, publisher);
	if (!f)
		return NULL;
	if (lane == LANE_M)
		return f->has_m ? &f->m : NULL;
	return f->has_x ? &f->x : NULL;
}

int runtime_follow(struct runtime *rt, const struct service_input *input)
{
	return follow_add(rt, input, NULL);
}

/* systemd, or whoever started us with NOTIFY_SOCKET. */
static void tell_manager(enum life life)
{
	const char *state = life == life_ready      ? "READY=1"
			    : life == life_draining ? "STOPPING=1"
						    : NULL;
	int rc = state ? sdnotify(state) : 0;
	if (rc && rc != ERR_NOT_FOUND)
		log_warn("the service manager was not told", "state=%s err=%s", state,
			 err_name(rc));
}

void runtime_set_life(struct runtime *rt, enum life life)
{
	if (rt->life == life)
		return;
	rt->life = life;
	log_info("state", "life=%s", enum_text(enum_life(), (uint8_t)life));
	tell_manager(life);
}

void runtime_fail(struct runtime *rt, const char *what, int err)
{
	if (rt->life == life_failed)
		return;
	log_error("giving up", "what=%s err=%s", what, err_name(err));
	runtime_set_life(rt, life_failed);
	rt->exit_code = 1;
	loop_stop(rt->loop);
}

static bool may_publish(const struct runtime *rt, uint16_t id)
{
	for (size_t i = 0; rt->s->pubs && rt->s->pubs[i]; i++)
		if (rt->s->pubs[i] == id)
			return true;
	return id < 0x0100 || id == EVENT_command || id == EVENT_injected;
}

static void check_emitted(struct runtime *rt, int rc, uint16_t id)
{
	if (rt->outbox.failed)
		runtime_fail(rt, "journal", rt->outbox.failed);
	else if (rc)
		log_error("event cannot be published", "event=%s err=%s", event_row(id)->name, err_name(rc));
}

void runtime_emit(struct runtime *rt, struct event *ev)
{
	must(may_publish(rt, ev->id));
	uint64_t before = rt->outbox.x_next;
	check_emitted(rt, outbox_emit(&rt->outbox, ev), ev->id);
	if (rt->outbox.x_next > before)
		follow_on_sent(rt, rt->outbox.x_next - 1, ev->ts_recv);
	mirror_on_event(&rt->mirror, ev);
}

int runtime_emit_shell(struct runtime *rt, struct event *ev)
{
	must(may_publish(rt, ev->id));
	if (ev->ts_recv == 0)
		ev->ts_recv = rt->s->core ? runtime_next_stamp(rt)
			      : rt->s->now && rt->self ? rt->s->now(rt->self)
						       : clock_wall(runtime_clock(rt));
	int rc = outbox_emit_shell(&rt->outbox, ev);
	check_emitted(rt, rc, ev->id);
	return rc;
}

/* While comparing, or without room (mute), nothing new can be journalled: logged once, published when it is raised
 * again. */
static bool is_news(uint8_t *state, bool raised, bool mute)
{
	uint8_t was = state ? *state : raised ? ALERT_NONE : ALERT_RAISED;
	uint8_t now = !raised ? ALERT_NONE : mute && was != ALERT_RAISED ? ALERT_LOGGED : ALERT_RAISED;
	if (mute && was == ALERT_RAISED)
		return false;
	if (state)
		*state = now;
	return now != was && !(was == ALERT_LOGGED && now == ALERT_NONE);
}

void runtime_alert(struct runtime *rt, enum severity severity, bool raised, const char *rule, const char *subject,
		   const char *message)
{
	char key[STRMAP_KEY_MAX];
	int n = snprintf(key, sizeof key, "%.60s|%.60s", rule, subject);
	bool mute = outbox_verifying(&rt->outbox) || !outbox_has_room(&rt->outbox);
	if (!is_news(strmap_put(&rt->alerts, key, (size_t)n), raised, mute))
		return;
	if (raised && severity == severity_critical)
		log_error("ALERT", "rule=%s subject=%s message=%s", rule, subject, message);
	else if (raised)
		log_warn("alert", "rule=%s subject=%s message=%s", rule, subject, message);
	else
		log_warn("alert resolved", "rule=%s subject=%s message=%s", rule, subject, message);
	if (mute)
		return;
	struct event ev;
	event_init(&ev, EVENT_alert);
	ev.alert.severity = (uint8_t)severity;
	ev.alert.state = raised ? alert_state_raised : alert_state_resolved;
	event_set_name(ev.alert.rule, rule);
	event_set_name(ev.alert.subject, subject);
	event_set_text(ev.alert.message, message);
	runtime_emit_shell(rt, &ev);
}

/* Of every service: judged again and again, so what a life left open the next one ends. */
static const char *const everybodys[] = {"peer_silent", "snapshot_failed", NULL};

static bool is_one_of(const char *const *rules, const char *rule)
{
	while (rules && *rules && strcmp(*rules, rule) != 0)
		rules++;
	return rules && *rules;
}

void runtime_recall_alert(struct runtime *rt, const struct ev_alert *a)
{
	char key[STRMAP_KEY_MAX];
	if (!is_one_of(rt->s->standing, a->rule) && !is_one_of(everybodys, a->rule))
		return;
	int n = snprintf(key, sizeof key, "%.60s|%.60s", a->rule, a->subject);
	uint8_t *state = strmap_put(&rt->alerts, key, (size_t)n);
	if (state)
		*state = a->state == alert_state_raised ? ALERT_RAISED : ALERT_NONE;
}

/* What has come in on each lane X: whoever sent it knows then that no answer to it is under way. */
static uint32_t seen_pairs(struct runtime *rt, struct pair *out, struct pair *epochs)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		const struct follow *f = &rt->follow[i];
		if (!f->in_x || f->x.next == 0)
			continue;
		memcpy(out[n].name, f->publisher, sizeof f->publisher);
		out[n].value = (int64_t)(f->x.next - 1);
		epochs[n] = out[n];
		epochs[n++].value = (int64_t)f->x.epoch;
	}
	return n;
}

static void publish_promise(struct runtime *rt, const struct ev_promise *p)
{
	struct pair seen[RUNTIME_FOLLOWS_MAX], epochs[RUNTIME_FOLLOWS_MAX];
	memset(seen, 0, sizeof seen);
	uint32_t n = seen_pairs(rt, seen, epochs);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < n; i++)
		sum += (uint64_t)seen[i].value + (uint64_t)epochs[i].value;
	int64_t mono = runtime_mono(rt);
	bool news = p->at > rt->promise.at || p->handled > rt->promise.handled || p->quiet_at != rt->promise.quiet_at ||
		    sum != rt->promise_seen;
	/* A promise can be lost on the bus, and a late subscriber has not heard it: repeat it now and then. */
	bool repeat = mono - rt->promise_mono >= PROMISE_REPEAT_NS;
	if (!repeat && (!news || (!runtime_lockstep(rt) && mono - rt->promise_mono < PROMISE_MIN_NS)))
		return;
	rt->promise = *p;
	rt->promise_seen = sum;
	rt->promise_mono = mono;
	struct event ev;
	event_init(&ev, EVENT_promise);
	ev.promise = *p;
	ev.promise.x_last = rt->outbox.x_next - 1;
	ev.promise.seen.at = seen;
	ev.promise.seen_epochs.at = epochs;
	ev.promise.seen.n = ev.promise.seen_epochs.n = n;
	runtime_emit(rt, &ev);
}

void runtime_promise(struct runtime *rt, int64_t at, int64_t handled)
{
	struct ev_promise p = {.at = at, .quiet_at = at, .handled = handled};
	publish_promise(rt, &p);
}

void runtime_promise_end(struct runtime *rt, int64_t at)
{
	struct ev_promise p = {.at = at, .quiet_at = CORE_NEVER, .handled = at};
	publish_promise(rt, &p);
}

int64_t runtime_credit(struct runtime *rt)
{
	int64_t least = INT64_MAX;
	for (uint32_t i = 0; i < rt->n_follows; i++)
		if (rt->follow[i].credit && rt->follow[i].handled < least)
			least = rt->follow[i].handled;
	return least;
}

void runtime_on_credit(struct runtime *rt, void (*fn)(void *self))
{
	rt->on_credit = fn;
}

/* --- the core's side ---------------------------------------------------------------------------------- */

static int tell_unheard(struct runtime *rt, const struct sequencer_input *in, int64_t until)
{
	struct event p;
	event_init(&p, EVENT_parity);
	p.parity.cause = parity_cause_unheard;
	event_set_name(p.parity.publisher, in->publisher);
	p.parity.input_seq = in->last_seq;
	p.parity.input_epoch = in->last_epoch;
	p.parity.input_at = in->last_at;
	p.parity.applied_at = until;
	return runtime_emit_shell(rt, &p);
}

/* What a core says is said without what has not come yet: on record before it, once a step, for a life that ends
 * before that comes cannot put it on record as late. */
static void tell_all_unheard(struct runtime *rt)
{
	const struct sequencer *sq = &rt->sequencer;
	rt->unheard_told = true;
	if (outbox_verifying(&rt->outbox))
		return;
	for (uint32_t i = 0; i < sq->n; i++) {
		int64_t until = sequencer_unheard(sq, &sq->in[i]);
		int rc = until ? tell_unheard(rt, &sq->in[i], until) : 0;
		if (rc) {
			runtime_fail(rt, "an input that was not heard cannot be put on record", rc);
			return;
		}
	}
}

static void core_emit(void *ctx, struct event *ev)
{
	struct runtime *rt = ctx;
	if (!rt->unheard_told && event_row(ev->id)->lane == LANE_X)
		tell_all_unheard(rt);
	runtime_emit(rt, ev);
}

/* What comes from outside is put on record as it takes effect; what a restart read back from there is on record. */
static void journal_wish(struct runtime *rt, int64_t now, const struct event *ev)
{
	struct event record = *ev;
	if (ev->wish.applied_at)
		return;
	record.wish.applied_at = now;
	record.ts_recv = 0;
	int rc = runtime_emit_shell(rt, &record);
	if (rc)
		runtime_fail(rt, "a wish cannot be put on record", rc);
}

static void core_apply(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct runtime *rt = ctx;
	struct sink out = {.ctx = rt, .emit = core_emit};
	if (ev->id == EVENT_wish)
		journal_wish(rt, now, ev);
	rt->unheard_told = false;
	rt->applied++;
	rt->events_since_snapshot++;
	rt->s->core->on_event(rt->s->core_of(rt->self), now, ev, &out);
	if (in == rt->self_in)
		later_applied(rt, ev);
	if (rt->s->applied)
		rt->s->applied(rt->self, now, ev);
}

static int64_t core_next_due(void *ctx)
{
	struct runtime *rt = ctx;
	return rt->s->core->next_due(rt->s->core_of(rt->self));
}

static void core_fire(void *ctx, int64_t due)
{
	struct runtime *rt = ctx;
	struct sink out = {.ctx = rt, .emit = core_emit};
	rt->unheard_told = false;
	rt->s->core->on_timer(rt->s->core_of(rt->self), due, &out);
}

static void core_late(void *ctx, struct sequencer_input *in, const struct event *ev, int64_t applied_at)
{
	struct runtime *rt = ctx;
	struct event p;
	event_init(&p, EVENT_parity);
	p.parity.cause = parity_cause_late;
	event_set_name(p.parity.publisher, in->publisher);
	p.parity.input_seq = ev->seq;
	p.parity.input_epoch = ev->epoch;
	p.parity.input_at = ev->ts_recv;
	p.parity.applied_at = applied_at;
	p.parity.count = 1;
	int rc = runtime_emit_shell(rt, &p);
	if (rc)
		runtime_fail(rt, "a parity exception cannot be put on record", rc);
}

static bool core_replaceable(void *ctx, uint16_t id)
{
	const struct runtime *rt = ctx;
	return rt->s->core->replaceable && rt->s->core->replaceable(id);
}

static bool core_conflate(void *ctx, struct sequencer_input *in, const struct sequencer_conflation *c)
{
	struct runtime *rt = ctx;
	struct event p;
	if (outbox_verifying(&rt->outbox) || !outbox_has_room(&rt->outbox))
		return false;
	event_init(&p, EVENT_parity);
	p.parity.cause = parity_cause_conflated;
	event_set_name(p.parity.publisher, in->publisher);
	event_set_text(p.parity.input_topic, c->topic);
	p.parity.input_seq = c->seq;
	p.parity.input_epoch = c->epoch;
	p.parity.input_at = c->from;
	p.parity.applied_at = c->to;
	p.parity.count = c->count;
	return runtime_emit_shell(rt, &p) == 0;
}

static void core_apply_quietly(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct runtime *rt = ctx;
	(void)in;
	rt->applied++;
	rt->events_since_snapshot++;
	rt->s->core->on_quiet(rt->s->core_of(rt->self), now, ev);
	if (rt->s->applied)
		rt->s->applied(rt->self, now, ev);
}

static bool core_ready(void *ctx)
{
	struct runtime *rt = ctx;
	return rt->life != life_failed && outbox_ready(&rt->outbox) && (!rt->s->ready || rt->s->ready(rt->self));
}

const struct sequencer_ops runtime_core_sequencer = {
	.apply = core_apply, .next_due = core_next_due, .fire = core_fire, .late = core_late, .ready = core_ready,
	.replaceable = core_replaceable, .conflate = core_conflate, .apply_quietly = core_apply_quietly};

static void on_wake(void *ctx)
{
	struct runtime *rt = ctx;
	rt->wake = NULL;
	runtime_step(rt);
}

static void wake_at(struct runtime *rt, int64_t at, int64_t mono)
{
	if (at == INT64_MAX || (rt->wake && rt->wake_at <= at))
		return;
	loop_end(&rt->wake);
	rt->wake_at = at;
	loop_timer(rt->loop, at > mono ? at - mono : 0, 0, on_wake, rt, &rt->wake);
}

static void step_again(void *ctx)
{
	runtime_step(ctx);
}

static void maybe_snapshot(struct runtime *rt)
{
	bool due = rt->events_since_snapshot >= (uint64_t)rt->run.snapshot_events ||
		   (rt->events_since_snapshot && rt->sequencer.now - rt->snapshot_at >= rt->run.snapshot_ns);
	if (due)
		runtime_snapshot(rt);
}

/* Everything the journal had is regenerated: from here on outputs are new. */
void runtime_maybe_run(struct runtime *rt)
{
	if (rt->life != life_recover || (rt->s->core && outbox_verifying(&rt->outbox)))
		return;
	bool lockstep = runtime_lockstep(rt);
	for (uint32_t i = 0; i < rt->n_follows && !lockstep; i++) {
		struct follow *f = &rt->follow[i];
		if (f->in_m)
			f->in_m->wait_ns = rt->run.wait_market_ns;
		if (f->in_x)
			f->in_x->wait_ns = rt->run.wait_strategy_ns;
	}
	log_info("recovered", "compared=%llu differing=%llu next=%llu",
		 (unsigned long long)rt->outbox.counters.verified, (unsigned long long)rt->outbox.counters.differing,
		 (unsigned long long)rt->outbox.x_next);
	runtime_set_life(rt, life_ready);
	runtime_set_life(rt, life_running);
	reload_after_restart(rt);
	if (rt->s->run)
		rt->s->run(rt->self);
}

/* What a core causes comes its latency after the input: so far ahead it can promise. */
static void promise_step(struct runtime *rt)
{
	int64_t latency = rt->s->pubs[0] == EVENT_intent ? rt->run.order_latency_ns : rt->run.ack_latency_ns;
	int64_t handled = sequencer_handled(&rt->sequencer), quiet = sequencer_handled_quiet(&rt->sequencer);
	/* Also while comparing: two services that recover at once wait for each other's promises. */
	if ((rt->life != life_running && rt->life != life_recover) || quiet <= 0 || quiet > CORE_NEVER - latency)
		return;
	if (!follow_caught_up(rt))
		return;
	struct ev_promise p = {
		.at = handled + latency, .handled = quiet, .quiet_at = quiet + latency, .latency = latency};
	publish_promise(rt, &p);
}

void runtime_step(struct runtime *rt)
{
	if (rt->s->core && rt->life >= life_recover && rt->life <= life_running) {
		int64_t mono = runtime_mono(rt), wake;
		follow_mark_repairs(rt);
		uint32_t n = sequencer_step(&rt->sequencer, mono, STEP_MAX, &wake);
		/* The journal may end with records of the shell: no output of the core comes to step over them. */
		if (outbox_verifying(&rt->outbox))
			outbox_pass_shell(&rt->outbox, rt->sequencer.now);
		runtime_maybe_run(rt);
		wake_at(rt, wake, mono);
		if (n == STEP_MAX)
			loop_defer(rt->loop, step_again, rt);
		promise_step(rt);
		maybe_snapshot(rt);
	}
	outbox_flush(&rt->outbox);
}

/* --- inputs of the shell's own --------------------------------------------------------------------------- */

int runtime_side(struct runtime *rt, const char *name, struct sequencer_input **ret_in)
{
	if (rt->n_sides == RUNTIME_SIDES_MAX)
		return ERR_FULL;
	int64_t wait = runtime_lockstep(rt) ? SEQUENCER_FOREVER : 0;
	int rc = sequencer_add(&rt->sequencer, name, SEQUENCE_COMMAND, wait, 1 << 20, ret_in);
	if (rc)
		return rc;
	sequencer_promise(&rt->sequencer, *ret_in, CORE_NEVER);
	rt->side[rt->n_sides++] = *ret_in;
	return 0;
}

int runtime_side_push(struct runtime *rt, struct sequencer_input *in, const struct event *ev, const uint8_t *bytes,
		      size_t len)
{
	return sequencer_push(&rt->sequencer, in, ev, bytes, len, runtime_mono(rt));
}

void runtime_park(struct runtime *rt, struct bus_peer *ret_peer)
{
	must(rt->asking_peer);
	*ret_peer = *rt->asking_peer;
	rt->parked = true;
}

void runtime_reply(struct runtime *rt, const struct bus_peer *peer, struct event *reply, const struct buf *page)
{
	uint8_t out[1024];
	snprintf(reply->source, sizeof reply->source, "%s", rt->name);
	int n = codec_pack(reply, out, sizeof out);
	must(n > 0);
	bus_reply(rt->bus, peer, out, (size_t)n, page->at, page->len);
}

uint64_t runtime_x_last(const struct runtime *rt) { return rt->outbox.x_next - 1; }
int64_t runtime_now(const struct runtime *rt) { return rt->sequencer.now; }
bool runtime_verifying(const struct runtime *rt) { return outbox_verifying(&rt->outbox); }
