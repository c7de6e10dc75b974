/* test_log_file - rotated files lose nothing, whenever we die, and take no more than their share.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/io/log.h"
#include "common/io/log_file.h"

#define START INT64_C(1795314000000000000) /* 2026-11-22T02:20:00Z */
#define DAY (86400 * NS_PER_S)

static struct clock_sim sim;
static char dir[64], path[96];

/* ---- stderr goes to a file of ours while a test runs ---- */

static int saved_stderr = -1;
static FILE *captured;

static void capture_begin(void)
{
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	captured = tmpfile();
	assert_non_null(captured);
	assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

/* What was written, NUL-terminated; to be freed. */
static char *capture_end(void)
{
	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	close(saved_stderr);
	off_t len = lseek(fileno(captured), 0, SEEK_END);
	char *text = calloc(1, (size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(pread(fileno(captured), text, (size_t)len, 0), len);
	fclose(captured);
	return text;
}

static size_t lines_in(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int setup(void **state)
{
	(void)state;
	clock_sim_init(&sim, START);
	snprintf(dir, sizeof dir, "/tmp/nj-test-log.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/x.log", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_close();
	DIR *d = opendir(dir);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

static void open_log(bool json, const char *file)
{
	struct log_options o = {.service = "svc",
				.level = LOG_INFO,
				.json = json,
				.file = file,
				.clock = &sim.clock};
	assert_int_equal(log_open(&o), 0);
}

/* ---- files ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct files {
	char *name[600];
	size_t n, packed, plain, half;
};

static bool ends(const char *text, const char *ending)
{
	size_t n = strlen(text), m = strlen(ending);
	return n >= m && strcmp(text + n - m, ending) == 0;
}

/* Rotated files in order of time, then the active one. */
static struct files list_files(void)
{
	struct files f = {0};
	DIR *d = opendir(dir);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (strncmp(e->d_name, "x.log.", 6) != 0)
			continue;
		f.half += ends(e->d_name, ".tmp");
		f.packed += ends(e->d_name, ".gz");
		f.plain += !ends(e->d_name, ".gz") && !ends(e->d_name, ".tmp");
		f.name[f.n++] = strdup(e->d_name);
	}
	closedir(d);
	qsort(f.name, f.n, sizeof f.name[0], by_name);
	f.name[f.n++] = strdup("x.log");
	return f;
}

/* Everything logged, in order: gzread also reads what is not compressed. */
static char *read_all(struct files *f, size_t *ret_len)
{
	size_t cap = 64u << 20, len = 0;
	char *text = malloc(cap);
	assert_non_null(text);
	for (size_t i = 0; i < f->n; i++) {
		char full[200];
		snprintf(full, sizeof full, "%s/%s", dir, f->name[i]);
		gzFile gz = gzopen(full, "rb");
		for (int n = 1; gz && n > 0; len += (size_t)n) {
			n = gzread(gz, text + len, 1 << 20);
			assert_true(n >= 0);
		}
		if (gz)
			assert_int_equal(gzclose(gz), Z_OK);
		free(f->name[i]);
	}
	text[len] = '\0';
	*ret_len = len;
	return text;
}

static void thirty_five_megabytes_make_three_files_and_one(void **state)
{
	(void)state;
	static char big[3900];
	memset(big, 'x', sizeof big - 1);
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	open_log(false, path);
	size_t bytes = 0;
	int lines = 0;
	while (bytes < 35u << 20) {
		log_info("big", "i=%d x=%s", lines++, big);
		bytes += 3990;
		clock_sim_advance(&sim, NS_PER_S);
	}
	log_close();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	assert_int_equal(log_counters().rotations, 3);
	struct files f = list_files();
	assert_int_equal(f.packed, 3);
	assert_int_equal(f.plain + f.half, 0);
	size_t len;
	char *text = read_all(&f, &len);
	int i = 0;
	for (char *at = text, *end; (end = memchr(at, '\n', len - (size_t)(at - text))); at = end + 1) {
		*end = '\0'; /* line by line: a sanitizer measures the whole string at every search */
		char *number = strstr(at, " i=");
		assert_non_null(number);
		assert_int_equal(strtol(number + 3, NULL, 10), i++);
	}
	assert_int_equal(i, lines);
	free(text);

	/* Eight days later a line rotates the day, and what is older than a week goes. */
	clock_sim_advance(&sim, 8 * DAY);
	capture_begin();
	open_log(false, path);
	clock_sim_advance(&sim, DAY);
	log_info("later", NULL);
	log_close();
	free(capture_end());
	f = list_files();
	assert_int_equal(f.packed, 1);
	assert_int_equal(f.n, 2);
	free(read_all(&f, &len));
}

static void open_small(int keep, struct log_file **ret_file)
{
	struct log_file_options o = {
		.path = path, .rotate_bytes = 1000, .keep = keep, .clock = &sim.clock};
	assert_int_equal(log_file_open(&o, ret_file), 0);
}

static void write_number(struct log_file *f, int i)
{
	char line[200];
	int n = snprintf(line, sizeof line, "%090d\n", i);
	assert_int_equal(log_file_write(f, line, (size_t)n), 0);
}

static void no_more_than_so_many_are_kept(void **state)
{
	(void)state;
	struct log_file *f;
	open_small(7, &f);
	for (int i = 0; i < 200; i++)
		write_number(f, i); /* all at one instant: stamps must still differ */
	log_file_close(f);
	struct files list = list_files();
	assert_int_equal(list.packed, 7);
	assert_int_equal(list.n, 8);
	size_t len;
	char *text = read_all(&list, &len);
	assert_int_equal(strtol(text + len - 91, NULL, 10), 199);
	assert_true(strtol(text, NULL, 10) >= 100); /* the oldest went, not the newest */
	free(text);
}

static void a_new_day_rotates(void **state)
{
	(void)state;
	struct log_file *f;
	open_small(7, &f);
	for (int i = 0; i < 5; i++) {
		write_number(f, i);
		clock_sim_advance(&sim, DAY);
	}
	assert_int_equal(log_file_rotations(f), 4);
	log_file_close(f);
	struct files list = list_files();
	assert_int_equal(list.packed, 4);
	size_t len;
	free(read_all(&list, &len));
}

/* A child writes and rotates as fast as it can until it is killed; another continues where the
 * files end. */
static void write_until_killed(int first, int told)
{
	struct log_file *f;
	open_small(500, &f);
	for (int i = first;; i++) {
		write_number(f, i);
		if (write(told, &i, sizeof i) != sizeof i)
			_exit(1);
	}
}

static int kill_a_writer(int first, int64_t after_ns)
{
	int told[2], last = first - 1;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		write_until_killed(first, told[1]);
	close(told[1]);
	int64_t until = clock_mono(clock_real()) + after_ns;
	int i;
	while (read(told[0], &i, sizeof i) == sizeof i) {
		last = i;
		if (i % 8 == 0 && clock_mono(clock_real()) > until)
			kill(pid, SIGKILL);
	}
	close(told[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return last;
}

static void killed_writers_lose_no_line(void **state)
{
	(void)state;
	struct rng rng;
	rng_seed(&rng, 3);
	int written = 0; /* acknowledged */
	for (int round = 0; round < 25 && written < 4500; round++) {
		int last = kill_a_writer(written, (int64_t)rng_below(&rng, 12) * NS_PER_MS);
		struct log_file *f; /* finishes what was left undone */
		open_small(500, &f);
		log_file_close(f);
		struct files list = list_files();
		assert_int_equal(list.half, 0);
		assert_int_equal(list.plain, 0);
		size_t len;
		char *text = read_all(&list, &len);
		int n = (int)(len / 91);
		assert_int_equal(len % 91, 0); /* whole lines only */
		assert_true(n >= last + 1);    /* at most one more than was acknowledged */
		assert_true(n <= last + 2);
		for (int i = 0; i < n; i++)
			assert_int_equal(strtol(text + (size_t)i * 91, NULL, 10), i);
		free(text);
		written = n;
	}
	assert_true(written > 100);
}

static void leftovers_are_finished(void **state)
{
	(void)state;
	static const char *const left[] = {
		"x.log.20261121T000000.000000001",
		"x.log.20261121T000000.000000002",
		"x.log.20261121T000000.000000002.gz",
		"x.log.20261121T000000.000000003.gz.tmp",
		"x.log.20261101T000000.000000003.gz",
		"x.log.20261101T000000.000000003",
		"x.log.bak",
		"x.log.1.gz",
		"other.log.20261101T000000.000000003.gz",
	};
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		char full[200];
		snprintf(full, sizeof full, "%s/%s", dir, left[i]);
		FILE *f = fopen(full, "w");
		fputs("line\n", f);
		fclose(f);
	}
	struct log_file *f;
	open_small(7, &f);
	log_file_close(f);
	static const bool stays[] = {false, false, true, false, false, false, true, true, true};
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		char full[200];
		snprintf(full, sizeof full, "%s/%s", dir, left[i]);
		assert_int_equal(access(full, F_OK) == 0, stays[i]);
	}
	char packed[200];
	snprintf(packed, sizeof packed, "%s/%s.gz", dir, left[0]);
	assert_int_equal(access(packed, F_OK), 0);
}

/* A disk that fills up, by the limit on a file's size: the line is cut, the next ones begin on
 * their own. */
static void full_disk_is_counted_and_survived(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit before, low = {0};
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	int saved = dup(STDERR_FILENO), pipe_fd[2];
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	open_log(false, path);
	low.rlim_max = before.rlim_max;
	low.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (int i = 0; i < 5; i++)
		log_info("line", "i=%d", i);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	log_info("line", "i=%d", 99);
	struct log_counters n = log_counters();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	assert_int_equal(n.lines, 6); /* stderr had them all */
	assert_int_equal(n.dropped, 3);
	struct files f = list_files();
	size_t len;
	char *text = read_all(&f, &len);
	const char *last = strstr(text, "i=99\n");
	assert_non_null(last);
	const char *line = last;
	while (line > text && line[-1] != '\n')
		line--;
	assert_int_equal(strncmp(line, "time=", 5), 0);
	free(text);
}

static void file_moved_away_is_opened_anew(void **state)
{
	(void)state;
	capture_begin();
	open_log(false, path);
	log_info("first", NULL);
	char moved[120];
	snprintf(moved, sizeof moved, "%s/moved", dir);
	assert_int_equal(rename(path, moved), 0);
	log_info("second", NULL);
	log_reopen();
	log_info("third", NULL);
	log_close();
	free(capture_end());
	struct stat st;
	assert_int_equal(stat(moved, &st), 0);
	assert_true(st.st_size > 100);
	struct files f = list_files();
	size_t len;
	char *text = read_all(&f, &len);
	assert_int_equal(lines_in(text), 1);
	assert_non_null(strstr(text, "msg=third\n"));
	free(text);
}

static void unusable_file_leaves_stderr(void **state)
{
	(void)state;
	capture_begin();
	struct log_options o = {.service = "svc", .level = LOG_INFO, .file = "/proc/none/x.log"};
	int rc = log_open(&o);
	log_info("still here", NULL);
	o.file = "/dev/full"; /* not a regular file */
	int rc_device = log_open(&o);
	char *text = capture_end();
	assert_true(rc < 0);
	assert_int_equal(rc_device, ERR_IO);
	assert_int_equal(lines_in(text), 1);
	free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(thirty_five_megabytes_make_three_files_and_one),
		T(no_more_than_so_many_are_kept),
		T(a_new_day_rotates),
		T(killed_writers_lose_no_line),
		T(leftovers_are_finished),
		T(full_disk_is_counted_and_survived),
		T(file_moved_away_is_opened_anew),
		T(unusable_file_leaves_stderr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
