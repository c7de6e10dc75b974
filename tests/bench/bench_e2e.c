/* bench_e2e - goals G5 and G6: a venue's frame to a strategy's order, over three processes and in one, against a chain.
 *
 *     feeder -tcp-> collector core, outbox -bus M-> inbox, sequencer, strategy -journal, bus X-> inbox, sequencer
 *     feeder -tcp-> A                      -unix->  B                          -unix->                      C
 *
 * Both lines get the same frames at the same rate, taken in turns; every EVERYth tick becomes an order in each. Time
 * runs from just before the frame is written to when its order event is packed. The chain blocks in read and does no
 * work: the floor for three processes on this machine. The journals are on tmpfs, so that an intent is journalled
 * before it is visible, by the journal's own thread, without a disk's sync in between. Every order must arrive, once
 * and in order: exits 2 otherwise. A missed goal is only told.
 *
 *     bench_e2e [--short]
 */
#include <sys/prctl.h>
#include <time.h>

#include "tests/bench/stages.h"

enum { FRAME_BYTES = 240, STAMP_DIGITS = 19, EVERY = 4, MESSAGE_BYTES = 128 };

struct outcome {
	double p50_us, p99_us;
};

/* ---- the feeder ---- */

/* "<ns> <combined-stream frame>", padded to one size so that the chain needs no parser. */
static void make_frame(char frame[FRAME_BYTES + 1], int64_t stamp, int64_t n)
{
	int64_t ms = stamp / NS_PER_MS;
	int len = snprintf(frame, FRAME_BYTES + 1,
			   "%0*lld {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%lld,\"s\":"
			   "\"BTCUSDT\",\"t\":%lld,\"p\":\"61837.%02d000000\",\"q\":\"0.00%03d000\",\"T\":%lld,"
			   "\"m\":true,\"M\":true}}",
			   STAMP_DIGITS, (long long)stamp, (long long)ms, (long long)(1000000 + n), (int)(n % 100),
			   100 + (int)(n % 900), (long long)ms);
	must(len > 0 && len < FRAME_BYTES);
	memset(frame + len, ' ', (size_t)(FRAME_BYTES - len));
	frame[FRAME_BYTES - 1] = '\n';
}

static void wait_until(int64_t mono)
{
	struct timespec at = {.tv_sec = mono / NS_PER_S, .tv_nsec = mono % NS_PER_S};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
		;
}

static void feed(const struct line *l, int fd)
{
	char frame[FRAME_BYTES + 1];
	int64_t began = bench_now() + NS_PER_MS;
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	for (int64_t n = 0; n < l->ticks; n++) {
		wait_until(began + n * NS_PER_S / l->rate);
		make_frame(frame, day_now(), n);
		must(write(fd, frame, FRAME_BYTES) == FRAME_BYTES);
	}
}

static size_t feed_core(struct stage *s, const char *bytes, size_t len)
{
	size_t at = 0;
	for (; len - at >= FRAME_BYTES; at += FRAME_BYTES) {
		struct collector_frame f = {.now = strtoll(bytes + at, NULL, 10),
					    .text = bytes + at + STAMP_DIGITS + 1,
					    .len = FRAME_BYTES - STAMP_DIGITS - 1};
		collector_core_on_frame(s->core, &f, &s->sink);
	}
	return at;
}

/* ---- what the last stage notes ---- */

struct notes {
	const struct line *line;
	double *took;
	int64_t n;
};

static struct notes notes; /* of this process, where it is the last stage */

/* True: that was the last one, and the parent has been told. */
static bool note(const struct line *l, int64_t stamp, int64_t ordinal)
{
	struct notes *t = &notes;
	if (!t->took)
		*t = (struct notes){.line = l, .took = calloc((size_t)l->orders, sizeof(double))};
	must(t->took);
	must(ordinal == t->n + 1); /* none lost, none twice */
	t->took[t->n++] = (double)(day_now() - stamp) / 1000;
	if (t->n < t->line->orders)
		return false;
	int skip = (int)(t->n / 10); /* caches and buffers warm up */
	struct outcome o = {.p50_us = bench_share(t->took + skip, (int)t->n - skip, 0.5),
			    .p99_us = bench_share(t->took + skip, (int)t->n - skip, 0.99)};
	must(write(t->line->result[1], &o, sizeof o) == sizeof o);
	return true;
}

/* ---- the chain ---- */

struct message {
	int64_t stamp, n;
	char rest[MESSAGE_BYTES - 16];
};

static bool read_whole(int fd, void *to, size_t len)
{
	size_t got = 0;
	while (got < len) {
		ssize_t n = read(fd, (char *)to + got, len - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static void chain_a(const struct line *l)
{
	char frame[FRAME_BYTES];
	int fd = answer(l);
	struct message m = {0};
	while (read_whole(fd, frame, sizeof frame)) {
		m.stamp = strtoll(frame, NULL, 10);
		m.n++;
		must(write(l->ab[1], &m, sizeof m) == sizeof m);
	}
}

static void chain_b(const struct line *l)
{
	struct message m;
	int64_t ordinal = 0;
	while (read_whole(l->ab[0], &m, sizeof m)) {
		if (m.n % EVERY != 0)
			continue;
		m.n = ++ordinal;
		must(write(l->bc[1], &m, sizeof m) == sizeof m);
	}
}

static void chain_c(const struct line *l)
{
	struct message m;
	while (read_whole(l->bc[0], &m, sizeof m))
		if (note(l, m.stamp, m.n))
			return;
}

/* ---- ours in one process: the same parts, pushed from sequencer to sequencer ---- */

static struct stage *fused_strategy, *fused_executor;

/* One after another: what was pushed is applied at once, up to the order. */
static void fuse(struct stage *to, struct event *ev)
{
	uint8_t packed[EVENT_PACKED_MAX];
	int64_t wake;
	memcpy(ev->source, "fused", sizeof "fused");
	int n = codec_pack(ev, packed, sizeof packed);
	must(n > 0 && sequencer_push(&to->sequencer, to->input, ev, packed, (size_t)n, bench_now()) == 0);
	sequencer_step(&to->sequencer, bench_now(), UINT32_MAX, &wake);
}

static void fuse_market(void *ctx, struct event *ev)
{
	(void)ctx;
	if (ev->id == EVENT_trade)
		fuse(fused_strategy, ev);
}

static void to_executor(struct stage *s, struct event *intent)
{
	(void)s;
	fuse(fused_executor, intent);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static struct stage *fused_stage(const struct line *l, struct loop *loop, const struct sequencer_ops *ops)
{
	struct stage *s = calloc(1, sizeof *s);
	must(s && sequencer_init(&s->sequencer, ops, s) == 0);
	s->line = l;
	s->loop = loop;
	must(sequencer_add(&s->sequencer, "fused", SEQUENCE_MARKET, NS_PER_MS, 1 << 20, &s->input) == 0);
	return s;
}

static void idle(const struct line *l)
{
	(void)l;
	pause();
}

static void run_fused(const struct line *l)
{
	static const struct sequencer_ops strategy = {
		.apply = apply_tick, .next_due = never, .fire = no_timer, .late = too_late, .ready = always};
	static const struct sequencer_ops executor = {
		.apply = apply_intent, .next_due = never, .fire = no_timer, .late = too_late, .ready = always};
	struct stage *s = calloc(1, sizeof *s);
	struct loop_source *source = NULL;
	must(s && loop_new(clock_real(), &s->loop) == 0);
	s->line = l;
	fused_strategy = fused_stage(l, s->loop, &strategy);
	fused_executor = fused_stage(l, s->loop, &executor);
	fused_strategy->publish = to_executor;
	new_core(s, fuse_market);
	must(loop_fd(s->loop, l->listener, LOOP_IN, on_feeder, s, &source) == 0);
	must(loop_run(s->loop) == 0);
}

/* ---- runs ---- */

/* The last of the three ends by itself; the others are ended. */
static struct outcome run(int64_t rate, int64_t ticks, void (*const stage[3])(const struct line *), bool ours)
{
	struct line l = {.rate = rate, .ticks = ticks, .orders = ticks / EVERY, .every = EVERY, .feed = feed_core,
			 .on_order = note};
	struct outcome o = {0};
	pid_t pid[3];
	int word, status, heard = 0;
	open_line(&l);
	for (int i = 0; i < 3; i++)
		pid[i] = start(&l, stage[i]);
	while (ours && heard != (READY_STRATEGY | READY_EXECUTOR) && wait_for(l.ready[0], &word, sizeof word))
		heard |= word;
	int fd = dial(&l);
	if (!ours || heard == (READY_STRATEGY | READY_EXECUTOR))
		feed(&l, fd);
	bool fine = wait_for(l.result[0], &o, sizeof o);
	close(fd);
	for (int i = 0; i < 3; i++) {
		if (i < 2 || !fine)
			kill(pid[i], SIGKILL);
		must(waitpid(pid[i], &status, 0) == pid[i]);
	}
	close_line(&l);
	if (!fine || status != 0) {
		fprintf(stderr, "bench_e2e: orders are missing (%s, %lld/s)\n", ours ? "ours" : "chain",
			(long long)rate);
		exit(2);
	}
	return o;
}

static void (*const three[3])(const struct line *) = {run_collector, run_strategy, run_executor};
static void (*const one[3])(const struct line *) = {idle, idle, run_fused};
static void (*const chain[3])(const struct line *) = {chain_a, chain_b, chain_c};

static void tell(const char *goal, const char *what, int64_t rate, double want, const struct bench_pairs *p)
{
	char name[80];
	snprintf(name, sizeof name, "tick to order at %lld/s, %s, of the chain", (long long)rate, what);
	bench_print(&(struct bench_goal){goal, name, "us", false, want}, p);
}

static void compare(int64_t rate, int64_t ticks, int pairs)
{
	struct bench_pairs half = {.n = 0}, tail = {.n = 0}, fused = {.n = 0};
	for (int i = 0; i < pairs; i++) {
		struct outcome a = run(rate, ticks, three, true);
		struct outcome b = run(rate, ticks, chain, false);
		struct outcome c = run(rate, ticks, one, false);
		bench_add(&half, a.p50_us, b.p50_us);
		bench_add(&tail, a.p99_us, b.p99_us);
		bench_add(&fused, c.p50_us, b.p50_us);
	}
	tell("G5", "p50", rate, 2.5, &half);
	if (rate < 10000)
		return;
	tell("G5", "p99", rate, 3, &tail);
	tell("G6", "one process, p50", rate, 0.6, &fused);
}

int main(int argc, char **argv)
{
	bool brief = argc > 1 && strcmp(argv[1], "--short") == 0;
	int pairs = brief ? 5 : 9;
	signal(SIGPIPE, SIG_IGN);
	day_offset = clock_wall(clock_real()) - bench_now();
	compare(1000, brief ? 800 : 4000, pairs);
	compare(10000, brief ? 6000 : 30000, pairs);
	return 0;
}
