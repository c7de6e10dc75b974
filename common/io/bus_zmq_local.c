/* bus_zmq_local - one of a publisher's own three sockets: bound, watched, and bound anew to put somebody out. */
#include <zmq.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/io/bus_zmq_priv.h"
#include "common/io/log.h"

enum { SUBSCRIPTIONS_A_TURN = 200 };
#define RETRY_NS (20 * NS_PER_MS)
#define SWEEP_NS (50 * NS_PER_MS)

/* A send takes subscriptions into force, too, and with them their wake-up: they would never be counted. */
static void on_sweep(void *ctx)
{
	bus_local_subscriptions(ctx, LOOP_IN);
}

int bus_local_open(struct bus_local *b, struct bus_net *net, const char *publisher, enum lane lane)
{
	static const enum bus_socket kinds[] = {
		[LANE_M] = BUS_SOCKET_PUB_M, [LANE_X] = BUS_SOCKET_PUB_X, [LANE_R] = BUS_SOCKET_REP};
	int rc = bus_address(&net->addresses, publisher, lane, true, b->at);
	if (rc)
		return rc;
	b->net = net;
	b->socket = bus_socket_new(kinds[lane], net->addresses.tcp);
	if (!b->socket)
		return ERR_NOMEM;
	if (net->curve)
		rc = bus_curve_serve(net->curve, b->socket);
	if (!rc)
		rc = bus_guard_open(&b->guard, net->loop, b->socket, net->counters);
	if (!rc && zmq_bind(b->socket, b->at) != 0) {
		rc = err_from_errno(zmq_errno());
		log_error("cannot bind", "at=%s err=%s", b->at, zmq_strerror(zmq_errno()));
	}
	if (!rc && lane != LANE_R)
		rc = loop_timer(net->loop, SWEEP_NS, SWEEP_NS, on_sweep, b, &b->sweep);
	return rc;
}

void bus_local_close(struct bus_local *b)
{
	loop_end(&b->retry);
	loop_end(&b->sweep);
	loop_end(&b->source);
	bus_guard_close(&b->guard);
	if (b->socket)
		zmq_close(b->socket);
	b->socket = NULL;
}

void bus_local_subscriptions(void *ctx, int events)
{
	struct bus_local *b = ctx;
	zmq_msg_t m;
	zmq_msg_init(&m);
	int i = 0;
	bus_guard_read(&b->guard, events); /* a descriptor's number may be a new connection's */
	loop_zmq_look(b->guard.source);
	for (; i < SUBSCRIPTIONS_A_TURN && zmq_msg_recv(&m, b->socket, ZMQ_DONTWAIT) >= 0; i++) {
		const char *name = b->net->curve ? zmq_msg_gets(&m, "User-Id") : NULL;
		if (!bus_guard_subscription(&b->guard, zmq_msg_get(&m, ZMQ_SRCFD), zmq_msg_data(&m),
					    zmq_msg_size(&m)) && name)
			bus_curve_ban(b->net->curve, name);
	}
	zmq_msg_close(&m);
	if (i == SUBSCRIPTIONS_A_TURN && b->source)
		loop_zmq_look(b->source); /* there is more, and we may be in another socket's turn */
}

/* libzmq closes the old listener on its own thread: until it has, the address is taken. */
static void on_retry(void *ctx)
{
	struct bus_local *b = ctx;
	if (zmq_bind(b->socket, b->at) != 0) {
		log_warn("cannot bind anew yet", "at=%s err=%s", b->at, zmq_strerror(zmq_errno()));
		return;
	}
	loop_end(&b->retry);
}

void bus_local_renew(struct bus_local *b)
{
	if (!b->socket || b->retry)
		return;
	if (zmq_unbind(b->socket, b->at) != 0)
		log_warn("cannot unbind", "at=%s err=%s", b->at, zmq_strerror(zmq_errno()));
	bus_guard_reset(&b->guard);
	int rc = loop_timer(b->net->loop, RETRY_NS, RETRY_NS, on_retry, b, &b->retry);
	if (rc)
		log_error("cannot bind anew", "at=%s err=%s", b->at, err_name(rc));
}
