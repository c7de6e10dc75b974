/* test_links - oco, brackets and replacement, worked out by hand. */
#include "scenario.h"

/* ---- one cancels the other ---- */

static void oco(enum side side, int64_t price, int64_t stop_price, int64_t qty)
{
	struct event ev = wish(side, order_type_limit, price, qty);
	ev.intent.link = order_link_oco;
	ev.intent.stop_price = stop_price;
	snprintf(ev.intent.stop_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)++d.ordinal);
	give(&ev);
}

/* One has filled all there was of it, the other was cancelled for that, and nothing is left open. */
static void expect_one_for_other(const char *id, int64_t filled, const char *other, int64_t other_filled)
{
	expect(id, order_status_filled, reject_none, filled);
	expect(other, order_status_cancelled, reject_linked, other_filled);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void oco_limit_fills_in_parts(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	oco(side_sell, 10050, 9850, 1000);
	expect("o2", order_status_open, reject_none, 0);
	expect("o3", order_status_waiting, reject_none, 0);
	assert_int_equal(said("o3")->qty, 1000);
	assert_string_equal(said("o3")->link_id, "o2");
	desk_expect_balance(&d, "ONE", CASH(1), CASH(1)); /* once, for both */
	trade(side_buy, 10050, 400);
	expect("o2", order_status_partial, reject_none, 400);
	expect("o3", order_status_waiting, reject_none, 0);
	assert_int_equal(said("o3")->qty, 600);
	trade(side_buy, 10060, 600);
	expect_one_for_other("o2", 1000, "o3", 0);
}

static void oco_stop_fires(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	oco(side_sell, 10050, 9850, 1000);
	trade(side_buy, 10050, 400);
	trade(side_sell, 9850, 10);
	expect_one_for_other("o3", 600, "o2", 400);
	desk_expect_fill(&d, 0, 9900, 600, 594 * CENT / 100);
	assert_int_equal(d.x->account.asset[1].locked, 0);
}

static void oco_ends_as_one(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	oco(side_sell, 10050, 9850, 1000);
	named(intent_kind_cancel, 3, 0, 0);
	expect("o3", order_status_cancelled, reject_none, 0);
	expect("o2", order_status_cancelled, reject_linked, 0);
	oco(side_sell, 9850, 9900, 1000); /* the stop above the limit */
	assert_int_equal(desk_said(&d, EVENT_order, 0)->order.reject, reject_invalid);
	trade(side_sell, 9850, 10);
	oco(side_sell, 10050, 9850, 1000);
	assert_int_equal(desk_said(&d, EVENT_order, 0)->order.reject, reject_would_trigger);
	assert_int_equal(desk_said(&d, EVENT_order, 1)->order.reject, reject_linked);
	assert_int_equal(d.x->account.asset[1].locked, 0);
}

/* ---- brackets ---- */

static void bracket(enum side side, int64_t price, int64_t qty, int64_t target, int64_t stop_price)
{
	struct event ev = desk_intent(&d, side, price ? tif_gtc : tif_ioc, price, qty);
	ev.intent.link = order_link_bracket;
	ev.intent.target_price = target;
	ev.intent.stop_price = stop_price;
	if (target)
		snprintf(ev.intent.target_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)++d.ordinal);
	if (stop_price)
		snprintf(ev.intent.stop_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)++d.ordinal);
	give(&ev);
}

/* Entry at market, 1.5: 1 at 100, 0.5 at 101. The target at 105 takes all of it out. */
static void a_bracket_wins(void **state)
{
	(void)state;
	bracket(side_buy, 0, 1500, 10500, 9500);
	expect("o1", order_status_filled, reject_none, 1500);
	expect("o2", order_status_open, reject_none, 0);
	expect("o3", order_status_waiting, reject_none, 0);
	assert_int_equal(said("o2")->qty, 1500);
	assert_int_equal(said("o3")->qty, 1500);
	assert_int_equal(said("o2")->side, side_sell);
	assert_true(said("o2")->reduce_only && said("o3")->reduce_only);
	desk_expect_balance(&d, "ONE", 150 * CENT, 150 * CENT);
	trade(side_buy, 10501, 9000);
	expect_one_for_other("o2", 1500, "o3", 0);
	desk_expect_fill(&d, 0, 10500, 1500, 1575 * CENT / 100);
}

/* A resting entry fills in parts (0.3, then 0.2 of 0.5); each part is covered at once. The stop takes 0.5 out. */
static void a_bracket_follows_partial_fills_and_loses(void **state)
{
	(void)state;
	bracket(side_buy, 9950, 500, 10500, 9500);
	expect("o1", order_status_open, reject_none, 0);
	expect("o2", order_status_waiting, reject_none, 0);
	assert_int_equal(said("o2")->qty, 0);
	trade(side_sell, 9950, 300);
	expect("o1", order_status_partial, reject_none, 300);
	expect("o2", order_status_open, reject_none, 0);
	assert_int_equal(said("o2")->qty, 300);
	assert_int_equal(said("o3")->qty, 300);
	trade(side_sell, 9950, 200);
	expect("o1", order_status_filled, reject_none, 500);
	assert_int_equal(said("o2")->qty, 500);
	assert_int_equal(said("o2")->revision, 1);
	assert_int_equal(said("o3")->qty, 500);
	desk_expect_balance(&d, "ONE", 50 * CENT, 50 * CENT);
	trade(side_sell, 9500, 10);
	expect_one_for_other("o3", 500, "o2", 0);
	desk_expect_fill(&d, 0, 9900, 500, 495 * CENT / 100);
}

/* 0.02 at 99.50 is worth 1.99: no exit of it passes the minimum notional of 5. With 0.1 in all they do. */
static void exits_wait_until_they_are_large_enough(void **state)
{
	(void)state;
	bracket(side_buy, 9950, 500, 10500, 9500);
	trade(side_sell, 9950, 20);
	assert_null(said("o2"));
	trade(side_sell, 9950, 80);
	expect("o2", order_status_open, reject_none, 0);
	assert_int_equal(said("o2")->qty, 100);
	/* The entry's rest is given up: what is held stays covered. */
	named(intent_kind_cancel, 1, 0, 0);
	expect("o1", order_status_cancelled, reject_none, 100);
	assert_null(said("o2"));
	assert_int_equal(executor_open_orders(d.x), 2);
	/* A second bracket never fills: its exits go with it. */
	bracket(side_buy, 9000, 500, 10500, 0);
	named(intent_kind_cancel, 5, 0, 0);
	expect("o6", order_status_cancelled, reject_linked, 0);
	/* And one that is refused answers for its exits, too. */
	bracket(side_buy, 9000, 500000, 10500, 8000);
	assert_int_equal(desk_count(&d, EVENT_order), 3);
	assert_int_equal(desk_said(&d, EVENT_order, 0)->order.reject, reject_balance);
	expect("o9", order_status_rejected, reject_linked, 0);
	expect("o10", order_status_rejected, reject_linked, 0);
}

/* The first sale of an exit ends what is left of the entry. */
static void an_exit_ends_its_entry(void **state)
{
	(void)state;
	bracket(side_buy, 9950, 500, 10500, 9500);
	trade(side_sell, 9950, 300);
	trade(side_buy, 10500, 100);
	expect("o2", order_status_partial, reject_none, 100);
	expect("o1", order_status_cancelled, reject_linked, 300);
	assert_int_equal(said("o3")->qty, 200);
	trade(side_sell, 9500, 10);
	expect_one_for_other("o3", 200, "o2", 100);
	assert_int_equal(d.x->holdings.n, 0);
}

static void a_stop_that_the_price_has_passed_fires_at_once(void **state)
{
	(void)state;
	trade(side_sell, 9400, 10);
	bracket(side_buy, 0, 500, 0, 9500);
	expect("o1", order_status_filled, reject_none, 500);
	expect("o2", order_status_filled, reject_none, 500);
	desk_expect_fill(&d, 1, 9900, 500, 495 * CENT / 100);
}

/* ---- replace ---- */

/* 1 is ahead at 99. Less keeps the place: 1.2 sold there give us 0.2. */
static void less_keeps_its_place(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	trade(side_sell, 9900, 600);
	named(intent_kind_replace, 1, 0, 500);
	expect("o1", order_status_open, reject_none, 0);
	assert_int_equal(said("o1")->qty, 500);
	assert_int_equal(said("o1")->revision, 1);
	desk_expect_balance(&d, "USDT", CASH(1000), 4950 * CENT + 495 * CENT / 100);
	trade(side_sell, 9900, 600); /* 0.4 were still ahead */
	expect("o1", order_status_partial, reject_none, 200);
}

/* More goes to the back: everything shown is ahead again. */
static void more_goes_to_the_back(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 500);
	trade(side_sell, 9900, 600);
	named(intent_kind_replace, 1, 0, 600);
	expect("o1", order_status_open, reject_none, 0);
	trade(side_sell, 9900, 600);
	expect_silence();
	trade(side_sell, 9900, 500);
	expect("o1", order_status_partial, reject_none, 100);
	/* Another price: it takes what it now reaches, and is the same order. */
	named(intent_kind_replace, 1, 10000, 0);
	expect("o1", order_status_filled, reject_none, 600);
	assert_int_equal(said("o1")->revision, 2);
	assert_int_equal(desk_last(&d, EVENT_fill)->fill.liquidity, liquidity_taker);
	desk_expect_fill(&d, 0, 10000, 500, 5 * CENT);
}

static void a_refused_replacement_changes_nothing(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 500);
	trade(side_sell, 9900, 600);
	static const struct {
		int64_t price, qty;
		enum reject reject;
	} wrong[] = {
		{0, 0, reject_invalid},	       {-1, 0, reject_invalid},	    {0, 1, reject_min_qty},
		{9900, 50, reject_min_notional}, {9900, 50000, reject_balance}, {5, 500, reject_min_notional},
		{9901, 500000000, reject_max_qty},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		named(intent_kind_replace, 1, wrong[i].price, wrong[i].qty);
		const struct ev_order *o = &desk_last(&d, EVENT_order)->order;
		assert_string_equal(enum_text(enum_reject(), o->reject),
				    enum_text(enum_reject(), (uint8_t)wrong[i].reject));
		assert_int_equal(desk_count(&d, EVENT_order), 1);
	}
	named(intent_kind_replace, 99, 9800, 0);
	assert_int_equal(desk_last(&d, EVENT_order)->order.reject, reject_unknown_order);
	assert_int_equal(d.x->account.asset[0].locked, 4950 * CENT + 495 * CENT / 100);
	trade(side_sell, 9900, 600); /* its place is what it was: 0.4 ahead, 0.2 ours */
	expect("o1", order_status_partial, reject_none, 200);
	named(intent_kind_replace, 1, 0, 200); /* not above what was filled */
	assert_int_equal(desk_last(&d, EVENT_order)->order.reject, reject_invalid);
}

static void a_waiting_order_takes_another_trigger(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 1000);
	trade(side_buy, 10000, 10);
	struct event ev = stop(side_sell, order_type_stop_market, 9500, 600);
	give(&ev);
	ev = desk_intent(&d, side_sell, tif_gtc, 0, 800);
	ev.intent.kind = intent_kind_replace;
	event_set_name(ev.intent.client_order_id, "o2");
	ev.intent.trigger_price = 9900;
	give(&ev);
	expect("o2", order_status_waiting, reject_none, 0);
	assert_int_equal(said("o2")->trigger_price, 9900);
	desk_expect_balance(&d, "ONE", CASH(1), 80 * CENT);
	ev.intent.ordinal = ++d.ordinal;
	ev.intent.trigger_price = 10000;
	give(&ev);
	assert_int_equal(desk_last(&d, EVENT_order)->order.reject, reject_would_trigger);
	trade(side_sell, 9900, 10);
	expect("o2", order_status_filled, reject_none, 800);
}

static void paused_trading_takes_no_larger_replacement(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 500);
	desk_command(&d, verb_pause, "", "lunch", d.now + S);
	step();
	named(intent_kind_replace, 1, 0, 600);
	assert_int_equal(desk_last(&d, EVENT_order)->order.reject, reject_paused);
	named(intent_kind_replace, 1, 0, 400);
	expect("o1", order_status_open, reject_none, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(oco_limit_fills_in_parts),
		BOTH(oco_stop_fires),
		BOTH(oco_ends_as_one),
		BOTH(a_bracket_wins),
		BOTH(a_bracket_follows_partial_fills_and_loses),
		BOTH(exits_wait_until_they_are_large_enough),
		BOTH(an_exit_ends_its_entry),
		BOTH(a_stop_that_the_price_has_passed_fires_at_once),
		BOTH(less_keeps_its_place),
		BOTH(more_goes_to_the_back),
		BOTH(a_refused_replacement_changes_nothing),
		BOTH(a_waiting_order_takes_another_trigger),
		BOTH(paused_trading_takes_no_larger_replacement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
