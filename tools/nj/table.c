/* table - cells are kept as given; how they look is decided when they are printed. */
#include "tools/nj/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/json.h"
#include "common/base/nearest.h"
#include "common/base/utf8.h"
#include "common/io/clock.h"
#include "tools/nj/table_text.h"

#define MEMORY_MAX (256u << 20)
#define ROOM_MIN 16 /* columns in which reading is no torment */

struct cell {
	size_t text; /* offset of NUL-terminated text */
	int64_t value;
	bool null;
	enum table_tone tone;
};

struct table {
	struct cli *cli;
	const struct table_column *column;
	size_t n_columns;
	size_t shown[TABLE_COLUMNS_MAX], n_shown; /* --columns */
	size_t sort;                              /* index, n_columns: as they come */
	bool descending, streams;
	struct buf cells, text; /* of struct cell, of bytes */
	size_t printed;         /* rows */
	int err;
};

static struct cell *cell_at(const struct table *t, size_t row, size_t column)
{
	return (struct cell *)(void *)t->cells.at + row * t->n_columns + column;
}

static const char *text_of(const struct table *t, const struct cell *c)
{
	return (const char *)t->text.at + c->text;
}

static size_t rows_held(const struct table *t)
{
	return t->cells.len / sizeof(struct cell) / t->n_columns;
}

/* ---- what the user asked for ---- */

static int find_column(const struct table *t, const char *name, size_t *ret_index)
{
	struct nearest n;
	char known[600];
	size_t used = 0;
	nearest_init(&n, name);
	for (size_t i = 0; i < t->n_columns; i++) {
		if (used < sizeof known)
			used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
						 t->column[i].name);
		if (strcmp(t->column[i].name, name) == 0) {
			*ret_index = i;
			return CLI_OK;
		}
		nearest_offer(&n, t->column[i].name);
	}
	if (nearest_get(&n))
		return cli_usage(t->cli, "there is no column '%s' (did you mean %s?)", name,
				 nearest_get(&n));
	return cli_usage(t->cli, "there is no column '%s'; there are %s", name, known);
}

static int choose_columns(struct table *t, const char *list)
{
	char names[1024];
	if (strlen(list) >= sizeof names)
		return cli_usage(t->cli, "--columns: too long");
	memcpy(names, list, strlen(list) + 1);
	char *rest = names;
	for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
		if (t->n_shown == TABLE_COLUMNS_MAX)
			return cli_usage(t->cli, "--columns: too many");
		int rc = find_column(t, name, &t->shown[t->n_shown]);
		if (rc != CLI_OK)
			return rc;
		t->n_shown++;
	}
	return CLI_OK;
}

static int choose(struct table *t)
{
	struct cli *cli = t->cli;
	int rc = CLI_OK;
	if (cli->columns)
		rc = choose_columns(t, cli->columns);
	for (size_t i = 0; !cli->columns && i < t->n_columns; i++)
		t->shown[t->n_shown++] = i;
	t->sort = t->n_columns;
	if (rc == CLI_OK && cli->sort) {
		t->descending = cli->sort[0] == '-';
		rc = find_column(t, cli->sort + t->descending, &t->sort);
	}
	t->streams = cli->format != CLI_AS_TABLE && !cli->sort;
	return rc;
}

int table_open(struct cli *cli, const struct table_column *columns, struct table **ret_table)
{
	struct table *t = calloc(1, sizeof *t);
	if (!t)
		return cli_fail(cli, CLI_FAILED, "%s", err_text(ERR_NOMEM));
	t->cli = cli;
	t->column = columns;
	while (columns[t->n_columns].name)
		t->n_columns++;
	must(t->n_columns > 0 && t->n_columns <= TABLE_COLUMNS_MAX);
	buf_init(&t->cells, MEMORY_MAX / 2);
	buf_init(&t->text, MEMORY_MAX / 2);
	int rc = choose(t);
	if (rc != CLI_OK) {
		free(t);
		return rc;
	}
	*ret_table = t;
	return CLI_OK;
}

/* ---- rows for programs ---- */

static void put_json_cell(const struct table *t, size_t column, const struct cell *c)
{
	FILE *to = t->cli->out;
	enum table_kind kind = t->column[column].kind;
	char time[32];
	if (c->null)
		fputs("null", to);
	else if (kind == TABLE_TEXT)
		table_put_json(to, text_of(t, c));
	else if (kind == TABLE_NUMBER)
		fputs(text_of(t, c), to);
	else if (kind == TABLE_BOOL)
		fputs(c->value ? "true" : "false", to);
	else if (kind == TABLE_TIME)
		fprintf(to, "\"%s\"", clock_rfc3339(c->value, time));
	else
		fprintf(to, "%" PRId64, c->value);
}

static void put_json_row(struct table *t, size_t row)
{
	FILE *to = t->cli->out;
	bool lines = t->cli->format == CLI_AS_JSONL;
	if (!lines)
		fputs(t->printed == 0 ? "[\n " : ",\n ", to);
	for (size_t i = 0; i < t->n_shown; i++) {
		size_t column = t->shown[i];
		fprintf(to, "%s\"%s\":", i == 0 ? "{" : ",", t->column[column].name);
		put_json_cell(t, column, cell_at(t, row, column));
	}
	fputs(lines ? "}\n" : "}", to);
}

static void put_plain_cell(const struct table *t, size_t column, const struct cell *c, bool csv)
{
	FILE *to = t->cli->out;
	enum table_kind kind = t->column[column].kind;
	char time[32];
	if (c->null)
		return;
	if (kind == TABLE_TEXT || kind == TABLE_NUMBER)
		csv ? table_put_csv(to, text_of(t, c)) : table_put_tsv(to, text_of(t, c));
	else if (kind == TABLE_BOOL)
		fputs(c->value ? "true" : "false", to);
	else if (kind == TABLE_TIME)
		fputs(clock_rfc3339(c->value, time), to);
	else
		fprintf(to, "%" PRId64, c->value);
}

static void put_plain_head(const struct table *t, bool csv)
{
	for (size_t i = 0; i < t->n_shown; i++)
		fprintf(t->cli->out, "%s%s",
			i == 0 ? ""
			: csv  ? ","
			       : "\t",
			t->column[t->shown[i]].name);
	fputs(csv ? "\r\n" : "\n", t->cli->out);
}

static void put_plain_row(struct table *t, size_t row)
{
	bool csv = t->cli->format == CLI_AS_CSV;
	if (t->printed == 0 && !t->cli->no_headers)
		put_plain_head(t, csv);
	for (size_t i = 0; i < t->n_shown; i++) {
		if (i > 0)
			fputc(csv ? ',' : '\t', t->cli->out);
		put_plain_cell(t, t->shown[i], cell_at(t, row, t->shown[i]), csv);
	}
	fputs(csv ? "\r\n" : "\n", t->cli->out);
}

static void put_row(struct table *t, size_t row)
{
	if (t->cli->format == CLI_AS_JSON || t->cli->format == CLI_AS_JSONL)
		put_json_row(t, row);
	else
		put_plain_row(t, row);
	t->printed++;
}

/* ---- rows for people ---- */

static bool is_right(enum table_kind kind)
{
	return kind != TABLE_TEXT && kind != TABLE_TIME && kind != TABLE_BOOL;
}

/* The cell as it is shown, in out. */
static void show(const struct table *t, size_t column, const struct cell *c, int64_t today,
		 struct table_shown *out)
{
	if (c->null) {
		table_show_text("-", out);
		return;
	}
	char text[64];
	switch (t->column[column].kind) {
	case TABLE_TEXT:
	case TABLE_NUMBER:
		table_show_text(text_of(t, c), out);
		return;
	case TABLE_INT:
		table_show_text(table_thousands(c->value, text), out);
		return;
	case TABLE_ID:
		snprintf(text, sizeof text, "%" PRId64, c->value);
		table_show_text(text, out);
		return;
	case TABLE_BYTES:
		table_show_text(table_bytes(c->value, text), out);
		return;
	case TABLE_SPAN:
		table_show_text(table_span(c->value, text), out);
		return;
	case TABLE_TIME:
		table_show_text(table_time(c->value, today, text), out);
		return;
	case TABLE_BOOL:
		table_show_text(c->value ? "yes" : "no", out);
		return;
	}
}

static void put_padded(const struct table *t, size_t i, const struct table_shown *s, size_t width,
		       enum table_tone tone)
{
	static const char *const begin[] = {
		[TABLE_PLAIN] = "",	   [TABLE_GOOD] = "\x1b[32m", [TABLE_BAD] = "\x1b[1;31m",
		[TABLE_WARN] = "\x1b[33m", [TABLE_DIM] = "\x1b[2m",
	};
	FILE *to = t->cli->out;
	bool right = is_right(t->column[t->shown[i]].kind), last = i + 1 == t->n_shown;
	bool toned = t->cli->color && tone != TABLE_PLAIN;
	int pad = (int)(width - s->width);
	fprintf(to, "%s%*s%s%s%s", i == 0 ? "" : "  ", right ? pad : 0, "",
		toned ? begin[tone] : "", s->text, toned ? "\x1b[0m" : "");
	if (!right && !last)
		fprintf(to, "%*s", pad, "");
}

static void put_heads(const struct table *t, const size_t *width)
{
	for (size_t i = 0; i < t->n_shown; i++) {
		struct table_shown head;
		table_show_head(t->column[t->shown[i]].name, &head);
		put_padded(t, i, &head, width[i], TABLE_DIM);
	}
	fputc('\n', t->cli->out);
}

static void measure(const struct table *t, int64_t today, size_t *width)
{
	struct table_shown s;
	for (size_t i = 0; i < t->n_shown; i++) {
		width[i] = t->cli->no_headers ? 0 : strlen(t->column[t->shown[i]].name);
		for (size_t row = 0; row < rows_held(t); row++) {
			show(t, t->shown[i], cell_at(t, row, t->shown[i]), today, &s);
			width[i] = s.width > width[i] ? s.width : width[i];
		}
	}
}

/* Columns left for the last cell where it is text that can go on below itself; 0: print it as it is. */
static size_t room_of(const struct table *t, const size_t *width)
{
	size_t last = t->n_shown - 1, used = 2 * last;
	for (size_t i = 0; i < last; i++)
		used += width[i];
	bool fits = t->column[t->shown[last]].kind == TABLE_TEXT && used + ROOM_MIN <= t->cli->width;
	return fits ? t->cli->width - used : 0;
}

/* Bytes of text that are shown in so many columns, up to a space where there is more to come. */
static size_t bytes_in(const char *text, size_t columns)
{
	size_t at = 0, space = 0;
	for (; text[at] && columns > 0; columns--) {
		space = text[at] == ' ' ? at : space;
		for (at++; ((unsigned char)text[at] & 0xc0) == 0x80; at++)
			;
	}
	return text[at] && text[at] != ' ' && space > 0 ? space : at;
}

/* The last cell, in as many lines as it takes. */
static void put_last(const struct table *t, const struct table_shown *s, size_t room, enum table_tone tone)
{
	const char *text = s->text;
	struct table_shown part;
	size_t indent = t->n_shown > 1 ? t->cli->width - room - 2 : 0; /* put_padded has the other two */
	for (bool first = true; first || *text; first = false) {
		size_t n = bytes_in(text, room);
		part.width = 0; /* the last one is not padded */
		snprintf(part.text, sizeof part.text, "%.*s", (int)n, text);
		if (!first)
			fprintf(t->cli->out, "\n%*s", (int)indent, "");
		put_padded(t, t->n_shown - 1, &part, 0, tone);
		text += n + (text[n] == ' ');
	}
}

static void put_for_people(const struct table *t)
{
	size_t width[TABLE_COLUMNS_MAX];
	int64_t today = clock_wall(clock_real());
	struct table_shown s;
	measure(t, today, width);
	size_t room = room_of(t, width);
	if (!t->cli->no_headers)
		put_heads(t, width);
	for (size_t row = 0; row < rows_held(t); row++) {
		for (size_t i = 0; i < t->n_shown; i++) {
			const struct cell *c = cell_at(t, row, t->shown[i]);
			enum table_tone tone = c->null ? TABLE_DIM : c->tone;
			show(t, t->shown[i], c, today, &s);
			if (room > 0 && i + 1 == t->n_shown)
				put_last(t, &s, room, tone);
			else
				put_padded(t, i, &s, width[i], tone);
		}
		fputc('\n', t->cli->out);
	}
}

/* ---- sorting: rows are moved as blocks of cells; equal ones keep their order ---- */

static int compare_cells(const struct table *t, const struct cell *a, const struct cell *b)
{
	enum table_kind kind = t->column[t->sort].kind;
	if (a->null || b->null)
		return a->null - b->null; /* what is not known comes last, whatever the direction */
	int sign = t->descending ? -1 : 1;
	if (kind == TABLE_TEXT)
		return sign * strcmp(text_of(t, a), text_of(t, b));
	if (kind == TABLE_NUMBER)
		return sign * table_compare_numbers(text_of(t, a), text_of(t, b));
	return sign * ((a->value > b->value) - (a->value < b->value));
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
	const struct table *t = ctx;
	const struct cell *x = a, *y = b;
	int order = compare_cells(t, &x[t->sort], &y[t->sort]);
	return order != 0 ? order
			  : (x->text > y->text) -
				    (x->text < y->text); /* texts lie in order of arrival */
}

static void sort_rows(struct table *t)
{
	if (t->sort < t->n_columns && t->cells.len > 0)
		qsort_r(t->cells.at, rows_held(t), t->n_columns * sizeof(struct cell), compare_rows,
			t);
}

/* ---- cells ---- */

static void add_cell(struct table *t, const char *text, int64_t value, bool null,
		     enum table_tone tone)
{
	struct cell c = {.text = t->text.len, .value = value, .null = null, .tone = tone};
	if (t->err == 0)
		t->err = buf_append(&t->text, text, strlen(text) + 1);
	if (t->err == 0)
		t->err = buf_append(&t->cells, &c, sizeof c);
	bool row_complete = t->cells.len / sizeof c % t->n_columns == 0;
	if (t->err == 0 && t->streams && row_complete) {
		put_row(t, 0);
		buf_clear(&t->cells);
		buf_clear(&t->text);
	}
}

static enum table_kind next_kind(const struct table *t)
{
	return t->column[t->cells.len / sizeof(struct cell) % t->n_columns].kind;
}

void table_tone(struct table *t, enum table_tone tone, const char *text)
{
	must(next_kind(t) == TABLE_TEXT || next_kind(t) == TABLE_NUMBER);
	add_cell(t, text ? text : "", 0, text == NULL, tone);
}

void table_text(struct table *t, const char *text)
{
	table_tone(t, TABLE_PLAIN, text);
}

void table_int(struct table *t, int64_t value)
{
	table_int_tone(t, TABLE_PLAIN, value);
}

void table_int_tone(struct table *t, enum table_tone tone, int64_t value)
{
	must(next_kind(t) != TABLE_TEXT && next_kind(t) != TABLE_NUMBER &&
	     next_kind(t) != TABLE_BOOL);
	add_cell(t, "", value, false, tone);
}

void table_fixed(struct table *t, int64_t value, int scale)
{
	char text[FIXED_TEXT_MAX];
	fixed_format(text, sizeof text, value, scale);
	table_text(t, text);
}

void table_bool(struct table *t, bool value)
{
	must(next_kind(t) == TABLE_BOOL);
	add_cell(t, "", value, false, TABLE_PLAIN);
}

void table_null(struct table *t)
{
	add_cell(t, "", 0, true, TABLE_PLAIN);
}

int table_close(struct table *t)
{
	struct cli *cli = t->cli;
	must(t->err != 0 || t->cells.len / sizeof(struct cell) % t->n_columns == 0);
	sort_rows(t);
	if (cli->format == CLI_AS_TABLE)
		put_for_people(t);
	for (size_t row = 0; cli->format != CLI_AS_TABLE && row < rows_held(t); row++)
		put_row(t, row);
	if (cli->format == CLI_AS_JSON)
		fputs(t->printed ? "\n]\n" : "[]\n", cli->out);
	bool plain = cli->format == CLI_AS_CSV || cli->format == CLI_AS_TSV;
	if (plain && t->printed == 0 && !cli->no_headers)
		put_plain_head(t, cli->format == CLI_AS_CSV);
	int err = t->err;
	buf_fini(&t->cells);
	buf_fini(&t->text);
	free(t);
	return err == 0 ? CLI_OK
			: cli_fail(cli, CLI_FAILED,
				   "the table is too large (use -o jsonl without --sort)");
}
