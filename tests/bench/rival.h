/* rival - what any decoder makes of a frame of Binance's, and the JSON libraries that bench_decode compares ours with.
 *
 * A rival is a file rival_NAME, linked where its library is installed (tests/CMakeLists.txt). It reads every number of
 * a frame as ours does, exactly at the scale, and keeps nothing. Good for C and C++.
 */
#ifndef NJ_TESTS_RIVAL_H
#define NJ_TESTS_RIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIVAL_ROOM 64 /* bytes behind a frame that may be read */
#define RIVAL_PRICE_SCALE 2
#define RIVAL_QTY_SCALE 8

struct decoded {
	uint64_t id[2], time[2]; /* U, u or t; E, T */
	int64_t value[4];        /* bid or price, its quantity, ask, its quantity */
	uint64_t levels;         /* price * 3 + quantity of each, added up */
	char event;              /* its first letter; 0: it has none */
	bool maker;
};

/* One number that all decoders must agree on. */
static inline uint64_t decoded_sum(const struct decoded *d)
{
	uint64_t sum = d->time[0] * 1000000;

	if (d->event == 'd')
		return sum + d->id[0] + d->id[1] + d->levels;
	sum += d->id[1] + d->time[1] * 1000000 + (uint64_t)(d->value[0] * 3 + d->value[1]) +
	       (uint64_t)(d->value[2] * 3 + d->value[3]);
	return d->event == 't' ? sum + (d->maker ? 2 : 1) : sum;
}

struct rival {
	const char *name;
	double goal; /* how many times faster ours is to be */
	void (*decode)(const char *text, size_t len, struct decoded *ret);
};

#endif
