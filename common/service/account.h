/* account - what became of every record of a lane's topics, so that nothing is lost unnoticed.
 *
 * For each topic and epoch of it, at every consumer and at every moment:
 *
 *     last - first + 1 = handled + conflated + dropped + queued
 *
 * first is the first sequence after the consumer joined, last the highest that is accounted for. What the publisher
 * has said it sent beyond (its tails: known - last) is missing: asked for again, until it has come or is known to be
 * gone, which is dropped. A publisher numbers its topics on across a restart where it still knows the number, and
 * from 1 where not. When the epoch changes, the account of the one before is closed: its sums go on.
 */
#ifndef NJ_SERVICE_ACCOUNT_H
#define NJ_SERVICE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/strmap.h"

struct account { /* one topic */
	uint64_t epoch;       /* of the numbers below */
	uint64_t first, last; /* first 0: nothing is known of it; last is first - 1 where none has come */
	int64_t at;           /* ts_recv of the last that came */
	uint64_t known;       /* the highest of this epoch that the publisher has spoken of */
	uint64_t handled, conflated, dropped;
	uint64_t queued;        /* taken, waiting for its turn */
	uint64_t queued_before; /* the same of epochs that are closed: their turn comes first */
	uint64_t replaceable;   /* of both: those that a newer one makes superfluous */
	int64_t newest_at, older_at; /* ts_recv of the newest of them, and of the one before */
};

struct account_sum {
	uint64_t published; /* last - first + 1 */
	uint64_t handled, conflated, dropped, queued;
	uint64_t missing;   /* known, and neither here nor gone yet */
	uint64_t topics, epochs;
	uint64_t unbalanced; /* accounts that do not add up: a mistake of ours */
};

struct accounts {
	struct strmap topics;      /* topic -> struct account */
	struct account_sum closed; /* epochs before the present ones */
	uint64_t dropped;          /* of all topics and epochs */
	uint64_t untracked;        /* records of topics beyond the limit */
	bool based;                /* every topic there was when we joined is known: another one begins with 1 */
	bool renumbered;           /* each epoch begins with 1: telemetry */
};

enum account_end { ACCOUNT_HANDLED, ACCOUNT_CONFLATED, ACCOUNT_DROPPED };

int accounts_init(struct accounts *as, uint32_t topics_max); /* ERR_NOMEM */
void accounts_fini(struct accounts *as);

/* The account of a topic, made where there is none; NULL where there are too many (counted). Stays valid. */
struct account *accounts_get(struct accounts *as, const char *topic, size_t len);

/* The sequence that has to come next for nothing to be missing; `seq` is the one that came. Of a new epoch that begins
 * beyond the old one's end it cannot know whether the numbers go on or began anew: a tail does. */
uint64_t account_next(const struct accounts *as, const struct account *a, uint64_t epoch, uint64_t seq);

/* A record has come. What lies between is dropped. It ends at once (handled), or waits until account_end. */
void account_take(struct accounts *as, struct account *a, uint64_t epoch, uint64_t seq, bool waits);

/* What should have come before this one is gone. */
void account_skip(struct accounts *as, struct account *a, uint64_t epoch, uint64_t seq);

struct account_tail { /* what the publisher says of a topic */
	uint64_t epoch, first, last; /* first: of this epoch; 0: none yet */
};

/* Everything up to the tail is here, or gone. Returns how many are gone that were not known to be. */
uint64_t account_settle(struct accounts *as, struct account *a, const struct account_tail *t);

/* The topic goes so far. True where we do not have all of it. */
bool account_is_behind(struct accounts *as, struct account *a, const struct account_tail *t);

/* The oldest one that waited has had its turn. */
void account_ended(struct accounts *as, struct account *a, enum account_end end);

bool account_balanced(const struct account *a);
void accounts_sum(const struct accounts *as, struct account_sum *ret_sum);

#endif
