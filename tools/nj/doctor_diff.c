/* doctor_diff - nj doctor --diff: what is different between two diagnoses that were saved with --json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/json.h"
#include "tools/nj/doctor.h"
#include "tools/nj/table.h"

enum { SAVED_MAX = 1 << 20 };

struct saved_check {
	char name[40], verdict[8], measured[220];
};

struct saved {
	struct saved_check at[DOCTOR_FINDINGS_MAX];
	size_t n;
};

static void copy(struct json *j, char *out, size_t cap)
{
	struct json_str text;
	if (json_peek(j) == JSON_NULL)
		json_null(j);
	else if (json_string(j, &text) && json_unescape(text, out, cap) < 0)
		snprintf(out, cap, "?");
}

static void read_check(struct json *j, struct saved *s)
{
	struct json_str key;
	struct saved_check c = {0};
	json_object(j);
	while (json_key(j, &key)) {
		if (json_str_is(key, "name"))
			copy(j, c.name, sizeof c.name);
		else if (json_str_is(key, "verdict"))
			copy(j, c.verdict, sizeof c.verdict);
		else if (json_str_is(key, "measured"))
			copy(j, c.measured, sizeof c.measured);
		else
			json_skip(j);
	}
	if (s->n < DOCTOR_FINDINGS_MAX)
		s->at[s->n++] = c;
}

static int parse(const char *text, size_t len, struct saved *s)
{
	struct json j;
	struct json_str key;
	json_init(&j, text, len);
	json_object(&j);
	while (json_key(&j, &key)) {
		if (!json_str_is(key, "checks")) {
			json_skip(&j);
			continue;
		}
		json_array(&j);
		while (json_item(&j))
			read_check(&j, s);
	}
	int rc = json_finish(&j);
	return rc == 0 && s->n == 0 ? ERR_SYNTAX : rc;
}

static int read_saved(const struct cli *cli, const char *path, struct saved *s)
{
	char *text = malloc(SAVED_MAX);
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	memset(s, 0, sizeof *s);
	int rc = !text ? ERR_NOMEM : !f ? ERR_NOT_FOUND : 0;
	size_t len = rc ? 0 : fread(text, 1, SAVED_MAX, f);
	if (!rc)
		rc = ferror(f) ? ERR_IO : len == SAVED_MAX ? ERR_TOO_LONG : parse(text, len, s);
	if (f && f != stdin)
		fclose(f);
	free(text);
	return rc ? cli_fail(cli, CLI_DATA, "%s is no saved diagnosis (nj doctor --json): %s", path, err_text(rc))
		  : CLI_OK;
}

static const struct saved_check *find(const struct saved *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].name, name) == 0)
			return &s->at[i];
	return NULL;
}

static enum table_tone tone_of(const char *verdict)
{
	return strcmp(verdict, "ok") == 0 ? TABLE_GOOD : strcmp(verdict, "warn") == 0 ? TABLE_WARN : TABLE_BAD;
}

static void put_row(struct table *t, const struct saved_check *a, const struct saved_check *b)
{
	table_text(t, a ? a->name : b->name);
	table_tone(t, a ? tone_of(a->verdict) : TABLE_DIM, a ? a->verdict : NULL);
	table_tone(t, b ? tone_of(b->verdict) : TABLE_DIM, b ? b->verdict : NULL);
	table_text(t, a ? a->measured : NULL);
	table_text(t, b ? b->measured : NULL);
}

int doctor_diff(struct cli *cli, const char *first, const char *second)
{
	static const struct table_column columns[] = {
		{"check", TABLE_TEXT, "Name of the check."},
		{"before", TABLE_TEXT, "Verdict in the first file."},
		{"after", TABLE_TEXT, "Verdict in the second file."},
		{"measured_before", TABLE_TEXT, "What was measured then."},
		{"measured_after", TABLE_TEXT, "And later."},
		{0},
	};
	static struct saved a, b;
	struct table *t;
	size_t differ = 0;
	int rc = read_saved(cli, first, &a);
	if (!rc)
		rc = read_saved(cli, second, &b);
	if (!rc)
		rc = table_open(cli, columns, &t);
	if (rc)
		return rc;
	for (size_t i = 0; i < a.n; i++) {
		const struct saved_check *other = find(&b, a.at[i].name);
		if (other && strcmp(other->verdict, a.at[i].verdict) == 0)
			continue;
		put_row(t, &a.at[i], other);
		differ++;
	}
	for (size_t i = 0; i < b.n; i++)
		if (!find(&a, b.at[i].name)) {
			put_row(t, NULL, &b.at[i]);
			differ++;
		}
	rc = table_close(t);
	cli_note(cli, "%zu of %zu verdicts differ", differ, b.n);
	return rc ? rc : differ ? CLI_DEGRADED : CLI_OK;
}
