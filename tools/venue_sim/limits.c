/* limits - request weight a minute as Binance counts it. */
#include "tools/venue_sim/limits.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

void limits_init(struct limits *l, int64_t a_minute)
{
	*l = (struct limits){.a_minute = a_minute, .minute = -1};
}

int limits_take(struct limits *l, int64_t now_ns, int64_t weight, int64_t *ret_retry_s)
{
	int64_t minute = now_ns / MINUTE;

	if (now_ns < l->banned_until) {
		l->refused++;
		*ret_retry_s = (l->banned_until - now_ns) / SECOND + 1;
		return 418;
	}
	if (minute != l->minute) {
		l->minute = minute;
		l->used = 0;
		l->ignored = 0;
	}
	if (l->used + weight <= l->a_minute) {
		l->used += weight;
		return 0;
	}
	l->refused++;
	if (l->ignored++ < LIMITS_PATIENCE) {
		*ret_retry_s = ((minute + 1) * MINUTE - now_ns) / SECOND + 1;
		return 429;
	}
	l->banned_until = now_ns + LIMITS_BAN_NS;
	*ret_retry_s = LIMITS_BAN_NS / SECOND;
	return 418;
}
