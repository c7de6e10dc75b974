/* strategy - what a strategy file sees and offers: its own state and the event, nothing else.
 *
 * strategies/NAME.c defines `const struct strategy strategy_NAME` and includes this header,
 * proto/event.h and common/base, nothing else; the registry finds it. A strategy keeps everything
 * it remembers in its state: plain data without pointers, zeroed at the start, saved and restored
 * byte for byte. It has no clock and no random numbers: strategy_now is the time, the same events
 * give the same orders.
 *
 *     static void on_event(void *state, struct strategy_ctx *ctx, const struct event *ev)
 *     {
 *             if (ev->id == EVENT_candle && crossed_up(state, &ev->candle))
 *                     strategy_order(ctx, &wish, NULL);
 *     }
 */
#ifndef NJ_STRATEGY_STRATEGY_H
#define NJ_STRATEGY_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"
#include "services/strategy/indicators.h"

#define STRATEGY_ORDERS_MAX 32 /* open orders of one strategy, unanswered ones included */
#define STRATEGY_QTY_SCALE 8   /* of PARAM_QTY values: base at 8 decimals, see strategy_qty */

/* Parameters are declared by rows and kept in a struct of int64_t fields and char[EVENT_NAME_MAX]
 * names. */
enum strategy_param_kind {
	PARAM_COUNT,  /* whole number */
	PARAM_QTY,    /* decimal number at STRATEGY_QTY_SCALE */
	PARAM_CHOICE, /* one of the words in `choices`: its index from 0 */
	PARAM_NAME,   /* text, in a char[EVENT_NAME_MAX] */
};

struct strategy_param {
	const char *name;
	enum strategy_param_kind kind;
	const char *value;   /* default, as text */
	int64_t min, max;    /* of numbers, at their scale */
	const char *choices; /* "limit market alternate" */
	const char *unit, *doc;
	size_t offset;       /* into the struct of parameters */
};

struct strategy_ctx; /* the host's; good during a call */

struct strategy {
	const char *name, *doc;
	const struct strategy_param *params;
	uint32_t n_params;
	size_t params_size, state_size;
	uint32_t version; /* of the state's layout: raise it when that changes */
	bool wants_book;  /* the host keeps the order book for strategy_level */
	bool external;    /* its decisions come from a program outside, as wishes */
	/* NULL, or the sentence why these parameters do not go together. May be missing. */
	const char *(*check)(const void *params);
	/* Market events of its instrument, then its own order and fill events; in order of event
	 * time. */
	void (*on_event)(void *state, struct strategy_ctx *ctx, const struct event *ev);
};

/* What it may ask. */
int64_t strategy_now(const struct strategy_ctx *ctx);
const void *strategy_params(const struct strategy_ctx *ctx);
/* NULL until it is announced. */
const struct ev_instrument *strategy_instrument(const struct strategy_ctx *ctx);
/* The book is trusted and fresh: orders are possible. */
bool strategy_trusted(const struct strategy_ctx *ctx);
/* i-th best level of the book; false where there is none, or without wants_book. */
bool strategy_level(const struct strategy_ctx *ctx, enum side side, uint32_t i,
		    struct level *ret_level);
/* Sum of its own fills at the instrument's scale, as far as the executor has told. */
int64_t strategy_position(const struct strategy_ctx *ctx);
/* A PARAM_QTY value at the instrument's scale, rounded down to its lot; 0 where the instrument is
 * unknown. */
int64_t strategy_qty(const struct strategy_ctx *ctx, int64_t qty);
/* The highest price that the instrument has and that is not above this one; 0 where it is unknown. */
int64_t strategy_price(const struct strategy_ctx *ctx, int64_t price);
/* The step of prices there (it may differ with the price); 0 any, or unknown. */
int64_t strategy_tick(const struct strategy_ctx *ctx, int64_t price);

struct strategy_open { /* an order that has not ended, as far as the executor has told */
	uint64_t ordinal;    /* names it */
	int64_t price, qty, filled; /* at the instrument's scales */
	int64_t asked_at;    /* event time of the wish */
	uint8_t side, type, tif;
	uint8_t status;      /* enum order_status; none: not answered yet */
	bool cancelling;     /* a cancel has been asked for */
};
uint32_t strategy_open_orders(const struct strategy_ctx *ctx);
/* Oldest first. */
const struct strategy_open *strategy_open_order(const struct strategy_ctx *ctx, uint32_t i);

/* What it may want. Prices and quantities at the instrument's scales; what does not apply is left 0. Which terms go
 * together, the executor judges and answers with a typed refusal (docs/orders.md). */
struct strategy_wish {
	enum side side;
	enum order_type type;
	enum tif tif;        /* none: ioc at market, else gtd where there is a date, else gtc */
	int64_t price, qty;  /* price 0 for orders at market */
	const char *reason;  /* for people */
	const char *user_id; /* an id of one's own beside the ordinal, unique among the account's open orders */
	bool post_only, reduce_only;
	int64_t good_until;  /* gtd: event time */
	int64_t amount;      /* market buy: all that it may cost, at 8 decimals, fees included; qty is 0 then */
	int64_t trigger;     /* stops and profits; a trailing stop: where it begins to follow */
	enum trigger_by trigger_by;
	int64_t trail;       /* trailing stop: distance from the best price, or */
	uint32_t trail_bp;   /* in ten-thousandths of it */
	/* oco: a stop of the same side beside a limit order. bracket: a target and a stop, or one of them, that close
	 * what this order opens. */
	enum order_link link;
	int64_t target;      /* limit price */
	int64_t stop;        /* trigger */
	int64_t stop_limit;  /* limit price once triggered; 0: at market */
};

/* Sends an intent. ERR_NOT_FOUND: instrument unknown; ERR_STALE: no trusted, fresh data, so no
 * order; ERR_FULL: STRATEGY_ORDERS_MAX open; ERR_ARG: a quantity or price that is not above 0.
 * *ret_ordinal (may be NULL) names the order; the orders of its link follow it: first the target, then the stop. */
int strategy_order(struct strategy_ctx *ctx, const struct strategy_wish *wish,
		   uint64_t *ret_ordinal);

/* Asks for the cancel of an own open order, with or without fresh data; ERR_NOT_FOUND; ERR_EXISTS:
 * asked for. */
int strategy_cancel(struct strategy_ctx *ctx, uint64_t ordinal, const char *reason);

/* Asks for the cancel of all its orders, or of every order of the account, in its instrument. */
int strategy_cancel_all(struct strategy_ctx *ctx, enum cancel_scope scope, const char *reason);

struct strategy_change { /* 0 keeps what there is */
	int64_t price, qty, trigger; /* qty: of the whole order, with what is filled of it */
	const char *reason;
};

/* Asks for other terms of an own open order; less at the same price keeps its place in the queue. ERR_NOT_FOUND;
 * ERR_ARG: nothing changes, or a negative number; ERR_STALE as for an order. What comes of it, its order events tell:
 * a refusal bears the id of the order, which lives on as it is. */
int strategy_replace(struct strategy_ctx *ctx, uint64_t ordinal, const struct strategy_change *to);

#endif
