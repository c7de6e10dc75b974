/* test_doubts - what a seat's settings say that the executor's and the collectors' do not bear out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "services/strategy/doubts.h"

static const char *const foreign[] = {"collector", "executor", NULL};

/* What is said of a seat, where these settings are all there are; NULL: nothing. */
static const char *doubt(const char *collectors, const char *account, const char *instrument, const char *interval,
			 const char *const *flags, size_t n)
{
	static char text[DOUBT_MAX];
	static char *none[] = {NULL};
	struct strategy_seat seat = {.name = "one"};
	struct collectors all;
	struct config *c = NULL;
	struct config_error err;
	char reason[200];
	event_set_name(seat.account, account);
	snprintf(seat.instrument.s, sizeof seat.instrument.s, "%s", instrument);
	if (interval) {
		event_set_name(seat.setting[0].name, "interval");
		event_set_name(seat.setting[0].value, interval);
		seat.n_settings = 1;
	}
	assert_int_equal(collectors_parse(collectors, &all, reason, sizeof reason), 0);
	assert_int_equal(config_new(NULL, 0, foreign, &c), 0);
	config_peek(c, doubts_peeks);
	assert_int_equal(config_load(c, NULL, flags, n, none, &err), 0);
	bool any = doubts_of(c, &all, &seat, text);
	config_free(c);
	return any ? text : NULL;
}

static void what_fits_is_not_doubted(void **state)
{
	static const char *const flags[] = {"collector.symbols=ETHUSDT,BTCUSDT", "collector.candles=1s, 5m",
					    "executor.accounts=hedge, probe"};
	(void)state;
	assert_null(doubt("collector", "paper", "BTCUSDT.BINANCE", "5m", flags, ARRAY_LEN(flags)));
	assert_null(doubt("collector/2", "probe", "ETHUSDT.BINANCE", "1s", flags, ARRAY_LEN(flags)));
	assert_null(doubt("collector", "paper", "BTCUSDT.BINANCE", "1m", flags, ARRAY_LEN(flags))); /* its klines */
	assert_null(doubt("collector", "other", "XRPUSDT.BYBIT", "7m", NULL, 0)); /* another host's settings */
	assert_null(doubt("collector", "hedge", "BTCUSDT.BINANCE", NULL, flags, ARRAY_LEN(flags)));
	static const char *const kalshi[] = {"collector.venue=KALSHI", "collector.symbols=KXBTCD-26NOV2217-T85999.99"};
	assert_null(doubt("collector", "paper", "KXBTCD-26NOV2217-T85999_99.KALSHI", "1s", kalshi, ARRAY_LEN(kalshi)));
}

static void each_mistake_is_named(void **state)
{
	static const char *const flags[] = {"collector.symbols=ETHUSDT,BTCUSDT", "executor.accounts=hedge"};
	(void)state;
	assert_string_equal(doubt("collector", "hege", "BTCUSDT.BINANCE", "1s", flags, ARRAY_LEN(flags)),
			    "strategy.one: the executor has no account 'hege', and will take no order of it "
			    "(executor.account, executor.accounts)");
	assert_string_equal(doubt("collector", "hedge", "XRPUSDT.BINANCE", "1s", flags, ARRAY_LEN(flags)),
			    "strategy.one: no collector follows XRPUSDT.BINANCE, so it will see no data "
			    "(collector.venue, collector.symbols)");
	assert_non_null(doubt("collector", "hedge", "BTCUSD.BINANCE", "1s", flags, ARRAY_LEN(flags)));
	assert_non_null(doubt("collector", "hedge", "BTCUSDT.BYBIT", "1s", flags, ARRAY_LEN(flags)));
	assert_non_null(doubt("collector", "hedge", "BTCUSDT-PERP.BINANCE", "1s", flags, ARRAY_LEN(flags)));
	assert_string_equal(doubt("collector", "hedge", "BTCUSDT.BINANCE", "1minute", flags, ARRAY_LEN(flags)),
			    "strategy.one: no collector makes candles of '1minute' for it (collector.candles, "
			    "collector.kline_interval)");
}

/* A collector with a subsection has what is not there from the section; a scan finds its markets itself. */
static void each_collector_has_its_own(void **state)
{
	static const char *const flags[] = {"collector.symbols=BTCUSDT",    "collector.perp.venue=BINANCE-PERP",
					    "collector.poly.venue=POLYMARKET", "collector.poly.scan=true",
					    "collector.perp.candles=5m"};
	static const char all[] = "collector, collector-perp, collector-poly";
	(void)state;
	assert_null(doubt(all, "paper", "BTCUSDT-PERP.BINANCE", "5m", flags, ARRAY_LEN(flags)));
	assert_null(doubt(all, "paper", "123456.POLYMARKET", "1s", flags, ARRAY_LEN(flags)));
	assert_non_null(doubt(all, "paper", "BTCUSDT.BINANCE", "5m", flags, ARRAY_LEN(flags)));
	assert_non_null(doubt(all, "paper", "ETHUSDT-PERP.BINANCE", "5m", flags, ARRAY_LEN(flags)));
	assert_non_null(doubt("collector", "paper", "BTCUSDT-PERP.BINANCE", "5m", flags, ARRAY_LEN(flags)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_not_doubted),
		cmocka_unit_test(each_mistake_is_named),
		cmocka_unit_test(each_collector_has_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
