/* client - nj's side of the bus: one request at a time with a time limit, and plain subscriptions. */
#ifndef NJ_TOOLS_NJ_CLIENT_H
#define NJ_TOOLS_NJ_CLIENT_H

#include "common/io/bus.h"
#include "common/io/loop.h"
#include "common/service/settings.h"
#include "proto/codec.h"

struct client {
	struct run_settings run;
	struct config *config; /* owned */
	struct loop *loop;     /* owned */
	struct bus *bus;       /* owned */
	struct arena arena;    /* owned: what the last reply points into */
	struct event reply;
	struct buf page;       /* of the last reply */
	uint64_t waits_for;
	bool answered;
	/* Frames of subscriptions; set before client_run. */
	void (*on_frame)(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len);
	/* Answers that client_ask does not wait for; may be NULL. */
	void (*on_reply)(void *ctx, const struct event *reply, const uint8_t *page, size_t len);
	void *ctx;
};

/* Reads the settings (path may be NULL; flags "section.key=value") and opens the bus as a subscriber. reason is filled
 * on error: ERR_ARG for settings. */
int client_open(struct client *c, const char *config_path, const char *const *flags, size_t n_flags, char *reason,
		size_t cap);
void client_close(struct client *c);

/* Starts a request: zeroed but for the verb; fill in what else it needs. */
void client_request_init(struct event *request, enum verb verb);

/* Sends it and waits. 0: c->reply and c->page hold the answer (whose own result may be an error); ERR_TIMEOUT where
 * nobody answered. */
int client_ask(struct client *c, const char *service, struct event *request, int64_t timeout_ns);

/* Services may be on other hosts: that nobody holds a lock here says nothing. */
bool client_far(const struct client *c);

/* Turns the loop for at most ns, or until client_stop. */
void client_run(struct client *c, int64_t ns);
void client_stop(struct client *c);

/* Value of a reply's pair by name; fallback where it has none. */
int64_t client_value(const struct client *c, const char *name, int64_t fallback);

#endif
