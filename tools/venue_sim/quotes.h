/* quotes - the order book of one generated symbol, and what changed since the last diff. */
#ifndef NJ_SIM_QUOTES_H
#define NJ_SIM_QUOTES_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTES_LEVELS_MAX 256
#define QUOTES_CHANGES_MAX 2048

enum quotes_side { QUOTES_BID, QUOTES_ASK };

struct quote { /* units: 10^-scale of the symbol */
	int64_t price, qty;
};

struct quotes {
	struct quote side[2][QUOTES_LEVELS_MAX]; /* worst first, best last */
	uint32_t n[2];
	uint64_t update_id;                     /* of the newest change */
	uint64_t diff_id;                       /* of the newest change that a diff has told */
	int64_t changed[2][QUOTES_CHANGES_MAX]; /* prices, ascending */
	int64_t was[2][QUOTES_CHANGES_MAX];     /* quantity of each as it was told last */
	uint64_t diffs;                         /* that were told so far */
	int64_t at;                             /* event time of the newest change, ns */
	uint32_t n_changed[2];
};

void quotes_init(struct quotes *q, uint64_t update_id);

/* New total of one level, 0 removes it; one update id. False where the side or the change list is
 * full. */
bool quotes_set(struct quotes *q, enum quotes_side side, int64_t price, int64_t qty);

/* i-th best level, i < n[side]. */
static inline const struct quote *quotes_at(const struct quotes *q, enum quotes_side side,
					    uint32_t i)
{
	return &q->side[side][q->n[side] - 1 - i];
}
int64_t quotes_qty(const struct quotes *q, enum quotes_side side,
		   int64_t price); /* 0: no such level */

/* The changes have been told. */
void quotes_told(struct quotes *q);

#endif
