/* backoff - full-jitter exponential backoff: uniform in [0, min(cap, base * 2^n)], reset after
 * healthy time. */
#ifndef NJ_IO_BACKOFF_H
#define NJ_IO_BACKOFF_H

#include <stdint.h>

#include "common/base/rng.h"

struct backoff {
	int64_t base_ns, cap_ns; /* 1 s and 300 s for venues */
	uint32_t failures;       /* in a row */
	struct rng rng;
};

void backoff_init(struct backoff *b, int64_t base_ns, int64_t cap_ns, uint64_t seed);
/* Delay before the next try, counting one more failure; at least 1 ms. */
int64_t backoff_next(struct backoff *b);
void backoff_reset(struct backoff *b);

#endif
