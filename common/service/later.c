/* later - requests that change something: each carried out once, answered when what the answer says is true.
 *
 *                    decided, must reach the core       record is durable
 *     request --------------------------> APPLYING --> SYNCING ------------> GIVEN --expires_at--> FREE
 *         |   not for the core               (applied, or its time does not come soon)  ^
 *         +-------------------------------------------> SYNCING ------------------------+
 *         |   a snapshot                                                                |
 *         +-------------------------------------------> SAVING --on disk, or failed-----+
 *         \-- refused: answered at once and forgotten, the same request may be made again
 *
 * A repeated nonce never does anything a second time: it gets the first answer, now or when there is one. Nonces are
 * remembered until their request expires, also across a restart: the journal's records bear them (later_recall).
 */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime_state.h"

enum { APPLY_MAX_S = 2, RECALL_RECORDS = 1 << 16 };

struct later *later_find(struct runtime *rt, const char *nonce)
{
	for (uint32_t i = 0; i < rt->later_used; i++)
		if (rt->later[i].state != LATER_FREE && strcmp(rt->later[i].nonce, nonce) == 0)
			return &rt->later[i];
	return NULL;
}

static struct later *take_free(struct runtime *rt)
{
	int64_t now = clock_wall(runtime_clock(rt));
	for (uint32_t i = 0; i < rt->later_used; i++) {
		struct later *l = &rt->later[i];
		if (l->state == LATER_FREE || (l->state == LATER_GIVEN && l->expires_at < now))
			return l;
	}
	return rt->later_used < RUNTIME_LATER_MAX ? &rt->later[rt->later_used++] : NULL;
}

struct later *later_new(struct runtime *rt, const struct bus_peer *peer, const struct event *request)
{
	struct later *l = take_free(rt);
	if (!l)
		return NULL;
	*l = (struct later){.state = LATER_SYNCING,
			    .waits = true,
			    .peer = *peer,
			    .id = request->request.id,
			    .verb = request->request.verb,
			    .role = rt->asking_role,
			    .expires_at = request->request.expires_at};
	event_set_name(l->nonce, request->request.nonce);
	event_set_name(l->target, request->request.target);
	rt->later_open++;
	return l;
}

void later_drop(struct runtime *rt, struct later *l)
{
	l->state = LATER_FREE;
	rt->later_open--;
}

static void reply_to(struct runtime *rt, struct later *l)
{
	struct event ev;
	uint8_t out[1024];
	event_init(&ev, EVENT_reply);
	snprintf(ev.source, sizeof ev.source, "%s", rt->name);
	ev.reply.verb = l->verb;
	ev.reply.id = l->id;
	ev.reply.role = l->role;
	ev.reply.result = l->result;
	ev.reply.x_seq = l->seq;
	ev.reply.ordinal = l->ordinal;
	event_set_name(ev.reply.nonce, l->nonce);
	event_set_name(ev.reply.client_order_id, l->client_order_id);
	event_set_text(ev.reply.message, l->message);
	int n = codec_pack(&ev, out, sizeof out);
	must(n > 0);
	bus_reply(rt->bus, &l->peer, out, (size_t)n, NULL, 0);
	l->waits = false;
}

static void give(struct runtime *rt, struct later *l)
{
	l->state = LATER_GIVEN;
	rt->later_open--;
	if (l->waits)
		reply_to(rt, l);
}

void later_repeat(struct runtime *rt, struct later *l, const struct bus_peer *peer, uint64_t id)
{
	l->peer = *peer;
	l->id = id;
	l->waits = true;
	if (l->state == LATER_GIVEN)
		reply_to(rt, l);
}

void later_await_core(struct runtime *rt, struct later *l)
{
	l->state = LATER_APPLYING;
	l->until = runtime_mono(rt) + APPLY_MAX_S * NS_PER_S;
	event_set_text(l->message, "accepted and journalled; in force when event time gets there");
}

void later_await_snapshot(struct later *l, uint64_t written, uint64_t failed)
{
	l->state = LATER_SAVING;
	l->saved = written;
	l->save_errors = failed;
}

void later_applied(struct runtime *rt, const struct event *command)
{
	for (uint32_t i = 0; i < rt->later_used && rt->later_open > 0; i++) {
		struct later *l = &rt->later[i];
		if (l->state != LATER_APPLYING || l->seq != command->seq)
			continue;
		event_set_text(l->message, "carried out");
		if (rt->s->obeyed)
			rt->s->obeyed(rt->self, command, l->message);
		l->state = LATER_SYNCING;
	}
}

static void look_at_snapshot(struct runtime *rt, struct later *l)
{
	struct journal_status st = journal_status(rt->outbox.journal);
	if (st.snapshot_errors > l->save_errors) {
		l->result = ERR_IO;
		journal_reason(rt->outbox.journal, l->message, sizeof l->message);
		give(rt, l);
	} else if (st.snapshots > l->saved) {
		give(rt, l);
	}
}

void later_send(struct runtime *rt, int failed)
{
	uint64_t durable = rt->outbox.journal ? journal_durable(rt->outbox.journal) : UINT64_MAX;
	int64_t mono = runtime_mono(rt);
	for (uint32_t i = 0; i < rt->later_used && rt->later_open > 0; i++) {
		struct later *l = &rt->later[i];
		bool open = l->state != LATER_FREE && l->state != LATER_GIVEN;
		if (!open)
			continue;
		if (l->state == LATER_APPLYING && mono >= l->until)
			l->state = LATER_SYNCING;
		if (failed && l->seq > durable) {
			l->result = failed;
			event_set_text(l->message, "written, but not known to be on disk: look before trying again");
			give(rt, l);
		} else if (l->state == LATER_SAVING) {
			look_at_snapshot(rt, l);
		} else if (l->state == LATER_SYNCING && !l->held && l->seq <= durable) {
			give(rt, l);
		} else if (failed) {
			give(rt, l); /* on disk, but nothing goes on any more */
		}
	}
}

/* ---- services that answer later ---- */

void runtime_hold(struct runtime *rt)
{
	must(rt->asking);
	rt->asking->held = true;
}

void runtime_answer(struct runtime *rt, const struct runtime_outcome *o)
{
	struct later *l = later_find(rt, o->nonce);
	if (!l || !l->held)
		return;
	l->held = false;
	l->result = o->result;
	l->seq = o->seq;
	l->ordinal = o->ordinal;
	event_set_name(l->client_order_id, o->client_order_id ? o->client_order_id : "");
	event_set_text(l->message, o->message ? o->message : "");
	later_send(rt, 0);
}

/* ---- what a process before this one had accepted ---- */

struct recall {
	struct runtime *rt;
	int64_t now;
};

static struct later *recall(struct recall *r, const char *nonce, int64_t expires_at)
{
	if (!nonce[0] || expires_at < r->now)
		return NULL;
	struct later *l = later_find(r->rt, nonce);
	if (!l)
		l = take_free(r->rt);
	if (!l)
		return NULL;
	*l = (struct later){.state = LATER_GIVEN, .expires_at = expires_at};
	event_set_name(l->nonce, nonce);
	event_set_text(l->message, "accepted and journalled before a restart");
	return l;
}

static void recall_record(struct recall *r, const struct event *ev)
{
	struct later *l = NULL;
	if (ev->id == EVENT_alert)
		runtime_recall_alert(r->rt, &ev->alert);
	if (ev->id == EVENT_command)
		l = recall(r, ev->command.nonce, ev->command.expires_at);
	else if (ev->id == EVENT_injected)
		l = recall(r, ev->injected.nonce, ev->injected.expires_at);
	else if (ev->id == EVENT_wish)
		l = recall(r, ev->wish.nonce, ev->ts_sent + RUNTIME_EXPIRY_MAX_NS);
	else if (ev->id == EVENT_intent)
		l = recall(r, ev->intent.wish, ev->ts_sent + RUNTIME_EXPIRY_MAX_NS);
	if (!l)
		return;
	l->seq = ev->seq;
	l->verb = ev->id == EVENT_command ? ev->command.verb : ev->id == EVENT_injected ? verb_inject : verb_wish;
	if (ev->id == EVENT_command)
		event_set_name(l->target, ev->command.target);
	if (ev->id == EVENT_wish) { /* unless its intent follows */
		l->result = ERR_REFUSED;
		event_set_text(l->message, "taken in before a restart; no intent came of it");
		event_set_name(l->target, ev->wish.strategy);
	}
	if (ev->id == EVENT_intent) {
		l->ordinal = ev->intent.ordinal;
		event_set_name(l->client_order_id, ev->intent.client_order_id);
		event_set_name(l->target, ev->intent.strategy);
	}
}

static bool read_record(void *ctx, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct recall *r = ctx;
	struct event ev;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len, used;
	(void)seq;
	r->rt->arena.used = 0;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) == 0 &&
	    codec_unpack(body, body_len, &r->rt->arena, &ev, &used) == 0)
		recall_record(r, &ev);
	return true;
}

void later_recall(struct runtime *rt)
{
	struct recall r = {.rt = rt, .now = clock_wall(runtime_clock(rt))};
	uint64_t next;
	if (!rt->outbox.journal)
		return;
	struct journal_status st = journal_status(rt->outbox.journal);
	if (st.first > st.last)
		return;
	uint64_t from = st.last >= RECALL_RECORDS ? st.last - RECALL_RECORDS + 1 : 1;
	int rc = journal_read(rt->outbox.journal, from > st.first ? from : st.first, 0, read_record, &r, &next);
	if (rc)
		log_error("nonces of before the restart are not known", "err=%s", err_name(rc));
}
