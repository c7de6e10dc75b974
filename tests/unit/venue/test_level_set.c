/* test_level_set - the far levels of a book against a plain sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/venue/level_set.h"

#define CAP 700

static struct level model[CAP]; /* worst first */
static uint32_t n_model;

static int64_t rank(int64_t price, bool asks)
{
	return asks ? -price : price;
}

static void model_put(int64_t price, int64_t qty, bool asks)
{
	uint32_t i = 0;

	while (i < n_model && rank(model[i].price, asks) < rank(price, asks))
		i++;
	bool found = i < n_model && model[i].price == price;
	if (qty == 0 && found)
		memmove(model + i, model + i + 1, (--n_model - i) * sizeof(model[0]));
	if (qty == 0)
		return;
	if (!found)
		memmove(model + i + 1, model + i, (n_model++ - i) * sizeof(model[0]));
	model[i] = (struct level){price, qty};
}

static void same(const struct level_set *s)
{
	assert_int_equal(s->n, n_model);
	for (uint32_t i = 0; i < n_model; i++) {
		assert_memory_equal(level_set_nth(s, i), &model[n_model - 1 - i], sizeof(model[0]));
		assert_int_equal(level_set_get(s, model[i].price), model[i].qty);
	}
	if (n_model > 0)
		assert_int_equal(level_set_best(s), model[n_model - 1].price);
}

static void run(bool asks, uint64_t seed, uint64_t spread)
{
	struct level_set s;
	struct rng r;

	rng_seed(&r, seed);
	n_model = 0;
	assert_int_equal(level_set_init(&s, CAP, asks), 0);
	for (int i = 0; i < 30000; i++) {
		int64_t price = (int64_t)rng_below(&r, spread) * 100, qty = (int64_t)rng_below(&r, 5);
		uint64_t what = rng_below(&r, 100);
		if (s.n == CAP || (what < 3 && s.n > 0)) {
			struct level worst = level_set_pop_worst(&s);
			assert_memory_equal(&worst, &model[0], sizeof(worst));
			memmove(model, model + 1, --n_model * sizeof(model[0]));
		} else if (what == 3 && rng_below(&r, 20) == 0) {
			uint32_t n, expected = 0;
			while (expected < n_model &&
			       rank(model[n_model - 1 - expected].price, asks) >= rank(price, asks))
				expected++;
			level_set_take(&s, price, &n);
			assert_int_equal(n, expected);
			n_model -= n;
		} else {
			level_set_put(&s, price, qty);
			model_put(price, qty, asks);
		}
		if (i % 97 == 0)
			same(&s);
	}
	same(&s);
	level_set_clear(&s);
	assert_int_equal(s.n, 0);
	assert_int_equal(level_set_get(&s, 100), 0);
	level_set_fini(&s);
	level_set_fini(&s);
}

static void test_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		run(false, seed, 900);
		run(true, seed, 900);
		run(false, seed, 100000);
		run(true, seed, 100000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
