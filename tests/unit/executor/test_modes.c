/* test_modes - states of trading, the equity curve, the loss limit, origins. */
#include "desk.h"

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

static void expect_change(enum trading before, enum trading now, const char *reason)
{
	const struct event *ev = desk_last(&d, EVENT_trading_state);
	assert_non_null(ev);
	assert_int_equal(ev->trading_state.before, before);
	assert_int_equal(ev->trading_state.state, now);
	assert_string_equal(ev->trading_state.reason, reason);
	assert_string_equal(ev->trading_state.account, "paper");
	assert_int_equal(executor_trading(d.x), now);
}

static void a_new_account_begins_with_what_it_has(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.balance[1] = (struct executor_balance){"ONE", CASH(2)};
	s.n_balances = 2;
	struct desk n;
	desk_open(&n, &s);
	desk_command(&n, verb_resume, "", "", 0);
	assert_int_equal(n.n, 0); /* its origin is not known yet */
	desk_instrument(&n);
	assert_string_equal(desk_shape(&n), "tbbeaaaaaaaaaaaaaa");
	assert_int_equal(n.out[0].trading_state.before, trading_none);
	assert_int_equal(n.out[0].trading_state.state, trading_running);
	desk_expect_balance(&n, "USDT", CASH(1000), 0);
	desk_expect_balance(&n, "ONE", CASH(2), 0);
	assert_int_equal(n.out[3].equity.equity, CASH(1000));
	assert_false(n.out[3].equity.marked); /* nobody has said what a ONE is worth */
	desk_clear(&n);
	desk_instrument(&n);
	assert_int_equal(n.n, 0);
	desk_close(&n);
}

/* Signs of life are not part of the result: they start no timer. */
static void heartbeats_change_nothing(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.equity_interval_ns = 10 * S;
	struct desk n;
	desk_open(&n, &s);
	struct event ev;
	event_init(&ev, EVENT_heartbeat);
	desk_feed(&n, &ev);
	assert_int_equal(executor_core.next_due(n.x), CORE_NEVER);
	assert_int_equal(n.n, 0);
	desk_close(&n);
}

static void a_pause_ends_by_itself(void **state)
{
	(void)state;
	int64_t until = d.now + 60 * S;
	desk_command(&d, verb_pause, "paper", "lunch", until);
	assert_string_equal(desk_shape(&d), "t");
	expect_change(trading_running, trading_paused, "lunch");
	assert_string_equal(desk_last(&d, EVENT_trading_state)->trading_state.owner, "ann");
	assert_int_equal(desk_last(&d, EVENT_trading_state)->trading_state.until, until);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_paused, 0);
	assert_int_equal(executor_core.next_due(d.x), until);
	desk_until(&d, until - 1);
	assert_int_equal(executor_trading(d.x), trading_paused);
	desk_until(&d, until);
	expect_change(trading_paused, trading_running, "");
	assert_int_equal(desk_last(&d, EVENT_trading_state)->ts_event, until);
	desk_delta(&d, side_buy, 9900, 1000);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
}

static void a_pause_can_be_given_back_or_renewed(void **state)
{
	(void)state;
	desk_command(&d, verb_pause, "", "lunch", 0);
	assert_int_equal(executor_core.next_due(d.x), CORE_NEVER);
	desk_command(&d, verb_pause, "", "longer lunch", d.now + S);
	expect_change(trading_paused, trading_paused, "longer lunch");
	desk_command(&d, verb_resume, "", "", 0);
	expect_change(trading_paused, trading_running, "");
	assert_int_equal(executor_core.next_due(d.x), CORE_NEVER);
	desk_command(&d, verb_resume, "", "", 0);
	assert_int_equal(d.n, 0);
	desk_command(&d, verb_pause, "", "too late", d.now);
	assert_int_equal(d.n, 0);
	desk_command(&d, verb_pause, "other account", "lunch", 0);
	assert_int_equal(d.n, 0);
}

static void as(const char *owner, enum verb verb, const char *reason, int64_t until)
{
	struct event ev = desk_command_of(owner, verb, reason, until);
	desk_clear(&d);
	desk_feed(&d, &ev);
}

/* Two people pause: neither shortens, renews nor ends the other's. */
static void leases_of_two_owners_are_independent(void **state)
{
	(void)state;
	int64_t now = d.now;
	as("ann", verb_pause, "lunch", now + 60 * S);
	as("bob", verb_pause, "fills", now + 10 * S);
	expect_change(trading_paused, trading_paused, "ann: lunch; bob: fills");
	assert_int_equal(desk_last(&d, EVENT_trading_state)->trading_state.until, now + 60 * S);
	assert_string_equal(desk_last(&d, EVENT_trading_state)->trading_state.owner, "bob");
	as("ann", verb_resume, "", 0);
	expect_change(trading_paused, trading_paused, "fills");
	as("ann", verb_resume, "", 0); /* has none any more */
	assert_int_equal(d.n, 0);
	as("ann", verb_pause, "coffee", now + 5 * S);
	desk_clear(&d);
	desk_until(&d, now + 5 * S);
	expect_change(trading_paused, trading_paused, "fills");
	desk_until(&d, now + 10 * S);
	expect_change(trading_paused, trading_running, "");
}

static void a_resume_for_all_ends_every_lease(void **state)
{
	(void)state;
	as("ann", verb_pause, "lunch", d.now + 60 * S);
	as("bob", verb_pause, "fills", 0);
	expect_change(trading_paused, trading_paused, "ann: lunch; bob: fills");
	assert_int_equal(desk_last(&d, EVENT_trading_state)->trading_state.until, 0);
	struct event ev = desk_command_of("eve", verb_resume, "checked", 0);
	ev.command.all = true;
	desk_clear(&d);
	desk_feed(&d, &ev);
	expect_change(trading_paused, trading_running, "");
}

/* Journals of before leases had owners: their commands have no role, and a resume ended the one pause. */
static void a_resume_of_an_old_journal_ends_the_pause(void **state)
{
	(void)state;
	as("ann", verb_pause, "lunch", 0);
	struct event ev = desk_command_of("bob", verb_resume, "", 0);
	ev.command.role = role_none;
	desk_clear(&d);
	desk_feed(&d, &ev);
	expect_change(trading_paused, trading_running, "");
}

static void one_owner_too_many_halts(void **state)
{
	(void)state;
	char name[EVENT_NAME_MAX];
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "owner%d", i);
		as(name, verb_pause, "r", d.now + 100 * S);
	}
	assert_int_equal(executor_trading(d.x), trading_paused);
	as("owner3", verb_pause, "renewed", d.now + 200 * S);
	assert_int_equal(executor_trading(d.x), trading_paused);
	as("owner16", verb_pause, "one more", 0);
	expect_change(trading_paused, trading_halted, "too many owners pause trading at once");
}

static void safe_mode_needs_every_cause_cleared(void **state)
{
	(void)state;
	desk_command(&d, verb_safe, "disk", "95 % full", 0);
	expect_change(trading_running, trading_safe, "disk: 95 % full");
	desk_command(&d, verb_safe, "watchdog", "silent", 0);
	expect_change(trading_safe, trading_safe, "disk: 95 % full; watchdog: silent");
	desk_command(&d, verb_safe, "watchdog", "silent", 0); /* known */
	assert_int_equal(d.n, 0);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_safe, 0);
	desk_command(&d, verb_safe, "disk", "", 0);
	expect_change(trading_safe, trading_safe, "watchdog: silent");
	desk_command(&d, verb_resume, "", "", 0); /* not a pause */
	assert_int_equal(executor_trading(d.x), trading_safe);
	desk_command(&d, verb_safe, "watchdog", "", 0);
	expect_change(trading_safe, trading_running, "");
	desk_command(&d, verb_safe, "", "no name", 0);
	assert_int_equal(d.n, 0);
}

static void the_stronger_state_hides_the_weaker(void **state)
{
	(void)state;
	desk_command(&d, verb_pause, "", "lunch", 0);
	desk_command(&d, verb_safe, "disk", "full", 0);
	expect_change(trading_paused, trading_safe, "disk: full");
	desk_command(&d, verb_safe, "disk", "", 0);
	expect_change(trading_safe, trading_paused, "lunch");
}

static void too_many_causes_halt(void **state)
{
	(void)state;
	char name[EVENT_NAME_MAX];
	for (int i = 0; i < 33; i++) {
		snprintf(name, sizeof(name), "cause%d", i);
		desk_command(&d, verb_safe, name, "bad", 0);
	}
	assert_int_equal(executor_trading(d.x), trading_halted);
	desk_command(&d, verb_reset, "", "", 0);
	assert_int_equal(executor_trading(d.x), trading_safe);
}

static void resting_orders_outlive_a_pause_and_may_be_cancelled(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9950, 500);
	uint64_t mine = d.ordinal;
	desk_command(&d, verb_pause, "", "lunch", 0);
	desk_clear(&d);
	desk_trade(&d, side_sell, 9950, 100);
	desk_expect_order(&d, order_status_partial, reject_none, 100);
	desk_cancel(&d, mine);
	desk_expect_order(&d, order_status_cancelled, reject_none, 100);
}

/* Start: 1,000. When the loss at the mid passes 10, everything stops. */
static void the_loss_limit_halts(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.loss_max = CASH(10);
	struct desk h;
	desk_open(&h, &s);
	desk_book(&h);
	desk_order(&h, side_buy, tif_gtc, 9000, 1000);
	desk_order(&h, side_buy, tif_ioc, 0, 3000);
	assert_int_equal(executor_trading(h.x), trading_running);
	desk_delta(&h, side_buy, 9900, 0);
	desk_delta(&h, side_buy, 9800, 0);
	desk_delta(&h, side_buy, 9000, 5000);
	/* the venue still shows our 100: the mid is 95; 3 were bought for 302.302 in all */
	desk_order(&h, side_sell, tif_ioc, 0, 100);
	const struct event *e = desk_last(&h, EVENT_equity);
	/* 697.698 + 9 - 0.009 + 2.9 * 95 = 982.189 */
	assert_int_equal(e->equity.equity, 982189 * CENT / 10);
	assert_true(e->equity.marked);
	assert_int_equal(executor_trading(h.x), trading_halted);
	assert_string_equal(desk_shape(&h), "ofopbbetob");
	desk_expect_order(&h, order_status_cancelled, reject_halted, 0);
	assert_int_equal(executor_open_orders(h.x), 0);
	desk_order(&h, side_sell, tif_ioc, 0, 100);
	desk_expect_order(&h, order_status_rejected, reject_halted, 0);
	desk_command(&h, verb_resume, "", "", 0);
	assert_int_equal(executor_trading(h.x), trading_halted);
	desk_command(&h, verb_reset, "", "", 0);
	assert_int_equal(executor_trading(h.x), trading_running);
	desk_order(&h, side_sell, tif_ioc, 0, 100); /* the loss is still there: it halts again, and says what helps */
	assert_int_equal(executor_trading(h.x), trading_halted);
	assert_string_equal(desk_last(&h, EVENT_trading_state)->trading_state.reason,
			    "The loss since the account's start is 18.32; executor.loss_max = 10 allows less. Raise "
			    "that (nj reload), then nj reset: alone it halts again.");
	struct event ev = desk_command_of("ann", verb_reload, "", 0);
	event_set_name(ev.command.target, "executor.loss_max");
	event_set_text(ev.command.value, "20");
	desk_feed(&h, &ev);
	desk_command(&h, verb_reset, "", "", 0);
	desk_order(&h, side_sell, tif_ioc, 0, 100);
	assert_int_equal(executor_trading(h.x), trading_running);
	desk_close(&h);
}

/* Bought 2 for 201 and fees of 0.201; mid 99.5 makes them worth 199. */
static void equity_is_cash_and_marks(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 2000);
	const struct ev_equity *e = &desk_last(&d, EVENT_equity)->equity;
	assert_int_equal(e->cash, 798799 * CENT / 10);
	assert_int_equal(e->equity, 997799 * CENT / 10);
	assert_int_equal(e->unrealised, CASH(-2));
	assert_int_equal(e->realised, 0);
	assert_int_equal(e->fees, 201 * CENT / 10);
	assert_true(e->marked);
	assert_string_equal(e->asset, "USDT");
}

/* Points at multiples of ten seconds; a silence of an hour gives one point, not 360. */
static void the_curve_follows_event_time(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.equity_interval_ns = 10 * S;
	struct desk c;
	desk_open(&c, &s);
	c.now = 1003 * S;
	desk_book(&c);
	assert_int_equal(executor_core.next_due(c.x), 1010 * S);
	desk_until(&c, 1010 * S);
	assert_string_equal(desk_shape(&c), "e");
	assert_int_equal(c.out[0].ts_event, 1010 * S);
	assert_int_equal(c.out[0].equity.equity, CASH(1000));
	assert_int_equal(executor_core.next_due(c.x), CORE_NEVER);
	desk_until(&c, 4600 * S);
	assert_int_equal(c.n, 1);
	desk_delta(&c, side_buy, 9900, 1000);
	assert_int_equal(executor_core.next_due(c.x), 4610 * S);
	desk_close(&c);
}

static void without_a_trusted_book_the_last_mark_counts(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.equity_interval_ns = 10 * S;
	struct desk c;
	desk_open(&c, &s);
	desk_book(&c);
	desk_order(&c, side_buy, tif_ioc, 0, 1000);
	desk_state(&c, book_state_untrusted);
	desk_clear(&c);
	desk_until(&c, 1010 * S);
	assert_int_equal(desk_last(&c, EVENT_equity)->equity.equity, CASH(900) - 10 * CENT + 9950 * CENT);
	assert_false(desk_last(&c, EVENT_equity)->equity.marked);
	desk_close(&c);
}

/* Starting inventory: an asset without any market cannot be marked, and says so. */
static void starting_balances_are_marked_where_they_can(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.equity_interval_ns = 10 * S;
	s.balance[1] = (struct executor_balance){"ONE", CASH(2)};
	s.n_balances = 2;
	struct desk c;
	desk_open(&c, &s);
	c.now = 1008 * S;
	desk_book(&c);
	desk_until(&c, 1010 * S);
	assert_int_equal(c.out[0].equity.equity, CASH(1199));
	assert_true(c.out[0].equity.marked);
	desk_delta(&c, side_buy, 9900, 1000);
	desk_order(&c, side_sell, tif_ioc, 0, 1000); /* the position goes short of the inventory */
	assert_int_equal(desk_last(&c, EVENT_position)->position.qty, -1000);
	assert_int_equal(desk_last(&c, EVENT_position)->position.avg_price, 9900);
	desk_expect_balance(&c, "ONE", CASH(1), 0);
	desk_close(&c);
}

static void origins_are_never_mixed(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_gtc, 9950, 500);
	d.origin = origin_live;
	desk_clear(&d);
	desk_delta(&d, side_sell, 9900, 5000);
	desk_trade(&d, side_sell, 9900, 5000);
	assert_int_equal(d.n, 0);
	assert_int_equal(executor_counters(d.x)->foreign_origin, 2);
	d.origin = origin_simulated;
	/* The other origin has spoken of this book: nothing fills until it comes anew. */
	desk_trade(&d, side_sell, 9900, 5000);
	assert_int_equal(d.n, 0);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_origin, 0);
	desk_snapshot(&d, (struct levels)LEVELS({9900, 1000}),
		      (struct levels)LEVELS({10000, 1000}));
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
}

static void a_live_account_takes_nothing_simulated(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.origin = origin_live;
	struct desk l;
	desk_open(&l, &s);
	desk_book(&l);
	assert_int_equal(executor_counters(l.x)->foreign_origin, 3);
	desk_order(&l, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&l, order_status_rejected, reject_origin, 0);
	assert_int_equal(desk_last(&l, EVENT_order)->origin, origin_live);
	desk_close(&l);
}

/* A book in other scales than announced is not read as if it were ours. */
static void scales_must_agree(void **state)
{
	(void)state;
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("ONE.TEST");
	ev.book_snapshot.price_scale = 3;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.asks = (struct levels)LEVELS({1000, 1000});
	desk_feed(&d, &ev);
	assert_int_equal(executor_counters(d.x)->bad_books, 1);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_no_book, 0);
}

static void changed_scales_end_orders_and_carry_positions(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_order(&d, side_buy, tif_gtc, 9000, 500);
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.qty_scale = 5;
	def.instrument.lot_size = def.instrument.qty_min = 1;
	desk_clear(&d);
	desk_feed(&d, &def);
	desk_expect_order(&d, order_status_cancelled, reject_invalid, 0);
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_expect_order(&d, order_status_rejected, reject_no_book, 0);
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol("ONE.TEST");
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 5;
	ev.book_snapshot.bids = (struct levels)LEVELS({9900, 500000});
	desk_feed(&d, &ev);
	desk_order(&d, side_sell, tif_ioc, 0, 500);
	desk_expect_order(&d, order_status_filled, reject_none, 50000);
	assert_int_equal(desk_last(&d, EVENT_position)->position.qty, 50000);
	assert_int_equal(desk_last(&d, EVENT_position)->position.avg_price, 10000);
}

static void senseless_instruments_are_refused(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.qty_scale = 9;
	desk_feed(&d, &def);
	assert_int_equal(executor_counters(d.x)->bad_instruments, 1);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_rejected, reject_not_trading, 0);
	def = desk_definition("ONE.TEST", "ONE");
	desk_feed(&d, &def);
	desk_order(&d, side_buy, tif_ioc, 0, 100);
	desk_expect_order(&d, order_status_filled, reject_none, 100);
}

static void an_instrument_keeps_its_assets(void **state)
{
	(void)state;
	desk_order(&d, side_buy, tif_ioc, 0, 1000);
	desk_order(&d, side_sell, tif_gtc, 10500, 500);
	struct event def = desk_definition("ONE.TEST", "TWO");
	desk_feed(&d, &def);
	assert_int_equal(executor_counters(d.x)->bad_instruments, 1);
	desk_clear(&d);
	desk_trade(&d, side_buy, 10600, 500);
	desk_expect_balance(&d, "ONE", 50 * CENT, 0);
}

static void settings_out_of_range_are_refused(void **state)
{
	(void)state;
	struct executor *x = NULL;
	struct executor_settings s = desk_settings();
	s.taker_fee = -1;
	assert_int_equal(executor_new(&s, &x), ERR_RANGE);
	s = desk_settings();
	s.account[0] = '\0';
	assert_int_equal(executor_new(&s, &x), ERR_RANGE);
	s = desk_settings();
	s.balance[0].amount = -1;
	assert_int_equal(executor_new(&s, &x), ERR_RANGE);
	s = desk_settings();
	s.stale_ns = 0;
	assert_int_equal(executor_new(&s, &x), ERR_RANGE);
	assert_null(x);
	executor_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		TEST(a_new_account_begins_with_what_it_has),
		TEST(heartbeats_change_nothing),
		TEST(a_pause_ends_by_itself),
		TEST(a_pause_can_be_given_back_or_renewed),
		TEST(leases_of_two_owners_are_independent),
		TEST(a_resume_for_all_ends_every_lease),
		TEST(a_resume_of_an_old_journal_ends_the_pause),
		TEST(one_owner_too_many_halts),
		TEST(safe_mode_needs_every_cause_cleared),
		TEST(the_stronger_state_hides_the_weaker),
		TEST(too_many_causes_halt),
		TEST(resting_orders_outlive_a_pause_and_may_be_cancelled),
		TEST(the_loss_limit_halts),
		TEST(equity_is_cash_and_marks),
		TEST(the_curve_follows_event_time),
		TEST(without_a_trusted_book_the_last_mark_counts),
		TEST(starting_balances_are_marked_where_they_can),
		TEST(origins_are_never_mixed),
		TEST(a_live_account_takes_nothing_simulated),
		TEST(scales_must_agree),
		TEST(changed_scales_end_orders_and_carry_positions),
		TEST(senseless_instruments_are_refused),
		TEST(an_instrument_keeps_its_assets),
		TEST(settings_out_of_range_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
