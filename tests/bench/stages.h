/* stages - a venue's frames through collector core, outbox, bus, inbox and sequencer in three processes, for the
 * benchmarks that time them.
 *
 *     feeder -tcp-> collector core, outbox -bus M-> inbox, sequencer, strategy -journal, bus X-> inbox, sequencer
 *
 * Every line->every'th trade becomes an intent and that an order. The journals are on tmpfs, so that an intent is
 * journalled before it is visible, by the journal's own thread, without a disk's sync in between.
 */
#ifndef NJ_TESTS_STAGES_H
#define NJ_TESTS_STAGES_H

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/loop.h"
#include "common/service/inbox.h"
#include "common/service/outbox.h"
#include "common/service/sequencer.h"
#include "services/collector/core.h"
#include "tests/bench/bench.h"

enum { STAGE_READ_BYTES = 64 << 10 };
enum { READY_STRATEGY = 1, READY_EXECUTOR = 2 };

struct stage;

struct line { /* one run */
	char dir[64];
	int listener, port;
	int ready[2], result[2]; /* pipes to the parent */
	int ab[2], bc[2];        /* socket pairs, for lines without a bus */
	int64_t rate, ticks, orders, every;
	/* Feeds the core what has come: at most len bytes; returns how many were used. */
	size_t (*feed)(struct stage *s, const char *at, size_t len);
	/* The nth intent of the tick with this stamp is an order. True: it was the last one. */
	bool (*on_order)(const struct line *l, int64_t stamp, int64_t ordinal);
	void (*on_first)(int stage); /* the first tick or order has come to a stage; may be NULL */
};

/* Time as the frames have it: of this day, for the collector to believe it, but never stepping back. */
static int64_t day_offset;

static inline int64_t day_now(void)
{
	return bench_now() + day_offset;
}

static inline int dial(const struct line *l)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	must(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
	return fd;
}

static inline int answer(const struct line *l)
{
	int fd = accept(l->listener, NULL, NULL);
	must(fd >= 0);
	return fd;
}

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
	char buffer[STAGE_READ_BYTES];
	size_t held;
	/* strategy */
	int64_t seen, ordinal;
	void (*publish)(struct stage *s, struct event *intent);
	bool began;
};

static inline void on_journal(void *ctx, int events)
{
	struct stage *s = ctx;
	(void)events;
	must(outbox_durable(&s->outbox) == 0);
}

static inline void on_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct stage *s = ctx;
	struct event ev;
	size_t used;
	if (codec_unpack(bytes, len, NULL, &ev, &used) == 0)
		outbox_on_request(&s->outbox, peer, &ev);
}

static inline void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page,
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

static inline void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct stage *s = ctx;
	(void)link;
	inbox_on_frame(&s->inbox, frame, len, bench_now());
}

static inline void on_batch(void *ctx)
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

static inline struct stage *new_stage(const struct line *l, const char *name, bool logged)
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

static inline void first(struct stage *s, int number)
{
	if (!s->began && s->line->on_first)
		s->line->on_first(number);
	s->began = true;
}

/* ---- collector ---- */

static inline void emit(void *ctx, struct event *ev)
{
	struct stage *s = ctx;
	must(outbox_emit(&s->outbox, ev) == 0);
}

static inline void on_bytes(void *ctx, int events)
{
	struct stage *s = ctx;
	(void)events;
	ssize_t n = recv(s->fd, s->buffer + s->held, sizeof s->buffer - s->held, MSG_DONTWAIT);
	if (n <= 0)
		return; /* the feeder has gone: the parent ends us */
	first(s, 0);
	s->held += (size_t)n;
	size_t at = s->line->feed(s, s->buffer, s->held);
	memmove(s->buffer, s->buffer + at, s->held - at);
	s->held -= at;
	if (s->bus)
		outbox_flush(&s->outbox);
}

static inline void no_request(void *ctx, const struct collector_request *r)
{
	(void)ctx, (void)r;
}

static inline void no_reconnect(void *ctx, uint32_t connection, const char *reason)
{
	(void)ctx, (void)connection, (void)reason;
}

static inline void on_feeder(void *ctx, int events)
{
	struct stage *s = ctx;
	struct loop_source *source = NULL;
	(void)events;
	s->fd = answer(s->line);
	must(loop_fd(s->loop, s->fd, LOOP_IN, on_bytes, s, &source) == 0);
}

static inline void new_core(struct stage *s, void (*out)(void *ctx, struct event *ev))
{
	struct collector_market market = {.raw = "BTCUSDT", .streams = VENUE_TRADE_STREAM};
	struct collector_actions actions = {.ctx = s, .request = no_request, .reconnect = no_reconnect};
	struct collector_core_settings set;
	collector_core_defaults(&set, venue_find("BINANCE", 7));
	set.markets = &market;
	set.n_markets = 1;
	set.origin = origin_simulated;
	s->sink = (struct sink){s, out};
	must(collector_core_new(&set, &actions, &s->core) == 0);
	collector_core_start(s->core, day_now(), &s->sink);
}

static inline void run_collector(const struct line *l)
{
	struct stage *s = new_stage(l, "collector", true);
	struct loop_source *source = NULL;
	new_core(s, emit);
	must(loop_fd(s->loop, l->listener, LOOP_IN, on_feeder, s, &source) == 0);
	must(loop_run(s->loop) == 0);
}

/* ---- strategy and executor behind inbox and sequencer ---- */

static inline int deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len,
			  bool state)
{
	struct stage *s = ctx;
	(void)in, (void)state;
	return sequencer_push(&s->sequencer, s->input, head, bytes, len, bench_now());
}

static inline void lost(void *ctx, struct inbox *in, const struct inbox_gap *gap)
{
	(void)ctx, (void)in, (void)gap;
	check_failed("records are gone for good", __FILE__, __LINE__, __func__);
}

static inline void refused(void *ctx, struct inbox *in, const struct event *head)
{
	(void)ctx, (void)in, (void)head;
	check_failed("epoch refused", __FILE__, __LINE__, __func__);
}

static inline void caught_up(void *ctx, struct inbox *in)
{
	struct stage *s = ctx;
	(void)in;
	must(write(s->line->ready[1], &s->ready_word, sizeof s->ready_word) == sizeof s->ready_word);
}

static const struct inbox_ops inbox_ops = {.deliver = deliver, .gap = lost, .refused = refused, .caught_up = caught_up};

static inline void apply_tick(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
{
	struct stage *s = ctx;
	struct event intent;
	(void)in;
	first(s, 1);
	if (ev->id != EVENT_trade || ++s->seen % s->line->every != 0)
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

static inline void apply_intent(void *ctx, struct sequencer_input *in, int64_t now, const struct event *ev)
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
	first(s, 2);
	if (s->line->on_order(s->line, ev->intent.cause_at, (int64_t)ev->intent.ordinal))
		loop_stop(s->loop);
}

static inline int64_t never(void *ctx)
{
	(void)ctx;
	return CORE_NEVER;
}

static inline void no_timer(void *ctx, int64_t due)
{
	(void)ctx, (void)due;
}

static inline void too_late(void *ctx, struct sequencer_input *in, const struct event *ev, int64_t at)
{
	(void)ctx, (void)in, (void)ev, (void)at;
	check_failed("an event came late", __FILE__, __LINE__, __func__);
}

static inline bool ready(void *ctx)
{
	return outbox_ready(&((struct stage *)ctx)->outbox);
}

static const struct sequencer_ops strategy_ops = {
	.apply = apply_tick, .next_due = never, .fire = no_timer, .late = too_late, .ready = ready};
static const struct sequencer_ops executor_ops = {
	.apply = apply_intent, .next_due = never, .fire = no_timer, .late = too_late, .ready = ready};

static inline void follow(struct stage *s, const char *publisher, enum lane lane, const struct sequencer_ops *ops)
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
	must(loop_timer(s->loop, 0, 50 * NS_PER_MS, on_batch, s, &timer) == 0); /* as often as the runtime's pulse */
	must(loop_run(s->loop) == 0);
}

static inline void to_bus(struct stage *s, struct event *intent)
{
	must(outbox_emit(&s->outbox, intent) == 0);
}

static inline void run_strategy(const struct line *l)
{
	struct stage *s = new_stage(l, "strategy", false);
	s->publish = to_bus;
	follow(s, "collector", LANE_M, &strategy_ops);
}

static inline void run_executor(const struct line *l)
{
	struct stage *s = new_stage(l, "executor", false);
	follow(s, "strategy", LANE_X, &executor_ops);
}

/* ---- runs ---- */

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static inline void open_line(struct line *l)
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

static inline void close_line(struct line *l)
{
	const int fds[] = {l->listener, l->ready[0], l->ready[1], l->result[0], l->result[1],
			   l->ab[0],    l->ab[1],    l->bc[0],    l->bc[1]};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	nftw(l->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline pid_t start(const struct line *l, void (*fn)(const struct line *))
{
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		fn(l);
		_exit(0);
	}
	return pid;
}

static inline bool wait_for(int fd, void *to, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 30000) == 1 && read(fd, to, len) == (ssize_t)len;
}

#endif
