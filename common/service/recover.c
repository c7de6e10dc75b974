/* recover - how a service comes back: its newest snapshot, then its inputs again, compared with its journal.
 *
 * A snapshot holds the outbox's position, the sequencer's time, a cursor for each input and the service's state. A
 * restart loads it, replays the inputs from the cursors and regenerates the outputs; those the journal has already
 * are compared, not published. What the shell had decided is read back from the journal first: the commands it
 * accepted and the parity exceptions. Where an input's records are gone, the journal's own records are taken over
 * instead (core_ops.on_own): the ledger stays, the gap is on record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime_state.h"

enum { SNAPSHOT_FORMAT = 2, SNAPSHOT_FORMAT_UNCONFLATED = 1, SNAPSHOT_MAX = 64 << 20 };

static void save_cursors(const struct runtime *rt, struct packer *p)
{
	const struct sequencer *sq = &rt->sequencer;
	pack_i64(p, sq->now);
	pack_i64(p, sq->order);
	pack_array(p, sq->n * 5);
	for (uint32_t i = 0; i < sq->n; i++) {
		const struct sequencer_input *in = &sq->in[i];
		pack_str(p, in->publisher);
		pack_i64(p, in->class);
		pack_i64(p, in->last_at);
		pack_u64(p, in->last_seq);
		pack_u64(p, in->last_epoch);
	}
}

static void load_cursors(struct runtime *rt, struct unpacker *u)
{
	struct sequencer *sq = &rt->sequencer;
	sq->now = unpack_i64(u);
	sq->order = (int)unpack_i64(u);
	uint32_t n = unpack_array(u) / 5;
	for (uint32_t k = 0; k < n && !u->err; k++) {
		char publisher[EVENT_SOURCE_MAX];
		unpack_str(u, publisher, sizeof publisher);
		int64_t class = unpack_i64(u), at = unpack_i64(u);
		uint64_t seq = unpack_u64(u), epoch = unpack_u64(u);
		for (uint32_t i = 0; i < sq->n && !u->err; i++) {
			struct sequencer_input *in = &sq->in[i];
			if ((int64_t)in->class != class || strcmp(in->publisher, publisher) != 0)
				continue;
			in->last_at = at;
			if (in->class != SEQUENCE_COMMAND) /* commands come when they come: nobody waits for them */
				in->promised = at;
			in->last_seq = seq;
			in->last_epoch = epoch;
		}
	}
}

/* Services without a core have none. */
static void load_conflated(struct runtime *rt, struct unpacker *u)
{
	int rc = conflate_load(&rt->sequencer.conflate, u);
	if (rc && !u->err)
		u->err = rc;
}

static int save_state(struct runtime *rt, struct buf *state)
{
	if (rt->s->core)
		return rt->s->core->save(rt->s->core_of(rt->self), state);
	return rt->s->save ? rt->s->save(rt->self, state) : 0;
}

/* What the shell keeps beside a core. */
static int save_beside(struct runtime *rt, struct packer *p)
{
	struct buf beside;
	if (!rt->s->core || !rt->s->save)
		return 0;
	buf_init(&beside, SNAPSHOT_MAX);
	int rc = rt->s->save(rt->self, &beside);
	if (!rc)
		pack_bin(p, beside.at, beside.len);
	buf_fini(&beside);
	return rc ? rc : p->err;
}

static int load_beside(struct runtime *rt, struct unpacker *u)
{
	struct blob beside = unpack_bin(u);
	return u->err ? u->err : rt->s->load(rt->self, beside.at, beside.n);
}

static int load_state(struct runtime *rt, struct blob state)
{
	if (rt->s->core)
		return rt->s->core->load(rt->s->core_of(rt->self), state.at, state.n);
	return rt->s->load ? rt->s->load(rt->self, state.at, state.n) : 0;
}

static bool has_state(const struct runtime *rt)
{
	return rt->outbox.journal && (rt->s->core || rt->s->save);
}

/* A snapshot behind them would forget them. */
bool recover_decisions_wait(const struct runtime *rt)
{
	bool wait = rt->s->core && (rt->self_in->queue.count || rt->sequencer.now < rt->sequencer.excepted_until);
	for (uint32_t i = 0; i < rt->n_sides; i++)
		wait = wait || rt->side[i]->queue.count > 0;
	return wait;
}

/* Without snapshots a restart takes longer each time, and the journal gives nothing up. */
static void tell_snapshot(struct runtime *rt, bool written)
{
	char text[EVENT_TEXT_MAX] = "snapshots are written again", why[300];
	if (!written) {
		journal_reason(rt->outbox.journal, why, sizeof why);
		snprintf(text, sizeof text, "the last snapshot could not be written: %.140s", why);
	}
	runtime_alert(rt, severity_warning, !written, "snapshot_failed", rt->name, text);
}

void runtime_snapshot(struct runtime *rt)
{
	(void)runtime_snapshot_now(rt); /* what went wrong is counted and logged there */
}

int runtime_snapshot_now(struct runtime *rt)
{
	if (!has_state(rt))
		return ERR_UNKNOWN;
	if (outbox_verifying(&rt->outbox) || rt->life != life_running || recover_decisions_wait(rt))
		return ERR_BUSY;
	struct buf state, out;
	buf_init(&state, SNAPSHOT_MAX);
	buf_init(&out, SNAPSHOT_MAX);
	struct packer p = {.out = &out};
	int rc = save_state(rt, &state);
	if (!rc) {
		pack_i64(&p, SNAPSHOT_FORMAT);
		outbox_save(&rt->outbox, &p);
		save_cursors(rt, &p);
		conflate_save(&rt->sequencer.conflate, &p);
		pack_bin(&p, state.at, state.len);
		rc = p.err ? p.err : save_beside(rt, &p);
	}
	uint64_t failures = journal_status(rt->outbox.journal).snapshot_errors;
	if (!rc)
		rc = journal_snapshot(rt->outbox.journal, rt->outbox.x_next - 1, out.at, out.len);
	if (!rc) {
		rt->snapshots++;
		/* The journal takes a new one only when the last one is on disk, or has failed. */
		bool written = failures == rt->snapshot_failures;
		if (written)
			rt->snapshot_seq_before = rt->snapshot_seq;
		rt->snapshot_failures = failures;
		rt->snapshot_seq = rt->outbox.x_next - 1;
		rt->events_since_snapshot = 0;
		rt->snapshot_at = rt->sequencer.now;
		tell_snapshot(rt, written);
	} else if (rc != ERR_BUSY) {
		rt->snapshot_errors++;
		log_error("snapshot failed", "err=%s", err_name(rc));
	}
	buf_fini(&state);
	buf_fini(&out);
	return rc;
}

int recover_load(struct runtime *rt, char *reason, size_t cap)
{
	if (!has_state(rt))
		return 0;
	struct buf in;
	uint64_t seq = 0;
	buf_init(&in, SNAPSHOT_MAX);
	int rc = journal_snapshot_read(rt->outbox.journal, &seq, &in);
	if (rc == ERR_NOT_FOUND) {
		buf_fini(&in);
		rt->no_snapshot = true;
		rt->outbox.x_next = 1;
		return 0;
	}
	struct unpacker u = {.at = in.at, .end = in.at + in.len, .err = rc};
	int64_t format = rc ? 0 : unpack_i64(&u);
	if (format == SNAPSHOT_FORMAT || format == SNAPSHOT_FORMAT_UNCONFLATED) {
		outbox_load(&rt->outbox, &u);
		load_cursors(rt, &u);
		if (format == SNAPSHOT_FORMAT)
			load_conflated(rt, &u);
		struct blob state = unpack_bin(&u);
		rc = u.err ? u.err : load_state(rt, state);
		if (!rc && rt->s->core && rt->s->load && u.at < u.end)
			rc = load_beside(rt, &u);
		follow_on_resumed(rt);
	} else if (!rc) {
		rc = ERR_UNKNOWN;
	}
	buf_fini(&in);
	if (rc == ERR_DIFFERS)
		snprintf(reason, cap, "the snapshot at sequence %llu in %s/journal is of other settings than those of "
			 "now, and cannot go on under them (docs/operating.md, Changing settings). Put them back.",
			 (unsigned long long)seq, rt->dir);
	else if (rc)
		snprintf(reason, cap, "the snapshot at sequence %llu cannot be loaded: %s. Move %s/journal/snapshot-* "
			 "away to rebuild from the journal.", (unsigned long long)seq, err_text(rc), rt->dir);
	rt->snapshot_seq = rc ? 0 : seq; /* the one before it may be gone: nothing is trimmed before the next one */
	if (!rc)
		log_info("snapshot loaded", "seq=%llu compare_to=%llu", (unsigned long long)seq,
			 (unsigned long long)rt->outbox.verify_last);
	return rc;
}

struct own {
	struct runtime *rt;
	uint64_t exceptions, unheard, conflated, commands, applied, refused;
	uint64_t last;    /* record of the core */
	uint64_t compared; /* taking over: what is before this was regenerated; 0 nothing was */
};

static bool unpack_own(struct runtime *rt, const uint8_t *frame, size_t len, struct event *ev, const uint8_t **ret_body,
		       size_t *ret_len)
{
	const char *topic;
	size_t topic_len, used;
	rt->arena.used = 0;
	return codec_split(frame, len, &topic, &topic_len, ret_body, ret_len) == 0 &&
	       codec_unpack(*ret_body, *ret_len, &rt->arena, ev, &used) == 0;
}

/* At the time it was applied, through the input it came by. */
static int push_wish(struct runtime *rt, struct event *ev)
{
	uint8_t packed[1024];
	struct sequencer_input *in = rt->s->side_of ? rt->s->side_of(rt->self, ev) : NULL;
	if (!in)
		return ERR_NOT_FOUND;
	ev->ts_recv = ev->wish.applied_at;
	int n = codec_pack(ev, packed, sizeof packed);
	return n < 0 ? n : sequencer_push(&rt->sequencer, in, ev, packed, (size_t)n, 0);
}

static bool read_decision(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct own *own = ctx;
	struct runtime *rt = own->rt;
	struct event ev;
	const uint8_t *body;
	size_t body_len;
	int rc = 0;
	if (!unpack_own(rt, frame, len, &ev, &body, &body_len) || ev.ts_event != 0) {
		own->last = seq;
		return true;
	}
	if (ev.id == EVENT_parity && ev.parity.cause == parity_cause_conflated) {
		struct sequencer_conflation c = {.from = ev.parity.input_at, .to = ev.parity.applied_at};
		snprintf(c.topic, sizeof c.topic, "%s", ev.parity.input_topic);
		rc = sequencer_repeat_conflated(&rt->sequencer, ev.parity.publisher, &c);
		own->conflated++;
	} else if (ev.id == EVENT_parity && ev.parity.cause == parity_cause_unheard) {
		rc = sequencer_hold(&rt->sequencer, ev.parity.publisher, ev.parity.input_at, ev.parity.applied_at);
		own->unheard++;
	} else if (ev.id == EVENT_parity) {
		int64_t at = ev.parity.cause == parity_cause_dropped ? 0 : ev.parity.applied_at;
		rc = sequencer_except(&rt->sequencer, ev.parity.publisher, ev.parity.input_at, at);
		own->exceptions++;
	} else if (outbox_decides(ev.id)) {
		rc = runtime_push_decision(rt, &ev);
		own->commands++;
	} else if (ev.id == EVENT_wish) {
		rc = push_wish(rt, &ev);
		own->commands++;
	}
	own->refused += rc != 0;
	return true;
}

/* What was said since our last record is not heard again. */
static int tell_gap(struct runtime *rt)
{
	struct event ev;
	event_init(&ev, EVENT_gap);
	event_set_name(ev.gap.stream, "recovery");
	ev.gap.cause = gap_cause_restart;
	ev.gap.repair = repair_nothing;
	ev.gap.from = rt->outbox.last_stamp;
	ev.gap.to = clock_wall(runtime_clock(rt));
	return runtime_decide(rt, &ev);
}

static void log_untold(int rc)
{
	if (rc)
		log_error("the gap is not on record", "err=%s", err_name(rc));
}

/* Killed before its first snapshot: live, what it had heard then is not said again. */
static void start_from_journal(struct runtime *rt)
{
	recover_fall_back(rt);
	log_untold(tell_gap(rt));
}

void runtime_rejoin(struct runtime *rt)
{
	must(!runtime_lockstep(rt));
	log_untold(tell_gap(rt));
	follow_rejoin(rt);
}

void recover_own_journal(struct runtime *rt)
{
	struct own own = {.rt = rt};
	uint64_t next;
	if (!rt->s->core || !outbox_verifying(&rt->outbox))
		return;
	if (rt->no_snapshot && !runtime_lockstep(rt)) {
		start_from_journal(rt);
		return;
	}
	for (uint32_t i = 0; i < rt->sequencer.n; i++)
		if (&rt->sequencer.in[i] != rt->self_in)
			rt->sequencer.in[i].wait_ns = SEQUENCER_FOREVER;
	uint64_t from = rt->outbox.x_next;
	int rc = journal_read(rt->outbox.journal, from, 0, read_decision, &own, &next);
	if (rc)
		log_error("journal cannot be read", "err=%s", err_name(rc));
	else
		outbox_compare_to(&rt->outbox, own.last);
	if (own.refused)
		log_error("decisions of the journal that do not fit: the restart is not the same run", "records=%llu",
			  (unsigned long long)own.refused);
	log_info("comparing with the journal",
		 "from=%llu to=%llu exceptions=%llu unheard=%llu conflated=%llu commands=%llu",
		 (unsigned long long)from, (unsigned long long)own.last, (unsigned long long)own.exceptions,
		 (unsigned long long)own.unheard, (unsigned long long)own.conflated, (unsigned long long)own.commands);
}

static bool take_over(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct own *own = ctx;
	struct event ev;
	const uint8_t *body;
	size_t body_len;
	if (!unpack_own(own->rt, frame, len, &ev, &body, &body_len))
		return true;
	/* Of what was compared the core knows all but the decisions that still waited for their time. */
	if (seq >= own->compared || ev.id == EVENT_command || ev.id == EVENT_gap) {
		own->rt->s->core->on_own(own->rt->s->core_of(own->rt->self), &ev);
		own->applied++;
	}
	return true;
}

/* Once everything is compared: a restart that was not the same run is for people to judge before it trades on. */
void recover_judge(struct runtime *rt)
{
	char text[EVENT_TEXT_MAX];
	if (rt->judged || outbox_verifying(&rt->outbox) || rt->outbox.counters.differing == 0)
		return;
	rt->judged = true;
	snprintf(text, sizeof text, "%llu regenerated events differ from the journal: the restart is not the same run.",
		 (unsigned long long)rt->outbox.counters.differing);
	runtime_alert(rt, severity_critical, true, "recovery_differs", rt->name, text);
	if (!rt->s->core)
		return;
	int rc = runtime_safe(rt, "recovery", text);
	if (rc)
		runtime_fail(rt, "recovery differs", rc);
}

void recover_fall_back(struct runtime *rt)
{
	struct own own = {.rt = rt, .compared = rt->outbox.x_next};
	uint64_t next, waiting;
	sequencer_drop(rt->self_in, &waiting);
	uint64_t from = waiting && waiting < own.compared ? waiting : own.compared;
	int rc = rt->s->core->on_own ? journal_read(rt->outbox.journal, from, 0, take_over, &own, &next) : 0;
	if (rc) {
		runtime_fail(rt, "our own journal cannot be read", rc);
		return;
	}
	log_warn("the inputs are gone: the journal's own records are taken over", "records=%llu",
		 (unsigned long long)own.applied);
	outbox_accept_journal(&rt->outbox);
	/* Who begins with its journal has nothing behind it: what is said again from the start keeps its times. */
	if (!rt->no_snapshot || runtime_lockstep(rt))
		sequencer_skip_to(&rt->sequencer, rt->outbox.last_stamp);
	follow_on_resumed(rt);
}

/* Who is waited for, in words. */
static void name_missing(const struct runtime *rt, char out[EVENT_TEXT_MAX])
{
	size_t n = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		const struct follow *f = &rt->follow[i];
		bool silent = (f->in_m || f->in_x) && !f->heard;
		bool behind = (f->in_m && f->m.state != INBOX_LIVE) || (f->in_x && f->x.state != INBOX_LIVE);
		if ((silent || behind) && n + EVENT_SOURCE_MAX + 32 < EVENT_TEXT_MAX)
			n += (size_t)snprintf(out + n, EVENT_TEXT_MAX - n, "%s%s %s", n ? ", " : "", f->publisher,
					      silent ? "is silent" : "has not what we need");
	}
	if (n == 0)
		snprintf(out, EVENT_TEXT_MAX, "no input moves");
}

/* The ledger is what the journal says; what is missing is on record; nothing is traded until somebody has looked. */
static void serve_without(struct runtime *rt)
{
	char missing[EVENT_TEXT_MAX], text[EVENT_TEXT_MAX];
	name_missing(rt, missing);
	log_error("recovery cannot be finished: the journal is taken over as it is", "missing=%s at=%llu of=%llu",
		  missing, (unsigned long long)rt->outbox.x_next, (unsigned long long)rt->outbox.verify_last);
	recover_fall_back(rt);
	if (rt->life == life_failed)
		return;
	follow_rejoin(rt);
	int rc = tell_gap(rt);
	snprintf(text, sizeof text, "The inputs of before the restart are gone (%.80s): not compared with the journal.",
		 missing);
	if (!rc)
		rc = runtime_safe(rt, "recovery", text);
	if (rc)
		runtime_fail(rt, "recovery without its inputs", rc);
	runtime_alert(rt, severity_critical, true, "recovery_incomplete", rt->name, text);
	runtime_maybe_run(rt);
}

/* Whatever moves counts: an event applied, a page that came, a record compared. */
static uint64_t progress_of(const struct runtime *rt)
{
	uint64_t sum = rt->applied + rt->outbox.x_next;
	for (uint32_t i = 0; i < rt->n_follows; i++)
		sum += rt->follow[i].m.counters.paged + rt->follow[i].x.counters.paged;
	return sum;
}

void recover_watch(struct runtime *rt)
{
	bool waits = rt->s->core && rt->life == life_recover && outbox_verifying(&rt->outbox);
	if (!waits || runtime_lockstep(rt) || rt->run.recover_wait_ns == 0)
		return;
	uint64_t progress = progress_of(rt);
	int64_t mono = runtime_mono(rt);
	if (progress != rt->recover_progress || rt->recover_at == 0) {
		rt->recover_progress = progress;
		rt->recover_at = mono;
	} else if (mono - rt->recover_at >= rt->run.recover_wait_ns) {
		serve_without(rt);
	}
}
