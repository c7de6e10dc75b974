/* store_history - klines and trades of the past in a SQLite file of their own, and how far each fetch has come. */
#include "services/persister/store_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "services/persister/store_code.h"

enum { BUSY_MS = 10000 };
enum { PUT_KLINE, PUT_TRADE, PUT_OUTAGE, WALK, COUNT, PROGRESS, SET_PROGRESS, STATEMENTS };

struct history {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
};

static const char schema[] =
	"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	"CREATE TABLE IF NOT EXISTS klines(origin TEXT NOT NULL, instrument TEXT NOT NULL, interval TEXT NOT NULL, "
	"open_at INTEGER NOT NULL, price_scale INTEGER NOT NULL, qty_scale INTEGER NOT NULL, "
	"cash_scale INTEGER NOT NULL, "
	"open INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL, "
	"volume INTEGER NOT NULL, quote_volume INTEGER NOT NULL, trades INTEGER NOT NULL, "
	"PRIMARY KEY(origin, instrument, interval, open_at)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS trades(origin TEXT NOT NULL, instrument TEXT NOT NULL, trade_id INTEGER NOT NULL, "
	"at INTEGER NOT NULL, price_scale INTEGER NOT NULL, qty_scale INTEGER NOT NULL, price INTEGER NOT NULL, "
	"qty INTEGER NOT NULL, aggressor TEXT NOT NULL, "
	"PRIMARY KEY(origin, instrument, trade_id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS outages(origin TEXT NOT NULL, instrument TEXT NOT NULL, interval TEXT NOT NULL, "
	"\"from\" INTEGER NOT NULL, \"to\" INTEGER NOT NULL, PRIMARY KEY(origin, instrument, interval, \"from\")) "
	"STRICT, WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS progress(job TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL) "
	"STRICT, WITHOUT ROWID;"
	"CREATE VIEW IF NOT EXISTS klines_v AS SELECT origin, instrument, interval, "
	"strftime('%Y-%m-%dT%H:%M:%SZ', open_at / 1000000000, 'unixepoch') AS open_at, "
	"open / pow(10.0, price_scale) AS open, high / pow(10.0, price_scale) AS high, "
	"low / pow(10.0, price_scale) AS low, close / pow(10.0, price_scale) AS close, "
	"volume / pow(10.0, qty_scale) AS volume, quote_volume / pow(10.0, cash_scale) AS quote_volume, "
	"trades FROM klines;"
	"CREATE VIEW IF NOT EXISTS trades_v AS SELECT origin, instrument, trade_id, "
	"strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000, 'unixepoch') || printf('.%03dZ', at / 1000000 % 1000) AS at, "
	"price / pow(10.0, price_scale) AS price, qty / pow(10.0, qty_scale) AS qty, aggressor FROM trades;";

static const char *const statements[STATEMENTS] = {
	[PUT_KLINE] = "INSERT OR IGNORE INTO klines VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[PUT_TRADE] = "INSERT OR IGNORE INTO trades VALUES(?,?,?,?,?,?,?,?,?)",
	[PUT_OUTAGE] = "INSERT INTO outages VALUES(?1,?2,?3,?4,?5) "
		       "ON CONFLICT DO UPDATE SET \"to\" = max(\"to\", ?5)",
	[WALK] = "SELECT open_at, 0 FROM klines WHERE origin = ?1 AND instrument = ?2 AND interval = ?3 "
		 "AND open_at >= ?4 AND open_at < ?5 UNION ALL SELECT \"from\", \"to\" FROM outages "
		 "WHERE origin = ?1 AND instrument = ?2 AND interval = ?3 AND \"to\" > ?4 AND \"from\" < ?5 ORDER BY 1",
	[COUNT] = "SELECT count(*) FROM trades WHERE origin = ?1 AND instrument = ?2 AND trade_id BETWEEN ?3 AND ?4",
	/* The row of a job is named "JOB from BEGIN". */
	[PROGRESS] = "SELECT next FROM progress WHERE substr(job, 1, length(?1) + 6) = ?1 || ' from ' "
		     "AND CAST(substr(job, length(?1) + 7) AS INTEGER) <= ?2 ORDER BY next DESC LIMIT 1",
	[SET_PROGRESS] = "INSERT INTO progress VALUES(?1 || ' from ' || ?2, ?3) ON CONFLICT DO UPDATE SET next = ?3",
};

int history_open(const char *path, struct history **ret_history, char *reason, size_t cap)
{
	struct history *h = calloc(1, sizeof *h);
	if (!h)
		return ERR_NOMEM;
	int rc = sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(h->db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h->db, schema, NULL, NULL, NULL);
	for (int i = 0; rc == SQLITE_OK && i < STATEMENTS; i++)
		rc = sqlite3_prepare_v3(h->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &h->st[i], NULL);
	if (rc != SQLITE_OK) {
		snprintf(reason, cap, "%s: %s", path, h->db ? sqlite3_errmsg(h->db) : "no memory");
		history_close(h);
		return store_code(rc);
	}
	*ret_history = h;
	return 0;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(h->st[i]);
	sqlite3_close(h->db);
	free(h);
}

int history_begin(struct history *h)
{
	return store_code(sqlite3_exec(h->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
}

void history_rollback(struct history *h)
{
	if (!sqlite3_get_autocommit(h->db))
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
}

int history_commit(struct history *h)
{
	int rc = store_code(sqlite3_exec(h->db, "COMMIT", NULL, NULL, NULL));
	if (rc)
		history_rollback(h);
	return rc;
}

static void bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

static int step(struct history *h, int which, bool *ret_new)
{
	int rc = sqlite3_step(h->st[which]);
	bool is_new = rc == SQLITE_DONE && sqlite3_changes(h->db) > 0;
	sqlite3_reset(h->st[which]);
	if (ret_new)
		*ret_new = is_new;
	return store_code(rc);
}

int history_put_kline(struct history *h, uint8_t origin, const struct ev_candle *c, bool *ret_new)
{
	sqlite3_stmt *st = h->st[PUT_KLINE];
	const int64_t values[] = {c->open_at, c->price_scale, c->qty_scale, c->cash_scale,   c->open,  c->high,
				  c->low,     c->close,       c->volume,    c->quote_volume, c->trades};
	bind_text(st, 1, enum_text(enum_origin(), origin));
	bind_text(st, 2, c->instrument.s);
	bind_text(st, 3, c->interval);
	for (int i = 0; i < (int)ARRAY_LEN(values); i++)
		sqlite3_bind_int64(st, 4 + i, values[i]);
	return step(h, PUT_KLINE, ret_new);
}

int history_put_trade(struct history *h, uint8_t origin, const struct ev_trade *t, int64_t at, bool *ret_new)
{
	sqlite3_stmt *st = h->st[PUT_TRADE];
	const int64_t values[] = {(int64_t)t->trade_id, at, t->price_scale, t->qty_scale, t->price, t->qty};
	bind_text(st, 1, enum_text(enum_origin(), origin));
	bind_text(st, 2, t->instrument.s);
	for (int i = 0; i < (int)ARRAY_LEN(values); i++)
		sqlite3_bind_int64(st, 3 + i, values[i]);
	bind_text(st, 9, enum_text(enum_side(), t->aggressor));
	return step(h, PUT_TRADE, ret_new);
}

static sqlite3_stmt *bind_series(struct history *h, int which, const struct history_series *s)
{
	bind_text(h->st[which], 1, enum_text(enum_origin(), s->origin));
	bind_text(h->st[which], 2, s->instrument);
	if (which != COUNT)
		bind_text(h->st[which], 3, s->interval);
	return h->st[which];
}

int history_put_outage(struct history *h, const struct history_series *s, int64_t from, int64_t to)
{
	sqlite3_stmt *st = bind_series(h, PUT_OUTAGE, s);
	sqlite3_bind_int64(st, 4, from);
	sqlite3_bind_int64(st, 5, to);
	return step(h, PUT_OUTAGE, NULL);
}

int history_walk(struct history *h, const struct history_series *s, const int64_t range[2], history_fn *fn, void *ctx)
{
	sqlite3_stmt *st = bind_series(h, WALK, s);
	int rc, err = 0;
	sqlite3_bind_int64(st, 4, range[0]);
	sqlite3_bind_int64(st, 5, range[1]);
	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW)
		err = fn(ctx, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1));
	if (!err)
		err = store_code(rc);
	sqlite3_reset(st);
	return err;
}

int history_count_trades(struct history *h, const struct history_series *s, const uint64_t range[2], uint64_t *ret_n)
{
	sqlite3_stmt *st = bind_series(h, COUNT, s);
	sqlite3_bind_int64(st, 3, (int64_t)range[0]);
	sqlite3_bind_int64(st, 4, (int64_t)range[1]);
	int rc = sqlite3_step(st);
	*ret_n = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return store_code(rc);
}

int history_progress(struct history *h, const char *job, int64_t from, int64_t *ret_next)
{
	sqlite3_stmt *st = h->st[PROGRESS];
	bind_text(st, 1, job);
	sqlite3_bind_int64(st, 2, from);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret_next = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? ERR_NOT_FOUND : store_code(rc);
}

int history_set_progress(struct history *h, const char *job, int64_t from, int64_t next)
{
	bind_text(h->st[SET_PROGRESS], 1, job);
	sqlite3_bind_int64(h->st[SET_PROGRESS], 2, from);
	sqlite3_bind_int64(h->st[SET_PROGRESS], 3, next);
	return step(h, SET_PROGRESS, NULL);
}
