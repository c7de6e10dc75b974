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

struct sides { /* what the rest of the executor believes, by slot */
	int64_t cost[QUOTES_MAX], pairs[QUOTES_MAX];
	int64_t contracts[QUOTES_MAX]; /* of the cost: perpetuals' */
};

static struct sides sides_of(const struct executor *x)
{
	const struct account *a = &x->account;
	struct sides s = {0};
	for (uint32_t i = 0; i < markets_count(&x->markets); i++) {
		const struct market *m = markets_at(&x->markets, i);
		if (m->quote == MARKET_NO_QUOTE)
			continue;
		s.cost[m->quote] = plus(s.cost[m->quote], m->position.cost);
		if (market_margined(m))
			s.contracts[m->quote] = plus(s.contracts[m->quote], m->position.cost);
	}
	for (uint32_t i = 1; i < a->n; i++)
		if (a->asset[i].name[0] == OUTCOME_OTHER_MARK && a->asset[i].quote != MARKET_NO_QUOTE)
			s.pairs[a->asset[i].quote] = plus(s.pairs[a->asset[i].quote], a->asset[i].total);
	return s;
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
	struct sides s = sides_of(x);
	for (uint32_t i = 0; i < x->quotes.n; i++) {
		uint32_t place = x->quotes.at[i].place;
		l->at[place][LEDGER_COST] = s.cost[i];
		l->at[place][LEDGER_PAIRS] = s.pairs[i];
		l->at[place][LEDGER_FEES] = a->asset[place].fees;
		l->at[place][LEDGER_RESULT] = minus(0, a->asset[place].realised);
		l->at[place][LEDGER_CONTRACTS] = minus(0, s.contracts[i]);
		l->at[place][LEDGER_FUNDINGS] = minus(0, a->asset[place].funding);
		l->at[place][LEDGER_INSURED] = minus(0, a->asset[place].insured);
	}
	for (uint32_t i = 0; i < a->n; i++)
		l->at[i][LEDGER_FUNDED] = minus(0, sum_of(l->at[i]));
	l->derive = false;
}

int ledger_check(const struct executor *x)
{
	const struct ledger *l = &x->ledger;
	const struct account *a = &x->account;
	struct sides s = sides_of(x);
	bool sound = true;
	for (uint32_t i = 0; sound && i < x->quotes.n; i++) {
		uint32_t place = x->quotes.at[i].place;
		const int64_t *row = l->at[place];
		sound = row[LEDGER_COST] == s.cost[i] && row[LEDGER_PAIRS] == s.pairs[i] &&
			row[LEDGER_FEES] == a->asset[place].fees &&
			plus(row[LEDGER_RESULT], a->asset[place].realised) == 0 &&
			plus(row[LEDGER_CONTRACTS], s.contracts[i]) == 0 &&
			plus(row[LEDGER_FUNDINGS], a->asset[place].funding) == 0 &&
			plus(row[LEDGER_INSURED], a->asset[place].insured) == 0;
	}
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

static int load(struct executor *x, struct unpacker *u, uint32_t accounts)
{
	struct ledger *l = &x->ledger;
	memset(l->at, 0, sizeof(l->at));
	l->posted = l->checked = unpack_u64(u);
	l->derive = unpack_bool(u);
	uint32_t n = unpack_array(u);
	if (!u->err && (n % accounts != 0 || n > x->account.n * accounts))
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n && !u->err; i++)
		l->at[i / accounts][i % accounts] = unpack_i64(u);
	return u->err;
}

int ledger_load(struct executor *x, struct unpacker *u)
{
	int rc = load(x, u, LEDGER_ACCOUNTS);
	return rc != 0 || x->ledger.derive ? rc : ledger_check(x);
}

int ledger_load_v1(struct executor *x, struct unpacker *u)
{
	return load(x, u, LEDGER_CONTRACTS);
}
