/* throttle - so many in a span of event time: a bucket that holds `most` and fills at `most` a span.
 *
 * Kept as one time: when the bucket would be full again. No more than `most` pass at once, and in any stretch of time
 * no more than `most` and what the stretch has filled.
 */
#ifndef NJ_EXECUTOR_THROTTLE_H
#define NJ_EXECUTOR_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct throttle {
	int64_t full_at; /* event time */
};

/* May one pass now? most 0: always. */
bool throttle_allows(const struct throttle *t, int64_t now, int64_t most, int64_t span_ns);
void throttle_take(struct throttle *t, int64_t now, int64_t most, int64_t span_ns);

#endif
