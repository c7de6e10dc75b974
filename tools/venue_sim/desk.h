/* desk - the orders of the simulated venue's one customer: held for, matched against the book as it is played, told.
 *
 *     desk_place --> waiting --last trade at its stop--> working --> partially filled --> filled
 *                    working ----------------------------^    |             |
 *                    from each of them: cancelled (desk_cancel), expired (ioc, fok, market: the rest at once)
 *
 * What takes walks the book as it stands; what it took is there again for the next. What rests is filled at its own
 * price: by a trade of the market at it or beyond, up to that trade's quantity, and by a book that crosses it. The fee
 * is a thousandth of what is received. Amounts of assets have eight decimals, prices and quantities those of the
 * symbol.
 */
#ifndef NJ_SIM_DESK_H
#define NJ_SIM_DESK_H

#include "tools/venue_sim/fold.h"
#include "tools/venue_sim/wallet.h"

#define DESK_ORDERS_MAX 2048 /* kept; the oldest that have ended make room */
#define DESK_TRADES_MAX 4096
#define DESK_ID_MAX 37 /* a client order id with its NUL */
#define DESK_DIGITS 8  /* of assets */

enum desk_type {
	DESK_MARKET,
	DESK_LIMIT,
	DESK_LIMIT_MAKER,
	DESK_STOP,
	DESK_STOP_LIMIT,
	DESK_PROFIT,
	DESK_PROFIT_LIMIT,
	DESK_TYPES
};
enum desk_tif { DESK_GTC, DESK_IOC, DESK_FOK };
enum desk_status { DESK_NEW, DESK_PARTIAL, DESK_FILLED, DESK_CANCELED, DESK_EXPIRED };
enum desk_report { DESK_TELL_NEW, DESK_TELL_TRADE, DESK_TELL_CANCELED, DESK_TELL_EXPIRED };

struct desk_order {
	const struct rec_symbol *about;
	char base[16], quote[16];
	uint64_t id; /* from 1 */
	char client_id[DESK_ID_MAX], cancel_id[DESK_ID_MAX];
	enum desk_type type;
	enum desk_tif tif;
	enum desk_status status;
	bool sell, working;
	int64_t price, qty, stop;
	int64_t amount;   /* of the quote asset, instead of qty; else 0 */
	int64_t trail_bp; /* of a trailing stop */
	int64_t best;     /* that it has followed; 0: none yet */
	int64_t filled;
	int64_t spent;                         /* of the quote asset */
	int64_t held;                          /* of what it pays with */
	const char *why;                       /* it has expired; else NULL */
	int64_t at_ms, changed_ms, working_ms; /* working_ms 0: not yet */
};

struct desk_trade {
	uint64_t order, id; /* id from 1 */
	const struct rec_symbol *about;
	int64_t price, qty, fee;
	char fee_asset[16];
	bool maker, bought;
	int64_t at_ms;
};

struct desk_refusal {
	int code;
	const char *msg;
};

struct desk_handler {
	void (*report)(void *ctx, const struct desk_order *o, const struct desk_trade *t, enum desk_report what);
	void (*moved)(void *ctx, const struct wallet_asset *a, int64_t at_ms);
};

struct desk {
	struct wallet *wallet;
	const struct desk_handler *h;
	void *ctx;
	struct desk_order *order; /* owned, by id; ended ones are taken again */
	struct desk_trade *trade; /* owned; the newest at trades % DESK_TRADES_MAX */
	uint32_t n;
	uint64_t orders, trades; /* so far */
};

int desk_open(struct desk *d, struct wallet *w, const struct desk_handler *h, void *ctx); /* ERR_NOMEM */
void desk_close(struct desk *d);

/* Takes an order whose terms are whole, or says why not. `s`: its market as it stands; NULL: nothing of it came yet. */
const struct desk_refusal *desk_place(struct desk *d, const struct fold_symbol *s, const struct desk_order *wanted,
				      struct desk_order **ret_order);
void desk_cancel(struct desk *d, struct desk_order *o, const char *cancel_id, int64_t now_ms);
/* Ends it of the venue's own accord. */
void desk_expire(struct desk *d, struct desk_order *o, const char *why, int64_t now_ms);
/* Fills so much of it at its price, as a maker; no more than is left. */
void desk_fill(struct desk *d, struct desk_order *o, int64_t qty, int64_t now_ms);
/* The market has moved; `t`: by this trade, or NULL. */
void desk_market(struct desk *d, const struct fold_symbol *s, const struct fold_trade *t, int64_t now_ms);

/* By id, by client id, or by both; of those with the same client id the open one, else the newest. NULL: none. */
struct desk_order *desk_find(const struct desk *d, struct text symbol, uint64_t id, const char *client_id);

static inline bool desk_is_open(const struct desk_order *o)
{
	return o->status == DESK_NEW || o->status == DESK_PARTIAL;
}

static inline bool desk_is_conditional(const struct desk_order *o)
{
	return o->type >= DESK_STOP;
}

static inline bool desk_has_limit(const struct desk_order *o)
{
	return o->type == DESK_LIMIT || o->type == DESK_LIMIT_MAKER || o->type == DESK_STOP_LIMIT ||
	       o->type == DESK_PROFIT_LIMIT;
}

#endif
