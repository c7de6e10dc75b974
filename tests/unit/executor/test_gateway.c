/* test_gateway - the way to the venue: nothing lost, nothing done twice; what is never sent, what is told to people.
 *
 * After any run: no order was sent twice, none lives at one side only, no trade is missing or booked twice, and money
 * and base are the same at both sides to the last unit.
 */
#include "far.h"

static void nothing_is_lost_and_nothing_is_done_twice(void **state)
{
	(void)state;
	uint64_t trades = 0, crashes = 0, lost = 0, sent = 0, late = 0;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		open_world(seed);
		for (int i = 0; i < 1500; i++)
			turn();
		settle_down();
		expect_one_truth();
		trades += w.trades;
		crashes += w.crashes;
		lost += w.lost;
		sent += w.n_sent;
		late += w.late;
		close_world();
	}
	/* The runs have been what they are meant to be. */
	assert_true(trades > 1000 && crashes > 50 && lost > 500 && sent > 1000 && late > 100);
}

/* ---- one thing at a time, over a network without faults ---- */

static int open_calm(void **state)
{
	(void)state;
	open_world(1);
	w.calm = true;
	return 0;
}

static int close_calm(void **state)
{
	(void)state;
	close_world();
	return 0;
}

static void run_for(int64_t ns)
{
	for (int64_t end_at = w.d.now + ns; w.d.now < end_at;)
		turn();
}

static void a_key_that_may_withdraw_is_refused(void **state)
{
	(void)state;
	w.withdraws = true;
	run_for(20 * S);
	assert_true(w.g.refused && !gateway_ready(&w.g));
	assert_non_null(strstr(w.g.trouble, "may withdraw"));
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(20 * S);
	assert_int_equal(w.n_sent, 0);
}

static void nothing_is_sent_before_books_agree(void **state)
{
	(void)state;
	struct gateway_request q;
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	see();
	gateway_on_durable(&w.g, w.d.ordinal);
	while (gateway_next(&w.g, w.d.now, &q)) {
		assert_int_not_equal(q.ask, GATEWAY_ASK_ORDER);
		send(&q);
	}
	assert_false(gateway_ready(&w.g));
}

static void have_agreed(void)
{
	run_for(5 * S);
	assert_true(gateway_ready(&w.g));
}

static bool next_is_place(void)
{
	struct gateway_request q;
	bool any = gateway_next(&w.g, w.d.now, &q);
	if (any)
		send(&q);
	return any && q.ask == GATEWAY_ASK_ORDER && q.question.ask == VENUE_ORDERS_PLACE;
}

static void only_what_is_durable_is_sent(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	see();
	gateway_on_durable(&w.g, w.d.ordinal - 1);
	assert_false(next_is_place());
	gateway_on_durable(&w.g, w.d.ordinal);
	assert_true(next_is_place());
}

static void only_with_a_risk_pass(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	w.d.x->orders.at[0].qty++; /* what was checked was another order */
	run_for(S);
	assert_int_equal(w.n_sent, 0);
	assert_int_equal(executor_open_orders(w.d.x), 0);
}

static void not_without_the_stream(void **state)
{
	(void)state;
	have_agreed();
	gateway_on_stream(&w.g, w.d.now, false);
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(3 * S);
	assert_int_equal(w.n_sent, 0);
	assert_int_equal(executor_open_orders(w.d.x), 0); /* too old by then */
}

static void what_is_cancelled_first_is_never_sent(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	desk_command(&w.d, verb_kill, "", "stop", 0);
	run_for(S);
	assert_int_equal(w.n_sent, 0);
	assert_int_equal(executor_open_orders(w.d.x), 0);
}

static void the_kill_switch_reaches_the_venue(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	desk_order(&w.d, side_sell, tif_gtc, 10200, 1000);
	run_for(2 * S);
	assert_int_equal(w.orders, 2);
	desk_command(&w.d, verb_kill, "", "stop", 0);
	run_for(2 * S);
	assert_int_equal(w.order[0].status, order_status_cancelled);
	assert_int_equal(w.order[1].status, order_status_cancelled);
	assert_int_equal(executor_open_orders(w.d.x), 0);
}

static void a_dry_account_sends_nothing(void **state)
{
	(void)state;
	struct gateway_request q;
	have_agreed(); /* its money is the venue's here */
	w.g.set.dry = true;
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	see();
	gateway_on_durable(&w.g, w.d.ordinal);
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.question.ask, VENUE_ORDERS_PLACE);
	gateway_on_dry(&w.g, &q, "POST /order?x");
	desk_clear(&w.d);
	apply_told();
	assert_int_equal(executor_open_orders(w.d.x), 0);
	assert_int_equal(w.g.counters.placed, 0);
	see();
	assert_false(gateway_next(&w.g, w.d.now, &q) && q.ask == GATEWAY_ASK_ORDER);
}

static void a_difference_is_told_after_three_looks(void **state)
{
	(void)state;
	have_agreed();
	w.quote -= CASH(1);
	run_for(25 * S);
	assert_string_equal(w.g.differs, "");
	run_for(60 * S);
	assert_non_null(strstr(w.g.differs, "USDT"));
}

/* Its instrument came after the balances: what the venue has of it is there at once, not at the next comparison. */
static void an_asset_that_comes_late_is_taken_over_at_once(void **state)
{
	(void)state;
	have_agreed();
	struct executor *x = w.d.x;
	w.base += CASH(3);
	x->remote.adopted[account_find(&x->account, "ONE") - x->account.asset] = false;
	run_for(5 * S);
	assert_int_equal(account_find(&x->account, "ONE")->total, w.base);
	uint64_t compared = w.g.counters.compared;
	run_for(10 * S);
	assert_int_equal(w.g.counters.compared, compared); /* and then at leisure */
	assert_string_equal(w.g.differs, "");
}

static void a_stranger_is_told(void **state)
{
	(void)state;
	have_agreed();
	w.order[w.orders++] = (struct model_order){
		.o = {.client_id = "by hand", .side = side_buy, .qty = 10, .price = 9000},
		.venue_id = 1,
		.placed = 1,
		.status = order_status_open};
	run_for(40 * S);
	assert_non_null(strstr(w.g.differs, "by hand"));
}

/* A list may be older than the end of one of ours. */
static void who_is_a_stranger_once_is_none(void **state)
{
	(void)state;
	have_agreed();
	struct model_order *m = &w.order[w.orders++];
	*m = (struct model_order){.o = {.client_id = "just ended", .side = side_buy, .qty = 10, .price = 9000},
				  .venue_id = 1,
				  .placed = 1,
				  .status = order_status_open};
	for (int i = 0; i < 10000 && !w.g.suspects; i++)
		turn();
	assert_true(w.g.suspects);
	m->status = order_status_cancelled;
	run_for(40 * S);
	assert_string_equal(w.g.differs, "");
}

static void after_a_reset_the_venue_is_right(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(2 * S);
	w.order[0].o.price = 1000000000; /* its trades cost more than we have */
	fill(&w.order[0]);
	run_for(20 * S);
	assert_true(is_open(&w.order[0]) && executor_open_orders(w.d.x) == 1);
	assert_int_equal(executor_trading(w.d.x), trading_safe);
	uint64_t told = w.g.told;
	run_for(100 * S);
	assert_int_equal(w.g.told, told); /* what cannot be booked is not asked for again */
	while (is_open(&w.order[0]))
		fill(&w.order[0]);
	w.quote = CASH(5);
	run_for(20 * S);
	assert_int_equal(executor_open_orders(w.d.x), 0);
	desk_command(&w.d, verb_reset, "", "looked", 0);
	run_for(100 * S);
	assert_int_equal(executor_trading(w.d.x), trading_running);
	assert_int_equal(account_find(&w.d.x->account, "USDT")->total, w.quote);
	assert_int_equal(account_find(&w.d.x->account, "ONE")->total, w.base);
	assert_true(gateway_ready(&w.g));
}

/* Told as it is: the core quarantines it, and it is not asked for again. */
static void an_end_that_does_not_fit_is_quarantined(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(2 * S);
	w.order[0].status = order_status_cancelled;
	struct venue_orders_row r = row_of(&w.order[0]);
	r.filled = 15; /* one and a half units */
	r.filled_scale = 4;
	uint64_t queries = w.g.counters.queries;
	gateway_on_text(&w.g, (struct json_str){(const char *)&r, sizeof(r), false});
	desk_clear(&w.d);
	apply_told();
	assert_int_equal(executor_open_orders(w.d.x), 0);
	assert_true(executor_safe_for(w.d.x, REMOTE_CAUSE));
	assert_non_null(strstr(desk_last(&w.d, EVENT_trading_state)->trading_state.reason,
			       "ended with 15 filled (4 decimals): that does not fit the order."));
	run_for(60 * S);
	assert_int_equal(w.g.counters.queries, queries);
}

/* What was filled is not told: that is asked for. */
static void an_end_without_its_figure_is_asked_for(void **state)
{
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(2 * S);
	w.order[0].status = order_status_cancelled;
	struct venue_orders_row r = row_of(&w.order[0]);
	r.filled = -1;
	uint64_t queries = w.g.counters.queries;
	gateway_on_text(&w.g, (struct json_str){(const char *)&r, sizeof(r), false});
	assert_int_equal(executor_open_orders(w.d.x), 1);
	run_for(20 * S);
	assert_int_equal(w.g.counters.queries, queries + 1);
	assert_int_equal(executor_open_orders(w.d.x), 0);
	assert_int_equal(executor_trading(w.d.x), trading_running);
}

static void no_connection_is_no_order(void **state)
{
	(void)state;
	struct gateway_request q;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	see();
	gateway_on_durable(&w.g, w.d.ordinal);
	assert_true(gateway_next(&w.g, w.d.now, &q));
	gateway_on_reply(&w.g, w.d.now, &q, &(struct gateway_reply){.never_sent = true});
	apply_told();
	assert_int_equal(executor_open_orders(w.d.x), 0);
}

static void retry_after_is_obeyed(void **state)
{
	(void)state;
	struct gateway_request q;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	see();
	gateway_on_durable(&w.g, w.d.ordinal);
	assert_true(gateway_next(&w.g, w.d.now, &q));
	struct venue_orders_row r = refused(VENUE_ORDERS_REFUSED_RATE);
	gateway_on_reply(&w.g, w.d.now, &q,
			 &(struct gateway_reply){.status = 429,
						 .body = {(const char *)&r, sizeof(r), false},
						 .retry_after_ns = 60 * S});
	apply_told();
	assert_int_equal(executor_open_orders(w.d.x), 0);
	for (int i = 0; i < 100 && w.d.now < w.g.hold_until; i++) {
		assert_false(gateway_next(&w.g, w.d.now, &q));
		w.d.now += S;
	}
	assert_true(gateway_next(&w.g, w.d.now, &q));
}

static struct gateway_request next_is(enum gateway_ask ask)
{
	struct gateway_request q;
	see();
	gateway_on_durable(&w.g, w.d.ordinal);
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.ask, ask);
	return q;
}

/* What is no order is asked again; that it was refused is for people to see. */
static void a_refused_cancel_is_counted_and_asked_again(void **state)
{
	struct venue_orders_row no = refused(VENUE_ORDERS_REFUSED_ORDER);
	struct gateway_reply a = {.status = 400, .body = {(const char *)&no, sizeof(no), false}};
	struct gateway_request q;
	(void)state;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(S);
	assert_int_equal(w.g.n, 1);
	w.d.x->orders.at[0].remote.cancel = true;
	event_set_text(no.words, "Not now.");
	for (uint64_t i = 0; i < 3; i++) {
		q = next_is(GATEWAY_ASK_ORDER);
		assert_int_equal(q.question.ask, VENUE_ORDERS_CANCEL);
		assert_int_equal(w.g.counters.asks_refused, i);
		gateway_on_reply(&w.g, w.d.now, &q, &a);
		w.d.now += 16 * S;
		w.g.clock.due = w.g.step_due = w.d.now + S; /* only about the order */
	}
	assert_int_equal(w.g.counters.asks_refused, 3);
	assert_int_equal(w.g.counters.refused, 0);
	assert_non_null(strstr(w.g.refusal, "to cancel "));
	assert_non_null(strstr(w.g.refusal, q.id));
	assert_non_null(strstr(w.g.refusal, "Not now. (-1)"));
}

/* Pings are answered, the subscription is not: that it is not connected would say nothing of why. */
static void a_subscription_without_an_answer_has_a_name(void **state)
{
	(void)state;
	have_agreed();
	gateway_on_stream(&w.g, w.d.now, false);
	assert_non_null(strstr(w.g.trouble, "is not connected"));
	gateway_unanswered(&w.g);
	assert_non_null(strstr(w.g.trouble, "does not answer the subscription"));
	gateway_trouble_over(&w.g);
	assert_non_null(strstr(w.g.trouble, "does not answer the subscription"));
	gateway_on_stream(&w.g, w.d.now, true);
	assert_string_equal(w.g.trouble, "");
	gateway_on_stream(&w.g, w.d.now, false);
	assert_non_null(strstr(w.g.trouble, "is not connected"));
}

/* ---- the venue's time ---- */

static void told(const struct gateway_request *q, int64_t later, int status, const char *body)
{
	w.d.now += later;
	gateway_on_reply(&w.g, w.d.now, q,
			 &(struct gateway_reply){.status = status, .body = {body, strlen(body), false}});
}

static void nothing_is_signed_before_the_time_is_told(void **state)
{
	static const struct {
		int64_t later;
		int status;
		const char *body, *trouble;
	} rows[] = {
		{MS, 0, "", "does not tell its time (status 0)"},
		{MS, 503, "{\"t\":1800000000000}", "does not tell its time (status 503)"},
		{MS, 200, "{\"u\":1800000000000}", "does not tell its time (status 200)"},
		{2 * S, 200, "{\"t\":1800000000000}", "takes too long to tell its time"},
	};
	struct gateway_request q, other;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		q = next_is(GATEWAY_ASK_TIME);
		assert_false(gateway_next(&w.g, w.d.now, &other));
		told(&q, rows[i].later, rows[i].status, rows[i].body);
		assert_non_null(strstr(w.g.trouble, rows[i].trouble));
		assert_false(gateway_next(&w.g, w.d.now, &other));
		w.d.now += 2 * S;
	}
	q = next_is(GATEWAY_ASK_TIME);
	told(&q, 100 * MS, 200, "{\"t\":1800000000000}");
	assert_int_equal(gateway_venue_time(&w.g, w.d.now), 1800000000000 * MS + 50 * MS + MS / 2);
	next_is(GATEWAY_ASK_RIGHTS);
}

static void a_refused_stamp_is_followed_by_the_time_alone(void **state)
{
	struct gateway_request q;
	(void)state;
	have_agreed();
	w.ahead += 3600 * S;
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	q = next_is(GATEWAY_ASK_ORDER);
	assert_int_equal(q.question.ask, VENUE_ORDERS_PLACE);
	send(&q);
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000); /* it waits */
	w.d.now += 10 * MS;
	move_requests();
	w.d.now += 10 * MS;
	move_requests();
	assert_false(gateway_ready(&w.g));
	assert_non_null(strstr(w.g.trouble, "refuses our time"));
	q = next_is(GATEWAY_ASK_TIME);
	assert_false(next_is_place());
	told(&q, MS, 503, "");
	assert_false(next_is_place());
	w.d.now += 2 * S;
	run_for(S);
	assert_true(gateway_ready(&w.g));
	assert_string_equal(w.g.trouble, "");
	assert_int_equal(w.orders, 0); /* the one was refused, the other too old by then */
	assert_int_equal(executor_open_orders(w.d.x), 0);
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(S);
	assert_int_equal(w.orders, 1);
	assert_int_equal(w.g.counters.clock_refused, 1);
}

/* A venue that is silent about it is believed for as long as clocks do not part by a second, and no longer. */
static void the_time_wears_out(void **state)
{
	struct gateway_request q;
	uint64_t asked = 0;
	(void)state;
	have_agreed();
	for (int64_t until = w.d.now + 7000 * S; w.d.now < until; w.d.now += S)
		while (gateway_next(&w.g, w.d.now, &q)) {
			asked += q.ask == GATEWAY_ASK_TIME;
			if (q.ask == GATEWAY_ASK_TIME)
				told(&q, 0, 503, "");
		}
	assert_true(asked > 100 && gateway_ready(&w.g));
	w.d.now += 3100 * S;
	next_is(GATEWAY_ASK_TIME);
	assert_false(gateway_ready(&w.g));
	assert_non_null(strstr(w.g.trouble, "for too long"));
}

#define CALM(test) cmocka_unit_test_setup_teardown(test, open_calm, close_calm)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_and_nothing_is_done_twice),
		CALM(a_key_that_may_withdraw_is_refused),
		CALM(nothing_is_sent_before_books_agree),
		CALM(only_what_is_durable_is_sent),
		CALM(only_with_a_risk_pass),
		CALM(not_without_the_stream),
		CALM(what_is_cancelled_first_is_never_sent),
		CALM(the_kill_switch_reaches_the_venue),
		CALM(a_dry_account_sends_nothing),
		CALM(a_difference_is_told_after_three_looks),
		CALM(an_asset_that_comes_late_is_taken_over_at_once),
		CALM(a_stranger_is_told),
		CALM(who_is_a_stranger_once_is_none),
		CALM(after_a_reset_the_venue_is_right),
		CALM(an_end_that_does_not_fit_is_quarantined),
		CALM(an_end_without_its_figure_is_asked_for),
		CALM(no_connection_is_no_order),
		CALM(retry_after_is_obeyed),
		CALM(a_refused_cancel_is_counted_and_asked_again),
		CALM(a_subscription_without_an_answer_has_a_name),
		CALM(nothing_is_signed_before_the_time_is_told),
		CALM(a_refused_stamp_is_followed_by_the_time_alone),
		CALM(the_time_wears_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
