/* assumed - what accounts rest on, folded from their own words (event assumption); for every report that prints it. */
#ifndef NJ_TOOLS_NJ_ASSUMED_H
#define NJ_TOOLS_NJ_ASSUMED_H

#include "proto/event.h"

#define ASSUMED_MAX 256 /* of all accounts; what comes beyond is left out and counted */

struct assumed_row {
	struct ev_assumption is; /* the newest word */
	uint64_t changes;        /* how often it was another one before */
};

struct assumed {
	struct assumed_row row[ASSUMED_MAX]; /* in the order in which they were said first */
	uint32_t n;
	uint64_t left_out;
	bool several; /* accounts */
};

void assumed_on_event(struct assumed *a, const struct event *ev); /* any event */

/* What every account rests on alike is one row: these are the later ones, to be passed over. */
bool assumed_repeats(const struct assumed *a, uint32_t i);
/* "queue", or "queue (second)" where accounts differ. */
#define ASSUMED_NAME_MAX (2 * EVENT_NAME_MAX + 4)
void assumed_name(const struct assumed *a, uint32_t i, char out[ASSUMED_NAME_MAX]);
/* "back", or "back (changed 2 times)". */
#define ASSUMED_VALUE_MAX (EVENT_NAME_MAX + 40)
void assumed_value(const struct assumed *a, uint32_t i, char out[ASSUMED_VALUE_MAX]);

#endif
