/* bus_zmq_priv - what the files of the ZeroMQ bus share; nobody else includes it. */
#ifndef NJ_IO_BUS_ZMQ_PRIV_H
#define NJ_IO_BUS_ZMQ_PRIV_H

#include "common/io/bus_address.h"
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

void *bus_context(void); /* ZeroMQ's, of this process */
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
		bool cut;
	} subscriber[BUS_CONNECTIONS_MAX];
};

/* Watches the socket; before bind or connect. The guard must stay where it is until bus_guard_close. */
int bus_guard_open(struct bus_guard *g, struct loop *l, void *socket, struct bus_counters *counters);
void bus_guard_close(struct bus_guard *g); /* before the socket is closed */

/* Takes in what the monitor has told. A loop_io_fn; ctx is the guard. */
void bus_guard_read(void *ctx, int events);
/* Every connection has been ended. */
void bus_guard_reset(struct bus_guard *g);

/* A subscription (bytes[0] 1) or its end (0) has arrived at an XPUB socket over the connection fd (<= 0: unknown). Cuts
 * off a connection with too many. False where it did. */
bool bus_guard_subscription(struct bus_guard *g, int fd, const uint8_t *bytes, size_t len);

/* ---- bus_zmq_curve.c ---- */

/* Our key, the keys that are let in, and the handler that lets them in (ZAP). Only over tcp. */
struct bus_curve;

/* ERR_NOT_FOUND, ERR_REFUSED, ERR_SYNTAX with a reason. */
int bus_curve_open(struct loop *l, const struct bus_zmq_options *o, struct bus_curve **ret_curve, char *reason,
		   size_t cap);
void bus_curve_close(struct bus_curve *c); /* NULL is fine; after the sockets */
/* Calls fn when keys have come or gone; lost: one that was let in is so no more. */
void bus_curve_on_change(struct bus_curve *c, void (*fn)(void *ctx, bool lost), void *ctx);

/* Makes a socket a server that takes only whom we know; before bind. ERR_BUSY: this process has a handler already. */
int bus_curve_serve(struct bus_curve *c, void *socket);
/* Public key of a publisher, to connect with; NULL where there is none that counts as a service. */
const char *bus_curve_key(const struct bus_curve *c, const char *publisher);
/* Says it in the log where followers know this publisher by another key than ours: they would not hear it. */
void bus_curve_check_own(const struct bus_curve *c, const char *publisher);
void bus_curve_connect(struct bus_curve *c, void *socket, const char *key);

/* What this name may do now: role_none once it is revoked. */
enum role bus_curve_role(const struct bus_curve *c, const char *name);
/* Is not let in for a minute: it has flooded us. */
void bus_curve_ban(struct bus_curve *c, const char *name);

/* ---- what the ends share ---- */

struct bus_net {
	struct loop *loop;
	struct bus_addresses addresses;
	struct bus_curve *curve; /* NULL: ipc */
	struct bus_counters *counters;
};

/* ---- bus_zmq_local.c: one of our own three sockets ---- */

struct bus_local {
	struct bus_net *net;
	void *socket;
	struct loop_source *source, *sweep, *retry;
	struct bus_guard guard;
	char at[BUS_ADDRESS_MAX];
};

int bus_local_open(struct bus_local *b, struct bus_net *net, const char *publisher, enum lane lane);
void bus_local_close(struct bus_local *b);
/* XPUB: takes subscriptions into force, which is what reading them does. A loop_io_fn; ctx is the bus_local. */
void bus_local_subscriptions(void *ctx, int events);
/* Ends every connection and takes new ones: how whoever is not let in any more is put out. */
void bus_local_renew(struct bus_local *b);

/* ---- bus_zmq_remote.c: a socket towards one publisher ---- */

struct bus_remote {
	struct bus_net *net;
	char publisher[EVENT_SOURCE_MAX], at[BUS_ADDRESS_MAX], key[48];
	void *socket;
	struct loop_source *source;
	struct bus_guard guard;
	bool connected, told;
};

/* Makes the socket; set guard.on_link before, subscribe after, then bus_remote_sync. */
int bus_remote_open(struct bus_remote *r, struct bus_net *net, const char *publisher, enum bus_socket kind);
void bus_remote_close(struct bus_remote *r);
/* Connects, or connects anew, or disconnects: whatever the publisher's key says now. */
int bus_remote_sync(struct bus_remote *r);

#endif
