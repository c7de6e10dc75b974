/* quotes - see quotes.h. */
#include "services/executor/quotes.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "services/executor/executor.h"

/* ---- settings ---- */

/* NULL, or what is wrong with it. */
static const char *take(char *item, struct quotes_row *row, uint32_t *n)
{
	char *eq = strchr(item, '=');
	int64_t rate = 0;
	if (eq && (fixed_parse(eq + 1, strlen(eq + 1), FEE_SCALE, &rate) != 0 || rate <= 0))
		return "has a rate that is not above 0 with at most 8 decimals";
	if (eq)
		*eq = '\0';
	if (item[0] == '\0' || strlen(item) >= EVENT_NAME_MAX)
		return "is not ASSET or ASSET=rate";
	for (uint32_t i = 0; i < *n; i++)
		if (strcmp(row[i].asset, item) == 0)
			return "is there twice";
	if (*n == QUOTES_MAX - 1)
		return "is one too many (7)";
	row[*n] = (struct quotes_row){.rate = rate};
	event_set_name(row[(*n)++].asset, item);
	return NULL;
}

int quotes_parse(struct quotes_row row[QUOTES_MAX], uint32_t *n, const char *text, char *reason, size_t cap)
{
	char list[QUOTES_TEXT_MAX], shown[80], *save = NULL;
	snprintf(list, sizeof(list), "%s", text);
	*n = 0;
	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save)) {
		snprintf(shown, sizeof(shown), "%.79s", item);
		const char *wrong = take(item, row, n);
		if (wrong) {
			snprintf(reason, cap, "executor.quotes: '%s' %s", shown, wrong);
			return ERR_ARG;
		}
	}
	return 0;
}

/* ---- slots ---- */

static uint8_t find(const struct quotes *q, const char *asset)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (strcmp(q->at[i].asset, asset) == 0)
			return (uint8_t)i;
	return MARKET_NO_QUOTE;
}

static struct quote *add(struct quotes *q, const char *asset)
{
	if (q->n == QUOTES_MAX)
		return NULL;
	struct quote *e = &q->at[q->n++];
	*e = (struct quote){0};
	event_set_name(e->asset, asset);
	return e;
}

int quotes_open(struct executor *x)
{
	const struct executor_settings *s = &x->settings;
	x->quotes.n = 0;
	add(&x->quotes, s->quote);
	for (uint32_t i = 0; i < s->n_quotes; i++) {
		struct quote *e = add(&x->quotes, s->quotes[i].asset);
		if (!e)
			return ERR_FULL;
		e->rate = s->quotes[i].rate;
	}
	return quotes_bind(x);
}

/* The first market that trades it against the account's asset. */
static void bind_rate(const struct executor *x, struct quote *q)
{
	const char *own = x->quotes.at[0].asset;
	q->at = NULL;
	for (uint32_t i = 0; i < markets_count(&x->markets) && !q->at; i++) {
		const struct market *m = markets_at(&x->markets, i);
		bool direct = strcmp(m->def.base, q->asset) == 0 && strcmp(m->def.quote, own) == 0;
		bool inverse = strcmp(m->def.base, own) == 0 && strcmp(m->def.quote, q->asset) == 0;
		bool delivers = m->def.kind != instrument_kind_event && !market_margined(m);
		if (!m->known || !delivers || (!direct && !inverse))
			continue;
		q->at = m;
		q->inverse = inverse;
	}
}

static void bind_rates(struct executor *x)
{
	for (uint32_t i = 1; i < x->quotes.n; i++)
		bind_rate(x, &x->quotes.at[i]);
}

/* Contracts of another outcome are worth what their market is paid in. */
static void bind_market(struct executor *x, struct market *m)
{
	m->quote = m->known ? find(&x->quotes, m->def.quote) : MARKET_NO_QUOTE;
	if (m->known && outcome_both(m) && account_find(&x->account, m->other))
		outcome_asset(&x->account, m, OUTCOME_OTHER);
}

int quotes_bind(struct executor *x)
{
	for (uint32_t i = 0; i < x->quotes.n; i++) {
		struct quote *q = &x->quotes.at[i];
		const struct asset *a = account_asset(&x->account, q->asset);
		if (!a)
			return ERR_FULL;
		q->place = (uint32_t)(a - x->account.asset);
	}
	bind_rates(x);
	for (uint32_t i = 0; i < markets_count(&x->markets); i++)
		bind_market(x, markets_at(&x->markets, i));
	return 0;
}

void quotes_on_market(struct executor *x, struct market *m)
{
	bind_rates(x);
	bind_market(x, m);
}

void quotes_admit(struct executor *x, struct market *m)
{
	if (m->quote != MARKET_NO_QUOTE || x->quotes.n == QUOTES_MAX || !account_asset(&x->account, m->def.quote))
		return;
	add(&x->quotes, m->def.quote)->closed = true;
	(void)quotes_bind(x); /* every asset is there already */
}

bool quotes_open_for(const struct executor *x, const struct market *m)
{
	return m->quote != MARKET_NO_QUOTE && !x->quotes.at[m->quote].closed;
}

size_t quotes_place(const struct executor *x, const struct market *m)
{
	return x->quotes.at[m->quote].place;
}

struct asset *quotes_asset(struct executor *x, const struct market *m)
{
	return m->quote == MARKET_NO_QUOTE ? NULL : &x->account.asset[quotes_place(x, m)];
}

bool quotes_is_money(const struct executor *x, size_t place)
{
	for (uint32_t i = 0; i < x->quotes.n; i++)
		if (x->quotes.at[i].place == place)
			return true;
	return false;
}

/* ---- values ---- */

static int64_t capped(fixed_wide value)
{
	if (value > INT64_MAX)
		return INT64_MAX;
	return value < -INT64_MAX ? -INT64_MAX : (int64_t)value;
}

/* Twice the mid of what there is one of: up / down is its rate. */
static bool fraction(const struct quote *q, fixed_wide *up, fixed_wide *down)
{
	if (q->rate != 0) {
		*up = q->rate;
		*down = fixed_pow10(FEE_SCALE);
		return true;
	}
	if (!q->at || q->at->mark == 0)
		return false;
	fixed_wide mark = q->at->mark, twice = (fixed_wide)2 * fixed_pow10(q->at->def.price_scale);
	*up = q->inverse ? twice : mark;
	*down = q->inverse ? mark : twice;
	return true;
}

bool quotes_value(const struct executor *x, uint8_t slot, int64_t amount, int64_t *ret_value)
{
	fixed_wide up, down;
	*ret_value = amount;
	if (slot == 0 || amount == 0)
		return true;
	*ret_value = 0;
	if (slot == MARKET_NO_QUOTE || !fraction(&x->quotes.at[slot], &up, &down))
		return false;
	*ret_value = capped(fixed_div_round(amount * up, down));
	return true;
}

bool quotes_fresh(const struct executor *x, uint8_t slot, int64_t now)
{
	const struct quote *q = &x->quotes.at[slot];
	if (slot == 0 || q->rate != 0)
		return true;
	return q->at && q->at->mark != 0 && market_usable(q->at, now, x->settings.stale_ns) == reject_none;
}

int64_t quotes_rate(const struct executor *x, uint8_t slot)
{
	fixed_wide up = 1, down = 1;
	if (slot != 0 && (slot == MARKET_NO_QUOTE || !fraction(&x->quotes.at[slot], &up, &down)))
		return 0;
	fixed_wide rate = fixed_div_round(up * fixed_pow10(RATE_SCALE), down);
	return rate > INT64_MAX ? 0 : (int64_t)rate;
}

/* ---- state ---- */

void quotes_save(const struct executor *x, struct packer *p)
{
	pack_array(p, 4 * (x->quotes.n - 1));
	for (uint32_t i = 1; i < x->quotes.n; i++) {
		const struct quote *q = &x->quotes.at[i];
		const struct asset *a = &x->account.asset[q->place];
		pack_str(p, q->asset);
		pack_i64(p, q->rate);
		pack_i64(p, a->realised);
		pack_i64(p, a->fees);
	}
}

/* Rates are those of the settings; a slot that they no longer have keeps its own. */
int quotes_load(struct executor *x, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 4 != 0)
		return u->err ? u->err : ERR_CORRUPT;
	for (uint32_t i = 0; i < n / 4; i++) {
		char asset[EVENT_NAME_MAX];
		unpack_str(u, asset, sizeof(asset));
		int64_t rate = unpack_i64(u), realised = unpack_i64(u), fees = unpack_i64(u);
		if (u->err || rate < 0 || !asset[0])
			return u->err ? u->err : ERR_CORRUPT;
		struct asset *a = account_asset(&x->account, asset);
		if (find(&x->quotes, asset) == MARKET_NO_QUOTE) {
			struct quote *q = add(&x->quotes, asset);
			if (!q)
				return ERR_FULL;
			q->rate = rate;
			q->closed = true;
		}
		if (!a || a == account_quote(&x->account))
			return ERR_CORRUPT;
		a->realised = realised;
		a->fees = fees;
	}
	return quotes_bind(x);
}
