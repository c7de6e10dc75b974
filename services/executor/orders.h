/* orders - the open orders in price-time priority, and which intents have been seen.
 *
 * An order that neither rests nor waits is not in the table: it lives on the stack of the step that handles it.
 *
 *                              intake_on_intent
 *                                     |
 *             rejected <--------------+--------------> expired        neither was ever accepted
 *                                     |
 *            +------------------------+-------------------+
 *            | terms_conditional      |                   | link_open: a leg of a bracket
 *            v                        |                   v
 *   WAITING (trigger)                 |           WAITING (held)      quantity 0, follows its entry's fills
 *            | trigger_on_*           |                   | link_settle: the entry has filled
 *            v                        |                   |
 *        triggered                    |      +------------+--> WAITING (trigger), where it is the stop
 *            | taker_go_on            v      v
 *            +---------------------> open, RESTING                    accepted; its lock is set aside
 *            |                        |    |   ^
 *            |                        |    |   | amend (replace): again open or partial, revision + 1
 *            |          fills_execute |    +---+
 *            |                        v
 *            +--------------------> partial ----> filled              fills_settle
 *
 *   From WAITING, triggered, open and partial: cancelled (fills_close) by intent, as the rest of an ioc or market
 *   order, by a halt or a flatten, by the end of what it is linked to, by loss of data; expired (fills_expire) at
 *   good_until.
 *
 * Memory of intents: an intent counts from 1 for each strategy, and lane X hands intents over in
 * order, so the highest ordinal seen of each strategy tells every duplicate; a restart of a
 * strategy under a new epoch (a new journal, a new run id) begins again at 1. That is one row a
 * strategy instead of every id ever used.
 */
#ifndef NJ_EXECUTOR_ORDERS_H
#define NJ_EXECUTOR_ORDERS_H

#include "services/executor/market.h"
#include "services/executor/money.h"
#include "services/executor/risk_pass.h"

#define ORDERS_STRATEGIES_MAX 256
#define ORDERS_PRICE_MAX (INT64_MAX / 2) /* twice a price still fits */

enum order_stage {
	stage_resting, /* in the venue's book */
	stage_trigger, /* waits for its trigger */
	stage_held,    /* a leg that waits for its entry's fills */
	stage_remote,  /* a live account's: at the venue, or on its way there (remote.h) */
};

struct order_remote { /* where stage_remote */
	char venue_id[EVENT_NAME_MAX]; /* empty: the venue has not told it */
	struct risk_pass pass;         /* as it was submitted; never saved */
	int64_t total;                 /* once it has ended: all that the venue filled of it */
	int64_t quarantined;           /* of it, what could not be booked and never will be */
	uint8_t ended;                 /* enum order_status that it ended as; none: it has not */
	uint8_t why;                   /* enum reject: what the cancel is for */
	bool cancel;                   /* the venue is asked to cancel it */
	bool expires;                  /* because its time ran out */
};

struct fading { /* a quantity that is forgotten after a while (queue.c) */
	int64_t old, recent;
};

struct order {
	char strategy[EVENT_NAME_MAX];
	char client_order_id[EVENT_NAME_MAX];
	char user_id[EVENT_NAME_MAX]; /* empty: none */
	char link_id[EVENT_NAME_MAX]; /* id of the order that its link is named after; empty: none */
	uint64_t ordinal;    /* of its intent */
	struct market *market;
	uint8_t side, type, tif, status;
	uint8_t stage, trigger_by, link, leg;
	bool post_only, reduce_only;
	uint32_t revision;
	uint32_t trail_bp;   /* of the best price; 0: trail */
	int64_t price, qty;  /* at the instrument's scales; price 0: takes any */
	int64_t trigger;     /* price; of a trailing stop where it begins to follow, 0 at once */
	int64_t trail;
	int64_t best;        /* twice the best price a trailing stop has followed; 0: not yet */
	int64_t amount;      /* cash that a market buy may cost; 0: qty counts */
	int64_t good_until;  /* event time; 0: no end */
	uint8_t outcome;     /* enum outcome: what it trades (outcome.h) */
	int64_t filled;
	int64_t told;        /* of filled: what its link knows */
	int64_t cost;        /* cash of all fills */
	int64_t locked;      /* quote of a buy, base of a sell: its part of the asset's lock */
	int64_t closes;      /* of a perpetual: what of its rest closes, if that is as much (perpetual.h) */
	int64_t fee_carry;   /* struct deal */
	bool lost;           /* counted as a stop-out (guard.h) */
	int64_t ahead;       /* displayed quantity that must trade first; INT64_MAX while unknown */
	int64_t shown;       /* displayed at its price when the queue was last looked at (queue.h) */
	int64_t traded;      /* there since, and not explained by what had vanished */
	struct fading vanished; /* of its level, and no trade has explained it yet */
	struct fading let_by;   /* of `ahead`, because of that */
	int64_t period;         /* of both */
	int64_t since;          /* the venue's time of the book that it came to stand behind */
	struct order_remote remote;
};

struct orders_seen { /* one strategy's intents */
	char strategy[EVENT_NAME_MAX];
	uint64_t epoch, ordinal;
	bool any_epoch; /* taken over from our journal, which does not tell the epoch */
};

struct orders {
	struct order *at; /* owned; each market's side best price first, then oldest first */
	uint32_t n, max;
	int64_t due; /* earliest good_until, INT64_MAX none */
	struct orders_seen seen[ORDERS_STRATEGIES_MAX];
	uint32_t n_seen;
};

int orders_init(struct orders *os, uint32_t max); /* ERR_NOMEM */
void orders_fini(struct orders *os);

/* Notes an intent of a strategy; ERR_EXISTS where it, or a later one, was seen; ERR_FULL: too many
 * strategies. */
int orders_note(struct orders *os, const char *strategy, uint64_t epoch, uint64_t ordinal);

/* Our journal answers an intent with this ordinal: it was seen. Until a higher one comes, every
 * epoch's intents up to it are duplicates. */
void orders_recall(struct orders *os, const char *strategy, uint64_t ordinal);

/* NULL where none is open. */
struct order *orders_find(struct orders *os, const char *client_order_id);

/* By the id that its user gave it; NULL where none is open, or the id is empty. */
struct order *orders_find_user(struct orders *os, const char *user_id);

/* Copies an order into its place; ERR_FULL. Other orders move: pointers into the table end
 * here. */
int orders_insert(struct orders *os, const struct order *o);
void orders_remove(struct orders *os, uint32_t i);
/* Its time ran out, and somebody else ends it: it has no date any more. */
void orders_undate(struct orders *os, uint32_t i);

static inline int64_t order_rest(const struct order *o)
{
	return o->qty - o->filled;
}

/* Does it have a worst price? */
static inline bool order_limited(const struct order *o)
{
	return o->price != 0;
}

static inline bool order_may_rest(const struct order *o)
{
	return order_limited(o) && (o->tif == tif_gtc || o->tif == tif_gtd);
}

static inline struct rated order_rated(const struct order *o, int64_t price, int64_t qty)
{
	return (struct rated){price, qty, o->market->def.price_scale, o->market->def.qty_scale};
}

/* Average fill price at the price scale, half to even; 0 where nothing was filled. */
int64_t order_avg_price(const struct order *o);

/* orders_save.c: which intents were seen (and, of states of before, the orders); the orders themselves. */
bool orders_sound(const struct order *o); /* does it keep the promises that the rest of the code relies on? */
void orders_save(const struct orders *os, struct packer *p);
int orders_load(struct orders *os, const struct markets *ms, struct unpacker *u);
void orders_save_open(const struct orders *os, struct packer *p);
int orders_load_open(struct orders *os, const struct markets *ms, struct unpacker *u);

#endif
