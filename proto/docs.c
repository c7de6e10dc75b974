/* docs - the vocabulary described by its own tables: a page, a lock; the schema is in docs_schema.c. */
#include "proto/docs.h"

#include <string.h>

#include "common/base/check.h"
#include "proto/docs_rows.h"
#include "proto/print.h"

static const char *const families[] = {"System", "Market", "Intents", "Ledger", "Control"};

/* The page. */

/* A cell of a table: a bar would end it. */
static void cell(struct printer *p, const char *text)
{
	print_text(p, " ");
	for (const char *at = text; *at != '\0';) {
		size_t n = strcspn(at, "|");
		print_bytes(p, at, n);
		at += n;
		if (*at == '|') {
			print_text(p, "\\|");
			at++;
		}
	}
	print_text(p, " |");
}

static const char intro[] =
	"# Events\n\n"
	"Printed by the program from `proto/*.def`; do not edit.\n\n"
	"A frame on the bus is the topic, a NUL, then one msgpack array for each event: the\n"
	"envelope's elements, then the event's fields, in the order of these tables. Fields are\n"
	"only ever added at the end: what a sender did not know yet reads as zero, what a\n"
	"receiver does not know is checked and skipped. Integers come in any msgpack form;\n"
	"floats and extensions are refused. Lane M may lose events, and counts each of them;\n"
	"lane X never does; lane R is asked and answered between two sockets.\n\n"
	"## Envelope\n\n"
	"| element | kind | meaning |\n"
	"| --- | --- | --- |\n";

static void page_intro(struct printer *p)
{
	print_text(p, intro);
	for (size_t i = 0; i < DOCS_ENVELOPE; i++) {
		print_format(p, "| `%s` | %s |", docs_envelope[i].name, docs_envelope[i].kind);
		cell(p, docs_envelope[i].doc);
		print_text(p, "\n");
	}
}

static void page_kinds(struct printer *p)
{
	print_text(p, "\n## Kinds\n\n| kind | msgpack | meaning |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < DOCS_KINDS; i++) {
		print_format(p, "| %s | %s |", docs_kinds[i].name, docs_kinds[i].wire);
		cell(p, docs_kinds[i].doc);
		print_text(p, "\n");
	}
}

static void page_field(struct printer *p, const struct field_row *f)
{
	print_format(p, "| `%s` | ", f->name);
	if (f->enumeration != NULL)
		print_format(p, "[%s](#enum-%s) |", f->enumeration->name, f->enumeration->name);
	else
		print_format(p, "%s |", docs_kinds[f->kind].name);
	cell(p, f->unit);
	print_format(p, " %u |", f->since);
	cell(p, f->doc);
	print_text(p, "\n");
}

static void page_event(struct printer *p, const struct event_row *row)
{
	print_format(p, "\n### %s\n\n", row->name);
	print_text(p, row->doc);
	print_format(p, "\n\nId 0x%04x, lane %s, topic `%s`.\n\n", row->id, docs_lane_name(row->lane),
		     row->topic);
	print_text(p, "| field | kind | unit | since | meaning |\n"
		      "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < row->n_fields; i++)
		page_field(p, &row->fields[i]);
}

static void page_events(struct printer *p)
{
	size_t n;
	const struct event_row *rows = event_rows(&n);
	int family = -1;

	for (size_t i = 0; i < n; i++) {
		if (rows[i].id >> 8 != family) {
			family = rows[i].id >> 8;
			must((size_t)family < ARRAY_LEN(families));
			print_format(p, "\n## %s\n", families[family]);
		}
		page_event(p, &rows[i]);
	}
}

static void page_enums(struct printer *p)
{
	size_t n;
	const struct enum_row *const *rows = enum_rows(&n);

	print_text(p, "\n## Enumerations\n");
	for (size_t i = 0; i < n; i++) {
		print_format(p, "\n### enum %s\n\n", rows[i]->name);
		print_text(p, "| value | item | meaning |\n| --- | --- | --- |\n");
		for (size_t k = 0; k < rows[i]->n; k++) {
			const struct enum_item *item = &rows[i]->items[k];
			print_format(p, "| %u | `%s` |", item->value, item->name);
			cell(p, item->doc);
			print_text(p, "\n");
		}
	}
}

int docs_events(struct buf *out)
{
	struct printer p;

	print_begin(&p, out);
	page_intro(&p);
	page_kinds(&p);
	page_events(&p);
	page_enums(&p);
	return print_end(&p);
}

/* The lock. */

static void lock_event(struct printer *p, const struct event_row *row)
{
	print_format(p, "event 0x%04x %s %s %s\n", row->id, row->name, docs_lane_name(row->lane),
		     row->topic);
	for (unsigned i = 0; i < row->n_fields; i++) {
		const struct field_row *f = &row->fields[i];
		print_format(p, "field 0x%04x %u %s %s", row->id, i, f->name, docs_kinds[f->kind].name);
		if (f->enumeration != NULL)
			print_format(p, ":%s", f->enumeration->name);
		print_format(p, " since %u\n", f->since);
	}
}

int docs_schema_lock(struct buf *out)
{
	size_t n_rows, n_enums;
	const struct event_row *rows = event_rows(&n_rows);
	const struct enum_row *const *enums = enum_rows(&n_enums);
	struct printer p;

	print_begin(&p, out);
	for (size_t i = 0; i < n_rows; i++)
		lock_event(&p, &rows[i]);
	for (size_t i = 0; i < n_enums; i++)
		for (size_t k = 0; k < enums[i]->n; k++)
			print_format(&p, "enum %s %u %s\n", enums[i]->name,
				     enums[i]->items[k].value, enums[i]->items[k].name);
	return print_end(&p);
}
