/* binance_frame - a quick way for what Binance usually writes, the reader proper for all. */
#include "common/venue/binance_frame.h"

#include <string.h>

#include "common/base/digits.h"
#include "common/base/err.h"
#include "common/base/plain.h"
#include "common/venue/digits8.h"

static void frame_init(struct binance_frame *f, struct venue_output *out)
{
	memset(f, 0, offsetof(struct binance_frame, own));
	f->own.present = f->own.truth = 0;
	f->kline.present = f->kline.truth = 0;
	f->w.out = out;
}

static void set_letter(struct binance_letters *l, int i, struct json_str text, bool truth)
{
	l->text[i] = text;
	l->present |= (uint64_t)1 << i;
	l->truth = (l->truth & ~((uint64_t)1 << i)) | (uint64_t)truth << i;
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
	if (letter != 's' || !binance_has(&f->own, "s"))
		return;
	f->symbol = binance_text(&f->own, 's');
	f->w.market = f->w.out->find(f->w.out->ctx, f->symbol.at, f->symbol.len);
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
		f->inside = true;
		json_object(j);
		collect(j, f);
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

/* ---- the usual way of writing ---- */

/* Behind a scalar as Binance writes it: plain text, an unsigned integer, true, false. NULL for
 * everything else. */
static inline const char *quick_scalar(const char *at, const char *end, struct json_str *ret_text, bool *ret_truth)
{
	const char *first = at;

	*ret_truth = false;
	if (*at == '"') {
		at = plain_skip(at + 1, end);
		*ret_text = (struct json_str){first + 1, (size_t)(at - first - 1), false};
		return at < end && *at == '"' ? at + 1 : NULL;
	}
	if (*at >= '1' && *at <= '9') {
		at = digits_skip(at, end);
		*ret_text = (struct json_str){first, (size_t)(at - first), false};
		return at;
	}
	*ret_text = (struct json_str){"", 0, false};
	if (end - at > 5 && memcmp(at, "true", 4) == 0) {
		*ret_truth = true;
		return at + 4;
	}
	return end - at > 5 && memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
}

/* The wrapper's first member, {"stream":"…", when it is written as usual. */
static void quick_stream(struct json *j, struct binance_frame *f)
{
	static const char start[] = "\"stream\":\"";
	const char *at = j->at, *name = at + sizeof(start) - 1;

	if (j->end - at < 64 || memcmp(at, start, sizeof(start) - 1) != 0)
		return;
	at = plain_skip(name, j->end);
	if (j->end - at < 8 || *at != '"' || at[1] != ',')
		return;
	f->stream = (struct json_str){name, (size_t)(at - name), false};
	json_resume(j, at + 1);
}

/* Reads members of one letter and a scalar for as long as they are written as usual; the reader
 * proper takes over at the first that is not. Accepts nothing that it would not, and means the
 * same by it. */
static void collect_quickly(struct json *j, struct binance_frame *f)
{
	const char *at = j->at, *end = j->end;
	bool after = j->state == JSON_AFTER, truth;

	while (end - at > 8 && (!after || *at == ',')) {
		const char *key = at + after;
		int i = binance_letter(key[1]);
		if (key[0] != '"' || i < 0 || key[2] != '"' || key[3] != ':')
			break;
		struct json_str text;
		const char *behind = quick_scalar(key + 4, end, &text, &truth);
		if (behind == NULL || end - behind < 1 || (*behind != ',' && *behind != '}'))
			break;
		set_letter(&f->own, i, text, truth);
		if (key[1] == 's' || key[1] == 'e')
			on_name(f, key[1]);
		at = behind;
		after = true;
	}
	if (at > j->at)
		json_resume(j, at);
}

/* Members of the object that the reader is in. */
static void collect(struct json *j, struct binance_frame *f)
{
	struct json_str key;

	for (;;) {
		collect_quickly(j, f);
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
	if (json_object(j))
		quick_stream(j, f);
	collect(j, f);
	return f->w.err != 0 ? f->w.err : json_finish(j);
}
