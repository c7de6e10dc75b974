/* test_margin - rows of margin: the tiers as the venues publish them, and what is no row. */
#include "desk.h"
#include "services/executor/margin.h"

/* The venue's own figures: BTCUSDT's maintenance amounts follow from its tiers. */
static void tiers_as_published(void **state)
{
	(void)state;
	static const int64_t amounts[] = {0,	   50,	    1300,    16300,    266300,
					  1266300, 2516300, 5016300, 25016300, 100016300};
	struct margin_table t = {0};
	char reason[EVENT_TEXT_MAX];
	struct symbol btc = desk_symbol("BTCUSDT-PERP.BINANCE"), eth = desk_symbol("ETHUSDT-PERP.BYBIT");
	assert_int_equal(margin_parse(&t, MARGIN_DEFAULT, reason, sizeof(reason)), 0);
	const struct margin *m = margin_find(&t, &btc);
	assert_int_equal(m->n, ARRAY_LEN(amounts));
	for (uint32_t i = 0; i < m->n; i++)
		assert_int_equal(m->tier[i].amount, CASH(amounts[i]));
	/* 150,000: 0.5 % less 50 */
	assert_int_equal(margin_maintenance(m, CASH(150000)), CASH(700));
	assert_int_equal(margin_maintenance(m, CASH(50000)), CASH(200));
	assert_int_equal(margin_reach(m), CASH(50000000));
	assert_int_equal(margin_find(&t, &eth)->n, 6);
	/* (wallet + amount - quantity * entry) / (quantity * rate - quantity): 10 at 10,000 with 2,000 is in tier 2 */
	struct margined p = {.qty = 10000, .qty_scale = 3, .cost = CASH(100000), .balance = CASH(2000)};
	assert_int_equal(margin_liquidation_price(m, &p, 2), 984422);
	/* A lock never falls short of what the position will need. */
	struct margin three = {.leverage = 3};
	assert_int_equal(margin_initial(&three, 10), 3);
	assert_int_equal(margin_initial_up(&three, 10), 4);
	assert_int_equal(margin_initial_up(&three, 9), 3);
	p.qty = -p.qty;
	p.cost = -p.cost;
	assert_int_equal(margin_liquidation_price(m, &p, 2), 1015423);
}

static void rows_that_are_none(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"PERP", "PERP both 5 0 *:0.1:5", "PERP cross 0 0 *:0.1:5", "PERP cross 5 2 *:0.1:5",
		"PERP cross 5 0 100:0.1:5", "PERP cross 5 0 *:0.1:4", "PERP cross 5 0 *:0.2:5",
		"PERP cross 5 0 100:0.1:5 50:0.1:5 *:0.1:5", "PERP cross 5 0 100:0.1:5 *:0.05:5",
		"PERP cross 5 0 100:0.1:5 *:0.1:6", "PERP cross 5 0 100:0.1 *:0.1:5", "PERP cross 5 0 *:0.1:5 *:0.1:5",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct margin_table t = {0};
		char reason[EVENT_TEXT_MAX] = "";
		assert_int_equal(margin_parse(&t, rows[i], reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, "PERP"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiers_as_published),
		cmocka_unit_test(rows_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
