/* test_http_retry - the one retry policy: what is repeated, when, how often, what is logged. */
#include "tests/unit/io/http_client.h"

#include "common/io/http_retry.h"
#include "common/io/log.h"

/* All cases run at once in one loop: each path of the server is one of them. */
struct path {
	const char *path;
	const char *answers[HTTP_RETRIES + 2]; /* the last one again and again; NULL: hang up */
	const char *expect;
	int attempts;
	int64_t at_ms[8]; /* of each attempt */
	int n;
	struct world *w;
	char result[64];
	int64_t retry_after_s;
};

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define CUT "cut"

static struct path paths[] = {
	{.path = "/fine", .answers = {OK}, .expect = "0 200 ok", .attempts = 1},
	{.path = "/twice", .answers = {BUSY, CUT, OK}, .expect = "0 200 ok", .attempts = 3},
	{.path = "/never", .answers = {BUSY}, .expect = "0 503 ", .attempts = 4},
	{.path = "/cut", .answers = {CUT}, .expect = "-1 0 ", .attempts = 4},
	{.path = "/limit",
	 .answers = {"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"},
	 .expect = "0 429 ",
	 .attempts = 1},
	{.path = "/banned",
	 .answers = {"HTTP/1.1 418 No\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n"},
	 .expect = "0 418 ",
	 .attempts = 1},
	{.path = "/missing",
	 .answers = {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
	 .expect = "0 404 ",
	 .attempts = 1},
	{.path = "/later",
	 .answers = {"HTTP/1.1 503 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"},
	 .expect = "0 503 ",
	 .attempts = 1},
	{.path = "/soon",
	 .answers = {"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", OK},
	 .expect = "0 200 ok",
	 .attempts = 2},
	{.path = "/slow", .answers = {"", OK}, .expect = "0 200 ok", .attempts = 2},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *next_answer(const char *head)
{
	char path[64] = "";
	const char *answer = CUT;

	sscanf(head, "GET %63s", path);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct path *p = &paths[i];

		if (strcmp(p->path, path) != 0)
			continue;
		answer = p->answers[p->n < HTTP_RETRIES + 1 && p->answers[p->n] ? p->n : 0];
		for (int k = p->n; !p->answers[k] && k > 0; k--)
			answer = p->answers[k - 1];
		must(p->n < 8);
		p->at_ms[p->n++] = peer_now_ms();
	}
	pthread_mutex_unlock(&lock);
	return answer;
}

static void serve(struct peer_conn *p, void *ctx)
{
	char head[4096];

	(void)ctx;
	while (peer_head(p, head, sizeof head)) {
		const char *answer = next_answer(head);

		must(!strstr(head, "X-A") || strstr(head, "\r\nX-A: 1\r\nX-B: 2\r\n"));

		if (strcmp(answer, CUT) == 0)
			return;
		peer_text(p, answer);
	}
}

static void on_end(void *ctx, const struct http_response *r)
{
	struct path *p = ctx;

	snprintf(p->result, sizeof p->result, "%d %d %s", r->err, r->status, r->body);
	p->retry_after_s = r->retry_after_s;
	if (++p->w->done == p->w->wanted)
		loop_stop(p->w->l);
}

static void test_policy(void **state)
{
	static const char *const lines[] = {"X-A: 1", "X-B: 2", NULL};
	static const int64_t delays[] = {1000, 2000, 4000};
	struct world *w = *state;
	char url[64];

	open_http(w, &(struct http_options){.concurrent_max = 16});
	peer_start(&w->peer, serve, NULL);
	w->wanted = (int)ARRAY_LEN(paths);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http_request r = {.url = url_of(w, url, paths[i].path),
					 .method = i % 2 ? "GET" : NULL,
					 .headers = lines,
					 .total_ns = paths[i].answers[0][0] ? 20 * NS_PER_S : NS_PER_S};

		paths[i].w = w;
		assert_int_equal(http_retry_send(w->http, &r, on_end, &paths[i], NULL), 0);
		memset(url, 'x', sizeof url - 1); /* copied */
	}
	loop_run(w->l);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct path *p = &paths[i];

		assert_string_equal(p->result, p->expect);
		assert_int_equal(p->n, p->attempts);
		for (int k = 1; k < p->n; k++)
			/* What arrives is noted late on a busy machine: wide bounds, still far from the next delay
			 * below. */
			assert_in_range(p->at_ms[k] - p->at_ms[k - 1], delays[k - 1] * 3 / 4, delays[k - 1] + 10000);
	}
	pthread_mutex_unlock(&lock);
	assert_int_equal(paths[4].retry_after_s, 1);
	assert_int_equal(paths[5].retry_after_s, 9);
}

static void test_only_safe_methods(void **state)
{
	struct world *w = *state;
	struct http_retry *t = NULL;

	assert_int_equal(
		http_retry_send(w->http,
				&(struct http_request){.method = "POST", .url = "https://x/"},
				on_end, NULL, &t),
		ERR_ARG);
	assert_int_equal(http_retry_send(w->http,
					 &(struct http_request){
						 .url = "https://x/", .body = "b", .body_len = 1},
					 on_end, NULL, &t),
			 ERR_ARG);
	assert_int_equal(http_retry_send(w->http, &(struct http_request){.url = "nonsense"}, on_end,
					 NULL, &t),
			 ERR_SYNTAX);
	assert_int_equal(http_retry_send(w->http,
					 &(struct http_request){.url = "http://example.com/"},
					 on_end, NULL, &t),
			 ERR_REFUSED);
	assert_null(t);
}

static void never(void *ctx, const struct http_response *r)
{
	(void)ctx;
	(void)r;
	fail_msg("called although cancelled");
}

static void test_cancel(void **state)
{
	struct world *w = *state;
	struct http_retry *flying = NULL, *waiting = NULL;
	struct loop_source *t;
	char url[64];

	peer_start(&w->peer, serve, NULL);
	assert_int_equal(http_retry_send(w->http,
					 &(struct http_request){.url = url_of(w, url, "/unknown")},
					 never, NULL, &waiting),
			 0);
	assert_int_equal(loop_timer(w->l, 100 * NS_PER_MS, 0, (loop_fn)loop_stop, w->l, &t), 0);
	loop_run(w->l);
	assert_int_equal(http_retry_send(w->http,
					 &(struct http_request){.url = url_of(w, url, "/unknown")},
					 never, NULL, &flying),
			 0);
	http_retry_cancel(&waiting);
	http_retry_cancel(&flying);
	http_retry_cancel(&flying);
	assert_int_equal(loop_timer(w->l, 50 * NS_PER_MS, 0, (loop_fn)loop_stop, w->l, &t), 0);
	loop_run(w->l);
}

static void test_delays(void **state)
{
	(void)state;
	assert_int_equal(http_retry_delay_ns(0), 0);
	assert_int_equal(http_retry_delay_ns(1), 1 * NS_PER_S);
	assert_int_equal(http_retry_delay_ns(2), 2 * NS_PER_S);
	assert_int_equal(http_retry_delay_ns(3), 4 * NS_PER_S);
	assert_int_equal(http_retry_delay_ns(4), 0);
	assert_int_equal(http_retry_delay_ns(-1), 0);
}

/* Every attempt is on record, with host and cause, without path or query. */
static void test_attempts_are_logged(void **state)
{
	struct world *w = *state;
	char file[] = "/tmp/nj-retry-XXXXXX", text[8192] = "", url[64];
	int fd = mkstemp(file), lines = 0;
	struct path p = {.w = w};

	assert_true(fd >= 0);
	log_open(&(struct log_options){.service = "test", .level = LOG_INFO, .file = file});
	peer_start(&w->peer, serve, NULL);
	assert_int_equal(
		http_retry_send(w->http,
				&(struct http_request){.url = url_of(w, url, "/secret?key=1")},
				on_end, &p, NULL),
		0);
	loop_run(w->l);
	log_close();
	assert_true(read(fd, text, sizeof text - 1) > 0);
	for (const char *at = text; (at = strstr(at, "http attempt failed")); at++)
		lines++;
	assert_int_equal(lines, 4);
	assert_non_null(strstr(text, "host=127.0.0.1 attempt=1 of=4 next=1000ms cause=\"ERR_IO: "));
	assert_non_null(strstr(text, "attempt=4 of=4 next=none"));
	assert_null(strstr(text, "secret"));
	close(fd);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_policy),
		TEST(test_only_safe_methods),
		TEST(test_cancel),
		TEST(test_delays),
		TEST(test_attempts_are_logged),
	};

	return cmocka_run_group_tests_name("http_retry", tests, NULL, NULL);
}
