/* wire - decimals, ids, times and price levels from JSON; frames read to their end before they count. */
#include "common/venue/wire.h"

#include <string.h>

#include "common/base/fixed.h"
#include "common/venue/digits8.h"
#include "common/venue/level_rows.h"

#define NS_PER_MS 1000000
#define NS_PER_US 1000
#define FIRST_US 100000000000000u /* in ms the year 5138, in us 1973 */

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* A decimal of up to seven digits, and eight behind a point. false: everything else, good or bad. */
static inline bool quick_text(struct json_str text, int scale, int64_t *ret_value)
{
	struct digits8_run whole, part = {0, 0};

	if (text.len - 1 > 15 || (unsigned)scale > 8)
		return false;
	uint64_t word = text.len < 8 ? digits8_load_short(text.at, text.len) : digits8_load(text.at);
	whole = digits8_run(word);
	if (whole.n - 1 > 6)
		return false;
	if (whole.n < text.len) {
		uint32_t n = (uint32_t)text.len - whole.n - 1;
		if (text.at[whole.n] != '.' || n - 1 > 7)
			return false;
		/* to its lowest byte, with what lies behind it or zeros */
		word = text.len < 8 ? word >> 8 * (whole.n + 1) : digits8_load(text.at + text.len - 8) >> (64 - 8 * n);
		part = digits8_run(word);
		if (part.n < n)
			return false;
	}
	return digits8_decimal(whole, part, scale, ret_value);
}

int wire_decimal(struct json_str text, int scale, int64_t *ret_value)
{
	int64_t value;

	if (quick_text(text, scale, ret_value))
		return 0;
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

	if (text.len >= 8 && text.len <= 16 && digits8_number(text.at, text.len, ret_value))
		return 0;
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

int wire_time_of(uint64_t value, int64_t *ret_ns)
{
	uint64_t unit = value < FIRST_US ? NS_PER_MS : NS_PER_US;

	if (value > (uint64_t)INT64_MAX / unit)
		return ERR_RANGE;
	*ret_ns = (int64_t)(value * unit);
	return 0;
}

int wire_time(struct json_str text, int64_t *ret_ns)
{
	uint64_t value;
	int rc = wire_u64(text, &value);

	return rc < 0 ? rc : wire_time_of(value, ret_ns);
}

/* ---- levels ---- */

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

int wire_levels(struct json *j, const struct venue_market *m, struct level *at, uint32_t max, struct levels *ret_levels)
{
	struct level_room room = {at, 0, max, m->price_scale, m->qty_scale};
	bool last;

	if (!json_array(j))
		return j->err;
	while (json_item(j)) {
		j->at = level_rows(j->at, j->end, &room, &last);
		if (last) {
			json_resume(j, j->at);
			continue;
		}
		if (room.n == max)
			return ERR_TOO_LONG;
		int rc = read_level(j, m, &at[room.n]);
		if (rc < 0)
			return rc;
		room.n++;
	}
	if (j->err != 0)
		return j->err;
	*ret_levels = (struct levels){at, room.n};
	return 0;
}

int wire_part(const struct venue_input *in, const char *name, enum json_kind kind, struct json_str *ret_text)
{
	struct json_str key;
	struct json j;

	*ret_text = (struct json_str){NULL, 0, false};
	json_init(&j, in->text, in->len);
	json_object(&j);
	while (json_key(&j, &key))
		if (json_str_is(key, name) && json_peek(&j) == kind)
			json_raw(&j, ret_text);
		else
			json_skip(&j);
	int rc = json_finish(&j);
	return rc == 0 && ret_text->at == NULL ? ERR_PROTOCOL : rc;
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

/* ---- with the first error kept ---- */

int64_t wire_floor(struct wire *w, struct json_str text, int scale)
{
	int64_t value = 0;

	wire_note(w, wire_decimal_floor(text, scale, &value));
	return value;
}

int64_t wire_signed(struct wire *w, struct json_str text, int scale)
{
	bool negative = text.len > 0 && text.at[0] == '-';
	int64_t value = 0;

	text.at += negative;
	text.len -= negative;
	wire_note(w, wire_decimal(text, scale, &value));
	return negative ? -value : value;
}

int64_t wire_rate(struct wire *w, struct json_str text)
{
	bool negative = text.len > 0 && text.at[0] == '-';

	text.at += negative;
	text.len -= negative;
	int64_t value = wire_floor(w, text, VENUE_RATE_SCALE);
	return negative ? -value : value;
}

void wire_side(struct wire *w, struct json *j, enum side side, struct levels *ret_levels)
{
	struct level *at = w->out->levels + (side == side_sell ? w->out->levels_max : 0);

	wire_note(w, wire_levels(j, w->market, at, w->out->levels_max, ret_levels));
}

void wire_same_market(struct wire *w, struct json_str raw)
{
	wire_demand(w, raw.len == 0 || json_str_is(raw, w->market->raw));
}

void wire_give(struct wire *w, struct venue_message *m)
{
	if (w->err != 0 || w->silent)
		return;
	m->market = w->market;
	m->time = w->time;
	m->feed = w->feed;
	m->feed_seq = w->feed_seq;
	w->out->message(w->out->ctx, m);
}

static void walk_list(struct wire *w, struct json_str list, void (*read)(struct wire *w, struct json *j))
{
	struct json j, one;
	struct json_str item;

	json_init(&j, list.at, list.len);
	json_array(&j);
	while (w->err == 0 && json_item(&j) && json_raw(&j, &item)) {
		json_init(&one, item.at, item.len);
		read(w, &one);
		if (w->err == 0)
			wire_note(w, json_finish(&one));
	}
	if (w->err == 0)
		wire_note(w, json_finish(&j));
}

void wire_list(struct wire *w, struct json_str list, void (*read)(struct wire *w, struct json *j))
{
	bool silent = w->silent;

	w->silent = true;
	walk_list(w, list, read);
	w->silent = silent;
	if (w->err == 0 && !silent)
		walk_list(w, list, read);
}

/* Index of the member with this name, or n. Whoever lists the names in the order in which they come finds each at once:
 * the search goes on from the last. */
static size_t member_of(const struct wire_member *m, size_t n, size_t from, struct json_str key)
{
	for (size_t k = 0; k < n; k++) {
		size_t i = from + k < n ? from + k : from + k - n;
		if (m[i].name[0] == key.at[0] && json_str_is(key, m[i].name))
			return i;
	}
	return n;
}

void wire_members(struct json *j, struct wire_member *m, size_t n)
{
	struct json_str key;

	size_t next = 0;

	for (size_t i = 0; i < n; i++)
		m[i] = (struct wire_member){.name = m[i].name, .text = {"", 0, false}};
	json_object(j);
	while (json_key(j, &key)) {
		size_t i = member_of(m, n, next, key);
		next = i < n ? i + 1 : next;
		enum json_kind kind = json_peek(j);
		if (i < n && (kind == JSON_STRING || kind == JSON_NUMBER))
			json_scalar_text(j, &m[i].text);
		else if (i < n && (kind == JSON_TRUE || kind == JSON_FALSE))
			json_bool(j, &m[i].truth);
		else
			json_skip(j);
	}
}

bool wire_all_there(const struct wire_member *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (m[i].text.len == 0)
			return false;
	return true;
}
