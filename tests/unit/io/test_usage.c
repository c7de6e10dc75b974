/* test_usage - what is touched, mapped, opened and computed shows up where it belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/io/usage.h"

enum { MIB = 1 << 20, BLOCK = 32 * MIB };

/* What is written counts as ours until it is given back; reserving alone costs nothing. */
static void memory_counts_when_touched(void **state)
{
	struct usage before, reserved, touched, after;

	(void)state;
	usage_read(&before);
	assert_true(before.rss >= before.anon && before.anon > 0);
	uint8_t *block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(block != MAP_FAILED);
	usage_read(&reserved);
	assert_true(reserved.anon < before.anon + BLOCK / 2);
	memset(block, 1, BLOCK);
	usage_read(&touched);
	assert_true(touched.anon >= before.anon + BLOCK - MIB && touched.rss >= before.rss + BLOCK - MIB);
	munmap(block, BLOCK);
	usage_read(&after);
	assert_true(after.anon < before.anon + BLOCK / 2);
}

/* Pages of a file are resident, but no part of what can leak. */
static void a_mapped_file_is_not_ours(void **state)
{
	struct usage before, after;
	unsigned sum = 0;

	(void)state;
#if defined(__SANITIZE_THREAD__)
	skip(); /* it keeps shadow memory, which is ours, for each page that is read */
#endif
	char path[] = "test_usage.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	static uint8_t chunk[MIB];
	memset(chunk, 7, sizeof chunk);
	for (int i = 0; i < BLOCK / MIB; i++)
		assert_int_equal(write(fd, chunk, sizeof chunk), sizeof chunk);
	usage_read(&before);
	const uint8_t *map = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	for (size_t i = 0; i < BLOCK; i += 4096)
		sum += map[i];
	assert_int_equal(sum, 7 * BLOCK / 4096);
	usage_read(&after);
	if (after.rss < before.rss + BLOCK / 2)
		skip(); /* this file system does not map its pages */
	assert_true(after.anon < before.anon + BLOCK / 4);
	munmap((void *)(uintptr_t)map, BLOCK);
	close(fd);
}

static void descriptors_threads_and_time_count(void **state)
{
	struct usage before, after;

	(void)state;
	usage_read(&before);
	assert_true(before.threads >= 1 && before.fds >= 3);
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	usage_read(&after);
	assert_int_equal(after.fds, before.fds + 2);
	close(fd[0]);
	close(fd[1]);
	volatile uint64_t n = 0;
	do {
		for (int i = 0; i < 1000000; i++)
			n += (uint64_t)i;
		usage_read(&after);
	} while (after.cpu_ns <= before.cpu_ns);
	assert_true(n > 0);
	assert_int_equal(after.fds, before.fds);
}

static void descriptors_are_raised_to_what_may_be_had(void **state)
{
	struct rlimit was, is;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	struct rlimit few = {.rlim_cur = 64, .rlim_max = was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	uint64_t n = usage_raise_descriptors();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &is), 0);
	assert_true(is.rlim_max == was.rlim_max && is.rlim_cur == n);
	assert_true(n == 65536 || (n == was.rlim_max && n < 65536));
	/* Who has more already keeps it. */
	assert_int_equal(usage_raise_descriptors(), n);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

/* Large blocks come from and go back to the system, even after one was freed. */
static void malloc_gives_back(void **state)
{
	struct usage before, touched, after;

	(void)state;
	usage_tame_malloc();
	free(malloc(BLOCK)); /* would raise the threshold of an untamed malloc above the next ones */
	usage_read(&before);
	char *block[8];
	for (int i = 0; i < 8; i++) {
		block[i] = malloc(4 * MIB);
		assert_non_null(block[i]);
		memset(block[i], i, 4 * MIB);
	}
	usage_read(&touched);
	assert_true(touched.anon >= before.anon + 8 * 4 * MIB - MIB);
	if (touched.heap > 0)
		assert_true(touched.heap >= before.heap + 8 * 4 * MIB);
	for (int i = 0; i < 7; i++) /* the last one stays: nothing can be trimmed from the top */
		free(block[i]);
	usage_read(&after);
	if (touched.heap > 0) /* a sanitizer's malloc keeps what is freed */
		assert_true(after.anon < before.anon + 8 * MIB);
	free(block[7]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_counts_when_touched),
		cmocka_unit_test(a_mapped_file_is_not_ours),
		cmocka_unit_test(descriptors_threads_and_time_count),
		cmocka_unit_test(descriptors_are_raised_to_what_may_be_had),
		cmocka_unit_test(malloc_gives_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
