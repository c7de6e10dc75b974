/* tap_item - one event as `nj tap` sees it: decoded where it could be, with what was counted about
 * it. */
#ifndef NJ_TOOLS_NJ_TAP_ITEM_H
#define NJ_TOOLS_NJ_TAP_ITEM_H

#include "proto/event.h"

struct tap_item {
	const char *topic;           /* from outside: not to be printed as it is */
	const struct event *ev;      /* envelope only where row is NULL */
	const struct event_row *row; /* NULL: an event that this program does not know */
	const uint8_t *bytes;        /* packed, of this event alone */
	size_t len;
	enum lane lane;
	int64_t now;  /* wall clock when it came; 0: it is of the past */
	uint64_t gap; /* events missing before it, of its topic (M) or publisher (X) */
};

#endif
