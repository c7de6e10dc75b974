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
#define EMPTY (-1)

static inline uint32_t mask_of(const struct level_set *s)
{
	return ((uint32_t)1 << s->bits) - 1;
}

/* Makes 2^bits slots empty and the table. */
static void start_table(struct level_set *s, uint32_t bits)
{
	s->bits = bits;
	s->taken = 0;
	for (uint32_t i = 0; i <= mask_of(s); i++)
		s->slot[i] = (struct level){EMPTY, 0};
}

int level_set_init(struct level_set *s, uint32_t cap, bool asks)
{
	*s = (struct level_set){.cap = cap, .bits_max = BITS_FIRST, .flip = asks ? -1 : 0};
	while ((uint32_t)1 << s->bits_max < 4 * cap)
		s->bits_max++;
	size_t room = (size_t)cap + LEVEL_VICTIMS;
	s->slot = malloc(sizeof(*s->slot) << s->bits_max);
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
	start_table(s, BITS_FIRST);
	s->n = s->victims = 0;
	s->bar = INT64_MIN;
	s->order->valid = false;
}

static inline int64_t rank_of(const struct level_set *s, int64_t price)
{
	return price ^ s->flip;
}

/* ---- the table ----
 *
 * A level that goes leaves its slot empty where nothing lies in the next one, else its price with quantity 0: nothing
 * moves. When half of the table is taken it is made anew from what lives, twice as large where a quarter of it does. */

static inline bool is_place(const struct level_set *s, uint32_t i, int64_t price)
{
	return (s->slot[i].price == price) | (s->slot[i].price == EMPTY);
}

/* The slot that holds the price, or the empty one where it would go. Whether that is the first or the second cannot be
 * guessed and is no branch; the others are rare. */
static inline uint32_t probe(const struct level_set *s, int64_t price)
{
	/* Prices come in even steps, which one multiplication would leave in runs. */
	uint64_t mixed = (uint64_t)price * 0x9e3779b97f4a7c15u;
	uint32_t mask = mask_of(s), i;

	mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93u;
	i = (uint32_t)(mixed >> (64 - s->bits));
	i = (i + !is_place(s, i, price)) & mask;
	while (!is_place(s, i, price))
		i = (i + 1) & mask;
	return i;
}

static __attribute__((noinline)) void renew(struct level_set *s)
{
	struct level *copy = s->order->at;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= mask_of(s); i++)
		if (s->slot[i].qty != 0)
			copy[n++] = s->slot[i];
	bool larger = s->bits < s->bits_max && 4 * n > mask_of(s);
	start_table(s, s->bits + larger);
	for (uint32_t i = 0; i < n; i++)
		s->slot[probe(s, copy[i].price)] = copy[i];
	s->taken = n;
	s->order->valid = false;
}

static void vacate(struct level_set *s, uint32_t i)
{
	s->slot[i].qty = 0;
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

/* What few changes need: the level at a price has come, and may be one of the worst; the table may be full. */
static __attribute__((noinline)) void after_put(struct level_set *s, int64_t price, bool came)
{
	if (came && rank_of(s, price) < s->bar)
		add_victim(s, price);
	if (2 * s->taken > mask_of(s))
		renew(s);
}

void level_set_put(struct level_set *s, int64_t price, int64_t qty)
{
	uint32_t i = probe(s, price);
	struct level *at = &s->slot[i];
	bool before = at->qty != 0, now = qty != 0, was_empty = at->price == EMPTY;
	bool is_empty = !now & (s->slot[(i + 1) & mask_of(s)].price == EMPTY);

	/* Whether it comes, changes, goes or was not there: the same stores, no branch to guess. */
	*at = (struct level){is_empty ? EMPTY : price, qty};
	s->taken = s->taken + was_empty - is_empty;
	s->n = s->n + now - before;
	s->order->valid = false;
	if (__builtin_expect((unsigned)(rank_of(s, price) < s->bar) | (2 * s->taken > mask_of(s)), 0))
		after_put(s, price, now > before);
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
