/* test_table_random - markets that come and go at random, against a model of what the venue was told: saved and loaded
 * at any step, and with lives that end. */
#include "common/base/rng.h"
#include "tests/unit/collector/table_world.h"

static void reload(void)
{
	struct buf saved;

	buf_init(&saved, (size_t)1 << 24);
	assert_int_equal(collector_core_save(w.rig.core, &saved), 0);
	collector_core_free(w.rig.core);
	new_core(&w.rig);
	assert_int_equal(collector_core_load(w.rig.core, saved.at, saved.len), 0);
	struct buf again;
	buf_init(&again, (size_t)1 << 24);
	assert_int_equal(collector_core_save(w.rig.core, &again), 0);
	assert_int_equal(again.len, saved.len);
	assert_memory_equal(again.at, saved.at, saved.len);
	/* cut anywhere, or into less room, it is refused */
	struct collector_core *other;
	for (size_t cut = 0; cut < saved.len; cut += saved.len / 7 + 1) {
		assert_int_equal(collector_core_new(&w.rig.set, &w.rig.actions, &other), 0);
		assert_true(collector_core_load(other, saved.at, cut) < 0);
		collector_core_free(other);
	}
	buf_fini(&saved);
	buf_fini(&again);
}

/* What the venue was told is what the core believes, once things have settled. */
static void check_subscriptions(void)
{
	struct venue_feed feed;
	const struct venue_market *markets[COLLECTOR_MARKETS_MAX];

	for (uint32_t n = 0; n < COLLECTOR_CONNECTIONS_MAX; n++) {
		uint32_t told = 0;
		collector_core_feed(w.rig.core, n, markets, &feed);
		assert_true(feed.n <= EACH);
		for (uint32_t t = 0; t < TOKENS; t++)
			told += w.subscribed[n][t];
		if (!w.up[n])
			continue;
		assert_int_equal(told, feed.n);
		for (uint32_t i = 0; i < feed.n; i++)
			assert_true(w.subscribed[n][token_of(feed.markets[i]->raw)]);
	}
}

static void act(struct rng *rng)
{
	uint32_t token = (uint32_t)rng_below(rng, TOKENS), n = (uint32_t)rng_below(rng, 4);
	int64_t price = 1 + (int64_t)rng_below(rng, 90);

	switch (rng_below(rng, 12)) {
	case 0:
	case 1:
		if (came() < SPARE)
			assert_int_equal(follow(token), 0);
		break;
	case 2:
		drop(token);
		break;
	case 3:
		if (w.up[n])
			change(n, feed_lost);
		break;
	case 4:
	case 5:
		tend();
		break;
	case 6:
		book(n, token, price);
		break;
	case 7:
		change_level(n, token, price, (int64_t)rng_below(rng, 3));
		break;
	case 8:
		trade(n, token);
		break;
	case 9:
		pass((int64_t)rng_below(rng, 400) * MS);
		break;
	default:
		if (w.n_asked > 0)
			answer_nth((uint32_t)rng_below(rng, w.n_asked), rng_below(rng, 5) == 0 ? 503 : 200);
		break;
	}
	if (rng_below(rng, 50) == 0) {
		pass(SECOND);
		check_subscriptions();
	}
	while (w.n_asked > ASKED_MAX - 8)
		answer_nth(0, 200);
}

/* `every`: the core is saved and made anew each so many steps; 0 never. What comes out must not tell. */
static void run(uint64_t seed, uint32_t steps, uint32_t every, struct buf *ret_out)
{
	struct rng rng;

	begin(NULL);
	w.check_instruments = false; /* requests for them fail, too */
	rng_seed(&rng, seed);
	for (uint32_t i = 1; i <= steps; i++) {
		act(&rng);
		w.now += 1;
		if (every > 0 && i % every == 0)
			reload();
	}
	pass(SECOND);
	check_subscriptions();
	for (uint32_t t = 0; t < TOKENS; t++)
		drop(t);
	assert_int_equal(came(), 0);
	assert_int_equal(w.n_open, 0);
	assert_int_equal(collector_core_connections(w.rig.core), 0);
	assert_true(w.rig.count[EVENT_book_state] > 10 && w.dropped > 3);
	buf_init(ret_out, w.rig.out.cap);
	*ret_out = w.rig.out;
	buf_init(&w.rig.out, 1);
	end(NULL);
}

static void at_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint32_t steps = seed == 1 ? 400 : 1200; /* the first after each step */
		struct buf one, two;
		run(seed, steps, 0, &one);
		run(seed, steps, seed == 1 ? 1 : 23, &two);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.at, two.at, one.len);
		buf_fini(&one);
		buf_fini(&two);
	}
}

/* Lives end at random: each blind interval is closed once, and what is followed goes on. */
static void lives_at_random(void **state)
{
	struct rng rng;

	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		begin(NULL);
		w.check_instruments = false;
		rng_seed(&rng, seed);
		for (uint32_t i = 1; i <= 1500; i++) {
			act(&rng);
			w.now += 1;
			if (i % 300 == 0) {
				uint32_t before = came();
				live_again(rng_below(&rng, 2) == 0);
				assert_true(came() <= before);
			}
		}
		for (uint32_t t = 0; t < TOKENS; t++)
			drop(t);
		assert_int_equal(came(), 0);
		for (uint32_t i = 0; i < w.n_open; i++)
			print_error("seed %d: %s %s\n", (int)seed, w.open[i].instrument.s, w.open[i].stream);
		assert_int_equal(w.n_open, 0);
		end(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_random),
		cmocka_unit_test(lives_at_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
