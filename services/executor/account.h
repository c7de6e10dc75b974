/* account - the paper account's holdings: one total and one locked amount an asset, never negative.
 *
 * All amounts are at CASH_SCALE. What orders may still cost is locked when they are accepted; a
 * payment draws on that lock, so that no order can ever spend what another one was promised.
 */
#ifndef NJ_EXECUTOR_ACCOUNT_H
#define NJ_EXECUTOR_ACCOUNT_H

#include <stdbool.h>

#include "proto/codec.h"
#include "proto/event.h"

#define ACCOUNT_ASSETS_MAX 256

struct asset {
	char name[EVENT_NAME_MAX];
	int64_t total;  /* >= locked >= 0 */
	int64_t locked; /* what open orders hold, and margins of positions */
	int64_t realised, fees; /* of what is paid in it; results are before fees */
	int64_t funding, insured; /* of perpetuals paid in it: received, and losses that the venue's insurance bore */
	uint8_t quote; /* of another outcome's contracts: slot of what a pair is worth 1 of (quotes.h) */
};

struct account {
	char name[EVENT_NAME_MAX];
	struct asset asset[ACCOUNT_ASSETS_MAX]; /* [0] is the quote asset */
	uint32_t n;
};

void account_init(struct account *a, const char *name, const char *quote);

/* The asset of this name, made empty where it is new; NULL where the table is full. */
struct asset *account_asset(struct account *a, const char *name);
/* NULL where there is none. */
const struct asset *account_find(const struct account *a, const char *name);

static inline struct asset *account_quote(struct account *a)
{
	return &a->asset[0];
}

static inline int64_t asset_free(const struct asset *s)
{
	return s->total - s->locked;
}

int asset_lock(struct asset *s, int64_t amount); /* ERR_REFUSED where less is free */
void asset_unlock(struct asset *s, int64_t amount); /* amount <= locked */
int asset_receive(struct asset *s, int64_t amount); /* ERR_RANGE */

/* Pays amount, as far as possible out of *lock (part of the asset's locked amount), the rest out of
 * what is free; ERR_REFUSED where both together do not cover it: nothing is changed then. */
int asset_pay(struct asset *s, int64_t amount, int64_t *lock);

void account_save(const struct account *a, struct packer *p);
/* ERR_DIFFERS: another account's; ERR_CORRUPT. */
int account_load(struct account *a, struct unpacker *u);

#endif
