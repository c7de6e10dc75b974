/* test_archive - files of others into the history: forms, times, doubles, what is wrong; the history itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "tools/nj/archive.h"

#define S 1000000000LL
#define MINUTE (60 * S)
#define T0 (1704067200LL * S) /* 2024-01-01 */

static char folder[64], file[96];
static struct history *history;
static struct archive_result result;
static char reason[200];

static int set_up(void **state)
{
	char path[96];
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/nj-archive-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/h.db", folder);
	snprintf(file, sizeof file, "%s/file", folder);
	return history_open(path, &history, reason, sizeof reason);
}

static int tear_down(void **state)
{
	static const char *const names[] = {"h.db", "h.db-wal", "h.db-shm", "file"};
	char path[96];
	(void)state;
	history_close(history);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void write_file(const void *bytes, size_t len)
{
	FILE *f = fopen(file, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static int import(const char *text, const char *raw, const char *interval)
{
	struct archive_options o = {.path = file, .interval = interval};

	if (text != NULL)
		write_file(text, strlen(text));
	assert_int_equal(symbol_make(raw, strlen(raw), "BINANCE", &o.instrument), 0);
	return archive_import(&o, history, &result, reason, sizeof reason);
}

struct seen {
	int64_t at[16], to[16];
	uint32_t n;
};

static int keep(void *ctx, int64_t from, int64_t to)
{
	struct seen *seen = ctx;
	seen->at[seen->n] = from;
	seen->to[seen->n++] = to;
	return 0;
}

static struct seen walk(const char *instrument, const char *interval)
{
	const struct history_series s = {origin_replay, instrument, interval};
	struct seen seen = {.n = 0};
	assert_int_equal(history_walk(history, &s, (int64_t[]){0, INT64_MAX}, keep, &seen), 0);
	return seen;
}

static void test_forms(void **state)
{
	(void)state;
	/* the venue's own columns, ms and us; a heading in another order, a date in words; doubles */
	assert_int_equal(import("1704067200000,1.50,2,1,1.75,3.5,1704067259999,6,7,0,0,0\n"
				"1704067260000000,1.50,2,1,1.75,3.5,1704067319999999,6,7,0,0,0\r\n",
				"AUSDT", "1m"),
			 0);
	assert_int_equal(result.rows, 2);
	assert_int_equal(result.to, T0 + MINUTE);
	assert_int_equal(
		import("Close,High,Low,Open,Volume,Date\n1.75,2,1,1.5,3.5,2024-01-01 00:02:00\n\n", "AUSDT", "1m"), 0);
	assert_int_equal(result.from, T0 + 2 * MINUTE);
	assert_int_equal(import("[[1704067380000,1.5,2e0,1,1.75,878.9981500000001],\n[1704067440000,1,1,1,1,1e-05]]",
				"AUSDT", "1m"),
			 0);
	struct seen seen = walk("AUSDT.BINANCE", "1m");
	assert_int_equal(seen.n, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(seen.at[i], T0 + i * MINUTE);
	assert_int_equal(import(NULL, "AUSDT", "1m"), 0); /* once more: nothing is new */
	assert_int_equal(result.fresh, 0);
	assert_int_equal(
		import("7,1.5,2,3,1704067200000,True,True\n8,1.5,2,3,1704067200001,False,True\n", "AUSDT", NULL), 0);
	assert_int_equal(import("[[1704067200002,\"9\",null,\"sell\",1.5,2.0,3.0]]", "AUSDT", NULL), 0);
	/* USD-M's aggregates; those of the spot market have other ids than its trades, and no heading */
	assert_int_equal(
		import("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
		       "26129,0.5,4.7,27781,27784,1704067200003,true\n",
		       "HUSDT", NULL),
		0);
	assert_int_equal(result.to, T0 + 3 * (S / 1000));
	assert_int_equal(import("26129,0.5,4.7,27781,27784,1704067200003,True,True\n", "HUSDT", NULL), ERR_PROTOCOL);
	uint64_t n;
	const struct history_series trades = {.origin = origin_replay, .instrument = "AUSDT.BINANCE"};
	assert_int_equal(history_count_trades(history, &trades, (uint64_t[]){7, 9}, &n), 0);
	assert_int_equal(n, 3);
}

static void test_wrong(void **state)
{
	(void)state;
	static const char good[] = "1704067200000,1.5,2,1,1.75,3.5,1704067259999,6,7,0,0,0\n";
	static const char *const bad[] = {
		"1704067260000,1.5,2,1,5,3.5\n",      /* closes above its highest */
		"1704067260001,1.5,2,1,1.75,3.5\n",   /* begins within a minute */
		"1704067260000,-1.5,2,-3,1.75,3.5\n", /* below nothing */
		"1704067260000,1.5,2,1\n",            /* too short */
		"1704067260000,1.5,2,1,x,3.5\n",
		"1704067260000,99999999999999999999,99999999999999999999,1,2,3.5\n",
	};
	char text[400];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "%s%s", good, bad[i]);
		assert_true(import(text, "BUSDT", "1m") < 0);
		assert_string_equal(reason, "line 2");
	}
	assert_true(import("[[1704067200000,1,1,1,1,1],[1704067260000,1,1,1,1]", "BUSDT", "1m") < 0);
	assert_true(import("what,is,this\n1,2,3\n", "BUSDT", "1m") < 0);
	assert_true(import("7,1.5,2,3,1704067200000,maybe,True\n", "BUSDT", NULL) < 0);
	assert_int_equal(import("9223372036854775808,1.5,2,3,1704067200000,True,True\n", "BUSDT", NULL), ERR_RANGE);
	assert_int_equal(walk("BUSDT.BINANCE", "1m").n, 0); /* of a bad file nothing is taken */
}

/* The first file of an archive, and every cut of it. */
static void test_zip(void **state)
{
	(void)state;
	static const char row[] = "1704067200000,1.5,2,1,1.75,3.5,1704067259999,6,7,0,0,0\n";
	uint8_t zip[400] = {'P', 'K', 3, 4, 20, 0, 0, 0, 8, 0};
	z_stream z = {.next_in = (void *)(uintptr_t)row, .avail_in = sizeof row - 1};

	zip[26] = 5;
	zip[28] = 2;
	z.next_out = zip + 30 + 7;
	z.avail_out = 200;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t len = 37 + z.total_out;
	deflateEnd(&z);
	memcpy(zip + len, "PK\x01\x02 the directory", 17);
	for (size_t cut = 4; cut < len; cut++) {
		write_file(zip, cut);
		assert_true(import(NULL, "CUSDT", "1m") < 0);
	}
	write_file(zip, len + 17);
	assert_int_equal(import(NULL, "CUSDT", "1m"), 0);
	assert_int_equal(result.rows, 1);
}

static void test_history(void **state)
{
	(void)state;
	const struct history_series s = {origin_replay, "DUSDT.BINANCE", "1m"};
	int64_t next;

	assert_int_equal(import("1704067200000,1,1,1,1,1\n1704067500000,1,1,1,1,1\n", "DUSDT", "1m"), 0);
	assert_int_equal(history_progress(history, "job", 5, &next), ERR_NOT_FOUND);
	assert_int_equal(history_begin(history), 0);
	assert_int_equal(history_put_outage(history, &s, T0 + MINUTE, T0 + 2 * MINUTE), 0);
	assert_int_equal(history_put_outage(history, &s, T0 + MINUTE, T0 + 5 * MINUTE), 0);
	assert_int_equal(history_set_progress(history, "job", 5, 7), 0);
	assert_int_equal(history_commit(history), 0);
	assert_int_equal(history_begin(history), 0);
	assert_int_equal(history_set_progress(history, "job", 5, 8), 0);
	history_rollback(history);
	assert_int_equal(history_set_progress(history, "jo", 1, 9), 0); /* another job */
	assert_int_equal(history_set_progress(history, "job", 4, 6), 0);
	assert_int_equal(history_progress(history, "job", 4, &next), 0);
	assert_int_equal(next, 6);
	for (int64_t from = 5; from < 13; from++) { /* what begins later is in it, too: the furthest one counts */
		assert_int_equal(history_progress(history, "job", from, &next), 0);
		assert_int_equal(next, 7);
	}
	assert_int_equal(history_progress(history, "job", 3, &next), ERR_NOT_FOUND);
	struct seen seen = walk("DUSDT.BINANCE", "1m");
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.at[1], T0 + MINUTE);
	assert_int_equal(seen.to[1], T0 + 5 * MINUTE);
}

struct holes {
	int64_t interval, next;
	uint32_t bars, gaps, missing;
};

static int count_holes(void *ctx, int64_t from, int64_t to)
{
	struct holes *h = ctx;

	assert_int_equal(to, 0);
	assert_true(from >= h->next && from % h->interval == 0);
	if (h->bars++ > 0) {
		h->gaps += from > h->next;
		h->missing += (uint32_t)((from - h->next) / h->interval);
	}
	h->next = from + h->interval;
	return 0;
}

/* Five years of a venue's candles: each bar that is there, and the hours and minutes in which the venue was away. */
static void test_recorded(void **state)
{
	(void)state;
	static const struct {
		const char *name, *raw, *interval;
		struct holes holes;
	} files[] = {
		{"BTC_USDT-1h.json.gz", "EUSDT", "1h", {60 * MINUTE, 0, 45024, 27, 127}},
		{"BTC_USDT-4h.json.gz", "FUSDT", "4h", {240 * MINUTE, 0, 11271, 8, 16}},
		{"BTC_USDT-3m.json.gz", "GUSDT", "3m", {3 * MINUTE, 0, 44007, 1, 40}},
	};
	const char *root = getenv("NIGHTJAR_CAPTURES"), *source = getenv("NJ_SOURCE");

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[1024];
		struct archive_options o = {.path = path, .interval = files[i].interval};
		const struct holes *want = &files[i].holes;
		struct holes seen = {.interval = want->interval};
		snprintf(path, sizeof path, "%s%s/ohlcv/%s",
			 root     ? root
			 : source ? source
				  : ".",
			 root ? "" : "/../shared/captures", files[i].name);
		if (access(path, R_OK) != 0) {
			printf("skipped: no recording at %s\n", path);
			skip();
		}
		assert_int_equal(symbol_make(files[i].raw, 5, "BINANCE", &o.instrument), 0);
		assert_int_equal(archive_import(&o, history, &result, reason, sizeof reason), 0);
		assert_int_equal(result.fresh, want->bars);
		const struct history_series s = {origin_replay, o.instrument.s, files[i].interval};
		assert_int_equal(history_walk(history, &s, (int64_t[]){0, INT64_MAX}, count_holes, &seen), 0);
		assert_int_equal(seen.bars, want->bars);
		assert_int_equal(seen.gaps, want->gaps);
		assert_int_equal(seen.missing, want->missing);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_wrong),
					   cmocka_unit_test(test_zip), cmocka_unit_test(test_history),
					   cmocka_unit_test(test_recorded)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
