/* command - requests that change something: may they, are they new, what they do, what is put on record of them.
 *
 * Each needs a nonce and an expiry (wall clock): without them a lost answer could not be asked for again without doing
 * the thing twice, and an order that waited somewhere would be obeyed long after it was meant. What is accepted is a
 * `command` record of lane X with its event time; the answer follows when that is on disk and, where it is for the
 * core, applied (later.c). Stopping and the log level do not wait for a journal that cannot take them.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime_state.h"

/* Fills in the later's result and message; not 0: refused, nothing has happened. */
typedef int command_fn(struct runtime *rt, const struct event *request, struct later *l);

static int refuse(struct later *l, int err, const char *why)
{
	event_set_text(l->message, why);
	return err;
}

static const char *journal_trouble(int err)
{
	return err == ERR_BUSY ? "recovering: not accepted, try again" : "not accepted: it cannot be journalled now";
}

void command_of(struct runtime *rt, const struct event *request, struct event *ret_command)
{
	struct ev_command *c = &ret_command->command;
	const struct ev_request *r = &request->request;
	event_init(ret_command, EVENT_command);
	c->verb = r->verb;
	c->role = rt->asking_role;
	c->expires_at = r->expires_at;
	c->all = r->all;
	event_set_name(c->target, r->target);
	event_set_name(c->owner, r->owner[0] ? r->owner : request->source);
	event_set_name(c->nonce, r->nonce);
	event_set_text(c->reason, r->reason);
	if (r->lease > 0)
		c->until = runtime_next_stamp(rt) + r->lease;
}

static int journal(struct runtime *rt, const struct event *request, struct later *l)
{
	struct event ev;
	command_of(rt, request, &ev);
	int rc = runtime_decide(rt, &ev);
	if (rc)
		return refuse(l, rc, journal_trouble(rc));
	l->seq = ev.seq;
	event_set_text(l->message, "accepted and journalled");
	return 0;
}

static int to_core(struct runtime *rt, const struct event *request, struct later *l)
{
	if (!rt->s->core)
		return refuse(l, ERR_UNKNOWN, "this service does not know that verb");
	int rc = rt->s->judge ? rt->s->judge(rt->self, request, l->message) : 0;
	if (rc == 0)
		rc = journal(rt, request, l);
	if (rc == 0)
		later_await_core(rt, l);
	return rc;
}

/* Not knowing how to stop because a disk is full would be worse than a stop without a record. */
static void journal_if_possible(struct runtime *rt, const struct event *request, struct later *l, const char *done)
{
	char text[EVENT_TEXT_MAX];
	int rc = journal(rt, request, l);
	snprintf(text, sizeof text, "%s%s%s%s", done, rc ? " (not on record: " : "", rc ? err_text(rc) : "",
		 rc ? ")" : "");
	event_set_text(l->message, text);
}

static int log_to(struct runtime *rt, const struct event *request, struct later *l)
{
	enum log_level level;
	if (log_level_parse(request->request.target, &level))
		return refuse(l, ERR_ARG, "levels are debug, info, warn, error");
	log_set_level(level);
	journal_if_possible(rt, request, l, "log level changed");
	return 0;
}

static int take_snapshot(struct runtime *rt, const struct event *request, struct later *l)
{
	if (!rt->outbox.journal)
		return refuse(l, ERR_UNKNOWN, "this service keeps no state of its own");
	struct journal_status st = journal_status(rt->outbox.journal);
	int rc = runtime_snapshot_now(rt);
	if (rc == ERR_UNKNOWN)
		return refuse(l, rc, "this service keeps no state that a snapshot could hold");
	if (rc)
		return refuse(l, rc, rc == ERR_BUSY ? "recovering, or another snapshot is being written: try again"
						     : err_text(rc));
	char text[EVENT_TEXT_MAX];
	snprintf(text, sizeof text, "snapshot behind sequence %llu is on disk", (unsigned long long)rt->snapshot_seq);
	journal_if_possible(rt, request, l, text);
	later_await_snapshot(l, st.snapshots, st.snapshot_errors);
	return 0;
}

static int inject(struct runtime *rt, const struct event *request, struct later *l)
{
	struct event ev, inner;
	size_t used;
	const struct blob *b = &request->request.payload;
	if (!rt->run.allow_inject)
		return refuse(l, ERR_REFUSED, "for tests only: set run.allow_inject = true and restart");
	if (!rt->s->core)
		return refuse(l, ERR_UNKNOWN, "this service has no core to put an event into");
	if (b->n > RUNTIME_DECISION_MAX / 2 || codec_unpack(b->at, b->n, &rt->arena, &inner, &used) || used != b->n)
		return refuse(l, ERR_ARG, "the payload is not one packed event");
	event_init(&ev, EVENT_injected);
	ev.injected.payload = *b;
	ev.injected.expires_at = request->request.expires_at;
	event_set_name(ev.injected.owner, request->request.owner[0] ? request->request.owner : request->source);
	event_set_name(ev.injected.nonce, request->request.nonce);
	int rc = runtime_decide(rt, &ev);
	if (rc)
		return refuse(l, rc, journal_trouble(rc));
	l->seq = ev.seq;
	later_await_core(rt, l);
	return 0;
}

/* The service's own verbs: it answers at once, or holds the answer (runtime_hold). */
static int to_service(struct runtime *rt, const struct event *request, struct later *l)
{
	struct event reply;
	struct buf page;
	if (!rt->s->on_request)
		return refuse(l, ERR_UNKNOWN, "this service does not know that verb");
	event_init(&reply, EVENT_reply);
	reply.reply.verb = request->request.verb;
	reply.reply.result = ERR_UNKNOWN;
	buf_init(&page, BUS_PAGE_MAX);
	rt->asking = l;
	rt->s->on_request(rt->self, request, &reply, &page);
	rt->asking = NULL;
	buf_fini(&page);
	if (reply.reply.result)
		return refuse(l, (int)reply.reply.result, reply.reply.message);
	if (!l->held)
		journal_if_possible(rt, request, l, reply.reply.message[0] ? reply.reply.message : "done");
	return 0;
}

static int stop(struct runtime *rt, const struct event *request, struct later *l)
{
	if (request->request.target[0] && rt->s->on_request)
		return to_service(rt, request, l);
	journal_if_possible(rt, request, l, "draining");
	runtime_stop(rt, "verb stop");
	return 0;
}

static const struct command_row {
	enum verb verb;
	command_fn *run;
} rows[] = {
	{verb_pause, to_core},       {verb_resume, to_core},  {verb_reset, to_core},
	{verb_safe, to_core},        {verb_flatten, to_core}, {verb_stop, stop},
	{verb_log_level, log_to},    {verb_reload, reload_on_request},
	{verb_kill, to_core},        {verb_unkill, to_core},  {verb_cancel, to_core},
	{verb_snapshot, take_snapshot}, {verb_inject, inject},
	{verb_start, to_service},    {verb_restart, to_service}, {verb_wish, to_service},
};

static const struct command_row *row_of(uint8_t verb)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].verb == verb)
			return &rows[i];
	return NULL;
}

/* What makes it impossible to obey once and in time. */
static int unsafe(struct runtime *rt, const struct event *request, const char **ret_why)
{
	int64_t now = clock_wall(runtime_clock(rt)), expires = request->request.expires_at;
	if (!request->request.nonce[0] || expires == 0) {
		*ret_why = "an order needs a nonce and expires_at (wall clock, ns)";
		return ERR_ARG;
	}
	if (expires < now) {
		*ret_why = "the command has expired";
		return ERR_STALE;
	}
	*ret_why = "expires_at is more than ten minutes ahead";
	return expires - now > RUNTIME_EXPIRY_MAX_NS ? ERR_RANGE : 0;
}

static void answer_at_once(struct runtime *rt, const struct bus_peer *peer, const struct event *request, int result,
			   const char *message)
{
	struct event ev;
	uint8_t out[1024];
	event_init(&ev, EVENT_reply);
	snprintf(ev.source, sizeof ev.source, "%s", rt->name);
	ev.reply.verb = request->request.verb;
	ev.reply.id = request->request.id;
	ev.reply.role = rt->asking_role;
	ev.reply.result = result;
	event_set_name(ev.reply.nonce, request->request.nonce);
	event_set_text(ev.reply.message, message);
	int n = codec_pack(&ev, out, sizeof out);
	if (n > 0)
		bus_reply(rt->bus, peer, out, (size_t)n, NULL, 0);
}

static bool is_same(const struct later *l, const struct event *request)
{
	return l->verb == request->request.verb && strcmp(l->target, request->request.target) == 0;
}

bool command_on_request(struct runtime *rt, const struct bus_peer *peer, const struct event *request)
{
	const struct command_row *row = row_of(request->request.verb);
	const char *why;
	if (!row)
		return false;
	int rc = unsafe(rt, request, &why);
	struct later *l = rc ? NULL : later_find(rt, request->request.nonce);
	if (l && is_same(l, request)) {
		later_repeat(rt, l, peer, request->request.id);
		return true;
	}
	if (!rc && l) {
		rc = ERR_EXISTS;
		why = "this nonce was another order's";
	}
	if (!rc && !(l = later_new(rt, peer, request))) {
		rc = ERR_FULL;
		why = "too many orders that have not expired: try again later";
	}
	if (rc) {
		answer_at_once(rt, peer, request, rc, why);
		return true;
	}
	rc = row->run(rt, request, l);
	if (rc) {
		answer_at_once(rt, peer, request, rc, l->message);
		later_drop(rt, l);
	}
	runtime_step(rt);
	later_send(rt, 0);
	return true;
}
