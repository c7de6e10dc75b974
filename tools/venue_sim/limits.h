/* limits - request weight a minute as Binance counts it: 429, and 418 for those who go on.
 *
 *     OPEN --weight above the limit--> THROTTLED (429 to the end of the minute)
 *     THROTTLED --LIMITS_PATIENCE more requests--> BANNED (418 for LIMITS_BAN_NS) --time--> OPEN
 */
#ifndef NJ_SIM_LIMITS_H
#define NJ_SIM_LIMITS_H

#include <stdint.h>

#define LIMITS_PATIENCE 10
#define LIMITS_BAN_NS (INT64_C(120) * 1000000000)

struct limits {
	int64_t a_minute;
	int64_t minute, used; /* number of the minute, weight used in it */
	int64_t banned_until; /* ns */
	uint32_t ignored;     /* requests since the first 429 of this minute */
	uint64_t refused;
};

void limits_init(struct limits *l, int64_t a_minute);
/* Counts a request. 0, 429 or 418; *ret_retry_s is set for the last two. */
int limits_take(struct limits *l, int64_t now_ns, int64_t weight, int64_t *ret_retry_s);

#endif
