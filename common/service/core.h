/* core - what a pure service core looks like: events and timers in, events out, nothing else.
 *
 * A core has no socket, file, clock, randomness or log inside. `now` is event time in ns and never goes back.
 * The shell (common/service/runtime.c, or the in-process twin) orders the inputs, assigns source, epoch, seq
 * and strictly increasing ts_recv, and journals. A core fills in the event's own fields, origin, ts_event
 * (when it happened) and ts_recv (when its consumers may know it: ts_event plus the modelled latency).
 * The same inputs must give the same outputs, byte for byte.
 */
#ifndef NJ_SERVICE_CORE_H
#define NJ_SERVICE_CORE_H

#include "common/base/buf.h"
#include "proto/event.h"

struct sink {
	void *ctx;
	void (*emit)(void *ctx, struct event *ev); /* the event is read during the call only */
};

static inline void sink_emit(const struct sink *out, struct event *ev)
{
	out->emit(out->ctx, ev);
}

#define CORE_NEVER INT64_MAX

struct core_ops {
	/* One input, applied as of `now` (its ts_recv, or later where it came late: a parity exception). */
	void (*on_event)(void *core, int64_t now, const struct event *ev, const struct sink *out);
	/* Event time of the earliest timer, or CORE_NEVER. on_timer runs what is due at `due`, in order of id. */
	int64_t (*next_due)(const void *core);
	void (*on_timer)(void *core, int64_t due, const struct sink *out);
	/* Whole state to bytes and back (proto/codec.h's packer); load into a freshly made core. */
	int (*save)(const void *core, struct buf *out);
	int (*load)(void *core, const uint8_t *at, size_t len);
	/* Conflation, both or none: a core that is behind need not act upon what is superseded. Does a newer event of
	 * the same topic make one of this id superfluous? And: one input taken in quietly, nothing is emitted. */
	bool (*replaceable)(uint16_t id);
	void (*on_quiet)(void *core, int64_t now, const struct event *ev);
	/* Takes over what an event of its own journal states (orders, balances … as they became): the way back when
	 * the inputs behind them are gone (power cut, lost lane-M log). May be NULL. */
	void (*on_own)(void *core, const struct event *ev);
};

#endif
