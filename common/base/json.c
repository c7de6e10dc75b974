/* json - the pull reader: scanners for one token each, and the state between tokens.
 *
 *     JSON_DUE    a value must follow: at the start, behind a key, at an item  json_init, key, item
 *     JSON_FRESH  just inside '{' or '[': a member or the end                    enter()
 *     JSON_AFTER  behind a value: a comma or the end                             after(), leave()
 *
 *     DUE --scalar--> AFTER      DUE --'{' '['--> FRESH      FRESH, AFTER --'}' ']'--> AFTER
 *     FRESH, AFTER --json_key, json_item--> DUE
 *
 * Public readers try the one form that venues send, compact and plain, and leave everything else to
 * their slow twin in a tail call, which starts over: json_string and any_string, json_key and
 * any_key.
 *
 * fail() moves the reader to the end: each later call fails by itself and keeps the first error.
 */
#include "common/base/json.h"

#include "common/base/digits.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool fail(struct json *j, const char *at, int err)
{
	if (j->err == 0) {
		j->err = err;
		j->err_at = (size_t)(at - j->begin);
	}
	j->at = j->end;
	return false;
}

/* What stands at `at` cannot stand there, or nothing does. */
static bool fail_at(struct json *j, const char *at)
{
	return fail(j, at, at == j->end ? ERR_TRUNCATED : ERR_SYNTAX);
}

/* ---- scanners: from `at` to behind the token, NULL where it failed ---- */

/* Venues send compact text: one comparison tells that there is no space. */
static inline const char *skip_space(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ' &&
	       (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static bool is_plain(char c)
{
	return c >= ' ' && c != '"' && c != '\\' && (unsigned char)c < 0x80;
}

#ifdef __SSE2__
/* A bit for each of the 16 bytes at `at` that is not plain. */
static inline unsigned special_bits(const char *at)
{
	__m128i text = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i stop = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
				    _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));

	/* signed: below 0x20 are the controls and all bytes from 0x80 */
	stop = _mm_or_si128(stop, _mm_cmplt_epi8(text, _mm_set1_epi8(' ')));
	return (unsigned)_mm_movemask_epi8(stop);
}
#endif

/* First byte that is not plain ASCII text within a string, or end. Never reads beyond end. */
static inline const char *skip_plain(const char *at, const char *end)
{
#ifdef __SSE2__
	for (; end - at >= 16; at += 16) {
		unsigned bits = special_bits(at);

		if (bits != 0)
			return at + __builtin_ctz(bits);
	}
#endif
	while (at < end && is_plain(*at))
		at++;
	return at;
}

static const char *scan_hex4(struct json *j, const char *at)
{
	for (int i = 0; i < 4; i++, at++)
		if (at == j->end || !(is_digit(*at) || (*at >= 'a' && *at <= 'f') ||
				      (*at >= 'A' && *at <= 'F'))) {
			fail_at(j, at);
			return NULL;
		}
	return at;
}

/* Surrogates are the affair of json_unescape: the grammar does not pair them. */
static const char *scan_escape(struct json *j, const char *at)
{
	if (++at == j->end || *at == 0 || !strchr("\"\\/bfnrtu", *at)) {
		fail_at(j, at);
		return NULL;
	}
	return *at == 'u' ? scan_hex4(j, at + 1) : at + 1;
}

/* Is at[0..left), which is no valid sequence, the beginning of one that the end cuts off? */
static bool is_cut_sequence(const char *at, size_t left)
{
	uint8_t low[4] = {0, 0x80, 0x80, 0x80}, high[4] = {0, 0xbf, 0xbf, 0xbf};

	if (left >= sizeof(low))
		return false;
	memcpy(low, at, left);
	memcpy(high, at, left);
	return utf8_sequence(low, sizeof(low)) > left || utf8_sequence(high, sizeof(high)) > left;
}

/* A byte that is not plain, nor quote or backslash: a control, or the lead of a sequence. */
static const char *scan_sequence(struct json *j, const char *at)
{
	size_t left = (size_t)(j->end - at);
	size_t n = utf8_sequence((const uint8_t *)at, left);

	if (n > 1)
		return at + n;
	if ((unsigned char)*at < ' ')
		fail(j, at, ERR_SYNTAX);
	else
		fail(j, at, is_cut_sequence(at, left) ? ERR_TRUNCATED : ERR_UTF8);
	return NULL;
}

/* The rest of a string that began at `begin`; `at` is at its first byte that is not plain. */
static const char *scan_special(struct json *j, const char *begin, const char *at,
				struct json_str *ret_text)
{
	bool escaped = false;

	while (at < j->end && *at != '"') {
		if (*at == '\\') {
			escaped = true;
			at = scan_escape(j, at);
		} else {
			at = scan_sequence(j, at);
		}
		if (!at)
			return NULL;
		at = skip_plain(at, j->end);
	}
	if (at == j->end) {
		fail_at(j, at);
		return NULL;
	}
	*ret_text = (struct json_str){begin, (size_t)(at - begin), escaped};
	return at + 1;
}

/* `at` is behind the opening quote. */
static inline const char *scan_string(struct json *j, const char *at, struct json_str *ret_text)
{
	const char *end = skip_plain(at, j->end);

	if (end == j->end || *end != '"')
		return scan_special(j, at, end, ret_text);
	ret_text->at = at;
	ret_text->len = (size_t)(end - at);
	ret_text->escaped = false;
	return end + 1;
}

/* One digit or more. */
static inline const char *scan_digits(struct json *j, const char *at)
{
	const char *end = digits_skip(at, j->end);

	if (end > at)
		return end;
	fail_at(j, at);
	return NULL;
}

static const char *scan_number(struct json *j, const char *at)
{
	at += *at == '-';
	if (at < j->end && *at == '0')
		at++;
	else
		at = scan_digits(j, at);
	if (at && at < j->end && *at == '.')
		at = scan_digits(j, at + 1);
	if (at && at < j->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < j->end && (*at == '+' || *at == '-'))
			at++;
		at = scan_digits(j, at);
	}
	return at;
}

static const char *fail_word(struct json *j, const char *at, const char *word)
{
	while (at < j->end && *at == *word)
		at++, word++;
	fail_at(j, at);
	return NULL;
}

/* true, false, null: the length is a constant, and the comparison one instruction. */
static inline const char *scan_word(struct json *j, const char *at, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(j->end - at) >= len && memcmp(at, word, len) == 0)
		return at + len;
	return fail_word(j, at, word);
}

/* ---- the state between tokens ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Space at the end says nothing: without it, the last byte mostly ends a container. */
void json_init(struct json *j, const char *text, size_t len)
{
	while (len > 0 && is_space(text[len - 1]))
		len--;
	*j = (struct json){.begin = text, .at = text, .end = text + len, .state = JSON_DUE};
	j->closed = len > 0 && (text[len - 1] == '}' || text[len - 1] == ']');
}

static enum json_kind kind_of(char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return c == '-' || is_digit(c) ? JSON_NUMBER : JSON_ERROR;
	}
}

/* First byte of the value that is due, or NULL. */
static const char *value(struct json *j)
{
	const char *at = skip_space(j->at, j->end);

	if (j->state == JSON_DUE && at < j->end)
		return at;
	if (j->state == JSON_DUE || at == j->end)
		fail(j, at, ERR_TRUNCATED);
	else
		fail(j, at, j->depth == 0 ? ERR_TRAILING : ERR_SYNTAX);
	return NULL;
}

/* Is a value due that begins at once and leaves room for its second byte? */
static inline bool is_compact(const struct json *j)
{
	return j->end - j->at >= 2 && j->state == JSON_DUE;
}

/* The value at `at` is not of the kind asked for. */
static bool fail_type(struct json *j, const char *at)
{
	return fail(j, at, kind_of(*at) == JSON_ERROR ? ERR_SYNTAX : ERR_TYPE);
}

/* `at` is behind a scalar, or NULL where its scanner failed. */
static inline bool after(struct json *j, const char *at)
{
	if (!at)
		return false;
	j->at = at;
	j->state = JSON_AFTER;
	return true;
}

enum json_kind json_peek(struct json *j)
{
	j->at = skip_space(j->at, j->end);
	return j->state == JSON_DUE && j->at < j->end ? kind_of(*j->at) : JSON_ERROR;
}

static inline bool enter(struct json *j, const char *at, bool is_object)
{
	if (j->depth == JSON_DEPTH_MAX)
		return fail(j, at, ERR_DEPTH);
	j->depth++;
	j->is_object = j->is_object << 1 | is_object;
	j->state = JSON_FRESH;
	j->at = at + 1;
	return true;
}

static inline bool leave(struct json *j, const char *at)
{
	j->depth--;
	j->is_object >>= 1;
	j->state = JSON_AFTER;
	j->at = at + 1;
	return false;
}

__attribute__((noinline))
static bool any_container(struct json *j, char open)
{
	const char *at = value(j);

	if (!at)
		return false;
	return *at == open ? enter(j, at, open == '{') : fail_type(j, at);
}

bool json_object(struct json *j)
{
	if (is_compact(j) && *j->at == '{')
		return enter(j, j->at, true);
	return any_container(j, '{');
}

bool json_array(struct json *j)
{
	if (is_compact(j) && *j->at == '[')
		return enter(j, j->at, false);
	return any_container(j, '[');
}

/* To the next member, over the comma; NULL where that failed or the container ended. */
static const char *next_member(struct json *j, char close)
{
	const char *at;

	if (j->state == JSON_DUE && !json_skip(j))
		return NULL;
	at = skip_space(j->at, j->end);
	if (at < j->end && *at == close) {
		leave(j, at);
		return NULL;
	}
	if (j->state == JSON_AFTER) {
		if (at == j->end || *at != ',') {
			fail_at(j, at);
			return NULL;
		}
		at = skip_space(at + 1, j->end);
	}
	return at;
}

__attribute__((noinline))
static bool any_key(struct json *j, struct json_str *ret_key)
{
	struct json_str key;
	const char *at;

	if (!(j->is_object & 1))
		return fail(j, j->at, ERR_TYPE);
	at = next_member(j, '}');
	if (!at)
		return false;
	if (at == j->end || *at != '"')
		return fail_at(j, at);
	at = scan_string(j, at + 1, &key);
	if (!at)
		return false;
	at = skip_space(at, j->end);
	if (at == j->end || *at != ':')
		return fail_at(j, at);
	j->at = at + 1;
	j->state = JSON_DUE;
	*ret_key = key;
	return true;
}

/* Names as venues form them. */
static const bool is_name[256] = {
	['_'] = true,
	['0'] = true, true, true, true, true, true, true, true, true, true,
	['A'] = true, true, true, true, true, true, true, true, true, true, true, true, true,
	true, true, true, true, true, true, true, true, true, true, true, true, true,
	['a'] = true, true, true, true, true, true, true, true, true, true, true, true, true,
	true, true, true, true, true, true, true, true, true, true, true, true, true,
};

/* Compact text with a name as its key takes one pass; everything else is any_key's. Byte by byte:
 * the processor foresees where well-known keys end, and goes on before it has seen that. */
bool json_key(struct json *j, struct json_str *ret_key)
{
	const char *at = j->at, *end = j->end, *key;
	bool comma;

	if (at == end || !j->closed || !(j->is_object & 1) || j->state == JSON_DUE)
		return any_key(j, ret_key);
	if (*at == '}')
		return j->state == JSON_AFTER ? leave(j, at) : any_key(j, ret_key);
	comma = *at == ',';
	at += comma;
	if (comma != (j->state == JSON_AFTER) || *at != '"')
		return any_key(j, ret_key);
	for (key = ++at; is_name[(unsigned char)*at];)
		at++;
	if (at[0] != '"' || at[1] != ':')
		return any_key(j, ret_key);
	ret_key->at = key;
	ret_key->len = (size_t)(at - key);
	ret_key->escaped = false;
	j->at = at + 2;
	j->state = JSON_DUE;
	return true;
}

__attribute__((noinline))
static bool any_item(struct json *j)
{
	const char *at;

	if (j->depth == 0 || (j->is_object & 1))
		return fail(j, j->at, ERR_TYPE);
	at = next_member(j, ']');
	if (!at)
		return false;
	if (at == j->end)
		return fail_at(j, at);
	j->at = at;
	j->state = JSON_DUE;
	return true;
}

bool json_item(struct json *j)
{
	const char *at = j->at;
	bool comma;

	if (j->end - at < 2 || j->state == JSON_DUE || j->depth == 0 || (j->is_object & 1))
		return any_item(j);
	if (*at == ']')
		return leave(j, at);
	comma = *at == ',';
	if (comma != (j->state == JSON_AFTER) || (unsigned char)*at <= ' ')
		return any_item(j);
	j->at = at + comma;
	j->state = JSON_DUE;
	return true;
}

/* ---- scalars ---- */

__attribute__((noinline))
static bool any_string(struct json *j, struct json_str *ret_text)
{
	const char *at = value(j);

	if (!at)
		return false;
	if (*at != '"')
		return fail_type(j, at);
	return after(j, scan_string(j, at + 1, ret_text));
}

bool json_string(struct json *j, struct json_str *ret_text)
{
	const char *at = j->at + 1, *end;

	if (!is_compact(j) || *j->at != '"')
		return any_string(j, ret_text);
	end = skip_plain(at, j->end);
	if (end == j->end || *end != '"')
		return any_string(j, ret_text);
	ret_text->at = at;
	ret_text->len = (size_t)(end - at);
	ret_text->escaped = false;
	return after(j, end + 1);
}

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

bool json_bool(struct json *j, bool *ret_value)
{
	const char *at = value(j);
	bool truth;

	if (!at)
		return false;
	truth = *at == 't';
	if (!truth && *at != 'f')
		return fail_type(j, at);
	if (!after(j, truth ? scan_word(j, at, "true") : scan_word(j, at, "false")))
		return false;
	*ret_value = truth;
	return true;
}

bool json_null(struct json *j)
{
	const char *at = value(j);

	if (!at)
		return false;
	return *at == 'n' ? after(j, scan_word(j, at, "null")) : fail_type(j, at);
}

/* ---- whole values ---- */

static bool skip_scalar(struct json *j, const char *at)
{
	struct json_str ignored;

	switch (*at) {
	case '"':
		return after(j, scan_string(j, at + 1, &ignored));
	case 't':
		return after(j, scan_word(j, at, "true"));
	case 'f':
		return after(j, scan_word(j, at, "false"));
	case 'n':
		return after(j, scan_word(j, at, "null"));
	default:
		if (*at != '-' && !is_digit(*at))
			return fail(j, at, ERR_SYNTAX);
		return after(j, scan_number(j, at));
	}
}

/* Without recursion: the reader's own depth tells when the container is through. */
static bool skip_container(struct json *j, const char *at)
{
	uint8_t floor = j->depth;
	struct json_str ignored;

	if (!enter(j, at, *at == '{'))
		return false;
	while (j->depth > floor) {
		bool more = (j->is_object & 1) ? json_key(j, &ignored) : json_item(j);

		if (!more && j->err < 0)
			return false;
		if (!more)
			continue;
		at = value(j);
		if (!at)
			return false;
		if (*at == '{' || *at == '[' ? !enter(j, at, *at == '{') : !skip_scalar(j, at))
			return false;
	}
	return true;
}

bool json_skip(struct json *j)
{
	const char *at = value(j);

	if (!at)
		return false;
	return *at == '{' || *at == '[' ? skip_container(j, at) : skip_scalar(j, at);
}

bool json_raw(struct json *j, struct json_str *ret_text)
{
	const char *at = value(j);

	if (!at || !json_skip(j))
		return false;
	*ret_text = (struct json_str){at, (size_t)(j->at - at), false};
	return true;
}

int json_finish(struct json *j)
{
	const char *at = skip_space(j->at, j->end);

	if (j->err < 0)
		return j->err;
	if (j->depth > 0 || j->state == JSON_DUE)
		fail(j, at, ERR_TRUNCATED);
	else if (at < j->end)
		fail(j, at, ERR_TRAILING);
	return j->err;
}
