/* test_own_hostile - a journal of our own that says what cannot be: taken over without an overdraft or an overflow.
 *
 * What a core has said in a run is told to another one that has the state of the run's beginning, with any field of
 * some records set to something extreme. Whatever that is: every asset locks no more than it has, what stands can be
 * saved and loaded, and orders wait for people where a sum did not fit.
 */
#include "tests/unit/mutate.h"
#include "world.h"

#include "services/executor/executor.h"

struct journal {
	struct event *at;
	uint32_t n;
};

static void keep(void *ctx, struct event *ev)
{
	struct journal *j = ctx;
	if (j->n < DESK_OUT_MAX)
		j->at[j->n++] = *ev;
}

static struct executor *fresh(void)
{
	struct executor *x = NULL;
	struct executor_settings s;
	char reason[EVENT_TEXT_MAX];
	static const char margins[] = "ONE.TEST isolated 20 0.01 1000:0.01:50 *:0.02:25, PERP cross 20 0.01 *:0.02:25";
	executor_defaults(&s);
	assert_int_equal(margin_parse(&s.margins, margins, reason, sizeof(reason)), 0);
	assert_int_equal(executor_new(&s, &x), 0);
	return x;
}

static void live_on(struct executor *x, struct world *w, struct journal *j, int events)
{
	struct sink sink = {j, keep};
	for (int i = 0; i < events; i++) {
		struct event ev;
		if (w->now == 0 || i < WORLD_MARKETS)
			world_instrument(w, &w->m[i % WORLD_MARKETS], &ev);
		else
			world_next(w, &ev);
		ev.origin = origin_simulated;
		for (int64_t due; (due = executor_core.next_due(x)) < w->now;)
			executor_core.on_timer(x, due, &sink);
		executor_core.on_event(x, w->now, &ev, &sink);
	}
}

static void copy(const struct executor *from, struct executor *to)
{
	struct buf bytes;
	buf_init(&bytes, 1 << 24);
	assert_int_equal(executor_core.save(from, &bytes), 0);
	assert_int_equal(executor_core.load(to, bytes.at, bytes.len), 0);
	buf_fini(&bytes);
}

static void expect_sound(const struct executor *x)
{
	for (uint32_t i = 0; i < x->account.n; i++) {
		const struct asset *a = &x->account.asset[i];
		assert_true(a->locked >= 0 && a->locked <= a->total);
	}
}

static uint64_t take_over(struct executor *x, const struct journal *j, struct rng *rng)
{
	for (uint32_t i = 0; i < j->n; i++) {
		struct event ev = j->at[i];
		if (rng_below(rng, 12) == 0)
			mutate_event(rng, &ev);
		executor_core.on_own(x, &ev);
		expect_sound(x);
	}
	return executor_counters(x)->quarantined;
}

static void run(uint64_t seed, bool perpetuals, uint64_t *ret_quarantined)
{
	static struct world w;
	struct journal j = {calloc(DESK_OUT_MAX, sizeof(struct event)), 0};
	struct executor *a = fresh();
	struct rng rng;
	assert_non_null(j.at);
	rng_seed(&rng, seed + 5000);
	world_init(&w, seed);
	if (perpetuals)
		w.m[0].def.kind = w.m[1].def.kind = instrument_kind_perpetual;
	live_on(a, &w, &j, 400);
	struct executor *b[3] = {fresh(), fresh(), fresh()};
	for (int i = 0; i < 3; i++)
		copy(a, b[i]);
	j.n = 0;
	live_on(a, &w, &j, 500);
	for (int i = 0; i < 3; i++) {
		*ret_quarantined += take_over(b[i], &j, &rng);
		struct executor *again = fresh();
		copy(b[i], again);
		expect_sound(again);
		executor_free(again);
		executor_free(b[i]);
	}
	executor_free(a);
	free(j.at);
}

static void nothing_overflows(void **state)
{
	(void)state;
	uint64_t quarantined = 0;
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed, seed % 2, &quarantined);
	print_message("%llu quarantined\n", (unsigned long long)quarantined);
	assert_true(quarantined > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_overflows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
