/* test_lots - tax lots: which are closed, at what gain; sums that are exact whatever the method. */
#include "desk.h"

#include "common/base/rng.h"
#include "services/executor/lots.h"

struct book {
	struct lots lots;
	struct lots_closed closed[8];
	uint32_t n;
	int64_t gains;
};

static void note(void *ctx, const struct lots_closed *c)
{
	struct book *b = ctx;
	if (b->n < ARRAY_LEN(b->closed))
		b->closed[b->n] = *c;
	b->n++;
	b->gains += c->proceeds - c->basis;
}

static void fill(struct book *b, int64_t at, enum side side, int64_t qty, int64_t cost, int64_t fee)
{
	struct lots_fill f = {.at = at, .qty = qty, .cost = cost, .fee = fee, .side = side};
	assert_int_equal(lots_on_fill(&b->lots, &f, note, b), 0);
}

/* Bought 10 at 10, 10 at 14, 10 at 12, each with a fee of 1; 15 are sold at 13 with a fee of 3: 12 of money each. */
static void each_method_takes_its_own(void **state)
{
	(void)state;
	static const struct {
		enum lots_method method;
		int64_t opened[2], qty[2], basis[2], proceeds[2];
	} rows[] = {
		{LOTS_FIFO, {1, 2}, {10, 5}, {101, 70}, {128, 64}},
		{LOTS_LIFO, {3, 2}, {10, 5}, {121, 70}, {128, 64}},
		{LOTS_HIFO, {2, 3}, {10, 5}, {141, 60}, {128, 64}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct book b = {.lots.method = rows[i].method};
		fill(&b, 1, side_buy, 10, 100, 1);
		fill(&b, 2, side_buy, 10, 140, 1);
		fill(&b, 3, side_buy, 10, 120, 1);
		fill(&b, 4, side_sell, 15, 195, 3);
		assert_int_equal(b.n, 2);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(b.closed[k].opened_at, rows[i].opened[k]);
			assert_int_equal(b.closed[k].closed_at, 4);
			assert_int_equal(b.closed[k].qty, rows[i].qty[k]);
			assert_int_equal(b.closed[k].basis, rows[i].basis[k]); /* 141 / 2 and 121 / 2: half to even */
			assert_int_equal(b.closed[k].proceeds, rows[i].proceeds[k]);
		}
		assert_int_equal(lots_qty(&b.lots), 15);
	}
}

/* A sale of more than is held opens a short lot; the highest cost is then the smallest sum received. */
static void shorts_are_lots_too(void **state)
{
	(void)state;
	struct book b = {.lots.method = LOTS_HIFO};
	fill(&b, 1, side_buy, 4, 40, 0);
	fill(&b, 2, side_sell, 10, 120, 1); /* 4 for 47.6: 48; 6 for 71 */
	assert_int_equal(b.closed[0].proceeds, 48);
	assert_int_equal(lots_qty(&b.lots), -6);
	assert_int_equal(b.lots.at[0].basis, 71);
	fill(&b, 3, side_sell, 6, 60, 0);
	b.n = 0;
	fill(&b, 4, side_buy, 8, 72, 0);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.closed[0].opened_at, 3);
	assert_int_equal(b.closed[0].qty, -6);
	assert_int_equal(b.closed[0].proceeds, 60);
	assert_int_equal(b.closed[0].basis, 54);
	assert_int_equal(b.closed[1].qty, -2);
	assert_int_equal(b.closed[1].basis, 18);
	assert_int_equal(lots_qty(&b.lots), -4);
}

static void the_oldest_are_merged(void **state)
{
	(void)state;
	static struct book b;
	b = (struct book){.lots.method = LOTS_FIFO};
	for (int i = 0; i < LOTS_MAX + 3; i++)
		fill(&b, 100 + i, side_buy, 2, 10 + i, 0);
	assert_int_equal(b.lots.n, LOTS_MAX);
	assert_int_equal(b.lots.merged, 3);
	assert_int_equal(b.lots.at[0].at, 100);
	assert_int_equal(b.lots.at[0].qty, 8);
	assert_int_equal(b.lots.at[0].basis, 10 + 11 + 12 + 13);
	assert_int_equal(lots_qty(&b.lots), 2 * (LOTS_MAX + 3));
}

static void what_does_not_fit_changes_nothing(void **state)
{
	(void)state;
	static struct book b;
	b = (struct book){0};
	fill(&b, 1, side_buy, INT64_MAX, 5, 0);
	struct lots_fill f = {.at = 2, .qty = 1, .cost = 1, .side = side_buy};
	assert_int_equal(lots_on_fill(&b.lots, &f, NULL, NULL), ERR_RANGE);
	f = (struct lots_fill){.at = 2, .qty = 0, .cost = 1, .side = side_sell};
	assert_int_equal(lots_on_fill(&b.lots, &f, NULL, NULL), ERR_RANGE);
	assert_int_equal(b.lots.n, 1);
	assert_int_equal(b.lots.at[0].qty, INT64_MAX);
}

/* Any fills: what is left of money is in the lots, the rest is gain; once all is closed every method has the same. */
static void sums_are_exact(void **state)
{
	(void)state;
	static struct book books[3];
	struct rng r;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		rng_seed(&r, seed);
		int64_t paid = 0, held = 0, at = 0;
		for (int m = 0; m < 3; m++)
			books[m] = (struct book){.lots.method = (enum lots_method)m};
		for (int i = 0; i < 900; i++) {
			bool last = i == 899;
			int64_t qty = 1 + (int64_t)rng_below(&r, 1000), cost = (int64_t)rng_below(&r, 1000000);
			enum side side = rng_below(&r, 2) ? side_buy : side_sell;
			int64_t fee = (int64_t)rng_below(&r, 50);
			if (last) { /* everything is closed */
				qty = held != 0 ? llabs(held) : 1;
				side = held > 0 ? side_sell : side_buy;
			}
			held += side == side_buy ? qty : -qty;
			paid += side == side_buy ? cost + fee : fee - cost;
			at++;
			for (int m = 0; m < 3; m++) {
				int64_t inside = 0;
				fill(&books[m], at, side, qty, cost, fee);
				assert_int_equal(lots_qty(&books[m].lots), held);
				for (uint32_t k = 0; k < books[m].lots.n; k++)
					inside += books[m].lots.at[k].qty > 0 ? books[m].lots.at[k].basis
									      : -books[m].lots.at[k].basis;
				assert_int_equal(paid, inside - books[m].gains);
			}
		}
		if (held == 0)
			assert_true(books[0].gains == books[1].gains && books[1].gains == books[2].gains);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_method_takes_its_own),
		cmocka_unit_test(shorts_are_lots_too),
		cmocka_unit_test(the_oldest_are_merged),
		cmocka_unit_test(what_does_not_fit_changes_nothing),
		cmocka_unit_test(sums_are_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
