/* wire - decimals, ids, times and price levels from JSON. */
#include "common/venue/wire.h"

#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"

#define NS_PER_MS 1000000
#define NS_PER_US 1000
#define FIRST_US 100000000000000u /* in ms the year 5138, in us 1973 */

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

int wire_decimal(struct json_str text, int scale, int64_t *ret_value)
{
	int64_t value;
	int rc = fixed_parse(text.at, text.len, scale, &value);

	if (rc < 0)
		return rc;
	if (value < 0)
		return ERR_RANGE;
	*ret_value = value;
	return 0;
}

int wire_decimal_floor(struct json_str text, int scale, int64_t *ret_value)
{
	int own;
	int64_t value;
	int rc = wire_decimal(text, scale, ret_value);

	if (rc == ERR_RANGE && text.len > 0 && text.at[0] != '-') {
		*ret_value = INT64_MAX;
		return 0;
	}
	if (rc != ERR_INEXACT)
		return rc;
	rc = fixed_scale_of(text.at, text.len, &own);
	if (rc == 0)
		rc = wire_decimal(text, own, &value);
	if (rc == 0)
		*ret_value = value / fixed_pow10(own - scale);
	return rc;
}

int wire_u64(struct json_str text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.len == 0)
		return ERR_TYPE;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return ERR_TYPE;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value))
			return ERR_RANGE;
	}
	*ret_value = value;
	return 0;
}

int wire_time(struct json_str text, int64_t *ret_ns)
{
	uint64_t value;
	int rc = wire_u64(text, &value);

	if (rc < 0)
		return rc;
	uint64_t unit = value < FIRST_US ? NS_PER_MS : NS_PER_US;
	if (value > (uint64_t)INT64_MAX / unit)
		return ERR_RANGE;
	*ret_ns = (int64_t)(value * unit);
	return 0;
}

/* ---- levels ---- */

/* The common form of a decimal in quotes, read in one pass: digits, a point, decimals of which those beyond the
 * scale are zeros. Returns behind the closing quote, or NULL for everything else, good or bad. */
static inline const char *quick_decimal(const char *at, const char *end, int scale, int64_t *ret_value)
{
	uint64_t value = 0;
	const char *first = at + 1;

	if (end - at < 20 || *at != '"')
		return NULL;
	for (at = first; is_digit(*at) && at < first + 10; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	if (at == first || *at != '.')
		return NULL;
	const char *point = at++, *kept = at + scale;
	if (scale > 8 || end - at < 12)
		return NULL;
	for (; at < kept && is_digit(*at); at++)
		value = value * 10 + (uint64_t)(*at - '0');
	for (; *at == '0' && at < point + 10; at++)
		;
	if (at < kept || at == point + 1 || *at != '"')
		return NULL;
	*ret_value = (int64_t)value;
	return at + 1;
}

/* A run of levels in the venue's usual writing; stops in front of the first that is not. */
static const char *quick_levels(const char *at, const char *end, const struct venue_market *m,
				struct level *out, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = 0;

	while (n < max && end - at > 8 && *at == '[') {
		struct level l;
		const char *p = quick_decimal(at + 1, end, m->price_scale, &l.price);
		if (p == NULL || *p != ',')
			break;
		p = quick_decimal(p + 1, end, m->qty_scale, &l.qty);
		if (p == NULL || end - p < 3 || *p != ']' || l.price == 0)
			break;
		if (p[1] != ',' || p[2] != '[')
			break; /* the last one: the reader proper finds the end */
		out[n++] = l;
		at = p + 2;
	}
	*ret_n = n;
	return at;
}

/* One row; the reader stands at it. */
static int read_level(struct json *j, const struct venue_market *m, struct level *ret_level)
{
	struct json_str text[2];
	struct level l;

	if (!json_array(j))
		return json_finish(j);
	for (int i = 0; i < 2; i++) {
		if (!json_item(j))
			return j->err != 0 ? j->err : ERR_PROTOCOL;
		if (!json_scalar_text(j, &text[i]))
			return j->err;
	}
	while (json_item(j))
		json_skip(j);
	if (j->err != 0)
		return j->err;
	int rc = wire_decimal(text[0], m->price_scale, &l.price);
	if (rc == 0)
		rc = wire_decimal(text[1], m->qty_scale, &l.qty);
	if (rc == 0 && l.price == 0)
		rc = ERR_PROTOCOL;
	if (rc == 0)
		*ret_level = l;
	return rc;
}

int wire_levels(struct json *j, const struct venue_market *m, struct level *at, uint32_t max,
		struct levels *ret_levels)
{
	uint32_t n = 0;

	if (!json_array(j))
		return j->err;
	while (json_item(j)) {
		uint32_t quick;
		j->at = quick_levels(j->at, j->end, m, at + n, max - n, &quick);
		n += quick;
		if (n == max)
			return ERR_TOO_LONG;
		int rc = read_level(j, m, &at[n]);
		if (rc < 0)
			return rc;
		n++;
	}
	if (j->err != 0)
		return j->err;
	*ret_levels = (struct levels){at, n};
	return 0;
}

void wire_text(struct json_str text, char *out, size_t cap)
{
	char whole[4 * EVENT_TEXT_MAX];
	int n = json_unescape(text, whole, sizeof(whole));

	if (n < 0)
		n = 0;
	size_t len = (size_t)n < cap - 1 ? (size_t)n : cap - 1;
	while (len < (size_t)n && len > 0 && (whole[len] & 0xc0) == 0x80)
		len--; /* not in the middle of a sequence */
	memcpy(out, whole, len);
	out[len] = 0;
}
