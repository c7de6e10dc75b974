/* executor - the inside of the executor's core, shared by its files and seen by nobody else. */
#ifndef NJ_EXECUTOR_EXECUTOR_H
#define NJ_EXECUTOR_EXECUTOR_H

#include "services/executor/account.h"
#include "services/executor/assume.h"
#include "services/executor/core.h"
#include "services/executor/flight.h"
#include "services/executor/holdings.h"
#include "services/executor/ledger.h"
#include "services/executor/outcome.h"
#include "services/executor/mode.h"
#include "services/executor/orders.h"
#include "services/executor/queue.h"
#include "services/executor/quotes.h"
#include "services/executor/remote.h"
#include "services/executor/risk.h"
#include "services/executor/walk.h"

struct flatten { /* flatten.c */
	int64_t next;     /* event time of the next try; 0: nothing is being closed */
	int64_t until;    /* tries end */
	uint64_t ordinal; /* of its last order, ever */
};

struct link_note { /* link.c: what an order did that others of its link must follow */
	char link_id[EVENT_NAME_MAX];
	int64_t filled;
	uint8_t link, leg;
	bool ended;
};

struct links {
	struct link_note *at; /* owned; oldest first */
	uint32_t n, max;
};

struct perpetuals { /* perpetual.h */
	int64_t due; /* event time of the next funding, CORE_NEVER none */
	bool adopt;  /* the state that is being loaded knows nothing of margin */
};

struct executor {
	struct executor_settings settings;
	struct executor_counters counters;
	struct account account;
	struct quotes quotes;
	struct ledger ledger;
	struct markets markets;
	struct orders orders;
	struct flight flight;
	struct assumptions assumptions;
	struct links links;          /* empty between steps */
	struct mode mode;
	struct holdings holdings;
	struct flatten flatten;
	struct risk risk;
	struct guard guard;
	struct allocation allocation;
	struct remote remote;        /* live accounts */
	struct perpetuals perpetuals;
	char taking[EVENT_NAME_MAX];  /* own.c: the last order that began to trade */
	bool taking_own;              /* it was of the executor's own */
	char run_id[EVENT_NAME_MAX]; /* of its own orders' ids; a loaded state brings its own */
	uint8_t origin;       /* of every market event it may use; none until the first */
	uint64_t fills;       /* of the account, ever: the last fill id */
	int64_t equity_due; /* next point of the curve, or CORE_NEVER while nothing happens */
	int64_t start_equity; /* worth at the first point where all could be marked */
	bool opened;          /* its first state and balances are on record */
	bool started;         /* start_equity is known */
	bool filled;          /* something filled in this step */
	uint32_t named;       /* orders that the last cancel of a person ended; not saved: only its answer says it */
	int64_t sight_due;    /* sight.c: when an order may have been blind for too long, or CORE_NEVER */
	struct walk walk;     /* scratch of one step */
};

/* One step: what is being handled, when, and where results go. */
struct step {
	struct executor *x;
	const struct sink *out;
	int64_t now;
	uint8_t origin; /* of the results */
};

/* report.c: the events. Each begins like this; m: where it happened, NULL for what is the account's own. */
struct event report_begin(const struct step *s, uint16_t id, const struct market *m);
void report_order(const struct step *s, const struct order *o, enum reject reject,
		  const char *reason);
void report_refusal(const struct step *s, const struct event *intent, enum reject reject);
void report_expiry(const struct step *s, const struct event *intent);
void report_pending(const struct step *s, const struct event *intent); /* it is under way */
void report_assumption(const struct step *s, const struct assumption *a);
void report_latency(const struct step *s, const struct ev_latency *e); /* but for the account */
void report_holdings(const struct step *s, const struct market *m); /* position, base, quote */
void report_balance(const struct step *s, const struct asset *a);
void report_trading(const struct step *s, enum trading before);
const char *report_reject_text(enum reject reject);

struct execution {
	int64_t price, qty;
	enum liquidity liquidity;
	/* filled in by fills_execute; cost: of the instrument, paid: of what the order trades (outcome.h) */
	int64_t cost, paid, fee, realised, fee_carry;
	const char *trade_id, *commission_asset; /* of a trade at the venue; else NULL */
	int64_t commission;
};
void report_fill(const struct step *s, const struct order *o, const struct execution *e);

/* fills.c: what an execution does to the order, the money and the position. */
/* ERR_REFUSED, ERR_RANGE: it cannot be paid or held; nothing has changed then. */
int fills_execute(const struct step *s, struct order *o, struct execution *e);
/* Cancels what is left of an order: releases its lock and reports it, with the holdings where this
 * step filled some of it (moved). The caller takes it out of the table. */
void fills_close(const struct step *s, struct order *o, enum reject reject, bool moved);
/* Its time ran out: as fills_close, by another name. */
void fills_expire(const struct step *s, struct order *o);
/* Releases what it locks beyond `keep`; all of it. */
void fills_release(struct executor *x, struct order *o, int64_t keep);
void fills_unlock(struct executor *x, struct order *o);
/* Locks so much for an order; ERR_REFUSED where less is free. */
int fills_lock(const struct step *s, const struct order *o, int64_t amount);
/* After executions of an order that may go on: sets its status, releases what it no longer needs,
 * reports. */
void fills_settle(const struct step *s, struct order *o);
/* What an order that rests with this much left must have locked. */
int fills_reserve(const struct order *o, int64_t rest, int64_t *ret_amount);
/* What the fees of open orders have been rounded up by so far. */
void fills_save(const struct executor *x, struct packer *p);
int fills_load(struct executor *x, struct unpacker *u); /* after the orders */
struct asset *fills_locked_asset(struct executor *x, const struct order *o);

/* settle.c: event contracts that come to their end. */
/* What the account now holds of both outcomes is worth 1 a pair: an own NO at once, another instrument's contracts
 * where the strategy itself holds both, at the price of the fill that made them a pair. */
void settle_pairs(const struct step *s, const struct order *o, int64_t price);
/* The venue has said what contracts of this market pay, or that they are void. */
void settle_market(const struct step *s, struct market *m);

/* intake.c: intents. */
void intake_on_intent(const struct step *s, const struct event *ev);
/* One that was under way has reached the exchange. */
void intake_arrive(const struct step *s, const struct event *ev);
/* An order of the executor's own: no state of trading, duplicate or age stands in its way. */
enum reject intake_own(const struct step *s, const struct event *ev, struct market *m);
/* The order that an intent names, by its id or its user's, if it is the same strategy's. */
struct order *intake_named(struct executor *x, const struct ev_intent *in);

/* taker.c: a checked order against the book; the refusal, or reject_none where it was accepted. */
enum reject taker_place(const struct step *s, struct order *o);

/* An order that was accepted before, and now stands on the stack, goes to the market: what it locks is set aside anew.
 * A refusal cancels it. */
void taker_go_on(const struct step *s, struct order *o);
/* An order in the table takes the terms of `n`, a copy of it, and loses its place in the queue; a refusal leaves it as
 * it is. */
enum reject taker_replace(const struct step *s, uint32_t i, struct order *n);

/* cancel.c */
/* Takes it out of the table, or asks the venue to cancel it: whether it has left the table. */
bool cancel_one(const struct step *s, uint32_t i, enum reject reject);
void cancel_on_intent(const struct step *s, const struct event *ev);     /* kind cancel */
void cancel_all_on_intent(const struct step *s, const struct event *ev); /* kind cancel_all */
void cancel_all(const struct step *s, const struct market *only, enum reject reject); /* NULL: of every market */
/* What a person names: an order by its id or its user's, an instrument, a strategy, the account; empty: all. */
void cancel_on_command(const struct step *s, const struct ev_command *c);
void cancel_due(const struct step *s);         /* what has reached its good_until */
void cancel_unreducible(const struct step *s); /* reduce-only orders that have nothing left to reduce */

/* sight.c: orders do not outlive a market that is not seen. */
void sight_on_market(const struct step *s, struct market *m); /* after an event of it, or an order for it */
void sight_arm(struct executor *x, int64_t now);
void sight_on_timer(const struct step *s);
void sight_save(const struct executor *x, struct packer *p);
int sight_load(struct executor *x, struct unpacker *u);

/* amend.c */
void amend_on_intent(const struct step *s, const struct event *ev); /* kind replace */

/* maker.c: resting orders against trades and books. */
void maker_on_trade(const struct step *s, struct market *m, const struct event *ev);
void maker_on_book(const struct step *s, struct market *m);

/* flatten.c: positions closed by order of a person. */
void flatten_begin(struct executor *x, int64_t now, const struct ev_command *c);
void flatten_stop(struct executor *x); /* what is not closed yet stays */
int64_t flatten_due(const struct executor *x); /* CORE_NEVER: nothing is being closed */
void flatten_on_timer(const struct step *s);
void flatten_save(const struct executor *x, struct packer *p);
int flatten_load(struct executor *x, struct unpacker *u); /* after the holdings */

/* live.c: settings that change at run time */
void live_set(struct executor *x, const struct ev_command *c);
void live_save(const struct executor *x, struct packer *p);
int live_load(struct executor *x, struct unpacker *u);

/* equity.c: worth, the curve, the loss limit. */
void equity_report(const struct step *s);
/* The same with what it consists of. */
void equity_point(const struct step *s);
void valuation_report(const struct step *s); /* valuation.c */
/* Notes the worth at the start, once it can be told. */
void equity_start(struct executor *x, int64_t now);
/* The account's worth. False: not all of it could be marked. */
bool equity_worth(const struct executor *x, int64_t now, int64_t *ret_worth);
void equity_arm(struct executor *x, int64_t now);
/* Money came or went that is no result: what losses are counted from goes with it. `before`: the worth without it;
 * where that, or the one after it, cannot be told (NULL), losses are counted anew. */
void equity_rebase(struct executor *x, int64_t now, const int64_t *before);

/* core.c */
bool core_in_range(const struct executor_settings *s);
void core_lose_books(struct executor *x);
bool core_obey(struct executor *x, int64_t now, const struct ev_command *c);

/* own.c: core_ops.on_own */
void executor_on_own(void *core, const struct event *ev);

/* save.c */
int executor_save(const void *core, struct buf *out);
int executor_load(void *core, const uint8_t *at, size_t len);
/* A new account takes over what another knows of the markets: everything but what is anybody's own. */
int executor_adopt(struct executor *x, const struct executor *from);

#endif
