/* journal_kit - folders, records and readings for the tests of journal and mlog. */
#ifndef NJ_TESTS_JOURNAL_KIT_H
#define NJ_TESTS_JOURNAL_KIT_H

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "common/base/rng.h"
#include "common/io/journal.h"

#define KIT_PATH 512
#define KIT_EPOCH UINT64_C(1764000000000000000)

/* A fresh folder, in NJ_TMP (another disk for a test) or /tmp. */
static inline void kit_dir(char out[KIT_PATH])
{
	const char *base = getenv("NJ_TMP");
	snprintf(out, KIT_PATH, "%s/nj-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(out));
}

/* The same in memory, where there are thousands of cases and the disk is not what is tested. */
static inline void kit_dir_in_memory(char out[KIT_PATH])
{
	snprintf(out, KIT_PATH, "/dev/shm/nj-test-XXXXXX");
	if (!mkdtemp(out))
		kit_dir(out);
}

static inline void kit_wipe(const char *dir)
{
	char path[KIT_PATH + 300];
	const struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		return;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
}

static inline void kit_remove(const char *dir)
{
	kit_wipe(dir);
	rmdir(dir);
}

static inline uint8_t *kit_slurp(const char *path, size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

static inline void kit_spill(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* Overwrites one byte. (Truncating and rewriting a file makes ext4 flush it at every close.) */
static inline void kit_poke(const char *path, size_t at, uint8_t byte)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* A record's content follows from its sequence, so that anything read can be judged. */
static inline size_t kit_record(uint64_t seq, size_t max, uint8_t *out)
{
	struct rng rng;

	rng_seed(&rng, seq * 7919 + 1);
	size_t len = (size_t)rng_below(&rng, max + 1);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)rng_u64(&rng);
	return len;
}

struct kit_reading {
	uint64_t next; /* sequence that must come */
	uint64_t count;
	size_t max;    /* as given to kit_record */
	bool wrong;
};

static inline bool kit_on_record(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	static uint8_t expected[1 << 21];
	struct kit_reading *r = ctx;
	size_t n = kit_record(seq, r->max, expected);

	if (seq != r->next || n != len || (len && memcmp(bytes, expected, len) != 0))
		r->wrong = true;
	r->next = seq + 1;
	r->count++;
	return !r->wrong;
}

/* Reads from `from` to the end in pages; *ret_count records were right. A wrong one fails the
 * test. */
static inline int kit_read_all(struct journal *j, uint64_t from, size_t max, uint64_t *ret_count)
{
	struct kit_reading r = {.next = from, .max = max};
	uint64_t next = from, before;
	int rc;

	do {
		before = next;
		rc = journal_read(j, next, 500, kit_on_record, &r, &next);
		assert_false(r.wrong);
	} while (rc == 0 && next != before);
	*ret_count = r.count;
	return rc;
}

static inline int kit_open(const char *dir, uint64_t segment_bytes, struct journal **ret_j)
{
	const struct journal_options o = {.dir = dir, .epoch = KIT_EPOCH,
					  .segment_bytes = segment_bytes};
	char reason[400] = "";
	int rc = journal_open(&o, ret_j, reason, sizeof(reason));

	if (rc)
		assert_true(rc == ERR_NOMEM || reason[0] != '\0');
	return rc;
}

static inline void kit_append(struct journal *j, uint64_t count, size_t max)
{
	static uint8_t bytes[1 << 21];
	uint64_t seq, last = journal_status(j).last;

	for (uint64_t i = 1; i <= count; i++) {
		size_t len = kit_record(last + i, max, bytes);
		assert_int_equal(journal_append(j, bytes, len, &seq), 0);
		assert_int_equal(seq, last + i);
	}
}

static inline void kit_flush(struct journal *j)
{
	assert_int_equal(journal_flush(j, 20 * NS_PER_S), 0);
}

#endif
