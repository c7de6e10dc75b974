/* test_resume_log - a live service goes on behind its journal, whatever was said before it took over what that says. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/service/outbox.h"

struct world {
	struct bus_hub *hub;
	struct bus *bus;
	struct outbox box;
	struct outbox_options options;
	struct buf snapshot;
	char dir[64];
};

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

static const struct bus_handler handler = {.on_frame = no_frame, .on_request = no_request, .on_reply = no_reply};

static void open_box(struct world *w)
{
	char reason[200] = "";
	assert_int_equal(outbox_open(&w->box, w->bus, &w->options, reason, sizeof reason), 0);
}

static int setup(void **state)
{
	struct world *w = *state = calloc(1, sizeof *w);
	assert_non_null(w);
	snprintf(w->dir, sizeof w->dir, "/tmp/nj-resume-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->options = (struct outbox_options){.source = "pub", .dir = w->dir, .logged = true, .clock = clock_real()};
	buf_init(&w->snapshot, 1 << 16);
	assert_int_equal(bus_hub_new(&w->hub), 0);
	assert_int_equal(bus_mem_open(w->hub, &handler, w, &w->bus), 0);
	assert_int_equal(bus_bind(w->bus, "pub"), 0);
	open_box(w);
	return outbox_resume_log(&w->box);
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;
	outbox_close(&w->box);
	bus_close(&w->bus);
	bus_hub_free(w->hub);
	buf_fini(&w->snapshot);
	int rc = nftw(w->dir, discard, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return rc;
}

static void publish(struct world *w)
{
	struct event ev;
	event_init(&ev, EVENT_alert);
	ev.ts_event = 1;
	assert_int_equal(outbox_emit(&w->box, &ev), 0);
}

static void save(struct world *w)
{
	struct packer p = {.out = &w->snapshot};
	outbox_save(&w->box, &p);
	assert_int_equal(p.err, 0);
}

static void begin_another_life(struct world *w)
{
	outbox_close(&w->box);
	open_box(w);
	outbox_load(&w->box, &(struct unpacker){.at = w->snapshot.at, .end = w->snapshot.at + w->snapshot.len});
}

static int alert(struct world *w)
{
	struct event ev;
	event_init(&ev, EVENT_alert);
	return outbox_emit_shell(&w->box, &ev);
}

/* A clean stop leaves a snapshot of the journal's end: then nothing is compared, and an alert of the start is appended
 * at once, before its service takes over what the log says. */
static void an_alert_before_it_stands(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 3; i++)
		publish(w);
	save(w);
	begin_another_life(w);
	assert_false(outbox_verifying(&w->box));
	assert_int_equal(alert(w), 0);
	assert_int_equal(outbox_resume_log(&w->box), 0);
	publish(w);
	assert_int_equal(w->box.x_next, 6);
	assert_int_equal(journal_status(w->box.journal).last, 5);
}

/* After a kill the journal goes on behind the snapshot. */
static void what_is_behind_the_snapshot_stands(void **state)
{
	struct world *w = *state;
	publish(w);
	save(w);
	publish(w);
	publish(w);
	int64_t stamp = w->box.last_stamp;
	begin_another_life(w);
	assert_true(outbox_verifying(&w->box));
	assert_int_equal(outbox_resume_log(&w->box), 0);
	assert_int_equal(w->box.last_stamp, stamp);
	assert_int_equal(alert(w), 0);
	publish(w);
	assert_int_equal(w->box.x_next, 6);
	assert_int_equal(journal_status(w->box.journal).last, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_alert_before_it_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_behind_the_snapshot_stands, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
