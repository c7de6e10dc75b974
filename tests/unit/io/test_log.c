/* test_log - lines are whole, harmless, limited and counted; rotated files lose nothing, whenever
 * we die. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/json.h"
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

/* ---- format ---- */

#define HEAD "time=2026-11-22T02:20:00.000000000Z level=info service=svc "

static void logfmt_lines(void **state)
{
	(void)state;
	const char *volatile nothing = NULL;
	capture_begin();
	open_log(false, NULL);
	log_info("connected", "url=%s ms=%d", "wss://x.y:1/z?a", 12);
	log_info("two words", NULL);
	log_info("numbers", "a=%lld b=%zu c=%u d=%.2f e=%x f=%05d g=%c h=%% i=%hhu j=%-4ld k=%jd",
		 -5LL, (size_t)6, 7u, 2.5, 255u, 42, 'q', 300 & 0xff, 9L, INTMAX_MIN);
	log_info("texts", "a=%s b=%.*s c=%.3s d=[%s:%d] e=%s", nothing, 2, "abcdef", "abcdef", "h",
		 80, "");
	log_info("spaces", "a=%s b=%s=%d", "one two  three", "x", 1);
	char *text = capture_end();
	assert_string_equal(text,
		HEAD "msg=connected url=wss://x.y:1/z?a ms=12\n"
		HEAD "msg=\"two words\"\n"
		HEAD "msg=numbers a=-5 b=6 c=7 d=2.50 e=ff f=00042 g=q h=% i=44 j=\"9   \" "
		     "k=-9223372036854775808\n"
		HEAD "msg=texts a=(null) b=ab c=abc d=[h:80] e=\"\"\n"
		HEAD "msg=spaces a=\"one two  three\" b=\"x=1\"\n");
	free(text);
}

static void nothing_from_outside_controls_a_terminal(void **state)
{
	(void)state;
	capture_begin();
	open_log(false, NULL);
	log_info("x", "a=%s", "1\nlevel=error msg=forged");
	log_info("x", "a=%s", "\x1b[2J\x07\x7f\xc2\x9b" "1m");      /* ESC, BEL, DEL, C1 CSI */
	log_info("x", "a=%s",
		 "\xe2\x80\xae"
		 "evil"
		 "\xef\xbb\xbf"); /* right-to-left override, BOM */
	log_info("x", "a=%s", "\xff\xc0\xaf\xe2\x82");               /* not UTF-8 */
	log_info("x", "a=%s", "q\"b\\t\tr\r\xe2\x82\xac\xf0\x9f\x98\x80");
	char *text = capture_end();
	assert_string_equal(text,
		HEAD "msg=x a=\"1\\nlevel=error msg=forged\"\n"
		HEAD "msg=x a=\"\\u001b[2J\\u0007\\u007f\\u009b1m\"\n"
		HEAD "msg=x a=\"\\u202eevil\\ufeff\"\n"
		HEAD "msg=x a=\"\\xff\\xc0\\xaf\\xe2\\x82\"\n"
		HEAD "msg=x a=\"q\\\"b\\\\t\\tr\\r\xe2\x82\xac\xf0\x9f\x98\x80\"\n");
	free(text);
}

static void json_lines(void **state)
{
	(void)state;
	capture_begin();
	open_log(true, NULL);
	log_warn("it \"is\"", "n=%d f=%.3f hex=%x pad=%05d s=%s nan=%f mixed=%dms", -3, 0.25, 16u,
		 7, "5", __builtin_nan(""), 8);
	char *text = capture_end();
	assert_string_equal(
		text,
		"{\"time\":\"2026-11-22T02:20:00.000000000Z\",\"level\":\"warn\",\"service\":\"svc\","
		"\"msg\":\"it "
		"\\\"is\\\"\",\"n\":-3,\"f\":0.250,\"hex\":\"10\",\"pad\":\"00007\",\"s\":\"5\","
		"\"nan\":\"nan\",\"mixed\":\"8ms\"}\n");
	free(text);
}

static void random_bytes_make_valid_json_lines(void **state)
{
	(void)state;
	struct rng rng;
	rng_seed(&rng, 11);
	capture_begin();
	open_log(true, NULL);
	for (int i = 0; i < 3000; i++) {
		char bytes[6000];
		size_t len = rng_below(&rng, i % 10 ? 60 : sizeof bytes - 1);
		for (size_t k = 0; k < len; k++)
			bytes[k] = (char)(1 + rng_below(&rng, 255));
		bytes[len] = '\0';
		log_info("random", "i=%d a=%s b=%s", i, bytes, bytes);
		clock_sim_advance(&sim, NS_PER_S);
	}
	char *text = capture_end();
	assert_int_equal(lines_in(text), 3000);
	size_t cut = 0;
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_true(end - line < 4096);
		struct json j;
		json_init(&j, line, (size_t)(end - line));
		json_skip(&j);
		assert_int_equal(json_finish(&j), 0);
		*end = '\0';
		cut += strstr(line, ",\"truncated\":true}") != NULL;
	}
	assert_in_range(cut, 50, 300);
	free(text);
}

static void long_values_are_cut(void **state)
{
	(void)state;
	static char big[20000];
	memset(big, 'a', sizeof big - 1);
	capture_begin();
	open_log(false, NULL);
	log_info("big", "a=%s b=%s c=%d", big, big, 1);
	char *text = capture_end();
	assert_int_equal(lines_in(text), 1);
	assert_true(strlen(text) <= 4096);
	assert_non_null(strstr(text, " truncated=true\n"));
	free(text);
}

/* ---- levels, limit, counters ---- */

static void levels(void **state)
{
	(void)state;
	enum log_level level = LOG_INFO;
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_level_parse("loud", &level), ERR_ARG);
	assert_int_equal(level, LOG_DEBUG);
	capture_begin();
	open_log(false, NULL);
	log_debug("unseen", NULL);
	log_set_level(LOG_DEBUG);
	log_debug("seen", NULL);
	log_set_level(LOG_ERROR);
	log_warn("unseen", NULL);
	log_error("seen", NULL);
	char *text = capture_end();
	assert_int_equal(lines_in(text), 2);
	struct log_counters n = log_counters();
	assert_int_equal(n.lines, 2);
	assert_int_equal(n.errors, 1);
	assert_int_equal(n.warnings, 0);
	free(text);
}

static void repeat(int i)
{
	log_error("storm", "code=%d", i);
}

static void storm_is_one_line_a_second(void **state)
{
	(void)state;
	capture_begin();
	open_log(false, NULL);
	for (int i = 0; i < 1000000; i++) { /* in ten seconds */
		repeat(7);
		clock_sim_advance(&sim, 10 * NS_PER_US);
	}
	log_close();
	char *text = capture_end();
	assert_in_range(lines_in(text), 10, 12);
	uint64_t suppressed = 0;
	for (const char *at = text; (at = strstr(at, "suppressed=")); at++)
		suppressed += strtoull(at + strlen("suppressed="), NULL, 10);
	struct log_counters n = log_counters();
	assert_int_equal(n.suppressed, suppressed);
	assert_int_equal(n.errors, 1000000); /* counted all the same */
	free(text);
}

static void changing_storm_is_limited_too(void **state)
{
	(void)state;
	capture_begin();
	open_log(false, NULL);
	for (int i = 0; i < 100000; i++) {
		repeat(i);
		clock_sim_advance(&sim, 100 * NS_PER_US);
	}
	char *text = capture_end();
	assert_in_range(lines_in(text), 17, 30);
	free(text);
}

static void short_list_is_no_storm(void **state)
{
	(void)state;
	capture_begin();
	open_log(false, NULL);
	for (int i = 0; i < 16; i++)
		repeat(i);
	char *text = capture_end();
	assert_int_equal(lines_in(text), 16);
	free(text);
}

static void storm_that_ended_is_reported_by_the_next_line_of_anybody(void **state)
{
	(void)state;
	capture_begin();
	open_log(false, NULL);
	for (int i = 0; i < 5; i++)
		repeat(7);
	clock_sim_advance(&sim, 2 * NS_PER_S);
	log_info("other", NULL);
	char *text = capture_end();
	assert_int_equal(lines_in(text), 3);
	assert_non_null(strstr(text, "level=error service=svc msg=storm suppressed=4\n"));
	free(text);
}

static void reader_that_sleeps_does_not_hold_us_up(void **state)
{
	(void)state;
	int pipe_fd[2];
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	int saved = dup(STDERR_FILENO);
	open_log(false, NULL);
	assert_true(dup2(pipe_fd[1], STDERR_FILENO) >= 0);
	static char big[1000];
	memset(big, 'x', sizeof big - 1);
	int64_t began = clock_mono(clock_real());
	for (int i = 0; i < 2000; i++) {
		log_info("into a full pipe", "i=%d x=%s", i, big);
		clock_sim_advance(&sim, NS_PER_S);
	}
	int64_t took = clock_mono(clock_real()) - began;
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	assert_true(took < 2 * NS_PER_S);
	struct log_counters n = log_counters();
	assert_int_equal(n.lines + n.dropped, 2000);
	assert_true(n.dropped > 1900 && n.lines >= 40);
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
	for (char *at = text; (at = strstr(at, " i=")); at++)
		assert_int_equal(strtol(at + 3, NULL, 10), i++);
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

/* ---- threads ---- */

static void *chatter(void *arg)
{
	for (int i = 0; i < 5000; i++)
		log_info("chatter", "thread=%d i=%d", *(int *)arg, i);
	return NULL;
}

static void threads_share_it(void **state)
{
	(void)state;
	capture_begin();
	struct log_options o = {
		.service = "svc", .level = LOG_INFO, .file = path, .rotate_bytes = 1000};
	assert_int_equal(log_open(&o), 0);
	pthread_t thread[4];
	int number[4] = {0, 1, 2, 3};
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, chatter, &number[i]), 0);
	for (int i = 0; i < 20; i++) {
		log_reopen();
		log_set_level(i & 1 ? LOG_INFO : LOG_DEBUG);
		(void)log_counters();
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	struct log_counters n = log_counters();
	log_close();
	char *text = capture_end();
	assert_int_equal(n.lines + n.suppressed, 20000);
	for (char *line = text; *line; line = strchr(line, '\n') + 1)
		assert_int_equal(strncmp(line, "time=", 5), 0);
	free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(logfmt_lines),
		T(nothing_from_outside_controls_a_terminal),
		T(json_lines),
		T(random_bytes_make_valid_json_lines),
		T(long_values_are_cut),
		T(levels),
		T(storm_is_one_line_a_second),
		T(changing_storm_is_limited_too),
		T(short_list_is_no_storm),
		T(storm_that_ended_is_reported_by_the_next_line_of_anybody),
		T(reader_that_sleeps_does_not_hold_us_up),
		T(thirty_five_megabytes_make_three_files_and_one),
		T(no_more_than_so_many_are_kept),
		T(a_new_day_rotates),
		T(killed_writers_lose_no_line),
		T(leftovers_are_finished),
		T(full_disk_is_counted_and_survived),
		T(file_moved_away_is_opened_anew),
		T(unusable_file_leaves_stderr),
		T(threads_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
