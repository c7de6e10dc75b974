/* checks - what an intent must pass before it becomes an order, each with its typed refusal.
 *
 * In this order: duplicate (orders_note), checks_admission (instrument, fields, state of trading, origin), expiry,
 * checks_filters (trading, tick, lot, quantity, notional, price range and band), link.c (the legs' prices), room.c (the
 * venue's number of open orders), then taker.c and trigger.c: book, post-only, notional of orders at market, how far it
 * trails, the venue's largest position, reduce-only, risk, number of open orders, balance. The first that fails is the
 * answer.
 */
#ifndef NJ_EXECUTOR_CHECKS_H
#define NJ_EXECUTOR_CHECKS_H

#include "services/executor/executor.h"

/* Its fields alone, and that the account can pay for it. */
enum reject checks_sound(const struct event *ev, const struct market *m);
enum reject checks_admission(const struct executor *x, const struct event *ev, struct market *m);
bool checks_expired(const struct executor *x, int64_t now, const struct event *ev);

/* Fills in prices, quantity and amount of the order at the instrument's scales, and judges them. */
enum reject checks_filters(const struct ev_intent *in, int64_t now, struct order *o);

/* The same judgement of an order that has them: quantity, notional, price range, price band (band.h). */
enum reject checks_terms(const struct order *o, int64_t now);
/* A price brought to the instrument's scale, which it must fit; 0 is none. */
enum reject checks_price(const struct ev_instrument *d, int64_t price, uint8_t scale, int64_t *ret_price);
enum reject checks_qty(const struct order *o);
enum reject checks_range(const struct ev_instrument *d, int64_t price); /* 0: no price, no objection */

/* How far a trailing stop follows, where it begins at this price; 0: not known yet. */
enum reject checks_trail(const struct order *o, int64_t price);
/* Would the quantity of this intent at market do for an order with a limit price? Then what refuses it is the venue's
 * filter for orders at market. */
bool checks_only_at_market(const struct ev_instrument *d, const struct ev_intent *in);

/* Notional limits at this price. */
enum reject checks_notional(const struct order *o, int64_t price);

#endif
