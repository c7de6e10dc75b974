/* test_tails - a follower of some topics: lost ends, late joins without a seam, what the log does not have either. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/service/inbox.h"
#include "common/service/outbox.h"
#include "proto/topic.h"

#define MS INT64_C(1000000)

static const char *const symbols[] = {"BTCUSDT", "ETHUSDT", "SOLUSDT"};
static const char *const prefixes[] = {"trade.", "tail.", NULL};

struct world {
	struct bus_hub *hub;
	struct bus *pub_bus, *con_bus;
	struct outbox box;
	struct inbox in;
	char dir[64];
	int64_t mono;
	uint64_t values, delivered, gaps, sent;
	bool no_room;        /* the receiver takes no last values */
	size_t cut;          /* bytes that its page lacks */
	int64_t cannot_give; /* the publisher's answer to who asks for them */
	int unserved, served;
};

static int deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len, bool state)
{
	struct world *w = ctx;
	char topic[TOPIC_MAX];
	struct event ev;
	size_t used;
	assert_int_equal(codec_unpack(bytes, len, NULL, &ev, &used), 0);
	int n = topic_of(&ev, topic);
	if (state && w->no_room)
		return ERR_FULL;
	if (state) {
		assert_int_equal(head->seq, outbox_topic_last(&w->box, topic, (size_t)n));
		assert_null(in->account);
		w->values++;
		return 0;
	}
	w->delivered++;
	return 0;
}

static void gap(void *ctx, struct inbox *in, const struct inbox_gap *g)
{
	(void)in, (void)g;
	((struct world *)ctx)->gaps++;
}

static void refused(void *ctx, struct inbox *in, const struct event *head)
{
	(void)ctx, (void)in, (void)head;
	fail();
}

static void unserved(void *ctx, struct inbox *in, int err)
{
	struct world *w = ctx;
	(void)in;
	w->unserved += err != 0;
	w->served += err == 0;
}

static const struct inbox_ops ops = {.deliver = deliver, .gap = gap, .refused = refused, .unserved = unserved};

static void trade(const char *raw, struct event *ev)
{
	event_init(ev, EVENT_trade);
	ev->ts_event = 1;
	symbol_make(raw, strlen(raw), "BINANCE", &ev->trade.instrument);
}

/* Last values as a collector gives them: copies with their topic's sequence, then the tails. */
static void answer_state(struct world *w, const struct bus_peer *peer, const struct event *request)
{
	uint8_t frame[1024], out[512];
	struct buf page;
	struct event ev;
	buf_init(&page, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		trade(symbols[i], &ev);
		memcpy(ev.source, "pub", 4);
		int topic_len = topic_of(&ev, (char *)frame);
		ev.seq = outbox_topic_last(&w->box, (char *)frame, (size_t)topic_len);
		int n = codec_pack(&ev, frame + topic_len + 1, sizeof frame - (size_t)topic_len - 1);
		assert_int_equal(outbox_put_record(&page, frame, (size_t)(topic_len + 1 + n)), 0);
	}
	outbox_put_tails(&w->box, &page);
	page.len -= w->cut;
	event_init(&ev, EVENT_reply);
	memcpy(ev.source, "pub", 4);
	ev.reply.verb = verb_state;
	ev.reply.id = request->request.id;
	ev.reply.of_epoch = w->box.m_epoch;
	ev.reply.last = (uint64_t)outbox_values_stamp(&w->box);
	ev.reply.result = w->cannot_give;
	int n = codec_pack(&ev, out, sizeof out);
	assert_int_equal(bus_reply(w->pub_bus, peer, out, (size_t)n, page.at, page.len), 0);
	buf_fini(&page);
}

static void pub_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct world *w = ctx;
	struct event ev;
	size_t used;
	assert_int_equal(codec_unpack(bytes, len, NULL, &ev, &used), 0);
	outbox_flush(&w->box);
	if (!outbox_on_request(&w->box, peer, &ev))
		answer_state(w, peer, &ev);
}

static void no_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	(void)ctx, (void)link, (void)frame, (void)len;
}

static void no_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	(void)ctx, (void)peer, (void)bytes, (void)len;
}

static void no_reply(void *ctx, const char *publisher, const uint8_t *r, size_t n, const uint8_t *p, size_t m)
{
	(void)ctx, (void)publisher, (void)r, (void)n, (void)p, (void)m;
}

static void con_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	struct world *w = ctx;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, left, used;
	struct event ev;
	(void)link;
	if (!outbox_is_telemetry((const char *)frame, len)) {
		inbox_on_frame(&w->in, frame, len, w->mono);
		return;
	}
	assert_int_equal(codec_split(frame, len, &topic, &topic_len, &body, &left), 0);
	for (; left; body += used, left -= used) {
		assert_int_equal(codec_unpack(body, left, NULL, &ev, &used), 0);
		inbox_tail_topic(&w->in, &ev, w->mono);
	}
}

static void con_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page, size_t n)
{
	struct world *w = ctx;
	struct event ev;
	size_t used;
	(void)publisher;
	assert_int_equal(codec_unpack(reply, len, NULL, &ev, &used), 0);
	inbox_on_reply(&w->in, &ev, page, n, w->mono);
}

static const struct bus_handler pub_handler = {.on_frame = no_frame, .on_request = pub_request, .on_reply = no_reply};
static const struct bus_handler con_handler = {.on_frame = con_frame, .on_request = no_request, .on_reply = con_reply};

static void publish(struct world *w, size_t symbol)
{
	struct event ev;
	trade(symbols[symbol], &ev);
	assert_int_equal(outbox_emit(&w->box, &ev), 0);
	outbox_flush(&w->box);
	w->sent++;
}

static struct world *make(void)
{
	struct world *w = calloc(1, sizeof *w);
	char reason[200] = "";
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-tails-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(bus_hub_new(&w->hub), 0);
	assert_int_equal(bus_mem_open(w->hub, &pub_handler, w, &w->pub_bus), 0);
	assert_int_equal(bus_bind(w->pub_bus, "pub"), 0);
	struct outbox_options o = {.source = "pub", .dir = w->dir, .logged = true, .clock = clock_real()};
	assert_int_equal(outbox_open(&w->box, w->pub_bus, &o, reason, sizeof reason), 0);
	assert_int_equal(bus_mem_open(w->hub, &con_handler, w, &w->con_bus), 0);
	return w;
}

static void join(struct world *w, enum inbox_join how, bool resync)
{
	assert_int_equal(inbox_open(&w->in, w->con_bus, "pub", LANE_M, prefixes, &ops, w), 0);
	w->in.resync = resync;
	inbox_start(&w->in, how, w->mono);
	w->sent = 0;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void drop(struct world *w)
{
	inbox_close(&w->in);
	bus_close(&w->con_bus);
	outbox_close(&w->box);
	bus_close(&w->pub_bus);
	bus_hub_free(w->hub);
	assert_int_equal(nftw(w->dir, discard, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(w);
}

static void settle(struct world *w)
{
	for (int i = 0; i < 20; i++) {
		bus_mem_pump(w->hub);
		inbox_poll(&w->in, w->mono);
		bus_mem_pump(w->hub);
		w->mono += 200 * MS;
	}
}

static struct account_sum sum_of(const struct world *w)
{
	struct account_sum s;
	accounts_sum(&w->in.accounts, &s);
	assert_int_equal(s.unbalanced, 0);
	assert_int_equal(s.published, s.handled + s.dropped);
	assert_int_equal(s.handled, w->delivered);
	return s;
}

static void a_lost_end_of_a_topic_is_told_by_its_tail(void **state)
{
	(void)state;
	struct world *w = make();
	join(w, INBOX_FROM_NOW, true);
	settle(w);
	publish(w, 0);
	publish(w, 1);
	settle(w);
	bus_hub_lose(w->hub, 1);
	publish(w, 0);
	publish(w, 2); /* the first of its topic */
	bus_mem_pump(w->hub);
	bus_hub_lose(w->hub, 0);
	settle(w);
	assert_int_equal(w->delivered, 2); /* nothing else shows it */
	outbox_send_tails(&w->box, false);
	bus_mem_pump(w->hub);
	assert_int_equal(sum_of(w).missing, 2);
	settle(w);
	assert_int_equal(w->delivered, 4);
	assert_int_equal(sum_of(w).published, w->sent);
	assert_int_equal(sum_of(w).missing + w->gaps, 0);
	outbox_send_tails(&w->box, true);
	settle(w);
	assert_int_equal(w->in.counters.holes, 1); /* all is well: nobody asks */
	drop(w);
}

static void a_late_joiner_goes_on_behind_the_last_values(void **state)
{
	(void)state;
	for (int lost = 0; lost <= 1; lost++) {
		struct world *w = make();
		for (size_t i = 0; i < 500; i++)
			publish(w, i % 2);
		join(w, INBOX_FROM_NOW, true);
		settle(w);
		assert_int_equal(w->values, ARRAY_LEN(symbols));
		assert_int_equal(w->delivered, 0);
		bus_hub_lose(w->hub, (uint64_t)lost); /* the very next one */
		publish(w, 0);
		bus_mem_pump(w->hub);
		bus_hub_lose(w->hub, 0);
		publish(w, 0);
		publish(w, 2);
		settle(w);
		assert_int_equal(w->in.counters.holes, lost);
		assert_int_equal(sum_of(w).published, 3);
		assert_int_equal(sum_of(w).dropped + w->gaps, 0);
		drop(w);
	}
}

/* Facts on lane X have stamps before the log has a record: who joined then, and lost the log's first, has no gap. */
static void who_joins_before_the_first_record_misses_nothing(void **state)
{
	(void)state;
	struct world *w = make();
	struct event fact;
	event_init(&fact, EVENT_feed_state);
	fact.ts_event = 1;
	assert_int_equal(outbox_emit(&w->box, &fact), 0);
	outbox_flush(&w->box);
	assert_true(w->box.last_stamp > 0);
	join(w, INBOX_FROM_NOW, false);
	settle(w);
	bus_hub_lose(w->hub, 1);
	publish(w, 0);
	bus_mem_pump(w->hub);
	bus_hub_lose(w->hub, 0);
	publish(w, 0);
	settle(w);
	assert_int_equal(w->in.counters.paged, 2); /* it has asked the log */
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->delivered, 2);
	drop(w);
}

/* A late joiner that cannot be given them waits; that it does is told once, but for a publisher that is only busy. */
static void last_values_that_cannot_be_had_are_told(void **state)
{
	(void)state;
	for (int how = 0; how < 5; how++) {
		struct world *w = make();
		publish(w, 0);
		w->cut = how == 3 ? 1 : how == 4 ? 300 : 0; /* a page that ends within a record */
		w->no_room = how == 0;
		w->cannot_give = how == 1 ? ERR_FULL : how == 2 ? ERR_BUSY : 0;
		join(w, INBOX_FROM_NOW, true);
		for (int i = 0; i < 3; i++)
			settle(w);
		assert_int_equal(w->unserved, how != 2);
		assert_int_equal(w->in.state, INBOX_PAGING);
		w->no_room = false;
		w->cannot_give = 0;
		w->cut = 0;
		settle(w);
		assert_int_equal(w->served, how != 2);
		assert_int_equal(w->in.state, INBOX_LIVE);
		publish(w, 0);
		settle(w);
		assert_int_equal(w->delivered, 1);
		drop(w);
	}
}

/* A disk that was full: the log lacks what was sent then. Whoever did not get it live learns how much it was. */
static void what_the_log_lacks_is_dropped_to_the_record(void **state)
{
	(void)state;
	for (int resync = 0; resync <= 1; resync++) {
		for (int at_end = 0; at_end <= 1; at_end++) {
			struct world *w = make();
			join(w, INBOX_FROM_START, resync);
			settle(w);
			publish(w, 0);
			settle(w);
			struct mlog *log = w->box.mlog;
			bus_hub_lose(w->hub, 1);
			w->box.mlog = NULL;
			for (int i = 0; i < 7; i++)
				publish(w, 0);
			w->box.mlog = log;
			bus_mem_pump(w->hub);
			bus_hub_lose(w->hub, 0);
			publish(w, at_end ? 1 : 0);
			outbox_send_tails(&w->box, false);
			settle(w);
			/* With last values the one behind the hole comes as a value, too. */
			assert_int_equal(sum_of(w).published, w->sent);
			assert_in_range(sum_of(w).dropped, 7, 8);
			assert_int_equal(sum_of(w).missing, 0);
			assert_true(w->gaps > 0);
			publish(w, 0);
			settle(w);
			assert_int_equal(sum_of(w).published, w->sent);
			drop(w);
		}
	}
}

/* Every third frame lost, tails among them, and settled now and then: nothing of it is lost. */
static void a_lossy_link_is_accounted_for(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 3);
	struct world *w = make();
	join(w, INBOX_FROM_NOW, true);
	settle(w);
	for (int i = 0; i < 3000; i++) {
		bus_hub_lose(w->hub, 1 + rng_below(&r, 4));
		publish(w, (size_t)rng_below(&r, ARRAY_LEN(symbols)));
		bus_mem_pump(w->hub);
		if (rng_below(&r, 50) == 0)
			outbox_send_tails(&w->box, rng_below(&r, 2));
		if (rng_below(&r, 20) == 0) {
			inbox_poll(&w->in, w->mono += 500 * MS);
			bus_mem_pump(w->hub);
		}
		sum_of(w);
	}
	bus_hub_lose(w->hub, 0);
	outbox_send_tails(&w->box, true);
	settle(w);
	struct account_sum s = sum_of(w);
	assert_int_equal(s.published, w->sent);
	assert_int_equal(s.handled, w->sent);
	assert_int_equal(s.missing + s.dropped, 0);
	assert_true(w->in.counters.holes > 20);
	drop(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_end_of_a_topic_is_told_by_its_tail),
		cmocka_unit_test(a_late_joiner_goes_on_behind_the_last_values),
		cmocka_unit_test(who_joins_before_the_first_record_misses_nothing),
		cmocka_unit_test(last_values_that_cannot_be_had_are_told),
		cmocka_unit_test(what_the_log_lacks_is_dropped_to_the_record),
		cmocka_unit_test(a_lossy_link_is_accounted_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
