/* slots - the blocks of a window: taken, and taken back. */
#include "common/venue/slots.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define BLOCKS_FIRST 32

static void circulate(struct slots *s, uint32_t blocks)
{
	while (s->blocks < blocks && s->blocks < SLOTS_WORDS)
		s->free[s->n_free++] = (uint16_t)++s->blocks;
}

int slots_init(struct slots *s)
{
	*s = (struct slots){0};
	s->word = calloc(SLOTS_WORDS, sizeof(*s->word));
	s->block = calloc((SLOTS_WORDS + 1) * 64, sizeof(*s->block));
	if (s->word == NULL || s->block == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < SLOTS_WORDS; i++)
		s->word[i].qty = s->block;
	circulate(s, BLOCKS_FIRST);
	return 0;
}

void slots_fini(struct slots *s)
{
	free(s->word);
	free(s->block);
	*s = (struct slots){0};
}

/* Blocks without a level are free, and as their quantities are 0, as good as new. Where few come back, more are brought
 * into circulation: the next time is then at least a fifth of all of them away. */
static void take_back(struct slots *s)
{
	for (struct slots_word *w = s->word; w < s->word + SLOTS_WORDS; w++)
		if (w->used == 0 && w->qty != s->block) {
			s->free[s->n_free++] = (uint16_t)((w->qty - s->block) / 64);
			w->qty = s->block;
		}
	if (s->n_free < s->blocks / 4)
		circulate(s, s->blocks + s->blocks / 4);
}

__attribute__((noinline)) void slots_take(struct slots *s, struct slots_word *w)
{
	must(w->qty == s->block);
	if (s->n_free == 0)
		take_back(s);
	must(s->n_free > 0); /* as many blocks as words, and this one has none */
	w->qty = s->block + (size_t)64 * s->free[--s->n_free];
}
