/* fold - what the lines so far add up to: a book, the last trades and candles for each symbol.
 *
 * On purpose not common/venue/book.c: the stack's own book is measured against the answers made
 * here. The ring and limits are generous and fixed.
 */
#ifndef NJ_SIM_FOLD_H
#define NJ_SIM_FOLD_H

#include "common/base/ring.h"
#include "tools/venue_sim/candles.h"
#include "tools/venue_sim/recording.h"

#define FOLD_LEVELS_MAX 32768 /* of one side */
#define FOLD_TRADES_KEPT 1000
#define FOLD_RECENT_BYTES ((size_t)1 << 20)

enum fold_side_name { FOLD_BID, FOLD_ASK };

struct fold_side {        /* ascending prices */
	struct quote *at; /* owned */
	uint32_t n, cap;
};

struct fold_book {
	struct fold_side side[2];
	uint64_t last_id;
	bool valid;          /* a snapshot came, and no gap since */
	bool fresh;          /* nothing has been applied to the snapshot yet */
	bool futures;        /* Binance's: an update names its predecessor */
	int64_t floor, ceil; /* prices outside are not completely known */
};

struct fold_trade {
	uint64_t id;
	int64_t price, qty, time_ms;
	bool taker_sold;
};

struct fold_seal { /* Polymarket: what a book's hash covers beside its levels, as the venue writes it */
	char timestamp[24], tick[16], last_trade[16];
};

struct fold_symbol {
	const struct rec_symbol *about;
	struct fold_book book;
	struct ring
		recent; /* raw depth diffs: a snapshot is older than the diffs that came with it */
	struct fold_trade trade[FOLD_TRADES_KEPT];
	uint32_t trade_at, trades; /* at: index of the newest */
	uint64_t traded;           /* since the beginning, kept or not */
	struct fold_seal seal;
	uint64_t seq; /* Bybit: beside the id of the newest update */
	struct candle_ring second, minute;
};

struct fold {
	const struct recording *rec;
	const struct dialect *dialect;
	struct strmap symbols; /* struct fold_symbol *, owned, by name */
	int64_t stamp;         /* of the newest line taken */
	uint64_t lines, bad, gaps;
};

int fold_init(struct fold *f, const struct recording *rec, const struct dialect *d); /* ERR_NOMEM */
void fold_fini(struct fold *f);
void fold_line(struct fold *f, const struct feed_line *line);

/* NULL where nothing of the symbol came yet. */
const struct fold_symbol *fold_find(const struct fold *f, struct text symbol);

/* For dialects. NULL: the source does not know it, or no memory. */
struct fold_symbol *fold_symbol(struct fold *f, struct text symbol);
void fold_book_clear(struct fold_book *b);
/* New total, 0 removes; ERR_FULL, ERR_NOMEM. */
int fold_book_put(struct fold_book *b, enum fold_side_name side, int64_t price, int64_t qty);
/* 0: no such level. */
int64_t fold_book_qty(const struct fold_book *b, enum fold_side_name side, int64_t price);
/* The book is complete only between its worst bid and its worst ask. */
void fold_book_limit(struct fold_book *b);
/* Keeps a diff for the snapshot that may follow; the oldest make room. */
void fold_recent_add(struct fold_symbol *s, struct text diff);
void fold_trade_add(struct fold_symbol *s, const struct fold_trade *t);

/* Best first. */
const struct quote *fold_book_at(const struct fold_book *b, enum fold_side_name side, uint32_t i);

#endif
