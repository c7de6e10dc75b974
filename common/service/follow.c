/* follow - the publishers a service listens to: their lanes, their telemetry and their promises. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/gap.h"
#include "common/service/runtime_state.h"

#define COPY_KEEPER "persister" /* of every lane X */

enum { TELEMETRY_TOPICS_MAX = 16, STANDSTILL_NS = 200000000, DOUBT_NS = 1000000000 };

struct follow *follow_find(struct runtime *rt, const char *publisher)
{
	for (uint32_t i = 0; i < rt->n_follows; i++)
		if (strcmp(rt->follow[i].publisher, publisher) == 0)
			return &rt->follow[i];
	return NULL;
}

/* Records of another's shell are nothing that happened in the market or to an order; but who finds that its restart is
 * not the same run asks for safe mode, and whose orders they are is whom it asks. Nobody else's shell ends it. */
static bool asks_for_safe_mode(const struct runtime *rt, const struct event *head, const uint8_t *bytes, size_t len)
{
	struct arena none = {0}; /* a command has no lists */
	struct event ev;
	size_t used;
	return rt->s->safe_for && head->id == EVENT_command && codec_unpack(bytes, len, &none, &ev, &used) == 0 &&
	       ev.command.verb == verb_safe && ev.command.reason[0];
}

/* Core services: the sequencer takes it. Others: the service itself. */
static int on_deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len,
		      bool state)
{
	struct follow *f = ctx;
	struct runtime *rt = f->rt;
	(void)state;
	if (rt->s->core && in->lane == LANE_X && head->ts_event == 0 && !asks_for_safe_mode(rt, head, bytes, len))
		return 0;
	if (rt->s->core) {
		struct sequencer_input *si = in->lane == LANE_M ? f->in_m : f->in_x;
		si->account = in->lane == LANE_M ? in->account : NULL;
		return sequencer_push(&rt->sequencer, si, head, bytes, len, runtime_mono(rt));
	}
	struct event ev;
	size_t used;
	rt->arena.used = 0;
	int rc = codec_unpack(bytes, len, &rt->arena, &ev, &used);
	if (rc == ERR_UNKNOWN && in->lane == LANE_X) {
		ev = *head; /* of a newer publisher: its raw record is kept all the same */
		rc = 0;
	}
	if (rc) {
		in->counters.malformed++;
		log_warn("undecodable event", "publisher=%s err=%s", in->publisher, err_name(rc));
		return 0;
	}
	return rt->s->on_event ? rt->s->on_event(rt->self, in, &ev, bytes, len) : 0;
}

static bool has_room(void *ctx, struct inbox *in)
{
	struct follow *f = ctx;
	const struct sequencer_input *si = in->lane == LANE_M ? f->in_m : f->in_x;
	return !si || si->queue.bytes < si->queue.cap / 4;
}

/* Every market input but this one. */
static void rejoin(struct runtime *rt, const struct inbox *but)
{
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		uint64_t first;
		if (!f->in_m || f->m.state == INBOX_IDLE || &f->m == but)
			continue;
		sequencer_drop(f->in_m, &first);
		inbox_start(&f->m, INBOX_FROM_NOW, runtime_mono(rt));
	}
}

static void on_gap(void *ctx, struct inbox *in, const struct inbox_gap *gap)
{
	struct follow *f = ctx;
	struct runtime *rt = f->rt;
	log_error("records are gone for good", "publisher=%s lane=%s first=%llu last=%llu from=%lld to=%lld",
		  in->publisher, in->lane == LANE_M ? "M" : "X", (unsigned long long)gap->first,
		  (unsigned long long)gap->last, (long long)gap->from, (long long)gap->to);
	if (rt->s->core && outbox_verifying(&rt->outbox)) {
		recover_fall_back(rt);
		rejoin(rt, in); /* lane M goes on behind its own gap with the last values anyway */
	}
	struct event ev;
	event_init(&ev, EVENT_gap);
	gap_set_lane(&ev.gap, in->publisher, in->lane);
	ev.gap.cause = gap_cause_bus;
	ev.gap.repair = repair_nothing;
	ev.gap.from = gap->from;
	ev.gap.to = gap->to;
	ev.gap.first_missing = gap->first;
	ev.gap.last_missing = gap->last;
	int rc = runtime_decide(rt, &ev);
	if (rc)
		runtime_fail(rt, "a gap cannot be put on record", rc);
	if (rt->s->on_gap)
		rt->s->on_gap(rt->self, in, gap);
}

static void on_refused(void *ctx, struct inbox *in, const struct event *head)
{
	struct follow *f = ctx;
	char text[EVENT_TEXT_MAX];
	if (head->epoch == in->epoch && head->seq + 1 >= in->next)
		snprintf(text, sizeof text,
			 "record %llu of %s is not the one that was consumed: an older copy of its journal was "
			 "restored and has grown since. Restore what was there.",
			 (unsigned long long)head->seq, in->publisher);
	else
		snprintf(text, sizeof text,
			 "%s has epoch %llu up to %llu, behind epoch %llu up to %llu which was consumed: its journal "
			 "is older than the truth. Restore it.",
			 in->publisher, (unsigned long long)head->epoch, (unsigned long long)head->seq,
			 (unsigned long long)in->epoch, (unsigned long long)(in->next - 1));
	runtime_alert(f->rt, severity_critical, true, "epoch_backwards", in->publisher, text);
}

static void on_caught_up(void *ctx, struct inbox *in)
{
	struct follow *f = ctx;
	log_info("caught up", "publisher=%s lane=%s paged=%llu", in->publisher, in->lane == LANE_M ? "M" : "X",
		 (unsigned long long)in->counters.paged);
	follow_promises(f->rt);
}

static void on_unserved(void *ctx, struct inbox *in, int err)
{
	struct follow *f = ctx;
	char text[EVENT_TEXT_MAX] = "its records can be read again";
	if (err && in->lane == LANE_M && in->wants_state)
		snprintf(text, sizeof text,
			 "the last values of %s cannot be had (%s): we wait. Follow fewer symbols or raise run.queue.",
			 in->publisher, err_name(err));
	else if (err)
		snprintf(text, sizeof text,
			 "%s cannot read its own record %llu (%s): we wait. Its log names the file; restore that.",
			 in->publisher, (unsigned long long)in->next, err_name(err));
	runtime_alert(f->rt, severity_critical, err != 0, "input_unreadable", in->publisher, text);
}

static const struct inbox_ops ops = {.deliver = on_deliver,
				     .gap = on_gap,
				     .refused = on_refused,
				     .unserved = on_unserved,
				     .room = has_room,
				     .caught_up = on_caught_up};

static struct follow *new_follow(struct runtime *rt, const char *publisher)
{
	if (rt->n_follows == RUNTIME_FOLLOWS_MAX || strlen(publisher) >= EVENT_SOURCE_MAX)
		return NULL;
	struct follow *f = &rt->follow[rt->n_follows];
	if (accounts_init(&f->telemetry_accounts, TELEMETRY_TOPICS_MAX))
		return NULL;
	f->telemetry_accounts.renumbered = true;
	rt->n_follows++;
	f->rt = rt;
	f->promise_at = f->quiet_at = f->handled = INT64_MIN;
	memcpy(f->publisher, publisher, strlen(publisher) + 1);
	return f;
}

static int add_to_sequencer(struct runtime *rt, const struct service_input *input, struct sequencer_input **ret_in)
{
	if (!rt->s->core)
		return 0;
	bool lockstep = runtime_lockstep(rt);
	int64_t wait = input->class == SEQUENCE_MARKET ? rt->run.wait_market_ns : rt->run.wait_strategy_ns;
	return sequencer_add(&rt->sequencer, input->publisher, input->class, lockstep ? SEQUENCER_FOREVER : wait,
			     (size_t)rt->run.queue_bytes, ret_in);
}

/* Promises are for who merges by time, or has credit by them. To anybody else they are wake-ups for nothing, a hundred
 * and more a second from each publisher: heartbeats tell enough. They are the first of the prefixes. */
static const char *const *telemetry_for(struct runtime *rt)
{
	return outbox_telemetry_prefixes + (rt->s->core || runtime_lockstep(rt) ? 0 : 1);
}

static int add_m(struct follow *f, const struct service_input *input)
{
	const char *const *telemetry = telemetry_for(f->rt);
	size_t n = 0;
	for (; input->prefixes && input->prefixes[n]; n++)
		f->prefixes[n] = input->prefixes[n];
	for (size_t i = 0, own = n; own && telemetry[i]; i++)
		f->prefixes[n++] = telemetry[i];
	if (n)
		f->prefixes[n++] = outbox_tail_prefix;
	must(n < ARRAY_LEN(f->prefixes));
	f->has_m = true;
	/* Several prefixes come into force one after the other: a promise might be heard while a topic is not yet,
	 * and be believed. In lockstep, where nothing may be late, there is one subscription, to everything; what is
	 * not wanted is left out here. Live such an event is applied late, on record. */
	bool whole = n == 0 || runtime_lockstep(f->rt);
	int rc = add_to_sequencer(f->rt, input, &f->in_m);
	if (!rc)
		rc = inbox_open(&f->m, f->rt->bus, f->publisher, LANE_M, whole ? NULL : f->prefixes, &ops, f);
	f->m.prefixes = n ? f->prefixes : NULL;
	f->m.resync = f->m.queues = f->in_m != NULL;
	if (f->in_m)
		f->in_m->accounts = &f->m.accounts;
	return rc;
}

int follow_add(struct runtime *rt, const struct service_input *input, struct follow **ret_follow)
{
	struct follow *f = follow_find(rt, input->publisher);
	if (!f)
		f = new_follow(rt, input->publisher);
	if (!f)
		return ERR_FULL;
	int rc = 0;
	if (input->lane == LANE_M && !f->has_m) {
		rc = add_m(f, input);
	} else if (input->lane == LANE_X && !f->has_x) {
		f->has_x = true;
		rc = add_to_sequencer(rt, input, &f->in_x);
		if (!rc)
			rc = inbox_open(&f->x, rt->bus, f->publisher, LANE_X, input->prefixes, &ops, f);
		if (!rc && strcmp(rt->name, COPY_KEEPER) != 0 && strcmp(f->publisher, COPY_KEEPER) != 0)
			inbox_copy(&f->x, COPY_KEEPER);
	}
	if (ret_follow)
		*ret_follow = f;
	return rc;
}

/* Lane X and bare followers hear telemetry on a link of its own; with lane M it comes in the stream's order. */
static void listen_to_telemetry(struct follow *f)
{
	if (f->has_m || f->telemetry)
		return;
	int rc = bus_subscribe(f->rt->bus, f->publisher, LANE_M, telemetry_for(f->rt), f, &f->telemetry);
	if (rc)
		log_error("no telemetry", "publisher=%s err=%s", f->publisher, err_name(rc));
}

static void start_inbox(struct runtime *rt, struct follow *f, struct inbox *in)
{
	struct sequencer_input *si = in->lane == LANE_M ? f->in_m : f->in_x;
	bool whole = runtime_lockstep(rt) || in->lane == LANE_X;
	enum inbox_join join = whole ? INBOX_FROM_START : INBOX_FROM_NOW;
	if (si && si->last_at) {
		join = INBOX_FROM_CURSOR;
		in->last = si->last_at;
		in->epoch = si->last_epoch;
		in->next = si->last_seq + 1;
		if (in->lane == LANE_M)
			in->epoch = 0;
	} else if (rt->s->cursor && rt->s->cursor(rt->self, in) == 0) {
		join = INBOX_FROM_CURSOR;
	}
	inbox_start(in, join, runtime_mono(rt));
}

void follow_close(struct follow *f)
{
	if (f->has_m)
		inbox_close(&f->m);
	if (f->has_x)
		inbox_close(&f->x);
	accounts_fini(&f->telemetry_accounts);
}

void follow_start(struct runtime *rt)
{
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		listen_to_telemetry(f);
		if (f->has_m && f->m.state == INBOX_IDLE)
			start_inbox(rt, f, &f->m);
		if (f->has_x && f->x.state == INBOX_IDLE)
			start_inbox(rt, f, &f->x);
	}
}

/* Nothing is skipped meanwhile, but nothing of this publisher goes on either. */
static void watch_copy(struct follow *f)
{
	bool lacking = inbox_lacks_copy(&f->x);
	if (lacking == f->lacks_copy)
		return;
	f->lacks_copy = lacking;
	runtime_alert(f->rt, severity_critical, lacking, "copy_unavailable", f->publisher,
		      lacking ? "its journal has given up records that are still needed, and the persister, which has "
				"them, does not answer: start it"
			      : "the records that its journal has given up were had from the persister");
}

void follow_rejoin(struct runtime *rt)
{
	rejoin(rt, NULL);
}

/* What a core has lost is a parity exception, beside the gap: how many there were is known only when they are gone. */
static void tell_dropped(struct follow *f)
{
	struct runtime *rt = f->rt;
	uint64_t n = f->m.accounts.dropped - f->dropped_told;
	if (!f->in_m || n == 0 || outbox_verifying(&rt->outbox) || !outbox_has_room(&rt->outbox))
		return;
	struct event p;
	event_init(&p, EVENT_parity);
	p.parity.cause = parity_cause_dropped;
	event_set_name(p.parity.publisher, f->publisher);
	p.parity.count = n;
	if (runtime_emit_shell(rt, &p) == 0)
		f->dropped_told += n;
}

void follow_poll(struct runtime *rt)
{
	int64_t mono = runtime_mono(rt);
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		tell_dropped(f);
		if (f->has_m && f->m.state != INBOX_IDLE)
			inbox_poll(&f->m, mono);
		if (f->has_x && f->x.state != INBOX_IDLE) {
			inbox_poll(&f->x, mono);
			watch_copy(f);
		}
	}
}

/* Answers can come from the oldest unseen record's time plus the other side's latency on. */
static void set_limit(struct follow *f)
{
	if (!f->in_x || !f->in_x->feedback)
		return;
	int64_t at = INT64_MAX;
	if (f->sent_n)
		at = f->sent[f->sent_first].at;
	else if (f->sent_lost_at)
		at = f->sent_lost_at;
	sequencer_limit(f->in_x, at == INT64_MAX ? at : at + f->latency);
}

void follow_on_sent(struct runtime *rt, uint64_t seq, int64_t at)
{
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		if (!f->in_x || seq <= f->seen)
			continue;
		if (f->sent_n < SENT_MAX && f->sent_lost_at == 0) {
			f->sent[(f->sent_first + f->sent_n++) % SENT_MAX] = (struct sent){seq, at};
		} else {
			f->sent_lost_at = f->sent_lost_at ? f->sent_lost_at : at;
			f->sent_lost_last = seq;
		}
		set_limit(f);
	}
}

/* What was published before our snapshot may not have been seen, and its times are not in the snapshot: until it has
 * been, an answer can come at any time. */
void follow_on_resumed(struct runtime *rt)
{
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		if (!f->in_x || rt->outbox.x_next - 1 <= f->seen)
			continue;
		f->sent_lost_at = INT64_MIN / 2;
		f->sent_lost_last = rt->outbox.x_next - 1;
		set_limit(f);
	}
}

/* What the others know of our former life, we may not have again yet: "seen" must not fall behind it. */
bool follow_caught_up(const struct runtime *rt)
{
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		const struct follow *f = &rt->follow[i];
		if (f->in_x && f->in_x->feedback && !f->x.was_live)
			return false;
	}
	return true;
}

static void on_seen(struct follow *f, uint64_t seen)
{
	if (seen > f->seen)
		f->seen = seen;
	while (f->sent_n && f->sent[f->sent_first].seq <= f->seen) {
		f->sent_first = (f->sent_first + 1) % SENT_MAX;
		f->sent_n--;
	}
	if (f->sent_lost_last <= f->seen)
		f->sent_lost_at = 0;
	set_limit(f);
}

/* A promise counts once we have everything it speaks about. */
static void try_promise(struct follow *f, int64_t mono)
{
	if (!f->promised)
		return;
	if (f->has_m && f->m.state != INBOX_LIVE)
		return;
	if (f->has_x && (f->x.state != INBOX_LIVE || !inbox_tail(&f->x, f->x.epoch, f->promise_x, mono)))
		return;
	f->promised = false;
	struct sequencer *sq = &f->rt->sequencer;
	on_seen(f, f->promise_seen);
	if (f->in_m) {
		sequencer_promise(sq, f->in_m, f->promise_at);
		sequencer_quiet(f->in_m, f->quiet_at);
	}
	if (f->in_x) {
		sequencer_promise(sq, f->in_x, f->promise_at);
		sequencer_quiet(f->in_x, f->quiet_at);
	}
}

/* After a standstill of ours the end of what was sent meanwhile may be lost: not before something has come that was
 * sent since, we know. */
static void doubt_after_standstill(struct runtime *rt)
{
	int64_t mono = runtime_mono(rt);
	bool stood = rt->stepped_mono && mono - rt->stepped_mono > STANDSTILL_NS;
	rt->stepped_mono = mono;
	int64_t wall = clock_wall(runtime_clock(rt));
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		if (stood)
			f->doubted_since = wall;
		else if (wall - f->doubted_since > DOUBT_NS)
			f->doubted_since = 0; /* it says nothing at all */
	}
}

/* What is missing is coming: who does not answer is not waited for beyond the usual bound. */
static bool is_repairing(const struct inbox *in)
{
	return in->state != INBOX_LIVE && in->silent <= 1;
}

void follow_mark_repairs(struct runtime *rt)
{
	doubt_after_standstill(rt);
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		if (f->in_m)
			f->in_m->repairing = is_repairing(&f->m) || f->doubted_since;
		if (f->in_x)
			f->in_x->repairing = is_repairing(&f->x);
	}
}

void follow_promises(struct runtime *rt)
{
	int64_t mono = runtime_mono(rt);
	for (uint32_t i = 0; i < rt->n_follows; i++)
		try_promise(&rt->follow[i], mono);
}

static int64_t pair_of(const struct pairs *p, const char *name)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (strcmp(p->at[i].name, name) == 0)
			return p->at[i].value;
	return 0;
}

/* An acknowledgement counts for the journal it speaks of: a higher sequence of an earlier one would give up records
 * of this one that nobody has stored. */
static void take_ack(struct runtime *rt, const struct ev_heartbeat *hb)
{
	uint64_t seq = (uint64_t)pair_of(&hb->acks, rt->name);
	uint64_t epoch = (uint64_t)pair_of(&hb->ack_epochs, rt->name);
	if (seq == 0)
		return;
	if (epoch == rt->outbox.x_epoch)
		rt->acked = seq;
	else
		rt->foreign_acks++;
}

static void on_heartbeat(struct follow *f, const struct event *ev)
{
	int64_t mono = runtime_mono(f->rt);
	if (f->has_x)
		inbox_tail(&f->x, ev->heartbeat.x_epoch, ev->heartbeat.x_last, mono);
	if (f->has_m)
		inbox_tail_m(&f->m, ev->heartbeat.m_last, mono);
	take_ack(f->rt, &ev->heartbeat);
	peers_heard(f, ev);
}

static void on_promise(struct follow *f, const struct event *ev)
{
	struct runtime *rt = f->rt;
	f->heard = true;
	f->latency = ev->promise.latency;
	int64_t seen = pair_of(&ev->promise.seen, rt->name);
	/* What it saw of a journal that ours has replaced says nothing about this one. */
	uint64_t of = (uint64_t)pair_of(&ev->promise.seen_epochs, rt->name);
	if (seen > 0 && (of == 0 || of == rt->outbox.x_epoch))
		f->promise_seen = (uint64_t)seen;
	/* The newest one counts as a whole: one that still waits for records may be of a process that died with them.
	 */
	f->promise_at = ev->promise.at;
	f->quiet_at = ev->promise.quiet_at;
	f->promise_x = ev->promise.x_last;
	f->promised = true;
	try_promise(f, runtime_mono(rt));
	if (ev->promise.handled > f->handled) {
		f->handled = ev->promise.handled;
		if (f->credit && rt->on_credit)
			rt->on_credit(rt->self);
	}
}

/* Telemetry is never repaired, but on the link of lane M a hole in it means that more is lost: the promise that comes
 * behind the hole must not be believed before that is had. */
static void take_telemetry(struct follow *f, struct account *a, const struct event *ev)
{
	struct accounts *as = &f->telemetry_accounts;
	uint64_t next = a ? account_next(as, a, ev->epoch, ev->seq) : ev->seq;
	if (f->has_m && ev->seq > next)
		inbox_suspect(&f->m, runtime_mono(f->rt));
	if (a && ev->seq >= next)
		account_take(as, a, ev->epoch, ev->seq, false);
	if (ev->ts_sent > f->doubted_since)
		f->doubted_since = 0;
}

void follow_telemetry(struct follow *f, const uint8_t *frame, size_t len)
{
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	struct event ev;
	struct runtime *rt = f->rt;
	if (codec_split(frame, len, &topic, &topic_len, &body, &left))
		return;
	struct account *a = accounts_get(&f->telemetry_accounts, topic, topic_len);
	while (left) {
		rt->arena.used = 0;
		if (codec_unpack(body, left, &rt->arena, &ev, &used))
			return;
		take_telemetry(f, a, &ev);
		if (f->has_m)
			inbox_epoch_m(&f->m, ev.epoch, runtime_mono(rt));
		if (f->has_x)
			inbox_epoch_x(&f->x, ev.epoch, runtime_mono(rt));
		if (f->has_m && ev.id == EVENT_tail)
			inbox_tail_topic(&f->m, &ev, runtime_mono(rt));
		if (ev.id == EVENT_heartbeat)
			on_heartbeat(f, &ev);
		else if (ev.id == EVENT_promise)
			on_promise(f, &ev);
		if (rt->s->on_telemetry)
			rt->s->on_telemetry(rt->self, &ev);
		body += used;
		left -= used;
	}
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct runtime *rt = ctx;
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		bool is_m = f->has_m && f->m.link == link;
		if (link != f->telemetry && !is_m && !(f->has_x && f->x.link == link))
			continue;
		if (outbox_is_telemetry((const char *)frame, len))
			follow_telemetry(f, frame, len);
		else if (is_m)
			inbox_on_frame(&f->m, frame, len, runtime_mono(rt));
		else if (link != f->telemetry)
			inbox_on_frame(&f->x, frame, len, runtime_mono(rt));
		return;
	}
}

static void on_batch(void *ctx)
{
	struct runtime *rt = ctx;
	follow_promises(rt);
	follow_poll(rt);
	runtime_step(rt);
}

static void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page,
		     size_t page_len)
{
	struct runtime *rt = ctx;
	struct event ev;
	size_t used;
	(void)publisher; /* or who keeps its copy: the request's number tells whose answer it is */
	rt->arena.used = 0;
	if (codec_unpack(reply, len, &rt->arena, &ev, &used) || ev.id != EVENT_reply)
		return;
	int64_t mono = runtime_mono(rt);
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		struct follow *f = &rt->follow[i];
		if (f->has_m && inbox_on_reply(&f->m, &ev, page, page_len, mono))
			return;
		if (f->has_x && inbox_on_reply(&f->x, &ev, page, page_len, mono))
			return;
	}
}

/* Nothing is lost by it, what was missed is asked for; but it is no silence either. */
static void on_peer(void *ctx, const char *publisher, enum lane lane, bool up)
{
	(void)ctx;
	if (!up)
		log_info("connection lost", "publisher=%s lane=%s", publisher, lane == LANE_M ? "M" : "X");
}

const struct bus_handler follow_bus_handler = {.on_frame = on_frame,
					       .on_batch = on_batch,
					       .on_request = runtime_on_request,
					       .on_reply = on_reply,
					       .on_peer = on_peer};
