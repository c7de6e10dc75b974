/* level_rows - price levels in the venues' usual writing, ["61800.20","0.123"],…, read without a reader between. */
#ifndef NJ_VENUE_LEVEL_ROWS_H
#define NJ_VENUE_LEVEL_ROWS_H

#include "proto/event.h"

/* Where levels go. */
struct level_room {
	struct level *at;
	uint32_t n, max;
	int price_scale, qty_scale;
};

/* A run of levels, from an array's item on. Returns where it stops: at the first item that is written otherwise, or
 * that has no room, or behind the last item of the array (*ret_last). What it takes is sound by the JSON reader's
 * rules, and means the same; nothing at or behind end is read. */
const char *level_rows(const char *at, const char *end, struct level_room *room, bool *ret_last);

#endif
