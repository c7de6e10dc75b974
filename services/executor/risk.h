/* risk - what an order may at most do to the account: asked once for each order, before any money is set aside.
 *
 * Before everything stands the kill switch. Then, in this order, for the account and after it for each scope of
 * executor.limits that the order falls into: size, notional, price collar; position, gross and net exposure; open
 * orders; orders a second and a minute. Cool-down and stop-loss guard come before those, the strategy's budget
 * (allocation.h) after them. The first that is exceeded is the answer, with a sentence that has the figures and the
 * setting.
 *
 * Exposures are the worst case: with every open order of that direction filled (exposure.h). Each instrument is counted
 * at its mid, the order's own at its worst price where that is higher, in the account's own asset (quotes.h). An order
 * that cannot make its instrument's worst case grow is never refused for gross exposure, cool-down or the guard; one
 * that goes against a position never for the position, nor one that goes against the net exposure for that. Size,
 * notional, collar and rate hold for every order.
 *
 * An order that was accepted before (an amended one, a trigger that fires, an exit of a bracket) has been counted: rate
 * and open orders are not asked again, and a stop that fires or an exit passes where it only closes. Orders of the
 * executor's own only close what is held, and pass.
 */
#ifndef NJ_EXECUTOR_RISK_H
#define NJ_EXECUTOR_RISK_H

#include "proto/codec.h"
#include "proto/event.h"
#include "services/executor/limits.h"
#include "services/executor/throttle.h"

#include "services/executor/risk_pass.h"

struct executor;
struct market;
struct order;
struct step;

struct risk_rates {
	struct throttle second, minute;
};

struct risk {
	struct risk_rates account, scope[LIMITS_SCOPES_MAX];
	const struct market *unvalued; /* counted, and of no known worth; scratch of one check */
	struct risk_pass passed;  /* of the order that was let through last; scratch of one step */
	enum reject reject;       /* what `why` is about; scratch of one step */
	char why[EVENT_TEXT_MAX];
};

/* May this order be accepted? `price` is the worst at which any of it can fill, at the instrument's scale: its limit,
 * or the last level of a market order's walk. Has no effect: what was accepted is told by risk_on_order. */
enum reject risk_check(const struct step *s, const struct order *o, int64_t price);

/* The pass of the order that risk_check has just let through; none for any other. It is given once. */
struct risk_pass risk_take_pass(struct executor *x, const struct order *o);

/* An order was accepted, for the first time. */
void risk_on_order(struct executor *x, int64_t now, const struct order *o);

/* The sentence of the last refusal if it was for this, or the reject's own. */
const char *risk_text(const struct executor *x, enum reject reject);

void risk_save(const struct executor *x, struct packer *p);
int risk_load(struct executor *x, struct unpacker *u); /* ERR_CORRUPT, the codec's errors */

#endif
