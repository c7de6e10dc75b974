/* gateway_io - see gateway_io.h. */
#include "services/executor/gateway_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/backoff.h"
#include "common/io/clock.h"
#include "common/io/http.h"
#include "common/io/keys.h"
#include "common/io/log.h"
#include "common/io/sign.h"
#include "common/io/vigil.h"
#include "common/io/ws.h"
#include "services/executor/gateway.h"
#include "services/executor/remote.h"
#include "services/executor/venue_hold.h"

#define CALLS_MAX 8
#define URL_MAX (16 << 10)
#define BODY_MAX (4 << 20)
#define REPLY_NS (10 * NS_PER_S)
#define SOON_NS NS_PER_MS
#define HEADER_MAX 260

static const char simulator_header[] = "X-Nightjar-Simulator";

struct call { /* a request under way */
	struct gateway_io *io;
	struct gateway_request q;
	bool used;
};

struct gateway_io {
	struct runtime *rt;
	struct executor *core;
	struct executor_section set; /* the live account's */
	enum gateway_send send;
	const struct venue_orders *venue;
	const char *rest, *stream; /* base addresses */
	bool rights;
	struct gateway g;
	bool begun, unready_told, said_ready;
	uint64_t changes, applied_base; /* of the core: as seen, reports when this life began */
	struct sign_key *key;
	struct http *http;
	struct loop_source *soon;
	struct call call[CALLS_MAX];
	struct ws *ws;
	struct backoff backoff;
	struct vigil vigil; /* of the stream */
	int64_t stream_due;
	char trouble[EVENT_TEXT_MAX]; /* as it was said */
	uint64_t answers, unanswered, connects, texts;
};

/* ---- settings ---- */

static const char *not_allowed(const struct gateway_io *io)
{
	struct gateway_way way = {true, io->send, io->set.venue_url, remote_origin(io->core), runtime_lockstep(io->rt)};
	return gateway_rule_may(&way);
}

/* The one live account; ERR_ARG: there are two. */
static int find_account(struct gateway_io *io, struct house *house, const struct executor_section *set, char *reason,
			size_t cap)
{
	for (uint32_t i = 0; i < house_count(house); i++) {
		struct executor *x = house_at(house, i);
		struct executor_section own = *set;
		if (i > 0)
			config_variant(runtime_config(io->rt), "executor", executor_account(x), &own);
		int rc = gateway_rule_check(&own, reason, cap);
		if (rc)
			return rc;
		if (strcmp(own.mode, "live") != 0)
			continue;
		if (io->core) {
			snprintf(reason, cap, "executor.mode: only one account of a stack can be live");
			return ERR_ARG;
		}
		io->core = x;
		io->set = own;
		event_set_name(io->set.account, executor_account(x));
	}
	return 0;
}

static void find_host(struct gateway_io *io)
{
	io->rest = io->set.venue_url;
	io->stream = io->set.venue_stream_url;
	io->rights = true;
	for (uint32_t i = 0; i < io->venue->n_hosts && io->send != GATEWAY_SEND_SIMULATOR; i++) {
		const struct venue_orders_host *h = &io->venue->hosts[i];
		if (strcmp(h->name, io->set.send) != 0)
			continue;
		io->rest = h->rest;
		io->stream = h->stream;
		io->rights = h->rights;
	}
}

static void on_soon(void *ctx);

static int open_network(struct gateway_io *io, char *reason, size_t cap)
{
	struct http_options o = {.user_agent = "nightjar/" NJ_VERSION, .concurrent_max = CALLS_MAX};
	int rc = loop_timer(runtime_loop(io->rt), LOOP_NEVER, LOOP_NEVER, on_soon, io, &io->soon);
	if (rc || io->send == GATEWAY_SEND_DRY)
		return rc;
	rc = sign_key_open(io->set.key_file, &io->key, reason, cap);
	if (rc)
		return rc;
	keys_no_dumps();
	return http_open(runtime_loop(io->rt), &o, &io->http);
}

int gateway_io_open(struct runtime *rt, struct house *house, const struct executor_section *set,
		    struct gateway_io **ret_io, char *reason, size_t cap)
{
	struct gateway_io *io = calloc(1, sizeof *io);
	*ret_io = NULL;
	if (!io)
		return ERR_NOMEM;
	io->rt = rt;
	io->venue = &venue_orders_binance_spot;
	must(strcmp(io->venue->venue, GATEWAY_VENUE) == 0);
	int rc = find_account(io, house, set, reason, cap);
	if (rc || !io->core) {
		free(io);
		return rc;
	}
	io->send = gateway_rule_send(&io->set);
	find_host(io);
	backoff_init(&io->backoff, NS_PER_S, 60 * NS_PER_S, (uint64_t)clock_mono(runtime_clock(rt)));
	rc = open_network(io, reason, cap);
	if (rc) {
		gateway_io_close(io);
		return rc;
	}
	log_warn("a live account", "account=%s send=%s host=%s", io->set.account, io->set.send,
		 io->send == GATEWAY_SEND_DRY ? "none" : io->rest);
	*ret_io = io;
	return 0;
}

void gateway_io_close(struct gateway_io *io)
{
	if (!io)
		return;
	loop_end(&io->soon);
	ws_free(&io->ws);
	http_close(io->http);
	sign_key_close(io->key);
	gateway_fini(&io->g);
	free(io);
}

/* ---- the core ---- */

static int on_tell(void *ctx, const struct ev_venue_report *r)
{
	struct gateway_io *io = ctx;
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	ev.origin = remote_origin(io->core);
	ev.venue_report = *r;
	int rc = runtime_decide(io->rt, &ev);
	if (rc)
		log_warn("what the venue says could not be journalled: it is asked again", "says=%s err=%s",
			 enum_text(enum_venue_says(), r->says), err_name(rc));
	return rc;
}

static bool on_holds(void *ctx, uint32_t i, const char **ret_asset, int64_t *ret_total)
{
	return remote_holds(((struct gateway_io *)ctx)->core, i, ret_asset, ret_total);
}

static bool on_adopts(void *ctx, uint32_t i)
{
	return remote_adopts(((struct gateway_io *)ctx)->core, i);
}

static int64_t mono(const struct gateway_io *io)
{
	return clock_mono(runtime_clock(io->rt));
}

static void see(struct gateway_io *io)
{
	const struct order *o;
	uint32_t i = 0;
	io->changes = remote_changes(io->core);
	gateway_see_begin(&io->g, executor_counters(io->core)->remote_reports - io->applied_base);
	while ((o = remote_order(io->core, &i)) != NULL)
		gateway_see(&io->g, mono(io), o, runtime_x_last(io->rt));
	gateway_see_end(&io->g);
}

/* ---- what the venue has asked us to wait ---- */

static int64_t wall(const struct gateway_io *io)
{
	return clock_wall(runtime_clock(io->rt));
}

static void tell_hold(const struct gateway_io *io, int status)
{
	log_warn("requests wait: the venue refuses them", "account=%s status=%d wait_ms=%lld", io->set.account, status,
		 (long long)((io->g.hold_until - mono(io)) / NS_PER_MS));
}

/* The life before was told it. */
static void recall_hold(struct gateway_io *io)
{
	int64_t until = venue_hold_find(runtime_settings(io->rt)->data, wall(io));
	if (until == 0 || io->send == GATEWAY_SEND_DRY)
		return;
	io->g.hold_until = mono(io) + until - wall(io);
	tell_hold(io, 0);
}

/* Several replies of one moment say the same. */
static void keep_hold(const struct gateway_io *io, int64_t before, int status)
{
	if (io->g.hold_until - before < NS_PER_S)
		return;
	int rc = venue_hold_write(runtime_settings(io->rt)->data, wall(io) + io->g.hold_until - mono(io));
	if (rc)
		log_error("how long the venue refuses requests could not be written: a restart would ask on",
			  "file=%s/" VENUE_HOLD_NAME " err=%s reason=%s", runtime_settings(io->rt)->data, err_name(rc),
			  strerror(errno));
	tell_hold(io, status);
}

static bool begin(struct gateway_io *io)
{
	struct gateway_settings s = {.venue = io->venue,
				     .orders_max = (uint32_t)io->set.open_orders_max,
				     .dry = io->send == GATEWAY_SEND_DRY,
				     .rights = io->rights,
				     .window_ns = io->set.recv_window_ns,
				     .place_within_ns = io->set.place_within_ns,
				     .compare_ns = io->set.compare_every_ns};
	struct gateway_core core = {io, on_tell, on_holds, on_adopts};
	event_set_name(s.account, io->set.account);
	int rc = gateway_init(&io->g, &s, &core, mono(io));
	if (rc) {
		runtime_fail(io->rt, "the gateway", rc);
		return false;
	}
	recall_hold(io);
	io->begun = true;
	io->applied_base = executor_counters(io->core)->remote_reports;
	see(io);
	return true;
}

static void say(struct gateway_io *io, enum venue_says says, const char *words)
{
	struct ev_venue_report r = {.says = (uint8_t)says};
	event_set_name(r.account, io->set.account);
	event_set_text(r.words, words);
	if (io->begun ? gateway_tell(&io->g, &r) != 0 : on_tell(io, &r) != 0)
		return;
	io->said_ready = says == venue_says_ready;
	io->unready_told = io->unready_told || says == venue_says_unready;
}

/* What the core is told of the whole, and people are. */
static void judge(struct gateway_io *io)
{
	struct gateway *g = &io->g;
	const char *never = not_allowed(io);
	if (io->send == GATEWAY_SEND_DRY)
		return;
	if (never)
		gateway_refuse(g, never);
	bool can = gateway_ready(g), other = strcmp(io->trouble, g->trouble) != 0;
	if (other && g->trouble[0])
		log_warn("nothing can be sent", "account=%s reason=%s", io->set.account, g->trouble);
	if (can != io->said_ready || (!can && other))
		say(io, can ? venue_says_ready : venue_says_unready, g->trouble);
	event_set_text(io->trouble, g->trouble);
	bool differs = executor_safe_for(io->core, REMOTE_CAUSE);
	if (differs)
		g->differs[0] = '\0'; /* it is known */
	if (g->differs[0]) {
		struct ev_venue_report r = {.says = venue_says_differs};
		event_set_name(r.account, io->set.account);
		event_set_text(r.words, g->differs);
		log_error("the venue's orders or balances are not ours", "reason=%s", g->differs);
		if (gateway_tell(g, &r) == 0)
			g->differs[0] = '\0';
	}
	runtime_alert(io->rt, severity_critical, !can, "venue_unready", io->set.account,
		      can ? "orders can be sent to the venue" : g->trouble);
	runtime_alert(io->rt, severity_critical, differs, "venue_differs", io->set.account,
		      differs ? "the venue says otherwise than we have: see nj status, and nj reset when that is clear"
			      : "people have looked");
}

/* ---- requests ---- */

static int64_t venue_ms(const struct gateway_io *io)
{
	return gateway_venue_time(&io->g, mono(io)) / NS_PER_MS;
}

static int sign(struct gateway_io *io, const char *path, struct buf *url)
{
	char signature[SIGN_TEXT_MAX];
	int rc = buf_printf(url, "%s", io->rest);
	size_t from = url->len;
	if (!rc)
		rc = venue_account_stamp(path, venue_ms(io), io->set.recv_window_ns / NS_PER_MS, url);
	const uint8_t *query = rc ? NULL : memchr(url->at + from, '?', url->len - from);
	if (!query)
		return rc ? rc : ERR_SYNTAX;
	rc = sign_by_key(io->key, query + 1, url->len - (size_t)(query + 1 - url->at), signature);
	if (!rc)
		rc = buf_printf(url, "&signature=");
	if (!rc)
		rc = venue_account_escape(signature, url);
	return rc ? rc : buf_byte(url, 0);
}

/* Path and method of a question, NUL-ended. */
static int write_path(const struct gateway_io *io, const struct gateway_request *q, struct buf *path,
		      const char **ret_method)
{
	struct venue_orders_call call = {.method = "GET"};
	int rc;
	if (q->ask == GATEWAY_ASK_TIME)
		rc = buf_printf(path, "%s", io->venue->time_path);
	else if (q->ask == GATEWAY_ASK_RIGHTS || q->ask == GATEWAY_ASK_BALANCES)
		rc = io->venue->account->request(
			q->ask == GATEWAY_ASK_RIGHTS ? VENUE_ACCOUNT_RIGHTS : VENUE_ACCOUNT_BALANCES, "", path,
			&call.method);
	else
		rc = io->venue->request(&q->question, path, &call);
	*ret_method = call.method;
	return rc ? rc : buf_byte(path, 0);
}

static bool has_sent_nothing(int err)
{
	return err == ERR_DNS || err == ERR_CONNECT || err == ERR_TLS;
}

static void pump(struct gateway_io *io);

/* A simulator must say that it is one, and a venue must not. */
static bool is_who_it_should_be(struct gateway_io *io, const struct http_response *r)
{
	bool simulator = http_header(r->call, simulator_header) != NULL;
	if (simulator == (io->send == GATEWAY_SEND_SIMULATOR))
		return true;
	gateway_refuse(&io->g, simulator ? "A simulator answers where the venue should."
					 : "executor.venue_url is no simulator: it does not say X-Nightjar-Simulator.");
	return false;
}

static void on_answer(void *ctx, const struct http_response *r)
{
	struct call *c = ctx;
	struct gateway_io *io = c->io;
	struct gateway_request q = c->q;
	struct gateway_reply a = {.status = r->err ? 0 : r->status,
				  .body = {r->err ? "" : r->body, r->err ? 0 : r->body_len, false},
				  .retry_after_ns = r->retry_after_s > 0 ? r->retry_after_s * NS_PER_S : 0,
				  .never_sent = has_sent_nothing(r->err)};
	q.question.order = &q.order;
	q.question.symbol = q.ask == GATEWAY_ASK_ORDER ? q.order.symbol : "";
	q.question.client_id = q.ask == GATEWAY_ASK_ORDER ? q.order.client_id : "";
	c->used = false;
	io->answers += !r->err;
	io->unanswered += r->err != 0;
	if (r->err)
		log_warn("the venue does not answer", "ask=%d err=%s reason=%s", q.question.ask, err_name(r->err),
			 r->reason);
	else if (!is_who_it_should_be(io, r))
		a.status = 0;
	uint64_t refused = io->g.counters.asks_refused;
	int64_t held = io->g.hold_until;
	gateway_on_reply(&io->g, mono(io), &q, &a);
	keep_hold(io, held, r->status);
	if (io->g.counters.asks_refused != refused)
		log_warn("the venue refuses", "account=%s reason=%s", io->set.account, io->g.refusal);
	pump(io);
}

static struct call *free_call(struct gateway_io *io)
{
	for (int i = 0; i < CALLS_MAX; i++)
		if (!io->call[i].used)
			return &io->call[i];
	return NULL;
}

static int dispatch(struct gateway_io *io, struct call *c, const char *path, const char *method)
{
	char line[HEADER_MAX];
	const char *lines[] = {line, NULL};
	struct buf url;
	buf_init(&url, URL_MAX);
	snprintf(line, sizeof line, "%s: %s", io->venue->account->key_header, io->set.key_id);
	bool open = c->q.ask == GATEWAY_ASK_TIME; /* it needs no key, and does not see it */
	int rc = open ? buf_printf(&url, "%s%s", io->rest, path) : sign(io, path, &url);
	if (open && !rc)
		rc = buf_byte(&url, 0);
	struct http_request h = {.method = method,
				 .url = (const char *)url.at,
				 .headers = open ? NULL : lines,
				 .body_max = BODY_MAX,
				 .total_ns = REPLY_NS,
				 .fresh = strcmp(method, "GET") != 0};
	if (!rc)
		rc = http_send(io->http, &h, on_answer, c, NULL);
	buf_fini(&url);
	return rc;
}

static void send_one(struct gateway_io *io, struct call *c)
{
	struct gateway_request *q = &c->q;
	const char *method = "GET";
	struct buf path;
	buf_init(&path, URL_MAX);
	q->question.order = &q->order;
	int rc = write_path(io, q, &path, &method);
	if (!rc && io->send == GATEWAY_SEND_DRY) {
		char would[EVENT_TEXT_MAX];
		snprintf(would, sizeof would, "%s %.180s", method, (const char *)path.at);
		log_info("dry: nothing is sent", "account=%s would=%s", io->set.account, would);
		gateway_on_dry(&io->g, q, would);
	} else {
		c->used = true;
		if (!rc)
			rc = dispatch(io, c, (const char *)path.at, method);
		if (rc) {
			c->used = false;
			log_error("a request could not be made", "err=%s", err_name(rc));
			gateway_on_reply(&io->g, mono(io), q, &(struct gateway_reply){.never_sent = true});
		}
	}
	buf_fini(&path);
}

static void pump(struct gateway_io *io)
{
	struct call *c;
	if (remote_changes(io->core) != io->changes)
		see(io);
	struct journal *j = runtime_outbox(io->rt)->journal;
	gateway_on_durable(&io->g, j ? journal_durable(j) : 0);
	while ((c = free_call(io)) != NULL) {
		c->io = io;
		if (!gateway_next(&io->g, mono(io), &c->q))
			break;
		send_one(io, c);
	}
}

/* ---- the stream ---- */

static void stream_again(struct gateway_io *io)
{
	ws_free(&io->ws);
	vigil_close(&io->vigil);
	io->stream_due = mono(io) + backoff_next(&io->backoff);
	gateway_on_stream(&io->g, mono(io), false);
}

static int subscribe(struct gateway_io *io)
{
	const struct venue_account *v = io->venue->account;
	char signature[SIGN_TEXT_MAX] = "";
	struct buf text, out;
	buf_init(&text, URL_MAX);
	buf_init(&out, URL_MAX);
	int rc = v->subscribe_signs(io->set.key_id, venue_ms(io), io->set.recv_window_ns / NS_PER_MS, &text);
	if (!rc)
		rc = sign_by_key(io->key, text.at, text.len, signature);
	if (!rc)
		rc = buf_byte(&text, 0);
	if (!rc)
		rc = v->subscribe((const char *)text.at, signature, &out);
	if (!rc)
		rc = ws_send(io->ws, (const char *)out.at, out.len);
	buf_fini(&text);
	buf_fini(&out);
	return rc;
}

static void on_stream_open(void *ctx)
{
	struct gateway_io *io = ctx;
	vigil_open(&io->vigil, mono(io));
	io->connects++;
	int rc = subscribe(io);
	vigil_asked(&io->vigil, mono(io));
	if (rc) {
		log_warn("cannot subscribe to the account", "err=%s", err_name(rc));
		ws_close(io->ws, 1000, "");
	}
}

static void on_account_row(void *ctx, const struct venue_account_row *row)
{
	struct gateway_io *io = ctx;
	if (row->kind == VENUE_ACCOUNT_SUBSCRIBED) {
		vigil_answered(&io->vigil);
		backoff_reset(&io->backoff);
		log_info("the account's stream is connected", "account=%s", io->set.account);
		gateway_on_stream(&io->g, mono(io), true);
	} else if (row->kind == VENUE_ACCOUNT_ERROR || row->kind == VENUE_ACCOUNT_ENDED) {
		log_warn("the account's stream ends", "code=%lld text=%s", (long long)row->code, row->name);
		if (row->kind == VENUE_ACCOUNT_ERROR && row->error == VENUE_ACCOUNT_CLOCK)
			gateway_clock_off(&io->g);
		ws_close(io->ws, 1000, "");
	}
}

static void on_stream_text(void *ctx, const char *bytes, size_t len, bool binary)
{
	struct gateway_io *io = ctx;
	struct json_str text = {bytes, len, false};
	(void)binary;
	io->texts++;
	(void)io->venue->account->event(text, on_account_row, io); /* what is not about it is for the next */
	int rc = gateway_on_text(&io->g, text);
	if (rc)
		log_warn("a text of the account's stream cannot be read", "err=%s", err_name(rc));
	pump(io);
}

static void on_stream_close(void *ctx, int code, int err, const char *reason)
{
	struct gateway_io *io = ctx;
	int64_t held = io->g.hold_until;
	gateway_hold(&io->g, mono(io), ws_status(io->ws), ws_retry_after_s(io->ws) * NS_PER_S);
	keep_hold(io, held, ws_status(io->ws));
	log_info("the account's stream ended", "code=%d err=%s reason=%s", code, err ? err_name(err) : "none", reason);
	stream_again(io);
}

static const struct ws_handler stream_handler = {
	.on_open = on_stream_open, .on_message = on_stream_text, .on_close = on_stream_close};

static void stream_open(struct gateway_io *io)
{
	struct buf url;
	buf_init(&url, URL_MAX);
	int rc = buf_printf(&url, "%s", io->stream);
	if (!rc)
		rc = io->venue->account->stream_path("", &url);
	if (!rc)
		rc = buf_byte(&url, 0);
	struct ws_options o = {.url = (const char *)url.at, .user_agent = "nightjar/" NJ_VERSION};
	io->stream_due = mono(io) + backoff_next(&io->backoff);
	if (!rc)
		rc = ws_open(runtime_loop(io->rt), &o, &stream_handler, io, &io->ws);
	if (rc)
		log_warn("cannot open the account's stream", "err=%s", err_name(rc));
	buf_fini(&url);
}

static void follow_stream(struct gateway_io *io)
{
	int64_t now = mono(io);
	if (io->send == GATEWAY_SEND_DRY || io->g.refused)
		return;
	if (!io->ws) {
		if (now >= io->stream_due && now >= io->g.hold_until && io->g.clock.known)
			stream_open(io);
		return;
	}
	switch (vigil_look(&io->vigil, now, ws_counters(io->ws).wire_bytes_in)) {
	case VIGIL_UNANSWERED:
		log_warn("the venue does not answer the subscription to the account", "account=%s", io->set.account);
		gateway_unanswered(&io->g);
		stream_again(io);
		break;
	case VIGIL_SILENT:
		log_warn("the account's stream is silent", "account=%s", io->set.account);
		stream_again(io);
		break;
	case VIGIL_PING:
		(void)ws_ping(io->ws, NULL, 0);
		break;
	default:
		break;
	}
}

/* ---- life ---- */

bool gateway_io_ready(const struct gateway_io *io)
{
	return !io || io->send == GATEWAY_SEND_DRY || io->unready_told || runtime_verifying(io->rt);
}

static bool runs(struct gateway_io *io)
{
	return runtime_life(io->rt) == life_running && !runtime_verifying(io->rt);
}

void gateway_io_tick(struct gateway_io *io)
{
	if (!io || !runs(io))
		return;
	if (!io->unready_told && io->send != GATEWAY_SEND_DRY) {
		say(io, venue_says_unready, "Orders and balances have not been compared with the venue's yet.");
		return;
	}
	/* Before there is market data nothing is known of the account, not even whether it may send. */
	if (!io->begun && (remote_origin(io->core) == origin_none || !begin(io)))
		return;
	judge(io);
	follow_stream(io);
	pump(io);
}

/* Once what the core says is durable: a millisecond or two. */
static void on_soon(void *ctx)
{
	struct gateway_io *io = ctx;
	if (!io->begun || !runs(io))
		return;
	pump(io);
	for (uint32_t i = 0; i < io->g.n; i++)
		if (io->g.row[i].state == GATEWAY_NEW && !io->g.row[i].ended_told && gateway_ready(&io->g)) {
			loop_timer_move(io->soon, SOON_NS);
			return;
		}
}

void gateway_io_applied(struct gateway_io *io)
{
	if (io && io->begun && remote_changes(io->core) != io->changes)
		loop_timer_move(io->soon, SOON_NS);
}

struct gateway_io_counters gateway_io_counters(const struct gateway_io *io)
{
	if (!io)
		return (struct gateway_io_counters){0};
	const struct gateway_counters *c = &io->g.counters;
	return (struct gateway_io_counters){.placed = c->placed,
					    .cancels = c->cancels,
					    .queries = c->queries,
					    .unknown = c->unknown,
					    .refused = c->refused,
					    .asks_refused = c->asks_refused,
					    .unsent = c->unsent,
					    .told = c->told,
					    .untold = c->untold,
					    .compared = c->compared,
					    .differed = c->differed,
					    .strangers = c->strangers,
					    .answers = io->answers,
					    .unanswered = io->unanswered,
					    .stream_connects = io->connects,
					    .stream_texts = io->texts,
					    .clock_refused = c->clock_refused,
					    .clock_offset = io->g.clock.known
								    ? wall(io) - gateway_venue_time(&io->g, mono(io))
								    : 0};
}
