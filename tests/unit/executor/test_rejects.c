/* test_rejects - every typed refusal of an intent, and the order in which they are asked. */
#include "desk.h"

static struct desk d;

static int open_book(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.open_orders_max = 2;
	desk_open(&d, &s);
	desk_book(&d);
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	desk_close(&d);
	return 0;
}

static void refused(struct event ev, enum reject why)
{
	desk_clear(&d);
	desk_feed(&d, &ev);
	assert_string_equal(desk_shape(&d), "o");
	desk_expect_order(&d, order_status_rejected, why, 0);
	const struct ev_order *o = &d.out[0].order;
	assert_string_equal(o->client_order_id, ev.intent.client_order_id);
	assert_int_equal(o->intent_ordinal, ev.intent.ordinal);
	assert_true(o->reason[0]);
	assert_int_equal(o->qty, ev.intent.qty);
	assert_int_equal(o->price, ev.intent.price);
}

static struct event limit_buy(int64_t price, int64_t qty)
{
	return desk_intent(&d, side_buy, tif_gtc, price, qty);
}

static void unknown_instrument(void **state)
{
	(void)state;
	struct event ev = limit_buy(9000, 1000);
	ev.intent.instrument = desk_symbol("TWO.TEST");
	refused(ev, reject_unknown_instrument);
}

static void price_filters(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.tick_size = 5;
	desk_feed(&d, &def);
	refused(limit_buy(9001, 1000), reject_tick_size);
	struct event fine = limit_buy(900001, 1000);
	fine.intent.price_scale = 4; /* 90.0001 does not exist with two decimals */
	refused(fine, reject_tick_size);
	struct event huge = limit_buy(INT64_MAX / 10, 1000);
	huge.intent.price_scale = 0;
	refused(huge, reject_price_range);
	refused(limit_buy(5, 200000), reject_price_range);
	refused(limit_buy(10000005, 10), reject_price_range);
}

static void quantity_filters(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.lot_size = 10;
	def.instrument.qty_min = 100;
	def.instrument.qty_max = 90000;
	def.instrument.market_qty_max = 50000;
	desk_feed(&d, &def);
	refused(limit_buy(9000, 1001), reject_lot_size);
	struct event fine = limit_buy(9000, 10001);
	fine.intent.qty_scale = 4;
	refused(fine, reject_lot_size);
	refused(limit_buy(9000, 90), reject_min_qty);
	refused(limit_buy(9000, 90010), reject_max_qty);
	struct event huge = limit_buy(9000, INT64_MAX / 10);
	huge.intent.qty_scale = 0;
	refused(huge, reject_max_qty);
	refused(desk_intent(&d, side_sell, tif_ioc, 0, 50010), reject_max_qty);
}

/* 5 is the least, 1,000,000 the most; a market order is measured at the best price of the other
 * side. */
static void notional_filters(void **state)
{
	(void)state;
	refused(limit_buy(100, 4999), reject_min_notional);
	refused(limit_buy(9000000, 11112), reject_max_notional);
	refused(desk_intent(&d, side_buy, tif_ioc, 0, 49), reject_min_notional);
	refused(desk_intent(&d, side_sell, tif_ioc, 0, 50), reject_min_notional);
	desk_order(&d, side_buy, tif_ioc, 0, 50);
	desk_expect_order(&d, order_status_filled, reject_none, 50);
	struct event low = desk_definition("ONE.TEST", "ONE");
	low.instrument.notional_max = 30000;
	desk_feed(&d, &low);
	refused(desk_intent(&d, side_buy, tif_ioc, 0, 3001), reject_max_notional);
}

static void scales_of_the_intent_are_its_own(void **state)
{
	(void)state;
	struct event ev = limit_buy(90, 2);
	ev.intent.price_scale = ev.intent.qty_scale = 0;
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	assert_int_equal(desk_last(&d, EVENT_order)->order.price, 9000);
	assert_int_equal(desk_last(&d, EVENT_order)->order.qty, 2000);
}

static void senseless_fields(void **state)
{
	(void)state;
	struct event ev = limit_buy(9000, 0);
	refused(ev, reject_invalid);
	refused(limit_buy(9000, -5), reject_invalid);
	refused(limit_buy(-9000, 5), reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.side = 3;
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.tif = 0;
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.type = 9;
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.type = order_type_market; /* with a price */
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.kind = 0;
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.qty_scale = 19;
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.client_order_id[0] = '\0';
	refused(ev, reject_invalid);
	ev = limit_buy(9000, 1000);
	ev.intent.ordinal = 0;
	refused(ev, reject_invalid);
}

static void foreign_quote_asset(void **state)
{
	(void)state;
	struct event def = desk_definition("TWO.TEST", "TWO");
	event_set_name(def.instrument.quote, "EUR");
	desk_feed(&d, &def);
	struct event ev = limit_buy(9000, 1000);
	ev.intent.instrument = desk_symbol("TWO.TEST");
	refused(ev, reject_invalid);
}

static void duplicates(void **state)
{
	(void)state;
	struct event ev = limit_buy(9000, 1000);
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	refused(ev, reject_duplicate); /* the same again */
	struct event old = limit_buy(9000, 1000);
	old.intent.ordinal = 1;
	refused(old, reject_duplicate); /* another id, an ordinal that was used */
	struct event same_id = limit_buy(9000, 1000);
	event_set_name(same_id.intent.client_order_id, ev.intent.client_order_id);
	refused(same_id, reject_duplicate);
	assert_int_equal(executor_open_orders(d.x), 1);
}

/* A strategy that lost its journal counts from 1 again under a later epoch; an earlier epoch is a
 * ghost. */
static void a_new_epoch_counts_anew(void **state)
{
	(void)state;
	struct event ev = limit_buy(9000, 1000);
	ev.intent.ordinal = 40;
	desk_feed(&d, &ev);
	struct event next = limit_buy(9000, 1000);
	next.epoch = 2;
	next.intent.ordinal = 1;
	desk_feed(&d, &next);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	struct event ghost = limit_buy(9000, 1000);
	ghost.intent.ordinal = 41;
	refused(ghost, reject_duplicate);
}

static void other_strategies_count_for_themselves(void **state)
{
	(void)state;
	struct event ev = limit_buy(9000, 1000);
	desk_feed(&d, &ev);
	struct event other = limit_buy(9000, 1000);
	other.intent.ordinal = 1;
	event_set_name(other.intent.strategy, "t");
	desk_feed(&d, &other);
	desk_expect_order(&d, order_status_open, reject_none, 0);
}

static void balance(void **state)
{
	(void)state;
	refused(desk_intent(&d, side_sell, tif_ioc, 0, 1000), reject_balance);
	refused(limit_buy(9000, 11111), reject_balance); /* 999.99 and a fee of 0.99999 */
	desk_order(&d, side_buy, tif_gtc, 9000, 11100);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	desk_expect_balance(&d, "USDT", CASH(1000), CASH(999) + 999 * CENT / 10);
	refused(limit_buy(9000, 100), reject_balance);
}

static void book_states(void **state)
{
	(void)state;
	desk_state(&d, book_state_crossed);
	refused(limit_buy(9000, 1000), reject_book_untrusted);
	desk_state(&d, book_state_stale);
	refused(limit_buy(9000, 1000), reject_book_stale);
	desk_state(&d, book_state_trusted);
	desk_order(&d, side_buy, tif_ioc, 9000, 1000);
	desk_expect_order(&d, order_status_cancelled, reject_none, 0);
	desk_state(&d, book_state_untrusted);
	refused(limit_buy(9000, 1000), reject_book_untrusted);
	desk_state(&d, book_state_trusted); /* trusted, but its snapshot is still to come */
	refused(limit_buy(9000, 1000), reject_no_book);
	desk_state(&d, book_state_syncing);
	refused(limit_buy(9000, 1000), reject_book_untrusted);
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}),
		      (struct levels)LEVELS({10000, 1000}));
	refused(limit_buy(9000, 1000), reject_book_untrusted);
	desk_state(&d, book_state_trusted);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
}

static void no_book_yet(void **state)
{
	(void)state;
	struct event def = desk_definition("TWO.TEST", "TWO");
	desk_feed(&d, &def);
	struct event ev = limit_buy(9000, 1000);
	ev.intent.instrument = desk_symbol("TWO.TEST");
	refused(ev, reject_no_book);
}

/* Five seconds are still fresh, one ns more is not; a delta refreshes. */
static void stale_books(void **state)
{
	(void)state;
	d.now += 5 * S;
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
	d.now += 1;
	refused(desk_intent(&d, side_buy, tif_ioc, 0, 100), reject_book_stale);
	desk_delta(&d, side_buy, 9900, 500);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
}

static void crossed_by_itself(void **state)
{
	(void)state;
	desk_delta(&d, side_buy, 10000, 500);
	refused(limit_buy(9000, 1000), reject_book_untrusted);
}

static void empty_side(void **state)
{
	(void)state;
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}), (struct levels){NULL, 0});
	refused(desk_intent(&d, side_buy, tif_ioc, 0, 1000), reject_depth);
}

static void not_trading(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.trading = false;
	desk_feed(&d, &def);
	refused(limit_buy(9000, 1000), reject_not_trading);
}

static void too_many_orders(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		desk_order(&d, side_buy, tif_gtc, 9000, 1000);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	refused(limit_buy(9000, 1000), reject_limit_orders);
	desk_order(&d, side_buy, tif_ioc, 10000, 500); /* does not rest */
	desk_expect_order(&d, order_status_filled, reject_none, 500);
}

/* Too old is not a refusal: the order expired, and nothing was traded. */
static void expiry(void **state)
{
	(void)state;
	struct event ev = desk_intent(&d, side_buy, tif_ioc, 0, 1000);
	ev.intent.expires_at = d.now;
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_filled, reject_none, 1000);
	ev = desk_intent(&d, side_buy, tif_ioc, 0, 100);
	ev.intent.expires_at = d.now - 1;
	desk_clear(&d);
	desk_feed(&d, &ev);
	assert_string_equal(desk_shape(&d), "o");
	desk_expect_order(&d, order_status_expired, reject_none, 0);
	/* Without an expiry of its own it has two seconds from when it takes effect. */
	ev = desk_intent(&d, side_buy, tif_ioc, 0, 100);
	ev.intent.expires_at = 0;
	ev.origin = d.origin;
	ev.ts_recv = d.now - 2 * S - 1;
	executor_core.on_event(d.x, d.now, &ev, &d.sink);
	desk_expect_order(&d, order_status_expired, reject_none, 0);
	assert_int_equal(executor_counters(d.x)->expired, 2);
}

static void unknown_order(void **state)
{
	(void)state;
	desk_cancel(&d, 77);
	desk_expect_order(&d, order_status_rejected, reject_unknown_order, 0);
	desk_order(&d, side_buy, tif_gtc, 9000, 1000);
	uint64_t mine = d.ordinal;
	struct event ev = desk_intent(&d, side_buy, tif_gtc, 0, 1);
	ev.intent.kind = intent_kind_cancel;
	event_set_name(ev.intent.strategy, "thief");
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "o%llu", (unsigned long long)mine);
	refused(ev, reject_unknown_order);
	assert_int_equal(executor_open_orders(d.x), 1);
}

static void other_accounts_are_not_ours(void **state)
{
	(void)state;
	struct event ev = limit_buy(9000, 1000);
	event_set_name(ev.intent.account, "other");
	desk_feed(&d, &ev);
	assert_int_equal(d.n, 0);
	assert_int_equal(executor_counters(d.x)->other_account, 1);
}

/* Everything is wrong at once; as each cause is mended, the next one answers. */
static void the_order_of_questions(void **state)
{
	(void)state;
	desk_state(&d, book_state_untrusted);
	desk_command(&d, verb_pause, "", "lunch", 0);
	struct event ev = limit_buy(9000, 1); /* below the least quantity */
	ev.intent.instrument = desk_symbol("TWO.TEST");
	ev.intent.tif = 0;
	refused(ev, reject_unknown_instrument);
	ev.intent.ordinal++;
	ev.intent.instrument = desk_symbol("ONE.TEST");
	refused(ev, reject_invalid);
	ev.intent.ordinal++;
	ev.intent.tif = tif_gtc;
	refused(ev, reject_paused);
	desk_command(&d, verb_resume, "", "", 0);
	ev.intent.ordinal++;
	desk_clear(&d);
	d.origin = origin_live;
	refused(ev, reject_origin);
	d.origin = origin_simulated;
	ev.intent.ordinal++;
	refused(ev, reject_min_qty);
	ev.intent.ordinal++;
	ev.intent.qty = 900000;
	refused(ev, reject_book_untrusted);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		TEST(unknown_instrument),
		TEST(price_filters),
		TEST(quantity_filters),
		TEST(notional_filters),
		TEST(scales_of_the_intent_are_its_own),
		TEST(senseless_fields),
		TEST(foreign_quote_asset),
		TEST(duplicates),
		TEST(a_new_epoch_counts_anew),
		TEST(other_strategies_count_for_themselves),
		TEST(balance),
		TEST(book_states),
		TEST(no_book_yet),
		TEST(stale_books),
		TEST(crossed_by_itself),
		TEST(empty_side),
		TEST(not_trading),
		TEST(too_many_orders),
		TEST(expiry),
		TEST(unknown_order),
		TEST(other_accounts_are_not_ours),
		TEST(the_order_of_questions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
