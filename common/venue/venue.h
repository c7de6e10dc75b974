/* venue - the contract of a venue file, a pure translator of a venue's bytes.
 *
 * A venue file (common/venue/venues/NAME.c, `const struct venue venue_NAME`) holds no socket,
 * clock, key, log or memory of its own. It names hosts, limits and heartbeat, writes the paths and
 * texts we send, and decodes what comes back. The registry finds the file by its folder; the
 * conformance test walks the registry.
 *
 * Rules of decode:
 *   - A text has no partial effect: it is read to its end before its first message is delivered.
 *     Only of instruments may some be delivered though another one makes no sense.
 *   - Unknown keys are skipped, unknown kinds of frames are delivered as VENUE_UNKNOWN.
 *   - Bytes are never trusted: a malformed frame is an error and names the market it was about, if
 *     that much could be read (struct venue_fault).
 *   - Nothing is allocated; levels are written into the caller's arrays, good during the call.
 */
#ifndef NJ_VENUE_VENUE_H
#define NJ_VENUE_VENUE_H

#include "common/base/buf.h"
#include "common/venue/budget.h"
#include "proto/event.h"

#define VENUE_CASH_SCALE 8    /* decimals of every cash amount a venue file hands out */
#define VENUE_MARK_SCALE 8    /* of mark and index prices: they are finer than what is traded */
#define VENUE_RATE_SCALE 10   /* of funding rates */
#define VENUE_SCALE_DEFAULT 8 /* of prices and quantities of an instrument nobody has described */

/* ---- what there is to subscribe to and to ask for ---- */

enum venue_stream { /* bits */
		    VENUE_DEPTH_STREAM = 1,
		    VENUE_TRADE_STREAM = 2,
		    VENUE_TOP_STREAM = 4,
		    VENUE_KLINE_STREAM = 8,
		    VENUE_TICKER_STREAM = 16,
		    VENUE_LIQUIDATION_STREAM = 32,
		    VENUE_MARK_STREAM = 64,
};

/* One instrument as the venue file sees it; owned by the caller. */
struct venue_market {
	char raw[SYMBOL_RAW_MAX + 1]; /* as the venue writes it, validated as a symbol's raw part */
	struct symbol symbol;         /* as we write it */
	uint8_t price_scale, qty_scale;
};

/* What one connection carries. */
struct venue_feed {
	const struct venue_market *const *markets;
	uint32_t n;
	uint32_t streams;           /* bits of enum venue_stream */
	const char *kline_interval; /* "1m"; NULL: no klines */
	/* Where the venue offers both: trades of one taker order as one, tickers without what only some need. */
	bool aggregate, mini;
	uint32_t sid;               /* stream_again: number of the subscription (venue_message.feed), 0 unknown */
};

enum venue_ask {
	VENUE_ASK_NOTHING,
	VENUE_ASK_INSTRUMENTS,
	VENUE_ASK_SNAPSHOT,
	VENUE_ASK_KLINES,
	VENUE_ASK_TRADES,   /* by id, where the venue has them so (trades_max), or by time (recall_max) */
	VENUE_ASK_LISTINGS, /* what markets there are, page by page; where the venue's file has listings */
};

/* Which listings are wanted; zeroed: all that are open. */
struct venue_filter {
	char tag[24];            /* the venue's id of a subject; empty: any */
	int64_t volume_min;      /* at VENUE_CASH_SCALE; 0: any */
	int64_t ends_from, ends; /* ns: those that end from .. to; 0 open */
};

struct venue_request {
	enum venue_ask ask;
	const struct venue_market *const *markets; /* one; INSTRUMENTS: any number, 0 means all */
	uint32_t n;
	uint32_t limit;                    /* SNAPSHOT: levels a side; KLINES, LISTINGS: rows */
	const char *interval;              /* KLINES */
	/* KLINES, TRADES by time: ns of venue time, of the klines' beginnings; 0 open (klines_sparse: never) */
	int64_t from, to;
	uint64_t from_id;                  /* TRADES: of the oldest wanted; limit rows, rising; 0: the newest */
	const struct venue_filter *filter; /* LISTINGS */
	uint32_t offset;                   /* LISTINGS: rows before the page */
	bool closed;                       /* INSTRUMENTS: those that no longer trade, where it is asked apart */
};

/* ---- what comes back ---- */

enum venue_kind {
	VENUE_DEPTH,
	VENUE_SNAPSHOT,
	VENUE_TRADE,
	VENUE_TOP,
	VENUE_KLINE,
	VENUE_TICKER,
	VENUE_MARK,
	VENUE_LIQUIDATION,
	VENUE_INSTRUMENT,
	VENUE_TICK_SIZE,  /* it has changed */
	VENUE_RESOLUTION, /* an event's outcome is known: what a contract pays */
	VENUE_LISTING,    /* a market there is, followed or not */
	VENUE_LIMIT,
	VENUE_NOTICE,
	VENUE_IGNORED, /* known, and of no use to us; or about a market that we do not follow */
	VENUE_UNKNOWN,
};

struct venue_depth {
	uint64_t first_id, last_id;
	uint64_t prev_id;         /* last_id of the update before it, where the venue says so; else 0 */
	bool relative;            /* quantities are changes to add, not totals */
	struct levels bids, asks; /* as sent */
};

struct venue_snapshot {
	uint64_t last_id;
	bool bids_cut, asks_cut; /* there may be more levels behind the last one */
	struct levels bids, asks;
};

struct venue_trade {
	int64_t at; /* ns, venue time */
	int64_t price, qty;
	uint64_t first_id, last_id; /* equal for a single trade; 0: the venue has no counting ids */
	uint64_t count_id;          /* where those leave some out: this one rises by one; else 0 */
	uint64_t key;               /* where none counts: a hash of its own id; 0 none */
	uint8_t aggressor;          /* enum side */
};

struct venue_top {
	uint64_t last_id;
	int64_t bid, bid_qty, ask, ask_qty;
};

struct venue_kline {
	char interval[8];
	bool closed;
	int64_t open_at, close_at; /* ns; close_at is the first instant behind it */
	int64_t open, high, low, close, volume;
	int64_t quote_volume; /* at VENUE_CASH_SCALE */
	uint32_t trades;
};

#define VENUE_TICKER_VALUES 6
#define VENUE_MARK_VALUES 5

struct venue_ticker {
	uint32_t said; /* bit i: value i; what is not said is as it was before */
	union {
		struct {
			int64_t last, open, high, low, volume;
			int64_t quote_volume; /* at VENUE_CASH_SCALE */
		};
		int64_t value[VENUE_TICKER_VALUES];
	};
};

/* What a position is valued at, and what its holder pays for holding it. */
struct venue_mark {
	uint32_t said; /* as of a ticker */
	union {
		struct {
			int64_t price, index; /* at VENUE_MARK_SCALE, as is settle */
			int64_t settle;       /* expected settlement price; 0 unknown */
			int64_t rate;         /* of the next funding, at VENUE_RATE_SCALE; longs pay where positive */
			int64_t funding_at;   /* ns; 0: there is none */
		};
		int64_t value[VENUE_MARK_VALUES];
	};
};

struct venue_liquidation {
	int64_t price, avg_price, qty;
	uint8_t side; /* enum side, of the liquidation order */
};

#define VENUE_CALLED_OFF (-1)
#define VENUE_UNTOLD (-2)

struct venue_resolution {
	int64_t at;          /* ns, venue time; 0 where it does not say */
	int64_t price;       /* what one contract pays, at the market's price scale; VENUE_CALLED_OFF: it is void;
			      * VENUE_UNTOLD: it is settled, and the venue does not say how */
	const char *outcome; /* what has come about; NUL-terminated, may be empty */
};

#define VENUE_OUTCOMES_MAX 2
#define VENUE_GROUP_MAX 68 /* bytes of a market's own id with its NUL */

/* A market of event contracts: one instrument for each outcome. */
struct venue_listing {
	char group[VENUE_GROUP_MAX];
	char title[EVENT_TEXT_MAX];
	struct venue_outcome {
		char raw[SYMBOL_RAW_MAX + 1];
		char name[EVENT_NAME_MAX]; /* "Up" */
		int64_t pays;              /* at VENUE_CASH_SCALE, where resolved */
	} outcome[VENUE_OUTCOMES_MAX];
	uint32_t outcomes;
	int64_t begins, ends; /* ns, of the event; 0 unknown */
	int64_t volume;       /* traded so far, at VENUE_CASH_SCALE */
	bool open;            /* takes orders */
	bool resolved;
	int64_t resolved_at; /* ns; 0 unknown */
};

/* Where a venue hashes its books: the hash, and what goes into it beside the levels. Texts as sent;
 * empty: not said, so that what was said before holds. */
struct venue_seal {
	char hash[44]; /* of the book behind this message; lower-case hex */
	char group[VENUE_GROUP_MAX];
	char tick[16], order_min[16];
	char last[24];    /* price of the group's last trade */
	bool has_last;    /* it was said, perhaps as an empty text */
	uint8_t neg_risk; /* 1 no, 2 yes, 0 not said */
};

/* A request budget the venue has told us of. */
struct venue_limit {
	bool weighted; /* counts weights, otherwise requests */
	int64_t window_ns;
	uint64_t limit;
};

enum venue_notice_kind {
	VENUE_NOTICE_ACCEPTED, /* a subscription, a ping */
	VENUE_NOTICE_REFUSED,  /* an error: code and text */
	VENUE_NOTICE_SHUTDOWN, /* the server will close: reconnect at once */
};
struct venue_notice {
	enum venue_notice_kind kind;
	int64_t code;
	const char *text; /* NUL-terminated, never NULL */
	bool answers;     /* a text of stream_text's; pings are answered, too, which is none of these */
};

struct venue_message {
	enum venue_kind kind;
	/* NULL where it is about the connection or an unknown market; a notice of what was refused may have one */
	const struct venue_market *market;
	int64_t time;                  /* ns, when the venue sent it; 0 where it does not say */
	uint32_t feed;                 /* where sequences span a subscription (Kalshi's sid): its number and the */
	uint64_t feed_seq;             /* position in it, counted in ones; 0 where the venue has none */
	const struct venue_seal *seal; /* NULL where the venue says nothing of the kind */
	union {
		struct venue_depth depth;
		struct venue_snapshot snapshot;
		struct venue_trade trade;
		struct venue_top top;
		struct venue_kline kline;
		struct venue_ticker ticker;
		struct venue_mark mark;
		struct venue_liquidation liquidation;
		/* without its symbol; brings the market's scales */
		const struct ev_instrument *instrument;
		int64_t tick_size; /* at the market's price scale */
		struct venue_resolution resolution;
		const struct venue_listing *listing; /* market NULL */
		struct venue_limit limit;
		struct venue_notice notice;
	};
};

struct venue_input {
	const char *text;
	size_t len;
	enum venue_ask ask;                /* the request that the text answers; NOTHING: a frame of the stream */
	const struct venue_market *market; /* of the request, where it had just one */
	uint32_t limit;                    /* of the request; LISTINGS: rows of a page */
	const char *interval;              /* of klines asked for; NULL otherwise */
};

struct venue_fault {
	const struct venue_market *market; /* NULL where it could not be told */
	enum venue_kind kind;              /* VENUE_UNKNOWN likewise */
};

struct venue_output {
	void *ctx;
	/* A market we follow by its raw name (not NUL-terminated), or NULL. */
	const struct venue_market *(*find)(void *ctx, const char *raw, size_t len);
	void (*message)(void *ctx, const struct venue_message *m);
	struct level *levels; /* 2 * levels_max; more levels on one side are ERR_TOO_LONG */
	uint32_t levels_max;
	struct venue_fault fault; /* set where decode fails */
};

struct book;

/* What a seal is about. */
struct venue_sealed {
	const struct venue_market *market;
	const struct book *book;
	int64_t time; /* ns, of the message that brought the hash */
};

/* Where a depth update stands to a book. */
enum venue_link { VENUE_LINK_OLD, VENUE_LINK_NEXT, VENUE_LINK_GAP };

/* How a venue knows who asks: three headers of each request and handshake, one of them a signature by RSA-PSS. */
struct venue_auth {
	const char *key, *time, *signature; /* names of the headers: the key's id, ms since 1970, base64 */
	/* What is signed; path without its host. */
	int (*text)(int64_t at_ms, const char *method, const char *path, struct buf *out);
};

struct venue_account;
struct venue_orders;

/* ---- the venue ---- */

struct venue {
	const char *name;   /* "BINANCE", the second part of our symbols */
	const char *doc;    /* one sentence */
	const char *suffix; /* appended to raw names in our symbols: "" or "-PERP" */

	/* Base addresses, the default first, NULL-ended. Data from anywhere else is not of origin
	 * live. */
	const char *const *stream_hosts;
	const char *const *rest_hosts;
	const char *const *catalog_hosts; /* of INSTRUMENTS and LISTINGS, where it is another; NULL: rest_hosts */

	uint32_t streams;                   /* it offers: bits of enum venue_stream */
	const uint32_t *groups;             /* which of them may share a connection, 0-ended; NULL: all */
	/* which values its tickers have, bits of venue_ticker.said; 0: all. The others stay 0 in what we publish. */
	uint32_t ticker_values;
	const char *const *kline_intervals; /* NULL-ended; NULL where it has no klines */
	/* They are asked for by time, from .. to, and an interval without a trade has none: what is not there is no
	 * hole. */
	bool klines_sparse;
	/* Of these: there are no klines, but prices at times near the intervals' ends (VENUE_MARK). */
	bool klines_are_prices;
	int64_t klines_span_ns; /* of one request for them, at most; 0: no such limit */
	/* books begin with a snapshot on the stream; else with VENUE_ASK_SNAPSHOT */
	bool snapshot_in_stream;
	/* the stream keeps so many levels a side and no more: known is what the book holds, wherever the price goes */
	bool levels_roll;
	bool gaps_by_feed;     /* a lost update shows in feed_seq, not in the ids of its market */
	/* event contracts, between 0 and 1: no jump of a price is too large to be one; each has a base of its own */
	bool prices_bounded;
	bool points; /* names may have points inside (T85999.99): '_' in their ids, which no name of theirs has */
	bool has_listings;     /* VENUE_ASK_LISTINGS */
	uint32_t describe_max; /* instruments in one request for them; 0: any number */
	bool describe_whole;   /* a request for instruments without names is answered with all there are */
	bool closed_apart;     /* those that no longer trade are asked for by a request of their own */
	/* Whatever can be missed has ids that are the same on each connection, and a new one begins with no snapshots:
	 * what two connections bring can be merged. */
	bool mergeable;
	bool trade_ids_count;  /* trade ids (or their count_id) rise by one, so that a hole is a lost trade */

	/* rows of a reply to VENUE_ASK_TRADES at most, with the ids of the stream's trades; 0: cannot be asked */
	uint32_t trades_max;
	/* The same by time: from .. to, newest first; of trades whose keys are those of the stream's. */
	uint32_t recall_max;

	/* Limits the venue sets. */
	uint32_t streams_max; /* on one connection */
	/* that we may send on a connection, pings and pongs included */
	uint32_t messages_per_s;
	uint32_t attempts_max; /* connections within attempts_ns */
	int64_t attempts_ns;
	/* a connection is cut after; 0: the venue states no such age. Where it does: mergeable */
	int64_t life_ns;
	int64_t pong_ns; /* a ping must be answered within */
	/* longest silence of a healthy connection; longer: reconnect */
	int64_t silence_ns;
	const char *ping_text; /* to send as text every ping_ns; NULL: protocol pings do */
	int64_t ping_ns;
	/* default budget of weight_ns; a VENUE_LIMIT message overrides it */
	uint32_t weight_limit;
	int64_t weight_ns;
	struct budget_headers budget; /* of its replies, what they say of it */
	/* A request refused with 403 was one too many: nothing may be asked for so long; 0: it means something else */
	int64_t forbidden_ns;
	/* A GET whose reply has the venue's time in ms as this top-level number; key NULL: in whole seconds, as the
	 * header Date of a reply, whatever its status; path NULL: none */
	const char *time_path, *time_key;
	const char *retry_header;  /* reply header with the seconds to wait after 429 and 418 */

	/* Its connections are signed, public data or not; without a key its books can only be asked for. NULL: open. */
	const struct venue_auth *auth;
	const struct venue_account *account; /* its account endpoints (venue_account.h); NULL: not known to us */
	const struct venue_orders *orders;   /* its order endpoints (venue_orders.h), likewise */

	/* Path and query behind the stream host for this feed. ERR_TOO_LONG: more than
	 * streams_max. */
	int (*stream_path)(const struct venue_feed *feed, struct buf *out);
	/* nth (from 0) text to send after the connection opened; ERR_NOT_FOUND behind the last. */
	int (*stream_text)(const struct venue_feed *feed, uint32_t nth, struct buf *out);
	/* How many names the feed's texts subscribe to; NULL: one for each of its streams and markets. */
	uint32_t (*stream_count)(const struct venue_feed *feed);
	/* How many answers those texts bring, of those they are taken or refused by; NULL: the venue says nothing. */
	uint32_t (*stream_answers)(const struct venue_feed *feed);
	/* Likewise what to send so that the snapshot of a market comes again on the open connection: leave the feed's
	 * streams and subscribe to them anew, or ask for it. NULL: only a new connection brings one. */
	int (*stream_again)(const struct venue_feed *feed, uint32_t nth, struct buf *out);
	/* Likewise what to send so that these markets come, or come no more, on the open connection beside what it
	 * carries. NULL: only a new connection does that. Only where stream_text is one text. */
	int (*stream_add)(const struct venue_feed *feed, uint32_t nth, struct buf *out);
	int (*stream_drop)(const struct venue_feed *feed, uint32_t nth, struct buf *out);
	/* Path and query of a GET behind the REST host; *ret_weight is what it costs. */
	int (*request)(const struct venue_request *r, struct buf *out, uint32_t *ret_weight);
	/* Errors: what json.h and fixed.h return, ERR_TOO_LONG, ERR_PROTOCOL (fields are missing
	 * or contradict); of replies ERR_STATUS and, where it was one request too many, ERR_BUSY: nothing
	 * was read, and the same may be asked again after a wait. */
	int (*decode)(const struct venue_input *in, struct venue_output *out);
	/* `fresh`: the book is a snapshot to which nothing has been applied yet. */
	enum venue_link (*link)(uint64_t book_id, bool fresh, const struct venue_depth *d);
	/* Where books are sealed, else NULL: the text whose SHA-1 the seal's hash is. `known` is all that was
	 * said so far; ERR_NOT_FOUND: not enough was. */
	int (*seal_text)(const struct venue_seal *known, const struct venue_sealed *of, struct buf *out);
};

/* The registered venues, in alphabetical order of their files; NULL where there is none. They are found by name and
 * suffix, "BINANCE" and "BINANCE-PERP". */
const struct venue *venue_find(const char *name, size_t len);
const struct venue *venue_at(uint32_t i);

/* Ids are unique over all venues: of those with one name the longest suffix that an id ends in says whose it is. The
 * venue that would have a market of v with this raw name for one of its own, "BTCUSDT-PERP" of BINANCE; or v itself,
 * where the name has v's suffix already. NULL: neither. */
const struct venue *venue_claimant(const struct venue *v, const char *raw, size_t len);
/* What to name instead, for people. ERR_EXISTS: it has a claimant. */
int venue_claimed(const struct venue *v, const char *raw, size_t len, char *reason, size_t cap);

/* Fills a market from a raw name, whose points are '_' in the id (venue.points). ERR_EXISTS: it has a claimant;
 * ERR_SYNTAX, ERR_TOO_LONG as symbol_make. Scales become the default. */
int venue_market_init(const struct venue *v, const char *raw, size_t len, struct venue_market *ret_market);

#endif
