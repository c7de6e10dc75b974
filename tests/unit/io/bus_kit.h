/* bus_kit - two ends of the bus on one loop, and a place for their sockets. */
#ifndef NJ_TESTS_BUS_KIT_H
#define NJ_TESTS_BUS_KIT_H

#include "tests/unit/io/journal_kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/check.h"
#include "common/io/bus_address.h"
#include "common/io/bus_zmq_priv.h"

#define BUS_KIT_LIMIT_NS (60 * NS_PER_S) /* generous: a loaded machine */

struct bus_end {
	struct loop *loop;
	struct bus *bus;
	uint64_t frames, requests, replies, ups, downs;
	size_t frame_len;
	uint64_t last; /* first eight bytes of the last frame's body */
	uint8_t frame[EVENT_PACKED_MAX];
	struct bus_peer peer;
};

static inline void bus_kit_on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct bus_end *e = ctx;
	(void)link;
	e->frames++;
	e->frame_len = len;
	memcpy(e->frame, frame, len < sizeof e->frame ? len : sizeof e->frame);
	if (len >= 10)
		memcpy(&e->last, frame + 2, sizeof e->last);
}

static inline void bus_kit_on_request(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len)
{
	struct bus_end *e = ctx;
	e->requests++;
	e->peer = *peer;
	bus_reply(e->bus, peer, request, len, "page", 4);
}

static inline void bus_kit_on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len,
				    const uint8_t *page, size_t page_len)
{
	struct bus_end *e = ctx;
	(void)publisher, (void)reply, (void)len;
	e->replies += page_len == 4 && memcmp(page, "page", 4) == 0;
}

static inline void bus_kit_on_peer(void *ctx, const char *publisher, enum lane lane, bool up)
{
	struct bus_end *e = ctx;
	(void)publisher, (void)lane;
	e->ups += up;
	e->downs += !up;
}

static const struct bus_handler bus_kit_handler = {.on_frame = bus_kit_on_frame,
						   .on_request = bus_kit_on_request,
						   .on_reply = bus_kit_on_reply,
						   .on_peer = bus_kit_on_peer};

static inline int bus_kit_open(struct bus_end *e, struct loop *l, const struct bus_zmq_options *o)
{
	char reason[300] = "";
	memset(e, 0, sizeof *e);
	e->loop = l;
	int rc = bus_zmq_open(l, o, &bus_kit_handler, e, &e->bus, reason, sizeof reason);
	if (rc)
		print_message("%s\n", reason);
	return rc;
}

static inline void bus_kit_tick(void *ctx)
{
	loop_stop(ctx);
}

/* Turns the loop once for 5 ms. */
static inline void bus_kit_turn(struct loop *l)
{
	struct loop_source *timer = NULL;
	assert_int_equal(loop_timer(l, 5 * NS_PER_MS, 0, bus_kit_tick, l, &timer), 0);
	assert_int_equal(loop_run(l), 0);
}

/* Turns the loop until the condition holds. */
#define BUS_KIT_UNTIL(l, condition)                                                                  \
	do {                                                                                          \
		int64_t end_ = clock_mono(clock_real()) + BUS_KIT_LIMIT_NS;                           \
		bool met_ = (condition);                                                              \
		while (!met_ && clock_mono(clock_real()) < end_) {                                    \
			bus_kit_turn(l);                                                              \
			met_ = (condition);                                                           \
		}                                                                                     \
		if (!met_)                                                                            \
			fail_msg("waited in vain for %s", #condition);                                \
	} while (0)

/* Three free ports that follow each other. */
static inline uint16_t bus_kit_ports(void)
{
	for (unsigned port = 21300 + (unsigned)getpid() % 2800 * 4; port < 65000; port += 3) {
		int fd[3], n = 0;
		for (bool ok = true; ok && n < 3; n += ok) {
			struct sockaddr_in a = {.sin_family = AF_INET,
						.sin_port = htons((uint16_t)(port + (unsigned)n)),
						.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
			fd[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			ok = bind(fd[n], (struct sockaddr *)&a, sizeof a) == 0;
			if (!ok)
				close(fd[n]);
		}
		for (int i = 0; i < n; i++)
			close(fd[i]);
		if (n == 3)
			return (uint16_t)port;
	}
	fail_msg("no free ports");
	return 0;
}

/* A frame "m NUL number". */
static inline int bus_kit_send(struct bus_end *e, enum lane lane, uint64_t number)
{
	uint8_t frame[10] = "m";
	memcpy(frame + 2, &number, sizeof number);
	return bus_send(e->bus, lane, frame, sizeof frame);
}

#endif
