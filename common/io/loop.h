/* loop - one thread's event loop: descriptors, ZeroMQ sockets and timers in one place.
 *
 * Callbacks run on the thread that called loop_run, one at a time. A callback may add and remove
 * anything, itself included. Nothing here blocks but loop_run.
 */
#ifndef NJ_IO_LOOP_H
#define NJ_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/io/clock.h"

struct loop;
struct loop_source; /* one descriptor, socket or timer; owned by the loop, ended by loop_end */

enum { LOOP_IN = 1, LOOP_OUT = 2, LOOP_ERR = 4 };

typedef void (*loop_io_fn)(void *ctx, int events);
typedef void (*loop_fn)(void *ctx);

int loop_new(const struct clock *clock, struct loop **ret_loop); /* ERR_NOMEM */
void loop_free(struct loop *l); /* ends every source; NULL is fine */

/* Watches a plain descriptor (not owned) for LOOP_IN|LOOP_OUT, or a raw ZeroMQ socket (void *, not
 * owned) for LOOP_IN. One source a descriptor or socket: ERR_EXISTS; ERR_FULL at 4096 sources;
 * ERR_IO where the descriptor cannot be polled (regular files). End the source before closing what
 * it watches. A hangup reads as LOOP_IN. */
int loop_fd(struct loop *l, int fd, int events, loop_io_fn fn, void *ctx,
	    struct loop_source **ret_source);
int loop_zmq(struct loop *l, void *socket, loop_io_fn fn, void *ctx,
	     struct loop_source **ret_source);
/* After a call on a watched socket outside of its own fn that is not there to read (a send): it may
 * have taken the wake-up of a message. */
void loop_zmq_look(struct loop_source *s);
int loop_fd_events(struct loop_source *s,
		   int events); /* change what an fd is watched for; 0 pauses */

/* By the loop's monotonic clock. Fires once after `after_ns`, then each `every_ns` (0: once; the
 * source ends by itself). Firings missed while the process stood still are skipped. Equal times
 * fire in the order of arming. */
int loop_timer(struct loop *l, int64_t after_ns, int64_t every_ns, loop_fn fn, void *ctx,
	       struct loop_source **ret_source);

/* Sets a timer's next firing to after_ns from now, whatever it was; allocates nothing. Not for a
 * one-shot that has fired. A timer with LOOP_NEVER as both its times is there to be moved: it
 * sleeps again after each firing. */
#define LOOP_NEVER (INT64_MAX / 4)
void loop_timer_move(struct loop_source *s, int64_t after_ns);

/* Ends a source and nulls the pointer; a one-shot timer that fired has ended: its pointer must be
 * nulled in fn. */
void loop_end(struct loop_source **s_p);

/* Runs fn once when the running callback has returned (batching), outside of one at the next turn;
 * the same fn and ctx are queued only once, at most 256. Take it back before ctx goes away. */
void loop_defer(struct loop *l, loop_fn fn, void *ctx);
void loop_undefer(struct loop *l, loop_fn fn, void *ctx);

/* Runs until loop_stop (one that came before is kept). Returns 0, or ERR_IO where polling itself
 * failed. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Turns taken so far; read by the self-watchdog's thread to see whether the loop still turns. An
 * idle loop turns at least every 100 ms. */
uint64_t loop_turns(const struct loop *l);
const struct clock *loop_clock(const struct loop *l);

#endif
