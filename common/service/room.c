/* room - a journal has an end: what is given up of it, and what happens while it can take no more.
 *
 *     ROOM --disk or cap full (outbox_has_room)--> HELD: inputs wait, commands are refused, nothing is lost
 *     HELD --the persister acknowledges, snapshots move on, records are given up; or the disk has room--> ROOM
 *
 * Live, a service that trades does not go on until the last record: at three quarters of its cap, with nothing left to
 * give up, trading goes into safe mode, cause "journal", while there is room to write that down; below one half it is
 * over by itself. In lockstep inputs wait for the persister, so that a full journal changes nothing.
 */
#include <stdio.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime_state.h"

#define CAUSE "journal" /* of safe mode */

static bool has_snapshots(const struct runtime *rt)
{
	return rt->s->core || rt->s->save;
}

/* A journal that is half full gives up what the database has and no restart of ours would read again. */
static void trim(struct runtime *rt, const struct journal_status *st)
{
	uint64_t keep_after = rt->acked;
	if (has_snapshots(rt) && rt->snapshot_seq_before < keep_after)
		keep_after = rt->snapshot_seq_before;
	if (keep_after > st->first)
		journal_trim(rt->outbox.journal, keep_after);
}

static void tell(struct runtime *rt, const struct journal_status *st)
{
	static const char text[] = "the journal had no room: inputs waited";
	if (rt->held) {
		log_error("the journal has no room: inputs wait", "err=%s bytes=%llu first=%llu last=%llu stored=%llu",
			  err_name(st->blocked ? st->blocked : ERR_FULL), (unsigned long long)st->bytes,
			  (unsigned long long)st->first, (unsigned long long)st->last,
			  (unsigned long long)rt->acked);
		return;
	}
	/* On record only now: there was no room for it. */
	runtime_alert(rt, severity_critical, true, "journal_full", rt->name, text);
	runtime_alert(rt, severity_critical, false, "journal_full", rt->name, text);
}

/* What is not in the lane-M log went out all the same; who has missed it meets a gap. */
static void watch_log(struct runtime *rt)
{
	uint64_t errors = rt->outbox.counters.log_errors, events = rt->outbox.counters.m_events;
	char text[EVENT_TEXT_MAX] = "the lane-M log is kept again";
	if (!rt->outbox.mlog || events == rt->log_events)
		return;
	bool blocked = errors != rt->log_errors;
	if (blocked)
		snprintf(text, sizeof text, "the lane-M log is not kept (%llu records so far): %.100s",
			 (unsigned long long)errors, mlog_reason(rt->outbox.mlog));
	rt->log_errors = errors;
	rt->log_events = events;
	runtime_alert(rt, severity_warning, blocked, "log_blocked", rt->name, text);
}

static void say_safe(struct runtime *rt, const char *reason)
{
	int rc = runtime_safe(rt, CAUSE, reason);
	if (rc == 0)
		rt->nearly_full = reason[0] ? ROOM_SCARCE : ROOM_AMPLE;
	else if (rc != ERR_BUSY && rc != ERR_FULL)
		log_warn("safe mode for the journal's sake could not be decided", "err=%s", err_name(rc));
}

/* A former life may have raised it: the core knows, once it has seen all that was decided. */
static bool knows_state(struct runtime *rt)
{
	if (rt->nearly_full == ROOM_UNKNOWN && !recover_decisions_wait(rt))
		rt->nearly_full = rt->s->safe_for(rt->self, CAUSE) ? ROOM_SCARCE : ROOM_AMPLE;
	return rt->nearly_full != ROOM_UNKNOWN;
}

static void watch_cap(struct runtime *rt, const struct journal_status *st)
{
	uint64_t cap = (uint64_t)rt->run.journal_cap;
	char text[EVENT_TEXT_MAX];
	if (!rt->s->safe_for || runtime_lockstep(rt) || rt->life != life_running || !knows_state(rt))
		return;
	if (st->bytes >= cap / 4 * 3 && rt->nearly_full != ROOM_SCARCE) {
		snprintf(text, sizeof text,
			 "The journal is at %llu of %llu bytes and nothing of it is stored: is the persister alive?",
			 (unsigned long long)st->bytes, (unsigned long long)cap);
		log_error("the journal is nearly full: safe mode", "bytes=%llu cap=%llu stored=%llu",
			  (unsigned long long)st->bytes, (unsigned long long)cap, (unsigned long long)rt->acked);
		say_safe(rt, text);
	} else if (st->bytes < cap / 2 && rt->nearly_full != ROOM_AMPLE) {
		say_safe(rt, "");
	}
}

void room_watch(struct runtime *rt)
{
	struct journal_status st = journal_status(rt->outbox.journal);
	bool held = !outbox_has_room(&rt->outbox);
	watch_log(rt);
	if (held != rt->held) {
		rt->held = held;
		tell(rt, &st);
	}
	/* Inputs bring no snapshot while they wait: without one what is stored could not be given up. */
	if (held && has_snapshots(rt) && rt->snapshot_seq_before < rt->acked)
		runtime_snapshot(rt);
	if (st.bytes >= (uint64_t)rt->run.journal_cap / 2)
		trim(rt, &st);
	st = journal_status(rt->outbox.journal);
	watch_cap(rt, &st);
}
