/* assume - what fills, worth and results rest on: every assumption of the account's model, in words, on record.
 *
 * Each is an event (assumption): once when the account is opened, and again when it has become another one, by a
 * setting that was changed at run time or before a restart. So the journal says under which assumptions each fill was
 * made, and reports (nj report, nj summary, nj replay) print what was in force, not what the settings say now.
 *
 * Whoever changes the model changes its row: the rows stand in one table (assume.c).
 */
#ifndef NJ_EXECUTOR_ASSUME_H
#define NJ_EXECUTOR_ASSUME_H

#include <stdbool.h>

#include "proto/codec.h"

#define ASSUMPTIONS_MAX 16

struct executor;
struct step;

struct assumption {
	char about[EVENT_NAME_MAX]; /* "" of a row: never said */
	char value[EVENT_NAME_MAX]; /* in a word or two */
	char text[EVENT_TEXT_MAX];  /* a sentence */
};

struct assumptions { /* as they were said last, a row each */
	struct assumption said[ASSUMPTIONS_MAX];
};

/* Says those that are others than what was said. */
void assume_tell(const struct step *s);
/* The journal says so. */
void assume_recall(struct executor *x, const struct ev_assumption *e);

void assume_save(const struct executor *x, struct packer *p);
int assume_load(struct executor *x, struct unpacker *u);

#endif
