/* test_room - what a venue's filters say of orders at market, of trailing stops and of what an account may have open,
 * worked out by hand; Binance's words for each.
 */
#include "scenario.h"

#include "services/executor/checks.h"

static void define(struct event *def)
{
	give(def);
	assert_int_equal(d.x->counters.bad_instruments, 0);
}

static struct event plain(void)
{
	return desk_definition("ONE.TEST", "ONE");
}

static void accepted(struct event ev, enum order_status status)
{
	give(&ev);
	assert_string_equal(enum_text(enum_reject(), d.out[0].order.reject), "none");
	assert_int_equal(desk_last(&d, EVENT_order)->order.status, status);
}

/* ---- orders at market ---- */

/* Lots of 0.002, at market of 0.010 and at least 0.050. */
static void a_market_order_has_a_filter_of_its_own(void **state)
{
	(void)state;
	struct event def = plain();
	def.instrument.lot_size = 2;
	def.instrument.market_lot_size = 10;
	def.instrument.market_qty_min = 50;
	define(&def);
	refused(wish(side_buy, order_type_market, 0, 101), reject_lot_size);
	refused(wish(side_buy, order_type_market, 0, 102), reject_lot_size);
	refused(wish(side_buy, order_type_market, 0, 40), reject_min_qty);
	refused(stop(side_buy, order_type_stop_market, 10500, 102), reject_lot_size);
	accepted(wish(side_buy, order_type_market, 0, 110), order_status_filled);
	accepted(wish(side_buy, order_type_limit, 9000, 102), order_status_open);
}

/* 10 buys 0.0999 at 100.00 with a fee of a thousandth: 0.090 in lots of 0.010. What closes 0.095 is cut to 0.090. */
static void amounts_and_closing_orders_are_cut_to_it(void **state)
{
	(void)state;
	struct event def = plain();
	def.instrument.market_lot_size = 10;
	define(&def);
	struct event ev = wish(side_buy, order_type_market, 0, 0);
	ev.intent.amount = CASH(10);
	ev.intent.cash_scale = 8;
	accepted(ev, order_status_filled);
	assert_int_equal(desk_last(&d, EVENT_order)->order.filled, 90);
	order(side_buy, tif_ioc, 10000, 95);
	ev = wish(side_sell, order_type_market, 0, 500);
	ev.intent.reduce_only = true;
	accepted(ev, order_status_filled);
	assert_int_equal(desk_last(&d, EVENT_order)->order.filled, 180);
}

static void its_refusal_names_the_filter(void **state)
{
	(void)state;
	struct ev_instrument def = plain().instrument;
	struct ev_intent in = wish(side_buy, order_type_market, 0, 102).intent;
	def.lot_size = 2;
	def.market_lot_size = 10;
	assert_true(checks_only_at_market(&def, &in));
	in.qty = 101; /* nor would it do with a limit */
	assert_false(checks_only_at_market(&def, &in));
	in = wish(side_buy, order_type_limit, 9000, 102).intent;
	assert_false(checks_only_at_market(&def, &in));
}

/* ---- trailing stops ---- */

static struct event trailing(enum side side, uint32_t bp, int64_t by)
{
	struct event ev = wish(side, order_type_trailing_stop, 0, 100);
	ev.intent.trail_bp = bp;
	ev.intent.trail = by;
	return ev;
}

/* Buys 0.5 % to 2 % above the lowest price, sells 1 % to 3 % below the highest; a distance counts as its share of the
 * price of the moment, 100.00: 1.00 is 1 %. */
static void a_trailing_stop_keeps_its_distance(void **state)
{
	(void)state;
	struct event def = plain();
	def.instrument.trail_above_min = 50;
	def.instrument.trail_above_max = 200;
	def.instrument.trail_below_min = 100;
	def.instrument.trail_below_max = 300;
	define(&def);
	order(side_buy, tif_ioc, 0, 1000);
	trade(side_buy, 10000, 10);
	refused(trailing(side_buy, 49, 0), reject_trail);
	refused(trailing(side_buy, 201, 0), reject_trail);
	refused(trailing(side_sell, 99, 0), reject_trail);
	refused(trailing(side_sell, 301, 0), reject_trail);
	refused(trailing(side_sell, 0, 99), reject_trail);
	refused(trailing(side_sell, 0, 301), reject_trail);
	accepted(trailing(side_buy, 50, 0), order_status_waiting);
	accepted(trailing(side_buy, 200, 0), order_status_waiting);
	accepted(trailing(side_sell, 100, 0), order_status_waiting);
	accepted(trailing(side_sell, 0, 300), order_status_waiting);
}

/* ---- what an account may have open ---- */

static struct event oco(int64_t price, int64_t stop_price)
{
	struct event ev = wish(side_sell, order_type_limit, price, 100);
	ev.intent.link = order_link_oco;
	ev.intent.stop_price = stop_price;
	snprintf(ev.intent.stop_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)++d.ordinal);
	return ev;
}

/* Its legs are refused with it. */
static void oco_refused(struct event ev, enum reject reject)
{
	give(&ev);
	assert_string_equal(enum_text(enum_reject(), d.out[0].order.reject), enum_text(enum_reject(), (uint8_t)reject));
	desk_expect_order(&d, order_status_rejected, reject_linked, 0);
}

static void so_many_orders_and_no_more(void **state)
{
	(void)state;
	struct event def = plain();
	def.instrument.orders_max = 3;
	define(&def);
	order(side_buy, tif_ioc, 0, 1000);
	for (int i = 0; i < 2; i++)
		accepted(wish(side_buy, order_type_limit, 9000, 100), order_status_open);
	oco_refused(oco(11000, 9500), reject_limit_orders); /* is two */
	accepted(stop(side_sell, order_type_stop_market, 9500, 100), order_status_waiting);
	refused(wish(side_buy, order_type_limit, 9000, 100), reject_limit_orders);
	refused(stop(side_sell, order_type_stop_market, 9500, 100), reject_limit_orders);
	order(side_buy, tif_ioc, 9900, 100); /* rests nowhere */
	desk_expect_order(&d, order_status_cancelled, reject_none, 0);
	named(intent_kind_cancel, 3, 0, 0);
	expect("o3", order_status_cancelled, reject_none, 0);
	accepted(wish(side_buy, order_type_limit, 9000, 100), order_status_open);
}

/* What waits counts; once it fires, it does not, and nothing keeps it from that. */
static void so_many_that_wait(void **state)
{
	(void)state;
	struct event def = plain();
	def.instrument.triggers_max = 2;
	define(&def);
	order(side_buy, tif_ioc, 0, 1000);
	accepted(stop(side_sell, order_type_stop_market, 9500, 100), order_status_waiting);
	accepted(oco(11000, 9600), order_status_waiting);
	refused(stop(side_sell, order_type_stop_market, 9400, 100), reject_limit_triggers);
	oco_refused(oco(11000, 9500), reject_limit_triggers);
	accepted(wish(side_buy, order_type_limit, 9000, 100), order_status_open);
	trade(side_sell, 9600, 10);
	accepted(stop(side_sell, order_type_stop_market, 9400, 100), order_status_waiting);
}

/* At most 1.500 of the base: held 1.000, open purchases 0.300, so 0.200 more. Sales are free of it. */
static void so_much_of_the_base(void **state)
{
	(void)state;
	struct event def = plain();
	def.instrument.position_max = 1500;
	define(&def);
	order(side_buy, tif_ioc, 0, 1000);
	accepted(wish(side_buy, order_type_limit, 9000, 300), order_status_open);
	refused(wish(side_buy, order_type_limit, 9000, 201), reject_max_position);
	refused(wish(side_buy, order_type_market, 0, 201), reject_max_position);
	refused(stop(side_buy, order_type_stop_market, 10500, 201), reject_max_position);
	struct event ev = wish(side_buy, order_type_market, 0, 0);
	ev.intent.amount = CASH(21);
	ev.intent.cash_scale = 8;
	refused(ev, reject_max_position);
	named(intent_kind_replace, 2, 9000, 501);
	desk_expect_order(&d, order_status_rejected, reject_max_position, 0);
	named(intent_kind_replace, 2, 9000, 500); /* itself not counted twice */
	expect("o2", order_status_open, reject_none, 0);
	refused(wish(side_buy, order_type_limit, 9000, 100), reject_max_position);
	accepted(wish(side_sell, order_type_market, 0, 1000), order_status_filled);
	accepted(wish(side_buy, order_type_market, 0, 900), order_status_filled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_market_order_has_a_filter_of_its_own),
		BOTH(amounts_and_closing_orders_are_cut_to_it),
		BOTH(its_refusal_names_the_filter),
		BOTH(a_trailing_stop_keeps_its_distance),
		BOTH(so_many_orders_and_no_more),
		BOTH(so_many_that_wait),
		BOTH(so_much_of_the_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
