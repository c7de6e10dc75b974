/* http - one easy handle a request, added to the multi when it is its turn.
 *
 *   http_send ──► WAITING ── on_places ──► ACTIVE ── on_done ──► fn (report), freed
 *       └────────── a place is free ─────────▲
 *   http_cancel and http_close free it in any state without fn.
 */
#include "common/io/http.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/http_multi.h"
#include "common/io/headers.h"

#define HEADERS_BYTES (64u << 10) /* of one reply's header lines */

struct http_call {
	struct http *http;
	struct http_call *prev, *next;
	bool active;
	CURL *easy;
	struct curl_slist *lines;
	char error[CURL_ERROR_SIZE];
	http_fn fn;
	void *ctx;
	struct headers headers;
	bool headers_done; /* what still comes are trailers */
	struct buf body;
	size_t body_max;
	int refused; /* why we broke it off ourselves: ERR_TOO_LONG, ERR_NOMEM */
	int64_t started;
};

struct list {
	struct http_call *first, *last;
	int n;
};

struct http {
	struct loop *loop;
	struct http_multi *curl;
	char *ca_file, *user_agent;
	int concurrent_max;
	struct list waiting, active;
	int busy; /* calls of fn we are inside of */
	bool doomed;
	struct http_counters counters;
};

static void list_add(struct list *l, struct http_call *c)
{
	c->prev = l->last;
	c->next = NULL;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	l->n++;
}

static void list_remove(struct list *l, struct http_call *c)
{
	*(c->prev ? &c->prev->next : &l->first) = c->next;
	*(c->next ? &c->next->prev : &l->last) = c->prev;
	l->n--;
}

/* ── one call ── */

static void call_free(struct http_call *c)
{
	if (c->easy)
		curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->lines);
	headers_fini(&c->headers);
	buf_fini(&c->body);
	free(c);
}

static void call_unlink(struct http_call *c)
{
	if (c->active)
		http_multi_remove(c->http->curl, c->easy);
	list_remove(c->active ? &c->http->active : &c->http->waiting, c);
}

static int add_line(struct http_call *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->lines, line);

	if (!more)
		return ERR_NOMEM;
	c->lines = more;
	return 0;
}

static bool line_allowed(const char *line)
{
	static const char *const framing[] = {
		"Content-Length", "Transfer-Encoding", "Connection",
		"Expect", "Upgrade", "User-Agent", NULL,
	};

	for (const char *const *name = framing; *name; name++)
		if (headers_line_is(line, *name))
			return false;
	return headers_line_safe(line);
}

static int set_lines(struct http_call *c, const struct http_request *r)
{
	bool typed = false;
	int rc = add_line(c, "Expect:"); /* no waiting for 100 Continue */

	for (const char *const *line = r->headers; rc == 0 && line && *line; line++) {
		typed |= headers_line_is(*line, "Content-Type");
		rc = line_allowed(*line) ? add_line(c, *line) : ERR_ARG;
	}
	if (rc == 0 && !typed)
		rc = add_line(c, "Content-Type:"); /* libcurl would claim a form */
	if (rc == 0 && curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->lines) != CURLE_OK)
		rc = ERR_NOMEM;
	return rc;
}

static bool may_repeat(const char *method)
{
	return strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0;
}

static int set_method(struct http_call *c, const struct http_request *r)
{
	const char *method = r->method ? r->method : "GET";
	bool has_body = r->body_len > 0 || !may_repeat(method) || strcmp(method, "PUT") == 0;

	if (!*method || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return ERR_ARG;
	if (r->fresh || (!may_repeat(method) && !r->repeatable))
		curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
		return r->body_len > 0 ? ERR_ARG : 0;
	}
	if (has_body) {
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		if (curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, r->body_len ? r->body : ""))
			return ERR_NOMEM;
	}
	return curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK ? 0 : ERR_NOMEM;
}

/* 0 tells libcurl to break off. */
static size_t on_body(char *at, size_t size, size_t n, void *ctx)
{
	struct http_call *c = ctx;
	size_t len = size * n;

	if (len > c->body_max - c->body.len)
		c->refused = ERR_TOO_LONG;
	else if (buf_append(&c->body, at, len) < 0)
		c->refused = ERR_NOMEM;
	return c->refused ? 0 : len;
}

/* Called for each line of each head: interim replies (1xx) and a proxy's come before the one that
 * counts. A line that is malformed cannot be asked for, no more. */
static size_t on_header(char *at, size_t size, size_t n, void *ctx)
{
	struct http_call *c = ctx;
	size_t len = size * n, used = len;

	while (used > 0 && (at[used - 1] == '\r' || at[used - 1] == '\n'))
		used--;
	if (used >= 5 && memcmp(at, "HTTP/", 5) == 0) {
		headers_clear(&c->headers);
		c->headers_done = false;
	} else if (used == 0) {
		c->headers_done = true;
	} else if (!c->headers_done) {
		int rc = headers_add(&c->headers, at, used);

		if (rc == ERR_FULL)
			c->refused = ERR_TOO_LONG;
		else if (rc == ERR_NOMEM)
			c->refused = ERR_NOMEM;
	}
	return c->refused ? 0 : len;
}

static int check_url(const struct http_request *r, struct url *ret_url)
{
	struct url u;
	int rc = url_parse(r->url, &u);

	if (rc < 0)
		return rc;
	if (u.web_socket)
		return ERR_SYNTAX;
	if (!u.tls && !u.loopback && !r->plain)
		return ERR_REFUSED;
	*ret_url = u;
	return 0;
}

static int call_init(struct http_call *c, const struct http_request *r)
{
	struct url u;
	struct curl_common common = {
		.url = &u,
		.ca_file = c->http->ca_file,
		.user_agent = c->http->user_agent,
		.error = c->error,
		.connect_ns = r->connect_ns > 0 ? r->connect_ns : 3 * NS_PER_S,
		.total_ns = r->total_ns > 0 ? r->total_ns : 10 * NS_PER_S,
	};
	int rc = check_url(r, &u);

	c->body_max = r->body_max ? r->body_max : 32u << 20;
	buf_init(&c->body, c->body_max + 1); /* and the NUL */
	headers_init(&c->headers, HEADERS_BYTES);
	if (rc == 0)
		rc = http_multi_easy(&common, &c->easy);
	if (rc == 0)
		rc = set_method(c, r);
	if (rc == 0)
		rc = set_lines(c, r);
	if (rc < 0)
		return rc;
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	return 0;
}

/* ── the line ── */

static int start(struct http_call *c)
{
	struct http *h = c->http;
	int rc = http_multi_add(h->curl, c->easy);

	if (rc < 0)
		return rc;
	c->started = clock_mono(loop_clock(h->loop));
	c->active = true;
	list_add(&h->active, c);
	h->counters.requests++;
	return 0;
}

static void drop_all(struct http *h)
{
	while (h->waiting.first || h->active.first) {
		struct http_call *c = h->waiting.first ? h->waiting.first : h->active.first;

		call_unlink(c);
		call_free(c);
	}
}

static void http_free(struct http *h)
{
	drop_all(h);
	http_multi_free(h->curl);
	free(h->ca_file);
	free(h->user_agent);
	free(h);
}

/* Hands the outcome over; the call is in no list any more and is freed. */
static void report(struct http_call *c, const struct http_response *r)
{
	struct http *h = c->http;

	h->busy++;
	h->counters.failures += r->err < 0;
	c->fn(c->ctx, r);
	call_free(c);
	if (--h->busy == 0 && h->doomed)
		http_free(h);
}

static void on_places(void *ctx)
{
	struct http *h = ctx;

	while (h->waiting.first && h->active.n < h->concurrent_max) {
		struct http_call *c = h->waiting.first;
		int rc;

		call_unlink(c);
		rc = start(c);
		if (rc < 0) {
			struct http_response r = {
				.err = rc, .body = "", .retry_after_s = -1, .reason = err_text(rc)
			};

			loop_defer(h->loop, on_places, h);
			report(c, &r); /* h may be gone */
			return;
		}
	}
}

static const char *reason_of(const struct http_call *c, CURLcode code)
{
	if (c->refused == ERR_TOO_LONG || code == CURLE_FILESIZE_EXCEEDED)
		return "the reply is longer than its limit";
	if (c->refused)
		return err_text(c->refused);
	return c->error[0] ? c->error : curl_easy_strerror(code);
}

static void fill_response(struct http_call *c, CURLcode code, struct http_response *r)
{
	const struct clock *clock = loop_clock(c->http->loop);
	long status = 0, connects = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &connects);
	c->http->counters.connections += (uint64_t)connects;
	r->err = c->refused ? c->refused : http_multi_err(code);
	r->status = (int)status;
	r->retry_after_s = headers_retry_after_s(headers_get(&c->headers, "Retry-After"),
						 clock_wall(clock) / NS_PER_S);
	r->total_ns = clock_mono(clock) - c->started;
	if (r->err == 0 && buf_byte(&c->body, 0) < 0)
		r->err = ERR_NOMEM;
	r->body = r->err == 0 ? (const char *)c->body.at : "";
	r->body_len = r->err == 0 ? c->body.len - 1 : 0;
	r->reason = r->err == 0 ? "" : reason_of(c, code);
	r->call = c;
}

static void on_done(void *ctx, CURL *easy, CURLcode code)
{
	struct http *h = ctx;
	struct http_response r = {0};
	struct http_call *c;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
	fill_response(c, code, &r);
	call_unlink(c);
	if (h->waiting.first)
		loop_defer(h->loop, on_places, h);
	report(c, &r);
}

int http_send(struct http *h, const struct http_request *r, http_fn fn, void *ctx,
	      struct http_call **ret_call)
{
	bool place = h->active.n < h->concurrent_max && !h->waiting.first;
	struct http_call *c;
	int rc;

	if (!place && h->waiting.n >= HTTP_WAITING_MAX) {
		h->counters.refused++;
		return ERR_FULL;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		return ERR_NOMEM;
	c->http = h;
	c->fn = fn;
	c->ctx = ctx;
	rc = call_init(c, r);
	if (rc == 0 && place)
		rc = start(c);
	if (rc < 0) {
		call_free(c);
		return rc;
	}
	if (!place)
		list_add(&h->waiting, c);
	if (ret_call)
		*ret_call = c;
	return 0;
}

void http_cancel(struct http_call **call_p)
{
	struct http_call *c = *call_p;

	*call_p = NULL;
	if (!c)
		return;
	call_unlink(c);
	if (c->http->waiting.first)
		loop_defer(c->http->loop, on_places, c->http);
	call_free(c);
}

/* ── the client ── */

static char *copy(const char *text, int *rc)
{
	char *p = text ? strdup(text) : NULL;

	if (text && !p)
		*rc = ERR_NOMEM;
	return p;
}

int http_open(struct loop *l, const struct http_options *o, struct http **ret_http)
{
	struct http *h;
	int rc = 0;

	if (o->user_agent && !headers_value_safe(o->user_agent))
		return ERR_ARG;
	h = calloc(1, sizeof *h);
	if (!h)
		return ERR_NOMEM;
	h->loop = l;
	h->concurrent_max = o->concurrent_max > 0 ? o->concurrent_max : 8;
	h->ca_file = copy(o->ca_file, &rc);
	h->user_agent = copy(o->user_agent, &rc);
	if (rc == 0)
		rc = http_multi_new(l, h->concurrent_max, on_done, h, &h->curl);
	if (rc < 0) {
		http_free(h);
		return rc;
	}
	*ret_http = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	drop_all(h);
	loop_undefer(h->loop, on_places, h);
	if (h->busy > 0)
		h->doomed = true;
	else
		http_free(h);
}

struct loop *http_loop(const struct http *h)
{
	return h->loop;
}

struct http_counters http_counters(const struct http *h)
{
	return h->counters;
}

const char *http_header(const struct http_call *call, const char *name)
{
	return headers_get(&call->headers, name);
}

int64_t http_retry_delay_ns(int nth)
{
	return nth >= 1 && nth <= 3 ? NS_PER_S << (nth - 1) : 0;
}
