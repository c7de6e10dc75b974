/* store_history - klines and trades of the past in a SQLite file of their own, and how far each fetch has come.
 *
 * Tables are STRICT: klines, trades, outages (stretches that the venue itself does not have), progress. What a page
 * brought and the progress it made are one transaction: killed at any time, a fetch goes on where it was, and a row
 * that is there already stays as it is. Prices and quantities are integers beside their scale, times ns.
 * A file beside the persister's own database: two writers would wait for each other.
 */
#ifndef NJ_PERSISTER_STORE_HISTORY_H
#define NJ_PERSISTER_STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/event.h"

struct history;

/* Opens or makes it. ERR_IO, ERR_CORRUPT, ERR_NOMEM; reason is filled. */
int history_open(const char *path, struct history **ret_history, char *reason, size_t cap);
void history_close(struct history *h); /* what was not committed is lost; NULL is fine */

/* Errors of all: ERR_BUSY (another writer for longer than 10 s), ERR_NO_SPACE, ERR_CORRUPT, ERR_IO. */
int history_begin(struct history *h);
int history_commit(struct history *h);
void history_rollback(struct history *h);

int history_put_kline(struct history *h, uint8_t origin, const struct ev_candle *c, bool *ret_new);
int history_put_trade(struct history *h, uint8_t origin, const struct ev_trade *t, int64_t at, bool *ret_new);

/* One series of klines. */
struct history_series {
	uint8_t origin;
	const char *instrument, *interval;
};
int history_put_outage(struct history *h, const struct history_series *s, int64_t from, int64_t to);

/* Calls fn with what is there of a series within [from, to), rising: open times of klines, and outages (to > from). */
typedef int history_fn(void *ctx, int64_t from, int64_t to); /* to 0: a kline; what is not 0 ends the walk */
int history_walk(struct history *h, const struct history_series *s, const int64_t range[2], history_fn *fn, void *ctx);
/* How many trades of an instrument there are with ids in [from, to]. */
int history_count_trades(struct history *h, const struct history_series *s, const uint64_t range[2], uint64_t *ret_n);

/* How far a job has come, which begins at `from`, or before it: the furthest of those. ERR_NOT_FOUND. */
int history_progress(struct history *h, const char *job, int64_t from, int64_t *ret_next);
int history_set_progress(struct history *h, const char *job, int64_t from, int64_t next);

#endif
