/* queue - who is served before a resting order: models of the queue at its price.
 *
 * A venue's book tells how much stands at a price, not in which order. When an order starts to rest, everything shown
 * there is ahead of it; trades at the price serve what is ahead first. What a model decides is where the quantity was
 * that disappears without a trade. Let q be what would be shown without cancellations (the last shown less what was
 * traded since), f <= q of it ahead of the order and b = q - f behind it; c = q - shown has been cancelled.
 *
 *   back      all of it behind, as far as that goes: f = min(f, shown).
 *   share     in proportion: c * f / q of it ahead.
 *   square    c * f^2 / (f^2 + b^2) of it ahead: who stands near the front cancels less.
 *   through   no queue: only a trade beyond the price, or a book that stands beyond it, fills.
 *
 * share and square are the power functions f(x) = x and x^2 of the probability queue models in the literature (Rigtorp,
 * "Estimating order queue position", 2013; hftbacktest's PowerProbQueueFunc): a cancellation is behind with the
 * probability F(b) / (F(b) + F(f)); here its mean is taken, in whole numbers, rounded so that less of it is ahead. No
 * more than b can be behind: the rest of c is ahead then.
 *
 * Of one trade two messages tell, in either order: the trade, and the change of the book. Where the change is first,
 * as on Kalshi nearly always, a model has taken part of the trade off what is ahead before it is told. That part
 * (let_by) is remembered: a trade uses it up first, and only the rest of the trade serves what is ahead, then the
 * order. Each trade so lowers ahead + let_by by its quantity and a change of the book leaves that sum alone, hence the
 * order of the messages changes no fill, and an order fills no sooner than all that stood ahead of it was traded or is
 * gone from the book for longer than a trade is on its way: what has vanished counts as cancelled, and let_by is
 * forgotten, after one to two seconds of event time (on Kalshi's recordings a trade is at most 17 ms behind).
 *
 * A trade no younger, by the venue's time, than the book which an order came to stand behind was before it: it neither
 * serves those ahead nor the order. A trade beyond the price ends all doubt: nobody is ahead any more.
 */
#ifndef NJ_EXECUTOR_QUEUE_H
#define NJ_EXECUTOR_QUEUE_H

#include "services/executor/orders.h"

enum queue_model { QUEUE_BACK, QUEUE_SHARE, QUEUE_SQUARE, QUEUE_THROUGH, QUEUE_MODELS };

const char *queue_name(enum queue_model model);
/* QUEUE_MODELS where there is none of this name. */
enum queue_model queue_find(const char *name);

/* It starts to rest now. */
void queue_join(struct order *o);
/* The book shows its price anew. */
void queue_on_book(struct order *o, enum queue_model model, int64_t now);
/* A trade after `since`, by the other side at its price or beyond: how much of it is not for the order. */
int64_t queue_on_trade(struct order *o, enum queue_model model, int64_t now, const struct ev_trade *t);

/* With the markets' `shown_at`. */
void queue_save(const struct orders *os, const struct markets *ms, struct packer *p);
int queue_load(struct orders *os, const struct markets *ms, struct unpacker *u);
int queue_load_v1(struct orders *os, struct unpacker *u); /* of before the order of messages was minded */

#endif
