/* usage - /proc/self/status and /proc/self/fd (proc(5)), getrusage(2), mallinfo2(3), mallopt(3). */
#include "common/io/usage.h"

#include <dirent.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
	ARENAS_MAX = 2,           /* the loop's and one for all threads: an arena for each keeps its own free memory */
	MMAP_THRESHOLD = 128 << 10, /* fixed: else the first large block that is freed moves the later ones to the heap,
				       where they are neither untouched nor given back */
	TRIM_THRESHOLD = 256 << 10,
	DESCRIPTORS_MAX = 65536,
};

void usage_tame_malloc(void)
{
	mallopt(M_ARENA_MAX, ARENAS_MAX);
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
}

static void read_status(struct usage *u)
{
	char line[128];
	unsigned long long n, shared = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "VmRSS: %llu", &n) == 1)
			u->rss = n << 10;
		else if (sscanf(line, "RssAnon: %llu", &n) == 1)
			u->anon = n << 10;
		else if (sscanf(line, "RssShmem: %llu", &n) == 1)
			shared = n << 10;
		else if (sscanf(line, "Threads: %llu", &n) == 1)
			u->threads = n;
	}
	u->anon += shared;
	if (f)
		fclose(f);
}

static uint64_t count_fds(void)
{
	uint64_t n = 0;
	const struct dirent *e;
	DIR *d = opendir("/proc/self/fd");

	while (d && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n > 0 ? n - 1 : 0; /* not the folder's own */
}

void usage_read(struct usage *ret_usage)
{
	struct rusage ru;
	struct mallinfo2 heap = mallinfo2();

	memset(ret_usage, 0, sizeof *ret_usage);
	read_status(ret_usage);
	ret_usage->fds = count_fds();
	ret_usage->heap = heap.uordblks + heap.hblkhd;
	if (getrusage(RUSAGE_SELF, &ru) == 0)
		ret_usage->cpu_ns = ((uint64_t)ru.ru_utime.tv_sec + (uint64_t)ru.ru_stime.tv_sec) * 1000000000u +
				    ((uint64_t)ru.ru_utime.tv_usec + (uint64_t)ru.ru_stime.tv_usec) * 1000u;
}

uint64_t usage_raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	rlim_t want = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > DESCRIPTORS_MAX ? DESCRIPTORS_MAX
											 : limit.rlim_max;
	struct rlimit more = {.rlim_cur = want, .rlim_max = limit.rlim_max};
	bool raised = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= want ||
		      setrlimit(RLIMIT_NOFILE, &more) != 0;
	return raised ? limit.rlim_cur : want;
}
