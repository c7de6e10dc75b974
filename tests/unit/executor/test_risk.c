/* test_risk - each risk limit by hand: the last order that it allows, the first that it refuses, and what it says.
 *
 * The book is the desk's: 99.00 x 1, 98.00 x 2 | 100.00 x 1, 101.00 x 2, 103.00 x 5; its mid is 99.50.
 */
#include "desk.h"

#include "services/executor/guard.h"

static struct desk d;

static struct executor_settings settings(void)
{
	struct executor_settings s = desk_settings();
	s.balance[0].amount = CASH(1000000);
	event_set_name(s.balance[1].asset, "ONE");
	s.balance[1].amount = CASH(1000);
	s.n_balances = 2;
	return s;
}

static void begin(const struct executor_settings *s)
{
	desk_open(&d, s);
	desk_book(&d);
}

static void begin_with(enum limit limit, int64_t value)
{
	struct executor_settings s = settings();
	s.limit[limit] = value;
	begin(&s);
}

static void scope_with(const char *text)
{
	struct executor_settings s = settings();
	char reason[EVENT_TEXT_MAX] = "";
	int n = limits_parse(text, s.scope, reason, sizeof(reason));
	assert_true(n > 0);
	s.n_scopes = (uint32_t)n;
	begin(&s);
}

static int end(void **state)
{
	(void)state;
	desk_close(&d);
	return 0;
}

static void accepted(enum side side, enum tif tif, int64_t price, int64_t qty)
{
	desk_order(&d, side, tif, price, qty);
	assert_int_not_equal(desk_last(&d, EVENT_order)->order.status, order_status_rejected);
}

static void refused(enum side side, enum tif tif, int64_t price, int64_t qty, enum reject why, const char *text)
{
	desk_order(&d, side, tif, price, qty);
	assert_string_equal(desk_shape(&d), "o");
	desk_expect_order(&d, order_status_rejected, why, 0);
	if (strcmp(d.out[0].order.reason, text) != 0)
		print_message("said: %s\n", d.out[0].order.reason);
	assert_string_equal(d.out[0].order.reason, text);
}

static void order_size(void **state)
{
	(void)state;
	begin_with(LIMIT_ORDER_QTY, CASH(2));
	accepted(side_buy, tif_gtc, 9000, 2000);
	refused(side_buy, tif_gtc, 9000, 2001, reject_risk_qty,
		"The quantity is 2.001; executor.order_qty_max = 2 allows no more.");
	refused(side_sell, tif_ioc, 0, 2001, reject_risk_qty,
		"The quantity is 2.001; executor.order_qty_max = 2 allows no more.");
}

/* What has been filled of it is part of an order that is replaced. */
static void a_replacement_counts_whole(void **state)
{
	(void)state;
	begin_with(LIMIT_ORDER_QTY, CASH(2));
	accepted(side_buy, tif_gtc, 10000, 2000);
	desk_expect_order(&d, order_status_partial, reject_none, 1000);
	struct event ev = desk_intent(&d, side_buy, tif_gtc, 9000, 2001);
	ev.intent.kind = intent_kind_replace;
	event_set_name(ev.intent.client_order_id, "o1");
	desk_clear(&d);
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_rejected, reject_risk_qty, 0);
	ev = desk_intent(&d, side_buy, tif_gtc, 9000, 2000);
	ev.intent.kind = intent_kind_replace;
	event_set_name(ev.intent.client_order_id, "o1");
	desk_clear(&d);
	desk_feed(&d, &ev);
	assert_int_equal(desk_said(&d, EVENT_order, 0)->order.price, 9000);
}

/* A stop that fires closes whatever the limits have become; one that opens must be within them then. */
static void a_stop_that_closes_is_never_kept_from_it(void **state)
{
	(void)state;
	begin_with(LIMIT_COLLAR, 200);
	accepted(side_buy, tif_ioc, 0, 3000);
	struct event close = desk_intent(&d, side_sell, tif_gtc, 0, 2000), open = close;
	close.intent.type = open.intent.type = order_type_stop_market;
	close.intent.trigger_price = open.intent.trigger_price = 9890;
	close.intent.trigger_by = open.intent.trigger_by = trigger_by_last;
	desk_feed(&d, &close);
	open.intent.ordinal = ++d.ordinal;
	open.intent.qty = 20000;
	event_set_name(open.intent.client_order_id, "opens");
	desk_feed(&d, &open);
	assert_int_equal(executor_open_orders(d.x), 2);
	/* the book has fallen apart below: 5 % to the next bid */
	desk_snapshot(&d, (struct levels)LEVELS({9400, 5000}), (struct levels)LEVELS({10500, 5000}));
	desk_clear(&d);
	desk_trade(&d, side_sell, 9880, 100);
	const struct event *fill = desk_said(&d, EVENT_fill, 0);
	assert_non_null(fill);
	assert_int_equal(fill->fill.qty, 2000);
	assert_int_equal(fill->fill.price, 9400);
	assert_null(desk_said(&d, EVENT_fill, 1));
	desk_expect_order(&d, order_status_cancelled, reject_risk_collar, 0);
	const char *why = desk_last(&d, EVENT_order)->order.reason;
	assert_non_null(strstr(why, "executor.collar_bps = 200 allows no more."));
}

/* At the order's worst price, or at the mid where that is higher. */
static void order_notional(void **state)
{
	(void)state;
	begin_with(LIMIT_ORDER_NOTIONAL, CASH(199));
	accepted(side_buy, tif_gtc, 9000, 2000); /* 2 x 99.50 */
	refused(side_buy, tif_gtc, 9000, 2001, reject_risk_notional,
		"The order is worth up to 199.0995; executor.order_notional_max = 199 allows no more.");
	refused(side_buy, tif_gtc, 9951, 2000, reject_risk_notional,
		"The order is worth up to 199.02; executor.order_notional_max = 199 allows no more.");
	/* 1 at 100, 0.971 at 101: all of it counts at 101 */
	refused(side_buy, tif_ioc, 0, 1971, reject_risk_notional,
		"The order is worth up to 199.071; executor.order_notional_max = 199 allows no more.");
	accepted(side_buy, tif_ioc, 0, 1970);
}

/* Open orders count as filled; what goes against the position is free up to the other end. */
static void position_qty(void **state)
{
	(void)state;
	begin_with(LIMIT_POSITION_QTY, CASH(3));
	accepted(side_buy, tif_ioc, 0, 1000);    /* holds 1 */
	accepted(side_buy, tif_gtc, 9000, 1500); /* could be 2.5 */
	refused(side_buy, tif_gtc, 9000, 501, reject_risk_position,
		"The position could reach 3.001; executor.position_qty_max = 3 allows no more.");
	refused(side_buy, tif_ioc, 0, 501, reject_risk_position,
		"The position could reach 3.001; executor.position_qty_max = 3 allows no more.");
	accepted(side_buy, tif_gtc, 9000, 500);
	accepted(side_sell, tif_gtc, 12000, 4000); /* 1 down to -3 */
	refused(side_sell, tif_gtc, 12000, 50, reject_risk_position,
		"The position could reach 3.05; executor.position_qty_max = 3 allows no more.");
	desk_cancel(&d, 2);
	accepted(side_buy, tif_gtc, 9000, 1500); /* a cancel gives its room back */
}

/* A limit lowered below what is held: only the way out is open. */
static void position_lowered(void **state)
{
	(void)state;
	begin_with(LIMIT_POSITION_QTY, CASH(3));
	accepted(side_buy, tif_ioc, 0, 3000);
	struct event ev = desk_command_of("ann", verb_reload, "", 0);
	event_set_name(ev.command.target, "executor.position_qty_max");
	event_set_text(ev.command.value, "1");
	desk_feed(&d, &ev);
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_position,
		"The position could reach 3.1; executor.position_qty_max = 1 allows no more.");
	accepted(side_sell, tif_gtc, 12000, 2000);
	accepted(side_sell, tif_gtc, 12000, 2000); /* to -1 */
	refused(side_sell, tif_gtc, 12000, 100, reject_risk_position,
		"The position could reach 1.1; executor.position_qty_max = 1 allows no more.");
}

static void position_notional(void **state)
{
	(void)state;
	begin_with(LIMIT_POSITION_NOTIONAL, CASH(300));
	accepted(side_buy, tif_gtc, 9000, 3000); /* 3 x 99.50 = 298.50 */
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_position,
		"The position could be worth 308.45; executor.position_notional_max = 300 allows no more.");
	accepted(side_sell, tif_gtc, 10000, 3000);
	refused(side_sell, tif_gtc, 10000, 50, reject_risk_position,
		"The position could be worth 305; executor.position_notional_max = 300 allows no more.");
}

static void second_market(void)
{
	struct event two = desk_definition("TWO.TEST", "TWO"), state, book;
	desk_feed(&d, &two);
	event_init(&book, EVENT_book_snapshot);
	book.book_snapshot.instrument = desk_symbol("TWO.TEST");
	book.book_snapshot.price_scale = 2;
	book.book_snapshot.qty_scale = 3;
	book.book_snapshot.bids = (struct levels)LEVELS({1000, 100000});
	book.book_snapshot.asks = (struct levels)LEVELS({1010, 100000});
	desk_feed(&d, &book);
	event_init(&state, EVENT_book_state);
	state.book_state.instrument = desk_symbol("TWO.TEST");
	state.book_state.state = book_state_trusted;
	desk_feed(&d, &state);
}

static void order_two(enum side side, int64_t price, int64_t qty)
{
	struct event ev = desk_intent(&d, side, tif_gtc, price, qty);
	ev.intent.instrument = desk_symbol("TWO.TEST");
	desk_clear(&d);
	desk_feed(&d, &ev);
}

static void gross(void **state)
{
	(void)state;
	begin_with(LIMIT_GROSS, CASH(300));
	second_market();
	accepted(side_buy, tif_gtc, 9000, 2000); /* 199 */
	order_two(side_buy, 900, 10000);         /* 10 at its mid of 10.05: 100.50 */
	desk_expect_order(&d, order_status_open, reject_none, 0);
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_gross,
		"The gross exposure could reach 309.45; executor.gross_max = 300 allows no more.");
	/* the other end of ONE is 0: selling what may be bought makes nothing grow */
	accepted(side_sell, tif_gtc, 10000, 2000);
	refused(side_sell, tif_gtc, 10000, 100, reject_risk_gross,
		"The gross exposure could reach 310.5; executor.gross_max = 300 allows no more.");
}

static void net(void **state)
{
	(void)state;
	begin_with(LIMIT_NET, CASH(150));
	second_market();
	accepted(side_sell, tif_ioc, 0, 1000); /* -1 of ONE: -99.50 */
	accepted(side_buy, tif_gtc, 9000, 2500); /* up to 1.5: 149.25 */
	order_two(side_buy, 900, 1000);
	desk_expect_order(&d, order_status_rejected, reject_risk_net, 0);
	assert_string_equal(d.out[0].order.reason,
			    "The net exposure could reach 159.3; executor.net_max = 150 allows no more.");
	refused(side_sell, tif_gtc, 10000, 600, reject_risk_net,
		"The net exposure could reach 160; executor.net_max = 150 allows no more.");
	accepted(side_sell, tif_gtc, 10000, 500); /* 1.5 at 100 */
}

static void collar(void **state)
{
	(void)state;
	begin_with(LIMIT_COLLAR, 101); /* 99.50 + 1.01 % is 100.50495 */
	accepted(side_buy, tif_ioc, 10050, 100);
	refused(side_buy, tif_ioc, 10051, 100, reject_risk_collar,
		"Basis points from the mid to the worst price: 102; executor.collar_bps = 101 allows no more.");
	accepted(side_buy, tif_ioc, 0, 900); /* all at 100 */
	refused(side_buy, tif_ioc, 0, 100, reject_risk_collar,
		"Basis points from the mid to the worst price: 151; executor.collar_bps = 101 allows no more.");
	accepted(side_sell, tif_gtc, 9850, 100);
	refused(side_sell, tif_gtc, 9849, 100, reject_risk_collar,
		"Basis points from the mid to the worst price: 102; executor.collar_bps = 101 allows no more.");
	accepted(side_buy, tif_gtc, 5000, 100); /* far from the market on its own side harms nobody */
}

static void rates(void **state)
{
	(void)state;
	struct executor_settings s = settings();
	s.limit[LIMIT_SECOND] = 2;
	s.limit[LIMIT_MINUTE] = 4;
	begin(&s);
	accepted(side_buy, tif_gtc, 9000, 100);
	refused(side_buy, tif_gtc, 9001, 99999999, reject_max_qty, "The quantity is above the maximum."); /* no order */
	accepted(side_buy, tif_gtc, 9000, 100);
	refused(side_sell, tif_gtc, 12000, 100, reject_risk_rate,
		"Orders within a second: more than 2; executor.orders_second_max = 2 allows no more.");
	desk_cancel(&d, 1); /* cancels are no orders */
	desk_expect_order(&d, order_status_cancelled, reject_none, 0);
	desk_until(&d, d.now + 500 * MS);
	accepted(side_buy, tif_gtc, 9000, 100);
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_rate,
		"Orders within a second: more than 2; executor.orders_second_max = 2 allows no more.");
	desk_until(&d, d.now + 500 * MS);
	accepted(side_buy, tif_gtc, 9000, 100);
	desk_until(&d, d.now + S);
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_rate,
		"Orders within a minute: more than 4; executor.orders_minute_max = 4 allows no more.");
	desk_until(&d, d.now + 13 * S); /* 15 s after the first: one more has filled */
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}), (struct levels)LEVELS({10000, 1000}));
	accepted(side_buy, tif_gtc, 9000, 100);
	desk_until(&d, d.now + S);
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_rate,
		"Orders within a minute: more than 4; executor.orders_minute_max = 4 allows no more.");
}

static struct event of(const char *strategy, struct event ev)
{
	event_set_name(ev.intent.strategy, strategy);
	return ev;
}

static void feed(struct event ev)
{
	desk_clear(&d);
	desk_feed(&d, &ev);
}

static void scopes(void **state)
{
	(void)state;
	scope_with("position_qty_max@grid=1, open_orders_max@grid=2, order_qty_max@ONE.TEST=5");
	feed(of("s", desk_intent(&d, side_buy, tif_gtc, 9000, 5000))); /* another's does not count for grid */
	desk_expect_order(&d, order_status_open, reject_none, 0);
	feed(of("grid", desk_intent(&d, side_buy, tif_gtc, 9000, 1001)));
	desk_expect_order(&d, order_status_rejected, reject_risk_position, 0);
	assert_string_equal(d.out[0].order.reason, "The position could reach 1.001; executor.limits "
						   "position_qty_max@grid = 1 allows no more.");
	feed(of("grid", desk_intent(&d, side_buy, tif_gtc, 9000, 500)));
	feed(of("grid", desk_intent(&d, side_buy, tif_gtc, 9000, 400)));
	desk_expect_order(&d, order_status_open, reject_none, 0);
	feed(of("grid", desk_intent(&d, side_buy, tif_gtc, 9000, 100)));
	desk_expect_order(&d, order_status_rejected, reject_risk_open_orders, 0);
	feed(of("grid", desk_intent(&d, side_buy, tif_ioc, 0, 100))); /* it never rests */
	desk_expect_order(&d, order_status_filled, reject_none, 100);
	feed(of("s", desk_intent(&d, side_buy, tif_gtc, 9000, 5001)));
	desk_expect_order(&d, order_status_rejected, reject_risk_qty, 0);
	assert_string_equal(d.out[0].order.reason,
			    "The quantity is 5.001; executor.limits order_qty_max@ONE.TEST = 5 allows no more.");
}

static void scope_texts(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{"gross_max=1", "executor.limits: 'gross_max=1' is not LIMIT@NAME=value"},
		{"gross_max@=1", "executor.limits: 'gross_max@=1' is not LIMIT@NAME=value"},
		{"gross@a=1", "executor.limits: 'gross@a=1' names no limit"},
		{"gross_max@a=-1", "executor.limits: 'gross_max@a=-1' has a value that is out of its range"},
		{"collar_bps@a=0.5", "executor.limits: 'collar_bps@a=0.5' has a value that is out of its range"},
	};
	struct limits_scope scope[LIMITS_SCOPES_MAX];
	char reason[EVENT_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(limits_parse(bad[i][0], scope, reason, sizeof(reason)), ERR_ARG);
		assert_string_equal(reason, bad[i][1]);
	}
	assert_int_equal(limits_parse("", scope, reason, sizeof(reason)), 0);
	assert_int_equal(limits_parse("gross_max@a=1,net_max@a=2 gross_max@b=0.5", scope, reason, sizeof(reason)), 2);
	assert_int_equal(scope[0].limit[LIMIT_NET], CASH(2));
	assert_int_equal(scope[1].limit[LIMIT_GROSS], CASH(1) / 2);
}

/* Buys and sells at a loss of the spread, one piece; the book is renewed. */
static void lose(void)
{
	accepted(side_buy, tif_ioc, 0, 1000);
	accepted(side_sell, tif_ioc, 0, 1000);
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1001}, {9800, 2000}),
		      (struct levels)LEVELS({10000, 1001}, {10100, 2000}, {10300, 5000}));
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}, {9800, 2000}),
		      (struct levels)LEVELS({10000, 1000}, {10100, 2000}, {10300, 5000}));
}

static void fresh_book(void)
{
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}, {9800, 2000}),
		      (struct levels)LEVELS({10000, 1000}, {10100, 2000}, {10300, 5000}));
}

static void cooldown(void **state)
{
	(void)state;
	struct executor_settings s = settings();
	s.guard.cooldown_ns = 30 * S;
	begin(&s);
	accepted(side_buy, tif_ioc, 0, 2000);
	accepted(side_sell, tif_ioc, 0, 1000);
	desk_until(&d, d.now + 10 * S);
	fresh_book();
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_cooldown,
		"After a loss it takes no order that could make its exposure grow, for another 20 s of event time "
		"(executor.cooldown = 30 s).");
	accepted(side_sell, tif_gtc, 12000, 1000); /* the way out */
	second_market();
	order_two(side_buy, 900, 1000); /* another instrument */
	desk_expect_order(&d, order_status_open, reject_none, 0);
	desk_until(&d, d.now + 20 * S);
	fresh_book();
	accepted(side_buy, tif_gtc, 9000, 100);
}

static void stops(void **state)
{
	(void)state;
	struct executor_settings s = settings();
	s.guard.stops_max = 2;
	s.guard.stops_all_max = 3;
	s.guard.stops_within_ns = 60 * S;
	s.guard.stops_pause_ns = 100 * S;
	begin(&s);
	lose();
	desk_until(&d, d.now + 61 * S); /* too long ago */
	fresh_book();
	lose();
	accepted(side_buy, tif_gtc, 9000, 100);
	lose();
	refused(side_buy, tif_gtc, 9000, 100, reject_risk_stops,
		"After too many losses it takes no order that could make its exposure grow, for another 100 s of event "
		"time (executor.stops_pause = 100 s).");
	assert_int_equal(executor_counters(d.x)->stands, 1);
	assert_int_equal(executor_counters(d.x)->stop_outs, 3);
	desk_until(&d, d.now + 100 * S);
	fresh_book();
	accepted(side_buy, tif_gtc, 9000, 100);
}

static void halted_by(const char *why)
{
	const struct event *ev = desk_last(&d, EVENT_trading_state);
	assert_int_equal(executor_trading(d.x), trading_halted);
	assert_non_null(ev);
	assert_string_equal(ev->trading_state.reason, why);
}

/* 1 at 100 and 0.1 of fee, worth 99.50: 0.6 lost. As much as the limit halts. */
static void day_loss_to_the_last_digit(void **state)
{
	(void)state;
	for (int64_t over = 0; over < 2; over++) {
		struct executor_settings s = settings();
		s.guard.day_loss_max = CASH(6) / 10 + over;
		s.balance[1].amount = 0;
		begin(&s);
		fresh_book();
		accepted(side_buy, tif_ioc, 0, 1000);
		assert_int_equal(executor_trading(d.x), over ? trading_running : trading_halted);
		if (!over)
			desk_close(&d);
	}
}

/* The day's loss begins at midnight UTC; halted until somebody resets, and then counted from there. */
static void day_loss(void **state)
{
	(void)state;
	struct executor_settings s = settings();
	s.guard.day_loss_max = CASH(5);
	s.balance[1].amount = 0;
	begin(&s);
	d.now = 86390 * S;
	fresh_book();
	accepted(side_buy, tif_ioc, 0, 3000); /* 100 + 2 x 101 + 0.302, worth 298.50: lost 3.802 */
	d.now = 86400 * S; /* a new day */
	fresh_book();
	accepted(side_sell, tif_ioc, 0, 1000); /* 99 - 0.099, worth 99.50: lost 0.599 of this day */
	assert_int_equal(executor_trading(d.x), trading_running);
	accepted(side_sell, tif_ioc, 0, 2000); /* 2 x 98 - 0.196, worth 199: 3.795 */
	accepted(side_buy, tif_ioc, 0, 100);   /* 10.3103 for 9.95: 4.1553 */
	assert_int_equal(executor_trading(d.x), trading_running);
	accepted(side_buy, tif_ioc, 0, 300); /* 30.9309 for 29.85: 5.2362 */
	halted_by("The loss of the day is 5.2362; executor.day_loss_max = 5 allows less. nj reset ends the halt.");
	desk_order(&d, side_sell, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_halted, 0);
	d.now = 2 * 86400 * S; /* another day does not end it, nor does a resume */
	fresh_book();
	desk_command(&d, verb_resume, "", "", 0);
	assert_int_equal(executor_trading(d.x), trading_halted);
	desk_command(&d, verb_reset, "", "looked", 0);
	assert_int_equal(executor_trading(d.x), trading_running);
	accepted(side_buy, tif_ioc, 0, 100);
	assert_int_equal(executor_trading(d.x), trading_running);
}

/* Days do not matter to it. While a book cannot be trusted nothing is judged. */
static void drawdown(void **state)
{
	(void)state;
	struct executor_settings s = settings();
	s.guard.drawdown_max = CASH(4);
	s.balance[1].amount = 0;
	begin(&s);
	accepted(side_buy, tif_ioc, 0, 3000); /* 3.802 */
	d.now += 86400 * S;
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}), (struct levels)LEVELS({11000, 1000})); /* mid 104.50 */
	accepted(side_buy, tif_gtc, 9000, 100);
	assert_int_equal(executor_trading(d.x), trading_running);
	accepted(side_sell, tif_ioc, 0, 100); /* a new high: 3 x 104.50 - 302.302 less 0.5599 */
	fresh_book();
	assert_int_equal(executor_trading(d.x), trading_running);
	accepted(side_sell, tif_ioc, 0, 100); /* 2.9 x 5 down, and 0.0599 */
	halted_by("The drawdown from the highest worth is 14.5599; executor.drawdown_max = 4 allows less. nj reset "
		  "ends the halt.");
	assert_int_equal(executor_open_orders(d.x), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(order_size, end),
		cmocka_unit_test_teardown(a_replacement_counts_whole, end),
		cmocka_unit_test_teardown(a_stop_that_closes_is_never_kept_from_it, end),
		cmocka_unit_test_teardown(order_notional, end),
		cmocka_unit_test_teardown(position_qty, end),
		cmocka_unit_test_teardown(position_lowered, end),
		cmocka_unit_test_teardown(position_notional, end),
		cmocka_unit_test_teardown(gross, end),
		cmocka_unit_test_teardown(net, end),
		cmocka_unit_test_teardown(collar, end),
		cmocka_unit_test_teardown(rates, end),
		cmocka_unit_test_teardown(scopes, end),
		cmocka_unit_test(scope_texts),
		cmocka_unit_test_teardown(cooldown, end),
		cmocka_unit_test_teardown(stops, end),
		cmocka_unit_test_teardown(day_loss, end),
		cmocka_unit_test_teardown(day_loss_to_the_last_digit, end),
		cmocka_unit_test_teardown(drawdown, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
