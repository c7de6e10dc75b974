/* bench_journal - goal G18 and what a log costs: appends made durable against one bare append and
 * fdatasync, group commit, recovery of a million records, and the lane-M log against memcpy.
 *
 * Each line: name, value, unit, ratio to its reference in the same run (1: it is the reference).
 * The folder is NJ_TMP or /tmp: it must be on a real disk for the figures to mean anything.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/io/clock.h"
#include "common/io/journal.h"
#include "common/io/mlog.h"

#define RECORD 200
#define PAIRS 1000
#define GROUPED 300000
#define RECOVERED 1000000
#define LOGGED 1000000
#define ROUNDS 5

static char dir[256];
static uint8_t record[RECORD];

static double now(void)
{
	return (double)clock_mono(clock_real());
}

static void make_dir(void)
{
	const char *base = getenv("NJ_TMP");
	snprintf(dir, sizeof(dir), "%s/nj-bench-XXXXXX", base ? base : "/tmp");
	must(mkdtemp(dir) != NULL);
}

static void remove_dir(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[600];

	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

static struct journal *open_journal(void)
{
	const struct journal_options o = {.dir = dir, .epoch = 1};
	struct journal *j;
	char reason[400];

	if (journal_open(&o, &j, reason, sizeof(reason)) != 0) {
		fprintf(stderr, "%s\n", reason);
		exit(1);
	}
	return j;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double quantile(double *values, size_t n, double q)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[(size_t)((double)(n - 1) * q)];
}

static void print(const char *name, double value, const char *unit, double ratio)
{
	printf("%-34s %12.2f %-10s %8.3f\n", name, value, unit, ratio);
}

/* One record, then wait for its descriptor as the loop does. */
static double durable_once(struct journal *j)
{
	struct pollfd p = {.fd = journal_fd(j), .events = POLLIN};
	uint64_t seq;
	double began = now();

	must(journal_append(j, record, sizeof(record), &seq) == 0);
	while (journal_durable(j) < seq) {
		must(poll(&p, 1, 10000) == 1);
		journal_ack(j);
	}
	return now() - began;
}

static double bare_once(int fd)
{
	double began = now();

	must(write(fd, record, sizeof(record)) == sizeof(record));
	must(fdatasync(fd) == 0);
	return now() - began;
}

static void bench_latency(void)
{
	static double ours[PAIRS], bare[PAIRS];
	struct journal *j = open_journal();
	char path[300];

	snprintf(path, sizeof(path), "%s/bare", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	must(fd >= 0);
	for (int i = 0; i < PAIRS; i++) {
		bare[i] = bare_once(fd);
		ours[i] = durable_once(j);
	}
	double b50 = quantile(bare, PAIRS, 0.5), b99 = quantile(bare, PAIRS, 0.99);
	print("bare append+fdatasync p50", b50 / 1e3, "us", 1);
	print("journal append..durable p50", quantile(ours, PAIRS, 0.5) / 1e3, "us",
	      quantile(ours, PAIRS, 0.5) / b50);
	print("bare append+fdatasync p99", b99 / 1e3, "us", 1);
	print("journal append..durable p99", quantile(ours, PAIRS, 0.99) / 1e3, "us",
	      quantile(ours, PAIRS, 0.99) / b99);
	close(fd);
	journal_close(j);
}

static void fill(struct journal *j, uint64_t count)
{
	uint64_t seq;

	for (uint64_t i = 0; i < count; i++)
		while (journal_append(j, record, sizeof(record), &seq) != 0)
			must(journal_flush(j, 60 * NS_PER_S) == 0); /* the buffer is full */
	must(journal_flush(j, 60 * NS_PER_S) == 0);
}

static void bench_groups(void)
{
	struct journal *j = open_journal();
	double began = now();

	fill(j, GROUPED);
	double s = (now() - began) / 1e9;
	struct journal_status status = journal_status(j);
	print("group commit", GROUPED / s, "records/s", GROUPED / s / 5000);
	print("records a sync", (double)GROUPED / (double)status.syncs, "records", 1);
	journal_close(j);
}

static bool count_record(void *ctx, uint64_t seq, const uint8_t *bytes, size_t len)
{
	uint64_t *sum = ctx;
	*sum += seq + bytes[0] + len;
	return true;
}

static void bench_recovery(void)
{
	struct journal *j = open_journal();
	uint64_t sum = 0, next = 1, before;

	fill(j, RECOVERED);
	journal_close(j);
	double began = now();
	j = open_journal();
	double opened = now();
	print("open after 1M records", (opened - began) / 1e9, "s", (opened - began) / 5e9);
	do {
		before = next;
		must(journal_read(j, next, 500, count_record, &sum, &next) == 0);
	} while (next != before);
	must(next > RECOVERED);
	print("open and read 1M records", (now() - began) / 1e9, "s", (now() - began) / 5e9);
	began = now();
	for (int i = 0; i < 1000; i++)
		must(journal_read(j, 1 + (uint64_t)i * 997, 1, count_record, &sum, &next) == 0);
	print("one record somewhere", (now() - began) / 1e6, "us", 1);
	journal_close(j);
}

static double log_round(struct mlog *m, int64_t *stamp)
{
	double began = now();

	for (int i = 0; i < LOGGED; i++)
		must(mlog_append(m, ++*stamp, record, sizeof(record)) == 0);
	return (now() - began) / LOGGED;
}

static double copy_round(uint8_t *to, size_t cap)
{
	double began = now();
	size_t at = 0;

	for (int i = 0; i < LOGGED; i++) {
		memcpy(to + at, record, sizeof(record));
		__asm__ volatile("" : : "r"(to) : "memory");
		at = at + 2 * sizeof(record) > cap ? 0 : at + sizeof(record);
	}
	return (now() - began) / LOGGED;
}

static void bench_mlog(void)
{
	const struct mlog_options o = {.dir = dir, .cap_bytes = 64 << 20};
	size_t cap = 64 << 20;
	uint8_t *to = malloc(cap);
	double ours[ROUNDS], copy[ROUNDS];
	struct mlog *m;
	char reason[400];
	int64_t stamp = 0;

	must(to != NULL && mlog_open(&o, &m, reason, sizeof(reason)) == 0);
	memset(to, 1, cap);
	for (int i = 0; i < ROUNDS; i++) {
		copy[i] = copy_round(to, cap);
		ours[i] = log_round(m, &stamp);
	}
	double c = quantile(copy, ROUNDS, 0.5);
	print("memcpy of 200 bytes", c, "ns", 1);
	print("mlog append of 200 bytes", quantile(ours, ROUNDS, 0.5), "ns",
	      quantile(ours, ROUNDS, 0.5) / c);
	mlog_close(m);
	free(to);
}

int main(void)
{
	static void (*const benches[])(void) = {bench_latency, bench_groups, bench_recovery,
						bench_mlog};

	for (size_t i = 0; i < sizeof(record); i++)
		record[i] = (uint8_t)(i * 31);
	for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
		make_dir();
		benches[i]();
		remove_dir();
	}
	return 0;
}
