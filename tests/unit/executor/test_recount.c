/* test_recount - seeded worlds of a spot market and an event contract, or of two perpetuals; journals for recount.py.
 *
 *   unit.executor.recount             the books of many worlds are compared after every step (ledger.h), and each fill
 *                                     with the world's own book and trades, whatever the orders' ways (fill_judge.h)
 *   unit.executor.recount --journal N what the executor said in world N, a line an event, up to the settlement; from
 *                                     PERPETUALS on those of perpetuals, odd ones isolated, with each mark price
 */
#include "fill_judge.h"

#include "services/executor/margin.h"

#define PERPETUALS 100
#define ORDERS 4096 /* of a world, all in all */
#define PLACES 256  /* at once */

static bool told;
static uint64_t fills, settled, shorts, fundings, liquidations, insured, measures;
static uint64_t judged[4][LATENCY_MODELS]; /* fills: by what was traded and how the orders came */

/* ---- each fill against the world ---- */

struct seen {
	char id[EVENT_NAME_MAX];
	struct judged at;
	bool ended;
};

static struct judge {
	struct world w;
	struct fill_judge by;
	struct seen order[ORDERS];
	uint32_t n, free;
	struct queue_judge *unused[PLACES];
	uint8_t model;
} j;

static void judge_init(const struct executor_settings *s)
{
	static struct queue_judge places[PLACES];
	j.n = 0;
	j.by.queue = s->queue;
	j.model = s->latency.model;
	for (j.free = 0; j.free < PLACES; j.free++)
		j.unused[j.free] = &places[j.free];
}

static struct seen *seen(const char *id)
{
	for (uint32_t i = j.n; i-- > 0;)
		if (strcmp(j.order[i].id, id) == 0)
			return &j.order[i];
	return NULL;
}

static struct world_market *market_of(const struct symbol *s)
{
	return &j.w.m[symbol_equal(&j.w.m[1].def.instrument, s)];
}

static void leave(struct seen *o)
{
	if (o->at.place)
		j.unused[j.free++] = o->at.place;
	o->at.place = NULL;
	o->ended = true;
}

/* From its first word after its way on; what is refused of it (a change, a cancellation) changes nothing. */
static void judge_order(const struct ev_order *e)
{
	struct seen *o = seen(e->client_order_id);
	if (e->status == order_status_rejected || e->status == order_status_pending)
		return;
	if (!o && e->status == order_status_expired)
		return;
	if (!o) {
		assert_true(j.n < ORDERS);
		o = &j.order[j.n++];
		*o = (struct seen){.at = {.m = market_of(&e->instrument), .side = e->side, .price = e->price}};
		event_set_name(o->id, e->client_order_id);
	}
	if (o->at.place && o->at.price != e->price)
		queue_judge_leave(o->at.place);
	o->at.price = e->price;
	o->at.waits = e->status == order_status_waiting;
	bool gone = e->status == order_status_cancelled || e->status == order_status_expired;
	if (gone || e->status == order_status_filled)
		leave(o);
}

static void judge_fill(const struct ev_fill *f)
{
	if (f->liquidity != liquidity_taker && f->liquidity != liquidity_maker)
		return; /* recount.py judges them */
	const struct seen *o = seen(f->client_order_id);
	assert_non_null(o);
	fill_judge_on_fill(&j.by, &o->at, f);
	judged[o->at.m->def.kind][j.model]++;
}

/* Those that may stand in a queue now look at it. */
static void judge_places(void)
{
	for (uint32_t i = 0; j.by.queue == QUEUE_BACK && i < j.n; i++) {
		struct seen *o = &j.order[i];
		if (o->ended || o->at.price == 0)
			continue;
		if (!o->at.place) {
			assert_true(j.free > 0);
			o->at.place = j.unused[--j.free];
			queue_judge_leave(o->at.place);
		}
		fill_judge_look(&j.by, &o->at, j.w.about);
	}
}

/* ---- what is told ---- */

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
	measures += ev->id == EVENT_latency;
	if (ev->id == EVENT_order)
		judge_order(&ev->order);
	if (ev->id == EVENT_fill) {
		judge_fill(&ev->fill);
		tell_fill(&ev->fill);
	}
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

static const struct sink sink = {NULL, tell};

/* Before the world goes on: they meet the book as it was. */
static void run_timers(struct executor *x, int64_t to)
{
	for (int64_t due; (due = executor_core.next_due(x)) < to;) {
		fill_judge_begin(&j.by, NULL, due);
		executor_core.on_timer(x, due, &sink);
		judge_places();
	}
}

/* Where delays are measured, trades come a while after they were made. */
static void feed(struct executor *x, int64_t now, struct event *ev)
{
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = now;
	if (j.model == LATENCY_MEASURED && ev->id == EVENT_trade)
		ev->ts_event -= 20 * MS + now % (200 * MS);
	if (told && ev->id == EVENT_mark)
		printf("mark %s %d %lld %lld\n", ev->mark.instrument.s, ev->mark.price_scale, (long long)ev->mark.mark,
		       (long long)ev->mark.funding_rate);
	fill_judge_begin(&j.by, ev, now);
	executor_core.on_event(x, now, ev, &sink);
	judge_places();
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
	s->queue = (uint8_t)(seed / LATENCY_MODELS % QUEUE_MODELS);
	assert_int_equal(latency_parse("50%=60ms 100%=900ms", &s->latency.order, reason, sizeof(reason)), 0);
	s->latency.ack = s->latency.order;
	world_init(w, seed);
	w->coherent = true;
	if (seed >= PERPETUALS) {
		assert_int_equal(margin_parse(&s->margins, margins[seed % 2], reason, sizeof(reason)), 0);
		w->m[0].def.kind = w->m[1].def.kind = instrument_kind_perpetual;
		s->balance[0].amount = CASH(400);
		return;
	}
	assert_int_equal(fees_parse(&s->fees, "TWO.TEST 0.0175 0.07 kalshi", reason, sizeof(reason)), 0);
	w->m[0].def.kind = instrument_kind_spot;
	w->m[1].def.kind = instrument_kind_event;
}

static void run(uint64_t seed, int events)
{
	static struct executor_settings s;
	struct world *w = &j.w;
	struct executor *x;
	struct event ev;
	prepare(seed, w, &s);
	judge_init(&s);
	assert_int_equal(executor_new(&s, &x), 0);
	for (int i = 0; i < WORLD_MARKETS; i++) {
		world_instrument(w, &w->m[i], &ev);
		feed(x, w->now, &ev);
	}
	for (int i = 0; i < events; i++) {
		world_tick(w);
		run_timers(x, w->now);
		world_happens(w, &ev);
		feed(x, w->now, &ev);
		if (i == events / 2)
			reborn(&x, &s);
	}
	/* 0, 1, a half, void */
	static const int64_t pays[] = {0, 1000000, 500000, 0};
	run_timers(x, w->now + 1);
	w->m[1].def.settlement = seed % 4 == 3 ? settlement_void : settlement_final;
	w->m[1].def.pays = pays[seed % 4];
	world_instrument(w, &w->m[1], &ev);
	if (seed < PERPETUALS)
		feed(x, w->now + 1, &ev);
	executor_free(x);
}

static void expect_judged(enum instrument_kind kind)
{
	const uint64_t *n = judged[kind];
	print_message("%s: fills judged where the ways are fixed %llu, drawn %llu, measured %llu\n",
		      enum_text(enum_instrument_kind(), (uint8_t)kind), (unsigned long long)n[LATENCY_FIXED],
		      (unsigned long long)n[LATENCY_DRAWN], (unsigned long long)n[LATENCY_MEASURED]);
	assert_true(n[LATENCY_FIXED] > 300 && n[LATENCY_DRAWN] > 300 && n[LATENCY_MEASURED] > 300);
}

static void worlds_balance(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++)
		run(seed, 3000);
	print_message("fills %llu, of them settled %llu; short %llu times\n", (unsigned long long)fills,
		      (unsigned long long)settled, (unsigned long long)shorts);
	assert_true(fills > 3000 && settled > 20 && shorts > 100);
	expect_judged(instrument_kind_spot);
	expect_judged(instrument_kind_event);
}

static void perpetual_worlds_balance(void **state)
{
	(void)state;
	for (uint64_t seed = PERPETUALS; seed < PERPETUALS + 24; seed++)
		run(seed, 3000);
	print_message("fundings %llu, liquidations %llu, %llu of them with a loss for the insurance\n",
		      (unsigned long long)fundings, (unsigned long long)liquidations, (unsigned long long)insured);
	assert_true(fundings > 500 && liquidations > 50 && insured > 10 && measures > 100);
	expect_judged(instrument_kind_perpetual);
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
