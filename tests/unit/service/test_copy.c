/* test_copy - lane X from its second source: what a publisher gave up, lost or cannot say is had from the persister's
 * copy, never skipped while that may have it; and replay keeps to its rate. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/io/fs.h"
#include "common/service/inbox.h"
#include "common/service/outbox.h"

#define MS INT64_C(1000000)
enum { RECORDS_MAX = 8000, SOME = 2000, MANY = 7500 };

/* Publisher, keeper of the copy, consumer. */
struct world {
	struct bus_hub *hub;
	struct bus *pub_bus, *keeper_bus, *bus;
	struct outbox box;
	struct clock_sim clock; /* of the publisher */
	char dir[64];
	int64_t mono;
	uint64_t rate;
	uint64_t made; /* stamp and text: no two records are alike, whatever became of the journal */

	struct kept {
		uint64_t epoch, seq;
		uint8_t *frame;
		size_t len;
	} kept[RECORDS_MAX];
	size_t n_kept;
	bool keeper_answers;
	uint64_t keeper_asked;

	struct inbox in;
	uint64_t next, delivered, gaps, gap_first, gap_last, refused;
};

static struct world *w; /* the one of the running test */

static void keep_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	(void)ctx, (void)link;
	struct kept *k = &w->kept[w->n_kept];
	struct event head;
	const char *topic;
	const uint8_t *body;
	size_t topic_len, body_len;
	assert_int_equal(codec_split(frame, len, &topic, &topic_len, &body, &body_len), 0);
	assert_int_equal(codec_peek(body, body_len, &head), 0);
	assert_true(w->n_kept < RECORDS_MAX);
	*k = (struct kept){.epoch = head.epoch, .seq = head.seq, .frame = malloc(len), .len = len};
	memcpy(k->frame, frame, len);
	w->n_kept++;
}

static void fill_page(const struct event *q, struct ev_reply *r, struct buf *page)
{
	uint64_t next = q->request.from;
	r->of_epoch = q->request.of_epoch;
	for (size_t i = 0; i < w->n_kept; i++) {
		const struct kept *k = &w->kept[i];
		if (k->epoch != r->of_epoch)
			continue;
		r->last = k->seq;
		if (k->seq != next || r->records == OUTBOX_PAGE_RECORDS)
			continue;
		assert_int_equal(replay_page_add(page, k->frame, k->len), 0);
		r->records++;
		next++;
	}
	r->more = r->records && next <= r->last;
	r->result = r->records ? 0 : ERR_NOT_FOUND;
}

static void keeper_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct event q, reply;
	uint8_t out[1024];
	size_t used;
	struct buf page;
	(void)ctx;
	w->keeper_asked++;
	if (!w->keeper_answers)
		return;
	assert_int_equal(codec_unpack(bytes, len, NULL, &q, &used), 0);
	assert_int_equal(q.request.verb, verb_replay_x);
	assert_string_equal(q.request.target, "pub");
	event_init(&reply, EVENT_reply);
	memcpy(reply.source, "persister", 10);
	reply.reply.verb = verb_replay_x;
	reply.reply.id = q.request.id;
	buf_init(&page, BUS_FRAME_X_MAX);
	fill_page(&q, &reply.reply, &page);
	int n = codec_pack(&reply, out, sizeof out);
	assert_true(n > 0);
	bus_reply(w->keeper_bus, peer, out, (size_t)n, page.at, page.len);
	buf_fini(&page);
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

static void pub_request(void *ctx, const struct bus_peer *peer, const uint8_t *bytes, size_t len)
{
	struct event ev;
	size_t used;
	(void)ctx;
	assert_int_equal(codec_unpack(bytes, len, NULL, &ev, &used), 0);
	assert_true(outbox_on_request(&w->box, peer, &ev));
}

static void on_frame(void *ctx, struct bus_link *link, const uint8_t *frame, size_t len)
{
	(void)ctx, (void)link;
	inbox_on_frame(&w->in, frame, len, w->mono);
}

static void on_reply(void *ctx, const char *publisher, const uint8_t *reply, size_t len, const uint8_t *page, size_t n)
{
	struct event ev;
	size_t used;
	(void)ctx, (void)publisher;
	assert_int_equal(codec_unpack(reply, len, NULL, &ev, &used), 0);
	inbox_on_reply(&w->in, &ev, page, n, w->mono);
}

static const struct bus_handler keeper_handler = {
	.on_frame = keep_frame, .on_request = keeper_request, .on_reply = no_reply};
static const struct bus_handler pub_handler = {.on_frame = no_frame, .on_request = pub_request, .on_reply = no_reply};
static const struct bus_handler handler = {.on_frame = on_frame, .on_request = no_request, .on_reply = on_reply};

static int deliver(void *ctx, struct inbox *in, const struct event *head, const uint8_t *bytes, size_t len, bool state)
{
	(void)ctx, (void)in, (void)bytes, (void)len, (void)state;
	assert_int_equal(head->seq, w->next);
	w->next++;
	w->delivered++;
	return 0;
}

static void gap(void *ctx, struct inbox *in, const struct inbox_gap *g)
{
	(void)ctx, (void)in;
	w->gaps++;
	w->gap_first = g->first;
	w->gap_last = g->last;
	w->next = g->last ? g->last + 1 : 1;
}

static void refused(void *ctx, struct inbox *in, const struct event *head)
{
	(void)ctx, (void)in, (void)head;
	w->refused++;
}

static const struct inbox_ops inbox_ops = {.deliver = deliver, .gap = gap, .refused = refused};

static void start_publisher(void)
{
	char reason[200] = "";
	/* A small cap makes small segments: something can be given up. */
	struct outbox_options o = {.source = "pub", .dir = w->dir, .clock = &w->clock.clock, .journal_cap = 4 << 20,
				   .replay_rate = w->rate};
	assert_int_equal(bus_mem_open(w->hub, &pub_handler, NULL, &w->pub_bus), 0);
	assert_int_equal(bus_bind(w->pub_bus, "pub"), 0);
	assert_int_equal(outbox_open(&w->box, w->pub_bus, &o, reason, sizeof reason), 0);
}

static void stop_publisher(void)
{
	outbox_close(&w->box);
	bus_close(&w->pub_bus);
}

static void remove_folder(const char *part)
{
	char path[80];
	struct fs_list none;
	int fd;
	snprintf(path, sizeof path, "%s%s", w->dir, part);
	assert_int_equal(fs_open_dir(path, &fd), 0);
	assert_int_equal(fs_remove_all(fd, "", ""), 0);
	assert_int_equal(fs_list(fd, "", "", &none), 0);
	fs_list_fini(&none);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

/* Every file of the journal, or back again. */
static void copy_journal(const char *from, const char *to)
{
	char path[80], name[400];
	static uint8_t bytes[1 << 20];
	snprintf(path, sizeof path, "%s%s", w->dir, from);
	snprintf(name, sizeof name, "%s%s", w->dir, to);
	assert_int_equal(mkdir(name, 0700), 0);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strncmp(e->d_name, "x-", 2) != 0)
			continue;
		snprintf(name, sizeof name, "%s%s/%s", w->dir, from, e->d_name);
		FILE *in = fopen(name, "r");
		assert_non_null(in);
		size_t n = fread(bytes, 1, sizeof bytes, in);
		fclose(in);
		snprintf(name, sizeof name, "%s%s/%s", w->dir, to, e->d_name);
		FILE *out = fopen(name, "w");
		assert_non_null(out);
		assert_int_equal(fwrite(bytes, 1, n, out), n);
		fclose(out);
	}
	closedir(d);
}

static int setup(void **state)
{
	(void)state;
	w = calloc(1, sizeof *w);
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-copy-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	clock_sim_init(&w->clock, 1000000000 * MS);
	clock_sim_advance(&w->clock, 1000 * MS);
	assert_int_equal(bus_hub_new(&w->hub), 0);
	assert_int_equal(bus_mem_open(w->hub, &keeper_handler, NULL, &w->keeper_bus), 0);
	assert_int_equal(bus_bind(w->keeper_bus, "persister"), 0);
	struct bus_link *link;
	assert_int_equal(bus_subscribe(w->keeper_bus, "pub", LANE_X, NULL, NULL, &link), 0);
	w->keeper_answers = true;
	w->next = 1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (w->bus) {
		inbox_close(&w->in);
		bus_close(&w->bus);
	}
	if (w->pub_bus)
		stop_publisher();
	bus_close(&w->keeper_bus);
	bus_hub_free(w->hub);
	for (size_t i = 0; i < w->n_kept; i++)
		free(w->kept[i].frame);
	remove_folder("/journal");
	remove_folder("");
	free(w);
	return 0;
}

static void start_consumer(void)
{
	assert_int_equal(bus_mem_open(w->hub, &handler, NULL, &w->bus), 0);
	assert_int_equal(inbox_open(&w->in, w->bus, "pub", LANE_X, NULL, &inbox_ops, NULL), 0);
	inbox_copy(&w->in, "persister");
	inbox_start(&w->in, INBOX_FROM_START, w->mono);
}

static void publish(int n)
{
	struct event ev;
	for (int i = 0; i < n; i++) {
		event_init(&ev, EVENT_alert);
		ev.ts_event = 1;
		ev.ts_recv = (int64_t)++w->made;
		snprintf(ev.alert.message, sizeof ev.alert.message, "%0100d", (int)w->made);
		assert_int_equal(outbox_emit(&w->box, &ev), 0);
	}
	assert_int_equal(journal_flush(w->box.journal, 5000 * MS), 0);
	assert_int_equal(outbox_durable(&w->box), 0);
	bus_mem_pump(w->hub);
}

static void pass(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		bus_mem_pump(w->hub);
		if (w->bus)
			inbox_poll(&w->in, w->mono);
		bus_mem_pump(w->hub);
		w->mono += 60 * MS;
		clock_sim_advance(&w->clock, 60 * MS);
	}
}

/* Gives up whole segments up to about there; what is left begins behind the sequence returned. */
static uint64_t give_up(uint64_t seq)
{
	assert_int_equal(journal_trim(w->box.journal, seq), 0);
	uint64_t first = journal_status(w->box.journal).first;
	assert_true(first > 1);
	return first - 1;
}

static void what_was_given_up_comes_from_the_copy(void **state)
{
	(void)state;
	start_publisher();
	publish(SOME);
	assert_true(give_up(SOME - 100) > 500); /* more than a page */
	start_consumer();
	pass(100);
	assert_int_equal(w->delivered, SOME);
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->in.state, INBOX_LIVE);
	assert_true(w->in.counters.copied > 1);
	publish(10);
	pass(5);
	assert_int_equal(w->delivered, SOME + 10);
}

static void only_what_neither_has_is_gone(void **state)
{
	(void)state;
	start_publisher();
	publish(SOME);
	uint64_t lost = give_up(SOME - 100);
	w->n_kept = 100; /* the copy ends early */
	for (size_t i = 100; i < SOME; i++)
		free(w->kept[i].frame);
	start_consumer();
	pass(100);
	assert_int_equal(w->gaps, 1);
	assert_int_equal(w->gap_first, 101);
	assert_int_equal(w->gap_last, lost);
	assert_int_equal(w->delivered, 100 + SOME - lost);
}

/* Negative control: without a second source the same is a gap from the first record on. */
static void without_a_copy_it_would_be_lost(void **state)
{
	(void)state;
	start_publisher();
	publish(SOME);
	uint64_t lost = give_up(SOME - 100);
	start_consumer();
	inbox_copy(&w->in, NULL);
	pass(100);
	assert_int_equal(w->gaps, 1);
	assert_int_equal(w->gap_first, 1);
	assert_int_equal(w->delivered, SOME - lost);
}

/* Bits rot in the publisher's journal: what it cannot read any more the copy still can. */
static void what_has_rotted_comes_from_the_copy(void **state)
{
	(void)state;
	char path[128];
	start_publisher();
	publish(SOME);
	snprintf(path, sizeof path, "%s/journal/x-%020d.njj", w->dir, 1);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 10000, SEEK_SET), 0);
	fputs("rotten", f);
	assert_int_equal(fclose(f), 0);
	start_consumer();
	pass(100);
	assert_true(w->box.counters.unreadable > 0);
	assert_true(w->in.counters.copied > 0);
	assert_int_equal(w->delivered, SOME);
	assert_int_equal(w->gaps, 0);
	assert_false(w->in.unserved);
	assert_int_equal(w->in.state, INBOX_LIVE);
}

static void a_copy_that_is_away_is_waited_for(void **state)
{
	(void)state;
	start_publisher();
	publish(SOME);
	give_up(SOME - 100);
	w->keeper_answers = false;
	start_consumer();
	pass(1000);
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->delivered, 0);
	assert_true(inbox_lacks_copy(&w->in));
	assert_in_range(w->keeper_asked, 8, 60); /* in a minute: with growing distance */
	w->keeper_answers = true;
	pass(100);
	assert_false(inbox_lacks_copy(&w->in));
	assert_int_equal(w->delivered, SOME);
	assert_int_equal(w->gaps, 0);
}

static void a_publisher_that_is_away_is_read_from_the_copy(void **state)
{
	(void)state;
	start_publisher();
	publish(SOME);
	stop_publisher();
	start_consumer();
	w->in.epoch = w->kept[0].epoch;
	pass(200);
	assert_int_equal(w->delivered, SOME);
	assert_int_equal(w->in.state, INBOX_PAGING); /* only the publisher knows that this is all */
	start_publisher();
	publish(7);
	pass(100);
	assert_int_equal(w->delivered, SOME + 7);
	assert_int_equal(w->in.state, INBOX_LIVE);
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->refused, 0);
}

/* The publisher's disk is lost: what the copy has of the old journal first, then the hole nobody can measure. */
static void the_old_epoch_is_finished_before_the_new_one(void **state)
{
	(void)state;
	start_publisher();
	publish(600);
	start_consumer();
	pass(20);
	assert_int_equal(w->delivered, 600);
	inbox_close(&w->in);
	bus_close(&w->bus);
	publish(700);
	uint64_t epoch = w->box.x_epoch;
	stop_publisher();
	remove_folder("/journal");
	start_publisher();
	assert_true(w->box.x_epoch > epoch);
	publish(5);
	assert_int_equal(bus_mem_open(w->hub, &handler, NULL, &w->bus), 0);
	assert_int_equal(inbox_open(&w->in, w->bus, "pub", LANE_X, NULL, &inbox_ops, NULL), 0);
	inbox_copy(&w->in, "persister");
	w->in.epoch = epoch;
	w->in.next = 601;
	inbox_start(&w->in, INBOX_FROM_CURSOR, w->mono);
	pass(100);
	assert_int_equal(w->gaps, 1);
	assert_int_equal(w->gap_first, 1301);
	assert_int_equal(w->gap_last, 0);
	assert_int_equal(w->delivered, 1300 + 5);
	assert_int_equal(w->in.epoch, w->box.x_epoch);
}

/* A copy of the journal from before is put back, and written on: `heard` tells whether the consumer hears of the new
 * life, `growth` how far it gets meanwhile. */
static void set_back(bool heard, int growth)
{
	start_publisher();
	publish(100);
	start_consumer();
	pass(20);
	inbox_epoch_x(&w->in, 1, w->mono);
	stop_publisher();
	copy_journal("/journal", "/old");
	start_publisher();
	publish(100);
	pass(20);
	assert_int_equal(w->delivered, 200);
	assert_int_equal(w->in.state, INBOX_LIVE);
	stop_publisher();
	remove_folder("/journal");
	copy_journal("/old", "/journal");
	remove_folder("/old");
	start_publisher();
	if (heard)
		inbox_epoch_x(&w->in, 2, w->mono);
	publish(growth);
	pass(50);
}

static void a_publisher_set_back_is_refused(void **state)
{
	(void)state;
	set_back(true, 0);
	assert_true(w->refused > 0);
	assert_int_equal(w->in.state, INBOX_PAGING);
	/* However far it grows: what it has at our place is not what we had from it. */
	publish(300);
	pass(200);
	assert_int_equal(w->delivered, 200);
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->in.state, INBOX_PAGING);
}

static void one_that_has_grown_again_is_refused_too(void **state)
{
	(void)state;
	set_back(true, 250);
	assert_true(w->refused > 0);
	assert_int_equal(w->delivered, 200);
}

/* Nobody told us, but the record at our place comes again, and is another. */
static void the_record_at_our_place_tells_too(void **state)
{
	(void)state;
	set_back(false, 250);
	assert_true(w->refused > 0);
	assert_int_equal(w->delivered, 200);
}

/* A restart of its own, nothing set back: one question, no refusal, nothing twice. */
static void a_restart_is_checked_and_goes_on(void **state)
{
	(void)state;
	start_publisher();
	publish(100);
	start_consumer();
	pass(20);
	inbox_epoch_x(&w->in, 1, w->mono);
	uint64_t pages = w->in.counters.pages;
	stop_publisher();
	start_publisher();
	inbox_epoch_x(&w->in, 2, w->mono);
	inbox_epoch_x(&w->in, 2, w->mono);
	publish(50);
	pass(20);
	assert_int_equal(w->in.counters.pages, pages + 1);
	assert_int_equal(w->refused, 0);
	assert_int_equal(w->delivered, 150);
	assert_int_equal(w->in.state, INBOX_LIVE);
}

/* The consumer stands right before what the publisher still has: what it has last is only in the copy. */
static uint64_t stand_at_the_edge(int64_t off)
{
	start_publisher();
	publish(SOME);
	uint64_t gone = give_up(SOME - 100);
	assert_int_equal(bus_mem_open(w->hub, &handler, NULL, &w->bus), 0);
	assert_int_equal(inbox_open(&w->in, w->bus, "pub", LANE_X, NULL, &inbox_ops, NULL), 0);
	inbox_copy(&w->in, "persister");
	w->in.epoch = w->box.x_epoch;
	w->in.next = w->next = gone + 1;
	w->in.last = (int64_t)gone + off; /* stamps are numbers here */
	inbox_start(&w->in, INBOX_FROM_CURSOR, w->mono);
	return gone;
}

static void what_is_to_be_compared_comes_from_the_copy(void **state)
{
	(void)state;
	uint64_t gone = stand_at_the_edge(0);
	pass(50);
	assert_int_equal(w->delivered, SOME - gone);
	assert_int_equal(w->refused, 0);
	assert_true(w->keeper_asked > 0);
	assert_int_equal(w->in.state, INBOX_LIVE);
}

static void and_is_refused_where_it_is_another(void **state)
{
	(void)state;
	stand_at_the_edge(7);
	pass(200);
	assert_int_equal(w->delivered, 0);
	assert_true(w->refused > 0);
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->in.state, INBOX_PAGING);
}

static void it_is_not_waited_for_when_nothing_is_missing(void **state)
{
	(void)state;
	w->keeper_answers = false;
	uint64_t gone = stand_at_the_edge(0);
	pass(400);
	assert_int_equal(w->delivered, SOME - gone);
	assert_int_equal(w->gaps, 0);
	assert_int_equal(w->in.state, INBOX_LIVE);
}

/* The burst is a page's size, the rest has its time; what is live is published at once all the while. */
static void replay_keeps_to_its_rate(void **state)
{
	(void)state;
	w->rate = 128 << 10;
	start_publisher();
	publish(MANY);
	uint64_t bytes = 0;
	for (size_t i = 0; i < MANY; i++)
		bytes += w->kept[i].len;
	assert_true(bytes > OUTBOX_PAGE_BYTES * 5 / 3);
	start_consumer();
	int64_t began = w->mono;
	while (w->delivered < MANY && w->mono - began < 600000 * MS) {
		uint64_t before = w->n_kept;
		publish(1);
		assert_int_equal(w->n_kept, before + 1);
		pass(1);
	}
	uint64_t rest = bytes - OUTBOX_PAGE_BYTES - OUTBOX_PAGE_BYTES / 2; /* a page may overdraw */
	assert_true((uint64_t)(w->mono - began) / MS >= rest * 1000 / w->rate);
	assert_true(w->box.counters.replay_deferred > 0);
	pass(200);
	assert_int_equal(w->delivered, w->n_kept);
	assert_int_equal(w->gaps, 0);
}

/* Durable, its reader asks for old pages before the loop has come to publish: publishing goes first. */
static void what_is_durable_goes_before_a_page(void **state)
{
	(void)state;
	start_publisher();
	publish(10);
	start_consumer();
	struct event ev;
	event_init(&ev, EVENT_alert);
	ev.ts_event = 1;
	assert_int_equal(outbox_emit(&w->box, &ev), 0);
	assert_int_equal(journal_flush(w->box.journal, 5000 * MS), 0);
	assert_int_equal(w->box.x_sent, 10);
	pass(1);
	assert_int_equal(w->box.x_sent, 11);
	assert_int_equal(w->n_kept, 11);
	assert_int_equal(w->delivered, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_given_up_comes_from_the_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_rotted_comes_from_the_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_neither_has_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_copy_it_would_be_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_that_is_away_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_publisher_that_is_away_is_read_from_the_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(the_old_epoch_is_finished_before_the_new_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_publisher_set_back_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_has_grown_again_is_refused_too, setup, teardown),
		cmocka_unit_test_setup_teardown(the_record_at_our_place_tells_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_is_checked_and_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_to_be_compared_comes_from_the_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(and_is_refused_where_it_is_another, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_not_waited_for_when_nothing_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(replay_keeps_to_its_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_durable_goes_before_a_page, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
