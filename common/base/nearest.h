/* nearest - "did you mean": the name of a list that is closest to a mistyped one.
 *
 *     struct nearest n;
 *     nearest_init(&n, typed);
 *     for (…) nearest_offer(&n, name);
 *     nearest_get(&n)
 */
#ifndef NJ_BASE_NEAREST_H
#define NJ_BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 48 /* longer names are compared by their first bytes */

struct nearest {
	const char *typed; /* looked at until the last nearest_offer */
	const char *best;
	size_t distance;
};

void nearest_init(struct nearest *n, const char *typed);
void nearest_offer(struct nearest *n, const char *name); /* name must outlive n */
/* The closest name where it is close enough to be meant, else NULL. */
const char *nearest_get(const struct nearest *n);

#endif
