/* bus_zmq_remote - a socket towards one publisher: connected as its key allows, and anew when that changes. */
#include <zmq.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/io/bus_zmq_priv.h"
#include "common/io/log.h"

int bus_remote_open(struct bus_remote *r, struct bus_net *net, const char *publisher, enum bus_socket kind)
{
	enum lane lane = kind == BUS_SOCKET_SUB_M ? LANE_M : kind == BUS_SOCKET_SUB_X ? LANE_X : LANE_R;
	if (strlen(publisher) >= sizeof r->publisher)
		return ERR_TOO_LONG;
	int rc = bus_address(&net->addresses, publisher, lane, false, r->at);
	if (rc)
		return rc;
	memcpy(r->publisher, publisher, strlen(publisher) + 1);
	r->net = net;
	r->socket = bus_socket_new(kind, net->addresses.tcp);
	return r->socket ? bus_guard_open(&r->guard, net->loop, r->socket, net->counters) : ERR_NOMEM;
}

void bus_remote_close(struct bus_remote *r)
{
	loop_end(&r->source);
	bus_guard_close(&r->guard);
	if (r->socket)
		zmq_close(r->socket);
	r->socket = NULL;
}

static int connect_now(struct bus_remote *r)
{
	if (zmq_connect(r->socket, r->at) != 0)
		return err_from_errno(zmq_errno());
	r->connected = true;
	return 0;
}

static void disconnect(struct bus_remote *r)
{
	if (r->connected && zmq_disconnect(r->socket, r->at) != 0)
		log_warn("cannot disconnect", "publisher=%s err=%s", r->publisher, zmq_strerror(zmq_errno()));
	r->connected = false;
	r->key[0] = '\0';
}

int bus_remote_sync(struct bus_remote *r)
{
	if (!r->net->curve)
		return r->connected ? 0 : connect_now(r);
	const char *key = bus_curve_key(r->net->curve, r->publisher);
	if (r->connected && key && strcmp(key, r->key) == 0)
		return 0;
	disconnect(r);
	if (!key) { /* on another host things may be set up later: the key is looked for each second */
		if (!r->told)
			log_warn("no key of this publisher: not connected", "publisher=%s remedy=%s", r->publisher,
				 "copy its .pub file (role service) into bus.keys");
		r->told = true;
		return 0;
	}
	r->told = false;
	snprintf(r->key, sizeof r->key, "%s", key);
	bus_curve_connect(r->net->curve, r->socket, key);
	return connect_now(r);
}
