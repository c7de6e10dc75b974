/* venue_words - how a venue itself words a refusal, for people who know its messages. */
#ifndef NJ_EXECUTOR_VENUE_WORDS_H
#define NJ_EXECUTOR_VENUE_WORDS_H

#include <stdbool.h>

#include "proto/event.h"

/* The venue's message for a refusal of an order of this instrument; NULL where it has none that we know. at_market:
 * what refused it is a filter of orders at market alone. */
const char *venue_words(const struct symbol *instrument, enum reject reject, enum side side, bool at_market);

#endif
