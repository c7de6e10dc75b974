/* test_save - a core that is saved and loaded anywhere goes on as if nothing had been. */
#include "world.h"

#include "services/executor/executor.h"

#define PACKED_MAX 8192
#define SAID_MAX 256 /* by one step: a flatten cancels and closes much at once */

struct tape { /* everything one core says, packed, as a running checksum and count */
	uint8_t last[SAID_MAX][PACKED_MAX];
	int len[SAID_MAX];
	uint32_t n;
	uint64_t events;
};

static void record(void *ctx, struct event *ev)
{
	struct tape *t = ctx;
	assert_true(t->n < SAID_MAX);
	snprintf(ev->source, sizeof(ev->source), "executor");
	t->len[t->n] = codec_pack(ev, t->last[t->n], PACKED_MAX);
	assert_true(t->len[t->n] > 0);
	t->n++;
	t->events++;
}

static void expect_same(const struct tape *a, const struct tape *b)
{
	assert_int_equal(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++) {
		assert_int_equal(a->len[i], b->len[i]);
		assert_memory_equal(a->last[i], b->last[i], (size_t)a->len[i]);
	}
}

static uint8_t latency; /* enum latency_model of fresh ones */

static bool perpetuals; /* one on isolated, one on cross margin */

static void begin(struct world *w, uint64_t seed)
{
	world_init(w, seed);
	if (perpetuals)
		w->m[0].def.kind = w->m[1].def.kind = instrument_kind_perpetual;
}

static struct executor *fresh(void)
{
	struct executor *x = NULL;
	struct executor_settings s;
	executor_defaults(&s);
	s.loss_max = CASH(9000);
	s.limit[LIMIT_GROSS] = CASH(9000);
	s.limit[LIMIT_SECOND] = 50;
	s.guard = (struct guard_settings){.cooldown_ns = 50 * MS,
					  .stops_max = 3,
					  .stops_all_max = 5,
					  .stops_within_ns = 10 * S,
					  .stops_pause_ns = S,
					  .day_loss_max = CASH(8000),
					  .drawdown_max = CASH(8500)};
	char why[EVENT_TEXT_MAX];
	s.latency.model = latency;
	assert_int_equal(latency_parse("90%=100ms 100%=900ms", &s.latency.order, why, sizeof(why)), 0);
	s.latency.ack = s.latency.order;
	s.n_scopes = (uint32_t)limits_parse("orders_minute_max@a=300,position_notional_max@ONE.TEST=8000", s.scope, why,
					    sizeof(why));
	static const char margins[] = "ONE.TEST isolated 20 0.01 1000:0.01:50 *:0.02:25, PERP cross 20 0.01 *:0.02:25";
	assert_int_equal(margin_parse(&s.margins, margins, why, sizeof(why)), 0);
	if (perpetuals)
		s.balance[0].amount = CASH(1000);
	assert_int_equal(executor_new(&s, &x), 0);
	return x;
}

static void save(const struct executor *x, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(executor_core.save(x, out), 0);
}

static void reload(struct executor **x, struct buf *bytes, struct buf *again)
{
	save(*x, bytes);
	executor_free(*x);
	*x = fresh();
	assert_int_equal(executor_core.load(*x, bytes->at, bytes->len), 0);
	save(*x, again);
	assert_int_equal(again->len, bytes->len);
	assert_memory_equal(again->at, bytes->at, bytes->len);
}

static void run(struct executor *x, const struct event *ev, int64_t now, struct tape *t)
{
	struct sink sink = {t, record};
	t->n = 0;
	for (int64_t due; (due = executor_core.next_due(x)) < now;)
		executor_core.on_timer(x, due, &sink);
	executor_core.on_event(x, now, ev, &sink);
}

/* One core lives through, the other is saved and loaded at random points. */
static void goes_on_identically(enum latency_model model)
{
	latency = (uint8_t)model;
	static struct tape ta, tb;
	struct buf bytes, again;
	uint32_t busy = 0; /* points with an intent under way */
	buf_init(&bytes, 1 << 24);
	buf_init(&again, 1 << 24);
	for (uint64_t seed = 100; seed < 112; seed++) {
		static struct world w;
		struct executor *a = fresh(), *b = fresh();
		begin(&w, seed);
		for (int i = 0; i < 2500; i++) {
			struct event ev;
			if (i < WORLD_MARKETS)
				world_instrument(&w, &w.m[i], &ev);
			else
				world_next(&w, &ev);
			ev.origin = origin_simulated;
			run(a, &ev, w.now, &ta);
			run(b, &ev, w.now, &tb);
			expect_same(&ta, &tb);
			assert_int_equal(executor_core.next_due(a), executor_core.next_due(b));
			busy += executor_counters(a)->in_flight > 0;
			if (rng_below(&w.rng, 40) == 0)
				reload(&b, &bytes, &again);
		}
		executor_free(a);
		executor_free(b);
	}
	assert_true(ta.events > 10000);
	assert_int_equal(busy > 10000, model == LATENCY_DRAWN);
	buf_fini(&bytes);
	buf_fini(&again);
}

static void a_loaded_core_goes_on_identically(void **state)
{
	(void)state;
	goes_on_identically(LATENCY_FIXED);
}

/* With intents under way at most of the points. */
static void so_does_what_is_under_way(void **state)
{
	(void)state;
	goes_on_identically(LATENCY_DRAWN);
	goes_on_identically(LATENCY_MEASURED);
	latency = LATENCY_FIXED;
}

static void so_do_perpetuals(void **state)
{
	(void)state;
	perpetuals = true;
	goes_on_identically(LATENCY_FIXED);
	perpetuals = false;
}

static void open_busy(struct desk *d)
{
	struct executor_settings s = desk_settings();
	char why[EVENT_TEXT_MAX];
	desk_open(d, &s);
	desk_book(d);
	desk_order(d, side_buy, tif_ioc, 0, 1500);
	desk_order(d, side_buy, tif_gtc, 9900, 500);
	desk_order(d, side_sell, tif_gtc, 10500, 500);
	desk_command(d, verb_pause, "", "lunch", d->now + S);
	assert_int_equal(latency_parse("0.0001%=90ms 100%=90ms", &d->x->settings.latency.order, why, sizeof(why)), 0);
	d->x->settings.latency.model = LATENCY_DRAWN;
	desk_order(d, side_buy, tif_gtc, 9900, 500); /* under way */
}

static void damage_is_refused(void **state)
{
	(void)state;
	struct desk d;
	open_busy(&d);
	struct executor_settings s = desk_settings();
	struct buf bytes;
	buf_init(&bytes, 1 << 20);
	save(d.x, &bytes);
	for (size_t cut = 0; cut < bytes.len; cut++) {
		struct executor *x;
		assert_int_equal(executor_new(&s, &x), 0);
		assert_true(executor_core.load(x, bytes.at, cut) < 0);
		executor_free(x);
	}
	/* A changed byte is refused or gives a state that still keeps its books: it can be saved,
	 * and free. */
	for (size_t i = 0; i < bytes.len; i++) {
		struct executor *x;
		uint8_t was = bytes.at[i];
		assert_int_equal(executor_new(&s, &x), 0);
		bytes.at[i] = (uint8_t)(was ^ 0x55);
		if (executor_core.load(x, bytes.at, bytes.len) == 0) {
			struct buf out;
			buf_init(&out, 1 << 20);
			assert_int_equal(executor_core.save(x, &out), 0);
			buf_fini(&out);
		}
		bytes.at[i] = was;
		executor_free(x);
	}
	buf_fini(&bytes);
	desk_close(&d);
}

static void another_account_is_not_loaded(void **state)
{
	(void)state;
	struct desk d;
	open_busy(&d);
	struct buf bytes;
	struct executor *x;
	buf_init(&bytes, 1 << 20);
	save(d.x, &bytes);
	struct executor_settings s = desk_settings();
	event_set_name(s.account, "other");
	assert_int_equal(executor_new(&s, &x), 0);
	assert_int_equal(executor_core.load(x, bytes.at, bytes.len), ERR_DIFFERS);
	executor_free(x);
	s = desk_settings();
	s.origin = origin_live; /* the account was opened on simulated data */
	assert_int_equal(executor_new(&s, &x), 0);
	assert_int_equal(executor_core.load(x, bytes.at, bytes.len), ERR_DIFFERS);
	executor_free(x);
	buf_fini(&bytes);
	desk_close(&d);
}

/* What was used up, who is ahead, what is locked, which intents were seen: all of it comes back. */
static void nothing_is_forgotten(void **state)
{
	(void)state;
	struct desk d;
	open_busy(&d);
	struct buf bytes;
	buf_init(&bytes, 1 << 20);
	save(d.x, &bytes);
	executor_free(d.x);
	struct executor_settings s = desk_settings();
	s.balance[0].amount = 1; /* the saved state counts, not the settings' start */
	assert_int_equal(executor_new(&s, &d.x), 0);
	assert_int_equal(executor_core.load(d.x, bytes.at, bytes.len), 0);
	assert_int_equal(executor_trading(d.x), trading_paused);
	assert_int_equal(executor_open_orders(d.x), 2);
	desk_until(&d, d.now + S);
	assert_int_equal(executor_trading(d.x), trading_running);
	d.ordinal = 0;
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_duplicate, 0);
	d.ordinal = 10;
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	/* 100.00 was used up, and 0.5 of 101.00. */
	desk_expect_fill(&d, 0, 10100, 100, 101 * CENT / 100);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9900, 1200); /* 1 is ahead of us */
	desk_expect_fill(&d, 0, 9900, 200, 198 * CENT / 100);
	buf_fini(&bytes);
	desk_close(&d);
}

/* ---- inputs are gone: a snapshot and our own journal behind it are all there is ---- */

struct journal {
	struct event *at;
	uint32_t n;
};

static void keep(void *ctx, struct event *ev)
{
	struct journal *j = ctx;
	assert_true(j->n < DESK_OUT_MAX);
	j->at[j->n++] = *ev;
}

static void expect_same_orders(const struct orders *a, const struct orders *b)
{
	assert_int_equal(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++) {
		const struct order *p = &a->at[i], *q = &b->at[i];
		assert_string_equal(p->client_order_id, q->client_order_id);
		assert_string_equal(p->strategy, q->strategy);
		assert_int_equal(p->status, q->status);
		assert_int_equal(p->price, q->price);
		assert_int_equal(p->qty, q->qty);
		assert_int_equal(p->filled, q->filled);
		assert_int_equal(p->cost, q->cost);
		assert_int_equal(p->locked, q->locked);
		assert_int_equal(p->ordinal, q->ordinal);
	}
}

static void expect_same_money(const struct executor *a, const struct executor *b)
{
	assert_int_equal(a->fills, b->fills);
	for (uint32_t i = 0; i < a->account.n; i++) {
		const struct asset *p = &a->account.asset[i];
		const struct asset *q = account_find(&b->account, p->name);
		assert_non_null(q);
		assert_int_equal(p->total, q->total);
		assert_int_equal(p->locked, q->locked);
		assert_int_equal(p->realised, q->realised);
		assert_int_equal(p->fees, q->fees);
		assert_int_equal(p->funding, q->funding);
		assert_int_equal(p->insured, q->insured);
	}
	for (uint32_t i = 0; i < markets_count(&a->markets); i++) {
		const struct position *p = &markets_at(&a->markets, i)->position;
		assert_memory_equal(p, &markets_at(&b->markets, i)->position, sizeof(*p));
		assert_int_equal(markets_at(&a->markets, i)->perpetual.margin,
				 markets_at(&b->markets, i)->perpetual.margin);
	}
}

/* What was spent of the rates, and what losses have done. */
static void expect_same_risk(const struct executor *a, const struct executor *b)
{
	assert_memory_equal(&a->risk.account, &b->risk.account, sizeof(a->risk.account));
	assert_memory_equal(a->risk.scope, b->risk.scope, sizeof(a->risk.scope));
	for (uint32_t i = 0; i < markets_count(&a->markets); i++) {
		const struct guard_market *p = &markets_at(&a->markets, i)->guard;
		const struct guard_market *q = &markets_at(&b->markets, i)->guard;
		assert_int_equal(p->cool_until, q->cool_until);
		assert_int_equal(p->still_until, q->still_until);
		assert_int_equal(p->n, q->n);
	}
	assert_int_equal(a->guard.still_until, b->guard.still_until);
	assert_int_equal(a->guard.peak, b->guard.peak);
	assert_int_equal(a->guard.day_start, b->guard.day_start);
	assert_int_equal(a->guard.last, b->guard.last);
	assert_int_equal(b->counters.quarantined, 0);
}

/* Every intent that was answered is a duplicate when it comes again; its state of trading is
 * back. */
static void expect_same_memory(struct executor *a, struct executor *b)
{
	assert_int_equal(executor_trading(a), executor_trading(b));
	for (uint32_t i = 0; i < b->orders.n_seen; i++) {
		const struct orders_seen *s = &b->orders.seen[i];
		assert_true(s->ordinal <= a->orders.seen[i].ordinal);
		assert_int_equal(orders_note(&b->orders, s->strategy, 1, s->ordinal), ERR_EXISTS);
	}
}

static void live_on(struct executor *x, struct world *w, struct journal *j, int events)
{
	struct sink sink = {j, keep};
	for (int i = 0; i < events; i++) {
		struct event ev;
		world_next(w, &ev);
		for (int64_t due; (due = executor_core.next_due(x)) < w->now;)
			executor_core.on_timer(x, due, &sink);
		if (ev.id == EVENT_command)
			keep(j, &ev); /* the shell journals what it accepts */
		executor_core.on_event(x, w->now, &ev, &sink);
	}
}

/* A journal that ends anywhere, even in the middle of a step, leaves a state that holds. */
static void go_on_from_part(const struct buf *snapshot, const struct journal *j,
			    const struct world *at, uint32_t n)
{
	struct world w = *at;
	struct executor *x = fresh(), *y = fresh();
	struct journal rest = {calloc(DESK_OUT_MAX, sizeof(struct event)), 0};
	struct buf bytes;
	assert_non_null(rest.at);
	buf_init(&bytes, 1 << 24);
	assert_int_equal(executor_core.load(x, snapshot->at, snapshot->len), 0);
	for (uint32_t i = 0; i < n; i++)
		executor_core.on_own(x, &j->at[i]);
	save(x, &bytes);
	assert_int_equal(executor_core.load(y, bytes.at, bytes.len), 0);
	live_on(x, &w, &rest, 300);
	executor_free(x);
	executor_free(y);
	buf_fini(&bytes);
	free(rest.at);
}

static void bring_back(uint64_t first, uint64_t *ret_fills, uint64_t *ret_open)
{
	struct journal j = {calloc(DESK_OUT_MAX, sizeof(struct event)), 0};
	struct buf bytes;
	uint64_t fills = 0, open = 0;
	assert_non_null(j.at);
	buf_init(&bytes, 1 << 24);
	for (uint64_t seed = first; seed < first + 30; seed++) {
		static struct world w;
		struct executor *a = fresh(), *b = fresh();
		struct sink sink = {&j, keep};
		begin(&w, seed);
		for (int i = 0; i < WORLD_MARKETS; i++) {
			struct event ev;
			world_instrument(&w, &w.m[i], &ev);
			ev.origin = origin_simulated;
			executor_core.on_event(a, w.now, &ev, &sink);
		}
		live_on(a, &w, &j, 700);
		save(a, &bytes);
		assert_int_equal(executor_core.load(b, bytes.at, bytes.len), 0);
		j.n = 0;
		live_on(a, &w, &j, 900);
		for (int i = 0; i < 5; i++)
			go_on_from_part(&bytes, &j, &w, (uint32_t)rng_below(&w.rng, j.n));
		for (uint32_t i = 0; i < j.n; i++)
			executor_core.on_own(b, &j.at[i]);
		expect_same_orders(&a->orders, &b->orders);
		expect_same_money(a, b);
		expect_same_risk(a, b);
		expect_same_memory(a, b);
		fills += b->fills;
		open += b->orders.n;
		j.n = 0;
		live_on(b, &w, &j, 500); /* and it goes on */
		executor_free(a);
		executor_free(b);
		buf_clear(&bytes);
	}
	*ret_fills = fills;
	*ret_open = open;
	buf_fini(&bytes);
	free(j.at);
}

static void the_journal_alone_brings_the_ledger_back(void **state)
{
	(void)state;
	uint64_t fills, open;
	bring_back(300, &fills, &open);
	assert_true(fills > 1000 && open > 30);
}

static void so_it_does_of_perpetuals(void **state)
{
	(void)state;
	uint64_t fills, open;
	perpetuals = true;
	bring_back(400, &fills, &open);
	perpetuals = false;
	print_message("perpetuals: fills %llu, open %llu\n", (unsigned long long)fills, (unsigned long long)open);
	assert_true(fills > 500 && open > 20);
}

/* A gap on the bus: what stands in the book may be wrong, so nothing is traded before a
 * snapshot. */
/* A journal that says what cannot be: nothing of it is booked, trading waits for people, and nothing crashes. */
static void strange_fills_are_quarantined(void **state)
{
	(void)state;
	struct desk to, from;
	struct executor_settings s = desk_settings();
	desk_open(&from, &s);
	desk_book(&from);
	desk_order(&from, side_buy, tif_ioc, 0, 500);
	struct event fill = *desk_said(&from, EVENT_fill, 0), unknown = fill, elsewhere = fill;
	unknown.fill.fill_id = 2;
	event_set_name(unknown.fill.client_order_id, "nobody's");
	elsewhere.fill.fill_id = 3;
	elsewhere.fill.instrument = desk_symbol("TWO.TEST");
	desk_open(&to, &s);
	desk_instrument(&to);
	for (uint32_t i = 0; i < from.n; i++)
		executor_core.on_own(to.x, &from.out[i]);
	assert_int_equal(executor_trading(to.x), trading_running);
	struct event strange[] = {fill, unknown, elsewhere};
	for (uint32_t i = 0; i < 3; i++) {
		executor_core.on_own(to.x, &strange[i]);
		assert_int_equal(executor_counters(to.x)->quarantined, i + 1);
		expect_same_money(from.x, to.x);
		assert_true(executor_safe_for(to.x, "recovery"));
	}
	struct ev_trading_state t;
	executor_describe(to.x, &t);
	assert_non_null(strstr(t.reason, "Fill 3 of order o1 in the journal was not booked: its instrument"));
	desk_command(&to, verb_reset, "", "looked", 0);
	assert_int_equal(executor_trading(to.x), trading_running);
	desk_close(&to);
	desk_close(&from);
}

/* What a venue settles has no order. */
static void a_settlement_is_taken_over(void **state)
{
	(void)state;
	struct desk d;
	struct executor_settings s = desk_settings();
	desk_open(&d, &s);
	desk_book(&d);
	desk_order(&d, side_buy, tif_ioc, 0, 500);
	struct event settled = *desk_said(&d, EVENT_fill, 0);
	settled.fill.fill_id = 2;
	settled.fill.side = side_sell;
	settled.fill.liquidity = liquidity_settled;
	settled.fill.client_order_id[0] = '\0';
	settled.fill.fee = 0;
	executor_core.on_own(d.x, &settled);
	assert_int_equal(executor_counters(d.x)->quarantined, 0);
	assert_int_equal(d.x->fills, 2);
	assert_int_equal(markets_at(&d.x->markets, 0)->position.qty, 0);
	desk_close(&d);
}

static void a_gap_costs_the_book(void **state)
{
	(void)state;
	struct desk d;
	struct executor_settings s = desk_settings();
	desk_open(&d, &s);
	desk_book(&d);
	struct event ev;
	event_init(&ev, EVENT_gap);
	event_set_name(ev.gap.stream, "bus-strategy-x");
	desk_feed(&d, &ev);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
	struct buf bytes;
	struct executor *loaded = NULL;
	buf_init(&bytes, 1 << 20);
	save(d.x, &bytes);
	assert_int_equal(executor_new(&s, &loaded), 0); /* whose market it is, a snapshot knows */
	assert_int_equal(executor_core.load(loaded, bytes.at, bytes.len), 0);
	buf_fini(&bytes);
	executor_free(d.x);
	d.x = loaded;
	event_set_name(ev.gap.stream, "bus-other-m"); /* of a collector that has other markets */
	desk_feed(&d, &ev);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
	event_set_name(ev.gap.stream, "bus-test-m");
	desk_feed(&d, &ev);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_no_book, 0);
	desk_delta(&d, side_sell, 10000, 500);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_no_book, 0);
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}),
		      (struct levels)LEVELS({10000, 1000}));
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loaded_core_goes_on_identically),
		cmocka_unit_test(so_does_what_is_under_way),
		cmocka_unit_test(so_do_perpetuals),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(another_account_is_not_loaded),
		cmocka_unit_test(nothing_is_forgotten),
		cmocka_unit_test(the_journal_alone_brings_the_ledger_back),
		cmocka_unit_test(so_it_does_of_perpetuals),
		cmocka_unit_test(strange_fills_are_quarantined),
		cmocka_unit_test(a_settlement_is_taken_over),
		cmocka_unit_test(a_gap_costs_the_book),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
