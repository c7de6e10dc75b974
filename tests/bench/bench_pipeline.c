/* bench_pipeline - goals G7 and G14: WebSocket frames to orders flat out, and what a tick costs on an idle machine.
 *
 *     ours   ws_rx, collector core, outbox -bus M-> inbox, sequencer, strategy -journal, bus X-> inbox, sequencer
 *     bare   frames cut and read by hand, packed by hand -PUB-> read by hand -PUB-> read by hand
 *     naive  a tree of each frame, doubles, msgpack-c maps by name -zmsg-> maps by name -zmsg-> maps by name
 *
 * Three processes each, in turns, the same frames in the same writes; every hundredth tick becomes an
 * order. The feeder is at most WINDOW ticks ahead of the last order in all three. The bare line sends one message for
 * what one read brought, as ours does, and counts sequences, but journals nothing, keeps no book, candle or log and
 * cannot repair a loss. The naive line is what one writes first: the tree is made by a small reader below (one malloc a
 * value, as jansson does, which is no dependency of ours and is slower: it checks what it reads).
 *
 * G7 compares ticks a second. G14 sends 1,000 ticks a second, every fourth an order, and compares the CPU of the
 * processes from their first tick on, without their start. Every order must come once and in order, every sequence
 * follow the last: exits 2 otherwise. A missed goal is only told.
 *
 *     bench_pipeline [--short]
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "common/io/ws_rx.h"
#include "tests/bench/pipeline_bare.h"
#include "tests/bench/pipeline_naive.h"

#define FIRST_ID INT64_C(3000000000) /* of ten digits, as today's are */

enum { WINDOW = 4000, BURST = 32, FRAME_MAX = 300 };

/* ---- the feeder ---- */

/* Unmasked text frames, as a venue sends them. A burst has one time, and its frames differ in their ids' digits: the
 * feeder must cost little, or it would be what is measured. Returns the bytes. */
static size_t make_frames(char *out, int64_t first, int64_t count)
{
	char text[FRAME_MAX], id[24];
	int64_t ms = day_now() / NS_PER_MS;
	size_t len = (size_t)snprintf(text, sizeof text,
				      "????{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%lld,"
				      "\"s\":\"BTCUSDT\",\"t\":%010lld,\"p\":\"61837.%02d000000\","
				      "\"q\":\"0.00%03d000\",\"T\":%lld,\"m\":true,\"M\":true}}",
				      (long long)ms, (long long)FIRST_ID, (int)(first / BURST % 100),
				      100 + (int)(first / BURST % 900), (long long)ms);
	must(len > 4 + 125 && len < FRAME_MAX);
	const char head[4] = {(char)0x81, 126, (char)((len - 4) >> 8), (char)(len - 4)};
	memcpy(text, head, sizeof head);
	char *digits = strstr(text + 4, "\"t\":") + 4;
	for (int64_t i = 0; i < count; i++) {
		uint64_t n = FIRST_ID + (uint64_t)(first + i);
		for (int k = 9; k >= 0; k--, n /= 10)
			id[k] = (char)('0' + n % 10);
		memcpy(digits, id, 10);
		memcpy(out + (size_t)i * len, text, len);
	}
	return (size_t)count * len;
}

static void wait_for_order(int64_t *done)
{
	int64_t value[64];
	struct pollfd p = {.fd = shared->done[0], .events = POLLIN};
	ssize_t n = poll(&p, 1, 60000) == 1 ? read(shared->done[0], value, sizeof value) : 0;
	if (n < 8 || n % 8 != 0) {
		fprintf(stderr, "bench_pipeline: no order comes any more\n");
		exit(2);
	}
	*done = value[n / 8 - 1];
}

static void write_all(int fd, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);
		must(n > 0);
		at += n;
		len -= (size_t)n;
	}
}

static void feed_flat_out(const struct line *l, int fd)
{
	char out[BURST * FRAME_MAX];
	int64_t done = 0, n = 0;
	while (n < l->ticks) {
		int64_t count = l->ticks - n < BURST ? l->ticks - n : BURST;
		write_all(fd, out, make_frames(out, n, count));
		n += count;
		while (n - done * l->every > WINDOW)
			wait_for_order(&done);
	}
	while (done < l->orders)
		wait_for_order(&done);
}

static void feed_slowly(const struct line *l, int fd)
{
	char out[FRAME_MAX];
	int64_t began = bench_now() + NS_PER_MS, done = 0;
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	for (int64_t n = 0; n < l->ticks; n++) {
		int64_t due = began + n * NS_PER_S / l->rate;
		struct timespec at = {.tv_sec = due / NS_PER_S, .tv_nsec = due % NS_PER_S};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
			;
		write_all(fd, out, make_frames(out, n, 1));
	}
	while (done < l->orders)
		wait_for_order(&done);
}

/* ---- ours ---- */

static size_t feed_core(struct stage *s, const char *bytes, size_t len)
{
	static struct ws_rx rx;
	struct ws_rx_item item;
	uint8_t *at;
	size_t cap;
	if (rx.message_max == 0)
		ws_rx_init(&rx, 1 << 20, false);
	must(ws_rx_room(&rx, len, &at, &cap) == 0);
	memcpy(at, bytes, len);
	ws_rx_took(&rx, len);
	while (ws_rx_next(&rx, &item) == 0) {
		must(item.kind == WS_RX_MESSAGE);
		struct collector_frame f = {.now = day_now(), .text = item.bytes, .len = item.len};
		collector_core_on_frame(s->core, &f, &s->sink);
	}
	must(!rx.failed);
	return len;
}

/* ---- runs ---- */

struct outcome {
	double seconds, cpu_us[3]; /* us of CPU: of each stage, from its first tick on */
};

static void open_shared(struct line *l)
{
	memset(shared, 0, sizeof *shared);
	open_line(l);
	must(pipe(shared->done) == 0);
}

static void end_stage(pid_t pid, int i, bool kill_it, struct outcome *o)
{
	struct rusage u;
	int status;
	if (kill_it)
		kill(pid, SIGKILL);
	must(wait4(pid, &status, 0, &u) == pid);
	o->cpu_us[i] = (double)(cpu_of(&u) - shared->began_cpu[i]) / 1000;
	if (!kill_it && status != 0) {
		fprintf(stderr, "bench_pipeline: the last stage failed\n");
		exit(2);
	}
}

static struct outcome run(struct line l, void (*const stage[3])(const struct line *),
			  void (*feeder)(const struct line *, int))
{
	struct outcome o = {0};
	pid_t pid[3];
	int word, heard = 0;
	l.orders = l.ticks / l.every;
	l.feed = feed_core;
	l.on_order = on_order;
	l.on_first = on_first;
	open_shared(&l);
	for (int i = 0; i < 3; i++)
		pid[i] = start(&l, stage[i]);
	close(shared->done[1]);
	while (heard != (READY_STRATEGY | READY_EXECUTOR) && wait_for(l.ready[0], &word, sizeof word))
		heard |= word;
	if (heard != (READY_STRATEGY | READY_EXECUTOR)) {
		fprintf(stderr, "bench_pipeline: the stages do not hear each other\n");
		exit(2);
	}
	int fd = dial(&l);
	int64_t began = bench_now();
	feeder(&l, fd);
	o.seconds = (double)(bench_now() - began) / NS_PER_S;
	for (int i = 0; i < 3; i++)
		end_stage(pid[i], i, i < 2, &o);
	close(fd);
	close(shared->done[0]);
	close_line(&l);
	return o;
}

typedef void (*const stages[3])(const struct line *);
static stages ours = {run_collector, run_strategy, run_executor};
static stages bare = {bare_collector, bare_strategy, bare_executor};
static stages naive = {naive_collector, naive_strategy, naive_executor};

static double cpu_a_tick(const struct outcome *o, int64_t ticks)
{
	return (o->cpu_us[0] + o->cpu_us[1] + o->cpu_us[2]) / (double)ticks;
}

static void flat_out(int64_t ticks, int pairs)
{
	struct bench_pairs to_bare = {.n = 0}, to_naive = {.n = 0}, cpu = {.n = 0}, cpu_naive = {.n = 0};
	for (int i = 0; i < pairs; i++) {
		struct line l = {.ticks = ticks, .every = 100}, few = {.ticks = ticks / 10, .every = 100};
		struct outcome a = run(l, ours, feed_flat_out), b = run(l, bare, feed_flat_out);
		struct outcome c = run(few, naive, feed_flat_out);
		double rate = (double)ticks / a.seconds;
		bench_add(&to_bare, rate, (double)ticks / b.seconds);
		bench_add(&to_naive, rate, (double)few.ticks / c.seconds);
		bench_add(&cpu, cpu_a_tick(&a, ticks), cpu_a_tick(&b, ticks));
		bench_add(&cpu_naive, cpu_a_tick(&a, ticks), cpu_a_tick(&c, few.ticks));
	}
	bench_print(&(struct bench_goal){"G7", "pipeline flat out, of the bare one", "ev/s", true, 0.7}, &to_bare);
	bench_print(&(struct bench_goal){"G7", "pipeline flat out, of the naive one", "ev/s", true, 12}, &to_naive);
	printf("#\tCPU of the three processes a tick, flat out: ours %.2f us, bare %.2f us, naive %.2f us\n",
	       bench_share(cpu.ours, pairs, 0.5), bench_share(cpu.ref, pairs, 0.5),
	       bench_share(cpu_naive.ref, pairs, 0.5));
}

static void slowly(int64_t ticks, int pairs)
{
	static const char *const names[] = {"CPU of the collector a tick at 1000/s, of the bare one",
					    "CPU of the strategy a tick at 1000/s, of the bare one",
					    "CPU of the executor an order at 250/s, of the bare one"};
	struct bench_pairs p[3] = {{.n = 0}};
	struct line l = {.ticks = ticks, .every = 4, .rate = 1000};
	for (int i = 0; i < pairs; i++) {
		struct outcome a = run(l, ours, feed_slowly), b = run(l, bare, feed_slowly);
		for (int k = 0; k < 3; k++) {
			double n = (double)(k < 2 ? ticks : ticks / l.every);
			bench_add(&p[k], a.cpu_us[k] / n, b.cpu_us[k] / n);
		}
	}
	for (int k = 0; k < 3; k++)
		bench_print(&(struct bench_goal){"G14", names[k], "us", false, 1.3}, &p[k]);
}

int main(int argc, char **argv)
{
	bool brief = argc > 1 && strcmp(argv[1], "--short") == 0;
	signal(SIGPIPE, SIG_IGN);
	day_offset = clock_wall(clock_real()) - bench_now();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED);
	flat_out(brief ? 200000 : 1000000, brief ? 5 : 9);
	slowly(brief ? 1000 : 5000, brief ? 5 : 9);
	return 0;
}
