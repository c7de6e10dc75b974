/* level_set - a hash table of levels, an order on demand and a list of the worst.
 *
 * The list (victims) and its bar: every level whose rank is below the bar is in the list. An
 * insertion below the bar joins it; a removed level stays in it until it is met. When the list is
 * used up, one pass over the table finds the LEVEL_VICTIMS worst again.
 */
#include "common/venue/level_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define BITS_FIRST 8

int level_set_init(struct level_set *s, uint32_t cap, bool asks)
{
	*s = (struct level_set){.cap = cap, .bits_max = BITS_FIRST, .flip = asks ? -1 : 0};
	while ((uint32_t)1 << s->bits_max < 2 * cap)
		s->bits_max++;
	s->slot = calloc((size_t)1 << s->bits_max, sizeof(*s->slot));
	size_t room = (size_t)cap + LEVEL_VICTIMS;
	s->order = malloc(sizeof(*s->order) + room * sizeof(s->order->at[0]));
	if (s->slot == NULL || s->order == NULL) {
		level_set_fini(s);
		return ERR_NOMEM;
	}
	level_set_clear(s);
	return 0;
}

void level_set_fini(struct level_set *s)
{
	free(s->slot);
	free(s->order);
	*s = (struct level_set){0};
}

void level_set_clear(struct level_set *s)
{
	if (s->n > 0)
		memset(s->slot, 0, sizeof(*s->slot) << s->bits);
	s->bits = BITS_FIRST;
	s->n = s->victims = 0;
	s->bar = INT64_MIN;
	s->order->valid = false;
}

static inline int64_t rank_of(const struct level_set *s, int64_t price)
{
	return price ^ s->flip;
}

/* ---- the table ---- */

static inline uint32_t home_of(const struct level_set *s, int64_t price)
{
	return (uint32_t)((uint64_t)price * 0x9e3779b97f4a7c15u >> (64 - s->bits));
}

static inline uint32_t mask_of(const struct level_set *s)
{
	return ((uint32_t)1 << s->bits) - 1;
}

/* The slot that holds the price, or the empty one where it would go. */
static inline uint32_t probe(const struct level_set *s, int64_t price)
{
	uint32_t mask = mask_of(s), i = home_of(s, price);

	while (s->slot[i].qty != 0 && s->slot[i].price != price)
		i = (i + 1) & mask;
	return i;
}

/* Doubles the part of the table that is in use, by way of the order's memory. */
static void grow(struct level_set *s)
{
	struct level *copy = s->order->at;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= mask_of(s); i++)
		if (s->slot[i].qty != 0)
			copy[n++] = s->slot[i];
	memset(s->slot, 0, sizeof(*s->slot) << s->bits);
	s->bits++;
	for (uint32_t i = 0; i < n; i++)
		s->slot[probe(s, copy[i].price)] = copy[i];
	s->order->valid = false;
}

/* Empties slot i; what was pushed past it moves back (Knuth 6.4, algorithm R). */
static void vacate(struct level_set *s, uint32_t i)
{
	uint32_t mask = mask_of(s), hole = i;

	for (uint32_t k = (i + 1) & mask; s->slot[k].qty != 0; k = (k + 1) & mask) {
		uint32_t home = home_of(s, s->slot[k].price);
		if (((k - home) & mask) < ((k - hole) & mask))
			continue; /* lies between the hole and its home: stays */
		s->slot[hole] = s->slot[k];
		hole = k;
	}
	s->slot[hole].qty = 0;
	s->n--;
	s->order->valid = false;
}

/* ---- the worst ---- */

/* Index of the first victim that is not better than the rank: they lie best first. */
static uint32_t victim_at(const struct level_set *s, int64_t rank)
{
	uint32_t low = 0, high = s->victims;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (rank_of(s, s->victim[middle]) > rank)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_victim(struct level_set *s, int64_t price)
{
	uint32_t i = victim_at(s, rank_of(s, price));

	if (i < s->victims && s->victim[i] == price)
		return; /* had gone and is back */
	if (s->victims == LEVEL_VICTIMS) {
		if (i == 0) {
			s->bar = rank_of(s, price); /* the list ends in front of it */
			return;
		}
		s->bar = rank_of(s, s->victim[0]);
		memmove(s->victim, s->victim + 1, --i * sizeof(s->victim[0]));
		s->victim[i] = price;
		return;
	}
	memmove(s->victim + i + 1, s->victim + i, (s->victims++ - i) * sizeof(s->victim[0]));
	s->victim[i] = price;
}

/* One pass: what is worse than the best victim so far pushes it out. */
static void find_victims(struct level_set *s)
{
	s->victims = 0;
	s->bar = INT64_MAX;
	for (uint32_t i = 0; i <= mask_of(s); i++)
		if (s->slot[i].qty != 0 && (s->victims < LEVEL_VICTIMS || rank_of(s, s->slot[i].price) < s->bar))
			add_victim(s, s->slot[i].price);
}

struct level level_set_pop_worst(struct level_set *s)
{
	must(s->n > 0);
	for (;;) {
		if (s->victims == 0)
			find_victims(s);
		int64_t price = s->victim[--s->victims];
		uint32_t i = probe(s, price);
		if (s->slot[i].qty == 0)
			continue;
		struct level worst = s->slot[i];
		vacate(s, i);
		return worst;
	}
}

/* ---- levels ---- */

void level_set_put(struct level_set *s, int64_t price, int64_t qty)
{
	uint32_t i = probe(s, price);

	if (qty == 0) {
		if (s->slot[i].qty != 0)
			vacate(s, i);
		return;
	}
	if (s->slot[i].qty != 0) {
		s->slot[i].qty = qty;
		s->order->valid = false; /* it holds copies */
		return;
	}
	must(s->n < s->cap);
	s->slot[i] = (struct level){price, qty};
	s->n++;
	s->order->valid = false;
	if (rank_of(s, price) < s->bar)
		add_victim(s, price);
	if (s->bits < s->bits_max && 2 * s->n > mask_of(s))
		grow(s);
}

int64_t level_set_get(const struct level_set *s, int64_t price)
{
	return s->slot[probe(s, price)].qty;
}

int64_t level_set_best(const struct level_set *s)
{
	int64_t best = INT64_MIN;

	must(s->n > 0);
	for (uint32_t i = 0; i <= mask_of(s); i++)
		if (s->slot[i].qty != 0 && rank_of(s, s->slot[i].price) > best)
			best = rank_of(s, s->slot[i].price);
	return best ^ s->flip;
}

const struct level *level_set_take(struct level_set *s, int64_t price, uint32_t *ret_n)
{
	struct level *taken = s->order->at;
	uint32_t n = 0;

	s->order->valid = false;
	for (uint32_t i = 0; i <= mask_of(s); i++)
		if (s->slot[i].qty != 0 && rank_of(s, s->slot[i].price) >= rank_of(s, price))
			taken[n++] = s->slot[i];
	for (uint32_t i = 0; i < n; i++)
		vacate(s, probe(s, taken[i].price));
	*ret_n = n;
	return taken;
}

static int compare_bids(const void *a, const void *b)
{
	const struct level *x = a, *y = b;
	return (x->price < y->price) - (x->price > y->price);
}

static int compare_asks(const void *a, const void *b)
{
	return compare_bids(b, a);
}

const struct level *level_set_nth(const struct level_set *s, uint32_t i)
{
	struct level_order *order = s->order;

	must(i < s->n);
	if (!order->valid) {
		uint32_t n = 0;
		for (uint32_t k = 0; k <= mask_of(s); k++)
			if (s->slot[k].qty != 0)
				order->at[n++] = s->slot[k];
		qsort(order->at, n, sizeof(order->at[0]), s->flip == 0 ? compare_bids : compare_asks);
		order->valid = true;
	}
	return &order->at[i];
}
