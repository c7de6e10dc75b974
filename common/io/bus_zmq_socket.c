/* bus_zmq_socket - the options of every ZeroMQ socket of the bus, as rows: limits, lingering, time limits.
 *
 * A subscriber's side of XPUB is narrow on purpose. libzmq keeps some 35 bytes for each byte of a subscription, and
 * takes them in as long as more arrive, before the application sees one. With two unread ones it must come back to us
 * every few hundred, so that bus_zmq_guard can cut a flood off (measured: 100,000 subscriptions of 100 bytes cost
 * 347 MB without, 8 MB with it).
 */
#include <czmq.h>

#include "common/base/check.h"
#include "common/io/bus_zmq_priv.h"

enum { LINGER_X_MS = 2000 };

static const struct row {
	int type;
	int64_t frame_max; /* bytes of what comes in */
	int send_hwm, receive_hwm, linger_ms;
} rows[BUS_SOCKETS] = {
	[BUS_SOCKET_PUB_M] = {ZMQ_XPUB, BUS_SUBSCRIPTION_MAX, BUS_HWM, BUS_UNREAD_SUBSCRIPTIONS, 0},
	[BUS_SOCKET_PUB_X] = {ZMQ_XPUB, BUS_SUBSCRIPTION_MAX, BUS_HWM, BUS_UNREAD_SUBSCRIPTIONS, LINGER_X_MS},
	[BUS_SOCKET_REP] = {ZMQ_ROUTER, EVENT_PACKED_MAX, BUS_REPLIES_MAX, BUS_REPLIES_MAX, 0},
	/* What a SUB socket sends is its subscriptions, and none of them may get lost (Z12). */
	[BUS_SOCKET_SUB_M] = {ZMQ_SUB, EVENT_PACKED_MAX, 0, BUS_HWM, 0},
	[BUS_SOCKET_SUB_X] = {ZMQ_SUB, BUS_FRAME_X_MAX, 0, BUS_HWM, 0},
	[BUS_SOCKET_ASK] = {ZMQ_DEALER, BUS_FRAME_X_MAX + EVENT_PACKED_MAX, BUS_HWM, BUS_HWM, 0},
};

/* A peer that has vanished is found by ZMTP's heartbeats: a ping each second, an answer within two. */
static const struct option {
	int name, value;
	bool tcp; /* only there */
} options[] = {
	{ZMQ_HANDSHAKE_IVL, 2000, false},
	{ZMQ_RECONNECT_IVL, 50, false},
	{ZMQ_RECONNECT_IVL_MAX, 2000, false},
	{ZMQ_HEARTBEAT_IVL, 1000, true},
	{ZMQ_HEARTBEAT_TIMEOUT, 2000, true},
	{ZMQ_HEARTBEAT_TTL, 3000, true},
	{ZMQ_CONNECT_TIMEOUT, 2000, true},
	{ZMQ_TCP_KEEPALIVE, 1, true},
	{ZMQ_TCP_KEEPALIVE_IDLE, 30, true},
	{ZMQ_TCP_KEEPALIVE_INTVL, 5, true},
	{ZMQ_TCP_KEEPALIVE_CNT, 3, true},
	{ZMQ_TCP_MAXRT, 5000, true},
};

static void set_int(void *socket, int option, int value)
{
	must(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

enum { ZERO_COPY_RECV = 10 }; /* ZMQ_ZERO_COPY_RECV of zmq.h, which shows it only to builds with drafts; libzmq 4.3 */

void *bus_context(void)
{
	void *context = zsys_init(); /* czmq's: one in the process, closed by nobody else */
	/* libzmq would let a message point into the buffer it was read into: a hundred bytes that wait then hold
	 * 18 KiB. Where it does not know the option, we only need more memory. */
	(void)zmq_ctx_set(context, ZERO_COPY_RECV, 0);
	return context;
}

void *bus_socket_new(enum bus_socket kind, bool tcp)
{
	const struct row *row = &rows[kind];
	void *s = zmq_socket(bus_context(), row->type);
	if (!s)
		return NULL;
	int64_t frame_max = row->frame_max + BUS_SEAL_MAX;
	must(zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0);
	set_int(s, ZMQ_SNDHWM, row->send_hwm);
	set_int(s, ZMQ_RCVHWM, row->receive_hwm);
	set_int(s, ZMQ_LINGER, row->linger_ms);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (tcp || !options[i].tcp)
			set_int(s, options[i].name, options[i].value);
	if (kind == BUS_SOCKET_ASK) /* queue only to a live connection: a request for a dead service fails at once */
		set_int(s, ZMQ_IMMEDIATE, 1);
	if (kind == BUS_SOCKET_REP) /* an answer that cannot be sent is an error that is counted */
		set_int(s, ZMQ_ROUTER_MANDATORY, 1);
	return s;
}
