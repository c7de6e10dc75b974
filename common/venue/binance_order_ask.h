/* binance_order_ask - what is asked of Binance spot about orders: its parameters, and which of our orders it has. */
#ifndef NJ_VENUE_BINANCE_ORDER_ASK_H
#define NJ_VENUE_BINANCE_ORDER_ASK_H

#include "common/venue/venue_orders.h"

#define BINANCE_ORDER_ID_MAX 36 /* characters of a client order id, of .A-Z:/a-z0-9_- */
#define BINANCE_TRADES_MAX 1000 /* in one reply to VENUE_ORDERS_FILLS */

/* takes and request of struct venue_orders. */
int binance_order_takes(const struct venue_order *o, const char **ret_why);
int binance_order_request(const struct venue_orders_question *q, struct buf *out, struct venue_orders_call *ret_call);

/* enum order_type of one of its types; 0 where it is none that we know. `trails`: it has a trailing distance. */
uint8_t binance_order_type(struct json_str name, bool trails, bool *ret_post_only);

#endif
