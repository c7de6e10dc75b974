/* test_notice - two hours of a network that comes and goes are one notice and its end; so is a single loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "services/collector/notice.h"

#define S INT64_C(1000000000)
#define HOLD (120 * S)

enum { SEEDS = 20, TICK_MS = 100 };

struct told {
	uint32_t raised, over;
	char text[256];
};

/* As the collector looks at it. */
static void look(struct notice *n, int64_t from, int64_t until, struct told *told)
{
	for (int64_t at = from; at < until; at += TICK_MS * S / 1000) {
		if (!notice_is_over(n, at))
			continue;
		told->over++;
		notice_text(n, told->text, sizeof told->text);
	}
}

/* Nothing of an earlier life: the feed comes, and what could have been open is over. */
static int64_t calm(struct notice *n, struct told *told)
{
	notice_init(n, HOLD);
	notice_return(n, 10 * S);
	look(n, 10 * S, 10 * S + HOLD + S, told);
	assert_int_equal(told->over, 1);
	assert_string_equal(told->text, "back for 2 min 0 s; it was lost before the restart");
	*told = (struct told){0};
	return 1000 * S;
}

/* Up for 15 to 45 s, down for 45 to 135 s; each try of a line to connect is another loss of the lost. */
static void two_hours_of_flapping_are_one_notice(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct told told = {0};
		struct notice n;
		struct rng rng;
		char want[256];
		uint32_t losses = 0;
		int64_t away = 0, back = 0, from = calm(&n, &told), at = from;
		rng_seed(&rng, seed);
		while (at < from + 7200 * S) {
			int64_t down = 45 * S + (int64_t)rng_below(&rng, 90) * S;
			int64_t up = 15 * S + (int64_t)rng_below(&rng, 30) * S;
			told.raised += notice_lose(&n, at);
			for (int64_t try = at; try < at + down; try += 7 * S)
				assert_true(try == at || !notice_lose(&n, try));
			look(&n, at, at + down, &told);
			back = at + down;
			notice_return(&n, back);
			notice_return(&n, back + S); /* another line */
			look(&n, back, back + up, &told);
			losses++;
			away += down;
			at = back + up;
		}
		assert_int_equal(told.over, 0);
		look(&n, at, back + HOLD, &told);
		assert_int_equal(told.over, 0);
		look(&n, back + HOLD, back + 10 * HOLD, &told);
		assert_int_equal(told.raised, 1);
		assert_int_equal(told.over, 1);
		snprintf(want, sizeof want,
			 "back for 2 min 0 s; lost %u times in %lld h %lld min, for %lld h %lld min in all", losses,
			 (long long)((back - from) / S / 3600), (long long)((back - from) / S % 3600 / 60),
			 (long long)(away / S / 3600), (long long)(away / S % 3600 / 60));
		assert_string_equal(told.text, want);
	}
}

static void a_single_loss_is_one_pair_and_so_is_the_next(void **state)
{
	struct told told = {0};
	struct notice n;
	(void)state;
	int64_t at = calm(&n, &told);
	for (uint32_t i = 1; i <= 3; i++, at += 3600 * S) {
		assert_true(notice_lose(&n, at));
		look(&n, at, at + 42 * S, &told);
		notice_return(&n, at + 42 * S);
		look(&n, at + 42 * S, at + 42 * S + HOLD, &told);
		assert_int_equal(told.over, i - 1);
		look(&n, at + 42 * S + HOLD, at + 3600 * S, &told);
		assert_int_equal(told.over, i);
		assert_string_equal(told.text, "back for 2 min 0 s; it was lost for 42 s");
	}
}

/* Nothing has come in this life: that is no return, and its first loss is told. */
static void a_life_begins_without_a_feed(void **state)
{
	struct told told = {0};
	struct notice n;
	(void)state;
	notice_init(&n, HOLD);
	look(&n, 0, 4 * HOLD, &told);
	assert_int_equal(told.over, 0);
	assert_true(notice_lose(&n, 4 * HOLD));
	assert_false(notice_lose(&n, 5 * HOLD));
	notice_return(&n, 5 * HOLD);
	look(&n, 5 * HOLD, 7 * HOLD, &told);
	assert_int_equal(told.over, 1);
	assert_string_equal(told.text, "back for 2 min 0 s; it was lost for 2 min 0 s");
}

static void without_a_hold_it_is_over_at_once(void **state)
{
	struct notice n;
	(void)state;
	notice_init(&n, 0);
	assert_true(notice_lose(&n, S));
	assert_false(notice_is_over(&n, 2 * S));
	notice_return(&n, 3 * S);
	assert_true(notice_is_over(&n, 3 * S));
	assert_false(notice_is_over(&n, 4 * S));
	assert_true(notice_lose(&n, 5 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hours_of_flapping_are_one_notice),
		cmocka_unit_test(a_single_loss_is_one_pair_and_so_is_the_next),
		cmocka_unit_test(a_life_begins_without_a_feed),
		cmocka_unit_test(without_a_hold_it_is_over_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
