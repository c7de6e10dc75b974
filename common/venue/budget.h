/* budget - what a venue's replies say of the request budget that everybody at an address shares, and how long to wait
 * where it is nearly used.
 *
 * Two ways of saying it. Binance: the weight used so far in the window under way, which begins anew with each full
 * minute of the venue's clock (developers.binance.com, "Rate limits"). Bybit: how many requests are left, of how many,
 * and when they are there again; the window rolls, a second long (bybit-exchange.github.io/docs/v5/rate-limit).
 */
#ifndef NJ_VENUE_BUDGET_H
#define NJ_VENUE_BUDGET_H

#include <stdint.h>

#define BUDGET_UNSAID (-1)

struct budget_said { /* by one reply; BUDGET_UNSAID where it did not */
	int64_t used;     /* weight, of the window under way */
	int64_t left, of; /* requests */
	int64_t reset_at; /* ns since 1970: when what is left is whole again; a time gone by says nothing */
};

struct budget {
	uint64_t limit;    /* weight of a window; 0 not known */
	int64_t window_ns; /* likewise */
	uint32_t share;    /* percent that may be used, by whomever, 1 to 100 */
};

/* A header's value: a whole number of at most 18 digits, anything else (also NULL) is BUDGET_UNSAID. */
int64_t budget_number(const char *text);

/* What of a venue's replies these headers are; struct venue has it. Names are NULL where it has no such header. */
struct budget_headers {
	const char *used, *left, *of;
	const char *reset; /* in ms */
};

/* Asks `value` (which gives a header's text by name, or NULL) for each of them. */
struct budget_said budget_read(const struct budget_headers *h, const char *(*value)(void *ctx, const char *name),
			       void *ctx);

/* The instant until which nothing should be asked, 0: go on. `now` in ns since 1970; never further than a minute and a
 * second away, or a window where that is longer. */
int64_t budget_hold(const struct budget *b, const struct budget_said *said, int64_t now);

/* For how long nothing may be asked after a reply of this status, 0: it does not say so. 429 and 418 do, and 403 where
 * the venue has a forbidden_ns (venue.h); for as long as the reply says (0 or less: it did not), else so long, or a
 * minute. */
int64_t budget_refused(int status, int64_t retry_after_ns, int64_t forbidden_ns);

#endif
