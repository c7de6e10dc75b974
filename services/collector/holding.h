/* holding - one balance or position at the venue: its value, its place among the others, the event that tells it. */
#ifndef NJ_COLLECTOR_HOLDING_H
#define NJ_COLLECTOR_HOLDING_H

#include "services/collector/holdings.h"

struct holding_value holding_value_of(const struct venue_account_row *row);
/* Scales are the smallest that hold a value, so that equal amounts have equal ones. An average price is not compared:
 * polls round it otherwise than streams do. */
bool holding_same(const struct holding *h, const struct holding_value *v);

/* Is it of a balance, or of an instrument that the venue can have? */
bool holding_usable(const struct holdings *h, const struct venue_account_row *row);
struct holding *holding_find(struct holdings *h, const struct venue_account_row *row); /* NULL: there is none */
/* A place for a new one: behind the others, or that of one of which there is nothing left. NULL: counted as lost. */
struct holding *holding_add(struct holdings *h, const struct venue_account_row *row);

/* The venue's name, as events have it. */
void holding_venue(const struct holdings *h, char field[EVENT_NAME_MAX]);
/* Its event: a balance's or a position's. `learned` is enum learned. */
void holding_tell(struct holdings *h, int64_t now, const struct holding *of, uint8_t learned, const struct sink *out);

#endif
