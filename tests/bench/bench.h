/* bench - interleaved pairs: medians, ratios and one line for each goal, for people and tests/bench/run.
 *
 * A line is goal, name, ours, reference, unit, ratio, its range, what is wanted, and met or missed, tab separated.
 * Absolute numbers are anchors only; the ratio within one interleaved run is what counts.
 */
#ifndef NJ_TESTS_BENCH_H
#define NJ_TESTS_BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/io/clock.h"

#define BENCH_PAIRS_MAX 31

struct bench_pairs { /* ours and the reference, measured in turns */
	double ours[BENCH_PAIRS_MAX], ref[BENCH_PAIRS_MAX], ratio[BENCH_PAIRS_MAX];
	int n;
};

struct bench_goal {
	const char *goal, *name, *unit;
	bool at_least; /* else at most */
	double ratio;
};

static inline int64_t bench_now(void)
{
	return clock_mono(clock_real());
}

static inline int bench_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sorts a copy; share of 0.5 is the median. */
static inline double bench_share(const double *values, int n, double share)
{
	double *sorted = malloc((size_t)n * sizeof *sorted);
	must(sorted && n > 0);
	memcpy(sorted, values, (size_t)n * sizeof *sorted);
	qsort(sorted, (size_t)n, sizeof *sorted, bench_order);
	double value = sorted[(size_t)(share * (n - 1))];
	free(sorted);
	return value;
}

static inline void bench_add(struct bench_pairs *p, double ours, double ref)
{
	must(p->n < BENCH_PAIRS_MAX);
	p->ours[p->n] = ours;
	p->ref[p->n] = ref;
	p->ratio[p->n++] = ours / ref;
}

static inline void bench_print(const struct bench_goal *g, const struct bench_pairs *p)
{
	double ratio = bench_share(p->ratio, p->n, 0.5);
	bool met = g->at_least ? ratio >= g->ratio : ratio <= g->ratio;
	printf("%s\t%s\t%.4g\t%.4g\t%s\t%.3f\t%.3f..%.3f\t%s %.2f\t%s\n", g->goal, g->name,
	       bench_share(p->ours, p->n, 0.5), bench_share(p->ref, p->n, 0.5), g->unit, ratio,
	       bench_share(p->ratio, p->n, 0), bench_share(p->ratio, p->n, 1), g->at_least ? ">=" : "<=", g->ratio,
	       met ? "met" : "missed");
	fflush(stdout);
}

#endif
