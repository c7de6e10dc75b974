/* test_asker - what nj backfill's requests do where a venue refuses them, or says that its budget is nearly used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "tests/unit/io/peer.h"
#include "tools/nj/asker.h"

#define SECOND INT64_C(1000000000)
#define KLINE "[\"1700000040000\",\"1\",\"2\",\"1\",\"2\",\"3\",\"4\"]"
#define KLINES "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"list\":[" KLINE "]}}"
#define TOO_MANY "{\"retCode\":10006,\"retMsg\":\"Too many visits!\",\"result\":{},\"time\":0}"
#define NO_SUCH "{\"retCode\":10001,\"retMsg\":\"params error\",\"result\":{},\"time\":0}"

struct reply {
	const char *status, *headers, *body;
};

/* The venue's replies, one a connection, in their order; the last one again and again. */
struct script {
	const struct reply *replies;
	int n;
};

struct world {
	struct peer peer;
	struct script script;
	struct asker asker;
	char rest[64], why[64]; /* why: of the last wait */
	int64_t waited;         /* likewise */
	int waits, klines;
};

static void serve(struct peer_conn *c, void *ctx)
{
	const struct script *s = ctx;
	const struct reply *r = &s->replies[c->number < s->n ? c->number : s->n - 1];
	char head[4096];

	if (peer_head(c, head, sizeof head))
		peer_printf(c, "HTTP/1.1 %s\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", r->status,
			    r->headers, strlen(r->body), r->body);
}

static void on_wait(void *ctx, int64_t ns, const char *why)
{
	struct world *w = ctx;

	w->waits++;
	w->waited = ns;
	snprintf(w->why, sizeof w->why, "%s", why);
}

static void on_kline(void *ctx, const struct venue_message *m)
{
	((struct world *)ctx)->klines += m->kind == VENUE_KLINE;
}

static struct world *open_world(const struct reply *replies, int n)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->script = (struct script){replies, n};
	peer_start(&w->peer, serve, &w->script);
	snprintf(w->rest, sizeof w->rest, "http://127.0.0.1:%u", w->peer.port);
	struct asker_options o = {.venue = venue_find("BYBIT", 5),
				  .rest = w->rest,
				  .plain = true,
				  .budget = 50,
				  .waits = on_wait,
				  .ctx = w};
	assert_int_equal(asker_open(&w->asker, &o), 0);
	return w;
}

static void close_world(struct world *w)
{
	asker_close(&w->asker);
	peer_stop(&w->peer);
	free(w);
}

static int ask(struct world *w)
{
	struct venue_market market = {.raw = "BTCUSDT", .price_scale = 2, .qty_scale = 3};
	const struct venue_market *markets[] = {&market};
	struct venue_request r = {
		.ask = VENUE_ASK_KLINES, .markets = markets, .n = 1, .limit = 100, .interval = "1m"};

	return asker_ask(&w->asker, &r, on_kline, w);
}

/* The same is asked again, after as long as the venue says. */
static void test_refused(void **state)
{
	static const struct {
		struct reply first;
		const char *why;
	} rows[] = {
		{{"200 OK", "X-Bapi-Limit-Status: 0\r\nX-Bapi-Limit: 600\r\n", TOO_MANY}, "the venue asks to wait"},
		{{"403 Forbidden", "Retry-After: 1\r\n", "access too frequent"}, "the venue has banned this address"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct reply replies[] = {rows[i].first, {"200 OK", "", KLINES}};
		struct world *w = open_world(replies, 2);
		assert_int_equal(ask(w), 0);
		assert_int_equal(w->klines, 1);
		assert_int_equal(w->waits, 1);
		assert_int_equal(w->waited, SECOND);
		assert_string_equal(w->why, rows[i].why);
		assert_int_equal(w->asker.refused, 1);
		assert_int_equal(w->asker.requests, 2);
		close_world(w);
	}
}

/* Longer than anybody waits for: it is given back, and nothing was sent again. */
static void test_banned(void **state)
{
	static const struct reply reply = {"403 Forbidden", "Retry-After: 601\r\n", "access too frequent"};
	struct world *w = open_world(&reply, 1);
	(void)state;

	assert_int_equal(ask(w), ERR_BUSY);
	assert_string_equal(w->asker.reason, "the venue has banned this address, for 601 s more: run it again then");
	assert_int_equal(w->asker.requests, 1);
	close_world(w);
}

/* Any other refusal ends it. */
static void test_other(void **state)
{
	static const struct reply replies[] = {{"200 OK", "", NO_SUCH}, {"404 Not Found", "Retry-After: 1\r\n", ""}};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		struct world *w = open_world(&replies[i], 1);
		assert_int_equal(ask(w), ERR_STATUS);
		assert_int_equal(w->asker.requests, 1);
		assert_int_equal(w->asker.refused, 0);
		close_world(w);
	}
}

/* A good reply by which the share is used: the next request waits, not this one's answer. */
static void test_budget(void **state)
{
	static const struct reply replies[] = {
		{"200 OK", "X-Bapi-Limit-Status: 301\r\nX-Bapi-Limit: 600\r\n", KLINES},
		{"200 OK", "X-Bapi-Limit-Status: 300\r\nX-Bapi-Limit: 600\r\n", KLINES},
		{"200 OK", "", KLINES},
	};
	struct world *w = open_world(replies, 3);
	(void)state;

	assert_int_equal(ask(w), 0);
	assert_int_equal(ask(w), 0);
	assert_int_equal(w->waits, 0);
	assert_int_equal(w->klines, 2);
	assert_int_equal(ask(w), 0);
	assert_int_equal(w->waits, 1);
	assert_int_equal(w->waited, SECOND);
	assert_string_equal(w->why, "the share of the venue's budget is used");
	assert_int_equal(w->asker.refused, 0);
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_banned),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
