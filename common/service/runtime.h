/* runtime - what a running service can ask of its process.
 *
 *     BOOT --settings, log, lock, bus--> RECOVER --inputs caught up, outputs compared--> READY --run--> RUNNING
 *     RUNNING --SIGTERM, verb stop--> DRAINING --outbox flushed--> DONE;  FAILED from any state
 *
 * Exit codes: 0 done, 1 failed, 2 usage, 3 already running, 78 settings refused.
 */
#ifndef NJ_SERVICE_RUNTIME_H
#define NJ_SERVICE_RUNTIME_H

#include "common/io/bus.h"
#include "common/io/loop.h"
#include "common/service/collectors.h"
#include "common/service/service.h"
#include "common/service/settings.h"

struct loop *runtime_loop(struct runtime *rt);
const struct clock *runtime_clock(struct runtime *rt);
const struct run_settings *runtime_settings(struct runtime *rt);
struct bus *runtime_bus(struct runtime *rt);
struct outbox *runtime_outbox(struct runtime *rt);
struct config *runtime_config(struct runtime *rt);
enum life runtime_life(const struct runtime *rt);
bool runtime_lockstep(const struct runtime *rt);

/* Publishes an event the service made (collector: through its core; others: facts of the shell, see outbox.h). */
void runtime_emit(struct runtime *rt, struct event *ev);
int runtime_emit_shell(struct runtime *rt, struct event *ev); /* ERR_FULL, ERR_NO_SPACE: not now, logged */

/* Raises or resolves an alert: published once per (rule, subject) and change, and logged. */
void runtime_alert(struct runtime *rt, enum severity severity, bool raised, const char *rule, const char *subject,
		   const char *message);

/* A command or a fact of the service's own that its core must see: journalled, and applied in event time. ev gets its
 * stamp and sequence. ERR_BUSY: still recovering; ERR_FULL, ERR_NO_SPACE: not now. */
int runtime_decide(struct runtime *rt, struct event *ev);

/* Publishes "nothing more at or before `at`", and that inputs are handled up to `handled`. */
void runtime_promise(struct runtime *rt, int64_t at, int64_t handled);
/* The same of a recording at its end: nothing more at all. Markets that are not at theirs go on without it. */
void runtime_promise_end(struct runtime *rt, int64_t at);
/* Smallest `handled` that the lockstep consumers have promised; INT64_MIN while one is still missing. */
int64_t runtime_credit(struct runtime *rt);
/* Calls fn(self) whenever credit moves (lockstep). */
void runtime_on_credit(struct runtime *rt, void (*fn)(void *self));

/* Writes a snapshot of the service's state now, if the last one is written and nothing is under way. */
void runtime_snapshot(struct runtime *rt);

/* Gives up: log, alert, exit 1. Crash-only: what is durable is recovered by the next start. */
void runtime_fail(struct runtime *rt, const char *what, int err);

/* What this process is called on the bus: the service's name, or that of one of several (--name). */
const char *runtime_name(const struct runtime *rt);
/* The collectors of the stack, and which of them we are (service.several). */
const struct collectors *runtime_collectors(const struct runtime *rt);
const struct collector_place *runtime_place(const struct runtime *rt);

/* Run id and directory of the service. */
const char *runtime_run_id(const struct runtime *rt);
const char *runtime_dir(const struct runtime *rt);

/* Drains and exits 0, as after SIGTERM. */
void runtime_stop(struct runtime *rt, const char *why);

/* Inputs of the service, for lag and accounting. */
struct inbox *runtime_input(struct runtime *rt, const char *publisher, enum lane lane);
/* Follows a further publisher (watchdog, persister): telemetry always, the lane where it is not 0. */
int runtime_follow(struct runtime *rt, const struct service_input *input);

/* A request that a service cannot answer yet. In on_request, for a verb that changes something: its answer is held
 * until runtime_answer says what became of it. For another verb: the asker is parked, and runtime_reply answers it. */
struct runtime_outcome {
	const char *nonce; /* of the request */
	int result;
	uint64_t seq;      /* lane-X record that must be on disk first; 0 none */
	uint64_t ordinal;
	const char *client_order_id, *message; /* may be NULL */
};
void runtime_hold(struct runtime *rt);
void runtime_answer(struct runtime *rt, const struct runtime_outcome *o);
void runtime_park(struct runtime *rt, struct bus_peer *ret_peer);
void runtime_reply(struct runtime *rt, const struct bus_peer *peer, struct event *reply, const struct buf *page);

/* A further input of the core that the shell feeds itself, to be added in service.sides: in the order of event time
 * like every other, of class command. Its events are journalled when they are applied (wish records), and pushed again
 * from there by a restart. In lockstep `promised` is for the owner to set; live it is CORE_NEVER. ERR_FULL. */
int runtime_side(struct runtime *rt, const char *name, struct sequencer_input **ret_in);
/* Event time that nothing was promised for: the earliest at which something new may take effect. */
int64_t runtime_open_time(const struct runtime *rt);
/* The same for a record of our own: also behind every stamp we gave. */
int64_t runtime_next_stamp(const struct runtime *rt);
int runtime_side_push(struct runtime *rt, struct sequencer_input *in, const struct event *ev, const uint8_t *bytes,
		      size_t len);
uint64_t runtime_x_last(const struct runtime *rt); /* newest lane-X sequence */
int64_t runtime_mono(struct runtime *rt);
int64_t runtime_now(const struct runtime *rt); /* event time of what was applied last */
bool runtime_verifying(const struct runtime *rt); /* a restart is still comparing */
void runtime_step(struct runtime *rt);
/* Live, from run on: market data from now on with its last values, for a core that knows nothing of some of it. What is
 * left out is a gap on record. */
void runtime_rejoin(struct runtime *rt);

#endif
