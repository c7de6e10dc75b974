/* rng - xoshiro256** 1.0 and splitmix64 (Blackman, Vigna: prng.di.unimi.it, public domain). */
#include "common/base/rng.h"

#include "common/base/check.h"
#include "common/base/hash.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = hash_mix(seed += 0x9e3779b97f4a7c15u);
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

/* Lemire 2019, "Fast random integer generation in an interval": hardly ever a division. */
uint64_t rng_below(struct rng *r, uint64_t bound)
{
	wide product;

	must(bound > 0);
	product = (wide)rng_u64(r) * bound;
	if ((uint64_t)product < bound) {
		uint64_t threshold = (0 - bound) % bound;

		while ((uint64_t)product < threshold)
			product = (wide)rng_u64(r) * bound;
	}
	return (uint64_t)(product >> 64);
}

double rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}
