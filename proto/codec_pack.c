/* codec_pack - events to bytes, by functions made of the rows in *.def. */
#include "common/base/err.h"
#include "proto/classes.h"
#include "proto/codec.h"
#include "proto/fields.h"
#include "proto/wire.h"

struct out {
	uint8_t *at;
	size_t cap;
};

WIRE_HOT size_t put_unsigned(struct out o, size_t n, uint64_t v, uint64_t max)
{
	if (WIRE_RARE(v > max))
		return n > o.cap ? n : WIRE_ARG;
	return wire_put_u64(o.at, o.cap, n, v);
}

WIRE_HOT size_t put_signed(struct out o, size_t n, int64_t v)
{
	return wire_put_i64(o.at, o.cap, n, v);
}

WIRE_HOT size_t put_chars(struct out o, size_t n, const char *text, size_t max)
{
	bool ascii;
	size_t len = classes_len(text, max, &ascii);

	if (WIRE_RARE(!ascii))
		return wire_put_foreign(o.at, o.cap, n, text, len);
	return wire_put_ascii(o.at, o.cap, n, text, len);
}

WIRE_HOT size_t put_flag(struct out o, size_t n, bool v)
{
	return wire_put_byte(o.at, o.cap, n, v ? 0xc3 : 0xc2);
}

/* Room for the longest of them is there. */
static size_t put_levels_free(struct out o, size_t n, struct levels f)
{
	for (const struct level *l = f.at, *end = f.at + f.n; l != end; l++) {
		n = wire_put_i64_free(o.at, n, l->price);
		n = wire_put_i64_free(o.at, n, l->qty);
	}
	return n;
}

static size_t put_levels(struct out o, size_t n, const struct levels *f)
{
	if (f->n > EVENT_LEVELS_MAX)
		return n > o.cap ? n : WIRE_ARG;
	n = wire_put_array(o.at, o.cap, n, 2 * f->n);
	if (f->n == 0)
		return n;
	if (n <= o.cap && (size_t)f->n * 2 * WIRE_INT_MAX <= o.cap - n)
		return put_levels_free(o, n, *f);
	for (uint32_t i = 0; i < f->n; i++) {
		n = put_signed(o, n, f->at[i].price);
		n = put_signed(o, n, f->at[i].qty);
	}
	return n;
}

static size_t put_pairs(struct out o, size_t n, const struct pairs *f)
{
	if (f->n > EVENT_PAIRS_MAX)
		return n > o.cap ? n : WIRE_ARG;
	n = wire_put_array(o.at, o.cap, n, 2 * f->n);
	for (uint32_t i = 0; i < f->n; i++) {
		n = put_chars(o, n, f->at[i].name, EVENT_NAME_MAX);
		n = put_signed(o, n, f->at[i].value);
	}
	return n;
}

#define PUT_flag(f, name) put_flag(o, n, f)
#define PUT_u8(f, name) put_unsigned(o, n, f, u8_max(name))
#define PUT_u16(f, name) put_unsigned(o, n, f, UINT16_MAX)
#define PUT_u32(f, name) put_unsigned(o, n, f, UINT32_MAX)
#define PUT_u64(f, name) put_unsigned(o, n, f, UINT64_MAX)
#define PUT_i64(f, name) put_signed(o, n, f)
#define PUT_time(f, name) put_signed(o, n, f)
#define PUT_dur(f, name) put_signed(o, n, f)
#define PUT_price(f, name) put_signed(o, n, f)
#define PUT_qty(f, name) put_signed(o, n, f)
#define PUT_cash(f, name) put_signed(o, n, f)
#define PUT_symbol(f, name) put_chars(o, n, (f).s, sizeof (f).s)
#define PUT_name(f, name) put_chars(o, n, f, EVENT_NAME_MAX)
#define PUT_text(f, name) put_chars(o, n, f, EVENT_TEXT_MAX)
#define PUT_levels(f, name) put_levels(o, n, &(f))
#define PUT_pairs(f, name) put_pairs(o, n, &(f))
#define PUT_blob(f, name) wire_put_bin(o.at, o.cap, n, (f).at, (f).n)

/* static size_t put_trade(struct out, size_t, const struct ev_trade *) … */
#define EVENT(name, id, lane, topic, doc) \
	static size_t put_##name(struct out o, size_t n, const struct ev_##name *e) {
#define FIELD(event, kind, name, since, unit, doc) n = PUT_##kind(e->name, #name);
#define ENUMF(event, enumeration, name, since, doc) n = put_unsigned(o, n, e->name, UINT8_MAX);
#define END(event) return n; }
#include "proto/events.def"
#undef EVENT
#undef FIELD
#undef ENUMF
#undef END

WIRE_HOT size_t put_source(struct out o, size_t n, const char *source)
{
	bool ascii;
	size_t len = classes_len(source, EVENT_SOURCE_MAX, &ascii);

	if (WIRE_RARE(len > 0 && !classes_source(source, len, EVENT_SOURCE_MAX)))
		return n > o.cap ? n : WIRE_ARG;
	if (WIRE_RARE(n + 1 + EVENT_SOURCE_MAX > o.cap))
		return wire_put_long(o.at, o.cap, n, source, len);
	o.at[n] = (uint8_t)(0xa0 | len);
	memcpy(o.at + n + 1, source, EVENT_SOURCE_MAX);
	return n + 1 + len;
}

WIRE_HOT size_t put_envelope(struct out o, size_t n, const struct event *ev)
{
	n = wire_put_u64(o.at, o.cap, n, ev->id);
	n = wire_put_u64(o.at, o.cap, n, ev->version);
	n = put_source(o, n, ev->source);
	n = wire_put_u64(o.at, o.cap, n, ev->epoch);
	n = wire_put_u64(o.at, o.cap, n, ev->seq);
	n = wire_put_u64(o.at, o.cap, n, ev->origin);
	n = wire_put_i64(o.at, o.cap, n, ev->ts_event);
	n = wire_put_i64(o.at, o.cap, n, ev->ts_recv);
	return wire_put_fixed64(o.at, o.cap, n, ev->ts_sent);
}

int codec_pack(const struct event *ev, uint8_t *out, size_t cap)
{
	return ev->source[0] != '\0' ? codec_pack_unsent(ev, out, cap) : ERR_ARG;
}

int codec_pack_unsent(const struct event *ev, uint8_t *out, size_t cap)
{
	struct out o = {out, cap < INT32_MAX ? cap : INT32_MAX};
	size_t n;

	switch (ev->id) {
#define EVENT(name, id, lane, topic, doc)                                    \
	case EVENT_##name:                                                   \
		n = wire_put_array(o.at, o.cap, 0, ENVELOPE + FIELDS_##name); \
		n = put_envelope(o, n, ev);                                  \
		n = put_##name(o, n, &ev->name);                             \
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
		return ERR_ARG;
	}
	if (n > o.cap)
		return n == WIRE_FULL ? ERR_FULL : ERR_ARG;
	return (int)n;
}
