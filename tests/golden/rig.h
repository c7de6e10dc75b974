/* rig - a collector core in a test: keeps what it emits and asks for, and answers on demand. */
#ifndef NJ_TESTS_RIG_H
#define NJ_TESTS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "proto/codec.h"
#include "services/collector/core.h"

#define RIG_REQUESTS 64

struct rig {
	struct collector_core *core;
	struct collector_core_settings set;
	struct sink sink;
	struct collector_actions actions;
	/* What has come out: packed events behind each other, and how many of each kind. */
	struct buf out;
	uint32_t count[0x500];
	void (*on_event)(void *ctx, const struct event *ev);
	void *ctx;
	struct collector_request request[RIG_REQUESTS]; /* path is not kept */
	char path[RIG_REQUESTS][256];
	uint32_t n_requests;
	uint32_t n_reconnects;
	int64_t last_at; /* stamps never fall */
};

static inline void rig_emit(void *ctx, struct event *ev)
{
	static uint8_t packed[EVENT_PACKED_MAX];
	struct rig *r = ctx;
	memcpy(ev->source, "collector", 10); /* as the runtime does */
	int n = codec_pack(ev, packed, sizeof(packed));

	assert_true(n > 0);
	assert_true(ev->ts_recv >= r->last_at);
	assert_true(ev->ts_event != 0);
	assert_int_not_equal(ev->origin, 0);
	r->last_at = ev->ts_recv;
	r->count[ev->id]++;
	assert_int_equal(buf_append(&r->out, packed, (size_t)n), 0);
	if (r->on_event != NULL)
		r->on_event(r->ctx, ev);
}

static inline void rig_request(void *ctx, const struct collector_request *request)
{
	struct rig *r = ctx;
	uint32_t i = r->n_requests++ % RIG_REQUESTS;

	r->request[i] = *request;
	snprintf(r->path[i], sizeof(r->path[i]), "%s", request->path);
}

static inline void rig_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)connection;
	(void)reason;
	((struct rig *)ctx)->n_reconnects++;
}

static inline void rig_open(struct rig *r, const struct collector_core_settings *s)
{
	memset(r, 0, sizeof(*r));
	r->set = *s;
	r->sink = (struct sink){r, rig_emit};
	r->actions = (struct collector_actions){.ctx = r, .request = rig_request, .reconnect = rig_reconnect};
	buf_init(&r->out, (size_t)1 << 30);
	assert_int_equal(collector_core_new(s, &r->actions, &r->core), 0);
}

static inline void rig_close(struct rig *r)
{
	collector_core_free(r->core);
	buf_fini(&r->out);
}

static inline const struct collector_counters *rig_counters(const struct rig *r)
{
	return collector_core_counters(r->core);
}

static inline void rig_timers(struct rig *r, int64_t before)
{
	while (collector_core_next_due(r->core) < before)
		collector_core_on_timer(r->core, collector_core_next_due(r->core), &r->sink);
}

static inline void rig_frame(struct rig *r, int64_t now, const char *text)
{
	rig_timers(r, now);
	struct collector_frame f = {.now = now, .text = text, .len = strlen(text)};
	collector_core_on_frame(r->core, &f, &r->sink);
}

static inline void rig_change(struct rig *r, int64_t now, enum feed state)
{
	rig_timers(r, now);
	struct collector_change change = {.now = now, .state = state, .reason = "test"};
	collector_core_on_connection(r->core, &change, &r->sink);
}

static inline const struct collector_request *rig_last(const struct rig *r)
{
	return r->n_requests > 0 ? &r->request[(r->n_requests - 1) % RIG_REQUESTS] : NULL;
}

static inline const char *rig_last_path(const struct rig *r)
{
	return r->path[(r->n_requests - 1) % RIG_REQUESTS];
}

static inline void rig_reply_to(struct rig *r, int64_t now, uint64_t id, int status, const char *body)
{
	rig_timers(r, now);
	struct collector_reply reply = {.now = now, .id = id, .status = status, .body = body, .len = strlen(body)};
	collector_core_on_reply(r->core, &reply, &r->sink);
}

/* Answers the newest request. */
static inline void rig_reply(struct rig *r, int64_t now, int status, const char *body)
{
	assert_non_null(rig_last(r));
	rig_reply_to(r, now, rig_last(r)->id, status, body);
}

#endif
