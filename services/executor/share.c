/* share - see share.h. */
#include "services/executor/share.h"

#define RISK_ONE ((fixed_wide)SHARE_ALL * SHARE_ALL) /* a weight of equal_risk is this over the deviation */

/* The largest r with r * r <= v. */
static int64_t root(fixed_wide v)
{
	fixed_wide low = 0, high = (fixed_wide)INT64_MAX;
	while (low < high) {
		fixed_wide mid = low + (high - low + 1) / 2;
		if (mid <= v / mid)
			low = mid;
		else
			high = mid - 1;
	}
	return (int64_t)low;
}

bool share_measure(const int64_t *at, uint32_t n, int64_t *ret_mean, int64_t *ret_deviation)
{
	fixed_wide sum = 0, squares = 0;
	if (n < 2)
		return false;
	for (uint32_t i = 0; i < n; i++)
		sum += at[i];
	int64_t mean = (int64_t)(sum / n);
	for (uint32_t i = 0; i < n; i++) {
		fixed_wide off = (fixed_wide)at[i] - mean;
		squares += off * off;
	}
	*ret_mean = mean;
	*ret_deviation = root(squares / (n - 1));
	return *ret_deviation > 0;
}

static fixed_wide weight_of(int64_t mean, int64_t deviation, enum allocation_method method)
{
	if (method == allocation_method_equal_risk)
		return RISK_ONE / deviation;
	fixed_wide score = (fixed_wide)mean * SHARE_ALL / deviation;
	score = score > SHARE_ALL ? SHARE_ALL : score < -SHARE_ALL ? -SHARE_ALL : score;
	return SHARE_ALL + score;
}

void share_weigh(struct share *s, const struct allocated *of, uint32_t n, enum allocation_method method)
{
	bool known[ALLOCATION_MAX];
	fixed_wide sum = 0;
	int64_t mean, deviation;
	uint32_t measured = 0;
	for (uint32_t i = 0; i < n; i++) {
		known[i] = share_measure(of[i].at, of[i].n, &mean, &deviation);
		s[i].weight = known[i] ? weight_of(mean, deviation, method) : 0;
		sum += s[i].weight;
		measured += known[i];
	}
	for (uint32_t i = 0; i < n; i++)
		if (!known[i])
			s[i].weight = measured > 0 ? sum / measured : 1;
}

/* ---- bounds: shares that leave theirs are held there, those of the side that leaves by more first ---- */

struct split {
	bool held[ALLOCATION_MAX];
	fixed_wide rest, weights; /* of those that are not held */
	uint32_t n;               /* of them */
};

static void sum_up(const struct share *s, uint32_t n, struct split *p)
{
	p->rest = SHARE_ALL;
	p->weights = 0;
	p->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		p->rest -= p->held[i] ? s[i].share : 0;
		p->weights += p->held[i] ? 0 : s[i].weight;
		p->n += !p->held[i];
	}
	p->rest = p->rest < 0 ? 0 : p->rest;
}

static int64_t part(const struct split *p, fixed_wide weight)
{
	return (int64_t)(p->weights > 0 ? p->rest * weight / p->weights : p->rest / p->n);
}

static int64_t within(const struct share *s, int64_t share)
{
	return share < s->least ? s->least : share > s->most ? s->most : share;
}

void share_bound(struct share *s, uint32_t n)
{
	struct split p = {{false}, 0, 0, 0};
	for (sum_up(s, n, &p); p.n > 0; sum_up(s, n, &p)) {
		fixed_wide over = 0; /* by how much the bounds together add to what is there */
		for (uint32_t i = 0; i < n; i++)
			if (!p.held[i]) {
				s[i].share = part(&p, s[i].weight);
				over += within(&s[i], s[i].share) - s[i].share;
			}
		for (uint32_t i = 0; i < n; i++) {
			int64_t kept = within(&s[i], s[i].share);
			bool rises = kept > s[i].share, falls = kept < s[i].share;
			if (p.held[i] || (over > 0 && !rises) || (over < 0 && !falls))
				continue;
			s[i].share = kept;
			p.held[i] = true;
		}
	}
}
