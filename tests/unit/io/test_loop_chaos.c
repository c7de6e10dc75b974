/* test_loop_chaos - seeded disorder: callbacks add, end, pause, close and reopen all around them.
 *
 * Promises that must survive it: nothing ended is ever called, what was written is seen by whoever
 * watches it, timers fire once and not early, deferred calls run once, the loop never stands still.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/io/loop.h"

#define PAIRS 12
#define TIMERS 16
#define SOCKETS 4

struct chaos;

struct pair {
	struct chaos *c;
	int fd[2]; /* [0] is watched, [1] writes */
	struct loop_source *source;
	int events;
	int waiting; /* bytes in it */
};

struct timer {
	struct chaos *c;
	struct loop_source *source;
	int64_t due, every;
};

struct socket {
	struct chaos *c;
	void *in, *out;
	struct loop_source *source;
	int waiting;
};

struct chaos {
	struct loop *l;
	struct rng r;
	void *zmq;
	struct pair pairs[PAIRS];
	struct timer timers[TIMERS];
	struct socket sockets[SOCKETS];
	int deferred, undeferred, defers_seen;
	bool defer_waits;
	long steps, steps_max;
	long fd_calls, timer_calls, zmq_calls, hangups;
};

static void disorder(struct chaos *c);

static int64_t now(void)
{
	return clock_mono(clock_real());
}

static bool chance(struct chaos *c, uint64_t one_in)
{
	return rng_below(&c->r, one_in) == 0;
}

/* ---- descriptors ---- */

static void on_pair(void *ctx, int events)
{
	struct pair *p = ctx;
	char bytes[8];
	ssize_t n;

	must(p->source && p->events && !(events & ~(p->events | LOOP_ERR)) && events);
	p->c->fd_calls++;
	if (events & LOOP_IN) {
		n = recv(p->fd[0], bytes, 1 + rng_below(&p->c->r, sizeof bytes), MSG_DONTWAIT);
		must(n >= 0); /* level triggered: there was something, or the end */
		p->waiting -= (int)n;
		if (n == 0) {
			p->c->hangups++;
			loop_end(&p->source);
		}
	}
	disorder(p->c);
}

static void pair_close(struct pair *p)
{
	loop_end(&p->source);
	if (p->fd[0] >= 0)
		close(p->fd[0]);
	if (p->fd[1] >= 0)
		close(p->fd[1]);
	p->fd[0] = p->fd[1] = -1;
	p->waiting = 0;
}

static void stir_pair(struct chaos *c, struct pair *p)
{
	if (p->fd[0] < 0) {
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fd) == 0);
	} else if (!p->source) {
		p->events = 1 + (int)rng_below(&c->r, 2);
		must(loop_fd(c->l, p->fd[0], p->events, on_pair, p, &p->source) == 0);
	} else if (chance(c, 3)) {
		/* Writable all the time would drown the rest: rarely. */
		p->events = chance(c, 5) ? LOOP_IN | LOOP_OUT : (int)rng_below(&c->r, 2);
		must(loop_fd_events(p->source, p->events) == 0);
	} else if (chance(c, 4)) {
		loop_end(&p->source);
	} else if (chance(c, 4)) {
		pair_close(p);
	} else if (chance(c, 6) && p->fd[1] >= 0) {
		close(p->fd[1]);
		p->fd[1] = -1;
	} else if (p->fd[1] >= 0 && p->waiting < 1000) {
		must(send(p->fd[1], "12345", 5, 0) == 5);
		p->waiting += 5;
	}
}

/* ---- timers ---- */

static void on_timer(void *ctx)
{
	struct timer *t = ctx;

	must(t->source && now() >= t->due);
	t->c->timer_calls++;
	if (t->every == 0)
		t->source = NULL;
	t->due = now() + (t->every ? 0 : INT64_MAX / 2);
	disorder(t->c);
}

static void stir_timer(struct chaos *c, struct timer *t)
{
	int64_t after = chance(c, 3) ? 0 : (int64_t)rng_below(&c->r, 3 * NS_PER_MS);

	if (t->source && chance(c, 2)) {
		loop_end(&t->source);
	} else if (!t->source) {
		t->every = chance(c, 3) ? 1 + (int64_t)rng_below(&c->r, 2 * NS_PER_MS) : 0;
		t->due = now() + after;
		must(loop_timer(c->l, after, t->every, on_timer, t, &t->source) == 0);
	}
}

/* ---- ZeroMQ ---- */

static void on_socket(void *ctx, int events)
{
	struct socket *s = ctx;
	char bytes[8];

	must(s->source && events == LOOP_IN);
	s->c->zmq_calls++;
	if (zmq_recv(s->in, bytes, sizeof bytes, ZMQ_DONTWAIT) == 1)
		s->waiting--;
	disorder(s->c);
}

static void stir_socket(struct chaos *c, struct socket *s)
{
	if (s->source && chance(c, 8))
		loop_end(&s->source);
	else if (!s->source)
		must(loop_zmq(c->l, s->in, on_socket, s, &s->source) == 0);
	else if (s->waiting < 100 && zmq_send(s->out, "x", 1, ZMQ_DONTWAIT) == 1)
		s->waiting++;
}

/* ---- deferred calls ---- */

static void on_deferred(void *ctx)
{
	struct chaos *c = ctx;

	must(c->defer_waits);
	c->defer_waits = false;
	c->defers_seen++;
	if (chance(c, 2))
		disorder(c);
}

static void stir_defer(struct chaos *c)
{
	if (chance(c, 6)) {
		loop_undefer(c->l, on_deferred, c);
		c->undeferred += c->defer_waits;
		c->defer_waits = false;
		return;
	}
	loop_defer(c->l, on_deferred, c);
	c->deferred += !c->defer_waits;
	c->defer_waits = true;
}

static void disorder(struct chaos *c)
{
	for (uint64_t n = rng_below(&c->r, 4); n > 0; n--) {
		switch (rng_below(&c->r, 5)) {
		case 0: stir_timer(c, &c->timers[rng_below(&c->r, TIMERS)]); break;
		case 1: stir_socket(c, &c->sockets[rng_below(&c->r, SOCKETS)]); break;
		case 2: stir_defer(c); break;
		default: stir_pair(c, &c->pairs[rng_below(&c->r, PAIRS)]); break;
		}
	}
	if (++c->steps == c->steps_max)
		loop_stop(c->l);
}

/* ---- order again: all that was sent arrives ---- */

static void drain_pair(void *ctx, int events)
{
	struct pair *p = ctx;
	char bytes[2000];
	ssize_t n = recv(p->fd[0], bytes, sizeof bytes, MSG_DONTWAIT);

	must(events & LOOP_IN);
	p->waiting -= n > 0 ? (int)n : 0;
	if (n == 0)
		loop_end(&p->source);
}

static void drain_socket(void *ctx, int events)
{
	struct socket *s = ctx;
	char bytes[8];

	(void)events;
	while (zmq_recv(s->in, bytes, sizeof bytes, ZMQ_DONTWAIT) == 1)
		s->waiting--;
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void settle(struct chaos *c)
{
	struct loop_source *t;

	for (int i = 0; i < TIMERS; i++)
		loop_end(&c->timers[i].source);
	for (int i = 0; i < PAIRS; i++) {
		struct pair *p = &c->pairs[i];

		loop_end(&p->source);
		if (p->fd[0] >= 0)
			must(loop_fd(c->l, p->fd[0], LOOP_IN, drain_pair, p, &p->source) == 0);
	}
	for (int i = 0; i < SOCKETS; i++) {
		struct socket *s = &c->sockets[i];

		loop_end(&s->source);
		must(loop_zmq(c->l, s->in, drain_socket, s, &s->source) == 0);
	}
	must(loop_timer(c->l, 100 * NS_PER_MS, 0, stop, c->l, &t) == 0);
	must(loop_run(c->l) == 0);
	for (int i = 0; i < PAIRS; i++)
		assert_int_equal(c->pairs[i].waiting, 0);
	for (int i = 0; i < SOCKETS; i++)
		assert_int_equal(c->sockets[i].waiting, 0);
	assert_false(c->defer_waits);
	assert_int_equal(c->deferred, c->defers_seen + c->undeferred);
}

static void open_sockets(struct chaos *c)
{
	c->zmq = zmq_ctx_new();
	for (int i = 0; i < SOCKETS; i++) {
		char name[] = "inproc://0";

		name[9] = (char)('0' + i);
		c->sockets[i] = (struct socket){.c = c, .in = zmq_socket(c->zmq, ZMQ_PAIR),
						.out = zmq_socket(c->zmq, ZMQ_PAIR)};
		must(zmq_bind(c->sockets[i].in, name) == 0);
		must(zmq_connect(c->sockets[i].out, name) == 0);
	}
}

static void keep_stirring(void *ctx)
{
	disorder(ctx);
}

static void run(uint64_t seed, long steps)
{
	struct chaos c = {.steps_max = steps};
	struct loop_source *heart;

	rng_seed(&c.r, seed);
	assert_int_equal(loop_new(clock_real(), &c.l), 0);
	open_sockets(&c);
	for (int i = 0; i < PAIRS; i++)
		c.pairs[i] = (struct pair){.c = &c, .fd = {-1, -1}};
	for (int i = 0; i < TIMERS; i++)
		c.timers[i].c = &c;
	assert_int_equal(loop_timer(c.l, 0, NS_PER_MS / 2, keep_stirring, &c, &heart), 0);
	while (c.steps < steps)
		assert_int_equal(loop_run(c.l), 0);
	loop_end(&heart);
	settle(&c);
	assert_true(c.fd_calls > steps / 20 && c.timer_calls > steps / 100 && c.zmq_calls > 10);
	for (int i = 0; i < SOCKETS; i++)
		loop_end(&c.sockets[i].source);
	for (int i = 0; i < PAIRS; i++)
		pair_close(&c.pairs[i]);
	loop_free(c.l);
	for (int i = 0; i < SOCKETS; i++) {
		zmq_close(c.sockets[i].in);
		zmq_close(c.sockets[i].out);
	}
	zmq_ctx_term(c.zmq);
}

static void seeds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		run(seed, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(seeds)};

	return cmocka_run_group_tests_name("loop_chaos", tests, NULL, NULL);
}
