/* wire - what venue files share in reading JSON: decimals, ids, times, price levels, and a reader
 * that keeps the first error, so that a frame's values are read in a row and judged once.
 */
#ifndef NJ_VENUE_WIRE_H
#define NJ_VENUE_WIRE_H

#include "common/base/err.h"
#include "common/base/json.h"
#include "common/venue/venue.h"

/* A decimal that must not be negative, at a scale; errors of fixed_parse, ERR_RANGE where it is. */
int wire_decimal(struct json_str text, int scale, int64_t *ret_value);

/* The same, cut down to what the scale can hold: for limits, where a digit less is the safe side.
 * What is too large becomes INT64_MAX. */
int wire_decimal_floor(struct json_str text, int scale, int64_t *ret_value);

/* Digits only; ERR_TYPE, ERR_RANGE. */
int wire_u64(struct json_str text, uint64_t *ret_value);

/* A time since 1970 in milli- or microseconds, told apart by its size (good until the year 5138),
 * in ns. ERR_TYPE, ERR_RANGE. */
int wire_time(struct json_str text, int64_t *ret_ns);
int wire_time_of(uint64_t value, int64_t *ret_ns); /* of its number; ERR_RANGE */

/* Reads an array of ["price","quantity", …] rows into at[0..max); what follows within a row is
 * skipped. Returns what json_finish will, or the first row's error: those of wire_decimal,
 * ERR_TOO_LONG, ERR_PROTOCOL (a row without both, a price of 0). The reader stands behind the
 * array where it succeeds. */
int wire_levels(struct json *j, const struct venue_market *m, struct level *at, uint32_t max,
		struct levels *ret_levels);

/* The text of a member of the object that a reply is, where it is of this kind; all else is skipped.
 * Errors of json_finish; ERR_PROTOCOL where it is not there. */
int wire_part(const struct venue_input *in, const char *name, enum json_kind kind, struct json_str *ret_text);

/* The text of a JSON string as NUL-terminated UTF-8, cut where it is longer than cap - 1. */
void wire_text(struct json_str text, char *out, size_t cap);

/* ---- one text being read, with the first error kept ---- */

struct wire {
	struct venue_output *out;
	const struct venue_market *market; /* whose scales values have; set before the first of them is read */
	int64_t time;                      /* of what is delivered, as is what follows */
	uint32_t feed;
	uint64_t feed_seq;
	int err;
	bool silent; /* nothing is delivered: is the text sound to its end? */
};

static inline void wire_note(struct wire *w, int rc)
{
	if (rc < 0 && w->err == 0)
		w->err = rc;
}

/* ERR_PROTOCOL where it does not hold */
static inline void wire_demand(struct wire *w, bool condition)
{
	wire_note(w, condition ? 0 : ERR_PROTOCOL);
}

/* A value at the market's scales, a cash amount at VENUE_CASH_SCALE; 0 with the error kept. */
static inline int64_t wire_price(struct wire *w, struct json_str text)
{
	int64_t value = 0;
	wire_note(w, wire_decimal(text, w->market->price_scale, &value));
	return value;
}

static inline int64_t wire_qty(struct wire *w, struct json_str text)
{
	int64_t value = 0;
	wire_note(w, wire_decimal(text, w->market->qty_scale, &value));
	return value;
}

static inline int64_t wire_cash(struct wire *w, struct json_str text)
{
	int64_t value = 0;
	wire_note(w, wire_decimal(text, VENUE_CASH_SCALE, &value));
	return value;
}

static inline uint64_t wire_id(struct wire *w, struct json_str text)
{
	uint64_t value = 0;
	wire_note(w, wire_u64(text, &value));
	return value;
}

static inline int64_t wire_instant(struct wire *w, struct json_str text)
{
	int64_t value = 0;
	wire_note(w, wire_time(text, &value));
	return value;
}

/* A value with decimals to spare, which are cut off; and one that may be negative, read likewise but exactly. */
int64_t wire_floor(struct wire *w, struct json_str text, int scale);
int64_t wire_signed(struct wire *w, struct json_str text, int scale);
int64_t wire_rate(struct wire *w, struct json_str text); /* both, at VENUE_RATE_SCALE */

/* A side's levels into its half of out->levels. */
void wire_side(struct wire *w, struct json *j, enum side side, struct levels *ret_levels);

/* A part of a frame that names a market, if it does, must name the one that the frame is about. */
void wire_same_market(struct wire *w, struct json_str raw);

/* Delivers a message of the market, unless something went wrong. */
void wire_give(struct wire *w, struct venue_message *m);

/* Reads an array, each of its items by itself. All of it is read before anything of it is delivered: one bad item
 * spoils the whole. */
void wire_list(struct wire *w, struct json_str list, void (*read)(struct wire *w, struct json *j));

/* Members of an object by name: the texts of strings and numbers, `true` where a flag is. What is not named is
 * skipped. */
struct wire_member {
	const char *name;
	struct json_str text; /* len 0: absent */
	bool truth;
};
void wire_members(struct json *j, struct wire_member *m, size_t n);
bool wire_all_there(const struct wire_member *m, size_t n);

#endif
