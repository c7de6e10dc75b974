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
#include "common/base/json_scan.h"

#include "common/base/plain.h"
#include "common/base/utf8.h"

/* ---- scanners: from `at` to behind the token, NULL where it failed ---- */

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
		at = plain_skip(at, j->end);
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
	const char *end = plain_skip(at, j->end);

	if (end == j->end || *end != '"')
		return scan_special(j, at, end, ret_text);
	ret_text->at = at;
	ret_text->len = (size_t)(end - at);
	ret_text->escaped = false;
	return end + 1;
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

/* Space at the end says nothing: without it, the last byte mostly ends a container. Nothing at all may be NULL, and
 * NULL has no place behind it. */
void json_init(struct json *j, const char *text, size_t len)
{
	if (len == 0)
		text = "";
	while (len > 0 && is_space(text[len - 1]))
		len--;
	*j = (struct json){.begin = text, .at = text, .end = text + len, .state = JSON_DUE};
	j->closed = len > 0 && (text[len - 1] == '}' || text[len - 1] == ']');
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
	end = plain_skip(at, j->end);
	if (end == j->end || *end != '"')
		return any_string(j, ret_text);
	ret_text->at = at;
	ret_text->len = (size_t)(end - at);
	ret_text->escaped = false;
	return after(j, end + 1);
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
