/* ledger - see ledger.h. */
#include "services/executor/ledger.h"

#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

void ledger_post(struct ledger *l, size_t asset, enum ledger_account from, enum ledger_account to, int64_t amount)
{
	int64_t *row = l->at[asset];
	row[from] = minus(row[from], amount);
	row[to] = plus(row[to], amount);
	l->posted++;
}

static int64_t cost_of_positions(const struct executor *x)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		sum = plus(sum, markets_at(&x->markets, i)->position.cost);
	return sum;
}

static int64_t other_outcomes(const struct account *a)
{
	int64_t sum = 0;
	for (uint32_t i = 1; i < a->n; i++)
		if (a->asset[i].name[0] == OUTCOME_OTHER_MARK)
			sum = plus(sum, a->asset[i].total);
	return sum;
}

static int64_t sum_of(const int64_t row[LEDGER_ACCOUNTS])
{
	int64_t sum = 0;
	for (int i = 0; i < LEDGER_ACCOUNTS; i++)
		sum = plus(sum, row[i]);
	return sum;
}

void ledger_derive(struct executor *x)
{
	struct ledger *l = &x->ledger;
	const struct account *a = &x->account;
	memset(l->at, 0, sizeof(l->at));
	for (uint32_t i = 0; i < a->n; i++)
		l->at[i][LEDGER_CASH] = a->asset[i].total;
	l->at[0][LEDGER_COST] = cost_of_positions(x);
	l->at[0][LEDGER_PAIRS] = other_outcomes(a);
	l->at[0][LEDGER_FEES] = a->fees;
	l->at[0][LEDGER_RESULT] = minus(0, a->realised);
	for (uint32_t i = 0; i < a->n; i++)
		l->at[i][LEDGER_FUNDED] = minus(0, sum_of(l->at[i]));
	l->derive = false;
}

int ledger_check(const struct executor *x)
{
	const struct ledger *l = &x->ledger;
	const struct account *a = &x->account;
	bool sound = l->at[0][LEDGER_COST] == cost_of_positions(x) && l->at[0][LEDGER_PAIRS] == other_outcomes(a) &&
		     l->at[0][LEDGER_FEES] == a->fees && plus(l->at[0][LEDGER_RESULT], a->realised) == 0;
	for (uint32_t i = 0; sound && i < a->n; i++)
		sound = l->at[i][LEDGER_CASH] == a->asset[i].total && sum_of(l->at[i]) == 0;
	return sound ? 0 : ERR_CORRUPT;
}

void ledger_save(const struct executor *x, struct packer *p)
{
	const struct ledger *l = &x->ledger;
	pack_u64(p, l->posted);
	pack_bool(p, l->derive);
	pack_array(p, x->account.n * LEDGER_ACCOUNTS);
	for (uint32_t i = 0; i < x->account.n; i++)
		for (int k = 0; k < LEDGER_ACCOUNTS; k++)
			pack_i64(p, l->at[i][k]);
}

int ledger_load(struct executor *x, struct unpacker *u)
{
	struct ledger *l = &x->ledger;
	memset(l->at, 0, sizeof(l->at));
	l->posted = l->checked = unpack_u64(u);
	l->derive = unpack_bool(u);
	uint32_t n = unpack_array(u);
	if (!u->err && n != x->account.n * LEDGER_ACCOUNTS)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n && !u->err; i++)
		l->at[i / LEDGER_ACCOUNTS][i % LEDGER_ACCOUNTS] = unpack_i64(u);
	if (u->err)
		return u->err;
	return l->derive ? 0 : ledger_check(x);
}
