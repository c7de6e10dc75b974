/* ledger - the account's books, kept twice: every movement of an asset leaves one of these accounts and enters another.
 *
 * Nothing is decided here. Fills, settlements and what the account began with are posted as they happen; after
 * each step that moved anything ledger_check compares the books with what the rest of the executor believes: each
 * asset's accounts add up to zero, CASH is its total, COST the positions' cost, PAIRS the contracts of other
 * outcomes, CONTRACTS what perpetuals' cost owes, FEES, RESULT, FUNDINGS and INSURED the account's. Amounts at
 * CASH_SCALE; arithmetic wraps, so that the sum is zero whatever the amounts.
 */
#ifndef NJ_EXECUTOR_LEDGER_H
#define NJ_EXECUTOR_LEDGER_H

#include "services/executor/account.h"

enum ledger_account {
	LEDGER_CASH,     /* what the account has of the asset, locked or free */
	LEDGER_COST,     /* positions at cost; of a short one what it was sold for, negative */
	LEDGER_PAIRS,    /* one for each contract of another outcome: what it and its opposite are worth together */
	LEDGER_FEES,
	LEDGER_RESULT,   /* realised; gains are negative, as they come from here */
	LEDGER_VENUE,    /* the other side of what was delivered, of contracts that were paid out, and of commissions in
			  * what is no money */
	LEDGER_ROUNDING, /* units that nobody can be paid */
	LEDGER_FUNDED,   /* where the account's means came from */
	LEDGER_CONTRACTS, /* perpetuals: the other side of their cost, which nobody has paid */
	LEDGER_FUNDINGS, /* paid for holding perpetuals; received is negative */
	LEDGER_INSURED,  /* losses that the venue's insurance bore; negative, as they come from here */
	LEDGER_ACCOUNTS,
};

struct ledger {
	int64_t at[ACCOUNT_ASSETS_MAX][LEDGER_ACCOUNTS]; /* by the asset's place in the account */
	uint64_t posted, checked; /* postings ever; of them when they were last compared */
	bool derive; /* the books are to be opened anew from what is held */
};

struct executor;

void ledger_post(struct ledger *l, size_t asset, enum ledger_account from, enum ledger_account to, int64_t amount);

/* Books of an account that comes from elsewhere (an older state, its own journal): what cannot be told is FUNDED. */
void ledger_derive(struct executor *x);

/* 0, or ERR_CORRUPT where the books differ. */
int ledger_check(const struct executor *x);

void ledger_save(const struct executor *x, struct packer *p);
int ledger_load(struct executor *x, struct unpacker *u); /* ERR_CORRUPT, the codec's errors */
int ledger_load_v1(struct executor *x, struct unpacker *u); /* of before perpetuals had accounts */

#endif
