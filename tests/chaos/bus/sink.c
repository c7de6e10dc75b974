/* sink - a consumer for tests of lane X: a real service under the strategy's name; its ledger is a journal of its own.
 *
 * One record of the ledger is one record that was consumed, as it was published: effect and checkpoint are the same
 * bytes, on disk together or not at all. What is not durable when it is killed is asked for again.
 *
 * With strategy.replay=false it is the negative control: the same frames from the same sockets into the same ledger,
 * and nothing that notices a hole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/service/runtime.h"

struct settings {
	bool replay;
};

static const struct config_key keys[] = {
	{"replay", CONFIG_BOOL, "true", 0, 0, "", "false: takes what comes and asks for nothing.", NULL,
	 offsetof(struct settings, replay), 0},
	{0},
};
static const struct service_input inputs[] = {{"executor", LANE_X, NULL, 0}, {0}};
static const uint16_t pubs[] = {EVENT_alert, EVENT_gap, 0};

struct sink_state {
	struct runtime *rt;
	struct journal *ledger;
	struct bus *bare; /* the negative control's */
	bool replay;
	uint64_t epoch, seq; /* of the last record in the ledger */
	int64_t stamp;
	uint64_t write_errors; /* told so far */
};

static int keep(struct sink_state *s, const struct event *head, const uint8_t *bytes, size_t len)
{
	uint64_t at;
	int rc = journal_append(s->ledger, bytes, len, &at);
	if (rc == ERR_FULL || rc == ERR_NO_SPACE)
		return ERR_FULL;
	if (rc) {
		runtime_fail(s->rt, "ledger", rc);
		return ERR_FULL;
	}
	s->epoch = head->epoch;
	s->seq = head->seq;
	s->stamp = head->ts_recv;
	return 0;
}

static int on_event(void *self, struct inbox *in, const struct event *ev, const uint8_t *bytes, size_t len)
{
	struct sink_state *s = self;
	(void)in;
	return s->replay ? keep(s, ev, bytes, len) : 0;
}

static void on_bare_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct sink_state *s = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	struct event head;
	(void)link;
	if (codec_split(frame, len, &topic, &topic_len, &body, &body_len) == 0 &&
	    codec_peek(body, body_len, &head) == 0 && head.seq > s->seq)
		(void)keep(s, &head, body, body_len);
}

static void no_request(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len)
{
	(void)ctx, (void)peer, (void)request, (void)len;
}

static void no_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page, size_t n)
{
	(void)ctx, (void)publisher, (void)reply, (void)len, (void)page, (void)n;
}

static const struct bus_handler bare = {.on_frame = on_bare_frame, .on_request = no_request, .on_reply = no_reply};

static int listen_bare(struct sink_state *s, char *reason, size_t cap)
{
	struct bus_link *link;
	struct bus_zmq_options o = {.dir = runtime_settings(s->rt)->bus_dir};
	int rc = bus_zmq_open(runtime_loop(s->rt), &o, &bare, s, &s->bare, reason, cap);
	return rc ? rc : bus_subscribe(s->bare, "executor", LANE_X, NULL, NULL, &link);
}

static bool note_last(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	struct sink_state *s = ctx;
	struct event head;
	(void)seq;
	if (codec_peek(bytes, len, &head) != 0)
		return false;
	s->epoch = head.epoch;
	s->seq = head.seq;
	s->stamp = head.ts_recv;
	return true;
}

static int open_ledger(struct sink_state *s, char *reason, size_t cap)
{
	char dir[480];
	uint64_t next;
	snprintf(dir, sizeof dir, "%s/ledger", runtime_dir(s->rt));
	struct journal_options o = {.dir = dir, .epoch = 1, .segment_bytes = 64 << 10};
	int rc = journal_open(&o, &s->ledger, reason, cap);
	uint64_t last = rc ? 0 : journal_durable(s->ledger);
	if (last)
		rc = journal_read(s->ledger, last, 1, note_last, s, &next);
	return rc;
}

static int start(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap)
{
	struct sink_state *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_NOMEM;
	s->rt = rt;
	s->replay = ((const struct settings *)settings)->replay;
	int rc = open_ledger(s, reason, cap);
	if (!rc && !s->replay)
		rc = listen_bare(s, reason, cap);
	if (rc) {
		journal_close(s->ledger);
		free(s);
		return rc;
	}
	*ret_self = s;
	return 0;
}

static int cursor(void *self, struct inbox *in)
{
	struct sink_state *s = self;
	if (s->seq == 0)
		return ERR_NOT_FOUND;
	in->epoch = s->epoch;
	in->next = s->seq + 1;
	in->last = s->stamp;
	return 0;
}

/* A ledger that cannot be written any more is a reason to end. */
static void tick(void *self, int64_t mono_ns)
{
	struct sink_state *s = self;
	struct journal_status st = journal_status(s->ledger);
	(void)mono_ns;
	journal_ack(s->ledger);
	if (st.write_errors > s->write_errors)
		log_error("the ledger could not be written", "errors=%llu", (unsigned long long)st.write_errors);
	s->write_errors = st.write_errors;
	if (st.failed)
		runtime_fail(s->rt, "ledger", st.failed);
}

static void beat(void *self, struct ev_heartbeat *hb)
{
	hb->progress = ((struct sink_state *)self)->seq;
}

static void sink_free(void *self)
{
	struct sink_state *s = self;
	bus_close(&s->bare);
	journal_close(s->ledger);
	free(s);
}

static const struct service service = {
	.name = "strategy",
	.doc = "Keeps what the executor publishes on lane X (tests).",
	.keys = keys,
	.settings_size = sizeof(struct settings),
	.inputs = inputs,
	.pubs = pubs,
	.start = start,
	.free = sink_free,
	.on_event = on_event,
	.cursor = cursor,
	.tick = tick,
	.beat = beat,
};
SERVICE_MAIN(service)
