/* checks - what an intent must pass before it becomes an order, each with its typed refusal.
 *
 * In this order: duplicate (orders_note), checks_admission (instrument, fields, state of trading,
 * origin), expiry, checks_filters (trading, tick, lot, quantity, notional, price range), then
 * taker.c: book, notional of market orders, number of open orders, balance. The first that fails is
 * the answer.
 */
#ifndef NJ_EXECUTOR_CHECKS_H
#define NJ_EXECUTOR_CHECKS_H

#include "services/executor/executor.h"

/* Its fields alone, and that the account can pay for it. */
enum reject checks_sound(const struct executor *x, const struct event *ev, const struct market *m);
enum reject checks_admission(const struct executor *x, const struct event *ev, struct market *m);
bool checks_expired(const struct executor *x, int64_t now, const struct event *ev);

/* Fills in price and quantity of the order at the instrument's scales. */
enum reject checks_filters(const struct ev_intent *in, struct order *o);

/* Notional limits at this price. */
enum reject checks_notional(const struct order *o, int64_t price);

#endif
