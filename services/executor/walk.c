/* walk - see walk.h. */
#include "services/executor/walk.h"

#include "common/base/err.h"
#include "services/executor/outcome.h"

/* What taking so much of a level costs; ERR_RANGE. */
static int price_level(const struct walk *w, const struct market *m, int64_t price, int64_t qty, struct deal *ret_deal)
{
	struct deal d = {.what = {outcome_price(m, w->outcome, price), qty, m->def.price_scale, m->def.qty_scale},
			 .side = (w->side == side_buy) == (w->outcome == OUTCOME_BASE) ? side_buy : side_sell,
			 .liquidity = liquidity_taker,
			 .carry = w->fee_carry};
	int rc = money_cost(d.what, &d.cost);
	if (rc == 0)
		rc = fees_of(&m->fees, &d);
	*ret_deal = d;
	return rc;
}

static int add_level(struct walk *w, const struct market *m, int64_t price, int64_t qty)
{
	struct deal d;
	int rc = price_level(w, m, price, qty, &d);
	if (rc == 0)
		rc = money_add(w->cost, d.cost, &w->cost);
	if (rc == 0)
		rc = money_add(w->fees, d.fee, &w->fees);
	if (rc == 0) {
		w->fee_carry = d.carry;
		w->at[w->n++] = (struct level){price, qty};
		w->found += qty;
	}
	return rc;
}

static bool affords(const struct walk *w, const struct market *m, int64_t price, int64_t qty)
{
	struct deal d;
	int64_t sum = 0;
	int rc = price_level(w, m, price, qty, &d);
	if (rc == 0)
		rc = money_add(w->cost, w->fees, &sum);
	if (rc == 0)
		rc = money_add(sum, d.cost, &sum);
	if (rc == 0)
		rc = money_add(sum, d.fee, &sum);
	return rc == 0 && sum <= w->amount;
}

/* The most of a level's qty that the rest of the amount pays, by halving: more never costs less. */
static int64_t affordable(const struct walk *w, const struct market *m, int64_t price, int64_t qty)
{
	int64_t low = 0, high = qty;
	if (w->amount == 0 || affords(w, m, price, qty))
		return qty;
	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;
		if (affords(w, m, price, mid))
			low = mid;
		else
			high = mid;
	}
	return low;
}

int walk_book(const struct market *m, struct walk *w)
{
	enum side against = walk_against(w->side);
	w->n = 0;
	w->found = w->cost = w->fees = w->fee_carry = 0;
	for (uint32_t i = 0; i < book_depth(&m->book, against) && w->found < w->qty; i++) {
		const struct level *l = book_level(&m->book, against, i);
		/* A price of 0 is somebody's mistake, and no bargain. */
		bool priced = l->price > 0 && outcome_price(m, w->outcome, l->price) > 0;
		if (!priced || !walk_reaches(w->side, w->limit, l->price))
			break;
		if (!book_known(&m->book, against, l->price) || w->n == WALK_LEVELS_MAX ||
		    !market_can_take(m, against, w->n + 1))
			break;
		int64_t left = market_left(m, against, l), want = w->qty - w->found;
		left = left < want ? left : want;
		int64_t qty = affordable(w, m, l->price, left);
		int rc = qty == 0 ? 0 : add_level(w, m, l->price, qty);
		if (rc != 0 || qty < left)
			return rc;
	}
	return 0;
}
