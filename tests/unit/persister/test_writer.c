/* test_writer - a locked database delays records and never loses one; the queue is bounded. */
#include "store_kit.h"

#include <time.h>

#include "services/persister/writer.h"

enum { QUEUE = 1 << 20 };

static int put(struct kit *k, struct writer *w, uint64_t seq)
{
	struct event ev;
	char topic[TOPIC_MAX];
	kit_fill(&ev, "executor", seq);
	assert_true(topic_of(&ev, topic) > 0);
	int n = codec_pack(&ev, k->packed, sizeof k->packed);
	assert_true(n > 0);
	return writer_put(w, LANE_X, topic, k->packed, (size_t)n);
}

static struct writer *start(struct kit *k)
{
	struct writer *w;
	assert_int_equal(writer_start(k->store, clock_real(), 5 * NS_PER_MS, QUEUE, &w), 0);
	return w;
}

static void rest(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
}

static void wait_written(struct writer *w, uint64_t seq)
{
	for (int i = 0; i < 30000 && writer_acked(w, "executor") < seq; i++)
		rest();
	assert_int_equal(writer_acked(w, "executor"), seq);
}

static void everything_is_written_and_acknowledged(void **state)
{
	struct kit *k = *state;
	struct writer *w = start(k);
	for (uint64_t seq = 1; seq <= 5000; seq++)
		while (put(k, w, seq) == ERR_FULL)
			rest();
	wait_written(w, 5000);
	assert_int_equal(writer_status(w).written, 5000);
	writer_stop(w, NS_PER_S);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 5000);
	assert_int_equal(kit_number(k, "SELECT max(seq) FROM checkpoint"), 5000);
}

static void a_stop_writes_what_is_queued(void **state)
{
	struct kit *k = *state;
	for (uint64_t round = 0; round < 20; round++) {
		struct writer *w = start(k);
		for (uint64_t seq = 1; seq <= 100; seq++)
			assert_int_equal(put(k, w, round * 100 + seq), 0);
		writer_stop(w, NS_PER_S);
		assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), round * 100 + 100);
	}
}

/* Held by another process for a while: the writer says so, tries again, and not one record is missing afterwards. */
static void a_locked_database_delays_and_loses_nothing(void **state)
{
	struct kit *k = *state;
	struct writer *w = start(k);
	sqlite3 *other = kit_lock(k);
	for (uint64_t seq = 1; seq <= 300; seq++)
		assert_int_equal(put(k, w, seq), 0);
	for (int i = 0; i < 30000 && writer_status(w).retries < 3; i++)
		rest();
	struct writer_status st = writer_status(w);
	assert_true(st.retries >= 3);
	assert_int_equal(st.error, ERR_BUSY);
	assert_true(st.error_since > 0);
	assert_int_equal(st.written, 0);
	assert_int_equal(writer_acked(w, "executor"), 0); /* no promise before the commit */
	kit_unlock(other);
	wait_written(w, 300);
	assert_int_equal(writer_status(w).error, 0);
	writer_stop(w, NS_PER_S);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 300);
}

/* 10x what it holds: bytes stay below its bound, what was refused is not there, what was taken is. */
static void the_queue_is_bounded(void **state)
{
	struct kit *k = *state;
	struct writer *w = start(k);
	sqlite3 *other = kit_lock(k);
	uint64_t taken = 0, refused = 0;
	for (size_t offered = 0; offered < 10 * QUEUE; offered += 200) {
		int rc = put(k, w, taken + 1);
		assert_true(rc == 0 || rc == ERR_FULL);
		taken += rc == 0;
		refused += rc != 0;
		assert_true(writer_status(w).queued_bytes <= QUEUE);
	}
	assert_true(refused > 0);
	assert_false(writer_has_room(w));
	kit_unlock(other);
	wait_written(w, taken);
	assert_true(writer_has_room(w));
	writer_stop(w, NS_PER_S);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), taken);
}

/* A publisher whose journal is full says nothing new: what an earlier persister committed is acknowledged again. */
static void what_was_committed_before_is_acknowledged_again(void **state)
{
	struct kit *k = *state;
	struct pair seqs[8], epochs[8];
	struct writer *w = start(k);
	assert_int_equal(writer_acks(w, seqs, epochs, 8), 0);
	writer_resume(w, "executor", 7, 40);
	writer_resume(w, "strategy", 6, 50);
	assert_int_equal(writer_acks(w, seqs, epochs, 8), 2);
	assert_string_equal(seqs[0].name, "executor");
	assert_int_equal(seqs[0].value, 40);
	assert_string_equal(epochs[0].name, "executor");
	assert_int_equal(epochs[0].value, 7);
	assert_int_equal(writer_acks(w, seqs, epochs, 1), 1);
	assert_int_equal(put(k, w, 41), 0);
	wait_written(w, 41);
	assert_int_equal(writer_acked(w, "strategy"), 50);
	writer_stop(w, NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_is_written_and_acknowledged, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(what_was_committed_before_is_acknowledged_again, kit_setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(a_stop_writes_what_is_queued, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_locked_database_delays_and_loses_nothing, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(the_queue_is_bounded, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
