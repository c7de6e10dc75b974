/* flow - frames from one process to another, counted and compared, for the benchmarks that time ways of sending them.
 *
 * Every run forks a publisher and a subscriber. The publisher keeps at most WINDOW frames under way (a pipe tells how
 * many have come), far below our high-water mark. The subscriber checks that each sequence number follows the last and
 * that the bytes are those that were sent. Round trip: one frame at a time each way. Exits 2 on loss or a wrong byte.
 */
#ifndef NJ_TESTS_FLOW_H
#define NJ_TESTS_FLOW_H

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/bus.h"
#include "common/io/loop.h"
#include "tests/bench/bench.h"

enum { EVENT_BYTES = 128, WINDOW = 2000, ACK_EVERY = 250, BURST = 256 };

static const char topic[] = "trade.BINANCE.BTCUSDT";
static const char *const prefixes[] = {"trade.", NULL};

struct plan;
struct echo;

struct way { /* of getting a frame from one process to another */
	const char *name;
	int64_t (*publish)(const struct plan *p);  /* all frames, through the window; ns */
	void (*subscribe)(const struct plan *p);   /* until the last one */
	/* Ping (not e->answers) or pong, from `own` to `other`. */
	void (*echo)(const struct plan *p, const char *own, const char *other, struct echo *e);
};

struct plan {
	const struct way *way;
	uint32_t batch;
	uint64_t frames;
	char dir[64];
	int ack[2], result[2]; /* pipes: subscriber to publisher; either to the parent */
};

/* ---- frames: topic, NUL, sequence, then bytes that follow from it ---- */

static inline size_t frame_len(const struct plan *p)
{
	return (size_t)p->batch * EVENT_BYTES;
}

static inline void fill(uint8_t *frame, size_t len, uint64_t seq)
{
	memcpy(frame, topic, sizeof topic);
	memcpy(frame + sizeof topic, &seq, sizeof seq);
	memset(frame + sizeof topic + sizeof seq, (int)(seq & 0x7f), len - sizeof topic - sizeof seq);
}

static inline uint64_t check(const uint8_t *frame, size_t len, size_t want)
{
	uint64_t seq;
	must(len == want && memcmp(frame, topic, sizeof topic) == 0);
	memcpy(&seq, frame + sizeof topic, sizeof seq);
	must(frame[len - 1] == (uint8_t)(seq & 0x7f) && frame[sizeof topic + sizeof seq] == (uint8_t)(seq & 0x7f));
	return seq;
}

static inline void tell(int fd, uint64_t value)
{
	must(write(fd, &value, sizeof value) == sizeof value);
}

/* What the subscriber does with each frame, whichever way it came. Sequence 0: not begun yet. */
struct taker {
	const struct plan *plan;
	uint64_t last;
};

static inline bool take(struct taker *t, const uint8_t *frame, size_t len)
{
	uint64_t seq = check(frame, len, frame_len(t->plan));
	if (seq == 0) {
		if (t->last == 0)
			tell(t->plan->ack[1], 0);
		return false;
	}
	must(seq == t->last + 1); /* nothing lost, nothing twice */
	t->last = seq;
	if (seq % ACK_EVERY == 0 || seq == t->plan->frames)
		tell(t->plan->ack[1], seq);
	return seq == t->plan->frames;
}

/* The publisher's side of the pipe: how many frames have come. Blocks where told to. */
struct window {
	uint64_t sent, acked;
	bool open; /* the subscriber hears us */
	int64_t began;
};

static inline void read_acks(const struct plan *p, struct window *w, bool block)
{
	uint64_t value[64];
	struct pollfd fd = {.fd = p->ack[0], .events = POLLIN};
	if (!block && poll(&fd, 1, 0) <= 0)
		return;
	ssize_t n = read(p->ack[0], value, sizeof value);
	must(n > 0 && n % 8 == 0);
	w->open = true;
	if (value[n / 8 - 1] > w->acked)
		w->acked = value[n / 8 - 1];
}

/* Sends by fn until the subscriber hears, then all frames through the window. */
static inline int64_t publish_by(const struct plan *p, void *socket,
			  void (*fn)(void *socket, const uint8_t *frame, size_t len))
{
	uint8_t *frame = malloc(EVENT_PACKED_MAX);
	struct window w = {0};
	must(frame);
	while (!w.open) {
		fill(frame, frame_len(p), 0);
		fn(socket, frame, frame_len(p));
		poll(NULL, 0, 1);
		read_acks(p, &w, false);
	}
	w.began = bench_now();
	while (w.acked < p->frames) {
		while (w.sent < p->frames && w.sent - w.acked < WINDOW) {
			fill(frame, frame_len(p), ++w.sent);
			fn(socket, frame, frame_len(p));
		}
		read_acks(p, &w, true);
	}
	free(frame);
	return bench_now() - w.began;
}

/* ---- ours ---- */

struct ours {
	const struct plan *plan;
	struct loop *loop;
	struct bus *bus;
	struct window window;
	struct loop_source *calling; /* until somebody hears us */
	struct taker taker;
	uint8_t *frame;
};

static inline void send_some(void *ctx)
{
	struct ours *o = ctx;
	const struct plan *p = o->plan;
	for (int i = 0; i < BURST && o->window.sent < p->frames && o->window.sent - o->window.acked < WINDOW; i++) {
		fill(o->frame, frame_len(p), ++o->window.sent);
		must(bus_send(o->bus, LANE_M, o->frame, frame_len(p)) == 0);
	}
	if (o->window.sent < p->frames && o->window.sent - o->window.acked < WINDOW)
		loop_defer(o->loop, send_some, o);
}

static inline void on_ack(void *ctx, int events)
{
	struct ours *o = ctx;
	(void)events;
	bool was_open = o->window.open;
	read_acks(o->plan, &o->window, true);
	if (!was_open) {
		o->window.began = bench_now();
		loop_end(&o->calling);
	}
	if (o->window.acked == o->plan->frames)
		loop_stop(o->loop);
	else
		send_some(o);
}

static inline void call_out(void *ctx)
{
	struct ours *o = ctx;
	if (o->window.open)
		return;
	fill(o->frame, frame_len(o->plan), 0);
	must(bus_send(o->bus, LANE_M, o->frame, frame_len(o->plan)) == 0);
}

static inline void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct ours *o = ctx;
	(void)link;
	if (take(&o->taker, frame, len))
		loop_stop(o->loop);
}

static inline void on_request(void *ctx, const struct bus_peer *peer, const uint8_t *request, size_t len)
{
	(void)ctx, (void)peer, (void)request, (void)len;
}

static inline void open_ours(struct ours *o, const struct plan *p, const struct bus_handler *h, const char *name)
{
	char reason[200] = "";
	memset(o, 0, sizeof *o);
	o->plan = o->taker.plan = p;
	o->frame = malloc(EVENT_PACKED_MAX);
	must(o->frame && loop_new(clock_real(), &o->loop) == 0);
	struct bus_zmq_options options = {.dir = p->dir};
	must(bus_zmq_open(o->loop, &options, h, o, &o->bus, reason, sizeof reason) == 0);
	must(bus_bind(o->bus, name) == 0);
}

static const struct bus_handler flood_handler = {.on_frame = on_frame, .on_request = on_request};

static inline int64_t publish_ours(const struct plan *p)
{
	struct ours o;
	struct loop_source *ack = NULL;
	open_ours(&o, p, &flood_handler, "pub");
	must(loop_fd(o.loop, p->ack[0], LOOP_IN, on_ack, &o, &ack) == 0);
	must(loop_timer(o.loop, 0, NS_PER_MS, call_out, &o, &o.calling) == 0);
	must(loop_run(o.loop) == 0);
	return bench_now() - o.window.began;
}

static inline void subscribe_ours(const struct plan *p)
{
	struct ours o;
	struct bus_link *link;
	open_ours(&o, p, &flood_handler, "sub");
	must(bus_subscribe(o.bus, "pub", LANE_M, prefixes, NULL, &link) == 0);
	must(loop_run(o.loop) == 0);
}

/* ---- round trips ---- */

enum { PINGS_WARM = 200 };

struct echo {
	struct ours o;
	double *took;
	uint64_t n, done;
	int64_t sent_at;
	bool answers;
};

static inline void ping(struct echo *e)
{
	fill(e->o.frame, EVENT_BYTES, e->done + 1);
	e->sent_at = bench_now();
	must(bus_send(e->o.bus, LANE_M, e->o.frame, EVENT_BYTES) == 0);
}

static inline void on_echo(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct echo *e = ctx;
	(void)link;
	if (e->answers) {
		must(bus_send(e->o.bus, LANE_M, frame, len) == 0);
		return;
	}
	if (check(frame, len, EVENT_BYTES) != e->done + 1)
		return; /* of a call that was made before both could hear */
	e->took[e->done++] = (double)(bench_now() - e->sent_at);
	if (e->done == e->n)
		loop_stop(e->o.loop);
	else
		ping(e);
}

static inline void call_again(void *ctx)
{
	struct echo *e = ctx;
	if (e->done == 0)
		ping(e);
}

static const struct bus_handler echo_handler = {.on_frame = on_echo, .on_request = on_request};

static inline void echo_ours(const struct plan *p, const char *own, const char *other, struct echo *e)
{
	struct bus_link *link;
	struct loop_source *timer = NULL;
	open_ours(&e->o, p, &echo_handler, own);
	e->o.bus->ctx = e;
	must(bus_subscribe(e->o.bus, other, LANE_M, prefixes, NULL, &link) == 0);
	if (!e->answers)
		must(loop_timer(e->o.loop, 0, 20 * NS_PER_MS, call_again, e, &timer) == 0);
	must(loop_run(e->o.loop) == 0);
}

static const struct way ours = {"our bus", publish_ours, subscribe_ours, echo_ours};

static inline void ask_echo(const struct plan *p)
{
	struct echo e = {.n = p->frames + PINGS_WARM, .took = calloc(p->frames + PINGS_WARM, sizeof(double))};
	must(e.took);
	p->way->echo(p, "a", "b", &e);
	tell(p->result[1], (uint64_t)bench_share(e.took + PINGS_WARM, (int)p->frames, 0.5));
	_exit(0);
}

static inline void answer_echo(const struct plan *p)
{
	struct echo e = {.answers = true};
	p->way->echo(p, "b", "a", &e);
	_exit(0);
}

/* ---- runs ---- */

static inline void publish(const struct plan *p)
{
	tell(p->result[1], (uint64_t)p->way->publish(p));
	_exit(0);
}

static inline void subscribe(const struct plan *p)
{
	p->way->subscribe(p);
	_exit(0);
}

/* Each side keeps only its own ends of the pipes, so that it notices when the other one is gone. */
static inline pid_t start(const struct plan *p, void (*fn)(const struct plan *), bool first)
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		close(first ? p->ack[1] : p->ack[0]);
		fn(p);
	}
	return pid;
}

static inline void remove_dir(const char *dir)
{
	static const char *const names[] = {"pub.m",   "pub.x",    "pub.rep", "pub.lock", "sub.m", "sub.x",
					    "sub.rep", "sub.lock", "a.m",     "a.x",      "a.rep", "a.lock",
					    "b.m",     "b.x",      "b.rep",   "b.lock"};
	char path[120];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static double flow_cpu_ns; /* CPU of both processes of the last run, their start included */

static inline bool ended(pid_t pid, int *status)
{
	struct rusage u;
	if (wait4(pid, status, 0, &u) != pid)
		return false;
	flow_cpu_ns += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
		       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
	return true;
}

/* Two processes; what the first one tells, ns. The second one is ended where it does not end by itself. */
static inline double run(struct plan p, void (*first)(const struct plan *), void (*second)(const struct plan *),
			 bool endless)
{
	uint64_t value = 0;
	int status;
	snprintf(p.dir, sizeof p.dir, "/tmp/nj-bench-XXXXXX");
	must(mkdtemp(p.dir) && pipe(p.ack) == 0 && pipe(p.result) == 0);
	pid_t b = start(&p, second, false), a = start(&p, first, true);
	close(p.result[1]);
	close(p.ack[1]);
	bool told = read(p.result[0], &value, sizeof value) == sizeof value;
	if (endless || !told)
		kill(b, SIGKILL);
	flow_cpu_ns = 0;
	bool fine = ended(a, &status) && told && status == 0;
	fine = ended(b, &status) && (endless || status == 0) && fine;
	close(p.result[0]);
	close(p.ack[0]);
	remove_dir(p.dir);
	if (!fine) {
		fprintf(stderr, "a run by %s, batch %u, failed: loss or a wrong byte\n", p.way->name, p.batch);
		exit(2);
	}
	return (double)value;
}

static inline double throughput(const struct way *way, uint32_t batch, uint64_t events)
{
	struct plan p = {.way = way, .batch = batch, .frames = events / batch};
	return (double)(p.frames * batch) * 1e9 / run(p, publish, subscribe, false);
}

static inline double round_trip(const struct way *way, uint64_t pings)
{
	struct plan p = {.way = way, .batch = 1, .frames = pings};
	return run(p, ask_echo, answer_echo, true) / 1000;
}

#endif
