/* maker - resting orders: the queue ahead of them, and what trades and books give them. */
#include "common/base/check.h"
#include "services/executor/executor.h"

/* Fills a resting order at its price. False where it has left the table. */
static bool fill_resting(const struct step *s, uint32_t i, int64_t qty)
{
	struct orders *os = &s->x->orders;
	struct order *o = &os->at[i];
	struct execution e = {.price = o->price, .qty = qty, .liquidity = liquidity_maker};
	bool well = fills_execute(s, o, &e) == 0;
	if (well)
		fills_settle(s, o);
	else
		fills_close(s, o, reject_balance, false);
	if (well && order_rest(o) > 0)
		return true;
	orders_remove(os, i);
	return false;
}

/* Of so much, what it may take: no more than its rest, and than what there is to reduce. */
static int64_t at_most(const struct step *s, const struct order *o, int64_t qty)
{
	int64_t most = order_rest(o);
	if (o->reduce_only) {
		int64_t held = holdings_reducible(&s->x->holdings, o);
		most = held < most ? held : most;
	}
	return qty < most ? qty : most;
}

void maker_on_trade(const struct step *s, struct market *m, const struct event *ev)
{
	struct orders *os = &s->x->orders;
	const struct ev_trade *t = &ev->trade;
	if (m->resting == 0 || market_usable(m, s->now, s->x->settings.stale_ns) != reject_none)
		return;
	enum queue_model model = s->x->settings.queue;
	int64_t given = 0;
	for (uint32_t i = 0; i < os->n;) {
		struct order *o = &os->at[i];
		bool ours = o->market == m && o->stage == stage_resting && o->side != t->aggressor &&
			    walk_reaches(o->side, o->price, t->price) && ev->ts_event > o->since;
		int64_t qty = ours ? t->qty - queue_on_trade(o, model, s->now, t) - given : 0;
		if (qty > 0)
			qty = at_most(s, o, qty);
		if (qty > 0)
			given += qty;
		if (qty <= 0 || fill_resting(s, i, qty))
			i++;
	}
}

/* What a trusted book shows at or through the order's price, at the order's price; where only what goes through fills,
 * what it shows beyond. */
static int64_t take_crossing(const struct step *s, const struct order *o)
{
	struct walk *w = &s->x->walk;
	int64_t limit = o->price;
	if (s->x->settings.queue == QUEUE_THROUGH)
		limit += o->side == side_buy ? -1 : 1;
	if (limit == 0)
		return 0;
	*w = (struct walk){.side = o->side,
			   .limit = limit,
			   .qty = at_most(s, o, order_rest(o)),
			   .outcome = o->outcome};
	if (walk_book(o->market, w) != 0)
		return 0;
	for (uint32_t i = 0; i < w->n; i++)
		market_take(o->market, walk_against(o->side), w->at[i].price, w->at[i].qty);
	return w->found;
}

void maker_on_book(const struct step *s, struct market *m)
{
	struct orders *os = &s->x->orders;
	if (m->resting == 0 || market_usable(m, s->now, s->x->settings.stale_ns) != reject_none)
		return;
	for (uint32_t i = 0; i < os->n;) {
		struct order *o = &os->at[i];
		int64_t qty = 0;
		if (o->market == m && o->stage == stage_resting) {
			queue_on_book(o, s->x->settings.queue, s->now);
			qty = take_crossing(s, o);
		}
		if (qty == 0 || fill_resting(s, i, qty))
			i++;
	}
}
