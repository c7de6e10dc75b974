/* venue_orders - the order endpoints of a venue as pure translation: what to ask, and what replies and events say.
 *
 * Only this file's tables can place an order, and nothing in here sends: request() writes a path and a query, which its
 * caller signs (venue_account_stamp, sign_by_key) and sends, or does not. reply() and event() turn what comes back into
 * rows. What a key may do, balances and the user's stream are those of `account` (venue_account.h): one stream carries
 * both, so each of its texts goes to account->event and to event.
 *
 *   question -> request() -> path -> (signed, sent) -> status, body -> reply() -> rows
 *                                                     the user's stream -> event() -> rows
 *
 * An answer is one of three, and they must never be mistaken for each other:
 *   ORDER, FILL   it was carried out, and this is what became of it;
 *   REFUSED       it was certainly not carried out;
 *   UNKNOWN       it may have been or not: no answer, a 5xx, a code that says so, a body that nobody can read. Nothing
 *                 may be sent again before QUERY, by the client order id, has told which of the two it is.
 * ABSENT is what QUERY answers about an order the venue does not have, CANCEL about one that is not open. An order
 * whose PLACE is UNKNOWN can still appear until its window and then `settle_ns` are over: before that ABSENT proves
 * nothing.
 *
 * A client order id keeps an order from being placed twice only while the first is open: of one that has filled or was
 * cancelled it can be used again. So the id alone never makes it safe to repeat a PLACE.
 *
 * What the venue says can come twice (in the reply and on the stream, on the stream again), late, and in another order
 * than it happened. A fill is the same where symbol, venue_id and trade_id are: an account that trades with itself has
 * one trade id at two of its orders. `filled` of an order never falls, and an order that has ended stays so.
 *
 * Amounts are exact, each at the smallest scale that holds it (fixed_rescale brings them to the instrument's).
 */
#ifndef NJ_VENUE_ORDERS_H
#define NJ_VENUE_ORDERS_H

#include "common/venue/venue_account.h"

#define VENUE_ORDERS_ROWS_MAX 4096 /* in one reply or event; more is ERR_TOO_LONG */
#define VENUE_ORDERS_ID_MAX 64     /* of a client order id with its NUL: others may have made it */

enum venue_orders_ask {
	VENUE_ORDERS_PLACE,
	VENUE_ORDERS_CANCEL,     /* one, by client_id, by venue_id, or by both (which must then fit) */
	VENUE_ORDERS_CANCEL_ALL, /* those of a symbol; where none is open: ABSENT */
	VENUE_ORDERS_QUERY,      /* one, likewise: what became of it */
	VENUE_ORDERS_OPEN,       /* of a symbol; symbol empty: of all */
	VENUE_ORDERS_FILLS,      /* of an order by its venue_id, or of a symbol */
	VENUE_ORDERS_ASKS
};

/* An order as the venue is to have it. Reduce only, links and amounts that include fees are no affair of a spot venue:
 * whoever places it keeps to them. */
struct venue_order {
	char symbol[SYMBOL_RAW_MAX + 1];     /* raw */
	char client_id[VENUE_ORDERS_ID_MAX]; /* never empty: without one it could not be found again */
	uint8_t side, type, tif, trigger_by; /* proto enums; tif of a market order: ioc or gtc, which is the same */
	bool post_only;
	uint8_t price_scale, qty_scale, cash_scale;
	int64_t price, qty, trigger, trail;
	int64_t amount;    /* market: of the quote asset to spend or to get, without fees, instead of qty; else 0 */
	uint32_t trail_bp; /* of a trailing stop, ten-thousandths; or trail */
};

struct venue_orders_question {
	enum venue_orders_ask ask;
	const struct venue_order *order; /* PLACE; the rest is not looked at then */
	const char *symbol;              /* raw; OPEN: may be "" */
	const char *client_id;           /* "": none */
	uint64_t venue_id;               /* 0: none */
	uint64_t from;                   /* FILLS: first trade id; 0: an order's first, a symbol's newest */
};

/* How it is to be sent, signed, with everything in the query. */
struct venue_orders_call {
	const char *method;
	uint32_t weight; /* what it costs of venue.weight_limit */
	bool changes;    /* it is no mere question: sent twice it may do so twice */
};

enum venue_orders_kind {
	VENUE_ORDERS_NOTHING, /* never given */
	VENUE_ORDERS_ORDER,   /* an order's state */
	VENUE_ORDERS_FILL,    /* one execution of it, given before the state that counts it */
	VENUE_ORDERS_REFUSED, /* refusal, reject, code, words */
	VENUE_ORDERS_UNKNOWN, /* code (of the venue; else the status of HTTP, 0: no answer), words */
	VENUE_ORDERS_ABSENT,  /* code, words */
	VENUE_ORDERS_NO_MORE, /* behind the last row of CANCEL_ALL, OPEN and FILLS: that was all */
	VENUE_ORDERS_MORE     /* there instead: ask on with `from` = trade_id */
};

/* What a refusal means for who asked. */
enum venue_orders_refusal {
	VENUE_ORDERS_REFUSED_ORDER,     /* this order or cancel; reject says more where it can be told */
	VENUE_ORDERS_REFUSED_DUPLICATE, /* an open order has this client order id: ours, from before? QUERY tells */
	VENUE_ORDERS_REFUSED_CLOCK,     /* our time is not theirs, or it took too long to get there */
	VENUE_ORDERS_REFUSED_SIGNATURE, /* made with another key than the id's */
	VENUE_ORDERS_REFUSED_KEY,       /* unknown, expired, not from this address, or not allowed to trade */
	VENUE_ORDERS_REFUSED_RATE,      /* too many requests or orders: not before Retry-After is over */
	VENUE_ORDERS_REFUSED_VENUE      /* it does not take orders now */
};

struct venue_orders_row {
	enum venue_orders_kind kind;
	bool unknown;
	int64_t time; /* ns, the venue's, of what it says; 0: it does not say */

	/* ORDER, FILL. client_id is the one the order was placed with; empty where only venue_id is told (FILLS). */
	char symbol[SYMBOL_RAW_MAX + 1];
	char client_id[VENUE_ORDERS_ID_MAX];
	uint64_t venue_id;

	/* ORDER: what is not told is 0 */
	uint8_t side, type, tif; /* proto enums; 0: not told, or of a kind we do not know */
	uint8_t status;          /* enum order_status: open, partial, filled, cancelled, rejected, expired, waiting; 0:
				  * only that it was taken (QUERY tells), or a state we do not know (unknown set) */
	bool post_only;
	uint8_t price_scale, trigger_scale, qty_scale, filled_scale, spent_scale;
	int64_t price, trigger, qty;
	int64_t filled; /* all of it so far; -1: not told */
	int64_t spent;  /* of the quote asset so far, without fees; -1: not told */

	/* FILL (price and qty are those of the trade) */
	uint64_t trade_id;
	uint8_t liquidity; /* enum liquidity */
	uint8_t fee_scale;
	int64_t fee;                    /* in fee_asset; negative: a rebate */
	char fee_asset[EVENT_NAME_MAX]; /* empty: there was none */

	/* REFUSED, UNKNOWN, ABSENT; of an ORDER that is rejected or expired: why, in the venue's words */
	enum venue_orders_refusal refusal;
	uint8_t reject; /* enum reject; 0: none of ours says it */
	int64_t code;
	char words[EVENT_TEXT_MAX];
};

typedef void (*venue_orders_fn)(void *ctx, const struct venue_orders_row *row);

/* Where its orders can go. The first is the one with real money. */
struct venue_orders_host {
	const char *name;          /* "live", "testnet": what the settings say */
	const char *rest, *stream; /* base addresses */
	bool play;                 /* nothing in it is worth anything, and nothing can be withdrawn */
	bool rights;               /* it answers VENUE_ACCOUNT_RIGHTS */
};

struct venue_orders {
	const char *venue; /* behind the point of its instruments' ids: "BINANCE" */
	const struct venue_account *account; /* its rights, balances, key header and stream */
	const struct venue_orders_host *hosts;
	uint32_t n_hosts;
	const char *time_path, *time_key; /* its time for who asks unsigned: of an object, in ms */
	uint32_t id_max;       /* characters of a client order id */
	int64_t window_max_ns; /* recvWindow at the most */
	int64_t settle_ns;     /* see above */

	/* 0, or ERR_REFUSED: the venue has no such order; ret_why is a sentence about it, for people. Sizes, ticks and
	 * bands are not its affair: the executor's checks have them. */
	int (*takes)(const struct venue_order *o, const char **ret_why);
	/* Appends path and query. ERR_ARG: the question names too little; ERR_REFUSED as takes; ERR_FULL, ERR_NOMEM. */
	int (*request)(const struct venue_orders_question *q, struct buf *out, struct venue_orders_call *ret_call);
	/* Rows of a reply; status 0: there was none. At least one row is given whatever came, and all is read before
	 * the first is. 0, or why it could not be read, as json.h, fixed.h, ERR_TOO_LONG, ERR_PROTOCOL have it: the row
	 * is then UNKNOWN. */
	int (*reply)(enum venue_orders_ask ask, int status, struct json_str body, venue_orders_fn fn, void *ctx);
	/* Rows of a text of the user's stream, none where it is not about orders. Errors as of reply, and no row: what
	 * came was lost, so what is open must be asked for. */
	int (*event)(struct json_str text, venue_orders_fn fn, void *ctx);
};

extern const struct venue_orders venue_orders_binance_spot;

#endif
