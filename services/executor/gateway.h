/* gateway - a live account's way to the venue: what is asked of it and when, and what its answers mean. Pure: time,
 * replies and the stream are given to it, questions and reports come out.
 *
 *            gateway_see: an order of the core that is at the venue, or on its way there
 *                  |
 *        +---------+------------------+
 *        v                            v of a life before, or loaded: it may have been sent, and is never sent again
 *       NEW --too old, cancelled,    UNSURE <---------------------------------+
 *        |    dry, not taken-->told   |  ^                                    |
 *        |        unsent              |  | QUERY: absent, and its window may  |
 *        | durable, agreed, passed    |  | not be over                        |
 *        v                            |  +--                                  |
 *     PLACING --- UNKNOWN ------------|---------------------------------------+
 *        |  |                         | QUERY: absent, asked when its window was over --> told unknown
 *        |  +-- REFUSED: told rejected|
 *        v                            v
 *      KNOWN <--- any word of the venue about it         CANCEL until it has ended, FILLS until all are booked
 *        |
 *        v ended, all trades told
 *      the core has taken it in: the row goes
 *
 * What it promises: an order is sent once in its life, or never. It is sent only where its record is durable, a risk
 * pass of exactly its terms is there, books and venue were compared and agree, and it is not older than place_within.
 * Everything else can be asked twice without harm. What comes twice is told twice: the core tells duplicates.
 *
 * A request bears the venue's time, not the machine's: it is asked for at the start, each minute, and as soon as the
 * venue refuses a stamp. Nothing is signed while it is not known to a second.
 *
 *   UNKNOWN --told, in less than two seconds--> KNOWN --a stamp is refused; too long ago--> UNKNOWN
 *
 * Comparing, at the start and again and again:
 *
 *   RIGHTS --may it trade? may it withdraw?--> OPEN --each of ours is asked for--> SETTLE --nothing is unsure-->
 *   BALANCES --as ours--> AGREED;  as ours not, three times without a word in between --> `differs`
 *
 * A key that may withdraw, or of which that cannot be told, is refused for good.
 */
#ifndef NJ_EXECUTOR_GATEWAY_H
#define NJ_EXECUTOR_GATEWAY_H

#include "common/venue/offset.h"
#include "common/venue/venue_orders.h"
#include "services/executor/orders.h"

#define GATEWAY_ASSETS_MAX 256
#define GATEWAY_WAIT_MIN INT64_C(1000000000)  /* ns, before something is asked again; doubled each time */
#define GATEWAY_WAIT_MAX INT64_C(15000000000)
#define GATEWAY_CLOCK_MAX INT64_C(1000000000) /* ns, give or take, that the venue's time must be known to */

/* What it knows of the core, and tells it. All of it fast, none of it may call the gateway. */
struct gateway_core {
	void *ctx;
	/* Journals a fact and gives it to the core, later. Not 0: not now; what it says is then asked for again. */
	int (*tell)(void *ctx, const struct ev_venue_report *r);
	/* The i-th asset of the account and all of it at 8 decimals; false behind the last. */
	bool (*holds)(void *ctx, uint32_t i, const char **ret_asset, int64_t *ret_total);
	bool (*adopts)(void *ctx, uint32_t i); /* the venue's balance of it is to be taken over */
};

struct gateway_settings {
	const struct venue_orders *venue;
	char account[EVENT_NAME_MAX];
	uint32_t orders_max;
	bool dry;               /* nothing is sent that changes anything */
	bool rights;            /* the host tells what a key may do; else it is a play venue */
	int64_t window_ns;      /* a request that comes later than this is refused by the venue */
	int64_t place_within_ns;
	int64_t compare_ns;     /* between comparisons */
};

enum gateway_state { GATEWAY_NEW, GATEWAY_PLACING, GATEWAY_UNSURE, GATEWAY_KNOWN };
enum gateway_step { GATEWAY_RIGHTS, GATEWAY_OPEN, GATEWAY_SETTLE, GATEWAY_BALANCES, GATEWAY_REST };
enum gateway_ask {
	GATEWAY_ASK_ORDER,
	GATEWAY_ASK_RIGHTS,
	GATEWAY_ASK_BALANCES,
	GATEWAY_ASK_OPEN,
	GATEWAY_ASK_TIME /* the only one that is not signed */
};

struct gateway_row { /* one order; the core's word as of the last gateway_see */
	char id[EVENT_NAME_MAX];
	struct venue_order order;
	struct symbol instrument;
	bool passed, cancel;    /* its risk pass covers it; it is to be cancelled */
	bool pending;           /* the core does not know yet that the venue has it */
	bool told_end;          /* the core knows that it has ended */
	int64_t booked;         /* or quarantined, at the instrument's scale: what is not asked for again */

	enum gateway_state state;
	bool former, seen;
	uint64_t record;        /* lane-X record that must be durable before it is sent */
	int64_t since;          /* first seen */
	int64_t sure_at;        /* that the venue does not have it counts if it was asked later */
	bool asked;             /* a request about it is under way */
	int64_t asked_at, due;
	uint32_t tries;

	uint64_t venue_id;
	int64_t filled;         /* at the venue, so far */
	uint64_t fills_from;    /* FILLS goes on there */
	int64_t fills_due;      /* what is not booked by then is asked for; 0: nothing is missing */
	uint8_t ended;          /* enum order_status there; none */
	bool ask_state;         /* QUERY is wanted */
	bool accepted_told, ended_told;
	char words[EVENT_TEXT_MAX];
};

struct gateway_clock {
	bool known, asked;
	struct offset offset; /* of the clock that `now` is of, as of */
	int64_t at, due;
};

struct gateway_counters {
	uint64_t placed, cancels, queries;
	uint64_t unknown;   /* outcomes that nobody could tell */
	uint64_t refused;   /* orders */
	uint64_t asks_refused; /* cancels and questions about an order: asked again */
	uint64_t unsent;
	uint64_t told, untold; /* reports; those the journal had no room for */
	uint64_t compared, differed;
	uint64_t strangers;    /* open orders that are not ours */
	uint64_t clock_told, clock_refused; /* the venue's time; stamps that were not of it */
};

struct gateway {
	struct gateway_settings set;
	struct gateway_core core;
	struct gateway_row *row; /* owned */
	uint32_t n;
	int64_t started, hold_until;
	uint64_t durable, applied, told; /* lane-X sequence on disk; reports that the core has seen, that it was told */
	bool begun;              /* what comes into the table is of this life */
	bool stream, unanswered; /* it is subscribed to; its last subscription had no answer */
	bool agreed;             /* once */
	bool refused;            /* the key, for good */
	struct gateway_clock clock;
	enum gateway_step step;
	bool step_asked;
	uint64_t told_asked;     /* when the balances were asked for */
	int64_t step_due;
	uint32_t mismatches;
	uint64_t told_then;      /* at the last mismatch */
	int64_t amount[GATEWAY_ASSETS_MAX]; /* scratch: the venue's */
	bool complete, late;                /* scratch */
	bool suspects;                      /* the last list had orders that are not ours, one of them: */
	char stranger[VENUE_ORDERS_ID_MAX];
	char trouble[EVENT_TEXT_MAX]; /* why nothing is sent; empty: it is */
	char differs[EVENT_TEXT_MAX]; /* for people; empty: nothing does */
	char refusal[EVENT_TEXT_MAX]; /* the last of counters.asks_refused */
	struct gateway_counters counters;
};

struct gateway_request {
	enum gateway_ask ask;
	char id[EVENT_NAME_MAX];      /* of the order */
	struct venue_order order;
	struct venue_orders_question question; /* ASK_ORDER, ASK_OPEN; points into this request */
	int64_t at;
};

int gateway_init(struct gateway *g, const struct gateway_settings *s, const struct gateway_core *core, int64_t now);
void gateway_fini(struct gateway *g);

/* The core's orders as they are: begin, each, end. `record`: the newest lane-X record; `applied`: reports of this life
 * that the core has seen. The orders of the first time are of a life before. */
void gateway_see_begin(struct gateway *g, uint64_t applied);
void gateway_see(struct gateway *g, int64_t now, const struct order *o, uint64_t record);
void gateway_see_end(struct gateway *g);
void gateway_on_durable(struct gateway *g, uint64_t seq);

/* What to ask next, if anything. It counts as sent: it must be, or gateway_on_unsent be told. The request must not move
 * before its question is used. */
bool gateway_next(struct gateway *g, int64_t now, struct gateway_request *ret);
/* The dry account's word about an order: it would have been this. */
void gateway_on_dry(struct gateway *g, const struct gateway_request *q, const char *would);

struct gateway_reply {
	int status; /* 0: none came */
	struct json_str body;
	int64_t retry_after_ns;
	bool never_sent; /* there was not even a connection */
};
void gateway_on_reply(struct gateway *g, int64_t now, const struct gateway_request *q, const struct gateway_reply *r);
/* What a reply, or the stream's handshake, says of waiting (0 or less: nothing); it holds every request. */
void gateway_hold(struct gateway *g, int64_t now, int status, int64_t retry_after_ns);

void gateway_on_stream(struct gateway *g, int64_t now, bool up);
void gateway_unanswered(struct gateway *g); /* the venue says nothing to the subscription: the trouble has a name */
/* ERR_*: it could not be read, and everything open is asked for. */
int gateway_on_text(struct gateway *g, struct json_str text);

/* ns since 1970 at the venue; what it says before clock.known is of no use. */
int64_t gateway_venue_time(const struct gateway *g, int64_t now);

/* May orders be sent, as far as it can tell? Else `trouble` says why not. */
bool gateway_ready(const struct gateway *g);

/* gateway_words.c, for its own files: rows of what came about an order; q NULL: on the stream. */
void gateway_hear(struct gateway *g, const struct gateway_request *q, const struct venue_orders_row *v);
int gateway_tell(struct gateway *g, const struct ev_venue_report *r);
struct gateway_row *gateway_find(struct gateway *g, const char *id);
struct ev_venue_report gateway_about(const struct gateway *g, const struct gateway_row *r, enum venue_says says);
void gateway_trouble(struct gateway *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gateway_trouble_over(struct gateway *g); /* what was said last is: what else is there? */
void gateway_refuse(struct gateway *g, const char *why); /* nothing is sent any more, and this stays what is said */

/* gateway_clock.c */
bool gateway_clock_next(struct gateway *g, int64_t now, struct gateway_request *ret);
void gateway_clock_reply(struct gateway *g, int64_t now, const struct gateway_request *q,
			 const struct gateway_reply *a);
void gateway_clock_off(struct gateway *g); /* a stamp was refused: nothing more is signed until it is told anew */

/* gateway_compare.c */
bool gateway_compare_next(struct gateway *g, int64_t now, struct gateway_request *ret);
void gateway_compare_reply(struct gateway *g, int64_t now, const struct gateway_request *q,
			   const struct gateway_reply *r);

#endif
