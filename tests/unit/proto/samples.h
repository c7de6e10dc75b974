/* samples - seeded random events of every kind, made by walking the field tables. */
#ifndef NJ_TESTS_PROTO_SAMPLES_H
#define NJ_TESTS_PROTO_SAMPLES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/fixed.h"
#include "common/base/rng.h"
#include "proto/codec.h"

#define SAMPLE_LEVELS 40
#define SAMPLE_PAIRS 12

struct sample {
	struct event ev;
	struct level levels[2][SAMPLE_LEVELS];
	struct pair pairs[SAMPLE_PAIRS];
	uint8_t blob[32];
};

/* Numbers of every width, the extremes among them. */
static inline int64_t sample_i64(struct rng *r)
{
	switch (rng_below(r, 8)) {
	case 0:
		return INT64_MIN;
	case 1:
		return INT64_MAX;
	case 2:
		return 0;
	default:
		return (int64_t)rng_u64(r) >> rng_below(r, 64);
	}
}

static inline void sample_chars(struct rng *r, char *out, size_t len, const char *from)
{
	size_t n = strlen(from);

	for (size_t i = 0; i < len; i++)
		out[i] = from[rng_below(r, n)];
	out[len] = '\0';
}

static inline void sample_text(struct rng *r, char *field, size_t max)
{
	static const char *const words[] = {"", "a", "feed lost", "größer als erlaubt", "価格",
		"\xf0\x9f\x98\x80",
					    "line\nbreak \x1b[31m\"quoted\"\\",
						"=cmd|' /C calc'!A0"};
	char text[EVENT_TEXT_MAX] = "";

	if (rng_below(r, 4) == 0)
		sample_chars(r, text, rng_below(r, max), "abcdefgh ijkl");
	else
		snprintf(text, sizeof text, "%s", words[rng_below(r, 8)]);
	if (max == EVENT_NAME_MAX)
		event_set_name(field, text);
	else
		event_set_text(field, text);
}

static inline void sample_symbol(struct rng *r, struct symbol *s)
{
	memset(s, 0, sizeof *s);
	if (rng_below(r, 10) == 0)
		return;
	char raw[SYMBOL_RAW_MAX + 1], venue[SYMBOL_VENUE_MAX + 1];
	sample_chars(r, raw, 1 + rng_below(r, rng_below(r, 2) ? SYMBOL_RAW_MAX : 10),
		     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz0123456789_-");
	sample_chars(r, venue, 1 + rng_below(r, SYMBOL_VENUE_MAX), "ABCXYZ0189_");
	assert_int_equal(symbol_make(raw, strlen(raw), venue, s), 0);
}

static inline void sample_list(struct rng *r, struct sample *s, void *field, uint8_t kind, int side)
{
	if (kind == KIND_levels) {
		struct levels list = {s->levels[side & 1], (uint32_t)rng_below(r,
			SAMPLE_LEVELS + 1)};
		for (uint32_t i = 0; i < list.n; i++)
			s->levels[side & 1][i] = (struct level){sample_i64(r), sample_i64(r)};
		memcpy(field, &list, sizeof list);
		return;
	}
	struct pairs list = {s->pairs, (uint32_t)rng_below(r, SAMPLE_PAIRS + 1)};
	for (uint32_t i = 0; i < list.n; i++) {
		memset(&s->pairs[i], 0, sizeof s->pairs[i]);
		sample_text(r, s->pairs[i].name, EVENT_NAME_MAX);
		s->pairs[i].value = sample_i64(r);
	}
	memcpy(field, &list, sizeof list);
}

static inline void sample_field(struct rng *r, struct sample *s, const struct field_row *f, int nth)
{
	void *at = (char *)&s->ev.trade + f->offset;
	uint64_t bits = (uint64_t)sample_i64(r);
	bool scale = strstr(f->name, "_scale") != NULL;

	switch (f->kind) {
	case KIND_flag:
		*(bool *)at = bits & 1;
		break;
	case KIND_enumeration:
	case KIND_u8:
		*(uint8_t *)at = (uint8_t)(scale ? rng_below(r, FIXED_SCALE_MAX + 1) : bits);
		break;
	case KIND_u16:
		*(uint16_t *)at = (uint16_t)bits;
		break;
	case KIND_u32:
		*(uint32_t *)at = (uint32_t)bits;
		break;
	case KIND_symbol:
		sample_symbol(r, at);
		break;
	case KIND_name:
		sample_text(r, at, EVENT_NAME_MAX);
		break;
	case KIND_text:
		sample_text(r, at, EVENT_TEXT_MAX);
		break;
	case KIND_levels:
	case KIND_pairs:
		sample_list(r, s, at, f->kind, nth);
		break;
	case KIND_blob:
		*(struct blob *)at = (struct blob){s->blob, (uint32_t)rng_below(r, sizeof s->blob)};
		break;
	default:
		*(uint64_t *)at = bits;
	}
}

static inline void sample_make(struct rng *r, const struct event_row *row, struct sample *s)
{
	struct event *ev = &s->ev;

	event_init(ev, row->id);
	sample_chars(r, ev->source, 1 + rng_below(r, EVENT_SOURCE_MAX - 1), "abcxyz019_-");
	ev->epoch = (uint64_t)sample_i64(r);
	ev->seq = (uint64_t)sample_i64(r);
	ev->origin = (uint8_t)(1 + rng_below(r, 3));
	ev->ts_event = sample_i64(r);
	ev->ts_recv = sample_i64(r);
	ev->ts_sent = sample_i64(r);
	for (int i = 0; i < row->n_fields; i++)
		sample_field(r, s, &row->fields[i], i);
}

static inline bool sample_same_field(const struct event *a, const struct event *b,
	const struct field_row *f)
{
	const void *pa = event_field_at(a, f), *pb = event_field_at(b, f);

	switch (f->kind) {
	case KIND_flag:
		return *(const bool *)pa == *(const bool *)pb;
	case KIND_enumeration:
	case KIND_u8:
		return *(const uint8_t *)pa == *(const uint8_t *)pb;
	case KIND_u16:
		return *(const uint16_t *)pa == *(const uint16_t *)pb;
	case KIND_u32:
		return *(const uint32_t *)pa == *(const uint32_t *)pb;
	case KIND_symbol:
		return symbol_equal(pa, pb);
	case KIND_name:
		return memcmp(pa, pb, EVENT_NAME_MAX) == 0;
	case KIND_text:
		return memcmp(pa, pb, EVENT_TEXT_MAX) == 0;
	case KIND_levels: {
		const struct levels *la = pa, *lb = pb;
		return la->n == lb->n &&
		       (la->n == 0 || memcmp(la->at, lb->at, la->n * sizeof *la->at) == 0);
	}
	case KIND_pairs: {
		const struct pairs *la = pa, *lb = pb;
		return la->n == lb->n &&
		       (la->n == 0 || memcmp(la->at, lb->at, la->n * sizeof *la->at) == 0);
	}
	case KIND_blob: {
		const struct blob *la = pa, *lb = pb;
		return la->n == lb->n && (la->n == 0 || memcmp(la->at, lb->at, la->n) == 0);
	}
	default:
		return *(const uint64_t *)pa == *(const uint64_t *)pb;
	}
}

static inline bool sample_same(const struct event *a, const struct event *b)
{
	const struct event_row *row = event_row(a->id);

	if (a->id != b->id || a->version != b->version || strcmp(a->source, b->source) != 0 ||
	    a->epoch != b->epoch || a->seq != b->seq || a->origin != b->origin ||
	    a->ts_event != b->ts_event || a->ts_recv != b->ts_recv || a->ts_sent != b->ts_sent)
		return false;
	for (size_t i = 0; i < row->n_fields; i++)
		if (!sample_same_field(a, b, &row->fields[i]))
			return false;
	return true;
}

/* An arena for a test, and a packed sample. */
static inline struct arena sample_arena(void)
{
	static uint8_t memory[ARENA_SIZE];

	return (struct arena){memory, sizeof memory, 0};
}

#endif
