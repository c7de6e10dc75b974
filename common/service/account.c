/* account - what became of every record of a lane's topics, so that nothing is lost unnoticed. */
#include "common/service/account.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

int accounts_init(struct accounts *as, uint32_t topics_max)
{
	memset(as, 0, sizeof *as);
	return strmap_init(&as->topics, topics_max, sizeof(struct account));
}

void accounts_fini(struct accounts *as)
{
	strmap_fini(&as->topics);
	memset(as, 0, sizeof *as);
}

struct account *accounts_get(struct accounts *as, const char *topic, size_t len)
{
	struct account *a = strmap_put(&as->topics, topic, len);
	as->untracked += a == NULL;
	return a;
}

static uint64_t span(const struct account *a)
{
	return a->first ? a->last - a->first + 1 : 0;
}

bool account_balanced(const struct account *a)
{
	return span(a) == a->handled + a->conflated + a->dropped + a->queued;
}

uint64_t account_next(const struct accounts *as, const struct account *a, uint64_t epoch, uint64_t seq)
{
	if (a->first == 0)
		return as->based ? 1 : seq;
	if (a->epoch == epoch)
		return a->last + 1;
	return as->renumbered || seq <= a->last ? 1 : a->last + 1;
}

static void drop(struct accounts *as, struct account *a, uint64_t n)
{
	a->dropped += n;
	as->dropped += n;
}

static void close_epoch(struct accounts *as, struct account *a)
{
	struct account_sum *c = &as->closed;
	if (a->known > a->last) {
		drop(as, a, a->known - a->last);
		a->last = a->known;
	}
	c->unbalanced += !account_balanced(a);
	c->published += span(a);
	c->handled += a->handled;
	c->conflated += a->conflated;
	c->dropped += a->dropped;
	c->queued += a->queued;
	c->epochs++;
	a->queued_before += a->queued;
	a->queued = a->handled = a->conflated = a->dropped = a->known = 0;
}

/* The account is one of this epoch, and begins with `next` where it was not. */
static void enter(struct accounts *as, struct account *a, uint64_t epoch, uint64_t next)
{
	if (a->first && a->epoch == epoch)
		return;
	if (a->first) {
		/* Where the numbers go on, what is missing of the old epoch is missing of the new one as well: once. */
		if (next > a->last)
			a->known = 0;
		close_epoch(as, a);
	}
	a->epoch = epoch;
	a->first = next;
	a->last = next - 1;
}

void account_skip(struct accounts *as, struct account *a, uint64_t epoch, uint64_t seq)
{
	uint64_t next = account_next(as, a, epoch, seq);
	enter(as, a, epoch, next);
	drop(as, a, seq - next);
	a->last = seq - 1;
}

void account_take(struct accounts *as, struct account *a, uint64_t epoch, uint64_t seq, bool waits)
{
	account_skip(as, a, epoch, seq);
	a->last = seq;
	if (waits)
		a->queued++;
	else
		a->handled++;
}

/* As account_next, by what the publisher says. */
static uint64_t next_by(const struct accounts *as, const struct account *a, const struct account_tail *t)
{
	if (a->first == 0)
		return as->based ? 1 : t->last + 1;
	bool goes_on = a->epoch == t->epoch || t->first == 0 || t->first > a->last;
	return goes_on ? a->last + 1 : t->first;
}

uint64_t account_settle(struct accounts *as, struct account *a, const struct account_tail *t)
{
	uint64_t next = next_by(as, a, t);
	if (a->first && t->last < next)
		return 0;
	enter(as, a, t->epoch, next);
	drop(as, a, t->last + 1 - next);
	a->last = t->last;
	return t->last + 1 - next;
}

bool account_is_behind(struct accounts *as, struct account *a, const struct account_tail *t)
{
	uint64_t next = next_by(as, a, t);
	if (t->last < next)
		return false;
	enter(as, a, t->epoch, next);
	if (t->last > a->known)
		a->known = t->last;
	return true;
}

void account_ended(struct accounts *as, struct account *a, enum account_end end)
{
	bool before = a->queued_before > 0;
	uint64_t *queued = before ? &a->queued_before : &a->queued;
	uint64_t *const of[] = {before ? &as->closed.handled : &a->handled,
				before ? &as->closed.conflated : &a->conflated,
				before ? &as->closed.dropped : &a->dropped};
	must(*queued > 0);
	--*queued;
	++*of[end];
	if (before)
		as->closed.queued--;
	as->dropped += end == ACCOUNT_DROPPED;
}

void accounts_sum(const struct accounts *as, struct account_sum *ret_sum)
{
	struct account_sum s = as->closed;
	for (uint32_t i = 0; i < as->topics.count; i++) {
		const struct account *a = strmap_value_at(&as->topics, i);
		s.topics++;
		s.epochs += a->first != 0;
		s.published += span(a);
		s.handled += a->handled;
		s.conflated += a->conflated;
		s.dropped += a->dropped;
		s.queued += a->queued;
		s.missing += a->known > a->last ? a->known - a->last : 0;
		s.unbalanced += !account_balanced(a);
	}
	s.unbalanced += s.published != s.handled + s.conflated + s.dropped + s.queued;
	*ret_sum = s;
}
