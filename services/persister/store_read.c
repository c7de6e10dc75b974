/* store_read - the persister's database read by others, while it is written: records, candles,
 * lanes. */
#include "services/persister/store_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/base/err.h"
#include "proto/codec.h"
#include "services/persister/store_code.h"

enum { BUSY_MS = 2000 };

struct store_read {
	sqlite3 *db;
	struct arena arena;
	uint64_t undecodable;
};

int store_read_open(const char *path, struct store_read **ret_store, char *reason, size_t cap)
{
	if (access(path, R_OK) != 0) {
		snprintf(reason, cap, "there is no database at %s", path);
		return ERR_NOT_FOUND;
	}
	struct store_read *s = calloc(1, sizeof *s);
	if (s)
		s->arena = (struct arena){.cap = ARENA_SIZE, .at = malloc(ARENA_SIZE)};
	if (!s || !s->arena.at) {
		free(s);
		return ERR_NOMEM;
	}
	int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(s->db, BUSY_MS);
	if (rc == SQLITE_OK) /* reads the file for the first time */
		rc = sqlite3_exec(s->db, "SELECT 1 FROM xlog LIMIT 1", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		snprintf(reason, cap, "%s: %s", path, s->db ? sqlite3_errmsg(s->db) : "no memory");
		store_read_close(s);
		return store_code(rc);
	}
	*ret_store = s;
	return 0;
}

void store_read_close(struct store_read *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s->arena.at);
	free(s);
}

uint64_t store_read_undecodable(const struct store_read *s)
{
	return s->undecodable;
}

/* ---- one statement, row by row ---- */

typedef void row_fn(struct store_read *s, sqlite3_stmt *row, const void *fn, void *ctx);

struct each {
	const char *sql;
	int64_t argument; /* of its ?1, where it has one */
	row_fn *row;
	const void *fn; /* points to the caller's function pointer */
	void *ctx;
};

static int each(struct store_read *s, const struct each *e)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, e->sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_code(rc);
	if (sqlite3_bind_parameter_count(st) > 0)
		sqlite3_bind_int64(st, 1, e->argument);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		e->row(s, st, e->fn, e->ctx);
	sqlite3_finalize(st);
	return store_code(rc);
}

static const char *text(sqlite3_stmt *row, int column)
{
	const unsigned char *t = sqlite3_column_text(row, column);
	return t ? (const char *)t : "";
}

static void give_event(struct store_read *s, sqlite3_stmt *row, const void *fn, void *ctx)
{
	struct event ev;
	size_t used;
	const void *body = sqlite3_column_blob(row, 0);
	size_t len = (size_t)sqlite3_column_bytes(row, 0);
	s->arena.used = 0;
	if (!body || codec_unpack(body, len, &s->arena, &ev, &used) != 0)
		s->undecodable++;
	else
		(*(store_read_event_fn *const *)fn)(ctx, &ev);
}

int store_read_events(struct store_read *s, int64_t since, store_read_event_fn *fn, void *ctx)
{
	const struct each e = {.sql = "SELECT body FROM xlog WHERE ts_recv >= ?1 "
				      "ORDER BY publisher, epoch, seq",
			       .argument = since,
			       .row = give_event,
			       .fn = &fn,
			       .ctx = ctx};
	return each(s, &e);
}

#define RECORDS_FROM                                                                                                   \
	"SELECT topic, epoch, seq, ts_recv, body FROM xlog WHERE publisher = ?1 AND (epoch, seq) >= (?2, ?3) "         \
	"AND (epoch, seq) < (?4, ?5) AND ts_recv >= ?6 "

static void bind_range(sqlite3_stmt *st, const struct store_range *r)
{
	bool open_end = r->stop_epoch == 0;
	sqlite3_bind_text(st, 1, r->publisher, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)r->epoch);
	sqlite3_bind_int64(st, 3, (int64_t)r->seq);
	sqlite3_bind_int64(st, 4, open_end ? INT64_MAX : (int64_t)r->stop_epoch);
	sqlite3_bind_int64(st, 5, (int64_t)r->stop_seq);
	sqlite3_bind_int64(st, 6, r->since);
	sqlite3_bind_int64(st, 7, r->limit ? r->limit : -1);
}

int store_read_records(struct store_read *s, const struct store_range *range, store_read_record_fn *fn, void *ctx)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db,
				    range->backwards ? RECORDS_FROM "ORDER BY epoch DESC, seq DESC LIMIT ?7"
						     : RECORDS_FROM "ORDER BY epoch, seq LIMIT ?7",
				    -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_code(rc);
	bind_range(st, range);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const struct store_record r = {.topic = text(st, 0),
					       .epoch = (uint64_t)sqlite3_column_int64(st, 1),
					       .seq = (uint64_t)sqlite3_column_int64(st, 2),
					       .ts_recv = sqlite3_column_int64(st, 3),
					       .body = sqlite3_column_blob(st, 4),
					       .len = (size_t)sqlite3_column_bytes(st, 4)};
		if (!fn(ctx, &r)) {
			rc = SQLITE_DONE;
			break;
		}
	}
	sqlite3_finalize(st);
	return store_code(rc);
}

static int64_t interval_ns(const char *name)
{
	char *unit;
	long long n = strtoll(name, &unit, 10);
	static const struct {
		const char *name;
		int64_t s;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (n > 0 && n < 100000 && strcmp(unit, units[i].name) == 0)
			return n * units[i].s * INT64_C(1000000000);
	return 0;
}

static void give_candles(struct store_read *s, sqlite3_stmt *row, const void *fn, void *ctx)
{
	(void)s;
	const struct store_candles c = {.origin = text(row, 0),
					.instrument = text(row, 1),
					.interval = text(row, 2),
					.interval_ns = interval_ns(text(row, 2)),
					.count = sqlite3_column_int64(row, 3),
					.first = sqlite3_column_int64(row, 4),
					.last = sqlite3_column_int64(row, 5)};
	(*(store_read_candles_fn *const *)fn)(ctx, &c);
}

int store_read_candles(struct store_read *s, store_read_candles_fn *fn, void *ctx)
{
	const struct each e = {.sql = "SELECT origin, instrument, interval, count(*), "
				      "min(open_at), max(open_at) FROM candles "
				      "WHERE from_venue = 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
			       .row = give_candles,
			       .fn = &fn,
			       .ctx = ctx};
	return each(s, &e);
}

static void give_orders(struct store_read *s, sqlite3_stmt *row, const void *fn, void *ctx)
{
	(void)s;
	const struct store_orders o = {.origin = text(row, 0),
				       .status = text(row, 1),
				       .reject = text(row, 2),
				       .count = sqlite3_column_int64(row, 3)};
	(*(store_read_orders_fn *const *)fn)(ctx, &o);
}

/* Orders without the refusals of what was to be done to them (a cancel, a replacement, a second order of the id): those
 * bear their id and say nothing of their state. `own` is the ordinal of an order's own intent, its first. */
#define ORDERS(columns, more)                                                                                          \
	"(SELECT * FROM (SELECT " columns ", account, client_order_id, status, reject, ts_recv, intent_ordinal, "      \
	"min(intent_ordinal) OVER (PARTITION BY account, client_order_id) AS own FROM orders t" more ") "              \
	"WHERE status <> 'rejected' OR intent_ordinal = own OR reject = 'venue')"

int store_read_orders(struct store_read *s, store_read_orders_fn *fn, void *ctx)
{
	/* Beside max(), SQLite gives the other columns of the row that has it. */
	const struct each e = {.sql = "SELECT origin, status, reject, count(*) FROM "
				      "(SELECT origin, status, reject, max(ts_recv) FROM " ORDERS("origin", "")
				      " GROUP BY account, client_order_id) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
			       .row = give_orders,
			       .fn = &fn,
			       .ctx = ctx};
	return each(s, &e);
}

#define OF_THIS_EPOCH " WHERE epoch = (SELECT max(epoch) FROM xlog WHERE publisher = t.source)"
#define NEWEST(rows, by, wanted)                                                                                       \
	"WITH newest AS (SELECT source, epoch, seq, " wanted " AS wanted, max(ts_recv) AS at FROM " rows               \
	" GROUP BY account, " by ") "                                                                                  \
	"SELECT body FROM newest n JOIN xlog x ON x.publisher = n.source AND x.epoch = n.epoch AND x.seq = n.seq "     \
	"WHERE ?1 OR n.wanted ORDER BY n.at, n.seq"

static int newest(struct store_read *s, const char *sql, bool all, store_read_event_fn *fn, void *ctx)
{
	const struct each e = {.sql = sql, .argument = all, .row = give_event, .fn = &fn, .ctx = ctx};
	return each(s, &e);
}

/* What was to be done to an order that nobody knows is none. */
int store_read_last_orders(struct store_read *s, bool all, store_read_event_fn *fn, void *ctx)
{
	static const char sql[] = NEWEST(ORDERS("source, epoch, seq", OF_THIS_EPOCH)
					 " WHERE client_order_id <> '' AND reject <> 'unknown_order'",
					 "client_order_id",
					 "status IN ('pending', 'open', 'partial', 'waiting', 'triggered')");
	return newest(s, sql, all, fn, ctx);
}

int store_read_last_positions(struct store_read *s, bool all, store_read_event_fn *fn, void *ctx)
{
	return newest(s, NEWEST("positions t" OF_THIS_EPOCH, "instrument", "qty <> 0"), all, fn, ctx);
}

static void give_lane(struct store_read *s, sqlite3_stmt *row, const void *fn, void *ctx)
{
	(void)s;
	const struct store_lane l = {.publisher = text(row, 0),
				     .epoch = (uint64_t)sqlite3_column_int64(row, 1),
				     .count = sqlite3_column_int64(row, 2),
				     .first = sqlite3_column_int64(row, 3),
				     .last = sqlite3_column_int64(row, 4)};
	(*(store_read_lane_fn *const *)fn)(ctx, &l);
}

int store_read_lanes(struct store_read *s, store_read_lane_fn *fn, void *ctx)
{
	const struct each e = {.sql = "SELECT publisher, epoch, count(*), min(seq), max(seq) "
				      "FROM xlog GROUP BY 1, 2 ORDER BY 1, 2",
			       .row = give_lane,
			       .fn = &fn,
			       .ctx = ctx};
	return each(s, &e);
}

static void give_reach(struct store_read *s, sqlite3_stmt *row, const void *fn, void *ctx)
{
	(void)s;
	(*(store_read_reach_fn *const *)fn)(ctx, text(row, 0), sqlite3_column_int64(row, 1));
}

int store_read_reach(struct store_read *s, store_read_reach_fn *fn, void *ctx)
{
	const struct each e = {.sql = "SELECT publisher, stamp FROM checkpoint WHERE lane = 'M' ORDER BY publisher",
			       .row = give_reach,
			       .fn = &fn,
			       .ctx = ctx};
	return each(s, &e);
}

/* What there is of an epoch (0: of the newest one). */
static int find_lane(struct store_read *s, const struct store_read_from *from, struct store_lane *ret_lane)
{
	static const char sql[] = "SELECT epoch, min(seq), max(seq) FROM xlog WHERE publisher = ?1 AND epoch = "
				  "CASE ?2 WHEN 0 THEN (SELECT max(epoch) FROM xlog WHERE publisher = ?1) ELSE ?2 END";
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_code(rc);
	sqlite3_bind_text(st, 1, from->publisher, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)from->epoch);
	rc = sqlite3_step(st);
	int err = rc == SQLITE_ROW ? 0 : store_code(rc);
	if (!err && sqlite3_column_type(st, 1) == SQLITE_NULL)
		err = ERR_NOT_FOUND;
	if (!err)
		*ret_lane = (struct store_lane){.epoch = (uint64_t)sqlite3_column_int64(st, 0),
						.first = sqlite3_column_int64(st, 1),
						.last = sqlite3_column_int64(st, 2)};
	sqlite3_finalize(st);
	return err;
}

int store_read_frames(struct store_read *s, const struct store_read_from *from, struct store_lane *ret_lane,
		      store_read_frame_fn *fn, void *ctx)
{
	static const char sql[] = "SELECT seq, topic, body FROM xlog WHERE publisher = ?1 AND epoch = ?2 AND seq >= ?3 "
				  "ORDER BY seq";
	struct store_lane lane;
	sqlite3_stmt *st;
	int err = find_lane(s, from, &lane);
	if (err)
		return err;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_code(rc);
	sqlite3_bind_text(st, 1, from->publisher, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (int64_t)lane.epoch);
	sqlite3_bind_int64(st, 3, (int64_t)from->seq);
	bool go_on = true;
	while (go_on && (rc = sqlite3_step(st)) == SQLITE_ROW)
		go_on = fn(ctx, (uint64_t)sqlite3_column_int64(st, 0), text(st, 1), sqlite3_column_blob(st, 2),
			   (size_t)sqlite3_column_bytes(st, 2));
	sqlite3_finalize(st);
	if (go_on && store_code(rc))
		return store_code(rc);
	*ret_lane = lane;
	return 0;
}

int store_read_check(struct store_read *s, char *reason, size_t cap)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : sqlite3_errmsg(s->db);
	bool good = rc == SQLITE_ROW && text && strcmp(text, "ok") == 0;
	if (!good)
		snprintf(reason, cap, "%s", text ? text : "quick_check says nothing");
	sqlite3_finalize(st);
	return good ? 0 : rc == SQLITE_ROW ? ERR_CORRUPT : store_code(rc);
}
