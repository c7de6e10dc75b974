/* bybit - the parts of the Bybit v5 dialects; the spot and the linear market differ in little.
 *
 * Facts: bybit-exchange.github.io/docs/v5 of 2026 and recorded frames: acknowledgements carry "" on the
 * linear and "subscribe" on the spot market, whose requests name ten topics at most; a subscription to an
 * orderbook begins with a snapshot; the server never pings, and cuts who has been idle for ten minutes.
 */
#ifndef NJ_SIM_BYBIT_H
#define NJ_SIM_BYBIT_H

#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/fold.h"

#define BYBIT_LEVELS 200 /* of the generated market's books, a side */

/* bybit_read; a frame is of a market if it came from a connection to it, or from nobody knows where. */
bool bybit_line_spot(struct feed_line *line, char name[STREAM_NAME_MAX]);
bool bybit_line_linear(struct feed_line *line, char name[STREAM_NAME_MAX]);
bool bybit_frame(const struct feed_line *line, struct frame_facts *ret_facts);
bool bybit_reply_spot(const struct feed_line *line, struct reply_facts *ret_facts);
bool bybit_reply_linear(const struct feed_line *line, struct reply_facts *ret_facts);
void bybit_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx);
int bybit_fold(struct fold *f, const struct feed_line *line);
int bybit_index(struct sim *sim);
/* The topic's symbol: what stands behind its last dot. */
struct text bybit_symbol(struct text topic);
/* First decimal that follows "name": in the text, 0 where there is none; where it stands. */
uint64_t bybit_number(struct text data, const char *name, struct text *ret_at);

/* bybit_tell */
int bybit_tell_trade(struct buf *out, const struct market_spec *s, const struct fill *t, int64_t now);
int bybit_tell_top(struct buf *out, const struct market_spec *s, const struct quotes *q);
int bybit_tell_diff(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now);
int bybit_tell_kline(struct buf *out, const struct market_spec *s, const struct market_kline *k, int64_t now,
		     bool closed);
int bybit_tell_snapshot(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now);

/* bybit_ws */
int bybit_ws_open_spot(struct session *s, const struct request *r);
int bybit_ws_open_linear(struct session *s, const struct request *r);
void bybit_ws_text(struct session *s, struct text message);
int bybit_render(struct session *s, const struct feed_line *line, struct buf *out);
int bybit_spoil(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		struct buf *out);

/* bybit_rest */
void bybit_rest(struct sim *sim, const struct request *r, struct reply *ret_reply);
void bybit_refuse(struct reply *reply, int status, int64_t retry_after_s);

/* What the dialects of both markets have alike. */
#define BYBIT_DIALECT                                                                                                  \
	.frame = bybit_frame, .numbers = bybit_numbers, .fold = bybit_fold, .tell_trade = bybit_tell_trade,            \
	.tell_top = bybit_tell_top, .tell_diff = bybit_tell_diff, .tell_kline = bybit_tell_kline,                      \
	.tell_snapshot = bybit_tell_snapshot, .rest = bybit_rest, .refuse = bybit_refuse, .index_info = bybit_index,   \
	.ws_text = bybit_ws_text, .render = bybit_render, .spoil = bybit_spoil, .symbols = "BTCUSDT,ETHUSDT",          \
	.snapshot_in_stream = true, .bare = true, .never_pings = true, .idle_ns = 600 * NS_PER_S,                      \
	.streams_max = 2000, .weight_a_minute = 7200 /* 600 requests in 5 s */

#endif
