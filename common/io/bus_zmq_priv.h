/* bus_zmq_priv - what the files of the ZeroMQ bus share; nobody else includes it. */
#ifndef NJ_IO_BUS_ZMQ_PRIV_H
#define NJ_IO_BUS_ZMQ_PRIV_H

#include "common/io/bus.h"
#include "common/io/loop.h"

/* Limits of what a stranger can make a publisher hold (bus.md rule 11, traps Z13, Z14 and Z16). */
enum {
	BUS_HWM = 10000,             /* messages queued for one subscriber, and received but not read */
	BUS_REPLIES_MAX = 16,        /* answers queued for one asker: pages may have 1 MiB */
	BUS_SUBSCRIPTION_MAX = 256,  /* bytes: all that a subscriber may send is a topic prefix */
	BUS_UNREAD_SUBSCRIPTIONS = 2,
	BUS_SUBSCRIPTIONS_OF_ONE = 256, /* of one connection */
	BUS_SUBSCRIPTIONS_ALL = 4096,   /* distinct ones on one lane */
	BUS_CONNECTIONS_MAX = 256,      /* accepted ones on one socket */
	BUS_SEAL_MAX = 64               /* bytes that CURVE adds to a frame */
};

/* ---- bus_zmq_socket.c ---- */

enum bus_socket {
	BUS_SOCKET_PUB_M, /* XPUB */
	BUS_SOCKET_PUB_X,
	BUS_SOCKET_REP,   /* ROUTER */
	BUS_SOCKET_SUB_M,
	BUS_SOCKET_SUB_X,
	BUS_SOCKET_ASK,   /* DEALER */
	BUS_SOCKETS
};

/* A socket with every option of its kind; tcp adds those that find a dead peer. NULL: no memory, no descriptor. */
void *bus_socket_new(enum bus_socket kind, bool tcp);

/* ---- bus_zmq_guard.c ---- */

/* One of our sockets as its monitor shows it. */
struct bus_guard {
	struct bus_counters *counters;
	void *socket, *pair; /* the pair is owned */
	struct loop_source *source;
	void (*on_link)(void *ctx, bool up); /* connecting sockets: the connection stands, is gone; may be NULL */
	void *ctx;
	bool up;
	int connections;   /* accepted and not closed */
	uint32_t distinct; /* subscriptions in force */
	struct bus_subscriber {
		int fd; /* 0: free */
		uint32_t n;
	} subscriber[BUS_CONNECTIONS_MAX];
};

/* Watches the socket; before bind or connect. The guard must stay where it is until bus_guard_close. */
int bus_guard_open(struct bus_guard *g, struct loop *l, void *socket, struct bus_counters *counters);
void bus_guard_close(struct bus_guard *g); /* before the socket is closed */

/* A subscription (bytes[0] 1) or its end (0) has arrived at an XPUB socket over the connection fd (<= 0: unknown). Cuts
 * off a connection with too many. False where it did. */
bool bus_guard_subscription(struct bus_guard *g, int fd, const uint8_t *bytes, size_t len);

#endif
