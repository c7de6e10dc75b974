/* test_remote - orders of a live account in the core: what the venue says of them is all that happens to them. */
#include "on_record.h"

static struct ev_venue_report about(enum venue_says says, const char *id)
{
	struct ev_venue_report r = {.says = (uint8_t)says, .price_scale = 2, .qty_scale = 3, .cash_scale = 8};
	event_set_name(r.account, "paper");
	event_set_name(r.client_order_id, id);
	r.instrument = desk_symbol("ONE.TEST");
	r.side = side_buy;
	return r;
}

static void tell(const struct ev_venue_report *r)
{
	struct event ev;
	event_init(&ev, EVENT_venue_report);
	ev.venue_report = *r;
	give(&ev);
}

static void says(enum venue_says what, const char *id)
{
	struct ev_venue_report r = about(what, id);
	tell(&r);
}

static struct ev_venue_report trade_of(const char *id, const char *trade_id, int64_t price, int64_t qty)
{
	struct ev_venue_report r = about(venue_says_trade, id);
	event_set_name(r.trade_id, trade_id);
	r.liquidity = liquidity_maker;
	r.price = price;
	r.qty = qty;
	event_set_name(r.fee_asset, "USDT");
	return r;
}

static void trades(const char *id, const char *trade_id, int64_t price, int64_t qty)
{
	struct ev_venue_report r = trade_of(id, trade_id, price, qty);
	tell(&r);
}

static void ends(const char *id, enum order_status status, int64_t filled)
{
	struct ev_venue_report r = about(venue_says_ended, id);
	r.status = (uint8_t)status;
	r.qty = filled;
	tell(&r);
}

static void funds(const char *asset, int64_t amount)
{
	struct ev_venue_report r = about(venue_says_funds, "");
	event_set_name(r.asset, asset);
	r.amount = amount;
	tell(&r);
}

static int open_live(void **state)
{
	struct executor_settings s = desk_settings();
	s.remote = true;
	s.balance[s.n_balances++] = (struct executor_balance){"BNB", 0}; /* named: it is followed */
	through_disk = *state != NULL;
	desk_open(&d, &s);
	desk_book(&d);
	step();
	funds("USDT", CASH(1000));
	says(venue_says_agreed, "");
	return 0;
}

static const struct order *first_order(void)
{
	return &d.x->orders.at[0];
}

/* ---- the life of an order ---- */

static void it_is_what_the_venue_says(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 2000);
	assert_string_equal(desk_shape(&d), "ob");
	expect("o1", order_status_pending, reject_none, 0);
	desk_expect_balance(&d, "USDT", CASH(1000), 198 * CASH(1) + CENT * 20 - CENT / 5);
	says(venue_says_accepted, "o1");
	expect("o1", order_status_open, reject_none, 0);
	trades("o1", "7", 9900, 500);
	expect("o1", order_status_partial, reject_none, 500);
	desk_expect_fill(&d, 0, 9900, 500, 0);
	assert_string_equal(desk_said(&d, EVENT_fill, 0)->fill.trade_id, "7");
	trades("o1", "8", 9890, 1500);
	expect("o1", order_status_filled, reject_none, 2000);
	desk_expect_balance(&d, "ONE", CASH(2), 0);
	desk_expect_balance(&d, "USDT", CASH(1000) - 4950 * CENT - 9890 * CENT * 3 / 2, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void no_model_of_ours_fills_it(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9950, 1000);
	says(venue_says_accepted, "o1");
	trade(side_sell, 9500, 100000);
	expect_silence();
	delta(side_sell, 9940, 5000);
	expect_silence();
	order(side_buy, tif_ioc, 10000, 1000); /* one that the book would fill at once */
	expect("o2", order_status_pending, reject_none, 0);
	assert_int_equal(desk_count(&d, EVENT_fill), 0);
}

static void it_ends_unfilled_in_each_way(void **state)
{
	(void)state;
	static const struct {
		enum venue_says says;
		enum order_status status;
		enum reject reject;
	} ways[] = {{venue_says_rejected, order_status_rejected, reject_venue},
		    {venue_says_unknown, order_status_cancelled, reject_not_sent},
		    {venue_says_unsent, order_status_cancelled, reject_not_sent}};
	for (uint32_t i = 0; i < ARRAY_LEN(ways); i++) {
		char id[EVENT_NAME_MAX];
		order(side_buy, tif_gtc, 9900, 1000);
		snprintf(id, sizeof(id), "o%u", i + 1);
		says(ways[i].says, id);
		expect(id, ways[i].status, ways[i].reject, 0);
		desk_expect_balance(&d, "USDT", CASH(1000), 0);
	}
	order(side_buy, tif_ioc, 9900, 1000);
	ends("o4", order_status_expired, 0);
	expect("o4", order_status_expired, reject_none, 0);
	assert_int_equal(executor_open_orders(d.x), 0);
}

static void a_fill_before_the_acceptance_counts(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	trades("o1", "1", 9900, 400);
	expect("o1", order_status_partial, reject_none, 400);
	says(venue_says_accepted, "o1"); /* late */
	expect_silence();
	ends("o1", order_status_cancelled, 400);
	expect("o1", order_status_cancelled, reject_none, 400);
}

static void what_has_ended_waits_for_its_trades(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	ends("o1", order_status_cancelled, 600);
	expect_silence();
	trades("o1", "1", 9900, 200);
	expect("o1", order_status_partial, reject_none, 200);
	trades("o1", "2", 9900, 400);
	expect("o1", order_status_cancelled, reject_none, 600);
	desk_expect_balance(&d, "ONE", CASH(6) / 10, 0);
}

/* ---- cancels ---- */

static void a_cancel_is_a_wish(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	says(venue_says_accepted, "o1");
	named(intent_kind_cancel, 1, 0, 1);
	expect("o1", order_status_open, reject_none, 0);
	assert_true(said("o1")->cancelling);
	named(intent_kind_cancel, 1, 0, 1);
	expect_silence(); /* it is asked already */
	trades("o1", "1", 9900, 1000);
	expect("o1", order_status_filled, reject_none, 1000);
}

static void a_cancel_that_wins_bears_its_reason(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	says(venue_says_accepted, "o1");
	desk_command(&d, verb_kill, "", "enough", 0);
	step();
	assert_true(said("o1")->cancelling);
	assert_int_equal(executor_open_orders(d.x), 1);
	ends("o1", order_status_cancelled, 0);
	expect("o1", order_status_cancelled, reject_killed, 0);
}

static void its_date_asks_for_a_cancel(void **state)
{
	(void)state;
	struct event ev = wish(side_buy, order_type_limit, 9900, 1000);
	ev.intent.tif = tif_gtd;
	ev.intent.good_until = d.now + 3 * S;
	give(&ev);
	until(d.now + 4 * S);
	assert_true(said("o2") == NULL && said("o1")->cancelling);
	until(d.now + 60 * S); /* no timer stands still */
	ends("o1", order_status_cancelled, 0);
	expect("o1", order_status_expired, reject_none, 0);
}

/* ---- what cannot be ---- */

static void expect_quarantine(uint64_t n)
{
	if (!through_disk) /* counters are the process's */
		assert_int_equal(executor_counters(d.x)->remote_quarantined, n);
	assert_int_equal(executor_trading(d.x), trading_safe);
	assert_true(executor_safe_for(d.x, "venue_differs"));
	assert_int_equal(desk_count(&d, EVENT_fill), 0);
}

static void the_same_trade_counts_once(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	trades("o1", "1", 9900, 400);
	trades("o1", "1", 9900, 400);
	expect_silence();
	trades("o1", "2", 9900, 600);
	trades("o1", "2", 9900, 600); /* also behind its end */
	expect_silence();
	assert_int_equal(executor_trading(d.x), trading_running);
	order(side_buy, tif_gtc, 9000, 1000);
	trades("o2", "2", 9000, 100); /* of another order: an account can trade with itself */
	expect("o2", order_status_partial, reject_none, 100);
}

static void a_stranger_is_quarantined(void **state)
{
	(void)state;
	trades("who", "1", 9900, 400);
	expect_quarantine(1);
	desk_command(&d, verb_reset, "", "looked", 0);
	assert_int_equal(executor_trading(d.x), trading_running);
}

static void too_much_is_quarantined(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	trades("o1", "1", 9900, 1001);
	expect_quarantine(1);
	struct ev_venue_report r = trade_of("o1", "2", 9900, 500);
	r.side = side_sell;
	tell(&r);
	expect_quarantine(2);
	r = trade_of("o1", "3", 99001, 500); /* finer than the instrument's prices */
	r.price_scale = 3;
	tell(&r);
	expect_quarantine(3);
	ends("o1", order_status_cancelled, 1001);
	expect_quarantine(4);
	expect("o1", order_status_cancelled, reject_none, 0);
	desk_expect_balance(&d, "USDT", CASH(1000), 0);
}

static void what_the_account_does_not_have_is_quarantined(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 10000);
	trades("o1", "1", 20000, 10000); /* worse than the limit, and dearer than all there is */
	expect_quarantine(1);
	desk_clear(&d);
	struct ev_venue_report r = trade_of("o1", "2", 9900, 1000);
	event_set_name(r.fee_asset, "BNB");
	r.fee = CENT;
	tell(&r);
	expect_quarantine(2);
}

static void an_order_ends_without_what_is_quarantined(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	trades("o1", "1", 9900, 400);
	struct ev_venue_report r = trade_of("o1", "2", 9900, 600);
	event_set_name(r.fee_asset, "BNB");
	r.fee = CENT;
	tell(&r);
	expect_quarantine(1);
	tell(&r); /* it is remembered: asked for or not, it counts once */
	expect_quarantine(1);
	assert_int_equal(first_order()->remote.quarantined, 600);
	ends("o1", order_status_filled, 1000);
	expect("o1", order_status_cancelled, reject_none, 400);
	assert_int_equal(executor_open_orders(d.x), 0);
	desk_expect_balance(&d, "USDT", CASH(1000) - 3960 * CENT, 0);
	desk_command(&d, verb_reset, "", "looked", 0);
	assert_int_equal(executor_trading(d.x), trading_running);
}

static void trade_many(const char *id, uint32_t n)
{
	char trade_id[EVENT_NAME_MAX];
	for (uint32_t i = 1; i <= n; i++) {
		snprintf(trade_id, sizeof(trade_id), "%u", i);
		trades(id, trade_id, 9900, 1);
	}
}

/* Of orders that are open all trades are told apart; those of ended ones make room. */
static void trades_of_open_orders_are_not_forgotten(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, REMOTE_TRADES_MAX + 1);
	trade_many("o1", REMOTE_TRADES_MAX + 1);
	expect_quarantine(1);
	assert_int_equal(first_order()->filled, REMOTE_TRADES_MAX);
	assert_int_equal(first_order()->remote.quarantined, 0); /* it comes again, when there is room */
	trades("o1", "1", 9900, 1);
	expect_silence();
}

static void trades_of_ended_orders_make_room(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, REMOTE_TRADES_MAX);
	trade_many("o1", REMOTE_TRADES_MAX);
	expect("o1", order_status_filled, reject_none, REMOTE_TRADES_MAX);
	order(side_buy, tif_gtc, 9000, 1000);
	trades("o2", "1", 9000, 100);
	expect("o2", order_status_partial, reject_none, 100);
}

/* ---- commissions ---- */

static void commission_in_the_quote(void **state)
{
	(void)state;
	struct ev_venue_report r = trade_of("o1", "1", 10000, 1000);
	order(side_buy, tif_ioc, 10000, 1000);
	r.fee = 5 * CENT;
	tell(&r);
	desk_expect_fill(&d, 0, 10000, 1000, 5 * CENT);
	desk_expect_balance(&d, "USDT", CASH(900) - 5 * CENT, 0);
}

/* 0.0015 of one at 100: one unit leaves the position, half a unit waits. */
static void commission_in_the_base(void **state)
{
	(void)state;
	struct ev_venue_report r = trade_of("o1", "1", 10000, 500);
	order(side_buy, tif_ioc, 10000, 1000);
	event_set_name(r.fee_asset, "ONE");
	r.fee = 150000;
	tell(&r);
	desk_expect_balance(&d, "ONE", CASH(1) / 2 - 150000, 0);
	desk_expect_balance(&d, "USDT", CASH(950), CASH(50) + CENT * 5); /* the rest's, with our fee */
	assert_int_equal(desk_last(&d, EVENT_position)->position.qty, 499);
	assert_int_equal(desk_last(&d, EVENT_position)->position.fees, 10 * CENT);
	event_set_name(r.trade_id, "2");
	tell(&r);
	assert_int_equal(desk_last(&d, EVENT_position)->position.qty, 997);
	desk_expect_balance(&d, "ONE", CASH(1) - 300000, 0);
	expect("o1", order_status_filled, reject_none, 1000);
}

static void commission_in_another_asset(void **state)
{
	(void)state;
	desk_command(&d, verb_reset, "", "", 0);
	funds("BNB", CASH(1));
	struct ev_venue_report r = trade_of("o1", "1", 10000, 1000);
	order(side_buy, tif_ioc, 10000, 1000);
	event_set_name(r.fee_asset, "BNB");
	r.fee = 3 * CENT;
	tell(&r);
	desk_expect_balance(&d, "USDT", CASH(900), 0);
	assert_string_equal(desk_said(&d, EVENT_fill, 0)->fill.commission_asset, "BNB");
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.commission, 3 * CENT);
	desk_expect_fill(&d, 0, 10000, 1000, 0); /* nothing that counts in USDT */
	desk_expect_balance(&d, "BNB", CASH(1) - 3 * CENT, 0);
	event_set_name(d.x->settings.quotes[d.x->settings.n_quotes++].asset, "BNB"); /* from the next start on */
	reborn();
	assert_int_equal(ledger_check(d.x), 0);
	assert_int_equal(account_find(&d.x->account, "BNB")->fees, 0);
}

/* What is bought may be money of the account as well: the books hold all the same. */
static void commission_in_a_base_that_is_money(void **state)
{
	struct executor_settings s = desk_settings();
	s.remote = true;
	event_set_name(s.quotes[s.n_quotes++].asset, "ONE");
	through_disk = *state != NULL;
	desk_close(&d);
	desk_open(&d, &s);
	desk_book(&d);
	funds("USDT", CASH(1000));
	says(venue_says_agreed, "");
	struct ev_venue_report r = trade_of("o1", "1", 10000, 1000);
	order(side_buy, tif_ioc, 10000, 1000);
	event_set_name(r.fee_asset, "ONE");
	r.fee = 100000;
	tell(&r);
	desk_expect_balance(&d, "ONE", CASH(1) - 100000, 0);
	assert_int_equal(account_find(&d.x->account, "ONE")->fees, 0); /* it is of the position, in USDT */
	assert_int_equal(account_find(&d.x->account, "USDT")->fees, 10 * CENT);
}

static void a_sale_pays_from_what_it_brings(void **state)
{
	(void)state;
	desk_command(&d, verb_reset, "", "", 0);
	funds("ONE", CASH(2));
	says(venue_says_agreed, "");
	order(side_sell, tif_gtc, 10100, 2000);
	desk_expect_balance(&d, "ONE", CASH(2), CASH(2));
	struct ev_venue_report r = trade_of("o1", "1", 10100, 1000);
	r.side = side_sell;
	r.fee = 10 * CENT;
	tell(&r);
	desk_expect_balance(&d, "ONE", CASH(1), CASH(1));
	desk_expect_balance(&d, "USDT", CASH(1101) - 10 * CENT, 0);
}

/* ---- balances ---- */

static void balances_are_taken_over_only_when_people_say_so(void **state)
{
	(void)state;
	funds("USDT", CASH(5));
	assert_int_equal(d.n, 0);
	funds("XYZ", CASH(5)); /* nothing of ours */
	assert_int_equal(d.n, 0);
	desk_command(&d, verb_reset, "", "deposit", 0);
	funds("USDT", CASH(1500));
	desk_expect_balance(&d, "USDT", CASH(1500), 0);
	says(venue_says_agreed, "");
	funds("USDT", CASH(5));
	assert_int_equal(d.n, 0);
}

static void expect_reason(const char *words)
{
	const char *reason = desk_last(&d, EVENT_trading_state)->trading_state.reason;
	if (!strstr(reason, words))
		fail_msg("\"%s\" does not say: %s", reason, words);
}

static void a_balance_that_does_not_fit_is_told_as_one(void **state)
{
	(void)state;
	desk_command(&d, verb_reset, "", "deposit", 0);
	struct ev_venue_report r = about(venue_says_funds, "");
	event_set_name(r.asset, "USDT");
	r.amount = 1234567890;
	r.cash_scale = 9;
	tell(&r);
	assert_int_equal(executor_counters(d.x)->remote_quarantined, 0); /* its last digit is none */
	desk_command(&d, verb_reset, "", "deposit", 0);
	r.amount++;
	tell(&r);
	expect_quarantine(1);
	expect_reason("The venue's balance of USDT (1234567891 at 9 decimals) was not taken over: "
		      "it does not fit 8 decimals.");
}

static void a_balance_below_what_is_locked_is_told_as_one(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	desk_command(&d, verb_reset, "", "deposit", 0);
	funds("USDT", CASH(1));
	expect_quarantine(1);
	expect_reason("The venue's balance of USDT (100000000 at 8 decimals) was not taken over: "
		      "it is less than orders lock of it.");
}

/* ---- what a live account does not do ---- */

static void links_and_replacements_are_refused(void **state)
{
	(void)state;
	struct event ev = wish(side_buy, order_type_limit, 9900, 1000);
	ev.intent.link = order_link_oco;
	ev.intent.stop_price = 10500;
	snprintf(ev.intent.stop_id, EVENT_NAME_MAX, "o2");
	give(&ev);
	assert_int_equal(said("o1")->reject, reject_not_live);
	d.ordinal++; /* the leg's */
	order(side_buy, tif_gtc, 9900, 1000);
	named(intent_kind_replace, 3, 9800, 1000);
	desk_expect_order(&d, order_status_rejected, reject_not_live, 0);
	assert_int_equal(executor_open_orders(d.x), 1);
}

static void a_stop_is_ours_until_it_fires(void **state)
{
	(void)state;
	struct event ev = stop(side_buy, order_type_stop_market, 10500, 1000);
	give(&ev);
	expect("o1", order_status_waiting, reject_none, 0);
	trade(side_buy, 10600, 10);
	expect("o1", order_status_pending, reject_none, 0);
	trades("o1", "1", 10000, 1000);
	expect("o1", order_status_filled, reject_none, 1000);
}

/* ---- the risk pass ---- */

static void the_pass_is_of_these_terms_alone(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	struct order o = *first_order();
	struct risk_pass pass = o.remote.pass, none = {0};
	if (through_disk) { /* what comes out of a snapshot has none */
		assert_false(risk_pass_covers(&pass, &o));
		return;
	}
	assert_true(risk_pass_covers(&pass, &o));
	assert_false(risk_pass_covers(&none, &o));
	o.qty++;
	assert_false(risk_pass_covers(&pass, &o));
	o.qty--;
	o.price++;
	assert_false(risk_pass_covers(&pass, &o));
	o.price--;
	o.side = side_sell;
	assert_false(risk_pass_covers(&pass, &o));
	o.side = side_buy;
	o.client_order_id[0] ^= 1;
	assert_false(risk_pass_covers(&pass, &o));
}

static void a_pass_is_given_once(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	struct order o = *first_order();
	struct risk_pass again = risk_take_pass(d.x, &o);
	assert_false(risk_pass_covers(&again, &o));
}

/* ---- the journal alone ---- */

/* The core that took over says the same of the account as the one that lived through it. */
static void a_takeover_knows_orders_and_trades(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	write_down(NULL);
	trades("o1", "1", 9900, 400);
	write_down(NULL);
	named(intent_kind_cancel, 1, 0, 1);
	write_down(NULL);
	take_over();
	assert_int_equal(executor_open_orders(d.x), 1);
	assert_int_equal(first_order()->stage, stage_remote);
	assert_true(first_order()->remote.cancel);
	trades("o1", "1", 9900, 400);
	assert_int_equal(desk_count(&d, EVENT_fill), 0);
	assert_int_equal(executor_trading(d.x), trading_running);
	ends("o1", order_status_cancelled, 400);
	expect("o1", order_status_cancelled, reject_none, 400);
}

static void a_takeover_knows_commissions_in_another_money(void **state)
{
	struct executor_settings s = desk_settings();
	s.remote = true;
	event_set_name(s.quotes[s.n_quotes++].asset, "BNB");
	through_disk = *state != NULL;
	desk_close(&d);
	desk_open(&d, &s);
	desk_book(&d);
	funds("USDT", CASH(1000));
	write_down(NULL);
	funds("BNB", CASH(1));
	write_down(NULL);
	says(venue_says_agreed, "");
	order(side_buy, tif_ioc, 10000, 2000);
	write_down(NULL);
	for (int i = 1; i <= 2; i++) {
		struct ev_venue_report r = trade_of("o1", i == 1 ? "1" : "2", 10000, 500);
		event_set_name(r.fee_asset, "BNB");
		r.fee = i * CENT;
		tell(&r);
		write_down(NULL);
	}
	assert_int_equal(account_find(&d.x->account, "BNB")->fees, 3 * CENT);
	take_over();
	assert_int_equal(account_find(&d.x->account, "BNB")->fees, 3 * CENT);
	assert_int_equal(account_find(&d.x->account, "BNB")->total, CASH(1) - 3 * CENT);
	assert_int_equal(account_find(&d.x->account, "USDT")->fees, 0);
}

/* Else there were no place any more for trades of today, some day. */
static void a_takeover_knows_whose_order_has_ended(void **state)
{
	(void)state;
	order(side_buy, tif_gtc, 9900, 1000);
	write_down(NULL);
	trades("o1", "1", 9900, 1000);
	write_down(NULL);
	order(side_buy, tif_gtc, 9900, 1000);
	write_down(NULL);
	trades("o2", "2", 9900, 500);
	write_down(NULL);
	take_over();
	assert_int_equal(d.x->remote.n, 2);
	assert_false(d.x->remote.trade[0].open);
	assert_true(d.x->remote.trade[1].open);
}

static void a_paper_account_stays_one(void **state)
{
	(void)state;
	struct executor_settings s = d.x->settings;
	struct executor *y = NULL;
	struct buf bytes;
	buf_init(&bytes, 1 << 22);
	assert_int_equal(executor_core.save(d.x, &bytes), 0);
	s.remote = false;
	assert_int_equal(executor_new(&s, &y), 0);
	assert_int_equal(executor_core.load(y, bytes.at, bytes.len), ERR_DIFFERS);
	executor_free(y);
	buf_fini(&bytes);
}

#define LIVE(test)                                                                                                     \
	cmocka_unit_test_setup_teardown(test, open_live, close_desk),                                                  \
		cmocka_unit_test_prestate_setup_teardown(test, open_live, close_desk, &through_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(it_is_what_the_venue_says),
		LIVE(no_model_of_ours_fills_it),
		LIVE(it_ends_unfilled_in_each_way),
		LIVE(a_fill_before_the_acceptance_counts),
		LIVE(what_has_ended_waits_for_its_trades),
		LIVE(a_cancel_is_a_wish),
		LIVE(a_cancel_that_wins_bears_its_reason),
		LIVE(its_date_asks_for_a_cancel),
		LIVE(the_same_trade_counts_once),
		LIVE(a_stranger_is_quarantined),
		LIVE(too_much_is_quarantined),
		LIVE(what_the_account_does_not_have_is_quarantined),
		LIVE(an_order_ends_without_what_is_quarantined),
		LIVE(a_takeover_knows_whose_order_has_ended),
		cmocka_unit_test_setup_teardown(trades_of_open_orders_are_not_forgotten, open_live, close_desk),
		cmocka_unit_test_setup_teardown(trades_of_ended_orders_make_room, open_live, close_desk),
		LIVE(commission_in_the_quote),
		LIVE(commission_in_the_base),
		LIVE(commission_in_another_asset),
		LIVE(commission_in_a_base_that_is_money),
		LIVE(a_sale_pays_from_what_it_brings),
		LIVE(balances_are_taken_over_only_when_people_say_so),
		LIVE(a_balance_that_does_not_fit_is_told_as_one),
		LIVE(a_balance_below_what_is_locked_is_told_as_one),
		LIVE(links_and_replacements_are_refused),
		LIVE(a_stop_is_ours_until_it_fires),
		LIVE(the_pass_is_of_these_terms_alone),
		LIVE(a_pass_is_given_once),
		LIVE(a_takeover_knows_orders_and_trades),
		LIVE(a_takeover_knows_commissions_in_another_money),
		LIVE(a_paper_account_stays_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
