/* perpetual - positions in linear perpetual futures: on margin, nothing is delivered.
 *
 * A position is a signed quantity at average cost. Buying and selling move no money but fees and results; what stands
 * for the position is set aside in its quote asset (struct perpetual.margin, a part of the asset's lock):
 *
 *   opening    adds the initial margin of what it opens (margin.h), from the order's own lock first
 *   closing    gives back the share of the margin, adds the result and takes the fee; a loss that this does not cover
 *              comes from the free balance, then from the rest of the position's margin, where it is cross from that
 *              of the other cross positions; what none of that covers is refused (liquidation alone may lose more)
 *   funding    (funding.c) comes and goes the same way
 *
 * An order sets aside initial margin and fee of what it may open. What it may close (`closes`) needs nothing: that is
 * what the position has against its side, less what earlier orders of that side close of it. Where the position has
 * changed meanwhile and there is no money for what opens, the order is cancelled (balance), as a venue does.
 *
 * Unrealised losses of cross positions are not free for new orders; unrealised gains are not either before they are
 * realised (venues let gains be used; here nothing is bought with money that the next price may take away).
 */
#ifndef NJ_EXECUTOR_PERPETUAL_H
#define NJ_EXECUTOR_PERPETUAL_H

#include "services/executor/executor.h"

/* The asset that a perpetual's margin, results and fees are in. */
struct asset *perpetual_wallet(struct executor *x, const struct market *m);

/* Is it a perpetual on cross margin; do both stand for each other? */
static inline bool perpetual_cross(const struct market *m)
{
	return market_margined(m) && m->perpetual.terms->mode == margin_mode_cross;
}
bool perpetual_pooled(const struct market *m, const struct market *other);

/* What of the order's rest closes, as of now. */
void perpetual_claim(struct executor *x, struct order *o);

/* What an order with this much left must have locked; what a walk and then the rest need. ERR_RANGE */
int perpetual_reserve(const struct order *o, int64_t rest, int64_t *ret_amount);
int perpetual_needed(const struct order *o, const struct walk *w, int64_t *ret_amount);

/* Money and margin of an execution that took the position from `before` to the market's; ERR_REFUSED, nothing changed
 * then. */
int perpetual_move(struct executor *x, struct order *o, const struct execution *e, const struct position *after);
void perpetual_post(struct executor *x, const struct order *o, const struct execution *e);

/* May it grow so far at its leverage? */
enum reject perpetual_check(const struct step *s, const struct order *o, int64_t price);

/* Takes money from what is free, then from margin, as closing does. Returns what could not be covered. */
int64_t perpetual_pay(struct executor *x, struct market *m, int64_t amount);

/* A position has ended, which changes the money by so much; its margin is free. Returns what could not be covered. */
int64_t perpetual_end(struct executor *x, struct market *m, int64_t change);

/* Result of the position at what margins are judged by; 0 where it has none or no price is known. */
int64_t perpetual_unrealised(const struct market *m, int64_t now);
/* Unrealised losses of cross positions that the free money of this slot (quotes.h) answers for. */
int64_t perpetual_drain(const struct executor *x, uint8_t slot, int64_t now);
int64_t perpetual_maintenance(const struct market *m, int64_t now);
/* All that stands for cross positions, before their results: the money without the margin of isolated ones. */
int64_t perpetual_pool(const struct executor *x, uint8_t slot);
/* Margins of its positions. */
int64_t perpetual_margins(const struct executor *x, const struct asset *wallet);
/* Mark price at which it is liquidated, as of now; 0 none. */
int64_t perpetual_liquidation_price(const struct executor *x, const struct market *m, int64_t now);

/* A position that was held as if its base had been delivered goes on margin: what was paid for it comes back. */
void perpetual_adopt(struct executor *x, struct market *m);
/* All of a state of before; its orders set aside margin instead of the base. ERR_CORRUPT */
int perpetual_adopt_all(struct executor *x);

/* The way back without inputs: a fill of the journal; then, all locks being taken off, the margins' again. */
void perpetual_recall(struct executor *x, struct order *o, const struct execution *e, const struct position *after);
void perpetual_relock(struct executor *x);

/* funding.c */
void funding_arm(struct executor *x);
void funding_on_timer(const struct step *s); /* of all that are due */

/* liquidate.c: after a new price that margins are judged by. */
void liquidate_on_mark(const struct step *s, struct market *m);

void perpetual_save(const struct executor *x, struct packer *p);
int perpetual_load(struct executor *x, struct unpacker *u);

#endif
