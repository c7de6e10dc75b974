/* test_fixed - exact decimals: edges at every scale, and random cases against school arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/base/fixed.h"
#include "common/base/rng.h"
#include "tests/fuzz/decimal_reference.h"

#define UNTOUCHED 424242

struct vector {
	const char *text;
	int scale, rc;
	int64_t value;
};

static void test_parse(void **state)
{
	static const struct vector vectors[] = {
		{"61837.63000000", 8, 0, 6183763000000},
		{"61837.63000000", 2, 0, 6183763},
		{"61837.63000000", 1, ERR_INEXACT, 0},
		{"-12.3400", 4, 0, -123400},
		{"-12.3400", 2, 0, -1234},
		{"0", 0, 0, 0},
		{"-0", 3, 0, 0},
		{"0.000", 0, 0, 0},
		{"00012.5", 1, 0, 125},
		{"1e-7", 7, 0, 1},
		{"1e-7", 8, 0, 10},
		{"1e-7", 6, ERR_INEXACT, 0},
		{"1E+3", 2, 0, 100000},
		{"1.25e2", 0, 0, 125},
		{"1.25e1", 0, ERR_INEXACT, 0},
		{"-2.50e-05", 6, 0, -25},
		{"0e999999999999999999999999", 0, 0, 0},
		{"1e999999999999999999999999", 0, ERR_RANGE, 0},
		{"1e-999999999999999999999999", 18, ERR_INEXACT, 0},
		{"1e400", 18, ERR_RANGE, 0},
		{"100000000000000000000000000000e-29", 0, 0, 1},
		{"0.000000000000000000000000000001e30", 0, 0, 1},
		{"1.000000000000000000000000000000000000000", 8, 0, 100000000},
		{"1.000000000000000000000000000000000000001", 8, ERR_INEXACT, 0},
		{"99999999999999999999.5", 0, ERR_RANGE, 0}, /* no scale would help */
		{"9223372036854775807.5", 0, ERR_INEXACT, 0},
		{"9223372036854775808.5", 0, ERR_RANGE, 0},
		{"9.999999999999999999", 18, ERR_RANGE, 0},
		{"9223372036854775807", 0, 0, INT64_MAX},
		{"9223372036854775808", 0, ERR_RANGE, 0},
		{"-9223372036854775808", 0, 0, INT64_MIN},
		{"-9223372036854775809", 0, ERR_RANGE, 0},
		{"18446744073709551616", 0, ERR_RANGE, 0},
		{"922337203685477580.7", 1, 0, INT64_MAX},
		{"92233720368.54775807", 8, 0, INT64_MAX},
		{"92233720368.54775808", 8, ERR_RANGE, 0},
		{"1000000000000000000", 1, ERR_RANGE, 0},
		{"589589212341.00", 8, ERR_RANGE, 0}, /* a SHIB-sized quantity */
		{"589589212341.00", 2, 0, 58958921234100},
		{"", 0, ERR_SYNTAX, 0},
		{"-", 0, ERR_SYNTAX, 0},
		{"+1", 0, ERR_SYNTAX, 0},
		{".5", 1, ERR_SYNTAX, 0},
		{"5.", 1, ERR_SYNTAX, 0},
		{"-.5", 1, ERR_SYNTAX, 0},
		{"1.2.3", 3, ERR_SYNTAX, 0},
		{"1,5", 3, ERR_SYNTAX, 0},
		{" 1", 0, ERR_SYNTAX, 0},
		{"1 ", 0, ERR_SYNTAX, 0},
		{"1e", 0, ERR_SYNTAX, 0},
		{"1e+", 0, ERR_SYNTAX, 0},
		{"e5", 0, ERR_SYNTAX, 0},
		{"1e5.0", 0, ERR_SYNTAX, 0},
		{"0x10", 0, ERR_SYNTAX, 0},
		{"nan", 0, ERR_SYNTAX, 0},
		{"inf", 0, ERR_SYNTAX, 0},
		{"1_000", 0, ERR_SYNTAX, 0},
		{"--1", 0, ERR_SYNTAX, 0},
		{"12345678901234567890123x", 0, ERR_SYNTAX, 0},
		{"1", -1, ERR_ARG, 0},
		{"1", 19, ERR_ARG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		int64_t value = UNTOUCHED;
		int rc = fixed_parse(v->text, strlen(v->text), v->scale, &value);

		if (rc != v->rc || value != (rc == 0 ? v->value : UNTOUCHED))
			fail_msg("%s at %d: %s, %" PRId64, v->text, v->scale, err_name(rc), value);
	}
	{
		int64_t value;

		assert_int_equal(fixed_parse("1\0", 2, 0, &value), ERR_SYNTAX);
		assert_int_equal(fixed_parse("12345", 3, 0, &value), 0);
		assert_int_equal(value, 123); /* never beyond its length */
	}
	{
		int64_t value;
		int scale;

		assert_int_equal(fixed_parse(NULL, 0, 0, &value), ERR_SYNTAX);
		assert_int_equal(fixed_scale_of(NULL, 0, &scale), ERR_SYNTAX);
	}
}

/* -?D+(.D+)?([eE][+-]?D+)? as a table of states. */
static bool is_number(const char *text, size_t len)
{
	/*                       D  -  +  .  e  */
	static const int next[][5] = {
		/* 0 start */   {2, 1, 9, 9, 9},
		/* 1 minus */   {2, 9, 9, 9, 9},
		/* 2 digits */  {2, 9, 9, 3, 5},
		/* 3 point */   {4, 9, 9, 9, 9},
		/* 4 decimals */ {4, 9, 9, 9, 5},
		/* 5 e */       {7, 6, 6, 9, 9},
		/* 6 e sign */  {7, 9, 9, 9, 9},
		/* 7 exponent */ {7, 9, 9, 9, 9},
	};
	int s = 0;

	for (size_t i = 0; i < len && s < 9; i++) {
		const char *kinds = "0-+.e", *kind = strchr(kinds, text[i] == '7' ? '0' : text[i]);

		s = kind ? next[s][kind - kinds] : 9;
	}
	return s == 2 || s == 4 || s == 7;
}

/* Every text of up to seven bytes of what numbers are made of. */
static void test_syntax(void **state)
{
	static const char alphabet[] = "07-+.ex";

	(void)state;
	for (size_t len = 0, texts = 1; len <= 7; len++, texts *= 7)
		for (size_t i = 0; i < texts; i++) {
			char text[7];
			int64_t value;
			size_t left = i;
			bool good;
			int scale;

			for (size_t k = 0; k < len; k++, left /= 7)
				text[k] = alphabet[left % 7];
			good = is_number(text, len);
			if ((fixed_parse(text, len, 4, &value) != ERR_SYNTAX) != good ||
			    (fixed_scale_of(text, len, &scale) != ERR_SYNTAX) != good)
				fail_msg("%.*s", (int)len, text);
		}
}

static int64_t edge(struct rng *rng)
{
	int64_t power = fixed_pow10((int)rng_below(rng, 19));

	switch (rng_below(rng, 6)) {
	case 0:
		return INT64_MAX - (int64_t)rng_below(rng, 3);
	case 1:
		return INT64_MIN + (int64_t)rng_below(rng, 3);
	case 2:
		return power * (int64_t)(1 + rng_below(rng, 9)) + (int64_t)rng_below(rng, 3) - 1;
	case 3:
		return -5 * (power / 10) + (int64_t)rng_below(rng, 3) - 1;
	default:
		return (int64_t)rng_u64(rng) >> rng_below(rng, 64);
	}
}

static int any_scale(struct rng *rng)
{
	return (int)rng_below(rng, FIXED_SCALE_MAX + 1);
}

static void test_format(void **state)
{
	char out[FIXED_TEXT_MAX];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < 200000; i++) {
		int64_t value = edge(&rng), back = UNTOUCHED;
		int scale = any_scale(&rng), found;
		uint64_t m = big_magnitude(value), unit = (uint64_t)fixed_pow10(scale);
		char want[64];
		size_t len;

		snprintf(want, sizeof(want), "%s%" PRIu64 "%s%0*" PRIu64, value < 0 ? "-" : "",
			 m / unit, scale ? "." : "", scale, m % unit);
		if (scale == 0)
			want[strlen(want) - 1] = 0; /* the zero that m % 1 printed */
		len = fixed_format(out, sizeof(out), value, scale);
		assert_string_equal(out, want);
		assert_int_equal(len, strlen(want));
		assert_int_equal(fixed_parse(out, len, scale, &back), 0);
		assert_int_equal(back, value);
		len = fixed_format_trim(out, sizeof(out), value, scale);
		assert_int_equal(len, strlen(out));
		assert_int_equal(fixed_parse(out, len, scale, &back), 0);
		assert_int_equal(back, value);
		assert_int_equal(fixed_scale_of(out, len, &found), 0);
		assert_true(found <= scale && (!strchr(out, '.') || out[len - 1] != '0'));
		assert_true(found == 0 || value % fixed_pow10(scale - found + 1) != 0);
	}
}

static void test_format_vectors(void **state)
{
	char out[FIXED_TEXT_MAX];

	(void)state;
	assert_int_equal(fixed_format(out, sizeof(out), 1230, 2), 5);
	assert_string_equal(out, "12.30");
	fixed_format(out, sizeof(out), INT64_MIN, 18);
	assert_string_equal(out, "-9.223372036854775808");
	fixed_format(out, sizeof(out), INT64_MIN, 0);
	assert_string_equal(out, "-9223372036854775808");
	fixed_format(out, sizeof(out), -1, 18);
	assert_string_equal(out, "-0.000000000000000001");
	assert_int_equal(fixed_format_trim(out, sizeof(out), 1230, 2), 4);
	assert_string_equal(out, "12.3");
	fixed_format_trim(out, sizeof(out), 1200, 2);
	assert_string_equal(out, "12");
	fixed_format_trim(out, sizeof(out), 0, 18);
	assert_string_equal(out, "0");
	fixed_format_trim(out, sizeof(out), 100, 0);
	assert_string_equal(out, "100"); /* not after a point */
}

static void test_edges_at_every_scale(void **state)
{
	static const int64_t edges[] = {INT64_MAX, INT64_MIN, 0, 1, -1};

	(void)state;
	for (int scale = 0; scale <= FIXED_SCALE_MAX; scale++)
		for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
			char text[FIXED_TEXT_MAX];
			size_t len = fixed_format(text, sizeof(text), edges[i], scale);
			int64_t value = UNTOUCHED;

			assert_int_equal(fixed_parse(text, len, scale, &value), 0);
			assert_int_equal(value, edges[i]);
			if (i > 1)
				continue;
			text[len - 1]++; /* ...807 and ...808 never carry */
			value = UNTOUCHED;
			assert_int_equal(fixed_parse(text, len, scale, &value), ERR_RANGE);
			assert_int_equal(value, UNTOUCHED);
		}
}

/* What the text says, by school arithmetic; the text is well formed and has one point at most. */
static int reference_parse(const char *text, int exponent, int scale, int64_t *ret_value)
{
	bool negative = *text == '-';
	int decimals = 0, shift;
	struct big digits = {{0}}, value, lost;
	int rc;

	for (text += negative; *text && *text != 'e'; text++) {
		if (*text == '.') {
			decimals = 1;
			continue;
		}
		digits = big_shift(&digits, 1);
		digits.digit[0] = (uint8_t)(*text - '0');
		decimals += decimals > 0;
	}
	shift = scale + exponent - (decimals > 0 ? decimals - 1 : 0);
	value = big_shift(&digits, shift);
	lost = big_low(&digits, shift < 0 ? -shift : 0);
	rc = big_to_i64(&value, negative, ret_value);
	return rc == 0 && !big_is_zero(&lost) ? ERR_INEXACT : rc;
}

static int random_digits(struct rng *rng, char *out, int max)
{
	int n = 1 + (int)rng_below(rng, (uint64_t)max);
	bool zeros = rng_below(rng, 3) == 0;

	for (int i = 0; i < n; i++)
		out[i] = (char)('0' + (zeros && rng_below(rng, 8) ? 0 : rng_below(rng, 10)));
	return n;
}

static void test_parse_against_reference(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	for (int i = 0; i < 40000; i++) {
		int scale = any_scale(&rng), exponent = 0, n = 0, rc, want_rc;
		int64_t value = UNTOUCHED, want = UNTOUCHED;
		char text[100];

		if (rng_below(&rng, 2))
			text[n++] = '-';
		n += random_digits(&rng, text + n, i % 3 ? 20 : 36);
		if (rng_below(&rng, 4)) {
			text[n++] = '.';
			n += random_digits(&rng, text + n, i % 3 ? 12 : 36);
		}
		text[n] = 0;
		if (rng_below(&rng, 3) == 0) {
			exponent = (int)rng_below(&rng, 60) - 30;
			n += snprintf(text + n, sizeof(text) - (size_t)n, "e%d", exponent);
		}
		want_rc = reference_parse(text, exponent, scale, &want);
		rc = fixed_parse(text, (size_t)n, scale, &value);
		if (rc != want_rc || value != (rc == 0 ? want : UNTOUCHED))
			fail_msg("%s at %d: %s, not %s", text, scale, err_name(rc),
				 err_name(want_rc));
	}
}

/* The text's own scale is the least that parses it, where int64 holds it at all. */
static void test_scale_of(void **state)
{
	static const struct vector vectors[] = {
		{"0.0100", 2, 0, 0}, {"5", 0, 0, 0}, {"5.000", 0, 0, 0}, {"0", 0, 0, 0},
		{"0.00000000", 0, 0, 0}, {"1e-18", 18, 0, 0}, {"1e-19", 0, ERR_RANGE, 0},
		{"1.5e-18", 0, ERR_RANGE, 0}, {"10e-19", 18, 0, 0}, {"100e-2", 0, 0, 0},
		{"1.25e1", 1, 0, 0}, {"1.25e5", 0, 0, 0}, {"-0.00000001", 8, 0, 0},
		{"123456789012345678901234567890.5", 1, 0, 0}, {"0e-99", 0, 0, 0},
		{"1e-99999999999999999999", 0, ERR_RANGE, 0}, {"", 0, ERR_SYNTAX, 0},
		{"1e99999999999999999999", 0, 0, 0}, {"1.", 0, ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		int scale = UNTOUCHED;

		assert_int_equal(fixed_scale_of(vectors[i].text, strlen(vectors[i].text), &scale),
				 vectors[i].rc);
		assert_int_equal(scale, vectors[i].rc == 0 ? vectors[i].scale : UNTOUCHED);
	}
}

static void test_rescale(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (int i = 0; i < 15000; i++) {
		int64_t value = edge(&rng), want = UNTOUCHED, got = UNTOUCHED, rounded = UNTOUCHED;
		int from = any_scale(&rng), to = any_scale(&rng), rc, want_rc;
		struct big m = big_of(big_magnitude(value)), one = big_of(1), unit, moved, lost;

		moved = big_shift(&m, to - from);
		lost = big_low(&m, from > to ? from - to : 0);
		want_rc = !big_is_zero(&lost) ? ERR_INEXACT : big_to_i64(&moved, value < 0, &want);
		rc = fixed_rescale(value, from, to, &got);
		assert_int_equal(rc, want_rc);
		assert_int_equal(got, rc == 0 ? want : UNTOUCHED);
		want = UNTOUCHED;
		unit = big_shift(&one, from > to ? from - to : 0);
		moved = from > to ? big_divide_even(&m, &unit) : moved;
		want_rc = big_to_i64(&moved, value < 0, &want);
		assert_int_equal(fixed_round(value, from, to, &rounded), want_rc);
		assert_int_equal(rounded, want);
	}
}

static void test_multiply(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4);
	for (int i = 0; i < 15000; i++) {
		int64_t a = edge(&rng), b = edge(&rng), want = UNTOUCHED, got = UNTOUCHED;
		int as = any_scale(&rng), bs = any_scale(&rng), out = any_scale(&rng);
		struct big x = big_of(big_magnitude(a)), y = big_of(big_magnitude(b));
		struct big unit = big_of(1);
		int want_rc, shift = out - as - bs;

		x = big_mul(&x, &y);
		unit = big_shift(&unit, shift < 0 ? -shift : 0);
		x = shift < 0 ? big_divide_even(&x, &unit) : big_shift(&x, shift);
		want_rc = big_to_i64(&x, (a < 0) != (b < 0), &want);
		assert_int_equal(fixed_mul(a, as, b, bs, out, &got), want_rc);
		assert_int_equal(got, want);
	}
}

static void test_divide(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (int i = 0; i < 5000; i++) {
		int64_t a = edge(&rng), b = edge(&rng), want = UNTOUCHED, got = UNTOUCHED;
		int as = any_scale(&rng), bs = any_scale(&rng), out = any_scale(&rng);
		struct big x = big_of(big_magnitude(a)), y = big_of(big_magnitude(b));
		int want_rc = ERR_ARG, shift = out - as + bs;

		if (b != 0) {
			x = big_shift(&x, shift > 0 ? shift : 0);
			y = big_shift(&y, shift < 0 ? -shift : 0);
			x = big_divide_even(&x, &y);
			want_rc = big_to_i64(&x, (a < 0) != (b < 0), &want);
		}
		assert_int_equal(fixed_div(a, as, b, bs, out, &got), want_rc);
		assert_int_equal(got, want);
	}
}

static void test_half_to_even(void **state)
{
	static const int64_t tenths[] = {4, 5, 6, 14, 15, 16, 25, 35, 45, -5, -15, -25, -16};
	static const int64_t whole[] = {0, 0, 1, 1, 2, 2, 2, 4, 4, 0, -2, -2, -2};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tenths); i++) {
		int64_t value;

		assert_int_equal(fixed_round(tenths[i], 1, 0, &value), 0);
		assert_int_equal(value, whole[i]);
		assert_int_equal(fixed_mul(tenths[i], 1, 1, 0, 0, &value), 0);
		assert_int_equal(value, whole[i]);
		assert_int_equal(fixed_div(tenths[i], 0, 10, 0, 0, &value), 0);
		assert_int_equal(value, whole[i]);
		assert_int_equal((int64_t)fixed_div_round(tenths[i], 10), whole[i]);
	}
}

static void test_div_round_at_the_edges(void **state)
{
	fixed_wide max = ((fixed_wide)INT64_MAX << 64) + (fixed_wide)UINT64_MAX, min = -max - 1;

	(void)state;
	assert_true(fixed_div_round(max, 1) == max);
	assert_true(fixed_div_round(min, 1) == min);
	assert_true(fixed_div_round(max, max) == 1);
	assert_true(fixed_div_round(min, max) == -1);
	assert_true(fixed_div_round(max - 1, max) == 1);
	assert_true(fixed_div_round(max / 2, max) == 0);
	assert_true(fixed_div_round(max / 2 + 1, max) == 1);
	assert_true(fixed_div_round(min / 2, max) == -1);
	assert_true(fixed_div_round(0, 1) == 0);
}

static void test_scales_out_of_range(void **state)
{
	static const int scales[] = {-1, 19, 200, INT32_MIN, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		int64_t v = UNTOUCHED;
		int s = scales[i];

		assert_int_equal(fixed_rescale(1, s, 0, &v), ERR_ARG);
		assert_int_equal(fixed_rescale(1, 0, s, &v), ERR_ARG);
		assert_int_equal(fixed_round(1, s, 0, &v), ERR_ARG);
		assert_int_equal(fixed_round(1, 0, s, &v), ERR_ARG);
		assert_int_equal(fixed_mul(1, s, 1, 0, 0, &v), ERR_ARG);
		assert_int_equal(fixed_mul(1, 0, 1, s, 0, &v), ERR_ARG);
		assert_int_equal(fixed_mul(1, 0, 1, 0, s, &v), ERR_ARG);
		assert_int_equal(fixed_div(1, s, 1, 0, 0, &v), ERR_ARG);
		assert_int_equal(fixed_div(1, 0, 1, s, 0, &v), ERR_ARG);
		assert_int_equal(fixed_div(1, 0, 1, 0, s, &v), ERR_ARG);
		assert_int_equal(v, UNTOUCHED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_vectors),
		cmocka_unit_test(test_edges_at_every_scale),
		cmocka_unit_test(test_parse_against_reference),
		cmocka_unit_test(test_scale_of),
		cmocka_unit_test(test_rescale),
		cmocka_unit_test(test_multiply),
		cmocka_unit_test(test_divide),
		cmocka_unit_test(test_half_to_even),
		cmocka_unit_test(test_div_round_at_the_edges),
		cmocka_unit_test(test_scales_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
