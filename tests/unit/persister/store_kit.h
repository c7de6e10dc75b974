/* store_kit - databases, records and counts for the tests of the persister. */
#ifndef NJ_TESTS_PERSISTER_STORE_KIT_H
#define NJ_TESTS_PERSISTER_STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "common/base/err.h"
#include "proto/topic.h"
#include "services/persister/store.h"

struct kit {
	char dir[64], path[96], reason[400];
	struct store *store;
	uint8_t packed[EVENT_PACKED_MAX];
};

static inline int kit_setup(void **state)
{
	struct kit *k = calloc(1, sizeof *k);
	assert_non_null(k);
	snprintf(k->dir, sizeof k->dir, "/tmp/nj-store-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	snprintf(k->path, sizeof k->path, "%s/nightjar.db", k->dir);
	assert_int_equal(store_open(k->path, &k->store, k->reason, sizeof k->reason), 0);
	*state = k;
	return 0;
}

static inline int kit_teardown(void **state)
{
	struct kit *k = *state;
	char command[128];
	store_close(k->store);
	static const char *const left[] = {"nightjar.db", "nightjar.db-wal", "nightjar.db-shm",
					   "nightjar.db.corrupt-1", "nightjar.db.corrupt-1-wal",
					   "nightjar.db.corrupt-1-shm"};
	for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
		snprintf(command, sizeof command, "%s/%s", k->dir, left[i]);
		unlink(command);
	}
	rmdir(k->dir);
	free(k);
	return 0;
}

static inline void kit_reopen(struct kit *k)
{
	store_close(k->store);
	k->store = NULL;
	assert_int_equal(store_open(k->path, &k->store, k->reason, sizeof k->reason), 0);
}

/* A fill of its own: record seq of a publisher. */
static inline void kit_fill(struct event *ev, const char *source, uint64_t seq)
{
	event_init(ev, EVENT_fill);
	snprintf(ev->source, sizeof ev->source, "%s", source);
	ev->origin = origin_replay;
	ev->epoch = 7;
	ev->seq = seq;
	ev->ts_event = 1700000000000000000 + (int64_t)seq;
	ev->ts_recv = ev->ts_event + 5;
	assert_int_equal(symbol_parse("BTCUSDT.BINANCE", 15, &ev->fill.instrument), 0);
	event_set_name(ev->fill.account, "paper");
	snprintf(ev->fill.client_order_id, sizeof ev->fill.client_order_id, "o-%llu", (unsigned long long)seq);
	ev->fill.price = 6012345;
	ev->fill.price_scale = 2;
	ev->fill.qty = 15;
	ev->fill.qty_scale = 2;
	ev->fill.cash_scale = 8;
}

/* Packs into the kit and offers it to the store. */
static inline int kit_put(struct kit *k, enum lane lane, const struct event *ev)
{
	char topic[TOPIC_MAX];
	assert_true(topic_of(ev, topic) > 0);
	int n = codec_pack(ev, k->packed, sizeof k->packed);
	assert_true(n > 0);
	return store_put(k->store, lane, topic, ev, k->packed, (size_t)n);
}

static inline void kit_write(struct kit *k, enum lane lane, const struct event *ev)
{
	assert_int_equal(store_begin(k->store), 0);
	assert_int_equal(kit_put(k, lane, ev), 0);
	assert_int_equal(store_commit(k->store), 0);
}

/* One number, by a connection of our own. */
static inline int64_t kit_number(const struct kit *k, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open_v2(k->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 20000);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

/* A second connection that holds the database; kit_unlock ends it. */
static inline sqlite3 *kit_lock(const struct kit *k)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open_v2(k->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 20000);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static inline void kit_unlock(sqlite3 *db)
{
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif
