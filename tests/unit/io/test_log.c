/* test_log - lines are whole, harmless, limited and counted; rotated files lose nothing, whenever
 * we die. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/json.h"
#include "common/base/rng.h"
#include "common/io/log.h"

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
		 -5LL, (size_t)6, 7u, 2.5, 255u, 42, 'q', (unsigned char)44, 9L, INTMAX_MIN);
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
		"{\"time\":\"2026-11-22T02:20:00.000000000Z\",\"level\":\"warn\","
		"\"service\":\"svc\","
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
	assert_true(took < 15 * NS_PER_S);
	struct log_counters n = log_counters();
	assert_int_equal(n.lines + n.dropped, 2000);
	assert_true(n.dropped > 1900 && n.lines >= 40);
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

/* Supervised services: stderr is left to crashes, but for lines that nothing else took. */
static void file_only_leaves_stderr_to_what_the_file_did_not_take(void **state)
{
	(void)state;
	struct log_options o = {
		.service = "svc", .level = LOG_INFO, .file = path, .file_only = true, .clock = &sim.clock};
	capture_begin();
	assert_int_equal(log_open(&o), 0);
	log_info("kept", NULL);
	assert_int_equal(log_counters().lines, 1);
	assert_int_equal(log_counters().dropped, 0);
	log_close();
	log_info("no file any more", NULL);
	char *text = capture_end();
	assert_null(strstr(text, "msg=kept"));
	assert_non_null(strstr(text, "msg=\"no file any more\""));
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
		T(file_only_leaves_stderr_to_what_the_file_did_not_take),
		T(storm_is_one_line_a_second),
		T(changing_storm_is_limited_too),
		T(short_list_is_no_storm),
		T(storm_that_ended_is_reported_by_the_next_line_of_anybody),
		T(reader_that_sleeps_does_not_hold_us_up),
		T(threads_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
