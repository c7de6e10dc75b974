/* test_copy - replay_x of other publishers from the database: pages as the publisher itself would give them, while it
 * is being written. */
#include "store_kit.h"

#include "common/service/outbox.h"
#include "services/persister/copy.h"

enum { RECORDS = 1300 };

struct answer {
	struct event reply;
	struct buf page;
};

static void fill(struct kit *k, const char *source, uint64_t from, uint64_t to, uint64_t epoch)
{
	struct event ev;
	assert_int_equal(store_begin(k->store), 0);
	for (uint64_t seq = from; seq <= to; seq++) {
		kit_fill(&ev, source, seq);
		ev.epoch = epoch;
		assert_int_equal(kit_put(k, LANE_X, &ev), 0);
	}
	assert_int_equal(store_commit(k->store), 0);
}

static struct answer ask(struct copy *c, const char *publisher, uint64_t epoch, uint64_t from, uint32_t limit)
{
	struct event request;
	struct answer a;
	event_init(&request, EVENT_request);
	request.request.verb = verb_replay_x;
	request.request.of_epoch = epoch;
	request.request.from = from;
	request.request.limit = limit;
	event_set_name(request.request.target, publisher);
	event_init(&a.reply, EVENT_reply);
	buf_init(&a.page, BUS_FRAME_X_MAX);
	copy_answer(c, &request, &a.reply, &a.page);
	return a;
}

/* The frames of a page are the records as they were stored, from `from` on; frees it. Returns how many. */
static uint64_t read_page(struct answer *a, uint64_t from)
{
	uint64_t n = 0;
	for (size_t at = 0; at < a->page.len; n++) {
		const char *topic;
		const uint8_t *body;
		size_t len, topic_len, body_len, used;
		struct event ev;
		len = (size_t)a->page.at[at] | (size_t)a->page.at[at + 1] << 8 | (size_t)a->page.at[at + 2] << 16;
		assert_true(at + 4 + len <= a->page.len);
		assert_int_equal(codec_split(a->page.at + at + 4, len, &topic, &topic_len, &body, &body_len), 0);
		assert_memory_equal(topic, "fill.", 5);
		assert_int_equal(codec_unpack(body, body_len, NULL, &ev, &used), 0);
		assert_int_equal(ev.id, EVENT_fill);
		assert_int_equal(ev.seq, from + n);
		assert_int_equal(used, body_len);
		at += 4 + len;
	}
	assert_int_equal(n, a->reply.reply.records);
	buf_fini(&a->page);
	return n;
}

static void pages_follow_each_other_to_the_end(void **state)
{
	struct kit *k = *state;
	struct copy *c;
	uint64_t next = 1, pages = 0;
	fill(k, "executor", 1, RECORDS, 7);
	fill(k, "strategy", 1, 3, 7);
	assert_int_equal(copy_open(k->path, &c), 0);
	for (bool more = true; more; pages++) {
		struct answer a = ask(c, "executor", 7, next, 0);
		assert_int_equal(a.reply.reply.result, 0);
		assert_int_equal(a.reply.reply.of_epoch, 7);
		assert_int_equal(a.reply.reply.first, 1);
		assert_int_equal(a.reply.reply.last, RECORDS);
		more = a.reply.reply.more;
		next += read_page(&a, next);
	}
	assert_int_equal(next, RECORDS + 1);
	assert_int_equal(pages, (RECORDS + OUTBOX_PAGE_RECORDS - 1) / OUTBOX_PAGE_RECORDS);
	struct answer a = ask(c, "executor", 7, 1200, 10);
	assert_true(a.reply.reply.more);
	assert_int_equal(read_page(&a, 1200), 10);
	/* Meanwhile it is written on; the next page has it. */
	fill(k, "executor", RECORDS + 1, RECORDS + 2, 7);
	a = ask(c, "executor", 7, RECORDS + 1, 0);
	assert_int_equal(read_page(&a, RECORDS + 1), 2);
	assert_int_equal(copy_counters(c).errors, 0);
	copy_close(c);
}

static void epochs_are_apart(void **state)
{
	struct kit *k = *state;
	struct copy *c;
	fill(k, "executor", 1, 5, 7);
	fill(k, "executor", 1, 2, 9);
	assert_int_equal(copy_open(k->path, &c), 0);
	struct answer a = ask(c, "executor", 7, 1, 0);
	assert_int_equal(read_page(&a, 1), 5);
	a = ask(c, "executor", 0, 1, 0); /* not known yet: the newest */
	assert_int_equal(a.reply.reply.of_epoch, 9);
	assert_int_equal(read_page(&a, 1), 2);
	a = ask(c, "executor", 8, 1, 0);
	assert_int_equal(a.reply.reply.result, ERR_NOT_FOUND);
	assert_int_equal(read_page(&a, 1), 0);
	copy_close(c);
}

static void what_is_not_there_is_said(void **state)
{
	struct kit *k = *state;
	struct copy *c;
	assert_int_equal(copy_open(k->path, &c), 0);
	struct answer a = ask(c, "executor", 7, 1, 0);
	assert_int_equal(a.reply.reply.result, ERR_NOT_FOUND);
	assert_int_equal(read_page(&a, 1), 0);
	fill(k, "executor", 11, 20, 7);
	fill(k, "executor", 25, 30, 7);
	a = ask(c, "executor", 7, 5, 0); /* not the first one asked for */
	assert_int_equal(a.reply.reply.result, ERR_NOT_FOUND);
	assert_int_equal(read_page(&a, 5), 0);
	a = ask(c, "executor", 7, 11, 0); /* up to the hole, not across it */
	assert_int_equal(read_page(&a, 11), 10);
	a = ask(c, "executor", 7, 31, 0);
	assert_int_equal(read_page(&a, 31), 0);
	assert_false(a.reply.reply.more);
	a = ask(c, "Robert'); DROP TABLE xlog;--", 7, 1, 0);
	assert_int_equal(a.reply.reply.result, ERR_NOT_FOUND);
	assert_int_equal(read_page(&a, 1), 0);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 16);
	copy_close(c);
}

/* No database, then one: an error is an answer, and the next request tries again. */
static void an_error_is_not_the_end(void **state)
{
	struct kit *k = *state;
	char elsewhere[128];
	struct copy *c;
	snprintf(elsewhere, sizeof elsewhere, "%s/other.db", k->dir);
	fill(k, "executor", 1, 5, 7);
	assert_int_equal(copy_open(elsewhere, &c), 0);
	FILE *f = fopen(elsewhere, "w");
	assert_non_null(f);
	for (int i = 0; i < 400; i++)
		fputs("this is no database at all", f);
	fclose(f);
	struct answer a = ask(c, "executor", 7, 1, 0);
	assert_int_equal(a.reply.reply.result, ERR_CORRUPT);
	assert_true(a.reply.reply.message[0] != '\0');
	assert_int_equal(read_page(&a, 1), 0);
	assert_int_equal(copy_counters(c).errors, 1);
	assert_int_equal(unlink(elsewhere), 0);
	store_close(k->store);
	assert_int_equal(link(k->path, elsewhere), 0);
	a = ask(c, "executor", 7, 1, 0);
	assert_int_equal(a.reply.reply.result, 0);
	assert_int_equal(read_page(&a, 1), 5);
	copy_close(c);
	copy_close(NULL);
	assert_int_equal(unlink(elsewhere), 0);
	assert_int_equal(store_open(k->path, &k->store, k->reason, sizeof k->reason), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_follow_each_other_to_the_end, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(epochs_are_apart, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_said, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(an_error_is_not_the_end, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
