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
#include "tools/nj/backfill.h"

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

static int import_of(const char *text, const char *venue, const char *raw, const char *interval)
{
	char theirs[32];
	snprintf(theirs, sizeof theirs, "%.*s", (int)strcspn(raw, "-"), raw);
	struct archive_options o = {.path = file, .raw = theirs, .interval = interval};

	if (text != NULL)
		write_file(text, strlen(text));
	assert_int_equal(symbol_make(raw, strlen(raw), venue, &o.instrument), 0);
	return archive_import(&o, history, &result, reason, sizeof reason);
}

static int import(const char *text, const char *raw, const char *interval)
{
	return import_of(text, "BINANCE", raw, interval);
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

static uint64_t trades_between(const char *instrument, uint64_t first, uint64_t last)
{
	const struct history_series s = {.origin = origin_replay, .instrument = instrument};
	uint64_t n;

	assert_int_equal(history_count_trades(history, &s, (uint64_t[]){first, last}, &n), 0);
	return n;
}

/* Spot: eight columns, no heading, ms then us; the id is the last trade's. USD-M: a heading, the aggregate's own id. */
static void test_aggregates(void **state)
{
	(void)state;
	assert_int_equal(import("100,42283.58,0.5,2001,2003,1704067200000,True,True\n"
				"101,42283.59,0.1,2004,2004,1735689600000123,False,True\n",
				"IUSDT", NULL),
			 0);
	assert_int_equal(result.fresh, 2);
	assert_int_equal(result.from, T0);
	assert_int_equal(result.to, 1735689600000123LL * 1000);
	assert_int_equal(trades_between("IUSDT.BINANCE", 2003, 2003), 1);
	assert_int_equal(trades_between("IUSDT.BINANCE", 2004, 2004), 1);
	assert_int_equal(
		import("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
		       "100,42283.6,0.5,2001,2003,1704067200000,true\n",
		       "IUSDT-PERP", NULL),
		0);
	assert_int_equal(trades_between("IUSDT-PERP.BINANCE", 100, 100), 1);
	assert_int_equal(import("102,42283.6,0.5,2005,2005,1704067200000,false\n", "IUSDT-PERP", NULL), 0);
	assert_int_equal(trades_between("IUSDT-PERP.BINANCE", 100, 102), 2);
	assert_int_equal(import("7,1.5,2,3,1704067200000,True\n", "IUSDT-PERP", NULL),
			 0); /* trades of USD-M have six */
	assert_int_equal(trades_between("IUSDT-PERP.BINANCE", 7, 7), 1);
}

#define TRADING "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
#define TRADING_ROW                                                                                                    \
	",BTCUSDT,Buy,0.004,70332.40,PlusTick,0549abed-c863-5538-8330-e0ff20c9c490,2.8132959999999996e+10,0.004,281."  \
	"3\n"

static void test_bybit_trading(void **state)
{
	(void)state;
	const uint64_t id = (0x0549abedc8635538 ^ 0x8330e0ff20c9c490) & INT64_MAX;

	assert_int_equal(import_of(TRADING "\n1730419200.4438" TRADING_ROW, "BYBIT", "BTCUSDT-PERP", NULL), 0);
	assert_int_equal(result.rows, 1);
	assert_int_equal(result.from, 1730419200443800000LL);
	assert_int_equal(trades_between("BTCUSDT-PERP.BYBIT", id, id), 1);
	/* of today: a flag more; whole seconds; the same trade is not new */
	assert_int_equal(import_of(TRADING ",RPI\n1651449601,BTCUSDT,Sell,258,38458.00,MinusTick,"
					   "a0dd4504-db3c-535f-b43b-4de38f581b79,670861.7,258,0.0067,0\n"
					   "1730419200.4438" TRADING_ROW,
				   "BYBIT", "BTCUSDT-PERP", NULL),
			 0);
	assert_int_equal(result.fresh, 1);
	assert_int_equal(result.from, 1651449601 * S);
	assert_true(import_of(TRADING "\n1,BTCUSDT,Buy,1,1,PlusTick,0549abed-c863,1,1,1\n", "BYBIT", "BTCUSDT-PERP",
			      NULL) < 0);
	assert_true(import_of(TRADING "\n1,BTCUSDT,Buy,1,1,PlusTick,x549abed-c863-5538-8330-e0ff20c9c490,1,1,1\n",
			      "BYBIT", "BTCUSDT-PERP", NULL) < 0);
	assert_string_equal(reason, "line 2");
}

/* Its ids begin at 1 in each file: a day that comes again in a month's file is not new, another day's are. */
static void test_bybit_spot(void **state)
{
	(void)state;
	static const char day[] = "id,timestamp,price,volume,side,rpi\n1,1747612800074,106453.8,0.003718,sell,0\n"
				  "2,1747612800150,106456.9,0.000500,buy,0\n3,1747612800150,106456.9,0.000500,buy,0\n";
	static const char month[] =
		"id,timestamp,price,volume,side\n1,1747526400001,106000,1,buy\n2,1747612800074,106453.8,0.003718,sell\n"
		"3,1747612800150,106456.9,0.000500,buy\n4,1747612800150,106456.9,0.000500,buy\n";

	assert_int_equal(import_of(day, "BYBIT", "JUSDT", NULL), 0);
	assert_int_equal(result.fresh, 3);
	assert_int_equal(import_of(month, "BYBIT", "JUSDT", NULL), 0);
	assert_int_equal(result.rows, 4);
	assert_int_equal(result.fresh, 1);
	assert_int_equal(import_of("id,timestamp,price,volume,side\n1,1747612800074,1,1,buy\n2,1747612800073,1,1,buy\n",
				   "BYBIT", "JUSDT", NULL),
			 ERR_REFUSED);
	assert_string_equal(reason, "line 3: its times fall, and its ids only number the rows: sort it by time");
}

/* What is not what was said, or of somebody else, or cannot be told apart: refused, with what to say instead. */
static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *venue, *interval, *says;
	} files[] = {
		{TRADING "\n1730419200.4438" TRADING_ROW, "BINANCE", NULL,
		 "line 1: a heading of Bybit's derivatives: say --venue"},
		{TRADING "\n1730419200.4438" TRADING_ROW, "BYBIT", NULL,
		 "line 1: a heading of Bybit's derivatives: say"},
		{"id,timestamp,price,volume,side\n1,2,3,4,buy\n", "BINANCE", NULL,
		 "line 1: a heading of Bybit's spot dumps: say --venue BYBIT"},
		{TRADING "\n1730419200.4438" TRADING_ROW, "BYBIT", "1m", "line 1: a heading of trades: add --trades"},
		{"1730419200.4438" TRADING_ROW, "BYBIT", NULL, "line 1: columns as of Bybit's, without their heading"},
		{"1,2,3,4,5,1704067200000,True,True\n", "BYBIT", NULL,
		 "line 1: columns of Binance's aggTrades: say --venue"},
		{"agg_trade_id,price,quantity,last_trade_id,transact_time,is_buyer_maker\n", "BYBIT", NULL,
		 "line 1: a heading of Binance's aggTrades: say --venue"},
		{"1,2,3,4,5,1704067200000,True,True\n", "BINANCE", "1m", "line 1: columns of aggTrades: add --trades"},
		{"1,2,3,4,1704067200000,True,True\n", "BINANCE", "1m", "line 1: columns of trades: add --trades"},
		{"1704067200000,1,1,1,1,1,1704067259999,1,1,0,0,0\n", "BINANCE", NULL,
		 "line 1: columns of klines: leave out"},
		{"date,open,high,low,close,volume\n", "BINANCE", NULL,
		 "line 1: a heading of klines: leave out --trades"},
		{"1,2,3,4,5,6,7,8\n", "BINANCE", NULL, "line 1: columns that are not known: put a heading above"},
		{"1,2,3\n", "BINANCE", NULL, "line 1: columns that are not known"},
		{"a,b,c\n", "BINANCE", NULL, "line 1: a heading without the columns that are needed"},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_int_equal(import_of(files[i].text, files[i].venue, "KUSDT", files[i].interval), ERR_REFUSED);
		assert_memory_equal(reason, files[i].says, strlen(files[i].says));
	}
	assert_int_equal(import_of(TRADING "\n1730419200.4438" TRADING_ROW, "BYBIT", "KUSDT-PERP", NULL), ERR_REFUSED);
	assert_string_equal(reason, "line 2: it is of another instrument");
	assert_int_equal(import("1,2,3,9,8,1704067200000,True,True\n", "KUSDT", NULL),
			 ERR_PROTOCOL); /* last before first */
	assert_string_equal(reason, "line 1");
	assert_int_equal(trades_between("KUSDT.BINANCE", 0, INT64_MAX), 0);
	assert_int_equal(trades_between("KUSDT.BYBIT", 0, INT64_MAX), 0);
}

static void test_holes(void **state)
{
	(void)state;
	const struct history_series s = {origin_replay, "LUSDT.BINANCE", "1m"};
	struct backfill_holes holes;

	assert_int_equal(
		import("1704067260000,1,1,1,1,1\n1704067380000,1,1,1,1,1\n1704067500000,1,1,1,1,1\n", "LUSDT", "1m"),
		0);
	assert_int_equal(backfill_count_holes(history, &s, (int64_t[]){T0 + MINUTE, T0 + 6 * MINUTE}, &holes), 0);
	assert_int_equal(holes.n, 2);
	assert_int_equal(holes.ns, 2 * MINUTE);
	assert_int_equal(holes.first, T0 + 2 * MINUTE);
	assert_int_equal(history_put_outage(history, &s, T0 + 2 * MINUTE, T0 + 3 * MINUTE), 0); /* it is known */
	assert_int_equal(backfill_count_holes(history, &s, (int64_t[]){T0, T0 + 8 * MINUTE}, &holes), 0);
	assert_int_equal(holes.n, 3); /* before the first, one between, and behind the last */
	assert_int_equal(holes.ns, 4 * MINUTE);
	assert_int_equal(holes.first, T0);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms),      cmocka_unit_test(test_wrong),
					   cmocka_unit_test(test_aggregates), cmocka_unit_test(test_bybit_trading),
					   cmocka_unit_test(test_bybit_spot), cmocka_unit_test(test_refused),
					   cmocka_unit_test(test_holes),      cmocka_unit_test(test_zip),
					   cmocka_unit_test(test_history),    cmocka_unit_test(test_recorded)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
