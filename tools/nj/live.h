/* live - the bus watched for a short while: how old market events are where, and the last price. */
#ifndef NJ_TOOLS_NJ_LIVE_H
#define NJ_TOOLS_NJ_LIVE_H

#include "common/base/hist.h"
#include "tools/nj/client.h"

struct live {
	struct client *client;
	struct arena arena;
	uint64_t events;
	uint8_t origin;          /* of the newest event */
	struct hist in_collector; /* ts_sent - ts_recv: taken off the venue's socket to published; not of
				     replays */
	struct hist on_bus;      /* our clock - ts_sent: published to decoded here */
	struct symbol instrument; /* of the last trade or top */
	int64_t price;
	uint8_t price_scale;
};

/* Watches the collector's trades and tops for ns. Errors of the bus. */
int live_watch(struct live *l, struct client *c, int64_t ns);
void live_fini(struct live *l);

#endif
