/* fill_judge - is a fill one that the world's own book and trades allow? Shared by the tests of seeded worlds.
 *
 * A taker has the best level that is left, known and within its limit, at that level's price, and no more than stands
 * there. A maker has its own price: from a trade by the other side at or beyond it, once those ahead of it have been
 * served (model `back`: queue_judge.h), or from what the book shows there. Nothing on a book that cannot be used.
 */
#ifndef NJ_TESTS_FILL_JUDGE_H
#define NJ_TESTS_FILL_JUDGE_H

#include "queue_judge.h"
#include "world.h"

#include "services/executor/queue.h"

struct judged { /* an order */
	struct world_market *m;
	int64_t price; /* 0 market */
	uint8_t side;
	bool waits;
	struct queue_judge *place; /* of the model `back`; NULL: not followed */
};

struct fill_judge {
	const struct event *in; /* what is being handled; NULL a timer */
	int64_t now, trade_left;
	uint8_t queue; /* enum queue_model */
};

static inline void fill_judge_begin(struct fill_judge *j, const struct event *in, int64_t now)
{
	j->in = in;
	j->now = now;
	j->trade_left = in && in->id == EVENT_trade ? in->trade.qty : 0;
}

/* The best slots of both sides; -1 and SLOTS where there are none. */
static inline void fill_judge_touch(const struct world_market *m, int32_t *ret_bid, int32_t *ret_ask)
{
	*ret_bid = -1;
	*ret_ask = SLOTS;
	for (int32_t i = 0; i < SLOTS; i++) {
		*ret_bid = m->qty[0][i] ? i : *ret_bid;
		*ret_ask = m->qty[1][i] && i < *ret_ask ? i : *ret_ask;
	}
}

static inline bool fill_judge_usable(const struct fill_judge *j, const struct world_market *m)
{
	int32_t bid, ask;
	fill_judge_touch(m, &bid, &ask);
	return m->state == book_state_trusted && m->has_book && j->now - m->updated_at <= 5 * S && bid < ask;
}

/* Best slot of the side a taker of `side` hits that has something left, is known, and is within the limit. */
static inline int32_t fill_judge_slot(const struct world_market *m, enum side side, int64_t limit)
{
	for (int32_t k = 0; k < SLOTS; k++) {
		int32_t i = side == side_buy ? k : SLOTS - 1 - k;
		int against = side == side_buy ? 1 : 0;
		int64_t price = world_price(m, i);
		bool known = side == side_buy ? i <= m->known_high : i >= m->known_low;
		bool within = limit == 0 || (side == side_buy ? price <= limit : price >= limit);
		if (m->qty[against][i] - m->taken[against][i] > 0)
			return known && within ? i : -1;
	}
	return -1;
}

static inline void fill_judge_take(struct world_market *m, enum side side, int32_t slot, int64_t qty)
{
	int against = side == side_buy ? 1 : 0;
	assert_true(slot >= 0);
	m->taken[against][slot] += qty;
	assert_true(m->taken[against][slot] <= m->qty[against][slot]);
}

static inline void fill_judge_taker(const struct judged *o, const struct ev_fill *f)
{
	int32_t slot = fill_judge_slot(o->m, o->side, o->price);
	assert_true(slot >= 0);
	assert_int_equal(f->price, world_price(o->m, slot));
	fill_judge_take(o->m, o->side, slot, f->qty);
}

/* Of the model `through` a trade has to go through the price. */
static inline void fill_judge_maker(struct fill_judge *j, const struct judged *o, const struct ev_fill *f)
{
	assert_int_equal(f->price, o->price);
	if (j->in && j->in->id == EVENT_trade) {
		const struct ev_trade *t = &j->in->trade;
		assert_int_not_equal(t->aggressor, o->side);
		assert_true(o->side == side_buy ? t->price <= o->price : t->price >= o->price);
		assert_true(j->queue != QUEUE_THROUGH || t->price != o->price);
		j->trade_left -= f->qty;
		assert_true(j->trade_left >= 0);
		if (j->queue == QUEUE_BACK && o->place && t->price == o->price)
			assert_true(f->qty <= queue_judge_most(o->place, j->now, t->qty));
		return;
	}
	for (int64_t left = f->qty; left > 0;) {
		int32_t slot = fill_judge_slot(o->m, o->side, o->price);
		assert_true(slot >= 0);
		int against = o->side == side_buy ? 1 : 0;
		int64_t here = o->m->qty[against][slot] - o->m->taken[against][slot];
		here = here < left ? here : left;
		fill_judge_take(o->m, o->side, slot, here);
		left -= here;
	}
}

static inline void fill_judge_on_fill(struct fill_judge *j, const struct judged *o, const struct ev_fill *f)
{
	assert_int_equal(f->side, o->side);
	assert_false(o->waits);
	assert_true(fill_judge_usable(j, o->m));
	if (f->liquidity == liquidity_taker)
		fill_judge_taker(o, f);
	else
		fill_judge_maker(j, o, f);
}

/* What the event or the timer of now says of an order's place; after it was handled. */
static inline void fill_judge_look(const struct fill_judge *j, const struct judged *o, const struct world_market *about)
{
	int64_t shown;
	if (o->waits || o->price == 0) {
		queue_judge_leave(o->place);
		return;
	}
	if (j->in && j->in->id == EVENT_trade && o->m == about)
		queue_judge_trade(o->place, o->side, o->price, &j->in->trade);
	if (world_shows(o->m, o->side, o->price, &shown) && fill_judge_usable(j, o->m))
		queue_judge_look(o->place, j->now, shown);
	o->place->waits = true;
}

#endif
