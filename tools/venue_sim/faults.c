/* faults - misbehaviour on command. */
#include "tools/venue_sim/faults.h"

#include <stdio.h>
#include <strings.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"

static const struct {
	const char *name;
	enum fault_where where;
	int64_t value;
	const char *doc;
} kinds[] = {
#define FAULT(name, where, value, doc) {#name, where, value, doc},
	FAULT_KINDS(FAULT)
#undef FAULT
};

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

void faults_help(FILE *out)
{
	for (int i = 0; i < FAULT_KIND_COUNT; i++)
		fprintf(out, "  %-16s %s\n", kinds[i].name, kinds[i].doc);
}

static bool kind_of(struct text name, enum fault_kind *ret_kind)
{
	for (int i = 0; i < FAULT_KIND_COUNT; i++) {
		if (!text_is(name, kinds[i].name))
			continue;
		*ret_kind = (enum fault_kind)i;
		return true;
	}
	return false;
}

static bool number(struct text t, int64_t *ret_value)
{
	int64_t value;

	if (fixed_parse(t.at, t.len, 0, &value) != 0 || value < 0)
		return false;
	*ret_value = value;
	return true;
}

static bool good_variant(const struct fault *f)
{
	static const char *const corrupt[] = {"truncate", "utf8", "type", NULL};
	static const char *const snapshot[] = {"old", "crossed", "no_seq", "wrong_hash", NULL};
	static const char *const hostile[] = {"deep", "exponent", "negative", "overflow", "levels", "symbol", NULL};
	static const char *const http[] = {"redirect", "headers", "chunks", "garbage", "cut", "drip", NULL};
	const char *const *list = f->kind == FAULT_corrupt          ? corrupt
				  : f->kind == FAULT_wrong_snapshot ? snapshot
				  : f->kind == FAULT_hostile        ? hostile
				  : f->kind == FAULT_http           ? http
								    : NULL;
	if (f->variant[0] == '\0')
		return true;
	for (; list != NULL && *list != NULL; list++)
		if (strcmp(*list, f->variant) == 0)
			return true;
	return false;
}

/* Fills in what was left out and puts it into the list. */
static int add(struct faults *f, struct fault *fault, char *reason, size_t cap)
{
	static const struct {
		enum fault_kind kind;
		const char *variant;
	} usual[] = {{FAULT_corrupt, "truncate"},
		     {FAULT_wrong_snapshot, "old"},
		     {FAULT_hostile, "deep"},
		     {FAULT_http, "redirect"}};

	if (f->n == FAULTS_MAX) {
		snprintf(reason, cap, "more than %d faults", FAULTS_MAX);
		return ERR_FULL;
	}
	if (!good_variant(fault)) {
		snprintf(reason, cap, "%s: no variant %s", fault_name(fault->kind), fault->variant);
		return ERR_ARG;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (fault->variant[0] == '\0' && fault->kind == usual[i].kind)
			snprintf(fault->variant, sizeof(fault->variant), "%s", usual[i].variant);
	if (fault->value == 0)
		fault->value = fault->kind == FAULT_status ? 429
			       : fault->kind == FAULT_huge ? 8
							   : kinds[fault->kind].value;
	if (fault->kind == FAULT_huge && fault->value > 32)
		fault->value = 32;
	if (fault->retry_after == 0)
		fault->retry_after = 1;
	f->at[f->n++] = *fault;
	return 0;
}

/* Splits at the last `c`; *head keeps what stands before it. */
static bool cut_tail(struct text *head, char c, struct text *ret_tail)
{
	for (size_t i = head->len; i > 0; i--) {
		if (head->at[i - 1] != c)
			continue;
		*ret_tail = (struct text){head->at + i, head->len - i};
		head->len = i - 1;
		return true;
	}
	return false;
}

static void copy(char *out, size_t cap, struct text t)
{
	snprintf(out, cap, "%.*s", (int)t.len, t.at);
}

static int parse_one(struct faults *f, struct text item, char *reason, size_t cap)
{
	struct fault fault = {.count = 1};
	struct text rest = item, tail;
	int64_t n = 0;
	bool ok = true;

	if (cut_tail(&rest, '=', &tail) && !number(tail, &fault.value)) {
		ok = tail.len < sizeof(fault.variant);
		copy(fault.variant, sizeof(fault.variant), tail);
	}
	if (ok && cut_tail(&rest, '*', &tail)) {
		ok = number(tail, &n);
		fault.count = (uint64_t)n;
	}
	const char *at = memchr(rest.at, '@', rest.len);
	if (!ok || at == NULL ||
	    !kind_of((struct text){rest.at, (size_t)(at - rest.at)}, &fault.kind))
		goto bad;
	rest = (struct text){at + 1, (size_t)(rest.at + rest.len - at - 1)};
	const char *colon = memchr(rest.at, ':', rest.len);
	if (colon != NULL) {
		tail = (struct text){colon + 1, (size_t)(rest.at + rest.len - colon - 1)};
		rest.len = (size_t)(colon - rest.at);
		if (tail.len >= sizeof(fault.stream))
			goto bad;
		copy(fault.stream, sizeof(fault.stream), tail);
	}
	if (!number(rest, &n))
		goto bad;
	fault.after = (uint64_t)n;
	return add(f, &fault, reason, cap);
bad:
	snprintf(reason, cap, "%.*s: not KIND@FRAMES[:STREAM][*COUNT][=VALUE]", (int)item.len,
		 item.at);
	return ERR_ARG;
}

int faults_parse(struct faults *f, const char *list, char *reason, size_t cap)
{
	int rc = 0;

	while (rc == 0 && *list != '\0') {
		size_t n = strcspn(list, ",");
		rc = parse_one(f, (struct text){list, n}, reason, cap);
		list += n + (list[n] == ',');
	}
	return rc;
}

static void read_text(struct json *j, char *out, size_t cap)
{
	struct json_str s;

	if (json_string(j, &s) && json_unescape(s, out, cap) < 0)
		j->err = ERR_TOO_LONG;
}

static void read_member(struct json *j, struct json_str key, struct fault *f, char kind[24])
{
	if (json_str_is(key, "fault"))
		read_text(j, kind, 24);
	else if (json_str_is(key, "stream") || json_str_is(key, "symbol"))
		read_text(j, f->stream, sizeof(f->stream));
	else if (json_str_is(key, "variant"))
		read_text(j, f->variant, sizeof(f->variant));
	else if (json_str_is(key, "count"))
		json_u64(j, &f->count);
	else if (json_str_is(key, "after_frames"))
		json_u64(j, &f->after);
	else if (json_str_is(key, "ms") || json_str_is(key, "status") || json_str_is(key, "mib"))
		json_i64(j, &f->value);
	else if (json_str_is(key, "retry_after"))
		json_i64(j, &f->retry_after);
	else
		j->err = ERR_UNKNOWN;
}

int faults_parse_json(struct faults *f, struct text body, char *reason, size_t cap)
{
	struct fault fault = {.count = 1};
	char kind[24] = "";
	struct json_str key;
	struct json j;

	json_init(&j, body.at, body.len);
	json_object(&j);
	while (j.err == 0 && json_key(&j, &key))
		read_member(&j, key, &fault, kind);
	int rc = json_finish(&j);
	if (rc == 0 && fault.value < 0)
		rc = ERR_RANGE;
	if (rc == 0 && strcmp(kind, "clear") == 0) {
		faults_clear(f);
		return 0;
	}
	if (rc == 0 && !kind_of(text_of(kind), &fault.kind))
		rc = ERR_UNKNOWN;
	if (rc != 0) {
		snprintf(reason, cap, "fault not understood: %s", err_text(rc));
		return ERR_ARG;
	}
	return add(f, &fault, reason, cap);
}

void faults_clear(struct faults *f)
{
	f->n = 0;
}

static bool concerns(const struct fault *f, struct text name)
{
	size_t n = strlen(f->stream);

	return n == 0 || (name.len >= n && strncasecmp(name.at, f->stream, n) == 0);
}

const struct fault *faults_strike(struct faults *f, enum fault_where where, struct text name)
{
	struct fault *hit = NULL;

	for (uint32_t i = 0; i < f->n; i++) {
		struct fault *fault = &f->at[i];
		if (kinds[fault->kind].where != where || !concerns(fault, name))
			continue;
		fault->seen++;
		if (hit == NULL && fault->seen > fault->after && fault->struck < fault->count)
			hit = fault;
	}
	if (hit == NULL)
		return NULL;
	hit->struck++;
	f->struck++;
	return hit;
}

void faults_print(const struct faults *f, struct buf *out)
{
	buf_byte(out, '[');
	for (uint32_t i = 0; i < f->n; i++) {
		const struct fault *at = &f->at[i];
		buf_printf(out, "%s{\"fault\":\"%s\",\"variant\":\"%s\",\"stream\":", i > 0 ? "," : "",
			   fault_name(at->kind), at->variant);
		json_quote(out, at->stream, strlen(at->stream));
		buf_printf(out,
			   ",\"after_frames\":%llu,\"count\":%llu,\"seen\":%llu,\"struck\":%llu}",
			   (unsigned long long)at->after, (unsigned long long)at->count,
			   (unsigned long long)at->seen, (unsigned long long)at->struck);
	}
	buf_byte(out, ']');
}
