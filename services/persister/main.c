/* main - the persister's shell: every publisher's lane X and the candles of lane M into the database, exactly once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime.h"
#include "proto/topic.h"
#include "services/persister/copy.h"
#include "services/persister/store.h"
#include "services/persister/writer.h"

struct settings {
	char database[256];
	int64_t interval_ns, queue_bytes, alert_ns;
};

#define AT(member) offsetof(struct settings, member)
#define TEXT(member) AT(member), sizeof(((struct settings *)0)->member)

static const struct config_key keys[] = {
	{"database", CONFIG_TEXT, "", 0, 0, "", "SQLite file; empty: nightjar.db in the service's data directory.",
	 NULL, TEXT(database)},
	{"interval", CONFIG_DUR, "100ms", NS_PER_MS, 10 * NS_PER_S, "ns",
	 "Between transactions while there is little to do.", NULL, AT(interval_ns), 0},
	{"queue", CONFIG_BYTES, "16MiB", 1 << 16, 1 << 30, "bytes", "Records waiting for the database.", NULL,
	 AT(queue_bytes), 0},
	{"alert_after", CONFIG_DUR, "10s", NS_PER_MS, 3600 * NS_PER_S, "ns",
	 "A database that cannot be written for this long.", NULL, AT(alert_ns), 0},
	{0},
};

static const char *const candle_topics[] = {"candle.", NULL};
static const struct service_input inputs[] = {
	{"collector", LANE_M, candle_topics, 0}, {"collector", LANE_X, NULL, 0}, {"strategy", LANE_X, NULL, 0},
	{"executor", LANE_X, NULL, 0},		 {"watchdog", LANE_X, NULL, 0},  {"persister", LANE_X, NULL, 0},
	{0},
};
static const uint16_t pubs[] = {EVENT_alert, EVENT_gap, 0};

struct counters {
	uint64_t records, rows, commits, duplicates, retries, refused;
	uint64_t copy_pages, copy_records, copy_errors;
	int64_t queued;
};

#define COUNTER(name, member, doc) {name, METRIC_COUNTER, doc, offsetof(struct counters, member)}
static const struct metric_row metrics[] = {
	COUNTER("persister_records_total", records, "Records committed."),
	COUNTER("persister_rows_total", rows, "Rows written to the tables of events."),
	COUNTER("persister_commits_total", commits, "Transactions."),
	COUNTER("persister_duplicates_total", duplicates, "Records that were there already."),
	COUNTER("persister_retries_total", retries, "Transactions that had to be tried again."),
	COUNTER("persister_refused_total", refused, "Records left with their publisher because the queue was full."),
	COUNTER("persister_copy_pages_total", copy_pages,
		"Pages of other publishers' records read back for who missed them."),
	COUNTER("persister_copy_records_total", copy_records, "Records in them."),
	COUNTER("persister_copy_errors_total", copy_errors, "Requests for them that the database could not answer."),
	{"persister_queue_bytes", METRIC_GAUGE, "Bytes waiting for the database.", offsetof(struct counters, queued)},
	{0},
};

struct persister {
	struct runtime *rt;
	struct store *store;
	struct writer *writer;
	struct copy *copy;
	struct counters counters;
	int64_t alert_ns;
	int64_t promised[COLLECTORS_MAX]; /* by each collector; 0 not yet */
	char path[400];
	struct pair acks[WRITER_PUBLISHERS_MAX], ack_epochs[WRITER_PUBLISHERS_MAX];
};

/* A damaged database is moved aside and made anew: the publishers' journals still have every record. */
static int move_aside(struct persister *p, const char *reason)
{
	char moved[500];
	int rc = store_quarantine(p->path, moved, sizeof moved);
	if (rc)
		log_error("the damaged database cannot be moved", "path=%s err=%s", p->path, err_name(rc));
	else
		log_error("the database is damaged: moved aside, rebuilt from the journals", "moved_to=%s reason=%s",
			  moved, reason);
	return rc;
}

static int open_store(struct persister *p, char *reason, size_t cap)
{
	int rc = store_open(p->path, &p->store, reason, cap);
	if (rc != ERR_CORRUPT)
		return rc;
	rc = move_aside(p, reason);
	return rc ? rc : store_open(p->path, &p->store, reason, cap);
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	const struct settings *in = settings;
	struct persister *p = calloc(1, sizeof *p);
	if (!p)
		return ERR_NOMEM;
	p->rt = rt;
	p->alert_ns = in->alert_ns;
	if (in->database[0])
		snprintf(p->path, sizeof p->path, "%s", in->database);
	else
		snprintf(p->path, sizeof p->path, "%s/nightjar.db", runtime_dir(rt));
	int rc = open_store(p, reason, cap);
	if (!rc)
		rc = copy_open(p->path, &p->copy);
	if (!rc)
		rc = writer_start(p->store, runtime_clock(rt), in->interval_ns, (size_t)in->queue_bytes, &p->writer);
	if (rc) {
		copy_close(p->copy);
		store_close(p->store);
		free(p);
		return rc;
	}
	*ret_self = p;
	return 0;
}

static void persister_free(void *self)
{
	struct persister *p = self;
	struct writer_status st = writer_status(p->writer);
	writer_stop(p->writer, runtime_settings(p->rt)->drain_ns);
	copy_close(p->copy);
	store_close(p->store);
	/* Damage deep in the file shows only in use: the next start would open it and end here again. */
	if (st.corrupt)
		move_aside(p, st.reason);
	free(p);
}

static int on_event(void *self, struct inbox *in, const struct event *ev, const uint8_t *bytes, size_t len)
{
	struct persister *p = self;
	char topic[TOPIC_MAX];
	if (topic_of(ev, topic) < 0)
		topic[0] = '\0';
	int rc = writer_put(p->writer, in->lane, topic, bytes, len);
	if (rc) {
		p->counters.refused++;
		return ERR_FULL;
	}
	return 0;
}

/* In lockstep the collectors may run on once we have taken in what they promised: all of them have, up to the least. */
static void on_telemetry(void *self, const struct event *ev)
{
	struct persister *p = self;
	const struct collectors *all = runtime_collectors(p->rt);
	const struct collector_place *place = collectors_find(all, ev->source);
	int64_t least = INT64_MAX;
	if (ev->id != EVENT_promise || !place)
		return;
	/* At its end, further than the others can come. */
	p->promised[place - all->at] = ev->promise.quiet_at == CORE_NEVER && all->n > 1 ? CORE_NEVER : ev->promise.at;
	for (uint32_t i = 0; i < all->n; i++)
		if (p->promised[i] < least)
			least = p->promised[i];
	if (least > 0 && writer_has_room(p->writer))
		runtime_promise(p->rt, least, least);
}

static int cursor(void *self, struct inbox *in)
{
	struct persister *p = self;
	struct store_cursor c;
	int rc = store_cursor(p->store, in->publisher, in->lane, &c);
	if (rc)
		return rc;
	in->epoch = in->lane == LANE_X ? c.epoch : 0;
	in->next = c.seq + 1;
	in->last = c.stamp;
	if (in->lane == LANE_X)
		writer_resume(p->writer, in->publisher, c.epoch, c.seq);
	return 0;
}

static void watch_writer(struct persister *p, const struct writer_status *st, int64_t mono_ns)
{
	bool bad = st->error && mono_ns - st->error_since >= p->alert_ns;
	char text[EVENT_TEXT_MAX] = "the database is being written again";
	if (bad)
		snprintf(text, sizeof text,
			 "%.60s cannot be written: %.60s. Nothing is lost: publishers keep their records.", p->path,
			 st->reason);
	runtime_alert(p->rt, severity_critical, bad, "database_blocked", "persister", text);
	if (st->corrupt)
		runtime_fail(p->rt, "database", ERR_CORRUPT);
}

static void tick(void *self, int64_t mono_ns)
{
	struct persister *p = self;
	struct writer_status st = writer_status(p->writer);
	p->counters.records = st.written;
	p->counters.rows = st.rows;
	p->counters.commits = st.commits;
	p->counters.duplicates = st.duplicates;
	if (st.retries > p->counters.retries)
		log_warn("a transaction failed and is tried again", "retries=%llu err=%s reason=%s",
			 (unsigned long long)st.retries, err_name(st.error), st.reason);
	p->counters.retries = st.retries;
	p->counters.queued = (int64_t)st.queued_bytes;
	struct copy_counters cc = copy_counters(p->copy);
	p->counters.copy_pages = cc.pages;
	p->counters.copy_records = cc.records;
	p->counters.copy_errors = cc.errors;
	if (st.error || st.retries)
		watch_writer(p, &st, mono_ns);
}

/* Only what the publisher's present life is known to have: one that was set back must not give up, because of what it
 * had said before, records that it writes now. */
static uint32_t verified_acks(struct persister *p)
{
	uint32_t kept = 0, n = writer_acks(p->writer, p->acks, p->ack_epochs, WRITER_PUBLISHERS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		const struct inbox *in = runtime_input(p->rt, p->acks[i].name, LANE_X);
		if (!in || !in->verified)
			continue;
		p->acks[kept] = p->acks[i];
		p->ack_epochs[kept++] = p->ack_epochs[i];
	}
	return kept;
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	struct persister *p = self;
	struct writer_status st = writer_status(p->writer);
	hb->progress = st.written;
	if (st.error)
		event_set_name(hb->note, err_name(st.error));
	hb->acks.n = hb->ack_epochs.n = verified_acks(p);
	hb->acks.at = p->acks;
	hb->ack_epochs.at = p->ack_epochs;
}

/* Answered here: replay_x about another publisher than ourselves. */
static void on_request(void *self, const struct event *request, struct event *reply, struct buf *page)
{
	struct persister *p = self;
	if (request->request.verb != verb_replay_x)
		return;
	copy_answer(p->copy, request, reply, page);
	if (reply->reply.result && reply->reply.result != ERR_NOT_FOUND)
		log_error("records cannot be read back", "publisher=%s err=%s", request->request.target,
			  err_name((int)reply->reply.result));
}

static const void *metrics_of(void *self)
{
	return &((struct persister *)self)->counters;
}

static const char *const standing[] = {"database_blocked", NULL};

static const struct service service = {
	.name = "persister",
	.doc = "Keeps what must last: every lane-X record and its row, and the candles, in SQLite.",
	.keys = keys,
	.settings_size = sizeof(struct settings),
	.inputs = inputs,
	.pubs = pubs,
	.metrics = metrics,
	.start = start,
	.free = persister_free,
	.metrics_of = metrics_of,
	.on_event = on_event,
	.on_telemetry = on_telemetry,
	.cursor = cursor,
	.tick = tick,
	.beat = beat,
	.standing = standing,
	.on_request = on_request,
};
SERVICE_MAIN(service)
