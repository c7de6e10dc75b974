/* trigger - orders that wait for a price: stops, profits, trailing stops.
 *
 * A trigger is compared with the last trade's price, the mid of the book or the venue's mark price (rounded to half a
 * unit of the instrument's price), as its order says, and only while the book is usable (trusted, fresh, not crossed,
 * of the account's origin): a blind market triggers nothing. What was missed meanwhile is missed; the next price seen
 * decides. Triggers live at the exchange: no order latency lies between a trigger and its order, which takes from the
 * book that exists at that instant.
 *
 *                            buy                  sell
 * stop_market, stop_limit    price >= trigger     price <= trigger
 * take_profit, ..._limit     price <= trigger     price >= trigger
 * trailing_stop              follows the lowest   follows the highest price seen since it was accepted, or since its
 *                            trigger was reached the way a take_profit's is; fires when the price has turned back from
 *                            there by `trail`, or by trail_bp ten-thousandths of it
 *
 * An order whose trigger is reached already is refused (would_trigger), as the venues do. The exits of a bracket are
 * not: they fire at once.
 *
 * Money: what waits with a limit price has its reserve locked, a sale its base; a purchase at market has no price yet,
 * and locks nothing before it fires. A stop that shares its quantity with a limit order (oco, bracket) leaves the lock
 * to that one.
 */
#ifndef NJ_EXECUTOR_TRIGGER_H
#define NJ_EXECUTOR_TRIGGER_H

#include "services/executor/executor.h"

/* A checked order begins to wait; the refusal, or reject_none where it was accepted. */
enum reject trigger_place(const struct step *s, struct order *o);

/* A leg begins to wait, or fires at once. It is not in the table, and locks nothing. */
void trigger_wait(const struct step *s, struct order *o);

/* Fires what a trade, or the book as it stands, has reached. */
void trigger_on_trade(const struct step *s, struct market *m, int64_t price);
void trigger_on_book(const struct step *s, struct market *m);
void trigger_on_mark(const struct step *s, struct market *m);

/* At which it would fill as far as can be told: its limit, its trigger, or the price now. */
int64_t trigger_likely_price(const struct order *o);

/* What a waiting order must have locked; ERR_RANGE. */
int trigger_reserve(struct executor *x, const struct order *o, int64_t *ret_amount);

/* Is its price at the trigger now, as far as it is known? */
bool trigger_reached(const struct order *o);

/* The last prices, as a part of the state. */
void trigger_save(const struct executor *x, struct packer *p);
int trigger_load(struct executor *x, struct unpacker *u);

#endif
