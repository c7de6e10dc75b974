/* test_backfill - trades by their time: every one of them once, whatever the pages, and what a page cannot hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "tests/unit/io/peer.h"
#include "tools/nj/backfill.h"

#define T0 INT64_C(1790000000) /* s */
#define SPAN 90000             /* s: more than the first windows */
#define TRADES 400
#define TICKER "KX-A"

/* A venue with trades at these times, ms; max_ts names a whole second or its first instant. */
struct venue_played {
	int64_t at[TRADES];
	int n;
	bool whole_second;
	int refuse; /* this request, 0 none */
	int requests;
};

struct world {
	struct peer peer;
	struct venue_played played;
	struct asker asker;
	struct history *history;
	char rest[64], path[64];
};

static int64_t number(const char *head, const char *name)
{
	const char *at = strstr(head, name);
	return at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void write_trade(char *out, size_t cap, int64_t ms, int id, bool first)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char when[32];
	size_t used = strlen(out);

	gmtime_r(&s, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + used, cap - used,
		 "%s{\"trade_id\":\"trade-%d\",\"yes_price_dollars\":\"0.5000\",\"count_fp\":\"1.00\","
		 "\"taker_side\":\"yes\",\"created_time\":\"%s.%03dZ\"}",
		 first ? "" : ",", id, when, (int)(ms % 1000));
}

static void serve(struct peer_conn *c, void *ctx)
{
	struct venue_played *v = ctx;
	static char body[1 << 17];
	char head[4096];

	if (!peer_head(c, head, sizeof head))
		return;
	if (strstr(head, "/markets/trades") == NULL)
		return;
	if (++v->requests == v->refuse) {
		peer_printf(c, "HTTP/1.1 429 Slow\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	int64_t limit = number(head, "limit="), n = 0;
	int64_t from = number(head, "min_ts=") * 1000;
	int64_t to = number(head, "max_ts=") * 1000 + (v->whole_second ? 999 : 0);
	snprintf(body, sizeof body, "{\"cursor\":\"\",\"trades\":[");
	for (int i = v->n - 1; i >= 0 && n < limit; i--)
		if (v->at[i] >= from && v->at[i] <= to)
			write_trade(body, sizeof body, v->at[i], i, n++ == 0);
	snprintf(body + strlen(body), sizeof body - strlen(body), "]}");
	peer_printf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", strlen(body));
	peer_text(c, body);
}

static struct world *open_world(void)
{
	struct world *w = calloc(1, sizeof *w);
	char reason[300] = "";

	assert_non_null(w);
	snprintf(w->path, sizeof w->path, "/tmp/nj-backfill-XXXXXX");
	int fd = mkstemp(w->path);
	assert_true(fd >= 0);
	close(fd);
	peer_start(&w->peer, serve, &w->played);
	snprintf(w->rest, sizeof w->rest, "http://127.0.0.1:%u", w->peer.port);
	struct asker_options o = {.venue = venue_find("KALSHI", 6), .rest = w->rest, .plain = true, .budget = 100};
	assert_int_equal(asker_open(&w->asker, &o), 0);
	w->asker.origin = origin_simulated;
	assert_int_equal(history_open(w->path, &w->history, reason, sizeof reason), 0);
	return w;
}

static void close_world(struct world *w)
{
	history_close(w->history);
	asker_close(&w->asker);
	peer_stop(&w->peer);
	unlink(w->path);
	free(w);
}

static struct backfill run(struct world *w, int64_t from, int64_t to, uint32_t rows)
{
	struct backfill b = {.asker = &w->asker,
			     .history = w->history,
			     .rows = rows,
			     .from = (T0 + from) * NS_PER_S,
			     .to = (T0 + to) * NS_PER_S + NS_PER_S / 2};
	assert_int_equal(venue_market_init(w->asker.o.venue, TICKER, strlen(TICKER), &b.market), 0);
	w->played.requests = 0;
	assert_int_equal(backfill_trades(&b), 0);
	return b;
}

static uint64_t stored(struct world *w)
{
	const struct history_series s = {origin_simulated, TICKER ".KALSHI", "-"};
	uint64_t n = 0;

	assert_int_equal(history_count_trades(w->history, &s, (uint64_t[]){0, INT64_MAX}, &n), 0);
	return n;
}

/* Clusters, several in a millisecond, at the ends of seconds, and long times without any. */
static void play(struct world *w, unsigned seed)
{
	int64_t at = T0 * 1000;

	for (w->played.n = 0; w->played.n < TRADES; w->played.n++) {
		static const int steps[] = {0, 0, 1, 40, 1000, 997, 300000, 600000};
		seed = seed * 1103515245U + 12345U;
		w->played.at[w->played.n] = at;
		at += steps[seed >> 16 & 7];
	}
}

static void every_trade_comes_once(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 6; seed++) {
		struct world *w = open_world();
		play(w, seed);
		w->played.whole_second = seed & 1;
		w->played.refuse = seed == 2 ? 3 : 0;
		struct backfill b = run(w, 0, SPAN, 40);
		uint64_t wanted = 0;
		for (int i = 0; i < TRADES; i++)
			wanted += w->played.at[i] < (T0 + SPAN) * 1000;
		assert_int_equal(b.result.rows, wanted);
		assert_int_equal(b.result.fresh, wanted);
		assert_int_equal(b.result.outages, 0);
		assert_int_equal(stored(w), wanted);
		close_world(w);
	}
}

/* What is done is on record: the same again asks nothing, a later end only for what is new. */
static void a_run_goes_on_where_the_last_one_was(void **state)
{
	struct world *w = open_world();
	(void)state;

	play(w, 7);
	uint64_t first = run(w, 0, 20000, 40).result.rows;
	assert_true(first > 0 && first < TRADES);
	struct backfill b = run(w, 0, 20000, 40);
	assert_int_equal(b.result.rows, 0);
	assert_int_equal(w->played.requests, 0);
	b = run(w, 0, SPAN, 40);
	assert_int_equal(b.result.fresh, b.result.rows);
	assert_int_equal(first + b.result.rows, stored(w));
	close_world(w);
}

/* More in a second than a page holds: what can be had is had, and the second is an outage on record. */
static void a_second_with_more_than_a_page(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		struct world *w = open_world();
		w->played.whole_second = whole;
		for (int i = 0; i < 100; i++) /* 20 before it, 60 in it, 20 behind */
			w->played.at[w->played.n++] =
				(T0 + 1000) * 1000 + (i < 20 ? i * 7 - 9000 : i < 80 ? i : 3000 + i);
		struct backfill b = run(w, 0, 5000, 40);
		assert_true(b.result.outages >= 1 && b.result.outages <= 3);
		assert_int_equal(b.result.outage_ns, b.result.outages * NS_PER_S);
		assert_int_equal(stored(w), 80);
		close_world(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_trade_comes_once),
		cmocka_unit_test(a_run_goes_on_where_the_last_one_was),
		cmocka_unit_test(a_second_with_more_than_a_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
