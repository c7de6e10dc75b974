/* quotes - the order book of one generated symbol: two short sorted arrays. */
#include "tools/venue_sim/quotes.h"

#include <string.h>

void quotes_init(struct quotes *q, uint64_t update_id)
{
	q->n[0] = q->n[1] = 0;
	q->n_changed[0] = q->n_changed[1] = 0;
	q->update_id = q->diff_id = update_id;
	q->diffs = 0;
	q->at = 0;
}

static bool better(enum quotes_side side, int64_t a, int64_t b)
{
	return side == QUOTES_BID ? a > b : a < b;
}

/* Index of the level at this price, or where it belongs. */
static uint32_t find(const struct quotes *q, enum quotes_side side, int64_t price)
{
	uint32_t low = 0, high = q->n[side];

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (better(side, price, q->side[side][mid].price))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool holds(const struct quotes *q, enum quotes_side side, uint32_t i, int64_t price)
{
	return i < q->n[side] && q->side[side][i].price == price;
}

static bool note_change(struct quotes *q, enum quotes_side side, int64_t price)
{
	int64_t *list = q->changed[side], *was = q->was[side];
	uint32_t low = 0, n = q->n_changed[side], high = n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (list[mid] < price)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < n && list[low] == price)
		return true;
	if (n == QUOTES_CHANGES_MAX)
		return false;
	memmove(list + low + 1, list + low, (n - low) * sizeof(*list));
	memmove(was + low + 1, was + low, (n - low) * sizeof(*was));
	list[low] = price;
	was[low] = quotes_qty(q, side, price);
	q->n_changed[side]++;
	return true;
}

bool quotes_set(struct quotes *q, enum quotes_side side, int64_t price, int64_t qty)
{
	struct quote *at = q->side[side];
	uint32_t i = find(q, side, price), n = q->n[side];
	bool there = holds(q, side, i, price);

	if (!there && (qty == 0 || n == QUOTES_LEVELS_MAX))
		return false;
	if (!note_change(q, side, price))
		return false;
	if (qty == 0) {
		memmove(at + i, at + i + 1, (n - i - 1) * sizeof(*at));
		q->n[side]--;
	} else {
		if (!there) {
			memmove(at + i + 1, at + i, (n - i) * sizeof(*at));
			q->n[side]++;
		}
		at[i] = (struct quote){price, qty};
	}
	q->update_id++;
	return true;
}

int64_t quotes_qty(const struct quotes *q, enum quotes_side side, int64_t price)
{
	uint32_t i = find(q, side, price);

	return holds(q, side, i, price) ? q->side[side][i].qty : 0;
}

void quotes_told(struct quotes *q)
{
	q->n_changed[0] = q->n_changed[1] = 0;
	q->diff_id = q->update_id;
	q->diffs++;
}
