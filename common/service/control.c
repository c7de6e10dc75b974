/* control - requests to a service: status, stop, log level, and commands, which reach a core as journalled events. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/permits.h"
#include "common/service/runtime_state.h"

static void put_pair(struct pair *p, uint32_t *n, const char *name, int64_t value)
{
	event_set_name(p[*n].name, name);
	p[*n].value = value;
	(*n)++;
}

/* What went wrong around it: 0 everywhere in a healthy run, cache_connected excepted. */
static uint32_t put_troubles(struct runtime *rt, struct pair *p, uint32_t n)
{
	const struct outbox_counters *c = &rt->outbox.counters;
	put_pair(p, &n, "held", rt->held);
	put_pair(p, &n, "refused", (int64_t)c->refused);
	put_pair(p, &n, "log_errors", (int64_t)c->log_errors);
	put_pair(p, &n, "unreadable", (int64_t)c->unreadable);
	put_pair(p, &n, "foreign_acks", (int64_t)rt->foreign_acks);
	put_pair(p, &n, "clock_steps", (int64_t)rt->clock_steps);
	if (!rt->mirror.cache)
		return n;
	struct cache_counters k = cache_counters(rt->mirror.cache);
	put_pair(p, &n, "cache_connected", k.connected);
	put_pair(p, &n, "cache_connects", (int64_t)k.connects);
	put_pair(p, &n, "cache_connect_failures", (int64_t)k.connect_failures);
	put_pair(p, &n, "cache_disconnects", (int64_t)k.disconnects);
	put_pair(p, &n, "cache_timeouts", (int64_t)k.timeouts);
	put_pair(p, &n, "cache_errors", (int64_t)k.errors);
	put_pair(p, &n, "cache_oom", (int64_t)k.oom);
	put_pair(p, &n, "cache_wrong_type", (int64_t)k.wrong_type);
	put_pair(p, &n, "cache_dropped", (int64_t)k.dropped);
	put_pair(p, &n, "cache_refused", (int64_t)(k.refused + rt->mirror.refused));
	return n;
}

static void put_bus(const struct runtime *rt, struct pair *p, uint32_t *n)
{
	const struct bus_counters *c = &rt->bus->counters;
	put_pair(p, n, "requests_refused", (int64_t)rt->refused);
	put_pair(p, n, "peers_silent", (int64_t)rt->peers_silent);
	put_pair(p, n, "bus_accepted", (int64_t)c->accepted);
	put_pair(p, n, "bus_disconnects", (int64_t)c->disconnects);
	put_pair(p, n, "bus_handshake_failures", (int64_t)c->handshake_failures);
	put_pair(p, n, "bus_auth_failures", (int64_t)c->auth_failures);
	put_pair(p, n, "bus_accept_failures", (int64_t)c->accept_failures);
	put_pair(p, n, "bus_cut_off", (int64_t)c->cut_off);
	put_pair(p, n, "bus_send_errors", (int64_t)c->send_errors);
	put_pair(p, n, "bus_oversized", (int64_t)c->oversized);
}

uint32_t runtime_status_pairs(struct runtime *rt, struct pair *p)
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
	put_pair(p, &n, "journal_errors", (int64_t)rt->journal_errors);
	put_pair(p, &n, "replay_pages", (int64_t)b->counters.replay_pages);
	put_pair(p, &n, "replay_deferred", (int64_t)b->counters.replay_deferred);
	put_pair(p, &n, "snapshots", (int64_t)rt->snapshots);
	uint64_t late = 0, conflated = 0, dropped = 0;
	for (uint32_t i = 0; i < rt->sequencer.n; i++) {
		const struct sequencer_input *in = &rt->sequencer.in[i];
		late += in->late;
		conflated += in->conflated;
		dropped += in->accounts ? in->accounts->dropped : 0;
	}
	put_pair(p, &n, "parity_late", (int64_t)late);
	put_pair(p, &n, "parity_conflated", (int64_t)conflated);
	put_pair(p, &n, "parity_dropped", (int64_t)dropped);
	struct log_counters lc = log_counters();
	put_pair(p, &n, "errors", (int64_t)lc.errors);
	n = put_troubles(rt, p, n);
	put_bus(rt, p, &n);
	n = lag_pairs(rt, p, n);
	struct metrics_group process = {.rows = process_metrics, .self = process_usage(rt)};
	n += metrics_pairs(&process, 1, p + n, EVENT_PAIRS_MAX - n);
	struct metrics_group g = {.rows = rt->s->metrics, .self = NULL};
	if (rt->s->metrics && rt->s->metrics_of && rt->self) {
		g.self = rt->s->metrics_of(rt->self);
		n += metrics_pairs(&g, 1, p + n, EVENT_PAIRS_MAX - n);
	}
	return n;
}

/* Behind everything that was applied, and behind what our promises have said that nothing more comes for. */
int64_t runtime_open_time(const struct runtime *rt)
{
	int64_t now = rt->sequencer.now;
	bool has = rt->s->core && rt->promise.quiet_at > INT64_MIN;
	int64_t promised = has ? sequencer_handled_quiet(&rt->sequencer) : 0;
	return (promised > now && promised < CORE_NEVER ? promised : now) + 1;
}

int64_t runtime_next_stamp(const struct runtime *rt)
{
	int64_t open = runtime_open_time(rt), last = rt->outbox.last_stamp;
	return open > last ? open : last + 1;
}

/* What the core is to see of a decision: the record itself, or the event that it carries. */
int runtime_push_decision(struct runtime *rt, const struct event *ev)
{
	static uint8_t packed[RUNTIME_DECISION_MAX];
	static struct arena arena;
	static uint8_t memory[RUNTIME_DECISION_MAX * 4];
	struct event inner = *ev;
	size_t used;
	if (ev->id == EVENT_injected) {
		arena = (struct arena){.at = memory, .cap = sizeof memory};
		int rc = codec_unpack(ev->injected.payload.at, ev->injected.payload.n, &arena, &inner, &used);
		if (rc)
			return rc;
		inner.ts_recv = ev->ts_recv;
		inner.seq = ev->seq;
		inner.epoch = ev->epoch;
	}
	int n = codec_pack(&inner, packed, sizeof packed);
	return n < 0 ? n : sequencer_push(&rt->sequencer, rt->self_in, &inner, packed, (size_t)n, runtime_mono(rt));
}

int runtime_decide(struct runtime *rt, struct event *ev)
{
	if (!rt->s->core)
		return runtime_emit_shell(rt, ev);
	if (outbox_verifying(&rt->outbox))
		return ERR_BUSY;
	if (rt->self_in->queue.bytes > rt->self_in->queue.cap / 2)
		return ERR_FULL;
	ev->ts_recv = runtime_next_stamp(rt);
	int rc = runtime_emit_shell(rt, ev);
	return rc ? rc : runtime_push_decision(rt, ev);
}

int runtime_safe(struct runtime *rt, const char *cause, const char *reason)
{
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_safe;
	event_set_name(ev.command.target, cause);
	event_set_name(ev.command.owner, rt->name);
	event_set_text(ev.command.reason, reason);
	return runtime_decide(rt, &ev);
}

static void answer(struct runtime *rt, const struct event *request, struct event *reply, struct buf *page)
{
	static struct pair pairs[EVENT_PAIRS_MAX];
	struct ev_reply *r = &reply->reply;
	int64_t expires = request->request.expires_at;
	if (expires && expires < clock_wall(runtime_clock(rt))) {
		r->result = ERR_STALE;
		event_set_text(r->message, "the command has expired");
	} else if (r->verb == verb_status) {
		r->values.at = pairs;
		r->values.n = runtime_status_pairs(rt, pairs);
		event_set_text(r->message, NJ_VERSION);
	} else if (r->verb == verb_state && !outbox_within_rate(&rt->outbox)) {
		r->result = ERR_BUSY;
		event_set_text(r->message, "beyond run.replay_rate: ask again");
	} else if (rt->s->on_request) {
		r->result = ERR_UNKNOWN;
		rt->s->on_request(rt->self, request, reply, page);
		if (r->verb == verb_state)
			outbox_charge(&rt->outbox, page->len);
	} else {
		r->result = ERR_UNKNOWN;
		event_set_text(r->message, "this service does not know that verb");
	}
}

static void refuse(struct runtime *rt, const struct bus_peer *peer, struct ev_reply *reply)
{
	const char *role = enum_text(enum_role(), peer->role), *verb = enum_text(enum_verb(), reply->verb);
	rt->refused++;
	reply->result = ERR_REFUSED;
	snprintf(reply->message, sizeof reply->message, "%s is not for the role %s (key %s)", verb ? verb : "that verb",
		 role ? role : "none", peer->name);
	log_warn("request refused", "key=%s role=%s verb=%s", peer->name, role ? role : "none", verb ? verb : "?");
}

void runtime_on_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct runtime *rt = ctx;
	struct event request, reply;
	size_t used;
	static uint8_t out[EVENT_PACKED_MAX];
	rt->arena.used = 0;
	int rc = codec_unpack(bytes, len, &rt->arena, &request, &used);
	if (rc || request.id != EVENT_request) {
		rt->refused++;
		log_warn("request refused", "err=%s bytes=%zu", err_name(rc ? rc : ERR_TYPE), len);
		return;
	}
	bool allowed = control_allowed((enum role)peer->role, (enum verb)request.request.verb);
	rt->asking_role = peer->role;
	if (allowed && (outbox_on_request(&rt->outbox, peer, &request) || command_on_request(rt, peer, &request)))
		return;
	event_init(&reply, EVENT_reply);
	snprintf(reply.source, sizeof reply.source, "%s", rt->name);
	reply.reply.verb = request.request.verb;
	reply.reply.id = request.request.id;
	reply.reply.role = rt->asking_role;
	struct buf page;
	buf_init(&page, BUS_PAGE_MAX);
	rt->asking_peer = peer;
	rt->parked = false;
	if (allowed)
		answer(rt, &request, &reply, &page);
	else
		refuse(rt, peer, &reply.reply);
	rt->asking_peer = NULL;
	int n = rt->parked ? 0 : codec_pack(&reply, out, sizeof out);
	if (n > 0)
		bus_reply(rt->bus, peer, out, (size_t)n, page.at, page.len);
	buf_fini(&page);
}
