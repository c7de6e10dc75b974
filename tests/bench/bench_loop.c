/* bench_loop - what the loop costs over the bare system calls that any loop needs.
 *
 * Each line: name, ns a turn, ratio to its reference in the same run (1: it is the reference). A
 * turn is one byte written to an eventfd or socket, one wait, one callback that reads it and writes
 * the next. Rounds are interleaved and the least counts: other work only ever adds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <zmq.h>

#include "common/base/check.h"
#include "common/io/loop.h"

#define ROUNDS 9
#define TURNS 20000
#define QUIET 4

struct bench {
	struct loop *l;
	struct loop_source *source;
	int fd, left;
	void *in, *out;
};

static void ring(int fd)
{
	uint64_t one = 1;
	must(write(fd, &one, sizeof one) == sizeof one);
}

static void unring(int fd)
{
	uint64_t count;
	must(read(fd, &count, sizeof count) == sizeof count);
}

/* ---- descriptors ---- */

static void bare_epoll(void)
{
	int fd = eventfd(0, EFD_CLOEXEC), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN};
	must(fd >= 0 && ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	ring(fd);
	for (int i = 0; i < TURNS; i++) {
		must(epoll_wait(ep, &ev, 1, -1) == 1);
		unring(fd);
		ring(fd);
	}
	close(fd);
	close(ep);
}

static void on_fd(void *ctx, int events)
{
	struct bench *b = ctx;
	(void)events;
	unring(b->fd);
	ring(b->fd);
	if (--b->left == 0)
		loop_stop(b->l);
}

static void loop_descriptor(void)
{
	struct bench b = {.left = TURNS, .fd = eventfd(0, EFD_CLOEXEC)};
	must(loop_new(clock_real(), &b.l) == 0);
	must(loop_fd(b.l, b.fd, LOOP_IN, on_fd, &b, &b.source) == 0);
	ring(b.fd);
	must(loop_run(b.l) == 0);
	loop_free(b.l);
	close(b.fd);
}

/* ---- ZeroMQ ---- */

static void open_pair(struct bench *b, void *context)
{
	b->in = zmq_socket(context, ZMQ_PAIR);
	b->out = zmq_socket(context, ZMQ_PAIR);
	int unlimited = 0; /* one thread on both ends takes credit back too late for a limit */
	must(zmq_setsockopt(b->in, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == 0);
	must(zmq_setsockopt(b->out, ZMQ_SNDHWM, &unlimited, sizeof unlimited) == 0);
	must(zmq_bind(b->in, "inproc://bench") == 0 && zmq_connect(b->out, "inproc://bench") == 0);
	must(zmq_send(b->out, "x", 1, 0) == 1);
}

static void turn(struct bench *b)
{
	char text[8];
	must(zmq_recv(b->in, text, sizeof text, ZMQ_DONTWAIT) == 1);
	must(zmq_send(b->out, "x", 1, ZMQ_DONTWAIT) == 1);
}

/* The sockets of a service: one is busy, the others are quiet. */
static void open_quiet(void *context, void **quiet, int n)
{
	for (int i = 0; i < n; i++) {
		quiet[i] = zmq_socket(context, ZMQ_PAIR);
		must(quiet[i]);
	}
}

static void close_quiet(void **quiet, int n)
{
	for (int i = 0; i < n; i++)
		zmq_close(quiet[i]);
}

static void bare_zmq_poll(int others)
{
	void *context = zmq_ctx_new(), *quiet[QUIET];
	struct bench b = {0};
	open_pair(&b, context);
	open_quiet(context, quiet, others);
	zmq_pollitem_t items[1 + QUIET] = {{.socket = b.in, .events = ZMQ_POLLIN}};
	for (int i = 0; i < others; i++)
		items[1 + i] = (zmq_pollitem_t){.socket = quiet[i], .events = ZMQ_POLLIN};
	for (int i = 0; i < TURNS; i++) {
		must(zmq_poll(items, 1 + others, -1) == 1);
		turn(&b);
	}
	close_quiet(quiet, others);
	zmq_close(b.in);
	zmq_close(b.out);
	zmq_ctx_term(context);
}

static void zmq_poll_one(void)
{
	bare_zmq_poll(0);
}

static void zmq_poll_five(void)
{
	bare_zmq_poll(QUIET);
}

static void on_quiet(void *ctx, int events)
{
	(void)ctx, (void)events;
	check_failed("nobody sends there", __FILE__, __LINE__, __func__);
}

static void on_zmq(void *ctx, int events)
{
	struct bench *b = ctx;
	(void)events;
	turn(b);
	if (--b->left == 0)
		loop_stop(b->l);
}

static void loop_sockets(int others)
{
	void *context = zmq_ctx_new(), *quiet[QUIET];
	struct loop_source *source;
	struct bench b = {.left = TURNS};
	open_pair(&b, context);
	must(loop_new(clock_real(), &b.l) == 0);
	must(loop_zmq(b.l, b.in, on_zmq, &b, &b.source) == 0);
	open_quiet(context, quiet, others);
	for (int i = 0; i < others; i++)
		must(loop_zmq(b.l, quiet[i], on_quiet, NULL, &source) == 0);
	must(loop_run(b.l) == 0);
	loop_free(b.l);
	close_quiet(quiet, others);
	zmq_close(b.in);
	zmq_close(b.out);
	zmq_ctx_term(context);
}

static void loop_socket(void)
{
	loop_sockets(0);
}

static void loop_five_sockets(void)
{
	loop_sockets(QUIET);
}

/* ---- timers and deferred calls ---- */

static void on_timer(void *ctx)
{
	struct bench *b = ctx;
	if (--b->left == 0)
		loop_stop(b->l);
	else
		must(loop_timer(b->l, 0, 0, on_timer, b, &b->source) == 0);
}

static void loop_zero_timer(void)
{
	struct bench b = {.left = TURNS};
	must(loop_new(clock_real(), &b.l) == 0);
	must(loop_timer(b.l, 0, 0, on_timer, &b, &b.source) == 0);
	must(loop_run(b.l) == 0);
	loop_free(b.l);
}

/* A deadline for each of many requests: set and taken back before it is due, beside 1,000 others.
 */
static void loop_set_and_end(void)
{
	struct bench b = {0};
	must(loop_new(clock_real(), &b.l) == 0);
	for (int i = 0; i < 1000; i++)
		must(loop_timer(b.l, i * NS_PER_S, 0, on_timer, &b, &b.source) == 0);
	for (int i = 0; i < TURNS; i++) {
		must(loop_timer(b.l, 500 * NS_PER_S, 0, on_timer, &b, &b.source) == 0);
		loop_end(&b.source);
	}
	loop_free(b.l);
}

struct row {
	const char *name;
	void (*run)(void);
	int reference; /* row */
	double best;
};

int main(void)
{
	struct row rows[] = {
		{"epoll, bare", bare_epoll, 0, 1e18},
		{"descriptor", loop_descriptor, 0, 1e18},
		{"zmq_poll, bare", zmq_poll_one, 2, 1e18},
		{"ZeroMQ socket", loop_socket, 2, 1e18},
		{"zmq_poll, 4 quiet", zmq_poll_five, 4, 1e18},
		{"socket, 4 quiet", loop_five_sockets, 4, 1e18},
		{"timer of 0 ns", loop_zero_timer, 0, 1e18},
		{"timer set and ended", loop_set_and_end, 0, 1e18},
	};
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			int64_t began = clock_mono(clock_real());
			rows[i].run();
			double ns = (double)(clock_mono(clock_real()) - began) / TURNS;
			rows[i].best = ns < rows[i].best ? ns : rows[i].best;
		}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("%-22s %8.0f ns  %5.2f\n", rows[i].name, rows[i].best,
		       rows[i].best / rows[rows[i].reference].best);
	return 0;
}
