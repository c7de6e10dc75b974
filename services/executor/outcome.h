/* outcome - which asset an order trades: the instrument's base, or the contracts of the other outcome.
 *
 * An event contract without an instrument of its own for the other outcome (Kalshi) has two things that can be
 * held: YES is the base asset, NO the asset `other`. Who sells more YES than he has buys NO for one less the
 * price; who buys while he holds NO sells that. An order is one or the other from its acceptance on: it closes
 * where what is free of the opposite covers all of it, else it opens, and what is then held of both outcomes is
 * worth 1 a pair at once (settle_pairs). Every other order is in the base asset.
 */
#ifndef NJ_EXECUTOR_OUTCOME_H
#define NJ_EXECUTOR_OUTCOME_H

#include "services/executor/account.h"
#include "services/executor/orders.h"

#define OUTCOME_OTHER_MARK '!' /* first letter of another outcome's asset; no venue's */

enum outcome {
	OUTCOME_BASE,
	OUTCOME_OTHER,
};

/* May its instrument be sold without being held? */
static inline bool outcome_both(const struct market *m)
{
	return m->def.kind == instrument_kind_event && m->def.complement.s[0] == '\0';
}

/* Does the order pay money for what it trades? Else it gives that for money. */
static inline bool outcome_pays(const struct order *o)
{
	return (o->side == side_buy) == (o->outcome == OUTCOME_BASE);
}

/* What one of the outcome costs where the instrument trades at price; <= 0: no such price is possible. */
static inline int64_t outcome_price(const struct market *m, uint8_t outcome, int64_t price)
{
	return outcome == OUTCOME_BASE ? price : fixed_pow10(m->def.price_scale) - price;
}

/* What an execution of the instrument costs in the outcome that is traded, and in the instrument's own price: together
 * 1 each where it is the other one, to the last unit. ERR_RANGE. */
int outcome_cost(const struct market *m, uint8_t outcome, struct rated what, int64_t *ret_paid, int64_t *ret_cost);

/* Which outcome an order trades that is accepted now. */
void outcome_choose(const struct account *a, struct order *o);

/* The outcome's asset; NULL where the account has no room for a new one. */
struct asset *outcome_asset(struct account *a, const struct market *m, uint8_t outcome);

/* The name of the other outcome's asset: the base's behind "!", cut where it must be, yet its own. */
void outcome_name_other(const char *base, char other[EVENT_NAME_MAX]);

void outcome_save(const struct orders *os, struct packer *p);
int outcome_load(struct orders *os, struct unpacker *u);

#endif
