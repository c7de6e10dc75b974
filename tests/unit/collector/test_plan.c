/* test_plan - markets and streams over connections: what may not share one goes apart, what does not fit is spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "services/collector/plan.h"

#define ROWS 1024

static char names[ROWS][12];
static const char *raws[ROWS];
static struct collector_market rows[ROWS];
static uint32_t n;

static int setup(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof names[i], "M%u", i);
		raws[i] = names[i];
	}
	n = 0;
	return 0;
}

static struct venue with(const uint32_t *groups, uint32_t streams_max)
{
	return (struct venue){.streams = VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM,
			      .groups = groups,
			      .streams_max = streams_max};
}

/* Each market's each stream is on exactly one connection; none carries more than `most`. */
static void check(const struct plan *p, uint32_t streams, uint32_t most, uint32_t connections)
{
	uint32_t carried[COLLECTOR_CONNECTIONS_MAX] = {0}, of[ROWS] = {0}, used = 0;
	for (uint32_t r = 0; r < n; r++) {
		uint32_t m = 0;
		while (m < p->n && rows[r].raw != raws[m])
			m++;
		assert_true(m < p->n && rows[r].connection < COLLECTOR_CONNECTIONS_MAX);
		assert_int_equal(of[m] & rows[r].streams, 0);
		of[m] |= rows[r].streams;
		carried[rows[r].connection] += (uint32_t)__builtin_popcount(rows[r].streams);
	}
	for (uint32_t m = 0; m < p->n; m++)
		assert_int_equal(of[m], streams);
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++) {
		assert_true(carried[i] <= most);
		used += carried[i] > 0;
		assert_true(carried[i] == 0 || used == i + 1); /* no number is left out */
	}
	assert_int_equal(used, connections);
}

static void one_connection_where_all_fit(void **state)
{
	struct venue v = with(NULL, 30);
	struct plan p = {.venue = &v, .streams = UINT32_MAX, .raws = raws, .n = 10};
	(void)state;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 30, 1);
}

static void spread_evenly_where_they_do_not(void **state)
{
	struct venue v = with(NULL, 30);
	struct plan p = {.venue = &v, .streams = UINT32_MAX, .raws = raws, .n = 11};
	(void)state;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 18, 2);
	p.n = 100;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 30, 10);
}

static void groups_go_apart(void **state)
{
	static const uint32_t groups[] = {VENUE_DEPTH_STREAM | VENUE_TOP_STREAM, VENUE_TRADE_STREAM, 0};
	struct venue v = with(groups, 20);
	struct plan p = {.venue = &v, .streams = UINT32_MAX, .raws = raws, .n = 20};
	(void)state;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 20, 3); /* two of ten markets each, one of twenty */
	for (uint32_t r = 0; r < n; r++)
		assert_true((rows[r].streams & groups[0]) == 0 || (rows[r].streams & groups[1]) == 0);
	p.streams = VENUE_TRADE_STREAM | VENUE_KLINE_STREAM; /* klines it does not have */
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, VENUE_TRADE_STREAM, 20, 1);
}

static void fewer_by_setting(void **state)
{
	struct venue v = with(NULL, 300);
	struct plan p = {.venue = &v, .streams = UINT32_MAX, .streams_max = 3, .raws = raws, .n = 4};
	(void)state;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 3, 4);
	p.streams_max = 1000; /* more than the venue allows */
	p.n = 101;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 153, 2);
}

static void together(void **state)
{
	static const uint32_t groups[] = {VENUE_DEPTH_STREAM, VENUE_TRADE_STREAM | VENUE_TOP_STREAM, 0};
	struct venue v = with(groups, 2);
	struct plan p = {.venue = &v, .streams = UINT32_MAX, .together = true, .raws = raws, .n = 5};
	(void)state;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	check(&p, v.streams, 15, 1);
}

static void refused(void **state)
{
	struct venue v = with(NULL, 3);
	struct plan p = {.venue = &v, .streams = UINT32_MAX, .raws = raws, .n = COLLECTOR_CONNECTIONS_MAX};
	(void)state;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), 0);
	p.n++;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), ERR_FULL); /* connections */
	p.n = 4;
	assert_int_equal(plan_make(&p, rows, 3, &n), ERR_FULL); /* rows */
	p.n = 0;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), ERR_ARG);
	p.n = 1;
	p.streams = VENUE_LIQUIDATION_STREAM;
	assert_int_equal(plan_make(&p, rows, ROWS, &n), ERR_ARG);
}

/* Markets that come one by one: what has room is filled first, streams that stay apart stay apart. */
static void one_by_one(void **state)
{
	static const uint32_t groups[] = {VENUE_DEPTH_STREAM | VENUE_TOP_STREAM, VENUE_TRADE_STREAM, 0};
	struct collector_load load[COLLECTOR_CONNECTIONS_MAX] = {{0}};
	struct venue apart = with(groups, 20), all = with(NULL, 6);
	struct plan p = {.venue = &apart, .streams = apart.streams, .raws = raws, .n = 1};
	struct collector_market two[COLLECTOR_GROUPS_MAX];
	uint32_t rows_of;

	(void)state;
	for (uint32_t i = 0; i < 25; i++) {
		assert_int_equal(plan_place(&p, load, raws[i], two, &rows_of), 0);
		assert_int_equal(rows_of, 2);
		for (uint32_t k = 0; k < 2; k++) {
			assert_ptr_equal(two[k].raw, raws[i]);
			assert_int_equal(two[k].streams, groups[k]);
			load[two[k].connection].markets++;
			load[two[k].connection].streams |= two[k].streams;
		}
	}
	const uint32_t carried[] = {10, 20, 10, 5, 5}; /* of two streams ten markets, of one twenty */
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(load[i].markets, carried[i]);
	assert_int_equal(load[5].markets, 0);
	load[0].markets--; /* one has left: its place is taken */
	assert_int_equal(plan_place(&p, load, "NEXT", two, &rows_of), 0);
	assert_int_equal(two[0].connection, 0);
	p.streams = VENUE_KLINE_STREAM;
	assert_int_equal(plan_place(&p, load, "NEXT", two, &rows_of), ERR_ARG);
	p = (struct plan){.venue = &all, .streams = all.streams};
	for (uint32_t i = 0; i < COLLECTOR_CONNECTIONS_MAX; i++)
		load[i] = (struct collector_load){2, all.streams};
	assert_int_equal(plan_place(&p, load, "NEXT", two, &rows_of), ERR_FULL);
	load[7].markets = 1;
	assert_int_equal(plan_place(&p, load, "NEXT", two, &rows_of), 0);
	assert_int_equal(two[0].connection, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_connection_where_all_fit, setup),
		cmocka_unit_test_setup(spread_evenly_where_they_do_not, setup),
		cmocka_unit_test_setup(groups_go_apart, setup),
		cmocka_unit_test_setup(fewer_by_setting, setup),
		cmocka_unit_test_setup(together, setup),
		cmocka_unit_test_setup(refused, setup),
		cmocka_unit_test_setup(one_by_one, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
