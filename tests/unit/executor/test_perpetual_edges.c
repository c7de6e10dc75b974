/* test_perpetual_edges - perpetuals where two rules meet: which price judges, who has claimed what, who pays last. */
#include "perpetual_desk.h"

/* Funding is due two minutes after the mark price of 95 was heard, at 0.01 %; what it was paid at. */
static void expect_funding_at(struct desk *d, int64_t price, uint8_t scale, int64_t amount)
{
	const struct event *ev = desk_last(d, EVENT_funding);
	assert_non_null(ev);
	assert_int_equal(ev->funding.mark, price);
	assert_int_equal(ev->funding.price_scale, scale);
	assert_int_equal(ev->funding.amount, amount);
}

static void hold_five(struct desk *d)
{
	struct executor_settings s = settings("isolated");
	open_desk(d, &s);
	desk_order(d, side_buy, tif_ioc, 0, 5000);
	mark(d, 950000, 10000, d->now + 120 * S);
	desk_clear(d);
}

/* An old mark price is better than a book that is older still, or no younger than a minute behind it. */
static void an_old_mark_judges_an_older_book(void **state)
{
	(void)state;
	struct desk d;
	hold_five(&d);
	desk_until(&d, d.now + 121 * S);
	expect_funding_at(&d, 950000, 4, -4750000); /* 475 of notional, not 497.50 */
	desk_close(&d);
	hold_five(&d);
	desk_until(&d, d.now + 59 * S);
	desk_delta(&d, side_buy, 9800, 40000);
	desk_until(&d, d.now + 62 * S);
	expect_funding_at(&d, 950000, 4, -4750000);
	desk_close(&d);
}

static void a_younger_book_judges_instead(void **state)
{
	(void)state;
	struct desk d;
	hold_five(&d);
	desk_until(&d, d.now + 61 * S);
	desk_delta(&d, side_buy, 9800, 40000);
	desk_until(&d, d.now + 60 * S);
	expect_funding_at(&d, 9950, 2, -4975000);
	desk_close(&d);
}

/* A mark price of the very instant, which tells the next funding already: market events come before timers. The one
 * that is due is paid, at that price; the next one is heard of a second later. */
static void a_mark_of_the_instant_leaves_what_is_due(void **state)
{
	(void)state;
	struct desk d;
	hold_five(&d);
	desk_until(&d, d.now + 120 * S - 1);
	int64_t due = ++d.now;
	mark(&d, 960000, -20000, due + 120 * S);
	assert_int_equal(executor_core.next_due(d.x), due);
	desk_until(&d, due);
	expect_funding_at(&d, 960000, 4, -4800000);
	desk_until(&d, due + S);
	mark(&d, 960000, -20000, due + 120 * S);
	desk_until(&d, due + 120 * S);
	expect_funding_at(&d, 960000, 4, 9600000);
	desk_close(&d);
}

/* Taken over from a journal, and no book since that has a mid. */
static void without_a_book_the_mark_judges(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d, e;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	desk_open(&e, &s);
	struct event ev = definition();
	desk_feed(&e, &ev);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(e.x, &d.out[i]);
	mark(&e, 950000, 10000, e.now + 120 * S);
	desk_clear(&e);
	desk_until(&e, e.now + 61 * S);
	desk_snapshot(&e, (struct levels)LEVELS({9900, 50000}), (struct levels){0});
	desk_state(&e, book_state_trusted);
	desk_until(&e, e.now + 60 * S);
	expect_funding_at(&e, 950000, 4, -4750000);
	desk_close(&d);
	desk_close(&e);
}

static void buy_ten_of_two(struct desk *d)
{
	struct event buy = desk_intent(d, side_buy, tif_ioc, 0, 10000);
	open_second(d);
	buy.intent.instrument = desk_symbol("TWO.TEST");
	desk_feed(d, &buy);
}

/* 994 less 955: 39 are left, but TWO has lost 5. The fee of 40.45 takes the other 34: nobody has to insure TWO. */
static void the_fee_leaves_what_others_have_lost(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d;
	open_desk(&d, &s);
	buy_ten_of_two(&d);
	desk_order(&d, side_buy, tif_ioc, 0, 50000);
	desk_clear(&d);
	mark(&d, 809000, 0, 0);
	assert_int_equal(desk_count(&d, EVENT_liquidated), 2);
	desk_expect_fill(&d, 0, 8090, 50000, CASH(34));
	assert_int_equal(desk_said(&d, EVENT_liquidated, 0)->liquidated.insured, 0);
	assert_int_equal(liquidated(&d)->insured, 0);
	assert_int_equal(liquidated(&d)->fee, 0);
	desk_expect_balance(&d, "USDT", 0, 0);
	assert_int_equal(equity(&d)->insured, 0);
	desk_close(&d);
}

/* TWO's margin of 100 was drawn down to the 28.25 that are left: so it is in the next life, too. */
static void what_was_drawn_stays_drawn(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d, e;
	open_desk(&d, &s);
	buy_ten_of_two(&d);
	struct event buy = desk_intent(&d, side_buy, tif_ioc, 0, 50000);
	desk_feed(&d, &buy);
	mark(&d, 815000, 0, 0);
	desk_expect_balance(&d, "USDT", 2825000000, 2825000000);
	open_desk(&e, &s);
	open_second(&e);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(e.x, &d.out[i]);
	e.ordinal = d.ordinal;
	open_second(&e); /* its book anew */
	desk_clear(&e);
	struct event sell = desk_intent(&e, side_sell, tif_ioc, 0, 4000);
	sell.intent.instrument = desk_symbol("TWO.TEST");
	desk_feed(&e, &sell);
	/* 4 of 10 at 99: 4 lost, 0.396 of fee; 0.4 of the margin comes back. */
	desk_expect_balance(&e, "USDT", 2825000000 - CASH(4) - 39600000, 2825000000 / 10 * 6);
	desk_close(&d);
	desk_close(&e);
}

/* The journal may end at any record: what is taken over then is a state that can be saved and loaded. */
static void a_journal_may_end_anywhere(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d;
	open_desk(&d, &s);
	buy_ten_of_two(&d);
	struct event buy = desk_intent(&d, side_buy, tif_ioc, 0, 50000);
	desk_feed(&d, &buy);
	mark(&d, 815000, 0, 0);
	for (uint32_t n = 0; n <= d.n; n++) {
		struct desk e, f;
		struct buf saved;
		open_desk(&e, &s);
		open_second(&e);
		for (uint32_t i = 0; i < n; i++)
			executor_core.on_own(e.x, &d.out[i]);
		desk_open(&f, &s);
		buf_init(&saved, 1u << 22);
		assert_int_equal(executor_core.save(e.x, &saved), 0);
		assert_int_equal(executor_core.load(f.x, saved.at, saved.len), 0);
		buf_fini(&saved);
		desk_close(&e);
		desk_close(&f);
	}
	desk_close(&d);
}

/* A journal that says what cannot be: less money than stands for the position. What there is stands for it then. */
static void no_more_margin_than_money(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d, e;
	open_desk(&d, &s);
	open_desk(&e, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(e.x, &d.out[i]);
	struct event ev = *desk_last(&d, EVENT_balance);
	ev.balance.total = CASH(20);
	ev.balance.locked = 0;
	executor_core.on_own(e.x, &ev);
	desk_snapshot(&e, (struct levels)LEVELS({9900, 50000}), (struct levels)LEVELS({10000, 50000}));
	desk_state(&e, book_state_trusted);
	e.ordinal = d.ordinal;
	desk_order(&e, side_sell, tif_ioc, 0, 1000); /* 1 lost, 0.099 of fee; a fifth of the margin comes back */
	desk_expect_balance(&e, "USDT", CASH(19) - 9900000, CASH(16));
	desk_close(&d);
	desk_close(&e);
}

/* 55 less 0.5 of fee; 5 at 100: at 90 there are 4.50 left, and 1 % of 450 is the maintenance. */
static void cross_as_much_as_the_maintenance_is_too_little(void **state)
{
	(void)state;
	struct executor_settings s = settings("cross");
	struct desk d;
	s.balance[0].amount = CASH(55);
	open_desk(&d, &s);
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

static void sell(struct desk *d, int64_t price, int64_t qty)
{
	desk_order(d, side_sell, tif_gtc, price, qty);
	desk_expect_order(d, order_status_open, reject_none, 0);
}

static int64_t locked(const struct desk *d)
{
	const struct event *ev = desk_last(d, EVENT_balance);
	assert_non_null(ev);
	return ev->balance.locked;
}

/* 5 of a bracket whose target and stop share them, and 3 besides: a sale of 3 closes, one more opens. */
static void a_shared_quantity_claims_once(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	struct event in = desk_intent(&d, side_buy, tif_ioc, 0, 5000);
	in.intent.link = order_link_bracket;
	in.intent.target_price = 12000;
	in.intent.stop_price = 8000;
	event_set_name(in.intent.target_id, "o2");
	event_set_name(in.intent.stop_id, "o3");
	d.ordinal = 3;
	desk_feed(&d, &in);
	desk_order(&d, side_buy, tif_ioc, 0, 3000);
	assert_int_equal(locked(&d), CASH(80));
	sell(&d, 13000, 3000);
	assert_int_equal(locked(&d), CASH(80));
	sell(&d, 13000, 1000);
	assert_int_equal(locked(&d), CASH(93) + 13000000);
	desk_close(&d);
}

/* Made smaller it claims no more than it still may sell. */
static void a_smaller_order_claims_less(void **state)
{
	(void)state;
	struct executor_settings s = settings("isolated");
	struct desk d;
	open_desk(&d, &s);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	sell(&d, 12000, 5000);
	struct event ev = desk_intent(&d, side_sell, tif_gtc, 0, 2000);
	ev.intent.kind = intent_kind_replace;
	event_set_name(ev.intent.client_order_id, "o2");
	desk_feed(&d, &ev);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	sell(&d, 12000, 3000);
	assert_int_equal(locked(&d), CASH(50));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_old_mark_judges_an_older_book),
		cmocka_unit_test(a_younger_book_judges_instead),
		cmocka_unit_test(a_mark_of_the_instant_leaves_what_is_due),
		cmocka_unit_test(without_a_book_the_mark_judges),
		cmocka_unit_test(the_fee_leaves_what_others_have_lost),
		cmocka_unit_test(what_was_drawn_stays_drawn),
		cmocka_unit_test(a_journal_may_end_anywhere),
		cmocka_unit_test(no_more_margin_than_money),
		cmocka_unit_test(cross_as_much_as_the_maintenance_is_too_little),
		cmocka_unit_test(a_shared_quantity_claims_once),
		cmocka_unit_test(a_smaller_order_claims_less),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
