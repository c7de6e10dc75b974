/* store - the SQLite database: raw lane-X records, a table for each kind of event, a checkpoint for each input.
 *
 * Tables are STRICT and made from the event rows (tables.def); WAL, synchronous=FULL. Everything of one batch is one
 * transaction, the checkpoints included: a record is there exactly once, whatever is killed when. Prices, quantities
 * and money are integers beside their scale; a view NAME_v beside each table shows them as numbers for people.
 * One thread uses a store at a time.
 */
#ifndef NJ_PERSISTER_STORE_H
#define NJ_PERSISTER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/codec.h"

struct store;

struct store_cursor {
	uint64_t epoch, seq; /* lane X: last record stored */
	int64_t stamp;       /* lane M: its ts_recv */
};

/* Opens or makes the database. ERR_CORRUPT: the file is damaged (store_quarantine moves it aside);
 * ERR_REFUSED: it cannot be written. reason is filled. */
int store_open(const char *path, struct store **ret_store, char *reason, size_t cap);
void store_close(struct store *s);

/* Renames the database and its WAL to NAME.corrupt-<n>; ERR_IO. */
int store_quarantine(const char *path, char *ret_name, size_t cap);

/* Last record stored of a lane of a publisher; ERR_NOT_FOUND. */
int store_cursor(struct store *s, const char *publisher, enum lane lane, struct store_cursor *ret_cursor);

/* One transaction: begin, put…, commit. Errors: ERR_BUSY (locked: try again), ERR_NO_SPACE, ERR_CORRUPT, ERR_IO. After
 * an error the transaction is rolled back and all of it must be offered again. */
int store_begin(struct store *s);
/* A record as it was published. Lane X: raw and its row; lane M (candles): its row. A record stored before is ignored.
 */
int store_put(struct store *s, enum lane lane, const char *topic, const struct event *ev, const uint8_t *bytes,
	      size_t len);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* Text of the last error of SQLite. */
const char *store_error(const struct store *s);

struct store_counters {
	uint64_t records, rows, duplicates, commits;
};
struct store_counters store_counters(const struct store *s);

#endif
