/* dialect - what differs from venue to venue: how frames read, and how clients talk to it.
 *
 * A further venue is one more file of this table. Everything else here knows streams by their names
 * and lines by their stamps only.
 */
#ifndef NJ_SIM_DIALECT_H
#define NJ_SIM_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "tools/venue_sim/crowd.h"
#include "tools/venue_sim/http_parse.h"
#include "tools/venue_sim/market.h"
#include "tools/venue_sim/reply.h"

struct feed_line;
struct fold;
struct session;
struct sim;

enum frame_kind { FRAME_OTHER, FRAME_DEPTH, FRAME_TOP, FRAME_TRADE, FRAME_AGG_TRADE, FRAME_KLINE };

struct frame_facts {
	enum frame_kind kind;
	struct text symbol;         /* as in the frame */
	uint64_t first_id, last_id; /* 0: it has none */
};

enum reply_kind { REPLY_OTHER, REPLY_DEPTH, REPLY_INFO };

struct reply_facts {
	enum reply_kind kind;
	struct text symbol; /* of the url; empty where the recording has none */
	uint64_t last_id;   /* depth */
	int64_t limit;      /* depth: levels that were asked for; 0 unknown */
};

/* A price and a quantity as text, of whatever a frame or reply holds. */
typedef void (*dialect_number_fn)(void *ctx, struct text price, struct text qty);

struct dialect {
	const char *name;

	/* Reading what was recorded. Early exits: nothing here checks a whole frame. */
	bool (*frame)(const struct feed_line *line, struct frame_facts *ret_facts);
	bool (*reply)(const struct feed_line *line, struct reply_facts *ret_facts);
	void (*numbers)(const struct feed_line *line, dialect_number_fn fn, void *ctx);
	/* Takes a line into the folded books and candles; ERR_ values are counted by the fold. */
	int (*fold)(struct fold *f, const struct feed_line *line);

	/* Telling the generated market: appends one combined-stream frame, or the reply. */
	int (*tell_trade)(struct buf *out, const struct market_spec *s, const struct fill *t,
			  int64_t now);
	int (*tell_agg_trade)(struct buf *out, const struct market_spec *s, const struct fill *t,
			      int64_t now);
	int (*tell_top)(struct buf *out, const struct market_spec *s, const struct quotes *q);
	int (*tell_diff)(struct buf *out, const struct market_spec *s, const struct quotes *q,
			 int64_t now);
	int (*tell_kline)(struct buf *out, const struct market_spec *s,
			  const struct market_kline *k, int64_t now, bool closed);
	int (*tell_snapshot)(struct buf *out, const struct market_spec *s, const struct quotes *q);
	int (*tell_snapshot_url)(struct buf *out, const struct market_spec *s);

	/* REST: fills the reply; status 0 holds it (asked again when the player moves). */
	void (*rest)(struct sim *sim, const struct request *r, struct reply *ret_reply);

	/* Indexes sim->info by symbol into sim->listed. */
	int (*index_info)(struct sim *sim);
	/* Request weight a minute as exchangeInfo says; left alone where it does not. */
	void (*weight_limit)(struct text info, int64_t *ret_limit);

	/* WebSocket: 0 and the streams of the URL subscribed, ERR_ARG: 404, ERR_FULL: 400. */
	int (*ws_open)(struct session *s, const struct request *r);
	void (*ws_text)(struct session *s, struct text message);
	/* Frames the venue makes of its own accord; combined or raw as the session asked. */
	int (*tell_shutdown)(struct buf *out, bool combined, int64_t now);

	unsigned messages_a_second; /* incoming frames of any kind; more ends the connection */
	unsigned streams_max;       /* of one connection */
	int64_t weight_a_minute;    /* where no exchangeInfo says otherwise */
};

extern const struct dialect dialect_binance_spot;

#endif
