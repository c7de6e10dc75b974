/* holdings - see holdings.h. */
#include "services/executor/holdings.h"

#include <string.h>

#include "common/base/err.h"

static struct holding *find(struct holdings *h, const char *strategy, const struct market *m)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->at[i].market == m && strcmp(h->at[i].strategy, strategy) == 0)
			return &h->at[i];
	return NULL;
}

int64_t holdings_of(const struct holdings *h, const char *strategy, const struct market *m)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->at[i].market == m && strcmp(h->at[i].strategy, strategy) == 0)
			return h->at[i].qty;
	return 0;
}

static bool same_sign(int64_t a, int64_t b)
{
	return (a > 0 && b > 0) || (a < 0 && b < 0);
}

static int64_t nearer_zero(int64_t a, int64_t b)
{
	return a > 0 ? (a < b ? a : b) : (a > b ? a : b);
}

/* What is to be closed shrinks with every fill towards zero, and never beyond what is held. */
static void follow(struct holding *e, int64_t moved)
{
	if (e->closing == 0)
		return;
	int64_t rest = same_sign(e->closing, moved) ? e->closing : e->closing + moved;
	if (!same_sign(rest, e->closing) || !same_sign(rest, e->qty))
		e->closing = e->try_at = 0;
	else
		e->closing = nearer_zero(rest, e->qty);
}

int64_t holdings_reducible(const struct holdings *h, const struct order *o)
{
	for (uint32_t i = 0; i < h->n; i++) {
		const struct holding *e = &h->at[i];
		if (e->market != o->market || strcmp(e->strategy, o->strategy) != 0)
			continue;
		int64_t held = o->side == side_sell ? e->qty : -e->qty;
		return held > 0 ? held / fixed_pow10(CASH_SCALE - o->market->def.qty_scale) : 0;
	}
	return 0;
}

void holdings_add(struct holdings *h, const char *strategy, struct market *m, int64_t qty)
{
	struct holding *e = find(h, strategy, m);
	int64_t sum = qty;
	if (e && __builtin_add_overflow(e->qty, qty, &sum))
		sum = e->qty;
	if (!e && (qty == 0 || h->n == HOLDINGS_MAX)) {
		h->full += qty != 0;
		return;
	}
	if (!e) {
		e = &h->at[h->n++];
		*e = (struct holding){.market = m};
		event_set_name(e->strategy, strategy);
	}
	e->qty = sum;
	follow(e, qty);
	if (sum != 0)
		return;
	h->n--;
	memmove(e, e + 1, (size_t)(&h->at[h->n] - e) * sizeof(*e));
}

void holdings_complete(struct holdings *h, const struct markets *ms, const char *strategy)
{
	for (uint32_t i = 0; i < markets_count(ms); i++) {
		struct market *m = markets_at(ms, i);
		int64_t rest;
		if (!m->known || fixed_rescale(m->position.qty, m->def.qty_scale, CASH_SCALE, &rest) != 0)
			continue;
		for (uint32_t k = 0; k < h->n; k++)
			if (h->at[k].market == m)
				rest -= h->at[k].qty;
		if (rest != 0)
			holdings_add(h, strategy, m, rest);
	}
}

uint32_t holdings_closing(const struct holdings *h)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < h->n; i++)
		n += h->at[i].closing != 0;
	return n;
}

void holdings_save(const struct holdings *h, struct packer *p)
{
	pack_array(p, 5 * h->n);
	for (uint32_t i = 0; i < h->n; i++) {
		const struct holding *e = &h->at[i];
		pack_str(p, e->strategy);
		pack_str(p, e->market->def.instrument.s);
		pack_i64(p, e->qty);
		pack_i64(p, e->closing);
		pack_i64(p, e->try_at);
	}
}

int holdings_load(struct holdings *h, const struct markets *ms, struct unpacker *u)
{
	uint32_t n = unpack_array(u);
	if (u->err || n % 5 != 0 || n / 5 > HOLDINGS_MAX)
		return u->err ? u->err : ERR_CORRUPT;
	for (h->n = 0; h->n < n / 5; h->n++) {
		struct holding *e = &h->at[h->n];
		struct symbol symbol = {0};
		unpack_str(u, e->strategy, sizeof(e->strategy));
		unpack_str(u, symbol.s, sizeof(symbol.s));
		e->qty = unpack_i64(u);
		e->closing = unpack_i64(u);
		e->try_at = unpack_i64(u);
		if (u->err)
			return u->err;
		e->market = markets_get(ms, &symbol);
		bool closing = e->closing == 0 || (same_sign(e->closing, e->qty) &&
						   nearer_zero(e->closing, e->qty) == e->closing);
		if (!e->market || e->qty == 0 || !closing)
			return ERR_CORRUPT;
	}
	return u->err;
}
