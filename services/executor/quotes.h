/* quotes - the assets that instruments are paid in, and what each is worth in the account's own.
 *
 * Slot 0 is the account's own asset (executor.quote): worth, limits and results of the account are counted in it.
 * Others (executor.quotes) have money, positions and results of their own, and are valued for what is counted there:
 *
 *   fixed     by the rate that the settings state: an assumption of their author's, true whatever the market says;
 *   market    else at the mid of the first instrument that trades them against the account's asset, either way round
 *             (USDC-USDT, or USDT-EUR the other way).
 *
 * Nothing is converted: who buys what is paid in USDC needs USDC. What cannot be valued yet is unknown, never guessed:
 * the worth of the account says so, and limits of money refuse orders (reject_unvalued).
 */
#ifndef NJ_EXECUTOR_QUOTES_H
#define NJ_EXECUTOR_QUOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/codec.h"
#include "proto/event.h"

#define QUOTES_MAX 8
#define QUOTES_TEXT_MAX 400
#define RATE_SCALE 12 /* decimals of a rate on record */

struct asset;
struct executor;
struct market;

struct quotes_row { /* as the settings have it */
	char asset[EVENT_NAME_MAX];
	int64_t rate; /* FEE_SCALE decimals of the account's asset for one; 0: the market's */
};

struct quote {
	char asset[EVENT_NAME_MAX];
	uint32_t place;          /* in the account */
	int64_t rate;            /* fixed; 0: the market's */
	const struct market *at; /* that market; NULL where there is none */
	bool inverse;            /* it trades the account's asset for this one */
	bool closed;             /* no longer in the settings: what is there may only end */
};

struct quotes {
	struct quote at[QUOTES_MAX];
	uint32_t n;
};

/* "USDC, USD=1": adds them. ERR_ARG with a reason for people. */
int quotes_parse(struct quotes_row row[QUOTES_MAX], uint32_t *n, const char *text, char *reason, size_t cap);

/* Those of the settings, with their assets. */
int quotes_open(struct executor *x); /* ERR_FULL */

/* The account's assets and markets are others: finds places, rates, and each market's slot again. ERR_FULL */
int quotes_bind(struct executor *x);
/* A market was announced. */
void quotes_on_market(struct executor *x, struct market *m);
/* The journal says that this market was traded: its money gets a slot where it has none, for what is left to end. */
void quotes_admit(struct executor *x, struct market *m);

/* May new orders be paid in what this market is paid in? */
bool quotes_open_for(const struct executor *x, const struct market *m);

/* What the market is paid in; NULL where the account does not have it. */
struct asset *quotes_asset(struct executor *x, const struct market *m);
/* Its place in the account, of a market that has one. */
size_t quotes_place(const struct executor *x, const struct market *m);

/* Is the asset at this place one that instruments are paid in? */
bool quotes_is_money(const struct executor *x, size_t place);

/* An amount of a slot's asset in the account's, half to even, at CASH_SCALE. False: nothing is known of its rate; the
 * amount is 0 then. Sums that do not fit stay at the end of the range. */
bool quotes_value(const struct executor *x, uint8_t slot, int64_t amount, int64_t *ret_value);
/* Is its rate that of a market that can be trusted now, or fixed? */
bool quotes_fresh(const struct executor *x, uint8_t slot, int64_t now);
/* What one is worth, at RATE_SCALE, as records say it; 0: unknown, or beyond what fits. */
int64_t quotes_rate(const struct executor *x, uint8_t slot);

/* Slots and results of all but the first: a part of the state. */
void quotes_save(const struct executor *x, struct packer *p);
int quotes_load(struct executor *x, struct unpacker *u);

#endif
