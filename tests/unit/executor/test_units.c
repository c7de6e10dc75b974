/* test_units - money, account, position, mode and orders, each by itself. */
#include "desk.h"

#include "common/base/rng.h"
#include "services/executor/account.h"
#include "services/executor/mode.h"
#include "services/executor/money.h"
#include "services/executor/orders.h"
#include "services/executor/position.h"

static void money_rounds_half_to_even_and_reserves_up(void **state)
{
	(void)state;
	int64_t cash;
	assert_int_equal(money_cost((struct rated){3, 5, 4, 5}, &cash), 0); /* 15e-9 */
	assert_int_equal(cash, 2);
	assert_int_equal(money_cost((struct rated){5, 5, 4, 5}, &cash), 0); /* 25e-9: to even */
	assert_int_equal(cash, 2);
	assert_int_equal(money_reserve((struct rated){5, 5, 4, 5}, 0, &cash), 0);
	assert_int_equal(cash, 3);
	assert_int_equal(money_fee(150000000, 100000, &cash), 0);
	assert_int_equal(cash, 150000);
	assert_int_equal(money_reserve((struct rated){10000, 1000, 2, 3}, 100000, &cash), 0);
	assert_int_equal(cash, 10010 * CENT);
	assert_int_equal(money_reserve((struct rated){1, 1, 8, 8}, 1, &cash), 0);
	assert_int_equal(cash, 2); /* one unit and one for the fee */
	assert_int_equal(money_reserve((struct rated){INT64_MAX, INT64_MAX, 0, 0}, 0, &cash),
			 ERR_RANGE);
	assert_int_equal(money_reserve((struct rated){INT64_MAX, 1, 0, 0}, 0, &cash), ERR_RANGE);
	assert_int_equal(
		money_reserve((struct rated){INT64_MAX, INT64_MAX, 18, 18}, 10000000, &cash), 0);
	/* 85.07059173… and a tenth of it, each rounded up. */
	assert_int_equal(cash, 8507059174 + 850705918);
	assert_int_equal(money_add(INT64_MAX, 1, &cash), ERR_RANGE);
}

static void assets_never_go_below_what_is_locked(void **state)
{
	(void)state;
	static struct account a;
	int64_t lock = 30;
	account_init(&a, "paper", "USDT");
	struct asset *s = account_quote(&a);
	assert_int_equal(asset_receive(s, 100), 0);
	assert_int_equal(asset_lock(s, 101), ERR_REFUSED);
	assert_int_equal(asset_lock(s, 60), 0);
	assert_int_equal(asset_free(s), 40);
	/* 71 would take one unit of what another order was promised. */
	assert_int_equal(asset_pay(s, 71, &lock), ERR_REFUSED);
	assert_int_equal(lock, 30);
	assert_int_equal(s->total, 100);
	assert_int_equal(asset_pay(s, 70, &lock), 0);
	assert_int_equal(lock, 0);
	assert_int_equal(s->total, 30);
	assert_int_equal(s->locked, 30);
	assert_int_equal(asset_receive(s, INT64_MAX), ERR_RANGE);
	assert_ptr_equal(account_asset(&a, "USDT"), s);
	assert_null(account_find(&a, "BTC"));
	char name[EVENT_NAME_MAX];
	for (int i = 1; i < ACCOUNT_ASSETS_MAX; i++) {
		snprintf(name, sizeof(name), "A%d", i);
		assert_non_null(account_asset(&a, name));
	}
	assert_null(account_asset(&a, "ONE_MORE"));
}

static void expect_position(const struct position *p, int64_t qty, int64_t cost, int64_t realised)
{
	assert_int_equal(p->qty, qty);
	assert_int_equal(p->cost, cost);
	assert_int_equal(p->realised, realised);
}

static void positions_keep_average_cost(void **state)
{
	(void)state;
	struct position p = {0};
	int64_t gain = -1;
	assert_int_equal(position_apply(&p, side_buy, 3, 100, &gain), 0);
	assert_int_equal(gain, 0);
	assert_int_equal(position_apply(&p, side_sell, 1, 50, &gain), 0); /* a third of 100 is 33 */
	assert_int_equal(gain, 17);
	expect_position(&p, 2, 67, 17);
	assert_int_equal(position_apply(&p, side_buy, 2, 33, &gain), 0);
	expect_position(&p, 4, 100, 17);
	/* All of it goes, to the last unit. */
	assert_int_equal(position_apply(&p, side_sell, 4, 90, &gain), 0);
	assert_int_equal(gain, -10);
	expect_position(&p, 0, 0, 7);
}

static void positions_turn_through_zero(void **state)
{
	(void)state;
	struct position p = {0};
	int64_t gain;
	assert_int_equal(position_apply(&p, side_buy, 2, 20, &gain), 0);
	/* 2 close for 24, 3 open at 36. */
	assert_int_equal(position_apply(&p, side_sell, 5, 60, &gain), 0);
	assert_int_equal(gain, 4);
	expect_position(&p, -3, -36, 4);
	assert_int_equal(position_apply(&p, side_sell, 1, 14, &gain), 0);
	expect_position(&p, -4, -50, 4);
	assert_int_equal(position_apply(&p, side_buy, 4, 45, &gain), 0);
	assert_int_equal(gain, 5);
	expect_position(&p, 0, 0, 9);
}

static void positions_refuse_what_does_not_fit(void **state)
{
	(void)state;
	struct position p = {.qty = INT64_MAX - 1, .cost = 5};
	int64_t gain = 3;
	assert_int_equal(position_apply(&p, side_buy, 2, 1, &gain), ERR_RANGE);
	expect_position(&p, INT64_MAX - 1, 5, 0);
	p = (struct position){.qty = 1, .cost = INT64_MAX};
	assert_int_equal(position_apply(&p, side_buy, 1, 1, &gain), ERR_RANGE);
	assert_int_equal(gain, 3);
}

/* bought - sold + realised == cost at every step, whatever happens. */
static void positions_conserve(void **state)
{
	(void)state;
	struct rng rng;
	rng_seed(&rng, 7);
	struct position p = {0};
	int64_t flow = 0, gain;
	for (int i = 0; i < 200000; i++) {
		enum side side = rng_below(&rng, 2) ? side_buy : side_sell;
		int64_t held = p.qty < 0 ? -p.qty : p.qty;
		bool close = held > 0 && rng_below(&rng, 4) == 0;
		int64_t qty = close ? held : 1 + (int64_t)rng_below(&rng, 1000);
		int64_t cash = (int64_t)rng_below(&rng, 1000000);
		assert_int_equal(position_apply(&p, side, qty, cash, &gain), 0);
		flow += side == side_buy ? cash : -cash;
		assert_int_equal(flow + p.realised, p.cost);
		if (p.qty == 0)
			assert_int_equal(p.cost, 0);
	}
}

static struct ev_command command(const char *target, const char *reason, int64_t until)
{
	struct ev_command c = {.until = until};
	event_set_name(c.target, target);
	event_set_name(c.owner, "ann");
	event_set_text(c.reason, reason);
	return c;
}

static void modes_survive_a_restart(void **state)
{
	(void)state;
	static struct mode m, back;
	struct ev_command pause = command("", "lunch", 500), disk = command("disk", "full", 0);
	assert_true(mode_pause(&m, 100, &pause));
	assert_true(mode_raise(&m, &disk));
	assert_true(mode_halt(&m, "executor", "loss"));
	assert_false(mode_halt(&m, "executor", "loss"));
	struct buf b;
	buf_init(&b, 1 << 20);
	struct packer p = {.out = &b};
	mode_save(&m, &p);
	assert_int_equal(p.err, 0);
	struct unpacker u = {.at = b.at, .end = b.at + b.len};
	memset(&back, 0, sizeof(back));
	assert_int_equal(mode_load(&back, &u), 0);
	assert_memory_equal(&m, &back, sizeof(m));
	assert_int_equal(mode_state(&back), trading_halted);
	assert_true(mode_reset(&back));
	assert_int_equal(mode_reject(&back), reject_safe);
	assert_true(mode_clear(&back, "disk"));
	assert_int_equal(mode_due(&back), 500);
	assert_false(mode_expire(&back, 499));
	assert_true(mode_expire(&back, 500));
	assert_int_equal(mode_state(&back), trading_running);
	for (size_t cut = 0; cut < b.len; cut++) {
		u = (struct unpacker){.at = b.at, .end = b.at + cut};
		assert_true(mode_load(&back, &u) < 0);
	}
	buf_fini(&b);
}

static void long_reasons_are_cut_between_characters(void **state)
{
	(void)state;
	static struct mode m;
	char reason[EVENT_TEXT_MAX];
	memset(reason, 0, sizeof(reason));
	for (size_t i = 0; i + 2 < sizeof(reason); i += 2)
		memcpy(reason + i, "\xc3\xa4", 2);
	struct ev_command a = command("a", reason, 0), b = command("bb", reason, 0);
	mode_raise(&m, &a);
	mode_raise(&m, &b);
	struct ev_trading_state s = {0};
	mode_describe(&m, &s);
	size_t len = strlen(s.reason);
	assert_true(len < EVENT_TEXT_MAX && len > EVENT_TEXT_MAX - 4);
	assert_int_equal((unsigned char)s.reason[len - 1], 0xa4);
}

static void orders_stand_by_price_then_time(void **state)
{
	(void)state;
	static struct market m;
	struct orders os;
	assert_int_equal(orders_init(&os, 6), 0);
	static const int64_t prices[] = {100, 102, 101, 102, 99};
	for (uint64_t i = 0; i < 5; i++) {
		struct order o = {
			.market = &m, .side = side_buy, .price = prices[i], .qty = 1, .ordinal = i};
		assert_int_equal(orders_insert(&os, &o), 0);
	}
	struct order sell = {.market = &m, .side = side_sell, .price = 110, .qty = 1, .ordinal = 5};
	assert_int_equal(orders_insert(&os, &sell), 0);
	assert_int_equal(orders_insert(&os, &sell), ERR_FULL);
	assert_int_equal(m.resting, 6);
	static const uint64_t expected[] = {1, 3, 2, 0, 4, 5};
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(os.at[i].ordinal, expected[i]);
	orders_remove(&os, 1);
	assert_int_equal(os.at[1].ordinal, 2);
	assert_int_equal(m.resting, 5);
	orders_fini(&os);
	orders_fini(NULL);
}

static void strategies_are_remembered_up_to_a_limit(void **state)
{
	(void)state;
	struct orders os;
	char name[EVENT_NAME_MAX];
	assert_int_equal(orders_init(&os, 1), 0);
	for (int i = 0; i < ORDERS_STRATEGIES_MAX; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(orders_note(&os, name, 1, 1), 0);
	}
	assert_int_equal(orders_note(&os, "one more", 1, 1), ERR_FULL);
	assert_int_equal(orders_note(&os, "s7", 1, 1), ERR_EXISTS);
	assert_int_equal(orders_note(&os, "s7", 1, 9), 0);
	orders_fini(&os);
}

/* Ten fills of 0.1 round their fees up by more than the reserve of the whole rounded: the last one
 * cannot be paid, so it does not happen. */
static void a_rounding_never_overdraws(void **state)
{
	(void)state;
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 15;
	s.balance[0].amount = CASH(1) + 15;
	struct desk d;
	desk_open(&d, &s);
	desk_book(&d);
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.notional_min = 0;
	desk_feed(&d, &def);
	desk_order(&d, side_buy, tif_gtc, 100, 1000);
	desk_expect_balance(&d, "USDT", CASH(1) + 15, CASH(1) + 15);
	desk_clear(&d);
	for (int i = 0; i < 10; i++)
		desk_trade(&d, side_sell, 99, 100);
	assert_int_equal(desk_count(&d, EVENT_fill), 9);
	desk_expect_order(&d, order_status_cancelled, reject_balance, 900);
	desk_expect_balance(&d, "USDT", 10 * CENT - 3, 0);
	assert_int_equal(executor_counters(d.x)->refused_fills, 1);
	assert_int_equal(executor_open_orders(d.x), 0);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_rounds_half_to_even_and_reserves_up),
		cmocka_unit_test(assets_never_go_below_what_is_locked),
		cmocka_unit_test(positions_keep_average_cost),
		cmocka_unit_test(positions_turn_through_zero),
		cmocka_unit_test(positions_refuse_what_does_not_fit),
		cmocka_unit_test(positions_conserve),
		cmocka_unit_test(modes_survive_a_restart),
		cmocka_unit_test(long_reasons_are_cut_between_characters),
		cmocka_unit_test(orders_stand_by_price_then_time),
		cmocka_unit_test(strategies_are_remembered_up_to_a_limit),
		cmocka_unit_test(a_rounding_never_overdraws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
