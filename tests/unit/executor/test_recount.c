/* test_recount - seeded worlds with a spot market and an event contract; their journals as text for recount.py.
 *
 *   unit.executor.recount             the books of many worlds are compared after every step (ledger.h)
 *   unit.executor.recount --journal N what the executor said in world N, a line an event, up to the settlement
 */
#include "world.h"

static bool told;
static uint64_t fills, settled, shorts;

static void tell_fill(const struct ev_fill *f)
{
	fills++;
	settled += f->liquidity == liquidity_settled;
	if (!told)
		return;
	printf("fill %s %s %s %s %d %lld %d %lld %lld %lld\n", f->instrument.s, enum_text(enum_side(), f->side),
	       enum_text(enum_liquidity(), f->liquidity), f->client_order_id[0] ? f->client_order_id : "-",
	       f->price_scale, (long long)f->price, f->qty_scale, (long long)f->qty, (long long)f->fee,
	       (long long)f->realised);
}

static void tell(void *ctx, struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_fill)
		tell_fill(&ev->fill);
	if (ev->id == EVENT_position)
		shorts += ev->position.qty < 0;
	if (!told)
		return;
	if (ev->id == EVENT_balance)
		printf("balance %s %lld\n", ev->balance.asset, (long long)ev->balance.total);
	if (ev->id == EVENT_position)
		printf("position %s %d %lld %lld %lld\n", ev->position.instrument.s, ev->position.qty_scale,
		       (long long)ev->position.qty, (long long)ev->position.realised, (long long)ev->position.fees);
	if (ev->id == EVENT_equity)
		printf("equity %lld %lld %lld\n", (long long)ev->equity.cash, (long long)ev->equity.realised,
		       (long long)ev->equity.fees);
}

static void feed(struct executor *x, int64_t now, struct event *ev)
{
	static const struct sink sink = {NULL, tell};
	for (int64_t due; (due = executor_core.next_due(x)) < now;)
		executor_core.on_timer(x, due, &sink);
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = now;
	executor_core.on_event(x, now, ev, &sink);
}

/* In the middle the executor is put down and taken up again; books are compared when it is loaded. */
static void reborn(struct executor **x, const struct executor_settings *s)
{
	struct buf state;
	buf_init(&state, 1u << 24);
	assert_int_equal(executor_core.save(*x, &state), 0);
	executor_free(*x);
	assert_int_equal(executor_new(s, x), 0);
	assert_int_equal(executor_core.load(*x, state.at, state.len), 0);
	buf_fini(&state);
}

static void run(uint64_t seed, int events)
{
	static struct world w;
	static struct executor_settings s;
	struct executor *x;
	struct event ev;
	char reason[200];
	executor_defaults(&s);
	assert_int_equal(fees_parse(&s.fees, "TWO.TEST 0.0175 0.07 kalshi", reason, sizeof(reason)), 0);
	s.latency.model = (uint8_t)(seed % LATENCY_MODELS);
	assert_int_equal(latency_parse("50%=60ms 100%=900ms", &s.latency.order, reason, sizeof(reason)), 0);
	s.latency.ack = s.latency.order;
	assert_int_equal(executor_new(&s, &x), 0);
	world_init(&w, seed);
	w.m[1].def.kind = instrument_kind_event;
	for (int i = 0; i < WORLD_MARKETS; i++) {
		world_instrument(&w, &w.m[i], &ev);
		feed(x, w.now, &ev);
	}
	for (int i = 0; i < events; i++) {
		world_tick(&w);
		world_happens(&w, &ev);
		feed(x, w.now, &ev);
		if (i == events / 2)
			reborn(&x, &s);
	}
	/* 0, 1, a half, void */
	static const int64_t pays[] = {0, 1000000, 500000, 0};
	w.m[1].def.settlement = seed % 4 == 3 ? settlement_void : settlement_final;
	w.m[1].def.pays = pays[seed % 4];
	world_instrument(&w, &w.m[1], &ev);
	feed(x, w.now + 1, &ev);
	executor_free(x);
}

static void worlds_balance(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++)
		run(seed, 3000);
	print_message("fills %llu, of them settled %llu; short %llu times\n", (unsigned long long)fills,
		      (unsigned long long)settled, (unsigned long long)shorts);
	assert_true(fills > 3000 && settled > 20 && shorts > 100);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(worlds_balance)};
	if (argc == 3 && strcmp(argv[1], "--journal") == 0) {
		told = true;
		run(strtoull(argv[2], NULL, 10), 3000);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
