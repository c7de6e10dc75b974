/* json_number - numbers of the JSON reader: their text, or what it says as integer or decimal. */
#include "common/base/json_scan.h"

#include "common/base/fixed.h"

bool json_number(struct json *j, struct json_str *ret_text)
{
	const char *at = value(j), *behind;

	if (!at)
		return false;
	if (*at != '-' && !is_digit(*at))
		return fail_type(j, at);
	behind = scan_number(j, at);
	if (behind)
		*ret_text = (struct json_str){at, (size_t)(behind - at), false};
	return after(j, behind);
}

bool json_scalar_text(struct json *j, struct json_str *ret_text)
{
	return json_peek(j) == JSON_STRING ? json_string(j, ret_text) : json_number(j, ret_text);
}

#define DIGITS_SAFE 19 /* 10^19 - 1 fits 64 bits, whatever the digits */

struct integer {
	uint64_t magnitude;
	bool negative;
};

/* By a checked number's text; ERR_TYPE, ERR_RANGE. */
static int to_integer(struct json_str text, struct integer *ret)
{
	struct integer n = {0, text.at[0] == '-'};

	for (size_t i = n.negative; i < text.len; i++)
		if (!is_digit(text.at[i]))
			return ERR_TYPE;
	for (size_t i = n.negative; i < text.len; i++) {
		uint64_t digit = (unsigned char)(text.at[i] - '0');

		if (__builtin_mul_overflow(n.magnitude, 10, &n.magnitude) ||
		    __builtin_add_overflow(n.magnitude, digit, &n.magnitude))
			return ERR_RANGE;
	}
	*ret = n;
	return 0;
}

__attribute__((noinline))
static bool any_integer(struct json *j, struct integer *ret)
{
	struct json_str text;
	const char *at = value(j);
	int rc;

	if (!at || !json_number(j, &text))
		return false;
	rc = to_integer(text, ret);
	return rc < 0 ? fail(j, at, rc) : true;
}

/* Behind the digits at `at` that are an integer by themselves, and short; NULL where they are
 * not. */
static inline const char *scan_integer(const struct json *j, const char *at, uint64_t *ret_value)
{
	uint64_t sum = 0;
	const char *end = digits_read(at, j->end, &sum);

	if (end == j->end || end == at || end - at > DIGITS_SAFE || (*at == '0' && end - at > 1))
		return NULL;
	if (*end != ',' && *end != '}' && *end != ']')
		return NULL; /* a point, an exponent, space, or worse */
	*ret_value = sum;
	return end;
}

__attribute__((noinline))
static bool any_i64(struct json *j, int64_t *ret_value)
{
	struct integer n;

	if (!any_integer(j, &n))
		return false;
	if (n.magnitude > (uint64_t)INT64_MAX + n.negative)
		return fail(j, j->at, ERR_RANGE);
	*ret_value = (int64_t)(n.negative ? 0 - n.magnitude : n.magnitude);
	return true;
}

bool json_i64(struct json *j, int64_t *ret_value)
{
	const char *end = NULL;
	uint64_t magnitude = 0;

	if (is_compact(j))
		end = scan_integer(j, j->at, &magnitude);
	if (!end || magnitude > INT64_MAX)
		return any_i64(j, ret_value);
	*ret_value = (int64_t)magnitude;
	return after(j, end);
}

__attribute__((noinline))
static bool any_u64(struct json *j, uint64_t *ret_value)
{
	struct integer n;

	if (!any_integer(j, &n))
		return false;
	if (n.negative && n.magnitude > 0)
		return fail(j, j->at, ERR_RANGE);
	*ret_value = n.magnitude;
	return true;
}

bool json_u64(struct json *j, uint64_t *ret_value)
{
	const char *end = NULL;
	uint64_t magnitude = 0;

	if (is_compact(j))
		end = scan_integer(j, j->at, &magnitude);
	if (!end)
		return any_u64(j, ret_value);
	*ret_value = magnitude;
	return after(j, end);
}

__attribute__((noinline))
static bool any_fixed(struct json *j, int scale, int64_t *ret_value)
{
	const char *at = value(j);
	struct json_str text;
	int rc;

	if (!at || !json_scalar_text(j, &text))
		return false;
	rc = fixed_parse(text.at, text.len, scale, ret_value);
	return rc < 0 ? fail(j, at, rc) : true;
}

/* fixed_parse's common case without looking for the string's end first. Byte by byte, as keys
 * are. */
bool json_fixed(struct json *j, int scale, int64_t *ret_value)
{
	const char *at = j->at, *first, *point;
	int64_t places = scale, value;
	uint64_t magnitude = 0;
	bool negative;

	if (!is_compact(j) || !j->closed || *at != '"' || (unsigned)scale > FIXED_SCALE_MAX)
		return any_fixed(j, scale, ret_value);
	negative = *++at == '-';
	first = at += negative;
	for (; is_digit(*at); at++)
		magnitude = magnitude * 10 + (unsigned char)(*at - '0');
	point = at;
	if (*at == '.') {
		for (at++; is_digit(*at); at++)
			magnitude = magnitude * 10 + (unsigned char)(*at - '0');
		places -= at - point - 1;
	}
	if (*at != '"' || point == first || at - point == 1 || at - first > DIGITS_SAFE ||
	    magnitude > INT64_MAX || places < 0 ||
	    __builtin_mul_overflow((int64_t)magnitude, fixed_powers[places], &value))
		return any_fixed(j, scale, ret_value);
	*ret_value = negative ? -value : value;
	return after(j, at + 1);
}
