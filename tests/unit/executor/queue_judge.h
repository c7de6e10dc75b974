/* queue_judge - how much of a trade a resting order of the model `back` may have, by looks at the book alone.
 *
 * Slow and forgetful of nothing: each look at the order's price said that no more than so much stood ahead of it then,
 * and every trade there since has served of that. Looks of the last second say nothing yet (the trade that they show
 * may still have to be told), but for the one with which the order's place began.
 */
#ifndef NJ_TESTS_QUEUE_JUDGE_H
#define NJ_TESTS_QUEUE_JUDGE_H

#include "desk.h"

#define QUEUE_LOOKS 4096

struct queue_judge {
	bool waits;         /* it has stood there since before the event of now */
	bool begun;         /* somebody has looked */
	bool free;          /* something was traded beyond its price */
	int64_t traded;     /* at its price since it began */
	int64_t least;      /* of the looks that count: shown then, and traded until then */
	uint32_t n, folded; /* looks; of them: in `least` */
	struct {
		int64_t at, sum;
	} look[QUEUE_LOOKS];
};

/* It has no place, or a new one. */
static inline void queue_judge_leave(struct queue_judge *q)
{
	q->waits = q->begun = q->free = false;
	q->traded = q->least = q->n = q->folded = 0;
}

static inline void queue_judge_look(struct queue_judge *q, int64_t now, int64_t shown)
{
	if (!q->begun) {
		q->begun = true;
		q->least = shown;
		return;
	}
	assert_true(q->n < QUEUE_LOOKS);
	q->look[q->n].at = now;
	q->look[q->n++].sum = shown + q->traded;
}

static inline void queue_judge_trade(struct queue_judge *q, uint8_t side, int64_t price, const struct ev_trade *t)
{
	bool beyond = side == side_buy ? t->price < price : t->price > price;
	if (!q->waits || t->aggressor != (side == side_buy ? side_sell : side_buy))
		return;
	q->traded += t->price == price && q->begun ? t->qty : 0;
	q->free = q->free || beyond;
	q->begun = q->begun || beyond;
}

/* Of a trade at its price; before queue_judge_trade. */
static inline int64_t queue_judge_most(struct queue_judge *q, int64_t now, int64_t qty)
{
	for (; q->folded < q->n && q->look[q->folded].at <= now - S; q->folded++)
		if (q->look[q->folded].sum < q->least)
			q->least = q->look[q->folded].sum;
	int64_t ahead = q->least > q->traded && !q->free ? q->least - q->traded : 0;
	return !q->begun || qty < ahead ? 0 : qty - ahead;
}

#endif
