/* lots - see lots.h. */
#include "services/executor/lots.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/fixed.h"

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

static int64_t share(int64_t value, int64_t part, int64_t whole)
{
	return part == whole ? value : (int64_t)fixed_div_round((fixed_wide)value * part, whole);
}

int64_t lots_qty(const struct lots *l)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < l->n; i++)
		sum += l->at[i].qty;
	return sum;
}

/* Would closing a leave a smaller gain than closing b? */
static bool leaves_less(const struct lot *a, const struct lot *b)
{
	fixed_wide left = (fixed_wide)a->basis * magnitude(b->qty), right = (fixed_wide)b->basis * magnitude(a->qty);
	return a->qty > 0 ? left > right : left < right;
}

static uint32_t pick(const struct lots *l)
{
	uint32_t best = l->method == LOTS_LIFO ? l->n - 1 : 0;
	for (uint32_t i = 1; l->method == LOTS_HIFO && i < l->n; i++)
		if (leaves_less(&l->at[i], &l->at[best]))
			best = i;
	return best;
}

static void drop(struct lots *l, uint32_t i)
{
	l->n--;
	memmove(&l->at[i], &l->at[i + 1], (l->n - i) * sizeof(l->at[0]));
}

/* Closes a lot as far as rest goes, for its share of the money that is left. */
static void close_one(struct lots *l, uint32_t i, int64_t *rest, int64_t *money, struct lots_closed *ret_closed)
{
	struct lot *lot = &l->at[i];
	bool is_long = lot->qty > 0;
	int64_t held = magnitude(lot->qty), part = *rest < held ? *rest : held;
	int64_t basis = share(lot->basis, part, held), for_it = share(*money, part, *rest);
	ret_closed->opened_at = lot->at;
	ret_closed->qty = is_long ? part : -part;
	ret_closed->basis = is_long ? basis : for_it;
	ret_closed->proceeds = is_long ? for_it : basis;
	*rest -= part;
	*money -= for_it;
	lot->basis -= basis;
	lot->qty -= is_long ? part : -part;
	if (lot->qty == 0)
		drop(l, i);
}

static void open_one(struct lots *l, struct lot lot)
{
	if (l->n == LOTS_MAX) {
		l->at[0].qty += l->at[1].qty;
		l->at[0].basis += l->at[1].basis;
		drop(l, 1);
		l->merged++;
	}
	l->at[l->n++] = lot;
}

static bool fits(const struct lots *l, const struct lots_fill *f)
{
	fixed_wide qty = f->qty, basis = (fixed_wide)f->cost + f->fee;
	for (uint32_t i = 0; i < l->n; i++) {
		qty += magnitude(l->at[i].qty);
		basis += magnitude(l->at[i].basis);
	}
	return f->qty > 0 && f->cost >= 0 && f->fee >= 0 && qty <= INT64_MAX && basis <= INT64_MAX;
}

int lots_on_fill(struct lots *l, const struct lots_fill *f, lots_closed_fn *closed, void *ctx)
{
	bool buy = f->side == side_buy;
	int64_t rest = f->qty;
	if (!fits(l, f))
		return ERR_RANGE;
	int64_t money = buy ? f->cost + f->fee : f->cost - f->fee;
	while (rest > 0 && l->n > 0 && (l->at[0].qty > 0) != buy) {
		struct lots_closed c = {.closed_at = f->at};
		close_one(l, pick(l), &rest, &money, &c);
		if (closed)
			closed(ctx, &c);
	}
	if (rest > 0)
		open_one(l, (struct lot){buy ? rest : -rest, money, f->at});
	else
		must(money == 0);
	return 0;
}
