/* loop - one thread's event loop: descriptors, ZeroMQ sockets and timers in one place (czmq's zloop
 * inside).
 *
 *                    zloop (zmq_poll)
 *                   /       |        \
 *      ZeroMQ socket   ZeroMQ socket   one epoll descriptor
 *                                     /      |      \
 *                             descriptor  descriptor  timerfd <- heap of timers
 *
 * zloop by itself would cost us three things, hence the epoll below it: a pollset is rebuilt from
 * the heap whenever a descriptor's events change, and the rest of that turn is skipped, so that one
 * connection that toggles LOOP_OUT starves the others; a descriptor with a pending error is dropped
 * silently; timers count milliseconds, and ending one inside a callback after a restart of the loop
 * frees what is being walked. Here a change of events is one epoll_ctl, and timers have the
 * kernel's resolution. ZeroMQ sockets stay with zloop, which knows how to read their edge-triggered
 * descriptors.
 *
 * Ended sources stay in memory until the outermost handler returns: events that were already
 * fetched may still point at them.
 */
#include "common/io/loop.h"

#include <czmq.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/heap.h"

#define SOURCES_MAX 4096
#define DEFERS_MAX 256
#define DEFERS_A_TURN 512 /* what defers itself again gets a turn of its own, not this one */
#define EVENTS_A_TURN 64
#define IDLE_NS (80 * NS_PER_MS) /* an idle loop turns this often */
#define SIM_NS (1 * NS_PER_MS)   /* how often a loop looks at a clock that is not the kernel's */

enum kind { KIND_FD, KIND_ZMQ, KIND_TIMER };

struct loop_source {
	struct heap_node timer; /* KIND_TIMER; first, so that the heap's nodes convert */
	struct loop *loop;
	struct loop_source *prev, *next;
	enum kind kind;
	bool ended;
	int fd, events;  /* KIND_FD */
	void *socket;    /* KIND_ZMQ */
	int64_t every;
	loop_io_fn io_fn;
	loop_fn timer_fn;
	void *ctx;
};

struct defer {
	loop_fn fn; /* NULL: taken back */
	void *ctx;
};

struct loop {
	const struct clock *clock;
	zloop_t *zloop;
	int epoll_fd, timer_fd, ready_fd;
	bool rung; /* ready_fd is readable */
	struct loop_source *live, *ended, *spare; /* lists; spare: to be used again */
	size_t sources;
	struct heap timers;
	int64_t armed; /* the kernel's monotonic time that timer_fd waits for; INT64_MAX: none */
	struct defer defer[DEFERS_MAX];
	size_t defer_begin, defer_end; /* ring indices, never reduced */
	int depth; /* handlers we are inside of */
	bool running, stop;
	struct loop_source *idle;
	_Atomic uint64_t turns;
};

/* ---- sources ---- */

static int source_new(struct loop *l, enum kind kind, void *ctx, struct loop_source **ret_source)
{
	if (l->sources >= SOURCES_MAX)
		return ERR_FULL;
	struct loop_source *s = l->spare;
	if (s)
		l->spare = s->next;
	else
		s = malloc(sizeof *s);
	if (!s)
		return ERR_NOMEM;
	*s = (struct loop_source){.loop = l, .kind = kind, .ctx = ctx, .next = l->live};
	if (l->live)
		l->live->prev = s;
	l->live = s;
	l->sources++;
	*ret_source = s;
	return 0;
}

static void source_retire(struct loop_source *s)
{
	struct loop *l = s->loop;
	if (s->prev)
		s->prev->next = s->next;
	else
		l->live = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->prev = NULL;
	s->next = l->ended;
	l->ended = s;
	l->sources--;
	s->ended = true;
}

static void reap(struct loop *l)
{
	while (l->ended) {
		struct loop_source *s = l->ended;
		l->ended = s->next;
		s->next = l->spare;
		l->spare = s;
	}
}

/* ---- waking up ---- */

static void wake_now(struct loop *l)
{
	uint64_t one = 1;
	if (!l->rung)
		must(write(l->ready_fd, &one, sizeof one) == sizeof one);
	l->rung = true;
}

static void wake_at(struct loop *l, int64_t at)
{
	struct itimerspec spec = {
		.it_value = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S}};
	must(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	l->armed = at;
}

/* Sees to it that we wake for what comes next. The timer is only moved to an earlier time: waking
 * too early is a spare turn. What is due already gets an eventfd, which is 60 times quicker than a
 * timer. */
static void arm(struct loop *l)
{
	const struct heap_node *first = heap_first(&l->timers);
	int64_t now = clock_mono(clock_real()), want = INT64_MAX;
	if (l->clock != clock_real())
		want = now + SIM_NS;
	else if (first)
		want = first->key;
	if (l->defer_begin != l->defer_end || want <= now)
		wake_now(l);
	else if (want < l->armed)
		wake_at(l, want);
}

/* ---- callbacks ---- */

static void run_deferred(struct loop *l)
{
	for (int n = 0; l->defer_begin != l->defer_end && n < DEFERS_A_TURN; n++) {
		struct defer d = l->defer[l->defer_begin++ % DEFERS_MAX];
		if (d.fn)
			d.fn(d.ctx);
	}
}

static void begin_handler(struct loop *l)
{
	l->depth++;
	atomic_fetch_add_explicit(&l->turns, 1, memory_order_relaxed);
}

/* What zloop wants to hear: -1 ends its loop. */
static int end_handler(struct loop *l)
{
	arm(l);
	if (--l->depth == 0)
		reap(l);
	return l->stop ? -1 : 0;
}

static void fire(struct loop_source *s, int64_t now)
{
	struct loop *l = s->loop;
	heap_take(&l->timers, &s->timer);
	if (s->every == 0) {
		source_retire(s);
	} else {
		/* Firings missed while the process stood still are not made up for. */
		int64_t next = s->timer.key + s->every;
		heap_put(&l->timers, &s->timer, next > now ? next : now + s->every);
	}
	s->timer_fn(s->ctx);
	run_deferred(l);
}

/* Fires what was due when we began; timers armed meanwhile wait for the next turn, so that a timer
 * of 0 ns that arms itself again cannot keep descriptors waiting. */
static void run_timers(struct loop *l)
{
	int64_t now = clock_mono(l->clock);
	uint64_t order = l->timers.order;
	while (!l->stop) {
		struct heap_node *first = heap_first(&l->timers);
		if (!first || first->key > now || first->order >= order)
			break;
		fire((struct loop_source *)(void *)first, now);
	}
}

/* One of our own two descriptors fired. */
static void on_wake(struct loop *l, bool ready)
{
	uint64_t count;
	ssize_t n = read(ready ? l->ready_fd : l->timer_fd, &count, sizeof count);
	(void)n; /* EAGAIN: the timer was armed anew since */
	if (ready)
		l->rung = false;
	else
		l->armed = INT64_MAX;
	run_deferred(l);
	run_timers(l);
}

static int loop_events(const struct loop_source *s, uint32_t got)
{
	int events = 0;
	if ((got & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) && (s->events & LOOP_IN))
		events |= LOOP_IN; /* a hangup reads as the end */
	if ((got & EPOLLOUT) && (s->events & LOOP_OUT))
		events |= LOOP_OUT;
	if ((got & EPOLLERR) || ((got & EPOLLHUP) && !(s->events & LOOP_IN)))
		events |= LOOP_ERR;
	return events;
}

static void on_fd(struct loop_source *s, uint32_t got)
{
	/* An earlier callback of this turn may have ended the source or changed what it waits for.
	 */
	if (s->ended || s->events == 0)
		return;
	int events = loop_events(s, got);
	if (events == 0)
		return;
	s->io_fn(s->ctx, events);
	run_deferred(s->loop);
}

static int on_epoll(zloop_t *z, zmq_pollitem_t *item, void *arg)
{
	struct loop *l = arg;
	(void)z;
	(void)item;
	begin_handler(l);
	struct epoll_event got[EVENTS_A_TURN];
	int n = epoll_wait(l->epoll_fd, got, EVENTS_A_TURN, 0);
	for (int i = 0; i < n && !l->stop; i++) {
		/* Our own: NULL is the timer, the loop itself is ready_fd. */
		if (got[i].data.ptr && got[i].data.ptr != l)
			on_fd(got[i].data.ptr, got[i].events);
		else
			on_wake(l, got[i].data.ptr == l);
	}
	/* The kernel's timer knows nothing of another clock: look at each turn. */
	if (l->clock != clock_real())
		run_timers(l);
	return end_handler(l);
}

static int on_zmq(zloop_t *z, zmq_pollitem_t *item, void *arg)
{
	struct loop_source *s = arg;
	struct loop *l = s->loop;
	(void)z;
	begin_handler(l);
	int events = 0;
	if (item->revents & ZMQ_POLLIN)
		events |= LOOP_IN;
	if (item->revents & ZMQ_POLLERR)
		events |= LOOP_ERR;
	if (!s->ended && events) {
		s->io_fn(s->ctx, events);
		run_deferred(l);
	}
	return end_handler(l);
}

/* ---- life ---- */

/* czmq lets the environment override what our code sets; a service takes its settings from one
 * place only. */
static void unset_czmq_environment(void)
{
	for (char **at = environ; at && *at;) {
		char name[64];
		size_t len = strcspn(*at, "=");
		if (strncmp(*at, "ZSYS_", 5) != 0 || len >= sizeof name) {
			at++;
			continue;
		}
		memcpy(name, *at, len);
		name[len] = '\0';
		if (unsetenv(name) != 0)
			at++;
	}
}

static int start_czmq(void)
{
	static bool started;
	if (started)
		return 0;
	unset_czmq_environment();
	zsys_handler_set(
		NULL); /* before zsys_init, which would install handlers; signals are ours */
	if (!zsys_init())
		return ERR_NOMEM;
	started = true;
	return 0;
}

static void on_idle(void *ctx)
{
	(void)ctx; /* the turn itself is what was wanted */
}

static int watch(struct loop *l, int fd, void *tag, uint32_t events, int op)
{
	struct epoll_event ev = {.events = events, .data = {.ptr = tag}};
	return epoll_ctl(l->epoll_fd, op, fd, &ev) == 0 ? 0 : err_from_errno(errno);
}

static int loop_init(struct loop *l)
{
	int rc = heap_init(&l->timers, SOURCES_MAX);
	if (rc != 0)
		return rc;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->epoll_fd < 0 || l->timer_fd < 0 || l->ready_fd < 0)
		return err_from_errno(errno);
	rc = watch(l, l->timer_fd, NULL, EPOLLIN, EPOLL_CTL_ADD);
	if (rc == 0)
		rc = watch(l, l->ready_fd, l, EPOLLIN, EPOLL_CTL_ADD);
	if (rc == 0)
		rc = start_czmq();
	if (rc != 0)
		return rc;
	l->zloop = zloop_new();
	if (!l->zloop)
		return ERR_NOMEM;
	zloop_set_nonstop(l->zloop, true);
	zmq_pollitem_t item = {.fd = l->epoll_fd, .events = ZMQ_POLLIN};
	if (zloop_poller(l->zloop, &item, on_epoll, l) != 0)
		return ERR_IO;
	zloop_poller_set_tolerant(l->zloop, &item);
	return loop_timer(l, IDLE_NS, IDLE_NS, on_idle, NULL, &l->idle);
}

int loop_new(const struct clock *clock, struct loop **ret_loop)
{
	struct loop *l = calloc(1, sizeof *l);
	if (!l)
		return ERR_NOMEM;
	l->clock = clock ? clock : clock_real();
	l->epoll_fd = l->timer_fd = l->ready_fd = -1;
	l->armed = INT64_MAX;
	int rc = loop_init(l);
	if (rc != 0) {
		loop_free(l);
		return rc;
	}
	*ret_loop = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	must(l->depth == 0 && !l->running);
	while (l->live) {
		struct loop_source *s = l->live;
		loop_end(&s);
	}
	reap(l);
	while (l->spare) {
		struct loop_source *s = l->spare;
		l->spare = s->next;
		free(s);
	}
	zloop_destroy(&l->zloop);
	if (l->ready_fd >= 0)
		close(l->ready_fd);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	heap_fini(&l->timers);
	free(l);
}

/* ---- what callers do ---- */

static uint32_t epoll_events(int events)
{
	return ((events & LOOP_IN) ? EPOLLIN | EPOLLRDHUP : 0u) |
	       ((events & LOOP_OUT) ? EPOLLOUT : 0u);
}

static bool is_watched(const struct loop *l, int fd, const void *socket)
{
	for (const struct loop_source *s = l->live; s; s = s->next)
		if ((s->kind == KIND_FD && !socket && s->fd == fd) ||
		    (s->kind == KIND_ZMQ && socket && s->socket == socket))
			return true;
	return false;
}

int loop_fd(struct loop *l, int fd, int events, loop_io_fn fn, void *ctx,
	    struct loop_source **ret_source)
{
	must((events & ~(LOOP_IN | LOOP_OUT)) == 0);
	if (is_watched(l, fd, NULL))
		return ERR_EXISTS;
	struct loop_source *s;
	int rc = source_new(l, KIND_FD, ctx, &s);
	if (rc != 0)
		return rc;
	s->fd = fd;
	s->io_fn = fn;
	rc = loop_fd_events(s, events);
	if (rc != 0) {
		loop_end(&s);
		return rc;
	}
	*ret_source = s;
	return 0;
}

int loop_zmq(struct loop *l, void *socket, loop_io_fn fn, void *ctx,
	     struct loop_source **ret_source)
{
	if (is_watched(l, -1, socket))
		return ERR_EXISTS;
	struct loop_source *s;
	int rc = source_new(l, KIND_ZMQ, ctx, &s);
	if (rc != 0)
		return rc;
	s->socket = socket;
	s->io_fn = fn;
	zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
	if (zloop_poller(l->zloop, &item, on_zmq, s) != 0) {
		loop_end(&s);
		return ERR_ARG;
	}
	zloop_poller_set_tolerant(l->zloop, &item);
	*ret_source = s;
	return 0;
}

/* A paused descriptor leaves the epoll set: epoll would go on reporting its hangups. */
int loop_fd_events(struct loop_source *s, int events)
{
	must(s->kind == KIND_FD && !s->ended);
	if (events == s->events)
		return 0;
	int op = events == 0 ? EPOLL_CTL_DEL : s->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	int rc = watch(s->loop, s->fd, s, epoll_events(events), op);
	if (rc == 0)
		s->events = events;
	return rc;
}

int loop_timer(struct loop *l, int64_t after_ns, int64_t every_ns, loop_fn fn, void *ctx,
	       struct loop_source **ret_source)
{
	must(after_ns >= 0 && every_ns >= 0);
	struct loop_source *s;
	int rc = source_new(l, KIND_TIMER, ctx, &s);
	if (rc != 0)
		return rc;
	int64_t now = clock_mono(l->clock);
	s->every = every_ns;
	s->timer_fn = fn;
	heap_put(&l->timers, &s->timer, after_ns > INT64_MAX - now ? INT64_MAX : now + after_ns);
	if (l->depth == 0)
		arm(l);
	*ret_source = s;
	return 0;
}

void loop_timer_move(struct loop_source *s, int64_t after_ns)
{
	struct loop *l = s->loop;
	must(s->kind == KIND_TIMER && !s->ended && after_ns >= 0);
	int64_t now = clock_mono(l->clock);
	heap_take(&l->timers, &s->timer);
	heap_put(&l->timers, &s->timer, after_ns > INT64_MAX - now ? INT64_MAX : now + after_ns);
	if (l->depth == 0)
		arm(l);
}

void loop_end(struct loop_source **s_p)
{
	struct loop_source *s = *s_p;
	*s_p = NULL;
	if (!s || s->ended)
		return;
	struct loop *l = s->loop;
	if (s->kind == KIND_TIMER) {
		heap_take(&l->timers, &s->timer);
	} else if (s->kind == KIND_ZMQ) {
		zmq_pollitem_t item = {.socket = s->socket};
		zloop_poller_end(l->zloop, &item);
	} else if (s->events != 0) {
		/* Fails where the owner closed the descriptor first: the kernel has forgotten it
		 * already. */
		(void)watch(l, s->fd, s, 0, EPOLL_CTL_DEL);
	}
	source_retire(s);
	if (l->depth == 0)
		reap(l);
}

void loop_defer(struct loop *l, loop_fn fn, void *ctx)
{
	for (size_t i = l->defer_begin; i != l->defer_end; i++)
		if (l->defer[i % DEFERS_MAX].fn == fn && l->defer[i % DEFERS_MAX].ctx == ctx)
			return;
	must(l->defer_end - l->defer_begin < DEFERS_MAX);
	l->defer[l->defer_end++ % DEFERS_MAX] = (struct defer){.fn = fn, .ctx = ctx};
	if (l->depth == 0)
		arm(l);
}

void loop_undefer(struct loop *l, loop_fn fn, void *ctx)
{
	for (size_t i = l->defer_begin; i != l->defer_end; i++)
		if (l->defer[i % DEFERS_MAX].fn == fn && l->defer[i % DEFERS_MAX].ctx == ctx)
			l->defer[i % DEFERS_MAX].fn = NULL;
}

int loop_run(struct loop *l)
{
	must(!l->running);
	int rc = 0;
	l->running = true;
	while (!l->stop) {
		/* zloop gives up at every failure of zmq_poll; an interrupted one is none. */
		errno = 0;
		zloop_start(l->zloop);
		if (!l->stop && errno != EINTR && errno != 0) {
			rc = ERR_IO;
			break;
		}
	}
	l->running = false;
	l->stop = false;
	return rc;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

uint64_t loop_turns(const struct loop *l)
{
	return atomic_load_explicit(&l->turns, memory_order_relaxed);
}

const struct clock *loop_clock(const struct loop *l)
{
	return l->clock;
}
