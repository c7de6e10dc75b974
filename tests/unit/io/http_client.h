/* http_client - what the tests of the HTTP client share: a client that notes each outcome. */
#ifndef NJ_TESTS_HTTP_CLIENT_H
#define NJ_TESTS_HTTP_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/io/http.h"
#include "tests/unit/io/peer.h"

struct world {
	struct loop *l;
	struct loop_source *guard;
	struct http *http;
	struct peer peer;
	struct buf text; /* what happened */
	int wanted, done; /* the loop stops when all wanted outcomes are there */
	int64_t began_ms, took_ms;
	int64_t retry_after_s;
	char header[64]; /* X-Echo of the last reply */
	void (*then)(struct world *w, const struct http_response *r);
};

static inline void give_up(void *ctx)
{
	(void)ctx;
	fail_msg("the loop did not stop in time");
}

static inline void open_http(struct world *w, const struct http_options *o)
{
	http_close(w->http);
	w->http = NULL;
	assert_int_equal(http_open(w->l, o, &w->http), 0);
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	assert_int_equal(loop_new(clock_real(), &w->l), 0);
	assert_int_equal(loop_timer(w->l, 30 * NS_PER_S, 0, give_up, w, &w->guard), 0);
	open_http(w, &(struct http_options){.user_agent = "nightjar/test"});
	buf_init(&w->text, 1 << 20);
	w->wanted = 1;
	w->began_ms = peer_now_ms();
	*state = w;
	return 0;
}

/* The client first: the server's threads wait for its end. */
static inline int teardown(void **state)
{
	struct world *w = *state;

	http_close(w->http);
	loop_free(w->l);
	if (w->peer.fd > 0)
		peer_stop(&w->peer);
	buf_fini(&w->text);
	free(w);
	return 0;
}

/* "200 body;" or "ERR_X status;" */
static inline void on_reply(void *ctx, const struct http_response *r)
{
	struct world *w = ctx;
	const char *echo = r->call ? http_header(r->call, "x-ECHO") : NULL;

	w->took_ms = peer_now_ms() - w->began_ms;
	w->retry_after_s = r->retry_after_s;
	snprintf(w->header, sizeof w->header, "%s", echo ? echo : "");
	if (r->err < 0) {
		assert_true(r->reason[0] != '\0');
		assert_int_equal(buf_printf(&w->text, "%s %d;", err_name(r->err), r->status), 0);
	} else {
		assert_int_equal(r->body[r->body_len], 0);
		assert_int_equal(buf_printf(&w->text, "%d %.60s;", r->status, r->body), 0);
	}
	w->done++;
	if (w->then)
		w->then(w, r);
	if (w->done == w->wanted)
		loop_stop(w->l);
}

static inline const char *url_of(struct world *w, char url[64], const char *path)
{
	snprintf(url, 64, "%s://127.0.0.1:%u%s", w->peer.tls ? "https" : "http", w->peer.port,
		 path);
	return url;
}

static inline const char *text_of(struct world *w)
{
	assert_int_equal(buf_byte(&w->text, 0), 0);
	w->text.len--;
	return (const char *)w->text.at;
}

/* One request to the peer, and its outcome as text. */
static inline const char *ask(struct world *w, struct http_request r)
{
	char url[64];

	if (!r.url)
		r.url = url_of(w, url, "/x?y=1");
	assert_int_equal(http_send(w->http, &r, on_reply, w, NULL), 0);
	assert_int_equal(w->done, 0);
	assert_int_equal(loop_run(w->l), 0);
	return text_of(w);
}

#endif
