/* feed_delay - how long what a venue says takes to reach us: measured on its trades, one curve for each venue.
 *
 * A trade bears the venue's own time (ts_event) and ours (ts_recv). Their difference is the way from the venue, and is
 * taken for the way to it as well. It contains what the two clocks differ by: below zero it counts as zero, and is
 * counted. Both stamps are part of the event, so what is measured is the same in every replay.
 *
 * A curve is taken into use by an event of its own (latency), at most one for each ADOPT_NS of event time, over the
 * last FEED_DELAY_SAMPLES trades: what an order was delayed by can be read from the journal.
 */
#ifndef NJ_EXECUTOR_FEED_DELAY_H
#define NJ_EXECUTOR_FEED_DELAY_H

#include <stdbool.h>

#include "proto/codec.h"
#include "services/executor/latency.h"

#define FEED_DELAY_VENUES_MAX 16 /* of further ones nothing is measured: the minimum holds */
#define FEED_DELAY_SAMPLES 256
#define FEED_DELAY_MAX (INT64_C(10) * 1000000000) /* a longer one is a backlog, and counts as this */

struct feed_delay {
	char venue[EVENT_NAME_MAX];
	int64_t sample[FEED_DELAY_SAMPLES];
	uint32_t n, at;       /* samples; where the next one goes */
	uint32_t below;       /* how many since the last curve were below zero */
	int64_t adopt_at;     /* event time of the next curve at the earliest */
	struct latency_curve curve; /* in use */
};

struct feed_delays {
	struct feed_delay venue[FEED_DELAY_VENUES_MAX];
	uint32_t n;
};

/* NULL where nothing was measured yet. */
const struct latency_curve *feed_delays_curve(const struct feed_delays *f, const char *venue);

/* A trade of this venue. True: ret_event is a new curve, in use from here on; account and origin are the caller's. */
bool feed_delays_on_trade(struct feed_delays *f, const char *venue, const struct event *trade,
			  struct ev_latency *ret_event);
/* The same curve, from the journal. */
void feed_delays_recall(struct feed_delays *f, const struct ev_latency *e);

void feed_delays_save(const struct feed_delays *f, struct packer *p);
int feed_delays_load(struct feed_delays *f, struct unpacker *u);

#endif
