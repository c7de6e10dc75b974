/* plan - which connection carries what: a venue's markets and streams spread over as few connections as it allows. */
#ifndef NJ_COLLECTOR_PLAN_H
#define NJ_COLLECTOR_PLAN_H

#include "services/collector/core.h"

struct plan {
	const struct venue *venue;
	uint32_t streams;        /* wanted: bits of enum venue_stream; what the venue does not offer is left out */
	uint32_t streams_max;    /* on one connection; 0 or more than the venue allows: as many as it does */
	uint32_t asked; /* streams that are polled instead: the venue need not have them */
	bool together;           /* all on one connection, whatever the venue allows: nothing is streamed */
	const char *const *raws; /* the markets' names, as the venue writes them */
	uint32_t n;
};

/* Streams that may not share a connection (venue.groups) go apart; where markets do not fit on one, they are spread
 * evenly, in the order given. Connections are numbered from 0. Writes at most `cap` rows. ERR_ARG: nothing of what is
 * wanted is offered, or no market; ERR_FULL: more connections or rows than there can be. */
int plan_make(const struct plan *p, struct collector_market *rows, uint32_t cap, uint32_t *ret_rows);

/* One more market: its streams go on the first connections with room for them, else on new ones. Of p: venue, streams,
 * streams_max, together. Writes a row for each group of streams. ERR_ARG: nothing of what is wanted is offered;
 * ERR_FULL: no connection has room. */
int plan_place(const struct plan *p, const struct collector_load load[COLLECTOR_CONNECTIONS_MAX], const char *raw,
	       struct collector_market rows[COLLECTOR_GROUPS_MAX], uint32_t *ret_rows);

#endif
