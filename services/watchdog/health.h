/* health - what a service's heartbeats say about it: alive, hung, idle for too long. Pure: no clock, no I/O. */
#ifndef NJ_WATCHDOG_HEALTH_H
#define NJ_WATCHDOG_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/event.h"

struct health_limits {
	int64_t dead_ns;       /* no heartbeat for longer: hung or dead */
	int64_t boot_ns;       /* first heartbeat after a start */
};

enum health_state { HEALTH_UNKNOWN, HEALTH_OK, HEALTH_IDLE, HEALTH_HUNG };

struct health {
	int64_t since;         /* monotonic: watched since, or (re)started */
	int64_t beat_at;       /* monotonic: last heartbeat; 0 none since the start */
	int64_t beat_wall;     /* ts_recv of it */
	struct ev_heartbeat last; /* without its pairs */
	uint64_t progress;     /* newest value */
	int64_t progress_at;   /* monotonic: when it last moved */
	uint64_t beats;
};

void health_init(struct health *h, int64_t mono_ns);
void health_restarted(struct health *h, int64_t mono_ns);
void health_on_beat(struct health *h, const struct event *ev, int64_t mono_ns);

/* HUNG: no heartbeat for dead_ns (boot_ns after a start). IDLE: heartbeats, but no progress for longer than the service
 * itself calls normal (silence_max). */
enum health_state health_state(const struct health *h, const struct health_limits *l, int64_t mono_ns);

#endif
