/* flight - what is on its way: intents from a strategy to the exchange, the exchange's words on their way back.
 *
 *   decided                     at the executor                arrived                          known
 *      |-- run.order_latency ------>|-- what the draw has more --->|-- run.ack_latency or more --->|
 *   ts_event of the intent      its ts_recv                    ts_event of the answer           its ts_recv
 *
 * The way to the executor takes the least that any way takes, which its strategy has promised. What a draw has more is
 * spent here, in event time: the intent waits until it arrives, and only then is it looked at: against the book, the
 * money, the limits and the state of trading of that instant. So a cancel or a replacement that is under way loses
 * against a fill that comes first, and an order may arrive too old.
 *
 *                flight_put                flight_on_timer
 *   intent ----------------------> IN FLIGHT -------------> obeyed (intake.c)
 *      |  the draw has nothing more, and none of the strategy's is in flight
 *      +----------------------------------------------------> obeyed
 *
 * A strategy's intents travel over one connection: none overtakes another. Neither do the exchange's words: what a
 * longer draw holds back holds back what is said after it. An order in flight is on record as pending.
 */
#ifndef NJ_EXECUTOR_FLIGHT_H
#define NJ_EXECUTOR_FLIGHT_H

#include "proto/codec.h"
#include "services/executor/feed_delay.h"

#define FLIGHT_MAX 1024   /* intents */
#define FLIGHT_ORDERS 512 /* with so many under way only cancels leave */

struct executor;
struct market;
struct step;

struct flight_item {
	struct event intent;
	int64_t due; /* event time of its arrival */
};

struct flight {
	struct flight_item *at; /* owned; by arrival, then as they left */
	uint32_t n;
	int64_t said_at;        /* when the last word is known; 0 none yet */
	struct feed_delays feed;
};

int flight_init(struct flight *f); /* ERR_NOMEM */
void flight_fini(struct flight *f);

/* The model's latency from a decision with this key to its arrival at the instrument's venue; at least the minimum. */
int64_t flight_way(const struct executor *x, const struct symbol *instrument, uint64_t key);
/* One for each intent, of flatten's orders as well. */
uint64_t flight_key(const struct executor *x, const char *strategy, uint64_t ordinal);

/* True: it is on its way, or was refused because too much is. False: it has arrived. */
bool flight_put(const struct step *s, const struct event *intent);
int64_t flight_due(const struct executor *x); /* CORE_NEVER: nothing is under way */
void flight_on_timer(const struct step *s);

/* When what happens now is known; m: where it happens, NULL for the account itself. */
int64_t flight_known_at(const struct step *s, const struct market *m);

/* A trade, with its stamps. */
void flight_on_trade(const struct step *s, const struct market *m, const struct event *trade);

/* The journal says what happened up to this time: whatever was to arrive until then has arrived. */
void flight_recall(struct flight *f, int64_t at, int64_t known_at);

void flight_save(const struct executor *x, struct packer *p);
int flight_load(struct executor *x, struct unpacker *u);

#endif
