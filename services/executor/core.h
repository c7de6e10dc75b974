/* core - the executor's pure core: a paper account that trades against the venues' own books.
 *
 * Inputs: instrument, book_snapshot, book_delta, book_state, trade, mark; intent; command (pause, resume,
 * safe, reset, flatten, reload). Outputs: order, fill, position, balance, equity, trading_state, and of perpetuals
 * funding and liquidated, with ts_event = the
 * time of the input and ts_recv = that plus the acknowledgement latency. Each change in this order:
 * order (open), fills, order (after them), position, balances of base and quote; equity once a step
 * that filled anything, and on its timer.
 *
 * Commands: pause (owner, reason, until), resume and reset are for the account named by target, or
 * for any where that is empty; safe raises the cause named by target where it gives a reason, and
 * clears that cause where it gives none. cancel ends the open orders that target names (cancel.c); flatten
 * cancels what rests and closes every position (flatten.c); reload gives the setting named by target its new value
 * (live.c).
 *
 * A refused duplicate, and a refused cancel, are answered with an order event that bears the id of
 * an order which may live on: only `reject` (duplicate, unknown_order) tells them from its own end.
 *
 * The first words of a new account, once it knows its origin, are its state of trading, its
 * balances, its equity, and what all that follows rests on (assume.h).
 *
 * What it guarantees: no fill on a book that is untrusted, stale, crossed, of a foreign origin, or
 * beyond the depth that it guarantees; none better than the book or the trade allows; no displayed
 * quantity is taken twice; balances never go negative; sums conserve to the last unit of
 * CASH_SCALE.
 *
 * How resting orders fill: when an order starts to rest, everything displayed at its price is ahead of it. A trade at
 * its price by the opposite side uses up that queue first, then fills it; a trade through its price fills it; what a
 * displayed quantity that shrinks without trades does to the queue, the model says (queue.h: by default the back of the
 * queue). A trusted book whose opposite side stands at or through its price fills it with what is shown there.
 */
#ifndef NJ_EXECUTOR_CORE_H
#define NJ_EXECUTOR_CORE_H

#include "common/service/core.h"
#include "services/executor/allocation.h"
#include "services/executor/fees.h"
#include "services/executor/guard.h"
#include "services/executor/latency.h"
#include "services/executor/limits.h"
#include "services/executor/quotes.h"
#include "services/executor/margin.h"

#define EXECUTOR_BALANCES_MAX 32

struct executor_balance {
	char asset[EVENT_NAME_MAX];
	int64_t amount; /* at CASH_SCALE (8 decimals) */
};

struct executor_settings {
	char account[EVENT_NAME_MAX];
	char run_id[EVENT_NAME_MAX]; /* of the ids of its own orders */
	char quote[EVENT_NAME_MAX]; /* the account's own asset, in which it is counted */
	struct quotes_row quotes[QUOTES_MAX]; /* what instruments may be paid in beside it */
	uint32_t n_quotes;
	struct executor_balance balance[EXECUTOR_BALANCES_MAX]; /* at the start */
	uint32_t n_balances;
	int64_t maker_fee, taker_fee; /* of 1e-8: 100000 is 0.001; 0 to 0.1 */
	struct fee_table fees; /* of markets that charge otherwise; `rest` is filled in from the two above */
	struct margin_table margins; /* what positions in perpetuals need */
	uint8_t mark;                /* enum mark_kind (mark.h): what positions are valued at */
	int64_t ack_latency_ns;     /* the least that the way back takes */
	int64_t order_latency_ns;   /* the least that the way to the exchange takes */
	struct latency_settings latency; /* what it takes beside (flight.h) */
	int64_t stale_ns;           /* a book without news for longer is not traded */
	int64_t equity_interval_ns; /* of event time; silence makes no further ones */
	int64_t intent_expiry_ns;   /* for intents that name no expiry */
	int64_t blind_max_ns;       /* orders of a market that was not seen for longer are cancelled; 0: never */
	uint8_t queue;              /* enum queue_model (queue.h) */
	int64_t loss_max; /* quote at 8 decimals below the start's worth that halts; 0 none */
	int64_t limit[LIMITS];              /* of the account; risk.h */
	struct limits_scope scope[LIMITS_SCOPES_MAX]; /* of strategies and instruments */
	uint32_t n_scopes;
	struct guard_settings guard;
	struct allocation_settings allocation;
	uint64_t pinned; /* settings of executor_live, by their place there, that a reload does not change: its own */
	uint32_t open_orders_max, instruments_max;
	uint32_t book_levels;       /* a side */
	bool remote;                /* a live account: orders live at the venue (remote.h) */
	char venue[EVENT_NAME_MAX]; /* then: whose instruments alone; empty: all */
	bool dry;                   /* but nothing is ever sent: its balances are the settings' */
	uint8_t origin;             /* enum origin; none: that of the first market event */
};

struct executor_counters {
	uint64_t events, ignored;       /* seen; of kinds that are not for us */
	uint64_t foreign_origin;        /* market events of another origin than the account's */
	uint64_t unknown_instrument;    /* market events before their instrument was announced */
	uint64_t bad_instruments;       /* announcements and outcomes that make no sense or do not fit */
	uint64_t bad_books;             /* book events that do not fit their instrument */
	uint64_t intents, other_account;
	uint64_t orders, rejected, expired, cancelled, fills;
	uint64_t refused_fills; /* fills that a rounding would have let overdraw: order cancelled */
	uint64_t full_instruments;      /* instruments beyond the limit */
	uint64_t closing;      /* holdings that a flatten has still to close, now */
	uint64_t flatten_left; /* holdings that a flatten could not close */
	uint64_t quarantined;  /* fills of our journal that were not booked */
	uint64_t fundings;     /* fundings of holdings, paid or received */
	uint64_t liquidations; /* positions that the venue took over */
	uint64_t bad_marks;    /* mark prices that make no sense */
	uint64_t stop_outs;    /* orders with a loss */
	uint64_t stands;       /* times that the stop-loss guard made instruments stand still */
	uint64_t delayed, in_flight;   /* intents that took longer than the least; are under way now */
	uint64_t remote_reports, remote_duplicates; /* what the venue said; of it, trades that were booked before */
	uint64_t remote_quarantined;                /* trades at the venue that were not booked */
	uint64_t reloads, reloads_refused; /* settings that were changed, that were not understood */
};

struct executor;

/* Name "paper", USDT, 10,000 of it, fees 0.001, 10 ms, 5 s, 10 s, 2 s, 200 orders, 256 instruments,
 * 5,000 levels. */
void executor_defaults(struct executor_settings *s);

/* ERR_RANGE: a setting is out of its range; ERR_NOMEM. */
int executor_new(const struct executor_settings *s, struct executor **ret_executor);
void executor_free(struct executor *x);

/* A gap event says that input records are lost: books are then unknown until their next snapshots.
 *
 * on_event and on_timer take a struct executor; load wants a freshly made one with the same account
 * and quote (ERR_DIFFERS, ERR_CORRUPT, the codec's errors: free it then). */
extern const struct core_ops executor_core;

const struct executor_counters *executor_counters(const struct executor *x);
const char *executor_account(const struct executor *x);
enum trading executor_trading(const struct executor *x);
/* Who and why of the present state, as a trading_state event says it. */
void executor_describe(const struct executor *x, struct ev_trading_state *ret_state);
/* Does the stop-loss guard keep anything still at this event time? text: what, and why (EVENT_TEXT_MAX). */
bool executor_stands(const struct executor *x, int64_t now, char *text);
bool executor_safe_for(const struct executor *x, const char *cause); /* safe mode, for this cause among others */
/* Does it rest on other assumptions than those on record? The command reload with the target executor.assumptions puts
 * them there. */
bool executor_assumes_anew(const struct executor *x);
uint32_t executor_open_orders(const struct executor *x);
uint32_t executor_cancelled_by_hand(const struct executor *x); /* by the last command cancel */

/* Settings of the section executor that the command reload changes, NULL-ended; what one of them is now (as in
 * struct executor_settings), or ERR_NOT_FOUND. */
extern const char *const executor_live[];
int executor_live_place(const char *key); /* in it, or ERR_NOT_FOUND */
int executor_live_value(const struct executor *x, const char *key, int64_t *ret_value);

#endif
