/* manners - how the simulated venue misbehaves about orders: what becomes of a request, and of what is reported.
 *
 * POST /nightjar/orders takes a JSON object of
 *   fault      lost (the connection is reset instead of an answer), unavailable (503), unknown (-1007), refused
 * (-2010), or none, which ends it of         place or cancel: which requests it strikes (both) count      how many (1)
 *   done       were they carried out all the same? (true; refused ones never are)
 *   after_ms   carried out so much later (0)
 *   muted      so many reports are not sent; twice: sent two times; swapped: sent behind the next one
 *   late_ms    reports are sent so much later
 *   hidden_ms  orders that are younger cannot be asked for: the venue is asynchronous
 *   fill       client id of an open order that is filled at its price, by qty (all of it)
 *   expire     client id of an open order that the venue ends
 * GET tells of all orders, and what was done.
 */
#ifndef NJ_SIM_MANNERS_H
#define NJ_SIM_MANNERS_H

#include "common/base/ring.h"
#include "tools/venue_sim/reply.h"
#include "tools/venue_sim/text.h"

struct request;
struct sim;

enum manner { MANNER_GOOD, MANNER_LOST, MANNER_UNAVAILABLE, MANNER_UNKNOWN, MANNER_REFUSED };
enum manner_of { MANNER_OF_BOTH, MANNER_OF_PLACE, MANNER_OF_CANCEL };

struct manner_fault {
	enum manner kind;
	enum manner_of of;
	int64_t count, after_ms;
	bool done;
};

struct manners {
	struct manner_fault fault;
	int64_t muted, twice, swapped, late_ms, hidden_ms;
	struct ring reports;  /* that are due later: the loop's time in 8 bytes, the text */
	struct ring requests; /* likewise, as they came */
	struct buf kept;      /* a report that waits for the next */
	uint64_t placed, cancelled, queried, refused, struck, reported;
};

int manners_open(struct manners *m); /* ERR_NOMEM */
void manners_close(struct manners *m);

/* The fault that strikes a request which is to change something, or NULL. */
const struct manner_fault *manners_strike(struct manners *m, bool places);
/* A report is due. */
void manners_report(struct sim *sim, struct text text);
/* A request that is carried out later; false: there is no room. */
bool manners_later(struct sim *sim, const struct request *r, int64_t after_ms);
void manners_tick(struct sim *sim, int64_t now); /* the loop's clock */
bool manners_control(struct sim *sim, const struct request *r, struct text body, struct reply *reply);

#endif
