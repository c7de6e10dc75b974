/* test_dns_hang - a resolver that does not answer holds up nobody: time limits hold, frees return.
 *
 * This program's own getaddrinfo stands in front of libc's for libcurl too: it sleeps, then fails.
 */
#include <netdb.h>

#include "common/io/http.h"
#include "tests/unit/io/ws_client.h"

#define HANG_MS 3000

static atomic_int asked, answered;

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict ret_list)
{
	(void)name;
	(void)service;
	(void)hints;
	(void)ret_list;
	asked++;
	poll(NULL, 0, HANG_MS);
	answered++;
	return EAI_AGAIN;
}

/* Leaves the resolver's threads behind nobody. */
static void wait_for_threads(void)
{
	for (int i = 0; answered < asked && i < 3000; i++)
		poll(NULL, 0, 10);
	poll(NULL, 0, 50);
	assert_int_equal(answered, asked);
}

static void test_ws(void **state)
{
	struct client *c = *state;

	dial(c, (struct ws_options){.url = "wss://hang.invalid/", .connect_ns = 200 * NS_PER_MS});
	assert_true(peer_now_ms() - c->began_ms < 1000);
	loop_run(c->l);
	assert_memory_equal(text_of(c), "close 1006 ERR_TIMEOUT: ", 24);
	assert_in_range(c->took_ms, 190, HANG_MS);
	ws_free(&c->ws);
	assert_true(peer_now_ms() - c->began_ms < HANG_MS);
	wait_for_threads();
}

/* The resolver has been asked and has not answered yet. */
static void stop_when_asked(void *ctx)
{
	if (asked > answered)
		loop_stop(ctx);
}

static void test_ws_freed(void **state)
{
	struct client *c = *state;
	struct loop_source *t;

	dial(c, (struct ws_options){.url = "wss://hang.invalid/"});
	assert_int_equal(loop_timer(c->l, 0, 5 * NS_PER_MS, stop_when_asked, c->l, &t), 0);
	loop_run(c->l);
	assert_int_equal(asked, answered + 1);
	ws_free(&c->ws);
	assert_true(peer_now_ms() - c->began_ms < HANG_MS);
	wait_for_threads();
}

static void on_reply(void *ctx, const struct http_response *r)
{
	struct client *c = ctx;

	note(c, "%s %lld ", err_name(r->err), (long long)(r->total_ns / NS_PER_MS / HANG_MS));
	if (++c->messages == 2)
		loop_stop(c->l);
}

/* Two requests: both end in time, and closing with a third under way does not wait either. */
static void test_http(void **state)
{
	struct client *c = *state;
	struct http_request r = {.url = "https://hang.invalid/", .connect_ns = 200 * NS_PER_MS};
	struct http *h;

	c->began_ms = peer_now_ms();
	assert_int_equal(http_open(c->l, &(struct http_options){0}, &h), 0);
	assert_int_equal(http_send(h, &r, on_reply, c, NULL), 0);
	r.connect_ns = 0;
	r.total_ns = 300 * NS_PER_MS;
	assert_int_equal(http_send(h, &r, on_reply, c, NULL), 0);
	loop_run(c->l);
	assert_string_equal(text_of(c), "ERR_TIMEOUT 0 ERR_TIMEOUT 0 ");
	assert_int_equal(http_send(h, &r, on_reply, c, NULL), 0);
	http_close(h);
	assert_true(peer_now_ms() - c->began_ms < HANG_MS);
	wait_for_threads();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_ws),
		TEST(test_ws_freed),
		TEST(test_http),
	};

	return cmocka_run_group_tests_name("dns_hang", tests, NULL, NULL);
}
