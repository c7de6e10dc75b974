/* streams - the bounded, sorted set of streams that a connection is subscribed to. */
#ifndef NJ_SIM_STREAMS_H
#define NJ_SIM_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/venue_sim/text.h"

#define STREAM_NAME_MAX 80

struct streams {
	char (*name)[STREAM_NAME_MAX]; /* owned; ascending */
	uint32_t n, cap, max;
};

void streams_init(struct streams *s, uint32_t max);
void streams_fini(struct streams *s);
/* 0 also where it was there; ERR_FULL, ERR_TOO_LONG, ERR_NOMEM. */
int streams_add(struct streams *s, struct text name);
bool streams_remove(struct streams *s, struct text name);
bool streams_has(const struct streams *s, struct text name);

#endif
