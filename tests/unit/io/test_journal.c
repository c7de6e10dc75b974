/* test_journal - append, read, rotate, trim, reopen, limits, lock, snapshots. */
#include "tests/unit/io/journal_kit.h"

#include <poll.h>

static char dir[KIT_PATH];

static int setup(void **state)
{
	(void)state;
	kit_dir(dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kit_remove(dir);
	return 0;
}

static struct journal *open_or_die(uint64_t segment_bytes)
{
	struct journal *j = NULL;
	assert_int_equal(kit_open(dir, segment_bytes, &j), 0);
	return j;
}

static void assert_holds(struct journal *j, uint64_t first, uint64_t last, size_t max)
{
	uint64_t count;
	struct journal_status s = journal_status(j);

	assert_int_equal(s.first, first);
	assert_int_equal(s.durable, last);
	assert_int_equal(kit_read_all(j, first, max, &count), 0);
	assert_int_equal(count, last + 1 - first);
}

static void test_empty(void **state)
{
	(void)state;
	struct journal *j = open_or_die(0);
	struct journal_status s = journal_status(j);
	uint64_t next = 77;

	assert_int_equal(s.epoch, KIT_EPOCH);
	assert_int_equal(s.first, 1);
	assert_int_equal(s.last, 0);
	struct kit_reading r = {.next = 1};
	assert_int_equal(journal_read(j, 1, 0, kit_on_record, &r, &next), 0);
	assert_int_equal(next, 1);
	assert_int_equal(r.count, 0);
	next = 77;
	assert_int_equal(journal_read(j, 0, 0, kit_on_record, &r, &next), ERR_NOT_FOUND);
	assert_int_equal(next, 77);
	journal_close(j);
	journal_close(NULL);
}

static void test_append_read_reopen(void **state)
{
	(void)state;
	struct journal *j = open_or_die(0);
	struct pollfd p = {.fd = journal_fd(j), .events = POLLIN};

	kit_append(j, 1000, 300);
	kit_flush(j);
	assert_int_equal(poll(&p, 1, 20000), 1); /* said right after it is durable, not with it */
	journal_ack(j);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(journal_durable(j), 1000);
	assert_holds(j, 1, 1000, 300);
	journal_close(j);
	for (int i = 1; i <= 3; i++) {
		j = open_or_die(0);
		assert_int_equal(journal_status(j).epoch, KIT_EPOCH);
		assert_int_equal(journal_status(j).cut_bytes, 0);
		kit_append(j, 10, 300); /* the close flushes */
		journal_close(j);
	}
	j = open_or_die(0);
	assert_holds(j, 1, 1030, 300);
	journal_close(j);
}

static void test_epoch_stays(void **state)
{
	(void)state;
	struct journal *j = open_or_die(0);
	char reason[200];

	journal_close(j);
	const struct journal_options o = {.dir = dir, .epoch = KIT_EPOCH + 5};
	assert_int_equal(journal_open(&o, &j, reason, sizeof(reason)), 0);
	assert_int_equal(journal_status(j).epoch, KIT_EPOCH);
	journal_close(j);
}

static void test_rotation(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);

	for (int i = 0; i < 40; i++) {
		kit_append(j, 25, 300);
		if (i % 3 == 0)
			kit_flush(j);
	}
	kit_flush(j);
	assert_true(journal_status(j).rotations > 20);
	assert_holds(j, 1, 1000, 300);
	journal_close(j);
	j = open_or_die(4096);
	assert_holds(j, 1, 1000, 300);
	kit_append(j, 500, 300);
	kit_flush(j);
	assert_holds(j, 1, 1500, 300);
	journal_close(j);
}

/* Records larger than a segment get a segment of their own size. */
static void test_large_records(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);
	static uint8_t huge[JOURNAL_RECORD_MAX + 1];
	uint64_t seq = 0;

	kit_append(j, 12, JOURNAL_RECORD_MAX);
	assert_int_equal(journal_append(j, huge, sizeof(huge), &seq), ERR_TOO_LONG);
	assert_int_equal(seq, 0);
	kit_flush(j);
	assert_holds(j, 1, 12, JOURNAL_RECORD_MAX);
	journal_close(j);
	j = open_or_die(4096);
	assert_holds(j, 1, 12, JOURNAL_RECORD_MAX);
	journal_close(j);
}

static bool stop_at_third(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	uint64_t *calls = ctx;
	(void)seq, (void)bytes, (void)len;
	return ++*calls < 3;
}

static void test_read_limits(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);
	uint64_t next = 0, calls = 0;

	kit_append(j, 200, 200);
	kit_flush(j);
	for (uint64_t from = 1; from <= 200; from += 7) {
		struct kit_reading r = {.next = from, .max = 200};
		assert_int_equal(journal_read(j, from, 5, kit_on_record, &r, &next), 0);
		assert_int_equal(r.count, from + 5 <= 201 ? 5 : 201 - from);
		assert_int_equal(next, from + r.count);
		assert_false(r.wrong);
	}
	assert_int_equal(journal_read(j, 50, 0, stop_at_third, &calls, &next), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(next, 53);
	assert_int_equal(journal_read(j, 300, 0, stop_at_third, &calls, &next), 0);
	assert_int_equal(next, 300);
	journal_close(j);
}

static uint64_t files_named(const char *start)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	uint64_t n = 0;

	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, start, strlen(start)) == 0;
	closedir(d);
	return n;
}

static void test_trim(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);
	struct kit_reading r = {.next = 1, .max = 300};
	uint64_t next;

	kit_append(j, 1000, 300);
	kit_flush(j);
	uint64_t files = files_named("x-"), bytes = journal_status(j).bytes;
	assert_int_equal(journal_trim(j, 0), 0);
	assert_int_equal(journal_status(j).first, 1);
	assert_int_equal(journal_trim(j, 500), 0);
	uint64_t first = journal_status(j).first;
	assert_true(first > 400 && first <= 501);
	assert_true(journal_status(j).bytes < bytes);
	assert_int_equal(journal_read(j, first - 1, 1, kit_on_record, &r, &next), ERR_NOT_FOUND);
	assert_holds(j, first, 1000, 300);
	journal_trim(j, UINT64_MAX - 1); /* never the last segment */
	first = journal_status(j).first;
	assert_true(first <= 1000 && first > 900);
	assert_holds(j, first, 1000, 300);
	journal_close(j);
	assert_true(files_named("x-") < files && files_named("x-") == 1);
	j = open_or_die(4096);
	assert_holds(j, first, 1000, 300);
	kit_append(j, 10, 300);
	kit_flush(j);
	assert_holds(j, first, 1010, 300);
	journal_close(j);
}

static void test_cap(void **state)
{
	(void)state;
	const struct journal_options o = {.dir = dir, .epoch = KIT_EPOCH, .cap_bytes = 64 << 10};
	struct journal *j;
	char reason[200];
	uint8_t bytes[1000] = {0};
	uint64_t seq = 0;
	int rc;

	assert_int_equal(journal_open(&o, &j, reason, sizeof(reason)), 0);
	while ((rc = journal_append(j, bytes, sizeof(bytes), &seq)) == 0)
		assert_true(seq < 70);
	assert_int_equal(rc, ERR_FULL);
	assert_true(seq > 55);
	kit_flush(j);
	assert_int_equal(journal_append(j, bytes, sizeof(bytes), &seq), ERR_FULL);
	assert_true(journal_status(j).bytes <= 64 << 10);
	journal_trim(j, seq);
	assert_int_equal(journal_append(j, bytes, sizeof(bytes), &seq), 0);
	kit_flush(j);
	journal_close(j);
}

static void test_buffer_full(void **state)
{
	(void)state;
	const struct journal_options o = {.dir = dir, .epoch = KIT_EPOCH, .buffer_bytes = 1,
					  .batch_records = 1u << 30,
					  .batch_ns = 3600 * NS_PER_S};
	static uint8_t bytes[100000];
	struct journal *j;
	char reason[200];
	uint64_t seq = 0;
	int rc;

	assert_int_equal(journal_open(&o, &j, reason, sizeof(reason)), 0);
	while ((rc = journal_append(j, bytes, sizeof(bytes), &seq)) == 0)
		assert_true(seq < 12);
	assert_int_equal(rc, ERR_FULL);
	assert_int_equal(journal_durable(j), 0);
	kit_flush(j); /* does not wait for the group to fill */
	assert_int_equal(journal_durable(j), seq);
	assert_int_equal(journal_append(j, bytes, sizeof(bytes), &seq), 0);
	journal_close(j);
}

static void test_batches(void **state)
{
	(void)state;
	const struct journal_options o = {.dir = dir, .epoch = KIT_EPOCH, .batch_records = 10,
					  .batch_ns = 3600 * NS_PER_S};
	struct journal *j;
	char reason[200];

	assert_int_equal(journal_open(&o, &j, reason, sizeof(reason)), 0);
	struct pollfd p = {.fd = journal_fd(j), .events = POLLIN};
	kit_append(j, 9, 50);
	assert_int_equal(poll(&p, 1, 50), 0);
	kit_append(j, 1, 50);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(journal_durable(j), 10);
	assert_int_equal(journal_status(j).syncs, 1);
	journal_close(j);
}

static void test_second_opener(void **state)
{
	(void)state;
	struct journal *j = open_or_die(0), *other = NULL;
	const struct journal_options o = {.dir = dir, .epoch = 1};
	char reason[400], pid[32];

	assert_int_equal(journal_open(&o, &other, reason, sizeof(reason)), ERR_BUSY);
	assert_null(other);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_non_null(strstr(reason, pid));
	assert_non_null(strstr(reason, dir));
	journal_close(j);
	j = open_or_die(0);
	journal_close(j);
}

static void test_read_only(void **state)
{
	(void)state;
	const struct journal_options o = {.dir = dir, .read_only = true};
	struct journal *j, *tool;
	char reason[400];
	uint64_t seq;

	assert_int_equal(journal_open(&o, &tool, reason, sizeof(reason)), ERR_NOT_FOUND);
	j = open_or_die(4096);
	kit_append(j, 300, 100);
	kit_flush(j);
	assert_int_equal(journal_open(&o, &tool, reason, sizeof(reason)), 0); /* beside the owner */
	assert_holds(tool, 1, 300, 100);
	assert_int_equal(journal_append(tool, "x", 1, &seq), ERR_REFUSED);
	assert_int_equal(journal_trim(tool, 10), ERR_REFUSED);
	assert_int_equal(journal_snapshot(tool, 1, "x", 1), ERR_REFUSED);
	assert_int_equal(journal_fd(tool), -1);
	journal_close(tool);
	assert_holds(j, 1, 300, 100);
	journal_close(j);
}

static void test_makes_folders(void **state)
{
	(void)state;
	char path[KIT_PATH + 32];
	struct journal *j;
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b//c", dir);
	assert_int_equal(kit_open(path, 4096, &j), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	journal_close(j);
	kit_remove(path);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", dir);
	rmdir(path);
	assert_int_equal(kit_open("/dev/null/x", 4096, &j), ERR_IO);
	assert_int_equal(kit_open("", 4096, &j), ERR_ARG);
}

static void put_snapshot(struct journal *j, uint64_t seq, const void *bytes, size_t len)
{
	uint64_t before = journal_status(j).snapshots;
	int rc;

	do
		rc = journal_snapshot(j, seq, bytes, len);
	while (rc == ERR_BUSY);
	assert_int_equal(rc, 0);
	kit_flush(j);
	while (journal_status(j).snapshots == before)
		poll(NULL, 0, 1);
}

static void assert_snapshot(struct journal *j, uint64_t seq, const char *text)
{
	struct buf out;
	uint64_t got = 0;

	buf_init(&out, JOURNAL_SNAPSHOT_MAX);
	assert_int_equal(journal_snapshot_read(j, &got, &out), 0);
	assert_int_equal(got, seq);
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.at, text, out.len);
	buf_fini(&out);
}

static void test_snapshots(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);
	struct buf out;
	uint64_t seq = 5;

	buf_init(&out, 1000);
	assert_int_equal(journal_snapshot_read(j, &seq, &out), ERR_NOT_FOUND);
	assert_int_equal(seq, 5);
	assert_int_equal(journal_snapshot(j, 1, "x", 1), ERR_ARG);
	assert_int_equal(journal_snapshot(j, 0, &seq, JOURNAL_SNAPSHOT_MAX + 1), ERR_TOO_LONG);
	put_snapshot(j, 0, "nothing yet", 11);
	assert_snapshot(j, 0, "nothing yet");
	for (int i = 0; i < 5; i++) {
		char text[20];
		kit_append(j, 100, 50);
		snprintf(text, sizeof(text), "state %d", i);
		put_snapshot(j, journal_status(j).last, text, strlen(text));
		assert_snapshot(j, journal_status(j).last, text);
		assert_true(files_named("snapshot-") <= 2);
	}
	journal_close(j);
	assert_int_equal(files_named("snapshot-"), 2);
	j = open_or_die(4096);
	assert_snapshot(j, 500, "state 4");
	buf_fini(&out);
	journal_close(j);
}

static void flip(const char *path, size_t at)
{
	size_t len;
	uint8_t *bytes = kit_slurp(path, &len);

	assert_true(at < len);
	bytes[at] ^= 4;
	kit_spill(path, bytes, len);
	free(bytes);
}

/* A newer one that does not check, or that is beyond the journal, is passed over. */
static void test_snapshot_damage(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);
	char path[KIT_PATH + 64], from[KIT_PATH + 64];
	struct buf out;
	uint64_t seq;
	size_t len;

	kit_append(j, 20, 50);
	put_snapshot(j, 10, "ten", 3);
	put_snapshot(j, 20, "twenty", 6);
	snprintf(from, sizeof(from), "%s/snapshot-%020d.njs", dir, 20);
	uint8_t *bytes = kit_slurp(from, &len);
	snprintf(path, sizeof(path), "%s/snapshot-%020d.njs", dir, 21);
	kit_spill(path, bytes, len);
	assert_snapshot(j, 20, "twenty");
	for (size_t at = 0; at < len; at++) {
		flip(from, at);
		assert_snapshot(j, 10, "ten");
		flip(from, at);
		kit_spill(from, bytes, at);
		assert_snapshot(j, 10, "ten");
		kit_spill(from, bytes, len);
	}
	buf_init(&out, 2);
	assert_int_equal(journal_snapshot_read(j, &seq, &out), ERR_FULL);
	buf_fini(&out);
	free(bytes);
	journal_close(j);
}

/* The page in the middle of a large old segment is found by its index after the first pass. */
static void test_read_middle(void **state)
{
	(void)state;
	struct journal *j = open_or_die(1 << 20);
	uint64_t next;

	kit_append(j, 20000, 300);
	journal_close(j);
	j = open_or_die(1 << 20);
	for (uint64_t from = 19990; from > 1000; from -= 997) {
		struct kit_reading r = {.next = from, .max = 300};
		assert_int_equal(journal_read(j, from, 10, kit_on_record, &r, &next), 0);
		assert_int_equal(r.count, 10);
		assert_false(r.wrong);
	}
	assert_holds(j, 1, 20000, 300);
	assert_holds(j, 1, 20000, 300);
	journal_close(j);
}

/* One by one, again, and back: wherever reading was last. */
static void test_read_one_by_one(void **state)
{
	(void)state;
	struct journal *j = open_or_die(4096);
	struct rng rng;
	uint64_t next;

	rng_seed(&rng, 6);
	kit_append(j, 300, 200);
	kit_flush(j);
	for (uint64_t i = 1, from = 1; i < 3000; i++) {
		struct kit_reading r = {.next = from, .max = 200};
		assert_int_equal(journal_read(j, from, 1, kit_on_record, &r, &next), 0);
		assert_true(!r.wrong && r.count == 1 && next == from + 1);
		uint64_t how = rng_below(&rng, 8);
		from = how == 0 ? 1 + rng_below(&rng, 300) : how == 1 ? from : from % 300 + 1;
	}
	journal_close(j);
}

/* The loop's thread reads and appends while the writer works. */
static void test_read_beside_writer(void **state)
{
	(void)state;
	struct journal *j = open_or_die(16 << 10);
	struct kit_reading r = {.next = 1, .max = 200};
	uint64_t next = 1;

	while (r.count < 20000) {
		if (journal_status(j).last < 20000)
			kit_append(j, 7, 200);
		assert_int_equal(journal_read(j, next, 50, kit_on_record, &r, &next), 0);
		assert_false(r.wrong);
		assert_true(next <= journal_durable(j) + 1);
		if (r.count > 5000)
			journal_trim(j, r.count - 5000);
	}
	journal_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_read_reopen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_epoch_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trim, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buffer_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_opener, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_makes_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snapshots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snapshot_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_beside_writer, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
