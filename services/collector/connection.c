/* connection - the collector's WebSocket and its requests: opening, backing off, telling where data comes from.
 *
 *     CLOSED --connection_open--> CONNECTING --on_open--> OPEN --on_close--> CLOSED, again after the backoff
 *
 * Backoff: full jitter, 1 to 300 s, reset once a connection was healthy for a minute; a server that names a time to
 * wait (429, 418) is obeyed. Origin is live only for TLS to a host of the venue's own list, with no simulator's
 * header in its reply; whatever else answers is a simulator or a recording.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

#define PROTOCOL "nightjar.stamped.v1"
static const char simulator_header[] = "X-Nightjar-Simulator";

static const char *stream_base(const struct shell *s)
{
	return s->set.stream_url[0] ? s->set.stream_url : s->venue->stream_hosts[0];
}

static const char *rest_base(const struct shell *s)
{
	return s->set.rest_url[0] ? s->set.rest_url : s->venue->rest_hosts[0];
}

/* One of the venue's own addresses, over TLS. */
static bool is_own(const char *const *hosts, const char *url)
{
	for (size_t i = 0; hosts[i]; i++)
		if (strcmp(url, hosts[i]) == 0)
			return strncmp(url, "wss://", 6) == 0 || strncmp(url, "https://", 8) == 0;
	return false;
}

static uint8_t origin_of(const struct shell *s, const char *simulator, bool own)
{
	if (simulator)
		return strcmp(simulator, "replay") == 0 ? origin_replay : origin_simulated;
	return own && !s->set.stamped ? origin_live : origin_simulated;
}

static void set_origin(struct shell *s, uint8_t origin)
{
	if (s->origin == origin)
		return;
	s->origin = origin;
	collector_core_origin(s->core, 0, origin);
}

static void tell(struct shell *s, enum feed state, const char *reason)
{
	struct collector_change change = {.now = pump_now(s), .state = state, .reason = reason};
	collector_core_on_connection(s->core, &change, &s->sink);
	pump_after(s);
}

static void on_open(void *ctx)
{
	struct shell *s = ctx;
	s->counters.connects++;
	s->counters.connected = 1;
	s->open_at = clock_mono(runtime_clock(s->rt));
	set_origin(s, origin_of(s, ws_header(s->ws, simulator_header), is_own(s->venue->stream_hosts, stream_base(s))));
	const char *protocol = ws_protocol(s->ws);
	log_info("connected", "url=%s origin=%s stamped=%d", stream_base(s), enum_text(enum_origin(), s->origin),
		 s->set.stamped);
	if (s->set.stamped && strcmp(protocol, PROTOCOL) != 0) {
		connection_again(s, "the server does not speak " PROTOCOL, -1);
		return;
	}
	struct venue_feed feed;
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	struct buf text;
	buf_init(&text, 1 << 16);
	collector_core_feed(s->core, 0, markets, &feed);
	for (uint32_t n = 0; s->venue->stream_text(&feed, n, &text) == 0; n++) {
		ws_send(s->ws, (const char *)text.at, text.len);
		buf_clear(&text);
	}
	buf_fini(&text);
	if (!s->set.stamped) {
		s->told_live = true;
		tell(s, feed_live, NULL);
	}
	runtime_alert(s->rt, severity_warning, false, "feed_lost", s->venue->name, "the connection is back");
}

static void on_message(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct shell *s = ctx;
	(void)binary;
	s->worked_at = clock_wall(runtime_clock(s->rt));
	if (s->set.stamped)
		pump_stamped_frame(s, bytes, len);
	else
		pump_live_frame(s, bytes, len);
}

static void on_batch(void *ctx)
{
	struct shell *s = ctx;
	if (s->set.stamped)
		pump(s);
	pump_after(s);
}

static int64_t wait_named(const struct shell *s)
{
	int64_t wait = ws_retry_after_s(s->ws);
	return wait > 0 ? wait * NS_PER_S : -1;
}

static void tell_lost(struct shell *s, enum feed state, const char *reason)
{
	char text[EVENT_TEXT_MAX];
	if (s->set.stamped)
		return;
	tell(s, state, reason);
	s->told_live = false;
	snprintf(text, sizeof text, "%s: %.100s; no data, so no trades, until it is back", s->venue->name, reason);
	runtime_alert(s->rt, severity_warning, true, "feed_lost", s->venue->name, text);
}

static void on_close(void *ctx, int code, int err, const char *reason)
{
	struct shell *s = ctx;
	int status = ws_status(s->ws);
	int64_t wait = wait_named(s);
	log_warn("connection ended", "code=%d err=%s status=%d reason=%s", code, err ? err_name(err) : "none", status,
		 reason);
	if (s->open_at == 0)
		s->counters.connect_failures++;
	bool refused = status == 429 || status == 418 || status == 403;
	if (!s->stopping)
		tell_lost(s, refused ? feed_refused : feed_lost, reason);
	connection_again(s, NULL, wait);
}

static const struct ws_handler handler = {
	.on_open = on_open, .on_message = on_message, .on_batch = on_batch, .on_close = on_close};

static int make_url(struct shell *s, struct buf *url)
{
	struct venue_feed feed;
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];
	collector_core_feed(s->core, 0, markets, &feed);
	int rc = buf_printf(url, "%s", stream_base(s));
	if (!rc)
		rc = s->venue->stream_path(&feed, url);
	if (!rc && s->set.stamped)
		rc = buf_printf(url, "%sfrom=%lld", memchr(url->at, '?', url->len) ? "&" : "?", (long long)s->cursor);
	return rc ? rc : buf_byte(url, 0);
}

void connection_open(struct shell *s)
{
	struct buf url;
	buf_init(&url, 1 << 16);
	loop_end(&s->retry);
	if (s->stopping)
		return;
	int rc = make_url(s, &url);
	if (!rc && !s->set.stamped)
		tell(s, feed_connecting, NULL);
	struct ws_options o = {.url = (const char *)url.at,
			       .protocol = s->set.stamped ? PROTOCOL : NULL,
			       .ca_file = s->set.ca_file[0] ? s->set.ca_file : NULL,
			       .user_agent = "nightjar/" NJ_VERSION,
			       .deflate = s->set.deflate,
			       .plain = s->set.plain};
	if (!rc)
		rc = ws_open(runtime_loop(s->rt), &o, &handler, s, &s->ws);
	buf_fini(&url);
	if (rc) {
		log_error("cannot connect", "url=%s err=%s", stream_base(s), err_name(rc));
		connection_again(s, NULL, -1);
	}
}

static void on_retry(void *ctx)
{
	struct shell *s = ctx;
	s->retry = NULL;
	connection_open(s);
}

void connection_close(struct shell *s)
{
	s->counters.connected = 0;
	s->open_at = 0;
	s->paused = false;
	ws_free(&s->ws);
}

void connection_again(struct shell *s, const char *reason, int64_t wait_ns)
{
	int64_t mono = clock_mono(runtime_clock(s->rt));
	if (s->open_at && mono - s->open_at >= s->set.healthy_ns)
		backoff_reset(&s->backoff);
	connection_close(s);
	if (s->stopping || s->ended)
		return;
	if (reason)
		log_warn("reconnecting", "reason=%s", reason);
	s->counters.reconnects++;
	/* A frame held back may not have been seen by the core: it is asked for again. */
	ring_clear(&s->held);
	if (wait_ns < 0)
		wait_ns = s->set.stamped ? 200 * NS_PER_MS : backoff_next(&s->backoff);
	log_info("next try", "in_ms=%lld", (long long)(wait_ns / NS_PER_MS));
	loop_end(&s->retry);
	loop_timer(runtime_loop(s->rt), wait_ns, 0, on_retry, s, &s->retry);
}

/* Closing from inside a frame's own callback would free what still runs. */
static void reconnect_now(void *ctx)
{
	struct shell *s = ctx;
	if (!s->ws)
		return;
	tell_lost(s, feed_lost, s->reconnect_reason);
	connection_again(s, s->reconnect_reason, s->set.stamped ? 0 : -1);
}

void connection_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	struct shell *s = ctx;
	(void)connection;
	snprintf(s->reconnect_reason, sizeof s->reconnect_reason, "%s", reason);
	loop_defer(runtime_loop(s->rt), reconnect_now, s);
}

/* --- requests ------------------------------------------------------------------------------------------ */

static int send_request(struct asked *a, const char *path);

static int64_t header_i64(const struct http_call *call, const char *name)
{
	const char *text = http_header(call, name);
	return text ? strtoll(text, NULL, 10) : 0;
}

static void resend(void *ctx)
{
	struct asked *a = ctx;
	char path[600];
	snprintf(path, sizeof path, "%.*s", (int)a->body.len, (const char *)a->body.at);
	buf_clear(&a->body);
	if (a->used && send_request(a, path) != 0)
		a->used = false;
}

static void on_response(void *ctx, const struct http_response *r)
{
	struct asked *a = ctx;
	struct shell *s = a->shell;
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
	/* The instruments come before the stream: what they are must be known as soon. */
	if (!r->err && s->origin == 0)
		set_origin(s, origin_of(s, http_header(r->call, simulator_header),
					is_own(s->venue->rest_hosts, rest_base(s))));
	a->status = r->err ? 0 : r->status;
	a->retry_after_ns = r->retry_after_s > 0 ? r->retry_after_s * NS_PER_S : 0;
	a->at = r->err ? 0 : header_i64(r->call, "X-Nightjar-Stamp");
	const char *whole = r->err ? NULL : http_header(r->call, "X-Nightjar-Whole");
	snprintf(a->whole, sizeof a->whole, "%s", whole ? whole : "");
	buf_clear(&a->body);
	if (r->body_len && buf_append(&a->body, r->body, r->body_len))
		a->status = 0;
	a->answered = true;
	pump_answer(s, a);
}

static int send_request(struct asked *a, const char *path)
{
	struct shell *s = a->shell;
	char url[900];
	int n = snprintf(url, sizeof url, "%s%s", rest_base(s), path);
	if (n < 0 || n >= (int)sizeof url)
		return ERR_TOO_LONG;
	if (s->set.stamped && a->ask == VENUE_ASK_SNAPSHOT) {
		int m = snprintf(url + n, sizeof url - (size_t)n, "%snj_stamp=%lld", strchr(path, '?') ? "&" : "?",
				 (long long)a->asked_at);
		if (m < 0 || m >= (int)sizeof url - n)
			return ERR_TOO_LONG;
	}
	/* Kept while the answer is awaited, so that a stamped request can be sent again. */
	buf_clear(&a->body);
	int rc = buf_append(&a->body, path, strlen(path));
	struct http_request r = {.url = url, .plain = s->set.plain};
	s->counters.http_requests++;
	return rc ? rc : http_send(s->http, &r, on_response, a, NULL);
}

void connection_request(void *ctx, const struct collector_request *r)
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
	buf_init(&a->body, 64 << 20);
	log_debug("request", "path=%s weight=%u", r->path, r->weight);
	if (send_request(a, r->path) != 0) {
		a->answered = true;
		a->status = 0;
		pump_answer(s, a);
	}
}
