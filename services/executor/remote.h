/* remote - orders of a live account: they live at the venue, change and end by what it says, never by a model of ours.
 *
 *                        remote_submit                    (all checks, the risk pass, the money set aside)
 *                              |
 *                              v    accepted
 *                    pending: SUBMITTED -----------> open: AT THE VENUE <--+
 *                        |     |                         |   | trade       | partial
 *              rejected  |     | unknown, unsent         |   +-------------+
 *                        v     v                         v ended (cancelled, expired, filled, rejected)
 *                  rejected  cancelled               WAITING FOR TRADES: until all that the venue filled is booked or
 *                                                        |           quarantined
 *                                                        v
 *                                              filled, cancelled, expired
 *
 * What the venue says comes in as a journalled fact (venue_report), so that a replay repeats it. A cancel is a wish
 * that the order bears until the venue says that it has ended: it may lose the race against a fill.
 *
 * Each trade is booked once: the trades of an order are remembered by the venue's id of them as long as it is open, and
 * as many others as there is room for. A trade of an order that we do not know, or beyond its quantity, or that
 * the books cannot hold, is quarantined: counted, not booked, and the account goes into safe mode (venue_differs) until
 * people have looked (reset). Its order ends without it; what it moved comes with the venue's balances after the reset.
 *
 * Commissions are what the venue took, in the asset it took them in. In the base asset it is a sale of that much at
 * the price of the trade, whose proceeds pay it; what is below one unit of the instrument's quantity waits in `dust`.
 *
 * The balance of an asset begins as the venue's (funds); one that differs later is taken over only after a reset by
 * people.
 */
#ifndef NJ_EXECUTOR_REMOTE_H
#define NJ_EXECUTOR_REMOTE_H

#include "proto/codec.h"
#include "proto/event.h"

#define REMOTE_TRADES_MAX 4096
#define REMOTE_ASSETS_MAX 256 /* those of the account */
#define REMOTE_CAUSE "venue_differs"   /* of safe mode: what the venue says is not what we have */
#define REMOTE_UNREADY "venue_unready" /* of safe mode: nothing can be sent */

struct executor;
struct market;
struct order;
struct step;

struct remote_trade {
	char order[EVENT_NAME_MAX], id[EVENT_NAME_MAX];
	bool open; /* of an order that is */
};

struct remote {
	struct remote_trade *trade; /* owned; NULL in a paper account */
	uint32_t n, next;
	uint64_t changes; /* of what the shell is to see */
	bool adopted[REMOTE_ASSETS_MAX]; /* the venue has told its balance; later ones that differ are not taken over */
	bool loaded; /* the state that was loaded says of which kind its account is */
};

int remote_init(struct executor *x); /* ERR_NOMEM */
void remote_fini(struct executor *x);

/* May orders of this kind, for this instrument, be placed at the account's venue? */
enum reject remote_check(const struct executor *x, const struct order *o);

/* A checked order, its money set aside, goes into the table: from here on the gateway sends it. */
void remote_submit(const struct step *s, struct order *o);

/* The venue is to cancel it; `expires`: because its time ran out. Says so once. */
void remote_cancel(const struct step *s, struct order *o, enum reject why, bool expires);

void remote_on_report(const struct step *s, const struct ev_venue_report *r);

/* People have looked: from here on what the venue says is right. */
bool remote_reset(struct executor *x);

/* A fill of our journal, in this market (own.c). */
void remote_recall(struct executor *x, struct market *m, const struct ev_fill *f);
/* Was its commission taken of the base, so that its fee is no money that was paid? */
bool remote_in_base(const struct market *m, const struct ev_fill *f);
/* An order of our journal has ended. */
void remote_recall_end(struct executor *x, const char *order);
/* Of a report in it only what no later record repeats. */
void remote_recall_report(struct executor *x, const struct ev_venue_report *r);

/* What the shell sees of it: its orders (from *i = 0 on; NULL behind the last), a count that moves when they do,
 * the i-th asset, all of it and whether its balance is to be taken over, and the origin of its market data. */
const struct order *remote_order(const struct executor *x, uint32_t *i);
uint64_t remote_changes(const struct executor *x);
bool remote_adopts(const struct executor *x, uint32_t i);
bool remote_holds(const struct executor *x, uint32_t i, const char **ret_asset, int64_t *ret_total);
uint8_t remote_origin(const struct executor *x);

/* remote_book.c: ERR_REFUSED, ERR_RANGE, ERR_INEXACT: it cannot be booked; nothing has changed then. */
int remote_book(const struct step *s, struct order *o, const struct ev_venue_report *r);
/* The account has this much of the asset, where that came from is not known; ERR_RANGE, ERR_FULL. */
int remote_fund(const struct step *s, const char *asset, int64_t amount);

void remote_save(const struct executor *x, struct packer *p);
int remote_load(struct executor *x, struct unpacker *u); /* after the orders */
int remote_load_v1(struct executor *x, struct unpacker *u); /* of before trades were quarantined beside their order */

#endif
