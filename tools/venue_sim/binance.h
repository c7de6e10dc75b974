/* binance - the parts of the Binance dialects, one file each: spot, and futures where they differ.
 *
 * Protocol facts: binance-spot-api-docs, web-socket-streams.md and rest-api.md; for USD-M futures the
 * notice of 2026 about routed streams, and recorded frames.
 */
#ifndef NJ_SIM_BINANCE_H
#define NJ_SIM_BINANCE_H

#include "common/base/json.h"
#include "tools/venue_sim/desk.h"
#include "tools/venue_sim/dialect.h"
#include "tools/venue_sim/fold.h"

#define BINANCE_DIGITS 8 /* decimals of every number that spot writes */

/* binance_read */
bool binance_line(struct feed_line *line, char name[STREAM_NAME_MAX]);
bool binance_frame(const struct feed_line *line, struct frame_facts *ret_facts);
bool binance_reply(const struct feed_line *line, struct reply_facts *ret_facts);
void binance_numbers(const struct feed_line *line, dialect_number_fn fn, void *ctx);

/* binance_fold */
int binance_fold(struct fold *f, const struct feed_line *line);
/* Calls fn for each [price, qty] of the value at j; ERR_ values of fn end it. False where it is no
 * list of levels. */
typedef int (*binance_level_fn)(void *ctx, struct text price, struct text qty);
bool binance_levels(struct json *j, binance_level_fn fn, void *ctx);

/* binance_tell */
int binance_tell_trade(struct buf *out, const struct market_spec *s, const struct fill *t,
		       int64_t now);
int binance_tell_agg_trade(struct buf *out, const struct market_spec *s, const struct fill *t,
			   int64_t now);
int binance_tell_top(struct buf *out, const struct market_spec *s, const struct quotes *q);
int binance_tell_diff(struct buf *out, const struct market_spec *s, const struct quotes *q,
		      int64_t now);
int binance_tell_kline(struct buf *out, const struct market_spec *s, const struct market_kline *k,
		       int64_t now, bool closed);
int binance_tell_snapshot(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now);
/* Futures: with pu and T, E and T. */
int binance_tell_chained(struct buf *out, const struct market_spec *s, const struct quotes *q, int64_t now);
int binance_tell_timed_top(struct buf *out, const struct market_spec *s, const struct quotes *q);
int binance_tell_futures_url(struct buf *out, const struct market_spec *s);
int binance_tell_snapshot_url(struct buf *out, const struct market_spec *s);
int binance_tell_shutdown(struct buf *out, bool combined, int64_t now);
/* "12.30000000": value at scale, filled up to `digits` decimals. */
int binance_tell_number(struct buf *out, fixed_wide value, int scale, int digits);

/* binance_info: exchangeInfo, recorded or derived, filtered by a list of symbols (n 0: all). */
int binance_index(struct sim *sim);
int binance_info(struct sim *sim, const struct text *symbols, unsigned n, struct reply *r);
void binance_weight_limit(struct text info, int64_t *ret_limit);
/* Does the venue list it? In exchangeInfo where there is one, else in what was recorded. */
bool binance_lists(const struct sim *sim, struct text symbol);

/* binance_market, binance_klines: the market data of REST. */
void binance_depth(struct sim *sim, const struct request *r, struct text symbol,
		   struct reply *ret_reply);
void binance_trades(struct sim *sim, const struct request *r, struct text symbol,
		    struct reply *ret_reply);
void binance_klines(struct sim *sim, const struct request *r, struct text symbol,
		    struct reply *ret_reply);

/* binance_rest */
void binance_rest(struct sim *sim, const struct request *r, struct reply *ret_reply);
void binance_refuse(struct reply *reply, int status, int64_t retry_after_s);
void binance_error(struct reply *r, int status, int code, const char *msg);
/* Counts a request's weight; false where it is refused. */
bool binance_pay(struct sim *sim, const struct request *r, int64_t weight, struct reply *reply);

/* The assets of a listed symbol, as exchangeInfo has them. */
void binance_assets(const struct sim *sim, struct text symbol, char base[16], char quote[16]);

/* desk_tell: the customer's orders (desk.h) as they are told. desk_binance_open: ERR_NOMEM. */
enum desk_form { DESK_ACKNOWLEDGED, DESK_PLACED, DESK_CANCELLED, DESK_QUERIED };
struct desk_binance_type {
	const char *name;
	bool timed; /* it has a time in force */
};
extern const struct desk_binance_type desk_binance_types[DESK_TYPES];
extern const char *const desk_binance_tifs[], *const desk_binance_sides[];
int desk_binance_open(struct sim *sim);
void desk_binance_tell(const struct desk_order *o, enum desk_form form, struct buf *out);
void desk_binance_tell_fills(const struct desk *d, const struct desk_order *o, struct buf *out); /* a member */
void desk_binance_tell_trade(const struct desk_trade *t, struct buf *out);
int64_t desk_binance_now(const struct sim *sim); /* ms, as the venue has it */

/* desk_binance: their endpoints. False: the path is none of its endpoints. */
bool desk_binance_rest(struct sim *sim, const struct request *r, struct reply *reply);
/* Carries out what was checked. */
void desk_binance_do(struct sim *sim, const struct request *r, struct reply *reply);
void desk_binance_line(struct sim *sim, const struct feed_line *line); /* was folded */

/* binance_ws */
int binance_ws_open(struct session *s, const struct request *r);
/* The same behind a base that the path has begun with. */
int binance_ws_open_at(struct session *s, const struct request *r, struct text path);
void binance_ws_text(struct session *s, struct text message);

#endif
