/* test_storm - a thousand crashes of the executor, at any record and with each of its timers under way: the ledger is
 * the undisturbed one's, byte for byte.
 *
 * Beside an executor that lives through a seeded world, another dies at random moments, also in the middle of what a
 * step says (the journal ends at any record). It comes back as the shell brings it back: from its last snapshot, by
 * the inputs since then, and what it says again must be what had been published.
 */
#include "world.h"

#include "services/executor/executor.h"

enum { PACKED_MAX = 1 << 15, INPUTS_MAX = 400, SAID_MAX = 1 << 15 };

struct input { /* as the collectors' and strategies' logs have it */
	int64_t now;
	uint8_t *bytes; /* owned */
	size_t len;
};

struct record {
	uint64_t hash;
	int len;
};

struct victim {
	struct executor *x;
	struct buf snapshot;
	struct input in[INPUTS_MAX]; /* since the snapshot */
	uint32_t n_in;
	struct record said[SAID_MAX]; /* since the snapshot: what was published */
	uint32_t n_said, again;       /* of them regenerated */
	bool recovering;
};

static struct executor *fresh(void)
{
	struct executor *x = NULL;
	struct executor_settings s;
	char why[EVENT_TEXT_MAX];
	executor_defaults(&s);
	s.limit[LIMIT_GROSS] = CASH(9000);
	s.limit[LIMIT_SECOND] = 50;
	s.guard = (struct guard_settings){.cooldown_ns = 200 * MS,
					  .stops_max = 3,
					  .stops_within_ns = 10 * S,
					  .stops_pause_ns = 2 * S,
					  .drawdown_max = CASH(9000)};
	s.allocation = (struct allocation_settings){
		.method = allocation_method_performance, .every_ns = 2 * S, .window = 5, .leverage = 4};
	assert_int_equal(allocation_parse(&s.allocation, "a=0.1..0.8, b, c=0..0.6", why, sizeof(why)), 0);
	s.n_scopes = (uint32_t)limits_parse("orders_minute_max@a=300", s.scope, why, sizeof(why));
	assert_int_equal(executor_new(&s, &x), 0);
	return x;
}

static struct record record_of(struct event *ev)
{
	static uint8_t bytes[PACKED_MAX];
	struct record r = {14695981039346656037ull, 0};
	snprintf(ev->source, sizeof(ev->source), "executor");
	r.len = codec_pack(ev, bytes, sizeof(bytes));
	assert_true(r.len > 0);
	for (int i = 0; i < r.len; i++)
		r.hash = (r.hash ^ bytes[i]) * 1099511628211ull;
	return r;
}

static void publish(void *ctx, struct event *ev)
{
	struct victim *l = ctx;
	struct record r = record_of(ev);
	if (l->recovering && l->again < l->n_said) {
		const struct record *was = &l->said[l->again++];
		assert_true(was->hash == r.hash && was->len == r.len);
		return;
	}
	must(l->n_said < SAID_MAX);
	l->said[l->n_said++] = r;
	l->again = l->n_said;
}

static void apply(struct victim *l, int64_t now, const struct event *ev)
{
	struct sink sink = {l, publish};
	for (int64_t due; (due = executor_core.next_due(l->x)) < now;)
		executor_core.on_timer(l->x, due, &sink);
	executor_core.on_event(l->x, now, ev, &sink);
}

static void forget(struct victim *l)
{
	for (uint32_t i = 0; i < l->n_in; i++)
		free(l->in[i].bytes);
	l->n_in = l->n_said = l->again = 0;
}

static void take_snapshot(struct victim *l)
{
	buf_clear(&l->snapshot);
	assert_int_equal(executor_core.save(l->x, &l->snapshot), 0);
	forget(l);
}

static void keep(struct victim *l, int64_t now, const struct event *ev)
{
	static uint8_t bytes[PACKED_MAX];
	int n = codec_pack(ev, bytes, sizeof(bytes));
	assert_true(n > 0 && l->n_in < INPUTS_MAX);
	uint8_t *copy = malloc((size_t)n);
	assert_non_null(copy);
	memcpy(copy, bytes, (size_t)n);
	l->in[l->n_in++] = (struct input){now, copy, (size_t)n};
}

/* Of what was said, the last `lost` records had not become durable. */
static void crash(struct victim *l, uint32_t lost)
{
	static uint8_t memory[ARENA_SIZE];
	executor_free(l->x);
	l->x = fresh();
	assert_int_equal(executor_core.load(l->x, l->snapshot.at, l->snapshot.len), 0);
	l->n_said -= lost;
	l->again = 0;
	l->recovering = true;
	for (uint32_t i = 0; i < l->n_in; i++) {
		struct arena arena = {.at = memory, .cap = sizeof(memory)};
		struct event ev;
		size_t used;
		assert_int_equal(codec_unpack(l->in[i].bytes, l->in[i].len, &arena, &ev, &used), 0);
		apply(l, l->in[i].now, &ev);
	}
	assert_int_equal(l->again, l->n_said);
	l->recovering = false;
}

/* What was under way when it died. */
struct under_way {
	uint64_t crashes, mid_step, open, waiting, dated, leases, closing, equity, cooling, still, killed;
};

static void note(struct under_way *u, const struct executor *x, int64_t now, uint32_t lost)
{
	u->crashes++;
	u->mid_step += lost > 0;
	u->open += x->orders.n > 0;
	u->dated += x->orders.due != INT64_MAX;
	u->leases += mode_due(&x->mode) != INT64_MAX;
	u->closing += flatten_due(x) != CORE_NEVER;
	u->equity += x->equity_due != CORE_NEVER;
	u->killed += x->mode.killed;
	for (uint32_t i = 0; i < x->orders.n; i++)
		if (x->orders.at[i].stage == stage_trigger) {
			u->waiting++;
			break;
		}
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		u->cooling += markets_at(&x->markets, i)->guard.cool_until > now;
		u->still += markets_at(&x->markets, i)->guard.still_until > now;
	}
}

static void expect_same_state(const struct executor *a, const struct executor *b)
{
	struct buf p, q;
	buf_init(&p, 1 << 24);
	buf_init(&q, 1 << 24);
	assert_int_equal(executor_core.save(a, &p), 0);
	assert_int_equal(executor_core.save(b, &q), 0);
	assert_int_equal(p.len, q.len);
	assert_memory_equal(p.at, q.at, p.len);
	buf_fini(&p);
	buf_fini(&q);
}

static void next_input(struct world *w, int i, struct event *ev)
{
	if (i < WORLD_MARKETS)
		world_instrument(w, &w->m[i], ev);
	else
		world_next(w, ev);
	if (i > WORLD_MARKETS && rng_below(&w->rng, 400) == 0) {
		event_init(ev, EVENT_command);
		ev->command.verb = rng_below(&w->rng, 3) ? verb_unkill : verb_kill;
		event_set_name(ev->command.owner, "ann");
	}
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = w->now;
	snprintf(ev->source, sizeof(ev->source), "world");
}

static void storm(uint64_t seed, int events, struct under_way *u)
{
	static struct world w;
	static struct victim calm, l;
	calm = (struct victim){.x = fresh()};
	l = (struct victim){.x = fresh()};
	buf_init(&l.snapshot, 1 << 24);
	world_init(&w, seed);
	take_snapshot(&l);
	for (int i = 0; i < events; i++) {
		struct event ev;
		next_input(&w, i, &ev);
		uint32_t before = l.n_said;
		keep(&l, w.now, &ev);
		apply(&l, w.now, &ev);
		calm.n_said = calm.again = 0;
		apply(&calm, w.now, &ev);
		assert_int_equal(l.n_said - before, calm.n_said);
		assert_memory_equal(&l.said[before], calm.said, calm.n_said * sizeof(*calm.said));
		if (rng_below(&w.rng, 60) == 0) {
			uint32_t lost = (uint32_t)rng_below(&w.rng, l.n_said - before + 1);
			note(u, l.x, w.now, lost);
			crash(&l, lost);
			expect_same_state(calm.x, l.x);
		}
		if (l.n_in == INPUTS_MAX || rng_below(&w.rng, 300) == 0)
			take_snapshot(&l);
	}
	forget(&l);
	buf_fini(&l.snapshot);
	executor_free(calm.x);
	executor_free(l.x);
}

static void a_thousand_crashes(void **state)
{
	(void)state;
	struct under_way u = {0};
	for (uint64_t seed = 500; seed < 525; seed++)
		storm(seed, 3000, &u);
	print_message("crashes %llu, in a step %llu; with open orders %llu, triggers %llu, dates %llu, leases %llu, a "
		      "flatten %llu, the curve %llu, a cool-down %llu, a guard %llu, the kill switch %llu\n",
		      (unsigned long long)u.crashes, (unsigned long long)u.mid_step, (unsigned long long)u.open,
		      (unsigned long long)u.waiting, (unsigned long long)u.dated, (unsigned long long)u.leases,
		      (unsigned long long)u.closing, (unsigned long long)u.equity, (unsigned long long)u.cooling,
		      (unsigned long long)u.still, (unsigned long long)u.killed);
	assert_true(u.crashes >= 1000 && u.mid_step > 100 && u.open > 300 && u.waiting > 50 && u.dated > 5);
	assert_true(u.leases > 10 && u.closing > 5 && u.equity > 300 && u.cooling > 5 && u.still > 0 && u.killed > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_thousand_crashes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
