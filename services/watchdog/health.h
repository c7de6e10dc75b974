/* health - what a service's heartbeats say about it: alive, hung, idle for too long, growing. Pure: no clock, no I/O.
 */
#ifndef NJ_WATCHDOG_HEALTH_H
#define NJ_WATCHDOG_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/event.h"

#define HEALTH_SAMPLES 360 /* one a minute: six hours */

struct health_limits {
	int64_t dead_ns;       /* no heartbeat for longer: hung or dead */
	int64_t boot_ns;       /* first heartbeat after a start */
	uint64_t rss_max;      /* bytes */
	int64_t growth_max;    /* bytes an hour, over the last hour */
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
	uint64_t rss[HEALTH_SAMPLES];
	uint32_t samples, next;
	int64_t sampled_at;
};

void health_init(struct health *h, int64_t mono_ns);
void health_restarted(struct health *h, int64_t mono_ns);
void health_on_beat(struct health *h, const struct event *ev, int64_t mono_ns);

/* HUNG: no heartbeat for dead_ns (boot_ns after a start). IDLE: heartbeats, but no progress for longer than the service
 * itself calls normal (silence_max). */
enum health_state health_state(const struct health *h, const struct health_limits *l, int64_t mono_ns);

/* Call often: takes one sample a minute. */
void health_sample(struct health *h, int64_t mono_ns);
/* Theil-Sen slope of the resident memory over the last hour of samples, bytes an hour; 0 with fewer than 10. */
int64_t health_growth(const struct health *h);

#endif
