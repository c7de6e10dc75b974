/* bench_pub - the publishing side of nj bench: by a rate or flat out, in batches, after a warm-up. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/bench.h"
#include "tools/nj/publisher.h"

enum { TURN_MAX = 500, PACKED_MAX = 64 << 10 };
#define PROGRESS_NS (NS_PER_S / 4)
#define PROBE_NS (50 * NS_PER_MS)
#define CONNECT_NS (10 * NS_PER_S)
#define WAIT_NS NS_PER_S         /* for subscribers that nobody knows of */
#define LINGER_NS (NS_PER_S / 2) /* the last messages leave; to readers that we know, until they are through */
#define FULL_PAUSE_NS (NS_PER_MS / 2)

struct bench_pub {
	struct cli *cli;
	const struct bench_options *o;
	struct publisher publisher;
	struct bench_message message;
	struct loop_source *timer, *on_progress, *on_probe, *ready[BENCH_CLIENTS_MAX];
	const int *ready_fds;
	size_t n_ready, n_connected, n_through;
	int64_t sent, total;                 /* messages, with those of the warm-up */
	int64_t began, measured_from, ended; /* monotonic; measured_from: when it was due, however late it was sent */
	bool timed_out;
	struct bench_result *result;
};

static uint8_t packed[PACKED_MAX];

void bench_message_init(struct bench_message *m, enum lane lane, int64_t size)
{
	memset(m, 0, sizeof *m);
	event_init(&m->ev, lane == LANE_X ? EVENT_equity : EVENT_book_delta);
	memcpy(m->ev.source, "bench", 6);
	m->ev.origin = origin_simulated;
	m->ev.seq = UINT32_MAX; /* as long as it will be */
	m->ev.epoch = UINT64_MAX / 4;
	m->ev.ts_event = m->ev.ts_recv = INT64_MAX / 2;
	if (lane == LANE_X) {
		event_set_name(m->ev.equity.account, "bench");
	} else {
		memcpy(m->ev.book_delta.instrument.s, "BENCH.NIGHTJAR", 15);
		m->ev.book_delta.bids.at = m->level;
	}
	for (size_t i = 0; i < ARRAY_LEN(m->level); i++)
		m->level[i] = (struct level){INT64_C(1) << 40, INT64_C(1) << 40};
	for (;;) {
		int n = codec_pack(&m->ev, packed, sizeof packed);
		must(n > 0);
		m->packed = (size_t)n;
		if (lane == LANE_X || n >= size || m->ev.book_delta.bids.n == ARRAY_LEN(m->level))
			return;
		m->ev.book_delta.bids.n++;
	}
}

void bench_message_number(struct event *ev, int64_t number)
{
	if (ev->id == EVENT_equity)
		ev->equity.cash = number;
	else
		ev->book_delta.last_id = (uint64_t)number;
}

int64_t bench_number_of(const struct event *ev)
{
	return ev->id == EVENT_equity       ? ev->equity.cash
	       : ev->id == EVENT_book_delta ? (int64_t)ev->book_delta.last_id
					    : -1;
}

static int64_t mono(const struct bench_pub *b)
{
	return clock_mono(loop_clock(b->publisher.loop));
}

static void after(struct bench_pub *b, int64_t ns, loop_fn fn)
{
	loop_end(&b->timer);
	if (loop_timer(b->publisher.loop, ns, 0, fn, b, &b->timer) != 0)
		loop_stop(b->publisher.loop);
}

static void on_lingered(void *ctx)
{
	struct bench_pub *b = ctx;
	b->timer = NULL;
	loop_stop(b->publisher.loop);
}

/* Monotonic time at which message number i is due. */
static int64_t due_at(const struct bench_pub *b, int64_t i)
{
	return b->o->rate ? b->began + i / b->o->rate * NS_PER_S + i % b->o->rate * NS_PER_S / b->o->rate : 0;
}

static int send_one(struct bench_pub *b)
{
	int64_t now = mono(b), wall = clock_wall(loop_clock(b->publisher.loop));
	int64_t due = b->o->rate ? due_at(b, b->sent) : now;
	if (b->sent == b->o->warmup)
		b->measured_from = due;
	b->message.ev.ts_event = wall - (now - due);
	b->message.ev.ts_recv = wall;
	bench_message_number(&b->message.ev, b->sent + 1);
	int rc = publisher_emit(&b->publisher, &b->message.ev);
	if (rc == 0 && ++b->sent % b->o->batch == 0)
		outbox_flush(&b->publisher.outbox);
	return rc;
}

/* A reader that is through writes what it measured (or is gone): whoever holds the other end reads that. */
static void on_through(void *ctx, int events)
{
	struct bench_pub *b = ctx;
	(void)events;
	for (size_t i = 0; i < b->n_ready; i++) {
		struct pollfd fd = {.fd = b->ready_fds[i], .events = POLLIN};
		if (!b->ready[i] || poll(&fd, 1, 0) != 1)
			continue;
		loop_end(&b->ready[i]);
		b->n_through++;
	}
	if (b->n_through == b->n_ready)
		after(b, 0, on_lingered);
}

/* What is still in our queues when the socket closes is lost: a reader that gets no processor is waited for. */
static void finish(struct bench_pub *b)
{
	int rc = 0;
	publisher_flush(&b->publisher);
	b->ended = mono(b);
	for (size_t i = 0; !rc && i < b->n_ready; i++)
		rc = loop_fd(b->publisher.loop, b->ready_fds[i], LOOP_IN, on_through, b, &b->ready[i]);
	after(b, b->n_ready > 0 && !rc ? b->o->idle + LINGER_NS : LINGER_NS, on_lingered);
}

static void on_due(void *ctx)
{
	struct bench_pub *b = ctx;
	int rc = 0;
	b->timer = NULL;
	for (int n = 0; n < TURN_MAX && b->sent < b->total && due_at(b, b->sent) <= mono(b); n++) {
		if (!publisher_ready(&b->publisher)) {
			after(b, FULL_PAUSE_NS, on_due);
			return;
		}
		rc = send_one(b);
		if (rc)
			break;
	}
	if (rc) {
		b->result->failed = rc;
		loop_stop(b->publisher.loop);
		return;
	}
	if (b->sent == b->total) {
		finish(b);
		return;
	}
	outbox_flush(&b->publisher.outbox);
	int64_t wait = due_at(b, b->sent) - mono(b);
	after(b, wait > 0 ? wait : 0, on_due);
}

/* On a terminal only. */
static void on_progress(void *ctx)
{
	struct bench_pub *b = ctx;
	fprintf(b->cli->err, "\r%3d %%  %" PRId64 " of %" PRId64 " messages ", (int)(b->sent * 100 / b->total), b->sent,
		b->total);
	if (b->sent == b->total)
		fputs("\r\033[K", b->cli->err);
	fflush(b->cli->err);
}

/* A subscription is in force where it has brought something. */
static void on_probe(void *ctx)
{
	struct bench_pub *b = ctx;
	b->message.ev.ts_event = b->message.ev.ts_recv = clock_wall(loop_clock(b->publisher.loop));
	bench_message_number(&b->message.ev, 0);
	b->result->failed = publisher_emit(&b->publisher, &b->message.ev);
	publisher_flush(&b->publisher);
	if (b->result->failed)
		loop_stop(b->publisher.loop);
}

static void begin(void *ctx)
{
	struct bench_pub *b = ctx;
	b->timer = NULL;
	loop_end(&b->on_probe);
	b->began = mono(b);
	on_due(b);
}

static void on_no_connection(void *ctx)
{
	struct bench_pub *b = ctx;
	b->timer = NULL;
	b->timed_out = true;
	loop_stop(b->publisher.loop);
}

static void on_ready(void *ctx, int events)
{
	struct bench_pub *b = ctx;
	char byte;
	(void)events;
	for (size_t i = 0; i < b->n_ready; i++) {
		if (!b->ready[i] || read(b->ready_fds[i], &byte, 1) != 1)
			continue; /* none yet: the descriptors do not block */
		loop_end(&b->ready[i]);
		b->n_connected++;
	}
	if (b->n_connected == b->n_ready)
		after(b, 0, begin);
}

static int start(struct bench_pub *b)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < b->n_ready; i++)
		rc = loop_fd(b->publisher.loop, b->ready_fds[i], LOOP_IN, on_ready, b, &b->ready[i]);
	if (!rc)
		rc = loop_timer(b->publisher.loop, 0, PROBE_NS, on_probe, b, &b->on_probe);
	if (!rc && b->n_ready > 0)
		after(b, CONNECT_NS, on_no_connection);
	else if (!rc)
		after(b, WAIT_NS, begin);
	if (!rc && !b->cli->quiet && isatty(fileno(b->cli->err)))
		rc = loop_timer(b->publisher.loop, PROGRESS_NS, PROGRESS_NS, on_progress, b, &b->on_progress);
	return rc ? cli_fail(b->cli, CLI_FAILED, "%s", err_text(rc)) : CLI_OK;
}

static int conclude(struct bench_pub *b)
{
	struct bench_result *r = b->result;
	if (b->timed_out)
		return cli_fail(b->cli, CLI_TIMEOUT, "only %zu of %zu subscribers connected in time", b->n_connected,
				b->n_ready);
	if (r->failed || b->publisher.failed)
		return cli_fail(b->cli, CLI_FAILED, "the journal: %s",
				err_text(r->failed ? r->failed : b->publisher.failed));
	int n = b->sent > 0 ? codec_pack(&b->message.ev, packed, sizeof packed) : 0; /* as the last one was */
	r->messages = b->sent > b->o->warmup ? (uint64_t)(b->sent - b->o->warmup) : 0;
	r->bytes = r->messages * (uint64_t)(n > 0 ? n : 0);
	r->ns = b->ended ? b->ended - b->measured_from : 0;
	return b->publisher.signal ? CLI_INTERRUPTED : CLI_OK;
}

int bench_publish(struct cli *cli, const struct bench_options *o, const int *ready_fds, size_t n_ready,
		  struct bench_result *ret_result)
{
	static struct bench_pub b;
	b = (struct bench_pub){.cli = cli,
			       .o = o,
			       .publisher = {.signals = -1},
			       .ready_fds = ready_fds,
			       .n_ready = n_ready,
			       .total = o->messages + o->warmup,
			       .result = ret_result};
	memset(ret_result, 0, sizeof *ret_result);
	hist_init(&ret_result->latency);
	bench_message_init(&b.message, o->lane[0] == 'x' ? LANE_X : LANE_M, o->size);
	int rc = publisher_open(&b.publisher, cli, o->as);
	if (!rc)
		rc = start(&b);
	if (!rc) {
		loop_run(b.publisher.loop);
		rc = conclude(&b);
	}
	for (size_t i = 0; i < n_ready; i++)
		loop_end(&b.ready[i]);
	if (b.on_progress)
		on_progress(&b);
	loop_end(&b.on_progress);
	loop_end(&b.on_probe);
	loop_end(&b.timer);
	publisher_close(&b.publisher);
	return rc;
}
