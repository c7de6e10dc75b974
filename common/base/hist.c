/* hist - bucket = octave, then its next six bits: (exponent << 6) + (value >> exponent). */
#include "common/base/hist.h"

#include <stddef.h>

/* Values below 128 have a bucket each; above, the leading seven bits choose it. */
static uint32_t bucket_of(uint64_t value)
{
	uint32_t exponent;

	if (value < (2u << HIST_SUB_BITS))
		return (uint32_t)value;
	exponent = 63u - (uint32_t)__builtin_clzll(value) - HIST_SUB_BITS;
	if (exponent >= HIST_OCTAVES)
		return HIST_BUCKETS - 1;
	return (exponent << HIST_SUB_BITS) + (uint32_t)(value >> exponent);
}

static uint64_t middle_of(uint32_t bucket)
{
	uint32_t exponent;
	uint64_t low;

	if (bucket < (2u << HIST_SUB_BITS))
		return bucket;
	exponent = (bucket >> HIST_SUB_BITS) - 1;
	low = (uint64_t)(bucket - (exponent << HIST_SUB_BITS)) << exponent;
	return low + ((1ull << exponent) >> 1);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void hist_init(struct hist *h)
{
	*h = (struct hist){0};
}

void hist_record(struct hist *h, uint64_t value)
{
	if (h->count == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum = add_saturated(h->sum, value);
	h->bucket[bucket_of(value)]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (from->count == 0)
		return;
	if (into->count == 0 || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum = add_saturated(into->sum, from->sum);
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

static uint64_t value_at_rank(const struct hist *h, uint64_t rank)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return middle_of(i);
	}
	return h->max; /* in or beyond the last bucket, which has no upper end */
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	double exact = q * (double)h->count;
	uint64_t rank, value;

	if (h->count == 0 || !(q > 0))
		return h->min;
	if (q >= 1)
		return h->max;
	rank = (uint64_t)exact;
	if ((double)rank < exact || rank == 0)
		rank++;
	value = value_at_rank(h, rank);
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

uint64_t hist_count_below(const struct hist *h, unsigned bits)
{
	uint64_t n = 0;
	/* A power of two begins a bucket; the one after the range would begin behind the last. */
	uint32_t end = bits < HIST_OCTAVES + HIST_SUB_BITS ? bucket_of(1ull << bits) :
							     HIST_BUCKETS - 1;

	for (uint32_t i = 0; i < end; i++)
		n += h->bucket[i];
	return n;
}
