/* latency - how long the way to the exchange and back is: a curve of quantiles, and a draw from it.
 *
 * A curve says which share of all ways takes at most how long: 50%=70ms 99%=200ms 100%=400ms. Between two points, and
 * between the minimum and the first, delays are spread evenly. The minimum is run.order_latency or run.ack_latency: it
 * is what the services promise each other (house: order and time), so no draw may be below it.
 *
 * A draw depends on a key alone: no generator stands between two draws, whose state would make one order's luck depend
 * on how many came before. Whole numbers throughout: the same on every machine.
 */
#ifndef NJ_EXECUTOR_LATENCY_H
#define NJ_EXECUTOR_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_POINTS_MAX 8
#define LATENCY_WHOLE 1000000 /* all of them, in shares */
#define LATENCY_MAX (INT64_C(60) * 1000000000)
#define LATENCY_TEXT_MAX 160

enum latency_model { LATENCY_FIXED, LATENCY_DRAWN, LATENCY_MEASURED, LATENCY_MODELS };

struct latency_point {
	uint32_t share; /* of LATENCY_WHOLE */
	int64_t delay;  /* ns */
};

struct latency_curve {
	struct latency_point at[LATENCY_POINTS_MAX]; /* shares and delays ascend; the last share is LATENCY_WHOLE */
	uint32_t n;                                  /* 0: always the minimum */
};

struct latency_settings {
	struct latency_curve order, ack;
	int64_t seed;
	uint8_t model; /* enum latency_model */
};

const char *latency_name(enum latency_model model);
enum latency_model latency_find(const char *name); /* LATENCY_MODELS: there is none of this name */

/* "50%=70ms, 90%=90ms, 100%=400ms"; empty is a curve without points. ERR_ARG with a reason for people. */
int latency_parse(const char *text, struct latency_curve *ret_curve, char *reason, size_t cap);
/* Is it in order, and nowhere below the minimum? */
int latency_curve_check(const struct latency_curve *c, int64_t min);
/* For people; return the length. */
size_t latency_time(int64_t ns, char *out, size_t cap);
size_t latency_format(const struct latency_curve *c, char *out, size_t cap);

/* A key to draw by: everything that makes the occasion what it is goes in, in turn. */
uint64_t latency_key(uint64_t key, uint64_t more);
uint64_t latency_key_text(uint64_t key, const char *text);

int64_t latency_draw(const struct latency_curve *c, int64_t min, uint64_t key);

#endif
