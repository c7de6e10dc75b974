/* fused - strategy and executor in one process: the bus between the cores, without sockets.
 *
 * Each core has the sequencer of its service, in lockstep: an event goes to whoever follows its
 * topic, and after each round a core tells the other how far it is, as the runtime's promises do.
 * Stamps strictly increase per publisher and sequences count as in the outbox, so every event is
 * the one that three processes publish, but for epoch and time of sending, which are 0 here.
 */
#ifndef NJ_TOOLS_NJ_FUSED_H
#define NJ_TOOLS_NJ_FUSED_H

#include "common/base/strmap.h"
#include "common/io/digest.h"
#include "common/service/core.h"
#include "common/service/sequencer.h"
#include "services/executor/house.h"
#include "services/strategy/core.h"

enum fused_who { FUSED_COLLECTOR, FUSED_EXECUTOR, FUSED_STRATEGY, FUSED_PUBLISHERS };

struct fused_lane { /* what one publisher has said on one lane */
	uint64_t events;
	struct digest digest; /* over the packed events; only where f->digests */
};

struct fused_publisher {
	char name[EVENT_SOURCE_MAX];
	int64_t last_stamp;
	uint64_t x_last;
	struct strmap topics; /* lane M: topic -> last sequence */
	struct fused_lane m, x;
};

struct fused_core { /* one of the two with a sequencer */
	struct fused *fused;
	enum fused_who who;
	const struct core_ops *ops;
	void *core;
	struct sequencer sequencer;
	struct sequencer_input *market, *feedback;
	const char *const *topics;
	int64_t latency; /* from an input to what it causes */
};

struct fused {
	struct house *executor;         /* owned */
	struct strategy_core *strategy; /* owned */
	struct fused_publisher publisher[FUSED_PUBLISHERS];
	struct fused_core core[FUSED_PUBLISHERS]; /* the collector's is unused */
	bool digests;
	uint64_t late;
	int err; /* sticky */
	/* Every event as it is published. May be NULL. */
	void (*on_event)(void *ctx, const struct event *ev);
	void *ctx;
};

struct fused_options {
	const struct strategy_core_settings *strategy;
	const struct executor_settings *executor; /* of each account */
	uint32_t accounts;
	int64_t queue_bytes;
	bool digests;
};

/* ERR_ARG (with a reason) and ERR_NOMEM of the cores. */
int fused_open(struct fused *f, const struct fused_options *o, char *reason, size_t cap);
void fused_close(struct fused *f); /* zeroed and half open are fine */

/* The collector publishes. */
void fused_publish(struct fused *f, struct event *ev);
/* It publishes nothing more at or before `at`: both cores go as far as they may. Returns f->err. */
int fused_advance(struct fused *f, int64_t at);

#endif
