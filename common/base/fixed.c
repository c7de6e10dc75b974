/* fixed - exact decimal text and arithmetic on scaled 64-bit integers, by way of 128 bits. */
#include "common/base/fixed.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/digits.h"
#include "common/base/err.h"

__extension__ typedef unsigned __int128 uwide;

#define EXPONENT_MAX ((int64_t)1 << 50) /* more digits than any text has bytes: clamped there */
#define DIGITS_FAST 18 /* always fit int64, whatever they are */

const int64_t fixed_powers[FIXED_SCALE_MAX + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
	10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
	1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
};

static bool is_scale(int scale)
{
	return scale >= 0 && scale <= FIXED_SCALE_MAX;
}

int64_t fixed_pow10(int n)
{
	must(is_scale(n));
	return fixed_powers[n];
}

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static uint64_t magnitude_of(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* -2^63 is as good as any other. */
static int with_sign(uwide magnitude, bool negative, int64_t *ret_value)
{
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return ERR_RANGE;
	*ret_value = (int64_t)(negative ? 0 - (uint64_t)magnitude : (uint64_t)magnitude);
	return 0;
}

/* ---- text ---- */

/* A decimal text taken apart: digits at[0..n), of which the first stands for 10^(top-1). A point
 * may lie between them. No zeros at either end, n is 0 for zero. */
struct decimal {
	const char *at;
	size_t n;
	int64_t top;
	bool negative;
};

/* Exponent behind 'e'; all of at..end must be it. */
static int parse_exponent(const char *at, const char *end, int64_t *ret_exponent)
{
	bool negative = false;
	int64_t exponent = 0;

	if (at < end && (*at == '-' || *at == '+'))
		negative = *at++ == '-';
	if (at == end)
		return ERR_SYNTAX;
	for (; at < end; at++) {
		if (!is_digit(*at))
			return ERR_SYNTAX;
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*at - '0');
	}
	*ret_exponent = negative ? -exponent : exponent;
	return 0;
}

/* The next digit, stepping over the point. */
static const char *skip_point(const char *at)
{
	return *at == '.' ? at + 1 : at;
}

/* Drops the zeros at both ends of the digits at..end and counts what is left. */
static void trim(const char *at, const char *end, int64_t top, struct decimal *d)
{
	bool point;

	while (at < end && (*at == '0' || *at == '.'))
		top -= *at++ == '0';
	while (at < end && (end[-1] == '0' || end[-1] == '.'))
		end--;
	point = at < end && memchr(at, '.', (size_t)(end - at)) != NULL;
	d->at = at;
	d->n = (size_t)(end - at) - point;
	d->top = top;
}

static int take_apart(const char *text, size_t len, struct decimal *ret)
{
	const char *at = text, *end = text + len, *first, *point;
	struct decimal d = {.negative = len > 0 && *text == '-'};
	int64_t exponent = 0;
	int rc = 0;

	at += d.negative;
	first = at;
	while (at < end && is_digit(*at))
		at++;
	point = at;
	if (at < end && *at == '.')
		for (at++; at < end && is_digit(*at);)
			at++;
	if (point == first || at - point == 1)
		return ERR_SYNTAX; /* ".5" and "5." are no numbers anywhere */
	if (at < end)
		rc = *at == 'e' || *at == 'E' ? parse_exponent(at + 1, end, &exponent) : ERR_SYNTAX;
	if (rc < 0)
		return rc;
	trim(first, at, point - first + exponent, &d);
	*ret = d;
	return 0;
}

/* Any well-formed text. Too large goes before inexact: no larger scale would help. */
static int parse_any(const char *text, size_t len, int scale, int64_t *ret_value)
{
	struct decimal d;
	int64_t keep; /* digits left of the scaled point */
	uwide magnitude = 0;
	const char *at;
	int rc = take_apart(text, len, &d);

	if (rc < 0)
		return rc;
	keep = d.n == 0 ? 0 : d.top + scale;
	if (keep > 19)
		return ERR_RANGE;
	at = d.at;
	for (int64_t i = 0; i < keep; i++) {
		magnitude *= 10;
		if ((size_t)i < d.n) {
			at = skip_point(at);
			magnitude += (unsigned char)(*at++ - '0');
		}
	}
	if (magnitude > (uint64_t)INT64_MAX + d.negative)
		return ERR_RANGE;
	if (d.n > 0 && (keep < 0 || (size_t)keep < d.n))
		return ERR_INEXACT;
	return with_sign(magnitude, d.negative, ret_value);
}

/* The common case in one pass: "-123.4500", at most 18 digits, no more decimals than the scale. */
int fixed_parse(const char *text, size_t len, int scale, int64_t *ret_value)
{
	const char *at = text, *end, *first, *point;
	uint64_t magnitude = 0;
	bool negative;
	int shift;

	if (!is_scale(scale))
		return ERR_ARG;
	if (len == 0) /* text may be NULL */
		return ERR_SYNTAX;
	if (len > DIGITS_FAST + 1)
		return parse_any(text, len, scale, ret_value);
	end = text + len;
	negative = *at == '-';
	first = at += negative;
	point = at = digits_read(at, end, &magnitude);
	shift = scale;
	if (at < end && *at == '.') {
		at = digits_read(at + 1, end, &magnitude);
		shift -= (int)(at - point) - 1;
	}
	if (at < end || point == first || at - point == 1 || shift < 0)
		return parse_any(text, len, scale, ret_value);
	return with_sign((uwide)magnitude * (uint64_t)fixed_powers[shift], negative, ret_value);
}

int fixed_scale_of(const char *text, size_t len, int *ret_scale)
{
	struct decimal d;
	int64_t decimals;
	int rc = len > 0 ? take_apart(text, len, &d) : ERR_SYNTAX;

	if (rc < 0)
		return rc;
	decimals = d.n == 0 ? 0 : (int64_t)d.n - d.top;
	if (decimals > FIXED_SCALE_MAX)
		return ERR_RANGE;
	*ret_scale = decimals < 0 ? 0 : (int)decimals;
	return 0;
}

/* Digits from the right; the point and its leading zero where the scale has decimals. */
size_t fixed_format(char *out, size_t cap, int64_t value, int scale)
{
	uint64_t left = magnitude_of(value);
	char text[FIXED_TEXT_MAX];
	char *at = text + sizeof(text);
	size_t len;

	must(cap >= FIXED_TEXT_MAX && is_scale(scale));
	*--at = 0;
	for (int i = 0; i <= scale || left > 0; i++) {
		if (i == scale && scale > 0)
			*--at = '.';
		*--at = (char)('0' + left % 10);
		left /= 10;
	}
	if (value < 0)
		*--at = '-';
	len = (size_t)(text + sizeof(text) - at) - 1;
	memcpy(out, at, len + 1);
	return len;
}

size_t fixed_format_trim(char *out, size_t cap, int64_t value, int scale)
{
	size_t len = fixed_format(out, cap, value, scale);

	if (scale == 0)
		return len;
	while (out[len - 1] == '0')
		len--;
	if (out[len - 1] == '.')
		len--;
	out[len] = 0;
	return len;
}

/* ---- arithmetic ---- */

/* Compares with what is missing to the divisor, since twice the rest may not fit. */
static uwide round_even(uwide quotient, uwide rest, uwide divisor)
{
	uwide missing = divisor - rest;

	return quotient + (rest > missing || (rest == missing && (quotient & 1)));
}

static uwide divide_round(uwide value, uwide divisor)
{
	return round_even(value / divisor, value % divisor, divisor);
}

fixed_wide fixed_div_round(fixed_wide value, fixed_wide divisor)
{
	uwide magnitude = value < 0 ? 0 - (uwide)value : (uwide)value;

	must(divisor > 0);
	magnitude = divide_round(magnitude, (uwide)divisor);
	return (fixed_wide)(value < 0 ? 0 - magnitude : magnitude);
}

/* value * 10^places for what fits 64 bits before and after; 0 <= places <= 18. */
static int raise(int64_t value, int places, int64_t *ret_value)
{
	int64_t raised;

	if (__builtin_mul_overflow(value, fixed_powers[places], &raised))
		return ERR_RANGE;
	*ret_value = raised;
	return 0;
}

int fixed_rescale(int64_t value, int from, int to, int64_t *ret_value)
{
	int64_t divisor;

	if (!is_scale(from) || !is_scale(to))
		return ERR_ARG;
	if (to >= from)
		return raise(value, to - from, ret_value);
	divisor = fixed_powers[from - to];
	if (value % divisor != 0)
		return ERR_INEXACT;
	*ret_value = value / divisor;
	return 0;
}

int fixed_round(int64_t value, int from, int to, int64_t *ret_value)
{
	if (!is_scale(from) || !is_scale(to))
		return ERR_ARG;
	if (to >= from)
		return raise(value, to - from, ret_value);
	*ret_value = (int64_t)fixed_div_round(value, fixed_powers[from - to]);
	return 0;
}

/* 10^n for 0 <= n <= 36, the most that scales of a product can differ by. */
static uwide pow10_wide(int n)
{
	int low = n > FIXED_SCALE_MAX ? FIXED_SCALE_MAX : n;

	return (uwide)fixed_powers[low] * (uint64_t)fixed_powers[n - low];
}

int fixed_mul(int64_t a, int a_scale, int64_t b, int b_scale, int out_scale, int64_t *ret_value)
{
	uwide product = (uwide)magnitude_of(a) * magnitude_of(b);
	bool negative = (a < 0) != (b < 0);
	int shift;

	if (!is_scale(a_scale) || !is_scale(b_scale) || !is_scale(out_scale))
		return ERR_ARG;
	shift = out_scale - a_scale - b_scale;
	if (shift < 0)
		return with_sign(divide_round(product, pow10_wide(-shift)), negative, ret_value);
	if (product > (uwide)1 << 63)
		return ERR_RANGE;
	return with_sign(product * pow10_wide(shift), negative, ret_value);
}

/* a * 10^shift / b for 18 < shift <= 36, by long division: the product may need 183 bits. */
static int divide_shifted(uint64_t a, int shift, uint64_t b, uwide *ret_quotient)
{
	uwide first = (uwide)a * (uint64_t)fixed_powers[FIXED_SCALE_MAX];
	uint64_t factor = (uint64_t)fixed_powers[shift - FIXED_SCALE_MAX];
	uwide quotient = first / b, rest;

	if (quotient > ((uwide)1 << 63) / factor)
		return ERR_RANGE;
	rest = first % b * factor;
	quotient = quotient * factor + rest / b;
	*ret_quotient = round_even(quotient, rest % b, b);
	return 0;
}

int fixed_div(int64_t a, int a_scale, int64_t b, int b_scale, int out_scale, int64_t *ret_value)
{
	uint64_t top = magnitude_of(a), bottom = magnitude_of(b);
	bool negative = (a < 0) != (b < 0);
	uwide quotient;
	int shift, rc = 0;

	if (b == 0 || !is_scale(a_scale) || !is_scale(b_scale) || !is_scale(out_scale))
		return ERR_ARG;
	shift = out_scale - a_scale + b_scale;
	if (shift < 0)
		quotient = divide_round(top, (uwide)bottom * pow10_wide(-shift));
	else if (shift <= FIXED_SCALE_MAX)
		quotient = divide_round((uwide)top * pow10_wide(shift), bottom);
	else
		rc = divide_shifted(top, shift, bottom, &quotient);
	return rc < 0 ? rc : with_sign(quotient, negative, ret_value);
}
