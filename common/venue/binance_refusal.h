/* binance_refusal - what Binance spot's answers other than 200 mean: refused, absent, or nobody knows. */
#ifndef NJ_VENUE_BINANCE_REFUSAL_H
#define NJ_VENUE_BINANCE_REFUSAL_H

#include "common/venue/venue_orders.h"

/* Fills kind, refusal, reject, code and words of a row that is zeroed. */
void binance_refusal(enum venue_orders_ask ask, int status, struct json_str body, struct venue_orders_row *row);

/* enum reject of the venue's words for why an order was refused, rejected or has expired; 0: none of ours. */
uint8_t binance_reject_of(const char *words);

#endif
