/* core - the collector's pure core: frames, replies, connections in, market events out.
 *
 * It owns what it takes to trust a venue's data: the local order book built exactly as the venue
 * documents it, trade ids, candles, blind periods. It has no clock, no I/O and no log. `now` is
 * the stamp of an input in ns and must not fall; whatever the core emits carries it as ts_recv
 * (its publisher makes stamps strictly increase). What the core wants from the world it says
 * through struct collector_actions.
 *
 * Not thread-safe. Memory is bounded by the settings; frames allocate nothing once a book has
 * synced.
 */
#ifndef NJ_COLLECTOR_CORE_H
#define NJ_COLLECTOR_CORE_H

#include "common/service/core.h"
#include "common/venue/candles.h"
#include "common/venue/venue.h"

#define COLLECTOR_CONNECTIONS_MAX 16
#define COLLECTOR_MARKETS_MAX 1024
#define COLLECTOR_GROUPS_MAX 7 /* connections that the streams of one market are spread over */

/* One instrument on one connection. Several rows with the same name spread its streams over
 * connections. */
struct collector_market {
	const char *raw; /* as the venue writes it */
	uint32_t connection;
	uint32_t streams; /* bits of enum venue_stream */
};

struct collector_core_settings {
	const struct venue *venue;
	/* enum origin of every connection until collector_core_origin says otherwise */
	uint8_t origin;
	const struct collector_market *markets; /* copied */
	uint32_t n_markets;
	uint32_t spare; /* markets that may be followed beside these at once (collector_core_follow) */
	int64_t intervals[CANDLE_INTERVALS_MAX]; /* of candles, ns, rising */
	uint32_t n_intervals;
	int64_t candle_grace_ns;
	uint32_t book_levels;    /* kept, a side */
	uint32_t snapshot_limit; /* levels a side to ask the venue for */
	uint32_t publish_levels; /* levels a side of a published snapshot */
	uint32_t pending_max;    /* depth updates of an instrument that wait for its snapshot */
	uint32_t pending_bytes;  /* their memory */
	int64_t stale_ns;        /* a book without updates for longer is stale */
	int64_t crossed_ns;      /* a book crossed for longer is built anew */
	int64_t silence_ns;      /* a connection without frames for longer is reconnected */
	/* wait for the first depth update before a snapshot is asked for */
	int64_t first_ns;
	int64_t reply_ns; /* wait for a reply */
	int64_t answer_ns; /* wait for the answers to the texts that subscribe; 0: nobody answers (a recording) */
	/* between requests, once the burst is used up; the venue's budget may slow it */
	int64_t ask_pace_ns;
	uint32_t ask_burst;
	uint32_t klines_limit; /* closed klines to ask for when a connection opens; 0: none */
	char kline_interval[8];
	bool aggregate, mini;  /* as of struct venue_feed */
	uint32_t weight_limit; /* of a window, whatever the venue says; 0: what it says */
	uint32_t snapshot_weight, klines_weight; /* of one such request; 0: what the venue's file says */
	uint32_t weight_share; /* percent of it, 1 to 100, used by whomever: the rest of the window is waited out */
	uint32_t messages_per_s; /* that may be sent on a connection */
	int64_t poll_ns;     /* no streams: books and trades are asked for again after so long; 0: streams */
	uint64_t fill_max;   /* missed trades to fetch afterwards, of one hole at most; 0: none */
	int64_t describe_ns; /* between requests for the instruments; 0: only the first */
	/* no streams: klines of kline_interval, this long, are asked for as they close, so long afterwards; 0: streams
	 */
	int64_t candles_only_ns, candles_delay_ns;
};

/* Every limit at its default, no markets; the venue's own where it states one. */
void collector_core_defaults(struct collector_core_settings *s, const struct venue *venue);

/* A GET to make. The text is good during the call. */
struct collector_request {
	uint64_t id;
	enum venue_ask ask;
	const char *path; /* behind the venue's REST host */
	uint32_t weight;
};

struct collector_actions {
	void *ctx;
	void (*request)(void *ctx, const struct collector_request *r);
	/* Close this connection and make it anew. */
	void (*reconnect)(void *ctx, uint32_t connection, const char *reason);
	/* Make this connection anew without losing anything, it is about to end; NULL: reconnect. */
	void (*rotate)(void *ctx, uint32_t connection, const char *reason);
	/* Send what venue.stream_again says; NULL: nobody is listening (a recording). */
	void (*again)(void *ctx, uint32_t connection, const struct venue_feed *feed);
	/* Send what venue.stream_add, or stream_drop, says of these markets: they have come, or gone. */
	void (*add)(void *ctx, uint32_t connection, const struct venue_feed *feed);
	void (*remove)(void *ctx, uint32_t connection, const struct venue_feed *feed);
	/* People should know about a market, or no longer (on false). NULL: nobody is asked. On record as: */
#define COLLECTOR_MISSING_ALERT "market_missing"
	void (*trouble)(void *ctx, const struct venue_market *m, bool on, const char *text);
	/* The venue has settled a market and does not say what it pays; on false: it does now. NULL: likewise. */
	void (*unsettled)(void *ctx, const struct venue_market *m, bool on);
	/* Likewise about what a connection has subscribed to: refused, or not answered. NULL: nobody is asked. */
	void (*subscription)(void *ctx, uint32_t connection, bool on, const char *text);
};

struct collector_frame {
	int64_t now;
	uint32_t connection;
	const char *text;
	size_t len;
};

struct collector_reply {
	int64_t now;
	uint64_t id;
	int status; /* of HTTP; 0: there was no answer */
	const char *body;
	size_t len;
	int64_t retry_after_ns; /* of a 429 or 418; 0 unknown */
	/* A simulator's word on where its book is whole: "FLOOR-CEIL", prices, 0 no limit; NULL or empty: everywhere
	 * within its levels. */
	const char *whole;
};

struct collector_change {
	int64_t now;
	uint32_t connection;
	enum feed state;    /* connecting, live (open), lost, refused, ended */
	const char *reason; /* NULL: none */
	enum gap_cause cause; /* lost: why, where it is not the connection itself (restart, suspend); 0 else */
	/* live: collector_core_version when its subscription was made; 0: now */
	uint64_t version;
};

/* What a connection carries. */
struct collector_load {
	uint32_t markets, streams; /* streams: bits of enum venue_stream, of them all */
};

/* What happened so far; the shell exports it as metrics. */
struct collector_counters {
	uint64_t frames, bytes;
	uint64_t events; /* emitted */
	uint64_t ignored, unknown, malformed;
	uint64_t misfits;                      /* of the malformed: a value that its scale cannot hold */
	uint64_t widened;                      /* markets that turned out to need more decimals */
	uint64_t depth_applied, depth_dropped; /* dropped: older than the book */
	uint64_t depth_gaps, depth_oversized;
	uint64_t pending_overflows, pending_high_water;
	/* taken; older than the updates; unusable */
	uint64_t snapshots, snapshots_old, snapshots_bad;
	uint64_t renewals; /* of the snapshots taken: of live books whose known depth ran out */
	uint64_t resyncs;  /* books that lost their trust */
	uint64_t stale, crossed;
	uint64_t trades, trade_gaps, trades_missing, trades_repeated, trades_late;
	uint64_t trades_filled; /* of the missing ones: fetched afterwards */
	uint64_t outliers;      /* times and prices that cannot be */
	uint64_t tops, tops_reordered;
	uint64_t candles, candles_refused, klines;
	uint64_t requests, replies, replies_failed, replies_unasked;
	uint64_t refusals;        /* texts by which the venue refused something */
	uint64_t unanswered;      /* texts that subscribe, and that it said nothing to */
	uint64_t resubscriptions; /* of single markets, for a snapshot on the stream */
	uint64_t feed_gaps;       /* holes in sequences that span a subscription */
	uint64_t silences, disconnects;
	uint64_t instruments, instruments_bad;
	/* hashes of books: that came out, that did not at once, that cost the book its trust, too little known */
	uint64_t seals_met, seals_doubted, seals_broken, seals_unchecked;
	uint64_t listings, resolutions;
	uint64_t orphans_lost; /* blind intervals of what is no longer followed, that could not be closed */
	uint64_t follows, drops; /* of markets that came and went */
};

struct collector_core;

/* ERR_ARG (a market twice on one stream, too many, limits that make no sense), ERR_SYNTAX (a name
 * that is no symbol), ERR_NOMEM. Actions are copied. */
int collector_core_new(const struct collector_core_settings *s, const struct collector_actions *actions,
		       struct collector_core **ret_core);
void collector_core_free(struct collector_core *c);

/* Asks for the instruments. Connect when collector_core_described, or do without: scales are then
 * 8. */
void collector_core_start(struct collector_core *c, int64_t now, const struct sink *out);
bool collector_core_described(const struct collector_core *c); /* every market */

/* Inputs. Timers that were due before an input run first, as of their own time. */
void collector_core_on_frame(struct collector_core *c, const struct collector_frame *f, const struct sink *out);
void collector_core_on_reply(struct collector_core *c, const struct collector_reply *r, const struct sink *out);
void collector_core_on_connection(struct collector_core *c, const struct collector_change *change,
				  const struct sink *out);

/* What the headers of a reply said of the venue's request budget, which everybody at this address shares: where it is
 * nearly used, nothing is asked until there is more. Any reply of the venue's, also to requests of others; not of a
 * recording, whose time is another. */
void collector_core_on_budget(struct collector_core *c, int64_t now, const struct budget_said *said);
/* Likewise a status: true where it refuses for having asked too often (budget_refused). */
bool collector_core_on_status(struct collector_core *c, int64_t now, int status, int64_t retry_after_ns);
/* Nothing may be asked of the venue before, by whomever; a time gone by: it may be. Survives a restart: by the
 * snapshot, and what was refused behind it by the journal's venue_wait. */
int64_t collector_core_blocked(const struct collector_core *c);
/* The venue with its suffix, as venue_wait names it. */
void collector_core_name(const struct collector_core *c, char ret_name[EVENT_NAME_MAX]);

/* As in core_ops. next_due is a lower bound: a timer may find nothing to do. */
int64_t collector_core_next_due(const struct collector_core *c);
void collector_core_on_timer(struct collector_core *c, int64_t due, const struct sink *out);

/* Origin of a connection's data from here on (the handshake tells). */
void collector_core_origin(struct collector_core *c, uint32_t connection, enum origin origin);

/* ---- markets that come and go (table.c) ----
 *
 * A market is described first and then subscribed to, so that its instrument is known before its data; where no
 * description can be had it goes without. Its connection need not be open. Bounded by settings.spare; allocates what
 * the market needs, frees it when it is dropped. */

/* Rows of one name, from plan_place. 0, also where it is followed already; ERR_FULL, ERR_NOMEM, ERR_SYNTAX, ERR_ARG. */
int collector_core_follow(struct collector_core *c, int64_t now, const struct collector_market *rows, uint32_t n_rows,
			  const struct sink *out);
/* Ends what is on record of it, and forgets it. false: it is not followed, or the settings name it. */
bool collector_core_drop(struct collector_core *c, int64_t now, const char *raw, const struct sink *out);
/* Puts an outcome on record, once. false: the market is not followed, or what it pays does not fit its scale. */
struct collector_outcome {
	const char *raw, *outcome;
	int64_t pays; /* at VENUE_CASH_SCALE */
	int64_t at;   /* ns, venue time; 0 unknown */
};
bool collector_core_resolve(struct collector_core *c, int64_t now, const struct collector_outcome *o,
			    const struct sink *out);
/* Rises with each change of what feeds carry. */
uint64_t collector_core_version(const struct collector_core *c);
/* A connection has been replaced, without a gap, by one subscribed to as of that version. */
void collector_core_on_replaced(struct collector_core *c, int64_t now, uint32_t connection, uint64_t version,
				const struct sink *out);
void collector_core_loads(const struct collector_core *c, struct collector_load load[COLLECTOR_CONNECTIONS_MAX]);
/* Is there anything to subscribe to on it? */
bool collector_core_carries(const struct collector_core *c, uint32_t connection);
/* The ith of those that came, NULL behind the last: raw names, good until one is dropped. */
const char *collector_core_came(const struct collector_core *c, uint32_t i);

/* Emits instrument, book_state and book_snapshot of every market as of the last input: for late
 * joiners. */
void collector_core_dump(struct collector_core *c, const struct sink *out);

/* A live restart: what this publisher's last life had journalled or logged behind its snapshot, in order (lane M first:
 * trades tell the newest id), and then, before anything else, resume: what was open then is gone on with, what was live
 * has been blind since `now`, the last stamp there is. */
void collector_core_on_own(struct collector_core *c, const struct event *ev);
void collector_core_resume(struct collector_core *c, int64_t now, const struct sink *out);

/* Whole state to bytes and back into a fresh core with the same markets and intervals; those that came are made again,
 * where there is room for them: ERR_DIFFERS, ERR_CORRUPT, the codec's errors; free the core then. */
int collector_core_save(const struct collector_core *c, struct buf *out);
int collector_core_load(struct collector_core *c, const uint8_t *at, size_t len);

const struct collector_counters *collector_core_counters(const struct collector_core *c);
/* The venue's request budget as last told; not kept over a restart, whose first reply tells it. */
struct collector_budget {
	uint64_t used, limit; /* weight of the window; limit 0 not known */
	uint64_t holds;       /* times that requests had to wait for more */
	int64_t held_until;   /* the last time, ns */
};
struct collector_budget collector_core_budget(const struct collector_core *c);
/* Whose data there is: enum origin of the connection that brought the newest, 0 while none brings any. *ret_at: its
 * stamp; 0: there was none. */
uint8_t collector_core_data(const struct collector_core *c, int64_t *ret_at);
/* What the venue's feed n carries, to build its path: fills markets (room for
 * COLLECTOR_MARKETS_MAX). */
void collector_core_feed(const struct collector_core *c, uint32_t connection, const struct venue_market **markets,
			 struct venue_feed *ret_feed);
/* How many connections the markets are spread over: their numbers are below it. */
uint32_t collector_core_connections(const struct collector_core *c);
/* The book of a market as it stands, NULL where unknown; for tests and status. */
const struct book *collector_core_book(const struct collector_core *c, const char *raw, enum book_state *ret_state);

#endif
