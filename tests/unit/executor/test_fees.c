/* test_fees - fee models against the examples that the venues publish. */
#include "desk.h"

#include "services/executor/fees.h"

/* "0.055" at CASH_SCALE */
static int64_t cash(const char *text)
{
	int64_t value;
	assert_int_equal(fixed_parse(text, strlen(text), CASH_SCALE, &value), 0);
	return value;
}

struct fill_example {
	const char *net, *carry;
};

/* docs.kalshi.com, "Fee Rounding", worked examples: three fills of one order each. Its trade fees of 0.0085 and 0.0041
 * are of other rates than the schedule's 0.07; these here give them. The last is the page's later example. */
static void kalshi_rounds_as_its_examples(void **state)
{
	(void)state;
	static const struct {
		struct rated what;
		int64_t rate;
		struct fill_example fill[3];
	} orders[] = {
		{{550, 100, 4, 2}, 16300000, {{"0.0150", "0.0065"}, {"0.0050", "0.0030"}, {"0.0150", "0.0095"}}},
		{{50, 30, 2, 2}, 5400000, {{"0.0100", "0.0059"}, {"0.0000", "0.0018"}, {"0.0100", "0.0077"}}},
		{{3301, 3, 4, 2},
		 7000000,
		 {{"0.010097", "0.009597"}, {"0.000097", "0.009194"}, {"0.000097", "0.008791"}}},
		{{550, 100, 4, 2}, 7000000, {{"0.0050", "0.0013"}, {"0.0050", "0.0026"}, {"0.0050", "0.0039"}}},
	};
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		const struct fees f = {.taker = orders[i].rate, .model = FEE_KALSHI};
		struct deal d = {.what = orders[i].what, .side = side_buy, .liquidity = liquidity_taker};
		assert_int_equal(money_cost(d.what, &d.cost), 0);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(fees_of(&f, &d), 0);
			assert_int_equal(d.fee, cash(orders[i].fill[k].net));
			assert_int_equal(d.carry, cash(orders[i].fill[k].carry));
			assert_int_equal((d.cost + d.fee) % CENT, 0); /* whole cents leave the balance */
		}
	}
}

/* The schedule's table of general fees for 100 contracts (kalshi.com/docs/kalshi-fee-schedule.pdf). */
static void kalshi_charges_as_its_table(void **state)
{
	(void)state;
	static const struct {
		int64_t price;
		const char *fee;
	} rows[] = {{1, "0.07"}, {5, "0.34"}, {10, "0.63"}, {15, "0.90"}, {20, "1.12"}, {25, "1.32"}, {30, "1.47"},
		    {35, "1.60"}, {40, "1.68"}, {45, "1.74"}, {50, "1.75"}, {55, "1.74"}, {95, "0.34"}, {99, "0.07"}};
	const struct fees f = {.taker = 7000000, .model = FEE_KALSHI};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deal d = {
			.what = {rows[i].price, 100, 2, 0}, .side = side_buy, .liquidity = liquidity_taker};
		assert_int_equal(money_cost(d.what, &d.cost), 0);
		assert_int_equal(fees_of(&f, &d), 0);
		assert_int_equal(d.fee, cash(rows[i].fee));
	}
}

/* docs.polymarket.com, "Fees": what 100 shares cost, in cents, for the rates of crypto, sports and politics. */
static void polymarket_charges_as_its_tables(void **state)
{
	(void)state;
	static const int prices[] = {1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 99};
	static const struct {
		int64_t rate;
		int cents[21];
	} tables[] = {
		{7000000, {7,   33,  63,  89,  112, 131, 147, 159, 168, 173, 175,
			   173, 168, 159, 147, 131, 112, 89,  63,  33,  7}},
		{5000000, {5,   24,  45,  64,  80, 94, 105, 114, 120, 124, 125,
			   124, 120, 114, 105, 94, 80, 64,  45,  24,  5}},
		{4000000, {4, 19, 36, 51, 64, 75, 84, 91, 96, 99, 100, 99, 96, 91, 84, 75, 64, 51, 36, 19, 4}},
	};
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		const struct fees f = {.taker = tables[t].rate, .model = FEE_POLYMARKET};
		for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
			struct deal d = {
				.what = {prices[i], 100, 2, 0}, .side = side_buy, .liquidity = liquidity_taker};
			assert_int_equal(money_cost(d.what, &d.cost), 0);
			assert_int_equal(fees_of(&f, &d), 0);
			assert_int_equal(d.fee % 1000, 0); /* five decimals */
			assert_true(llabs(d.fee - tables[t].cents[i] * CENT) <= CENT / 2);
		}
	}
}

/* Worked examples of the venues that charge a share of the amount. Where a venue takes a buyer's fee in what was
 * bought, ours is its worth in quote.
 * - Binance spot, FAQ "What is Binance Spot Trading Fee and How to Calculate": 10 ETH at 3,452.55 at 0.1%: 34.5255 USDT
 *   of the seller, 0.01 ETH of the buyer.
 * - Binance spot API, faqs/commission_faq.md: 0.49975 sold at 35,000 at market, rates of 0.0000006 in all: 0.01049475.
 * - Binance futures, FAQ "Binance Futures Fee Structure & Fee Calculations", USD-M: 1 BTC bought at market at 10,104 at
 *   0.05%: 5.052; sold by a limit order at 11,104 at 0.02%: 2.2208.
 * - Bybit spot, help center (article 000001175), at 0.1%: 0.5 BTC at 40,000: 20 USDT of the seller, 0.0005 BTC of the
 *   buyer.
 * - Bybit perpetuals, at the rates of its help center ("Perpetual & Futures Contract: Fees Explained"), 0.055% and
 *   0.02%, quantity times price times rate: 10 BTC at 8,000: 44 of the taker, 16 of the maker. */
static const struct {
	const char *table, *symbol;
	struct rated what;
	uint8_t side, liquidity;
	const char *fee;
} share_examples[] = {
	{"BINANCE 0.001 0.001", "ETHUSDT.BINANCE", {345255, 10, 2, 0}, side_sell, liquidity_taker, "34.5255"},
	{"BINANCE 0.001 0.001", "ETHUSDT.BINANCE", {345255, 10, 2, 0}, side_buy, liquidity_taker, "34.5255"},
	{"BINANCE 0 0.0000006", "BTCUSDT.BINANCE", {35000, 49975, 0, 5}, side_sell, liquidity_taker, "0.01049475"},
	{"BINANCE-PERP 0.0002 0.0005", "BTCUSDT-PERP.BINANCE", {10104, 1, 0, 0}, side_buy, liquidity_taker, "5.052"},
	{"BINANCE-PERP 0.0002 0.0005", "BTCUSDT-PERP.BINANCE", {11104, 1, 0, 0}, side_sell, liquidity_maker, "2.2208"},
	{"BYBIT 0.001 0.001", "BTCUSDT.BYBIT", {40000, 5, 0, 1}, side_sell, liquidity_maker, "20"},
	{"BYBIT 0.001 0.001", "BTCUSDT.BYBIT", {40000, 5, 0, 1}, side_buy, liquidity_taker, "20"},
	{"BYBIT-PERP 0.0002 0.00055", "BTCUSDT-PERP.BYBIT", {8000, 10, 0, 0}, side_buy, liquidity_taker, "44"},
	{"BYBIT-PERP 0.0002 0.00055", "BTCUSDT-PERP.BYBIT", {8000, 10, 0, 0}, side_sell, liquidity_maker, "16"},
};

static void shares_are_charged_as_the_venues_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(share_examples); i++) {
		static struct fee_table t;
		char reason[200];
		struct symbol s = desk_symbol(share_examples[i].symbol);
		struct deal d = {.what = share_examples[i].what,
				 .side = share_examples[i].side,
				 .liquidity = share_examples[i].liquidity};
		t = (struct fee_table){.rest = {.maker = 1, .taker = 2}};
		assert_int_equal(fees_parse(&t, share_examples[i].table, reason, sizeof(reason)), 0);
		assert_int_equal(money_cost(d.what, &d.cost), 0);
		assert_int_equal(fees_of(fees_find(&t, &s), &d), 0);
		assert_int_equal(d.fee, cash(share_examples[i].fee));
	}
}

static void polymarket_rounds_to_five_decimals(void **state)
{
	(void)state;
	const struct fees f = {.taker = 7000000, .model = FEE_POLYMARKET};
	/* 0.07 * 0.01 * 0.0099 = 0.00000693; 0.00000077 of a hundredth; 0.5 * 0.5 * 0.07 * 1.23 = 0.021525. */
	static const struct {
		struct rated what;
		const char *fee;
	} rows[] = {{{1, 1, 2, 2}, "0.00001"}, {{1, 1, 3, 2}, "0"}, {{5, 123, 1, 2}, "0.02153"}, {{100, 5, 2, 0}, "0"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deal d = {.what = rows[i].what, .side = side_buy, .liquidity = liquidity_taker};
		assert_int_equal(money_cost(d.what, &d.cost), 0);
		assert_int_equal(fees_of(&f, &d), 0);
		assert_int_equal(d.fee, cash(rows[i].fee));
		d.liquidity = liquidity_maker;
		assert_int_equal(fees_of(&f, &d), 0);
		assert_int_equal(d.fee, 0);
	}
}

/* What is reserved covers any fill at the limit or better, in one go. */
static void a_reserve_covers_every_better_price(void **state)
{
	(void)state;
	for (uint8_t model = FEE_FLAT; model <= FEE_POLYMARKET; model++) {
		const struct fees f = {.maker = 1750000, .taker = 7000000, .model = model};
		for (int64_t limit = 1; limit < 1000; limit += 7) {
			struct rated worst = {limit, 333, 3, 2};
			int64_t reserve;
			assert_int_equal(fees_reserve(&f, worst, &reserve), 0);
			for (int64_t price = 1; price <= limit; price++) {
				struct deal d = {
					.what = {price, 333, 3, 2}, .side = side_buy, .liquidity = liquidity_taker};
				assert_int_equal(money_cost(d.what, &d.cost), 0);
				assert_int_equal(fees_of(&f, &d), 0);
				assert_true(d.cost + d.fee <= reserve);
			}
		}
	}
}

static void a_sale_costs_at_most_what_it_brings(void **state)
{
	(void)state;
	const struct fees f = {.taker = 7000000, .model = FEE_KALSHI};
	struct deal d = {.what = {1, 1, 3, 2}, .side = side_sell, .liquidity = liquidity_taker};
	assert_int_equal(money_cost(d.what, &d.cost), 0);
	assert_int_equal(fees_of(&f, &d), 0);
	assert_int_equal(d.fee, d.cost);
	struct deal huge = {.what = {5, INT64_MAX, 1, 0}, .side = side_buy, .liquidity = liquidity_taker};
	assert_int_equal(fees_of(&f, &huge), ERR_RANGE);
}

static struct fees found(const struct fee_table *t, const char *symbol)
{
	struct symbol s = desk_symbol(symbol);
	return *fees_find(t, &s);
}

static void a_table_is_read_and_searched(void **state)
{
	(void)state;
	static struct fee_table t;
	char reason[200];
	t.rest = (struct fees){.maker = 1, .taker = 2};
	assert_int_equal(fees_parse(&t, "KALSHI 0 0.07 kalshi, BINANCE 0.0009 0.001,BINANCE-PERP 0.0002 0.0005,"
					"BTCUSDT.BINANCE 0 0", reason, sizeof(reason)), 0);
	assert_int_equal(t.n, 4);
	assert_int_equal(found(&t, "KXGOLD.KALSHI").model, FEE_KALSHI);
	assert_int_equal(found(&t, "KXGOLD.KALSHI").taker, 7000000);
	assert_int_equal(found(&t, "ETHUSDT.BINANCE").maker, 90000);
	assert_int_equal(found(&t, "ETHUSDT-PERP.BINANCE").maker, 20000);
	assert_int_equal(found(&t, "BTCUSDT.BINANCE").taker, 0);
	assert_int_equal(found(&t, "BTCUSDT.BYBIT").taker, 2);
	static const char *const wrong[] = {"BINANCE", "BINANCE 0.1", "BINANCE x 0", "BINANCE 0 0.2", "BINANCE -0.1 0",
					    "BINANCE 0 0 other", "BINANCE 0 0 flat more"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(fees_parse(&t, wrong[i], reason, sizeof(reason)), ERR_ARG);
		assert_non_null(strstr(reason, wrong[i]));
	}
}

/* The second example on an account, which is put down and taken up again between its fills: 0.16, 0.15 and 0.16 go. */
static void an_account_pays_as_the_example(void **state)
{
	(void)state;
	static struct executor_settings s;
	struct desk d;
	struct buf saved;
	char reason[200];
	s = desk_settings();
	buf_init(&saved, 1 << 24);
	assert_int_equal(fees_parse(&s.fees, "TEST 0.054 0.054 kalshi", reason, sizeof(reason)), 0);
	desk_open(&d, &s);
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.notional_min = 0;
	desk_feed(&d, &def);
	desk_snapshot(&d, (struct levels)LEVELS({40, 1000}), (struct levels)LEVELS({60, 1000}));
	desk_state(&d, book_state_trusted);
	desk_order(&d, side_buy, tif_gtc, 50, 900);
	desk_expect_balance(&d, "USDT", CASH(1000), cash("0.47")); /* 0.45 and 0.01215, up to the cent */
	static const char *const left[] = {"999.84", "999.69", "999.53"};
	for (int i = 0; i < 3; i++) {
		desk_clear(&d);
		desk_trade(&d, side_sell, 50, 300);
		const struct event *b = desk_last(&d, EVENT_balance);
		assert_non_null(b);
		assert_int_equal(b->balance.total, cash(left[i]));
		buf_clear(&saved);
		assert_int_equal(executor_core.save(d.x, &saved), 0);
		executor_free(d.x);
		assert_int_equal(executor_new(&s, &d.x), 0);
		assert_int_equal(executor_core.load(d.x, saved.at, saved.len), 0);
	}
	assert_int_equal(executor_open_orders(d.x), 0);
	buf_fini(&saved);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kalshi_rounds_as_its_examples),
		cmocka_unit_test(kalshi_charges_as_its_table),
		cmocka_unit_test(polymarket_charges_as_its_tables),
		cmocka_unit_test(shares_are_charged_as_the_venues_examples),
		cmocka_unit_test(polymarket_rounds_to_five_decimals),
		cmocka_unit_test(a_reserve_covers_every_better_price),
		cmocka_unit_test(a_sale_costs_at_most_what_it_brings),
		cmocka_unit_test(a_table_is_read_and_searched),
		cmocka_unit_test(an_account_pays_as_the_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
