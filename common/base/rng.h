/* rng - seeded random numbers (xoshiro256**) for simulators, jitter, tests; never for secrets. */
#ifndef NJ_BASE_RNG_H
#define NJ_BASE_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed); /* splitmix64 fills the state */
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound); /* uniform in [0, bound), bound > 0 */
double rng_unit(struct rng *r); /* [0, 1) */

#endif
