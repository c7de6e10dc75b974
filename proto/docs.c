/* docs - the vocabulary described by its own tables: a page, a schema, a lock. */
#include "proto/docs.h"

#include <string.h>

#include "common/base/check.h"
#include "proto/event.h"
#include "proto/print.h"

struct kind_doc {
	const char *name, *wire, *doc;
};

static const struct kind_doc kinds[] = {
	[KIND_flag] = {"flag", "true or false", "Yes or no."},
	[KIND_u8] = {"u8", "integer", "0 to 255; scales 0 to 18."},
	[KIND_u16] = {"u16", "integer", "0 to 65535."},
	[KIND_u32] = {"u32", "integer", "0 to 2^32 - 1."},
	[KIND_u64] = {"u64", "integer", "0 to 2^64 - 1."},
	[KIND_i64] = {"i64", "integer", "-2^63 to 2^63 - 1."},
	[KIND_time] = {"time", "integer", "Nanoseconds since 1970-01-01T00:00:00Z."},
	[KIND_dur] = {"dur", "integer", "A duration in nanoseconds."},
	[KIND_price] = {"price", "integer",
		"Stands for value * 10^-price_scale of the same event."},
	[KIND_qty] = {"qty", "integer", "Stands for value * 10^-qty_scale of the same event."},
	[KIND_cash] = {"cash", "integer", "Stands for value * 10^-cash_scale of the same event."},
	[KIND_symbol] = {"symbol", "str",
		"RAW.VENUE, [A-Za-z0-9_-]{1,80} and [A-Z0-9_]{1,16}; or empty."},
	[KIND_name] = {"name", "str", "UTF-8 of at most 39 bytes."},
	[KIND_text] = {"text", "str", "UTF-8 of at most 199 bytes."},
	[KIND_levels] = {"levels", "array", "[price, qty, price, qty …], at most 4096 levels."},
	[KIND_pairs] = {"pairs", "array", "[name, i64, name, i64 …], at most 512 pairs."},
	[KIND_blob] = {"blob", "bin", "Bytes."},
	[KIND_enumeration] = {"enum", "integer",
		"An item of the enumeration, 0 is none; up to 255."},
};

_Static_assert(EVENT_NAME_MAX == 40 && EVENT_TEXT_MAX == 200, "as the kinds say");
_Static_assert(EVENT_LEVELS_MAX == 4096 && EVENT_PAIRS_MAX == 512, "as the kinds say");

static const char *const envelope[][3] = {
	{"id", "u16", "Which event."},
	{"version", "u8", "The newest `since` of this event that its sender knew."},
	{"source", "name", "Publisher, [a-z0-9_-]{1,19}."},
	{"epoch", "u64", "The publisher's, per lane; grows with each journal or start."},
	{"seq", "u64", "Lane M: per topic; lane X: per publisher; from 1."},
	{"origin", "u8", "Enumeration `origin`."},
	{"ts_event", "time", "When it happened: venue time, or the cause's time."},
	{"ts_recv", "time",
		"Event time, the only one that decisions know; strictly increasing per publisher."},
	{"ts_sent", "time",
		"Wall clock when published, always nine bytes; never part of a result."},
};

static const char *const families[] = {"System", "Market", "Intents", "Ledger", "Control"};

static const char *lane_name(uint8_t lane)
{
	static const char *const names[] = {[LANE_M] = "M", [LANE_X] = "X", [LANE_R] = "R"};

	must(lane < ARRAY_LEN(names) && names[lane] != NULL);
	return names[lane];
}

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
	for (size_t i = 0; i < ARRAY_LEN(envelope); i++) {
		print_format(p, "| `%s` | %s |", envelope[i][0], envelope[i][1]);
		cell(p, envelope[i][2]);
		print_text(p, "\n");
	}
}

static void page_kinds(struct printer *p)
{
	print_text(p, "\n## Kinds\n\n| kind | msgpack | meaning |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		print_format(p, "| %s | %s |", kinds[i].name, kinds[i].wire);
		cell(p, kinds[i].doc);
		print_text(p, "\n");
	}
}

static void page_field(struct printer *p, const struct field_row *f)
{
	print_format(p, "| `%s` | ", f->name);
	if (f->enumeration != NULL)
		print_format(p, "[%s](#enum-%s) |", f->enumeration->name, f->enumeration->name);
	else
		print_format(p, "%s |", kinds[f->kind].name);
	cell(p, f->unit);
	print_format(p, " %u |", f->since);
	cell(p, f->doc);
	print_text(p, "\n");
}

static void page_event(struct printer *p, const struct event_row *row)
{
	print_format(p, "\n### %s\n\n", row->name);
	print_text(p, row->doc);
	print_format(p, "\n\nId 0x%04x, lane %s, topic `%s`.\n\n", row->id, lane_name(row->lane),
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

/* The schema. */

/* "name":"text" */
static void member(struct printer *p, const char *name, const char *text)
{
	print_format(p, "\"%s\":", name);
	print_quoted(p, text, strlen(text));
}

/* Begins an element of a list of objects. */
static void element(struct printer *p, size_t i)
{
	print_text(p, i > 0 ? ",{" : "{");
}

static void schema_envelope(struct printer *p)
{
	for (size_t i = 0; i < ARRAY_LEN(envelope); i++) {
		element(p, i);
		member(p, "name", envelope[i][0]);
		print_text(p, ",");
		member(p, "kind", envelope[i][1]);
		print_text(p, ",");
		member(p, "doc", envelope[i][2]);
		print_text(p, "}");
	}
}

static void schema_kinds(struct printer *p)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		element(p, i);
		member(p, "name", kinds[i].name);
		print_text(p, ",");
		member(p, "msgpack", kinds[i].wire);
		print_text(p, ",");
		member(p, "doc", kinds[i].doc);
		print_text(p, "}");
	}
}

static void schema_field(struct printer *p, const struct field_row *f, size_t i)
{
	element(p, i);
	member(p, "name", f->name);
	print_text(p, ",");
	member(p, "kind", kinds[f->kind].name);
	if (f->enumeration != NULL) {
		print_text(p, ",");
		member(p, "enum", f->enumeration->name);
	}
	print_text(p, ",");
	member(p, "unit", f->unit);
	print_format(p, ",\"since\":%u,", f->since);
	member(p, "doc", f->doc);
	print_text(p, "}");
}

static void schema_event(struct printer *p, const struct event_row *row, size_t i)
{
	element(p, i);
	print_format(p, "\"id\":%u,", row->id);
	member(p, "name", row->name);
	print_text(p, ",");
	member(p, "lane", lane_name(row->lane));
	print_text(p, ",");
	member(p, "topic", row->topic);
	print_format(p, ",\"version\":%u,", row->version);
	member(p, "doc", row->doc);
	print_text(p, ",\"fields\":[");
	for (size_t k = 0; k < row->n_fields; k++)
		schema_field(p, &row->fields[k], k);
	print_text(p, "]}");
}

static void schema_enum(struct printer *p, const struct enum_row *e, size_t i)
{
	element(p, i);
	member(p, "name", e->name);
	print_text(p, ",\"items\":[");
	for (size_t k = 0; k < e->n; k++) {
		element(p, k);
		member(p, "name", e->items[k].name);
		print_format(p, ",\"value\":%u,", e->items[k].value);
		member(p, "doc", e->items[k].doc);
		print_text(p, "}");
	}
	print_text(p, "]}");
}

int docs_schema_json(struct buf *out)
{
	size_t n_rows, n_enums;
	const struct event_row *rows = event_rows(&n_rows);
	const struct enum_row *const *enums = enum_rows(&n_enums);
	struct printer p;

	print_begin(&p, out);
	print_text(&p, "{\"envelope\":[");
	schema_envelope(&p);
	print_text(&p, "],\"kinds\":[");
	schema_kinds(&p);
	print_text(&p, "],\"events\":[");
	for (size_t i = 0; i < n_rows; i++)
		schema_event(&p, &rows[i], i);
	print_text(&p, "],\"enums\":[");
	for (size_t i = 0; i < n_enums; i++)
		schema_enum(&p, enums[i], i);
	print_text(&p, "]}");
	return print_end(&p);
}

/* The lock. */

static void lock_event(struct printer *p, const struct event_row *row)
{
	print_format(p, "event 0x%04x %s %s %s\n", row->id, row->name, lane_name(row->lane),
		     row->topic);
	for (unsigned i = 0; i < row->n_fields; i++) {
		const struct field_row *f = &row->fields[i];
		print_format(p, "field 0x%04x %u %s %s", row->id, i, f->name, kinds[f->kind].name);
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
