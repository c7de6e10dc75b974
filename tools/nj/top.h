/* top - the bus at a glance, again and again: services with their lag, topics with rate, bytes, gaps and age. */
#ifndef NJ_TOOLS_NJ_TOP_H
#define NJ_TOOLS_NJ_TOP_H

#include "common/io/bus.h"
#include "proto/event.h"
#include "tools/nj/cli.h"
#include "tools/nj/table.h"

struct top_options {
	struct cli_list topics, never, publishers;
	int64_t reports, interval, rows;
	bool json, telemetry, once;
};

extern const struct table_column top_columns[]; /* of the services */
int top_run(struct cli *cli, const void *options, int argc, char **argv);

/* ---- what services say of themselves; pure ---- */

struct top_service {
	char name[EVENT_SOURCE_MAX];
	uint8_t life; /* enum life */
	uint64_t progress, shown_progress;
	uint64_t x_epoch, x_last, stored; /* stored: of its lane X, in the persister's database */
	uint64_t rss, errors;
	int64_t handled;  /* event time its core is at; 0: it has none */
	int64_t heard_at; /* monotonic, of its last heartbeat; 0 never */
	char note[EVENT_NAME_MAX];
};

struct top_services {
	struct top_service at[BUS_PEERS_MAX];
	size_t n;
	int64_t newest; /* ts_recv of the newest event of lane M: what lag is counted from */
};

/* Takes in a heartbeat or a promise; others only for their stamp. */
void top_on_event(struct top_services *s, const struct event *ev, enum lane lane, int64_t mono_ns);

/* ns its core is behind the newest market event; -1: it has no core. */
int64_t top_lag(const struct top_services *s, const struct top_service *t);
/* Records of its lane X that are not in the database yet; -1 unknown. */
int64_t top_unstored(const struct top_service *t);

#endif
