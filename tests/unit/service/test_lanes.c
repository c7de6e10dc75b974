/* test_lanes - outbox and inbox over a bus that loses frames: every record once, in order, across restarts. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/service/inbox.h"
#include "common/service/outbox.h"

#define MS INT64_C(1000000)

struct publisher {
	struct bus *bus;
	struct outbox box;
	uint64_t unreadable; /* told of, and where last */
	uint64_t unreadable_at;
};

struct consumer {
	struct bus *bus;
	struct inbox in;
	uint64_t next, gaps, refused;
	int unserved[4]; /* what the publisher could not do, in turn */
	uint32_t n_unserved;
	int64_t last;
	uint64_t delivered;
	uint64_t room; /* deliveries until ERR_FULL; 0 endless */
	bool full;
};

struct world {
	struct bus_hub *hub;
	struct publisher pub;
	struct consumer con;
	char dir[64];
	bool small; /* files */
	int64_t mono;
};

static int deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len, bool state)
{
	struct consumer *c = ctx;
	(void)bytes;
	(void)len;
	(void)state;
	if (c->full)
		return ERR_FULL;
	if (c->room && --c->room == 0)
		c->full = true;
	if (in->lane == LANE_X) {
		assert_int_equal(head->seq, c->next);
		c->next++;
	} else {
		assert_true(head->ts_recv > c->last);
		c->last = head->ts_recv;
	}
	c->delivered++;
	return 0;
}

static void gap(void *ctx, struct inbox *in, const struct inbox_gap *g)
{
	struct consumer *c = ctx;
	c->gaps++;
	if (in->lane == LANE_X)
		c->next = g->last ? g->last + 1 : 1;
}

static void refused(void *ctx, struct inbox *in, const struct event *head)
{
	(void)in;
	(void)head;
	((struct consumer *)ctx)->refused++;
}

static void unserved(void *ctx, struct inbox *in, int err)
{
	struct consumer *c = ctx;
	(void)in;
	assert_true(c->n_unserved < 4);
	c->unserved[c->n_unserved++] = err;
}

static void unreadable(void *ctx, enum lane lane, uint64_t at, int err)
{
	struct publisher *p = ctx;
	(void)lane;
	assert_true(err < 0);
	p->unreadable++;
	p->unreadable_at = at;
}

static bool room(void *ctx, struct inbox *in)
{
	(void)in;
	return !((struct consumer *)ctx)->full;
}

static const struct inbox_ops inbox_ops = {
	.deliver = deliver, .gap = gap, .refused = refused, .unserved = unserved, .room = room};

static void pub_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	(void)ctx;
	(void)link;
	(void)frame;
	(void)len;
}

static void pub_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct publisher *p = ctx;
	struct event ev;
	size_t used;
	assert_int_equal(codec_unpack(bytes, len, NULL, &ev, &used), 0);
	assert_true(outbox_on_request(&p->box, peer, &ev));
}

static void no_reply(void *ctx, const char *publisher, const uint8_t *r, size_t n, const uint8_t *p, size_t m)
{
	(void)ctx, (void)publisher, (void)r, (void)n, (void)p, (void)m;
}

static const struct bus_handler pub_handler = {.on_frame = pub_frame, .on_request = pub_request, .on_reply = no_reply};

static struct world *the_world; /* for the consumer's clock */

static void con_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct consumer *c = ctx;
	(void)link;
	inbox_on_frame(&c->in, frame, len, the_world->mono);
}

static void con_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	(void)ctx, (void)peer, (void)bytes, (void)len;
}

static void con_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page, size_t n)
{
	struct consumer *c = ctx;
	struct event ev;
	struct arena arena = {.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	size_t used;
	(void)publisher;
	assert_int_equal(codec_unpack(reply, len, &arena, &ev, &used), 0);
	inbox_on_reply(&c->in, &ev, page, n, the_world->mono);
	free(arena.at);
}

static const struct bus_handler con_handler = {.on_frame = con_frame, .on_request = con_request, .on_reply = con_reply};

static void start_publisher(struct world *w)
{
	char reason[200] = "";
	struct outbox_options o = {.source = "pub", .dir = w->dir, .logged = true, .clock = clock_real(),
				    .unreadable = unreadable, .ctx = &w->pub};
	if (w->small) {
		o.journal_cap = 1 << 20;
		o.mlog_cap = 1 << 20;
	}
	assert_int_equal(bus_mem_open(w->hub, &pub_handler, &w->pub, &w->pub.bus), 0);
	assert_int_equal(bus_bind(w->pub.bus, "pub"), 0);
	assert_int_equal(outbox_open(&w->pub.box, w->pub.bus, &o, reason, sizeof reason), 0);
	outbox_resume_log(&w->pub.box);
}

static void stop_publisher(struct world *w)
{
	outbox_close(&w->pub.box);
	bus_close(&w->pub.bus);
}

static void start_consumer(struct world *w, enum lane lane, enum inbox_join join)
{
	struct consumer *c = &w->con;
	assert_int_equal(bus_mem_open(w->hub, &con_handler, c, &c->bus), 0);
	assert_int_equal(inbox_open(&c->in, c->bus, "pub", lane, NULL, &inbox_ops, c), 0);
	c->in.next = c->next ? c->next : 1;
	c->in.last = c->last;
	if (join == INBOX_FROM_CURSOR && lane == LANE_X)
		c->in.epoch = w->pub.box.x_epoch;
	if (!c->next)
		c->next = 1;
	inbox_start(&c->in, join, w->mono);
}

static void stop_consumer(struct world *w)
{
	inbox_close(&w->con.in);
	bus_close(&w->con.bus);
}

static struct world *make_world(void)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-lanes-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(bus_hub_new(&w->hub), 0);
	the_world = w;
	start_publisher(w);
	return w;
}

/* Files so small that what was published first lies in another one than what was published last. */
static struct world *make_small_world(void)
{
	struct world *w = make_world();
	stop_publisher(w);
	w->small = true;
	start_publisher(w);
	return w;
}

static void end_world(struct world *w)
{
	char command[100];
	stop_consumer(w);
	stop_publisher(w);
	bus_hub_free(w->hub);
	snprintf(command, sizeof command, "rm -r '%s'", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
}

static void publish(struct world *w, bool x)
{
	struct event ev;
	event_init(&ev, x ? EVENT_alert : EVENT_trade);
	ev.ts_event = 1;
	if (!x)
		symbol_make("BTCUSDT", 7, "BINANCE", &ev.trade.instrument);
	assert_int_equal(outbox_emit(&w->pub.box, &ev), 0);
}

/* Lets time and messages flow until nothing moves any more. */
static void settle(struct world *w)
{
	for (int i = 0; i < 60; i++) {
		journal_flush(w->pub.box.journal, 2000 * MS);
		outbox_durable(&w->pub.box);
		outbox_flush(&w->pub.box);
		bus_mem_pump(w->hub);
		if (w->con.bus) {
			inbox_tail(&w->con.in, w->pub.box.x_epoch, w->pub.box.x_sent, w->mono);
			inbox_tail_m(&w->con.in, mlog_last(w->pub.box.mlog), w->mono);
			inbox_poll(&w->con.in, w->mono);
		}
		bus_mem_pump(w->hub);
		w->mono += 60 * MS;
	}
}

static void a_lossy_bus_loses_nothing(void **state)
{
	(void)state;
	for (enum lane lane = LANE_M; lane <= LANE_X; lane++) {
		struct world *w = make_world();
		start_consumer(w, lane, INBOX_FROM_START);
		publish(w, lane == LANE_X);
		settle(w);
		bus_hub_lose(w->hub, 3);
		for (int i = 1; i < 3000; i++)
			publish(w, lane == LANE_X);
		settle(w);
		assert_int_equal(w->con.delivered, 3000);
		assert_true(w->con.in.counters.holes > 0);
		assert_int_equal(w->con.gaps, 0);
		end_world(w);
	}
}

/* Negative control: the same loss without replay is loss. */
static void without_replay_it_would_lose(void **state)
{
	(void)state;
	struct world *w = make_world();
	start_consumer(w, LANE_X, INBOX_FROM_START);
	settle(w);
	bus_hub_lose(w->hub, 3);
	uint64_t before = w->con.bus->counters.received[LANE_X];
	for (int i = 0; i < 300; i++)
		publish(w, true);
	journal_flush(w->pub.box.journal, 2000 * MS);
	outbox_durable(&w->pub.box);
	bus_mem_pump(w->hub);
	assert_true(w->con.bus->counters.received[LANE_X] - before <= 201);
	settle(w);
	assert_int_equal(w->con.delivered, 300);
	end_world(w);
}

static void a_lost_tail_is_found_by_the_heartbeat(void **state)
{
	(void)state;
	struct world *w = make_world();
	start_consumer(w, LANE_X, INBOX_FROM_START);
	settle(w);
	bus_hub_lose(w->hub, 1);
	publish(w, true);
	settle(w);
	assert_int_equal(w->con.delivered, 1);
	end_world(w);
}

static void restarts_on_both_sides_double_nothing(void **state)
{
	(void)state;
	for (enum lane lane = LANE_M; lane <= LANE_X; lane++) {
		struct rng r;
		rng_seed(&r, 7);
		struct world *w = make_world();
		uint64_t sent = 0;
		start_consumer(w, lane, INBOX_FROM_START);
		for (int round = 0; round < 40; round++) {
			bus_hub_lose(w->hub, rng_below(&r, 4));
			for (uint64_t n = rng_below(&r, 200); n; n--, sent++)
				publish(w, lane == LANE_X);
			if (rng_below(&r, 2))
				settle(w);
			if (rng_below(&r, 3) == 0) {
				stop_publisher(w);
				start_publisher(w);
			}
			if (rng_below(&r, 3) == 0) {
				stop_consumer(w);
				start_consumer(w, lane, w->con.delivered ? INBOX_FROM_CURSOR : INBOX_FROM_START);
			}
		}
		bus_hub_lose(w->hub, 0);
		settle(w);
		assert_int_equal(w->con.delivered, sent);
		assert_int_equal(w->con.gaps, 0);
		end_world(w);
	}
}

static void a_full_consumer_stalls_and_goes_on(void **state)
{
	(void)state;
	struct world *w = make_world();
	start_consumer(w, LANE_X, INBOX_FROM_START);
	settle(w);
	w->con.room = 100;
	for (int i = 0; i < 2000; i++)
		publish(w, true);
	settle(w);
	assert_int_equal(w->con.delivered, 100);
	w->con.full = false;
	settle(w);
	assert_int_equal(w->con.delivered, 2000);
	assert_true(w->con.in.counters.stalls > 0);
	end_world(w);
}

/* Turns one byte in the oldest file of a lane, in the record that is the `of`th there; again: turns it back. */
static void flip(const struct world *w, const char *lane, int of)
{
	const char *prefix = lane[0] == 'j' ? "x-" : "m-";
	char path[400], dir[100], name[256] = "";
	snprintf(dir, sizeof dir, "%s/%s", w->dir, lane);
	DIR *all = opendir(dir);
	assert_non_null(all);
	for (struct dirent *e = readdir(all); e; e = readdir(all))
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 && (!name[0] || strcmp(e->d_name, name) < 0))
			snprintf(name, sizeof name, "%s", e->d_name);
	closedir(all);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	static uint8_t bytes[1 << 20];
	size_t n = fread(bytes, 1, sizeof bytes, f), at = 64;
	for (; of > 0 && at < n; at++) {
		if (memcmp(bytes + at, lane[0] == 'j' ? "alert.pub" : "trade.BINANCE", 9) == 0)
			of--;
	}
	assert_int_equal(of, 0);
	at += 40; /* the text it was found by stays */
	assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
	fputc(bytes[at] ^ 1, f);
	assert_int_equal(fclose(f), 0);
}

/* Bits rot where the journal was good at the start: nothing wrong is served, nothing good behind the page is withheld,
 * both sides say so once, and with the file restored all of it arrives. */
static void a_record_that_cannot_be_read_is_told_and_waited_for(void **state)
{
	(void)state;
	struct world *w = make_small_world();
	for (int i = 0; i < 2000; i++)
		publish(w, true);
	settle(w);
	flip(w, "journal", 50);
	start_consumer(w, LANE_X, INBOX_FROM_START);
	settle(w);
	assert_int_equal(w->con.delivered, 49);
	assert_int_equal(w->con.n_unserved, 1);
	assert_int_equal(w->con.unserved[0], ERR_CORRUPT);
	assert_true(w->pub.unreadable > 1);
	assert_int_equal(w->pub.box.counters.unreadable, w->pub.unreadable);
	assert_int_equal(w->pub.unreadable_at, 50);
	flip(w, "journal", 50);
	settle(w);
	assert_int_equal(w->con.delivered, 2000);
	assert_int_equal(w->con.n_unserved, 2);
	assert_int_equal(w->con.unserved[1], 0);
	assert_int_equal(w->con.gaps, 0);
	end_world(w);
}

/* Of lane M what cannot be read is a gap: told, and gone on behind it. */
static void what_cannot_be_read_of_the_log_is_a_gap(void **state)
{
	(void)state;
	struct world *w = make_small_world();
	for (int i = 0; i < 2000; i++)
		publish(w, false);
	settle(w);
	flip(w, "mlog", 50);
	start_consumer(w, LANE_M, INBOX_FROM_START);
	settle(w);
	assert_true(w->con.delivered > 49 && w->con.delivered < 2000);
	assert_true(w->con.gaps > 0);
	assert_int_equal(w->con.in.counters.missing, 2000 - w->con.delivered);
	assert_true(w->pub.unreadable > 0);
	uint64_t before = w->con.delivered;
	for (int i = 0; i < 10; i++)
		publish(w, false);
	settle(w);
	assert_int_equal(w->con.delivered, before + 10);
	end_world(w);
}

static void an_older_epoch_is_refused(void **state)
{
	(void)state;
	struct world *w = make_world();
	start_consumer(w, LANE_X, INBOX_FROM_START);
	publish(w, true);
	settle(w);
	assert_int_equal(w->con.delivered, 1);
	w->con.in.epoch += 1000;
	publish(w, true);
	settle(w);
	assert_int_equal(w->con.delivered, 1);
	assert_true(w->con.refused > 0);
	end_world(w);
}

/* A lost journal (new epoch): what was not read of the old one is a gap on record, then everything of the new. */
static void a_new_epoch_is_followed_after_the_gap(void **state)
{
	(void)state;
	struct world *w = make_world();
	char command[100];
	start_consumer(w, LANE_X, INBOX_FROM_START);
	for (int i = 0; i < 10; i++)
		publish(w, true);
	settle(w);
	stop_publisher(w);
	snprintf(command, sizeof command, "rm -r '%s'/journal", w->dir);
	assert_int_equal(system(command), 0);
	start_publisher(w);
	for (int i = 0; i < 5; i++)
		publish(w, true);
	w->con.next = 1;
	settle(w);
	assert_int_equal(w->con.delivered, 15);
	assert_int_equal(w->con.gaps, 1);
	end_world(w);
}

static void regenerated_events_are_compared_not_published(void **state)
{
	(void)state;
	struct world *w = make_world();
	start_consumer(w, LANE_X, INBOX_FROM_START);
	for (int i = 0; i < 10; i++)
		publish(w, true);
	settle(w);
	stop_publisher(w);
	char reason[200];
	struct outbox_options o = {.source = "pub", .dir = w->dir, .clock = clock_real()};
	assert_int_equal(bus_mem_open(w->hub, &pub_handler, &w->pub, &w->pub.bus), 0);
	assert_int_equal(bus_bind(w->pub.bus, "pub"), 0);
	assert_int_equal(outbox_open(&w->pub.box, w->pub.bus, &o, reason, sizeof reason), 0);
	w->pub.box.x_next = 1;
	for (int i = 0; i < 12; i++) {
		struct event ev;
		event_init(&ev, EVENT_alert);
		ev.ts_event = i == 4 ? 2 : 1; /* one differs */
		assert_int_equal(outbox_emit(&w->pub.box, &ev), 0);
	}
	assert_int_equal(w->pub.box.counters.verified, 9);
	assert_int_equal(w->pub.box.counters.differing, 1);
	assert_int_equal(w->pub.box.counters.x_events, 2);
	assert_int_equal(journal_flush(w->pub.box.journal, 2000 * MS), 0);
	assert_int_equal(outbox_durable(&w->pub.box), 0);
	bus_mem_pump(w->hub);
	assert_int_equal(w->con.delivered, 12);
	end_world(w);
}

static void publish_other(struct world *w)
{
	struct event ev;
	event_init(&ev, EVENT_trade);
	ev.ts_event = 1;
	symbol_make("ETHUSDT", 7, "BINANCE", &ev.trade.instrument);
	assert_int_equal(outbox_emit(&w->pub.box, &ev), 0);
	outbox_flush(&w->pub.box);
	bus_mem_pump(w->hub);
}

/* A publisher that comes back speaks before its subscribers are connected again: the other topics' sequences do not
 * show it, its epoch does. */
static void what_a_restarted_publisher_said_too_early_is_fetched(void **state)
{
	(void)state;
	for (int by_telemetry = 0; by_telemetry <= 1; by_telemetry++) {
		struct world *w = make_world();
		start_consumer(w, LANE_M, INBOX_FROM_START);
		publish(w, false);
		publish_other(w);
		settle(w);
		assert_int_equal(w->con.delivered, 2);
		stop_publisher(w);
		start_publisher(w);
		bus_hub_lose(w->hub, 1);
		publish(w, false);
		outbox_flush(&w->pub.box);
		bus_mem_pump(w->hub);
		bus_hub_lose(w->hub, 0);
		if (by_telemetry)
			inbox_epoch_m(&w->con.in, w->pub.box.m_epoch, w->mono);
		else
			publish_other(w);
		assert_int_equal(w->con.in.state, INBOX_PAGING);
		settle(w);
		assert_int_equal(w->con.delivered, 4 - by_telemetry);
		assert_int_equal(w->con.gaps, 0);
		end_world(w);
	}
}

/* A subscription is in force some time after it was made; the first page may be answered before. What was said between
 * comes once, ahead of what was said after, though no later event of its topic would show that it is missing. */
static void what_came_before_the_subscription_is_fetched(void **state)
{
	(void)state;
	for (int by_telemetry = 0; by_telemetry <= 1; by_telemetry++) {
		struct world *w = make_world();
		bus_hub_lose(w->hub, 1);
		start_consumer(w, LANE_M, INBOX_FROM_START);
		inbox_poll(&w->con.in, w->mono);
		bus_mem_pump(w->hub);
		assert_int_equal(w->con.in.state, INBOX_LIVE);
		publish(w, false);
		outbox_flush(&w->pub.box);
		bus_mem_pump(w->hub);
		bus_hub_lose(w->hub, 0);
		if (by_telemetry)
			inbox_epoch_m(&w->con.in, w->pub.box.m_epoch, w->mono);
		publish_other(w);
		assert_int_equal(w->con.delivered, 0);
		inbox_poll(&w->con.in, w->mono);
		bus_mem_pump(w->hub);
		assert_int_equal(w->con.in.state, INBOX_LIVE);
		assert_int_equal(w->con.delivered, 2);
		assert_int_equal(w->con.gaps, 0);
		end_world(w);
	}
}

/* The same for each life of a publisher: a page of the new one may be answered while the link is not yet made again. */
static void what_a_new_life_said_before_the_subscription_is_fetched(void **state)
{
	(void)state;
	for (int by_telemetry = 0; by_telemetry <= 1; by_telemetry++) {
		struct world *w = make_world();
		start_consumer(w, LANE_M, INBOX_FROM_START);
		publish(w, false);
		settle(w);
		stop_publisher(w);
		start_publisher(w);
		bus_hub_lose(w->hub, 1);
		inbox_suspect(&w->con.in, w->mono); /* asks, and the new life answers */
		inbox_poll(&w->con.in, w->mono);
		bus_mem_pump(w->hub);
		assert_int_equal(w->con.in.state, INBOX_LIVE);
		assert_int_equal(w->con.in.epoch, w->pub.box.m_epoch);
		publish(w, false);
		outbox_flush(&w->pub.box);
		bus_mem_pump(w->hub);
		bus_hub_lose(w->hub, 0);
		if (by_telemetry)
			inbox_epoch_m(&w->con.in, w->pub.box.m_epoch, w->mono);
		else
			publish_other(w);
		assert_int_equal(w->con.in.state, INBOX_PAGING); /* no promise is believed */
		assert_int_equal(w->con.delivered, 1);
		settle(w);
		assert_int_equal(w->con.delivered, 3 - by_telemetry);
		assert_int_equal(w->con.gaps, 0);
		end_world(w);
	}
}

/* A page that was asked for before the subscription was in force does not count once it is. */
static void a_page_asked_for_too_early_is_asked_for_again(void **state)
{
	(void)state;
	struct world *w = make_world();
	start_consumer(w, LANE_M, INBOX_FROM_START);
	inbox_poll(&w->con.in, w->mono);
	uint64_t early = w->con.in.request;
	assert_true(early != 0);
	inbox_epoch_m(&w->con.in, w->pub.box.m_epoch, w->mono);
	inbox_poll(&w->con.in, w->mono);
	assert_true(w->con.in.request != 0 && w->con.in.request != early);
	settle(w);
	assert_int_equal(w->con.in.state, INBOX_LIVE);
	assert_int_equal(w->con.in.counters.pages, 1);
	end_world(w);
}

/* A journal restored from an old copy: whoever knows more than it does not go on with it as if nothing were missing. */
static void a_journal_behind_its_consumer_is_refused(void **state)
{
	(void)state;
	for (int by_epoch = 0; by_epoch <= 1; by_epoch++) {
		struct world *w = make_world();
		for (int i = 0; i < 10; i++)
			publish(w, true);
		settle(w);
		w->con.next = by_epoch ? 11 : 21;
		start_consumer(w, LANE_X, INBOX_FROM_CURSOR);
		w->con.in.epoch += by_epoch ? 1000 : 0;
		settle(w);
		assert_true(w->con.refused > 0);
		for (int i = 0; i < 20; i++)
			publish(w, true);
		if (by_epoch) {
			settle(w);
			assert_int_equal(w->con.delivered, 0);
			assert_int_equal(w->con.in.state, INBOX_PAGING);
		}
		end_world(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lossy_bus_loses_nothing),
		cmocka_unit_test(without_replay_it_would_lose),
		cmocka_unit_test(a_lost_tail_is_found_by_the_heartbeat),
		cmocka_unit_test(restarts_on_both_sides_double_nothing),
		cmocka_unit_test(a_full_consumer_stalls_and_goes_on),
		cmocka_unit_test(a_record_that_cannot_be_read_is_told_and_waited_for),
		cmocka_unit_test(what_cannot_be_read_of_the_log_is_a_gap),
		cmocka_unit_test(an_older_epoch_is_refused),
		cmocka_unit_test(a_new_epoch_is_followed_after_the_gap),
		cmocka_unit_test(regenerated_events_are_compared_not_published),
		cmocka_unit_test(a_journal_behind_its_consumer_is_refused),
		cmocka_unit_test(what_a_restarted_publisher_said_too_early_is_fetched),
		cmocka_unit_test(what_came_before_the_subscription_is_fetched),
		cmocka_unit_test(what_a_new_life_said_before_the_subscription_is_fetched),
		cmocka_unit_test(a_page_asked_for_too_early_is_asked_for_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
