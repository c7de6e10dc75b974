/* wire - what venue files share in reading JSON: decimals, ids, times, price levels. */
#ifndef NJ_VENUE_WIRE_H
#define NJ_VENUE_WIRE_H

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

/* Reads an array of ["price","quantity", …] rows into at[0..max); what follows within a row is
 * skipped. Returns what json_finish will, or the first row's error: those of wire_decimal,
 * ERR_TOO_LONG, ERR_PROTOCOL (a row without both, a price of 0). The reader stands behind the
 * array where it succeeds. */
int wire_levels(struct json *j, const struct venue_market *m, struct level *at, uint32_t max,
		struct levels *ret_levels);

/* The text of a JSON string as NUL-terminated UTF-8, cut where it is longer than cap - 1. */
void wire_text(struct json_str text, char *out, size_t cap);

#endif
