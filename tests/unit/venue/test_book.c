/* test_book - the order book against a plain sorted list, on streams made to reach every corner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/venue/book.h"

#define MODEL_MAX 4096

/* The same rules, as plainly as they can be written: a list sorted best first. */
struct model_side {
	struct level at[MODEL_MAX];
	uint32_t n, cap;
	int64_t sign;
	int64_t limit; /* bid_floor or ask_ceil */
};

static void model_set(struct model_side *m, int64_t price, int64_t qty)
{
	uint32_t i = 0;
	while (i < m->n && m->at[i].price * m->sign > price * m->sign)
		i++;
	bool found = i < m->n && m->at[i].price == price;
	if (qty == 0) {
		if (found)
			memmove(m->at + i, m->at + i + 1, (--m->n - i) * sizeof(m->at[0]));
		return;
	}
	if (!found) {
		memmove(m->at + i + 1, m->at + i, (m->n++ - i) * sizeof(m->at[0]));
		m->at[i].price = price;
	}
	m->at[i].qty = qty;
	if (m->n <= m->cap)
		return;
	int64_t out = m->at[--m->n].price;
	if (m->sign > 0 && out >= m->limit)
		m->limit = out + (out < INT64_MAX);
	if (m->sign < 0 && out <= m->limit)
		m->limit = out - (out > 0);
}

static void same_side(const struct book *b, enum side side, const struct model_side *m)
{
	assert_int_equal(book_depth(b, side), m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		assert_int_equal(book_level(b, side, i)->price, m->at[i].price);
		assert_int_equal(book_level(b, side, i)->qty, m->at[i].qty);
		assert_int_equal(book_qty_at(b, side, m->at[i].price), m->at[i].qty);
	}
	assert_int_equal(side == side_buy ? b->bid_floor : b->ask_ceil, m->limit);
}

struct stream {
	uint64_t seed;
	uint32_t cap;
	int64_t middle, spread; /* prices fall within middle +- spread ticks */
	int64_t tick;
	int64_t jump; /* now and then the middle moves by up to so many ticks */
	bool off_grid;
};

static int64_t price_of(struct rng *r, const struct stream *s, int64_t middle)
{
	int64_t away = (int64_t)rng_below(r, (uint64_t)(2 * s->spread + 1)) - s->spread;
	if (rng_below(r, 50) == 0)
		away *= 100;
	int64_t price = (middle + away) * s->tick;
	if (s->off_grid && rng_below(r, 500) == 0)
		price += s->tick / (int64_t)(1 + rng_below(r, 4));
	return price < 0 ? -price : price;
}

static void run(const struct stream *s, uint32_t rounds)
{
	static struct model_side model[2];
	struct book b;
	struct rng r;
	rng_seed(&r, s->seed);
	assert_int_equal(book_init(&b, s->cap), 0);
	model[0] = (struct model_side){.cap = s->cap, .sign = 1, .limit = 0};
	model[1] = (struct model_side){.cap = s->cap, .sign = -1, .limit = INT64_MAX};
	int64_t middle = s->middle;
	for (uint32_t round = 0; round < rounds; round++) {
		struct level change[2][20];
		struct ev_book_delta d = {.last_id = round};
		if (rng_below(&r, 20) == 0)
			middle += (int64_t)rng_below(&r, (uint64_t)(2 * s->jump + 1)) - s->jump;
		if (middle < 1)
			middle = s->middle;
		uint32_t n[2];
		for (int side = 0; side < 2; side++) {
			n[side] = (uint32_t)rng_below(&r, 20);
			for (uint32_t i = 0; i < n[side]; i++) {
				struct level l = {price_of(&r, s, middle), 0};
				if (rng_below(&r, 2) == 0)
					l.qty = 1 + (int64_t)rng_below(&r, 1000);
				if (rng_below(&r, 3) == 0 && model[side].n > 0)
					l.price = model[side].at[rng_below(&r, model[side].n)].price;
				change[side][i] = l;
				model_set(&model[side], l.price, l.qty);
			}
		}
		d.bids = (struct levels){change[0], n[0]};
		d.asks = (struct levels){change[1], n[1]};
		assert_int_equal(book_delta(&b, &d), 0);
		if (rng_below(&r, 2) == 0 && model[0].n > 2)
			assert_int_equal(book_level(&b, side_buy, 2)->price, model[0].at[2].price);
		if (round % 7 == 0 || round + 1 == rounds) {
			same_side(&b, side_buy, &model[0]);
			same_side(&b, side_sell, &model[1]);
		}
	}
	book_fini(&b);
}

static void test_model(void **state)
{
	(void)state;
	const struct stream streams[] = {
		{1, 5, 100, 10, 1, 3, false},
		{2, 1, 100, 10, 1, 3, false},
		{3, 200, 1000, 300, 1, 50, false},
		{4, 1000, 6000000, 20000, 1, 9000, false},
		{5, 500, 6000000, 20000, 1000000, 9000, false},
		{6, 500, 600000, 20000, 1000000, 9000, true},
		{7, 300, 60000, 40000, 5, 30000, true},
		{8, 100, 1 << 20, 40000, 65536, 300000, true},
		{9, 2000, 6000000, 400000, 1, 400000, false},
		{10, 50, INT64_MAX / 200, 10, 7, 3, false},
		{11, 50, 2, 100, (int64_t)1 << 42, 5, false},
	};
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		run(&streams[i], 3000);
}

static void test_extremes(void **state)
{
	(void)state;
	struct book b;
	assert_int_equal(book_init(&b, 0), ERR_ARG);
	assert_int_equal(book_init(&b, 3), 0);
	struct level bids[] = {{INT64_MAX, 1}, {0, 2}, {1, 3}}, asks[] = {{INT64_MAX, INT64_MAX}, {0, 4}};
	struct ev_book_delta d = {.last_id = 7, .bids = {bids, 3}, .asks = {asks, 2}};
	assert_int_equal(book_delta(&b, &d), 0);
	assert_int_equal(book_level(&b, side_buy, 0)->price, INT64_MAX);
	assert_int_equal(book_level(&b, side_buy, 1)->price, 1);
	assert_int_equal(book_level(&b, side_sell, 0)->price, 0);
	assert_int_equal(book_level(&b, side_sell, 1)->qty, INT64_MAX);
	assert_int_equal(book_qty_at(&b, side_sell, INT64_MAX), INT64_MAX);
	assert_true(book_crossed(&b));
	assert_int_equal(b.last_id, 7);
	book_clear(&b);
	assert_int_equal(book_depth(&b, side_buy), 0);
	assert_int_equal(book_qty_at(&b, side_buy, 1), 0);
	assert_false(book_crossed(&b));
	book_fini(&b);
	book_fini(&b);
	book_fini(NULL);
}

static void test_refuses(void **state)
{
	(void)state;
	struct book b;
	assert_int_equal(book_init(&b, 10), 0);
	struct level good[] = {{100, 1}}, bad[] = {{101, 1}, {-5, 1}}, bad_qty[] = {{101, -1}};
	struct ev_book_snapshot s = {.last_id = 1, .bids = {good, 1}};
	assert_int_equal(book_snapshot(&b, &s), 0);
	struct ev_book_delta d = {.last_id = 2, .bids = {good, 1}, .asks = {bad, 2}};
	assert_int_equal(book_delta(&b, &d), ERR_RANGE);
	d.asks = (struct levels){bad_qty, 1};
	assert_int_equal(book_delta(&b, &d), ERR_RANGE);
	s.bids = (struct levels){bad, 2};
	assert_int_equal(book_snapshot(&b, &s), ERR_RANGE);
	assert_int_equal(b.last_id, 1);
	assert_int_equal(book_depth(&b, side_buy), 1);
	assert_int_equal(book_depth(&b, side_sell), 0);
	book_fini(&b);
}

static void test_guarantee(void **state)
{
	(void)state;
	struct book b;
	assert_int_equal(book_init(&b, 3), 0);
	struct level bids[] = {{100, 1}, {99, 2}, {97, 3}}, asks[] = {{102, 1}, {110, 0}, {104, 2}};
	struct ev_book_snapshot s = {
		.last_id = 9, .bid_floor = 97, .ask_ceil = 104, .bids = {bids, 3}, .asks = {asks, 3}};
	assert_int_equal(book_snapshot(&b, &s), 0);
	assert_int_equal(book_depth(&b, side_sell), 2);
	assert_true(book_known(&b, side_buy, 97));
	assert_false(book_known(&b, side_buy, 96));
	assert_true(book_known(&b, side_sell, 104));
	assert_false(book_known(&b, side_sell, 105));

	/* A fourth bid pushes 97 out: from there on only what is above it is known. */
	struct level more[] = {{98, 5}};
	struct ev_book_delta d = {.last_id = 10, .bids = {more, 1}};
	assert_int_equal(book_delta(&b, &d), 0);
	assert_int_equal(book_depth(&b, side_buy), 3);
	assert_int_equal(b.evicted, 1);
	assert_false(book_known(&b, side_buy, 97));
	assert_true(book_known(&b, side_buy, 98));
	book_fini(&b);
}

static void test_to_snapshot(void **state)
{
	(void)state;
	struct book a, b;
	assert_int_equal(book_init(&a, 100), 0);
	assert_int_equal(book_init(&b, 100), 0);
	struct level bids[60], asks[10], scratch[100];
	for (int i = 0; i < 60; i++)
		bids[i] = (struct level){1000000 - i * 1000, i + 1};
	for (int i = 0; i < 10; i++)
		asks[i] = (struct level){1000001 + i, i + 1};
	struct ev_book_snapshot s = {.last_id = 5, .bids = {bids, 60}, .asks = {asks, 10}}, out = {0};
	assert_int_equal(book_snapshot(&a, &s), 0);
	book_to_snapshot(&a, 50, scratch, &out);
	assert_int_equal(out.last_id, 5);
	assert_int_equal(out.bids.n, 50);
	assert_int_equal(out.bid_floor, bids[49].price); /* ten bids were cut off */
	assert_int_equal(out.asks.n, 10);
	assert_int_equal(out.ask_ceil, 0); /* every ask is there */
	assert_int_equal(book_snapshot(&b, &out), 0);
	for (uint32_t i = 0; i < 50; i++)
		assert_memory_equal(book_level(&b, side_buy, i), &bids[i], sizeof(bids[i]));
	assert_true(book_known(&b, side_sell, INT64_MAX));
	book_fini(&a);
	book_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),     cmocka_unit_test(test_extremes),    cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_guarantee), cmocka_unit_test(test_to_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
