/* sight - orders do not outlive a market that is not seen.
 *
 * A resting or waiting order fills and triggers only while its book is usable. Where that was not the case for longer
 * than executor.blind_max, what happened to it at a venue nobody knows: it is cancelled (data_loss). The time counts
 * from the last event of the market after which its book was usable.
 *
 * One timer serves all: it stands no later than the first order can be due, and looks again when it rings.
 */
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

void sight_on_market(const struct step *s, struct market *m)
{
	if (market_usable(m, s->now, s->x->settings.stale_ns) == reject_none)
		m->seen_at = s->now;
}

/* When this market's orders are due. */
static int64_t due_of(const struct executor *x, const struct market *m)
{
	int64_t due;
	return __builtin_add_overflow(m->seen_at, x->settings.blind_max_ns, &due) ? CORE_NEVER : due;
}

void sight_arm(struct executor *x, int64_t now)
{
	if (x->settings.blind_max_ns == 0 || x->orders.n == 0)
		x->sight_due = CORE_NEVER;
	else if (x->sight_due == CORE_NEVER)
		x->sight_due = now + x->settings.blind_max_ns;
}

void sight_on_timer(const struct step *s)
{
	struct executor *x = s->x;
	struct orders *os = &x->orders;
	x->sight_due = CORE_NEVER;
	for (uint32_t i = 0; i < os->n;) {
		int64_t due = due_of(x, os->at[i].market);
		if (due <= s->now) {
			i += !cancel_one(s, i, reject_data_loss);
			continue;
		}
		x->sight_due = due < x->sight_due ? due : x->sight_due;
		i++;
	}
}

void sight_save(const struct executor *x, struct packer *p)
{
	const struct markets *ms = &x->markets;
	pack_i64(p, x->sight_due);
	pack_array(p, markets_count(ms));
	for (uint32_t i = 0; i < markets_count(ms); i++)
		pack_i64(p, markets_at(ms, i)->seen_at);
}

/* The markets stand in the order in which they were saved. */
int sight_load(struct executor *x, struct unpacker *u)
{
	x->sight_due = unpack_i64(u);
	uint32_t n = unpack_array(u);
	if (u->err || n != markets_count(&x->markets))
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n; i++)
		markets_at(&x->markets, i)->seen_at = unpack_i64(u);
	return u->err;
}
