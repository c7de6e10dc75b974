/* throttle - see throttle.h. */
#include "services/executor/throttle.h"

/* What one of them takes to fill again, rounded up: never more than was asked for. */
static int64_t each(int64_t most, int64_t span_ns)
{
	return (span_ns + most - 1) / most;
}

bool throttle_allows(const struct throttle *t, int64_t now, int64_t most, int64_t span_ns)
{
	return most == 0 || t->full_at <= now || t->full_at - now <= (most - 1) * each(most, span_ns);
}

void throttle_take(struct throttle *t, int64_t now, int64_t most, int64_t span_ns)
{
	if (most == 0)
		return;
	int64_t from = t->full_at > now ? t->full_at : now;
	t->full_at = from + each(most, span_ns);
}
