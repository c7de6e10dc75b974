/* mark - what things are worth: the price that an account is valued at, and the one that its margins are judged by.
 *
 *              executor.mark   a position is valued at
 *              mid             the mid of the last trusted book
 *              side            the price at which it could be closed: a long at the bid, a short at the ask
 *              last            the last trade that was seen while the book could be used
 *              mark            the venue's mark price, where it has one; else the mid
 *
 * Margins, liquidations and fundings go by the venue's mark price. Where the book has gone on for MARK_FRESH_NS without
 * one, its mid takes its place: so a perpetual whose marks are not subscribed to is judged by its book.
 */
#ifndef NJ_EXECUTOR_MARK_H
#define NJ_EXECUTOR_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/codec.h"
#include "proto/event.h"

#define MARK_FRESH_NS INT64_C(60000000000)

enum mark_kind {
	MARK_MID,
	MARK_SIDE,
	MARK_LAST,
	MARK_VENUE,
	MARK_KINDS,
};

struct executor;
struct market;

struct marks { /* of one market */
	int64_t bid, ask;   /* of the last trusted book, at the instrument's scale; 0 none */
	int64_t traded;     /* the last trade's price; 0 none */
	int64_t price;      /* the venue's mark price; 0 none */
	int64_t at;         /* when it was heard */
	int64_t rate;       /* of the next funding, MARK_RATE_SCALE */
	int64_t funding_at; /* event time; 0 none */
	uint8_t scale;      /* of price */
};

#define MARK_RATE_SCALE 10

struct mark {
	int64_t twice; /* the price, doubled, so that a mid between two ticks is exact; 0: none is known */
	uint8_t scale;
};

const char *mark_name(enum mark_kind kind);
enum mark_kind mark_find(const char *name);

/* What so much (positive: held, negative: owed) is valued at, and whether that is of now. */
struct mark mark_stated(const struct executor *x, const struct market *m, bool owed);
bool mark_stands(const struct executor *x, const struct market *m, int64_t now);

/* What margins are judged by. */
struct mark mark_judged(const struct market *m, int64_t now);
bool mark_heard(const struct market *m, int64_t now);

/* Value at CASH_SCALE, half to even; a value that does not fit stays at the end of the range. */
int64_t mark_value(int64_t qty, int qty_scale, struct mark mark);

/* The price itself, at the scale that holds it. */
void mark_price(struct mark mark, int64_t *ret_price, uint8_t *ret_scale);
/* At another scale, up or down where digits are lost; 1 at least. */
int64_t mark_rounded(struct mark mark, uint8_t scale, bool up);
/* Twice the venue's mark price at the instrument's scale, half to even; 0: none was heard. */
int64_t mark_twice(const struct market *m);

/* An event of the venue. ERR_RANGE: it makes no sense. */
int mark_on_event(struct market *m, int64_t now, const struct ev_mark *e);

void mark_save(const struct executor *x, struct packer *p);
int mark_load(struct executor *x, struct unpacker *u);

#endif
