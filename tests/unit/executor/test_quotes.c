/* test_quotes - one account that pays in several assets: whose money moves, and what all of it is worth, by hand.
 *
 * Beside the desk's ONE.TEST (paid in USDT, 99.00 | 100.00): TWO.TEST is paid in USDC and stands at 49.00 | 50.00,
 * COIN.TEST is USDC against USDT at 0.98 | 1.00, FLIP.TEST is USDT against EUR at 0.79 | 0.81. Fees are a thousandth.
 */
#include "scenario.h"

static void define(const char *symbol, const char *base, const char *quote)
{
	struct event ev = desk_definition(symbol, base);
	event_set_name(ev.instrument.quote, quote);
	desk_feed(&d, &ev);
}

static void show(const char *symbol, int64_t bid, int64_t ask)
{
	struct level bids[] = {{bid, 1000000}}, asks[] = {{ask, 1000000}};
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol(symbol);
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){bids, 1};
	ev.book_snapshot.asks = (struct levels){asks, 1};
	desk_feed(&d, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = desk_symbol(symbol);
	ev.book_state.state = book_state_trusted;
	desk_feed(&d, &ev);
}

static void all_books(void)
{
	define("TWO.TEST", "TWO", "USDC");
	define("COIN.TEST", "USDC", "USDT");
	show("TWO.TEST", 4900, 5000);
	show("COIN.TEST", 98, 100);
	desk_book(&d);
	step();
}

static struct executor_settings settings(const char *quotes)
{
	struct executor_settings s = desk_settings();
	char reason[EVENT_TEXT_MAX];
	assert_int_equal(quotes_parse(s.quotes, &s.n_quotes, quotes, reason, sizeof(reason)), 0);
	event_set_name(s.balance[1].asset, "USDC");
	s.balance[1].amount = CASH(500);
	s.n_balances = 2;
	return s;
}

static void begin(void **state, const struct executor_settings *s)
{
	through_disk = *state != NULL;
	desk_open(&d, s);
	all_books();
}

static void buy(const char *symbol, int64_t price, int64_t qty)
{
	struct event ev = desk_intent(&d, side_buy, price ? tif_gtc : tif_ioc, price, qty);
	ev.intent.instrument = desk_symbol(symbol);
	give(&ev);
}

static void expect_worth(int64_t equity, int64_t cash, int64_t unrealised, int64_t fees, bool marked)
{
	const struct event *ev = desk_last(&d, EVENT_equity);
	assert_non_null(ev);
	assert_int_equal(ev->equity.marked, marked);
	assert_int_equal(ev->equity.equity, equity);
	assert_int_equal(ev->equity.cash, cash);
	assert_int_equal(ev->equity.unrealised, unrealised);
	assert_int_equal(ev->equity.fees, fees);
}

/* 2 TWO at 50 cost 100 USDC and 0.1 USDC of fee; USDT does not move. At 0.99 USDT a USDC: cash 1000 + 399.9 x 0.99 =
 * 1395.901, TWO at the mid of 49.50 is 99 USDC = 98.01 USDT; the position lost 1 USDC. */
static void each_pays_in_its_own(void **state)
{
	struct executor_settings s = settings("USDC");
	begin(state, &s);
	buy("TWO.TEST", 0, 2000);
	desk_expect_order(&d, order_status_filled, reject_none, 2000);
	desk_expect_balance(&d, "USDC", 39990000000, 0);
	desk_expect_balance(&d, "TWO", CASH(2), 0);
	assert_string_equal(desk_said(&d, EVENT_fill, 0)->fill.fee_asset, "USDC");
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.rate, 990000000000);
	expect_worth(149391100000, 139590100000, -99000000, 9900000, true);
	assert_int_equal(account_find(&d.x->account, "USDT")->total, CASH(1000));
	desk_close(&d);
}

/* An order of 3 at 49.00 that rests sets aside 147 USDC and its fee, no USDT. 12 cost 588: 500 are there. */
static void locks_are_of_the_asset_paid_in(void **state)
{
	struct executor_settings s = settings("USDC");
	begin(state, &s);
	buy("TWO.TEST", 4900, 3000);
	desk_expect_balance(&d, "USDC", CASH(500), 14714700000);
	assert_int_equal(account_find(&d.x->account, "USDT")->locked, 0);
	buy("TWO.TEST", 4900, 12000);
	desk_expect_order(&d, order_status_rejected, reject_balance, 0);
	desk_close(&d);
}

static void no_asset_pays_that_was_not_named(void **state)
{
	struct executor_settings s = settings("");
	begin(state, &s);
	buy("TWO.TEST", 4900, 3000);
	desk_expect_order(&d, order_status_rejected, reject_invalid, 0);
	desk_close(&d);
}

/* Its author says that a USDC is 1: the book of 0.99 does not count. */
static void a_stated_rate_counts_before_the_market(void **state)
{
	struct executor_settings s = settings("USDC=1");
	begin(state, &s);
	buy("TWO.TEST", 0, 2000);
	expect_worth(CASH(1000) + 39990000000 + CASH(99), CASH(1000) + 39990000000, -CASH(1), 10000000, true);
	desk_close(&d);
}

/* USDT costs 0.80 EUR: 8 EUR are 10 USDT. */
static void a_market_the_other_way_round_counts(void **state)
{
	struct executor_settings s = settings("EUR");
	s.balance[1].amount = CASH(8);
	event_set_name(s.balance[1].asset, "EUR");
	begin(state, &s);
	define("FLIP.TEST", "USDT", "EUR");
	show("FLIP.TEST", 79, 81);
	buy("ONE.TEST", 0, 1000);
	/* 1000 - 100 - 0.1 and 10; ONE at the mid of 99.50. */
	expect_worth(CASH(1010) - 10000000 - 50000000, CASH(910) - 10000000, -50000000, 10000000, true);
	desk_close(&d);
}

/* Without a rate nothing is guessed: the worth says that it is not all. */
static void what_has_no_rate_is_not_marked(void **state)
{
	struct executor_settings s = settings("EUR");
	event_set_name(s.balance[1].asset, "EUR");
	begin(state, &s);
	buy("ONE.TEST", 0, 1000);
	expect_worth(CASH(1000) - 10000000 - 50000000, CASH(900) - 10000000, -50000000, 10000000, false);
	desk_close(&d);
}

/* Its rate is of ten seconds ago, and nobody knows whether it still is. */
static void an_old_rate_is_not_marked(void **state)
{
	struct executor_settings s = settings("USDC");
	begin(state, &s);
	d.now += 10 * S;
	show("TWO.TEST", 4900, 5000);
	desk_book(&d);
	buy("TWO.TEST", 5000, 2000);
	expect_worth(1493911000000 / 10, 1395901000000 / 10, -99000000, 9900000, false);
	desk_close(&d);
}

/* Nor is what a position in it is worth, at a point of the curve; what is paid in the account's own is. */
static void an_old_rate_marks_no_valuation(void **state)
{
	struct executor_settings s = settings("USDC");
	s.equity_interval_ns = 20 * S;
	begin(state, &s);
	buy("TWO.TEST", 0, 2000);
	buy("ONE.TEST", 0, 500);
	desk_clear(&d);
	d.now = 1019 * S;
	show("TWO.TEST", 4900, 5000);
	desk_book(&d);
	desk_until(&d, 1020 * S);
	const struct event *one = NULL, *two = NULL;
	for (uint32_t i = 0; i < d.n; i++) {
		const struct event *ev = &d.out[i];
		bool is_two = ev->id == EVENT_valuation &&
			      strcmp(ev->valuation.instrument.s, "TWO.TEST") == 0;
		two = is_two ? ev : two;
		one = ev->id == EVENT_valuation && !is_two ? ev : one;
	}
	assert_true(one && two);
	assert_true(one->valuation.marked);
	assert_false(two->valuation.marked);
	assert_int_equal(two->valuation.rate, 990000000000);
	desk_close(&d);
}

/* A limit of 98 USDT: 2 TWO at 50 are 100 USDC, so 99 USDT at 0.99; 1.9 are 94.05. */
static void limits_count_in_the_accounts_asset(void **state)
{
	struct executor_settings s = settings("USDC");
	s.limit[LIMIT_ORDER_NOTIONAL] = CASH(98);
	begin(state, &s);
	buy("TWO.TEST", 5000, 2000);
	desk_expect_order(&d, order_status_rejected, reject_risk_notional, 0);
	assert_string_equal(desk_last(&d, EVENT_order)->order.reason,
			    "The order is worth up to 99; executor.order_notional_max = 98 allows no more.");
	buy("TWO.TEST", 5000, 1900);
	desk_expect_order(&d, order_status_filled, reject_none, 1900);
	desk_close(&d);
}

/* Nobody knows what one EUR is: with a limit of money that refuses; without one the order passes. */
static void limits_refuse_what_cannot_be_valued(void **state)
{
	for (int limited = 0; limited < 2; limited++) {
		struct executor_settings s = settings("USDC, EUR");
		event_set_name(s.balance[1].asset, "EUR");
		s.limit[LIMIT_GROSS] = limited ? CASH(100000) : 0;
		begin(state, &s);
		define("EURO.TEST", "EURO", "EUR");
		show("EURO.TEST", 4900, 5000);
		buy("EURO.TEST", 0, 1000);
		if (limited)
			desk_expect_order(&d, order_status_rejected, reject_unvalued, 0);
		else
			desk_expect_order(&d, order_status_filled, reject_none, 1000);
		desk_close(&d);
	}
}

/* Bought at 50, sold at 60: 20 USDC gained, 0.1 and 0.12 of fees. */
static void results_stay_with_their_asset(void **state)
{
	struct executor_settings s = settings("USDC");
	begin(state, &s);
	buy("TWO.TEST", 0, 2000);
	show("TWO.TEST", 6000, 6100);
	struct event ev = desk_intent(&d, side_sell, tif_ioc, 0, 2000);
	ev.intent.instrument = desk_symbol("TWO.TEST");
	give(&ev);
	const struct asset *usdc = account_find(&d.x->account, "USDC"), *usdt = account_find(&d.x->account, "USDT");
	assert_int_equal(usdc->realised, CASH(20));
	assert_int_equal(usdc->fees, 22000000);
	assert_int_equal(usdc->total, CASH(520) - 22000000);
	assert_int_equal(usdt->realised, 0);
	assert_int_equal(ledger_check(d.x), 0);
	desk_close(&d);
}

/* Settings that no longer name an asset: what is paid in it can still be sold by a flatten and be settled, never be
 * bought; its money is not given again. */
static void an_asset_that_is_no_longer_named_may_only_end(void **state)
{
	struct executor_settings s = settings("USDC");
	begin(state, &s);
	buy("TWO.TEST", 0, 2000);
	struct buf bytes;
	buf_init(&bytes, 1 << 22);
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	executor_free(d.x);
	s.n_quotes = 0;
	assert_int_equal(executor_new(&s, &d.x), 0);
	assert_int_equal(executor_core.load(d.x, bytes.at, bytes.len), 0);
	buf_fini(&bytes);
	assert_int_equal(account_find(&d.x->account, "USDC")->total, 39990000000);
	assert_int_equal(ledger_check(d.x), 0);
	buy("TWO.TEST", 0, 1000);
	desk_expect_order(&d, order_status_rejected, reject_invalid, 0);
	desk_command(&d, verb_flatten, "", "enough", 0);
	desk_until(&d, d.now + S);
	desk_expect_order(&d, order_status_filled, reject_none, 2000);
	assert_int_equal(account_find(&d.x->account, "TWO")->total, 0);
	assert_int_equal(ledger_check(d.x), 0);
	desk_close(&d);
}

/* A state of settings with fewer assets: the new one begins empty, what a new account would be given is not. */
static void a_new_asset_begins_empty(void **state)
{
	struct executor_settings s = desk_settings();
	begin(state, &s);
	struct buf bytes;
	buf_init(&bytes, 1 << 22);
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	executor_free(d.x);
	s = settings("USDC");
	assert_int_equal(executor_new(&s, &d.x), 0);
	assert_int_equal(executor_core.load(d.x, bytes.at, bytes.len), 0);
	buf_fini(&bytes);
	assert_int_equal(account_find(&d.x->account, "USDC")->total, 0);
	buy("TWO.TEST", 4900, 1000);
	desk_expect_order(&d, order_status_rejected, reject_balance, 0);
	assert_int_equal(ledger_check(d.x), 0);
	desk_close(&d);
}

static void the_journal_alone_brings_it_back(void **state)
{
	struct executor_settings s = settings("USDC");
	struct executor *y = NULL;
	begin(state, &s);
	struct event intent = desk_intent(&d, side_buy, tif_ioc, 0, 2000);
	intent.intent.instrument = desk_symbol("TWO.TEST");
	assert_int_equal(executor_new(&s, &y), 0);
	/* It knows the instruments, and of the fill only what the first one wrote. */
	struct executor *x = d.x;
	d.x = y;
	all_books();
	d.x = x;
	desk_clear(&d);
	desk_feed(&d, &intent);
	for (uint32_t i = 0; i < d.n; i++)
		executor_core.on_own(y, &d.out[i]);
	const struct asset *a = account_find(&x->account, "USDC"), *b = account_find(&y->account, "USDC");
	assert_int_equal(b->total, a->total);
	assert_int_equal(b->fees, a->fees);
	assert_int_equal(account_find(&y->account, "USDT")->total, CASH(1000));
	executor_free(y);
	desk_close(&d);
}

static void settings_say_what_is_wrong(void **state)
{
	static const char *const wrong[] = {"USDC=0", "USDC=x", "USDC=-1", "USDC, USDC", "=1",
					   "A, B, C, D, E, F, G, H"};
	struct quotes_row row[QUOTES_MAX];
	uint32_t n;
	char reason[EVENT_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(quotes_parse(row, &n, wrong[i], reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, "executor.quotes: '"));
	}
	assert_int_equal(quotes_parse(row, &n, "USDC, USD=1.5", reason, sizeof(reason)), 0);
	assert_int_equal(n, 2);
	assert_int_equal(row[0].rate, 0);
	assert_int_equal(row[1].rate, 150000000);
}

#define TWICE(test) cmocka_unit_test(test), cmocka_unit_test_prestate(test, &through_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(each_pays_in_its_own),
		TWICE(locks_are_of_the_asset_paid_in),
		TWICE(no_asset_pays_that_was_not_named),
		TWICE(a_stated_rate_counts_before_the_market),
		TWICE(a_market_the_other_way_round_counts),
		TWICE(what_has_no_rate_is_not_marked),
		TWICE(an_old_rate_is_not_marked),
		TWICE(an_old_rate_marks_no_valuation),
		TWICE(limits_count_in_the_accounts_asset),
		TWICE(limits_refuse_what_cannot_be_valued),
		TWICE(results_stay_with_their_asset),
		cmocka_unit_test(an_asset_that_is_no_longer_named_may_only_end),
		cmocka_unit_test(a_new_asset_begins_empty),
		cmocka_unit_test(the_journal_alone_brings_it_back),
		cmocka_unit_test(settings_say_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
