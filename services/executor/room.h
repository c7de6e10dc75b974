/* room - how many orders, and how much of the base, a venue lets an account have in one instrument.
 *
 * Binance's MAX_NUM_ORDERS, MAX_NUM_ALGO_ORDERS and MAX_POSITION (binance-spot-api-docs, filters.md; futures:
 * exchangeInfo). Counted is what would be open there: a bracket's exits from their entry's fills on, and then they are
 * never refused for it. A live account's orders wait for their triggers here, so only those that were sent count.
 */
#ifndef NJ_EXECUTOR_ROOM_H
#define NJ_EXECUTOR_ROOM_H

#include "services/executor/executor.h"

/* An order that is new: limit_orders, limit_triggers. */
enum reject room_for_orders(const struct executor *x, const struct order *o);

/* What is held of the base, what open purchases may add, and this one: max_position. An order that is open already is
 * not counted twice. */
enum reject room_for_position(const struct executor *x, const struct order *o);

#endif
