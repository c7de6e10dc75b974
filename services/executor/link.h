/* link - orders that belong together: one cancels the other, and brackets.
 *
 *   oco       a limit order (leg target) and a stop (leg stop) of one side share one quantity.
 *   bracket   an entry (leg entry) with one or two exits of the other side: a limit order with a gain (target), a stop
 *             (stop). They are reduce-only.
 *
 * Everything of a link comes with one intent and is named after its first order (link_id); the ordinals and ids of the
 * others follow it. What one of them does to the others:
 *
 *   entry fills                 the exits' quantity grows by as much; an exit that passes the venue's filters by then
 *                               becomes active, a resting target loses its place in the queue by growing
 *   entry ends                  exits that have nothing to close are cancelled (linked)
 *   target fills                the stop's quantity shrinks by as much; at nothing it is cancelled (linked)
 *   stop is triggered           the target is cancelled (linked) before the stop goes to the market
 *   either exit fills or fires  what is left of the entry is cancelled (linked)
 *   target or stop ends         the other is cancelled (linked)
 *
 * The lock of a shared quantity is the target's.
 *
 * A fill happens in the middle of a walk over the table; what it does to others waits in `links` until that is over
 * (link_settle, before triggers are looked at and at the end of every step).
 */
#ifndef NJ_EXECUTOR_LINK_H
#define NJ_EXECUTOR_LINK_H

#include "services/executor/executor.h"

/* Room for what so many orders, and those of one intent more, may do in a step. ERR_NOMEM */
int link_init(struct links *l, uint32_t orders_max);
void link_fini(struct links *l);

/* How many orders an intent brings beside its first. */
uint32_t link_legs(const struct ev_intent *in);

/* Prices of the legs must pass the instrument's filters, too. */
enum reject link_check(const struct event *ev, int64_t now, const struct order *first);

/* The first order was accepted: its legs begin to wait. Room for them was checked. */
void link_open(const struct step *s, const struct event *ev, const struct order *first);

/* The first order was refused, or too old: each leg is answered, too. */
void link_refuse(const struct step *s, const struct event *ev);

/* An order has filled, or ended. */
void link_note(struct executor *x, struct order *o, bool ended);
void link_settle(const struct step *s);

/* A stop was triggered, and is out of the table: the others make way. */
void link_fired(const struct step *s, const struct order *stop);

/* The other exit, NULL where there is none in the table. */
struct order *link_other(struct executor *x, const struct order *o);

#endif
