/* external - the seats of programs outside: who holds them, what they are told, how their wishes come in.
 *
 *            verb seat (owner, lease)
 *     EMPTY ------------------------> HELD      each request of the holder renews the lease
 *       ^                               |
 *       +-------------------------------+      verb seat with lease 0; or nothing was heard for the lease: an alert,
 *                                              and a wish to cancel what the seat has open (live)
 *
 * Requests to the strategy service (docs/external.md tells authors):
 *   seat  target, owner, lease: takes the seat. The reply's of_epoch is the token that the others need.
 *   feed  target, of_epoch, from, limit, lease: "I have handled everything up to position `from`, and what I want
 *         because of it I have asked for." The page has what comes behind it; without anything, the answer waits up to
 *         `lease`.
 *   wish  target, of_epoch, nonce, expires_at, payload (a packed wish): answered when it is applied and on disk. Wishes
 *         come in the order of their causes.
 *
 * Order and time: a wish takes effect external_latency after the event that caused it. In lockstep the core never goes
 * further than that beyond the oldest event that the program has not handled, so the same program gives the same
 * run whatever its speed; live nobody waits for it: what comes too late for its time takes effect at once. Either way
 * the wish is journalled as it takes effect, and a restart repeats it. A nonce that comes again gets its first answer.
 */
#ifndef NJ_STRATEGY_EXTERNAL_H
#define NJ_STRATEGY_EXTERNAL_H

#include "common/service/runtime.h"
#include "services/strategy/core.h"

struct external;

struct external_options {
	struct runtime *rt;
	struct strategy_core *core;
	int64_t latency_ns; /* from the cause to the wish's effect */
};

/* One seat for each of the settings whose strategy is external. ERR_FULL: more than there can be; ERR_NOMEM. */
int external_new(const struct external_options *o, const struct strategy_core_settings *s,
		 struct external **ret_external);
void external_free(struct external *x);

/* The hooks of the service (service.h) that it is about. */
int external_sides(struct external *x);
struct sequencer_input *external_side_of(struct external *x, const struct event *ev);
void external_applied(struct external *x, int64_t now, const struct event *ev);
bool external_ready(const struct external *x);
void external_run(struct external *x);
void external_tick(struct external *x, int64_t mono_ns);
void external_on_request(struct external *x, const struct event *request, struct event *reply, struct buf *page);
int external_save(const struct external *x, struct buf *out);
int external_load(struct external *x, const uint8_t *at, size_t len);

uint32_t external_empty(const struct external *x); /* seats that nobody holds */

#endif
