/* backfill - klines and trades of a venue's past into the history file: in pages, resumed, verified.
 *
 * A page and the progress it makes are one transaction, so that a run that was killed goes on where it was. After the
 * last page klines are verified: each hole is asked for again, and what the venue does not have is on record as its
 * outage. Trades are verified by their ids.
 */
#ifndef NJ_TOOLS_NJ_BACKFILL_H
#define NJ_TOOLS_NJ_BACKFILL_H

#include "services/persister/store_history.h"
#include "tools/nj/asker.h"

struct backfill_result {
	uint64_t rows, fresh;            /* that came; of those, new to the file */
	uint64_t outages;                /* stretches that the venue does not have */
	int64_t outage_ns, first_outage; /* first: of what files leave out */
	uint64_t missing;                /* trades whose ids lie between and that the venue did not give */
	int64_t from, to;
};

struct backfill {
	struct asker *asker;
	struct history *history;
	struct venue_market market;
	const char *interval; /* of klines */
	uint32_t rows;        /* a page; 0: what the venue gives */
	int64_t from, to;     /* ns, venue time; what has not closed at `to` is left out */
	int64_t settled;      /* likewise: a kline that closes later the venue may not have yet; 0: whenever */
	/* How far: of from .. to; may be NULL. */
	void (*progress)(void *ctx, const struct backfill *b, int64_t at);
	void *ctx;
	struct backfill_result result;
	int err;
	bool writing; /* a transaction is open */
	/* of the page under way */
	uint64_t page;
	int64_t page_first, page_last;
	uint64_t id_first, id_last, id_begin, id_due; /* id_due: no trade that comes next has a lower one */
	uint64_t id_end; /* the first trade at `to` or behind it; 0: none */
};

/* Scales of the market as the venue describes it, and where its data is from: first. ERR_NOT_FOUND: it has no such. */
int backfill_describe(struct backfill *b);
int backfill_klines(struct backfill *b);

struct backfill_holes {
	uint64_t n;
	int64_t ns, first; /* how long all are; where the first begins, 0: none */
};

/* What a series has neither klines of nor an outage on record, within [from, to): looked at, nothing is asked for. */
int backfill_count_holes(struct history *h, const struct history_series *s, const int64_t range[2],
			 struct backfill_holes *ret_holes);
int backfill_trades(struct backfill *b); /* ERR_REFUSED: the venue has none by id or by time */

#endif
