/* test_perpetual - positions on margin: what they set aside, what they bring, when they end. Figures by hand.
 *
 * ONE.TEST is a perpetual here: leverage 10, fees 0.001, maintenance 1 % up to 1,000, 2 % (less 10) above.
 */
#include "perpetual_desk.h"
#include "services/executor/mark.h"

/* 5 at 100: 500 of notional, 50 of margin, 0.5 of fee; no base comes. */
static void long_opens_and_closes(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	assert_string_equal(desk_shape(&d), "ofopbe");
	expect_position(&d, 5000, 10000, 0, CASH(50));
	assert_int_equal(position(&d)->leverage, 10);
	assert_int_equal(position(&d)->margin_mode, margin_mode_isolated);
	desk_expect_balance(&d, "USDT", CASH(1000) - CASH(1) / 2, CASH(50));
	/* marked at the mid of 99.50 */
	assert_int_equal(equity(&d)->unrealised, -CASH(5) / 2);
	assert_int_equal(equity(&d)->equity, CASH(997));
	assert_int_equal(equity(&d)->margin, CASH(50));
	assert_int_equal(equity(&d)->exposed, CASH(995) / 2); /* all 5 of it at 99.50 */
	/* 2 of 5 at 99: loses 2, pays 0.198, gives 20 of margin back */
	desk_order(&d, side_sell, tif_ioc, 0, 2000);
	expect_position(&d, 3000, 10000, -CASH(2), CASH(30));
	desk_expect_balance(&d, "USDT", CASH(997) + CASH(1) / 2 - 19800000, CASH(30));
	desk_order(&d, side_sell, tif_ioc, 0, 3000);
	expect_position(&d, 0, 0, -CASH(5), 0);
	desk_expect_balance(&d, "USDT", CASH(994) + CASH(1) / 2 - 49500000, 0);
	assert_int_equal(equity(&d)->unrealised, 0);
	assert_int_equal(equity(&d)->equity, equity(&d)->cash);
	desk_close(&d);
}

/* 2 at 100 and 3 of the 5 at 101: each level at its own price, 503 in all; the 2 left there are the next one's. */
static void takers_walk_the_levels(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_snapshot(&d, (struct levels)LEVELS({9900, 2000}, {9800, 5000}),
		      (struct levels)LEVELS({10000, 2000}, {10100, 5000}));
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	assert_int_equal(desk_count(&d, EVENT_fill), 2);
	desk_expect_fill(&d, 0, 10000, 2000, CASH(2) / 10);
	desk_expect_fill(&d, 1, 10100, 3000, 30300000);
	expect_position(&d, 5000, 10060, 0, CASH(503) / 10);
	desk_expect_balance(&d, "USDT", CASH(1000) - 50300000, CASH(503) / 10);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_expect_fill(&d, 0, 10100, 1000, 10100000);
	desk_order(&d, side_sell, tif_ioc, 0, 6000); /* 2 at 99, 4 at 98: 590 for 604 */
	desk_expect_fill(&d, 0, 9900, 2000, 19800000);
	desk_expect_fill(&d, 1, 9800, 4000, 39200000);
	expect_position(&d, 0, 0, -CASH(14), 0);
	desk_close(&d);
}

/* Nothing is held, and still it is sold; 10 sold, 16 bought: closes 10 at a loss, opens 6. */
static void short_and_through_zero(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_sell, tif_ioc, 0, 10000);
	expect_position(&d, -10000, 9900, 0, CASH(99));
	desk_expect_balance(&d, "USDT", CASH(1000) - 99000000, CASH(99));
	desk_order(&d, side_buy, tif_ioc, 0, 16000);
	/* 1,000 of 1,600 close: 10 lost; 600 open: 60 of margin; fee 1.6 */
	expect_position(&d, 6000, 10000, -CASH(10), CASH(60));
	desk_expect_balance(&d, "USDT", CASH(990) - 99000000 - 160000000, CASH(60));
	desk_close(&d);
}

/* A resting order sets aside margin and fee of what it opens, and nothing for what it closes. */
static void orders_set_aside(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_gtc, 9000, 10000); /* 900: 90 and 0.9 */
	desk_expect_balance(&d, "USDT", CASH(1000), CASH(90) + 90000000);
	desk_cancel(&d, 1);
	desk_expect_balance(&d, "USDT", CASH(1000), 0);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	desk_order(&d, side_sell, tif_gtc, 12000, 3000); /* closes */
	desk_expect_balance(&d, "USDT", CASH(1000) - CASH(1) / 2, CASH(50));
	desk_order(&d, side_sell, tif_gtc, 12000, 3000); /* 2 close, 1 opens: 120: 12 and 0.12 */
	desk_expect_balance(&d, "USDT", CASH(1000) - CASH(1) / 2, CASH(62) + 12000000);
	/* The first two fill: a gain of 60 and 40, the margin comes back; the third opens a short of 1 */
	desk_trade(&d, side_buy, 12100, 60000);
	expect_position(&d, -1000, 12000, CASH(100), CASH(12));
	desk_expect_balance(&d, "USDT", CASH(1100) - CASH(1) / 2 - 72000000, CASH(12));
	desk_close(&d);
}

/* 1,000 of money at leverage 10: 9,900 of notional and its fee of 9.9 fit, 10,000 do not. */
static void margin_bounds(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_gtc, 5000, 199000);
	desk_expect_order(&d, order_status_rejected, reject_balance, 0);
	desk_order(&d, side_buy, tif_gtc, 5000, 198000); /* 9,900 */
	desk_expect_order(&d, order_status_open, reject_none, 0);
	desk_close(&d);
}

/* Tier 2 allows leverage 5 only: at 10 a position may not be worth more than 1,000. */
static void leverage_bounds_size(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	char reason[EVENT_TEXT_MAX];
	struct desk d;
	assert_int_equal(margin_parse(&s.margins, "PERP cross 10 0 1000:0.01:10 *:0.05:5", reason, sizeof(reason)), 0);
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 8000);
	desk_expect_order(&d, order_status_filled, reject_none, 8000);
	desk_order(&d, side_buy, tif_ioc, 0, 2001);
	desk_expect_order(&d, order_status_rejected, reject_leverage, 0);
	desk_order(&d, side_sell, tif_ioc, 0, 17000); /* to a short of 9 at 99 */
	desk_expect_order(&d, order_status_filled, reject_none, 17000);
	desk_order(&d, side_sell, tif_gtc, 9950, 1000); /* with it 10, at 99.50 */
	desk_expect_order(&d, order_status_open, reject_none, 0);
	desk_order(&d, side_sell, tif_gtc, 9950, 1000);
	desk_expect_order(&d, order_status_rejected, reject_leverage, 0);
	desk_close(&d);
}

/* What a cross position has lost is not there for orders; what an isolated one has lost is its own. */
static void losses_are_not_free(void **state)
{
	(void)state;
	for (int cross = 0; cross < 2; cross++) {
		struct executor_settings s = settings(cross ? "cross" : "isolated");
		struct desk d;
		open_desk(&d, &s);
		desk_order(&d, side_buy, tif_ioc, 0, 50000); /* 5,000: 500; 5 of fee */
		desk_snapshot(&d, (struct levels)LEVELS({9500, 50000}), (struct levels)LEVELS({9600, 90000}));
		/* the mid is 95.50: 225 lost; 270 of 495 are free for more: 2,600 want 262.6, 2,700 want 272.7 */
		desk_order(&d, side_buy, tif_gtc, 9000, 30000);
		desk_expect_order(&d, cross ? order_status_rejected : order_status_open,
				  cross ? reject_balance : reject_none, 0);
		desk_order(&d, side_buy, tif_gtc, 2000, 100000);
		desk_expect_order(&d, order_status_open, reject_none, 0);
		desk_close(&d);
	}
}

/* A loss that its margin does not cover comes from the free balance; where that is too little, the order ends. */
static void losses_are_paid(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 50000);
	mark(&d, 1000000, 0, 0); /* the venue sees no reason to liquidate */
	desk_snapshot(&d, (struct levels)LEVELS({7000, 90000}), (struct levels)LEVELS({7100, 90000}));
	desk_order(&d, side_sell, tif_ioc, 0, 10000); /* 300 lost, 0.7 fee; 100 come back */
	expect_position(&d, 40000, 10000, -CASH(300), CASH(400));
	desk_expect_balance(&d, "USDT", CASH(695) - 70000000, CASH(400));
	desk_snapshot(&d, (struct levels)LEVELS({100, 90000}), (struct levels)LEVELS({110, 90000}));
	desk_order(&d, side_sell, tif_ioc, 0, 40000); /* 3,960 lost: nobody has that */
	desk_expect_order(&d, order_status_cancelled, reject_balance, 0);
	desk_close(&d);
}

/* Saved and loaded in the middle, it says the same. */
static void state_goes_on(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d, e;
	open_desk(&d, &s);
	desk_order(&d, side_sell, tif_ioc, 0, 7000);
	desk_order(&d, side_buy, tif_gtc, 9000, 9000);
	desk_open(&e, &s);
	struct buf saved;
	buf_init(&saved, 1u << 22);
	assert_int_equal(executor_core.save(d.x, &saved), 0);
	assert_int_equal(executor_core.load(e.x, saved.at, saved.len), 0);
	e.now = d.now;
	desk_clear(&d);
	desk_trade(&d, side_sell, 8900, 100000);
	desk_trade(&e, side_sell, 8900, 100000);
	assert_int_equal(d.n, e.n);
	expect_position(&d, 2000, 9000, CASH(63), CASH(18));
	expect_position(&e, 2000, 9000, CASH(63), CASH(18));
	buf_fini(&saved);
	desk_close(&d);
	desk_close(&e);
}

/* Its own journal, without its inputs, brings it to the same place. */
static void journal_is_taken_over(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d, e;
	open_desk(&d, &s);
	open_desk(&e, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(e.x, &d.out[i]);
	desk_order(&d, side_sell, tif_gtc, 12000, 6000);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(e.x, &d.out[i]);
	e.ordinal = d.ordinal;
	desk_snapshot(&e, (struct levels)LEVELS({9900, 50000}), (struct levels)LEVELS({10000, 50000}));
	desk_cancel(&d, 2);
	desk_cancel(&e, 2);
	desk_expect_balance(&e, "USDT", CASH(1000) - CASH(1) / 2, CASH(50));
	desk_order(&d, side_sell, tif_ioc, 0, 5000);
	desk_order(&e, side_sell, tif_ioc, 0, 5000);
	expect_position(&d, 0, 0, -CASH(5), 0);
	expect_position(&e, 0, 0, -CASH(5), 0);
	desk_expect_balance(&d, "USDT", CASH(995) - 99500000, 0);
	desk_expect_balance(&e, "USDT", CASH(995) - 99500000, 0);
	desk_close(&d);
	desk_close(&e);
}

/* An announcement of before said nothing of its kind: what was delivered goes back, at its cost. */
static void delivered_goes_on_margin(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d;
	desk_open(&d, &s);
	desk_book(&d);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_expect_balance(&d, "ONE", CASH(1), 0);
	struct event ev = definition();
	desk_feed(&d, &ev);
	desk_order(&d, side_sell, tif_ioc, 0, 1000);
	expect_position(&d, 0, 0, -CASH(1), 0);
	desk_expect_balance(&d, "USDT", CASH(999) - 19900000, 0);
	desk_close(&d);
}

/* Valued where it could be closed, at the last trade, at the venue's mark. */
static void marks_are_stated(void **state)
{
	(void)state;
	static const struct {
		const char *mark;
		int64_t long_gain, short_gain;
	} rows[] = {{"mid", -250000000, -250000000},
		    {"side", -500000000, -500000000},
		    {"last", -400000000, -100000000}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct executor_settings s = settings("cross");
		struct desk d;
		s.mark = (uint8_t)mark_find(rows[i].mark);
		open_desk(&d, &s);
		desk_trade(&d, side_buy, 9920, 1000);
		desk_order(&d, side_buy, tif_ioc, 0, 5000);
		assert_int_equal(equity(&d)->unrealised, rows[i].long_gain);
		desk_order(&d, side_sell, tif_ioc, 0, 10000);
		assert_int_equal(equity(&d)->unrealised, rows[i].short_gain);
		assert_true(equity(&d)->marked);
		desk_close(&d);
	}
}

/* What is held is worth what a market that delivers it says: 200, though the perpetual at 99.50 was announced first. */
static void held_is_worth_what_spot_says(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct level bid = {19900, 1000}, ask = {20100, 1000};
	struct desk d;
	s.balance[s.n_balances++] = (struct executor_balance){"ONE", CASH(1)};
	open_desk(&d, &s);
	struct event ev = desk_definition("SPOT.TEST", "ONE");
	desk_feed(&d, &ev);
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("SPOT.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){&bid, 1};
	ev.book_snapshot.asks = (struct levels){&ask, 1};
	desk_feed(&d, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = desk_symbol("SPOT.TEST");
	ev.book_state.state = book_state_trusted;
	desk_feed(&d, &ev);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	assert_true(equity(&d)->marked);
	assert_int_equal(equity(&d)->equity, CASH(1000) - 10000000 + CASH(200) - CASH(1) / 2);
	desk_close(&d);
}

/* One holds what another owes: nothing is left in the account, and still each of them has gained or lost. */
static void strategies_against_each_other_are_valued(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	s.equity_interval_ns = 60 * S;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	struct event ev = desk_intent(&d, side_sell, tif_ioc, 0, 1000);
	event_set_name(ev.intent.strategy, "t");
	ev.intent.ordinal = 1;
	desk_feed(&d, &ev);
	assert_int_equal(position(&d)->qty, 0);
	desk_clear(&d);
	desk_until(&d, d.now + 60 * S);
	assert_int_equal(desk_count(&d, EVENT_valuation), 1);
	assert_int_equal(desk_last(&d, EVENT_valuation)->valuation.qty, 0);
	assert_int_equal(desk_last(&d, EVENT_valuation)->valuation.price, 9950);
	desk_close(&d);
}

/* ---- fundings, marks, liquidations ---- */

/* 5 long at a mark of 101.25 and a rate of 0.0001: pays 0.050625; the next one it gets. */
static void funding_is_paid(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	mark(&d, 1012500, 20000, d.now + 10 * S);
	desk_until(&d, d.now + 9 * S);
	mark(&d, 1012500, 10000, d.now + S);
	desk_clear(&d);
	desk_until(&d, d.now + S - 1);
	assert_int_equal(d.n, 0);
	desk_until(&d, d.now + 1);
	const struct ev_funding *f = &desk_last(&d, EVENT_funding)->funding;
	assert_int_equal(desk_count(&d, EVENT_funding), 1);
	assert_string_equal(f->strategy, "s");
	assert_int_equal(f->qty, 5000);
	assert_int_equal(f->mark, 1012500);
	assert_int_equal(f->price_scale, 4);
	assert_int_equal(f->rate, 1000000);
	assert_int_equal(f->amount, -5062500);
	assert_int_equal(position(&d)->funding, -5062500);
	assert_int_equal(position(&d)->margin, CASH(50)); /* what was free paid it */
	desk_expect_balance(&d, "USDT", CASH(1000) - CASH(1) / 2 - 5062500, CASH(50));
	assert_int_equal(equity(&d)->funding, -5062500);
	desk_clear(&d);
	desk_until(&d, d.now + 100 * S); /* it is paid once */
	mark(&d, 1012500, 10000, d.now - 100 * S);
	desk_until(&d, d.now + 100 * S);
	assert_int_equal(desk_count(&d, EVENT_funding), 0);
	mark(&d, 1000000, -30000, d.now + S);
	desk_until(&d, d.now + S);
	assert_int_equal(desk_last(&d, EVENT_funding)->funding.amount, 15000000);
	assert_int_equal(position(&d)->funding, 15000000 - 5062500);
	desk_close(&d);
}

/* One strategy is long, the other short: each has its own part, and what is flat in all nets out. */
static void funding_has_parts(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	struct event ev = desk_intent(&d, side_sell, tif_ioc, 0, 2000);
	event_set_name(ev.intent.strategy, "t");
	desk_feed(&d, &ev);
	mark(&d, 1000000, 100000, d.now + S);
	desk_clear(&d);
	desk_until(&d, d.now + S);
	assert_int_equal(desk_count(&d, EVENT_funding), 2);
	assert_string_equal(desk_said(&d, EVENT_funding, 0)->funding.strategy, "t");
	assert_int_equal(desk_said(&d, EVENT_funding, 0)->funding.amount, 20000000);
	assert_int_equal(desk_said(&d, EVENT_funding, 1)->funding.amount, -50000000);
	assert_int_equal(position(&d)->funding, -30000000);
	desk_close(&d);
}

/* 5 at 100 with 50 of margin, maintenance 1 %: 50 + 5p - 500 = 0.05p at 90.909 */
static void isolated_is_liquidated(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	assert_int_equal(position(&d)->liquidation, 9091);
	desk_order(&d, side_buy, tif_gtc, 8000, 1000);
	desk_clear(&d);
	mark(&d, 909100, 0, 0);
	assert_int_equal(desk_count(&d, EVENT_liquidated), 0);
	mark(&d, 909000, 0, 0);
	/* The order is cancelled; 45.50 lost, and of 4.545 of fee 4.50 is left */
	desk_expect_order(&d, order_status_cancelled, reject_liquidated, 0);
	assert_int_equal(liquidated(&d)->qty, 5000);
	assert_int_equal(liquidated(&d)->balance, CASH(5) - CASH(1) / 2);
	assert_int_equal(liquidated(&d)->maintenance, 454500000);
	assert_int_equal(liquidated(&d)->fee, 450000000);
	assert_int_equal(liquidated(&d)->insured, 0);
	desk_expect_fill(&d, 0, 9090, 5000, 450000000);
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.liquidity, liquidity_liquidated);
	expect_position(&d, 0, 0, -4550000000, 0);
	desk_expect_balance(&d, "USDT", CASH(950) - CASH(1) / 2, 0); /* its margin, no more */
	assert_int_equal(executor_counters(d.x)->liquidations, 1);
	desk_close(&d);
}

/* 5 at 99 with 49.50 of margin: at 90 there are 4.50 left, and 1 % of 450 is the maintenance. */
static void as_much_as_the_maintenance_is_too_little(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_snapshot(&d, (struct levels)LEVELS({9800, 50000}), (struct levels)LEVELS({9900, 50000}));
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	desk_clear(&d);
	mark(&d, 900001, 0, 0);
	assert_int_equal(desk_count(&d, EVENT_liquidated), 0);
	mark(&d, 900000, 0, 0);
	assert_int_equal(desk_count(&d, EVENT_liquidated), 1);
	assert_int_equal(liquidated(&d)->balance, CASH(45) / 10);
	assert_int_equal(liquidated(&d)->maintenance, CASH(45) / 10);
	desk_close(&d);
}

/* The price falls through: what is lost beyond the margin is not the account's. */
static void insurance_bears_the_rest(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_sell, tif_ioc, 0, 5000); /* at 99: 49.50 */
	/* 49.5 + 495 - 5p = 0.05p at 107.82 */
	assert_int_equal(position(&d)->liquidation, 10782);
	desk_clear(&d);
	mark(&d, 1200001, 0, 0);
	/* bought at 120.01: 105.05 lost, 49.50 of them margin */
	desk_expect_fill(&d, 0, 12001, 5000, 0);
	expect_position(&d, 0, 0, -10505000000, 0);
	assert_int_equal(liquidated(&d)->insured, 5555000000);
	assert_int_equal(liquidated(&d)->mark, 1200001);
	desk_expect_balance(&d, "USDT", CASH(950) + CASH(1) / 2 - 49500000, 0);
	assert_int_equal(equity(&d)->insured, 5555000000);
	desk_close(&d);
}

/* All of 1,000 stands for it: 50 at 100, maintenance 2 % less 10: 995 + 50p - 5,000 = p - 10 at 81.53 */
static void cross_is_liquidated(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 50000);
	assert_int_equal(position(&d)->margin, CASH(500));
	assert_int_equal(position(&d)->liquidation, 8153);
	desk_clear(&d);
	mark(&d, 815400, 0, 0);
	assert_int_equal(desk_count(&d, EVENT_liquidated), 0);
	mark(&d, 815000, 0, 0);
	/* 925 lost; 70 left; maintenance 71.5; the fee of 40.75 leaves 29.25 */
	assert_int_equal(liquidated(&d)->balance, CASH(70));
	assert_int_equal(liquidated(&d)->maintenance, 7150000000);
	desk_expect_fill(&d, 0, 8150, 50000, 4075000000);
	desk_expect_balance(&d, "USDT", 2925000000, 0);
	desk_close(&d);
}

/* Two of them: the larger goes first, and what is left carries the other. */
static void cross_goes_one_by_one(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d;
	open_desk(&d, &s);
	open_second(&d);
	struct event buy = desk_intent(&d, side_buy, tif_ioc, 0, 10000);
	buy.intent.instrument = desk_symbol("TWO.TEST");
	desk_feed(&d, &buy);
	desk_order(&d, side_buy, tif_ioc, 0, 50000);
	desk_clear(&d);
	mark(&d, 815000, 0, 0);
	/* 994 less 925 less 5 of the other's: 64; the maintenance of both is 71.5 + 9.95 */
	assert_int_equal(desk_count(&d, EVENT_liquidated), 1);
	assert_int_equal(liquidated(&d)->balance, CASH(64));
	assert_int_equal(liquidated(&d)->maintenance, 7150000000 + 995000000);
	desk_expect_fill(&d, 0, 8150, 50000, 4075000000);
	/* 28.25 of money are left, less than TWO's initial margin of 100: all of it is locked now */
	desk_expect_balance(&d, "USDT", 2825000000, 2825000000);
	assert_int_equal(equity(&d)->margin, 2825000000);
	desk_close(&d);
}

/* Where no mark price is heard, the mid of a book that can be used is judged by. */
static void book_stands_for_the_mark(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	mark(&d, 1000000, 0, 0);
	desk_clear(&d);
	desk_snapshot(&d, (struct levels)LEVELS({9000, 50000}), (struct levels)LEVELS({9100, 50000}));
	assert_int_equal(desk_count(&d, EVENT_liquidated), 0); /* the venue says 100 */
	desk_until(&d, d.now + 61 * S);
	desk_snapshot(&d, (struct levels)LEVELS({9000, 50000}), (struct levels)LEVELS({9100, 50000}));
	assert_int_equal(desk_count(&d, EVENT_liquidated), 1);
	assert_int_equal(liquidated(&d)->mark, 9050 * 1);
	desk_close(&d);
}

/* A stop by the mark price, not by the last trade. */
static void mark_triggers(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	mark(&d, 995000, 0, 0);
	struct event ev = desk_intent(&d, side_sell, tif_gtc, 0, 5000);
	ev.intent.type = order_type_stop_market;
	ev.intent.trigger_price = 9800;
	ev.intent.trigger_by = trigger_by_mark;
	ev.intent.reduce_only = true;
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_waiting, reject_none, 0);
	desk_trade(&d, side_sell, 9700, 1);
	desk_expect_order(&d, order_status_waiting, reject_none, 0);
	mark(&d, 980100, 0, 0);
	desk_expect_order(&d, order_status_waiting, reject_none, 0);
	mark(&d, 980000, 0, 0);
	desk_expect_order(&d, order_status_filled, reject_none, 5000);
	expect_position(&d, 0, 0, -CASH(5), 0);
	desk_close(&d);
}

/* What has no mark price cannot be triggered by it. */
static void spot_has_no_mark(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	struct desk d;
	desk_open(&d, &s);
	desk_book(&d);
	struct event ev = desk_intent(&d, side_buy, tif_gtc, 0, 1000);
	ev.intent.type = order_type_stop_market;
	ev.intent.trigger_price = 12000;
	ev.intent.trigger_by = trigger_by_mark;
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_rejected, reject_invalid, 0);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_opens_and_closes), cmocka_unit_test(short_and_through_zero),
		cmocka_unit_test(takers_walk_the_levels),
		cmocka_unit_test(as_much_as_the_maintenance_is_too_little),
		cmocka_unit_test(orders_set_aside),	 cmocka_unit_test(margin_bounds),
		cmocka_unit_test(leverage_bounds_size),	 cmocka_unit_test(losses_are_not_free),
		cmocka_unit_test(losses_are_paid),	 cmocka_unit_test(state_goes_on),
		cmocka_unit_test(journal_is_taken_over), cmocka_unit_test(delivered_goes_on_margin),
		cmocka_unit_test(marks_are_stated),	 cmocka_unit_test(funding_is_paid),
		cmocka_unit_test(strategies_against_each_other_are_valued),
		cmocka_unit_test(held_is_worth_what_spot_says),
		cmocka_unit_test(funding_has_parts),	 cmocka_unit_test(isolated_is_liquidated),
		cmocka_unit_test(insurance_bears_the_rest), cmocka_unit_test(cross_is_liquidated),
		cmocka_unit_test(cross_goes_one_by_one), cmocka_unit_test(book_stands_for_the_mark),
		cmocka_unit_test(mark_triggers),	 cmocka_unit_test(spot_has_no_mark),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
