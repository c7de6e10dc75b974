/* own - records of our own journal, taken over one by one (own.c has what they mean; own_money.c the books). */
#ifndef NJ_EXECUTOR_OWN_H
#define NJ_EXECUTOR_OWN_H

#include "services/executor/executor.h"

/* A market that the account can trade; or could, when that was written. Else NULL. */
struct market *own_market(struct executor *x, const struct symbol *symbol);

/* What cannot be ours, or was booked before, is not taken over: what the account is worth is not guessed at. Orders
 * wait until people have looked (reset). */
void own_disbelieve(struct executor *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void own_fill(struct executor *x, int64_t at, const struct ev_fill *e);
void own_position(struct executor *x, const struct ev_position *e);
void own_funding(struct executor *x, const struct ev_funding *e);
void own_liquidated(struct executor *x, int64_t at, const struct ev_liquidated *e);
void own_balance(struct executor *x, const struct ev_balance *e);
void own_relock(struct executor *x); /* after each record: assets lock what positions and orders hold of them */

#endif
