/* allocation - the portfolio manager: how much of the account's worth each strategy may have at stake.
 *
 * A budget is a share of the worth (times executor.allocation_leverage), set when the account opens and anew every
 * `every` of event time, and told by an allocation event. risk.c holds it before every order: what the strategy has at
 * stake, with all its open orders filled, is never more. Orders that cannot make that grow pass. A strategy that the
 * settings do not name has no budget. Between two settings of it a budget stays as it is, whatever the market does.
 *
 *   fixed        the share that the settings say.
 *   equal_risk   in inverse proportion to the deviation of the strategy's returns: each risks about the same.
 *   performance  in proportion to 1 + s, where s is mean over deviation of its returns, kept within -1 and 1: from
 *                nothing to twice the equal share.
 *
 * A return is what a strategy gained or lost between two settings, over the budget it had: fees, funding and the change
 * of what it holds at its mark (mark.h) included. The newest `window` of them count; where a mark does not
 * stand the next one covers both. Who has fewer than 2, or a deviation of 0, has no measure: it counts as the mean of
 * the others, so as the equal share where nobody has one. The shares of both are kept within each strategy's bounds
 * (share_bound); what the upper bounds leave is nobody's.
 *
 * Whole numbers all of it: shares and returns have SHARE_SCALE decimals, cut.
 */
#ifndef NJ_EXECUTOR_ALLOCATION_H
#define NJ_EXECUTOR_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/fixed.h"
#include "proto/codec.h"
#include "proto/event.h"
#include "services/executor/quotes.h"

#define ALLOCATION_MAX 32        /* strategies */
#define ALLOCATION_WINDOW_MAX 64 /* returns */
#define ALLOCATION_TEXT_MAX 1000
#define SHARE_SCALE 8
#define SHARE_ALL INT64_C(100000000) /* 1 */

struct executor;
struct market;
struct step;

struct allocation_row {
	char strategy[EVENT_NAME_MAX];
	int64_t least, most; /* equal for a fixed share */
};

struct allocation_settings {
	uint8_t method; /* enum allocation_method; none: no budgets */
	struct allocation_row row[ALLOCATION_MAX];
	uint32_t n;
	int64_t every_ns;
	int64_t window;   /* returns */
	int64_t leverage; /* 1: no more than the worth */
};

struct allocated { /* one strategy, by its place in the settings */
	int64_t flow[QUOTES_MAX]; /* received less paid, fees included, by slot */
	int64_t result;           /* at the last return: since ever, in the account's asset */
	int64_t share, budget;
	int64_t at[ALLOCATION_WINDOW_MAX]; /* returns, oldest first */
	uint32_t n;
};

struct allocation {
	struct allocated of[ALLOCATION_MAX];
	int64_t due; /* CORE_NEVER while nothing happens */
	bool set;    /* there are budgets */
};

/* "a=0.5, b=0.1..0.4, c": c is 0..1; fixed wants one share of each. ERR_ARG with a reason for people. */
int allocation_parse(struct allocation_settings *s, const char *text, char *reason, size_t cap);
bool allocation_in_range(const struct allocation_settings *s);

/* Sets the first budgets, as soon as the account's worth is known. */
void allocation_open(const struct step *s);
void allocation_arm(struct executor *x, int64_t now);
void allocation_on_timer(const struct step *s);

/* Money that a strategy received (negative: paid), of what this market is paid in. */
void allocation_on_cash(struct executor *x, const char *strategy, const struct market *m, int64_t amount);

/* Is there a budget to keep? Then: how much, and what share that is; both 0 for a strategy without. */
bool allocation_of(const struct executor *x, const char *strategy, int64_t *ret_budget, int64_t *ret_share);

/* Our journal says so. */
void allocation_recall(struct executor *x, const struct ev_allocation *e);

void allocation_save(const struct executor *x, struct packer *p);
int allocation_load(struct executor *x, struct unpacker *u);

#endif
