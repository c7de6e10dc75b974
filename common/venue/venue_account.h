/* venue_account - the account endpoints of a venue as pure translation: what to ask, and what replies and events say.
 *
 * Nothing in here can place an order: the questions are an enumeration, and none of them is one.
 * Amounts are exact, each row at the smallest scale that holds it: tokens come by the trillion, bitcoins by eight
 * decimals, and one scale would not hold both.
 */
#ifndef NJ_VENUE_ACCOUNT_H
#define NJ_VENUE_ACCOUNT_H

#include <stdbool.h>

#include "common/base/json.h"
#include "proto/event.h"

#define VENUE_ACCOUNT_ROWS_MAX 4096 /* in one reply or event; more is ERR_TOO_LONG */

enum venue_account_ask {
	VENUE_ACCOUNT_RIGHTS, /* what the key may do */
	VENUE_ACCOUNT_BALANCES,
	VENUE_ACCOUNT_POSITIONS,
	VENUE_ACCOUNT_LISTEN, /* a key for the stream, which it also keeps alive */
	VENUE_ACCOUNT_ASKS
};

enum venue_account_kind {
	VENUE_ACCOUNT_NOTHING,    /* of no interest, or (unknown set) of a kind we do not know */
	VENUE_ACCOUNT_BALANCE,    /* name, scale, total, locked */
	VENUE_ACCOUNT_POSITION,   /* name (raw), leg, scale, qty, price_scale, avg_price */
	VENUE_ACCOUNT_MAY,        /* reads, withdraws, trades */
	VENUE_ACCOUNT_LISTEN_KEY, /* name */
	VENUE_ACCOUNT_MORE,       /* name: the cursor of the next page */
	VENUE_ACCOUNT_CHANGED,    /* in a way that only asking tells */
	VENUE_ACCOUNT_SUBSCRIBED,
	VENUE_ACCOUNT_ENDED,      /* the stream, by the venue's will */
	VENUE_ACCOUNT_ERROR       /* error, code, name: the venue's words */
};

/* What a refusal means for who asked. */
enum venue_account_error {
	VENUE_ACCOUNT_OTHER,     /* try again later */
	VENUE_ACCOUNT_CLOCK,     /* our time is not theirs */
	VENUE_ACCOUNT_SIGNATURE, /* made with another key than the id's */
	VENUE_ACCOUNT_KEY        /* unknown, expired, or not from this address, or not allowed to read */
};

struct venue_account_row {
	enum venue_account_kind kind;
	int64_t time; /* ns, the venue's, of the last change it says; 0: it does not say */
	char name[SYMBOL_RAW_MAX + 1];
	char leg[8]; /* of a position where long and short are held apart: LONG, SHORT; else empty */
	uint8_t scale, price_scale;
	int64_t total, locked, qty, avg_price;
	bool reads, withdraws, trades, unknown;
	enum venue_account_error error;
	int64_t code;
};

typedef void (*venue_account_fn)(void *ctx, const struct venue_account_row *row);

struct venue_account {
	uint32_t asks;            /* bits 1 << enum venue_account_ask: which the venue has */
	const char *key_header;   /* the signature stands in the query, the key's id in this header; NULL: venue.auth */
	const char *const *stream_hosts; /* base addresses, NULL-ended */
	bool replies_omit_zeros;  /* what a poll does not name is zero */
	bool one_time;            /* the time of a polled balance is that of the whole account */
	bool cash_is_asked;       /* no stream tells balances: a poll that finds another one is no correction */
	int64_t listen_ns;        /* a listen key is asked for anew after; 0: there is none */

	/* Method, path and query (without time and signature) of a question; cursor: of a further page, or "". */
	int (*request)(enum venue_account_ask ask, const char *cursor, struct buf *out, const char **ret_method);
	bool (*is_signed)(enum venue_account_ask ask); /* NULL: all are */
	/* Rows of a reply with this status. All of it is read before the first is handed out: one bad row spoils
	 * the whole. What json.h and fixed.h return, ERR_TOO_LONG, ERR_PROTOCOL. */
	int (*reply)(enum venue_account_ask ask, int status, struct json_str body, venue_account_fn fn, void *ctx);
	int (*event)(struct json_str text, venue_account_fn fn, void *ctx);

	/* The stream: path behind its host, with the listen key where there is one; then the text that subscribes. */
	int (*stream_path)(const char *listen_key, struct buf *out);
	/* What is signed for it (NULL: nothing is), and the text with that signature (NULL: nothing is to be said). */
	int (*subscribe_signs)(const char *key_id, int64_t at_ms, int64_t window_ms, struct buf *out);
	int (*subscribe)(const char *signed_text, const char *signature, struct buf *out);
};

/* Appends what Binance signs of a request: its query, then recvWindow and timestamp. `path` may hold a query. The
 * signature is of what follows the '?'; ERR_FULL, ERR_NOMEM. */
int venue_account_stamp(const char *path, int64_t at_ms, int64_t window_ms, struct buf *out);
/* Percent-encodes all but A-Z a-z 0-9 - _ . ~ (RFC 3986). */
int venue_account_escape(const char *text, struct buf *out);

extern const struct venue_account venue_account_binance_spot, venue_account_binance_usdm, venue_account_kalshi;

#endif
