/* requests - the collector's GETs: sending, what their replies bring along, the answer on its way to the core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

#define URL_MAX (64 << 10)
#define BODY_MAX (64 << 20)

static const char *const *hosts_of(const struct shell *s, enum venue_ask ask)
{
	bool catalog = ask == VENUE_ASK_INSTRUMENTS || ask == VENUE_ASK_LISTINGS;
	return catalog && s->venue->catalog_hosts ? s->venue->catalog_hosts : s->venue->rest_hosts;
}

static const char *rest_base(const struct shell *s, enum venue_ask ask)
{
	bool catalog = ask == VENUE_ASK_INSTRUMENTS || ask == VENUE_ASK_LISTINGS;
	if (catalog && s->set.catalog_url[0])
		return s->set.catalog_url;
	return s->set.rest_url[0] ? s->set.rest_url : hosts_of(s, ask)[0];
}

static int send_request(struct asked *a, const char *path);

static int64_t header_i64(const struct http_call *call, const char *name)
{
	const char *text = http_header(call, name);
	return text ? strtoll(text, NULL, 10) : 0;
}

static void resend(void *ctx)
{
	struct asked *a = ctx;
	struct buf path = a->body;
	if (!a->used)
		return;
	buf_init(&a->body, BODY_MAX);
	if (send_request(a, (const char *)path.at) != 0)
		a->used = false;
	buf_fini(&path);
}

/* The instruments come before the stream: what they are must be known as soon. */
static void learn_origin(struct shell *s, const char *simulator, enum venue_ask ask)
{
	uint8_t origin = connection_origin(s, simulator, rest_base(s, ask), hosts_of(s, ask));
	for (uint32_t i = 0; i < s->n_lines; i++)
		if (s->line[i].origin == 0)
			connection_set_origin(&s->line[i], origin);
}

static const char *header(void *ctx, const char *name)
{
	return http_header(ctx, name);
}

static int64_t retry_after(const struct http_response *r)
{
	return r->retry_after_s > 0 ? r->retry_after_s * NS_PER_S : 0;
}

/* A life that ends now knows it from the journal: snapshots are rare, and asking on would prolong a ban. */
static void record_refusal(struct shell *s, const struct http_response *r, int64_t now, int64_t until)
{
	struct event ev;
	event_init(&ev, EVENT_venue_wait);
	ev.origin = connection_origin(s, http_header(r->call, SIMULATOR_HEADER), rest_base(s, VENUE_ASK_NOTHING),
				      hosts_of(s, VENUE_ASK_NOTHING));
	ev.ts_recv = ev.ts_event = now;
	collector_core_name(s->core, ev.venue_wait.venue);
	ev.venue_wait.status = (uint32_t)r->status;
	ev.venue_wait.until = until;
	sink_emit(&s->sink, &ev);
}

static void hear_refusal(struct shell *s, const struct http_response *r)
{
	int64_t now = pump_now(s), before = collector_core_blocked(s->core);
	bool refused = collector_core_on_status(s->core, now, r->status, retry_after(r));
	int64_t until = collector_core_blocked(s->core);
	if (!refused || until <= before)
		return;
	record_refusal(s, r, now, until);
	log_warn("requests wait: the venue refuses them", "status=%d wait_ms=%lld", r->status,
		 (long long)((until - now) / NS_PER_MS));
}

bool requests_wait(struct shell *s)
{
	return !s->set.stamped && pump_now(s) < collector_core_blocked(s->core);
}

void requests_budget(struct shell *s, const struct http_response *r)
{
	if (r->err || s->set.stamped) /* a recording's time is not that of the headers */
		return;
	hear_refusal(s, r);
	struct budget_said said = budget_read(&s->venue->budget, header, r->call);
	uint64_t holds = collector_core_budget(s->core).holds;
	int64_t now = pump_now(s);
	collector_core_on_budget(s->core, now, &said);
	struct collector_budget b = collector_core_budget(s->core);
	if (b.holds > holds)
		log_warn("requests wait: the venue's budget for this address is nearly used",
			 "used=%lld limit=%lld left=%lld wait_ms=%lld", (long long)said.used, (long long)b.limit,
			 (long long)said.left, (long long)((b.held_until - now) / NS_PER_MS));
}

static void on_response(void *ctx, const struct http_response *r)
{
	struct asked *a = ctx;
	struct shell *s = a->shell;
	requests_budget(s, r);
	if (r->err) {
		s->counters.http_failures++;
		log_warn("request failed", "err=%s reason=%s", err_name(r->err), r->reason ? r->reason : "");
	}
	if (s->set.stamped && r->err) {
		/* A recording does not fail: the simulator is not there yet. The path waits in the body's place. */
		struct loop_source *once;
		if (loop_timer(runtime_loop(s->rt), 200 * NS_PER_MS, 0, resend, a, &once) == 0)
			return;
	}
	if (!r->err && r->status == 200)
		s->worked_at = clock_wall(runtime_clock(s->rt));
	if (!r->err)
		learn_origin(s, http_header(r->call, SIMULATOR_HEADER), a->ask);
	a->status = r->err ? 0 : r->status;
	a->retry_after_ns = retry_after(r);
	a->at = r->err ? 0 : header_i64(r->call, "X-Nightjar-Stamp");
	const char *whole = r->err ? NULL : http_header(r->call, "X-Nightjar-Whole");
	snprintf(a->whole, sizeof a->whole, "%s", whole ? whole : "");
	buf_clear(&a->body);
	if (r->body_len && buf_append(&a->body, r->body, r->body_len))
		a->status = 0;
	a->answered = true;
	pump_answer(s, a);
}

static int make_url(const struct asked *a, const char *path, struct buf *url)
{
	struct shell *s = a->shell;
	int rc = buf_printf(url, "%s%s", rest_base(s, a->ask), path);
	if (!rc && s->set.stamped && a->ask == VENUE_ASK_SNAPSHOT)
		rc = buf_printf(url, "%snj_stamp=%lld", strchr(path, '?') ? "&" : "?", (long long)a->asked_at);
	return rc ? rc : buf_byte(url, 0);
}

static int send_request(struct asked *a, const char *path)
{
	struct shell *s = a->shell;
	struct buf url;
	buf_init(&url, URL_MAX);
	int rc = make_url(a, path, &url);
	struct auth_headers headers = {.at = {NULL}};
	if (!rc && auth_signs(&s->auth))
		rc = auth_sign(&s->auth, clock_wall(runtime_clock(s->rt)), "GET", path, &headers);
	struct http_request r = {.url = (const char *)url.at, .headers = headers.at, .plain = s->set.plain};
	/* Kept while the answer is awaited, so that a stamped request can be sent again. */
	buf_clear(&a->body);
	if (!rc)
		rc = buf_append(&a->body, path, strlen(path) + 1);
	s->counters.http_requests++;
	if (!rc)
		rc = http_send(s->http, &r, on_response, a, NULL);
	buf_fini(&url);
	return rc;
}

/* What could not even be begun: its answer, too, comes when the core's own call is over. */
static void answer_refused(void *ctx)
{
	struct asked *a = ctx;
	a->answered = true;
	pump_answer(a->shell, a);
}

void requests_send(void *ctx, const struct collector_request *r)
{
	struct shell *s = ctx;
	struct asked *a = NULL;
	for (size_t i = 0; i < SHELL_REQUESTS_MAX && !a; i++)
		if (!s->asked[i].used)
			a = &s->asked[i];
	if (!a) {
		log_error("too many requests under way", "path=%s", r->path);
		return; /* the core's own limit on waiting asks again */
	}
	buf_fini(&a->body);
	*a = (struct asked){.shell = s, .used = true, .id = r->id, .ask = r->ask, .asked_at = s->now};
	buf_init(&a->body, BODY_MAX);
	log_debug("request", "path=%s weight=%u", r->path, r->weight);
	int rc = send_request(a, r->path);
	if (rc == 0)
		return;
	s->counters.http_failures++;
	log_warn("a request cannot be sent", "path=%s err=%s", r->path, err_name(rc));
	loop_defer(runtime_loop(s->rt), answer_refused, a);
}

void requests_fini(struct shell *s)
{
	for (size_t i = 0; i < SHELL_REQUESTS_MAX; i++) {
		loop_undefer(runtime_loop(s->rt), answer_refused, &s->asked[i]);
		buf_fini(&s->asked[i].body);
	}
}

int requests_get(struct shell *s, enum venue_ask ask, const char *path, http_fn fn, void *ctx)
{
	struct buf url;
	buf_init(&url, URL_MAX);
	int rc = buf_printf(&url, "%s%s", rest_base(s, ask), path);
	if (!rc)
		rc = buf_byte(&url, 0);
	struct http_request r = {.url = (const char *)url.at, .plain = s->set.plain};
	s->counters.http_requests++;
	if (!rc)
		rc = http_send(s->http, &r, fn, ctx, NULL);
	buf_fini(&url);
	return rc;
}
