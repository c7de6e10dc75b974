/* backoff - full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): of the usual
 * schemes the one that spreads a crowd of clients most evenly after an outage they all saw at once.
 */
#include "common/io/backoff.h"

#include "common/base/check.h"
#include "common/io/clock.h"

void backoff_init(struct backoff *b, int64_t base_ns, int64_t cap_ns, uint64_t seed)
{
	must(base_ns > 0 && cap_ns >= base_ns);
	*b = (struct backoff){.base_ns = base_ns, .cap_ns = cap_ns};
	rng_seed(&b->rng, seed);
}

int64_t backoff_next(struct backoff *b)
{
	int64_t bound = b->base_ns;
	for (uint32_t i = 0; i < b->failures && bound < b->cap_ns; i++)
		bound = bound > b->cap_ns / 2 ? b->cap_ns : bound * 2;
	if (b->failures < UINT32_MAX)
		b->failures++;
	int64_t delay = (int64_t)rng_below(&b->rng, (uint64_t)bound + 1);
	return delay < NS_PER_MS ? NS_PER_MS : delay;
}

void backoff_reset(struct backoff *b)
{
	b->failures = 0;
}
