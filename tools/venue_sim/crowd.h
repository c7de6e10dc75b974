/* crowd - the seeded traders of one generated symbol, around a wandering fair value.
 *
 * Integers only, so that the same seed gives the same market on every machine. The fair value is a
 * random walk with drifts of 15 to 60 s and, now and then, a burst of a few seconds in which it
 * runs one way: strategies that follow trends find something to trade. The book never
 * crosses: an order through the touch is a trade.
 */
#ifndef NJ_SIM_CROWD_H
#define NJ_SIM_CROWD_H

#include "common/base/rng.h"
#include "tools/venue_sim/quotes.h"

#define CROWD_FILLS_MAX 64 /* trades of one action */

struct crowd_spec {    /* what kind of instrument it is */
	int64_t price; /* where it starts, in units of 10^-price_scale, which is the tick */
	int64_t lots;  /* a typical quantity, in units of 10^-qty_scale, which is the step */
	uint32_t rate; /* actions a second, on average */
	int64_t ceiling; /* prices stay below it; 0: no limit */
};

struct fill {
	uint64_t id;
	int64_t price, qty;
	bool taker_sold; /* the buyer was the maker */
};

struct crowd {
	struct crowd_spec spec;
	struct rng rng;
	struct quotes quotes;
	int64_t fair;                            /* 1/1024 of a tick */
	int64_t sigma;                           /* size of one step of it */
	int64_t gap;                             /* usual distance of two levels, ticks */
	int64_t drift, drift_until, burst_until; /* ns of event time */
	uint64_t trade_id;                       /* of the newest trade */
	struct fill fill[CROWD_FILLS_MAX];       /* of the last action, in order */
	uint32_t n_fills;
};

void crowd_init(struct crowd *c, const struct crowd_spec *spec, uint64_t seed);
/* One action at this time; returns the time until the next, ns. */
int64_t crowd_act(struct crowd *c, int64_t now);

#endif
