/* test_loop - descriptors, ZeroMQ sockets, timers and deferred calls, and everything a callback may
 * do to them. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/io/loop.h"

struct world {
	struct loop *l;
	int pair[2];
	struct loop_source *a, *b, *timer, *guard;
	int calls, others, fired, events;
	int64_t began;
};

static void give_up(void *ctx)
{
	struct world *w = ctx;
	(void)w;
	fail_msg("the loop did not stop in time");
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	assert_int_equal(loop_new(clock_real(), &w->l), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w->pair), 0);
	assert_int_equal(loop_timer(w->l, 20 * NS_PER_S, 0, give_up, w, &w->guard), 0);
	w->began = clock_mono(clock_real());
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	loop_free(w->l);
	if (w->pair[0] >= 0)
		close(w->pair[0]);
	close(w->pair[1]);
	free(w);
	return 0;
}

static void stop(void *ctx)
{
	loop_stop(((struct world *)ctx)->l);
}

static void count(void *ctx)
{
	((struct world *)ctx)->fired++;
}

/* ---- timers ---- */

static void timer_zero_fires_at_once(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_timer(w->l, 0, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_true(clock_mono(clock_real()) - w->began < 5 * NS_PER_S);
}

static void timer_is_not_early_and_finer_than_a_millisecond(void **state)
{
	struct world *w = *state;
	int64_t best = INT64_MAX;
	for (int i = 0; i < 20 || (i < 2000 && best >= NS_PER_MS); i++) {
		int64_t began = clock_mono(clock_real());
		assert_int_equal(loop_timer(w->l, 200 * NS_PER_US, 0, stop, w, &w->timer), 0);
		assert_int_equal(loop_run(w->l), 0);
		int64_t took = clock_mono(clock_real()) - began;
		assert_true(took >= 200 * NS_PER_US);
		best = took < best ? took : best;
	}
	assert_true(best < NS_PER_MS); /* a millisecond clock could not have done it */
}

static void stop_after_five(void *ctx)
{
	struct world *w = ctx;
	if (++w->fired == 5) {
		loop_end(&w->timer);
		loop_stop(w->l);
	}
}

static void timer_repeats_until_ended_inside(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_timer(w->l, NS_PER_MS, 2 * NS_PER_MS, stop_after_five, w, &w->timer),
			 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->fired, 5);
	assert_null(w->timer);
	assert_true(clock_mono(clock_real()) - w->began >= 9 * NS_PER_MS);
}

/* The sleeper is moved by itself, three times; the late one is moved to the front. */
static void move_again(void *ctx)
{
	struct world *w = ctx;
	if (++w->fired < 3)
		loop_timer_move(w->a, NS_PER_MS);
}

static void timer_moves(void **state)
{
	struct world *w = *state;
	struct loop_source *sleeper;
	int64_t never = LOOP_NEVER;
	assert_int_equal(loop_timer(w->l, never, never, move_again, w, &w->a), 0);
	assert_int_equal(loop_timer(w->l, never, never, give_up, w, &sleeper), 0);
	assert_int_equal(loop_timer(w->l, 10 * NS_PER_S, 0, stop, w, &w->timer), 0);
	loop_timer_move(w->a, 0);
	loop_timer_move(w->timer, 10 * NS_PER_MS);
	assert_int_equal(loop_run(w->l), 0);
	int64_t took = clock_mono(clock_real()) - w->began;
	assert_true(took >= 10 * NS_PER_MS && took < 5 * NS_PER_S);
	assert_int_equal(w->fired, 3);
	loop_timer_move(w->a, 0);
	loop_timer_move(w->a, never); /* taken back */
	assert_int_equal(loop_timer(w->l, 5 * NS_PER_MS, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->fired, 3);
}

static void end_both(void *ctx)
{
	struct world *w = ctx;
	w->fired++;
	loop_end(&w->a); /* the one that runs, or the one that would run next: both are due */
	loop_end(&w->b);
	loop_end(&w->a); /* null by now: nothing happens */
}

static void timer_ends_itself_and_another(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_timer(w->l, 0, 0, end_both, w, &w->a), 0);
	assert_int_equal(loop_timer(w->l, 0, NS_PER_MS, end_both, w, &w->b), 0);
	assert_int_equal(loop_timer(w->l, 5 * NS_PER_MS, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->fired, 1);
}

static void rearm(void *ctx)
{
	struct world *w = ctx;
	w->fired++;
	w->timer = NULL;
	assert_int_equal(loop_timer(w->l, 0, 0, rearm, w, &w->timer), 0);
}

static void on_byte_stop(void *ctx, int events)
{
	struct world *w = ctx;
	assert_int_equal(events, LOOP_IN);
	loop_stop(w->l);
}

static void zero_timer_that_rearms_does_not_starve_descriptors(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_timer(w->l, 0, 0, rearm, w, &w->timer), 0);
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_IN, on_byte_stop, w, &w->a), 0);
	assert_int_equal(write(w->pair[1], "x", 1), 1);
	assert_int_equal(loop_run(w->l), 0);
}

#define MANY 500

struct many {
	struct loop *l;
	struct one {
		struct many *all;
		struct loop_source *s;
		int64_t due_from, due_to; /* the loop read its clock somewhere in between */
		bool ended;
	} one[MANY];
	int64_t last; /* what has fired was due then or later */
	int fired, expect;
};

static void in_order(void *ctx)
{
	struct one *o = ctx;
	struct many *m = o->all;
	assert_false(o->ended);
	o->ended = true;
	o->s = NULL;
	assert_true(o->due_to >= m->last);
	if (o->due_from > m->last)
		m->last = o->due_from;
	if (++m->fired == m->expect)
		loop_stop(m->l);
}

static void heap_keeps_order_under_removal(void **state)
{
	struct world *w = *state;
	static struct many m;
	m = (struct many){.l = w->l, .expect = MANY};
	struct rng rng;
	rng_seed(&rng, 7);
	for (int i = 0; i < MANY; i++) {
		struct one *o = &m.one[i];
		o->all = &m;
		int64_t delay = (int64_t)rng_below(&rng, 10) * NS_PER_MS;
		o->due_from = clock_mono(clock_real()) + delay;
		assert_int_equal(loop_timer(w->l, delay, 0, in_order, o, &o->s), 0);
		o->due_to = clock_mono(clock_real()) + delay;
	}
	for (int i = 0; i < MANY / 2; i++) {
		struct one *o = &m.one[rng_below(&rng, MANY)];
		m.expect -= !o->ended;
		o->ended = true;
		loop_end(&o->s);
	}
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(m.fired, m.expect);
}

static void end_the_idle_of_a_second_run(void *ctx)
{
	struct world *w = ctx;
	loop_end(&w->timer);
	loop_stop(w->l);
}

static void runs_again_after_stop(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
			loop_timer(w->l, 0, NS_PER_MS, end_the_idle_of_a_second_run, w, &w->timer),
			0);
		assert_int_equal(loop_run(w->l), 0);
	}
	loop_stop(w->l); /* before the run: kept */
	assert_int_equal(loop_run(w->l), 0);
}

static void idle_loop_turns(void **state)
{
	struct world *w = *state;
	uint64_t before = loop_turns(w->l);
	assert_int_equal(loop_timer(w->l, 2 * NS_PER_S, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	uint64_t turns = loop_turns(w->l) - before;
	assert_true(turns >= 5);
	assert_true(turns < 200); /* and does not spin */
}

static void advance(void *ctx, int events)
{
	(void)events;
	struct clock_sim *sim = ctx;
	clock_sim_advance(sim, NS_PER_S);
}

static void simulated_clock_drives_timers(void **state)
{
	struct world *w = *state;
	struct clock_sim sim;
	clock_sim_init(&sim, 0);
	struct loop *real = w->l;
	assert_int_equal(loop_new(&sim.clock, &w->l), 0);
	assert_ptr_equal(loop_clock(w->l), &sim.clock);
	/* A socket that is always writable moves the clock one second at each turn. */
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_OUT, advance, &sim, &w->a), 0);
	assert_int_equal(loop_timer(w->l, NS_PER_S, NS_PER_S, count, w, &w->b), 0);
	assert_int_equal(loop_timer(w->l, 3600 * NS_PER_S, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(clock_mono(&sim.clock), 3600 * NS_PER_S);
	/* At equal times the one armed first comes first: the stop. */
	assert_int_equal(w->fired, 3599);
	loop_free(w->l);
	w->l = real;
}

/* ---- descriptors ---- */

static void on_change(void *ctx, int events)
{
	struct world *w = ctx;
	w->calls++;
	w->events = events;
	if (events & LOOP_OUT) { /* 1st: writable; from now on only readable */
		assert_int_equal(loop_fd_events(w->a, LOOP_IN), 0);
		assert_int_equal(write(w->pair[1], "x", 1), 1);
		return;
	}
	if (w->calls == 2) { /* not read: level-triggered, comes again; then pause */
		return;
	}
	assert_int_equal(loop_fd_events(w->a, 0), 0);
}

static void resume(void *ctx)
{
	struct world *w = ctx;
	w->timer = NULL;
	assert_int_equal(w->calls, 3); /* paused since */
	assert_int_equal(w->events, LOOP_IN);
	assert_int_equal(loop_fd_events(w->a, LOOP_IN | LOOP_OUT), 0);
	loop_stop(w->l);
}

static void events_change_and_pause(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_OUT, on_change, w, &w->a), 0);
	assert_int_equal(loop_timer(w->l, 20 * NS_PER_MS, 0, resume, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->calls, 3);
}

static void one_source_a_descriptor(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_IN, on_byte_stop, w, &w->a), 0);
	struct loop_source *untouched = NULL;
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_OUT, on_byte_stop, w, &untouched),
			 ERR_EXISTS);
	assert_null(untouched);
	loop_end(&w->a);
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_IN, on_byte_stop, w, &w->a), 0);
}

static void regular_file_is_refused(void **state)
{
	struct world *w = *state;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(loop_fd(w->l, fd, LOOP_IN, on_byte_stop, w, &w->a) < 0);
	assert_null(w->a);
	close(fd);
}

static void on_hangup(void *ctx, int events)
{
	struct world *w = ctx;
	assert_int_equal(events, LOOP_IN);
	char byte;
	assert_int_equal(read(w->pair[0], &byte, 1), 0);
	loop_end(&w->a);
	loop_stop(w->l);
}

static void hangup_reads_as_end(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_IN, on_hangup, w, &w->a), 0);
	assert_int_equal(shutdown(w->pair[1], SHUT_RDWR), 0);
	assert_int_equal(loop_run(w->l), 0);
}

static void paused_descriptor_does_not_spin_on_hangup(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_fd(w->l, w->pair[0], 0, on_hangup, w, &w->a), 0);
	assert_int_equal(shutdown(w->pair[1], SHUT_RDWR), 0);
	idle_loop_turns(state);
}

/* Two descriptors are ready in one turn; whichever runs first ends and closes the other, and
 * watches a new one that gets the same number. The stale event must reach neither. */
static void on_first_of_two(void *ctx, int events)
{
	struct world *w = ctx;
	(void)events;
	assert_int_equal(w->calls++, 0);
	loop_end(&w->a);
	loop_end(&w->b);
	close(w->pair[0]);
	w->pair[0] = eventfd(0, EFD_CLOEXEC);
	assert_true(w->pair[0] >= 0);
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_IN, on_first_of_two, w, &w->a), 0);
}

static void stale_events_reach_nobody(void **state)
{
	struct world *w = *state;
	assert_int_equal(write(w->pair[0], "x", 1), 1);
	assert_int_equal(write(w->pair[1], "x", 1), 1);
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_IN, on_first_of_two, w, &w->a), 0);
	assert_int_equal(loop_fd(w->l, w->pair[1], LOOP_IN, on_first_of_two, w, &w->b), 0);
	assert_int_equal(loop_timer(w->l, 20 * NS_PER_MS, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->calls, 1);
}

static void on_noisy(void *ctx, int events)
{
	struct world *w = ctx;
	w->calls++;
	(void)events; /* toggles what it waits for at each call, and stays ready */
	assert_int_equal(loop_fd_events(w->a, (w->calls & 1) ? LOOP_OUT : LOOP_OUT | LOOP_IN), 0);
}

static void on_quiet(void *ctx, int events)
{
	struct world *w = ctx;
	(void)events;
	if (++w->others == 100)
		loop_stop(w->l);
}

static void noisy_descriptor_does_not_starve_another(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_fd(w->l, w->pair[0], LOOP_OUT, on_noisy, w, &w->a), 0);
	assert_int_equal(loop_fd(w->l, w->pair[1], LOOP_OUT, on_quiet, w, &w->b), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_true(w->calls >= 99 && w->calls <= 101);
}

/* ---- ZeroMQ ---- */

struct zmq_world {
	struct world *w;
	void *context, *sub, *pub;
};

static void on_message(void *ctx, int events)
{
	struct zmq_world *z = ctx;
	assert_int_equal(events, LOOP_IN);
	char text[8];
	assert_int_equal(zmq_recv(z->sub, text, sizeof text, ZMQ_DONTWAIT), 1);
	if (++z->w->calls == 1000) { /* one a call: level-triggered like a descriptor */
		loop_end(&z->w->a);
		zmq_close(z->sub);
		z->sub = NULL;
		loop_stop(z->w->l);
	}
}

static void zmq_socket_is_read_and_ended_inside(void **state)
{
	struct zmq_world z = {.w = *state, .context = zmq_ctx_new()};
	z.sub = zmq_socket(z.context, ZMQ_PAIR);
	z.pub = zmq_socket(z.context, ZMQ_PAIR);
	assert_int_equal(zmq_bind(z.pub, "inproc://pair"), 0);
	assert_int_equal(zmq_connect(z.sub, "inproc://pair"), 0);
	assert_int_equal(loop_zmq(z.w->l, z.sub, on_message, &z, &z.w->a), 0);
	assert_int_equal(loop_zmq(z.w->l, z.sub, on_message, &z, &z.w->b), ERR_EXISTS);
	assert_int_equal(loop_fd(z.w->l, z.w->pair[1], LOOP_OUT, on_quiet, z.w, &z.w->b), 0);
	z.w->others = -2000; /* counts turns of a busy descriptor beside it */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(zmq_send(z.pub, "x", 1, ZMQ_DONTWAIT), 1);
	assert_int_equal(loop_run(z.w->l), 0);
	assert_int_equal(z.w->calls, 1000);
	assert_true(z.w->others >= -2000 + 900); /* neither starved the other */
	zmq_close(z.pub);
	zmq_ctx_term(z.context);
}

static void end_sub_from_timer(void *ctx)
{
	struct zmq_world *z = ctx;
	z->w->timer = NULL;
	loop_end(&z->w->a);
	zmq_close(z->sub);
	loop_stop(z->w->l);
}

static void zmq_socket_is_ended_by_another_callback(void **state)
{
	struct zmq_world z = {.w = *state, .context = zmq_ctx_new()};
	z.sub = zmq_socket(z.context, ZMQ_PAIR);
	assert_int_equal(zmq_bind(z.sub, "inproc://pair"), 0);
	assert_int_equal(loop_zmq(z.w->l, z.sub, on_message, &z, &z.w->a), 0);
	assert_int_equal(loop_timer(z.w->l, NS_PER_MS, 0, end_sub_from_timer, &z, &z.w->timer), 0);
	assert_int_equal(loop_run(z.w->l), 0);
	zmq_ctx_term(z.context);
}

static void drain(void *ctx, int events)
{
	struct zmq_world *z = ctx;
	char text[8];
	(void)events;
	while (zmq_recv(z->sub, text, sizeof text, ZMQ_DONTWAIT) == 1)
		z->w->calls++;
	loop_stop(z->w->l);
}

/* Any call on a socket may process the command that brought the message: its descriptor is silent
 * then, and only loop_zmq_look tells the loop. */
static void take_the_wake_up(void *ctx)
{
	struct zmq_world *z = ctx;
	int fd, events;
	size_t len = sizeof fd;
	z->w->timer = NULL;
	assert_int_equal(zmq_send(z->pub, "x", 1, ZMQ_DONTWAIT), 1);
	assert_int_equal(zmq_getsockopt(z->sub, ZMQ_FD, &fd, &len), 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 5000), 1);
	len = sizeof events;
	assert_int_equal(zmq_getsockopt(z->sub, ZMQ_EVENTS, &events, &len), 0);
	assert_true(events & ZMQ_POLLIN);
	assert_int_equal(poll(&p, 1, 0), 0);
	loop_zmq_look(z->w->a);
}

static void zmq_socket_is_looked_at_when_asked(void **state)
{
	struct zmq_world z = {.w = *state, .context = zmq_ctx_new()};
	z.sub = zmq_socket(z.context, ZMQ_PAIR);
	z.pub = zmq_socket(z.context, ZMQ_PAIR);
	assert_int_equal(zmq_bind(z.pub, "inproc://pair"), 0);
	assert_int_equal(zmq_connect(z.sub, "inproc://pair"), 0);
	assert_int_equal(loop_zmq(z.w->l, z.sub, drain, &z, &z.w->a), 0);
	assert_int_equal(loop_timer(z.w->l, NS_PER_MS, 0, take_the_wake_up, &z, &z.w->timer), 0);
	assert_int_equal(loop_run(z.w->l), 0);
	assert_int_equal(z.w->calls, 1);
	loop_end(&z.w->a);
	zmq_close(z.sub);
	zmq_close(z.pub);
	zmq_ctx_term(z.context);
}

static void dead_context_is_an_error(void **state)
{
	struct zmq_world z = {.w = *state, .context = zmq_ctx_new()};
	z.sub = zmq_socket(z.context, ZMQ_PAIR);
	assert_int_equal(zmq_bind(z.sub, "inproc://pair"), 0);
	assert_int_equal(loop_zmq(z.w->l, z.sub, on_message, &z, &z.w->a), 0);
	assert_int_equal(zmq_ctx_shutdown(z.context), 0);
	assert_int_equal(loop_run(z.w->l), ERR_IO);
	loop_end(&z.w->a);
	zmq_close(z.sub);
	zmq_ctx_term(z.context);
}

/* ---- deferred calls ---- */

static void flush(void *ctx)
{
	((struct world *)ctx)->others++;
}

static void defer_twice(void *ctx)
{
	struct world *w = ctx;
	w->fired++;
	loop_defer(w->l, flush, w);
	loop_defer(w->l, flush, w);
	loop_defer(w->l, count, w);
	loop_undefer(w->l, count, w);
	assert_int_equal(w->others, w->fired - 1); /* not before we returned */
	if (w->fired == 3)
		loop_stop(w->l);
}

static void deferred_runs_once_after_each_callback(void **state)
{
	struct world *w = *state;
	assert_int_equal(loop_timer(w->l, 0, NS_PER_US, defer_twice, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->fired, 3);
	assert_int_equal(w->others, 3);
}

static void deferred_outside_runs_at_next_turn(void **state)
{
	struct world *w = *state;
	loop_defer(w->l, stop, w);
	assert_int_equal(loop_run(w->l), 0);
	assert_true(clock_mono(clock_real()) - w->began < 50 * NS_PER_MS);
}

static void defer_again(void *ctx)
{
	struct world *w = ctx;
	w->others++;
	loop_defer(w->l, defer_again, w);
}

static void deferred_that_repeats_does_not_starve(void **state)
{
	struct world *w = *state;
	loop_defer(w->l, defer_again, w);
	assert_int_equal(loop_timer(w->l, 5 * NS_PER_MS, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_true(w->others > 0);
}

/* ---- the process around it ---- */

static void on_signal(int nr)
{
	(void)nr;
}

static void *interrupt(void *arg)
{
	pthread_t *loop_thread = arg;
	for (int i = 0; i < 20; i++) {
		struct timespec t = {.tv_nsec = 2000000};
		nanosleep(&t, NULL);
		pthread_kill(*loop_thread, SIGUSR1);
	}
	return NULL;
}

static void signals_do_not_end_it(void **state)
{
	struct world *w = *state;
	struct sigaction sa = {.sa_handler = on_signal};
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	pthread_t self = pthread_self(), other;
	assert_int_equal(pthread_create(&other, NULL, interrupt, &self), 0);
	assert_int_equal(loop_timer(w->l, 100 * NS_PER_MS, 0, stop, w, &w->timer), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_true(clock_mono(clock_real()) - w->began >= 100 * NS_PER_MS);
	pthread_join(other, NULL);
}

static void czmq_leaves_signals_and_environment_alone(void **state)
{
	(void)state;
	struct sigaction sa;
	assert_int_equal(sigaction(SIGTERM, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_DFL);
	assert_null(getenv("ZSYS_LINGER"));
	assert_null(getenv("ZSYS_SIGHANDLER"));
	assert_non_null(getenv("ZSYSTEM"));
}

static void sources_are_bounded(void **state)
{
	struct world *w = *state;
	int rc = 0, n = 0;
	for (; n < 10000 && rc == 0; n++)
		rc = loop_timer(w->l, NS_PER_S, 0, count, w, &w->timer);
	assert_int_equal(rc, ERR_FULL);
	assert_true(n > 4000 && n < 4100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	setenv("ZSYS_LINGER", "7", 1);
	setenv("ZSYS_SIGHANDLER", "true", 1);
	setenv("ZSYSTEM", "stays", 1);
	const struct CMUnitTest tests[] = {
		T(timer_zero_fires_at_once),
		T(timer_is_not_early_and_finer_than_a_millisecond),
		T(timer_repeats_until_ended_inside),
		T(timer_moves),
		T(timer_ends_itself_and_another),
		T(zero_timer_that_rearms_does_not_starve_descriptors),
		T(heap_keeps_order_under_removal),
		T(runs_again_after_stop),
		T(idle_loop_turns),
		T(simulated_clock_drives_timers),
		T(events_change_and_pause),
		T(one_source_a_descriptor),
		T(regular_file_is_refused),
		T(hangup_reads_as_end),
		T(paused_descriptor_does_not_spin_on_hangup),
		T(stale_events_reach_nobody),
		T(noisy_descriptor_does_not_starve_another),
		T(zmq_socket_is_read_and_ended_inside),
		T(zmq_socket_is_ended_by_another_callback),
		T(zmq_socket_is_looked_at_when_asked),
		T(dead_context_is_an_error),
		T(deferred_runs_once_after_each_callback),
		T(deferred_outside_runs_at_next_turn),
		T(deferred_that_repeats_does_not_starve),
		T(signals_do_not_end_it),
		T(czmq_leaves_signals_and_environment_alone),
		T(sources_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
