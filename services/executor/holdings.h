/* holdings - whose the positions are: what each strategy's fills add up to, by instrument.
 *
 * The account has one position an instrument; this is the split of it. Quantities are at CASH_SCALE, so
 * that an instrument's new scales do not touch them. What `closing` says is still to be closed by a flatten.
 */
#ifndef NJ_EXECUTOR_HOLDINGS_H
#define NJ_EXECUTOR_HOLDINGS_H

#include "services/executor/market.h"
#include "services/executor/money.h"
#include "services/executor/orders.h"

#define HOLDINGS_MAX 1024 /* strategies times instruments that are not flat; beyond: not told apart */

struct holding {
	char strategy[EVENT_NAME_MAX];
	struct market *market;
	int64_t qty;     /* base, not 0 */
	int64_t closing; /* of it, same sign; 0: stays */
	int64_t try_at;  /* where closing: event time of the next order */
};

struct holdings {
	struct holding at[HOLDINGS_MAX];
	uint32_t n;
	uint64_t full; /* fills that had no row */
};

/* A fill of the strategy moved its holding by so much. */
void holdings_add(struct holdings *h, const char *strategy, struct market *m, int64_t qty);

int64_t holdings_of(const struct holdings *h, const char *strategy, const struct market *m); /* 0: nothing */

/* Gives what no row accounts for (rows that were full, state of before there were rows) to `strategy`, so that the rows
 * of a market add up to its position again. */
void holdings_complete(struct holdings *h, const struct markets *ms, const char *strategy);

/* What the order's strategy holds there that the order's side makes smaller, at the instrument's scale. */
int64_t holdings_reducible(const struct holdings *h, const struct order *o);

uint32_t holdings_closing(const struct holdings *h); /* rows */

void holdings_save(const struct holdings *h, struct packer *p);
int holdings_load(struct holdings *h, const struct markets *ms, struct unpacker *u); /* ERR_CORRUPT */

#endif
