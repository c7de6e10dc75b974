/* orders - the open orders in price-time priority, and which intents have been seen.
 *
 * An order that never rests is not in the table: it lives on the stack of the step that handles it.
 *
 *                 intake_on_intent
 *                        |
 *        rejected <------+------> expired          neither was ever accepted
 *                        |
 *                      open                        accepted; its lock is set aside
 *       fills_execute    |    \    fills_close
 *                     partial --+--> cancelled     by intent, ioc/market remainder, halt
 *       fills_execute    |
 *                      filled
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

#define ORDERS_STRATEGIES_MAX 256

struct order {
	char strategy[EVENT_NAME_MAX];
	char client_order_id[EVENT_NAME_MAX];
	uint64_t ordinal;    /* of its intent */
	struct market *market;
	uint8_t side, type, tif, status;
	int64_t price, qty;  /* at the instrument's scales */
	int64_t filled;
	int64_t cost;        /* cash of all fills */
	int64_t locked;      /* quote of a buy, base of a sell: its part of the asset's lock */
	int64_t fee_carry;   /* struct deal */
	bool lost;           /* counted as a stop-out (guard.h) */
	int64_t ahead;       /* displayed quantity that must trade first; INT64_MAX while unknown */
};

struct orders_seen { /* one strategy's intents */
	char strategy[EVENT_NAME_MAX];
	uint64_t epoch, ordinal;
	bool any_epoch; /* taken over from our journal, which does not tell the epoch */
};

struct orders {
	struct order *at; /* owned; each market's side best price first, then oldest first */
	uint32_t n, max;
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

/* Copies a resting order into its place; ERR_FULL. Other orders move: pointers into the table end
 * here. */
int orders_insert(struct orders *os, const struct order *o);
void orders_remove(struct orders *os, uint32_t i);

static inline int64_t order_rest(const struct order *o)
{
	return o->qty - o->filled;
}

static inline struct rated order_rated(const struct order *o, int64_t price, int64_t qty)
{
	return (struct rated){price, qty, o->market->def.price_scale, o->market->def.qty_scale};
}

/* Average fill price at the price scale, half to even; 0 where nothing was filled. */
int64_t order_avg_price(const struct order *o);

void orders_save(const struct orders *os, struct packer *p);
int orders_load(struct orders *os, const struct markets *ms, struct unpacker *u);

#endif
