/* test_backfill_ids - trades by their ids: every one once; a venue that gives others than were asked for is no end. */
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
#define TRADES 30              /* one a second, ids from 1 */

struct played {
	int stuck; /* whoever asks for a later id gets those from this one on; 0: nobody */
	int requests;
};

static int64_t number(const char *head, const char *name)
{
	const char *at = strstr(head, name);
	return at != NULL ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static void serve(struct peer_conn *c, void *ctx)
{
	struct played *v = ctx;
	char head[4096], body[8192] = "[";

	if (!peer_head(c, head, sizeof head))
		return;
	v->requests++;
	int64_t limit = number(head, "limit="), id = number(head, "fromId="), n = 0;
	if (id > v->stuck && v->stuck > 0)
		id = v->stuck;
	if (id == 0)
		id = TRADES - limit + 1;
	for (; id <= TRADES && n < limit; id++, n++)
		snprintf(body + strlen(body), sizeof body - strlen(body),
			 "%s{\"id\":%d,\"price\":\"1.50\",\"qty\":\"2.00\",\"quoteQty\":\"3.00\",\"time\":%lld,"
			 "\"isBuyerMaker\":true,\"isBestMatch\":true}",
			 n == 0 ? "" : ",", (int)id, (long long)(T0 + id) * 1000);
	snprintf(body + strlen(body), sizeof body - strlen(body), "]");
	peer_printf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", strlen(body));
	peer_text(c, body);
}

struct world {
	struct peer peer;
	struct played played;
	struct asker asker;
	struct history *history;
	char rest[64], path[64];
};

static int open_world(void **state)
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
	struct asker_options o = {.venue = venue_find("BINANCE", 7), .rest = w->rest, .plain = true, .budget = 100};
	assert_int_equal(asker_open(&w->asker, &o), 0);
	w->asker.origin = origin_simulated;
	assert_int_equal(history_open(w->path, &w->history, reason, sizeof reason), 0);
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	history_close(w->history);
	asker_close(&w->asker);
	peer_stop(&w->peer);
	unlink(w->path);
	free(w);
	return 0;
}

static int run(struct world *w, struct backfill *ret_b)
{
	*ret_b = (struct backfill){.asker = &w->asker,
				   .history = w->history,
				   .rows = 4,
				   .from = (T0 + 5) * NS_PER_S,
				   .to = (T0 + 25) * NS_PER_S};
	assert_int_equal(venue_market_init(w->asker.o.venue, "ONEUSDT", 7, &ret_b->market), 0);
	ret_b->market.price_scale = ret_b->market.qty_scale = 2;
	return backfill_trades(ret_b);
}

static void every_trade_comes_once(void **state)
{
	struct backfill b;
	assert_int_equal(run(*state, &b), 0);
	assert_int_equal(b.result.rows, 20);
	assert_int_equal(b.result.fresh, 20);
	assert_int_equal(b.result.missing, 0);
	assert_int_equal(run(*state, &b), 0);
	assert_int_equal(b.result.fresh, 0);
}

/* Ids that do not rise would be asked for without an end. */
static void ids_that_were_not_asked_for_are_refused(void **state)
{
	struct world *w = *state;
	for (w->played.stuck = 1; w->played.stuck < 28; w->played.stuck += 3) {
		struct backfill b;
		w->played.requests = 0;
		assert_int_equal(run(w, &b), ERR_PROTOCOL);
		assert_true(w->played.requests < 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_trade_comes_once, open_world, close_world),
		cmocka_unit_test_setup_teardown(ids_that_were_not_asked_for_are_refused, open_world, close_world),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
