/* runtime - the life of a service process; its states are drawn in runtime.h.
 *
 * BOOT: main_boot. RECOVER: recover_load, recover_own_journal, follow_start. READY, RUNNING: maybe_run. DRAINING:
 * runtime_stop. DONE, FAILED: shut_down.
 */
#include "common/service/runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime_state.h"

enum {
	STEP_MAX = 2000,
	EXIT_CONFIG = 78,
	EXIT_RUNNING = 3,
	EXIT_USAGE = 2,
	PROMISE_MIN_NS = 5000000 /* live: no more often, unless the promise widens by a lot */
};

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

void runtime_set_life(struct runtime *rt, enum life life)
{
	if (rt->life == life)
		return;
	rt->life = life;
	log_info("state", "life=%s", enum_text(enum_life(), (uint8_t)life));
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
	return id < 0x0100 || id == EVENT_command;
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
	check_emitted(rt, outbox_emit(&rt->outbox, ev), ev->id);
}

void runtime_emit_shell(struct runtime *rt, struct event *ev)
{
	must(may_publish(rt, ev->id));
	if (!rt->s->core && ev->ts_recv == 0)
		ev->ts_recv = clock_wall(runtime_clock(rt));
	check_emitted(rt, outbox_emit_shell(&rt->outbox, ev), ev->id);
}

void runtime_alert(struct runtime *rt, enum severity severity, bool raised, const char *rule, const char *subject,
		   const char *message)
{
	char key[STRMAP_KEY_MAX];
	int n = snprintf(key, sizeof key, "%.60s|%.60s", rule, subject);
	uint8_t *state = strmap_put(&rt->alerts, key, (size_t)n);
	if (state && *state == (raised ? 1 : 0))
		return;
	if (state)
		*state = raised ? 1 : 0;
	if (raised && severity == severity_critical)
		log_error("ALERT", "rule=%s subject=%s message=%s", rule, subject, message);
	else
		log_warn(raised ? "alert" : "alert resolved", "rule=%s subject=%s message=%s", rule, subject, message);
	struct event ev;
	event_init(&ev, EVENT_alert);
	ev.alert.severity = (uint8_t)severity;
	ev.alert.state = raised ? alert_state_raised : alert_state_resolved;
	event_set_name(ev.alert.rule, rule);
	event_set_name(ev.alert.subject, subject);
	event_set_text(ev.alert.message, message);
	runtime_emit_shell(rt, &ev);
}

void runtime_promise(struct runtime *rt, int64_t at, int64_t handled)
{
	if (at <= rt->promise_sent_at && handled <= rt->promise_handled)
		return;
	int64_t mono = runtime_mono(rt);
	if (!runtime_lockstep(rt) && mono - rt->promise_mono < PROMISE_MIN_NS)
		return;
	rt->promise_sent_at = at;
	rt->promise_handled = handled;
	rt->promise_mono = mono;
	struct event ev;
	event_init(&ev, EVENT_promise);
	ev.promise.at = at;
	ev.promise.handled = handled;
	ev.promise.x_last = rt->outbox.x_next - 1;
	runtime_emit(rt, &ev);
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

static void core_emit(void *ctx, struct event *ev)
{
	runtime_emit(ctx, ev);
}

static void core_apply(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct runtime *rt = ctx;
	struct sink out = {.ctx = rt, .emit = core_emit};
	(void)in;
	rt->applied++;
	rt->events_since_snapshot++;
	rt->s->core->on_event(rt->s->core_of(rt->self), now, ev, &out);
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
	runtime_emit_shell(rt, &p);
}

static bool core_ready(void *ctx)
{
	struct runtime *rt = ctx;
	return rt->life != life_failed && outbox_ready(&rt->outbox);
}

static const struct sequencer_ops core_sequencer = {
	.apply = core_apply, .next_due = core_next_due, .fire = core_fire, .late = core_late, .ready = core_ready};

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
		   (rt->events_since_snapshot && rt->outbox.last_stamp - rt->snapshot_at >= rt->run.snapshot_ns);
	if (due)
		runtime_snapshot(rt);
}

/* Everything the journal had is regenerated: from here on outputs are new. */
static void maybe_run(struct runtime *rt)
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
	log_info("recovered", "compared=%llu differing=%llu next=%llu", (unsigned long long)rt->outbox.counters.verified,
		 (unsigned long long)rt->outbox.counters.differing, (unsigned long long)rt->outbox.x_next);
	runtime_set_life(rt, life_ready);
	runtime_set_life(rt, life_running);
	if (rt->s->run)
		rt->s->run(rt->self);
}

void runtime_step(struct runtime *rt)
{
	if (rt->s->core && rt->life >= life_recover && rt->life <= life_running) {
		int64_t mono = runtime_mono(rt), wake;
		uint32_t n = sequencer_step(&rt->sequencer, mono, STEP_MAX, &wake);
		maybe_run(rt);
		wake_at(rt, wake, mono);
		if (n == STEP_MAX)
			loop_defer(rt->loop, step_again, rt);
		int64_t handled = sequencer_handled(&rt->sequencer);
		int64_t latency = rt->s->pubs[0] == EVENT_intent ? rt->run.order_latency_ns : rt->run.ack_latency_ns;
		if (rt->life == life_running && handled > 0 && handled < CORE_NEVER - latency)
			runtime_promise(rt, handled + latency, handled);
		maybe_snapshot(rt);
	}
	outbox_flush(&rt->outbox);
}

/* --- requests ----------------------------------------------------------------------------------------- */

static void put_pair(struct pair *p, uint32_t *n, const char *name, int64_t value)
{
	event_set_name(p[*n].name, name);
	p[*n].value = value;
	(*n)++;
}

static uint32_t status_pairs(struct runtime *rt, struct pair *p)
{
	uint32_t n = 0;
	const struct outbox *b = &rt->outbox;
	put_pair(p, &n, "life", rt->life);
	put_pair(p, &n, "pid", getpid());
	put_pair(p, &n, "x_last", (int64_t)(b->x_next - 1));
	put_pair(p, &n, "last_stamp", b->last_stamp);
	put_pair(p, &n, "applied", (int64_t)rt->applied);
	put_pair(p, &n, "handled", rt->s->core ? sequencer_handled(&rt->sequencer) : 0);
	put_pair(p, &n, "verified", (int64_t)b->counters.verified);
	put_pair(p, &n, "differing", (int64_t)b->counters.differing);
	put_pair(p, &n, "m_events", (int64_t)b->counters.m_events);
	put_pair(p, &n, "x_events", (int64_t)b->counters.x_events);
	put_pair(p, &n, "snapshots", (int64_t)rt->snapshots);
	uint64_t late = 0;
	for (uint32_t i = 0; i < rt->sequencer.n; i++)
		late += rt->sequencer.in[i].late;
	put_pair(p, &n, "parity_late", (int64_t)late);
	struct log_counters lc = log_counters();
	put_pair(p, &n, "errors", (int64_t)lc.errors);
	struct metrics_group g = {.rows = rt->s->metrics, .self = NULL};
	if (rt->s->metrics && rt->s->metrics_of && rt->self) {
		g.self = rt->s->metrics_of(rt->self);
		n += metrics_pairs(&g, 1, p + n, EVENT_PAIRS_MAX - n);
	}
	return n;
}

static void set_log_level(const struct event *request, struct ev_reply *reply)
{
	enum log_level level;
	if (log_level_parse(request->request.target, &level)) {
		reply->result = ERR_ARG;
		event_set_text(reply->message, "levels are debug, info, warn, error");
		return;
	}
	log_set_level(level);
	event_set_text(reply->message, "log level changed");
}

static void journal_command(struct runtime *rt, const struct event *request, struct ev_reply *reply)
{
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = request->request.verb;
	event_set_name(ev.command.target, request->request.target);
	event_set_name(ev.command.owner, request->request.owner[0] ? request->request.owner : request->source);
	event_set_text(ev.command.reason, request->request.reason);
	int64_t now = rt->sequencer.now;
	ev.ts_recv = rt->outbox.last_stamp > now ? rt->outbox.last_stamp + 1 : now + 1;
	if (request->request.lease > 0)
		ev.command.until = ev.ts_recv + request->request.lease;
	runtime_emit_shell(rt, &ev);
	uint8_t packed[1024];
	int n = codec_pack(&ev, packed, sizeof packed);
	if (n < 0 || sequencer_push(&rt->sequencer, rt->self_in, &ev, packed, (size_t)n, runtime_mono(rt)))
		reply->result = ERR_FULL;
	event_set_text(reply->message, reply->result ? "too many commands wait" : "accepted and journalled");
	runtime_step(rt);
}

static bool is_core_command(uint8_t verb)
{
	return verb == verb_pause || verb == verb_resume || verb == verb_reset || verb == verb_safe;
}

static void answer(struct runtime *rt, const struct event *request, struct event *reply, struct buf *page,
		   struct pair *pairs)
{
	struct ev_reply *r = &reply->reply;
	int64_t expires = request->request.expires_at;
	if (expires && expires < clock_wall(runtime_clock(rt))) {
		r->result = ERR_STALE;
		event_set_text(r->message, "the command has expired");
	} else if (r->verb == verb_status) {
		r->values.at = pairs;
		r->values.n = status_pairs(rt, pairs);
	} else if (r->verb == verb_stop) {
		event_set_text(r->message, "draining");
		runtime_stop(rt, "verb stop");
	} else if (r->verb == verb_log_level) {
		set_log_level(request, r);
	} else if (is_core_command(r->verb) && rt->s->core && rt->self_in) {
		journal_command(rt, request, r);
	} else if (rt->s->on_request) {
		r->result = ERR_UNKNOWN;
		rt->s->on_request(rt->self, request, reply, page);
	} else {
		r->result = ERR_UNKNOWN;
		event_set_text(r->message, "this service does not know that verb");
	}
}

void runtime_on_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct runtime *rt = ctx;
	struct event request, reply;
	size_t used;
	static struct pair pairs[EVENT_PAIRS_MAX];
	static uint8_t out[EVENT_PACKED_MAX];
	rt->arena.used = 0;
	int rc = codec_unpack(bytes, len, &rt->arena, &request, &used);
	if (rc || request.id != EVENT_request) {
		log_warn("request refused", "err=%s bytes=%zu", err_name(rc), len);
		return;
	}
	if (outbox_on_request(&rt->outbox, peer, &request))
		return;
	event_init(&reply, EVENT_reply);
	snprintf(reply.source, sizeof reply.source, "%s", rt->s->name);
	reply.reply.verb = request.request.verb;
	reply.reply.id = request.request.id;
	struct buf page;
	buf_init(&page, BUS_FRAME_X_MAX);
	answer(rt, &request, &reply, &page, pairs);
	int n = codec_pack(&reply, out, sizeof out);
	if (n > 0)
		bus_reply(rt->bus, peer, out, (size_t)n, page.at, page.len);
	buf_fini(&page);
}

/* --- timers, signals, life ---------------------------------------------------------------------------- */

static uint64_t resident_bytes(void)
{
	unsigned long long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void send_heartbeat(void *ctx)
{
	struct runtime *rt = ctx;
	struct event ev;
	event_init(&ev, EVENT_heartbeat);
	ev.ts_recv = ev.ts_event = clock_wall(runtime_clock(rt));
	ev.heartbeat.state = (uint8_t)rt->life;
	ev.heartbeat.x_epoch = rt->outbox.x_epoch;
	ev.heartbeat.x_last = rt->outbox.x_sent;
	ev.heartbeat.m_last = rt->outbox.mlog ? mlog_last(rt->outbox.mlog) : 0;
	if (rt->outbox.journal)
		ev.heartbeat.x_offset = journal_status(rt->outbox.journal).bytes;
	ev.heartbeat.rss = resident_bytes();
	ev.heartbeat.errors = log_counters().errors;
	ev.heartbeat.progress = rt->applied;
	if (rt->s->beat && rt->self)
		rt->s->beat(rt->self, &ev.heartbeat);
	if (rt->life == life_recover)
		event_set_name(ev.heartbeat.note, "recovering");
	runtime_emit(rt, &ev);
	outbox_flush(&rt->outbox);
}

static void send_metrics(struct runtime *rt)
{
	static struct pair pairs[EVENT_PAIRS_MAX];
	struct event ev;
	event_init(&ev, EVENT_metrics);
	ev.ts_recv = ev.ts_event = clock_wall(runtime_clock(rt));
	ev.metrics.values.at = pairs;
	ev.metrics.values.n = status_pairs(rt, pairs);
	runtime_emit(rt, &ev);
}

static void on_beat(void *ctx)
{
	struct runtime *rt = ctx;
	send_heartbeat(rt);
	if ((runtime_mono(rt) / rt->run.heartbeat_ns) % 20 == 0)
		send_metrics(rt);
	outbox_flush(&rt->outbox);
}

static void on_pulse(void *ctx)
{
	struct runtime *rt = ctx;
	follow_poll(rt);
	follow_promises(rt);
	if (rt->s->tick && rt->life == life_running)
		rt->s->tick(rt->self, runtime_mono(rt));
	/* The newest promise may have been held back by the rate: repeat it so that idle inputs still advance. */
	runtime_step(rt);
}

static void on_journal(void *ctx, int events)
{
	struct runtime *rt = ctx;
	(void)events;
	int rc = outbox_durable(&rt->outbox);
	if (rc)
		runtime_fail(rt, "journal", rc);
	else
		runtime_step(rt);
}

static void drained(void *ctx)
{
	struct runtime *rt = ctx;
	log_error("drain took too long", "limit_ms=%lld", (long long)(rt->run.drain_ns / NS_PER_MS));
	rt->drain = NULL;
	loop_stop(rt->loop);
}

void runtime_stop(struct runtime *rt, const char *why)
{
	if (rt->life >= life_draining)
		return;
	log_info("stopping", "why=%s", why);
	runtime_snapshot(rt);
	runtime_set_life(rt, life_draining);
	if (rt->s->stop)
		rt->s->stop(rt->self);
	loop_timer(rt->loop, rt->run.drain_ns, 0, drained, rt, &rt->drain);
	loop_stop(rt->loop);
}

static void on_signal(void *ctx, int events)
{
	struct runtime *rt = ctx;
	struct signalfd_siginfo si;
	(void)events;
	if (read(rt->signals, &si, sizeof si) != (ssize_t)sizeof si)
		return;
	if (si.ssi_signo == SIGHUP) {
		log_reopen();
	} else if (rt->life >= life_draining) {
		_exit(130); /* a second signal: at once */
	} else {
		runtime_stop(rt, si.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
	}
}

/* Before any thread exists: every thread inherits the mask, and czmq installs no handlers of its own. */
static int block_signals(struct runtime *rt)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_IO;
	rt->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return rt->signals < 0 ? ERR_IO : 0;
}

static int make_dirs(const char *path)
{
	char part[512];
	size_t n = strlen(path);
	if (n >= sizeof part)
		return ERR_TOO_LONG;
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		char was = part[i];
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return err_from_errno(errno);
		part[i] = was;
	}
	return 0;
}

/* The run id of a data directory is made once: client order ids must not repeat after a restart. */
static int load_run_id(struct runtime *rt)
{
	char path[sizeof rt->dir + 16], hex[17] = "";
	if (rt->run.run_id[0]) {
		event_set_name(rt->run_id, rt->run.run_id);
		return 0;
	}
	snprintf(path, sizeof path, "%s/run_id", rt->dir);
	FILE *f = fopen(path, "re");
	if (f) {
		bool ok = fscanf(f, "%16s", hex) == 1;
		fclose(f);
		if (ok) {
			event_set_name(rt->run_id, hex);
			return 0;
		}
	}
	uint64_t id;
	if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
		return ERR_IO;
	snprintf(hex, sizeof hex, "%016llx", (unsigned long long)id);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%s\n", hex) < 0 || fflush(f) || fsync(fileno(f)))
		return ERR_IO;
	fclose(f);
	event_set_name(rt->run_id, hex);
	return 0;
}

static void say_who_holds(struct runtime *rt)
{
	char path[200], text[64] = "";
	snprintf(path, sizeof path, "%s/%s.lock", rt->run.bus_dir, rt->s->name);
	FILE *f = fopen(path, "re");
	if (f && !fgets(text, sizeof text, f))
		text[0] = '\0';
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = '\0';
	log_error("already running", "service=%s holder=%s lock=%s", rt->s->name, text, path);
}

static int open_bus(struct runtime *rt, char *reason, size_t cap)
{
	int rc = make_dirs(rt->run.bus_dir);
	if (!rc)
		rc = bus_zmq_open(rt->loop, rt->run.bus_dir, &follow_bus_handler, rt, &rt->bus, reason, cap);
	if (rc)
		return rc;
	rc = bus_bind(rt->bus, rt->s->name);
	if (rc == ERR_BUSY) {
		say_who_holds(rt);
		rt->exit_code = EXIT_RUNNING;
		snprintf(reason, cap, "another %s is running", rt->s->name);
	}
	return rc;
}

static void on_difference(void *ctx, uint64_t seq, const char *was, const char *now)
{
	struct runtime *rt = ctx;
	char text[EVENT_TEXT_MAX];
	log_error("regenerated event differs from the journal", "seq=%llu was=%s now=%s", (unsigned long long)seq, was,
		  now);
	snprintf(text, sizeof text, "Regenerated event %llu differs from the journal: the restart is not the same run.",
		 (unsigned long long)seq);
	runtime_alert(rt, severity_critical, true, "recovery_differs", rt->s->name, text);
}

static int open_outbox(struct runtime *rt, char *reason, size_t cap)
{
	snprintf(rt->dir, sizeof rt->dir, "%s/%s", rt->run.data, rt->s->name);
	int rc = make_dirs(rt->dir);
	if (rc) {
		snprintf(reason, cap, "run.data: %s cannot be made (%s)", rt->dir, err_text(rc));
		return rc;
	}
	struct outbox_options o = {.source = rt->s->name, .dir = rt->dir, .logged = rt->s->logged,
				   .journal_cap = (uint64_t)rt->run.journal_cap, .mlog_cap = (uint64_t)rt->run.mlog_cap,
				   .mlog_keep_ns = rt->run.mlog_keep_ns, .clock = loop_clock(rt->loop),
				   .differs = on_difference, .ctx = rt};
	rc = outbox_open(&rt->outbox, rt->bus, &o, reason, cap);
	if (!rc)
		rc = load_run_id(rt);
	if (!rc)
		rc = loop_fd(rt->loop, journal_fd(rt->outbox.journal), LOOP_IN, on_journal, rt, &rt->journal_source);
	return rc;
}

static int add_inputs(struct runtime *rt)
{
	int rc = 0;
	if (rt->s->core) {
		rc = sequencer_init(&rt->sequencer, &core_sequencer, rt);
		if (!rc)
			rc = sequencer_add(&rt->sequencer, rt->s->name, SEQUENCE_COMMAND, 0, 1 << 20, &rt->self_in);
		if (!rc)
			sequencer_promise(&rt->sequencer, rt->self_in, CORE_NEVER);
	}
	for (size_t i = 0; !rc && rt->s->inputs && rt->s->inputs[i].publisher; i++)
		rc = follow_add(rt, &rt->s->inputs[i], NULL);
	return rc;
}

/* Lockstep: the publisher of market data never runs further ahead than its consumers allow. */
static int add_credit(struct runtime *rt)
{
	if (!runtime_lockstep(rt) || !rt->s->logged)
		return 0;
	char list[sizeof rt->run.lockstep_consumers], *save = NULL;
	memcpy(list, rt->run.lockstep_consumers, sizeof list);
	for (char *name = strtok_r(list, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
		struct service_input in = {.publisher = name};
		struct follow *f;
		int rc = follow_add(rt, &in, &f);
		if (rc)
			return rc;
		f->credit = true;
	}
	return 0;
}

static int make_service(struct runtime *rt, char *reason, size_t cap)
{
	int rc = rt->s->start(rt, rt->settings, &rt->self, reason, cap);
	if (rc == ERR_ARG)
		rt->exit_code = EXIT_CONFIG;
	if (!rc)
		rc = add_inputs(rt);
	if (!rc)
		rc = add_credit(rt);
	if (!rc)
		rc = recover_load(rt, reason, cap);
	return rc;
}

static int start_timers(struct runtime *rt)
{
	int rc = loop_fd(rt->loop, rt->signals, LOOP_IN, on_signal, rt, &rt->signal_source);
	if (!rc)
		rc = loop_timer(rt->loop, 0, rt->run.heartbeat_ns, on_beat, rt, &rt->beat);
	if (!rc)
		rc = loop_timer(rt->loop, 0, 50 * NS_PER_MS, on_pulse, rt, &rt->pulse);
	return rc ? rc : stall_start(rt);
}

static void say_hello(struct runtime *rt)
{
	struct event ev;
	event_init(&ev, EVENT_hello);
	ev.ts_recv = ev.ts_event = clock_wall(runtime_clock(rt));
	event_set_name(ev.hello.version, NJ_VERSION);
	event_set_name(ev.hello.run_id, rt->run_id);
	ev.hello.x_epoch = rt->outbox.x_epoch;
	ev.hello.x_last = rt->outbox.x_sent;
	ev.hello.m_last = rt->outbox.mlog ? mlog_last(rt->outbox.mlog) : 0;
	ev.hello.pid = (uint32_t)getpid();
	runtime_emit(rt, &ev);
}

static int start_log(struct runtime *rt)
{
	struct log_options o = {.service = rt->s->name, .json = strcmp(rt->run.log_format, "json") == 0,
				.file = rt->run.log_file[0] ? rt->run.log_file : NULL};
	log_level_parse(rt->run.log_level, &o.level);
	return log_open(&o);
}

static int main_boot(struct runtime *rt, char *reason, size_t cap)
{
	rt->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	int rc = rt->arena.at ? strmap_init(&rt->alerts, RUNTIME_ALERTS_MAX, 1) : ERR_NOMEM;
	if (!rc)
		rc = block_signals(rt);
	if (!rc)
		rc = loop_new(clock_real(), &rt->loop);
	if (!rc)
		rc = open_bus(rt, reason, cap);
	if (!rc)
		rc = open_outbox(rt, reason, cap);
	if (!rc)
		rc = make_service(rt, reason, cap);
	if (!rc)
		rc = start_timers(rt);
	return rc;
}

static void shut_down(struct runtime *rt)
{
	stall_stop(rt);
	if (rt->loop && rt->outbox.bus && rt->life != life_failed) {
		runtime_set_life(rt, life_done);
		send_heartbeat(rt);
	}
	if (rt->outbox.bus)
		outbox_close(&rt->outbox);
	if (rt->self && rt->s->free)
		rt->s->free(rt->self);
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		if (rt->follow[i].has_m)
			inbox_close(&rt->follow[i].m);
		if (rt->follow[i].has_x)
			inbox_close(&rt->follow[i].x);
	}
	if (rt->s->core)
		sequencer_fini(&rt->sequencer);
	bus_close(&rt->bus);
	loop_free(rt->loop);
	strmap_fini(&rt->alerts);
	free(rt->arena.at);
}

static int run(struct runtime *rt)
{
	char reason[400] = "";
	start_log(rt);
	log_info("start", "version=%s pid=%d pace=%s", NJ_VERSION, (int)getpid(), rt->run.pace);
	int rc = main_boot(rt, reason, sizeof reason);
	if (rc) {
		log_error("cannot start", "err=%s reason=%s", err_name(rc), reason[0] ? reason : err_text(rc));
		rt->life = life_failed;
		rt->exit_code = rt->exit_code ? rt->exit_code : 1;
	} else {
		runtime_set_life(rt, life_recover);
		recover_own_journal(rt);
		say_hello(rt);
		follow_start(rt);
		maybe_run(rt);
		rc = loop_run(rt->loop);
		if (rc)
			runtime_fail(rt, "loop", rc);
	}
	shut_down(rt);
	log_info("exit", "code=%d", rt->exit_code);
	log_close();
	return rt->exit_code;
}

int runtime_main(const struct service *s, int argc, char **argv)
{
	struct runtime_args args = {0};
	int rc = runtime_args_parse(s, argc, argv, &args);
	if (rc)
		return rc == 1 ? 0 : EXIT_USAGE;
	if (args.describe) {
		runtime_describe(s);
		return 0;
	}
	struct runtime *rt = calloc(1, sizeof *rt);
	if (!rt)
		return 1;
	rt->s = s;
	rt->life = life_boot;
	rt->promise_sent_at = rt->promise_handled = INT64_MIN;
	rt->settings = calloc(1, s->settings_size ? s->settings_size : 1);
	int code = EXIT_CONFIG;
	if (rt->settings && runtime_load_settings(rt, &args) == 0) {
		struct buf out;
		buf_init(&out, 1 << 20);
		if (args.print_config && config_print(rt->config, &out) == 0)
			fwrite(out.at, 1, out.len, stdout);
		buf_fini(&out);
		code = args.print_config || args.check_config ? 0 : run(rt);
	}
	config_free(rt->config);
	free(rt->settings);
	free(rt);
	return code;
}
