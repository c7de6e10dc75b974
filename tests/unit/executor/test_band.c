/* test_band - ranges of ticks and the venue's price band: worked out by hand, and the mean against a slow one. */
#include "scenario.h"

#include "common/base/rng.h"
#include "services/executor/band.h"

static struct event banded(enum band_by by, uint32_t minutes)
{
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.band_by = (uint8_t)by;
	def.instrument.band_minutes = minutes;
	def.instrument.buy_above = 12000;
	def.instrument.buy_below = 8000;
	def.instrument.sell_above = 20000;
	def.instrument.sell_below = 9000;
	return def;
}

/* The lowest price that a buy may have, and that one cent less is refused. The market must be usable. */
static void lowest_buy(int64_t price)
{
	refused(wish(side_buy, order_type_limit, price - 1, 100), reject_price_band);
	struct event ev = wish(side_buy, order_type_limit, price, 100);
	give(&ev);
	assert_string_equal(enum_text(enum_reject(), d.out[0].order.reject), "none");
	assert_int_equal(d.out[0].order.status, order_status_open);
	named(intent_kind_cancel, ev.intent.ordinal, 0, 0);
}

static void wait_for_book(int64_t ns)
{
	until(d.now + ns);
	delta(side_buy, 9800, 2000);
}

/* 0.003 at 100.00 and a minute later 0.001 at 110.00: the mean is 102.50, at least 80 % of it is 82.00. Five minutes
 * after the first it is 110.00, of which 80 % are 88.00; after the second, too, there is only the last price left. */
static void a_mean_weighs_and_forgets(void **state)
{
	(void)state;
	struct event def = banded(band_by_mean, 5);
	until(1000 * S); /* a slice begins here */
	give(&def);
	delta(side_buy, 9800, 2000);
	lowest_buy(7960); /* of the mid, 99.50 */
	trade(side_buy, 10000, 3);
	lowest_buy(8000);
	wait_for_book(60 * S);
	trade(side_buy, 11000, 1);
	lowest_buy(8200);
	refused(wish(side_sell, order_type_limit, 20501, 60), reject_price_band);
	refused(wish(side_sell, order_type_limit, 9224, 60), reject_price_band); /* 92.25 */
	wait_for_book(239 * S);
	lowest_buy(8200);
	wait_for_book(1 * S);
	lowest_buy(8800);
	wait_for_book(1000 * S);
	lowest_buy(8800);
	trade(side_buy, 10000, 1);
	lowest_buy(8000);
}

static void the_last_trade_has_no_minutes(void **state)
{
	(void)state;
	struct event def = banded(band_by_last, 0);
	give(&def);
	trade(side_buy, 10000, 3);
	trade(side_buy, 11000, 1);
	lowest_buy(8800);
}

/* Told again the same, it goes on; with other minutes, or at other scales, it begins anew. */
static void announcements_keep_what_still_counts(void **state)
{
	(void)state;
	struct event def = banded(band_by_mean, 5);
	give(&def);
	trade(side_buy, 10000, 3);
	trade(side_buy, 11000, 1);
	def.instrument.buy_above = 13000;
	give(&def);
	lowest_buy(8200);
	def.instrument.band_minutes = 4;
	give(&def);
	lowest_buy(8800); /* the last one only */
}

static void what_cannot_be_added_up_is_left_out(void **state)
{
	(void)state;
	struct event def = banded(band_by_mean, 1);
	give(&def);
	for (int i = 0; i < 9; i++)
		trade(side_buy, ORDERS_PRICE_MAX, INT64_MAX);
	refused(wish(side_buy, order_type_limit, 9000, 100), reject_price_band);
	wait_for_book(61 * S);
	trade(side_buy, 10000, 3);
	lowest_buy(8000);
}

/* ---- the mark price ---- */

/* Four decimals, as venues tell more of it than the instrument has. */
static void mark(int64_t price)
{
	struct event ev;
	event_init(&ev, EVENT_mark);
	ev.mark.instrument = desk_symbol("ONE.TEST");
	ev.mark.price_scale = 4;
	ev.mark.mark = price;
	give(&ev);
}

/* The highest price that a buy may have: it takes 0.100 at 100.00 at once, where it may. */
static void highest_buy(int64_t price)
{
	refused(wish(side_buy, order_type_limit, price + 1, 100), reject_price_band);
	struct event ev = desk_intent(&d, side_buy, tif_ioc, price, 100);
	give(&ev);
	assert_string_equal(enum_text(enum_reject(), d.out[0].order.reject), "none");
}

/* The lowest that a sell may have: the account holds some. */
static void lowest_sell(int64_t price)
{
	refused(wish(side_sell, order_type_limit, price - 1, 80), reject_price_band);
	struct event ev = desk_intent(&d, side_sell, tif_ioc, price, 80);
	give(&ev);
	assert_string_equal(enum_text(enum_reject(), d.out[0].order.reject), "none");
}

/* Binance's futures: 105 % and 95 % of 104.1234, whatever trades; where no mark was heard for a minute, of the last
 * trade, which was at 90.00. */
static void a_band_of_the_mark_price(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.band_by = band_by_mark;
	def.instrument.buy_above = 10500;
	def.instrument.sell_below = 9500;
	give(&def);
	trade(side_buy, 9000, 10);
	refused(wish(side_buy, order_type_limit, 9451, 100), reject_price_band);
	mark(1041234);
	highest_buy(10932);
	lowest_sell(9892);
	wait_for_book(61 * S);
	refused(wish(side_buy, order_type_limit, 9451, 100), reject_price_band);
}

/* Bybit's, 1 % around the mark price and 4 % at most; the mid is 99.50. Mark 98.00: for buys the mid is beyond it, so
 * up to 100.49, and sells go by the mark, down to 97.02. Mark 96.00: 4 % of it are the end of buys. */
static void a_premium_widens_a_band_to_its_end(void **state)
{
	(void)state;
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.band_by = band_by_premium;
	def.instrument.buy_above = 10100;
	def.instrument.sell_below = 9900;
	def.instrument.buy_most = 10400;
	def.instrument.sell_least = 9600;
	order(side_buy, tif_ioc, 10000, 500);
	give(&def);
	mark(980000);
	highest_buy(10049);
	lowest_sell(9702);
	mark(960000);
	highest_buy(9984);
	lowest_sell(9504);
	mark(1010000); /* now the mid is below: sells down to 98.50, buys up to 102.01 */
	highest_buy(10201);
	lowest_sell(9851);
	mark(1050000); /* the end: 96 % of it */
	lowest_sell(10080);
}

/* ---- against a slow one ---- */

#define TRADES 400

static struct {
	int64_t at, price, qty;
} heard[TRADES];

/* The mean of the trades whose slice is one of the last thirty, doubled and rounded as fixed_div_round does. */
static int64_t slow_twice(int n, int64_t now, int64_t width)
{
	fixed_wide cash = 0;
	int64_t qty = 0;
	for (int i = 0; i < n; i++)
		if (heard[i].at / width > now / width - BAND_SLICES) {
			cash += (fixed_wide)heard[i].price * heard[i].qty;
			qty += heard[i].qty;
		}
	return qty == 0 ? 0 : (int64_t)fixed_div_round(2 * cash, qty);
}

static void the_mean_is_that_of_its_trades(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rng r;
		rng_seed(&r, seed);
		struct market m = {.def = {.band_by = band_by_mean, .buy_above = 10000}};
		m.def.band_minutes = 1 + (uint32_t)rng_below(&r, 9);
		int64_t now = (int64_t)rng_below(&r, 1000) * S, width = m.def.band_minutes * 2 * S;
		band_define(&m, true);
		for (int n = 0; n < TRADES; n++) {
			now += (int64_t)rng_below(&r, rng_below(&r, 20) == 0 ? 400 * S : 9 * S);
			int64_t twice = slow_twice(n, now, width);
			/* A buy may cost the mean and no more. */
			m.last = twice == 0 ? 77 : 1;
			int64_t most = twice == 0 ? 77 : twice / 2;
			assert_int_equal(band_check(&m, now, side_buy, most), reject_none);
			assert_int_equal(band_check(&m, now, side_buy, most + 1), reject_price_band);
			heard[n].at = now;
			heard[n].price = 1 + (int64_t)rng_below(&r, 100000);
			heard[n].qty = 1 + (int64_t)rng_below(&r, 1000);
			band_on_trade(&m, now, heard[n].price, heard[n].qty);
		}
	}
}

/* ---- ranges of ticks: cents up to 50.00, ten up to 99.00, fifty beyond ---- */

static struct event ranged(void)
{
	struct event def = desk_definition("ONE.TEST", "ONE");
	def.instrument.tick_1 = 1;
	def.instrument.from_2 = 5000;
	def.instrument.tick_2 = 10;
	def.instrument.from_3 = 9900;
	def.instrument.tick_3 = 50;
	return def;
}

static void each_range_has_its_tick(void **state)
{
	(void)state;
	struct event def = ranged();
	give(&def);
	static const int64_t good[] = {4999, 5000, 5010, 9890, 9900, 9950}, bad[] = {5001, 5005, 9895, 9910, 9949};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(wish(side_buy, order_type_limit, bad[i], 200), reject_tick_size);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct event ev = wish(side_buy, order_type_limit, good[i], 200);
		give(&ev);
		assert_int_equal(d.out[0].order.status, order_status_open);
		named(intent_kind_cancel, ev.intent.ordinal, 0, 0);
	}
}

static void triggers_and_replacements_too(void **state)
{
	(void)state;
	struct event def = ranged();
	give(&def);
	refused(stop(side_buy, order_type_stop_market, 10020, 100), reject_tick_size);
	struct event ev = wish(side_buy, order_type_limit, 9800, 200);
	give(&ev);
	named(intent_kind_replace, ev.intent.ordinal, 9815, 0);
	desk_expect_order(&d, order_status_rejected, reject_tick_size, 0);
	named(intent_kind_replace, ev.intent.ordinal, 9810, 0);
	desk_expect_order(&d, order_status_open, reject_none, 0);
	assert_int_equal(d.out[0].order.price, 9810);
}

/* A distance is no price: it may be any multiple of the smallest step. */
static void a_trail_is_a_distance(void **state)
{
	(void)state;
	struct event def = ranged(), ev = wish(side_buy, order_type_trailing_stop, 0, 100);
	give(&def);
	trade(side_buy, 10000, 10);
	ev.intent.trail = 3;
	give(&ev);
	assert_int_equal(d.out[0].order.status, order_status_waiting);
}

static void ranges_that_make_no_sense_stop_trading(void **state)
{
	(void)state;
	struct event def = ranged();
	def.instrument.from_3 = 4000;
	give(&def);
	assert_int_equal(d.x->counters.bad_instruments, through_disk ? 0 : 1); /* counters are of one life */
	refused(wish(side_buy, order_type_limit, 4000, 200), reject_not_trading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_mean_weighs_and_forgets),
		BOTH(the_last_trade_has_no_minutes),
		BOTH(announcements_keep_what_still_counts),
		BOTH(what_cannot_be_added_up_is_left_out),
		BOTH(a_band_of_the_mark_price),
		BOTH(a_premium_widens_a_band_to_its_end),
		cmocka_unit_test(the_mean_is_that_of_its_trades),
		BOTH(each_range_has_its_tick),
		BOTH(triggers_and_replacements_too),
		BOTH(a_trail_is_a_distance),
		BOTH(ranges_that_make_no_sense_stop_trading),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
