/* position - the holding of one instrument at average cost: quantity, cost, result.
 *
 * Average cost: a fill that grows the position adds its cost; one that shrinks it releases the cost
 * of the part that goes, rounded half to even, all of it when the position closes; the result is
 * proceeds less released cost. At any time sum(bought) - sum(sold) + realised == cost, to the last
 * unit of CASH_SCALE.
 */
#ifndef NJ_EXECUTOR_POSITION_H
#define NJ_EXECUTOR_POSITION_H

#include "proto/event.h"

struct position {
	int64_t qty;  /* at the instrument's scale; negative where starting inventory was sold */
	int64_t cost; /* of what is held, CASH_SCALE; has the sign of qty */
	int64_t realised; /* before fees */
	int64_t fees;
};

/* Applies an execution of qty > 0 that was worth cash >= 0; ERR_RANGE, nothing changed then. */
int position_apply(struct position *p, enum side side, int64_t qty, int64_t cash,
		   int64_t *ret_realised);

#endif
