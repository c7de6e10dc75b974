/* fees - see fees.h. */
#include "services/executor/fees.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

#define CENT 1000000           /* of a dollar at CASH_SCALE */
#define KALSHI_GRAIN 4         /* decimals of its trade fee */
#define POLYMARKET_GRAIN 5

static const struct {
	const char *name;
	uint8_t model;
} models[] = {{"flat", FEE_FLAT}, {"kalshi", FEE_KALSHI}, {"polymarket", FEE_POLYMARKET}};

/* ---- the table ---- */

static int parse_rate(const char *text, int64_t *ret_rate)
{
	int rc = fixed_parse(text, strlen(text), FEE_SCALE, ret_rate);
	return rc == 0 && *ret_rate >= 0 && *ret_rate <= FEE_MAX ? 0 : ERR_RANGE;
}

static bool parse_model(const char *text, uint8_t *ret_model)
{
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		if (strcmp(models[i].name, text) == 0) {
			*ret_model = models[i].model;
			return true;
		}
	return false;
}

static bool parse_row(char *text, struct fee_row *row)
{
	char *word[5], *save = NULL;
	size_t n = 0;
	for (char *w = strtok_r(text, " \t", &save); w && n < ARRAY_LEN(word); w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	if (n < 3 || n > 4 || strlen(word[0]) >= sizeof(row->key))
		return false;
	snprintf(row->key, sizeof(row->key), "%s", word[0]);
	row->fees.model = FEE_FLAT;
	return parse_rate(word[1], &row->fees.maker) == 0 && parse_rate(word[2], &row->fees.taker) == 0 &&
	       (n < 4 || parse_model(word[3], &row->fees.model));
}

int fees_parse(struct fee_table *t, const char *text, char *reason, size_t cap)
{
	char list[FEES_TEXT_MAX], *save = NULL;
	snprintf(list, sizeof(list), "%s", text);
	for (char *item = strtok_r(list, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		char shown[80];
		snprintf(shown, sizeof(shown), "%s", item + strspn(item, " \t"));
		if (shown[0] == '\0')
			continue;
		if (t->n == FEES_ROWS_MAX || !parse_row(item, &t->row[t->n])) {
			snprintf(reason, cap,
				 "'%s' is not VENUE MAKER TAKER [flat|kalshi|polymarket] with rates of 0 to 0.1, "
				 "at most %d of them",
				 shown, FEES_ROWS_MAX);
			return ERR_ARG;
		}
		t->n++;
	}
	return 0;
}

static const struct fees *find(const struct fee_table *t, const char *key)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (strcmp(t->row[i].key, key) == 0)
			return &t->row[i].fees;
	return NULL;
}

const struct fees *fees_find(const struct fee_table *t, const struct symbol *symbol)
{
	static const char suffix[] = "-PERP";
	const size_t tail = sizeof(suffix) - 1, raw = symbol_raw_len(symbol);
	char key[sizeof(struct symbol) + sizeof(suffix)];
	bool perpetual = raw > tail && memcmp(symbol->s + raw - tail, suffix, tail) == 0;
	const struct fees *found = find(t, symbol->s);
	snprintf(key, sizeof(key), "%s%s", symbol_venue(symbol), suffix);
	if (!found && perpetual)
		found = find(t, key);
	if (!found)
		found = find(t, symbol_venue(symbol));
	return found ? found : &t->rest;
}

size_t fees_format(const struct fees *f, char *out, size_t cap)
{
	char maker[FIXED_TEXT_MAX], taker[FIXED_TEXT_MAX];
	fixed_format_trim(maker, sizeof(maker), f->maker, FEE_SCALE);
	fixed_format_trim(taker, sizeof(taker), f->taker, FEE_SCALE);
	const char *curve = f->model == FEE_FLAT ? "" : models[f->model].name;
	return (size_t)snprintf(out, cap, "%s/%s%s%s", maker, taker, curve[0] ? " " : "", curve);
}

/* ---- the curve ---- */

struct curve_value { /* units of 10^-grain, and the part of one more: part / whole */
	fixed_wide units, part, whole;
};

/* rate * C * P * (1 - P). */
static int curve(int64_t rate, struct rated w, int grain, struct curve_value *ret_value)
{
	fixed_wide one = fixed_pow10(w.price_scale), v;
	if (w.price <= 0 || w.price >= one) {
		*ret_value = (struct curve_value){.whole = 1};
		return 0;
	}
	if (__builtin_mul_overflow((fixed_wide)w.price * (one - w.price), w.qty, &v) ||
	    __builtin_mul_overflow(v, rate, &v))
		return ERR_RANGE;
	int drop = 2 * w.price_scale + w.qty_scale + FEE_SCALE - grain;
	ret_value->whole = 1;
	for (int i = 0; i < drop; i++)
		if (__builtin_mul_overflow(ret_value->whole, 10, &ret_value->whole))
			return ERR_RANGE;
	ret_value->units = v / ret_value->whole;
	ret_value->part = v % ret_value->whole;
	return 0;
}

static int to_cash(fixed_wide units, int grain, int64_t *ret_cash)
{
	fixed_wide cash = units * fixed_pow10(CASH_SCALE - grain);
	if (cash > INT64_MAX)
		return ERR_RANGE;
	*ret_cash = (int64_t)cash;
	return 0;
}

/* ---- the models ---- */

static int kalshi(int64_t rate, struct deal *d)
{
	struct curve_value v;
	int64_t fee;
	int rc = curve(rate, d->what, KALSHI_GRAIN, &v);
	if (rc == 0)
		rc = to_cash(v.units + (v.part > 0), KALSHI_GRAIN, &fee);
	if (rc != 0)
		return rc;
	/* Rounding what the balance loses up is rounding down what it changes by; of a sale, what it gains down. */
	fixed_wide change = (d->side == side_buy ? -(fixed_wide)d->cost : (fixed_wide)d->cost) - fee;
	int64_t rounding = (int64_t)((change % CENT + CENT) % CENT);
	fixed_wide net = (fixed_wide)fee + rounding;
	d->carry += rounding;
	if (d->carry > CENT && net >= CENT) {
		d->carry -= CENT;
		net -= CENT;
	}
	if (net > INT64_MAX)
		return ERR_RANGE;
	d->fee = (int64_t)net;
	return 0;
}

static int polymarket(int64_t rate, struct deal *d)
{
	struct curve_value v;
	int rc = curve(rate, d->what, POLYMARKET_GRAIN, &v);
	return rc != 0 ? rc : to_cash(v.units + (2 * v.part >= v.whole), POLYMARKET_GRAIN, &d->fee);
}

int fees_of(const struct fees *f, struct deal *d)
{
	if (d->liquidity == liquidity_settled) {
		d->fee = 0;
		return 0;
	}
	int64_t rate = d->liquidity == liquidity_maker ? f->maker : f->taker;
	int rc;
	if (f->model == FEE_KALSHI)
		rc = kalshi(rate, d);
	else if (f->model == FEE_POLYMARKET)
		rc = polymarket(rate, d);
	else
		rc = money_fee(d->cost, rate, &d->fee);
	if (rc == 0 && d->side == side_sell && d->fee > d->cost)
		d->fee = d->cost;
	return rc;
}

int fees_reserve(const struct fees *f, struct rated what, int64_t *ret_amount)
{
	int64_t rate = f->maker > f->taker ? f->maker : f->taker, cost;
	if (f->model == FEE_FLAT)
		return money_reserve(what, rate, ret_amount);
	struct deal d = {.what = what, .side = side_buy, .liquidity = liquidity_taker};
	struct fees dearest = {.taker = rate, .model = f->model};
	int rc = money_reserve(what, 0, &cost);
	d.cost = cost;
	if (rc == 0)
		rc = fees_of(&dearest, &d);
	return rc != 0 ? rc : money_add(cost, d.fee, ret_amount);
}
