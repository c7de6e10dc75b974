/* bus - what a process needs of the message bus: publish on two lanes, subscribe, ask and answer; no policy.
 *
 * Two makers: bus_zmq (three sockets a publisher: PUB lane M, PUB lane X, ROUTER for requests) and bus_mem (the
 * same in one process, with loss on command). A frame is topic, NUL, packed events (proto/codec.h). Frames may
 * be lost on the way to a subscriber without a word: sequences, journals and the replay requests of
 * common/service are what makes that harmless.
 *
 * All calls and callbacks are on the loop's thread.
 */
#ifndef NJ_IO_BUS_H
#define NJ_IO_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

#define BUS_PEERS_MAX 32 /* publishers one process can follow */
#define BUS_PREFIXES_MAX 16 /* topic prefixes of one subscription */
#define BUS_FRAME_X_MAX (1u << 20)
#define BUS_PAGE_MAX (16u << 20) /* of an answer; sent in frames of BUS_FRAME_X_MAX */

struct bus;
struct bus_link { /* one subscription to one lane of one publisher; owned by the bus */
	void *tag; /* the subscriber's own */
};

/* Who asked: copied by value, good for one bus_reply at any later time. The role is its key's; where there are no keys
 * (ipc, in memory) whoever can reach the socket is this user and may do everything. */
struct bus_peer {
	uint8_t id[64]; /* opaque */
	uint8_t len;
	uint8_t role;  /* enum role */
	char name[32]; /* of its key; empty without keys */
};

struct bus_handler {
	/* A frame of a subscription; bytes are good during the call. */
	void (*on_frame)(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len);
	/* Everything one wake-up delivered has been handed over: work in batches. May be NULL. */
	void (*on_batch)(void *ctx);
	/* A request to us (one packed event) and the answer to one of ours (packed reply, then its page or empty). */
	void (*on_request)(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len);
	void (*on_reply)(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page,
			 size_t page_len);
	/* The connection to a publisher's lane stands, or is gone. May be NULL. */
	void (*on_peer)(void *ctx, const char *publisher, enum lane lane, bool up);
};

struct bus_counters {
	uint64_t sent[4], received[4]; /* by lane */
	uint64_t sent_bytes, received_bytes;
	uint64_t send_errors, oversized;
	/* Connections: taken, ended, ended in the handshake (not by our protocol; not let in), not taken for want of
	 * descriptors, and cut off for asking too much. */
	uint64_t accepted, disconnects, handshake_failures, auth_failures, accept_failures, cut_off;
};

struct bus_ops {
	void (*close)(struct bus *b);
	int (*bind)(struct bus *b, const char *publisher);
	int (*holds)(struct bus *b); /* NULL: nobody can take it */
	int (*send)(struct bus *b, enum lane lane, const void *frame, size_t len);
	int (*subscribe)(struct bus *b, const char *publisher, enum lane lane, const char *const *prefixes,
			 void *tag, struct bus_link **ret_link);
	int (*request)(struct bus *b, const char *publisher, const void *request, size_t len);
	int (*reply)(struct bus *b, const struct bus_peer *peer, const void *reply, size_t len, const void *page,
		     size_t page_len);
};

struct bus {
	const struct bus_ops *ops;
	struct bus_handler handler;
	void *ctx;
	struct bus_counters counters;
};

/* Takes the publisher's endpoints: exclusive, checked by a lock before any socket is bound. ERR_BUSY. */
static inline int bus_bind(struct bus *b, const char *publisher)
{
	return b->ops->bind(b, publisher);
}

/* Is what was bound still ours alone? ERR_BUSY: another process has taken the name. Other errors: it could be taken,
 * for the lock's file is gone and cannot be made again. */
static inline int bus_holds(struct bus *b)
{
	return b->ops->holds ? b->ops->holds(b) : 0;
}

/* Sends to whoever listens now; never blocks, never waits for anybody. ERR_TOO_LONG, ERR_IO. */
static inline int bus_send(struct bus *b, enum lane lane, const void *frame, size_t len)
{
	return b->ops->send(b, lane, frame, len);
}

/* Follows one lane of a publisher; prefixes end with NULL, {NULL} or NULL itself is everything. Works before the
 * publisher exists and across its restarts. `tag` comes back as link->tag. */
static inline int bus_subscribe(struct bus *b, const char *publisher, enum lane lane, const char *const *prefixes,
				void *tag, struct bus_link **ret_link)
{
	return b->ops->subscribe(b, publisher, lane, prefixes, tag, ret_link);
}

/* Sends a packed request; the answer comes to on_reply, or never (the asker keeps its own time limit). ERR_AGAIN
 * where the publisher is not there now. */
static inline int bus_request(struct bus *b, const char *publisher, const void *request, size_t len)
{
	return b->ops->request(b, publisher, request, len);
}
/* The page may have up to BUS_PAGE_MAX bytes. */
static inline int bus_reply(struct bus *b, const struct bus_peer *peer, const void *reply, size_t len,
			    const void *page, size_t page_len)
{
	return b->ops->reply(b, peer, reply, len, page, page_len);
}
static inline void bus_close(struct bus **b_p)
{
	if (*b_p)
		(*b_p)->ops->close(*b_p);
	*b_p = NULL;
}

struct loop;

struct bus_zmq_options {
	const char *dir;    /* locks, and the ipc sockets NAME.m, NAME.x, NAME.rep; made 0700, must be ours */
	bool tcp;           /* instead of ipc: three ports a publisher, sealed and authenticated by CURVE */
	const char *peers;  /* tcp: "collector=10.0.0.1:9410,…", the first of each publisher's three ports */
	const char *listen; /* tcp: address that ours are bound to; empty: the one that peers names */
	const char *keys;   /* tcp: directory of keys (keys.h) */
	const char *key;    /* tcp: name of our own */
};

/* Over ZeroMQ. The loop must outlive it; the options need not. ERR_ARG, ERR_IO, ERR_REFUSED with a reason. */
int bus_zmq_open(struct loop *l, const struct bus_zmq_options *o, const struct bus_handler *h, void *ctx,
		 struct bus **ret_bus, char *reason, size_t cap);

/* In memory: every bus made on one hub hears the others. Frames are queued and delivered by bus_mem_pump. */
struct bus_hub;
int bus_hub_new(struct bus_hub **ret_hub);
void bus_hub_free(struct bus_hub *hub); /* after every bus on it is closed */
int bus_mem_open(struct bus_hub *hub, const struct bus_handler *h, void *ctx, struct bus **ret_bus);
/* Delivers what is queued, and what that causes; returns how many frames. */
size_t bus_mem_pump(struct bus_hub *hub);
/* Loses every nth published frame from now on; 0 none. Requests and replies are never lost. */
void bus_hub_lose(struct bus_hub *hub, uint64_t every_nth);

#endif
