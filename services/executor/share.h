/* share - weights to shares of a whole: by returns, and within bounds. */
#ifndef NJ_EXECUTOR_SHARE_H
#define NJ_EXECUTOR_SHARE_H

#include "services/executor/allocation.h"

struct share { /* one who takes part */
	fixed_wide weight;   /* >= 0 */
	int64_t least, most; /* 0 to SHARE_ALL */
	int64_t share;       /* found */
};

/* Shares in proportion to the weights (equal ones where all are 0), each within its bounds, together no more than
 * SHARE_ALL; less where the upper bounds leave some. The lower ones add up to SHARE_ALL at most. */
void share_bound(struct share *s, uint32_t n);

/* Mean and deviation (of a sample) of returns; false where there are fewer than 2, or the deviation is 0. */
bool share_measure(const int64_t *at, uint32_t n, int64_t *ret_mean, int64_t *ret_deviation);

/* The weights by these returns, a row of which each has. */
void share_weigh(struct share *s, const struct allocated *of, uint32_t n, enum allocation_method method);

#endif
