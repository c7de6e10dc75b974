/* mutate - hostile events: any field of an event set to something extreme, by the field tables.
 *
 * What arrives over the bus has passed the codec, so texts are texts and lists fit; the values can
 * be anything all the same. Envelope times are left alone: the sequencer judges those.
 */
#ifndef NJ_TESTS_MUTATE_H
#define NJ_TESTS_MUTATE_H

#include <string.h>

#include "common/base/rng.h"
#include "proto/event.h"

#define MUTATE_LEVELS 128

static inline int64_t mutate_number(struct rng *r)
{
	static const int64_t extremes[] = {
		0,	   1,	      -1,		 2,	       100000000, INT64_MAX,
		INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX / 2, INT64_MAX / 100000000,
	};
	uint64_t pick = rng_below(r, 16);
	return pick < sizeof(extremes) / sizeof(extremes[0]) ? extremes[pick] : (int64_t)rng_u64(r);
}

static inline void mutate_levels(struct rng *r, struct levels *ls)
{
	static struct level scratch[2][MUTATE_LEVELS];
	static int turn;
	struct level *to = scratch[turn++ % 2];
	uint32_t n = ls->n < MUTATE_LEVELS ? ls->n : MUTATE_LEVELS;
	if (n == 0)
		n = 1;
	memset(to, 0, sizeof(scratch[0]));
	if (ls->n > 0)
		memcpy(to, ls->at, n * sizeof(*to));
	struct level *l = &to[rng_below(r, n)];
	*(rng_below(r, 2) ? &l->price : &l->qty) = mutate_number(r);
	*ls = (struct levels){to, n};
}

static inline void mutate_text(struct rng *r, char *text)
{
	static const char *const texts[] = {"", "x", "USDT", "ONE", "paper", "a", "1s"};
	event_set_name(text, texts[rng_below(r, sizeof(texts) / sizeof(texts[0]))]);
}

static inline void mutate_field(struct rng *r, const struct field_row *f, void *at)
{
	int64_t v = mutate_number(r);
	switch (f->kind) {
	case KIND_flag:
		*(bool *)at = rng_below(r, 2);
		break;
	case KIND_u8:
	case KIND_enumeration:
		*(uint8_t *)at = rng_below(r, 2) ? (uint8_t)rng_below(r, 24) : (uint8_t)v;
		break;
	case KIND_name:
		mutate_text(r, at);
		break;
	case KIND_levels:
		mutate_levels(r, at);
		break;
	case KIND_u32:
		*(uint32_t *)at = (uint32_t)v;
		break;
	case KIND_u64:
	case KIND_i64:
	case KIND_time:
	case KIND_dur:
	case KIND_price:
	case KIND_qty:
	case KIND_cash:
		*(int64_t *)at = v;
		break;
	default:
		break;
	}
}

static inline void mutate_event(struct rng *r, struct event *ev)
{
	const struct event_row *row = event_row(ev->id);
	for (uint64_t n = 1 + rng_below(r, 3); n > 0; n--) {
		const struct field_row *f = &row->fields[rng_below(r, row->n_fields)];
		mutate_field(r, f, (char *)ev + offsetof(struct event, trade) + f->offset);
	}
	if (rng_below(r, 50) == 0)
		ev->origin = (uint8_t)rng_below(r, 5);
}

#endif
