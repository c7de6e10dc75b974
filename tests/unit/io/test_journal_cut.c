/* test_journal_cut - a journal cut at every byte, with every bit flipped, with segments that
 * overlap or are missing.
 *
 * NJ_LONG=1 flips every bit of 64 KiB instead of 6 KiB.
 */
#include "tests/unit/io/journal_kit.h"

#define FILES_MAX 64
#define MAX 200

static char dir[KIT_PATH];

struct image {
	char path[KIT_PATH + 64];
	uint8_t *bytes;
	size_t len;
};

static struct image images[FILES_MAX];
static size_t n_images;

static int setup(void **state)
{
	(void)state;
	kit_dir_in_memory(dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_images; i++)
		free(images[i].bytes);
	n_images = 0;
	kit_remove(dir);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct image *)a)->path, ((const struct image *)b)->path);
}

/* Offset behind the record at `at`, or 0 where there is none; headers are trusted here. */
static size_t behind(const struct image *i, size_t at)
{
	uint32_t len;
	uint64_t seq;

	if (at + 24 > i->len)
		return 0;
	memcpy(&len, i->bytes + at + 4, sizeof(len));
	memcpy(&seq, i->bytes + at + 8, sizeof(seq));
	return seq ? at + ((24 + len + 7) & ~7u) : 0;
}

/* Takes every segment into memory, without the zeros behind its records. */
static void take_images(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		struct image *i = &images[n_images];
		if (strncmp(e->d_name, "x-", 2) != 0)
			continue;
		snprintf(i->path, sizeof(i->path), "%s/%.40s", dir, e->d_name);
		i->bytes = kit_slurp(i->path, &i->len);
		size_t end = 64;
		while (behind(i, end))
			end = behind(i, end);
		i->len = end;
		assert_true(++n_images < FILES_MAX);
	}
	closedir(d);
	qsort(images, n_images, sizeof(images[0]), by_path);
}

static void put_images(void)
{
	kit_wipe(dir);
	for (size_t i = 0; i < n_images; i++)
		kit_spill(images[i].path, images[i].bytes, images[i].len);
}

/* `group`: records between two flushes. */
static void build(uint64_t records, uint64_t group, uint64_t segment)
{
	/* a group is what a flush ends, and not what the writer happened to find */
	const struct journal_options o = {
		.dir = dir, .epoch = KIT_EPOCH, .segment_bytes = segment, .batch_records = 1000,
		.batch_ns = 3600 * NS_PER_S};
	char reason[400] = "";
	struct journal *j;

	assert_int_equal(journal_open(&o, &j, reason, sizeof(reason)), 0);
	for (uint64_t i = 0; i < records; i += group) {
		kit_append(j, group, MAX);
		kit_flush(j);
	}
	journal_close(j);
	take_images();
}

static int open_read_only(struct journal **ret_j)
{
	const struct journal_options o = {.dir = dir, .read_only = true};
	char reason[400] = "";
	int rc = journal_open(&o, ret_j, reason, sizeof(reason));

	assert_true(rc == 0 || strstr(reason, dir) != NULL);
	return rc;
}

/* Records that lie wholly in the first `cut` bytes of the file. */
static uint64_t records_within(const struct image *i, size_t cut)
{
	uint64_t n = 0;

	for (size_t at = 64; (at = behind(i, at)) != 0 && at <= cut;)
		n++;
	return n;
}

static void assert_count(struct journal *j, uint64_t expected)
{
	uint64_t count;

	assert_int_equal(journal_status(j).durable, expected);
	assert_int_equal(kit_read_all(j, 1, MAX, &count), 0);
	assert_int_equal(count, expected);
}

static void test_cut_at_every_byte(void **state)
{
	(void)state;
	build(60, 4, 4096);
	assert_true(n_images >= 2);
	uint64_t before = 0;
	for (size_t i = 0; i < n_images; i++) {
		for (size_t cut = 0; cut <= images[i].len; cut++) {
			struct journal *j;
			kit_wipe(dir);
			for (size_t k = 0; k < i; k++)
				kit_spill(images[k].path, images[k].bytes, images[k].len);
			kit_spill(images[i].path, images[i].bytes, cut);
			uint64_t expected = before + records_within(&images[i], cut);
			assert_int_equal(kit_open(dir, 4096, &j), 0);
			assert_count(j, expected);
			kit_append(j, 2, MAX); /* and it goes on */
			journal_close(j);
			if (cut % 16)
				continue;
			assert_int_equal(kit_open(dir, 4096, &j), 0);
			assert_count(j, expected + 2);
			assert_int_equal(journal_status(j).cut_bytes, 0);
			journal_close(j);
		}
		before += records_within(&images[i], images[i].len);
	}
	assert_int_equal(before, 60);
}

/* Opens a damaged journal; what it serves must be right. Returns what could be had. */
static uint64_t served(int *ret_rc)
{
	struct journal *j;
	uint64_t count = 0;

	*ret_rc = open_read_only(&j);
	if (*ret_rc == 0) {
		uint64_t durable = journal_status(j).durable;
		*ret_rc = kit_read_all(j, 1, MAX, &count);
		assert_true(*ret_rc == 0 || *ret_rc == ERR_CORRUPT);
		assert_true(*ret_rc != 0 || count == durable);
		journal_close(j);
	}
	assert_true(*ret_rc == 0 || *ret_rc == ERR_CORRUPT);
	return count;
}

/* With one record a group every loss but that of the last record is recognised as corruption. */
static void test_every_bit_flip(void **state)
{
	(void)state;
	bool is_long = getenv("NJ_LONG") != NULL;
	uint64_t records = is_long ? 520 : 50, cases = 0, cut = 0;
	int rc;

	build(records, 1, is_long ? 24 << 10 : 4096);
	put_images();
	for (size_t i = 0; i < n_images; i++) {
		for (size_t bit = 0; bit < images[i].len * 8; bit++, cases++) {
			kit_poke(images[i].path, bit / 8,
				 (uint8_t)(images[i].bytes[bit / 8] ^ 1u << (bit % 8)));
			uint64_t count = served(&rc);
			assert_true(rc == ERR_CORRUPT || count >= records - 1);
			cut += rc == 0 && count == records - 1;
			kit_poke(images[i].path, bit / 8, images[i].bytes[bit / 8]);
		}
	}
	assert_true(cases > 8 * 5000);
	print_message("%llu flips, %llu of them in the last record\n", (unsigned long long)cases,
		      (unsigned long long)cut);
}

/* Groups of several records: a flip in an earlier group is corruption, in the last one it looks
 * like a torn tail. */
static void test_flips_in_groups(void **state)
{
	(void)state;
	int rc;

	build(30, 5, 64 << 10);
	assert_int_equal(n_images, 1);
	put_images();
	for (size_t at = 64; at < images[0].len; at++) {
		kit_poke(images[0].path, at, images[0].bytes[at] ^ 0x10);
		uint64_t count = served(&rc);
		if (rc == 0)
			assert_true(count >= 25);
		kit_poke(images[0].path, at, images[0].bytes[at]);
	}
}

/* Pages of a group that was never synced reach the disk in any order: zeros in front of good
 * records of the same group are a torn tail. Zeros in front of a later group are not. */
static void test_holes(void **state)
{
	(void)state;
	struct journal *j;
	int rc;

	build(40, 20, 64 << 10);
	assert_int_equal(n_images, 1);
	size_t at = 64;
	for (uint64_t record = 1; record <= 40; record++) {
		put_images();
		int fd = open(images[0].path, O_WRONLY);
		static const uint8_t zeros[24];
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)at), sizeof(zeros));
		close(fd);
		uint64_t count = served(&rc);
		if (record <= 20) {
			assert_int_equal(rc, ERR_CORRUPT);
			assert_int_equal(kit_open(dir, 64 << 10, &j), ERR_CORRUPT);
		} else {
			assert_int_equal(rc, 0);
			assert_int_equal(count, record - 1);
			assert_int_equal(kit_open(dir, 64 << 10, &j), 0);
			assert_true(journal_status(j).cut_bytes > 0 || record == 40);
			assert_count(j, record - 1);
			journal_close(j);
		}
		at = behind(&images[0], at);
	}
}

/* A segment that begins inside the one before it (what an error of fdatasync leaves) counts from
 * its first record. */
static void test_overlap(void **state)
{
	(void)state;
	struct journal *j;
	struct image whole, tail;

	build(50, 1, 64 << 10);
	whole = images[0];
	kit_wipe(dir);
	/* The second half in a segment of its own: a journal of records 31.. is made by trimming
	 * small segments. */
	assert_int_equal(kit_open(dir, 4096, &j), 0);
	kit_append(j, 50, MAX);
	journal_close(j);
	n_images = 0;
	take_images();
	assert_true(n_images >= 2);
	tail = images[1];
	kit_wipe(dir);
	kit_spill(whole.path, whole.bytes, whole.len);
	uint64_t tail_first = strtoull(strrchr(tail.path, '-') + 1, NULL, 10);
	uint64_t last = tail_first + records_within(&tail, tail.len) - 1;
	/* What the later one covers may be broken in the earlier one. */
	size_t at = 64;
	for (uint64_t record = 1; record < tail_first; record++)
		at = behind(&whole, at);
	memset(whole.bytes + at, 0xaa, whole.len - at);
	kit_spill(whole.path, whole.bytes, whole.len);
	kit_spill(tail.path, tail.bytes, tail.len);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(kit_open(dir, 4096, &j), 0);
		assert_count(j, last);
		journal_close(j);
	}
	free(whole.bytes);
}

static void test_missing_segment(void **state)
{
	(void)state;
	struct journal *j;
	uint64_t count;

	build(120, 4, 4096);
	assert_true(n_images >= 3);
	put_images();
	unlink(images[1].path);
	assert_int_equal(kit_open(dir, 4096, &j), 0); /* found when it is read */
	assert_int_equal(kit_read_all(j, 1, MAX, &count), ERR_CORRUPT);
	assert_int_equal(count, records_within(&images[0], images[0].len));
	char reason[400];
	journal_reason(j, reason, sizeof(reason));
	assert_non_null(strstr(reason, images[0].path));
	assert_non_null(strstr(reason, "offset"));
	/* Without a limit the error is told at once, and the caller's number left alone. */
	struct kit_reading r = {.next = 1, .max = MAX};
	uint64_t next = 77;
	assert_int_equal(journal_read(j, 1, 0, kit_on_record, &r, &next), ERR_CORRUPT);
	assert_int_equal(r.count, count);
	assert_int_equal(next, 77);
	journal_close(j);
}

static void test_foreign_segment(void **state)
{
	(void)state;
	struct journal *j;
	const struct journal_options o = {.dir = dir, .epoch = KIT_EPOCH + 1,
					  .segment_bytes = 4096};
	char reason[400];

	build(60, 4, 4096);
	struct image mine = images[n_images - 1];
	kit_wipe(dir);
	assert_int_equal(journal_open(&o, &j, reason, sizeof(reason)), 0);
	kit_append(j, 5, MAX);
	journal_close(j);
	kit_spill(mine.path, mine.bytes, mine.len);
	assert_int_equal(kit_open(dir, 4096, &j), ERR_CORRUPT);
}

/* The only segment there is holds nothing, but its name says that records came before it. */
static void test_lost_beginning(void **state)
{
	(void)state;
	struct journal *j;
	char path[KIT_PATH + 64];

	snprintf(path, sizeof(path), "%s/x-%020d.njj", dir, 12);
	kit_spill(path, "short", 5);
	assert_int_equal(kit_open(dir, 4096, &j), ERR_CORRUPT);
	kit_wipe(dir);
	snprintf(path, sizeof(path), "%s/x-%020d.njj", dir, 1);
	kit_spill(path, "short", 5);
	assert_int_equal(kit_open(dir, 4096, &j), 0);
	assert_int_equal(journal_status(j).cut_bytes, 5);
	journal_close(j);
	assert_int_equal(truncate(path, (off_t)JOURNAL_SEGMENT_MAX * 2), 0); /* no memory for that */
	assert_int_equal(kit_open(dir, 4096, &j), ERR_CORRUPT);
}

/* Names that are almost right, left temporary files, and other people's files are left alone or
 * cleared. */
static void test_strange_names(void **state)
{
	(void)state;
	static const char *const names[] = {"x-1.njj", "x-0000000000000000000a.njj",
					    "x-99999999999999999999.njj",
					    "y-00000000000000000001.njj",
					    	"x-00000000000000000001.njj.tmp", "x-"};
	char path[KIT_PATH + 64];
	struct journal *j;

	build(20, 4, 4096);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		kit_spill(path, "junk", 4);
	}
	assert_int_equal(kit_open(dir, 4096, &j), 0);
	assert_count(j, 20);
	journal_close(j);
	snprintf(path, sizeof(path), "%s/%s", dir, names[4]);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, names[0]);
	assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_bit_flip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flips_in_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_segment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strange_names, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
