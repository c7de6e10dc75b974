/* attempts - how often a venue may be dialled: so many tries within a window, whatever lines they are for.
 *
 * A venue counts tries to connect by address (Binance: 300 in five minutes) and locks out who makes more. The backoff
 * of one line keeps below that; many lines that fail together, or that are refused as soon as they open, need not.
 * Times of tries are kept, not a bucket that refills: a burst and what is refilled behind it fit into one window.
 */
#include "services/collector/attempts.h"

#include "common/base/check.h"

void attempts_init(struct attempts *a, uint32_t limit, int64_t window_ns)
{
	must(limit > 0 && window_ns > 0);
	*a = (struct attempts){.window_ns = window_ns, .limit = limit < ATTEMPTS_MAX ? limit : ATTEMPTS_MAX};
}

static void forget(struct attempts *a, int64_t mono)
{
	while (a->n > 0 && mono - a->at[a->oldest] >= a->window_ns) {
		a->oldest = (a->oldest + 1) % a->limit;
		a->n--;
	}
}

int64_t attempts_wait(struct attempts *a, int64_t mono)
{
	forget(a, mono);
	return a->n < a->limit ? 0 : a->at[a->oldest] + a->window_ns - mono;
}

void attempts_note(struct attempts *a, int64_t mono)
{
	forget(a, mono);
	must(a->n < a->limit);
	a->at[(a->oldest + a->n++) % a->limit] = mono;
}
