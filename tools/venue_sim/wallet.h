/* wallet - what the simulated venue holds for its one customer, who signs: and how it misbehaves about that.
 *
 * A file names the customer: the key's id in the first line, the secret of its HMAC in the second (Kalshi: the path of
 * a PEM file with the public half of its RSA key), then lines "ASSET FREE LOCKED". What Kalshi has besides USD are
 * positions: "TICKER COUNT COST", a negative count of NO. At Binance USD-M it is "ASSET WALLET 0", and what has the
 * name of an instrument is a position: "SYMBOL AMOUNT ENTRY".
 * POST /nightjar/account changes it: a JSON object of
 *   asset, free, locked   a balance, told to who is subscribed
 *   silent                not told (Kalshi tells positions only)
 *   twice                 told two times
 *   stale                 so many polls are answered as it was before the change
 *   page                  Kalshi: so many positions a page at the most
 *   withdraws, trades     what the key may do; trades is --trading, too
 *   clock_ms              how far the venue's clock is ahead of the machine's when it looks at a timestamp
 *   drop                  the customer's streams are reset
 *   unanswered            Binance spot: so many subscriptions are heard and never answered
 * GET tells what the customer did.
 */
#ifndef NJ_SIM_WALLET_H
#define NJ_SIM_WALLET_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "tools/venue_sim/http_parse.h"

#define WALLET_ASSETS_MAX 64

struct reply;
struct session;
struct sim;

struct wallet_asset {
	char name[64], free[40], locked[40]; /* decimals, as they are told */
	int64_t changed_ms;
};

struct wallet_state {
	struct wallet_asset at[WALLET_ASSETS_MAX];
	uint32_t n;
	int64_t changed_ms;
};

struct wallet {
	char id[128], secret[520]; /* or the path of the public key; id empty: there is no customer */
	struct wallet_state now, before;
	int64_t stale, clock_ms, page, unanswered; /* page 0: as the client asks */
	bool withdraws, trades;
	uint64_t polls, pages, bad_handshakes, rights, subscriptions, bad_keys, bad_signatures, out_of_time, others;
};

#define WALLET_DIGITS 8 /* of wallet_free and wallet_move */

int wallet_open(struct wallet *w, const char *path, char *reason, size_t cap); /* ERR_NOT_FOUND, ERR_SYNTAX */
bool wallet_control(struct sim *sim, const struct request *r, struct text body, struct reply *reply);

/* What an asset has free; 0 where it is none of the customer's. */
int64_t wallet_free(const struct wallet *w, const char *asset);
/* Adds to what is free and locked of an asset, which may be a new one. ERR_RANGE: it has not so much, or decimals
 * beyond WALLET_DIGITS; ERR_FULL. */
int wallet_move(struct wallet *w, const char *asset, int64_t free_by, int64_t locked_by, int64_t at_ms,
		const struct wallet_asset **ret_asset);
/* Tells each subscribed customer of an asset; sends him a text as it is. */
void wallet_tell(struct sim *sim, const struct wallet_asset *a, int64_t at_ms);
void wallet_send(struct sim *sim, struct text text);

/* Binance spot. False: the path is none of its account endpoints. */
bool wallet_binance_rest(struct sim *sim, const struct request *r, struct reply *reply);
/* Is it signed by the customer, and in time? False: the reply says what is wrong. */
bool wallet_binance_check(struct sim *sim, const struct request *r, struct reply *reply);
/* A text on the WebSocket API. */
void wallet_binance_text(struct session *s, struct text message);
int wallet_binance_tell(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out);

/* Binance USD-M, likewise; and whether a path is that of the customer's stream. */
bool wallet_usdm_rest(struct sim *sim, const struct request *r, struct reply *reply);
bool wallet_usdm_open(struct session *s, struct text path);
int wallet_usdm_tell(struct session *s, const struct wallet_asset *a, int64_t at_ms, struct buf *out);

#endif
