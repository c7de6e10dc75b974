/* dialect - what differs from venue to venue: how frames read, and how clients talk to it.
 *
 * A further venue is one more table. Everything else here knows streams by their names and lines by
 * their stamps only. What a table leaves NULL the venue does not have.
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
#include "tools/venue_sim/streams.h"

#define STREAM_EVERY "*" /* a line that every client gets who has subscribed to anything */

struct fault;
struct feed_line;
struct fold;
struct recording;
struct session;
struct sim;
struct wallet_asset;

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
	const char *name; /* of the registered venue with its suffix, "BINANCE-PERP" */
	const char *doc;

	/* Reading what was recorded. Early exits: nothing here checks a whole frame. */
	/* Sets stream and data of a raw frame; a stream's name that the frame does not hold is put
	 * into `name`. False: no frame of this venue's. */
	bool (*line)(struct feed_line *line, char name[STREAM_NAME_MAX]);
	bool (*frame)(const struct feed_line *line, struct frame_facts *ret_facts);
	bool (*reply)(const struct feed_line *line, struct reply_facts *ret_facts);
	/* Hands on the numbers of one symbol: those of the facts. */
	void (*numbers)(const struct feed_line *line, dialect_number_fn fn, void *ctx);
	/* Adds the symbols of a frame that is of several, with their numbers; NULL: facts and numbers do. */
	void (*scan)(struct recording *r, const struct feed_line *line);
	/* Takes a line into the folded books and candles; ERR_ values are counted by the fold. */
	int (*fold)(struct fold *f, const struct feed_line *line);

	/* Telling the generated market: appends one frame, or the reply; diffs of a venue that sends
	 * each change by itself are frames separated by newlines. */
	int (*tell_trade)(struct buf *out, const struct market_spec *s, const struct fill *t,
			  int64_t now);
	int (*tell_agg_trade)(struct buf *out, const struct market_spec *s, const struct fill *t,
			      int64_t now);
	int (*tell_top)(struct buf *out, const struct market_spec *s, const struct quotes *q);
	int (*tell_diff)(struct buf *out, const struct market_spec *s, const struct quotes *q,
			 int64_t now);
	int (*tell_kline)(struct buf *out, const struct market_spec *s,
			  const struct market_kline *k, int64_t now, bool closed);
	int (*tell_snapshot)(struct buf *out, const struct market_spec *s, const struct quotes *q,
			     int64_t now);
	int (*tell_snapshot_url)(struct buf *out, const struct market_spec *s);

	/* REST: fills the reply; status 0 holds it (asked again when the player moves). */
	void (*rest)(struct sim *sim, const struct request *r, struct reply *ret_reply);
	/* A reply that refuses, with this status (or what the venue says instead of it). */
	void (*refuse)(struct reply *reply, int status, int64_t retry_after_s);

	/* Indexes sim->info by symbol into sim->listed. */
	int (*index_info)(struct sim *sim);
	/* Request weight a minute as exchangeInfo says; left alone where it does not. */
	void (*weight_limit)(struct text info, int64_t *ret_limit);

	/* WebSocket: 0 and the streams of the URL subscribed, ERR_ARG: 404, ERR_FULL: 400,
	 * ERR_REFUSED: 401. */
	int (*ws_open)(struct session *s, const struct request *r);
	void (*ws_text)(struct session *s, struct text message);
	/* What a subscribed customer (wallet.h) is told of a change; ERR_NOT_FOUND: nothing. NULL: the venue's
	 * accounts are not served. */
	int (*tell_account)(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out);
	/* Is a stream that was subscribed to heard on this connection? NULL: yes. */
	bool (*hears)(const struct session *s, struct text stream);
	/* What the client gets of a line; NULL: the line, with its wrapper where that was asked for.
	 * ERR_NOT_FOUND: nothing. Called in the order of delivery, once for each frame that is due. */
	int (*render)(struct session *s, const struct feed_line *line, struct buf *out);
	/* What a fault of this venue's own makes of a rendered frame, into `out`; ERR_ values: it
	 * makes nothing of it. */
	int (*spoil)(struct session *s, const struct feed_line *line, const struct fault *f, struct text frame,
		     struct buf *out);
	/* Frames the venue makes of its own accord; combined or raw as the session asked. */
	int (*tell_shutdown)(struct buf *out, bool combined, int64_t now);

	const char *symbols;     /* of the generated market, where none are named */
	bool futures;            /* Binance: depth updates name their predecessor */
	bool snapshot_in_stream; /* books begin with a frame, not with a reply */
	bool bare;               /* frames need no wrapper: lines of whatever form may be frames */
	const char *rest_base;   /* Binance: before every path */
	const char *ping;        /* payload of the venue's pings; NULL: the time */
	bool never_pings;        /* the client does, by text */
	int64_t idle_ns;         /* then a client that sends nothing for longer is cut */

	unsigned messages_a_second; /* incoming frames of any kind; more ends the connection; 0: any number */
	unsigned streams_max;       /* of one connection */
	int64_t weight_a_minute;    /* where no exchangeInfo says otherwise */
};

extern const struct dialect dialect_binance_spot;
extern const struct dialect dialect_binance_usdm;
extern const struct dialect dialect_bybit_linear;
extern const struct dialect dialect_bybit_spot;
extern const struct dialect dialect_kalshi;
extern const struct dialect dialect_polymarket;

const struct dialect *dialect_find(const char *name); /* NULL: none */
const struct dialect *dialect_at(size_t i);           /* NULL behind the last */

/* Value of a query parameter in a recorded url, unescaped: symbols need no escapes. Empty where absent. */
struct text dialect_url_param(struct text url, const char *name);

#endif
