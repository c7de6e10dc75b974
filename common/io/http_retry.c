/* http_retry - one request, one timer: on_response decides, on_delay sends again. */
#include "common/io/http_retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/log.h"
#include "common/io/url.h"

struct http_retry {
	struct http *http;
	struct http_request request; /* points into text and lines below */
	http_fn fn;
	void *ctx;
	struct http_call *call;
	struct loop_source *delay;
	int failed; /* attempts */
	char host[URL_HOST_MAX];
	const char **lines;
	char text[]; /* url, then the header lines, each with its NUL */
};

static void retry_free(struct http_retry *t)
{
	loop_end(&t->delay);
	http_cancel(&t->call);
	free(t->lines);
	free(t);
}

bool http_retry_wanted(const struct http_response *r, int64_t delay_ns)
{
	switch (r->err) {
	case 0:
		return r->status >= 500 && r->status <= 599 &&
		       r->retry_after_s * NS_PER_S <= delay_ns;
	case ERR_DNS:
	case ERR_CONNECT:
	case ERR_TIMEOUT:
	case ERR_IO: return true;
	default: return false;
	}
}

/* The host alone: paths and queries of venues and notifiers hold keys and signatures. */
static void log_attempt(const struct http_retry *t, const struct http_response *r, int64_t delay_ns)
{
	char cause[300], next[24] = "none";

	if (r->err < 0)
		snprintf(cause, sizeof cause, "%s: %s", err_name(r->err), r->reason);
	else
		snprintf(cause, sizeof cause, "HTTP %d", r->status);
	if (delay_ns > 0)
		snprintf(next, sizeof next, "%lldms", (long long)(delay_ns / NS_PER_MS));
	log_warn("http attempt failed", "host=%s attempt=%d of=%d next=%s cause=%s", t->host,
		 t->failed, HTTP_RETRIES + 1, next, cause);
}

static void give(struct http_retry *t, const struct http_response *r)
{
	t->fn(t->ctx, r);
	retry_free(t);
}

static void give_error(struct http_retry *t, int err)
{
	struct http_response r = {
		.err = err, .body = "", .retry_after_s = -1, .reason = err_text(err)
	};

	give(t, &r);
}

static void on_response(void *ctx, const struct http_response *r);

static void on_delay(void *ctx)
{
	struct http_retry *t = ctx;
	int rc;

	t->delay = NULL;
	t->request.fresh = true; /* so that one attempt is one request */
	rc = http_send(t->http, &t->request, on_response, t, &t->call);
	if (rc < 0)
		give_error(t, rc);
}

static void on_response(void *ctx, const struct http_response *r)
{
	struct http_retry *t = ctx;
	int64_t delay_ns = http_retry_delay_ns(t->failed + 1);
	bool again = delay_ns > 0 && http_retry_wanted(r, delay_ns);

	t->call = NULL;
	if (r->err < 0 || r->status >= 400) {
		t->failed++;
		log_attempt(t, r, again ? delay_ns : 0);
	}
	if (!again || loop_timer(http_loop(t->http), delay_ns, 0, on_delay, t, &t->delay) < 0)
		give(t, r);
}

static size_t count_lines(const struct http_request *r, size_t *ret_bytes)
{
	size_t n = 0;

	*ret_bytes = strlen(r->url) + 1;
	for (; r->headers && r->headers[n]; n++)
		*ret_bytes += strlen(r->headers[n]) + 1;
	return n;
}

static char *put(char *at, const char *text, const char **ret_copy)
{
	size_t n = strlen(text) + 1;

	*ret_copy = memcpy(at, text, n);
	return at + n;
}

static int copy_request(const struct http_request *r, struct http_retry **ret_retry)
{
	size_t bytes, n = count_lines(r, &bytes);
	struct http_retry *t = calloc(1, sizeof *t + bytes);
	char *at;

	if (!t)
		return ERR_NOMEM;
	t->lines = calloc(n + 1, sizeof t->lines[0]);
	if (!t->lines) {
		free(t);
		return ERR_NOMEM;
	}
	t->request = *r;
	t->request.method = r->method ? "HEAD" : NULL;
	at = put(t->text, r->url, &t->request.url);
	for (size_t i = 0; i < n; i++)
		at = put(at, r->headers[i], &t->lines[i]);
	t->request.headers = t->lines;
	*ret_retry = t;
	return 0;
}

int http_retry_send(struct http *h, const struct http_request *r, http_fn fn, void *ctx,
		    struct http_retry **ret_retry)
{
	struct http_request request = *r;
	struct http_retry *t = NULL;
	struct url u;
	int rc;

	if (request.method && strcmp(request.method, "GET") == 0)
		request.method = NULL;
	if ((request.method && strcmp(request.method, "HEAD") != 0) || request.body_len > 0)
		return ERR_ARG;
	rc = url_parse(request.url, &u);
	if (rc == 0)
		rc = copy_request(&request, &t);
	if (rc < 0)
		return rc;
	memcpy(t->host, u.host, sizeof t->host);
	t->http = h;
	t->fn = fn;
	t->ctx = ctx;
	rc = http_send(h, &t->request, on_response, t, &t->call);
	if (rc < 0) {
		retry_free(t);
		return rc;
	}
	if (ret_retry)
		*ret_retry = t;
	return 0;
}

void http_retry_cancel(struct http_retry **retry_p)
{
	struct http_retry *t = *retry_p;

	*retry_p = NULL;
	if (t)
		retry_free(t);
}
