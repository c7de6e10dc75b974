/* test_metrics - the three ways a table of metrics is written, and promtool's opinion where it is
 * installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/io/metrics.h"

struct mine {
	uint64_t frames, most;
	int64_t queue;
	struct hist *handle, *never;
};

static const struct metric_row rows[] = {
	{"frames_total", METRIC_COUNTER, "Frames received.", offsetof(struct mine, frames)},
	{"most_total", METRIC_COUNTER, "A \\ backslash\nand a | bar.", offsetof(struct mine, most)},
	{"queue_bytes", METRIC_GAUGE, "Bytes that wait.", offsetof(struct mine, queue)},
	{"handle_seconds", METRIC_HIST, "Time to handle a frame.", offsetof(struct mine, handle)},
	{"never_seconds", METRIC_HIST, "Not measured yet.", offsetof(struct mine, never)},
	{NULL, METRIC_COUNTER, NULL, 0},
};

static struct hist handle;
static struct mine mine = {.frames = 42, .most = UINT64_MAX, .queue = -7, .handle = &handle};
static const struct metrics_group group = {rows, &mine};

static int setup(void **state)
{
	(void)state;
	hist_init(&handle);
	for (uint64_t ns = 1; ns <= 1000; ns++)
		hist_record(&handle, ns * 1000);
	hist_record(&handle, 3000000000u);
	return 0;
}

static void pairs(void **state)
{
	(void)state;
	struct pair p[32];
	assert_int_equal(metrics_pairs(&group, 1, p, 32), 11);
	assert_string_equal(p[0].name, "frames_total");
	assert_int_equal(p[0].value, 42);
	assert_int_equal(p[1].value, INT64_MAX);
	assert_int_equal(p[2].value, -7);
	assert_string_equal(p[3].name, "handle_count");
	assert_int_equal(p[3].value, 1001);
	assert_string_equal(p[4].name, "handle_p50_ns");
	assert_in_range(p[4].value, 492000, 510000);
	assert_string_equal(p[6].name, "handle_max_ns");
	assert_int_equal(p[6].value, 3000000000);
	assert_int_equal(p[7].value, 0);
}

static void pairs_stop_at_the_limit(void **state)
{
	(void)state;
	struct pair p[4];
	memset(p, 0x7f, sizeof p);
	assert_int_equal(metrics_pairs(&group, 1, p, 3), 3);
	assert_int_equal(p[3].value, 0x7f7f7f7f7f7f7f7f);
}

static char *text_of(struct buf *b)
{
	assert_int_equal(buf_byte(b, 0), 0);
	return (char *)b->at;
}

static void prometheus_text(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 16);
	assert_int_equal(metrics_prometheus(&group, 1, "coll\"ector\n", &b), 0);
	const char *text = text_of(&b);
	assert_non_null(strstr(text, "# HELP nightjar_frames_total Frames received.\n"
				     "# TYPE nightjar_frames_total counter\n"
				     "nightjar_frames_total{service=\"coll\\\"ector\\n\"} 42\n"));
	assert_non_null(strstr(text, "A \\\\ backslash\\nand a | bar.\n"));
	assert_non_null(strstr(text, "} 18446744073709551615\n"));
	assert_non_null(strstr(text, "\nnightjar_queue_bytes{service=\"coll\\\"ector\\n\"} -7\n"));
	/* 1,000 ns lies below 1,023; 65 values (1,000 to 65,000) below 65,535; the 3 s above 2^31
	 * ns */
	assert_non_null(strstr(text, "le=\"0.000001023\"} 1\n"));
	assert_non_null(strstr(text, "le=\"0.000065535\"} 65\n"));
	assert_non_null(strstr(text, "le=\"2.147483647\"} 1000\n"));
	assert_non_null(strstr(text, "le=\"4.294967295\"} 1001\n"));
	assert_non_null(strstr(text, "le=\"+Inf\"} 1001\n"));
	assert_non_null(
		strstr(text, "handle_seconds_sum{service=\"coll\\\"ector\\n\"} 3.500500000\n"));
	assert_non_null(strstr(text, "never_seconds_count{service=\"coll\\\"ector\\n\"} 0\n"));
	buf_fini(&b);
}

static void full_buffer_is_reported(void **state)
{
	(void)state;
	for (size_t max = 0; max < 4000; max += 37) {
		struct buf b;
		buf_init(&b, max);
		assert_int_equal(metrics_prometheus(&group, 1, "x", &b), ERR_FULL);
		buf_fini(&b);
	}
}

static void docs(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 4096);
	assert_int_equal(metrics_docs(rows, "collector", &b), 0);
	const char *text = text_of(&b);
	assert_non_null(strstr(text, "## collector\n"));
	assert_non_null(strstr(
		text, "| `nightjar_handle_seconds` | histogram | Time to handle a frame. |\n"));
	assert_non_null(strstr(text, "and a \\| bar. |\n"));
	buf_fini(&b);
}

/* Whether `NAME --version` works. */
static bool is_installed(const char *name)
{
	char command[80];
	snprintf(command, sizeof command, "%s --version 2>&1", name);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while (fgetc(f) != EOF)
		;
	return pclose(f) == 0;
}

static void promtool_agrees(void **state)
{
	(void)state;
	if (!is_installed("promtool")) {
		print_message("promtool is not installed: skipped\n");
		skip();
	}
	struct buf b;
	buf_init(&b, 1 << 16);
	assert_int_equal(metrics_prometheus(&group, 1, "collector", &b), 0);
	FILE *f = popen("promtool check metrics", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.at, 1, b.len, f), b.len);
	assert_int_equal(pclose(f), 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(pairs_stop_at_the_limit),
		cmocka_unit_test(prometheus_text),
		cmocka_unit_test(full_buffer_is_reported),
		cmocka_unit_test(docs),
		cmocka_unit_test(promtool_agrees),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
