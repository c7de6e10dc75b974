/* bench_e2e - goals G5 and G6: a venue's frame to a strategy's order, over three processes and in one, against a chain.
 *
 *     feeder -tcp-> collector core, outbox -bus M-> inbox, sequencer, strategy -journal, bus X-> inbox, sequencer:
 * order feeder -tcp-> A                      -unix->  B                          -unix->           C
 *
 * Both lines get the same frames at the same rate, taken in turns; every EVERYth tick becomes an order in each. Time
 * runs from just before the frame is written to when its order event is packed. The chain blocks in read and does no
 * work: the floor for three processes on this machine. The journals are on tmpfs, so that an intent is journalled
 * before it is visible, by the journal's own thread, without a disk's sync in between. Every order must arrive, once
 * and in order: exits 2 otherwise. A missed goal is only told.
 *
 *     bench_e2e [--short]
 */
#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/loop.h"
#include "common/service/inbox.h"
#include "common/service/outbox.h"
#include "common/service/sequencer.h"
#include "services/collector/core.h"
#include "tests/bench/bench.h"

enum { FRAME_BYTES = 240, STAMP_DIGITS = 19, EVERY = 4, MESSAGE_BYTES = 128, READ_BYTES = 64 << 10 };
enum { READY_STRATEGY = 1, READY_EXECUTOR = 2 };

struct line { /* one run */
	char dir[64];
	int listener, port;
	int ready[2], result[2]; /* pipes to the parent */
	int ab[2], bc[2];        /* of the chain */
	int64_t rate, ticks, orders;
};

struct outcome {
	double p50_us, p99_us;
};

/* Time as the frames have it: of this day, for the collector to believe it, but never stepping back. */
static int64_t day_offset;

static int64_t day_now(void)
{
	return bench_now() + day_offset;
}

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

static int dial(const struct line *l)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	must(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
	return fd;
}

static int answer(const struct line *l)
{
	int fd = accept(l->listener, NULL, NULL);
	must(fd >= 0);
	return fd;
}

/* ---- what the last stage notes ---- */

struct notes {
	const struct line *line;
	double *took;
	int64_t n;
};

static void notes_init(struct notes *t, const struct line *l)
{
	*t = (struct notes){.line = l, .took = calloc((size_t)l->orders, sizeof(double))};
	must(t->took);
}

/* True: that was the last one, and the parent has been told. */
static bool note(struct notes *t, int64_t stamp, int64_t ordinal)
{
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
	struct notes t;
	notes_init(&t, l);
	while (read_whole(l->bc[0], &m, sizeof m))
		if (note(&t, m.stamp, m.n))
			return;
}

/* ---- ours: what the stages share ---- */

struct stage {
	const struct line *line;
	struct loop *loop;
	struct bus *bus;
	struct outbox outbox;
	struct inbox inbox;
	struct sequencer sequencer;
	struct sequencer_input *input;
	int ready_word;
	/* collector */
	struct collector_core *core;
	struct sink sink;
	int fd;
	char buffer[READ_BYTES];
	size_t held;
	/* strategy */
	int64_t seen, ordinal;
	void (*publish)(struct stage *s, struct event *intent);
	/* executor */
	struct notes notes;
};

static void on_journal(void *ctx, int events)
{
	struct stage *s = ctx;
	(void)events;
	must(outbox_durable(&s->outbox) == 0);
}

static void on_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct stage *s = ctx;
	struct event ev;
	size_t used;
	if (codec_unpack(bytes, len, NULL, &ev, &used) == 0)
		outbox_on_request(&s->outbox, peer, &ev);
}

static void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page,
		     size_t page_len)
{
	static uint8_t memory[ARENA_SIZE];
	struct stage *s = ctx;
	struct arena arena = {.at = memory, .cap = sizeof memory};
	struct event ev;
	size_t used;
	(void)publisher;
	if (codec_unpack(reply, len, &arena, &ev, &used) == 0)
		inbox_on_reply(&s->inbox, &ev, page, page_len, bench_now());
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct stage *s = ctx;
	(void)link;
	inbox_on_frame(&s->inbox, frame, len, bench_now());
}

static void on_batch(void *ctx)
{
	struct stage *s = ctx;
	int64_t wake;
	if (!s->input)
		return;
	inbox_poll(&s->inbox, bench_now());
	sequencer_step(&s->sequencer, bench_now(), UINT32_MAX, &wake);
	outbox_flush(&s->outbox);
}

static const struct bus_handler handler = {
	.on_frame = on_frame, .on_batch = on_batch, .on_request = on_request, .on_reply = on_reply};

static struct stage *new_stage(const struct line *l, const char *name, bool logged)
{
	struct stage *s = calloc(1, sizeof *s);
	struct loop_source *source = NULL;
	char dir[100], reason[200] = "";
	must(s && loop_new(clock_real(), &s->loop) == 0);
	s->line = l;
	snprintf(dir, sizeof dir, "%s/%s", l->dir, name);
	must(mkdir(dir, 0700) == 0);
	struct outbox_options o = {.source = name,
				   .dir = strdup(dir),
				   .logged = logged,
				   .journal_cap = 64 << 20,
				   .mlog_cap = 64 << 20,
				   .mlog_keep_ns = 900 * NS_PER_S,
				   .clock = clock_real()};
	struct bus_zmq_options options = {.dir = l->dir};
	must(bus_zmq_open(s->loop, &options, &handler, s, &s->bus, reason, sizeof reason) == 0);
	must(bus_bind(s->bus, name) == 0);
	must(outbox_open(&s->outbox, s->bus, &o, reason, sizeof reason) == 0);
	must(loop_fd(s->loop, journal_fd(s->outbox.journal), LOOP_IN, on_journal, s, &source) == 0);
	return s;
}

/* ---- ours: collector ---- */

static void emit(void *ctx, struct event *ev)
{
	struct stage *s = ctx;
	must(outbox_emit(&s->outbox, ev) == 0);
}

static void on_bytes(void *ctx, int events)
{
	struct stage *s = ctx;
	(void)events;
	ssize_t n = recv(s->fd, s->buffer + s->held, sizeof s->buffer - s->held, MSG_DONTWAIT);
	if (n <= 0)
		return; /* the feeder has gone: the parent ends us */
	s->held += (size_t)n;
	size_t at = 0;
	for (; s->held - at >= FRAME_BYTES; at += FRAME_BYTES) {
		struct collector_frame f = {.now = strtoll(s->buffer + at, NULL, 10),
					    .text = s->buffer + at + STAMP_DIGITS + 1,
					    .len = FRAME_BYTES - STAMP_DIGITS - 1};
		collector_core_on_frame(s->core, &f, &s->sink);
	}
	memmove(s->buffer, s->buffer + at, s->held - at);
	s->held -= at;
	if (s->bus)
		outbox_flush(&s->outbox);
}

static void no_request(void *ctx, const struct collector_request *r)
{
	(void)ctx, (void)r;
}

static void no_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx, (void)connection, (void)reason;
}

static void on_feeder(void *ctx, int events)
{
	struct stage *s = ctx;
	struct loop_source *source = NULL;
	(void)events;
	s->fd = answer(s->line);
	must(loop_fd(s->loop, s->fd, LOOP_IN, on_bytes, s, &source) == 0);
}

static void new_core(struct stage *s, void (*out)(void *ctx, struct event *ev))
{
	struct collector_market market = {.raw = "BTCUSDT", .streams = VENUE_TRADE_STREAM};
	struct collector_actions actions = {s, no_request, no_reconnect};
	struct collector_core_settings set;
	collector_core_defaults(&set, venue_find("BINANCE", 7));
	set.markets = &market;
	set.n_markets = 1;
	set.origin = origin_simulated;
	s->sink = (struct sink){s, out};
	must(collector_core_new(&set, &actions, &s->core) == 0);
	collector_core_start(s->core, day_now(), &s->sink);
}

static void run_collector(const struct line *l)
{
	struct stage *s = new_stage(l, "collector", true);
	struct loop_source *source = NULL;
	new_core(s, emit);
	must(loop_fd(s->loop, l->listener, LOOP_IN, on_feeder, s, &source) == 0);
	must(loop_run(s->loop) == 0);
}

/* ---- ours: strategy and executor behind inbox and sequencer ---- */

static int deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len, bool state)
{
	struct stage *s = ctx;
	(void)in, (void)state;
	return sequencer_push(&s->sequencer, s->input, head, bytes, len, bench_now());
}

static void lost(void *ctx, struct inbox *in, const struct inbox_gap *gap)
{
	(void)ctx, (void)in, (void)gap;
	check_failed("records are gone for good", __FILE__, __LINE__, __func__);
}

static void refused(void *ctx, struct inbox *in, const struct event *head)
{
	(void)ctx, (void)in, (void)head;
	check_failed("epoch refused", __FILE__, __LINE__, __func__);
}

static void caught_up(void *ctx, struct inbox *in)
{
	struct stage *s = ctx;
	(void)in;
	must(write(s->line->ready[1], &s->ready_word, sizeof s->ready_word) == sizeof s->ready_word);
}

static const struct inbox_ops inbox_ops = {.deliver = deliver, .gap = lost, .refused = refused, .caught_up = caught_up};

static void apply_tick(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct stage *s = ctx;
	struct event intent;
	(void)in;
	if (ev->id != EVENT_trade || ++s->seen % EVERY != 0)
		return;
	event_init(&intent, EVENT_intent);
	intent.origin = ev->origin;
	intent.ts_event = now;
	intent.ts_recv = now + 1;
	intent.intent.kind = intent_kind_order;
	event_set_name(intent.intent.account, "paper");
	event_set_name(intent.intent.strategy, "bench");
	intent.intent.ordinal = (uint64_t)++s->ordinal;
	intent.intent.instrument = ev->trade.instrument;
	intent.intent.side = side_buy;
	intent.intent.type = order_type_limit;
	intent.intent.tif = tif_ioc;
	intent.intent.price_scale = ev->trade.price_scale;
	intent.intent.qty_scale = ev->trade.qty_scale;
	intent.intent.price = ev->trade.price;
	intent.intent.qty = ev->trade.qty;
	event_set_name(intent.intent.cause_source, ev->source);
	intent.intent.cause_at = ev->ts_recv;
	s->publish(s, &intent);
}

static void apply_intent(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct stage *s = ctx;
	struct event order;
	uint8_t packed[1024];
	(void)in;
	must(ev->id == EVENT_intent);
	event_init(&order, EVENT_order);
	event_set_name(order.order.account, ev->intent.account);
	order.order.instrument = ev->intent.instrument;
	order.ts_event = order.ts_recv = now;
	memcpy(order.source, "executor", sizeof "executor");
	must(codec_pack(&order, packed, sizeof packed) > 0);
	if (note(&s->notes, ev->intent.cause_at, (int64_t)ev->intent.ordinal))
		loop_stop(s->loop);
}

static int64_t never(void *ctx)
{
	(void)ctx;
	return CORE_NEVER;
}

static void no_timer(void *ctx, int64_t due)
{
	(void)ctx, (void)due;
}

static void too_late(void *ctx, struct sequencer_input *in, const struct event *ev, int64_t at)
{
	(void)ctx, (void)in, (void)ev, (void)at;
	check_failed("an event came late", __FILE__, __LINE__, __func__);
}

static bool ready(void *ctx)
{
	return outbox_ready(&((struct stage *)ctx)->outbox);
}

static const struct sequencer_ops strategy_ops = {
	.apply = apply_tick, .next_due = never, .fire = no_timer, .late = too_late, .ready = ready};
static const struct sequencer_ops executor_ops = {
	.apply = apply_intent, .next_due = never, .fire = no_timer, .late = too_late, .ready = ready};

static void follow(struct stage *s, const char *publisher, enum lane lane, const struct sequencer_ops *ops)
{
	static const char *const market[] = {"trade.", NULL};
	struct loop_source *timer = NULL;
	bool m = lane == LANE_M;
	must(sequencer_init(&s->sequencer, ops, s) == 0);
	must(sequencer_add(&s->sequencer, publisher, m ? SEQUENCE_MARKET : SEQUENCE_INTENT, NS_PER_MS, 8 << 20,
			   &s->input) == 0);
	s->ready_word = m ? READY_STRATEGY : READY_EXECUTOR;
	must(inbox_open(&s->inbox, s->bus, publisher, lane, m ? market : NULL, &inbox_ops, s) == 0);
	inbox_start(&s->inbox, INBOX_FROM_START, bench_now());
	must(loop_timer(s->loop, 0, 10 * NS_PER_MS, on_batch, s, &timer) == 0);
	must(loop_run(s->loop) == 0);
}

static void to_bus(struct stage *s, struct event *intent)
{
	must(outbox_emit(&s->outbox, intent) == 0);
}

static void run_strategy(const struct line *l)
{
	struct stage *s = new_stage(l, "strategy", false);
	s->publish = to_bus;
	follow(s, "collector", LANE_M, &strategy_ops);
}

static void run_executor(const struct line *l)
{
	struct stage *s = new_stage(l, "executor", false);
	notes_init(&s->notes, l);
	follow(s, "strategy", LANE_X, &executor_ops);
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
	notes_init(&fused_executor->notes, l);
	new_core(s, fuse_market);
	must(loop_fd(s->loop, l->listener, LOOP_IN, on_feeder, s, &source) == 0);
	must(loop_run(s->loop) == 0);
}

/* ---- runs ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static void open_line(struct line *l)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	bool tmpfs = access("/dev/shm", W_OK) == 0;
	snprintf(l->dir, sizeof l->dir, "%s/nj-bench-XXXXXX", tmpfs ? "/dev/shm" : "/tmp");
	must(mkdtemp(l->dir));
	l->listener = socket(AF_INET, SOCK_STREAM, 0);
	must(l->listener >= 0 && bind(l->listener, (struct sockaddr *)&at, sizeof at) == 0);
	must(listen(l->listener, 1) == 0 && getsockname(l->listener, (struct sockaddr *)&at, &len) == 0);
	l->port = ntohs(at.sin_port);
	must(pipe(l->ready) == 0 && pipe(l->result) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, l->ab) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, l->bc) == 0);
}

static void close_line(struct line *l)
{
	const int fds[] = {l->listener, l->ready[0], l->ready[1], l->result[0], l->result[1],
			   l->ab[0],    l->ab[1],    l->bc[0],    l->bc[1]};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	nftw(l->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static pid_t start(const struct line *l, void (*fn)(const struct line *))
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		fn(l);
		_exit(0);
	}
	return pid;
}

static bool wait_for(int fd, void *to, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 30000) == 1 && read(fd, to, len) == (ssize_t)len;
}

/* The last of the three ends by itself; the others are ended. */
static struct outcome run(int64_t rate, int64_t ticks, void (*const stage[3])(const struct line *), bool ours)
{
	struct line l = {.rate = rate, .ticks = ticks, .orders = ticks / EVERY};
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
