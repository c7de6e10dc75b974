/* service - what a service is: a table of its name, settings, inputs, outputs and hooks; the runtime owns main.
 *
 * Two kinds. A core service (strategy, executor) names core_ops: its inputs are put into the order of event time by
 * the sequencer and applied to the core; what the core emits is published. Any other service takes its inputs as
 * they come through on_event, exactly once per lane-X record.
 */
#ifndef NJ_SERVICE_SERVICE_H
#define NJ_SERVICE_SERVICE_H

#include "common/io/config.h"
#include "common/io/metrics.h"
#include "common/service/core.h"
#include "common/service/inbox.h"
#include "common/service/outbox.h"
#include "common/service/sequencer.h"

struct runtime;

/* One lane of one publisher that the service follows. */
struct service_input {
	const char *publisher;
	enum lane lane;
	const char *const *prefixes; /* of topics, NULL-ended; NULL: all */
	enum sequencer_class class;  /* core services only */
};

struct service {
	const char *name; /* also its publisher name, settings section and folder under run.data */
	const char *doc;
	const char *const *peeks; /* config_peek: of other services' settings, what check looks at. NULL: nothing */
	const struct config_key *keys;      /* its settings section, NULL-name-ended */
	bool subsections;                   /* its section has free-form subsections (config_each) */
	bool variants;                      /* its section has subsections of the same keys (config_variant) */
	bool several;                       /* a stack may have several (run.collectors), each with its subsection */
	size_t settings_size;
	const struct service_input *inputs; /* ends with publisher NULL; may be NULL */
	const uint16_t *pubs;               /* ids of the events it may publish, 0-ended; the runtime asserts it */
	const struct metric_row *metrics;   /* over self's counters; may be NULL */
	const struct core_ops *core;        /* core services only */
	bool (*safe_for)(const void *self, const char *cause); /* who trades: is its core in safe mode for it? */
	bool logged;                        /* publishes lane M that others depend on: keeps a lane-M log */

	/* Whether start could build the service from these settings, opening nothing: for --check-config. Errors and
	 * reason as start's. May be NULL. */
	int (*check)(struct runtime *rt, const void *settings, char *reason, size_t cap);
	/* Builds the service from its settings; reason is filled on error (shown to people, exit 78 for ERR_ARG). */
	int (*start)(struct runtime *rt, const void *settings, void **ret_self, char *reason, size_t cap);
	void (*stop)(void *self); /* SIGTERM: stop taking in; called before the outbox is flushed */
	bool (*drained)(void *self); /* after stop: may the process end? NULL: at once */
	void (*abandon)(void *self); /* a second signal, or the drain's limit: the process ends now. May be NULL */
	void (*free)(void *self);

	void *(*core_of)(void *self);          /* core services */
	const void *(*metrics_of)(void *self); /* struct the metric rows point into */

	/* Other services whose time is not the clock's: event time now, for records of their shell. May be NULL. */
	int64_t (*now)(const void *self);

	/* The run id that a loaded snapshot goes on with, whatever the settings say now. May be NULL: the settings'. */
	const char *(*run_id)(const void *self);

	/* Other services: one event of an input. ERR_FULL: not now, offer it again. */
	int (*on_event)(void *self, struct inbox *in, const struct event *ev, const uint8_t *bytes, size_t len);
	/* Telemetry (heartbeat, promise, hello, metrics) of a followed publisher; may be NULL. */
	void (*on_telemetry)(void *self, const struct event *ev);
	/* Cursor of an input, before it starts: the service's own store knows it (persister). 0: filled in. */
	int (*cursor)(void *self, struct inbox *in);
	/* Records of an input are gone for good; the runtime has put a gap event on record. May be NULL. */
	void (*on_gap)(void *self, struct inbox *in, const struct inbox_gap *gap);

	/* Recovered and connected: begin to work. */
	void (*run)(void *self);
	void (*tick)(void *self, int64_t mono_ns); /* each 100 ms; may be NULL */
	void (*beat)(void *self, struct ev_heartbeat *hb); /* progress, note, silence_max, acks */
	/* A request the runtime does not answer itself. Fill the reply; page is an empty buf to append to. */
	void (*on_request)(void *self, const struct event *request, struct event *reply, struct buf *page);

	/* Core services: not 0 refuses a command before it is on record, for a reason (EVENT_TEXT_MAX). May be NULL. */
	int (*judge)(const void *self, const struct event *request, char *why);
	/* Core services: what became of a command, in words, once it was applied (EVENT_TEXT_MAX). May be NULL. */
	void (*obeyed)(void *self, const struct event *command, char *message);
	/* Keys of its section that nj reload may change, NULL-ended: a core's, which obeys the command reload and keeps
	 * them in its snapshots. live_value: what one of them is now. */
	const char *const *live;
	int (*live_value)(void *self, const char *key, int64_t *ret_value);

	/* Rules of alerts that it raises and resolves by what it knows at any time, NULL-ended: what its journal says
	 * was told before a restart is not told again. May be NULL. */
	const char *const *standing;

	/* Core services: inputs that the shell feeds (runtime_side), added last; which of them takes a record of our
	 * own journal again (NULL: none); an event was applied; may more be applied? All may be NULL. */
	int (*sides)(void *self);
	struct sequencer_input *(*side_of)(void *self, const struct event *ev);
	void (*applied)(void *self, int64_t now, const struct event *ev);
	bool (*ready)(void *self);

	/* Appends what only the service knows to one of its pages of docs/ ("settings"). May be NULL. */
	int (*docs)(const char *page, struct buf *out);

	/* State beside a core's; written with each snapshot, loaded before run. May be NULL. */
	int (*save)(void *self, struct buf *out);
	int (*load)(void *self, const uint8_t *at, size_t len);
};

int runtime_main(const struct service *s, int argc, char **argv);

#define SERVICE_MAIN(service)                               \
	int main(int argc, char **argv)                     \
	{                                                   \
		return runtime_main(&(service), argc, argv); \
	}

#endif
