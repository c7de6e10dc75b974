/* memory - the watchdog's look at what the services hold, minute by minute: too much, growing, running away.
 *
 * Pure: no clock, no I/O. Judged for growth is what belongs to no file (heartbeat.anon): pages of mapped files come and
 * go with the page cache.
 */
#ifndef NJ_WATCHDOG_MEMORY_H
#define NJ_WATCHDOG_MEMORY_H

#include <stdbool.h>

#include "proto/event.h"
#include "services/watchdog/trend.h"

struct memory_limits {
	int64_t rss_max, stack_max;                /* bytes resident: of one service, of all */
	int64_t growth_max, runaway_max, creep_max; /* bytes an hour: over an hour, over an hour, over six */
};

struct memory {
	struct trend trend;
	uint32_t pid;            /* of the newest hello; 0 none yet */
	uint64_t rss, anon;      /* bytes, of the last heartbeat */
	uint64_t cpu_ns;         /* of the newest metrics, and at the last sample */
	uint64_t sampled_cpu_ns;
	uint32_t fds, threads, queued;
	uint64_t journal;        /* bytes */
	int64_t sampled_at;      /* monotonic */
	int64_t growth, creep;   /* bytes an hour, over an hour and over six; of the last sample */
};

int memory_init(struct memory *m, int64_t mono_ns); /* ERR_NOMEM */
void memory_fini(struct memory *m);
void memory_restarted(struct memory *m, int64_t mono_ns);
/* A hello, a heartbeat or the metrics of the service. Another pid is a restart that nobody else told us of. */
void memory_on_telemetry(struct memory *m, const struct event *ev, int64_t mono_ns);
/* Call often: takes a sample a minute. */
void memory_sample(struct memory *m, int64_t mono_ns);

/* Called for every rule each time, raised or not: whoever hears it tells only what is new. */
struct memory_alerts {
	void *ctx;
	void (*tell)(void *ctx, enum severity severity, bool raised, const char *rule, const char *subject,
		     const char *text);
};
/* memory_high, memory_growth, memory_runaway and memory_creep. */
void memory_judge(const struct memory *m, const struct memory_limits *l, const char *name,
		  const struct memory_alerts *to);
/* stack_memory_high, of the sum of them all. */
void memory_judge_stack(uint64_t rss, const struct memory_limits *l, const struct memory_alerts *to);

/* What nj trend shows, as pairs "NAME.what"; returns how many there are then. */
uint32_t memory_pairs(const struct memory *m, const char *name, struct pair *p, uint32_t n);

#endif
