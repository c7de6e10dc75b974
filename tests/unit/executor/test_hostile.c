/* test_hostile - events with any values at all: never a crash, never an overdraft, books that add
 * up. */
#include "tests/unit/mutate.h"
#include "world.h"

#include "common/base/fixed.h"

struct watch {
	int64_t cash, fees;
	uint64_t fills, events;
};

static void judge(void *ctx, struct event *ev)
{
	struct watch *w = ctx;
	uint8_t packed[4096];
	w->events++;
	snprintf(ev->source, sizeof(ev->source), "executor");
	int n = codec_pack(ev, packed, sizeof(packed));
	assert_true(n > 0);
	if (ev->id == EVENT_balance) {
		assert_true(ev->balance.locked >= 0 && ev->balance.total >= ev->balance.locked);
	} else if (ev->id == EVENT_fill) {
		int64_t cost;
		assert_true(ev->fill.price > 0 && ev->fill.qty > 0 && ev->fill.fee >= 0);
		assert_int_equal(fixed_mul(ev->fill.price, ev->fill.price_scale, ev->fill.qty,
					   ev->fill.qty_scale, 8, &cost), 0);
		w->cash += (ev->fill.side == side_buy ? -cost : cost) - ev->fill.fee;
		w->fees += ev->fill.fee;
		w->fills++;
	} else if (ev->id == EVENT_equity) {
		assert_int_equal(ev->equity.cash, w->cash);
		assert_int_equal(ev->equity.fees, w->fees);
	}
}

static void say(struct executor *x, int64_t now, const struct sink *sink, struct event *ev)
{
	ev->origin = origin_simulated;
	ev->ts_recv = now;
	executor_core.on_event(x, now, ev, sink);
}

/* An operator and a collector that put things right again, as far as they can. */
static void mend(struct executor *x, struct world *w, const struct sink *sink)
{
	static const char *const causes[] = {"x", "USDT", "ONE", "paper", "a", "1s", "disk"};
	struct event ev;
	event_init(&ev, EVENT_command);
	ev.command.verb = verb_reset;
	say(x, w->now, sink, &ev);
	ev.command.verb = verb_resume;
	say(x, w->now, sink, &ev);
	ev.command.verb = verb_safe;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		event_set_name(ev.command.target, causes[i]);
		say(x, w->now, sink, &ev);
	}
	for (int i = 0; i < WORLD_MARKETS; i++) {
		world_instrument(w, &w->m[i], &ev);
		say(x, w->now, sink, &ev);
		world_snapshot(w, &w->m[i], &ev);
		say(x, w->now, sink, &ev);
		event_init(&ev, EVENT_book_state);
		ev.book_state.instrument = w->m[i].def.instrument;
		ev.book_state.state = w->m[i].state = book_state_trusted;
		say(x, w->now, sink, &ev);
	}
}

static void run(uint64_t seed, uint64_t *ret_fills)
{
	static struct world w;
	struct executor *x;
	struct executor_settings s;
	executor_defaults(&s);
	struct watch watch = {.cash = s.balance[0].amount};
	struct sink sink = {&watch, judge};
	struct rng rng;
	assert_int_equal(executor_new(&s, &x), 0);
	world_init(&w, seed);
	rng_seed(&rng, seed + 1000);
	for (int i = 0; i < 6000; i++) {
		struct event ev;
		if (i % 60 == 0)
			mend(x, &w, &sink);
		world_next(&w, &ev);
		if (rng_below(&rng, 6) == 0)
			mutate_event(&rng, &ev);
		for (int64_t due; (due = executor_core.next_due(x)) < w.now;)
			executor_core.on_timer(x, due, &sink);
		executor_core.on_event(x, w.now, &ev, &sink);
	}
	*ret_fills += watch.fills;
	executor_free(x);
}

static void nothing_breaks(void **state)
{
	(void)state;
	uint64_t fills = 0;
	const char *only = getenv("NJ_SEED");
	uint64_t first = only ? strtoull(only, NULL, 10) : 1, last = only ? first : 100;
	for (uint64_t seed = first; seed <= last; seed++)
		run(seed, &fills);
	print_message("%llu fills\n", (unsigned long long)fills);
	assert_true(fills > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_breaks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
