/* loop - one thread's event loop: descriptors, ZeroMQ sockets and timers in one epoll set.
 *
 *                     epoll
 *            /          |         \
 *      descriptor   ZMQ_FD of   timerfd <- heap of timers
 *                   a socket
 *
 * Not czmq's zloop: its zmq_poll asks every ZeroMQ socket twice a turn, two system calls each time,
 * whichever of them woke it; a service has five of them and more. Nor does it tell of a descriptor
 * with a pending error, and its timers count milliseconds. bench_loop times both.
 *
 * A socket's ZMQ_FD is readable when the socket has commands to process, which is not when it has
 * messages: after it fired, ZMQ_EVENTS is asked; where there is more to read afterwards, the socket
 * is looked at again in the next turn without a descriptor saying so. Any other call on a socket may
 * process its commands too, and with them take its wake-up: loop_zmq_look is for who calls.
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
	bool again;      /* stands in the loop's list of that name */
	struct loop_source *next_again;
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
	int epoll_fd, timer_fd;
	bool due;                  /* a timer or something deferred does not wait for the kernel */
	struct loop_source *again; /* ZeroMQ sockets to look at, whatever their descriptors say */
	struct loop_source *live, *ended, *spare; /* lists; spare: to be used again */
	size_t sources;
	struct heap timers;
	int64_t armed; /* the kernel's monotonic time that timer_fd waits for; INT64_MAX: none */
	struct defer defer[DEFERS_MAX];
	size_t defer_begin, defer_end; /* ring indices, never reduced */
	int depth; /* handlers we are inside of */
	bool running, stop;
	int failed; /* a socket that cannot be asked any more */
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

static void wake_at(struct loop *l, int64_t at)
{
	struct itimerspec spec = {
		.it_value = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S}};
	must(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	l->armed = at;
}

/* Sees to it that we wake for what comes next. The timer is only moved to an earlier time: waking
 * too early is a spare turn. */
static void arm(struct loop *l)
{
	const struct heap_node *first = heap_first(&l->timers);
	int64_t now = clock_mono(clock_real()), want = INT64_MAX;
	if (l->clock != clock_real())
		want = now + SIM_NS;
	else if (first)
		want = first->key;
	if (l->defer_begin != l->defer_end || want <= now)
		l->due = true;
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

static void end_handler(struct loop *l)
{
	arm(l);
	if (--l->depth == 0)
		reap(l);
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

static void on_timer_fd(struct loop *l)
{
	uint64_t count;
	ssize_t n = read(l->timer_fd, &count, sizeof count);
	(void)n; /* EAGAIN: the timer was armed anew since */
	l->armed = INT64_MAX;
}

static bool has_message(struct loop_source *s)
{
	int events = 0;
	size_t len = sizeof events;
	if (zmq_getsockopt(s->socket, ZMQ_EVENTS, &events, &len) == 0)
		return events & ZMQ_POLLIN;
	if (errno != EINTR)
		s->loop->failed = ERR_IO;
	return false;
}

static void look_again(struct loop_source *s)
{
	if (s->again)
		return;
	s->again = true;
	s->next_again = s->loop->again;
	s->loop->again = s;
}

static void forget_again(struct loop_source *s)
{
	struct loop_source **at = &s->loop->again;
	while (*at && *at != s)
		at = &(*at)->next_again;
	if (*at)
		*at = s->next_again;
}

static void on_zmq(struct loop_source *s)
{
	if (s->ended || !has_message(s))
		return;
	s->io_fn(s->ctx, LOOP_IN);
	run_deferred(s->loop);
	if (!s->ended && has_message(s))
		look_again(s);
}

static void run_again(struct loop *l)
{
	struct loop_source *s = l->again, *next;
	l->again = NULL;
	for (; s; s = next) {
		next = s->next_again;
		s->again = false;
		if (l->stop && !s->ended)
			look_again(s);
		else
			on_zmq(s);
	}
}

static void on_event(struct loop *l, const struct epoll_event *got)
{
	struct loop_source *s = got->data.ptr;
	if (!s)
		on_timer_fd(l);
	else if (s->kind == KIND_ZMQ)
		on_zmq(s);
	else
		on_fd(s, got->events);
}

static void turn(struct loop *l, const struct epoll_event *got, int n)
{
	begin_handler(l);
	l->due = false;
	run_again(l);
	for (int i = 0; i < n && !l->stop; i++)
		on_event(l, &got[i]);
	if (!l->stop) {
		run_deferred(l);
		run_timers(l);
	}
	end_handler(l);
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
	if (l->epoll_fd < 0 || l->timer_fd < 0)
		return err_from_errno(errno);
	rc = watch(l, l->timer_fd, NULL, EPOLLIN, EPOLL_CTL_ADD);
	if (rc == 0)
		rc = start_czmq();
	if (rc != 0)
		return rc;
	return loop_timer(l, IDLE_NS, IDLE_NS, on_idle, NULL, &l->idle);
}

int loop_new(const struct clock *clock, struct loop **ret_loop)
{
	struct loop *l = calloc(1, sizeof *l);
	if (!l)
		return ERR_NOMEM;
	l->clock = clock ? clock : clock_real();
	l->epoll_fd = l->timer_fd = -1;
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
	int fd;
	size_t len = sizeof fd;
	if (zmq_getsockopt(socket, ZMQ_FD, &fd, &len) != 0)
		return ERR_ARG;
	struct loop_source *s;
	int rc = source_new(l, KIND_ZMQ, ctx, &s);
	if (rc != 0)
		return rc;
	s->socket = socket;
	s->fd = fd;
	s->io_fn = fn;
	rc = watch(l, fd, s, EPOLLIN, EPOLL_CTL_ADD);
	if (rc != 0) {
		loop_end(&s);
		return rc;
	}
	look_again(s); /* what it knew before we asked for its descriptor, that will not say */
	*ret_source = s;
	return 0;
}

void loop_zmq_look(struct loop_source *s)
{
	must(s->kind == KIND_ZMQ && !s->ended);
	look_again(s);
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
		forget_again(s);
		(void)watch(l, s->fd, s, 0, EPOLL_CTL_DEL);
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
	struct epoll_event got[EVENTS_A_TURN];
	must(!l->running);
	l->running = true;
	while (!l->stop && !l->failed) {
		int n = epoll_wait(l->epoll_fd, got, EVENTS_A_TURN, l->due || l->again ? 0 : -1);
		if (n >= 0)
			turn(l, got, n);
		else if (errno != EINTR)
			l->failed = ERR_IO;
	}
	int rc = l->failed;
	l->running = l->stop = false;
	l->failed = 0;
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
