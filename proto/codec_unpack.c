/* codec_unpack - bytes, never trusted, to events, by functions made of the rows in *.def. */
#include "common/base/err.h"
#include "common/base/utf8.h"
#include "proto/classes.h"
#include "proto/codec.h"
#include "proto/fields.h"
#include "proto/wire.h"

/* Every function returns the address behind what it read, or NULL with in->err set. */

struct in {
	const uint8_t *end;
	struct arena *arena;
	int err;
	bool unsent; /* the source may be empty */
};

WIRE_HOT const uint8_t *get_unsigned(struct in *in, const uint8_t *at, uint64_t max, uint64_t *v)
{
	return wire_get_u64(at, in->end, max, v, &in->err);
}

WIRE_HOT const uint8_t *get_signed(struct in *in, const uint8_t *at, int64_t *v)
{
	return wire_get_i64(at, in->end, v, &in->err);
}

WIRE_HOT const uint8_t *get_u8(struct in *in, const uint8_t *at, uint64_t max, uint8_t *v)
{
	uint64_t wide;

	if ((at = get_unsigned(in, at, max, &wide)) != NULL)
		*v = (uint8_t)wide;
	return at;
}

WIRE_HOT const uint8_t *get_u16(struct in *in, const uint8_t *at, uint16_t *v)
{
	uint64_t wide;

	if ((at = get_unsigned(in, at, UINT16_MAX, &wide)) != NULL)
		*v = (uint16_t)wide;
	return at;
}

WIRE_HOT const uint8_t *get_u32(struct in *in, const uint8_t *at, uint32_t *v)
{
	uint64_t wide;

	if ((at = get_unsigned(in, at, UINT32_MAX, &wide)) != NULL)
		*v = (uint32_t)wide;
	return at;
}

WIRE_HOT const uint8_t *get_flag(struct in *in, const uint8_t *at, bool *v)
{
	if (WIRE_RARE(at == in->end))
		return wire_fail(&in->err, ERR_TRUNCATED);
	if (WIRE_RARE((*at & 0xfe) != 0xc2))
		return wire_fail(&in->err, ERR_TYPE);
	*v = *at == 0xc3;
	return at + 1;
}

/* The bytes of a str that a field of max bytes can hold. */
WIRE_HOT const uint8_t *get_chars(struct in *in, const uint8_t *at, size_t max, size_t *len)
{
	if ((at = wire_get_text(at, in->end, len, &in->err)) == NULL)
		return NULL;
	if (WIRE_RARE(*len >= max))
		return wire_fail(&in->err, ERR_TOO_LONG);
	return at;
}

WIRE_HOT void set_chars(char *field, size_t max, const uint8_t *at, size_t len)
{
	wire_zero_field(field, max);
	if (len < 32)
		wire_copy_short(field, at, len);
	else
		memcpy(field, at, len);
}

/* The classes are asked of the input: what has just been stored in pieces is slow to load again as
 * words. */
WIRE_HOT const uint8_t *get_source(struct in *in, const uint8_t *at, char field[EVENT_SOURCE_MAX])
{
	size_t len;

	if ((at = get_chars(in, at, EVENT_SOURCE_MAX, &len)) == NULL)
		return NULL;
	if (WIRE_RARE(!classes_source((const char *)at, len, (size_t)(in->end - at)) &&
		      !(in->unsent && len == 0)))
		return wire_fail(&in->err, ERR_SYNTAX);
	set_chars(field, EVENT_SOURCE_MAX, at, len);
	return at + len;
}

WIRE_HOT const uint8_t *get_symbol(struct in *in, const uint8_t *at, struct symbol *f)
{
	size_t len;

	if ((at = get_chars(in, at, sizeof f->s, &len)) == NULL)
		return NULL;
	if (WIRE_RARE(len > 0 && classes_symbol((const char *)at, len,
		(size_t)(in->end - at)) == 0))
		return wire_fail(&in->err, ERR_SYNTAX);
	set_chars(f->s, sizeof f->s, at, len);
	return at + len;
}

static const uint8_t *get_text(struct in *in, const uint8_t *at, char *field, size_t max)
{
	size_t len;

	if ((at = get_chars(in, at, max, &len)) == NULL)
		return NULL;
	if (memchr(at, '\0', len) != NULL)
		return wire_fail(&in->err, ERR_RANGE);
	if (!utf8_valid(at, len))
		return wire_fail(&in->err, ERR_UTF8);
	memcpy(field, at, len);
	memset(field + len, 0, max - len);
	return at + len;
}

/* Aligned room for count items of size bytes; NULL where the arena is too small. */
static void *arena_take(struct arena *a, size_t count, size_t size)
{
	if (a == NULL)
		return NULL;
	size_t pad = (size_t)(-(uintptr_t)(a->at + a->used) & 7);
	if (pad > a->cap - a->used || count > (a->cap - a->used - pad) / size)
		return NULL;
	void *room = a->at + a->used + pad;
	a->used += pad + count * size;
	return room;
}

/* The head of a list of twos, each at least one byte, and room for them. */
static const uint8_t *get_twos(struct in *in, const uint8_t *at, uint32_t max, size_t size,
	void **ret_room, uint32_t *ret_n)
{
	uint32_t count;

	if ((at = wire_get_array(at, in->end, &count, &in->err)) == NULL)
		return NULL;
	if (count % 2 != 0)
		return wire_fail(&in->err, ERR_TYPE);
	if (count / 2 > max)
		return wire_fail(&in->err, ERR_TOO_LONG);
	*ret_n = count / 2;
	if (count == 0)
		return at;
	if ((*ret_room = arena_take(in->arena, count / 2, size)) == NULL)
		return wire_fail(&in->err, ERR_FULL);
	return at;
}

static const uint8_t *get_levels(struct in *in, const uint8_t *at, struct levels *f)
{
	void *room = NULL;
	uint32_t n;

	if ((at = get_twos(in, at, EVENT_LEVELS_MAX, sizeof(struct level), &room, &n)) == NULL)
		return NULL;
	struct level *levels = room;
	for (uint32_t i = 0; i < n; i++) {
		if ((at = get_signed(in, at, &levels[i].price)) == NULL)
			return NULL;
		if ((at = get_signed(in, at, &levels[i].qty)) == NULL)
			return NULL;
	}
	*f = (struct levels){levels, n};
	return at;
}

static const uint8_t *get_pairs(struct in *in, const uint8_t *at, struct pairs *f)
{
	void *room = NULL;
	uint32_t n;

	if ((at = get_twos(in, at, EVENT_PAIRS_MAX, sizeof(struct pair), &room, &n)) == NULL)
		return NULL;
	struct pair *pairs = room;
	for (uint32_t i = 0; i < n; i++) {
		if ((at = get_text(in, at, pairs[i].name, sizeof pairs[i].name)) == NULL)
			return NULL;
		if ((at = get_signed(in, at, &pairs[i].value)) == NULL)
			return NULL;
	}
	*f = (struct pairs){pairs, n};
	return at;
}

__attribute__((unused)) /* until a row has one */
static const uint8_t *get_blob(struct in *in, const uint8_t *at, struct blob *f)
{
	size_t len;
	uint8_t *room = NULL;

	if ((at = wire_get_bin(at, in->end, &len, &in->err)) == NULL)
		return NULL;
	if (len > 0 && (room = arena_take(in->arena, len, 1)) == NULL)
		return wire_fail(&in->err, ERR_FULL);
	if (len > 0)
		memcpy(room, at, len);
	*f = (struct blob){room, (uint32_t)len};
	return at + len;
}

#define GET_flag(f, name) get_flag(in, at, &(f))
#define GET_u8(f, name) get_u8(in, at, u8_max(name), &(f))
#define GET_u16(f, name) get_u16(in, at, &(f))
#define GET_u32(f, name) get_u32(in, at, &(f))
#define GET_u64(f, name) get_unsigned(in, at, UINT64_MAX, &(f))
#define GET_i64(f, name) get_signed(in, at, &(f))
#define GET_time(f, name) get_signed(in, at, &(f))
#define GET_dur(f, name) get_signed(in, at, &(f))
#define GET_price(f, name) get_signed(in, at, &(f))
#define GET_qty(f, name) get_signed(in, at, &(f))
#define GET_cash(f, name) get_signed(in, at, &(f))
#define GET_symbol(f, name) get_symbol(in, at, &(f))
#define GET_name(f, name) get_text(in, at, f, EVENT_NAME_MAX)
#define GET_text(f, name) get_text(in, at, f, EVENT_TEXT_MAX)
#define GET_levels(f, name) get_levels(in, at, &(f))
#define GET_pairs(f, name) get_pairs(in, at, &(f))
#define GET_blob(f, name) get_blob(in, at, &(f))

/* static const uint8_t *get_ev_trade(…): reads at most count fields; what the sender did not know
 * stays zero. */
#define EVENT(name, id, lane, topic, doc)                                                      \
	static const uint8_t *get_ev_##name(struct in *in, const uint8_t *at, uint32_t count,  \
					    struct ev_##name *e)                               \
	{
#define FIELD(event, kind, name, since, unit, doc)             \
	if (count-- == 0)                                      \
		return at;                                     \
	if ((at = GET_##kind(e->name, #name)) == NULL)         \
		return NULL;
#define ENUMF(event, enumeration, name, since, doc)                    \
	if (count-- == 0)                                              \
		return at;                                             \
	if ((at = get_u8(in, at, UINT8_MAX, &e->name)) == NULL)        \
		return NULL;
#define END(event) \
	return at; \
	}
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END

/* *ret_fields is the number of elements behind the envelope. */
WIRE_HOT const uint8_t *get_envelope(struct in *in, const uint8_t *at, struct event *head,
	uint32_t *ret_fields)
{
	uint32_t count;

	if ((at = wire_get_array(at, in->end, &count, &in->err)) == NULL)
		return NULL;
	if (WIRE_RARE(count < ENVELOPE))
		return wire_fail(&in->err, ERR_TYPE);
	if ((at = get_u16(in, at, &head->id)) == NULL ||
	    (at = get_u8(in, at, UINT8_MAX, &head->version)) == NULL ||
	    (at = get_source(in, at, head->source)) == NULL ||
	    (at = get_unsigned(in, at, UINT64_MAX, &head->epoch)) == NULL ||
	    (at = get_unsigned(in, at, UINT64_MAX, &head->seq)) == NULL ||
	    (at = get_u8(in, at, UINT8_MAX, &head->origin)) == NULL ||
	    (at = get_signed(in, at, &head->ts_event)) == NULL ||
	    (at = get_signed(in, at, &head->ts_recv)) == NULL ||
	    (at = wire_get_fixed64(at, in->end, &head->ts_sent, &in->err)) == NULL)
		return NULL;
	*ret_fields = count - ENVELOPE;
	return at;
}

#define HEAD_SIZE offsetof(struct event, trade)

int codec_peek(const uint8_t *at, size_t len, struct event *ret_head)
{
	struct in in = {at + len, NULL, 0, false};
	struct event head;
	uint32_t fields;

	memset(&head, 0, HEAD_SIZE);
	if (get_envelope(&in, at, &head, &fields) == NULL)
		return in.err;
	memcpy(ret_head, &head, HEAD_SIZE);
	return 0;
}

/* Checks the values behind those we know. */
static const uint8_t *skip(struct in *in, const uint8_t *at, uint32_t count)
{
	for (; count > 0; count--) {
		size_t len;
		int rc = wire_measure_inside(at, (size_t)(in->end - at), &len);
		if (rc < 0)
			return wire_fail(&in->err, rc);
		at += len;
	}
	return at;
}

static int unknown(const uint8_t *at, size_t len, size_t *ret_used)
{
	int rc = codec_measure(at, len, ret_used);

	return rc < 0 ? rc : ERR_UNKNOWN;
}

/* Reads into the caller's event: a local one would have to be copied, at a third of the price of
 * reading it. What a sender did not know yet is zero. */
static int unpack(struct in *in, const uint8_t *bytes, struct event *ev, size_t *ret_used)
{
	uint32_t fields, known;
	const uint8_t *at = get_envelope(in, bytes, ev, &fields);

	if (at == NULL)
		return in->err;
	switch (ev->id) {
#define EVENT(name, id, lane, topic, doc)                                  \
	case EVENT_##name:                                                 \
		known = FIELDS_##name;                                     \
		if (WIRE_RARE(fields < known))                             \
			memset(&ev->name, 0, sizeof ev->name);             \
		at = get_ev_##name(in, at, fields, &ev->name);             \
		break;
#define FIELD(event, kind, name, since, unit, doc)
#define ENUMF(event, enumeration, name, since, doc)
#define END(event)
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END
	default:
		return unknown(bytes, (size_t)(in->end - bytes), ret_used);
	}
	if (at != NULL && fields > known)
		at = skip(in, at, fields - known);
	if (at == NULL)
		return in->err;
	*ret_used = (size_t)(at - bytes);
	return 0;
}

WIRE_HOT int unpack_or_clear(struct in *in, const uint8_t *bytes, struct event *ev,
	size_t *ret_used)
{
	size_t used = in->arena != NULL ? in->arena->used : 0;
	int rc = unpack(in, bytes, ev, ret_used);

	if (WIRE_RARE(rc < 0)) {
		ev->id = 0;
		if (in->arena != NULL)
			in->arena->used = used;
	}
	return rc;
}

int codec_unpack(const uint8_t *at, size_t len, struct arena *arena, struct event *ev,
	size_t *ret_used)
{
	struct in in = {at + len, arena, 0, false};

	return unpack_or_clear(&in, at, ev, ret_used);
}

int codec_unpack_unsent(const uint8_t *at, size_t len, struct arena *arena, struct event *ev,
	size_t *ret_used)
{
	struct in in = {at + len, arena, 0, true};

	return unpack_or_clear(&in, at, ev, ret_used);
}
