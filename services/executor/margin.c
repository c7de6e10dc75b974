/* margin - see margin.h. */
#include "services/executor/margin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

#define ANY "*"
#define WORDS_MAX (4 + MARGIN_TIERS_MAX)

/* ---- the table ---- */

static bool parse_whole(const char *text, int64_t *ret_value)
{
	int rc = fixed_parse(text, strlen(text), 0, ret_value);
	return rc == 0 && *ret_value >= 1 && *ret_value <= MARGIN_LEVERAGE_MAX;
}

static bool parse_share(const char *text, int64_t *ret_rate)
{
	int rc = fixed_parse(text, strlen(text), FEE_SCALE, ret_rate);
	return rc == 0 && *ret_rate >= 0 && *ret_rate <= fixed_pow10(FEE_SCALE);
}

static bool parse_upto(const char *text, int64_t *ret_upto)
{
	if (strcmp(text, ANY) != 0)
		return fixed_parse(text, strlen(text), CASH_SCALE, ret_upto) == 0 && *ret_upto > 0;
	*ret_upto = INT64_MAX;
	return true;
}

/* Tiers grow in size and rate, and the next one begins where this one ends. */
static bool add_tier(struct margin *m, char *text)
{
	struct margin_tier t = {0};
	char *save = NULL, *upto = strtok_r(text, ":", &save), *rate = strtok_r(NULL, ":", &save);
	char *leverage = strtok_r(NULL, ":", &save);
	if (!leverage || strtok_r(NULL, ":", &save) || m->n == MARGIN_TIERS_MAX)
		return false;
	if (!parse_upto(upto, &t.upto) || !parse_share(rate, &t.rate) || !parse_whole(leverage, &t.leverage))
		return false;
	if (m->n > 0) {
		const struct margin_tier *below = &m->tier[m->n - 1];
		int64_t more;
		if (t.upto <= below->upto || t.rate < below->rate || t.leverage > below->leverage ||
		    money_fee(below->upto, t.rate - below->rate, &more) != 0 ||
		    money_add(below->amount, more, &t.amount) != 0)
			return false;
	}
	m->tier[m->n++] = t;
	return true;
}

/* A position that is opened at its leverage must not be liquidated at once. */
static bool sound(const struct margin *m)
{
	if (m->n == 0 || m->tier[m->n - 1].upto != INT64_MAX || m->leverage > m->tier[0].leverage)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		if ((fixed_wide)m->tier[i].rate * m->tier[i].leverage >= fixed_pow10(FEE_SCALE))
			return false;
	return true;
}

static bool parse_row(char *text, struct margin_row *row)
{
	char *word[WORDS_MAX + 1], *save = NULL;
	size_t n = 0;
	for (char *w = strtok_r(text, " \t", &save); w && n <= WORDS_MAX; w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	if (n < 5 || n > WORDS_MAX || strlen(word[0]) >= sizeof(row->key))
		return false;
	*row = (struct margin_row){0};
	snprintf(row->key, sizeof(row->key), "%s", word[0]);
	struct margin *m = &row->margin;
	m->mode = enum_value(enum_margin_mode(), word[1], strlen(word[1]));
	if (m->mode == 0 || !parse_whole(word[2], &m->leverage) || !parse_share(word[3], &m->fee))
		return false;
	for (size_t i = 4; i < n; i++)
		if (!add_tier(m, word[i]))
			return false;
	return sound(m);
}

static const struct margin *find(const struct margin_table *t, const char *key)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (strcmp(t->row[i].key, key) == 0)
			return &t->row[i].margin;
	return NULL;
}

static int parse_rows(struct margin_table *t, const char *text, char *reason, size_t cap)
{
	char list[MARGIN_TEXT_MAX], *save = NULL;
	snprintf(list, sizeof(list), "%s", text);
	for (char *item = strtok_r(list, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		char shown[60];
		snprintf(shown, sizeof(shown), "%s", item + strspn(item, " \t"));
		if (shown[0] == '\0')
			continue;
		if (t->n == MARGIN_ROWS_MAX || !parse_row(item, &t->row[t->n])) {
			snprintf(reason, cap,
				 "'%s…' is not INSTRUMENT cross|isolated LEVERAGE FEE UPTO:RATE:LEVERAGE … with "
				 "growing tiers, the last one *:…, and rates below 1 / leverage",
				 shown);
			return ERR_ARG;
		}
		t->n++;
	}
	return 0;
}

int margin_parse(struct margin_table *t, const char *text, char *reason, size_t cap)
{
	t->n = 0;
	int rc = parse_rows(t, text, reason, cap);
	return rc != 0 || find(t, "PERP") ? rc : parse_rows(t, MARGIN_GENERAL, reason, cap);
}

const struct margin *margin_find(const struct margin_table *t, const struct symbol *symbol)
{
	char key[sizeof(struct symbol) + 8];
	const struct margin *found = find(t, symbol->s);
	snprintf(key, sizeof(key), "%s-PERP", symbol_venue(symbol));
	if (!found)
		found = find(t, key);
	return found ? found : find(t, "PERP");
}

/* ---- sums ---- */

int64_t margin_initial(const struct margin *m, int64_t notional)
{
	return notional / m->leverage;
}

int64_t margin_initial_up(const struct margin *m, int64_t notional)
{
	return notional / m->leverage + (notional % m->leverage != 0);
}

static const struct margin_tier *tier_of(const struct margin *m, int64_t notional)
{
	uint32_t i = 0;
	while (i + 1 < m->n && notional > m->tier[i].upto)
		i++;
	return &m->tier[i];
}

int64_t margin_maintenance(const struct margin *m, int64_t notional)
{
	const struct margin_tier *t = tier_of(m, notional);
	fixed_wide all = fixed_div_round((fixed_wide)notional * t->rate, fixed_pow10(FEE_SCALE)) - t->amount;
	return all < 0 ? 0 : (int64_t)all;
}

int64_t margin_reach(const struct margin *m)
{
	uint32_t i = m->n;
	while (i > 1 && m->tier[i - 1].leverage < m->leverage)
		i--;
	return m->tier[i - 1].upto;
}

/* ---- the liquidation price ---- */

/* A long's balance grows and its price falls towards it; a short's the other way round: one price at most. */
static int64_t price_in(const struct margin_tier *t, const struct margined *p, uint8_t price_scale)
{
	fixed_wide size = p->qty < 0 ? -(fixed_wide)p->qty : (fixed_wide)p->qty, one = fixed_pow10(FEE_SCALE);
	/* long: size * price * (1 - rate) = cost - balance - amount; short: size * price * (1 + rate) = the opposite */
	fixed_wide left = p->qty > 0 ? (fixed_wide)p->cost - p->balance - t->amount
				     : (fixed_wide)p->balance + t->amount - p->cost;
	fixed_wide share = p->qty > 0 ? one - t->rate : one + t->rate, up, price;
	if (left <= 0 || share == 0 ||
	    __builtin_mul_overflow(left, (fixed_wide)fixed_pow10(p->qty_scale) * fixed_pow10(price_scale), &up))
		return 0;
	price = fixed_div_round(up, size * share);
	return price > INT64_MAX ? 0 : (int64_t)price;
}

int64_t margin_liquidation_price(const struct margin *m, const struct margined *p, uint8_t price_scale)
{
	int64_t size = p->qty < 0 ? -p->qty : p->qty, floor = 0;
	for (uint32_t i = 0; i < m->n; i++) {
		int64_t price = price_in(&m->tier[i], p, price_scale), notional;
		struct rated what = {price, size, price_scale, p->qty_scale};
		if (price > 0 && money_cost(what, &notional) == 0 && notional >= floor && notional <= m->tier[i].upto)
			return price;
		floor = m->tier[i].upto;
	}
	return 0;
}
