/* core - the strategy service's pure core: hosts strategies, turns their wishes into intents.
 *
 * Inputs: market events; order and fill events of the executor (position and open orders come from
 * them alone). Output: intent, with ts_event = the time of its cause, ts_recv = that plus the order
 * latency (when it takes effect) and expires_at a further expiry later. Its client order id is
 * order_id(account, strategy, run, ordinal).
 *
 * No data, no trade: a strategy's order is refused (ERR_STALE) unless the collector calls its book
 * trusted and the book has been heard of within the stale limit, of event time. A strategy only
 * ever sees events of one origin.
 */
#ifndef NJ_STRATEGY_CORE_H
#define NJ_STRATEGY_CORE_H

#include "common/service/core.h"
#include "services/strategy/strategy.h"

#define STRATEGY_SEATS_MAX 64
#define STRATEGY_SETTINGS_MAX 32

struct strategy_setting { /* a parameter as text */
	char name[EVENT_NAME_MAX], value[EVENT_NAME_MAX];
};

struct strategy_seat { /* one hosted strategy */
	char name[EVENT_NAME_MAX]; /* unique: it names the topic, the intents, the order ids */
	const struct strategy *strategy;
	char account[EVENT_NAME_MAX];
	struct symbol instrument;
	struct strategy_setting setting[STRATEGY_SETTINGS_MAX];
	uint32_t n_settings;
};

struct strategy_core_settings {
	char run_id[EVENT_NAME_MAX]; /* a loaded state brings its own */
	struct strategy_seat seat[STRATEGY_SEATS_MAX];
	uint32_t n_seats;
	int64_t order_latency_ns; /* from cause to effect */
	int64_t intent_expiry_ns; /* from effect to expiry */
	int64_t stale_ns;
	uint32_t book_levels;     /* a side, where a strategy wants the book */
	uint8_t origin;           /* enum origin; none: that of the first market event */
};

struct strategy_core_counters {
	uint64_t events, ignored;
	uint64_t foreign_origin; /* events of another origin: nobody saw them */
	uint64_t bad_books;      /* book events that do not fit their instrument */
	uint64_t calls;          /* of strategies */
	uint64_t conflated;      /* market events they were not called for: a newer one was there */
	uint64_t orders, cancels; /* intents */
	uint64_t refused_stale;  /* wishes without trusted, fresh data */
	uint64_t refused_other;  /* wishes that were full, unknown or senseless */
	uint64_t wishes;         /* of external programs */
	uint64_t bad_feedback;   /* fills that do not fit the position */
};

struct strategy_outcome { /* what became of a wish */
	const char *why; /* refused: in words; NULL: it was not */
	int result;       /* 0, or why no intent came of it */
	uint64_t ordinal; /* the intent's; for a cancel the order's */
	char client_order_id[EVENT_NAME_MAX];
};

struct strategy_core;

/* Run "run", 50 ms, 2 s, 5 s, 5,000 levels, no seats. */
void strategy_core_defaults(struct strategy_core_settings *s);

/* ERR_RANGE, ERR_EXISTS (two seats of a name), ERR_ARG (parameters do not go together), what
 * params_set says, ERR_NOMEM. Where why is not NULL, it receives the sentence for people
 * (EVENT_TEXT_MAX bytes). */
int strategy_core_new(const struct strategy_core_settings *s, char *why,
		      struct strategy_core **ret_core);
void strategy_core_free(struct strategy_core *c);

/* load wants a fresh core. Seats may have come, changed and gone (save.c); ERR_DIFFERS: one that has orders or a
 * position is gone, or has another account or instrument; or all of it is of another origin. */
extern const struct core_ops strategy_core;
/* After load: seats whose strategy begins anew, for it has other parameters or is another version; and is there an
 * instrument that the state knew nothing of? Then its last values are wanted. */
uint32_t strategy_core_anew(const struct strategy_core *c);
bool strategy_core_blind(const struct strategy_core *c);

const struct strategy_core_counters *strategy_core_counters(const struct strategy_core *c);
/* Of the last wish of a seat; NULL where there is no such seat. */
const struct strategy_outcome *strategy_core_outcome(const struct strategy_core *c, const char *seat);

const char *strategy_core_run_id(const struct strategy_core *c);

#endif
