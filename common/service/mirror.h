/* mirror - what a service publishes, shown in Redis for dashboards: last values, short lists, its own health.
 *
 * Nothing reads it back to decide. Last values are kept here and turned into JSON four times a second at most, so that
 * a fast market costs a copy per event; trades and candles are pushed as they come. All keys are rows of
 * common/io/cache_keys.def.
 */
#ifndef NJ_SERVICE_MIRROR_H
#define NJ_SERVICE_MIRROR_H

#include "common/base/strmap.h"
#include "common/io/cache.h"
#include "proto/event.h"

#define MIRROR_VALUES_MAX 1024

/* What is told of the cache (mirror_watch): each change once, not each failure.
 *
 *     UNTRIED, WELL, REFUSED --no connection--> AWAY
 *     UNTRIED, WELL, AWAY --error replies--> REFUSED
 *     UNTRIED --connected--> WELL <--ten seconds without either-- AWAY, REFUSED
 */
enum mirror_health { MIRROR_UNTRIED, MIRROR_WELL, MIRROR_AWAY, MIRROR_REFUSED };

struct mirror {
	struct cache *cache;   /* owned; NULL: no cache is configured, every call is a no-op */
	struct strmap values;  /* key and subject -> struct mirrored */
	struct buf json;
	int64_t written_at;    /* monotonic */
	uint64_t refused;      /* values that did not fit */
	enum mirror_health health;
	uint64_t losses, errors; /* of the connection, and error replies, at the last look */
	int64_t trouble_at, told_at; /* monotonic: of the last of them; of the last line about it */
};

/* address "": no cache. ERR_ARG with a reason where an option is unusable. */
int mirror_open(struct mirror *m, const char *address, const char *password, char *reason, size_t cap);
void mirror_close(struct mirror *m);

/* An event that was published; kinds that are not shown are ignored. */
void mirror_on_event(struct mirror *m, const struct event *ev);
/* The service's own heartbeat. */
void mirror_on_heartbeat(struct mirror *m, const char *service, const struct event *ev);
/* Writes what has changed, at most four times a second. */
void mirror_flush(struct mirror *m, int64_t mono_ns);
/* Logs a line where the cache went, came back or began to refuse; call with each heartbeat. */
void mirror_watch(struct mirror *m, int64_t mono_ns);

#endif
