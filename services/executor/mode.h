/* mode - the state of trading of an account, and what put it there.
 *
 *              mode_pause
 *      RUNNING ------------> PAUSED     leases: owner, reason, until; one of each owner
 *         ^ <----------------           mode_resume, mode_expire of the last one
 *         |                     |
 *         |                     | mode_raise
 *         | mode_clear of       v
 *         | the last cause    SAFE      a set of causes by name
 *         |<--------------------|
 *         |                     | mode_halt: the loss limit, too many causes or leases
 *         | mode_reset          v
 *         +------------------ HALTED    until a manual reset; survives restarts
 *
 * A lease is its owner's: another owner's pause neither shortens nor ends it, and a resume gives back
 * the owner's own, unless it is for all. Leases end in event time.
 *
 *         any state --mode_kill--> KILLED --mode_unkill--> what was kept meanwhile
 *
 * Leases, causes, halt and kill are kept side by side: the strongest is the state (KILLED over HALTED over SAFE over
 * PAUSED), and when it goes the next one shows again. KILLED is the kill switch: put on and off by people, on record
 * in a file of its own beside the journal (kill_record.h); not even a flatten has orders then.
 *
 * No new orders outside RUNNING; cancels are always allowed. Resting orders stay and may fill while
 * PAUSED or SAFE; HALTED and KILLED cancel them (core.c).
 */
#ifndef NJ_EXECUTOR_MODE_H
#define NJ_EXECUTOR_MODE_H

#include <stdbool.h>

#include "proto/codec.h"
#include "proto/event.h"

#define MODE_CAUSES_MAX 32
#define MODE_LEASES_MAX 16 /* owners that pause at the same time */

struct mode_cause {
	char name[EVENT_NAME_MAX], owner[EVENT_NAME_MAX];
	char reason[EVENT_TEXT_MAX];
};

struct mode_lease {
	int64_t until; /* event time; 0: until resumed */
	struct mode_cause by; /* the name is empty */
};

struct mode {
	bool killed;
	struct mode_cause kill; /* the name is empty */
	bool halted;
	struct mode_cause halt; /* the name is empty */
	struct mode_lease lease[MODE_LEASES_MAX]; /* the one that was taken or renewed last is the last */
	uint32_t n_leases;
	struct mode_cause cause[MODE_CAUSES_MAX]; /* of SAFE, oldest first */
	uint32_t n;
};

enum trading mode_state(const struct mode *m);
enum reject mode_reject(const struct mode *m); /* why an order must be refused, or reject_none */

/* Each returns whether anything changed that people should hear of. */
/* A lease in the past is none; one owner too many halts. */
bool mode_pause(struct mode *m, int64_t now, const struct ev_command *c);
bool mode_resume(struct mode *m, const struct ev_command *c);
void mode_resume_all(struct mode *m);
bool mode_expire(struct mode *m, int64_t now);
bool mode_raise(struct mode *m, const struct ev_command *c); /* cause: target; one too many halts */
bool mode_clear(struct mode *m, const char *cause);
bool mode_has(const struct mode *m, const char *cause); /* of SAFE */
bool mode_halt(struct mode *m, const char *owner, const char *reason);
bool mode_reset(struct mode *m);
bool mode_kill(struct mode *m, const char *owner, const char *reason);
bool mode_unkill(struct mode *m);

/* When the next lease ends, or INT64_MAX. */
int64_t mode_due(const struct mode *m);

/* Who, why and until of the present state, as the trading_state event says it. */
void mode_describe(const struct mode *m, struct ev_trading_state *ret_state);

/* The kill switch, a part of its own of the executor's state. */
void mode_save_kill(const struct mode *m, struct packer *p);
int mode_load_kill(struct mode *m, struct unpacker *u);

void mode_save(const struct mode *m, struct packer *p);
int mode_load(struct mode *m, struct unpacker *u);
/* The layout of before leases had owners (version 1 of the executor's state). */
int mode_load_v1(struct mode *m, struct unpacker *u);

#endif
