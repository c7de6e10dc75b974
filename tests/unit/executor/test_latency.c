/* test_latency - ways to the exchange and back that take longer than the least, and what is met on them. */
#include "scenario.h"

#include "services/executor/latency.h"

#define LATE (40 * MS) /* what every way takes beside the least */

static struct latency_curve curve(const char *text)
{
	struct latency_curve c;
	char why[EVENT_TEXT_MAX] = "";
	assert_int_equal(latency_parse(text, &c, why, sizeof(why)), 0);
	return c;
}

static struct executor_settings drawn(const char *order, const char *ack)
{
	struct executor_settings s = desk_settings();
	s.latency = (struct latency_settings){
		.model = LATENCY_DRAWN, .seed = 1, .order = curve(order), .ack = curve(ack)};
	return s;
}

static int open_with(const struct executor_settings *s, void **state)
{
	through_disk = *state != NULL;
	desk_open(&d, s);
	desk_book(&d);
	step();
	return 0;
}

/* All but one of a million take 90 ms: 40 more than the least. No seed of these tests is that one. */
static int open_late(void **state)
{
	struct executor_settings s = drawn("0.0001%=90ms 100%=90ms", "");
	return open_with(&s, state);
}

static int open_any(void **state)
{
	struct executor_settings s = drawn("50%=50ms 50.0001%=300ms 100%=300ms", "50%=10ms 100%=200ms");
	return open_with(&s, state);
}

static int open_measured(void **state)
{
	struct executor_settings s = desk_settings();
	s.latency = (struct latency_settings){.model = LATENCY_MEASURED, .seed = 1};
	return open_with(&s, state);
}

/* ---- the curve ---- */

static void a_curve_is_read_and_judged(void **state)
{
	(void)state;
	static const char *const bad[] = {"90%=80ms",         "100=80ms",  "100%=80",        "0%=1ms, 100%=2ms",
					  "50%=9ms 100%=8ms", "101%=80ms", "9%=1ms 9%=2ms 100%=3ms", "100%=61s",
					  "1%=1ms 2%=1ms 3%=1ms 4%=1ms 5%=1ms 6%=1ms 7%=1ms 8%=1ms 100%=1ms"};
	struct latency_curve c = curve("50%=70ms, 99.9%=200ms 100%=1s");
	char text[LATENCY_TEXT_MAX], why[EVENT_TEXT_MAX];
	assert_int_equal(c.n, 3);
	assert_int_equal(c.at[1].share, 999000);
	assert_int_equal(c.at[2].delay, S);
	latency_format(&c, text, sizeof(text));
	assert_string_equal(text, "50%=70ms 99.9%=200ms 100%=1s");
	assert_int_equal(latency_curve_check(&c, 70 * MS), 0);
	assert_int_equal(latency_curve_check(&c, 70 * MS + 1), ERR_RANGE);
	assert_int_equal(curve("").n, 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why[0] = '\0';
		assert_int_equal(latency_parse(bad[i], &c, why, sizeof(why)), ERR_ARG);
		assert_true(strlen(why) > 20);
	}
}

/* 100,000 draws: each point's share is met within half a per cent, and between two points they are spread evenly. */
static void draws_follow_the_curve(void **state)
{
	(void)state;
	enum { DRAWS = 100000 };
	struct latency_curve c = curve("50%=70ms 90%=110ms 99%=200ms 100%=400ms");
	const int64_t at[] = {60 * MS, 70 * MS, 90 * MS, 110 * MS, 200 * MS, 300 * MS};
	const int share[] = {25000, 50000, 70000, 90000, 99000, 99500};
	int within[6] = {0};
	for (uint64_t i = 0; i < DRAWS; i++) {
		int64_t v = latency_draw(&c, 50 * MS, latency_key(7, i));
		assert_in_range(v, 50 * MS, 400 * MS);
		for (size_t k = 0; k < ARRAY_LEN(at); k++)
			within[k] += v <= at[k];
	}
	for (size_t k = 0; k < ARRAY_LEN(at); k++)
		assert_in_range(within[k], share[k] - DRAWS / 200, share[k] + DRAWS / 200);
	/* The ends. A measured curve may lie below the minimum: the minimum holds. */
	assert_int_equal(latency_draw(&c, 50 * MS, 0), 50 * MS);
	assert_in_range(latency_draw(&c, 50 * MS, UINT64_MAX), 400 * MS - 1000, 400 * MS);
	assert_int_equal(latency_draw(&c, S, latency_key(7, 7)), S);
	for (uint64_t i = 0; i < 1000; i++)
		assert_in_range(latency_draw(&c, 100 * MS, latency_key(7, i)), 100 * MS, 400 * MS);
	c.n = 0;
	assert_int_equal(latency_draw(&c, 50 * MS, UINT64_MAX), 50 * MS);
}

/* ---- to the exchange ---- */

static void an_order_meets_the_book_of_its_arrival(void **state)
{
	(void)state;
	int64_t left = d.now;
	order(side_buy, tif_ioc, 0, 500);
	expect("o1", order_status_pending, reject_none, 0);
	assert_int_equal(d.n, 1);
	assert_int_equal(executor_counters(d.x)->in_flight, 1);
	until(left + 10 * MS);
	expect_silence();
	delta(side_sell, 10000, 0); /* the best ask goes away meanwhile: 101 is next */
	expect_silence();
	until(left + LATE - 1);
	expect_silence();
	until(left + LATE);
	expect("o1", order_status_filled, reject_none, 500);
	desk_expect_fill(&d, 0, 10100, 500, 5050000);
	assert_int_equal(desk_last(&d, EVENT_fill)->ts_event, left + LATE);
	assert_int_equal(desk_last(&d, EVENT_fill)->fill.book_at, left + 10 * MS);
	assert_int_equal(executor_counters(d.x)->in_flight, 0);
}

static int64_t rest_at_99(void)
{
	order(side_buy, tif_gtc, 9900, 500);
	until(d.now + LATE);
	expect("o1", order_status_open, reject_none, 0);
	return d.now;
}

static void a_cancel_loses_against_a_fill_that_comes_first(void **state)
{
	(void)state;
	int64_t left = rest_at_99();
	named(intent_kind_cancel, 1, 0, 1);
	assert_int_equal(d.n, 0); /* nothing is known of it yet */
	until(left + 10 * MS);
	trade(side_sell, 9900, 1500); /* 1 stands ahead, we are next */
	expect("o1", order_status_filled, reject_none, 500);
	until(left + LATE);
	expect("o1", order_status_rejected, reject_unknown_order, 0);
	assert_int_equal(said("o1")->intent_ordinal, 2);
}

static void a_cancel_wins_where_it_comes_first(void **state)
{
	(void)state;
	int64_t left = rest_at_99();
	named(intent_kind_cancel, 1, 0, 1);
	until(left + LATE);
	expect("o1", order_status_cancelled, reject_none, 0);
	assert_int_equal(desk_last(&d, EVENT_order)->ts_event, left + LATE);
	trade(side_sell, 9900, 1500);
	expect_silence();
}

static void a_partial_fill_before_the_cancel_stays(void **state)
{
	(void)state;
	int64_t left = rest_at_99();
	named(intent_kind_cancel, 1, 0, 1);
	until(left + LATE - 1);
	trade(side_sell, 9900, 1200);
	expect("o1", order_status_partial, reject_none, 200);
	until(left + LATE);
	expect("o1", order_status_cancelled, reject_none, 200);
}

/* Until it arrives the old price holds, and what fills at it counts into the new order. */
static void a_replacement_under_way_leaves_the_old_terms(void **state)
{
	(void)state;
	int64_t left = rest_at_99();
	named(intent_kind_replace, 1, 9950, 0);
	until(left + 10 * MS);
	trade(side_sell, 9900, 1200);
	expect("o1", order_status_partial, reject_none, 200);
	desk_expect_fill(&d, 0, 9900, 200, 1980000);
	until(left + LATE);
	expect("o1", order_status_partial, reject_none, 200);
	assert_int_equal(said("o1")->price, 9950);
	assert_int_equal(said("o1")->revision, 1);
}

static void a_replacement_loses_against_a_fill(void **state)
{
	(void)state;
	int64_t left = rest_at_99();
	named(intent_kind_replace, 1, 9950, 0);
	until(left + 10 * MS);
	trade(side_sell, 9900, 1500);
	until(left + LATE);
	expect("o1", order_status_rejected, reject_unknown_order, 0);
}

static void what_arrives_is_judged_as_of_then(void **state)
{
	(void)state;
	int64_t left = d.now;
	struct event old = desk_intent(&d, side_buy, tif_gtc, 9900, 500);
	old.intent.expires_at = left + LATE - 1;
	give(&old);
	until(left + LATE);
	expect("o1", order_status_expired, reject_none, 0);
	order(side_buy, tif_gtc, 9900, 500);
	desk_command(&d, verb_pause, "", "lunch", d.now + S);
	until(d.now + LATE);
	expect("o2", order_status_rejected, reject_paused, 0);
}

/* Half of them take 250 ms more than the others: a cancel that left at once would overtake its order every fourth
 * time. */
static void nothing_of_a_strategy_overtakes(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t ordinal = d.ordinal + 1;
		char id[EVENT_NAME_MAX];
		desk_delta(&d, side_buy, 9700, 1000); /* the book stays fresh */
		snprintf(id, sizeof(id), "o%llu", (unsigned long long)ordinal);
		desk_clear(&d);
		struct event ev = desk_intent(&d, side_buy, tif_gtc, 9000, 500);
		desk_feed(&d, &ev);
		d.now += MS;
		ev = desk_intent(&d, side_buy, tif_gtc, 0, 1);
		ev.intent.kind = intent_kind_cancel;
		event_set_name(ev.intent.client_order_id, id);
		desk_feed(&d, &ev);
		step();
		desk_until(&d, d.now + S);
		expect(id, order_status_cancelled, reject_none, 0);
	}
	uint64_t late = executor_counters(d.x)->delayed;
	assert_true(through_disk || (late > 20 && late < 80));
}

/* A strategy's own connection is not held up by another's. */
static void strategies_do_not_wait_for_each_other(void **state)
{
	(void)state;
	bool passed = false;
	for (int i = 0; i < 40 && !passed; i++) {
		desk_delta(&d, side_buy, 9700, 1000);
		struct event a = desk_intent(&d, side_buy, tif_gtc, 9000, 500), b = a;
		event_set_name(b.intent.strategy, "t");
		snprintf(b.intent.client_order_id, EVENT_NAME_MAX, "t%d", i);
		desk_clear(&d);
		desk_feed(&d, &a);
		desk_feed(&d, &b);
		const struct ev_order *of_a = said(a.intent.client_order_id), *of_b = said(b.intent.client_order_id);
		passed = of_a->status == order_status_pending && of_b->status == order_status_open;
		desk_until(&d, d.now + S);
	}
	assert_true(passed);
}

static void too_much_under_way_is_refused_but_cancels_leave(void **state)
{
	(void)state;
	for (int i = 0; i < FLIGHT_ORDERS; i++) {
		struct event ev = desk_intent(&d, side_buy, tif_gtc, 9000, 500);
		desk_feed(&d, &ev);
	}
	assert_int_equal(executor_counters(d.x)->in_flight, FLIGHT_ORDERS);
	order(side_buy, tif_gtc, 9000, 500);
	desk_expect_order(&d, order_status_rejected, reject_limit_orders, 0);
	named(intent_kind_cancel, 1, 0, 1);
	assert_int_equal(d.n, 0);
	assert_int_equal(executor_counters(d.x)->in_flight, FLIGHT_ORDERS + 1);
	for (int i = FLIGHT_ORDERS + 1; i < FLIGHT_MAX; i++)
		desk_cancel(&d, 1);
	assert_int_equal(d.n, 0);
	desk_cancel(&d, 1);
	desk_expect_order(&d, order_status_rejected, reject_limit_orders, 0);
	until(d.now + LATE); /* all of them are answered */
	assert_int_equal(executor_counters(d.x)->in_flight, 0);
	assert_true(desk_count(&d, EVENT_order) >= FLIGHT_MAX);
}

/* Two at a time may be bought for 1000: judged at arrival, one after the other. */
static void money_is_judged_at_arrival(void **state)
{
	(void)state;
	int64_t left = d.now;
	for (int i = 0; i < 3; i++)
		order(side_buy, tif_gtc, 9900, 4000);
	until(left + LATE);
	expect("o2", order_status_open, reject_none, 0);
	expect("o3", order_status_rejected, reject_balance, 0);
}

/* ---- and back ---- */

static void words_keep_their_order(void **state)
{
	(void)state;
	int64_t last = 0, least = INT64_MAX, most = 0;
	for (int i = 0; i < 60; i++) {
		int64_t left = d.now;
		order(side_buy, tif_gtc, 9000, 100);
		desk_until(&d, left + 20 * MS);
		for (uint32_t k = 0; k < d.n; k++) {
			const struct event *ev = &d.out[k];
			int64_t took = ev->ts_recv - ev->ts_event;
			assert_true(ev->ts_recv >= last);
			assert_true(took >= 10 * MS && took <= 200 * MS);
			last = ev->ts_recv;
			least = took < least ? took : least;
			most = took > most ? took : most;
		}
	}
	assert_true(least < 20 * MS && most > 150 * MS);
}

/* ---- measured ---- */

/* A trade that took so long to us. */
static void late_trade(int64_t took)
{
	struct event ev;
	event_init(&ev, EVENT_trade);
	ev.trade.instrument = desk_symbol("ONE.TEST");
	ev.trade.price_scale = 2;
	ev.trade.qty_scale = 3;
	ev.trade.price = 9950;
	ev.trade.qty = 1;
	ev.trade.aggressor = side_buy;
	ev.origin = d.origin;
	ev.ts_recv = d.now;
	ev.ts_event = d.now - took;
	snprintf(ev.source, sizeof(ev.source), "test");
	executor_core.on_event(d.x, d.now, &ev, &d.sink);
	step();
}

static void the_feeds_own_delay_is_taken(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9000, 100); /* nothing is known: the least */
	expect("o1", order_status_open, reject_none, 0);
	desk_clear(&d);
	for (int i = 0; i < 31; i++)
		late_trade(i < 4 ? -3 * MS : 90 * MS); /* 4 by a clock that runs behind */
	assert_int_equal(desk_count(&d, EVENT_latency), 0);
	late_trade(400 * MS);
	const struct ev_latency *e = &desk_said(&d, EVENT_latency, 0)->latency;
	assert_string_equal(e->account, "paper");
	assert_string_equal(e->venue, "TEST");
	assert_int_equal(e->samples, 32);
	assert_int_equal(e->below_zero, 4);
	assert_int_equal(e->p25, 90 * MS); /* the 8th of 32 */
	assert_int_equal(e->p90, 90 * MS);
	assert_int_equal(e->p99, 400 * MS);
	assert_int_equal(e->longest, 400 * MS);
	late_trade(400 * MS); /* not so soon again */
	assert_int_equal(desk_count(&d, EVENT_latency), 1);
	int64_t left = d.now;
	order(side_buy, tif_gtc, 9000, 100);
	expect("o2", order_status_pending, reject_none, 0);
	until(left + 350 * MS);
	expect("o2", order_status_open, reject_none, 0);
	int64_t at = desk_last(&d, EVENT_order)->ts_event;
	assert_true(at > left && at <= left + 350 * MS);
	d.now = left + 10 * S;
	late_trade(90 * MS);
	assert_int_equal(desk_said(&d, EVENT_latency, 0)->latency.samples, 34);
	assert_int_equal(desk_said(&d, EVENT_latency, 0)->latency.below_zero, 0);
}

/* ---- the same again ---- */

static void tell_all(uint64_t *sum)
{
	static uint8_t packed[EVENT_PACKED_MAX];
	for (uint32_t i = 0; i < d.n; i++) {
		int n = codec_pack_unsent(&d.out[i], packed, sizeof(packed));
		assert_true(n > 0);
		for (int k = 0; k < n; k++)
			*sum = latency_key(*sum, packed[k]);
	}
}

static uint64_t outcome_of_seed(int64_t seed)
{
	struct executor_settings s = drawn("50%=60ms 100%=300ms", "100%=100ms");
	uint64_t sum = 1;
	s.latency.seed = seed;
	desk_open(&d, &s);
	desk_book(&d);
	for (int i = 0; i < 50; i++) {
		order(i % 2 ? side_sell : side_buy, tif_gtc, i % 2 ? 10500 + i : 9800 - i, 100);
		tell_all(&sum);
		until(d.now + 70 * MS);
		tell_all(&sum);
	}
	desk_close(&d);
	return sum;
}

static void the_seed_decides(void **state)
{
	(void)state;
	through_disk = false;
	uint64_t first = outcome_of_seed(1);
	assert_true(first == outcome_of_seed(1));
	assert_true(first != outcome_of_seed(2));
}

/* Our journal is all there is: what arrived before its last word has arrived. */
static void a_takeover_forgets_what_has_arrived(void **state)
{
	(void)state;
	int64_t left = d.now;
	order(side_buy, tif_gtc, 9900, 500);
	d.now += 20 * MS;
	order(side_buy, tif_gtc, 9800, 500);
	struct event open = {0};
	event_init(&open, EVENT_order);
	open.origin = d.origin;
	open.ts_event = left + LATE;
	open.ts_recv = left + LATE + 10 * MS;
	open.order.instrument = desk_symbol("ONE.TEST");
	event_set_name(open.order.strategy, "s");
	event_set_name(open.order.client_order_id, "o1");
	open.order.side = side_buy;
	open.order.type = order_type_limit;
	open.order.tif = tif_gtc;
	open.order.status = order_status_pending;
	executor_core.on_own(d.x, &open);
	assert_int_equal(executor_open_orders(d.x), 0); /* under way is not open */
	open.order.status = order_status_open;
	open.order.price = 9900;
	open.order.qty = 500;
	open.order.price_scale = 2;
	open.order.qty_scale = 3;
	open.order.intent_ordinal = 1;
	executor_core.on_own(d.x, &open);
	assert_int_equal(executor_open_orders(d.x), 1);
	assert_int_equal(d.x->flight.n, 1);
	assert_string_equal(d.x->flight.at[0].intent.intent.client_order_id, "o2");
}

#define LATELY(test)                                                                                                   \
	cmocka_unit_test_setup_teardown(test, open_late, close_desk),                                                  \
		cmocka_unit_test_prestate_setup_teardown(test, open_late, close_desk, &through_disk)
#define ANYWAY(test)                                                                                                   \
	cmocka_unit_test_setup_teardown(test, open_any, close_desk),                                                   \
		cmocka_unit_test_prestate_setup_teardown(test, open_any, close_desk, &through_disk)
#define MEASURED(test)                                                                                                 \
	cmocka_unit_test_setup_teardown(test, open_measured, close_desk),                                              \
		cmocka_unit_test_prestate_setup_teardown(test, open_measured, close_desk, &through_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_curve_is_read_and_judged),
		cmocka_unit_test(draws_follow_the_curve),
		LATELY(an_order_meets_the_book_of_its_arrival),
		LATELY(a_cancel_loses_against_a_fill_that_comes_first),
		LATELY(a_cancel_wins_where_it_comes_first),
		LATELY(a_partial_fill_before_the_cancel_stays),
		LATELY(a_replacement_under_way_leaves_the_old_terms),
		LATELY(a_replacement_loses_against_a_fill),
		LATELY(what_arrives_is_judged_as_of_then),
		LATELY(money_is_judged_at_arrival),
		cmocka_unit_test_setup_teardown(too_much_under_way_is_refused_but_cancels_leave, open_late, close_desk),
		ANYWAY(nothing_of_a_strategy_overtakes),
		cmocka_unit_test_setup_teardown(strategies_do_not_wait_for_each_other, open_any, close_desk),
		ANYWAY(words_keep_their_order),
		MEASURED(the_feeds_own_delay_is_taken),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test_setup_teardown(a_takeover_forgets_what_has_arrived, open_late, close_desk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
