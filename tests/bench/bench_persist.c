/* bench_persist - goal G11: fills stored in SQLite by the persister's store, against a bare loop of prepared inserts.
 *
 * Both write the same rows into the same tables with the same indices (the reference's are made from what the store
 * made), ROWS_A_COMMIT to a transaction, WAL, synchronous=FULL, and both are on tmpfs where there is one: what is timed
 * is the way to SQLite, not a disk. The store reads each packed event's fields, checks, keeps the checkpoint and would
 * notice a duplicate; the loop binds values that are ready. Each round has new files. Exits 2 where the two databases
 * differ in their number of rows; a missed goal is only told.
 *
 *     bench_persist [--short]
 */
#include <unistd.h>

#include <sqlite3.h>

#include "proto/topic.h"
#include "services/persister/store.h"
#include "tests/bench/bench.h"

enum { ROWS_A_COMMIT = 1000, COLUMNS_MAX = 40, TABLES = 2 };

static const char *const tables[TABLES] = {"xlog", "fills"};
static char dir[64];
static int records = 50000;

/* ---- ours ---- */

static void make_fill(struct event *ev, uint64_t seq)
{
	event_init(ev, EVENT_fill);
	memcpy(ev->source, "executor", sizeof "executor");
	ev->epoch = 1;
	ev->seq = seq;
	ev->origin = origin_simulated;
	ev->ts_event = ev->ts_recv = ev->ts_sent = 1700000000000000000 + (int64_t)seq * 1000;
	event_set_name(ev->fill.account, "paper");
	event_set_name(ev->fill.strategy, "ema_cross");
	snprintf(ev->fill.client_order_id, sizeof ev->fill.client_order_id, "ema-%08llx", (unsigned long long)seq);
	ev->fill.fill_id = seq;
	must(symbol_parse("BTCUSDT.BINANCE", 15, &ev->fill.instrument) == 0);
	ev->fill.side = side_buy;
	ev->fill.liquidity = liquidity_taker;
	ev->fill.price_scale = 2;
	ev->fill.qty_scale = 5;
	ev->fill.cash_scale = 8;
	ev->fill.price = 6183700 + (int64_t)(seq % 997);
	ev->fill.qty = 100 + (int64_t)(seq % 89);
	ev->fill.fee = 1000 + (int64_t)(seq % 31);
	event_set_name(ev->fill.fee_asset, "USDT");
	ev->fill.book_at = ev->ts_event - 5;
}

static void put(struct store *s, uint64_t seq)
{
	struct event ev;
	uint8_t packed[1024];
	char topic[TOPIC_MAX];
	make_fill(&ev, seq);
	int n = codec_pack(&ev, packed, sizeof packed);
	must(n > 0 && topic_of(&ev, topic) > 0);
	must(store_put(s, LANE_X, topic, &ev, packed, (size_t)n) == 0);
}

/* ns a record. */
static double run_ours(const char *path)
{
	struct store *s;
	char reason[200] = "";
	must(store_open(path, &s, reason, sizeof reason) == 0);
	int64_t began = bench_now();
	for (int i = 0; i < records; i += ROWS_A_COMMIT) {
		must(store_begin(s) == 0);
		for (int k = 0; k < ROWS_A_COMMIT; k++)
			put(s, (uint64_t)(i + k + 1));
		must(store_commit(s) == 0);
	}
	double took = (double)(bench_now() - began) / records;
	store_close(s);
	return took;
}

/* ---- the bare loop ---- */

struct table {
	sqlite3_value **values; /* rows of `columns` each */
	int columns, rows;
	sqlite3_stmt *insert;
};

static sqlite3 *open_database(const char *path)
{
	sqlite3 *db;
	must(sqlite3_open(path, &db) == SQLITE_OK);
	return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	must(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK);
	return st;
}

static void run_sql(sqlite3 *db, const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* The rows of a table as the store wrote them, in memory. */
static void load(sqlite3 *db, const char *name, struct table *t)
{
	char sql[100];
	snprintf(sql, sizeof sql, "SELECT * FROM %s", name);
	sqlite3_stmt *st = prepare(db, sql);
	t->columns = sqlite3_column_count(st);
	must(t->columns <= COLUMNS_MAX);
	t->values = calloc((size_t)records * (size_t)t->columns, sizeof *t->values);
	must(t->values);
	for (t->rows = 0; sqlite3_step(st) == SQLITE_ROW; t->rows++) {
		must(t->rows < records);
		for (int c = 0; c < t->columns; c++)
			t->values[t->rows * t->columns + c] = sqlite3_value_dup(sqlite3_column_value(st, c));
	}
	sqlite3_finalize(st);
	if (t->rows != records) {
		fprintf(stderr, "bench_persist: %d rows in %s instead of %d\n", t->rows, name, records);
		exit(2);
	}
}

static void unload(struct table *t)
{
	for (int i = 0; i < t->rows * t->columns; i++)
		sqlite3_value_free(t->values[i]);
	free(t->values);
}

/* Tables and indices as the store made them. */
static void copy_schema(sqlite3 *from, sqlite3 *to, const char *name)
{
	sqlite3_stmt *st = prepare(from, "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL "
					 "AND type IN ('table', 'index') ORDER BY type DESC");
	must(sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC) == SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		run_sql(to, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, const char *name, int columns)
{
	char sql[100 + 2 * COLUMNS_MAX];
	int n = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?", name);
	for (int c = 1; c < columns; c++)
		n += snprintf(sql + n, sizeof sql - (size_t)n, ",?");
	snprintf(sql + n, sizeof sql - (size_t)n, ")");
	return prepare(db, sql);
}

static void insert(struct table *t, int row)
{
	for (int c = 0; c < t->columns; c++)
		sqlite3_bind_value(t->insert, c + 1, t->values[row * t->columns + c]);
	must(sqlite3_step(t->insert) == SQLITE_DONE);
	sqlite3_reset(t->insert);
}

static double run_bare(const char *ours_path, const char *path)
{
	struct table table[TABLES];
	sqlite3 *from = open_database(ours_path), *to = open_database(path);
	run_sql(to, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; "
		    "PRAGMA cache_size=-4096");
	for (int k = 0; k < TABLES; k++) {
		load(from, tables[k], &table[k]);
		copy_schema(from, to, tables[k]);
		table[k].insert = prepare_insert(to, tables[k], table[k].columns);
	}
	int64_t began = bench_now();
	for (int i = 0; i < records; i += ROWS_A_COMMIT) {
		run_sql(to, "BEGIN IMMEDIATE");
		for (int k = 0; k < ROWS_A_COMMIT; k++) {
			insert(&table[0], i + k);
			insert(&table[1], i + k);
		}
		run_sql(to, "COMMIT");
	}
	double took = (double)(bench_now() - began) / records;
	for (int k = 0; k < TABLES; k++) {
		sqlite3_finalize(table[k].insert);
		unload(&table[k]);
	}
	sqlite3_close(from);
	sqlite3_close(to);
	return took;
}

/* ---- rounds ---- */

static void remove_database(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[120];
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(name, sizeof name, "%s%s", path, ends[i]);
		unlink(name);
	}
}

int main(int argc, char **argv)
{
	bool brief = argc > 1 && strcmp(argv[1], "--short") == 0;
	struct bench_pairs p = {.n = 0};
	char own[100], bare[100];
	records = brief ? 20000 : 100000;
	snprintf(dir, sizeof dir, "%s/nj-persist-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(dir));
	snprintf(own, sizeof own, "%s/ours.db", dir);
	snprintf(bare, sizeof bare, "%s/bare.db", dir);
	for (int i = 0; i < (brief ? 9 : 15); i++) {
		double a = run_ours(own), b = run_bare(own, bare);
		bench_add(&p, 1e9 / a, 1e9 / b);
		remove_database(own);
		remove_database(bare);
	}
	bench_print(&(struct bench_goal){"G11", "records stored, of bare inserts", "rec/s", true, 0.85}, &p);
	rmdir(dir);
	return 0;
}
