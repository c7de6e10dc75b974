/* outcome - see outcome.h. */
#include "services/executor/outcome.h"

#include <stdio.h>
#include <string.h>

#include "common/base/crc.h"
#include "common/base/err.h"

#define HASHED 10 /* "!1a2b3c4d~", in front of a name's end */

static int64_t free_of(const struct account *a, const char *name)
{
	const struct asset *s = account_find(a, name);
	return s ? asset_free(s) : 0;
}

void outcome_choose(const struct account *a, struct order *o)
{
	const struct market *m = o->market;
	int64_t qty;
	o->outcome = OUTCOME_BASE;
	if (!outcome_both(m) || fixed_rescale(o->qty, m->def.qty_scale, CASH_SCALE, &qty) != 0)
		return;
	bool closes = free_of(a, o->side == side_buy ? m->other : m->def.base) >= qty;
	o->outcome = (o->side == side_buy) == closes ? OUTCOME_OTHER : OUTCOME_BASE;
}

int outcome_cost(const struct market *m, uint8_t outcome, struct rated what, int64_t *ret_paid, int64_t *ret_cost)
{
	int64_t all;
	what.price = outcome_price(m, outcome, what.price);
	int rc = what.price < 0 ? ERR_RANGE : money_cost(what, ret_paid);
	if (rc == 0)
		rc = fixed_rescale(what.qty, what.qty_scale, CASH_SCALE, &all);
	if (rc == 0)
		*ret_cost = outcome == OUTCOME_BASE ? *ret_paid : all - *ret_paid;
	return rc;
}

struct asset *outcome_asset(struct account *a, const struct market *m, uint8_t outcome)
{
	struct asset *s = account_asset(a, outcome == OUTCOME_BASE ? m->def.base : m->other);
	if (s && outcome == OUTCOME_OTHER)
		s->quote = m->quote;
	return s;
}

void outcome_name_other(const char *base, char other[EVENT_NAME_MAX])
{
	size_t len = strlen(base), room = EVENT_NAME_MAX - 1 - HASHED;
	if (len + 1 < EVENT_NAME_MAX)
		snprintf(other, EVENT_NAME_MAX, "%c%s", OUTCOME_OTHER_MARK, base);
	else
		snprintf(other, EVENT_NAME_MAX, "%c%08x~%s", OUTCOME_OTHER_MARK,
			 crc32c(0, base, len - room), base + len - room);
}

void outcome_save(const struct orders *os, struct packer *p)
{
	pack_array(p, os->n);
	for (uint32_t i = 0; i < os->n; i++)
		pack_u64(p, os->at[i].outcome);
}

int outcome_load(struct orders *os, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (!u->err && n != os->n)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n && !u->err; i++) {
		uint64_t which = unpack_u64(u);
		if (which > OUTCOME_OTHER || (which == OUTCOME_OTHER && !outcome_both(os->at[i].market)))
			return u->err ? u->err : ERR_CORRUPT;
		os->at[i].outcome = (uint8_t)which;
	}
	return u->err;
}
