/* backfill_priv - what the files of backfill share. */
#ifndef NJ_TOOLS_NJ_BACKFILL_PRIV_H
#define NJ_TOOLS_NJ_BACKFILL_PRIV_H

#include "tools/nj/backfill.h"

#define BACKFILL_JOB_MAX 200

struct history_series backfill_series(const struct backfill *b);
void backfill_job(const struct backfill *b, const char *what, char out[BACKFILL_JOB_MAX]);
void backfill_tell(const struct backfill *b, int64_t at);

/* A transaction begins with the first thing to write: none is open while we wait for the venue. */
int backfill_write_begin(struct backfill *b);
int backfill_write_progress(struct backfill *b, const char *job, int64_t next);
int backfill_write_end(struct backfill *b, int rc); /* commits, or where rc is not 0 rolls back and returns it */

/* backfill_times.c: trades of a venue that has them by time. */
int backfill_trades_by_time(struct backfill *b);

#endif
