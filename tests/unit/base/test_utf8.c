/* test_utf8 - all code points there and back, and every kind of sequence that RFC 3629 forbids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/utf8.h"

/* A second opinion: decode by arithmetic, then judge the code point. */
static size_t decode(const uint8_t *at, size_t len)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 :
		   at[0] >> 3 == 30 ? 4 : 0;
	uint32_t code;

	if (n == 0 || n > len)
		return 0;
	code = n == 1 ? at[0] : at[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		code = code << 6 | (at[i] & 0x3fu);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

static void test_every_code_point(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		char text[4];
		size_t n;

		if (code >= 0xd800 && code <= 0xdfff)
			continue;
		n = utf8_put(text, code);
		assert_int_equal(utf8_sequence((uint8_t *)text, n), n);
		assert_int_equal(decode((uint8_t *)text, n), n);
		assert_int_equal(utf8_sequence((uint8_t *)text, n - 1), 0);
	}
}

/* Every lead and second byte, with the tails at their edges. */
static void test_against_decoding(void **state)
{
	static const uint8_t tails[] = {0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0xbf, 0xc0, 0xff};
	enum { TAILS = sizeof(tails) };

	(void)state;
	for (uint32_t i = 0; i < 65536u * TAILS * TAILS; i++) {
		uint8_t at[4] = {(uint8_t)(i >> 8), (uint8_t)i, tails[i / 65536 % TAILS],
				 tails[i / 65536 / TAILS]};

		if (utf8_sequence(at, 4) != decode(at, 4) || utf8_sequence(at, 3) != decode(at, 3))
			fail_msg("%02x %02x %02x %02x", at[0], at[1], at[2], at[3]);
	}
	assert_int_equal(utf8_sequence(NULL, 0), 0);
}

static void test_valid(void **state)
{
	uint8_t text[40];

	(void)state;
	assert_true(utf8_valid(NULL, 0));
	assert_true(utf8_valid("plain text of some length", 25));
	assert_true(utf8_valid("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80", 16));
	assert_true(utf8_valid("\0", 1));
	for (size_t bad = 0; bad < sizeof(text); bad++) {
		memset(text, 'a', sizeof(text));
		text[bad] = 0x80;
		assert_false(utf8_valid(text, sizeof(text)));
		assert_true(utf8_valid(text, bad));
	}
}

static void test_cut(void **state)
{
	const char *text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};

	(void)state;
	for (size_t max = 0; max < sizeof(want) / sizeof(*want); max++) {
		size_t n = utf8_cut(text, strlen(text), max);

		assert_int_equal(n, want[max]);
		assert_true(utf8_valid(text, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_against_decoding),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
