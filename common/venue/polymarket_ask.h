/* polymarket_ask - what we send to Polymarket: subscriptions by token, requests for books and the catalogue. */
#ifndef NJ_VENUE_POLYMARKET_ASK_H
#define NJ_VENUE_POLYMARKET_ASK_H

#include "common/venue/venue.h"

#define POLYMARKET_STREAMS_MAX 500 /* tokens on one connection: said by clients, not by the documents */

/* The rows of struct venue with the same names. */
int polymarket_stream_path(const struct venue_feed *feed, struct buf *out);
int polymarket_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out);
int polymarket_stream_add(const struct venue_feed *feed, uint32_t nth, struct buf *out);
int polymarket_stream_drop(const struct venue_feed *feed, uint32_t nth, struct buf *out);
uint32_t polymarket_stream_count(const struct venue_feed *feed);
int polymarket_request(const struct venue_request *r, struct buf *out, uint32_t *ret_weight);

#endif
