/* test_orders - what a strategy may ask for beyond a plain order: the intents of brackets, replacements, cancel-all. */
#include "stage.h"

#include "proto/order_id.h"

static struct stage st;

static struct { /* the test's strings on the puppet */
	void (*act)(struct strategy_ctx *ctx);
	int rc;
	uint64_t ordinal;
	uint32_t open;
	struct strategy_open at[STRATEGY_ORDERS_MAX];
} puppet;

static void on_event(void *state, struct strategy_ctx *ctx, const struct event *ev)
{
	(void)state;
	(void)ev;
	puppet.open = strategy_open_orders(ctx);
	for (uint32_t i = 0; i < puppet.open; i++)
		puppet.at[i] = *strategy_open_order(ctx, i);
	void (*act)(struct strategy_ctx *) = puppet.act;
	puppet.act = NULL;
	if (act)
		act(ctx);
}

static const struct strategy puppet_strategy = {
	.name = "puppet", .doc = "Does what it is told.", .version = 1, .on_event = on_event};

static int open_stage(void **state)
{
	(void)state;
	struct strategy_core_settings s;
	strategy_core_defaults(&s);
	stage_seat(&s, "p", &puppet_strategy);
	memset(&puppet, 0, sizeof(puppet));
	stage_open(&st, &s);
	stage_book(&st);
	return 0;
}

static int close_stage(void **state)
{
	(void)state;
	stage_close(&st);
	return 0;
}

static void tick(void (*act)(struct strategy_ctx *ctx))
{
	puppet.act = act;
	stage_clear(&st);
	stage_delta(&st, side_buy, 9900, 1000);
}

static void want_bracket(struct strategy_ctx *ctx)
{
	struct strategy_wish w = {.side = side_buy,
				  .type = order_type_limit,
				  .price = 9900,
				  .qty = 500,
				  .user_id = "mine",
				  .post_only = true,
				  .good_until = 77 * S,
				  .link = order_link_bracket,
				  .target = 10500,
				  .stop = 9500,
				  .stop_limit = 9400,
				  .trigger_by = trigger_by_mid};
	puppet.rc = strategy_order(ctx, &w, &puppet.ordinal);
}

static void expect_id(const char *id, uint64_t ordinal)
{
	char is[EVENT_NAME_MAX];
	order_id(&(struct order_id_parts){"paper", "p", "run", ordinal}, is);
	assert_string_equal(id, is);
}

static void a_bracket_is_one_intent_and_three_orders(void **state)
{
	(void)state;
	tick(want_bracket);
	assert_int_equal(puppet.rc, 0);
	assert_int_equal(puppet.ordinal, 1);
	assert_int_equal(st.n, 1);
	const struct ev_intent in = st.out[0].intent;
	assert_int_equal(in.tif, tif_gtd); /* by its date */
	assert_int_equal(in.good_until, 77 * S);
	assert_string_equal(in.user_id, "mine");
	assert_true(in.post_only);
	assert_int_equal(in.link, order_link_bracket);
	assert_int_equal(in.target_price, 10500);
	assert_int_equal(in.stop_price, 9500);
	assert_int_equal(in.stop_limit, 9400);
	assert_int_equal(in.trigger_by, trigger_by_mid);
	expect_id(in.client_order_id, 1);
	expect_id(in.target_id, 2);
	expect_id(in.stop_id, 3);
	tick(NULL);
	assert_int_equal(puppet.open, 3);
	assert_int_equal(puppet.at[1].ordinal, 2);
	assert_int_equal(puppet.at[1].side, side_sell);
	assert_int_equal(puppet.at[1].price, 10500);
	assert_int_equal(puppet.at[2].ordinal, 3);
	assert_int_equal(puppet.at[2].type, order_type_stop_limit);
	tick(want_bracket); /* the next one has ordinals of its own */
	assert_int_equal(puppet.ordinal, 4);
}

/* The executor tells of the target under its own id: grown, partly filled, gone. */
static void legs_are_followed_by_their_ids(void **state)
{
	(void)state;
	tick(want_bracket);
	struct event leg = st.out[0];
	leg.intent.ordinal = 2;
	memcpy(leg.intent.client_order_id, leg.intent.target_id, EVENT_NAME_MAX);
	leg.intent.qty = 300;
	leg.intent.price = 10500;
	stage_answer(&st, &leg, order_status_waiting, 0);
	stage_answer(&st, &leg, order_status_partial, 100);
	tick(NULL);
	assert_int_equal(puppet.open, 3);
	assert_int_equal(puppet.at[1].qty, 300);
	assert_int_equal(puppet.at[1].filled, 100);
	stage_answer(&st, &leg, order_status_cancelled, 100);
	tick(NULL);
	assert_int_equal(puppet.open, 2);
	assert_int_equal(puppet.at[1].ordinal, 3);
}

static void change_all(struct strategy_ctx *ctx)
{
	struct strategy_change to = {.qty = 200, .price = 9850, .reason = "nearer"};
	assert_int_equal(strategy_replace(ctx, 9, &to), ERR_NOT_FOUND);
	assert_int_equal(strategy_replace(ctx, 1, &(struct strategy_change){0}), ERR_ARG);
	assert_int_equal(strategy_replace(ctx, 1, &(struct strategy_change){.qty = -1}), ERR_ARG);
	puppet.rc = strategy_replace(ctx, 1, &to);
}

static void give_up(struct strategy_ctx *ctx)
{
	puppet.rc = strategy_cancel_all(ctx, cancel_scope_strategy, "enough");
}

static void orders_are_replaced_and_cancelled_together(void **state)
{
	(void)state;
	tick(want_bracket);
	tick(change_all);
	assert_int_equal(puppet.rc, 0);
	assert_int_equal(st.n, 1);
	assert_int_equal(st.out[0].intent.kind, intent_kind_replace);
	assert_int_equal(st.out[0].intent.ordinal, 4);
	assert_int_equal(st.out[0].intent.price, 9850);
	assert_int_equal(st.out[0].intent.qty, 200);
	assert_int_equal(st.out[0].intent.trigger_price, 0);
	expect_id(st.out[0].intent.client_order_id, 1);
	/* Refused: the answer bears the replacement's ordinal, the order lives on. */
	stage_answer(&st, &st.out[0], order_status_rejected, 0);
	tick(give_up);
	assert_int_equal(st.out[0].intent.kind, intent_kind_cancel_all);
	assert_int_equal(st.out[0].intent.scope, cancel_scope_strategy);
	assert_string_equal(st.out[0].intent.instrument.s, "ONE.TEST");
	assert_string_equal(st.out[0].intent.client_order_id, "");
	tick(NULL);
	assert_int_equal(puppet.open, 3);
	assert_true(puppet.at[0].cancelling && puppet.at[1].cancelling && puppet.at[2].cancelling);
}

static void want_nonsense(struct strategy_ctx *ctx)
{
	static const struct strategy_wish wrong[] = {
		{.side = side_buy, .type = order_type_market},
		{.side = side_buy, .type = order_type_market, .qty = 1, .amount = 1},
		{.side = side_buy, .type = order_type_market, .qty = 1, .price = 1},
		{.side = side_buy, .type = order_type_limit, .qty = 1},
		{.side = side_buy, .type = order_type_stop_market, .qty = 1, .trigger = -1},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(strategy_order(ctx, &wrong[i], NULL), ERR_ARG);
	struct strategy_wish w = {.side = side_buy, .type = order_type_trailing_stop, .qty = 1, .trail_bp = 50};
	for (uint32_t i = 0; i < STRATEGY_ORDERS_MAX - 2; i++)
		assert_int_equal(strategy_order(ctx, &w, NULL), 0);
	want_bracket(ctx); /* there is room for two, and it brings three */
}

static void nonsense_and_too_many_are_refused_here(void **state)
{
	(void)state;
	tick(want_nonsense);
	assert_int_equal(puppet.rc, ERR_FULL);
	assert_int_equal(st.n, STRATEGY_ORDERS_MAX - 2);
	assert_int_equal(st.out[0].intent.tif, tif_gtc);
	assert_int_equal(st.out[0].intent.trail_bp, 50);
}

static void spend(struct strategy_ctx *ctx)
{
	struct strategy_wish w = {.side = side_buy, .type = order_type_market, .amount = 12345678};
	puppet.rc = strategy_order(ctx, &w, NULL);
}

static void an_amount_has_its_scale(void **state)
{
	(void)state;
	tick(spend);
	assert_int_equal(puppet.rc, 0);
	assert_int_equal(st.out[0].intent.amount, 12345678);
	assert_int_equal(st.out[0].intent.cash_scale, 8);
	assert_int_equal(st.out[0].intent.tif, tif_ioc);
}

/* Our own journal alone: the ordinals of the legs are used up, and the legs are open. */
static void the_journal_brings_the_legs_back(void **state)
{
	(void)state;
	struct strategy_core_settings s;
	tick(want_bracket);
	struct event intent = st.out[0];
	stage_close(&st);
	strategy_core_defaults(&s);
	stage_seat(&s, "p", &puppet_strategy);
	stage_open(&st, &s);
	strategy_core.on_own(st.core, &intent);
	stage_book(&st);
	tick(want_bracket);
	assert_int_equal(puppet.open, 3);
	assert_int_equal(puppet.ordinal, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_bracket_is_one_intent_and_three_orders, open_stage, close_stage),
		cmocka_unit_test_setup_teardown(legs_are_followed_by_their_ids, open_stage, close_stage),
		cmocka_unit_test_setup_teardown(orders_are_replaced_and_cancelled_together, open_stage, close_stage),
		cmocka_unit_test_setup_teardown(nonsense_and_too_many_are_refused_here, open_stage, close_stage),
		cmocka_unit_test_setup_teardown(an_amount_has_its_scale, open_stage, close_stage),
		cmocka_unit_test_setup_teardown(the_journal_brings_the_legs_back, open_stage, close_stage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
