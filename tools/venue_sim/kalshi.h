/* kalshi - the parts of the Kalshi dialect.
 *
 * Facts: docs.kalshi.com, asyncapi and trade-api v2 of 2026, and recorded frames: a subscription (sid) is
 * one channel of a connection, and its sequence counts over all of its markets, with the answers that change
 * it; a change is a quantity to add; a side without levels is absent; the venue pings with "heartbeat"; the
 * handshake carries an RSA-PSS signature of timestamp, "GET" and path.
 *
 * Streams are named CHANNEL/TICKER. Books are folded on the scale of YES: a bid for NO at p is an ask at 1 - p.
 */
#ifndef NJ_SIM_KALSHI_H
#define NJ_SIM_KALSHI_H

#include "common/base/json.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/fold.h"

#define KALSHI_PRICE_DIGITS 4
#define KALSHI_QTY_DIGITS 2

enum kalshi_channel { KALSHI_BOOK, KALSHI_TRADE, KALSHI_TICKER, KALSHI_CHANNELS };

extern const char *const kalshi_channel_names[KALSHI_CHANNELS];

/* kalshi_read */
struct kalshi_frame {
	struct json_str type, msg, seq;
	struct json_str ticker;      /* msg.market_ticker */
	enum kalshi_channel channel; /* KALSHI_CHANNELS: none of them */
};
bool kalshi_parse(struct text raw, struct kalshi_frame *ret_frame);
bool kalshi_line(struct feed_line *line, char name[STREAM_NAME_MAX]);
bool kalshi_frame_facts(const struct feed_line *line, struct frame_facts *ret_facts);
bool kalshi_reply(const struct feed_line *line, struct reply_facts *ret_facts);
void kalshi_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx);
int kalshi_fold(struct fold *f, const struct feed_line *line);
int kalshi_index(struct sim *sim);
/* One dollar at this scale. */
int64_t kalshi_dollar(const struct rec_symbol *about);
/* "yes_dollars_fp":[[price,qty]…] of the folded book, the best last, led by `lead`; false and nothing where
 * the side is empty. */
bool kalshi_print_side(struct buf *out, const struct fold_symbol *s, bool no, const char *key, const char *lead);

/* kalshi_tell */
int kalshi_tell_trade(struct buf *out, const struct market_spec *s, const struct fill *t, int64_t now);
int kalshi_tell_diff(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now);
int kalshi_tell_snapshot(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now);
/* "2026-08-05T11:45:36.564039Z" */
void kalshi_time(int64_t ns, char out[32]);

/* kalshi_ws */
int kalshi_ws_open(struct session *s, const struct request *r);
void kalshi_ws_text(struct session *s, struct text message);
int kalshi_render(struct session *s, const struct feed_line *line, struct buf *out);
int kalshi_spoil(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		 struct buf *out);

/* wallet_kalshi: what the dialect does where there is a customer (wallet.h), else what kalshi_ws does. */
int wallet_kalshi_open(struct session *s, const struct request *r);
void wallet_kalshi_text(struct session *s, struct text message);
/* GET of what is below portfolio/. */
void wallet_kalshi_rest(struct sim *sim, const struct request *r, struct text path, struct reply *reply);
int wallet_kalshi_tell(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out);

/* kalshi_rest */
void kalshi_rest(struct sim *sim, const struct request *r, struct reply *ret_reply);
void kalshi_refuse(struct reply *reply, int status, int64_t retry_after_s);
/* A refusal in the venue's form; code and why are ours. */
void kalshi_fail(struct reply *reply, int status, const char *code, const char *why);

/* kalshi_candles */
void kalshi_candles(struct sim *sim, const struct request *r, struct reply *reply);

/* kalshi_sign: is the handshake or request signed with the private part of this PEM's key? */
bool kalshi_signed(const char *public_key_path, const struct request *r);

#endif
