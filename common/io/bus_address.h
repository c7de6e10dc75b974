/* bus_address - where each publisher's three sockets are: paths in a directory, or ports of a host. */
#ifndef NJ_IO_BUS_ADDRESS_H
#define NJ_IO_BUS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/io/bus.h"

#define BUS_ADDRESS_MAX 160
#define BUS_HOST_MAX 96

struct bus_place {
	char publisher[EVENT_SOURCE_MAX];
	char host[BUS_HOST_MAX]; /* name, IPv4, or IPv6 in brackets */
	uint16_t port;           /* of lane M; lane X and the requests follow it */
};

struct bus_addresses {
	char dir[80];
	bool tcp;
	char listen[BUS_HOST_MAX];
	struct bus_place at[BUS_PEERS_MAX];
	size_t n;
};

/* ERR_TOO_LONG, ERR_ARG with a reason that names the setting and the remedy. */
int bus_addresses_init(struct bus_addresses *a, const struct bus_zmq_options *o, char *reason, size_t cap);

/* ZeroMQ's endpoint of a lane (LANE_R: requests), to connect to or to bind. ERR_NOT_FOUND: bus.peers does not name the
 * publisher. */
int bus_address(const struct bus_addresses *a, const char *publisher, enum lane lane, bool bind,
		char ret_at[BUS_ADDRESS_MAX]);

#endif
