/* hist - latency histogram, log-linear: 64 buckets an octave (1.6 % wide), 0 to 2^42 ns. */
#ifndef NJ_BASE_HIST_H
#define NJ_BASE_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 6
#define HIST_OCTAVES 36
#define HIST_BUCKETS ((HIST_OCTAVES + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t count, sum;
	uint64_t min, max; /* exact */
	uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_record(struct hist *h, uint64_t value); /* beyond the range: in the last bucket */
void hist_merge(struct hist *into, const struct hist *from);
/* Value at quantile q in 0..1, the middle of its bucket, never beyond min or max; 0 where empty. */
uint64_t hist_quantile(const struct hist *h, double q);
/* How many values were below 2^bits, exactly; bits <= 42. */
uint64_t hist_count_below(const struct hist *h, unsigned bits);

#endif
