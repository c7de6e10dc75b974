/* bybit - Bybit's v5 streams and REST replies, the same for its spot and linear markets. */
#ifndef NJ_VENUE_BYBIT_H
#define NJ_VENUE_BYBIT_H

#include "common/venue/venue.h"

#define BYBIT_STREAMS                                                                                                  \
	(VENUE_DEPTH_STREAM | VENUE_TRADE_STREAM | VENUE_TOP_STREAM | VENUE_KLINE_STREAM | VENUE_TICKER_STREAM)

#define BYBIT_SECOND 1000000000LL

/* Members of struct venue in which the markets are alike. */
#define BYBIT_VENUE                                                                                                    \
	.name = "BYBIT", .stream_hosts = bybit_stream_hosts, .rest_hosts = bybit_rest_hosts,                           \
	.kline_intervals = bybit_intervals, .snapshot_in_stream = true, .levels_roll = true, .streams_max = 1000,      \
	.messages_per_s = 10, .attempts_max = 500, .attempts_ns = 300 * BYBIT_SECOND,                                  \
	.pong_ns = 30 * BYBIT_SECOND, .silence_ns = 30 * BYBIT_SECOND,                                                 \
	.ping_text = "{\"op\":\"ping\"}", .ping_ns = 20 * BYBIT_SECOND, .weight_limit = 600,                           \
	.weight_ns = 5 * BYBIT_SECOND, .forbidden_ns = 600 * BYBIT_SECOND,                                             \
	.budget = {.left = "X-Bapi-Limit-Status", .of = "X-Bapi-Limit", .reset = "X-Bapi-Limit-Reset-Timestamp"},      \
	.stream_text = bybit_stream_text,                                                                              \
	.stream_count = bybit_stream_count, .stream_answers = bybit_stream_answers,                                    \
	.stream_again = bybit_stream_again, .decode = bybit_decode, .link = bybit_link

extern const char *const bybit_intervals[];
extern const char *const bybit_stream_hosts[], *const bybit_rest_hosts[];

/* As venue.h's members of these names; category is "spot" or "linear". */
int bybit_decode(const struct venue_input *in, struct venue_output *out);
int bybit_stream_text(const struct venue_feed *feed, uint32_t nth, struct buf *out);
uint32_t bybit_stream_count(const struct venue_feed *feed);
uint32_t bybit_stream_answers(const struct venue_feed *feed);
int bybit_stream_again(const struct venue_feed *feed, uint32_t nth, struct buf *out);
int bybit_request(const char *category, const struct venue_request *r, struct buf *out, uint32_t *ret_weight);
enum venue_link bybit_link(uint64_t book_id, bool fresh, const struct venue_depth *d);

#endif
