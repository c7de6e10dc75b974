/* bench_journal - goal G18 and what a log costs: appends and orders made durable against one bare append and
 * fdatasync, group commit, recovery of a million records, and the lane-M log against memcpy.
 *
 * An order is one packed intent, read by the executor's core as it stands in the service (limits on, book of a
 * hundred levels a side): acknowledged is when its order event is durable (the balance behind
 * it comes with the next group). What ends it is not timed.
 *
 * Each line: name, value, unit, ratio to its reference in the same run (1: it is the reference).
 * The folder is NJ_TMP or /tmp: it must be on a real disk for the figures to mean anything.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/clock.h"
#include "common/io/journal.h"
#include "common/io/mlog.h"
#include "proto/codec.h"
#include "services/executor/core.h"

#define RECORD 200
#define PAIRS 1000
#define GROUPED 300000
#define RECOVERED 1000000
#define LOGGED 1000000
#define ROUNDS 5
#define PACKED 600
#define LEVELS 100
#define MS INT64_C(1000000)
#define US INT64_C(1000) /* of event time between orders: the book does not grow stale */
#define CASH INT64_C(100000000)
#define ORDERS 20000 /* a round, one after the other, none waited for */
#define BARES 200    /* beside them */

/* An executor at a book that stands still, and the journal for what it says. */
struct exchange {
	struct executor *x;
	struct journal *j;
	uint64_t seq, ordinal; /* of its last record, of its last intent */
	uint64_t ack;          /* record of the last word about an order */
	int64_t at;            /* event time */
};

static char dir[256];
static uint8_t record[RECORD];

static double now(void)
{
	return (double)clock_mono(clock_real());
}

static void make_dir(void)
{
	const char *base = getenv("NJ_TMP");
	snprintf(dir, sizeof(dir), "%s/nj-bench-XXXXXX", base ? base : "/tmp");
	must(mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[600];

	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

static struct journal *open_journal(void)
{
	const struct journal_options o = {.dir = dir, .epoch = 1};
	struct journal *j;
	char reason[400];

	if (journal_open(&o, &j, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "%s\n", reason);
		exit(1);
	}
	return j;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double quantile(double *values, size_t n, double q)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[(size_t)((double)(n - 1) * q)];
}

static void print(const char *name, double value, const char *unit, double ratio)
{
	printf("%-34s %12.2f %-10s %8.3f\n", name, value, unit, ratio);
}

/* Waits for the descriptor as the loop does. */
static void wait_durable(struct journal *j, uint64_t seq)
{
	struct pollfd p = {.fd = journal_fd(j), .events = POLLIN};

	while (journal_durable(j) < seq) {
		must(poll(&p, 1, 10000) == 1);
		journal_ack(j);
	}
}

static double durable_once(struct journal *j)
{
	uint64_t seq;
	double began = now();

	must(journal_append(j, record, sizeof(record), &seq) == 0);
	wait_durable(j, seq);
	return now() - began;
}

static double bare_once(int fd)
{
	double began = now();

	must(write(fd, record, sizeof(record)) == sizeof(record));
	must(fdatasync(fd) == 0);
	return now() - began;
}

static int open_bare(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/bare", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	must(fd >= 0);
	return fd;
}

/* ---- orders ---- */

static void write_down(void *ctx, struct event *ev)
{
	struct exchange *e = ctx;
	uint8_t bytes[PACKED];

	snprintf(ev->source, sizeof(ev->source), "executor");
	ev->epoch = 1;
	int n = codec_pack(ev, bytes, sizeof(bytes));
	must(n > 0);
	while (journal_append(e->j, bytes, (size_t)n, &e->seq) != 0)
		must(journal_flush(e->j, 60 * NS_PER_S) == 0); /* the buffer is full */
	if (ev->id == EVENT_order)
		e->ack = e->seq;
}

static void ignore(void *ctx, struct event *ev)
{
	(void)ctx;
	(void)ev;
}

static void feed(struct exchange *e, struct event *ev, const struct sink *out)
{
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = e->at;
	executor_core.on_event(e->x, e->at, ev, out);
}

static struct symbol symbol_one(void)
{
	struct symbol s;

	must(symbol_parse("ONE.TEST", 8, &s) == 0);
	return s;
}

static void feed_market(struct exchange *e)
{
	const struct sink out = {NULL, ignore};
	struct level bids[LEVELS], asks[LEVELS];
	struct event ev;

	event_init(&ev, EVENT_instrument);
	ev.instrument.instrument = symbol_one();
	event_set_name(ev.instrument.base, "ONE");
	event_set_name(ev.instrument.quote, "USDT");
	ev.instrument.price_scale = ev.instrument.cash_scale = 2;
	ev.instrument.qty_scale = 3;
	ev.instrument.tick_size = ev.instrument.lot_size = 1;
	ev.instrument.trading = true;
	feed(e, &ev, &out);
	event_init(&ev, EVENT_book_snapshot);
	for (int i = 0; i < LEVELS; i++) {
		bids[i] = (struct level){9999 - i, 1000};
		asks[i] = (struct level){10000 + i, 1000};
	}
	ev.book_snapshot.instrument = symbol_one();
	ev.book_snapshot.price_scale = 2;
	ev.book_snapshot.qty_scale = 3;
	ev.book_snapshot.bids = (struct levels){bids, LEVELS};
	ev.book_snapshot.asks = (struct levels){asks, LEVELS};
	feed(e, &ev, &out);
	event_init(&ev, EVENT_book_state);
	ev.book_state.instrument = symbol_one();
	ev.book_state.state = book_state_trusted;
	feed(e, &ev, &out);
}

static struct exchange open_exchange(void)
{
	struct exchange e = {.j = open_journal(), .at = 1000 * 1000 * MS};
	struct executor_settings s;

	executor_defaults(&s);
	s.balance[0].amount = 1000000 * CASH;
	s.order_latency_ns = s.ack_latency_ns = 0; /* the machine's own time is what is measured */
	s.limit[LIMIT_GROSS] = 1000000 * CASH;     /* limits have their price, too */
	s.limit[LIMIT_SECOND] = LIMITS_RATE_MAX;
	must(executor_new(&s, &e.x) == 0);
	feed_market(&e);
	return e;
}

static void close_exchange(struct exchange *e)
{
	executor_free(e->x);
	journal_close(e->j);
}

/* Packed, as a strategy sends it: an order to buy that rests in the book, or the end of the one before. */
static size_t pack_intent(struct exchange *e, bool cancel, uint8_t bytes[PACKED])
{
	struct event ev;

	event_init(&ev, EVENT_intent);
	snprintf(ev.source, sizeof(ev.source), "strategy");
	ev.epoch = 1;
	ev.origin = origin_simulated;
	ev.ts_event = ev.ts_recv = e->at;
	ev.intent.kind = cancel ? intent_kind_cancel : intent_kind_order;
	event_set_name(ev.intent.account, "paper");
	event_set_name(ev.intent.strategy, "s");
	ev.intent.ordinal = ++e->ordinal;
	snprintf(ev.intent.client_order_id, sizeof(ev.intent.client_order_id), "o%" PRIu64, e->ordinal - cancel);
	ev.intent.instrument = symbol_one();
	ev.intent.side = side_buy;
	ev.intent.type = order_type_limit;
	ev.intent.tif = tif_gtc;
	ev.intent.price_scale = 2;
	ev.intent.qty_scale = 3;
	ev.intent.price = 9900 + (int64_t)(e->ordinal % LEVELS);
	ev.intent.qty = 100;
	ev.intent.expires_at = e->at + 1000 * MS;
	int n = codec_pack(&ev, bytes, PACKED);
	must(n > 0);
	return (size_t)n;
}

static void take_intent(struct exchange *e, const uint8_t *bytes, size_t len)
{
	const struct sink out = {e, write_down};
	uint64_t before = e->ack;
	struct event ev;
	size_t used;

	must(codec_unpack(bytes, len, NULL, &ev, &used) == 0);
	for (int64_t due; (due = executor_core.next_due(e->x)) <= e->at;)
		executor_core.on_timer(e->x, due, &out);
	executor_core.on_event(e->x, e->at, &ev, &out);
	must(e->ack > before);
}

static void cancel_order(struct exchange *e)
{
	uint8_t bytes[PACKED];

	take_intent(e, bytes, pack_intent(e, true, bytes));
	must(executor_open_orders(e->x) == 0);
}

/* From the bytes of an intent to where the word that its order is open is durable, and may go out. */
static double order_once(struct exchange *e)
{
	uint8_t bytes[PACKED];
	e->at += US;
	size_t len = pack_intent(e, false, bytes);
	double began = now();

	take_intent(e, bytes, len);
	wait_durable(e->j, e->ack);
	double took = now() - began;
	must(executor_open_orders(e->x) == 1);
	cancel_order(e);
	wait_durable(e->j, e->seq);
	return took;
}

/* Orders, each with its end, none of which waits for the one before; and bare ones: how many a second. */
static double order_round(struct exchange *e)
{
	uint8_t bytes[PACKED];
	double began = now();

	for (int i = 0; i < ORDERS; i++) {
		e->at += US;
		take_intent(e, bytes, pack_intent(e, false, bytes));
		cancel_order(e);
	}
	must(journal_flush(e->j, 60 * NS_PER_S) == 0);
	return ORDERS / (now() - began) * 1e9;
}

static double bare_round(int fd)
{
	double began = now();

	for (int i = 0; i < BARES; i++)
		bare_once(fd);
	return BARES / (now() - began) * 1e9;
}

static void bench_orders(void)
{
	struct exchange e = open_exchange();
	double ours[ROUNDS], bare[ROUNDS], ratio[ROUNDS];
	int fd = open_bare();

	for (int i = 0; i < ROUNDS; i++) {
		bare[i] = bare_round(fd);
		ours[i] = order_round(&e);
		ratio[i] = ours[i] / bare[i];
	}
	const struct executor_counters *c = executor_counters(e.x);
	must(c->orders == ROUNDS * ORDERS && c->cancelled == c->orders && c->rejected == 0);
	print("bare append+fdatasync", quantile(bare, ROUNDS, 0.5), "records/s", 1);
	print("orders and their ends, durable", quantile(ours, ROUNDS, 0.5), "orders/s",
	      quantile(ratio, ROUNDS, 0.5));
	close(fd);
	close_exchange(&e);
}

static void bench_latency(void)
{
	static double ours[PAIRS], bare[PAIRS], acks[PAIRS];
	struct exchange e = open_exchange();
	int fd = open_bare();

	for (int i = 0; i < PAIRS; i++) {
		bare[i] = bare_once(fd);
		ours[i] = durable_once(e.j);
		acks[i] = order_once(&e);
	}
	double b50 = quantile(bare, PAIRS, 0.5), b99 = quantile(bare, PAIRS, 0.99);
	print("bare append+fdatasync p50", b50 / 1e3, "us", 1);
	print("journal append..durable p50", quantile(ours, PAIRS, 0.5) / 1e3, "us",
	      quantile(ours, PAIRS, 0.5) / b50);
	print("order to durable ack p50", quantile(acks, PAIRS, 0.5) / 1e3, "us",
	      quantile(acks, PAIRS, 0.5) / b50);
	print("bare append+fdatasync p99", b99 / 1e3, "us", 1);
	print("journal append..durable p99", quantile(ours, PAIRS, 0.99) / 1e3, "us",
	      quantile(ours, PAIRS, 0.99) / b99);
	print("order to durable ack p99", quantile(acks, PAIRS, 0.99) / 1e3, "us",
	      quantile(acks, PAIRS, 0.99) / b99);
	close(fd);
	close_exchange(&e);
}

/* ---- the journal alone ---- */

static void fill(struct journal *j, uint64_t count)
{
	uint64_t seq;

	for (uint64_t i = 0; i < count; i++)
		while (journal_append(j, record, sizeof(record), &seq) != 0)
			must(journal_flush(j, 60 * NS_PER_S) == 0); /* the buffer is full */
	must(journal_flush(j, 60 * NS_PER_S) == 0);
}

static void bench_groups(void)
{
	struct journal *j = open_journal();
	double began = now();

	fill(j, GROUPED);
	double s = (now() - began) / 1e9;
	struct journal_status status = journal_status(j);
	print("group commit", GROUPED / s, "records/s", GROUPED / s / 5000);
	print("records a sync", (double)GROUPED / (double)status.syncs, "records", 1);
	journal_close(j);
}

static bool count_record(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	uint64_t *sum = ctx;
	*sum += seq + bytes[0] + len;
	return true;
}

static void bench_recovery(void)
{
	struct journal *j = open_journal();
	uint64_t sum = 0, next = 1, before;

	fill(j, RECOVERED);
	journal_close(j);
	double began = now();
	j = open_journal();
	double opened = now();
	print("open after 1M records", (opened - began) / 1e9, "s", (opened - began) / 5e9);
	do {
		before = next;
		must(journal_read(j, next, 500, count_record, &sum, &next) == 0);
	} while (next != before);
	must(next > RECOVERED);
	print("open and read 1M records", (now() - began) / 1e9, "s", (now() - began) / 5e9);
	began = now();
	for (int i = 0; i < 1000; i++)
		must(journal_read(j, 1 + (uint64_t)i * 997, 1, count_record, &sum, &next) == 0);
	print("one record somewhere", (now() - began) / 1e6, "us", 1);
	journal_close(j);
}

static double log_round(struct mlog *m, int64_t *stamp)
{
	double began = now();

	for (int i = 0; i < LOGGED; i++)
		must(mlog_append(m, ++*stamp, record, sizeof(record)) == 0);
	return (now() - began) / LOGGED;
}

static double copy_round(uint8_t *to, size_t cap)
{
	double began = now();
	size_t at = 0;

	for (int i = 0; i < LOGGED; i++) {
		memcpy(to + at, record, sizeof(record));
		__asm__ volatile("" : : "r"(to) : "memory");
		at = at + 2 * sizeof(record) > cap ? 0 : at + sizeof(record);
	}
	return (now() - began) / LOGGED;
}

static void bench_mlog(void)
{
	const struct mlog_options o = {.dir = dir, .cap_bytes = 64 << 20};
	size_t cap = 64 << 20;
	uint8_t *to = malloc(cap);
	double ours[ROUNDS], copy[ROUNDS];
	struct mlog *m;
	char reason[400];
	int64_t stamp = 0;

	must(to != NULL && mlog_open(&o, &m, reason, sizeof(reason)) == 0);
	memset(to, 1, cap);
	for (int i = 0; i < ROUNDS; i++) {
		copy[i] = copy_round(to, cap);
		ours[i] = log_round(m, &stamp);
	}
	double c = quantile(copy, ROUNDS, 0.5);
	print("memcpy of 200 bytes", c, "ns", 1);
	print("mlog append of 200 bytes", quantile(ours, ROUNDS, 0.5), "ns",
	      quantile(ours, ROUNDS, 0.5) / c);
	mlog_close(m);
	free(to);
}

int main(void)
{
	static void (*const benches[])(void) = {bench_latency, bench_orders, bench_groups, bench_recovery,
						bench_mlog};

	for (size_t i = 0; i < sizeof(record); i++)
		record[i] = (uint8_t)(i * 31);
	for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
		make_dir();
		benches[i]();
		remove_dir();
	}
	return 0;
}
