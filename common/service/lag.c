/* lag - how far a service is with each of its inputs, and what became of what they sent: for status and nj lag. */
#include <stdio.h>
#include <string.h>

#include "common/service/runtime_state.h"

struct list {
	struct pair *at;
	uint32_t n;
};

static void put(struct list *l, const char *publisher, char lane, const char *what, int64_t value)
{
	if (l->n == EVENT_PAIRS_MAX)
		return;
	struct pair *p = &l->at[l->n++];
	memset(p->name, 0, sizeof p->name);
	snprintf(p->name, sizeof p->name, "in.%.19s.%c.%s", publisher, lane, what);
	p->value = value;
}

static void put_accounts(struct list *l, const char *publisher, char lane, const struct accounts *as)
{
	struct account_sum s;
	accounts_sum(as, &s);
	put(l, publisher, lane, "published", (int64_t)s.published);
	put(l, publisher, lane, "handled", (int64_t)s.handled);
	put(l, publisher, lane, "conflated", (int64_t)s.conflated);
	put(l, publisher, lane, "dropped", (int64_t)s.dropped);
	put(l, publisher, lane, "waiting", (int64_t)s.queued);
	put(l, publisher, lane, "missing", (int64_t)s.missing);
	put(l, publisher, lane, "topics", (int64_t)s.topics);
	put(l, publisher, lane, "unbalanced", (int64_t)(s.unbalanced + as->untracked));
}

/* One sequence, exactly once: what is not here yet is missing, nothing is dropped but gaps on record. */
static void put_sequence(struct list *l, const struct inbox *in)
{
	uint64_t last = in->next ? in->next - 1 : 0;
	put(l, in->publisher, 'x', "last", (int64_t)last);
	put(l, in->publisher, 'x', "dropped", (int64_t)in->counters.missing);
	put(l, in->publisher, 'x', "missing", in->tail_x > last ? (int64_t)(in->tail_x - last) : 0);
}

static void put_inbox(struct list *l, const struct inbox *in, const struct sequencer_input *si)
{
	char lane = in->lane == LANE_M ? 'm' : 'x';
	put(l, in->publisher, lane, "state", in->state);
	put(l, in->publisher, lane, "delivered", (int64_t)in->counters.delivered);
	put(l, in->publisher, lane, "holes", (int64_t)in->counters.holes);
	put(l, in->publisher, lane, "paged", (int64_t)in->counters.paged);
	put(l, in->publisher, lane, "stalls", (int64_t)in->counters.stalls);
	if (lane == 'm')
		put_accounts(l, in->publisher, lane, &in->accounts);
	else
		put_sequence(l, in);
	if (!si)
		return;
	put(l, in->publisher, lane, "queued", (int64_t)si->queue.count);
	put(l, in->publisher, lane, "queue_bytes", (int64_t)si->queue.bytes);
	put(l, in->publisher, lane, "promised", si->promised);
	put(l, in->publisher, lane, "quiet", si->quiet);
	put(l, in->publisher, lane, "limit", si->limit);
}

uint32_t lag_pairs(const struct runtime *rt, struct pair *p, uint32_t n)
{
	struct list l = {.at = p, .n = n};
	for (uint32_t i = 0; i < rt->n_follows; i++) {
		const struct follow *f = &rt->follow[i];
		if (f->has_m)
			put_inbox(&l, &f->m, f->in_m);
		if (f->has_x)
			put_inbox(&l, &f->x, f->in_x);
		put_accounts(&l, f->publisher, 't', &f->telemetry_accounts);
	}
	return l.n;
}
