/* reference - numbers from elsewhere: their list, their schedule, the place of each in its document. */
#include "services/collector/reference.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"

#define SECOND 1000000000LL
#define BACKOFF_MAX_NS (300 * SECOND)
#define TOKEN_MAX 80
#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define COINGECKO "https://api.coingecko.com/"

/* ---- the list ---- */

static bool is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", text[i]))
			return false;
	return len > 0 && len < EVENT_NAME_MAX;
}

/* "coingecko:bitcoin/usd" */
static int set_coingecko(struct reference *ref, const char *what, size_t len)
{
	const char *slash = memchr(what, '/', len);

	if (slash == NULL || slash == what || slash + 1 == what + len)
		return ERR_ARG;
	int coin = (int)(slash - what), money = (int)(len - (size_t)coin - 1);
	int n = snprintf(ref->url, sizeof(ref->url),
			 COINGECKO "api/v3/simple/price?ids=%.*s&vs_currencies=%.*s", coin, what, money,
			 slash + 1);
	int m = snprintf(ref->pointer, sizeof(ref->pointer), "/%.*s/%.*s", coin, what, money, slash + 1);
	return n < (int)sizeof(ref->url) && m < (int)sizeof(ref->pointer) ? 0 : ERR_ARG;
}

static int set_source(struct reference *ref, const char *source, size_t len)
{
	static const char gecko[] = "coingecko:";
	const char *hash = memchr(source, '#', len);

	if (len > sizeof(gecko) - 1 && memcmp(source, gecko, sizeof(gecko) - 1) == 0)
		return set_coingecko(ref, source + sizeof(gecko) - 1, len - sizeof(gecko) + 1);
	size_t url = hash != NULL ? (size_t)(hash - source) : len, pointer = hash != NULL ? len - url - 1 : 0;
	bool web = strncmp(source, "https://", 8) == 0 || strncmp(source, "http://", 7) == 0;
	if (!web || url >= sizeof(ref->url) || pointer >= sizeof(ref->pointer) || (pointer > 0 && hash[1] != '/'))
		return ERR_ARG;
	memcpy(ref->url, source, url);
	if (pointer > 0)
		memcpy(ref->pointer, hash + 1, pointer);
	return 0;
}

static int add(struct references *r, const char *word, size_t len)
{
	struct reference ref = {.due = CORE_NEVER};
	const char *equals = memchr(word, '=', len);

	if (r->n == REFERENCES_MAX || equals == NULL || !is_name(word, (size_t)(equals - word)))
		return ERR_ARG;
	memcpy(ref.name, word, (size_t)(equals - word));
	for (uint32_t i = 0; i < r->n; i++)
		if (strcmp(r->at[i].name, ref.name) == 0)
			return ERR_ARG;
	int rc = set_source(&ref, equals + 1, len - (size_t)(equals - word) - 1);
	if (rc == 0)
		r->at[r->n++] = ref;
	return rc;
}

int references_parse(const char *text, struct references *ret, char *reason, size_t cap)
{
	ret->n = 0;
	while (*(text += strspn(text, " ")) != '\0') {
		size_t len = strcspn(text, " ");
		if (add(ret, text, len) < 0) {
			snprintf(reason, cap,
				 "collector.references: '%.*s' is not NAME=https://HOST/PATH#/POINTER or "
				 "NAME=coingecko:COIN/MONEY, is named twice, or is one more than %d",
				 (int)(len < 120 ? len : 120), text, REFERENCES_MAX);
			return ERR_ARG;
		}
		text += len;
	}
	return 0;
}

/* ---- the key ---- */

int references_set_key(struct references *r, const char *key, char *reason, size_t cap)
{
	size_t len = strlen(key);

	r->key_line[0] = '\0';
	if (len == 0)
		return 0;
	int n = snprintf(r->key_line, sizeof(r->key_line), "x-cg-demo-api-key: %s", key);
	if (n < (int)sizeof(r->key_line) && strspn(key, KEY_CHARS) == len)
		return 0;
	r->key_line[0] = '\0';
	snprintf(reason, cap, "collector.coingecko_key: a key of CoinGecko is letters, digits, '-' and '_' alone");
	return ERR_ARG;
}

const char *reference_header(const struct references *r, const struct reference *of)
{
	bool theirs = strncmp(of->url, COINGECKO, sizeof(COINGECKO) - 1) == 0;

	return theirs && r->key_line[0] != '\0' ? r->key_line : NULL;
}

/* ---- the schedule ---- */

void references_start(struct references *r, int64_t now)
{
	for (uint32_t i = 0; i < r->n; i++) {
		r->at[i].due = r->at[i].since = now;
		r->at[i].asked = false;
	}
}

static int64_t stale_at(const struct references *r, const struct reference *ref)
{
	int64_t from = ref->good_at != 0 ? ref->good_at : ref->since;

	return ref->stale || ref->due == CORE_NEVER ? CORE_NEVER : from + r->stale_ns;
}

int64_t references_due(const struct references *r)
{
	int64_t due = CORE_NEVER;

	for (uint32_t i = 0; i < r->n; i++) {
		int64_t stale = stale_at(r, &r->at[i]);
		due = r->at[i].due < due ? r->at[i].due : due;
		due = stale < due ? stale : due;
	}
	return due;
}

static void tell(const struct reference *ref, int64_t now, const struct sink *out)
{
	struct event ev;

	event_init(&ev, EVENT_reference);
	bool live = strncmp(ref->url, "https://", 8) == 0;
	ev.origin = ref->origin != 0 ? ref->origin : live ? origin_live : origin_simulated;
	ev.ts_recv = ev.ts_event = now;
	event_set_name(ev.reference.name, ref->name);
	ev.reference.cash_scale = REFERENCE_SCALE;
	ev.reference.value = ref->value;
	ev.reference.answered_at = ref->good_at;
	ev.reference.stale = ref->stale;
	sink_emit(out, &ev);
}

/* Doubles from a second on: 1, 2, 4 s and so on. */
static void failed(const struct references *r, struct reference *ref, int64_t now, int64_t wait_ns)
{
	int64_t longest = r->every_ns > BACKOFF_MAX_NS ? BACKOFF_MAX_NS : r->every_ns, delay = SECOND;

	for (uint32_t i = 0; i < ref->failures && delay < longest; i++)
		delay *= 2;
	ref->failures++;
	ref->asked = false;
	ref->due = now + (wait_ns > 0 ? wait_ns : delay < longest || ref->failures <= 3 ? delay : longest);
}

struct reference *references_next(struct references *r, int64_t now, const struct sink *out)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct reference *ref = &r->at[i];
		if (ref->asked && ref->due <= now)
			failed(r, ref, now, 0);
		if (stale_at(r, ref) <= now) {
			ref->stale = true;
			tell(ref, now, out);
		}
		if (ref->due <= now && !ref->asked) {
			ref->asked = true;
			ref->due = now + REFERENCE_WAIT_NS;
			return ref;
		}
	}
	return NULL;
}

int references_on_answer(struct references *r, struct reference *of, int64_t now, const struct reference_answer *a,
			 const struct sink *out)
{
	int64_t value = 0;
	int rc = a->status == 200 ? reference_read(a->body, a->len, of->pointer, &value) : ERR_STATUS;

	if (rc < 0) {
		failed(r, of, now, a->retry_after_ns);
		return rc;
	}
	of->value = value;
	of->origin = a->origin;
	of->good_at = now;
	of->failures = 0;
	of->asked = of->stale = false;
	of->due = now + r->every_ns;
	tell(of, now, out);
	return 0;
}

/* ---- the document ---- */

/* The pointer's first token with ~1 and ~0 undone; returns what follows it. */
static const char *next_token(const char *pointer, char token[TOKEN_MAX])
{
	size_t n = 0;

	for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++) {
		char c = *pointer;
		if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
			c = *++pointer == '0' ? '~' : '/';
		if (n + 1 < TOKEN_MAX)
			token[n++] = c;
	}
	token[n] = '\0';
	return pointer;
}

static bool enter_array(struct json *j, const char *token)
{
	uint64_t wanted = 0, i = 0;

	if (token[0] == '\0' || strlen(token) > 6 || strspn(token, "0123456789") != strlen(token))
		return false;
	for (; *token != '\0'; token++)
		wanted = wanted * 10 + (uint64_t)(*token - '0');
	json_array(j);
	for (; json_item(j); i++) {
		if (i == wanted)
			return true;
		json_skip(j);
	}
	return false;
}

static bool enter_object(struct json *j, const char *token)
{
	struct json_str key;
	char name[TOKEN_MAX];

	json_object(j);
	while (json_key(j, &key)) {
		int n = json_unescape(key, name, sizeof(name));
		if (n == (int)strlen(token) && memcmp(name, token, (size_t)n) == 0)
			return true;
		json_skip(j);
	}
	return false;
}

/* Exact as far as the scale goes; what is finer is cut off. */
static int number_of(struct json_str text, int64_t *ret_value)
{
	int own = 0, rc = fixed_parse(text.at, text.len, REFERENCE_SCALE, ret_value);
	int64_t value;

	if (rc != ERR_INEXACT)
		return rc;
	rc = fixed_scale_of(text.at, text.len, &own);
	if (rc == 0)
		rc = fixed_parse(text.at, text.len, own, &value);
	if (rc == 0)
		*ret_value = value / fixed_pow10(own - REFERENCE_SCALE);
	return rc;
}

int reference_read(const char *text, size_t len, const char *pointer, int64_t *ret_value)
{
	struct json_str found;
	char token[TOKEN_MAX];
	struct json j;

	json_init(&j, text, len);
	json_skip(&j);
	int rc = json_finish(&j); /* the whole of it is sound */
	if (rc < 0)
		return rc;
	json_init(&j, text, len);
	while (*pointer != '\0') {
		pointer = next_token(pointer, token);
		enum json_kind kind = json_peek(&j);
		bool in = kind == JSON_OBJECT ? enter_object(&j, token) : kind == JSON_ARRAY && enter_array(&j, token);
		if (!in)
			return ERR_NOT_FOUND;
	}
	enum json_kind kind = json_peek(&j);
	if (kind != JSON_STRING && kind != JSON_NUMBER)
		return ERR_TYPE;
	return json_scalar_text(&j, &found) ? number_of(found, ret_value) : ERR_TYPE;
}
