/* book - the order book of book.h: a window of ticks around the touch, a hashed set behind it.
 *
 * Invariants of a side, true whenever no function of this file runs:
 *   every key in the tail is below base; every key in the window is base + slot * tick;
 *   a slot's bit is set exactly where its quantity is not 0; n = bits set + tail.n <= cap;
 *   the view's first n entries are the n best levels of the window.
 */
#include "common/venue/book.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define TOUCH_SLOT (BOOK_WINDOW / 8 * 7) /* where the window places the touch */
#define LOW_SLOT (BOOK_WINDOW / 2)       /* a touch below it lets the window follow */
#define TICK_MAX ((int64_t)1 << 40)      /* coarser grids are indexed as if they had tick 1 */

struct book_view {
	uint32_t n;
	int64_t worst; /* key of the last entry; INT64_MAX where empty */
	struct level at[];
};

static int64_t greatest_divisor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static void forget_view(struct book_side *s)
{
	s->view->n = 0;
	s->view->worst = INT64_MAX;
}

static void set_tick(struct book_side *s, int64_t tick)
{
	s->tick = tick > 0 && tick <= TICK_MAX ? tick : 1;
	s->inverse = s->tick == 1 ? 0 : UINT64_MAX / (uint64_t)s->tick + 1;
	s->span = (uint64_t)s->tick * BOOK_WINDOW;
}

/* Slot of an offset within the window; *ret_exact tells whether it lies on the grid. The product's
 * high half is the quotient or one more: the inverse is rounded up by less than 1. */
static inline uint32_t grid_slot(int64_t tick, uint64_t inverse, uint64_t offset, bool *ret_exact)
{
	if (inverse == 0) {
		*ret_exact = true;
		return (uint32_t)offset;
	}
	__extension__ unsigned __int128 product = (unsigned __int128)offset * inverse;
	uint64_t slot = (uint64_t)(product >> 64);
	if (slot * (uint64_t)tick > offset)
		slot--;
	*ret_exact = slot * (uint64_t)tick == offset;
	return (uint32_t)slot;
}

static inline uint32_t slot_of(const struct book_side *s, uint64_t offset, bool *ret_exact)
{
	return grid_slot(s->tick, s->inverse, offset, ret_exact);
}

static inline int64_t key_at(const struct book_side *s, uint32_t slot)
{
	return s->base + (int64_t)slot * s->tick;
}

static inline uint32_t highest_bit(uint64_t word)
{
	return 63 - (uint32_t)__builtin_clzll(word);
}

static uint32_t in_window(const struct book_side *s)
{
	return s->n - s->tail.n;
}

/* Highest used slot below `limit` (0 .. BOOK_WINDOW); there must be one. */
static uint32_t slot_below(const struct book_side *s, uint32_t limit)
{
	const struct slots_word *w = s->slots.word;
	uint32_t word = limit >> 6;
	uint64_t bits = limit & 63 ? w[word].used & (((uint64_t)1 << (limit & 63)) - 1) : 0;

	if (bits == 0 && word > s->top + 1)
		word = s->top + 1;
	while (bits == 0) {
		must(word > 0);
		bits = w[--word].used;
	}
	return word << 6 | highest_bit(bits);
}

/* Lowest used slot; there must be one. */
static uint32_t slot_lowest(const struct book_side *s)
{
	uint32_t word = 0;

	while (s->slots.word[word].used == 0)
		word++;
	return word << 6 | (uint32_t)__builtin_ctzll(s->slots.word[word].used);
}

/* Key of the tail's best level. */
static int64_t tail_best(const struct book_side *s)
{
	return level_set_best(&s->tail) * s->sign;
}

/* Empties the window, into the tail or into nothing. */
static void window_empty(struct book_side *s, bool keep)
{
	for (uint32_t word = 0; word <= s->top; word++)
		while (s->slots.word[word].used != 0) {
			uint32_t slot = word << 6 | (uint32_t)__builtin_ctzll(s->slots.word[word].used);
			if (keep)
				level_set_put(&s->tail, key_at(s, slot) * s->sign, slots_get(&s->slots, slot));
			slots_put(&s->slots, slot, 0, 1);
		}
	s->top = 0;
	forget_view(s);
}

/* Base that places the touch where it belongs, on the grid and within int64. */
static int64_t base_for(const struct book_side *s, int64_t touch)
{
	int64_t below = TOUCH_SLOT * s->tick;
	int64_t lowest = -(INT64_MAX / s->tick) * s->tick;
	return touch < lowest + below ? lowest : touch - below;
}

/* Sets a level of the window; the key is inside and on the grid. */
static void window_set(struct book_side *s, int64_t key, int64_t qty)
{
	bool exact;
	uint32_t slot = slot_of(s, (uint64_t)key - (uint64_t)s->base, &exact);
	must(exact && slot < BOOK_WINDOW);
	uint64_t before = slots_has(&s->slots, slot);
	s->n += before == 0;
	slots_put(&s->slots, slot, qty, before);
	s->top = slot >> 6 > s->top ? slot >> 6 : s->top;
	forget_view(s);
}

/* Places `touch` (on the grid, no level is better) at TOUCH_SLOT; levels move between the parts. */
static void window_move(struct book_side *s, int64_t touch)
{
	window_empty(s, true);
	s->base = base_for(s, touch);
	uint32_t n;
	const struct level *l = level_set_take(&s->tail, s->base * s->sign, &n);
	s->n -= n;
	for (uint32_t i = 0; i < n; i++)
		window_set(s, l[i].price * s->sign, l[i].qty);
}

/* Makes sure that a key at or above base lies inside the window. */
static void window_reach(struct book_side *s, int64_t key)
{
	if ((uint64_t)key - (uint64_t)s->base >= s->span)
		window_move(s, key);
}

/* The grid becomes fine enough for one more price. Each call at least halves the tick. */
static void regrid(struct book_side *s, int64_t key)
{
	int64_t price = key * s->sign;
	window_empty(s, true);
	int64_t tick = s->n == 0 ? price : greatest_divisor(s->tick, price);
	set_tick(s, tick);
	window_move(s, s->n == 0 ? key : tail_best(s));
}

static __attribute__((noinline)) void evict(struct book *b, struct book_side *s)
{
	int64_t price;
	if (s->tail.n > 0) {
		price = level_set_pop_worst(&s->tail).price;
	} else {
		uint32_t slot = slot_lowest(s);
		price = key_at(s, slot) * s->sign;
		slots_put(&s->slots, slot, 0, 1);
		forget_view(s);
	}
	s->n--;
	b->evicted++;
	if (s->sign > 0 && price >= b->bid_floor)
		b->bid_floor = price + (price < INT64_MAX);
	if (s->sign < 0 && price <= b->ask_ceil)
		b->ask_ceil = price - (price > 0);
}

/* A change that is outside the window, or not on the grid. */
static __attribute__((noinline)) void apply_slow(struct book *b, struct book_side *s, int64_t key, int64_t qty)
{
	if (s->tick != 1 && key % s->tick != 0) {
		if (qty == 0)
			return; /* no level can be there */
		regrid(s, key);
	}
	if (key < s->base) {
		uint32_t before = s->tail.n;
		level_set_put(&s->tail, key * s->sign, qty);
		s->n += s->tail.n - before;
	} else if (qty != 0) {
		window_reach(s, key);
		window_set(s, key, qty);
	}
	if (s->n > b->cap)
		evict(b, s);
}

/* Applies the levels from i on that lie in the window, and returns the first that does not, or the
 * number of levels, or the one behind a level that made the side too full. Levels come and go as
 * often as they change: no branch depends on which it is. */
static uint32_t apply_run(const struct book *b, struct book_side *s, const struct levels *l, uint32_t i)
{
	/* Copies, since the compiler must think that the stores below could change the originals.
	 */
	const int64_t base = s->base, sign = s->sign, tick = s->tick, worst = s->view->worst;
	const uint64_t span = s->span, inverse = s->inverse;
	struct slots_word *const words = s->slots.word;
	const int64_t *const zeros = s->slots.block;
	uint32_t n = s->n, top = s->top;
	bool seen = false;

	for (; i < l->n && n <= b->cap; i++) {
		int64_t key = l->at[i].price * sign, qty = l->at[i].qty;
		uint64_t offset = (uint64_t)key - (uint64_t)base;
		bool exact;
		if (offset >= span)
			break;
		uint32_t slot = grid_slot(tick, inverse, offset, &exact);
		if (!exact)
			break;
		struct slots_word *w = &words[slot >> 6];
		uint64_t present = qty != 0, before = w->used >> (slot & 63) & 1;
		if (__builtin_expect(w->qty == zeros, 0) && present)
			slots_take(&s->slots, w);
		w->used ^= (before ^ present) << (slot & 63);
		w->qty[slot & 63] = qty;
		n += (uint32_t)present - (uint32_t)before;
		top = slot >> 6 > top ? slot >> 6 : top;
		seen |= key >= worst;
	}
	s->n = n;
	s->top = top;
	if (seen)
		forget_view(s);
	return i;
}

/* As apply_run, the levels that lie below the window: mostly the last ones of an update. */
static uint32_t apply_far(const struct book *b, struct book_side *s, const struct levels *l, uint32_t i)
{
	const int64_t base = s->base, sign = s->sign;

	for (; i < l->n && s->n <= b->cap; i++) {
		int64_t key = l->at[i].price * sign;
		bool exact = key < base;
		if (exact)
			slot_of(s, (uint64_t)base - (uint64_t)key, &exact);
		if (!exact)
			break;
		uint32_t before = s->tail.n;
		level_set_put(&s->tail, l->at[i].price, l->at[i].qty);
		s->n += s->tail.n - before;
	}
	return i;
}

/* Lets the window follow a touch that has sunk towards its lower end. */
static void follow(struct book_side *s)
{
	if (s->tail.n == 0 || s->view->n > 0)
		/* nothing to follow to, or the touch has not moved since it was last seen */
		return;
	if (in_window(s) == 0) {
		window_move(s, tail_best(s));
		return;
	}
	uint32_t slot = slot_below(s, BOOK_WINDOW);
	s->top = slot >> 6;
	if (slot < LOW_SLOT)
		window_move(s, key_at(s, slot));
}

static bool negative(const struct levels *l)
{
	int64_t signs = 0;
	for (uint32_t i = 0; i < l->n; i++)
		signs |= l->at[i].price | l->at[i].qty;
	return signs < 0;
}

static void side_fini(struct book_side *s)
{
	slots_fini(&s->slots);
	level_set_fini(&s->tail);
	free(s->view);
	*s = (struct book_side){0};
}

static int side_init(struct book_side *s, uint32_t cap, int64_t sign)
{
	*s = (struct book_side){.sign = sign};
	s->view = malloc(sizeof(*s->view) + cap * sizeof(s->view->at[0]));
	if (slots_init(&s->slots) != 0 || s->view == NULL)
		return ERR_NOMEM;
	set_tick(s, 1);
	forget_view(s);
	return level_set_init(&s->tail, cap + 1, sign < 0);
}

int book_init(struct book *b, uint32_t cap)
{
	if (cap == 0 || cap > INT32_MAX / 4)
		return ERR_ARG;
	*b = (struct book){.cap = cap, .ask_ceil = INT64_MAX};
	int rc = side_init(&b->side[0], cap, 1);
	if (rc == 0)
		rc = side_init(&b->side[1], cap, -1);
	if (rc != 0)
		book_fini(b);
	return rc;
}

void book_fini(struct book *b)
{
	if (b == NULL)
		return;
	side_fini(&b->side[0]);
	side_fini(&b->side[1]);
	*b = (struct book){0};
}

static void side_clear(struct book_side *s)
{
	window_empty(s, false);
	level_set_clear(&s->tail);
	s->n = 0;
}

void book_clear(struct book *b)
{
	side_clear(&b->side[0]);
	side_clear(&b->side[1]);
	b->bid_floor = 0;
	b->ask_ceil = INT64_MAX;
	b->last_id = 0;
}

/* Sets the grid from the levels of a snapshot and places the window at their best. */
static void side_prepare(struct book_side *s, const struct levels *l)
{
	int64_t tick = 0, touch = INT64_MIN;
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->at[i].qty == 0)
			continue;
		tick = tick == 1 ? 1 : greatest_divisor(l->at[i].price, tick);
		int64_t key = l->at[i].price * s->sign;
		touch = key > touch ? key : touch;
	}
	set_tick(s, tick);
	s->base = touch == INT64_MIN ? 0 : base_for(s, touch);
}

static void side_apply(struct book *b, struct book_side *s, const struct levels *l)
{
	if (l->n == 0)
		return;
	for (uint32_t i = 0, from = 0; i < l->n; from = i) {
		i = apply_far(b, s, l, apply_run(b, s, l, i));
		if (s->n > b->cap) {
			evict(b, s);
		} else if (i == from) {
			apply_slow(b, s, l->at[i].price * s->sign, l->at[i].qty);
			i++;
		}
	}
	follow(s);
}

int book_snapshot(struct book *b, const struct ev_book_snapshot *s)
{
	if (negative(&s->bids) || negative(&s->asks) || s->bid_floor < 0 || s->ask_ceil < 0)
		return ERR_RANGE;
	book_clear(b);
	b->bid_floor = s->bid_floor;
	b->ask_ceil = s->ask_ceil == 0 ? INT64_MAX : s->ask_ceil;
	b->last_id = s->last_id;
	side_prepare(&b->side[0], &s->bids);
	side_prepare(&b->side[1], &s->asks);
	side_apply(b, &b->side[0], &s->bids);
	side_apply(b, &b->side[1], &s->asks);
	return 0;
}

int book_delta(struct book *b, const struct ev_book_delta *d)
{
	if (negative(&d->bids) || negative(&d->asks))
		return ERR_RANGE;
	side_apply(b, &b->side[0], &d->bids);
	side_apply(b, &b->side[1], &d->asks);
	b->last_id = d->last_id;
	return 0;
}

const struct level *book_level(const struct book *b, enum side side, uint32_t i)
{
	const struct book_side *s = &b->side[side - 1];
	struct book_view *v = s->view;
	must(i < s->n);
	if (i >= in_window(s))
		return level_set_nth(&s->tail, i - in_window(s));
	uint32_t limit = BOOK_WINDOW;
	if (v->n > 0 && v->n <= i)
		limit = (uint32_t)((uint64_t)(v->worst - s->base) / (uint64_t)s->tick);
	while (v->n <= i) {
		limit = slot_below(s, limit);
		v->worst = key_at(s, limit);
		v->at[v->n++] = (struct level){v->worst * s->sign, slots_get(&s->slots, limit)};
	}
	return &v->at[i];
}

int64_t book_qty_at(const struct book *b, enum side side, int64_t price)
{
	const struct book_side *s = &b->side[side - 1];
	if (price < 0)
		return 0;
	int64_t key = price * s->sign;
	uint64_t offset = (uint64_t)key - (uint64_t)s->base;
	if (offset < s->span) {
		bool exact;
		uint32_t slot = slot_of(s, offset, &exact);
		return exact ? slots_get(&s->slots, slot) : 0;
	}
	return level_set_get(&s->tail, price);
}

bool book_known(const struct book *b, enum side side, int64_t price)
{
	return side == side_buy ? price >= b->bid_floor : price <= b->ask_ceil;
}

bool book_crossed(const struct book *b)
{
	if (b->side[0].n == 0 || b->side[1].n == 0)
		return false;
	return book_level(b, side_buy, 0)->price >= book_level(b, side_sell, 0)->price;
}

static struct levels copy_best(const struct book *b, enum side side, uint32_t depth, struct level *out)
{
	uint32_t n = book_depth(b, side) < depth ? book_depth(b, side) : depth;
	for (uint32_t i = 0; i < n; i++)
		out[i] = *book_level(b, side, i);
	return (struct levels){out, n};
}

void book_to_snapshot(const struct book *b, uint32_t depth, struct level *scratch, struct ev_book_snapshot *s)
{
	must(depth > 0);
	s->last_id = b->last_id;
	s->bids = copy_best(b, side_buy, depth, scratch);
	s->asks = copy_best(b, side_sell, depth, scratch + depth);
	s->bid_floor = b->bid_floor;
	s->ask_ceil = b->ask_ceil == INT64_MAX ? 0 : b->ask_ceil;
	if (s->bids.n < book_depth(b, side_buy) && s->bids.at[depth - 1].price > s->bid_floor)
		s->bid_floor = s->bids.at[depth - 1].price;
	if (s->asks.n < book_depth(b, side_sell) && s->asks.at[depth - 1].price < b->ask_ceil)
		s->ask_ceil = s->asks.at[depth - 1].price;
}
