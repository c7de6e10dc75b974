/* test_flatten - positions closed by order of a person: whose, when, against which book, and what is left. */
#include "desk.h"

#include "proto/order_id.h"

#define LATENCY (50 * MS)

static struct desk d;

static int open_book(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
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

static void order_of(const char *strategy, enum side side, int64_t qty)
{
	struct event ev = desk_intent(&d, side, tif_ioc, 0, qty);
	event_set_name(ev.intent.strategy, strategy);
	desk_clear(&d);
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_filled, reject_none, qty);
}

static void flatten(void)
{
	desk_command(&d, verb_flatten, "", "going home", 0);
}

static int64_t position(void)
{
	const struct event *ev = desk_last(&d, EVENT_position);
	assert_non_null(ev);
	return ev->position.qty;
}

static uint64_t closing(void)
{
	return executor_counters(d.x)->closing;
}

static uint64_t left(void)
{
	return executor_counters(d.x)->flatten_left;
}

static void what_rests_is_cancelled_and_what_is_held_is_sold(void **state)
{
	(void)state;
	order_of("s", side_buy, 1500);
	desk_order(&d, side_sell, tif_gtc, 10500, 500);
	flatten();
	assert_string_equal(desk_shape(&d), "ob");
	desk_expect_order(&d, order_status_cancelled, reject_flatten, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
	assert_int_equal(closing(), 1);
	int64_t at = d.now + LATENCY; /* an order of the executor's own takes as long as a strategy's */
	assert_int_equal(executor_core.next_due(d.x), at);
	desk_clear(&d);
	desk_until(&d, at);
	assert_string_equal(desk_shape(&d), "offopbbe");
	desk_expect_fill(&d, 0, 9900, 1000, 9900 * CENT / 1000);
	desk_expect_fill(&d, 1, 9800, 500, 4900 * CENT / 1000);
	assert_int_equal(position(), 0);
	desk_expect_balance(&d, "ONE", 0, 0);
	assert_int_equal(desk_last(&d, EVENT_order)->ts_event, at);
	assert_int_equal(closing(), 0);
	assert_int_equal(left(), 0);
	assert_int_equal(executor_core.next_due(d.x), CORE_NEVER);
}

/* The strategy whose position it was hears of the fill; the order is told from its own by ordinal and id. */
static void the_orders_bear_the_strategys_name_and_an_id_of_their_own(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	flatten();
	desk_clear(&d);
	desk_until(&d, d.now + LATENCY);
	struct order_id_parts parts = {"paper", "executor/flatten", "run", 1};
	char id[EVENT_NAME_MAX];
	order_id(&parts, id);
	const struct ev_order *o = &desk_last(&d, EVENT_order)->order;
	assert_string_equal(o->strategy, "s");
	assert_string_equal(o->client_order_id, id);
	assert_int_equal(o->intent_ordinal, 0);
	assert_string_equal(desk_last(&d, EVENT_fill)->fill.strategy, "s");
	order_of("s", side_buy, 1000); /* its next intent is no duplicate */
}

/* One strategy sold what the other had bought: purchases come first, so that there is something to sell. */
static void each_strategys_part_is_closed(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	order_of("t", side_sell, 600);
	flatten();
	assert_int_equal(closing(), 2);
	desk_delta(&d, side_buy, 9900, 1000);
	desk_clear(&d);
	desk_until(&d, d.now + LATENCY);
	assert_int_equal(desk_count(&d, EVENT_fill), 2);
	assert_string_equal(desk_said(&d, EVENT_fill, 0)->fill.strategy, "t");
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.side, side_buy);
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.qty, 600);
	assert_string_equal(desk_said(&d, EVENT_fill, 1)->fill.strategy, "s");
	assert_int_equal(desk_said(&d, EVENT_fill, 1)->fill.qty, 1000);
	assert_int_equal(position(), 0);
	assert_int_equal(closing(), 0);
}

static void an_untrusted_book_is_waited_for(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	desk_state(&d, book_state_untrusted);
	flatten();
	desk_clear(&d);
	desk_until(&d, d.now + 3 * S);
	assert_int_equal(d.n, 0);
	assert_int_equal(closing(), 1);
	desk_snapshot(&d, (struct levels)LEVELS({9700, 5000}), (struct levels)LEVELS({9800, 1000}));
	desk_state(&d, book_state_trusted);
	desk_clear(&d);
	desk_until(&d, d.now + S);
	desk_expect_fill(&d, 0, 9700, 1000, 97 * CENT / 10);
	assert_int_equal(position(), 0);
}

/* Nothing is sold into a book that cannot be trusted, however long it takes; what is left is said. */
static void giving_up_is_on_record(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	desk_state(&d, book_state_untrusted);
	desk_command(&d, verb_flatten, "", "going home", d.now + 5 * S);
	desk_clear(&d);
	desk_until(&d, d.now + 6 * S);
	assert_string_equal(desk_shape(&d), "o");
	desk_expect_order(&d, order_status_rejected, reject_book_untrusted, 0);
	assert_int_equal(left(), 1);
	assert_int_equal(closing(), 0);
	assert_int_equal(executor_core.next_due(d.x), CORE_NEVER);
}

static void a_thin_book_is_tried_again(void **state)
{
	(void)state;
	order_of("s", side_buy, 3000);
	desk_delta(&d, side_buy, 9800, 0);
	flatten();
	desk_clear(&d);
	desk_until(&d, d.now + LATENCY);
	desk_expect_order(&d, order_status_cancelled, reject_depth, 1000);
	assert_int_equal(position(), 2000);
	desk_delta(&d, side_buy, 9900, 5000);
	desk_clear(&d);
	desk_until(&d, d.now + S);
	desk_expect_order(&d, order_status_filled, reject_none, 2000);
	assert_int_equal(position(), 0);
}

static void a_pause_is_no_obstacle_safe_mode_is(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	desk_command(&d, verb_pause, "", "lunch", 0);
	flatten();
	desk_command(&d, verb_safe, "disk", "full", 0);
	desk_until(&d, d.now + 2 * S);
	assert_int_equal(closing(), 1);
	desk_command(&d, verb_safe, "disk", "", 0);
	desk_until(&d, d.now + S);
	assert_int_equal(closing(), 0);
	assert_int_equal(position(), 0);
	assert_int_equal(executor_trading(d.x), trading_paused);
}

/* Less than the smallest order: nothing can be done about it. */
static void dust_is_left(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.qty_min = 2000;
	desk_feed(&d, &def);
	flatten();
	desk_clear(&d);
	desk_until(&d, d.now + LATENCY);
	assert_int_equal(d.n, 0);
	assert_int_equal(left(), 1);
	assert_int_equal(closing(), 0);
}

/* As of the command: what a strategy buys meanwhile is its own business. */
static void what_is_bought_later_stays(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	flatten();
	order_of("s", side_buy, 500);
	desk_until(&d, d.now + LATENCY);
	assert_int_equal(position(), 500);
	assert_int_equal(closing(), 0);
}

static void another_account_is_not_touched(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	desk_command(&d, verb_flatten, "other", "going home", 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(closing(), 0);
}

/* A restart in the middle goes on with what was left to do. */
static void a_restart_goes_on(void **state)
{
	(void)state;
	order_of("s", side_buy, 1000);
	order_of("t", side_buy, 500);
	flatten();
	struct buf bytes;
	buf_init(&bytes, 1 << 20);
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	executor_free(d.x);
	struct executor_settings s = desk_settings();
	event_set_name(s.run_id, "another");
	assert_int_equal(executor_new(&s, &d.x), 0);
	assert_int_equal(executor_core.load(d.x, bytes.at, bytes.len), 0);
	assert_int_equal(closing(), 2);
	desk_clear(&d);
	desk_until(&d, d.now + LATENCY);
	assert_int_equal(desk_count(&d, EVENT_fill), 3);
	assert_int_equal(position(), 0);
	struct order_id_parts parts = {"paper", "executor/flatten", "run", 1};
	char id[EVENT_NAME_MAX];
	order_id(&parts, id);
	assert_string_equal(desk_said(&d, EVENT_order, 0)->order.client_order_id, id);
	buf_fini(&bytes);
}

/* From the journal's own records alone: the fills tell whose the position is, the command that it is to go. */
static void the_journal_alone_is_enough(void **state)
{
	(void)state;
	static struct event out[64];
	order_of("s", side_buy, 1000);
	uint32_t n = d.n;
	memcpy(out, d.out, n * sizeof(*out));
	struct executor_settings s = desk_settings();
	struct executor *x = d.x;
	assert_int_equal(executor_new(&s, &d.x), 0);
	executor_free(x);
	desk_instrument(&d);
	for (uint32_t i = 0; i < n; i++)
		executor_core.on_own(d.x, &out[i]);
	struct event command = desk_command_of("ann", verb_flatten, "going home", 0);
	command.ts_recv = d.now;
	executor_core.on_own(d.x, &command);
	assert_int_equal(closing(), 1);
	desk_snapshot(&d, (struct levels)LEVELS({9700, 5000}), (struct levels)LEVELS({9800, 1000}));
	desk_state(&d, book_state_trusted);
	desk_clear(&d);
	desk_until(&d, d.now + LATENCY);
	assert_string_equal(desk_last(&d, EVENT_fill)->fill.strategy, "s");
	assert_int_equal(position(), 0);
}

/* ---- settings that change while it runs ---- */

static void set(const char *key, const char *value)
{
	struct event ev = desk_command_of("ann", verb_reload, "", 0);
	event_set_name(ev.command.target, key);
	event_set_text(ev.command.value, value);
	desk_feed(&d, &ev);
}

static int64_t live(const char *key)
{
	int64_t value = -1;
	assert_int_equal(executor_live_value(d.x, key, &value), 0);
	return value;
}

static void settings_change_by_commands_and_are_kept(void **state)
{
	(void)state;
	assert_int_equal(live("loss_max"), 0);
	set("executor.loss_max", "12.5");
	set("executor.stale", "3s");
	assert_int_equal(live("loss_max"), CASH(125) / 10);
	assert_int_equal(live("stale"), 3 * S);
	assert_int_equal(executor_counters(d.x)->reloads, 2);
	set("executor.loss_max", "much");
	set("executor.account", "other");
	set("log.level", "debug");
	assert_int_equal(executor_counters(d.x)->reloads_refused, 2);
	assert_int_equal(live("loss_max"), CASH(125) / 10);
	int64_t value;
	assert_int_equal(executor_live_value(d.x, "account", &value), ERR_NOT_FOUND);
	struct buf bytes;
	buf_init(&bytes, 1 << 20);
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	executor_free(d.x);
	struct executor_settings s = desk_settings();
	assert_int_equal(executor_new(&s, &d.x), 0);
	assert_int_equal(executor_core.load(d.x, bytes.at, bytes.len), 0);
	assert_int_equal(live("loss_max"), CASH(125) / 10);
	buf_fini(&bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		TEST(what_rests_is_cancelled_and_what_is_held_is_sold),
		TEST(the_orders_bear_the_strategys_name_and_an_id_of_their_own),
		TEST(each_strategys_part_is_closed),
		TEST(an_untrusted_book_is_waited_for),
		TEST(giving_up_is_on_record),
		TEST(a_thin_book_is_tried_again),
		TEST(a_pause_is_no_obstacle_safe_mode_is),
		TEST(dust_is_left),
		TEST(what_is_bought_later_stays),
		TEST(another_account_is_not_touched),
		TEST(a_restart_goes_on),
		TEST(the_journal_alone_is_enough),
		TEST(settings_change_by_commands_and_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
