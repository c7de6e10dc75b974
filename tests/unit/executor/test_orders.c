/* test_orders - flags, dates, amounts, ids, and every type of order by its time in force, worked out by hand. */
#include "scenario.h"

/* ---- post-only, reduce-only, good till date, amounts, the user's own ids ---- */

static void post_only_never_takes(void **state)
{
	(void)state;
	struct event ev = wish(side_buy, order_type_limit, 10000, 100); /* the best ask: it would take */
	ev.intent.post_only = true;
	refused(ev, reject_post_only);
	ev = wish(side_buy, order_type_limit, 9999, 100);
	ev.intent.post_only = true;
	give(&ev);
	expect("o2", order_status_open, reject_none, 0);
	assert_true(said("o2")->post_only);
	trade(side_sell, 9998, 500); /* through its price: filled as a maker */
	expect("o2", order_status_filled, reject_none, 100);
	assert_int_equal(desk_last(&d, EVENT_fill)->fill.liquidity, liquidity_maker);
	/* What we have taken of the best level is still there for the venue. */
	order(side_buy, tif_ioc, 10000, 1000);
	ev = wish(side_buy, order_type_limit, 10000, 100);
	ev.intent.post_only = true;
	refused(ev, reject_post_only);
	ev = wish(side_buy, order_type_market, 0, 100);
	ev.intent.post_only = true;
	refused(ev, reject_invalid);
	ev = desk_intent(&d, side_buy, tif_ioc, 9900, 100);
	ev.intent.post_only = true;
	refused(ev, reject_invalid);
}

/* Bought 1.5; told to sell 5 at most: 1.5 are sold, the order never was for more. */
static void reduce_only_is_cut_to_what_is_held(void **state)
{
	(void)state;
	struct event ev = desk_intent(&d, side_sell, tif_ioc, 0, 500);
	ev.intent.reduce_only = true;
	refused(ev, reject_reduce_only);
	order(side_buy, tif_ioc, 0, 1500);
	ev = desk_intent(&d, side_buy, tif_ioc, 0, 500);
	ev.intent.reduce_only = true;
	refused(ev, reject_reduce_only); /* it would make the holding larger */
	ev = desk_intent(&d, side_sell, tif_ioc, 0, 5000);
	ev.intent.reduce_only = true;
	give(&ev);
	expect("o4", order_status_filled, reject_none, 1500);
	assert_int_equal(said("o4")->qty, 1500);
	desk_expect_fill(&d, 0, 9900, 1000, 99 * CENT / 10);
	desk_expect_fill(&d, 1, 9800, 500, 49 * CENT / 10);
}

/* 1 held, a reduce-only sale of 1 rests at 100.50; the market order sells 1 first: nothing is left to reduce. */
static void a_resting_reduce_only_order_ends_with_the_holding(void **state)
{
	(void)state;
	order(side_buy, tif_ioc, 0, 2000);
	struct event ev = wish(side_sell, order_type_limit, 10050, 1000);
	ev.intent.reduce_only = true;
	give(&ev);
	expect("o2", order_status_open, reject_none, 0);
	order(side_sell, tif_ioc, 9900, 600); /* 1.4 are held, 1 of it locked */
	assert_null(said("o2"));
	trade(side_buy, 10050, 300);
	expect("o2", order_status_partial, reject_none, 300);
	assert_int_equal(executor_open_orders(d.x), 1);
	order(side_sell, tif_ioc, 9900, 400); /* 0.7 held now, all of it the resting order's */
	trade(side_buy, 10051, 5000);
	expect("o2", order_status_filled, reject_none, 1000);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void gtd_expires_at_its_time(void **state)
{
	(void)state;
	struct event ev = desk_intent(&d, side_buy, tif_gtd, 9900, 500);
	refused(ev, reject_invalid); /* no date */
	ev = desk_intent(&d, side_buy, tif_gtc, 9900, 500);
	ev.intent.good_until = d.now + S;
	refused(ev, reject_invalid); /* a date of no use */
	ev = desk_intent(&d, side_buy, tif_gtd, 9900, 500);
	ev.intent.good_until = d.now;
	give(&ev);
	expect("o3", order_status_expired, reject_none, 0);
	assert_string_equal(desk_last(&d, EVENT_order)->order.reason,
			    "The date until which it was good had passed when it arrived.");
	int64_t date = d.now + 3 * S;
	ev = desk_intent(&d, side_buy, tif_gtd, 9900, 500);
	ev.intent.good_until = date;
	give(&ev);
	expect("o4", order_status_open, reject_none, 0);
	assert_int_equal(executor_core.next_due(d.x), date);
	until(date - 1);
	expect_silence();
	trade(side_sell, 9900, 1200); /* 1 is ahead, 0.2 are ours */
	expect("o4", order_status_partial, reject_none, 200);
	until(date);
	expect("o4", order_status_expired, reject_none, 200);
	assert_int_equal(desk_last(&d, EVENT_order)->ts_event, date);
	assert_int_equal(d.x->account.asset[0].locked, 0);
	assert_int_equal(executor_core.next_due(d.x), INT64_MAX);
}

/* 150.00 with the fee: 1 at 100 costs 100.1; 49.9 are left: at 101.101 a piece 0.493 (49.842793), not 0.494. */
static void an_amount_is_spent_in_whole_lots(void **state)
{
	(void)state;
	struct event ev = desk_intent(&d, side_buy, tif_ioc, 0, 0);
	ev.intent.cash_scale = 2;
	ev.intent.amount = 15000;
	give(&ev);
	expect("o1", order_status_filled, reject_none, 1493);
	assert_int_equal(said("o1")->qty, 1493);
	assert_int_equal(said("o1")->amount, CASH(150));
	desk_expect_fill(&d, 0, 10000, 1000, 10 * CENT);
	desk_expect_fill(&d, 1, 10100, 493, 4979300);
	desk_expect_balance(&d, "USDT", CASH(1000) - 14994279300, 0);
	/* All of the 850.057207: 1.507 at 101 (152.359207 with its fee), then at 103 the 697.698 that are left
	 * would buy 6.767; the book has 5. */
	ev = desk_intent(&d, side_buy, tif_ioc, 0, 0);
	ev.intent.cash_scale = 8;
	ev.intent.amount = CASH(1000) - 14994279300;
	give(&ev);
	expect("o2", order_status_filled, reject_none, 6507);
	ev = desk_intent(&d, side_buy, tif_ioc, 0, 0);
	ev.intent.amount = 4; /* below the minimum notional of 5, and above a lot */
	ev.intent.cash_scale = 0;
	desk_delta(&d, side_sell, 10000, 1000);
	refused(ev, reject_min_notional);
	ev = desk_intent(&d, side_sell, tif_ioc, 0, 0);
	ev.intent.amount = 100;
	refused(ev, reject_invalid);
	ev = desk_intent(&d, side_buy, tif_ioc, 0, 500);
	ev.intent.amount = 100;
	refused(ev, reject_invalid);
}

static void user_ids_name_orders_and_are_unique_while_open(void **state)
{
	(void)state;
	struct event ev = wish(side_buy, order_type_limit, 9800, 100);
	event_set_name(ev.intent.user_id, "mine");
	give(&ev);
	assert_string_equal(said("o1")->user_id, "mine");
	ev = wish(side_buy, order_type_limit, 9700, 100);
	event_set_name(ev.intent.user_id, "mine");
	refused(ev, reject_user_id);
	ev = desk_intent(&d, side_buy, tif_gtc, 0, 1);
	ev.intent.kind = intent_kind_cancel;
	ev.intent.client_order_id[0] = '\0';
	event_set_name(ev.intent.user_id, "mine");
	give(&ev);
	expect("o1", order_status_cancelled, reject_none, 0);
	ev = wish(side_buy, order_type_limit, 9700, 100);
	event_set_name(ev.intent.user_id, "mine");
	give(&ev);
	expect("o4", order_status_open, reject_none, 0);
}

static void cancel_all_has_a_scope(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9800, 100);
	struct event ev = wish(side_buy, order_type_limit, 9700, 100);
	event_set_name(ev.intent.strategy, "other");
	ev.intent.ordinal = 1;
	event_set_name(ev.intent.client_order_id, "x1");
	give(&ev);
	ev = stop(side_buy, order_type_stop_market, 10500, 100);
	give(&ev);
	assert_int_equal(executor_open_orders(d.x), 3);
	ev = desk_intent(&d, side_buy, tif_gtc, 0, 0);
	ev.intent.kind = intent_kind_cancel_all;
	ev.intent.scope = cancel_scope_strategy;
	ev.intent.instrument = desk_symbol("TWO.TEST");
	give(&ev);
	expect_silence();
	ev.intent.instrument = (struct symbol){0};
	ev.intent.ordinal = ++d.ordinal;
	give(&ev);
	expect("o1", order_status_cancelled, reject_none, 0);
	expect("o3", order_status_cancelled, reject_none, 0);
	assert_int_equal(executor_open_orders(d.x), 1);
	ev.intent.ordinal = ++d.ordinal;
	ev.intent.scope = cancel_scope_account;
	give(&ev);
	expect("x1", order_status_cancelled, reject_none, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
	assert_int_equal(d.x->account.asset[0].locked, 0);
}

/* ---- every type and time in force against the same book ---- */

struct row {
	const char *what;
	enum side side;
	enum order_type type;
	enum tif tif;
	int64_t price, trigger, qty;
	/* the trade that comes then, 0 none */
	enum side aggressor;
	int64_t trade, size;
	/* expected at the end */
	enum order_status status;
	enum reject reject;
	int64_t filled;
	int64_t cents; /* cost of the fills in cents of quote times 1000 */
};

/* The holder has 2 ONE (bought at 100 and 101: 1 + 1), so asks are 101 x 1, 103 x 5 for him. */
static const struct row rows[] = {
	/* at market: the book's own prices, until it ends */
	{"buys at market", side_buy, order_type_market, tif_ioc, 0, 0, 2000, 0, 0, 0, order_status_filled, reject_none,
	 2000, 10100 * 1000 + 10300 * 1000},
	{"gtc means ioc", side_buy, order_type_market, tif_gtc, 0, 0, 7000, 0, 0, 0, order_status_cancelled,
	 reject_depth, 6000, 10100 * 1000 + 10300 * 5000},
	{"all or nothing at market: all", side_sell, order_type_market, tif_fok, 0, 0, 2000, 0, 0, 0,
	 order_status_filled, reject_none, 2000, 9900 * 1000 + 9800 * 1000},
	{"all or nothing at market: nothing", side_buy, order_type_market, tif_fok, 0, 0, 6001, 0, 0, 0,
	 order_status_rejected, reject_not_fillable, 0, 0},
	/* limits */
	{"a limit takes up to its price and rests", side_buy, order_type_limit, tif_gtc, 10200, 0, 1500, 0, 0, 0,
	 order_status_partial, reject_none, 1000, 10100 * 1000},
	{"what rests fills by a trade through it", side_buy, order_type_limit, tif_gtc, 10200, 0, 1500, side_sell,
	 10199, 9000, order_status_filled, reject_none, 1500, 10100 * 1000 + 10200 * 500},
	{"ioc: the rest is cancelled", side_buy, order_type_limit, tif_ioc, 10200, 0, 1500, 0, 0, 0,
	 order_status_cancelled, reject_none, 1000, 10100 * 1000},
	{"ioc: nothing to take", side_sell, order_type_limit, tif_ioc, 10000, 0, 1500, 0, 0, 0, order_status_cancelled,
	 reject_none, 0, 0},
	{"fok: all", side_sell, order_type_limit, tif_fok, 9800, 0, 2000, 0, 0, 0, order_status_filled, reject_none,
	 2000, 9900 * 1000 + 9800 * 1000},
	{"fok: nothing", side_sell, order_type_limit, tif_fok, 9900, 0, 2000, 0, 0, 0, order_status_rejected,
	 reject_not_fillable, 0, 0},
	{"gtd rests", side_sell, order_type_limit, tif_gtd, 10500, 0, 2000, 0, 0, 0, order_status_open, reject_none, 0,
	 0},
	{"gtd fills as gtc does", side_sell, order_type_limit, tif_gtd, 10050, 0, 2000, side_buy, 10050, 700,
	 order_status_partial, reject_none, 700, 10050 * 700},
	/* stops: nothing at 100 + 1 tick away, the walk at the trigger */
	{"a sell stop waits", side_sell, order_type_stop_market, tif_gtc, 0, 9900, 1500, side_sell, 9901, 10,
	 order_status_waiting, reject_none, 0, 0},
	{"a sell stop fires at its price", side_sell, order_type_stop_market, tif_gtc, 0, 9900, 1500, side_sell, 9900,
	 10, order_status_filled, reject_none, 1500, 9900 * 1000 + 9800 * 500},
	{"a sell stop fires below", side_sell, order_type_stop_market, tif_gtd, 0, 9900, 1500, side_sell, 9850, 10,
	 order_status_filled, reject_none, 1500, 9900 * 1000 + 9800 * 500},
	{"a buy stop fires", side_buy, order_type_stop_market, tif_gtc, 0, 10200, 1500, side_buy, 10200, 10,
	 order_status_filled, reject_none, 1500, 10100 * 1000 + 10300 * 500},
	{"a buy stop waits", side_buy, order_type_stop_market, tif_gtc, 0, 10200, 1500, side_buy, 10199, 10,
	 order_status_waiting, reject_none, 0, 0},
	{"beyond the book it is cut off", side_buy, order_type_stop_market, tif_gtc, 0, 10200, 7000, side_buy, 10200,
	 10, order_status_cancelled, reject_depth, 6000, 10100 * 1000 + 10300 * 5000},
	{"a stop-limit takes what its limit allows and rests", side_sell, order_type_stop_limit, tif_gtc, 9850, 9900,
	 1500, side_sell, 9900, 10, order_status_partial, reject_none, 1000, 9900 * 1000},
	{"a stop-limit with ioc does not rest", side_sell, order_type_stop_limit, tif_ioc, 9850, 9900, 1500, side_sell,
	 9900, 10, order_status_cancelled, reject_none, 1000, 9900 * 1000},
	{"a stop-limit with fok: not all of it is there", side_sell, order_type_stop_limit, tif_fok, 9850, 9900, 1500,
	 side_sell, 9900, 10, order_status_cancelled, reject_not_fillable, 0, 0},
	{"a stop-limit above the book rests", side_sell, order_type_stop_limit, tif_gtc, 9950, 9900, 1500, side_sell,
	 9900, 10, order_status_triggered, reject_none, 0, 0},
	/* profits: the other way round */
	{"a sell profit waits", side_sell, order_type_take_profit, tif_gtc, 0, 10200, 1500, side_buy, 10199, 10,
	 order_status_waiting, reject_none, 0, 0},
	{"a sell profit fires", side_sell, order_type_take_profit, tif_gtc, 0, 10200, 1500, side_buy, 10200, 10,
	 order_status_filled, reject_none, 1500, 9900 * 1000 + 9800 * 500},
	{"a buy profit fires", side_buy, order_type_take_profit, tif_gtd, 0, 9900, 500, side_sell, 9900, 10,
	 order_status_filled, reject_none, 500, 10100 * 500},
	{"a profit-limit rests at its price", side_sell, order_type_take_profit_limit, tif_gtc, 10250, 10200, 1500,
	 side_buy, 10200, 10, order_status_triggered, reject_none, 0, 0},
	{"a profit-limit takes", side_buy, order_type_take_profit_limit, tif_ioc, 10100, 9900, 1500, side_sell, 9900,
	 10, order_status_cancelled, reject_none, 1000, 10100 * 1000},
	/* reached already: refused, as the venues do (the last trade was at 100) */
	{"a stop behind the price", side_sell, order_type_stop_market, tif_gtc, 0, 10000, 1500, 0, 0, 0,
	 order_status_rejected, reject_would_trigger, 0, 0},
	{"a profit behind the price", side_sell, order_type_take_profit, tif_gtc, 0, 10000, 1500, 0, 0, 0,
	 order_status_rejected, reject_would_trigger, 0, 0},
	/* terms that do not go together */
	{"a stop with ioc", side_sell, order_type_stop_market, tif_ioc, 0, 9900, 1500, 0, 0, 0, order_status_rejected,
	 reject_invalid, 0, 0},
	{"a stop without a trigger", side_sell, order_type_stop_market, tif_gtc, 0, 0, 1500, 0, 0, 0,
	 order_status_rejected, reject_invalid, 0, 0},
	{"a stop-limit without a limit", side_sell, order_type_stop_limit, tif_gtc, 0, 9900, 1500, 0, 0, 0,
	 order_status_rejected, reject_invalid, 0, 0},
	{"a limit with a trigger", side_sell, order_type_limit, tif_gtc, 10100, 9900, 1500, 0, 0, 0,
	 order_status_rejected, reject_invalid, 0, 0},
	{"a market order with a date", side_sell, order_type_market, tif_gtd, 0, 0, 1500, 0, 0, 0,
	 order_status_rejected, reject_invalid, 0, 0},
	/* filters speak of triggers, too */
	{"a trigger out of range", side_sell, order_type_stop_market, tif_gtc, 0, 9, 60000, 0, 0, 0,
	 order_status_rejected, reject_price_range, 0, 0},
	{"too little at its trigger", side_sell, order_type_stop_market, tif_gtc, 0, 900, 500, 0, 0, 0,
	 order_status_rejected, reject_min_notional, 0, 0},
};

static int64_t cost_said(const char *id)
{
	int64_t cost = 0;
	for (uint32_t i = 0; i < d.n; i++)
		if (d.out[i].id == EVENT_fill && strcmp(d.out[i].fill.client_order_id, id) == 0)
			cost += d.out[i].fill.price * d.out[i].fill.qty;
	return cost;
}

static void run_row(const struct row *r)
{
	order(side_buy, tif_ioc, 0, 2000);
	trade(side_buy, 10000, 10);
	struct event ev = desk_intent(&d, r->side, r->tif, r->price, r->qty);
	ev.intent.type = (uint8_t)r->type;
	ev.intent.trigger_price = r->trigger;
	ev.intent.good_until = r->tif == tif_gtd ? d.now + 5 * S : 0;
	give(&ev);
	int64_t cost = cost_said("o2");
	if (r->trade) {
		trade(r->aggressor, r->trade, r->size);
		cost += cost_said("o2");
	}
	if (!said("o2")) { /* nothing more was said of it: ask for its end */
		assert_int_equal(executor_open_orders(d.x), 1);
		assert_int_equal(d.x->orders.at[0].status, r->status);
		assert_int_equal(d.x->orders.at[0].filled, r->filled);
	} else {
		if (said("o2")->status != r->status || said("o2")->reject != r->reject)
			print_message("%s: %s %s\n", r->what, enum_text(enum_order_status(), said("o2")->status),
				      enum_text(enum_reject(), said("o2")->reject));
		expect("o2", r->status, r->reject, r->filled);
	}
	assert_int_equal(cost, r->cents);
	/* Whatever it was: ended by hand, nothing stays locked. */
	named(intent_kind_cancel, 2, 0, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
	for (uint32_t i = 0; i < d.x->account.n; i++)
		assert_int_equal(d.x->account.asset[i].locked, 0);
}

static void every_type_by_time_in_force(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct executor_settings s = desk_settings();
		desk_close(&d);
		desk_open(&d, &s);
		desk_book(&d);
		print_message("%s\n", rows[i].what);
		run_row(&rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(post_only_never_takes),
		BOTH(reduce_only_is_cut_to_what_is_held),
		BOTH(a_resting_reduce_only_order_ends_with_the_holding),
		BOTH(gtd_expires_at_its_time),
		BOTH(an_amount_is_spent_in_whole_lots),
		BOTH(user_ids_name_orders_and_are_unique_while_open),
		BOTH(cancel_all_has_a_scope),
		BOTH(every_type_by_time_in_force),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
