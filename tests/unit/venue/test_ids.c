/* test_ids - no two instruments of all venues share an id: which names a venue takes, and whose an id is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/venue/venue.h"

/* A name of one venue that would be read as a name and a suffix of another is refused, and so is one with its own. */
static void test_suffixes(void **state)
{
	char raw[2][SYMBOL_RAW_MAX + 1], whose[64], reason[300] = "";
	struct venue_market a, b;
	uint32_t refused = 0;
	(void)state;
	for (uint32_t i = 0; venue_at(i) != NULL; i++)
		for (uint32_t k = 0; venue_at(k) != NULL; k++) {
			const struct venue *v = venue_at(i), *w = venue_at(k);
			snprintf(raw[0], sizeof(raw[0]), "BTCUSDT%s", w->suffix);
			snprintf(raw[1], sizeof(raw[1]), "BTCUSDT%s%s", w->suffix, w->suffix);
			int n_whose = snprintf(whose, sizeof(whose), "%s%s", v->name, w->suffix);
			bool claimed = w->suffix[0] != '\0' && venue_find(whose, (size_t)n_whose) != NULL;
			refused += claimed;
			assert_int_equal(venue_market_init(w, "BTCUSDT", 7, &b), 0);
			for (int n = 0; n < 2; n++) {
				int rc = venue_market_init(v, raw[n], strlen(raw[n]), &a);
				assert_int_equal(rc, claimed ? ERR_EXISTS : 0);
				assert_int_equal(venue_claimed(v, raw[n], strlen(raw[n]), reason, sizeof(reason)), rc);
				assert_true(rc != 0 || i == k || !symbol_equal(&a.symbol, &b.symbol));
			}
		}
	assert_int_equal(refused, 8); /* four venues of BINANCE and BYBIT, by the -PERP of either */
	const struct venue *spot = venue_find("BINANCE", 7);
	assert_int_equal(venue_claimed(spot, "BTCUSDT-PERP", 12, reason, sizeof(reason)), ERR_EXISTS);
	assert_string_equal(reason, "'BTCUSDT-PERP' of BINANCE: -PERP is what ids of BINANCE-PERP end in, it is added "
				    "to the names; leave it out, with venue BINANCE-PERP");
	assert_null(venue_claimant(spot, "PERP", 4));
	assert_null(venue_claimant(spot, "BTC-PERPS", 9));
	assert_ptr_equal(venue_claimant(spot, "-PERP", 5), venue_find("BINANCE-PERP", 12));
}

/* Kalshi's tickers have points (KXBTCD-26NOV2217-T85999.99), an id has one: the one before its venue. */
static void test_points(void **state)
{
	static const char *const wrong[] = {".A", "A.", "A..B", "A-.B", "A.-B", "A_B", "..", "A.B_C", "A/B", "A/../C"};
	const struct venue *v = venue_find("KALSHI", 6);
	struct venue_market m;
	(void)state;
	assert_int_equal(venue_market_init(v, "KXBTCD-26NOV2217-T85999.99", 26, &m), 0);
	assert_string_equal(m.raw, "KXBTCD-26NOV2217-T85999.99");
	assert_string_equal(m.symbol.s, "KXBTCD-26NOV2217-T85999_99.KALSHI");
	assert_int_equal(venue_market_init(v, "KXBTCD-26NOV2217", 16, &m), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(venue_market_init(v, wrong[i], strlen(wrong[i]), &m), ERR_SYNTAX);
	assert_int_equal(venue_market_init(venue_find("BINANCE", 7), "BTC.USDT", 8, &m), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_suffixes), cmocka_unit_test(test_points)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
