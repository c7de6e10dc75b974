/* orders - see orders.h. */
#include "services/executor/orders.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

int orders_init(struct orders *os, uint32_t max)
{
	*os = (struct orders){.max = max, .due = INT64_MAX};
	os->at = calloc(max > 0 ? max : 1, sizeof(*os->at));
	return os->at ? 0 : ERR_NOMEM;
}

void orders_fini(struct orders *os)
{
	if (!os)
		return;
	free(os->at);
	*os = (struct orders){0};
}

static struct orders_seen *seen_of(struct orders *os, const char *strategy)
{
	for (uint32_t i = 0; i < os->n_seen; i++)
		if (strcmp(os->seen[i].strategy, strategy) == 0)
			return &os->seen[i];
	if (os->n_seen == ORDERS_STRATEGIES_MAX)
		return NULL;
	struct orders_seen *s = &os->seen[os->n_seen++];
	*s = (struct orders_seen){0};
	event_set_name(s->strategy, strategy);
	return s;
}

int orders_note(struct orders *os, const char *strategy, uint64_t epoch, uint64_t ordinal)
{
	struct orders_seen *s = seen_of(os, strategy);
	if (!s)
		return ERR_FULL;
	bool same = epoch == s->epoch || s->any_epoch;
	if (same ? ordinal <= s->ordinal : epoch < s->epoch)
		return ERR_EXISTS;
	s->epoch = epoch;
	s->ordinal = ordinal;
	s->any_epoch = false;
	return 0;
}

/* First answers come in order: a lower ordinal than the last is a strategy that began anew. */
void orders_recall(struct orders *os, const char *strategy, uint64_t ordinal)
{
	struct orders_seen *s = seen_of(os, strategy);
	if (!s)
		return;
	s->any_epoch = s->any_epoch || s->ordinal == 0 || ordinal < s->ordinal;
	s->ordinal = ordinal;
}

struct order *orders_find(struct orders *os, const char *client_order_id)
{
	for (uint32_t i = 0; i < os->n; i++)
		if (strcmp(os->at[i].client_order_id, client_order_id) == 0)
			return &os->at[i];
	return NULL;
}

struct order *orders_find_user(struct orders *os, const char *user_id)
{
	for (uint32_t i = 0; user_id[0] && i < os->n; i++)
		if (strcmp(os->at[i].user_id, user_id) == 0)
			return &os->at[i];
	return NULL;
}

/* Does a come before b, of which b is the newer? Orders of other books need no order between
 * them, and what waits has no place in a book yet. */
static bool before(const struct order *a, const struct order *b)
{
	bool rest = a->stage == stage_resting && b->stage == stage_resting;
	if (!rest || a->market != b->market || a->side != b->side)
		return true;
	return a->side == side_buy ? a->price >= b->price : a->price <= b->price;
}

int orders_insert(struct orders *os, const struct order *o)
{
	uint32_t i = 0;
	if (os->n == os->max)
		return ERR_FULL;
	while (i < os->n && before(&os->at[i], o))
		i++;
	memmove(&os->at[i + 1], &os->at[i], (os->n - i) * sizeof(*os->at));
	os->at[i] = *o;
	os->n++;
	o->market->resting++;
	o->market->waiting += o->stage == stage_trigger;
	if (o->good_until != 0 && o->good_until < os->due)
		os->due = o->good_until;
	return 0;
}

static void find_due(struct orders *os)
{
	os->due = INT64_MAX;
	for (uint32_t i = 0; i < os->n; i++)
		if (os->at[i].good_until != 0 && os->at[i].good_until < os->due)
			os->due = os->at[i].good_until;
}

void orders_remove(struct orders *os, uint32_t i)
{
	must(i < os->n && os->at[i].market->resting > 0);
	int64_t due = os->at[i].good_until;
	os->at[i].market->resting--;
	os->at[i].market->waiting -= os->at[i].stage == stage_trigger;
	os->n--;
	memmove(&os->at[i], &os->at[i + 1], (os->n - i) * sizeof(*os->at));
	if (due != 0 && due <= os->due)
		find_due(os);
}

void orders_undate(struct orders *os, uint32_t i)
{
	os->at[i].good_until = 0;
	find_due(os);
}

int64_t order_avg_price(const struct order *o)
{
	const struct ev_instrument *d = &o->market->def;
	int64_t avg = 0;
	if (o->filled > 0)
		fixed_div(o->cost, CASH_SCALE, o->filled, d->qty_scale, d->price_scale, &avg);
	return avg;
}
