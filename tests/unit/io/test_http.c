/* test_http - the HTTP client against a scripted server: replies, limits, slowness, reuse, TLS. */
#include "tests/unit/io/http_client.h"

/* ---- replies as they come ---- */

/* Answers one request with the text and keeps the connection until the client leaves. */
static void serve_text(struct peer_conn *p, void *ctx)
{
	char head[4096];

	while (peer_head(p, head, sizeof head))
		peer_text(p, ctx);
}

static void serve_text_and_end(struct peer_conn *p, void *ctx)
{
	char head[4096];

	if (peer_head(p, head, sizeof head))
		peer_text(p, ctx);
}

struct reply_row {
	const char *answer, *expect;
	bool end; /* the server closes behind it */
};

static void test_replies(void **state)
{
	static const struct reply_row rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 ok;", false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 ;", false},
		{"HTTP/1.1 204 No Content\r\n\r\n", "204 ;", false},
		{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "404 no;", false},
		{"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", "500 no;", false},
		{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		 "Content-Length: 0\r\n\r\n",
		 "302 ;", false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n"
		 "X-Trailer: 1\r\n\r\n",
		 "200 abcde;", false},
		{"HTTP/1.1 103 Early Hints\r\nX-Echo: early\r\n\r\n"
		 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
		 "200 1;", false},
		{"HTTP/1.0 200 OK\r\n\r\nuntil the end", "200 until the end;", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "ERR_IO 200;", true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "ERR_IO 200;",
		 true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", "ERR_IO 200;",
		 true},
		{"", "ERR_IO 0;", true},
		{"ICY 200 OK\r\n\r\n", "ERR_PROTOCOL 0;", true},
		{"\r\n\r\n\r\n", "ERR_PROTOCOL 0;", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = *state;

		peer_start(&w->peer, rows[i].end ? serve_text_and_end : serve_text,
			   (void *)(uintptr_t)rows[i].answer);
		assert_string_equal(ask(w, (struct http_request){0}), rows[i].expect);
		assert_string_equal(w->header, "");
		assert_int_equal(w->retry_after_s, -1);
		teardown(state);
		setup(state);
	}
}

static void test_headers(void **state)
{
	struct world *w = *state;

	peer_start(&w->peer, serve_text,
		   (void *)(uintptr_t)"HTTP/1.1 418 I'm a teapot\r\nretry-after: 120\r\n"
		   "X-Echo:  once \r\nX-Echo: twice\r\nX Bad: 1\r\n"
		   "Content-Length: 0\r\n\r\n");
	assert_string_equal(ask(w, (struct http_request){0}), "418 ;");
	assert_string_equal(w->header, "once");
	assert_int_equal(w->retry_after_s, 120);
}

/* ---- requests as they go ---- */

struct seen {
	pthread_mutex_t lock;
	char head[4096], body[4096];
	int connections, requests;
};

static void serve_seen(struct peer_conn *p, void *ctx)
{
	struct seen *s = ctx;
	char head[4096], length[16];

	pthread_mutex_lock(&s->lock);
	s->connections++;
	pthread_mutex_unlock(&s->lock);
	while (peer_head(p, head, sizeof head)) {
		char body[4096] = "";
		size_t n = peer_header(head, "Content-Length", length, sizeof length)
				   ? strtoul(length, NULL, 10)
				   : 0;

		must(n < sizeof body && peer_read_all(p, body, n));
		pthread_mutex_lock(&s->lock);
		s->requests++;
		memcpy(s->head, head, sizeof head);
		memcpy(s->body, body, sizeof body);
		pthread_mutex_unlock(&s->lock);
		peer_text(p, strncmp(head, "HEAD", 4) == 0
				     ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
				     : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.");
	}
}

static void test_requests(void **state)
{
	static const char *const typed[] = {"Content-Type: application/json", "X-Key: k", NULL};
	static const struct {
		struct http_request r;
		const char *start, *has, *has_not, *body;
	} rows[] = {
		{{0},
		 "GET /x?y=1 HTTP/1.1\r\n",
		 "\r\nUser-Agent: nightjar/test\r\n",
		 "\r\nContent-",
		 ""},
		{{.method = "POST", .body = "a=b", .body_len = 3},
		 "POST ",
		 "\r\nContent-Length: 3\r\n",
		 "Content-Type",
		 "a=b"},
		{{.method = "POST", .body = "{}", .body_len = 2, .headers = typed},
		 "POST ",
		 "\r\nContent-Type: application/json\r\nX-Key: k\r\n",
		 "Expect",
		 "{}"},
		{{.method = "POST"}, "POST ", "\r\nContent-Length: 0\r\n", "Content-Type", ""},
		{{.method = "PUT", .body = "p", .body_len = 1},
		 "PUT ",
		 "\r\nContent-Length: 1\r\n",
		 "Expect",
		 "p"},
		{{.method = "PUT"}, "PUT ", "\r\nContent-Length: 0\r\n", "chunked", ""},
		{{.method = "DELETE"}, "DELETE ", "\r\nHost: 127.0.0.1:", "Content-Length", ""},
		{{.method = "HEAD"}, "HEAD ", "\r\nHost: 127.0.0.1:", "Content-Length", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = *state;
		struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER};

		peer_start(&w->peer, serve_seen, &s);
		assert_string_equal(ask(w, rows[i].r), rows[i].r.method && *rows[i].r.method == 'H'
							       ? "200 ;"
							       : "200 .;");
		assert_memory_equal(s.head, rows[i].start, strlen(rows[i].start));
		assert_non_null(strstr(s.head, rows[i].has));
		assert_null(strstr(s.head, rows[i].has_not));
		assert_null(strcasestr(s.head, "Accept-Encoding"));
		assert_string_equal(s.body, rows[i].body);
		teardown(state);
		setup(state);
	}
}

/* Paths reach the server as they were given: signatures cover them. */
static void test_path_as_is(void **state)
{
	struct world *w = *state;
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char url[64];

	peer_start(&w->peer, serve_seen, &s);
	ask(w, (struct http_request){.url = url_of(w, url, "/a/../b/./%2E%2e/c?x=%2F../")});
	assert_memory_equal(s.head, "GET /a/../b/./%2E%2e/c?x=%2F../ HTTP/1.1\r\n", 42);
}

static void next_of_five(struct world *w, const struct http_response *r)
{
	char url[64];
	struct http_request again = {.url = url_of(w, url, "/"), .method = r->call ? NULL : "GET"};

	if (w->done < w->wanted)
		assert_int_equal(http_send(w->http, &again, on_reply, w, NULL), 0);
}

static void test_connections_are_reused(void **state)
{
	struct world *w = *state;
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER};

	w->wanted = 5;
	w->then = next_of_five;
	peer_start(&w->peer, serve_seen, &s);
	assert_string_equal(ask(w, (struct http_request){0}), "200 .;200 .;200 .;200 .;200 .;");
	assert_int_equal(s.requests, 5);
	assert_int_equal(s.connections, 1);
	assert_int_equal(http_counters(w->http).requests, 5);
	assert_int_equal(http_counters(w->http).connections, 1);
}

/* Reads a second request on a connection and ends it unanswered, as a server whose idle limit
 * strikes. */
static void serve_one_answer(struct peer_conn *p, void *ctx)
{
	atomic_int *requests = ctx;
	char head[4096];

	if (!peer_head(p, head, sizeof head))
		return;
	++*requests;
	peer_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.");
	if (peer_head(p, head, sizeof head))
		++*requests;
}

static void then_post(struct world *w, const struct http_response *r)
{
	char url[64];
	struct http_request post = {
		.method = "POST", .url = url_of(w, url, "/order"), .body = "o", .body_len = 1};

	(void)r;
	if (w->done < w->wanted)
		assert_int_equal(http_send(w->http, &post, on_reply, w, NULL), 0);
}

static void test_post_is_never_sent_twice(void **state)
{
	struct world *w = *state;
	atomic_int requests = 0;

	w->wanted = 2;
	w->then = then_post;
	peer_start(&w->peer, serve_one_answer, &requests);
	assert_string_equal(ask(w, (struct http_request){0}), "200 .;200 .;");
	assert_int_equal(requests, 2); /* one GET, one POST, on two connections */
	assert_int_equal(http_counters(w->http).connections, 2);
}

/* ---- limits ---- */

static void test_body_max(void **state)
{
	static const struct reply_row rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", "200 12345;", false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456", "ERR_TOO_LONG 200;", false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "3\r\n123\r\n3\r\n456\r\n0\r\n\r\n",
		 "ERR_TOO_LONG 200;", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = *state;

		peer_start(&w->peer, serve_text, (void *)(uintptr_t)rows[i].answer);
		assert_string_equal(ask(w, (struct http_request){.body_max = 5}), rows[i].expect);
		teardown(state);
		setup(state);
	}
}

static void serve_endless(struct peer_conn *p, void *ctx)
{
	char head[4096];

	if (!peer_head(p, head, sizeof head) || !peer_text(p, "HTTP/1.1 200 OK\r\n"))
		return;
	if (ctx)
		peer_text(p, "\r\n");
	while (peer_text(p, ctx ? "0123456789abcdef" : "X-Y: 0123456789abcdef\r\n"))
		;
}

static void test_endless_body_and_head(void **state)
{
	struct world *w = *state;

	peer_start(&w->peer, serve_endless, w);
	assert_string_equal(ask(w, (struct http_request){0}), "ERR_TOO_LONG 200;");
	teardown(state);
	setup(state);
	w = *state;
	peer_start(&w->peer, serve_endless, NULL);
	assert_memory_equal(ask(w, (struct http_request){0}), "ERR_TOO_LONG ", 13);
}

static void serve_drip(struct peer_conn *p, void *ctx)
{
	const char *at = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789";
	char head[4096];

	(void)ctx;
	if (!peer_head(p, head, sizeof head))
		return;
	while (*at && peer_write(p, at++, 1) && peer_wait_ms(p, 20))
		;
	while (peer_text(p, "x") && peer_wait_ms(p, 20))
		;
}

static void serve_nothing(struct peer_conn *p, void *ctx)
{
	(void)ctx;
	peer_drain(p);
}

static void test_slow_servers(void **state)
{
	struct world *w = *state;

	peer_start(&w->peer, serve_drip, NULL);
	assert_memory_equal(ask(w, (struct http_request){.total_ns = 300 * NS_PER_MS}),
			    "ERR_TIMEOUT ", 12);
	assert_in_range(w->took_ms, 290, 15000);
	teardown(state);
	setup(state);
	w = *state;
	peer_start(&w->peer, serve_nothing, NULL);
	assert_string_equal(ask(w, (struct http_request){.total_ns = 200 * NS_PER_MS}),
			    "ERR_TIMEOUT 0;");
	assert_in_range(w->took_ms, 190, 15000);
	assert_int_equal(http_counters(w->http).failures, 1);
}

static void test_tls_never_finishes(void **state)
{
	struct world *w = *state;
	char url[64];

	peer_start(&w->peer, serve_nothing, NULL);
	snprintf(url, sizeof url, "https://127.0.0.1:%u/", w->peer.port);
	assert_string_equal(
		ask(w, (struct http_request){.url = url, .connect_ns = 200 * NS_PER_MS}),
		"ERR_TIMEOUT 0;");
	assert_in_range(w->took_ms, 190, 15000);
}

static void test_nobody_there(void **state)
{
	struct world *w = *state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char url[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(a.sin_port));
	assert_string_equal(ask(w, (struct http_request){.url = url}), "ERR_CONNECT 0;");
	close(fd);
	w->done = 0;
	buf_clear(&w->text);
	assert_string_equal(ask(w, (struct http_request){.url = "https://nightjar.invalid/"}),
			    "ERR_DNS 0;");
}

/* ---- refusals ---- */

static void test_refused_requests(void **state)
{
	static const char *const split[] = {"X: a\r\nY: b", NULL},
				 *const lone[] = {"X: a\nb", NULL},
				 *const length[] = {"content-length: 3", NULL},
				 *const bare[] = {"nonsense", NULL},
				 *const coding[] = {"Transfer-Encoding: chunked", NULL};
	static const struct {
		struct http_request r;
		int rc;
	} rows[] = {
		{{.url = "http://example.com/"}, ERR_REFUSED},
		{{.url = "http://127.0.0.1.nip.io/"}, ERR_REFUSED},
		{{.url = "http://[::2]/"}, ERR_REFUSED},
		{{.url = "https://u@example.com/"}, ERR_SYNTAX},
		{{.url = "https://u:p@example.com/"}, ERR_SYNTAX},
		{{.url = "ftp://127.0.0.1/"}, ERR_SYNTAX},
		{{.url = "file:///etc/passwd"}, ERR_SYNTAX},
		{{.url = "wss://127.0.0.1/"}, ERR_SYNTAX},
		{{.url = "https://example.com/a b"}, ERR_SYNTAX},
		{{.url = "https://example.com/#x"}, ERR_SYNTAX},
		{{.url = "https://example.com\\@evil/"}, ERR_SYNTAX},
		{{.url = "http://127.0.0.1/", .headers = split}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .headers = lone}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .headers = length}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .headers = coding}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .headers = bare}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .method = "GET / HTTP/1.1\r\nX: y"}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .method = ""}, ERR_ARG},
		{{.url = "http://127.0.0.1/", .method = "HEAD", .body = "x", .body_len = 1},
		 ERR_ARG},
	};
	struct world *w = *state;
	struct http_call *call = NULL;
	struct http *none = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = http_send(w->http, &rows[i].r, on_reply, w, &call);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %s", i, err_name(rc));
		assert_null(call);
	}
	assert_int_equal(http_open(w->l, &(struct http_options){.user_agent = "a\r\nb"}, &none),
			 ERR_ARG);
	assert_null(none);
}

/* ---- the line ---- */

static void serve_counting(struct peer_conn *p, void *ctx)
{
	static atomic_int now;
	atomic_int *most = ctx;
	char head[4096];

	while (peer_head(p, head, sizeof head)) {
		int n = ++now;

		if (n > *most)
			*most = n;
		peer_wait_ms(p, 5);
		now--;
		peer_text(p, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	}
}

static void test_line_is_bounded_and_fair(void **state)
{
	struct world *w = *state;
	atomic_int most = 0;
	char url[64];

	open_http(w, &(struct http_options){.concurrent_max = 3});
	peer_start(&w->peer, serve_counting, &most);
	w->wanted = 3 + HTTP_WAITING_MAX;
	for (int i = 0; i < w->wanted; i++)
		assert_int_equal(http_send(w->http,
					   &(struct http_request){.url = url_of(w, url, "/")},
					   on_reply, w, NULL),
				 0);
	assert_int_equal(http_send(w->http, &(struct http_request){.url = url_of(w, url, "/")},
				   on_reply, w, NULL),
			 ERR_FULL);
	loop_run(w->l);
	assert_int_equal(w->done, w->wanted);
	assert_int_equal(most, 3);
	assert_int_equal(http_counters(w->http).connections, 3);
	assert_int_equal(http_counters(w->http).refused, 1);
}

static void test_cancel(void **state)
{
	struct world *w = *state;
	struct http_call *calls[4] = {0};
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char url[64];

	open_http(w, &(struct http_options){.concurrent_max = 1});
	peer_start(&w->peer, serve_seen, &s);
	for (int i = 0; i < 4; i++)
		assert_int_equal(http_send(w->http,
					   &(struct http_request){.url = url_of(w, url, "/")},
					   on_reply, w, &calls[i]),
				 0);
	http_cancel(&calls[0]); /* under way */
	http_cancel(&calls[2]); /* in line */
	http_cancel(&calls[2]); /* NULL by now */
	w->wanted = 2;
	loop_run(w->l);
	assert_string_equal(text_of(w), "200 .;200 .;");
	http_send(w->http, &(struct http_request){.url = url_of(w, url, "/")}, on_reply, w,
		  &calls[0]);
	http_send(w->http, &(struct http_request){.url = url_of(w, url, "/")}, on_reply, w,
		  &calls[1]);
	http_close(w->http); /* both end without a word */
	w->http = NULL;
	assert_int_equal(w->done, 2);
}

static void close_inside(struct world *w, const struct http_response *r)
{
	http_close(w->http);
	w->http = NULL;
	assert_string_equal(http_header(r->call, "content-length"), "1"); /* still good */
}

static void test_close_inside_fn(void **state)
{
	struct world *w = *state;
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char url[64];

	open_http(w, &(struct http_options){.concurrent_max = 1});
	w->then = close_inside;
	peer_start(&w->peer, serve_seen, &s);
	http_send(w->http, &(struct http_request){.url = url_of(w, url, "/")}, on_reply, w, NULL);
	assert_string_equal(ask(w, (struct http_request){0}), "200 .;");
	assert_int_equal(w->done, 1);
}

/* ---- TLS ---- */

static void test_tls(void **state)
{
	struct peer_cert cert, other;
	struct {
		const struct peer_cert *serve, *trust;
		const char *expect;
	} rows[] = {
		{&cert, &cert, "200 .;"},
		{&cert, NULL, "ERR_TLS 0;"},
		{&cert, &other, "ERR_TLS 0;"},
		{&other, &other, "ERR_TLS 0;"}, /* trusted, but for another host */
	};
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER};

	peer_cert_make(&cert, "IP:127.0.0.1");
	peer_cert_make(&other, "DNS:example.com");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = *state;

		peer_use_tls(&w->peer, rows[i].serve);
		peer_start(&w->peer, serve_seen, &s);
		open_http(w, &(struct http_options){.ca_file = rows[i].trust ? rows[i].trust->path
									     : NULL});
		assert_string_equal(ask(w, (struct http_request){0}), rows[i].expect);
		teardown(state);
		setup(state);
	}
	peer_cert_free(&cert);
	peer_cert_free(&other);
}

static void test_ca_file_that_is_none(void **state)
{
	struct world *w = *state;

	open_http(w, &(struct http_options){.ca_file = "/nonexistent/ca.pem"});
	assert_string_equal(ask(w, (struct http_request){.url = "https://127.0.0.1:1/"}),
			    "ERR_CONNECT 0;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_replies),
		TEST(test_headers),
		TEST(test_requests),
		TEST(test_path_as_is),
		TEST(test_connections_are_reused),
		TEST(test_post_is_never_sent_twice),
		TEST(test_body_max),
		TEST(test_endless_body_and_head),
		TEST(test_slow_servers),
		TEST(test_tls_never_finishes),
		TEST(test_nobody_there),
		TEST(test_refused_requests),
		TEST(test_line_is_bounded_and_fair),
		TEST(test_cancel),
		TEST(test_close_inside_fn),
		TEST(test_tls),
		TEST(test_ca_file_that_is_none),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
