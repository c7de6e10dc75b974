/* market - what the executor knows of one instrument: filters, book, trust, position.
 *
 * Displayed quantity that we took stays taken until the venue renews its level: a paper order does
 * not remove anything from the venue's book, so without that memory two orders would eat the same
 * quantity.
 */
#ifndef NJ_EXECUTOR_MARKET_H
#define NJ_EXECUTOR_MARKET_H

#include <stdbool.h>

#include "common/base/strmap.h"
#include "common/venue/book.h"
#include "proto/codec.h"
#include "services/executor/fees.h"
#include "services/executor/exposure.h"
#include "services/executor/guard.h"
#include "services/executor/loud.h"
#include "services/executor/margin.h"
#include "services/executor/mark.h"
#include "services/executor/position.h"

#define MARKET_NO_QUOTE UINT8_MAX /* the account does not trade what is paid in that */
#define MARKET_TAKEN_MAX 512 /* levels a side remembered as partly ours; beyond: no more taking */

struct taken {
	struct level at[MARKET_TAKEN_MAX]; /* price, quantity we took of it; unordered */
	uint32_t n;
};

/* band.c: what was traded in the last minutes, in slices of them; slice k at k % BAND_SLICES. */
#define BAND_SLICES 30

struct band_mean {
	int64_t width;  /* ns; 0: nobody asks for a mean */
	int64_t newest; /* number of the newest slice, from the beginning of time */
	struct band_slice {
		fixed_wide cash; /* price times quantity, at the market's scales */
		int64_t qty;
	} at[BAND_SLICES];
};

struct perpetual { /* perpetual.h */
	const struct margin *terms; /* borrowed from the settings */
	int64_t margin;             /* of the quote asset's lock: what is set aside for the position */
	int64_t funding;            /* received since the account was opened; negative: paid */
};

struct market {
	struct ev_instrument def;  /* as announced; all zero until `known` */
	char other[EVENT_NAME_MAX]; /* asset of the other outcome (outcome.h) */
	int64_t notional_min, notional_max; /* CASH_SCALE; 0 no limit */
	struct book book;
	struct taken *taken;       /* owned: [0] bids, [1] asks */
	int64_t updated_at;        /* ts_recv of the last word about the book */
	int64_t shown_at;          /* ts_event of what it shows: the venue's time, where it tells one */
	int64_t mark;              /* bid + ask (twice the mid) of the last trusted book; 0 none */
	struct position position;
	int64_t dust;              /* base taken as commission, less than one unit of quantity: CASH_SCALE (remote.h) */
	struct fees fees;          /* what it charges */
	struct exposure exposure;  /* scratch of one check (risk.c) */
	struct guard_market guard; /* what losses have done here */
	struct marks marks;
	struct perpetual perpetual; /* all 0 where it is none */
	struct loud_takeover taken_over; /* the last liquidation here */
	int64_t last;              /* price of the last trade while the book was usable; 0 none since then */
	int64_t seen_at;           /* event time at which its book was last usable */
	uint32_t resting;          /* our open orders here */
	uint32_t waiting;          /* of them: for their trigger */
	uint8_t quote;             /* slot of what it is paid in (quotes.h), or MARKET_NO_QUOTE */
	struct band_mean mean;     /* of its trades, where its price band wants one */
	uint8_t state;             /* enum book_state, as the collector says */
	char source[EVENT_SOURCE_MAX]; /* the publisher that speaks of it; "" not heard yet */
	bool known;                /* announced */
	bool has_book;             /* a snapshot arrived since the book was last lost */
	bool foreign;              /* another origin spoke; until a snapshot of the right one */
};

struct markets {
	struct strmap map; /* symbol text to struct market; values never move */
	uint32_t levels;   /* capacity of a book's side */
	uint32_t margined;            /* how many perpetuals are known */
	const struct fee_table *fees; /* borrowed: what each market charges */
	const struct margin_table *margins; /* borrowed: what their positions need */
};

/* Is it a perpetual, of which nothing is delivered? */
static inline bool market_margined(const struct market *m)
{
	return m->def.kind == instrument_kind_perpetual;
}

/* Quantities at its scale cut down to whole lots; at market the venue's filter for such orders counts, too. */
static inline int64_t market_whole_lots(const struct market *m, int64_t qty, bool at_market)
{
	const struct ev_instrument *d = &m->def;
	int64_t step = at_market && d->market_lot_size > d->lot_size ? d->market_lot_size : d->lot_size;
	return step > 1 ? qty - qty % step : qty;
}

int markets_init(struct markets *ms, uint32_t markets_max, uint32_t levels); /* ERR_NOMEM */
void markets_fini(struct markets *ms);
/* NULL where unknown, NULL where full. */
struct market *markets_get(const struct markets *ms, const struct symbol *s);
struct market *markets_put(struct markets *ms, const struct symbol *s);
uint32_t markets_count(const struct markets *ms);
struct market *markets_at(const struct markets *ms, uint32_t i);

/* Takes an announcement. ERR_RANGE: it makes no sense or its numbers do not fit; ERR_DIFFERS: a
 * known instrument has other assets; ERR_NOMEM. Where its scales change, the book is dropped and
 * the position carried over (ERR_INEXACT: it cannot). */
int markets_define(struct markets *ms, struct market *m, const struct ev_instrument *d);
bool market_scales_differ(const struct market *m, const struct ev_instrument *d);
bool market_nature_differs(const struct market *m, const struct ev_instrument *d);

/* Book events at `at` (ts_recv). ERR_TYPE: other scales than announced, ERR_RANGE: negative
 * numbers; the book is given up then. A delta without a book is ERR_AGAIN. */
int market_on_snapshot(struct market *m, int64_t at, const struct ev_book_snapshot *s);
int market_on_delta(struct market *m, int64_t at, const struct ev_book_delta *d);
void market_on_state(struct market *m, int64_t at, const struct ev_book_state *s);

/* Book events were missed: nothing is known until the next snapshot. */
void market_lose_book(struct market *m);

/* Why nothing may be traded against this book as of now, or reject_none. */
enum reject market_usable(const struct market *m, int64_t now, int64_t stale_ns);

/* Displayed quantity of a level that we have not taken yet. */
int64_t market_left(const struct market *m, enum side side, const struct level *l);
/* Is there room to remember so many further levels? */
bool market_can_take(const struct market *m, enum side side, uint32_t levels);
void market_take(struct market *m, enum side side, int64_t price, int64_t qty);

/* Best bid + best ask; 0 where a side is empty. */
int64_t market_twice_mid(const struct market *m);

void markets_save(const struct markets *ms, struct packer *p);
int markets_load(struct markets *ms, struct unpacker *u);
/* Their publishers: a part of their own, behind the markets. */
void markets_save_sources(const struct markets *ms, struct packer *p);
int markets_load_sources(struct markets *ms, struct unpacker *u);

#endif
