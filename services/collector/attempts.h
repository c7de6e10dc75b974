/* attempts - how often a venue may be dialled: so many tries within a window, whatever lines they are for. */
#ifndef NJ_COLLECTOR_ATTEMPTS_H
#define NJ_COLLECTOR_ATTEMPTS_H

#include <stdint.h>

#define ATTEMPTS_MAX 4096

struct attempts {
	int64_t window_ns;
	uint32_t limit;           /* in any window */
	uint32_t oldest, n;       /* of those that count */
	int64_t at[ATTEMPTS_MAX]; /* monotonic */
};

/* limit: 1 to ATTEMPTS_MAX, beyond that ATTEMPTS_MAX. */
void attempts_init(struct attempts *a, uint32_t limit, int64_t window_ns);
/* ns until a try is allowed; 0: now. */
int64_t attempts_wait(struct attempts *a, int64_t mono);
void attempts_note(struct attempts *a, int64_t mono); /* one is made */

#endif
