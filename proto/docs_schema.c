/* docs_schema - the vocabulary as one JSON object, complete enough to write a decoder from it alone. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/docs.h"
#include "proto/docs_rows.h"
#include "proto/print.h"
#include "proto/topic.h"

enum { SCHEMA_FORMAT = 2, TELEMETRY_BELOW = 0x0100 };

/* "name":"text" */
static void member(struct printer *p, const char *name, const char *text)
{
	print_format(p, "\"%s\":", name);
	print_quoted(p, text, strlen(text));
}

/* ,"name":"text" */
static void further(struct printer *p, const char *name, const char *text)
{
	print_text(p, ",");
	member(p, name, text);
}

static void further_flag(struct printer *p, const char *name, bool is)
{
	print_format(p, ",\"%s\":%s", name, is ? "true" : "false");
}

/* Begins an element of a list of objects. */
static void element(struct printer *p, size_t i)
{
	print_text(p, i > 0 ? ",{" : "{");
}

static void put_frame(struct printer *p)
{
	print_format(p, "{\"topic_max\":%d,\"separator\":0,\"encoding\":\"msgpack\"", TOPIC_MAX - 1);
	further(p, "doc",
		"Topic, a NUL, then one msgpack array for each event: the envelope's elements, then the event's "
		"fields, each at its index. A shorter array is of an older sender: missing fields are zero or empty. A "
		"longer one is of a newer sender: the surplus is skipped. Skip unknown ids. Integers come in any "
		"msgpack form; floats and extensions never.");
	print_text(p, "}");
}

static void put_lanes(struct printer *p)
{
	for (size_t i = 0; i < DOCS_LANES; i++) {
		const struct docs_lane *l = &docs_lanes[i];
		element(p, i);
		member(p, "name", l->name);
		further(p, "endpoint", l->endpoint);
		further(p, "socket", l->socket);
		further(p, "sequence", l->sequence);
		further_flag(p, "lossless", l->lossless);
		further(p, "doc", l->doc);
		print_text(p, "}");
	}
}

static void put_envelope(struct printer *p)
{
	for (size_t i = 0; i < DOCS_ENVELOPE; i++) {
		element(p, i);
		print_format(p, "\"index\":%zu", i);
		further(p, "name", docs_envelope[i].name);
		further(p, "kind", docs_envelope[i].kind);
		if (docs_envelope[i].enumeration)
			further(p, "enum", docs_envelope[i].enumeration);
		further(p, "doc", docs_envelope[i].doc);
		print_text(p, "}");
	}
}

/* What a list is made of, group by group. */
static void put_items(struct printer *p, enum kind kind)
{
	print_text(p, kind == KIND_levels ? ",\"items\":[\"price\",\"qty\"]" : ",\"items\":[\"name\",\"i64\"]");
	print_format(p, ",\"groups_max\":%u", docs_kinds[kind].list_max);
}

static void put_kinds(struct printer *p)
{
	for (size_t i = 0; i < DOCS_KINDS; i++) {
		const struct docs_kind *k = &docs_kinds[i];
		element(p, i);
		member(p, "name", k->name);
		further(p, "msgpack", k->wire);
		further(p, "type", k->type);
		if (k->max)
			print_format(p, ",\"min\":%s,\"max\":%s", k->min, k->max);
		if (k->bytes_max)
			print_format(p, ",\"bytes_max\":%u", k->bytes_max);
		if (k->list_max)
			put_items(p, (enum kind)i);
		further(p, "doc", k->doc);
		print_text(p, "}");
	}
}

/* Name of the field that holds a scale, by its place; of levels the quantity's stands right behind. */
static const char *field_at(const struct event_row *row, uint16_t offset)
{
	size_t i = 0;
	while (i < row->n_fields && row->fields[i].offset != offset)
		i++;
	must(i < row->n_fields); /* every scale is a field */
	return row->fields[i].name;
}

static void put_scales(struct printer *p, const struct event_row *row, const struct field_row *f)
{
	if (f->kind == KIND_price || f->kind == KIND_qty || f->kind == KIND_cash)
		further(p, "scale", field_at(row, f->scale));
	if (f->kind != KIND_levels)
		return;
	print_format(p, ",\"scales\":[\"%s\",\"%s\"]", field_at(row, f->scale),
		     field_at(row, (uint16_t)(f->scale + 1)));
}

static void put_field(struct printer *p, const struct event_row *row, size_t i)
{
	const struct field_row *f = &row->fields[i];
	element(p, i);
	print_format(p, "\"index\":%zu", DOCS_ENVELOPE + i);
	further(p, "name", f->name);
	further(p, "kind", docs_kinds[f->kind].name);
	if (f->enumeration)
		further(p, "enum", f->enumeration->name);
	put_scales(p, row, f);
	further(p, "unit", f->unit);
	print_format(p, ",\"since\":%u", f->since);
	further(p, "doc", f->doc);
	print_text(p, "}");
}

static void put_event(struct printer *p, const struct event_row *row, size_t i)
{
	element(p, i);
	print_format(p, "\"id\":%u", row->id);
	further(p, "name", row->name);
	further(p, "lane", docs_lane_name(row->lane));
	further(p, "topic", row->topic);
	further_flag(p, "telemetry", row->lane == LANE_M && row->id < TELEMETRY_BELOW);
	print_format(p, ",\"version\":%u", row->version);
	further(p, "doc", row->doc);
	print_text(p, ",\"fields\":[");
	for (size_t k = 0; k < row->n_fields; k++)
		put_field(p, row, k);
	print_text(p, "]}");
}

static void put_enum(struct printer *p, const struct enum_row *e, size_t i)
{
	element(p, i);
	member(p, "name", e->name);
	further(p, "zero", enum_text(e, 0));
	print_text(p, ",\"items\":[");
	for (size_t k = 0; k < e->n; k++) {
		element(p, k);
		member(p, "name", e->items[k].name);
		print_format(p, ",\"value\":%u", e->items[k].value);
		further(p, "doc", e->items[k].doc);
		print_text(p, "}");
	}
	print_text(p, "]}");
}

/* What reply.result may be. */
static void put_errors(struct printer *p)
{
	for (int i = 1; i < ERR_ORDINALS; i++) {
		element(p, (size_t)i - 1);
		print_format(p, "\"value\":%d", -i);
		further(p, "name", err_name(-i));
		further(p, "doc", err_text(-i));
		print_text(p, "}");
	}
}

int docs_schema_json(struct buf *out)
{
	size_t n_rows, n_enums;
	const struct event_row *rows = event_rows(&n_rows);
	const struct enum_row *const *enums = enum_rows(&n_enums);
	struct printer p;

	print_begin(&p, out);
	print_format(&p, "{\"format\":%d,\"frame\":", SCHEMA_FORMAT);
	put_frame(&p);
	print_text(&p, ",\"topics\":");
	print_quoted(&p, DOCS_TOPICS, strlen(DOCS_TOPICS));
	print_text(&p, ",\"lanes\":[");
	put_lanes(&p);
	print_text(&p, "],\"envelope\":[");
	put_envelope(&p);
	print_text(&p, "],\"kinds\":[");
	put_kinds(&p);
	print_text(&p, "],\"events\":[");
	for (size_t i = 0; i < n_rows; i++)
		put_event(&p, &rows[i], i);
	print_text(&p, "],\"enums\":[");
	for (size_t i = 0; i < n_enums; i++)
		put_enum(&p, enums[i], i);
	print_text(&p, "],\"errors\":[");
	put_errors(&p);
	print_text(&p, "]}");
	return print_end(&p);
}
