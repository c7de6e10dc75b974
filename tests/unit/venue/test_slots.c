/* test_slots - blocks of quantities against a plain array: nothing gets lost, and memory follows what is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/venue/slots.h"

static int64_t model[SLOTS_MAX];

static void put(struct slots *s, uint32_t slot, int64_t qty)
{
	slots_put(s, slot, qty, slots_has(s, slot));
	model[slot] = qty;
}

static void same(const struct slots *s)
{
	for (uint32_t slot = 0; slot < SLOTS_MAX; slot++) {
		assert_int_equal(slots_get(s, slot), model[slot]);
		assert_int_equal(slots_has(s, slot), model[slot] != 0);
	}
}

static void test_against_an_array(void **state)
{
	struct slots s;
	struct rng r;

	(void)state;
	memset(model, 0, sizeof(model));
	rng_seed(&r, 1);
	assert_int_equal(slots_init(&s), 0);
	for (int round = 0; round < 30; round++) {
		/* Now few slots, now all over the place, now mostly removing. */
		uint32_t span = round % 3 == 0 ? 300 : SLOTS_MAX, from = (uint32_t)rng_below(&r, SLOTS_MAX - span + 1);
		for (int i = 0; i < 3000; i++) {
			uint32_t slot = from + (uint32_t)rng_below(&r, span);
			bool comes = rng_below(&r, 10) < (round % 5 == 4 ? 1u : 6u);
			put(&s, slot, comes ? 1 + (int64_t)rng_below(&r, 99) : 0);
		}
		for (uint32_t slot = 0; round % 7 == 6 && slot < SLOTS_MAX; slot++)
			if (slots_has(&s, slot))
				put(&s, slot, 0);
		same(&s);
	}
	slots_fini(&s);
	slots_fini(&s);
}

static void test_every_slot_at_once(void **state)
{
	struct slots s;

	(void)state;
	memset(model, 0, sizeof(model));
	assert_int_equal(slots_init(&s), 0);
	for (uint32_t slot = SLOTS_MAX; slot-- > 0;)
		put(&s, slot, slot + 1);
	same(&s);
	assert_int_equal(s.blocks, SLOTS_WORDS);
	for (uint32_t slot = 0; slot < SLOTS_MAX; slot++)
		put(&s, slot, 0);
	put(&s, 7, 7);
	same(&s);
	slots_fini(&s);
}

/* A price that wanders over all slots again and again leaves nothing behind. */
static void test_wandering_takes_no_more(void **state)
{
	struct slots s;

	(void)state;
	memset(model, 0, sizeof(model));
	assert_int_equal(slots_init(&s), 0);
	for (uint32_t at = 0; at < 5 * SLOTS_MAX; at += 3) {
		put(&s, at % SLOTS_MAX, 5);
		if (at >= 2400)
			put(&s, (at - 2400) % SLOTS_MAX, 0); /* 800 levels in 38 or 39 words */
	}
	same(&s);
	assert_true(s.blocks <= 2 * 39);
	slots_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_an_array),
		cmocka_unit_test(test_every_slot_at_once),
		cmocka_unit_test(test_wandering_takes_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
