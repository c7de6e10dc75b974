/* raw_socket - a socket of libzmq as the benchmarks' references have it: ipc, no high-water mark, one context. */
#ifndef NJ_TESTS_RAW_SOCKET_H
#define NJ_TESTS_RAW_SOCKET_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#include "common/base/check.h"

struct raw_place {
	const char *dir, *name; /* ipc://dir/name */
	bool bind;
};

/* One of type SUB takes what begins with the prefix. */
static inline void *raw_socket(int type, const struct raw_place *where, const char *prefix)
{
	static void *context;
	char at[120];
	int hwm = 0;
	context = context ? context : zmq_ctx_new();
	void *s = zmq_socket(context, type);
	snprintf(at, sizeof at, "ipc://%s/%s", where->dir, where->name);
	must(s && zmq_setsockopt(s, ZMQ_SNDHWM, &hwm, sizeof hwm) == 0);
	must(zmq_setsockopt(s, ZMQ_RCVHWM, &hwm, sizeof hwm) == 0);
	if (type == ZMQ_SUB)
		must(zmq_setsockopt(s, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) == 0);
	must((where->bind ? zmq_bind(s, at) : zmq_connect(s, at)) == 0);
	return s;
}

#endif
