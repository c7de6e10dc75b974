/* event - the tables behind the vocabulary, each one pass over the rows in *.def. */
#include "proto/event.h"

#include <string.h>

#include "common/base/check.h"
#include "proto/text.h"
#include "proto/wire.h"

/* Enumerations. */
#define ENUM(name) static const struct enum_item items_##name[] = {
#define ITEM(enumeration, item, value, doc) {#item, doc, value},
#define END_ENUM(name) };
#include "proto/enums.def"
#undef ENUM
#undef ITEM
#undef END_ENUM

#define ENUM(name)                                        \
	static const struct enum_row enum_row_##name = {  \
		#name, items_##name, ARRAY_LEN(items_##name)}; \
	const struct enum_row *enum_##name(void)          \
	{                                                 \
		return &enum_row_##name;                  \
	}
#define ITEM(enumeration, item, value, doc) \
	_Static_assert((value) > 0 && (value) <= UINT8_MAX, "an item's value is 1 to 255");
#define END_ENUM(name)
#include "proto/enums.def"
#undef ENUM
#undef ITEM
#undef END_ENUM

static const struct enum_row *const enum_table[] = {
#define ENUM(name) &enum_row_##name,
#define ITEM(enumeration, item, value, doc)
#define END_ENUM(name)
#include "proto/enums.def"
#undef ENUM
#undef ITEM
#undef END_ENUM
};

/* Where a field of each kind finds its scale. An event that lacks the scale field does not
 * compile. */
#define SCALE_flag(e) 0
#define SCALE_u8(e) 0
#define SCALE_u16(e) 0
#define SCALE_u32(e) 0
#define SCALE_u64(e) 0
#define SCALE_i64(e) 0
#define SCALE_time(e) 0
#define SCALE_dur(e) 0
#define SCALE_price(e) offsetof(struct ev_##e, price_scale)
#define SCALE_qty(e) offsetof(struct ev_##e, qty_scale)
#define SCALE_cash(e) offsetof(struct ev_##e, cash_scale)
#define SCALE_symbol(e) 0
#define SCALE_name(e) 0
#define SCALE_text(e) 0
#define SCALE_levels(e) offsetof(struct ev_##e, price_scale)
#define SCALE_pairs(e) 0
#define SCALE_blob(e) 0

/* Levels find their second scale, the quantity's, right behind the price's. */
#define LEVELS_flag(e) 1
#define LEVELS_u8(e) 1
#define LEVELS_u16(e) 1
#define LEVELS_u32(e) 1
#define LEVELS_u64(e) 1
#define LEVELS_i64(e) 1
#define LEVELS_time(e) 1
#define LEVELS_dur(e) 1
#define LEVELS_price(e) 1
#define LEVELS_qty(e) 1
#define LEVELS_cash(e) 1
#define LEVELS_symbol(e) 1
#define LEVELS_name(e) 1
#define LEVELS_text(e) 1
#define LEVELS_levels(e) \
	(offsetof(struct ev_##e, qty_scale) == offsetof(struct ev_##e, price_scale) + 1)
#define LEVELS_pairs(e) 1
#define LEVELS_blob(e) 1

/* Fields. */
#define EVENT(name, id, lane, topic, doc) static const struct field_row fields_##name[] = {
#define FIELD(event, kind, name, since, unit, doc)                                            \
	{#name, unit, doc, NULL, offsetof(struct ev_##event, name), (uint16_t)SCALE_##kind(event), \
		KIND_##kind, since},
#define ENUMF(event, enumeration, name, since, doc)                                     \
	{#name, "", doc, &enum_row_##enumeration, offsetof(struct ev_##event, name), 0, \
		KIND_enumeration, since},
#define END(event) };
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END

#define EVENT(name, id, lane, topic, doc)
#define FIELD(event, kind, name, since, unit, doc)                                      \
	_Static_assert(LEVELS_##kind(event), "qty_scale stands right behind price_scale"); \
	_Static_assert((since) > 0 && (since) < 31, "since is 1 to 30");
#define ENUMF(event, enumeration, name, since, doc) \
	_Static_assert((since) > 0 && (since) < 31, "since is 1 to 30");
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END

/* The bits below each `since`, joined: as many as the highest since. */
enum since_mask {
#define EVENT(name, id, lane, topic, doc) SINCE_MASK_##name = 0
#define FIELD(event, kind, name, since, unit, doc) | ((1 << (since)) - 1)
#define ENUMF(event, enumeration, name, since, doc) | ((1 << (since)) - 1)
#define END(event) ,
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
};

static const struct event_row rows[] = {
#define EVENT(name, id, lane, topic, doc)                                                   \
	{#name, topic, doc, fields_##name, ARRAY_LEN(fields_##name), id, LANE_##lane,       \
		(uint8_t)__builtin_popcount(SINCE_MASK_##name), sizeof(struct ev_##name)},
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
};

enum row_ordinal {
#define EVENT(name, id, lane, topic, doc) ROW_##name,
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
	ROWS
};

/* Row number plus one by event id, 0 where there is none. */
static const uint8_t row_by_id[] = {
#define EVENT(name, id, lane, topic, doc) [id] = ROW_##name + 1,
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
};
_Static_assert(ROWS < UINT8_MAX, "row_by_id holds bytes");

/* Each family keeps to its own 256 ids. */
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#define IN_FAMILY(id, family) \
	_Static_assert((id) >> 8 == (family) && ((id) & 0xff) < 0xff, "an id outside its family");
#define EVENT(name, id, lane, topic, doc) IN_FAMILY(id, 0)
#include "proto/system.def"
#undef EVENT
#define EVENT(name, id, lane, topic, doc) IN_FAMILY(id, 1)
#include "proto/market.def"
#undef EVENT
#define EVENT(name, id, lane, topic, doc) IN_FAMILY(id, 2)
#include "proto/intent.def"
#undef EVENT
#define EVENT(name, id, lane, topic, doc) IN_FAMILY(id, 3)
#include "proto/ledger.def"
#undef EVENT
#define EVENT(name, id, lane, topic, doc) IN_FAMILY(id, 4)
#include "proto/control.def"
#undef EVENT

/* Two events with the same id are two equal cases: they do not compile. */
static const struct event_row *row_of(uint16_t id)
{
	switch (id) {
#define EVENT(name, id, lane, topic, doc) case id:
#include "proto/events.def"
#undef EVENT
		return &rows[row_by_id[id] - 1];
	default:
		return NULL;
	}
}
#undef FIELD
#undef ENUMF
#undef END

const struct event_row *event_row(uint16_t id)
{
	return row_of(id);
}

const struct event_row *event_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rows);
	return rows;
}

static bool text_is(const char *name, const char *text, size_t len)
{
	return strncmp(name, text, len) == 0 && name[len] == '\0';
}

const struct event_row *event_row_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (text_is(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

const struct field_row *event_field(const struct event_row *row, const char *name, size_t len)
{
	for (size_t i = 0; i < row->n_fields; i++)
		if (text_is(row->fields[i].name, name, len))
			return &row->fields[i];
	return NULL;
}

const struct enum_row *const *enum_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(enum_table);
	return enum_table;
}

const char *enum_text(const struct enum_row *e, uint8_t value)
{
	if (value == 0)
		return "none";
	for (size_t i = 0; i < e->n; i++)
		if (e->items[i].value == value)
			return e->items[i].name;
	return "?";
}

uint8_t enum_value(const struct enum_row *e, const char *text, size_t len)
{
	for (size_t i = 0; i < e->n; i++)
		if (text_is(e->items[i].name, text, len))
			return e->items[i].value;
	return 0;
}

void event_init(struct event *ev, uint16_t id)
{
	const struct event_row *row = event_row(id);

	must(row != NULL);
	wire_clear(ev, sizeof *ev);
	ev->id = id;
	ev->version = row->version;
}

int event_scale(const struct event *ev, const struct field_row *f, int *ret_qty_scale)
{
	const uint8_t *scale = (const uint8_t *)&ev->trade + f->scale;

	switch (f->kind) {
	case KIND_price:
	case KIND_qty:
	case KIND_cash:
		return scale[0];
	case KIND_levels:
		if (ret_qty_scale != NULL)
			*ret_qty_scale = scale[1];
		return scale[0];
	default:
		return 0;
	}
}

void event_set_name(char field[EVENT_NAME_MAX], const char *text)
{
	text_set(field, EVENT_NAME_MAX, text);
}

void event_set_text(char field[EVENT_TEXT_MAX], const char *text)
{
	text_set(field, EVENT_TEXT_MAX, text);
}
