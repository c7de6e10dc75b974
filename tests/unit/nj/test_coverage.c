/* test_coverage - days, lives and blind intervals folded into what was seen of each stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/nj/coverage.h"

#define S 1000000000LL
#define DAY (86400 * S)
#define D0 (20000 * DAY)

static struct coverage_row rows[64];
static char names[64][2][64];
static uint32_t n_rows;

static void keep(void *ctx, const struct coverage_row *row)
{
	(void)ctx;
	rows[n_rows] = *row;
	snprintf(names[n_rows][0], 64, "%s", row->instrument);
	snprintf(names[n_rows][1], 64, "%s", row->stream);
	n_rows++;
}

static const struct coverage_row *row_of(const char *instrument, const char *stream, int64_t day)
{
	for (uint32_t i = 0; i < n_rows; i++)
		if (strcmp(names[i][0], instrument) == 0 && strcmp(names[i][1], stream) == 0 && rows[i].day == day)
			return &rows[i];
	return NULL;
}

static struct event make(uint16_t id, int64_t at)
{
	struct event ev;

	event_init(&ev, id);
	memcpy(ev.source, "collector", 10);
	ev.origin = origin_live;
	ev.ts_recv = at;
	return ev;
}

static void follow(struct coverage *c, int64_t at, int64_t since, const char *raw, const char *streams)
{
	struct event ev = make(EVENT_following, at);

	assert_int_equal(symbol_make(raw, strlen(raw), "BINANCE", &ev.following.instrument), 0);
	event_set_text(ev.following.streams, streams);
	ev.following.since = since;
	coverage_on_event(c, &ev);
}

static void blind(struct coverage *c, const char *raw, const char *stream, int64_t from)
{
	struct event ev = make(EVENT_blind, from + 1);

	if (raw != NULL)
		assert_int_equal(symbol_make(raw, strlen(raw), "BINANCE", &ev.blind.instrument), 0);
	event_set_name(ev.blind.stream, stream);
	ev.blind.from = from;
	coverage_on_event(c, &ev);
}

static void gap(struct coverage *c, const char *raw, const char *stream, enum repair repair, const int64_t range[2],
		uint64_t missing)
{
	struct event ev = make(EVENT_gap, range[1]);

	if (raw != NULL)
		assert_int_equal(symbol_make(raw, strlen(raw), "BINANCE", &ev.gap.instrument), 0);
	event_set_name(ev.gap.stream, stream);
	ev.gap.from = range[0];
	ev.gap.to = range[1];
	ev.gap.repair = (uint8_t)repair;
	ev.gap.missing = missing;
	coverage_on_event(c, &ev);
}

/* An outage over midnight: tops are gone, trades were fetched, the book was blind for longer. */
static void test_outage(void **state)
{
	(void)state;
	struct coverage c;
	int64_t from = D0 + DAY - 60 * S, to = D0 + DAY + 30 * S;

	n_rows = 0;
	coverage_init(&c);
	follow(&c, D0 + DAY / 2, 1, "BTCUSDT", "depth,trade,top");
	blind(&c, NULL, "all", from);
	gap(&c, NULL, "all", repair_nothing, (int64_t[]){from, to}, 0);
	gap(&c, "BTCUSDT", "trade", repair_backfill, (int64_t[]){from, to}, 0);
	gap(&c, "BTCUSDT", "depth", repair_snapshot, (int64_t[]){from, to + 10 * S}, 0);
	coverage_alive(&c, "collector", D0 + 2 * DAY);
	assert_int_equal(coverage_rows(&c, keep, NULL), 0);
	assert_int_equal(n_rows, 6);
	const struct coverage_row *r = row_of("BTCUSDT.BINANCE", "top", D0);
	assert_int_equal(r->followed, DAY / 2);
	assert_int_equal(r->blind, 60 * S);
	assert_int_equal(r->missing, 60 * S);
	assert_int_equal(r->gaps, 1);
	assert_int_equal(coverage_thousandths(r), 99861); /* 1 - 60 / 43200, rounded down */
	r = row_of("BTCUSDT.BINANCE", "trade", D0 + DAY);
	assert_int_equal(r->followed, DAY);
	assert_int_equal(r->blind, 30 * S);
	assert_int_equal(r->repaired, 30 * S);
	assert_int_equal(r->missing, 0);
	assert_int_equal(coverage_thousandths(r), 100000);
	r = row_of("BTCUSDT.BINANCE", "depth", D0 + DAY);
	assert_int_equal(r->blind, 40 * S); /* both records of it, counted once */
	assert_int_equal(r->gaps, 1);
	assert_int_equal(r->repaired, 0);
	coverage_fini(&c);
}

static void take_up(struct coverage *c, int64_t at, int64_t since, int64_t joined, const char *streams)
{
	struct event ev = make(EVENT_following, at);

	assert_int_equal(symbol_make("777", 3, "POLYMARKET", &ev.following.instrument), 0);
	event_set_text(ev.following.streams, streams);
	ev.following.since = since;
	ev.following.joined = joined;
	coverage_on_event(c, &ev);
}

/* A market that came in the middle of a life, went on in the next one, and was dropped, its gap with it. */
static void test_comes_and_goes(void **state)
{
	(void)state;
	struct coverage c;

	n_rows = 0;
	coverage_init(&c);
	follow(&c, D0, 1, "BTCUSDT", "top");
	take_up(&c, D0 + 100 * S, 1, D0 + 100 * S, "top");
	blind(&c, NULL, "all", D0 + 150 * S);
	follow(&c, D0 + 200 * S, 2, "BTCUSDT", "top");
	gap(&c, NULL, "all", repair_nothing, (int64_t[]){D0 + 150 * S, D0 + 200 * S}, 0);
	take_up(&c, D0 + 210 * S, 2, D0 + 100 * S, "top"); /* no seam: the life began to see it with the first */
	blind(&c, NULL, "all", D0 + 290 * S);
	take_up(&c, D0 + 300 * S, 2, D0 + 100 * S, "");
	gap(&c, NULL, "all", repair_nothing, (int64_t[]){D0 + 290 * S, D0 + 320 * S}, 0);
	coverage_alive(&c, "collector", D0 + 400 * S);
	assert_int_equal(coverage_rows(&c, keep, NULL), 0);
	const struct coverage_row *r = row_of("777.POLYMARKET", "top", D0);
	assert_int_equal(r->followed, 200 * S);
	assert_int_equal(r->missing, 60 * S);
	r = row_of("BTCUSDT.BINANCE", "top", D0);
	assert_int_equal(r->followed, 400 * S);
	assert_int_equal(r->missing, 80 * S);
	coverage_fini(&c);
}

/* A second life: what it does not name ended with the first; the time in between is blind for both. */
static void test_lives(void **state)
{
	(void)state;
	struct coverage c;

	n_rows = 0;
	coverage_init(&c);
	follow(&c, D0, 1, "BTCUSDT", "trade");
	follow(&c, D0 + 5, 1, "ETHUSDT", "trade");
	coverage_alive(&c, "collector", D0 + 100 * S);
	blind(&c, NULL, "all", D0 + 100 * S);
	follow(&c, D0 + 200 * S, 2, "BTCUSDT", "trade");
	gap(&c, NULL, "all", repair_nothing, (int64_t[]){D0 + 100 * S, D0 + 210 * S}, 0);
	gap(&c, "BTCUSDT", "trade", repair_backfill, (int64_t[]){D0 + 100 * S, D0 + 210 * S}, 7);
	coverage_alive(&c, "collector", D0 + 1000 * S);
	assert_int_equal(coverage_rows(&c, keep, NULL), 0);
	assert_int_equal(n_rows, 2);
	const struct coverage_row *r = row_of("ETHUSDT.BINANCE", "trade", D0);
	assert_int_equal(r->followed, 200 * S);
	assert_int_equal(r->missing, 100 * S);
	r = row_of("BTCUSDT.BINANCE", "trade", D0);
	assert_int_equal(r->followed, 1000 * S);
	assert_int_equal(r->blind, 110 * S);
	assert_int_equal(r->missing, 110 * S); /* not all of it came */
	assert_int_equal(r->records, 7);
	coverage_fini(&c);
}

/* What is open is blind up to the last sign of life; another connection's outage is no matter. */
static void test_open(void **state)
{
	(void)state;
	struct coverage c;

	n_rows = 0;
	coverage_init(&c);
	follow(&c, D0, 1, "BTCUSDT", "depth");
	struct event other = make(EVENT_gap, D0 + 3 * S);
	other.gap.connection = 1;
	event_set_name(other.gap.stream, "all");
	other.gap.from = D0 + S;
	other.gap.to = D0 + 3 * S;
	coverage_on_event(&c, &other);
	blind(&c, "BTCUSDT", "depth", D0 + 50 * S);
	coverage_alive(&c, "collector", D0 + 80 * S);
	coverage_alive(&c, "executor", D0 + 800 * S);
	assert_int_equal(coverage_rows(&c, keep, NULL), 0);
	assert_int_equal(n_rows, 1);
	assert_int_equal(rows[0].followed, 80 * S);
	assert_int_equal(rows[0].missing, 30 * S);
	char day[16];
	coverage_day_text(rows[0].day, day);
	assert_string_equal(day, "2024-10-04");
	coverage_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_outage), cmocka_unit_test(test_comes_and_goes),
					   cmocka_unit_test(test_lives),
					   cmocka_unit_test(test_open)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
