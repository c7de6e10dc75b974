/* slots - quantities by slot of a book's window, in blocks of 64 that exist only where levels are.
 *
 * A plain array would be a nanosecond a level faster, and resident wherever the price has ever been.
 * Blocks of 16 would need less still and take half as long again: which of them exist cannot be
 * guessed. A block is taken when the first level comes into its 64 slots, and may go to other slots
 * when none is left there: what is resident follows the levels held at once (at most twice the
 * blocks they need), not where they have wandered. Room for all blocks is reserved at init, so
 * nothing is allocated later and nothing ever moves. Words without a block share one of zeros.
 */
#ifndef NJ_VENUE_SLOTS_H
#define NJ_VENUE_SLOTS_H

#include <stdint.h>

#define SLOTS_MAX 65536
#define SLOTS_WORDS (SLOTS_MAX / 64)

struct slots_word { /* 64 slots */
	uint64_t used; /* one bit a slot, set where its quantity is not 0 */
	int64_t *qty;  /* their block */
};

struct slots {
	struct slots_word *word;    /* owned: SLOTS_WORDS */
	int64_t *block;             /* owned: SLOTS_WORDS + 1 blocks; the first is that of zeros */
	uint16_t free[SLOTS_WORDS]; /* blocks that can be taken, the last one first */
	uint32_t n_free, blocks;    /* blocks 1 .. blocks are in circulation */
};

int slots_init(struct slots *s); /* ERR_NOMEM: slots_fini all the same */
void slots_fini(struct slots *s);

/* Gives 64 slots without a block one; call before a quantity other than 0 is stored there. */
void slots_take(struct slots *s, struct slots_word *w);

static inline int64_t slots_get(const struct slots *s, uint32_t slot)
{
	return s->word[slot >> 6].qty[slot & 63];
}

/* Sets a quantity where its bit was `before`, without a branch on whether it comes, changes or goes. */
static inline void slots_put(struct slots *s, uint32_t slot, int64_t qty, uint64_t before)
{
	struct slots_word *w = &s->word[slot >> 6];
	uint64_t present = qty != 0;

	if (__builtin_expect(w->qty == s->block, 0) && present)
		slots_take(s, w);
	w->used ^= (before ^ present) << (slot & 63);
	w->qty[slot & 63] = qty;
}

static inline uint64_t slots_has(const struct slots *s, uint32_t slot)
{
	return s->word[slot >> 6].used >> (slot & 63) & 1;
}

#endif
