/* test_gateway_limits - the way to the venue at its ends: all places taken, refused without a word, or for good. */
#include "far.h"

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

static void have_agreed(void)
{
	run_for(5 * S);
	assert_true(gateway_ready(&w.g));
}

/* A venue that does not say how long is asked no sooner than a minute later: to ask on would prolong a ban. */
static void a_refusal_without_a_word_is_waited_out(void **state)
{
	(void)state;
	struct gateway_request q;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(2 * S);
	int64_t at = w.d.now;
	desk_cancel(&w.d, w.d.ordinal);
	see();
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.question.ask, VENUE_ORDERS_CANCEL);
	struct venue_orders_row r = refused(VENUE_ORDERS_REFUSED_RATE);
	gateway_on_reply(&w.g, w.d.now, &q,
			 &(struct gateway_reply){.status = 418, .body = {(const char *)&r, sizeof(r), false}});
	while (w.d.now < at + 60 * S) {
		assert_false(gateway_next(&w.g, w.d.now, &q));
		w.d.now += S;
	}
	do
		assert_true(gateway_next(&w.g, w.d.now, &q)); /* the time may be due, too */
	while (q.ask != GATEWAY_ASK_ORDER || q.question.ask != VENUE_ORDERS_CANCEL);
}

/* All there may be open has ended, and as many others came, between two looks of the gateway. */
static void a_full_table_takes_those_who_come_for_those_who_went(void **state)
{
	(void)state;
	struct gateway_request q;
	have_agreed();
	w.g.set.orders_max = 1;
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(2 * S);
	assert_int_equal(w.orders, 1);
	end(&w.order[0], order_status_cancelled);
	move_words();
	apply_told();
	assert_int_equal(executor_open_orders(w.d.x), 0);
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	see();
	gateway_on_durable(&w.g, w.d.ordinal);
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.question.ask, VENUE_ORDERS_PLACE);
	assert_string_equal(q.id, w.d.x->orders.at[0].client_order_id);
}

/* What is to end does not wait for what is only asked. */
static void cancels_go_first(void **state)
{
	(void)state;
	struct gateway_request q;
	have_agreed();
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	desk_order(&w.d, side_buy, tif_gtc, 9800, 1000);
	run_for(2 * S);
	assert_int_equal(w.orders, 2);
	desk_cancel(&w.d, w.d.ordinal);
	see();
	w.g.row[0].ask_state = true;
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.question.ask, VENUE_ORDERS_CANCEL);
	assert_string_equal(q.id, w.g.row[1].id);
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.question.ask, VENUE_ORDERS_QUERY);
	assert_string_equal(q.id, w.g.row[0].id);
}

/* Of the same name there, it would be another order than was meant. */
static void another_venues_instrument_is_never_sent(void **state)
{
	(void)state;
	struct venue_orders other = model_venue;
	other.venue = "OTHER";
	have_agreed();
	w.g.set.venue = &other;
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	desk_clear(&w.d);
	run_for(2 * S);
	assert_int_equal(w.n_sent, 0);
	assert_int_equal(executor_open_orders(w.d.x), 0);
	w.g.set.venue = &model_venue;
	desk_order(&w.d, side_buy, tif_gtc, 9900, 1000);
	run_for(2 * S);
	assert_int_equal(w.n_sent, 1);
}

/* Who is refused for good is not told later that something else is in the way. */
static void what_it_is_refused_for_stays_said(void **state)
{
	(void)state;
	struct gateway_request q;
	see();
	assert_true(gateway_next(&w.g, w.d.now, &q));
	assert_int_equal(q.ask, GATEWAY_ASK_TIME);
	gateway_refuse(&w.g, "A simulator answers where the venue should.");
	gateway_on_reply(&w.g, w.d.now, &q, &(struct gateway_reply){.status = 0});
	assert_string_equal(w.g.trouble, "A simulator answers where the venue should.");
	gateway_on_stream(&w.g, w.d.now, false);
	gateway_refuse(&w.g, "Another.");
	assert_string_equal(w.g.trouble, "A simulator answers where the venue should.");
	w.g.agreed = w.g.clock.known = true;
	gateway_on_stream(&w.g, w.d.now, true);
	assert_string_equal(w.g.trouble, "A simulator answers where the venue should.");
	assert_false(gateway_ready(&w.g));
}

#define CALM(test) cmocka_unit_test_setup_teardown(test, open_calm, close_calm)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALM(a_refusal_without_a_word_is_waited_out),
		CALM(a_full_table_takes_those_who_come_for_those_who_went),
		CALM(cancels_go_first),
		CALM(another_venues_instrument_is_never_sent),
		CALM(what_it_is_refused_for_stays_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
