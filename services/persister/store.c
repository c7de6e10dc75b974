/* store - the SQLite database: raw lane-X records, a table for each kind of event, a checkpoint for each input. */
#include "services/persister/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/crash_point.h"
#include "services/persister/store_code.h"

enum { SCHEMA_VERSION = 1, BUSY_MS = 250, COLUMNS_HEAD = 6 };
enum { PAGE = 4096, PAGES_CACHED = 1024 };

struct table {
	uint16_t id;
	const char *name, *key;
	sqlite3_stmt *insert;
};

struct store {
	sqlite3 *db;
	struct table table[32];
	size_t n_tables;
	sqlite3_stmt *raw, *checkpoint, *cursor;
	struct store_counters counters;
};

static const struct table tables[] = {
#define TABLE(event, table, key) {EVENT_##event, #table, key, NULL},
#include "services/persister/tables.def"
#undef TABLE
};

static const char *const base_schema[] = {
	"CREATE TABLE IF NOT EXISTS xlog(publisher TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, "
	"topic TEXT NOT NULL, event TEXT NOT NULL, ts_recv INTEGER NOT NULL, body BLOB NOT NULL, "
	"PRIMARY KEY(publisher, epoch, seq)) STRICT, WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS checkpoint(publisher TEXT NOT NULL, lane TEXT NOT NULL, epoch INTEGER NOT NULL, "
	"seq INTEGER NOT NULL, stamp INTEGER NOT NULL, PRIMARY KEY(publisher, lane)) STRICT, WITHOUT ROWID",
};

static int run_sql(struct store *s, const char *sql)
{
	return store_code(sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static bool is_column(const struct field_row *f)
{
	return f->kind != KIND_levels && f->kind != KIND_pairs && f->kind != KIND_blob;
}

static bool is_text(const struct field_row *f)
{
	return f->kind == KIND_symbol || f->kind == KIND_name || f->kind == KIND_text || f->kind == KIND_enumeration;
}

static bool is_scaled(const struct field_row *f)
{
	return f->kind == KIND_price || f->kind == KIND_qty || f->kind == KIND_cash;
}

static const char *scale_column(const struct field_row *f)
{
	return f->kind == KIND_price ? "price_scale" : f->kind == KIND_qty ? "qty_scale" : "cash_scale";
}

/* WITHOUT ROWID only where the key is the first columns: for other keys SQLite 3.40's integrity_check, which people
 * and backups rely on, calls values missing that are there. */
static int table_sql(const struct table *t, struct buf *out)
{
	const struct event_row *row = event_row(t->id);
	int rc = buf_printf(out, "CREATE TABLE IF NOT EXISTS \"%s\"(source TEXT NOT NULL, epoch INTEGER NOT NULL, "
			    "seq INTEGER NOT NULL, origin TEXT NOT NULL, ts_event INTEGER NOT NULL, "
			    "ts_recv INTEGER NOT NULL", t->name);
	for (uint16_t i = 0; i < row->n_fields && !rc; i++)
		if (is_column(&row->fields[i]))
			rc = buf_printf(out, ", \"%s\" %s NOT NULL", row->fields[i].name,
					is_text(&row->fields[i]) ? "TEXT" : "INTEGER");
	if (!rc)
		rc = buf_printf(out, t->key[0] ? ", PRIMARY KEY(%s)) STRICT"
					       : ", PRIMARY KEY(%s)) STRICT, WITHOUT ROWID",
				t->key[0] ? t->key : "source, epoch, seq");
	return rc ? rc : buf_byte(out, 0);
}

/* The view for people: decimals as numbers, times as text. */
static int view_sql(const struct table *t, struct buf *out)
{
	const struct event_row *row = event_row(t->id);
	int rc = buf_printf(out, "CREATE VIEW IF NOT EXISTS \"%s_v\" AS SELECT source, seq, origin, "
			    "strftime('%%Y-%%m-%%dT%%H:%%M:%%S', coalesce(nullif(ts_event, 0), ts_recv) / 1000000000, "
			    "'unixepoch') || printf('.%%09dZ', coalesce(nullif(ts_event, 0), ts_recv) %% 1000000000) "
			    "AS at", t->name);
	for (uint16_t i = 0; i < row->n_fields && !rc; i++) {
		const struct field_row *f = &row->fields[i];
		if (!is_column(f) || strstr(f->name, "_scale"))
			continue;
		if (is_scaled(f))
			rc = buf_printf(out, ", \"%s\" / pow(10.0, %s) AS \"%s\"", f->name, scale_column(f), f->name);
		else
			rc = buf_printf(out, ", \"%s\"", f->name);
	}
	if (!rc)
		rc = buf_printf(out, " FROM \"%s\"", t->name);
	return rc ? rc : buf_byte(out, 0);
}

static int insert_sql(const struct table *t, struct buf *out)
{
	const struct event_row *row = event_row(t->id);
	int rc = buf_printf(out, "INSERT OR IGNORE INTO \"%s\" VALUES(?,?,?,?,?,?", t->name);
	for (uint16_t i = 0; i < row->n_fields && !rc; i++)
		if (is_column(&row->fields[i]))
			rc = buf_printf(out, ",?");
	if (!rc)
		rc = buf_printf(out, ")");
	return rc ? rc : buf_byte(out, 0);
}

static int prepare(struct store *s, const char *sql, sqlite3_stmt **ret_stmt)
{
	return store_code(sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL));
}

/* An event has grown fields since the database was made: they are appended here as there; rows of before have the
 * zero that a reader of the old records sees, too. The view is made anew. */
static int grow_table(struct store *s, const struct table *t, struct buf *sql)
{
	const struct event_row *row = event_row(t->id);
	int rc = 0;
	for (uint16_t i = 0; i < row->n_fields && !rc; i++) {
		const struct field_row *f = &row->fields[i];
		if (!is_column(f) || sqlite3_table_column_metadata(s->db, "main", t->name, f->name, NULL, NULL, NULL,
								   NULL, NULL) == SQLITE_OK)
			continue;
		buf_clear(sql);
		const char *kind = is_text(f) ? "TEXT NOT NULL DEFAULT ''" : "INTEGER NOT NULL DEFAULT 0";
		rc = buf_printf(sql, "DROP VIEW IF EXISTS \"%s_v\"; ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s", t->name,
				t->name, f->name, kind);
		if (!rc)
			rc = buf_byte(sql, 0);
		if (!rc)
			rc = run_sql(s, (const char *)sql->at);
	}
	return rc;
}

static int make_table(struct store *s, struct table *t)
{
	struct buf sql;
	buf_init(&sql, 1 << 16);
	int rc = table_sql(t, &sql);
	if (!rc)
		rc = run_sql(s, (const char *)sql.at);
	if (!rc)
		rc = grow_table(s, t, &sql);
	buf_clear(&sql);
	if (!rc)
		rc = view_sql(t, &sql);
	if (!rc)
		rc = run_sql(s, (const char *)sql.at);
	buf_clear(&sql);
	if (!rc)
		rc = insert_sql(t, &sql);
	if (!rc)
		rc = prepare(s, (const char *)sql.at, &t->insert);
	buf_fini(&sql);
	return rc;
}

static int make_schema(struct store *s)
{
	char cache[40];
	snprintf(cache, sizeof cache, "PRAGMA cache_size=%d", PAGES_CACHED);
	int rc = run_sql(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; "
			    "PRAGMA journal_size_limit=67108864");
	if (!rc)
		rc = run_sql(s, cache);
	for (size_t i = 0; !rc && i < ARRAY_LEN(base_schema); i++)
		rc = run_sql(s, base_schema[i]);
	memcpy(s->table, tables, sizeof tables);
	s->n_tables = ARRAY_LEN(tables);
	for (size_t i = 0; !rc && i < s->n_tables; i++)
		rc = make_table(s, &s->table[i]);
	if (!rc)
		rc = prepare(s, "INSERT OR IGNORE INTO xlog VALUES(?,?,?,?,?,?,?)", &s->raw);
	if (!rc)
		rc = prepare(s,
			     "INSERT INTO checkpoint VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET epoch=excluded.epoch, "
			     "seq=excluded.seq, stamp=excluded.stamp",
			     &s->checkpoint);
	if (!rc)
		rc = prepare(s, "SELECT epoch, seq, stamp FROM checkpoint WHERE publisher=? AND lane=?", &s->cursor);
	return rc;
}

/* SQLite's cache fills page by page, over hours: memory that rises, with nothing to tell it from a leak. So it lies in
 * one block that is written to at once, and what the process holds on its first day is what it holds on the last
 * (sqlite.org/c3ref/c_config_covering_index_scan.html, SQLITE_CONFIG_PAGECACHE). A cache that needs more, as that of a
 * second connection, asks malloc; so does all of it where SQLite was in use before, in tests. */
static void reserve_cache(void)
{
	static bool done;
	int head = 0;
	if (done)
		return;
	done = true;
	if (sqlite3_config(SQLITE_CONFIG_PCACHE_HDRSZ, &head) != SQLITE_OK)
		return;
	size_t slot = ((size_t)PAGE + (size_t)head + 7) & ~(size_t)7, bytes = slot * PAGES_CACHED;
	void *block = malloc(bytes);
	if (!block)
		return;
	memset(block, 0xff, bytes); /* calloc's zeros would be pages nobody has touched */
	if (sqlite3_config(SQLITE_CONFIG_PAGECACHE, block, (int)slot, PAGES_CACHED) != SQLITE_OK)
		free(block);
}

int store_open(const char *path, struct store **ret_store, char *reason, size_t cap)
{
	reserve_cache();
	struct store *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_NOMEM;
	int rc = store_code(
		sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
	/* SQLite opens what it may not write for reading alone, and says nothing. */
	if (!rc && sqlite3_db_readonly(s->db, "main") == 1) {
		snprintf(reason, cap, "database %s: it cannot be written; look at its permissions and mount", path);
		store_close(s);
		return ERR_REFUSED;
	}
	if (!rc) {
		sqlite3_extended_result_codes(s->db, 1);
		sqlite3_busy_timeout(s->db, BUSY_MS);
		rc = make_schema(s);
	}
	if (rc) {
		snprintf(reason, cap, "database %s: %s (%s)", path, s->db ? sqlite3_errmsg(s->db) : "", err_text(rc));
		store_close(s);
		return rc;
	}
	*ret_store = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_tables; i++)
		sqlite3_finalize(s->table[i].insert);
	sqlite3_finalize(s->raw);
	sqlite3_finalize(s->checkpoint);
	sqlite3_finalize(s->cursor);
	sqlite3_close(s->db);
	free(s);
}

int store_quarantine(const char *path, char *ret_name, size_t cap)
{
	static const char *const suffix[] = {"", "-wal", "-shm"};
	char to[600], from[600];
	for (int n = 1; n < 1000; n++) {
		snprintf(ret_name, cap, "%s.corrupt-%d", path, n);
		if (access(ret_name, F_OK) == 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(suffix); i++) {
			snprintf(from, sizeof from, "%s%s", path, suffix[i]);
			snprintf(to, sizeof to, "%s%s", ret_name, suffix[i]);
			if (rename(from, to) != 0 && i == 0)
				return ERR_IO;
		}
		return 0;
	}
	return ERR_FULL;
}

int store_cursor(struct store *s, const char *publisher, enum lane lane, struct store_cursor *ret_cursor)
{
	sqlite3_bind_text(s->cursor, 1, publisher, -1, SQLITE_STATIC);
	sqlite3_bind_text(s->cursor, 2, lane == LANE_M ? "M" : "X", 1, SQLITE_STATIC);
	int rc = sqlite3_step(s->cursor);
	int err = rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? ERR_NOT_FOUND : store_code(rc);
	if (!err)
		*ret_cursor = (struct store_cursor){.epoch = (uint64_t)sqlite3_column_int64(s->cursor, 0),
						    .seq = (uint64_t)sqlite3_column_int64(s->cursor, 1),
						    .stamp = sqlite3_column_int64(s->cursor, 2)};
	sqlite3_reset(s->cursor);
	return err;
}

int store_begin(struct store *s)
{
	int rc = run_sql(s, "BEGIN IMMEDIATE");
	crash_point(CRASH_store_begin);
	return rc;
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		run_sql(s, "ROLLBACK");
}

int store_commit(struct store *s)
{
	crash_point(CRASH_store_before_commit);
	int rc = run_sql(s, "COMMIT");
	if (rc)
		store_rollback(s);
	else
		s->counters.commits++;
	return rc;
}

static void bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
	sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
}

static int64_t integer_of(const struct field_row *f, const void *at)
{
	switch (f->kind) {
	case KIND_flag:
		return *(const bool *)at;
	case KIND_u8:
		return *(const uint8_t *)at;
	case KIND_u16:
		return *(const uint16_t *)at;
	case KIND_u32:
		return *(const uint32_t *)at;
	default:
		return *(const int64_t *)at; /* u64 beyond int64 shows negative: no sequence reaches it */
	}
}

static void bind_field(sqlite3_stmt *stmt, int i, const struct event *ev, const struct field_row *f)
{
	const void *at = event_field_at(ev, f);
	if (f->kind == KIND_enumeration)
		bind_text(stmt, i, enum_text(f->enumeration, *(const uint8_t *)at));
	else if (is_text(f))
		bind_text(stmt, i, at);
	else
		sqlite3_bind_int64(stmt, i, integer_of(f, at));
}

static void bind_head(sqlite3_stmt *stmt, const struct event *ev)
{
	bind_text(stmt, 1, ev->source);
	sqlite3_bind_int64(stmt, 2, (int64_t)ev->epoch);
	sqlite3_bind_int64(stmt, 3, (int64_t)ev->seq);
}

static int step_insert(struct store *s, sqlite3_stmt *stmt, bool *ret_new)
{
	int rc = sqlite3_step(stmt);
	*ret_new = rc == SQLITE_DONE && sqlite3_changes(s->db) > 0;
	sqlite3_reset(stmt);
	return store_code(rc);
}

static int put_raw(struct store *s, const char *topic, const struct event *ev, const uint8_t *bytes, size_t len,
		   bool *ret_new)
{
	bind_head(s->raw, ev);
	bind_text(s->raw, 4, topic);
	const struct event_row *row = event_row(ev->id);
	bind_text(s->raw, 5, row ? row->name : "unknown");
	sqlite3_bind_int64(s->raw, 6, ev->ts_recv);
	sqlite3_bind_blob(s->raw, 7, bytes, (int)len, SQLITE_STATIC);
	return step_insert(s, s->raw, ret_new);
}

static int put_row(struct store *s, const struct event *ev)
{
	struct table *t = NULL;
	for (size_t i = 0; i < s->n_tables && !t; i++)
		if (s->table[i].id == ev->id)
			t = &s->table[i];
	if (!t)
		return 0;
	const struct event_row *row = event_row(ev->id);
	bind_head(t->insert, ev);
	bind_text(t->insert, 4, enum_text(enum_origin(), ev->origin));
	sqlite3_bind_int64(t->insert, 5, ev->ts_event);
	sqlite3_bind_int64(t->insert, 6, ev->ts_recv);
	int column = COLUMNS_HEAD;
	for (uint16_t i = 0; i < row->n_fields; i++)
		if (is_column(&row->fields[i]))
			bind_field(t->insert, ++column, ev, &row->fields[i]);
	bool is_new;
	int rc = step_insert(s, t->insert, &is_new);
	s->counters.rows += is_new;
	return rc;
}

static int put_checkpoint(struct store *s, enum lane lane, const struct event *ev)
{
	bind_text(s->checkpoint, 1, ev->source);
	bind_text(s->checkpoint, 2, lane == LANE_M ? "M" : "X");
	sqlite3_bind_int64(s->checkpoint, 3, (int64_t)ev->epoch);
	sqlite3_bind_int64(s->checkpoint, 4, (int64_t)ev->seq);
	sqlite3_bind_int64(s->checkpoint, 5, ev->ts_recv);
	bool is_new;
	return step_insert(s, s->checkpoint, &is_new);
}

int store_put(struct store *s, enum lane lane, const char *topic, const struct event *ev, const uint8_t *bytes,
	      size_t len)
{
	bool is_new = true;
	int rc = lane == LANE_X ? put_raw(s, topic, ev, bytes, len, &is_new) : 0;
	s->counters.records++;
	s->counters.duplicates += !is_new;
	if (!rc && is_new)
		rc = put_row(s, ev);
	crash_point(CRASH_store_before_checkpoint);
	if (!rc)
		rc = put_checkpoint(s, lane, ev);
	if (rc)
		store_rollback(s);
	return rc;
}

const char *store_error(const struct store *s)
{
	return sqlite3_errmsg(s->db);
}

struct store_counters store_counters(const struct store *s)
{
	return s->counters;
}
