/* test_capture - both formats, every compression, damaged files, and the real recordings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/err.h"
#include "common/io/capture.h"

static char folder[] = "/tmp/nj_capture_XXXXXX";
static char path_a[64], path_b[64];

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static size_t gzip(const char *text, size_t len, uint8_t *out, size_t cap)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return cap - z.avail_out;
}

static void write_gzip(const char *path, const char *text)
{
	uint8_t out[4096];

	write_file(path, out, gzip(text, strlen(text), out, sizeof(out)));
}

static void write_zstd(const char *path, const char *text)
{
	uint8_t out[4096];
	size_t n = ZSTD_compress(out, sizeof(out), text, strlen(text), 3);

	assert_false(ZSTD_isError(n));
	write_file(path, out, n);
}

static struct capture *opened(const char *paths)
{
	struct capture *c = NULL;
	char reason[200] = "";

	assert_int_equal(capture_open(paths, &c, reason, sizeof(reason)), 0);
	return c;
}

static void expect(struct capture *c, enum capture_kind kind, int64_t stamp, const char *data)
{
	struct capture_line line;

	assert_int_equal(capture_next(c, &line), 0);
	assert_int_equal(line.kind, kind);
	assert_int_equal(line.stamp, stamp);
	assert_int_equal(line.len, strlen(data));
	assert_memory_equal(line.data, data, line.len);
}

static void expect_err(struct capture *c, int err)
{
	struct capture_line line;

	assert_int_equal(capture_next(c, &line), err);
	assert_int_equal(capture_next(c, &line), err); /* sticky */
}

static const char stamped[] = "100 {\"stream\":\"a@trade\",\"data\":{}}\n"
			      "200 {\"lastUpdateId\":1}\n"
			      "150 {\"data\":{},\"stream\":\"b\"}\n"
			      "\n"
			      "no stamp\n"
			      "300\n"
			      "99999999999999999999 {\"stream\":\"a\"}\n"
			      "300 {\"broken\n"
			      "400 {\"stream\":\"cut short";

static void check_stamped(struct capture *c)
{
	struct capture_counters n;

	expect(c, CAPTURE_FRAME, 100, "{\"stream\":\"a@trade\",\"data\":{}}");
	expect(c, CAPTURE_HTTP, 200, "{\"lastUpdateId\":1}");
	expect(c, CAPTURE_FRAME, 150, "{\"data\":{},\"stream\":\"b\"}");
	expect(c, CAPTURE_FRAME, 400,
	       "{\"stream\":\"cut short"); /* what a venue sent broken stays broken */
	expect_err(c, ERR_CLOSED);
	n = capture_counters(c);
	assert_int_equal(n.lines, 9);
	assert_int_equal(n.frames, 3);
	assert_int_equal(n.http, 1);
	assert_int_equal(n.unreadable, 5);
	assert_int_equal(n.stamps_back, 1);
	capture_close(c);
}

static void test_stamped(void **state)
{
	(void)state;
	write_gzip(path_a, stamped);
	check_stamped(opened(path_a));
	write_zstd(path_a, stamped);
	check_stamped(opened(path_a));
	write_file(path_a, stamped, sizeof(stamped) - 1);
	check_stamped(opened(path_a));
}

static void test_own_times(void **state)
{
	static const char events[] = "{\"recv_ms\":5,\"event\":{\"type\":\"a\"}}\n"
				     "{\"recv_ms\":5,\"event\":{\"type\":\"b\"}}\n"
				     "{\"recv_ms\":6}\n"
				     "{\"recv_ms\":7,\"event\":{}}\n";
	static const char bare[] = "[{\"timestamp\":\"9\"},{\"timestamp\":\"9\"}]\n"
				   "\n"
				   "{\"price_changes\":[{\"timestamp\":\"1\"}], \"timestamp\":\"10\"}\n"
				   "{\"no\":\"time\"}\n"
				   "{\"timestamp\":\"1x\"}\n";

	(void)state;
	write_file(path_a, events, sizeof(events) - 1);
	struct capture *c = opened(path_a);
	expect(c, CAPTURE_FRAME, 5000000, "{\"type\":\"a\"}");
	expect(c, CAPTURE_FRAME, 5000001, "{\"type\":\"b\"}");
	expect(c, CAPTURE_FRAME, 7000000, "{}");
	expect_err(c, ERR_CLOSED);
	assert_int_equal(capture_counters(c).skipped, 1);
	capture_close(c);
	write_file(path_a, bare, sizeof(bare) - 1);
	c = opened(path_a);
	expect(c, CAPTURE_FRAME, 9000000, "[{\"timestamp\":\"9\"},{\"timestamp\":\"9\"}]");
	expect(c, CAPTURE_FRAME, 9000001, "");
	expect(c, CAPTURE_FRAME, 10000000, "{\"price_changes\":[{\"timestamp\":\"1\"}], \"timestamp\":\"10\"}");
	expect_err(c, ERR_CLOSED);
	assert_int_equal(capture_counters(c).unreadable, 2);
	capture_close(c);
}

static void test_addresses(void **state)
{
	static const char text[] =
		"{\"t\":\"connect\",\"conn\":\"w.1\",\"ts\":1,\"addr\":\"wss://a/spot\"}\n"
		"{\"t\":\"recv\",\"conn\":\"w.1\",\"ts\":2,\"data\":\"x\"}\n"
		"{\"t\":\"connect\",\"conn\":\"w.2\",\"ts\":1,\"addr\":\"wss://a/linear\"}\n"
		"{\"t\":\"recv\",\"conn\":\"w.2\",\"ts\":3,\"data\":\"y\"}\n"
		"{\"t\":\"recv\",\"conn\":\"w.3\",\"ts\":4,\"data\":\"z\"}\n";
	static const char *const addr[] = {"wss://a/spot", "wss://a/linear", ""};
	struct capture_line line;

	(void)state;
	write_file(path_a, text, sizeof(text) - 1);
	struct capture *c = opened(path_a);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(capture_next(c, &line), 0);
		assert_string_equal(line.addr, addr[i]);
	}
	capture_close(c);
}

static const char entries[] =
	"{\"t\":\"header\",\"format\":2}\n"
	"{\"t\":\"http\",\"conn\":\"h\",\"ts\":7.5,\"url\":\"https://x/depth?symbol=A\","
	"\"data\":\"{\\\"b\\\":1}\"}\n"
	"{\"t\":\"connect\",\"ts\":1}\n"
	"{\"t\":\"recv\",\"conn\":\"w1\",\"ts\":1.0000000019,\"data\":\"one\"}\n"
	"{\"t\":\"recv\",\"conn\":\"w1\",\"ts\":9,\"data\":\"four\\n\\u00e9\"}\n"
	"{\"t\":\"send\",\"ts\":2,\"data\":\"x\"}\n"
	"{\"t\":\"recv\",\"conn\":\"w2\",\"ts\":7.5,\"data\":\"three\"}\n"
	"{\"t\":\"recv\",\"ts\":-1,\"data\":\"x\"}\n"
	"{\"t\":\"recv\",\"ts\":1e3,\"data\":\"x\"}\n"
	"{\"t\":\"recv\",\"ts\":1,\"data\":\"\\ud800\"}\n"
	"{\"t\":\"recv\",\"ts\":1}\n"
	"{\"t\":\"recv\",\"ts\":1,\"da";

static void test_entries(void **state)
{
	struct capture_line line;
	struct capture_counters n;
	struct capture *c;

	(void)state;
	write_zstd(path_a, entries);
	c = opened(path_a);
	expect(c, CAPTURE_FRAME, 1000000001, "one");
	assert_int_equal(capture_next(c, &line), 0);
	assert_int_equal(line.kind, CAPTURE_HTTP);
	assert_int_equal(line.stamp, 7500000000);
	assert_string_equal(line.url, "https://x/depth?symbol=A");
	assert_string_equal(line.conn, "h");
	assert_string_equal(line.data, "{\"b\":1}");
	assert_int_equal(line.line, 2);
	expect(c, CAPTURE_FRAME, 7500000000, "three");
	expect(c, CAPTURE_FRAME, 9000000000, "four\n\xc3\xa9");
	expect_err(c, ERR_CLOSED);
	n = capture_counters(c);
	assert_int_equal(n.skipped, 3);
	assert_int_equal(n.unreadable, 5);
	assert_int_equal(n.stamps_back, 0);
	capture_close(c);
}

static void test_files_in_a_row(void **state)
{
	char both[140];
	struct capture *c;

	(void)state;
	write_zstd(path_a, entries);
	write_gzip(path_b, "100 {\"stream\":\"a\"}\n");
	snprintf(both, sizeof(both), "%s,,%s", path_a, path_b);
	c = opened(both);
	for (int i = 0; i < 4; i++) {
		struct capture_line line;
		assert_int_equal(capture_next(c, &line), 0);
	}
	expect(c, CAPTURE_FRAME, 100, "{\"stream\":\"a\"}");
	assert_int_equal(capture_counters(c).stamps_back, 1);
	expect_err(c, ERR_CLOSED);
	capture_close(c);
	snprintf(both, sizeof(both), "%s,%s", path_b, path_a);
	c = opened(both);
	expect(c, CAPTURE_FRAME, 100, "{\"stream\":\"a\"}");
	expect(c, CAPTURE_FRAME, 1000000001, "one");
	capture_close(c);
}

static void test_members_in_a_row(void **state)
{
	static const char first[] = "1 {\"stream\":\"a\"}\n2 {\"str", second[] = "eam\":\"b\"}\n";
	uint8_t out[1024];
	size_t n;
	struct capture *c;

	(void)state;
	n = gzip(first, strlen(first), out, sizeof(out));
	n += gzip(second, strlen(second), out + n, sizeof(out) - n);
	write_file(path_a, out, n);
	c = opened(path_a);
	expect(c, CAPTURE_FRAME, 1, "{\"stream\":\"a\"}");
	expect(c, CAPTURE_FRAME, 2, "{\"stream\":\"b\"}");
	expect_err(c, ERR_CLOSED);
	capture_close(c);
}

/* Lines that compress badly, so that a cut in the file falls behind some whole ones. */
static size_t many_lines(char *out, size_t cap)
{
	size_t n = 0;

	for (unsigned i = 1; i < 20000; i++)
		n += (size_t)snprintf(out + n, cap - n, "%u {\"stream\":\"%x\"}\n", i,
				      i * 2654435761u);
	return n;
}

static void test_damage(void **state)
{
	static char text[1000000];
	static uint8_t out[1000000];
	size_t len = many_lines(text, sizeof(text)), n = gzip(text, len, out, sizeof(out));
	struct capture_line line;
	struct capture *c;
	int rc;

	(void)state;
	for (int zstd = 0; zstd < 2; zstd++) {
		if (zstd)
			n = ZSTD_compress(out, sizeof(out), text, len, 1);
		write_file(path_a, out, n - 7);
		c = opened(path_a);
		while ((rc = capture_next(c, &line)) == 0)
			;
		assert_int_equal(rc, ERR_TRUNCATED);
		expect_err(c, ERR_TRUNCATED);
		assert_true(capture_counters(c).frames >
			    (zstd ? 10000 : 19900)); /* zstd: by block */
		capture_close(c);
	}
	n = gzip(text, len, out, sizeof(out));
	memset(out + n / 2, 0xff, 300);
	write_file(path_a, out, n);
	c = opened(path_a);
	while ((rc = capture_next(c, &line)) == 0)
		;
	assert_int_equal(rc, ERR_CORRUPT);
	capture_close(c);
}

/* A line of 33 MiB between two that are whole: passed over, counted, and no more. */
static void test_too_long(void **state)
{
	const size_t size = (size_t)33 << 20;
	char *text = malloc(size + 100);
	struct capture *c;
	size_t n;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, 50, "1 {\"stream\":\"a\"}\n2 ");
	memset(text + n, 'x', size);
	n += size;
	n += (size_t)snprintf(text + n, 50, "\n3 {\"stream\":\"b\"}\n");
	write_file(path_a, text, n);
	free(text);
	c = opened(path_a);
	expect(c, CAPTURE_FRAME, 1, "{\"stream\":\"a\"}");
	expect(c, CAPTURE_FRAME, 3, "{\"stream\":\"b\"}");
	expect_err(c, ERR_CLOSED);
	assert_int_equal(capture_counters(c).unreadable, 1);
	capture_close(c);
}

static void test_refused(void **state)
{
	struct capture *c = NULL;
	char reason[200] = "";

	(void)state;
	assert_int_equal(capture_open("/nonexistent/x.gz", &c, reason, sizeof(reason)),
			 ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "/nonexistent/x.gz"));
	assert_int_equal(capture_open(",,", &c, reason, sizeof(reason)), ERR_NOT_FOUND);
	write_file(path_a, "hello\n", 6);
	assert_int_equal(capture_open(path_a, &c, reason, sizeof(reason)), ERR_SYNTAX);
	assert_non_null(strstr(reason, "not a recording"));
	write_file(path_a, "", 0);
	assert_int_equal(capture_open(path_a, &c, reason, sizeof(reason)), ERR_SYNTAX);
	write_file(path_a, "\x1f\x8b garbage", 10);
	assert_int_equal(capture_open(path_a, &c, reason, sizeof(reason)), ERR_SYNTAX);
	assert_null(c);
	capture_close(NULL);
}

static const char *recordings(void)
{
	static char path[512];
	const char *root = getenv("NIGHTJAR_CAPTURES"), *source = getenv("NJ_SOURCE");

	if (root != NULL)
		snprintf(path, sizeof(path), "%s", root);
	else
		snprintf(path, sizeof(path), "%s/../shared/captures",
			 source != NULL ? source : ".");
	return access(path, R_OK) == 0 ? path : NULL;
}

static struct capture_counters count_file(const char *name)
{
	char path[600];
	struct capture_counters n;
	struct capture_line line;
	struct capture *c;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", recordings(), name);
	c = opened(path);
	while ((rc = capture_next(c, &line)) == 0)
		assert_true(line.len > 0 && line.stamp > 0);
	assert_int_equal(rc, ERR_CLOSED);
	n = capture_counters(c);
	capture_close(c);
	assert_int_equal(n.unreadable, 0);
	return n;
}

/* Counts from the recordings' own README. */
static void test_recordings(void **state)
{
	static const struct {
		const char *name;
		uint64_t frames, http;
	} rows[] = {
		{"binance/spot/btcusdt_20240808.gz", 3451 + 28040 + 9757, 1},
		{"binance/spot/btcusdt_20240809.gz", 3044 + 45134 + 10147, 0},
		{"binance/usdm/btcusdt_20240808.gz", 6551 + 66089 + 21313, 1},
		{"binance/rest/BINANCE.jsonl.zst", 177 + 84 + 2 + 2, 5},
	};

	(void)state;
	if (recordings() == NULL) {
		print_message("skipped: no recordings (NIGHTJAR_CAPTURES)\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct capture_counters n = count_file(rows[i].name);
		assert_int_equal(n.frames, rows[i].frames);
		assert_int_equal(n.http, rows[i].http);
		assert_int_equal(n.stamps_back, 0);
	}
	assert_int_equal(count_file("bybit/BYBIT.jsonl.zst").stamps_back, 0);
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path_a, sizeof(path_a), "%s/a", folder);
	snprintf(path_b, sizeof(path_b), "%s/b", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path_a);
	unlink(path_b);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_times), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_stamped),        cmocka_unit_test(test_entries),
		cmocka_unit_test(test_files_in_a_row), cmocka_unit_test(test_members_in_a_row),
		cmocka_unit_test(test_damage),         cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_recordings),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
