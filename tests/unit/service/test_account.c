/* test_account - every record of a topic ends in exactly one way, whatever is lost, restarted or late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/service/account.h"

static struct account *the_account(struct accounts *as)
{
	struct account *a = accounts_get(as, "trade.BINANCE.BTCUSDT", 21);
	assert_non_null(a);
	return a;
}

static struct account_sum sum_of(const struct accounts *as)
{
	struct account_sum s;
	accounts_sum(as, &s);
	assert_int_equal(s.unbalanced, 0);
	return s;
}

static void a_joiner_counts_from_where_it_joined(void **state)
{
	(void)state;
	for (int based = 0; based <= 1; based++) {
		struct accounts as;
		assert_int_equal(accounts_init(&as, 4), 0);
		struct account *a = the_account(&as);
		as.based = based;
		account_take(&as, a, 7, 5, false);
		struct account_sum s = sum_of(&as);
		assert_int_equal(a->first, based ? 1 : 5);
		assert_int_equal(s.published, based ? 5 : 1);
		assert_int_equal(s.dropped, based ? 4 : 0);
		assert_int_equal(s.handled, 1);
		accounts_fini(&as);
	}
}

static void a_base_begins_behind_what_was_before(void **state)
{
	(void)state;
	struct accounts as;
	assert_int_equal(accounts_init(&as, 4), 0);
	struct account *a = the_account(&as);
	assert_int_equal(account_settle(&as, a, &(struct account_tail){7, 1, 40}), 0);
	assert_int_equal(account_next(&as, a, 7, 41), 41);
	assert_int_equal(sum_of(&as).published, 0);
	assert_true(account_is_behind(&as, a, &(struct account_tail){7, 1, 43}));
	assert_int_equal(sum_of(&as).missing, 3);
	account_take(&as, a, 7, 41, true);
	assert_int_equal(account_settle(&as, a, &(struct account_tail){7, 1, 43}), 2);
	struct account_sum s = sum_of(&as);
	assert_int_equal(s.missing, 0);
	assert_int_equal(s.queued, 1);
	assert_int_equal(s.dropped, 2);
	account_ended(&as, a, ACCOUNT_CONFLATED);
	s = sum_of(&as);
	assert_int_equal(s.conflated, 1);
	assert_int_equal(s.published, 3);
	accounts_fini(&as);
}

/* Where the log survived, numbers go on: nothing is missing. Where not, they begin again, and what was known of the
 * old ones is gone. */
static void a_restart_closes_the_account_of_its_epoch(void **state)
{
	(void)state;
	for (int renumbered = 0; renumbered <= 1; renumbered++) {
		struct accounts as;
		assert_int_equal(accounts_init(&as, 4), 0);
		struct account *a = the_account(&as);
		for (uint64_t seq = 1; seq <= 10; seq++)
			account_take(&as, a, 7, seq, true);
		assert_true(account_is_behind(&as, a, &(struct account_tail){7, 1, 12}));
		account_take(&as, a, 8, renumbered ? 2 : 13, true);
		struct account_sum s = sum_of(&as);
		assert_int_equal(s.epochs, 2);
		assert_int_equal(s.published, renumbered ? 14 : 13);
		assert_int_equal(s.dropped, renumbered ? 3 : 2);
		assert_int_equal(a->queued_before, 10);
		for (int i = 0; i < 10; i++)
			account_ended(&as, a, i % 2 ? ACCOUNT_HANDLED : ACCOUNT_CONFLATED);
		assert_int_equal(a->handled, 0);
		account_ended(&as, a, ACCOUNT_DROPPED);
		s = sum_of(&as);
		assert_int_equal(s.handled, 5);
		assert_int_equal(s.conflated, 5);
		assert_int_equal(s.queued, 0);
		assert_int_equal(s.dropped, as.dropped);
		accounts_fini(&as);
	}
}

static void an_idle_topic_survives_its_publishers_restart(void **state)
{
	(void)state;
	struct accounts as;
	assert_int_equal(accounts_init(&as, 4), 0);
	struct account *a = the_account(&as);
	as.based = true;
	account_take(&as, a, 7, 1, false);
	assert_false(account_is_behind(&as, a, &(struct account_tail){8, 0, 1}));
	assert_int_equal(account_settle(&as, a, &(struct account_tail){8, 0, 1}), 0);
	account_take(&as, a, 8, 2, false);
	assert_int_equal(sum_of(&as).dropped, 0);
	assert_int_equal(sum_of(&as).published, 2);
	accounts_fini(&as);
}

static void topics_beyond_the_limit_are_counted(void **state)
{
	(void)state;
	struct accounts as;
	assert_int_equal(accounts_init(&as, 1), 0);
	assert_non_null(accounts_get(&as, "a", 1));
	assert_null(accounts_get(&as, "b", 1));
	assert_int_equal(as.untracked, 1);
	accounts_fini(&as);
}

struct life {
	struct rng r;
	struct accounts as;
	struct account *a;
	struct account_tail at; /* what the publisher would say */
	uint64_t sent, taken, ended;
};

static void publish(struct life *l, bool lost)
{
	l->sent++;
	l->at.last++;
	l->at.first = l->at.first ? l->at.first : l->at.last;
	if (lost)
		return;
	l->taken++;
	account_take(&l->as, l->a, l->at.epoch, l->at.last, true);
}

/* Numbered on or anew. What was sent so far is spoken of before or behind the restart; numbers that go on show it
 * later as well. */
static void restart(struct life *l)
{
	bool anew = rng_below(&l->r, 2);
	if (anew || rng_below(&l->r, 2))
		account_is_behind(&l->as, l->a, &l->at);
	l->at = (struct account_tail){.epoch = l->at.epoch + 1, .last = anew ? 0 : l->at.last};
	for (uint64_t n = 1 + rng_below(&l->r, 30); anew && n; n--)
		publish(l, true);
	if (anew)
		account_settle(&l->as, l->a, &l->at);
}

static void live(struct life *l)
{
	uint64_t dice = rng_below(&l->r, 100);
	if (dice < 60) {
		publish(l, dice >= 45);
	} else if (dice < 90 && l->ended < l->taken) {
		account_ended(&l->as, l->a, (enum account_end)rng_below(&l->r, 2));
		l->ended++;
	} else if (dice < 95) {
		account_is_behind(&l->as, l->a, &l->at);
	} else if (dice < 99) {
		account_settle(&l->as, l->a, &l->at);
		assert_int_equal(sum_of(&l->as).published, l->sent);
	} else {
		restart(l);
	}
	struct account_sum s = sum_of(&l->as);
	assert_int_equal(s.handled + s.conflated, l->ended);
	assert_int_equal(s.queued, l->taken - l->ended);
	assert_int_equal(s.dropped, l->as.dropped);
}

static void a_random_life_adds_up(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct life l = {.at = {.epoch = 1}};
		rng_seed(&l.r, seed);
		assert_int_equal(accounts_init(&l.as, 4), 0);
		l.as.based = true;
		l.a = the_account(&l.as);
		for (int i = 0; i < 5000; i++)
			live(&l);
		account_settle(&l.as, l.a, &l.at);
		struct account_sum s = sum_of(&l.as);
		assert_int_equal(s.published, l.sent);
		assert_int_equal(s.dropped, l.sent - l.taken);
		assert_true(s.epochs > 5 && s.dropped > 100 && s.conflated > 100);
		accounts_fini(&l.as);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_joiner_counts_from_where_it_joined),
		cmocka_unit_test(a_base_begins_behind_what_was_before),
		cmocka_unit_test(a_restart_closes_the_account_of_its_epoch),
		cmocka_unit_test(an_idle_topic_survives_its_publishers_restart),
		cmocka_unit_test(topics_beyond_the_limit_are_counted),
		cmocka_unit_test(a_random_life_adds_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
