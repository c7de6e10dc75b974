/* test_event - event contracts: both outcomes of one instrument, pairs of two, what settlement pays. */
#include "desk.h"

static int64_t cash(const char *text)
{
	int64_t value;
	assert_int_equal(fixed_parse(text, strlen(text), 8, &value), 0);
	return value;
}

static struct event contract(const char *symbol, const char *base, const char *complement)
{
	struct event ev = desk_definition(symbol, base);
	ev.instrument.kind = instrument_kind_event;
	ev.instrument.notional_min = ev.instrument.price_min = ev.instrument.price_max = 0;
	ev.instrument.qty_min = 1;
	if (complement)
		ev.instrument.complement = desk_symbol(complement);
	return ev;
}

/* 0.40 x 100 | 0.42 x 100 */
static void show_book(struct desk *d, const char *symbol, int64_t bid, int64_t ask)
{
	struct level bids[] = {{bid, 100000}}, asks[] = {{ask, 100000}};
	struct event ev;
	event_init(&ev, EVENT_book_snapshot);
	ev.book_snapshot.instrument = desk_symbol(symbol);
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){bids, 1};
	ev.book_snapshot.asks = (struct levels){asks, 1};
	desk_feed(d, &ev);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = desk_symbol(symbol);
	ev.book_state.state = book_state_trusted;
	desk_feed(d, &ev);
}

/* 1,000 USDT, no fees, ONE.TEST with both outcomes. */
static void open_desk(struct desk *d)
{
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 0;
	desk_open(d, &s);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	desk_feed(d, &def);
	show_book(d, "ONE.TEST", 40, 42);
	desk_clear(d);
}

static void settle(struct desk *d, const char *symbol, const char *base, enum settlement how, int64_t pays)
{
	struct event def = contract(symbol, base, NULL);
	def.instrument.trading = false;
	def.instrument.settlement = (uint8_t)how;
	def.instrument.pays = pays;
	desk_clear(d);
	desk_feed(d, &def);
}

static void expect_position(const struct desk *d, int64_t qty, const char *realised)
{
	const struct event *p = desk_last(d, EVENT_position);
	assert_non_null(p);
	assert_int_equal(p->position.qty, qty);
	assert_int_equal(p->position.realised, cash(realised));
}

/* Sells 10 of nothing: 10 NO for 0.60. Buys 4 back: 4 NO for 0.58. Buys 10 more than the 6 NO that are left: pays for
 * all of them, and 6 pairs are worth 6. */
static void both_outcomes_net(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	desk_order(&d, side_sell, tif_ioc, 0, 10000);
	desk_expect_fill(&d, 0, 40, 10000, 0);
	desk_expect_balance(&d, "USDT", CASH(994), 0);
	desk_expect_balance(&d, "!ONE", CASH(10), 0);
	desk_expect_balance(&d, "ONE", 0, 0);
	expect_position(&d, -10000, "0");
	desk_order(&d, side_buy, tif_ioc, 0, 4000);
	desk_expect_balance(&d, "USDT", cash("996.32"), 0);
	desk_expect_balance(&d, "!ONE", CASH(6), 0);
	expect_position(&d, -6000, "-0.08");
	desk_order(&d, side_buy, tif_ioc, 0, 10000);
	desk_expect_balance(&d, "USDT", cash("998.12"), 0);
	desk_expect_balance(&d, "!ONE", 0, 0);
	desk_expect_balance(&d, "ONE", CASH(4), 0);
	expect_position(&d, 4000, "-0.2");
	settle(&d, "ONE.TEST", "ONE", settlement_final, 100);
	desk_expect_fill(&d, 0, 100, 4000, 0);
	assert_int_equal(desk_said(&d, EVENT_fill, 0)->fill.liquidity, liquidity_settled);
	desk_expect_balance(&d, "USDT", cash("1002.12"), 0);
	desk_expect_balance(&d, "ONE", 0, 0);
	expect_position(&d, 0, "2.12"); /* all that was won: 4 x (1 - 0.42), less 0.2 */
	desk_close(&d);
}

/* Each level at its own price: 3 YES for 0.42 + 2 x 0.43, sold for 0.40 + 2 x 0.39; 3 NO for 0.60 + 2 x 0.61. */
static void takers_walk_the_levels(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	struct levels bids = LEVELS({40, 1000}, {39, 5000}), asks = LEVELS({42, 1000}, {43, 5000});
	desk_snapshot(&d, bids, asks);
	desk_order(&d, side_buy, tif_ioc, 0, 3000);
	assert_int_equal(desk_count(&d, EVENT_fill), 2);
	desk_expect_fill(&d, 0, 42, 1000, 0);
	desk_expect_fill(&d, 1, 43, 2000, 0);
	desk_expect_balance(&d, "USDT", cash("998.72"), 0);
	desk_order(&d, side_sell, tif_ioc, 0, 3000);
	desk_expect_fill(&d, 0, 40, 1000, 0);
	desk_expect_fill(&d, 1, 39, 2000, 0);
	desk_expect_balance(&d, "USDT", cash("999.9"), 0);
	expect_position(&d, 0, "-0.1");
	desk_close(&d);
	open_desk(&d);
	desk_snapshot(&d, bids, asks);
	desk_order(&d, side_sell, tif_ioc, 0, 3000);
	desk_expect_fill(&d, 0, 40, 1000, 0);
	desk_expect_fill(&d, 1, 39, 2000, 0);
	desk_expect_balance(&d, "USDT", cash("998.18"), 0);
	desk_expect_balance(&d, "!ONE", CASH(3), 0);
	desk_close(&d);
}

/* 5 NO for 0.60 each: 3 is paid; each is worth what YES is not. */
static void shorts_are_paid_the_rest(void **state)
{
	(void)state;
	static const struct {
		enum settlement how;
		int64_t pays;
		const char *cash, *realised;
	} rows[] = {
		{settlement_final, 0, "1002", "2"},
		{settlement_final, 100, "997", "-3"},
		{settlement_final, 50, "999.5", "-0.5"},
		{settlement_void, 0, "1000", "0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct desk d;
		open_desk(&d);
		desk_order(&d, side_sell, tif_ioc, 0, 5000);
		desk_expect_balance(&d, "USDT", CASH(997), 0);
		settle(&d, "ONE.TEST", "ONE", rows[i].how, rows[i].pays);
		desk_expect_balance(&d, "USDT", cash(rows[i].cash), 0);
		desk_expect_balance(&d, "!ONE", 0, 0);
		expect_position(&d, 0, rows[i].realised);
		desk_close(&d);
	}
}

static void a_closed_market_is_not_settled(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	desk_order(&d, side_buy, tif_gtc, 30, 5000);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	def.instrument.trading = false;
	desk_clear(&d);
	desk_feed(&d, &def);
	assert_int_equal(d.n, 0);
	desk_order(&d, side_sell, tif_ioc, 0, 5000);
	desk_expect_order(&d, order_status_rejected, reject_not_trading, 0);
	/* What rests goes when the outcome is known, and what it locked is free again. */
	settle(&d, "ONE.TEST", "ONE", settlement_final, 100);
	desk_expect_order(&d, order_status_cancelled, reject_not_trading, 0);
	desk_expect_balance(&d, "USDT", cash("1002.9"), 0);
	/* Once only, whatever is said again. */
	settle(&d, "ONE.TEST", "ONE", settlement_final, 0);
	assert_int_equal(d.n, 0);
	desk_close(&d);
}

/* A resting order's leg and lock: a sale of what is held locks that, one of more locks one less the price. */
static void locks_are_those_of_the_leg(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	desk_order(&d, side_sell, tif_gtc, 60, 5000);
	desk_expect_balance(&d, "ONE", CASH(5), CASH(5));
	desk_order(&d, side_sell, tif_gtc, 70, 5000);
	desk_expect_balance(&d, "USDT", cash("997.9"), cash("1.5"));
	/* Both fill: 5 YES go for 0.70, and 5 NO come for 0.30. */
	desk_clear(&d);
	desk_trade(&d, side_buy, 75, 10000);
	desk_expect_balance(&d, "USDT", cash("999.4"), 0);
	desk_expect_balance(&d, "!ONE", CASH(5), 0);
	expect_position(&d, -5000, "0.9");
	/* What is held of NO is locked by a purchase that closes it. */
	desk_order(&d, side_buy, tif_gtc, 20, 5000);
	desk_expect_balance(&d, "!ONE", CASH(5), CASH(5));
	desk_cancel(&d, d.ordinal);
	desk_expect_balance(&d, "!ONE", CASH(5), 0);
	desk_close(&d);
}

static void prices_stay_below_one(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	desk_order(&d, side_buy, tif_gtc, 100, 5000);
	desk_expect_order(&d, order_status_rejected, reject_price_range, 0);
	desk_order(&d, side_sell, tif_gtc, 99, 5000);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	/* Two bids at 1: a sale that opens would cost nothing. */
	show_book(&d, "ONE.TEST", 100, 101);
	desk_order(&d, side_sell, tif_ioc, 0, 5000);
	desk_expect_order(&d, order_status_rejected, reject_depth, 0);
	desk_close(&d);
}

/* A finer or coarser grid: what rests stays, new orders are held to it. */
static void a_tick_may_change_under_an_order(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	desk_order(&d, side_buy, tif_gtc, 31, 5000);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	def.instrument.tick_size = 10;
	desk_clear(&d);
	desk_feed(&d, &def);
	assert_int_equal(d.n, 0);
	desk_order(&d, side_buy, tif_gtc, 31, 5000);
	desk_expect_order(&d, order_status_rejected, reject_tick_size, 0);
	desk_clear(&d);
	desk_trade(&d, side_sell, 31, 5000);
	desk_expect_order(&d, order_status_filled, reject_none, 5000);
	desk_close(&d);
}

static void buy(struct desk *d, const char *strategy, const char *symbol, int64_t qty)
{
	struct event ev = desk_intent(d, side_buy, tif_ioc, 0, qty);
	ev.intent.instrument = desk_symbol(symbol);
	event_set_name(ev.intent.strategy, strategy);
	snprintf(ev.intent.client_order_id, EVENT_NAME_MAX, "%s%llu", strategy, (unsigned long long)d->ordinal);
	desk_clear(d);
	desk_feed(d, &ev);
}

/* 5 of one outcome for 0.42, 8 of the other for 0.55, by the same strategy: 5 pairs are worth 5. */
static void a_complete_set_is_merged(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	struct event up = contract("UP.TEST", "UP", "DOWN.TEST"), down = contract("DOWN.TEST", "DOWN", "UP.TEST");
	desk_feed(&d, &up);
	desk_feed(&d, &down);
	show_book(&d, "UP.TEST", 40, 42);
	show_book(&d, "DOWN.TEST", 50, 55);
	buy(&d, "a", "UP.TEST", 5000);
	buy(&d, "b", "DOWN.TEST", 8000);
	desk_expect_balance(&d, "USDT", cash("993.5"), 0); /* another's: no pair */
	desk_expect_balance(&d, "DOWN", CASH(8), 0);
	buy(&d, "a", "DOWN.TEST", 8000);
	desk_expect_fill(&d, 0, 55, 8000, 0);
	desk_expect_fill(&d, 1, 55, 5000, 0);
	desk_expect_fill(&d, 2, 45, 5000, 0);
	desk_expect_balance(&d, "USDT", cash("994.1"), 0); /* 993.5 - 4.4 + 5 */
	desk_expect_balance(&d, "UP", 0, 0);
	desk_expect_balance(&d, "DOWN", CASH(11), 0);
	/* The rest of it pays when the outcome is known. No pair: it cannot be sold short. */
	settle(&d, "UP.TEST", "UP", settlement_final, 0);
	up = contract("DOWN.TEST", "DOWN", "UP.TEST");
	up.instrument.settlement = settlement_final;
	up.instrument.pays = 100;
	desk_clear(&d);
	desk_feed(&d, &up);
	desk_expect_balance(&d, "USDT", cash("1005.1"), 0);
	assert_int_equal(desk_count(&d, EVENT_fill), 2);
	desk_close(&d);
}

static void a_token_of_a_pair_is_not_sold_short(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	struct event up = contract("ONE.TEST", "ONE", "DOWN.TEST");
	desk_feed(&d, &up);
	desk_order(&d, side_sell, tif_ioc, 0, 1000);
	desk_expect_order(&d, order_status_rejected, reject_balance, 0);
	desk_close(&d);
}

/* Strategies that hold opposite sides: the account holds nothing, and each is told what it came to. */
static void opposite_strategies_are_settled_each(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	buy(&d, "a", "ONE.TEST", 5000);
	desk_order(&d, side_sell, tif_ioc, 0, 5000);
	desk_expect_balance(&d, "ONE", 0, 0);
	settle(&d, "ONE.TEST", "ONE", settlement_final, 100);
	assert_int_equal(desk_count(&d, EVENT_fill), 2);
	desk_expect_balance(&d, "USDT", cash("999.9"), 0);
	desk_close(&d);
}

static void resolve(struct desk *d, int64_t pays, uint8_t scale)
{
	struct event ev;
	event_init(&ev, EVENT_resolution);
	ev.resolution.instrument = desk_symbol("ONE.TEST");
	ev.resolution.price_scale = scale;
	ev.resolution.pays = pays;
	desk_clear(d);
	desk_feed(d, &ev);
}

/* The `resolution` event settles as the description does; one that makes no sense is counted, and settles nothing. */
static void a_resolution_settles(void **state)
{
	(void)state;
	struct desk d;
	open_desk(&d);
	desk_order(&d, side_buy, tif_ioc, 0, 5000);
	resolve(&d, 101, 2);
	resolve(&d, -1, 2);
	resolve(&d, 9999, 4);
	assert_int_equal(d.n, 0);
	assert_int_equal(executor_counters(d.x)->bad_instruments, 3);
	resolve(&d, 10000, 4);
	desk_expect_balance(&d, "USDT", cash("1002.9"), 0);
	settle(&d, "ONE.TEST", "ONE", settlement_final, 100);
	assert_int_equal(d.n, 0);
	desk_close(&d);
}

/* Orders of both legs rest; put down and taken up, the next events bring the same bytes. Our own journal alone brings
 * the same money. */
static void both_legs_survive(void **state)
{
	(void)state;
	struct desk d;
	struct buf saved, again;
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 0;
	open_desk(&d);
	struct event *said = calloc(DESK_OUT_MAX, sizeof(*said));
	uint32_t n = 0;
	assert_non_null(said);
	buf_init(&saved, 1 << 24);
	buf_init(&again, 1 << 24);
	static const struct {
		enum side side;
		int64_t price, qty;
	} orders[] = {{side_sell, 0, 7000}, {side_buy, 20, 3000}, {side_sell, 90, 2000}, {side_buy, 10, 1000}};
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		desk_order(&d, orders[i].side, orders[i].price ? tif_gtc : tif_ioc, orders[i].price, orders[i].qty);
		memcpy(said + n, d.out, d.n * sizeof(*said));
		n += d.n;
	}
	assert_int_equal(executor_core.save(d.x, &saved), 0);
	struct executor *y;
	assert_int_equal(executor_new(&s, &y), 0);
	assert_int_equal(executor_core.load(y, saved.at, saved.len), 0);
	assert_int_equal(executor_core.save(y, &again), 0);
	assert_int_equal(again.len, saved.len);
	assert_memory_equal(again.at, saved.at, saved.len);
	executor_free(y);
	desk_clear(&d);
	desk_trade(&d, side_sell, 15, 3000);
	desk_expect_balance(&d, "!ONE", CASH(4), CASH(1));
	desk_expect_balance(&d, "USDT", cash("998.2"), cash("0.2")); /* 1000 - 4.2 + 3 x 0.80 */
	free(said);
	buf_fini(&saved);
	buf_fini(&again);
	desk_close(&d);
}

/* What `which` is refused or let through: of 100 at market, bid 0.04 and asked for at 0.05. */
static void order_under(enum limit which, int64_t most, enum side side, enum reject reject)
{
	struct desk d;
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 0;
	s.limit[which] = most;
	desk_open(&d, &s);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	desk_feed(&d, &def);
	show_book(&d, "ONE.TEST", 4, 5);
	desk_order(&d, side, tif_ioc, 0, 100000);
	bool passes = reject == reject_none;
	desk_expect_order(&d, passes ? order_status_filled : order_status_rejected, reject, passes ? 100000 : 0);
	if (passes && side == side_sell)
		desk_expect_balance(&d, "USDT", CASH(1000 - 96), 0);
	desk_close(&d);
}

/* 100 YES at 0.05 are worth 5; 100 NO, which is what a sale of nothing buys, 96 at 0.04. */
static void limits_count_what_is_bought(void **state)
{
	(void)state;
	static const struct {
		enum limit limit;
		enum reject reject;
	} rows[] = {
		{LIMIT_ORDER_NOTIONAL, reject_risk_notional},
		{LIMIT_POSITION_NOTIONAL, reject_risk_position},
		{LIMIT_GROSS, reject_risk_gross},
		{LIMIT_NET, reject_risk_net},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		order_under(rows[i].limit, CASH(50), side_sell, rows[i].reject);
		order_under(rows[i].limit, CASH(96) - 1, side_sell, rows[i].reject);
		order_under(rows[i].limit, CASH(96), side_sell, reject_none);
		order_under(rows[i].limit, CASH(5) - 1, side_buy, rows[i].reject);
		order_under(rows[i].limit, CASH(5), side_buy, reject_none);
	}
}

/* Its share of 1,000. */
static void a_budget_counts_what_is_bought(void **state)
{
	(void)state;
	static const char *const shares[] = {"s=0.0959", "s=0.096"};
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		struct desk d;
		char why[EVENT_TEXT_MAX];
		struct executor_settings s = desk_settings();
		s.maker_fee = s.taker_fee = 0;
		s.allocation = (struct allocation_settings){
			.method = allocation_method_fixed, .every_ns = 3600 * S, .window = 3, .leverage = 1};
		assert_int_equal(allocation_parse(&s.allocation, shares[i], why, sizeof(why)), 0);
		desk_open(&d, &s);
		struct event def = contract("ONE.TEST", "ONE", NULL);
		desk_feed(&d, &def);
		show_book(&d, "ONE.TEST", 4, 5);
		desk_order(&d, side_sell, tif_ioc, 0, 100000);
		desk_expect_order(&d, i ? order_status_filled : order_status_rejected,
				  i ? reject_none : reject_risk_budget, i ? 100000 : 0);
		desk_close(&d);
	}
}

/* With 60 YES a sale of 100 leaves 40 NO: the smaller end by amount, the larger by worth (38.40 at 0.04; 60 YES are
 * 2.70 at the mid). 39.98 are worth 38.38, but 39.18 where the order may go down to 0.02. */
static void the_larger_end_is_that_of_more_worth(void **state)
{
	(void)state;
	struct desk d;
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 0;
	s.limit[LIMIT_GROSS] = cash("38.39");
	desk_open(&d, &s);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	desk_feed(&d, &def);
	show_book(&d, "ONE.TEST", 4, 5);
	desk_order(&d, side_buy, tif_ioc, 0, 60000);
	desk_expect_order(&d, order_status_filled, reject_none, 60000);
	desk_order(&d, side_sell, tif_ioc, 0, 100000);
	desk_expect_order(&d, order_status_rejected, reject_risk_gross, 0);
	desk_order(&d, side_sell, tif_ioc, 2, 99980);
	desk_expect_order(&d, order_status_rejected, reject_risk_gross, 0);
	desk_order(&d, side_sell, tif_ioc, 0, 99980);
	desk_expect_order(&d, order_status_filled, reject_none, 99980);
	desk_close(&d);
}

/* 100 NO are 59 at the mid, whatever a purchase of YES may go down to: 160 YES beyond them are 65.60, 158 are 64.78. */
static void an_end_is_not_hidden_by_the_other(void **state)
{
	(void)state;
	struct desk d;
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 0;
	s.limit[LIMIT_GROSS] = CASH(65);
	desk_open(&d, &s);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	desk_feed(&d, &def);
	show_book(&d, "ONE.TEST", 40, 42);
	desk_order(&d, side_sell, tif_ioc, 0, 100000);
	desk_expect_order(&d, order_status_filled, reject_none, 100000);
	desk_order(&d, side_buy, tif_gtc, 5, 260000);
	desk_expect_order(&d, order_status_rejected, reject_risk_gross, 0);
	desk_order(&d, side_buy, tif_gtc, 5, 258000);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	desk_close(&d);
}

/* 100 YES for 5 can be sold at 0.04 where an order may be worth 5: nothing is bought. */
static void a_way_out_is_worth_what_it_brings(void **state)
{
	(void)state;
	struct desk d;
	struct executor_settings s = desk_settings();
	s.maker_fee = s.taker_fee = 0;
	s.limit[LIMIT_ORDER_NOTIONAL] = CASH(5);
	desk_open(&d, &s);
	struct event def = contract("ONE.TEST", "ONE", NULL);
	desk_feed(&d, &def);
	show_book(&d, "ONE.TEST", 4, 5);
	desk_order(&d, side_buy, tif_ioc, 0, 100000);
	desk_order(&d, side_sell, tif_ioc, 0, 100000);
	desk_expect_order(&d, order_status_filled, reject_none, 100000);
	desk_expect_balance(&d, "USDT", CASH(999), 0);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_outcomes_net),
		cmocka_unit_test(takers_walk_the_levels),
		cmocka_unit_test(shorts_are_paid_the_rest),
		cmocka_unit_test(a_closed_market_is_not_settled),
		cmocka_unit_test(locks_are_those_of_the_leg),
		cmocka_unit_test(prices_stay_below_one),
		cmocka_unit_test(a_tick_may_change_under_an_order),
		cmocka_unit_test(a_complete_set_is_merged),
		cmocka_unit_test(a_token_of_a_pair_is_not_sold_short),
		cmocka_unit_test(opposite_strategies_are_settled_each),
		cmocka_unit_test(a_resolution_settles),
		cmocka_unit_test(both_legs_survive),
		cmocka_unit_test(limits_count_what_is_bought),
		cmocka_unit_test(a_budget_counts_what_is_bought),
		cmocka_unit_test(the_larger_end_is_that_of_more_worth),
		cmocka_unit_test(an_end_is_not_hidden_by_the_other),
		cmocka_unit_test(a_way_out_is_worth_what_it_brings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
