/* sequencer - puts the inputs of a core into the order of event time, and says how far that time has come.
 *
 * Order: by (ts_recv, class, input, arrival); a core's own timers come after every input of the same time. An
 * event is applied once every other input has either something later in its queue or a promise at least that
 * far. Waiting for a promise ends when the input has been silent for its wall-clock bound (never in lockstep); one
 * that is behind, but speaks or is being repaired, is waited for longer (repair_ns), so that a backlog stays in order.
 * What then still comes with a time that has passed is applied at once, one ns after the core's time, and reported as
 * late: with those reports a replay repeats the same order exactly (sequencer_except). Who dies before it has come
 * cannot report it: so what the core says at a time that an input was not heard up to is reported, too, and first
 * (sequencer_unheard). A replay holds back what has no report of its own until that time is over (sequencer_hold).
 *
 * Behind, the core may leave out acting upon what is superseded: an event that has waited longer than behind_ns, of
 * whose topic a newer one waits, is applied quietly. All of the topic that wait, but for the newest, are: that is one
 * decision, put on record before the first (ops.conflate). It is never made while an input's wait has no end, which
 * is lockstep and the repetition of a former run; there what is on record is repeated (sequencer_repeat_conflated).
 *
 *     WAITING --(every other input has promised, or its bound is over)--> apply --> WAITING
 *
 * Single-threaded; queues are bounded in bytes; nothing is allocated after sequencer_init and _add.
 */
#ifndef NJ_SERVICE_SEQUENCER_H
#define NJ_SERVICE_SEQUENCER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/ring.h"
#include "common/base/strmap.h"
#include "common/service/account.h"
#include "common/service/conflate.h"
#include "proto/codec.h"
#include "proto/topic.h"

#define SEQUENCER_INPUTS_MAX 24
#define SEQUENCER_FOREVER INT64_MAX /* a bound that never ends: lockstep */

enum sequencer_class { SEQUENCE_MARKET = 1, SEQUENCE_INTENT = 2, SEQUENCE_LEDGER = 3, SEQUENCE_COMMAND = 4 };

struct sequencer_input {
	char publisher[EVENT_SOURCE_MAX];
	enum sequencer_class class;
	int64_t wait_ns;  /* wall-clock bound of waiting for its promise */
	bool repairing;   /* records of it are known to be missing and are being fetched */
	int64_t heard;    /* monotonic: its last event came */
	int64_t promised; /* nothing more at or before it */
	/* Feedback: its events can be answers to what we publish. It has promised `quiet` as long as we publish nothing
	 * new; what we published and it has not seen yet can come back from `limit` on. */
	bool feedback;
	int64_t quiet, limit; /* a market whose `quiet` is CORE_NEVER has ended: the others' time goes on without it */
	int64_t held_from, held_until; /* what comes between these was not there before the latter */
	int64_t last_at;  /* ts_recv of the last event applied: the cursor of a snapshot */
	uint64_t last_seq, last_epoch; /* its sequence and epoch */
	uint64_t applied, late, conflated;
	struct accounts *accounts; /* of its topics; NULL: none are kept */
	struct account *account;   /* of the event that is pushed next; NULL: not part of a sequence */
	struct ring queue;
};

struct sequencer_conflation { /* events of one topic that are applied quietly */
	char topic[TOPIC_MAX];
	uint64_t seq, epoch; /* of the first */
	int64_t from, to;    /* ts_recv of the first and the last */
	uint64_t count;
};

struct sequencer_ops {
	/* Applies one event as of `now`. */
	void (*apply)(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev);
	/* Earliest timer of the core (CORE_NEVER: none) and its call. */
	int64_t (*next_due)(void *ctx);
	void (*fire)(void *ctx, int64_t due);
	/* An event is applied out of order: cause late. Called before apply. */
	void (*late)(void *ctx, struct sequencer_input *in, const struct event *ev, int64_t applied_at);
	/* May more be applied now? (outputs must have room) */
	bool (*ready)(void *ctx);
	/* Conflation, all three or none. Does a newer event of the topic make one of this kind superfluous? May these
	 * be applied quietly: then it is on record. As apply, without acting upon it. */
	bool (*replaceable)(void *ctx, uint16_t id);
	bool (*conflate)(void *ctx, struct sequencer_input *in, const struct sequencer_conflation *c);
	void (*apply_quietly)(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev);
};

struct sequencer {
	const struct sequencer_ops *ops;
	void *ctx;
	int64_t now; /* event time of what was applied last */
	int order;   /* and its order among equal times */
	const struct sequencer_input *of; /* and its input; NULL: a timer */
	struct sequencer_input in[SEQUENCER_INPUTS_MAX];
	uint32_t n;
	int64_t repair_ns;         /* bound of waiting for one that is behind: repairing, or speaking all the while */
	int64_t behind_ns;         /* of waiting in a queue: beyond it, conflate; 0: never */
	struct conflate conflate;
	struct strmap exceptions;  /* publisher and ts_recv -> time to apply at, from an earlier run */
	int64_t excepted_until;    /* the last of them is repeated once the core's time is here */
	int64_t timer_blocked_at;  /* wall clock (monotonic) since when the due timer waits; 0 not */
	int64_t timer_blocked_due;
	struct arena arena;        /* owned */
	uint64_t undecodable;
};

int sequencer_init(struct sequencer *s, const struct sequencer_ops *ops, void *ctx); /* ERR_NOMEM */
void sequencer_fini(struct sequencer *s);

/* New input; *ret_in stays valid. queue_bytes bounds its queue. ERR_FULL, ERR_NOMEM. */
int sequencer_add(struct sequencer *s, const char *publisher, enum sequencer_class class, int64_t wait_ns,
		  size_t queue_bytes, struct sequencer_input **ret_in);

/* Queues a packed event that arrived at mono_ns. ERR_FULL where the queue is full: the caller stops and replays. */
int sequencer_push(struct sequencer *s, struct sequencer_input *in, const struct event *head, const uint8_t *bytes,
		   size_t len, int64_t mono_ns);
void sequencer_promise(struct sequencer *s, struct sequencer_input *in, int64_t at);
/* The conditional promise of an input (of a market: CORE_NEVER at its end); and of a feedback input the earliest time
 * an answer to us can come (INT64_MAX: we have published nothing that it has not seen). The limit may fall. */
void sequencer_quiet(struct sequencer_input *in, int64_t quiet);
void sequencer_limit(struct sequencer_input *in, int64_t limit);

/* Repeat an exception of an earlier run: the event of `publisher` with ts_recv `at` is applied at `applied_at`,
 * or never where that is 0. ERR_FULL. */
int sequencer_except(struct sequencer *s, const char *publisher, int64_t at, int64_t applied_at);

/* From within apply or fire: the input was not heard up to the time that the core is at; what still comes of it from
 * before the time returned is late. 0: it was heard. */
int64_t sequencer_unheard(const struct sequencer *s, const struct sequencer_input *in);

/* Repeat that: what comes of `publisher` between `from` and `until`, both excluded, is late, and applied when `until`
 * is over, but for what is excepted. The last one said counts. ERR_NOT_FOUND: there is no such input. */
int sequencer_hold(struct sequencer *s, const char *publisher, int64_t from, int64_t until);

/* Repeat a conflation of an earlier run. ERR_FULL. */
int sequencer_repeat_conflated(struct sequencer *s, const char *publisher, const struct sequencer_conflation *c);
/* Forgets what waits in an input's queue (*ret_first: the sequence of the first of it; 0 nothing). */
void sequencer_drop(struct sequencer_input *in, uint64_t *ret_first);
/* Goes on at this time, or later, without repeating an earlier run: what comes for before it is late. */
void sequencer_skip_to(struct sequencer *s, int64_t now);

/* Applies what can be applied, at most `limit` events. Returns how many; *ret_wake is the monotonic time at which a
 * bound ends and another step is due, or INT64_MAX. */
uint32_t sequencer_step(struct sequencer *s, int64_t mono_ns, uint32_t limit, int64_t *ret_wake);

/* Time up to which every input is handled: no event at or before it can come any more, unless late. */
int64_t sequencer_handled(const struct sequencer *s);
/* Same, for a receiver that sends us nothing more: a feedback input counts by its queue only. With several of them no
 * receiver knows whether the others are silent: then it is sequencer_handled, which is true for each of them. */
int64_t sequencer_handled_quiet(const struct sequencer *s);

#endif
