/* guard - what losses do to the orders that follow: cool-downs, the stop-loss guard, the halts of a day and of a peak.
 *
 * A loss is a fill that closes part of a position for less than it had cost, before fees; a stop-out is an order with a
 * loss, counted once, with its first. Orders of the executor's own (flatten) and settlements are neither.
 *
 *     instrument   loss ---------------------> cools down for `cooldown`
 *                  stops_max stop-outs -------> stands still for `stops_pause`, its count begins anew
 *     account      stops_all_max stop-outs ---> every instrument stands still for `stops_pause`
 *                  day_loss_max, drawdown_max -> HALTED until a manual reset (mode.h)
 *
 * What cools down or stands still takes no order that could make its exposure grow; what only lowers it passes.
 * Days are UTC. A day's loss is counted from the last worth told before it, the drawdown from the highest worth ever;
 * after a manual reset both from the first worth after it. Only a worth at which everything could be marked counts.
 */
#ifndef NJ_EXECUTOR_GUARD_H
#define NJ_EXECUTOR_GUARD_H

#include "proto/codec.h"
#include "proto/event.h"

#define GUARD_STOPS_MAX 16      /* largest stops_max */
#define GUARD_STOPS_ALL_MAX 64  /* largest stops_all_max */

struct executor;
struct market;
struct order;
struct step;

struct guard_settings {
	int64_t cooldown_ns;   /* 0 none */
	int64_t stops_max;     /* of one instrument, 0 none */
	int64_t stops_all_max; /* of all together, 0 none */
	int64_t stops_within_ns, stops_pause_ns;
	int64_t day_loss_max, drawdown_max; /* quote at CASH_SCALE, 0 none */
};

struct guard_market { /* of one instrument */
	int64_t cool_until;  /* event time; 0 never */
	int64_t still_until;
	int64_t stop[GUARD_STOPS_MAX]; /* times of stop-outs, oldest first */
	uint32_t n;
};

struct guard {
	int64_t still_until; /* every instrument */
	int64_t stop[GUARD_STOPS_ALL_MAX];
	uint32_t n;
	char last_id[EVENT_NAME_MAX]; /* order of the last stop-out */
	int64_t day, day_start;       /* count of the day, its first worth */
	int64_t peak, last;           /* highest and latest worth */
	bool based;                   /* they are known */
};

bool guard_in_range(const struct guard_settings *g);

/* A fill of an order at this event time, which realised so much. */
void guard_on_fill(struct executor *x, int64_t now, struct order *o, int64_t realised);
/* Why an order that could make the exposure of this instrument grow is refused now, or reject_none; until when. */
enum reject guard_check(const struct executor *x, const struct market *m, int64_t now, int64_t *ret_until);

/* The account's worth, everything marked. Returns whether it must halt, and writes why. */
bool guard_on_worth(struct executor *x, int64_t now, int64_t worth, char why[EVENT_TEXT_MAX]);
/* People have looked: losses are counted from the next worth on. */
void guard_reset(struct executor *x);
/* So much came, or went, that is no result. */
void guard_shift(struct executor *x, int64_t by);

void guard_save(const struct executor *x, struct packer *p);
int guard_load(struct executor *x, struct unpacker *u);

#endif
