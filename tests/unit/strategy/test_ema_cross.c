/* test_ema_cross - the strategy on candles made by hand: when it buys, gives up, sells. */
#include "stage.h"

#include "services/strategy/registry.h"

static struct stage st;

/* fast 1 is the close itself, slow 3 the mean of the close and the mean before. */
static void open_with(const char *entry, const char *tif, const char *offset)
{
	struct strategy_core_settings s;
	strategy_core_defaults(&s);
	stage_seat(&s, "e", registry_find("ema_cross"));
	stage_set(&s, "interval", "1s");
	stage_set(&s, "fast", "1");
	stage_set(&s, "slow", "3");
	stage_set(&s, "qty", "0.057");
	stage_set(&s, "entry", entry);
	stage_set(&s, "tif", tif);
	stage_set(&s, "offset", offset);
	stage_set(&s, "cancel_after", "2");
	stage_open(&st, &s);
	stage_book(&st);
}

/* A candle on fresh data. */
static void candle(int64_t close)
{
	stage_delta(&st, side_buy, 9900, 1000);
	stage_candle(&st, close);
}

static void warm_up(void)
{
	for (int i = 0; i < 4; i++)
		candle(10000 - i);
	assert_int_equal(st.n, 0);
}

static const struct ev_intent *only_intent(void)
{
	assert_int_equal(st.n, 1);
	return &st.out[0].intent;
}

static void confirm(struct event intent, int64_t filled)
{
	stage_answer(&st, &intent, order_status_open, 0);
	if (filled)
		stage_fill(&st, &intent, filled);
	stage_answer(&st, &intent,
		     filled == intent.intent.qty ? order_status_filled : order_status_cancelled,
		     filled);
}

static void buys_on_the_cross_and_sells_on_the_cross_back(void **state)
{
	(void)state;
	open_with("market", "gtc", "0");
	warm_up();
	candle(10100);
	const struct ev_intent *in = only_intent();
	assert_int_equal(in->side, side_buy);
	assert_int_equal(in->type, order_type_market);
	assert_int_equal(in->qty, 50); /* 0.057 in lots of 0.01 */
	assert_int_equal(in->price, 0);
	assert_string_equal(in->cause_source, "collector");
	confirm(st.out[0], 50);
	candle(10200);
	candle(10300);
	assert_int_equal(st.n, 1);
	stage_clear(&st);
	candle(9000);
	in = only_intent();
	assert_int_equal(in->side, side_sell);
	assert_int_equal(in->type, order_type_market);
	assert_int_equal(in->qty, 50);
	confirm(st.out[0], 50);
	stage_clear(&st);
	candle(8900);
	assert_int_equal(st.n, 0);
	stage_close(&st);
}

static void nothing_before_it_is_warm(void **state)
{
	(void)state;
	open_with("market", "gtc", "0");
	candle(10000);
	candle(9900);
	candle(10100);
	assert_int_equal(st.n, 0);
	candle(9900);
	candle(10100);
	assert_int_equal(st.n, 1);
	stage_close(&st);
}

/* 101.03 in ticks of 0.05 is 101.00, two ticks lower 100.90. */
static void limit_entries_keep_to_the_tick(void **state)
{
	(void)state;
	open_with("limit", "ioc", "-2");
	warm_up();
	candle(10103);
	const struct ev_intent *in = only_intent();
	assert_int_equal(in->type, order_type_limit);
	assert_int_equal(in->tif, tif_ioc);
	assert_int_equal(in->price, 10090);
	stage_close(&st);
}

/* Steps of 0.50 from 100.95 on: two below 101.03 is 99.95, where the steps are 0.10. */
static void ticks_may_differ_with_the_price(void **state)
{
	(void)state;
	open_with("limit", "ioc", "-2");
	struct event def = stage_definition();
	def.instrument.tick_1 = 1;
	def.instrument.from_2 = 5000;
	def.instrument.tick_2 = 10;
	def.instrument.from_3 = 10095;
	def.instrument.tick_3 = 50;
	stage_feed(&st, &def);
	warm_up();
	candle(10103);
	assert_int_equal(only_intent()->price, 9990);
	stage_close(&st);
}

static void entries_alternate(void **state)
{
	(void)state;
	open_with("alternate", "gtc", "0");
	warm_up();
	static const uint8_t expected[] = {order_type_market, order_type_limit, order_type_market,
					   order_type_limit};
	for (int i = 0; i < 4; i++) {
		stage_clear(&st);
		candle(11000);
		assert_int_equal(only_intent()->type, expected[i]);
		confirm(st.out[0], 0);
		candle(9000);
		assert_int_equal(st.n, 1); /* nothing was bought, nothing is sold */
	}
	stage_close(&st);
}

static void a_resting_entry_is_given_up(void **state)
{
	(void)state;
	open_with("limit", "gtc", "0");
	warm_up();
	candle(10100);
	struct event entry = st.out[0];
	stage_answer(&st, &entry, order_status_open, 0);
	candle(10200);
	assert_int_equal(st.n, 1);
	candle(10300); /* the second candle after it */
	assert_int_equal(st.n, 2);
	assert_int_equal(st.out[1].intent.kind, intent_kind_cancel);
	assert_string_equal(st.out[1].intent.client_order_id, entry.intent.client_order_id);
	candle(10400); /* asked for already */
	assert_int_equal(st.n, 2);
	stage_close(&st);
}

/* The cross back comes while half of it is filled: cancel first, then sell that half. */
static void a_cross_back_cancels_then_sells_what_was_filled(void **state)
{
	(void)state;
	open_with("limit", "gtc", "0");
	warm_up();
	candle(10100);
	struct event entry = st.out[0];
	stage_answer(&st, &entry, order_status_open, 0);
	stage_fill(&st, &entry, 33); /* an odd quantity: three lots can be sold */
	stage_answer(&st, &entry, order_status_partial, 33);
	stage_clear(&st);
	candle(9000);
	assert_int_equal(only_intent()->kind, intent_kind_cancel);
	stage_answer(&st, &entry, order_status_cancelled, 33);
	assert_int_equal(st.n, 2);
	assert_int_equal(st.out[1].intent.side, side_sell);
	assert_int_equal(st.out[1].intent.qty, 30);
	stage_close(&st);
}

static void exits_are_tried_again_but_not_for_ever(void **state)
{
	(void)state;
	open_with("market", "gtc", "0");
	warm_up();
	candle(10100);
	confirm(st.out[0], 50);
	uint32_t exits = 0;
	for (int i = 0; i < 20; i++) {
		stage_clear(&st);
		candle(9000 - i);
		if (st.n == 0)
			continue;
		exits += st.n;
		struct event exit = st.out[0];
		stage_clear(&st);
		stage_answer(&st, &exit, order_status_rejected, 0);
		while (st.n > 0) {
			exits += st.n;
			exit = st.out[0];
			stage_clear(&st);
			stage_answer(&st, &exit, order_status_rejected, 0);
		}
	}
	assert_int_equal(exits, 5);
	stage_close(&st);
}

static void other_candles_do_not_count(void **state)
{
	(void)state;
	open_with("market", "gtc", "0");
	warm_up();
	stage_delta(&st, side_buy, 9900, 1000);
	struct event ev;
	event_init(&ev, EVENT_candle);
	ev.candle.instrument = stage_symbol("ONE.TEST");
	event_set_name(ev.candle.interval, "1m");
	ev.candle.close = 20000;
	ev.candle.open_at = st.now;
	ev.candle.complete = true;
	stage_feed(&st, &ev);
	assert_int_equal(st.n, 0);
	event_set_name(ev.candle.interval, "1s");
	ev.candle.open_at = st.now - S; /* the venue's own word about a candle that we have had */
	stage_feed(&st, &ev);
	assert_int_equal(st.n, 0);
	ev.candle.open_at = st.now;
	ev.candle.complete = false; /* touched by a gap: learnt from, not bought on */
	stage_feed(&st, &ev);
	assert_int_equal(st.n, 0);
	stage_close(&st);
}

static void without_fresh_data_nothing_is_bought(void **state)
{
	(void)state;
	open_with("market", "gtc", "0");
	warm_up();
	st.now += 10 * S;
	stage_candle(&st, 11000);
	assert_int_equal(st.n, 0);
	assert_int_equal(strategy_core_counters(st.core)->refused_stale, 1);
	stage_close(&st);
}

static void periods_must_go_together(void **state)
{
	(void)state;
	struct strategy_core_settings s;
	struct strategy_core *c = NULL;
	char why[EVENT_TEXT_MAX];
	strategy_core_defaults(&s);
	stage_seat(&s, "e", registry_find("ema_cross"));
	stage_set(&s, "fast", "9");
	stage_set(&s, "slow", "9");
	assert_int_equal(strategy_core_new(&s, why, &c), ERR_ARG);
	assert_string_equal(why, "strategy.e: fast must be smaller than slow");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buys_on_the_cross_and_sells_on_the_cross_back),
		cmocka_unit_test(nothing_before_it_is_warm),
		cmocka_unit_test(limit_entries_keep_to_the_tick),
		cmocka_unit_test(ticks_may_differ_with_the_price),
		cmocka_unit_test(entries_alternate),
		cmocka_unit_test(a_resting_entry_is_given_up),
		cmocka_unit_test(a_cross_back_cancels_then_sells_what_was_filled),
		cmocka_unit_test(exits_are_tried_again_but_not_for_ever),
		cmocka_unit_test(other_candles_do_not_count),
		cmocka_unit_test(without_fresh_data_nothing_is_bought),
		cmocka_unit_test(periods_must_go_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
