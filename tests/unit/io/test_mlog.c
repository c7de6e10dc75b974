/* test_mlog - append, read, wrap, bounds in bytes and time, reopening, reading beside the writer,
 * damage. */
#include "tests/unit/io/journal_kit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#include "common/io/mlog.h"

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

/* Record i (from 1) has stamp i * step; its frame follows from i. */
struct trail {
	int64_t step, next, count;
	size_t max;
	bool wrong;
};

static bool on_frame(void *ctx, int64_t stamp, const uint8_t *frame, size_t len)
{
	static uint8_t expected[1 << 21];
	struct trail *t = ctx;
	size_t n = kit_record((uint64_t)(stamp / t->step), t->max, expected);

	t->wrong |= stamp != t->next * t->step || n != len ||
		(len && memcmp(expected, frame, n) != 0);
	t->next++;
	t->count++;
	return !t->wrong;
}

static struct mlog *open_as(uint64_t segment, uint64_t cap, int64_t keep, bool read_only)
{
	const struct mlog_options o = {.dir = dir, .segment_bytes = segment, .cap_bytes = cap,
				       .keep_ns = keep,
				       .read_only = read_only};
	struct mlog *m = NULL;
	char reason[400] = "";

	assert_int_equal(mlog_open(&o, &m, reason, sizeof(reason)), 0);
	return m;
}

static void append(struct mlog *m, int64_t from, int64_t count, int64_t step, size_t max)
{
	static uint8_t bytes[1 << 21];

	for (int64_t i = from; i < from + count; i++) {
		size_t len = kit_record((uint64_t)i, max, bytes);
		assert_int_equal(mlog_append(m, i * step, bytes, len), 0);
	}
}

/* Reads everything after record `from` - 1 in pages; returns how many came. */
static int64_t read_from(struct mlog *m, int64_t from, int64_t step, size_t max)
{
	struct trail t = {.step = step, .next = from, .max = max};
	int64_t before;

	do {
		before = t.count;
		assert_int_equal(mlog_read(m, (t.next - 1) * step, 100, on_frame, &t), 0);
		assert_false(t.wrong);
	} while (t.count > before);
	return t.count;
}

static void test_empty(void **state)
{
	(void)state;
	struct mlog *m = open_as(0, 0, 0, false);
	struct trail t = {.step = 1};

	assert_int_equal(mlog_first(m), 0);
	assert_int_equal(mlog_last(m), 0);
	assert_int_equal(mlog_bytes(m), 0);
	assert_int_equal(mlog_read(m, 0, 0, on_frame, &t), 0);
	assert_int_equal(t.count, 0);
	mlog_close(m);
	mlog_close(NULL);
}

static void test_append_read(void **state)
{
	(void)state;
	struct mlog *m = open_as(64 << 10, 64 << 20, 0, false);

	append(m, 1, 5000, 10, 400);
	assert_int_equal(mlog_first(m), 10);
	assert_int_equal(mlog_last(m), 50000);
	for (int64_t from = 1; from <= 5000; from += 333)
		assert_int_equal(read_from(m, from, 10, 400), 5001 - from);
	assert_int_equal(mlog_append(m, 50000, "x", 1), ERR_ARG);
	assert_int_equal(mlog_append(m, 49999, "x", 1), ERR_ARG);
	static uint8_t big[64 << 10];
	assert_int_equal(mlog_append(m, 50001, big, sizeof(big)), ERR_TOO_LONG);
	mlog_close(m);
	m = open_as(64 << 10, 64 << 20, 0, false);
	assert_int_equal(mlog_last(m), 50000);
	assert_int_equal(read_from(m, 1, 10, 400), 5000);
	append(m, 5001, 5000, 10, 400);
	assert_int_equal(read_from(m, 1, 10, 400), 10000);
	mlog_close(m);
}

static void test_wrap_by_bytes(void **state)
{
	(void)state;
	struct mlog *m = open_as(16 << 10, 128 << 10, 0, false);

	for (int i = 0; i < 20; i++) {
		append(m, 1 + i * 500, 500, 1, 200);
		assert_true(mlog_bytes(m) <= 128 << 10);
		int64_t first = mlog_first(m);
		assert_int_equal(read_from(m, first, 1, 200), mlog_last(m) + 1 - first);
	}
	assert_true(mlog_first(m) > 8000);
	mlog_close(m);
}

static void test_bound_by_time(void **state)
{
	(void)state;
	struct mlog *m = open_as(4096, 64 << 20, 1000, false);

	for (int i = 0; i < 50; i++) {
		append(m, 1 + i * 100, 100, 1, 100);
		int64_t last = mlog_last(m), first = mlog_first(m);
		/* Whole files: at most the records of one file (4096 / 16) are older than the
		 * bound. */
		assert_true(last - first <= 1000 + 4096 / 16);
		assert_true(i < 12 || last - first >= 999);
		assert_int_equal(read_from(m, first, 1, 100), last + 1 - first);
	}
	mlog_close(m);
}

static void test_large_frames(void **state)
{
	(void)state;
	struct mlog *m = open_as(4 << 20, 64 << 20, 0, false);

	append(m, 1, 60, 1, MLOG_FRAME_MAX);
	assert_int_equal(read_from(m, mlog_first(m), 1, MLOG_FRAME_MAX), 61 - mlog_first(m));
	mlog_close(m);
}

static void test_second_writer(void **state)
{
	(void)state;
	struct mlog *m = open_as(0, 0, 0, false), *other;
	const struct mlog_options o = {.dir = dir};
	char reason[400], pid[40];

	assert_int_equal(mlog_open(&o, &other, reason, sizeof(reason)), ERR_BUSY);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_non_null(strstr(reason, pid));
	mlog_close(m);
}

/* A tool sees what is committed, also what comes later, and survives files that fall out. */
static void test_read_beside(void **state)
{
	(void)state;
	struct mlog *m = open_as(16 << 10, 128 << 10, 0, false);
	struct mlog *tool = open_as(16 << 10, 128 << 10, 0, true);
	struct trail t = {.step = 1, .next = 1, .max = 200};

	assert_int_equal(mlog_append(tool, 1, "x", 1), ERR_REFUSED);
	for (int i = 0; i < 100; i++) {
		append(m, 1 + i * 50, 50, 1, 200);
		if (i % 7 == 0)
			assert_int_equal(read_from(tool, t.next, 1, 200),
					 1 + i * 50 + 49 + 1 - t.next);
		if (i % 7 == 0)
			t.next = 1 + (i + 1) * 50;
	}
	int64_t first = mlog_first(m);
	assert_int_equal(read_from(tool, first, 1, 200), 5001 - first);
	assert_int_equal(mlog_last(tool), 5000);
	mlog_close(tool);
	mlog_close(m);
}

/* Killed at random moments: everything acknowledged is there, in order, and appending goes on. */
static void append_until_killed(int64_t from, volatile int64_t *acknowledged)
{
	const struct mlog_options o = {.dir = dir, .segment_bytes = 32 << 10,
				       .cap_bytes = 256 << 20};
	static uint8_t bytes[1024];
	struct mlog *m;
	char reason[400];

	if (mlog_open(&o, &m, reason, sizeof(reason)) != 0)
		_exit(2);
	for (int64_t i = from;; i++) {
		size_t len = kit_record((uint64_t)i, 700, bytes);
		if (mlog_append(m, i, bytes, len) != 0)
			_exit(3);
		*acknowledged = i;
	}
}

static void test_sigkill(void **state)
{
	(void)state;
	int64_t *acknowledged = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rng rng;

	rng_seed(&rng, 99);
	for (int i = 0; i < 50; i++) {
		struct mlog *m = open_as(32 << 10, 256 << 20, 0, false);
		int64_t last = mlog_last(m), first = mlog_first(m);
		assert_true(last == *acknowledged || last == *acknowledged + 1);
		if (last > 0)
			assert_int_equal(read_from(m, first, 1, 700), last + 1 - first);
		mlog_close(m);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			append_until_killed(last + 1, acknowledged);
		struct timespec pause = {.tv_nsec = (long)rng_below(&rng, 6000000)};
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	munmap(acknowledged, 4096);
}

static void newest_path(char out[KIT_PATH + 64])
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char best[256] = "";

	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "m-", 2) == 0 && strcmp(e->d_name, best) > 0)
			snprintf(best, sizeof(best), "%s", e->d_name);
	closedir(d);
	snprintf(out, KIT_PATH + 64, "%s/%.40s", dir, best);
}

/* The memory after a kill in the middle of an append: every number of its bytes written, commit
 * word missing. */
static void test_half_record(void **state)
{
	(void)state;
	char path[KIT_PATH + 64];
	size_t len;
	struct mlog *m = open_as(4096, 1 << 20, 0, false);

	append(m, 1, 4, 1, 100);
	mlog_close(m);
	newest_path(path);
	uint8_t *bytes = kit_slurp(path, &len);
	size_t end = len;
	while (bytes[end - 1] == 0)
		end--;
	end = (end + 7) & ~(size_t)7;
	uint8_t junk[300];
	memset(junk, 0xff, sizeof(junk));
	for (size_t n = 0; n < sizeof(junk); n += 5) {
		uint8_t *copy = malloc(len);
		memcpy(copy, bytes, len);
		memcpy(copy + end + 4, junk, n);
		kit_spill(path, copy, len);
		free(copy);
		m = open_as(4096, 1 << 20, 0, false);
		assert_int_equal(mlog_last(m), 4);
		append(m, 5, 5, 1, 100);
		assert_int_equal(read_from(m, 1, 1, 100), 9);
		mlog_close(m);
		m = open_as(4096, 1 << 20, 0, false);
		assert_int_equal(mlog_last(m), 9);
		mlog_close(m);
	}
	free(bytes);
}

/* Every bit of a small file flipped: what is read is always a right prefix, or the file is
 * refused. */
static void test_bit_flips(void **state)
{
	(void)state;
	char path[KIT_PATH + 64];
	size_t len;
	struct mlog *m = open_as(4096, 1 << 20, 0, false);

	append(m, 1, 20, 1, 100);
	mlog_close(m);
	newest_path(path);
	uint8_t *bytes = kit_slurp(path, &len);
	assert_true(len > 1500);
	for (size_t bit = 0; bit < 1500 * 8; bit++) {
		kit_poke(path, bit / 8, (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8)));
		m = open_as(4096, 1 << 20, 0, true);
		struct trail t = {.step = 1, .next = 1, .max = 100};
		int rc = mlog_read(m, 0, 0, on_frame, &t);
		assert_false(t.wrong);
		assert_true(rc == 0 || rc == ERR_CORRUPT);
		mlog_close(m);
		kit_poke(path, bit / 8, bytes[bit / 8]);
	}
	free(bytes);
}

static void test_truncated_files(void **state)
{
	(void)state;
	char path[KIT_PATH + 64];
	size_t len;
	struct mlog *m = open_as(4096, 1 << 20, 0, false);

	append(m, 1, 60, 1, 200);
	mlog_close(m);
	newest_path(path);
	uint8_t *bytes = kit_slurp(path, &len);
	for (size_t n = 0; n <= len; n += n < 80 ? 1 : 97) {
		kit_spill(path, bytes, n);
		m = open_as(4096, 1 << 20, 0, false); /* the file is not of its size: dropped */
		int64_t last = mlog_last(m);
		assert_true(last > 0 && last <= 60);
		assert_int_equal(read_from(m, 1, 1, 200), last);
		mlog_close(m);
	}
	free(bytes);
}

/* An old file whose pages were lost (zeros to the end, no seal) is an error, not silence. */
static void test_lost_pages(void **state)
{
	(void)state;
	char path[KIT_PATH + 64];
	struct mlog *m = open_as(8192, 1 << 20, 0, false);
	size_t len;

	append(m, 1, 40, 1, 100);
	mlog_close(m);
	newest_path(path);
	m = open_as(8192, 1 << 20, 0, false);
	append(m, 41, 300, 1, 100);
	uint8_t *bytes = kit_slurp(path, &len);
	memset(bytes + 4096, 0, len - 4096);
	bytes[4095] = 0;
	kit_spill(path, bytes, len);
	struct trail t = {.step = 1, .next = 1, .max = 100};
	int rc = 0;
	for (int64_t before = -1; rc == 0 && t.count > before;) {
		before = t.count;
		rc = mlog_read(m, t.next - 1, 0, on_frame, &t);
	}
	assert_false(t.wrong);
	assert_int_equal(rc, ERR_CORRUPT);
	assert_non_null(strstr(mlog_reason(m), "offset"));
	free(bytes);
	mlog_close(m);
}

/* A full disk costs records, never the process: a store into a hole would be SIGBUS. */
static void fill_then_free(const char *ballast)
{
	static uint8_t frame[1000];
	struct mlog *m = open_as(8192, 1 << 20, 0, false);
	int64_t stamp = 0, refused = 0;
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);

	while (write(fd, frame, sizeof(frame)) > 0)
		;
	close(fd);
	assert_int_equal(mlog_append(m, ++stamp, frame, sizeof(frame)), ERR_NO_SPACE);
	assert_non_null(strstr(mlog_reason(m), dir));
	assert_int_equal(mlog_last(m), 0);
	unlink(ballast);
	assert_int_equal(mlog_append(m, ++stamp, frame, sizeof(frame)), ERR_NO_SPACE); /* not yet */
	for (int i = 0; i < 300; i++) { /* more than the disk holds: the oldest make room */
		stamp += 100000000;
		refused += mlog_append(m, stamp, frame, sizeof(frame)) != 0;
	}
	assert_true(refused < 5);
	assert_int_equal(mlog_last(m), stamp);
	assert_true(mlog_first(m) > 100000000);
	assert_true(mlog_bytes(m) <= 64 << 10);
	mlog_close(m);
	m = open_as(8192, 1 << 20, 0, false);
	assert_int_equal(mlog_last(m), stamp);
	mlog_close(m);
}

static void test_full_disk(void **state)
{
	(void)state;
	char ballast[KIT_PATH + 16];

	if (mount("nj-test", dir, "tmpfs", 0, "size=64k,mode=0700") != 0) {
		print_message("skipped: no right to mount a small disk\n");
		skip();
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	fill_then_free(ballast);
	assert_int_equal(umount(dir), 0);
}

static void fill_disk(const char *ballast)
{
	static const uint8_t bytes[4096];
	int fd = open(ballast, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	close(fd);
}

/* A copy that was restored may have holes where there were zeros. On a full disk a store into one
 * would be SIGBUS: it is found out at the open. */
static void test_holes_on_a_full_disk(void **state)
{
	(void)state;
	const struct mlog_options o = {.dir = dir, .segment_bytes = 64 << 10, .cap_bytes = 1 << 20};
	char ballast[KIT_PATH + 16], path[KIT_PATH + 64], reason[400] = "";
	struct mlog *m;
	struct stat st;

	if (mount("nj-test", dir, "tmpfs", 0, "size=256k,mode=0700") != 0) {
		print_message("skipped: no right to mount a small disk\n");
		skip();
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	snprintf(path, sizeof(path), "%s/m-%020d.njm", dir, 1);
	m = open_as(64 << 10, 1 << 20, 0, false);
	append(m, 1, 10, 1, 100);
	mlog_close(m);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 56 << 10), 0);
	fill_disk(ballast);
	assert_int_equal(mlog_open(&o, &m, reason, sizeof(reason)), ERR_NO_SPACE);
	assert_non_null(strstr(reason, path));
	assert_int_equal(unlink(ballast), 0);
	m = open_as(64 << 10, 1 << 20, 0, false);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_blocks * 512 >= 64 << 10);
	fill_disk(ballast);
	append(m, 11, 300, 1, 100);
	assert_int_equal(read_from(m, 1, 1, 100), 310);
	mlog_close(m);
	close(fd);
	assert_int_equal(umount(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrap_by_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_by_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_beside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sigkill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bit_flips, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holes_on_a_full_disk, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
