/* test_recount - seeded worlds of a spot market and an event contract, or of two perpetuals; journals for recount.py.
 *
 *   unit.executor.recount             the books of many worlds are compared after every step (ledger.h)
 *   unit.executor.recount --journal N what the executor said in world N, a line an event, up to the settlement; from
 *                                     PERPETUALS on those of perpetuals, odd ones isolated, with each mark price
 */
#include "world.h"

#include "services/executor/margin.h"

#define PERPETUALS 100

static bool told;
static uint64_t fills, settled, shorts, fundings, liquidations, insured;

static void tell_fill(const struct ev_fill *f)
{
	fills++;
	settled += f->liquidity == liquidity_settled;
	if (!told)
		return;
	printf("fill %s %s %s %s %d %lld %d %lld %lld %lld %s\n", f->instrument.s, enum_text(enum_side(), f->side),
	       enum_text(enum_liquidity(), f->liquidity), f->client_order_id[0] ? f->client_order_id : "-",
	       f->price_scale, (long long)f->price, f->qty_scale, (long long)f->qty, (long long)f->fee,
	       (long long)f->realised, f->strategy);
}

static void tell_funding(const struct ev_funding *f)
{
	fundings++;
	if (told)
		printf("funding %s %s %d %lld %lld %d %lld %lld\n", f->instrument.s, f->strategy, f->qty_scale,
		       (long long)f->qty, (long long)f->mark, f->price_scale, (long long)f->rate, (long long)f->amount);
}

static void tell_liquidated(const struct ev_liquidated *l)
{
	liquidations++;
	insured += l->insured > 0;
	if (told)
		printf("liquidated %s %lld %lld %lld %lld %lld\n", l->instrument.s, (long long)l->qty,
		       (long long)l->balance, (long long)l->maintenance, (long long)l->fee, (long long)l->insured);
}

static void tell_equity(const struct ev_equity *e)
{
	printf("equity %lld %lld %lld %lld %lld %lld %lld %d\n", (long long)e->cash, (long long)e->realised,
	       (long long)e->fees, (long long)e->funding, (long long)e->insured, (long long)e->equity,
	       (long long)e->exposed, e->whole);
}

static void tell(void *ctx, struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_fill)
		tell_fill(&ev->fill);
	if (ev->id == EVENT_position)
		shorts += ev->position.qty < 0;
	if (ev->id == EVENT_funding)
		tell_funding(&ev->funding);
	if (ev->id == EVENT_liquidated)
		tell_liquidated(&ev->liquidated);
	if (!told)
		return;
	if (ev->id == EVENT_balance)
		printf("balance %s %lld %lld\n", ev->balance.asset, (long long)ev->balance.total,
		       (long long)ev->balance.locked);
	if (ev->id == EVENT_position)
		printf("position %s %d %lld %lld %lld %lld %lld\n", ev->position.instrument.s, ev->position.qty_scale,
		       (long long)ev->position.qty, (long long)ev->position.realised, (long long)ev->position.fees,
		       (long long)ev->position.margin, (long long)ev->position.funding);
	if (ev->id == EVENT_valuation)
		printf("valuation %s %d %lld\n", ev->valuation.instrument.s, ev->valuation.price_scale,
		       (long long)ev->valuation.price);
	if (ev->id == EVENT_equity)
		tell_equity(&ev->equity);
}

static void feed(struct executor *x, int64_t now, struct event *ev)
{
	static const struct sink sink = {NULL, tell};
	for (int64_t due; (due = executor_core.next_due(x)) < now;)
		executor_core.on_timer(x, due, &sink);
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = now;
	if (told && ev->id == EVENT_mark)
		printf("mark %s %d %lld %lld\n", ev->mark.instrument.s, ev->mark.price_scale, (long long)ev->mark.mark,
		       (long long)ev->mark.funding_rate);
	executor_core.on_event(x, now, ev, &sink);
	if (told && ev->id == EVENT_mark)
		printf("judged %s\n", ev->mark.instrument.s);
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

static void prepare(uint64_t seed, struct world *w, struct executor_settings *s)
{
	static const char *const margins[] = {"PERP cross 20 0.01 1000:0.01:50 20000:0.02:25 *:0.03:20",
					      "PERP isolated 20 0.01 1000:0.01:50 20000:0.02:25 *:0.03:20"};
	char reason[EVENT_TEXT_MAX];
	executor_defaults(s);
	s->latency.model = (uint8_t)(seed % LATENCY_MODELS);
	assert_int_equal(latency_parse("50%=60ms 100%=900ms", &s->latency.order, reason, sizeof(reason)), 0);
	s->latency.ack = s->latency.order;
	world_init(w, seed);
	if (seed >= PERPETUALS) {
		assert_int_equal(margin_parse(&s->margins, margins[seed % 2], reason, sizeof(reason)), 0);
		w->m[0].def.kind = w->m[1].def.kind = instrument_kind_perpetual;
		s->balance[0].amount = CASH(400);
		return;
	}
	assert_int_equal(fees_parse(&s->fees, "TWO.TEST 0.0175 0.07 kalshi", reason, sizeof(reason)), 0);
	w->m[1].def.kind = instrument_kind_event;
}

static void run(uint64_t seed, int events)
{
	static struct world w;
	static struct executor_settings s;
	struct executor *x;
	struct event ev;
	prepare(seed, &w, &s);
	assert_int_equal(executor_new(&s, &x), 0);
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
	if (seed < PERPETUALS)
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

static void perpetual_worlds_balance(void **state)
{
	(void)state;
	for (uint64_t seed = PERPETUALS; seed < PERPETUALS + 24; seed++)
		run(seed, 3000);
	print_message("fundings %llu, liquidations %llu, %llu of them with a loss for the insurance\n",
		      (unsigned long long)fundings, (unsigned long long)liquidations, (unsigned long long)insured);
	assert_true(fundings > 500 && liquidations > 50 && insured > 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(worlds_balance),
					   cmocka_unit_test(perpetual_worlds_balance)};
	if (argc == 3 && strcmp(argv[1], "--journal") == 0) {
		told = true;
		run(strtoull(argv[2], NULL, 10), 3000);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
