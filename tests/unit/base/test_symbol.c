/* test_symbol - only what may stand in a path becomes a symbol, and nothing else does. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/base/symbol.h"

#define A10 "AAAAAAAAAA"
#define A80 A10 A10 A10 A10 A10 A10 A10 A10

struct vector {
	const char *text;
	int rc;
};

static void test_parse(void **state)
{
	static const struct vector vectors[] = {
		{"BTCUSDT.BINANCE", 0},
		{"BTCUSDT-PERP.BINANCE", 0},
		{"kxbtc-26aug1021_30.KALSHI", 0},
		{"0x1f_9.POLYMARKET", 0},
		{"A.B", 0},
		{A80 ".ABCDEFGHIJKLMNOP", 0},
		{"-.9", 0},
		{"", ERR_SYNTAX},
		{".", ERR_SYNTAX},
		{"BTCUSDT", ERR_SYNTAX},
		{"BTCUSDT.", ERR_SYNTAX},
		{".BINANCE", ERR_SYNTAX},
		{"BTC.USDT.BINANCE", ERR_SYNTAX},
		{"BTCUSDT..BINANCE", ERR_SYNTAX},
		{"BTCUSDT.binance", ERR_SYNTAX},
		{"BTCUSDT.BIN-ANCE", ERR_SYNTAX},
		{"../../etc.BINANCE", ERR_SYNTAX},
		{"../../etc/passwd", ERR_SYNTAX},
		{"..", ERR_SYNTAX},
		{"A/B.BINANCE", ERR_SYNTAX},
		{"A\\B.BINANCE", ERR_SYNTAX},
		{"A B.BINANCE", ERR_SYNTAX},
		{" A.BINANCE", ERR_SYNTAX},
		{"A.BINANCE ", ERR_SYNTAX},
		{"A.BINANCE\n", ERR_SYNTAX},
		{"A*.BINANCE", ERR_SYNTAX},
		{"A';DROP TABLE trade;--.BINANCE", ERR_SYNTAX},
		{"A:B.BINANCE", ERR_SYNTAX},
		{"A%2e.BINANCE", ERR_SYNTAX},
		{"\x1b[31mA.BINANCE", ERR_SYNTAX},
		{"BTC\xc3\x9c.BINANCE", ERR_SYNTAX},
		{"\xef\xbc\xa2TC.BINANCE", ERR_SYNTAX}, /* a fullwidth B */
		{"BTC\xff.BINANCE", ERR_SYNTAX},
		{A80 "A.BINANCE", ERR_TOO_LONG},
		{A80 "A", ERR_TOO_LONG},
		{"BTCUSDT.ABCDEFGHIJKLMNOPQ", ERR_TOO_LONG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct symbol s;

		memset(&s, 0x55, sizeof(s));
		assert_int_equal(symbol_parse(vectors[i].text, strlen(vectors[i].text), &s),
				 vectors[i].rc);
		if (vectors[i].rc == 0)
			assert_string_equal(s.s, vectors[i].text);
		else
			assert_int_equal(s.s[0], 0x55); /* untouched */
	}
}

static void test_nul_inside(void **state)
{
	struct symbol s;

	(void)state;
	assert_int_equal(symbol_parse("BTC\0USDT.BINANCE", 16, &s), ERR_SYNTAX);
	assert_int_equal(symbol_parse("BTCUSDT.BIN\0NCE", 15, &s), ERR_SYNTAX);
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE\0", 16, &s), ERR_SYNTAX);
	assert_int_equal(symbol_make("BTC\0", 4, "BINANCE", &s), ERR_SYNTAX);
	assert_int_equal(symbol_parse(NULL, 0, &s), ERR_SYNTAX);
}

static void test_every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char raw = (char)c, venue[2] = {(char)c, 0};
		bool upper = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
		bool good = upper || (c >= 'a' && c <= 'z') || c == '-';
		struct symbol s;

		assert_int_equal(symbol_make(&raw, 1, "V", &s), good ? 0 : ERR_SYNTAX);
		assert_int_equal(symbol_make("R", 1, venue, &s), upper ? 0 : ERR_SYNTAX);
	}
}

static void test_parts(void **state)
{
	struct symbol s, empty = {{0}};

	(void)state;
	assert_int_equal(symbol_make("BTCUSDTxxx", 7, "BINANCE", &s), 0);
	assert_string_equal(s.s, "BTCUSDT.BINANCE");
	assert_int_equal(symbol_raw_len(&s), 7);
	assert_string_equal(symbol_venue(&s), "BINANCE");
	for (size_t i = strlen(s.s); i < sizeof(s.s); i++)
		assert_int_equal(s.s[i], 0);
	assert_int_equal(symbol_raw_len(&empty), 0);
	assert_string_equal(symbol_venue(&empty), "");
	assert_int_equal(symbol_make("A", 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", &s), ERR_TOO_LONG);
	assert_int_equal(symbol_make(A80 "A", 81, "B", &s), ERR_TOO_LONG);
	assert_int_equal(symbol_make("A", SIZE_MAX, "B", &s), ERR_TOO_LONG);
	assert_string_equal(s.s, "BTCUSDT.BINANCE");
}

static void test_equality_and_hash(void **state)
{
	struct symbol a, b;
	uint32_t used[256] = {0};

	(void)state;
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &a), 0);
	assert_int_equal(symbol_make("BTCUSDT", 7, "BINANCE", &b), 0);
	assert_true(symbol_equal(&a, &b));
	assert_int_equal(symbol_hash(&a), symbol_hash(&b));
	assert_int_equal(symbol_make("BTCUSDC", 7, "BINANCE", &b), 0);
	assert_false(symbol_equal(&a, &b));
	for (int i = 0; i < 25600; i++) {
		char raw[] = "AAAAUSDT";

		raw[0] = (char)('A' + i % 26);
		raw[1] = (char)('A' + i / 26 % 26);
		raw[2] = (char)('A' + i / 676 % 26);
		raw[3] = (char)('A' + i / 17576 % 26);
		assert_int_equal(symbol_make(raw, 8, "BINANCE", &b), 0);
		used[symbol_hash(&b) & 255]++;
	}
	for (int i = 0; i < 256; i++) /* 100 expected, deviation 10 */
		assert_in_range(used[i], 50, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_nul_inside),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_equality_and_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
