/* state - the collector core's private state, shared by its files. */
#ifndef NJ_COLLECTOR_STATE_H
#define NJ_COLLECTOR_STATE_H

#include "common/base/strmap.h"
#include "common/venue/book.h"
#include "services/collector/core.h"

#define STREAM_BITS 7
#define FEEDS_MAX 32 /* sequences that span a subscription, on one connection */
#define NO_CONNECTION UINT32_MAX
#define ORPHANS_MAX 8192 /* more are not closed; each is an instrument's stream that was blind as it was dropped */
#define HOLES_MAX 4 /* in a market's trades, waiting to be filled; further ones stay missing */

/* How a book stands to its stream; drawn in depth.c. */
enum sync { SYNC_OFF, SYNC_WAITING, SYNC_ASKED, SYNC_LIVE, SYNC_RENEWING };

/* A blind interval of one of a market's streams that is not over yet (ledger.c). */
struct blind {
	bool open;
	uint8_t cause; /* enum gap_cause */
	int64_t from;
	int64_t to; /* of the last one; open trades: when the connection was there again */
	uint64_t first, last;
};

/* An interval that an earlier life opened and this one has nothing to close with (ledger.c). */
struct orphan {
	struct symbol instrument; /* empty: a whole connection */
	char stream[EVENT_NAME_MAX];
	uint32_t connection;
	int64_t from;
	uint64_t first, last;
};

/* Trades missing between two that came; being fetched (fill.c). */
struct hole {
	uint8_t cause; /* enum gap_cause */
	int64_t from, to;
	uint64_t first, last;
	uint64_t next, got; /* next id to ask for; how many came */
};

#define RECALL_KEYS 256 /* of the trades seen last */

/* Trades missing of a span of time; being fetched (recall.c). */
struct recall {
	bool open;
	int64_t since;           /* venue time: the beginning of what is asked for */
	int64_t reached, oldest; /* all behind it is there, up to the end; of the page being read */
	uint32_t rows;           /* of that page */
	uint64_t got;
	uint64_t key[RECALL_KEYS], next_key;
};

#define POLLED_SEEN 2048 /* trades of the margin that is asked for again; a page has fewer */

struct polled_seen {
	int64_t at;
	uint64_t key;
};

/* Trades without a stream: drawn in polled.c. */
struct polled {
	bool begun;        /* a page has shown where the past ends */
	bool opened;       /* nothing has been read since the feed opened, at live_from */
	bool stale;        /* an earlier life went on behind what was saved */
	int64_t live_from;
	int64_t newest, since; /* venue time: of what is known; from which on the page under way was asked for */
	int64_t good_at;       /* stamp of the last request that was answered; 0 none */
	int64_t read_at;       /* stamp of the last page */
	uint32_t n_seen;
	struct polled_seen seen[POLLED_SEEN];
};

/* The reply being read (polled.c). */
struct trade_page {
	uint8_t price_scale, qty_scale;
	uint32_t n;
	int64_t oldest;
	struct venue_trade *row; /* owned: recall_max of the venue */
};

/* Where the touch is half way to the end of what is known; bid 0, ask INT64_MAX: there is no end. */
struct reach {
	int64_t bid, ask;
};

#define SEAL_LASTS 4
#define SEAL_MOVED 8

/* A book that the venue hashes: what goes into the hash, and what is in doubt. Drawn in seal.c. */
struct seal {
	struct venue_seal known;                           /* without a hash */
	char hash[sizeof(((struct venue_seal *)0)->hash)]; /* that was not met; empty: there is no doubt */
	int64_t time;                                      /* ns, of that hash's message */
	int64_t doubt_at;                                  /* stamp of the first that was not met */
	int64_t met_at;                                    /* stamp of the last that was */
	bool overdue;
	uint32_t losses;                                                /* in a row */
	char lasts[SEAL_LASTS][sizeof(((struct venue_seal *)0)->last)]; /* last prices before the known one */
	int64_t moved[SEAL_MOVED];                                      /* prices of levels that have just changed */
	uint32_t next_last, next_moved;
};

/* An instrument without a stream: drawn in polls.c. */
struct poll {
	int64_t end;       /* of the interval whose candle is awaited */
	/* Where klines are sparse: the span under way; how far all of them have come, late ones aside. Not saved. */
	int64_t from, to, known;
	int64_t good_at;   /* stamp of the last good answer; 0 none */
	int64_t failed_at; /* of the first failure in a row */
	uint32_t failures; /* in a row */
	uint32_t empty;    /* good answers in a row without the candle */
};

/* How a market stands to its connections: drawn in table.c. */
enum join { JOIN_NONE, JOIN_WANTED, JOIN_ASKED, JOIN_READY, JOIN_LEAVING };

struct market {
	struct venue_market venue;
	uint32_t index;
	uint32_t connection[STREAM_BITS]; /* by stream bit, NO_CONNECTION: not followed */
	uint32_t streams, carried;        /* all of its stream bits; those that come on their connections */
	uint8_t join;                     /* enum join */
	bool came;                        /* the settings do not name it */
	bool named;                       /* it is on record as followed, by this life or another */
	int64_t came_at;
	uint64_t version; /* of the table with which it became ready */
	bool described;
	struct ev_instrument instrument;
	uint8_t price_scale_min, qty_scale_min; /* widen.c: what its real data has needed */

	struct book book;
	enum sync sync;
	uint8_t state;      /* enum book_state as announced; 0 before the first */
	bool fresh;         /* nothing has been applied to the snapshot yet */
	bool seen;          /* a snapshot has come since the connection opened */
	bool troubled;      /* people were told */
	uint32_t sid;       /* subscription that carries its depth, where the venue numbers them */
	struct buf pending; /* depth updates, each a struct pending and its levels */
	uint32_t pending_n;
	uint64_t pending_first; /* first id of the oldest */
	uint64_t pending_last;  /* last id of the newest */
	int64_t ask_at;         /* when to ask for a snapshot */
	int64_t asked_at;
	uint64_t request;  /* id of the one under way */
	uint32_t failures; /* in a row */
	int64_t depth_at;  /* stamp of the last good update */
	int64_t crossed_at;
	struct blind blind, trade_blind, kline_blind;
	struct reach own, told;          /* of the book, and of the snapshot published last */
	int64_t snapshot_at;             /* stamp of the snapshot taken last */
	int64_t whole_floor, whole_ceil; /* what the reply under way is said to know; 0: what the venue documents */

	int64_t klines_at; /* when to ask for klines; CORE_NEVER: not */
	int64_t klines_asked_at;
	uint64_t klines_request; /* id of the one under way */
	struct poll poll;
	int64_t kline_open_at;   /* of the newest closed one that was published; of prices: its time */
	int64_t kline_oldest;    /* of the reply being read */

	struct seal *seal; /* owned; NULL where the venue has none */
	bool resolved;     /* what it pays was published */
	int64_t pays;      /* what that was */
	bool untold;       /* the venue has settled it, and has not said how */

	uint64_t trade_id;
	/* stamp, venue time and price of the last trade */
	int64_t trade_at, trade_time, trade_price;
	bool trade_broken; /* a trade could not be read since */
	struct hole hole[HOLES_MAX];
	uint32_t n_holes;
	struct recall *recall; /* owned; NULL where trades cannot be asked for by time. fill_* below are its own then */
	struct polled *polled; /* owned; NULL where trades are streamed. As recall, of which it takes the place */
	uint32_t fill_failures; /* in a row, of the first hole */
	int64_t fill_at;        /* when to ask for more of it; CORE_NEVER: not */
	int64_t fill_asked_at;
	uint64_t fill_request; /* id of the one under way */
	uint64_t top_id;
	struct venue_ticker ticker; /* as far as it is known, as is the mark */
	struct venue_mark mark;
	struct candles candles;
};

struct pending {
	int64_t time;
	uint64_t first_id, last_id, prev_id;
	uint32_t bids, asks;
	uint32_t relative, reserved;
};

struct feed_seq {
	uint32_t feed;
	uint64_t seq;
};

/* To the texts that subscribe, since the connection opened: drawn in answers.c. */
struct answers {
	uint32_t due, had;
	int64_t by;      /* when they must have come; CORE_NEVER: not watched, or all there */
	uint32_t missed; /* connections in a row on which they did not */
	bool refused, told;
};

struct connection {
	bool used, up;    /* used: some market is on it */
	bool told;        /* what it carries is on record (following), in this life */
	uint8_t state; /* enum feed as announced; 0 before the first */
	uint8_t origin;
	uint8_t cause;    /* enum gap_cause of the blind period, 0: none */
	int64_t frame_at; /* stamp of the last frame, or of the opening */
	int64_t lost_at;  /* when it was lost; 0: is up, or never was */
	int64_t blind_from;
	int64_t clock;       /* largest venue time seen; 0 none */
	int64_t blind_clock; /* clock when it was lost; 0: nothing to mark in candles */
	int64_t candles_due; /* venue time at which the next candle closes by itself */
	struct feed_seq feeds[FEEDS_MAX];
	struct answers answers;
};

struct collector_core {
	struct collector_core_settings set;
	struct collector_actions actions;
	struct market *markets;           /* owned, slots: set.n_markets in use, some of them empty (JOIN_NONE) */
	uint32_t n_fixed, n_slots;        /* of the settings; all there are */
	struct strmap by_name;            /* raw name -> uint32_t index */
	const struct venue_market *found; /* the last one looked up, and its name's length */
	size_t found_len;
	struct connection connections[COLLECTOR_CONNECTIONS_MAX];
	struct collector_counters count;
	struct level *levels; /* owned: what is being decoded, 2 * levels_max */
	uint32_t levels_max;
	struct level *scratch; /* owned: what is being published, 2 * publish_levels */
	bool again;            /* what is applied now has been applied and published before */
	struct buf path, sealed;
	struct trade_page *page; /* owned; NULL where trades are streamed */
	struct buf orphans; /* of struct orphan, until the life begins (collector_core_resume) */

	int64_t now;
	int64_t since; /* when this life began; 0 not said */
	int64_t due;             /* no timer is due before */
	const struct sink *out;  /* of the call under way */
	struct connection *from; /* connection of the frame under way, NULL for replies */
	bool answered;           /* it answered us (an acknowledgement, a pong): no sign that data flows */
	struct event ev;

	uint64_t requests; /* ids given out */
	int64_t ask_clock; /* pacing: time by which all requests made are paid for */
	int64_t ask_pace_ns;
	uint32_t ask_burst;
	int64_t blocked_until; /* the venue told us to wait */
	struct budget budget;
	struct collector_budget told; /* of it */
	int64_t describe_at, described_at;
	uint64_t describe_request;
	int64_t polled_at; /* stamp of the last good answer to a poll, whoever asked */
	uint32_t describe_failures;
	uint32_t describe_first, describe_next; /* markets that the part begins with, and the next one */
	bool describe_closed;    /* of those that no longer trade */
	bool describe_whole;     /* a list of names was refused: all that the venue has is asked for; not saved */

	uint64_t version;            /* of what the feeds carry */
	int64_t join_at, settle_at;  /* when to ask for newcomers; to send what has changed; CORE_NEVER: not */
	int64_t join_asked_at;
	uint64_t join_request; /* id of the one under way */
	uint32_t join_failures;
};

/* table.c */
/* Is there a market in the slot? */
static inline bool is_used(const struct market *m)
{
	return m->join >= JOIN_WANTED && m->join <= JOIN_READY;
}
void table_blank(struct market *m, uint32_t slot);
int table_make(struct collector_core *c, const char *raw, uint32_t slot); /* scales are the default; ERR_* */
int table_put(struct market *m, const struct collector_market *row);      /* ERR_ARG: on two connections */
void table_clear(struct collector_core *c, struct market *m);
/* A connection is open, subscribed to as of that version; 0: now. */
void table_on_open(struct collector_core *c, struct connection *conn, uint64_t version);
void table_ask(struct collector_core *c);   /* the newcomers' descriptions */
bool table_settle(struct collector_core *c); /* sends what has changed; false: nothing was due */
void table_on_timer(struct collector_core *c);
int64_t table_due(const struct collector_core *c);
void table_on_reply(struct collector_core *c, const struct collector_reply *r);
void table_on_own(struct collector_core *c, const struct ev_following *f);
void table_resume(struct collector_core *c);

/* core.c */
static inline void arm(struct collector_core *c, int64_t at)
{
	if (at < c->due)
		c->due = at;
}
static inline int64_t after(int64_t at, int64_t ns)
{
	return at > INT64_MAX - ns ? INT64_MAX : at + ns;
}
/* Starts an event about a market (NULL: none) in c->ev; emit sends it. ts_event 0 means now. */
struct event *begin(struct collector_core *c, uint16_t id, const struct market *m, int64_t ts_event);
void emit(struct collector_core *c);
/* Does the stream of this market come on that connection? */
bool is_on(const struct market *m, enum venue_stream stream, const struct collector_core *c,
	   const struct connection *conn);
struct connection *connection_of(struct collector_core *c, const struct market *m, enum venue_stream stream);

/* Polled: a reply is what a frame is elsewhere. */
void feed_heard(struct collector_core *c, const struct market *m, enum venue_stream stream);

/* Asks for a new connection in the place of the one that carries this stream of a market. */
void reconnect_for(struct collector_core *c, const struct market *m, enum venue_stream stream, const char *reason);

struct venue_output output_of(struct collector_core *c);
/* Decodes and dispatches; a market that turns out to need more decimals is widened first. */
int decode(struct collector_core *c, struct venue_input *in, struct venue_fault *ret_fault);

/* Around what an input does. */
void enter(struct collector_core *c, int64_t now, const struct sink *out);
void leave(struct collector_core *c);

/* The state of a feed, told where it changes. */
void core_feed(struct collector_core *c, struct connection *conn, enum feed state, const char *reason);

/* ---- core.c, for ledger.c ---- */
void close_connection(struct collector_core *c, struct connection *conn, const struct collector_change *change);

/* ledger.c */
const char *ledger_stream_name(int bit); /* "depth", of a stream's bit */
struct gap {
	const struct market *market; /* NULL: every instrument of the connection, or named */
	const struct symbol *named;  /* one that is no longer followed */
	const struct connection *on; /* NULL: not said */
	const char *stream;
	enum gap_cause cause;
	enum repair repair;
	int64_t from, to; /* to 0: now */
	uint64_t first, last, missing;
};
void emit_blind(struct collector_core *c, const struct gap *g);
void emit_gap(struct collector_core *c, const struct gap *g);
/* The connection is blind from its last frame on: lost, silent. */
void ledger_go_blind(struct collector_core *c, struct connection *conn, enum gap_cause cause);
/* It is closed: its books and klines are blind, too, until they are made whole. */
void ledger_lose_streams(struct collector_core *c, const struct connection *conn);
void ledger_see(struct collector_core *c, struct connection *conn);    /* data has come */
void ledger_follow(struct collector_core *c, struct connection *conn); /* it is open */
void ledger_follow_market(struct collector_core *c, const struct connection *conn, struct market *m);
void ledger_drop(struct collector_core *c, struct market *m);           /* closes what is open of it, and says so */
void ledger_idle(struct collector_core *c, struct connection *conn);    /* nothing is left on it */
void ledger_on_snapshot(struct collector_core *c, struct market *m);
/* Klines were fetched, the oldest one of that time; 0: they could not be. */
void ledger_on_klines(struct collector_core *c, struct market *m, int64_t oldest);
void ledger_on_trade(struct collector_core *c, struct market *m); /* its id follows the last one */

/* answers.c */
void answers_expect(struct collector_core *c, struct connection *conn); /* it is open, its texts are on their way */
/* named: it is about one market */
void answers_on_notice(struct collector_core *c, struct connection *conn, const struct venue_notice *n, bool named);
int64_t answers_due(const struct connection *conn);
void answers_on_timer(struct collector_core *c, struct connection *conn);

/* depth.c */
/* Do snapshots come on the stream? */
static inline bool in_stream(const struct collector_core *c)
{
	return c->set.venue->snapshot_in_stream && c->set.poll_ns == 0;
}
static inline bool is_live(const struct market *m)
{
	return m->sync == SYNC_LIVE || m->sync == SYNC_RENEWING;
}
void depth_start(struct collector_core *c, struct market *m);                    /* the connection is open */
void depth_stop(struct collector_core *c, struct market *m, const char *reason); /* it is not */
void depth_lose(struct collector_core *c, struct market *m, const struct gap *g, const char *reason);
void depth_on_update(struct collector_core *c, struct market *m, const struct venue_depth *d, int64_t time);
void depth_on_snapshot(struct collector_core *c, struct market *m, const struct venue_snapshot *s);
void depth_on_fault(struct collector_core *c, struct market *m);
void depth_on_timer(struct collector_core *c, struct market *m);
int64_t depth_due(const struct collector_core *c, const struct market *m);
void depth_announce(struct collector_core *c, struct market *m, enum book_state state, const char *reason);
void depth_repeat_state(struct collector_core *c, struct market *m);
void depth_restart(struct collector_core *c, struct market *m);
void depth_trust_again(struct collector_core *c, struct market *m); /* it was the right book all the time */

/* seal.c */
bool seal_is_broken(const struct market *m); /* untrusted until a hash is met */
/* A message comes: the id of the book whose hash it brings, 0: it brings none. Then it is applied and checked. */
uint64_t seal_enter(struct collector_core *c, struct market *m, const struct venue_message *msg);
void seal_check(struct collector_core *c, struct market *m, const struct venue_message *msg, uint64_t id);
void seal_forget(struct market *m); /* the book has gone */
int64_t seal_due(const struct market *m);
void seal_on_timer(struct collector_core *c, struct market *m);

void depth_trouble(struct collector_core *c, struct market *m, const char *text); /* NULL: over */
void depth_drop(struct collector_core *c, struct market *m);

/* reach.c */
void reach_emit_snapshot(struct collector_core *c, struct market *m); /* for one who asks */
void reach_publish(struct collector_core *c, struct market *m);       /* for all; how far it reaches is noted */
void reach_measure(struct market *m);                                 /* notes how far the book itself reaches */
void reach_look(struct collector_core *c, struct market *m);          /* after each update of a live book */
void reach_later(struct collector_core *c, struct market *m);         /* no new snapshot this time: the book goes on */

/* asks.c */
void asks_failed(struct collector_core *c, struct market *m);
void asks_describe(struct collector_core *c, int64_t at);
int64_t asks_retry_delay(uint32_t failures);
void asks_klines(struct collector_core *c, struct market *m); /* the closed ones before the stream's */
void asks_pump(struct collector_core *c);                     /* sends what is due */
void asks_on_timer(struct collector_core *c);
int64_t asks_due(const struct collector_core *c);
void asks_on_reply(struct collector_core *c, const struct collector_reply *r);
void asks_on_limit(struct collector_core *c, const struct venue_limit *limit);
void asks_on_misfit(struct collector_core *c);
void asks_on_own(struct collector_core *c, const struct ev_venue_wait *w);

/* For fill.c: an id that finds its market, sending under it, reading what came. */
uint64_t asks_id(struct collector_core *c, const struct market *m);
int asks_send(struct collector_core *c, const struct venue_request *r, uint64_t id);
int asks_read(struct collector_core *c, const struct collector_reply *r, struct venue_input *in);

/* fill.c */
void fill_hole(struct collector_core *c, struct market *m, const struct gap *g); /* fetches, or puts on record */
void fill_on_own_blind(struct collector_core *c, struct market *m, const struct event *ev);
bool fill_on_own_gap(struct market *m, const struct ev_gap *g); /* false: of no hole that is open */
void fill_drop(struct collector_core *c, struct market *m); /* closes its holes */
void fill_resume(struct collector_core *c, struct market *m);
void fill_ask(struct collector_core *c, struct market *m);
void fill_on_timer(struct collector_core *c, struct market *m);
int64_t fill_due(const struct collector_core *c, const struct market *m);
void fill_on_reply(struct collector_core *c, struct market *m, const struct collector_reply *r);
void fill_on_trade(struct collector_core *c, struct market *m, const struct venue_trade *t); /* of a reply */
void fill_emit(struct collector_core *c, const struct market *m, const struct venue_trade *t);

/* recall.c: the same by time; fill.c hands on to it */
void recall_saw(struct market *m, const struct venue_trade *t); /* of the stream */
void recall_begin(struct collector_core *c, struct market *m, const struct gap *g);
void recall_drop(struct market *m);
void recall_ask(struct collector_core *c, struct market *m);
void recall_on_timer(struct collector_core *c, struct market *m);
void recall_on_reply(struct collector_core *c, struct market *m, const struct collector_reply *reply);
void recall_on_trade(struct collector_core *c, struct market *m, const struct venue_trade *t);

/* polled.c: the same where there is no stream */
void polled_start(struct collector_core *c, struct market *m); /* the feed is open */
void polled_stop(struct market *m);                            /* it is not */
void polled_on_own(struct market *m, const struct event *ev);  /* a trade that an earlier life published */
void polled_resume(struct collector_core *c, struct market *m);
void polled_ask(struct collector_core *c, struct market *m);
void polled_on_timer(struct collector_core *c, struct market *m);
void polled_on_reply(struct collector_core *c, struct market *m, const struct collector_reply *reply);
void polled_on_trade(struct collector_core *c, const struct market *m, const struct venue_trade *t);

/* polls.c */
void polls_start(struct collector_core *c);
void polls_on_instruments(struct collector_core *c);
void polls_fill(struct collector_core *c, struct market *m, struct venue_request *r);
void polls_on_price(struct collector_core *c, struct market *m, const struct venue_message *msg);
/* rc: of the answer; before: the newest candle's start until then. */
void polls_answered(struct collector_core *c, struct market *m, int rc, int64_t before);

/* tape.c */
void tape_on_trade(struct collector_core *c, struct market *m, const struct venue_message *msg);
/* All trades of a market up to that venue time have come: its candles close. */
void tape_on_known(struct collector_core *c, struct market *m, int64_t at);
void tape_on_top(struct collector_core *c, struct market *m, const struct venue_message *msg);
void tape_on_kline(struct collector_core *c, struct market *m, const struct venue_message *msg);
void tape_on_ticker(struct collector_core *c, struct market *m, const struct venue_message *msg);
void tape_on_mark(struct collector_core *c, struct market *m, const struct venue_message *msg);
void tape_forget(struct collector_core *c, const struct connection *conn); /* the stream's next word is a whole one */
void tape_on_liquidation(struct collector_core *c, struct market *m, const struct venue_message *msg);
void tape_on_resolution(struct collector_core *c, struct market *m, const struct venue_resolution *r);
void tape_on_catalog(struct collector_core *c, struct market *m, const struct venue_message *msg);
void tape_emit_instrument(struct collector_core *c, const struct market *m);
void tape_on_fault(struct collector_core *c, struct market *m);
void tape_on_clock(struct collector_core *c, struct connection *conn, int64_t at);

/* widen.c */
bool widen_for(struct collector_core *c, struct market *m, struct venue_input *in);
/* Brings a description to wider scales; false where a limit does not fit. */
bool widen_instrument(struct ev_instrument *i, uint8_t price_scale, uint8_t qty_scale);

#endif
