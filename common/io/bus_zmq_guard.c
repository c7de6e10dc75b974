/* bus_zmq_guard - watches the sockets' connections: counts what becomes of them, cuts off who asks for too much.
 *
 * libzmq tells by a monitor (a PAIR inside the process) what it does on its own thread. A connection is cut by
 * shutting its descriptor down, which libzmq then reads as the peer's end. The descriptor is libzmq's and may have
 * been closed and given away since, so it is only touched while it is a connection of the endpoint we watch.
 */
#include <zmq.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/bus_zmq_priv.h"

enum {
	EVENTS = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_CLOSED |
		 ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
		 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
	DRAIN_MAX = 2000
};

/* The endpoint as the kernel has it: "/run/x.m" or the port. Both sides are compared as libzmq writes them. */
static bool belongs_here(const struct bus_guard *g, int fd)
{
	char at[256] = "", here[256] = "";
	size_t len = sizeof at;
	struct sockaddr_storage name;
	socklen_t name_len = sizeof name;
	if (zmq_getsockopt(g->socket, ZMQ_LAST_ENDPOINT, at, &len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&name, &name_len) != 0)
		return false;
	if (name.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&name;
		snprintf(here, sizeof here, "ipc://%.107s", un->sun_path);
		return strcmp(at, here) == 0;
	}
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&name;
	const char *colon = strrchr(at, ':'); /* sin_port and sin6_port lie at the same place */
	snprintf(here, sizeof here, ":%u", (unsigned)ntohs(in->sin_port));
	return (name.ss_family == AF_INET || name.ss_family == AF_INET6) && colon && strcmp(colon, here) == 0;
}

static void cut_off(struct bus_guard *g, int fd)
{
	if (fd > 0 && belongs_here(g, fd))
		(void)shutdown(fd, SHUT_RDWR); /* it may have ended by itself meanwhile */
}

static struct bus_subscriber *subscriber_of(struct bus_guard *g, int fd)
{
	struct bus_subscriber *spare = NULL;
	for (size_t i = 0; i < ARRAY_LEN(g->subscriber); i++) {
		if (g->subscriber[i].fd == fd)
			return &g->subscriber[i];
		if (!spare && g->subscriber[i].fd == 0)
			spare = &g->subscriber[i];
	}
	if (spare)
		*spare = (struct bus_subscriber){.fd = fd};
	return spare;
}

static void forget(struct bus_guard *g, int fd)
{
	for (size_t i = 0; i < ARRAY_LEN(g->subscriber); i++)
		if (g->subscriber[i].fd == fd)
			g->subscriber[i] = (struct bus_subscriber){0};
}

bool bus_guard_subscription(struct bus_guard *g, int fd, const uint8_t *bytes, size_t len)
{
	if (len == 0 || bytes[0] > 1)
		return true; /* a message towards the publisher: XPUB hands it up, we have no use for it */
	if (bytes[0] == 0) {
		g->distinct -= g->distinct > 0;
		return true;
	}
	g->distinct++;
	struct bus_subscriber *s = fd > 0 ? subscriber_of(g, fd) : NULL;
	if (s && ++s->n <= BUS_SUBSCRIPTIONS_OF_ONE && g->distinct <= BUS_SUBSCRIPTIONS_ALL)
		return true;
	if (!s || !s->cut) {
		g->counters->cut_off++;
		cut_off(g, fd);
	}
	if (s)
		s->cut = true; /* some hundred may still come of it */
	return false;
}

static void set_link(struct bus_guard *g, bool up)
{
	if (g->up == up)
		return;
	g->up = up;
	if (g->on_link)
		g->on_link(g->ctx, up);
}

static void on_accepted(struct bus_guard *g, int fd)
{
	g->counters->accepted++;
	forget(g, fd);
	if (++g->connections <= BUS_CONNECTIONS_MAX)
		return;
	g->counters->cut_off++;
	cut_off(g, fd);
}

static void on_gone(struct bus_guard *g, int fd)
{
	forget(g, fd);
	g->connections -= g->connections > 0;
	g->counters->disconnects++;
	set_link(g, false);
}

static void on_event(struct bus_guard *g, uint16_t event, uint32_t value)
{
	switch (event) {
	case ZMQ_EVENT_ACCEPTED: on_accepted(g, (int)value); break;
	case ZMQ_EVENT_DISCONNECTED: on_gone(g, (int)value); break;
	case ZMQ_EVENT_ACCEPT_FAILED: g->counters->accept_failures++; break;
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: set_link(g, true); break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: g->counters->auth_failures++; break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: g->counters->handshake_failures++; break;
	default: break; /* CONNECTED, CLOSED: the handshake decides */
	}
}

void bus_guard_read(void *ctx, int events)
{
	struct bus_guard *g = ctx;
	(void)events;
	for (int i = 0; i < DRAIN_MAX; i++) {
		uint8_t head[6], address[256];
		int n = zmq_recv(g->pair, head, sizeof head, ZMQ_DONTWAIT);
		if (n < 0)
			return;
		uint16_t event;
		uint32_t value;
		memcpy(&event, head, sizeof event);
		memcpy(&value, head + sizeof event, sizeof value);
		if (zmq_recv(g->pair, address, sizeof address, ZMQ_DONTWAIT) < 0 || n != sizeof head)
			return;
		on_event(g, event, value);
	}
}

int bus_guard_open(struct bus_guard *g, struct loop *l, void *socket, struct bus_counters *counters)
{
	static unsigned made;
	char at[64];
	int zero = 0;
	g->socket = socket;
	g->counters = counters;
	snprintf(at, sizeof at, "inproc://nightjar.monitor.%u", ++made);
	if (zmq_socket_monitor(socket, at, EVENTS) != 0)
		return err_from_errno(errno);
	g->pair = zmq_socket(bus_context(), ZMQ_PAIR);
	if (!g->pair)
		return ERR_NOMEM;
	/* Unbounded: libzmq's thread would wait at the mark, and with it everybody's frames. What comes is as much as
	 * there are connections, and a loop that does not read for seconds is aborted by its watch. */
	must(zmq_setsockopt(g->pair, ZMQ_RCVHWM, &zero, sizeof zero) == 0);
	must(zmq_setsockopt(g->pair, ZMQ_LINGER, &zero, sizeof zero) == 0);
	if (zmq_connect(g->pair, at) != 0)
		return err_from_errno(errno);
	return loop_zmq(l, g->pair, bus_guard_read, g, &g->source);
}

void bus_guard_reset(struct bus_guard *g)
{
	g->connections = 0; /* what they had subscribed to is taken back one by one: distinct counts that */
	memset(g->subscriber, 0, sizeof g->subscriber);
}

void bus_guard_close(struct bus_guard *g)
{
	if (!g->socket)
		return;
	(void)zmq_socket_monitor(g->socket, NULL, 0); /* ends with the socket in any case */
	loop_end(&g->source);
	if (g->pair)
		zmq_close(g->pair);
	memset(g, 0, sizeof *g);
}
