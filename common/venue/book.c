/* book - the order book of book.h: a window of ticks around the touch, a sorted tail behind it.
 *
 * Invariants of a side, true whenever no function of this file runs:
 *   every key in the tail is below base; every key in the window is base + slot * tick;
 *   a slot's bit is set exactly where its quantity is not 0; n = bits set + tail_n <= cap;
 *   the view's first n entries are the n best levels of the window.
 */
#include "common/venue/book.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define TOUCH_SLOT (BOOK_WINDOW / 4 * 3) /* where the window places the touch */
#define LOW_SLOT (BOOK_WINDOW / 4)       /* a touch below it lets the window follow */
#define TICK_MAX ((int64_t)1 << 40)      /* coarser grids are indexed as if they had tick 1 */

_Static_assert(BOOK_WORDS % 64 == 0, "the bitmap's words fill whole words of its index");

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

static uint32_t tail_cap(const struct book *b)
{
	return 2 * (b->cap + 1);
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
static inline uint32_t slot_of(const struct book_side *s, uint64_t offset, bool *ret_exact)
{
	if (s->inverse == 0) {
		*ret_exact = true;
		return (uint32_t)offset;
	}
	__extension__ unsigned __int128 product = (unsigned __int128)offset * s->inverse;
	uint64_t slot = (uint64_t)(product >> 64);
	if (slot * (uint64_t)s->tick > offset)
		slot--;
	*ret_exact = slot * (uint64_t)s->tick == offset;
	return (uint32_t)slot;
}

static inline int64_t key_at(const struct book_side *s, uint32_t slot)
{
	return s->base + (int64_t)slot * s->tick;
}

static inline void mark(struct book_side *s, uint32_t slot)
{
	s->used[slot >> 6] |= (uint64_t)1 << (slot & 63);
	s->used_words[slot >> 12] |= (uint64_t)1 << ((slot >> 6) & 63);
}

static inline void unmark(struct book_side *s, uint32_t slot)
{
	s->used[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
	if (s->used[slot >> 6] == 0)
		s->used_words[slot >> 12] &= ~((uint64_t)1 << ((slot >> 6) & 63));
}

static inline uint32_t highest_bit(uint64_t word)
{
	return 63 - (uint32_t)__builtin_clzll(word);
}

/* Highest used slot below `limit` (0 .. BOOK_WINDOW), or -1. */
static int32_t slot_below(const struct book_side *s, uint32_t limit)
{
	uint32_t word = limit >> 6;
	uint64_t bits = limit & 63 ? s->used[word] & (((uint64_t)1 << (limit & 63)) - 1) : 0;
	if (bits != 0)
		return (int32_t)(word << 6 | highest_bit(bits));
	uint32_t group = word >> 6;
	bits = word & 63 ? s->used_words[group] & (((uint64_t)1 << (word & 63)) - 1) : 0;
	while (bits == 0) {
		if (group == 0)
			return -1;
		bits = s->used_words[--group];
	}
	word = group << 6 | highest_bit(bits);
	return (int32_t)(word << 6 | highest_bit(s->used[word]));
}

/* Lowest used slot; the window must not be empty. */
static uint32_t slot_lowest(const struct book_side *s)
{
	uint32_t group = 0;
	while (s->used_words[group] == 0)
		group++;
	uint32_t word = group << 6 | (uint32_t)__builtin_ctzll(s->used_words[group]);
	return word << 6 | (uint32_t)__builtin_ctzll(s->used[word]);
}

/* First index of the tail whose key is not below `key`, counted from head. */
static uint32_t tail_find(const struct book_side *s, int64_t key)
{
	const struct level *at = s->tail + s->head;
	uint32_t low = 0, n = s->tail_n;
	while (n > 0) {
		uint32_t half = n / 2;
		bool right = at[low + half].price * s->sign < key;
		low = right ? low + half + 1 : low;
		n = right ? n - half - 1 : half;
	}
	return low;
}

/* Opens a hole at index i of the tail, moving the shorter part if there is room on its side. */
static void tail_open(struct book_side *s, uint32_t i, uint32_t cap)
{
	struct level *at = s->tail + s->head;
	bool room_below = s->head > 0, room_above = s->head + s->tail_n < cap;
	must(room_below || room_above);
	if (room_below && (i < s->tail_n - i || !room_above)) {
		memmove(at - 1, at, i * sizeof(*at));
		s->head--;
	} else {
		memmove(at + i + 1, at + i, (s->tail_n - i) * sizeof(*at));
	}
	s->tail_n++;
}

static void tail_close(struct book_side *s, uint32_t i)
{
	struct level *at = s->tail + s->head;
	if (i < s->tail_n - i) {
		memmove(at + 1, at, i * sizeof(*at));
		s->head++;
	} else {
		memmove(at + i, at + i + 1, (s->tail_n - i - 1) * sizeof(*at));
	}
	s->tail_n--;
}

static const struct level *tail_best(const struct book_side *s)
{
	return &s->tail[s->head + s->tail_n - 1];
}

static void tail_apply(const struct book *b, struct book_side *s, int64_t key, int64_t qty)
{
	uint32_t i = tail_find(s, key);
	bool found = i < s->tail_n && s->tail[s->head + i].price * s->sign == key;
	if (qty == 0) {
		if (found) {
			tail_close(s, i);
			s->n--;
		}
		return;
	}
	if (!found) {
		tail_open(s, i, tail_cap(b));
		s->n++;
	}
	s->tail[s->head + i] = (struct level){key * s->sign, qty};
}

/* Appends every level of the window to the tail's best end and empties the window. */
static void window_spill(struct book_side *s)
{
	memmove(s->tail, s->tail + s->head, s->tail_n * sizeof(*s->tail));
	s->head = 0;
	while (s->n > s->tail_n) {
		uint32_t slot = slot_lowest(s);
		s->tail[s->tail_n++] = (struct level){key_at(s, slot) * s->sign, s->qty[slot]};
		s->qty[slot] = 0;
		unmark(s, slot);
	}
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
	s->n += s->qty[slot] == 0;
	s->qty[slot] = qty;
	mark(s, slot);
	forget_view(s);
}

/* Places `touch` (on the grid, no level is better) at TOUCH_SLOT; levels move between the parts. */
static void window_move(struct book_side *s, int64_t touch)
{
	window_spill(s);
	s->base = base_for(s, touch);
	while (s->tail_n > 0) {
		const struct level *best = tail_best(s);
		int64_t key = best->price * s->sign;
		if (key < s->base)
			break;
		s->tail_n--;
		s->n--;
		window_set(s, key, best->qty);
	}
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
	window_spill(s);
	int64_t tick = s->n == 0 ? price : greatest_divisor(s->tick, price);
	set_tick(s, tick);
	window_move(s, s->n == 0 ? key : tail_best(s)->price * s->sign);
}

static void evict(struct book *b, struct book_side *s)
{
	int64_t price;
	if (s->tail_n > 0) {
		price = s->tail[s->head].price;
		s->head++;
		s->tail_n--;
	} else {
		uint32_t slot = slot_lowest(s);
		price = key_at(s, slot) * s->sign;
		s->qty[slot] = 0;
		unmark(s, slot);
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
static void apply_slow(struct book *b, struct book_side *s, int64_t key, int64_t qty)
{
	if (s->tick != 1 && key % s->tick != 0) {
		if (qty == 0)
			return; /* no level can be there */
		regrid(s, key);
	}
	if (key < s->base) {
		tail_apply(b, s, key, qty);
	} else if (qty != 0) {
		window_reach(s, key);
		window_set(s, key, qty);
	}
	if (s->n > b->cap)
		evict(b, s);
}

static inline void apply(struct book *b, struct book_side *s, int64_t key, int64_t qty)
{
	uint64_t offset = (uint64_t)key - (uint64_t)s->base;
	bool exact = false;
	uint32_t slot = offset < s->span ? slot_of(s, offset, &exact) : 0;
	if (__builtin_expect(!exact, 0)) {
		apply_slow(b, s, key, qty);
		return;
	}
	int64_t before = s->qty[slot];
	s->qty[slot] = qty;
	if (key >= s->view->worst)
		forget_view(s);
	if ((before == 0) == (qty == 0))
		return;
	if (qty == 0) {
		unmark(s, slot);
		s->n--;
		return;
	}
	mark(s, slot);
	if (++s->n > b->cap)
		evict(b, s);
}

/* Lets the window follow a touch that has sunk towards its lower end. */
static void follow(struct book_side *s)
{
	if (s->tail_n == 0)
		return;
	int32_t slot = slot_below(s, BOOK_WINDOW);
	if (slot < 0)
		window_move(s, tail_best(s)->price * s->sign);
	else if (slot < LOW_SLOT)
		window_move(s, key_at(s, (uint32_t)slot));
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
	free(s->qty);
	free(s->used);
	free(s->tail);
	free(s->view);
	*s = (struct book_side){0};
}

static int side_init(struct book_side *s, uint32_t cap, int64_t sign)
{
	*s = (struct book_side){.sign = sign};
	s->qty = calloc(BOOK_WINDOW, sizeof(*s->qty));
	s->used = calloc(BOOK_WORDS, sizeof(*s->used));
	s->tail = calloc(2 * ((size_t)cap + 1), sizeof(*s->tail));
	s->view = malloc(sizeof(*s->view) + cap * sizeof(s->view->at[0]));
	if (s->qty == NULL || s->used == NULL || s->tail == NULL || s->view == NULL)
		return ERR_NOMEM;
	set_tick(s, 1);
	forget_view(s);
	return 0;
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
	window_spill(s);
	s->n = s->tail_n = s->head = 0;
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
static void side_prepare(const struct book *b, struct book_side *s, const struct levels *l)
{
	int64_t tick = 0, touch = INT64_MIN;
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->at[i].qty == 0)
			continue;
		tick = tick == 1 ? 1 : greatest_divisor(l->at[i].price, tick);
		int64_t key = l->at[i].price * s->sign;
		touch = key > touch ? key : touch;
	}
	s->head = tail_cap(b);
	set_tick(s, tick);
	s->base = touch == INT64_MIN ? 0 : base_for(s, touch);
}

static void side_apply(struct book *b, struct book_side *s, const struct levels *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		apply(b, s, l->at[i].price * s->sign, l->at[i].qty);
	follow(s);
}

static void side_fill(struct book *b, struct book_side *s, const struct levels *l)
{
	side_prepare(b, s, l);
	for (uint32_t i = 0; i < l->n; i++)
		if (l->at[i].qty != 0)
			apply(b, s, l->at[i].price * s->sign, l->at[i].qty);
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
	side_fill(b, &b->side[0], &s->bids);
	side_fill(b, &b->side[1], &s->asks);
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
	uint32_t in_window = s->n - s->tail_n;
	if (i >= in_window)
		return &s->tail[s->head + s->n - 1 - i];
	uint32_t limit = BOOK_WINDOW;
	if (v->n > 0 && v->n <= i)
		limit = (uint32_t)((uint64_t)(v->worst - s->base) / (uint64_t)s->tick);
	while (v->n <= i) {
		limit = (uint32_t)slot_below(s, limit);
		v->worst = key_at(s, limit);
		v->at[v->n++] = (struct level){v->worst * s->sign, s->qty[limit]};
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
		return exact ? s->qty[slot] : 0;
	}
	uint32_t i = tail_find(s, key);
	const struct level *found = s->tail + s->head + i;
	return i < s->tail_n && found->price == price ? found->qty : 0;
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

static struct levels copy_best(const struct book *b, enum side side, uint32_t depth,
			       struct level *out)
{
	uint32_t n = book_depth(b, side) < depth ? book_depth(b, side) : depth;
	for (uint32_t i = 0; i < n; i++)
		out[i] = *book_level(b, side, i);
	return (struct levels){out, n};
}

void book_to_snapshot(const struct book *b, uint32_t depth, struct level *scratch,
		      struct ev_book_snapshot *s)
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
