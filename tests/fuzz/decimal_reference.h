/* decimal_reference - a second opinion on decimals: school arithmetic on long strings of digits. */
#ifndef NJ_TESTS_DECIMAL_REFERENCE_H
#define NJ_TESTS_DECIMAL_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define BIG_DIGITS 128

/* A natural number, lowest digit first; zeros fill the rest. */
struct big {
	uint8_t digit[BIG_DIGITS];
};

static inline struct big big_of(uint64_t value)
{
	struct big b = {{0}};

	for (int i = 0; value > 0; i++, value /= 10)
		b.digit[i] = (uint8_t)(value % 10);
	return b;
}

static inline int big_compare(const struct big *a, const struct big *b)
{
	for (int i = BIG_DIGITS - 1; i >= 0; i--)
		if (a->digit[i] != b->digit[i])
			return a->digit[i] < b->digit[i] ? -1 : 1;
	return 0;
}

static inline bool big_is_zero(const struct big *a)
{
	struct big zero = {{0}};

	return big_compare(a, &zero) == 0;
}

/* a * 10^n; digits shifted out at the low end must be asked for by big_low. */
static inline struct big big_shift(const struct big *a, int n)
{
	struct big b = {{0}};

	for (int i = 0; i < BIG_DIGITS; i++)
		if (i + n >= 0 && i + n < BIG_DIGITS)
			b.digit[i + n] = a->digit[i];
	return b;
}

/* a mod 10^n */
static inline struct big big_low(const struct big *a, int n)
{
	struct big b = {{0}};

	memcpy(b.digit, a->digit, (size_t)(n < BIG_DIGITS ? n : BIG_DIGITS));
	return b;
}

static inline void big_add(struct big *a, const struct big *b, int times)
{
	int carry = 0;

	for (int i = 0; i < BIG_DIGITS; i++) {
		carry += a->digit[i] + b->digit[i] * times;
		a->digit[i] = (uint8_t)(carry % 10);
		carry /= 10;
	}
	must(carry == 0);
}

static inline struct big big_mul(const struct big *a, const struct big *b)
{
	struct big product = {{0}};

	for (int i = 0; i < BIG_DIGITS; i++)
		if (b->digit[i] > 0) {
			struct big shifted = big_shift(a, i);

			big_add(&product, &shifted, b->digit[i]);
		}
	return product;
}

static inline void big_subtract(struct big *a, const struct big *b)
{
	int borrow = 0;

	for (int i = 0; i < BIG_DIGITS; i++) {
		int d = a->digit[i] - b->digit[i] - borrow;

		borrow = d < 0;
		a->digit[i] = (uint8_t)(d + 10 * borrow);
	}
	must(borrow == 0);
}

/* Long division as taught at school: digit by digit, by subtracting. */
static inline struct big big_divide(const struct big *a, const struct big *b, struct big *ret_rest)
{
	struct big quotient = {{0}}, rest = {{0}};

	for (int i = BIG_DIGITS - 1; i >= 0; i--) {
		rest = big_shift(&rest, 1);
		rest.digit[0] = a->digit[i];
		while (big_compare(&rest, b) >= 0) {
			big_subtract(&rest, b);
			quotient.digit[i]++;
		}
	}
	*ret_rest = rest;
	return quotient;
}

/* a / b rounded half to even. */
static inline struct big big_divide_even(const struct big *a, const struct big *b)
{
	struct big rest, one = big_of(1);
	struct big quotient = big_divide(a, b, &rest);
	struct big twice = rest;
	int order;

	big_add(&twice, &rest, 1);
	order = big_compare(&twice, b);
	if (order > 0 || (order == 0 && quotient.digit[0] % 2 == 1))
		big_add(&quotient, &one, 1);
	return quotient;
}

static inline int big_to_i64(const struct big *a, bool negative, int64_t *ret_value)
{
	struct big limit = big_of((uint64_t)INT64_MAX + negative);
	uint64_t value = 0;

	if (big_compare(a, &limit) > 0)
		return ERR_RANGE;
	for (int i = 19; i >= 0; i--)
		value = value * 10 + a->digit[i];
	*ret_value = (int64_t)(negative ? 0 - value : value);
	return 0;
}

static inline uint64_t big_magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

#endif
