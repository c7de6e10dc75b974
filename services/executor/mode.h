/* mode - the state of trading of an account, and what put it there.
 *
 *              mode_pause
 *      RUNNING ------------> PAUSED     a lease: owner, reason, until
 *         ^ <----------------           mode_resume, mode_expire
 *         |                     |
 *         |                     | mode_raise
 *         | mode_clear of       v
 *         | the last cause    SAFE      a set of causes by name
 *         |<--------------------|
 *         |                     | mode_halt: the loss limit, too many causes
 *         | mode_reset          v
 *         +------------------ HALTED    until a manual reset; survives restarts
 *
 * Pause, causes and halt are kept side by side: the strongest is the state (HALTED over SAFE over
 * PAUSED), and when it goes the next one shows again.
 *
 * No new orders outside RUNNING; cancels are always allowed. Resting orders stay and may fill while
 * PAUSED or SAFE; HALTED cancels them (core.c).
 */
#ifndef NJ_EXECUTOR_MODE_H
#define NJ_EXECUTOR_MODE_H

#include <stdbool.h>

#include "proto/codec.h"
#include "proto/event.h"

#define MODE_CAUSES_MAX 32

struct mode_cause {
	char name[EVENT_NAME_MAX], owner[EVENT_NAME_MAX];
	char reason[EVENT_TEXT_MAX];
};

struct mode {
	bool paused, halted;
	int64_t until; /* end of the pause in event time; 0: until resumed */
	struct mode_cause pause, halt; /* the names are empty */
	struct mode_cause cause[MODE_CAUSES_MAX]; /* of SAFE, oldest first */
	uint32_t n;
};

enum trading mode_state(const struct mode *m);
enum reject mode_reject(const struct mode *m); /* why an order must be refused, or reject_none */

/* Each returns whether anything changed that people should hear of. */
/* A lease in the past is none. */
bool mode_pause(struct mode *m, int64_t now, const struct ev_command *c);
bool mode_resume(struct mode *m);
bool mode_expire(struct mode *m, int64_t now);
bool mode_raise(struct mode *m, const struct ev_command *c); /* cause: target; one too many halts */
bool mode_clear(struct mode *m, const char *cause);
bool mode_halt(struct mode *m, const char *owner, const char *reason);
bool mode_reset(struct mode *m);

/* When the pause ends, or INT64_MAX. */
int64_t mode_due(const struct mode *m);

/* Who, why and until of the present state, as the trading_state event says it. */
void mode_describe(const struct mode *m, struct ev_trading_state *ret_state);

void mode_save(const struct mode *m, struct packer *p);
int mode_load(struct mode *m, struct unpacker *u);

#endif
