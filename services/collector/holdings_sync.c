/* holdings_sync - our account at the venue: sending what holdings asks, signed, and its stream.
 *
 * The stream: CLOSED --stream_due--> (a listen key, where the venue has them) --> OPEN --subscribed--> events;
 * lost or ended --> CLOSED, again after a backoff of full jitter. Polls go on all the while. Nothing in here, and
 * nothing it can ask for (venue_account.h), places an order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/keys.h"
#include "common/io/log.h"
#include "services/collector/shell.h"

#define URL_MAX (16 << 10)
#define BODY_MAX (4 << 20)
#define LISTEN_AGAIN_NS (60 * NS_PER_S)
#define HEADER_MAX 200

static const char simulator_header[] = "X-Nightjar-Simulator";

static const struct venue_account *venue_of(const struct shell *s)
{
	return s->venue->account;
}

/* The wall clock as the venue has it. */
static int64_t venue_time(const struct shell *s)
{
	return clock_wall(runtime_clock(s->rt)) - s->offset.ns;
}

static const char *rest_base(const struct shell *s)
{
	return s->set.rest_url[0] ? s->set.rest_url : s->venue->rest_hosts[0];
}

/* A stream of the real account has no place beside a simulator's polls. */
static const char *stream_base(const struct shell *s)
{
	if (s->set.account_url[0])
		return s->set.account_url;
	return s->set.rest_url[0] || !venue_of(s)->stream_hosts ? NULL : venue_of(s)->stream_hosts[0];
}

static void on_alert(void *ctx, enum severity severity, bool raised, const char *rule, const char *text)
{
	struct shell *s = ctx;
	runtime_alert(s->rt, severity, raised, rule, s->account.holdings->set.account, text);
}

/* ---- questions ---- */

struct signed_request {
	struct auth_headers headers;
	char key[HEADER_MAX];
	const char *lines[2];
	struct buf url;
};

static int sign(struct shell *s, enum venue_account_ask ask, const char *method, const char *path,
		struct signed_request *r)
{
	const struct venue_account *v = venue_of(s);
	int rc = buf_printf(&r->url, "%s", rest_base(s));
	if (rc)
		return rc;
	if (!v->key_header) {
		rc = auth_sign(&s->auth, venue_time(s), method, path, &r->headers);
		return rc ? rc : buf_printf(&r->url, "%s", path);
	}
	snprintf(r->key, sizeof r->key, "%s: %s", v->key_header, s->auth.id);
	r->lines[0] = r->key;
	r->lines[1] = NULL;
	if (v->is_signed && !v->is_signed(ask))
		return buf_printf(&r->url, "%s", path);
	return auth_query(&s->auth, venue_time(s), s->set.account_window_ns, path, &r->url);
}

static int ask(struct shell *s, const struct holdings_question *q, http_fn fn)
{
	const char *method = NULL;
	struct buf path;
	struct signed_request r;
	buf_init(&path, URL_MAX);
	buf_init(&r.url, URL_MAX);
	int rc = venue_of(s)->request(q->ask, q->cursor, &path, &method);
	if (!rc)
		rc = buf_byte(&path, 0);
	if (!rc)
		rc = sign(s, q->ask, method, (const char *)path.at, &r);
	if (!rc)
		rc = buf_byte(&r.url, 0);
	struct http_request h = {.method = method,
				 .url = (const char *)r.url.at,
				 .headers = venue_of(s)->key_header ? r.lines : r.headers.at,
				 .body_max = BODY_MAX,
				 .plain = s->set.plain};
	if (!rc)
		rc = http_send(s->account.http, &h, fn, s, NULL);
	buf_fini(&path);
	buf_fini(&r.url);
	return rc;
}

static uint8_t origin_of(struct shell *s, const struct http_response *r)
{
	return connection_origin(s, http_header(r->call, simulator_header), rest_base(s), s->venue->rest_hosts);
}

static void on_answer(void *ctx, const struct http_response *r)
{
	struct shell *s = ctx;
	struct holdings *h = s->account.holdings;
	struct holdings_answer a = {.status = r->err ? 0 : r->status,
				    .body = r->body,
				    .len = r->body_len,
				    .retry_after_ns = r->retry_after_s > 0 ? r->retry_after_s * NS_PER_S : 0,
				    .origin = r->err ? h->origin : origin_of(s, r)};
	requests_budget(s, r);
	if (r->err)
		log_debug("account not answered", "err=%s reason=%s", err_name(r->err), r->reason ? r->reason : "");
	holdings_on_answer(h, pump_now(s), &a, &s->sink);
	pump_after(s);
}

static void poll(struct shell *s, int64_t now)
{
	struct holdings_question q;
	if (requests_wait(s))
		holdings_hold(s->account.holdings, collector_core_blocked(s->core));
	if (!holdings_next(s->account.holdings, now, &q, &s->sink))
		return;
	int rc = ask(s, &q, on_answer);
	if (rc) /* given up like one that is not answered */
		log_warn("cannot ask for the account", "err=%s", err_name(rc));
}

/* ---- the stream ---- */

static void stream_again(struct shell *s)
{
	struct account_link *a = &s->account;
	ws_free(&a->ws);
	vigil_close(&a->vigil);
	a->listen_key[0] = '\0';
	a->stream_due = pump_now(s) + backoff_next(&a->backoff);
	a->listen_due = a->stream_due; /* the key went with it */
	holdings_on_stream_lost(a->holdings, pump_now(s), &s->sink);
	pump_after(s);
}

static int subscribe(struct shell *s)
{
	const struct venue_account *v = venue_of(s);
	char signature[SIGN_TEXT_MAX] = "";
	struct buf text, out;
	int rc = 0;
	buf_init(&text, URL_MAX);
	buf_init(&out, URL_MAX);
	if (v->subscribe_signs)
		rc = v->subscribe_signs(s->auth.id, venue_time(s) / NS_PER_MS, s->set.account_window_ns / NS_PER_MS,
					&text);
	if (!rc && v->subscribe_signs)
		rc = sign_by_key(s->auth.key, text.at, text.len, signature);
	if (!rc)
		rc = buf_byte(&text, 0);
	if (!rc)
		rc = v->subscribe((const char *)text.at, signature, &out);
	if (!rc)
		rc = ws_send(s->account.ws, (const char *)out.at, out.len);
	buf_fini(&text);
	buf_fini(&out);
	return rc;
}

static void on_stream_open(void *ctx)
{
	static const char subscribed[] = "{\"status\":200}";
	struct shell *s = ctx;
	struct account_link *a = &s->account;
	vigil_open(&a->vigil, clock_mono(runtime_clock(s->rt)));
	if (!venue_of(s)->subscribe) { /* the path has subscribed */
		backoff_reset(&a->backoff);
		holdings_on_event(a->holdings, pump_now(s), subscribed, sizeof subscribed - 1, &s->sink);
		pump_after(s);
		return;
	}
	int rc = a->holdings->unsafe ? ERR_STALE : subscribe(s);
	vigil_asked(&a->vigil, clock_mono(runtime_clock(s->rt)));
	if (rc) {
		log_warn("cannot subscribe to the account", "err=%s", err_name(rc));
		ws_close(a->ws, 1000, "");
	}
}

static void on_stream_text(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct shell *s = ctx;
	struct account_link *a = &s->account;
	(void)binary;
	enum holdings_word word = holdings_on_event(a->holdings, pump_now(s), bytes, len, &s->sink);
	pump_after(s);
	if (word == HOLDINGS_SUBSCRIBED) {
		vigil_answered(&a->vigil);
		backoff_reset(&a->backoff);
	}
	if (word == HOLDINGS_RECONNECT)
		ws_close(a->ws, 1000, "");
}

static void on_stream_close(void *ctx, int code, int err, const char *reason)
{
	struct shell *s = ctx;
	log_info("the account's stream ended", "code=%d err=%s reason=%s", code, err ? err_name(err) : "none", reason);
	stream_again(s);
}

static const struct ws_handler stream_handler = {
	.on_open = on_stream_open, .on_message = on_stream_text, .on_close = on_stream_close};

static int stream_open(struct shell *s)
{
	struct account_link *a = &s->account;
	struct auth_headers headers = {.at = {NULL}};
	struct buf url;
	buf_init(&url, URL_MAX);
	int rc = buf_printf(&url, "%s", stream_base(s));
	size_t base = url.len;
	if (!rc)
		rc = venue_of(s)->stream_path(a->listen_key, &url);
	if (!rc)
		rc = buf_byte(&url, 0);
	if (!rc && !venue_of(s)->key_header)
		rc = auth_sign(&s->auth, venue_time(s), "GET", (const char *)url.at + base, &headers);
	struct ws_options o = {.url = (const char *)url.at,
			       .headers = headers.at,
			       .ca_file = s->set.ca_file[0] ? s->set.ca_file : NULL,
			       .user_agent = "nightjar/" NJ_VERSION,
			       .plain = s->set.plain};
	if (!rc)
		rc = ws_open(runtime_loop(s->rt), &o, &stream_handler, s, &a->ws);
	buf_fini(&url);
	return rc;
}

/* ---- the listen key ---- */

static void on_listen_row(void *ctx, const struct venue_account_row *row)
{
	struct shell *s = ctx;
	if (row->kind == VENUE_ACCOUNT_LISTEN_KEY)
		memcpy(s->account.listen_key, row->name, sizeof s->account.listen_key);
	else if (row->kind == VENUE_ACCOUNT_ERROR)
		log_warn("no key for the account's stream", "code=%lld text=%s", (long long)row->code, row->name);
}

static void on_listen(void *ctx, const struct http_response *r)
{
	struct shell *s = ctx;
	struct account_link *a = &s->account;
	struct json_str body = {r->body, r->body_len, false};
	char before[sizeof a->listen_key];
	memcpy(before, a->listen_key, sizeof before);
	a->listening = false;
	requests_budget(s, r);
	int rc = r->err ? r->err
			: venue_of(s)->reply(VENUE_ACCOUNT_LISTEN, r->status, body, on_listen_row, s);
	bool good = !rc && r->status == 200;
	a->listen_due = pump_now(s) + (good ? venue_of(s)->listen_ns : LISTEN_AGAIN_NS);
	if (good && a->ws && strcmp(before, a->listen_key) != 0)
		ws_close(a->ws, 1000, ""); /* what was kept alive is gone */
}

static void listen(struct shell *s, int64_t now)
{
	struct account_link *a = &s->account;
	if (venue_of(s)->listen_ns == 0 || a->listening || now < a->listen_due || requests_wait(s))
		return;
	a->listening = ask(s, &(struct holdings_question){VENUE_ACCOUNT_LISTEN, ""}, on_listen) == 0;
	if (!a->listening)
		a->listen_due = now + LISTEN_AGAIN_NS;
}

static void watch_stream(struct shell *s)
{
	struct account_link *a = &s->account;
	int64_t mono = clock_mono(runtime_clock(s->rt));
	enum vigil_verdict v = vigil_look(&a->vigil, mono, ws_counters(a->ws).wire_bytes_in);
	if (v == VIGIL_PING)
		(void)ws_ping(a->ws, NULL, 0);
	if (v != VIGIL_SILENT && v != VIGIL_UNANSWERED)
		return;
	log_warn("the account's stream is made again", "account=%s reason=%s", a->holdings->set.account,
		 v == VIGIL_SILENT ? "it is silent" : "the venue does not answer the subscription to it");
	stream_again(s);
}

static void follow_stream(struct shell *s, int64_t now)
{
	struct account_link *a = &s->account;
	bool refused = a->holdings->state == account_state_refused;
	if (refused && a->ws)
		stream_again(s);
	/* The key is tried out by a question: a stream could not say what is wrong with it. */
	if (!stream_base(s) || refused || a->holdings->known_at == 0)
		return;
	listen(s, now);
	if (a->ws) {
		watch_stream(s);
		return;
	}
	if (now < a->stream_due || (venue_of(s)->listen_ns > 0 && !a->listen_key[0]))
		return;
	a->stream_due = now + backoff_next(&a->backoff);
	int rc = stream_open(s);
	if (rc)
		log_warn("cannot open the account's stream", "err=%s", err_name(rc));
}

/* ---- life ---- */

void holdings_sync_tick(struct shell *s)
{
	if (!s->account.holdings || s->stopping)
		return;
	int64_t now = pump_now(s);
	poll(s, now);
	follow_stream(s, now);
}

void holdings_sync_clock(struct shell *s, const struct offset *o)
{
	int64_t off = o->ns < 0 ? -o->ns : o->ns;
	if (!s->account.holdings)
		return;
	holdings_on_clock(s->account.holdings, off > o->known ? off - o->known : 0, s->set.account_window_ns);
}

int64_t holdings_sync_age(const struct shell *s)
{
	int64_t known = s->account.holdings->known_at, age = clock_wall(runtime_clock(s->rt)) - known;
	return known == 0 ? 0 : age > 0 ? age : 1;
}

void holdings_sync_woken(struct shell *s)
{
	if (s->account.holdings && s->account.ws)
		stream_again(s);
}

static void name_of(const struct shell *s, char name[EVENT_NAME_MAX])
{
	char lower[EVENT_NAME_MAX];
	size_t n = (size_t)snprintf(lower, sizeof lower, "%s%s", s->venue->name, s->venue->suffix);
	for (size_t i = 0; i < n && i < sizeof lower; i++)
		lower[i] = lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] - 'A' + 'a') : lower[i];
	event_set_name(name, s->set.account[0] ? s->set.account : lower);
}

int holdings_sync_open(struct shell *s, char *reason, size_t cap)
{
	struct holdings_settings set = {.venue = s->venue,
					.every_ns = s->set.account_poll_ns,
					.stale_ns = s->set.account_stale_ns,
					.withdrawals = strcmp(s->set.account_withdrawals, "alert") == 0};
	struct http_options ho = {.ca_file = s->set.ca_file[0] ? s->set.ca_file : NULL,
				  .user_agent = "nightjar/" NJ_VERSION,
				  .concurrent_max = 2};
	name_of(s, set.account);
	if (!s->auth.key || !s->venue->account || !s->set.account_sync || s->set.stamped)
		return 0;
	if (!key_name_ok(set.account)) {
		snprintf(reason, cap, "collector.account: a name is small letters, digits, '-' and '_' alone");
		return ERR_ARG;
	}
	s->account.holdings = malloc(sizeof *s->account.holdings);
	if (!s->account.holdings)
		return ERR_NOMEM;
	holdings_init(s->account.holdings, &set, on_alert, s);
	backoff_init(&s->account.backoff, s->set.backoff_min_ns, s->set.backoff_max_ns,
		     (uint64_t)clock_mono(runtime_clock(s->rt)));
	return http_open(runtime_loop(s->rt), &ho, &s->account.http);
}

void holdings_sync_close(struct shell *s)
{
	ws_free(&s->account.ws);
	http_close(s->account.http);
	free(s->account.holdings);
	s->account = (struct account_link){0};
}

void holdings_sync_start(struct shell *s)
{
	if (!s->account.holdings)
		return;
	log_info("following the account", "account=%s venue=%s%s stream=%d", s->account.holdings->set.account,
		 s->venue->name, s->venue->suffix, stream_base(s) != NULL);
	holdings_start(s->account.holdings, pump_now(s), &s->sink);
}
