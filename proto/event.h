/* event - the vocabulary: every event's struct, ids and field tables, from the rows in *.def.
 *
 * A struct event is plain data. Its variable parts (levels, pairs, blobs) point into memory that
 * somebody else owns: the decoder's arena, or the sender's own arrays; they are good for the
 * duration of the call. */
#ifndef NJ_PROTO_EVENT_H
#define NJ_PROTO_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/symbol.h"

#define EVENT_NAME_MAX 40   /* bytes of a `name` field with its NUL */
#define EVENT_TEXT_MAX 200  /* bytes of a `text` field with its NUL */
#define EVENT_SOURCE_MAX 20 /* bytes of a publisher's name with its NUL */
#define EVENT_LEVELS_MAX 4096 /* levels of one side in one event */
#define EVENT_PAIRS_MAX 512   /* pairs in one event */
#define EVENT_PACKED_MAX 65536 /* bytes of one packed lane-M event with its topic */

struct level { /* price and total quantity at the event's scales */
	int64_t price, qty;
};
struct levels {
	const struct level *at;
	uint32_t n;
};
struct pair {
	char name[EVENT_NAME_MAX];
	int64_t value;
};
struct pairs {
	const struct pair *at;
	uint32_t n;
};
struct blob {
	const uint8_t *at;
	uint32_t n;
};

enum lane { LANE_M = 1, LANE_X = 2, LANE_R = 3 };

/* Enumerations: enum side { side_none, side_buy = 1, … }. */
#define ENUM(name) enum name { name##_none = 0,
#define ITEM(enumeration, item, value, doc) enumeration##_##item = value,
#define END_ENUM(name) };
#include "proto/enums.def"
#undef ENUM
#undef ITEM
#undef END_ENUM

enum event_id {
#define EVENT(name, id, lane, topic, doc) EVENT_##name = id,
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
};

/* Kinds of fields: KIND(name, C declarator). */
#define EVENT_KINDS(KIND)      \
	KIND(flag, bool, )     \
	KIND(u8, uint8_t, )    \
	KIND(u16, uint16_t, )  \
	KIND(u32, uint32_t, )  \
	KIND(u64, uint64_t, )  \
	KIND(i64, int64_t, )   \
	KIND(time, int64_t, )  \
	KIND(dur, int64_t, )   \
	KIND(price, int64_t, ) \
	KIND(qty, int64_t, )   \
	KIND(cash, int64_t, )  \
	KIND(symbol, struct symbol, ) \
	KIND(name, char, [EVENT_NAME_MAX]) \
	KIND(text, char, [EVENT_TEXT_MAX]) \
	KIND(levels, struct levels, ) \
	KIND(pairs, struct pairs, ) \
	KIND(blob, struct blob, ) \
	KIND(enumeration, uint8_t, )

enum kind {
#define KIND(name, type, suffix) KIND_##name,
	EVENT_KINDS(KIND)
#undef KIND
};

#define KIND_DECL_flag(n) bool n;
#define KIND_DECL_u8(n) uint8_t n;
#define KIND_DECL_u16(n) uint16_t n;
#define KIND_DECL_u32(n) uint32_t n;
#define KIND_DECL_u64(n) uint64_t n;
#define KIND_DECL_i64(n) int64_t n;
#define KIND_DECL_time(n) int64_t n;
#define KIND_DECL_dur(n) int64_t n;
#define KIND_DECL_price(n) int64_t n;
#define KIND_DECL_qty(n) int64_t n;
#define KIND_DECL_cash(n) int64_t n;
#define KIND_DECL_symbol(n) struct symbol n;
#define KIND_DECL_name(n) char n[EVENT_NAME_MAX];
#define KIND_DECL_text(n) char n[EVENT_TEXT_MAX];
#define KIND_DECL_levels(n) struct levels n;
#define KIND_DECL_pairs(n) struct pairs n;
#define KIND_DECL_blob(n) struct blob n;

/* struct ev_trade { … }; */
#define EVENT(name, id, lane, topic, doc) struct ev_##name {
#define FIELD(event, kind, name, since, unit, doc) KIND_DECL_##kind(name)
#define ENUMF(event, enumeration, name, since, doc) uint8_t name;
#define END(event) };
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END

/* The only envelope; on the wire [id, version, source, epoch, seq, origin, ts_event, ts_recv,
 * ts_sent, field…]. */
struct event {
	uint16_t id;
	uint8_t version; /* number of the event's newest `since` as its sender knew it */
	uint8_t origin;  /* enum origin */
	char source[EVENT_SOURCE_MAX]; /* publisher */
	uint64_t epoch;  /* the publisher's, per lane */
	uint64_t seq;    /* lane M: per topic; lane X: per publisher; from 1 */
	int64_t ts_event; /* ns: when it happened (venue time, or the cause's time) */
	/* ns: event time, the only one that cores know; strictly increasing per publisher, notes of a shell apart */
	int64_t ts_recv;
	int64_t ts_sent;  /* ns: wall clock when published; never part of a result */
	union {
#define EVENT(name, id, lane, topic, doc) struct ev_##name name;
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
	};
};

struct enum_item {
	const char *name, *doc;
	uint8_t value;
};
struct enum_row {
	const char *name;
	const struct enum_item *items;
	uint8_t n;
};
struct field_row {
	const char *name, *unit, *doc;
	const struct enum_row *enumeration; /* NULL unless kind is KIND_enumeration */
	uint16_t offset; /* in the event's own struct */
	/* offset of the u8 scale of price, qty and cash fields and of levels (price_scale) */
	uint16_t scale;
	uint8_t kind;    /* enum kind */
	uint8_t since;
};
struct event_row {
	const char *name, *topic, *doc;
	const struct field_row *fields;
	uint16_t n_fields;
	uint16_t id;
	uint8_t lane;    /* enum lane */
	uint8_t version; /* highest since of its fields */
	uint16_t size;   /* of its struct */
};

/* Row of an event id, or NULL. All rows, in the order of the .def files. */
const struct event_row *event_row(uint16_t id);
const struct event_row *event_rows(size_t *ret_n);
const struct event_row *event_row_by_name(const char *name, size_t len);
const struct field_row *event_field(const struct event_row *row, const char *name, size_t len);

/* Text of an enumeration's value ("buy"), "none" for 0, "?" for one we do not know; and back, 0
 * where unknown. */
const char *enum_text(const struct enum_row *e, uint8_t value);
uint8_t enum_value(const struct enum_row *e, const char *text, size_t len);
/* All enumerations, in the order of enums.def. */
const struct enum_row *const *enum_rows(size_t *ret_n);
/* The rows by name: enum_side(), enum_verb() … */
#define ENUM(name) const struct enum_row *enum_##name(void);
#define ITEM(enumeration, item, value, doc)
#define END_ENUM(name)
#include "proto/enums.def"
#undef ENUM
#undef ITEM
#undef END_ENUM

/* Zeroes the event and sets id and version; the id is one of ours. */
void event_init(struct event *ev, uint16_t id);

/* Address of a field within an event. */
static inline const void *event_field_at(const struct event *ev, const struct field_row *f)
{
	return (const char *)ev + offsetof(struct event, trade) + f->offset;
}

/* Scale of a price, qty, cash or levels field; for levels *ret_qty_scale too (may be NULL). */
int event_scale(const struct event *ev, const struct field_row *f, int *ret_qty_scale);

/* Copies text into a `name` or `text` field, cutting at its limit on a UTF-8 boundary. Bytes that
 * are not UTF-8 become '?'; the rest of the field is zeroed. */
void event_set_name(char field[EVENT_NAME_MAX], const char *text);
void event_set_text(char field[EVENT_TEXT_MAX], const char *text);

#endif
