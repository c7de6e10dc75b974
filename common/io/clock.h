/* clock - wall and monotonic time, real or simulated; the only file that asks the kernel for the
 * time. */
#ifndef NJ_IO_CLOCK_H
#define NJ_IO_CLOCK_H

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

struct clock {
	int64_t (*wall)(const struct clock *c); /* ns since 1970 UTC; can jump */
	int64_t (*mono)(const struct clock *c); /* ns since some start; never goes back */
	int64_t (*boot)(const struct clock *c); /* the same, and counts what the machine slept; NULL: it never does */
};

const struct clock *clock_real(void);

/* A clock that only moves when told. */
struct clock_sim {
	struct clock clock;
	int64_t wall_ns, mono_ns, slept_ns;
};
void clock_sim_init(struct clock_sim *c, int64_t wall_ns);
void clock_sim_advance(struct clock_sim *c, int64_t by_ns);
void clock_sim_sleep(struct clock_sim *c, int64_t by_ns); /* suspended: the monotonic clock stands */

static inline int64_t clock_wall(const struct clock *c) { return c->wall(c); }
static inline int64_t clock_mono(const struct clock *c) { return c->mono(c); }

/* How long the machine has been suspended, all in all; what rises here passed unseen by timers. */
int64_t clock_slept(const struct clock *c);

/* Event time of who stamps by the clock: the wall clock, except that it neither goes back nor stands still. Where the
 * wall clock is behind what was said already (it was set back, or ran ahead before a restart), event time goes on at
 * half the speed of the monotonic clock until the wall clock is there: an hour is caught up in two, and what waits for
 * event time to pass (timers, promises, leases) is late by a factor of two meanwhile, instead of by the hour. */
struct event_clock {
	int64_t at, mono; /* the last time given, and when; zeroed before the first */
};
int64_t event_clock_now(struct event_clock *e, const struct clock *c);
/* So much was said already, by the process before this one. */
void event_clock_resume(struct event_clock *e, const struct clock *c, int64_t at);
/* By how much the last time given is ahead of the wall clock; 0 or less: it is not. */
int64_t event_clock_ahead(const struct event_clock *e, const struct clock *c);

/* "2026-11-22T02:20:00.123456789Z"; out holds at least 32 bytes. Returns out. */
char *clock_rfc3339(int64_t wall_ns, char out[32]);

#endif
