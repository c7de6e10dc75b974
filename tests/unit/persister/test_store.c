/* test_store - records are stored exactly once with their checkpoint, every kind has its table, and text is only data.
 */
#include "store_kit.h"

#include <fcntl.h>

#include "../proto/samples.h"

static void each_record_once_however_often_it_comes(void **state)
{
	struct kit *k = *state;
	struct event ev;
	for (int round = 0; round < 3; round++) {
		for (uint64_t seq = 1; seq <= 50; seq++) {
			kit_fill(&ev, "executor", seq);
			kit_write(k, LANE_X, &ev);
		}
		kit_reopen(k);
	}
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 50);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM fills"), 50);
	assert_int_equal(kit_number(k, "SELECT sum(price = 6012345 AND qty = 15) FROM fills"), 50);
	/* The same number of another publisher, or of another epoch, is another record. */
	kit_fill(&ev, "executor-2", 1);
	kit_write(k, LANE_X, &ev);
	kit_fill(&ev, "executor", 1);
	ev.epoch = 8;
	kit_write(k, LANE_X, &ev);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM fills"), 52);
}

static void checkpoint_stands_and_falls_with_its_records(void **state)
{
	struct kit *k = *state;
	struct store_cursor c = {.seq = 99};
	struct event ev;
	assert_int_equal(store_cursor(k->store, "executor", LANE_X, &c), ERR_NOT_FOUND);
	assert_int_equal(c.seq, 99);
	kit_fill(&ev, "executor", 1);
	kit_write(k, LANE_X, &ev);
	assert_int_equal(store_begin(k->store), 0);
	kit_fill(&ev, "executor", 2);
	assert_int_equal(kit_put(k, LANE_X, &ev), 0);
	store_rollback(k->store);
	assert_int_equal(store_cursor(k->store, "executor", LANE_X, &c), 0);
	assert_int_equal(c.seq, 1);
	/* A process that ends in the middle of a transaction leaves neither. */
	assert_int_equal(store_begin(k->store), 0);
	assert_int_equal(kit_put(k, LANE_X, &ev), 0);
	kit_reopen(k);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 1);
	assert_int_equal(kit_number(k, "SELECT seq FROM checkpoint"), 1);
	kit_write(k, LANE_X, &ev);
	assert_int_equal(store_cursor(k->store, "executor", LANE_X, &c), 0);
	assert_int_equal(c.seq, 2);
	assert_int_equal(c.epoch, 7);
	assert_true(c.stamp == ev.ts_recv);
}

/* Everything that has a table, with values from the ends of their ranges and every kind of text. */
static void every_kind_of_event_has_its_row(void **state)
{
	struct kit *k = *state;
	static const uint16_t ids[] = {
#define TABLE(event, table, key) EVENT_##event,
#include "services/persister/tables.def"
#undef TABLE
	};
	static const char *const counts[] = {
#define TABLE(event, table, key) "SELECT count(*) FROM \"" #table "\"",
#include "services/persister/tables.def"
#undef TABLE
	};
	static const char *const views[] = {
#define TABLE(event, table, key) "SELECT count(*) FROM (SELECT * FROM \"" #table "_v\")",
#include "services/persister/tables.def"
#undef TABLE
	};
	struct rng r;
	rng_seed(&r, 3);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		const struct event_row *row = event_row(ids[i]);
		struct sample s;
		assert_non_null(row);
		for (uint64_t n = 1; n <= 30; n++) {
			sample_make(&r, row, &s);
			snprintf(s.ev.source, sizeof s.ev.source, "source-%zu", i);
			s.ev.epoch = 1;
			s.ev.seq = n;
			uint8_t packed[EVENT_PACKED_MAX];
			int len = codec_pack(&s.ev, packed, sizeof packed);
			assert_true(len > 0);
			assert_int_equal(store_begin(k->store), 0);
			assert_int_equal(store_put(k->store, LANE_X, "t", &s.ev, packed, (size_t)len), 0);
			assert_int_equal(store_commit(k->store), 0);
		}
		assert_int_equal(kit_number(k, counts[i]), 30);
		assert_int_equal(kit_number(k, views[i]), 30);
	}
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 30 * (int)(sizeof ids / sizeof *ids));
}

/* What a venue or a strategy may have put into a text is never read as SQL. */
static void text_is_data(void **state)
{
	struct kit *k = *state;
	static const char *const hostile[] = {"'; DROP TABLE xlog; --", "\" OR 1=1", "Robert'); DELETE FROM fills;",
					      "?1", "\\", "%s%n", "a\nb\x1b[2J", "=cmd|' /C calc'!A0"};
	struct event ev;
	for (uint64_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		kit_fill(&ev, "executor", i + 1);
		event_set_name(ev.fill.account, hostile[i]);
		kit_write(k, LANE_X, &ev);
	}
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open_v2(k->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT account FROM fills ORDER BY seq", -1, &stmt, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		char want[EVENT_NAME_MAX];
		event_set_name(want, hostile[i]);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(stmt, 0), want);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 8);
}

static void a_locked_database_is_an_error_and_nothing_else(void **state)
{
	struct kit *k = *state;
	struct event ev;
	sqlite3 *other = kit_lock(k);
	assert_int_equal(store_begin(k->store), ERR_BUSY);
	kit_unlock(other);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 0);
	kit_fill(&ev, "executor", 1);
	kit_write(k, LANE_X, &ev);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 1);
}

/* SQLite opens a file it may not write for reading alone, without a word: we must not. */
static void a_database_that_cannot_be_written_is_not_opened(void **state)
{
	struct kit *k = *state;
	struct store *s = NULL;
	store_close(k->store);
	k->store = NULL;
	assert_int_equal(chmod(k->dir, 0755), 0);
	assert_int_equal(chmod(k->path, 0444), 0);
	bool root = geteuid() == 0; /* for whom nothing is read-only */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	int rc = store_open(k->path, &s, k->reason, sizeof k->reason);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, ERR_REFUSED);
	assert_null(s);
	assert_non_null(strstr(k->reason, "cannot be written"));
	assert_int_equal(chmod(k->path, 0600), 0);
}

static void overwrite(const char *path, off_t at, size_t n)
{
	uint8_t bad[512];
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	memset(bad, 0x5a, sizeof bad);
	for (size_t done = 0; done < n; done += sizeof bad)
		assert_int_equal(pwrite(fd, bad, sizeof bad, at + (off_t)done), sizeof bad);
	close(fd);
}

static void a_damaged_file_is_told_apart_and_moved_aside(void **state)
{
	struct kit *k = *state;
	char moved[200];
	struct event ev;
	kit_fill(&ev, "executor", 1);
	kit_write(k, LANE_X, &ev);
	store_close(k->store);
	k->store = NULL;
	overwrite(k->path, 0, 4096);
	assert_int_equal(store_open(k->path, &k->store, k->reason, sizeof k->reason), ERR_CORRUPT);
	assert_null(k->store);
	assert_non_null(strstr(k->reason, k->path));
	assert_int_equal(store_quarantine(k->path, moved, sizeof moved), 0);
	assert_int_equal(access(moved, F_OK), 0);
	assert_int_equal(access(k->path, F_OK), -1);
	assert_int_equal(store_open(k->path, &k->store, k->reason, sizeof k->reason), 0);
	kit_write(k, LANE_X, &ev);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM xlog"), 1);
}

static void run_sql(struct kit *k, const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Events grow: a database of before gets their new columns, and its rows the zeros of records of before. */
static void a_database_of_before_grows_with_its_events(void **state)
{
	struct kit *k = *state;
	struct event ev;
	event_init(&ev, EVENT_command);
	event_set_name(ev.command.owner, "ann");
	event_set_name(ev.command.nonce, "first");
	snprintf(ev.source, sizeof ev.source, "executor");
	ev.epoch = ev.seq = 1;
	ev.ts_recv = 5;
	kit_write(k, LANE_X, &ev);
	store_close(k->store);
	k->store = NULL;
	run_sql(k, "DROP VIEW commands_v; ALTER TABLE commands DROP COLUMN value;"
		   "ALTER TABLE commands DROP COLUMN nonce; CREATE VIEW commands_v AS SELECT owner FROM commands");
	run_sql(k, "ALTER TABLE commands DROP COLUMN role; ALTER TABLE commands DROP COLUMN expires_at;"
		   "ALTER TABLE commands DROP COLUMN \"all\"");
	kit_reopen(k);
	ev.seq = 2;
	event_set_name(ev.command.nonce, "second");
	kit_write(k, LANE_X, &ev);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM commands WHERE owner = 'ann' AND seq = 1 AND nonce = '' "
				       "AND expires_at = 0"), 1);
	assert_int_equal(kit_number(k, "SELECT count(*) FROM commands_v WHERE nonce = 'second'"), 1);
}

/* However much is written, the cache's pages come from the block that was there at the start, all of them. */
static void the_cache_lies_in_what_was_reserved(void **state)
{
	struct kit *k = *state;
	int used, most, spilled, before;
	struct event ev;
	assert_int_equal(sqlite3_status(SQLITE_STATUS_PAGECACHE_USED, &used, &most, 1), SQLITE_OK);
	assert_true(used > 0);
	assert_int_equal(sqlite3_status(SQLITE_STATUS_PAGECACHE_OVERFLOW, &before, &most, 1), SQLITE_OK);
	assert_int_equal(store_begin(k->store), 0);
	for (uint64_t n = 1; n <= 20000; n++) {
		kit_fill(&ev, "executor", n);
		assert_int_equal(kit_put(k, LANE_X, &ev), 0);
	}
	assert_int_equal(store_commit(k->store), 0);
	assert_int_equal(sqlite3_status(SQLITE_STATUS_PAGECACHE_USED, &used, &most, 0), SQLITE_OK);
	assert_true(most > 900);
	assert_int_equal(sqlite3_status(SQLITE_STATUS_PAGECACHE_OVERFLOW, &spilled, &most, 0), SQLITE_OK);
	assert_int_equal(most, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_cache_lies_in_what_was_reserved, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(each_record_once_however_often_it_comes, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(checkpoint_stands_and_falls_with_its_records, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(every_kind_of_event_has_its_row, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_database_of_before_grows_with_its_events, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(text_is_data, kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(a_locked_database_is_an_error_and_nothing_else, kit_setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(a_database_that_cannot_be_written_is_not_opened, kit_setup,
						kit_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_told_apart_and_moved_aside, kit_setup, kit_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
