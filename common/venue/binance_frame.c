/* binance_frame - a quick way for what Binance usually writes, the reader proper for all. */
#include "common/venue/binance_frame.h"

#include <string.h>

#include "common/base/digits.h"
#include "common/base/err.h"
#include "common/base/plain.h"
#include "common/venue/digits8.h"

/* Member by member: at once, the compiler makes it one slow instruction of the processor's (rep stos). */
static void frame_init(struct binance_frame *f, struct venue_output *out)
{
	static const struct json_str none;

	f->w = (struct wire){.out = out};
	f->stream = f->event = f->symbol = f->message = f->code = none;
	f->previous = f->average = f->late[0] = f->late[1] = none;
	f->side[0] = f->side[1] = (struct levels){NULL, 0};
	f->has_side[0] = f->has_side[1] = f->has_result = f->has_levels_id = f->inside = false;
	memset(f->scale, -1, sizeof(f->scale));
	memset(&f->own, 0, offsetof(struct binance_letters, text));
	memset(&f->kline, 0, offsetof(struct binance_letters, text));
}

static void set_letter(struct binance_letters *l, int i, struct json_str text, bool truth)
{
	uint64_t bit = (uint64_t)1 << i;

	for (int known = 0; known < BINANCE_KNOWN; known++)
		l->known[known] &= ~bit;
	l->known[truth ? BINANCE_TRUE : BINANCE_TEXT] |= bit;
	l->present |= bit;
	l->text[i] = text;
}

/* The text of a letter is set where its bit is, and only there. */
static void collect_letter(struct json *j, struct binance_letters *l, char letter)
{
	int i = binance_letter(letter);
	enum json_kind kind = json_peek(j);
	bool truth = false, good;

	if (kind == JSON_STRING || kind == JSON_NUMBER) {
		good = json_scalar_text(j, &l->text[i]);
	} else if (kind == JSON_TRUE || kind == JSON_FALSE) {
		good = json_bool(j, &truth);
		l->text[i] = (struct json_str){"", 0, false};
	} else {
		json_skip(j);
		return;
	}
	if (good)
		set_letter(l, i, l->text[i], truth);
}

/* The object under "k" (a kline) or "o" (a liquidation order). */
static void collect_inner(struct json *j, struct binance_frame *f)
{
	struct json_str key;

	json_object(j);
	while (json_key(j, &key))
		if (key.len == 1 && binance_letter(key.at[0]) >= 0)
			collect_letter(j, &f->kline, key.at[0]);
		else if (json_str_is(key, "ap"))
			json_scalar_text(j, &f->average);
		else
			json_skip(j);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Length of the symbol in a stream's name, "btcusdt@depth@100ms"; 0 where it has none. */
static size_t stream_symbol_len(struct json_str stream)
{
	const char *at = stream.len > 0 ? memchr(stream.at, '@', stream.len) : NULL;

	return at != NULL && stream.at[0] != '!' ? (size_t)(at - stream.at) : 0;
}

const struct venue_market *binance_stream_market(const struct binance_frame *f)
{
	char raw[SYMBOL_RAW_MAX];
	size_t n = stream_symbol_len(f->stream);

	if (n == 0 || n > sizeof(raw))
		return NULL;
	for (size_t i = 0; i < n; i++)
		raw[i] = upper(f->stream.at[i]);
	return f->w.out->find(f->w.out->ctx, raw, n);
}

static bool same_but_case(const char *a, const char *b, size_t n)
{
	for (; n >= 8; a += 8, b += 8, n -= 8)
		if (digits8_upper(digits8_load(a)) != digits8_upper(digits8_load(b)))
			return false;
	return n == 0 || digits8_upper(digits8_load_short(a, n)) == digits8_upper(digits8_load_short(b, n));
}

/* The stream's name and the symbol inside it must agree. */
bool binance_contradicts(const struct binance_frame *f)
{
	size_t n = f->symbol.len;

	if (n == 0 || f->stream.len == 0)
		return false;
	if (f->stream.len > n && f->stream.at[n] == '@' && same_but_case(f->stream.at, f->symbol.at, n))
		return false;
	return stream_symbol_len(f->stream) != 0;
}

static void read_side(struct json *j, struct binance_frame *f, int side)
{
	wire_side(&f->w, j, side == 0 ? side_buy : side_sell, &f->side[side]);
	f->has_side[side] = true;
}

/* An array under "b" or "a" (0 or 1): levels where the symbol is known by now, else kept for
 * later. */
static void collect_side(struct json *j, struct binance_frame *f, int side)
{
	if (f->w.market == NULL || f->w.err != 0)
		json_raw(j, &f->late[side]);
	else
		read_side(j, f, side);
}

/* The event's name or the symbol may just have been read. */
static void on_name(struct binance_frame *f, char letter)
{
	if (letter == 'e')
		f->event = binance_text(&f->own, 'e');
	if (letter != 's' || !binance_has_one(&f->own, 's'))
		return;
	f->symbol = binance_text(&f->own, 's');
	const struct venue_market *m = f->w.market = f->w.out->find(f->w.out->ctx, f->symbol.at, f->symbol.len);
	f->own.known[BINANCE_PRICE] = f->own.known[BINANCE_QTY] = 0; /* they were another market's */
	f->scale[BINANCE_PRICE] = m != NULL && m->price_scale <= 8 ? m->price_scale : -1;
	f->scale[BINANCE_QTY] = m != NULL && m->qty_scale <= 8 ? m->qty_scale : -1;
}

static void collect_key(struct json *j, struct binance_frame *f, char letter)
{
	bool is_array = json_peek(j) == JSON_ARRAY;

	if (is_array && (letter == 'b' || letter == 'a')) {
		collect_side(j, f, letter == 'a');
		return;
	}
	if ((letter == 'k' || letter == 'o') && json_peek(j) == JSON_OBJECT) {
		collect_inner(j, f);
		return;
	}
	collect_letter(j, &f->own, letter);
	on_name(f, letter);
}

static void collect(struct json *j, struct binance_frame *f);

/* The object in the wrapper. */
static void collect_inside(struct json *j, struct binance_frame *f)
{
	f->inside = true;
	json_object(j);
	collect(j, f);
}

static bool is_wrapper_key(struct json_str key)
{
	return json_str_is(key, "data") || json_str_is(key, "error");
}

/* Keys of more than one letter: the wrapper's, and those of replies to our own messages. */
static void collect_word(struct json *j, struct binance_frame *f, struct json_str key)
{
	enum json_kind kind = json_peek(j);

	if (json_str_is(key, "stream") && kind == JSON_STRING) {
		json_string(j, &f->stream);
	} else if (is_wrapper_key(key) && kind == JSON_OBJECT && !f->inside) {
		collect_inside(j, f);
	} else if (json_str_is(key, "result")) {
		f->has_result = true;
		json_skip(j);
	} else if (json_str_is(key, "pu") && kind == JSON_NUMBER) {
		json_number(j, &f->previous);
	} else if (json_str_is(key, "msg") && kind == JSON_STRING) {
		json_string(j, &f->message);
	} else if (json_str_is(key, "code") && kind == JSON_NUMBER) {
		json_number(j, &f->code);
	} else {
		f->has_levels_id |= json_str_is(key, "lastUpdateId");
		json_skip(j);
	}
}

/* ---- the usual way of writing ----
 *
 * Reads what Binance writes all the time, for as long as it is written as usual; the reader proper takes over at the
 * first member that is not. Accepts nothing that it would not, and means the same by it (unit.venue.venues reads each
 * frame in both ways). A value is read in the pass that finds its end: 1.2 instead of 1.9 times the bare cursor of
 * bench_decode. */

#define INTEGER_DIGITS 19 /* 10^19 - 1 fits 64 bits, whatever the digits */
#define ROOM 8            /* bytes that a member takes at least, with some behind it */

/* What a letter's value in quotes mostly is. Who wants something else of the letter reads its text. */
static const uint8_t meaning[BINANCE_LETTERS] = {
	['A' - 'A'] = BINANCE_QTY,   ['B' - 'A'] = BINANCE_QTY,   ['q' - 'A'] = BINANCE_QTY,
	['v' - 'A'] = BINANCE_QTY,   ['a' - 'A'] = BINANCE_PRICE, ['b' - 'A'] = BINANCE_PRICE,
	['c' - 'A'] = BINANCE_PRICE, ['h' - 'A'] = BINANCE_PRICE, ['l' - 'A'] = BINANCE_PRICE,
	['o' - 'A'] = BINANCE_PRICE, ['p' - 'A'] = BINANCE_PRICE,
};

struct scalar {
	struct json_str text;
	uint64_t value;
	enum binance_known known;
};

/* A text in quotes: a decimal where one is expected, else anything plain. Returns what is behind it, or NULL. */
static inline const char *quick_text(const char *at, const char *end, int scale, struct scalar *s)
{
	const char *behind = NULL;
	int64_t value = 0;

	if (scale >= 0) {
		behind = digits8_quoted_8(at, end, scale, &value);
		if (behind == NULL)
			behind = digits8_quoted(at, end, scale, &value);
	}
	if (behind != NULL) {
		s->text = (struct json_str){at + 1, (size_t)(behind - at - 2), false};
		s->value = (uint64_t)value;
		return behind;
	}
	behind = plain_skip(at + 1, end);
	s->text = (struct json_str){at + 1, (size_t)(behind - at - 1), false};
	s->known = BINANCE_TEXT;
	return behind < end && *behind == '"' ? behind + 1 : NULL;
}

/* An unsigned integer. */
static inline const char *quick_integer(const char *at, const char *end, struct scalar *s)
{
	const char *behind = digits8_integer(at, end, &s->value);

	s->known = BINANCE_INTEGER;
	if (behind == NULL) {
		s->value = 0;
		behind = digits_read(at, end, &s->value);
		if (behind - at > INTEGER_DIGITS)
			s->known = BINANCE_TEXT;
	}
	s->text = (struct json_str){at, (size_t)(behind - at), false};
	return behind;
}

static inline const char *quick_flag(const char *at, const char *end, struct scalar *s)
{
	bool truth = end - at > 5 && memcmp(at, "true", 4) == 0;

	s->text = (struct json_str){"", 0, false};
	s->known = truth ? BINANCE_TRUE : BINANCE_TEXT;
	if (truth)
		return at + 4;
	return end - at > 5 && memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
}

/* An array under "b" or "a": its levels are wire.h's affair. */
static const char *quick_side(struct json *j, struct binance_frame *f, char letter, const char *at)
{
	if (f->w.market == NULL || (letter != 'b' && letter != 'a'))
		return NULL;
	json_resume_due(j, at);
	read_side(j, f, letter == 'a');
	return f->w.err == 0 ? j->at : NULL;
}

/* Members of one letter. One that comes twice is left to the reader proper, too. */
static void quick_members(struct json *j, struct binance_frame *f)
{
	struct binance_letters *l = &f->own;
	const char *at = j->at, *end = j->end, *behind;
	bool after = j->state == JSON_AFTER;
	struct scalar s = {.value = 0};

	while (end - at > ROOM && (!after || *at == ',')) {
		const char *key = at + after, *value = key + 4;
		int i = binance_letter(key[1]);
		if (key[0] != '"' || i < 0 || memcmp(key + 2, "\":", 2) != 0 || l->present >> i & 1)
			break;
		if (*value == '[') {
			behind = quick_side(j, f, key[1], value);
			if (behind == NULL)
				break;
			at = behind;
			after = true;
			continue;
		}
		s.known = meaning[i];
		if (*value == '"')
			behind = quick_text(value, end, f->scale[s.known], &s);
		else if (*value >= '1' && *value <= '9')
			behind = quick_integer(value, end, &s);
		else
			behind = quick_flag(value, end, &s);
		if (behind == NULL || behind == end || (*behind != ',' && *behind != '}'))
			break;
		l->text[i] = s.text;
		l->value[i] = s.value;
		l->present |= (uint64_t)1 << i;
		l->known[s.known] |= (uint64_t)1 << i;
		if (key[1] == 's' || key[1] == 'e')
			on_name(f, key[1]);
		at = behind;
		after = true;
	}
	if (at > j->at)
		json_resume(j, at);
}

/* The wrapper's first members, {"stream":"…","data":{. true: the reader stands at that brace. */
static bool quick_wrapper(struct json *j, struct binance_frame *f)
{
	static const char first[] = "\"stream\":\"", second[] = "\",\"data\":{";
	const char *at = j->at, *name = at + sizeof(first) - 1;

	if (j->end - at < 64 || memcmp(at, first, sizeof(first) - 1) != 0)
		return false;
	at = plain_skip(name, j->end);
	if ((size_t)(j->end - at) < sizeof(second) || memcmp(at, second, sizeof(second) - 1) != 0)
		return false;
	f->stream = (struct json_str){name, (size_t)(at - name), false};
	json_resume_due(j, at + sizeof(second) - 2);
	return true;
}

/* Members of the object that the reader is in. */
static void collect(struct json *j, struct binance_frame *f)
{
	struct json_str key;

	for (;;) {
		if (j->end - j->at > ROOM)
			quick_members(j, f);
		if (f->w.err != 0 || !json_key(j, &key))
			return;
		if (key.len == 1 && binance_letter(key.at[0]) >= 0)
			collect_key(j, f, key.at[0]);
		else
			collect_word(j, f, key);
	}
}

/* ---- the whole ---- */

static void read_late(struct binance_frame *f, int side)
{
	struct json j;

	if (f->late[side].at == NULL || f->w.err != 0)
		return;
	json_init(&j, f->late[side].at, f->late[side].len);
	read_side(&j, f, side);
}

void binance_sides(struct binance_frame *f)
{
	read_late(f, 0);
	read_late(f, 1);
	wire_demand(&f->w, f->has_side[0] && f->has_side[1]);
}

int binance_read(struct binance_frame *f, struct json *j, struct venue_output *out)
{
	frame_init(f, out);
	if (json_object(j) && quick_wrapper(j, f))
		collect_inside(j, f);
	collect(j, f);
	return f->w.err != 0 ? f->w.err : json_finish(j);
}
