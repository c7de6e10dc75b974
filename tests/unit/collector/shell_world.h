/* shell_world - a collector's shell in process, on a simulated clock: a venue that the test plays, what was told. */
#ifndef NJ_TESTS_SHELL_WORLD_H
#define NJ_TESTS_SHELL_WORLD_H

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/service/runtime_state.h"
#include "services/collector/shell.h"

#define T0 (INT64_C(1700000040) * NS_PER_S)
#define TOLD_MAX 64
static const char trade_text[] =
	"{\"e\":\"trade\",\"E\":1700000040000,\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"100.00\",\"q\":\"1.0\","
	"\"T\":1700000040000,\"m\":false,\"M\":true}";
static const struct collector_market shell_market[] = {{"BTCUSDT", 0, VENUE_TRADE_STREAM}};
static const uint16_t pubs[] = {EVENT_alert, 0};
static const struct service service = {.name = "collector", .pubs = pubs};

struct world {
	struct clock_sim clock;
	struct runtime rt;
	struct bus_hub *hub;
	struct shell s;
	char dir[64];
	struct event told[TOLD_MAX];
	uint32_t n_told;
};

static inline void keep(void *ctx, struct event *ev)
{
	struct world *w = ctx;
	assert_true(w->n_told < TOLD_MAX);
	w->told[w->n_told++] = *ev;
}

/* What the core asks for, from inside its own call. */
static inline void request(void *ctx, const struct collector_request *r)
{
	struct world *w = ctx;
	uint32_t told = w->n_told;
	uint64_t replies = collector_core_counters(w->s.core)->replies;
	requests_send(&w->s, r);
	assert_int_equal(w->n_told, told);
	assert_int_equal(collector_core_counters(w->s.core)->replies, replies);
}

static inline void reconnect(void *ctx, uint32_t connection, const char *reason)
{
	struct world *w = ctx;
	connection_reconnect(&w->s, connection, reason);
}

static inline int setup(void **state)
{
	struct world *w = *state = calloc(1, sizeof *w);
	char reason[200];
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-shell-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	clock_sim_init(&w->clock, T0);
	w->rt.s = &service;
	assert_int_equal(strmap_init(&w->rt.alerts, RUNTIME_ALERTS_MAX, 1), 0);
	assert_int_equal(loop_new(&w->clock.clock, &w->rt.loop), 0);
	assert_int_equal(bus_hub_new(&w->hub), 0);
	assert_int_equal(bus_mem_open(w->hub, &follow_bus_handler, &w->rt, &w->rt.bus), 0);
	w->rt.run.snapshot_events = INT64_MAX;
	struct outbox_options o = {.source = "collector", .dir = w->dir, .clock = &w->clock.clock};
	assert_int_equal(outbox_open(&w->rt.outbox, w->rt.bus, &o, reason, sizeof reason), 0);
	struct shell *s = &w->s;
	s->rt = &w->rt;
	s->venue = venue_find("BINANCE", strlen("BINANCE"));
	assert_non_null(s->venue);
	s->sink = (struct sink){.ctx = w, .emit = keep};
	s->set.backoff_min_ns = s->set.backoff_max_ns = 3600 * NS_PER_S;
	snprintf(s->set.stream_url, sizeof s->set.stream_url, "ws://127.0.0.1:1/");
	snprintf(s->set.rest_url, sizeof s->set.rest_url, "http://203.0.113.1");
	struct collector_core_settings set;
	collector_core_defaults(&set, s->venue);
	set.markets = shell_market;
	set.n_markets = 1;
	set.origin = origin_simulated;
	struct collector_actions actions = {.ctx = w, .request = request, .reconnect = reconnect};
	assert_int_equal(collector_core_new(&set, &actions, &s->core), 0);
	assert_int_equal(connection_init(s), 0);
	assert_int_equal(http_open(w->rt.loop, &(struct http_options){.user_agent = "nightjar/test"}, &s->http), 0);
	return 0;
}

static inline int discard(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline int teardown(void **state)
{
	struct world *w = *state;
	connection_fini(&w->s);
	http_close(w->s.http);
	requests_fini(&w->s);
	collector_core_free(w->s.core);
	outbox_close(&w->rt.outbox);
	bus_close(&w->rt.bus);
	bus_hub_free(w->hub);
	loop_free(w->rt.loop);
	strmap_fini(&w->rt.alerts);
	assert_int_equal(nftw(w->dir, discard, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(w);
	return 0;
}

static inline void stop(void *ctx)
{
	loop_stop(ctx);
}

/* What was deferred runs, and what is due. */
static inline void turn(struct world *w)
{
	struct loop_source *soon;
	assert_int_equal(loop_timer(w->rt.loop, 0, 0, stop, w->rt.loop, &soon), 0);
	assert_int_equal(loop_run(w->rt.loop), 0);
}

static inline uint32_t count(const struct world *w, uint16_t id)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < w->n_told; i++)
		n += w->told[i].id == id;
	return n;
}

static inline const struct event *last(const struct world *w, uint16_t id)
{
	for (uint32_t i = w->n_told; i > 0; i--)
		if (w->told[i - 1].id == id)
			return &w->told[i - 1];
	return NULL;
}

static inline void frame(struct world *w, int id)
{
	char text[300];
	int n = snprintf(text, sizeof text, trade_text, id);
	pump_live_frame(&w->s.line[0], text, (size_t)n);
}

static inline void be_live(struct world *w)
{
	struct line *l = &w->s.line[0];
	clocks_look(&w->s);
	connection_set_origin(l, origin_simulated);
	struct collector_change open = {.now = pump_now(&w->s), .state = feed_live};
	collector_core_on_connection(w->s.core, &open, &w->s.sink);
	l->open_at = 1;
	l->told_live = true;
	frame(w, 1);
	assert_int_equal(count(w, EVENT_trade), 1);
	w->n_told = 0;
}

/* The venue's address for requests, where nobody answers yet. */
static inline int listen_for(struct world *w)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(w->s.set.rest_url, sizeof w->s.set.rest_url, "http://127.0.0.1:%d", ntohs(at.sin_port));
	return fd;
}

/* The venue's answer to the question that is under way, until `look` sees something else: it was heard. */
static inline void answer_by(struct world *w, int fd, uint64_t (*look)(const void *at), const void *at,
			     const char *reply)
{
	char request[2048];
	uint64_t before = look(at);
	int peer = -1;
	ssize_t got = 0;

	for (int i = 0; i < 20000 && look(at) == before; i++) {
		turn(w);
		(void)poll(&(struct pollfd){.fd = peer < 0 ? fd : peer, .events = POLLIN}, 1, 1);
		if (peer < 0)
			peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (peer < 0 || got > 0 || (got = recv(peer, request, sizeof request, 0)) <= 0)
			continue;
		assert_int_equal(send(peer, reply, strlen(reply), MSG_NOSIGNAL), strlen(reply));
	}
	assert_true(look(at) != before);
	close(peer);
}

static inline uint64_t look_at(const void *at)
{
	return *(const uint64_t *)at;
}

/* Likewise, until this is another. */
static inline void answer(struct world *w, int fd, const uint64_t *heard, const char *reply)
{
	answer_by(w, fd, look_at, heard, reply);
}

#endif
