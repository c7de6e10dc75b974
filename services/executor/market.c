/* market - see market.h. */
#include "services/executor/market.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "proto/grid.h"
#include "services/executor/band.h"
#include "services/executor/outcome.h"

int markets_init(struct markets *ms, uint32_t markets_max, uint32_t levels)
{
	*ms = (struct markets){.levels = levels};
	return strmap_init(&ms->map, markets_max, sizeof(struct market));
}

void markets_fini(struct markets *ms)
{
	if (!ms)
		return;
	for (uint32_t i = 0; i < markets_count(ms); i++) {
		book_fini(&markets_at(ms, i)->book);
		free(markets_at(ms, i)->taken);
	}
	strmap_fini(&ms->map);
}

struct market *markets_get(const struct markets *ms, const struct symbol *s)
{
	return strmap_get(&ms->map, s->s, strlen(s->s));
}

struct market *markets_put(struct markets *ms, const struct symbol *s)
{
	struct market *m = strmap_put(&ms->map, s->s, strlen(s->s));
	if (m && !m->known)
		m->quote = MARKET_NO_QUOTE;
	return m;
}

uint32_t markets_count(const struct markets *ms)
{
	return ms->map.count;
}

struct market *markets_at(const struct markets *ms, uint32_t i)
{
	return strmap_value_at(&ms->map, i);
}

void market_lose_book(struct market *m)
{
	if (!m->taken)
		return;
	book_clear(&m->book);
	m->has_book = false;
	m->last = 0;
	m->taken[0].n = m->taken[1].n = 0;
}

static int allocate(struct markets *ms, struct market *m)
{
	if (m->taken)
		return 0;
	struct taken *taken = calloc(2, sizeof(*taken));
	if (!taken)
		return ERR_NOMEM;
	int rc = book_init(&m->book, ms->levels);
	if (rc != 0)
		free(taken);
	else
		m->taken = taken;
	return rc;
}

/* Quantities become amounts of an asset at CASH_SCALE: finer ones could not be held exactly. */
static bool sensible(const struct ev_instrument *d)
{
	return d->price_scale <= FIXED_SCALE_MAX && d->qty_scale <= CASH_SCALE &&
	       d->cash_scale <= FIXED_SCALE_MAX && d->tick_size >= 0 && d->price_min >= 0 &&
	       d->price_max >= 0 && d->lot_size >= 0 && d->qty_min >= 0 && d->qty_max >= 0 &&
	       d->market_qty_max >= 0 && d->market_lot_size >= 0 && d->market_qty_min >= 0 && d->position_max >= 0 &&
	       d->notional_min >= 0 && d->notional_max >= 0 &&
	       d->base[0] && d->base[0] != OUTCOME_OTHER_MARK && d->quote[0] && strcmp(d->base, d->quote) != 0 &&
	       grid_sound(d);
}

bool market_scales_differ(const struct market *m, const struct ev_instrument *d)
{
	return m->known &&
	       (m->def.price_scale != d->price_scale || m->def.qty_scale != d->qty_scale);
}

/* Holdings and locks are kept by asset: under other ones they would belong to nobody. */
static bool assets_differ(const struct market *m, const struct ev_instrument *d)
{
	return m->known &&
	       (strcmp(m->def.base, d->base) != 0 || strcmp(m->def.quote, d->quote) != 0);
}

/* What its orders trade and what was set aside for them depends on what it is. Older recordings do not say. */
bool market_nature_differs(const struct market *m, const struct ev_instrument *d)
{
	return m->known && (m->def.kind != d->kind || !symbol_equal(&m->def.complement, &d->complement));
}

int markets_define(struct markets *ms, struct market *m, const struct ev_instrument *d)
{
	int64_t min, max, qty = m->position.qty;
	if (!sensible(d))
		return ERR_RANGE;
	bool leaves_margin = market_margined(m) && d->kind != instrument_kind_perpetual && qty != 0;
	if (assets_differ(m, d) || leaves_margin)
		return ERR_DIFFERS;
	if (fixed_rescale(d->notional_min, d->cash_scale, CASH_SCALE, &min) != 0)
		return ERR_RANGE;
	/* Venues use absurdly large maxima for "no limit": one that does not fit is none. */
	if (fixed_rescale(d->notional_max, d->cash_scale, CASH_SCALE, &max) != 0)
		max = 0;
	bool differ = market_scales_differ(m, d);
	if (differ && fixed_rescale(qty, m->def.qty_scale, d->qty_scale, &qty) != 0)
		return ERR_INEXACT;
	int rc = allocate(ms, m);
	if (rc != 0)
		return rc;
	if (differ) {
		market_lose_book(m);
		m->mark = m->marks.bid = m->marks.ask = m->marks.traded = 0;
		m->position.qty = qty;
	}
	ms->margined += d->kind == instrument_kind_perpetual && !market_margined(m);
	m->def = *d;
	m->perpetual.terms = margin_find(ms->margins, &d->instrument);
	m->notional_min = min;
	m->notional_max = max;
	m->fees = *fees_find(ms->fees, &d->instrument);
	outcome_name_other(d->base, m->other);
	m->known = true;
	band_define(m, differ);
	return 0;
}

static void renew(struct taken *t, const struct levels *changed)
{
	for (uint32_t i = 0; t->n > 0 && i < changed->n; i++)
		for (uint32_t k = 0; k < t->n; k++)
			if (t->at[k].price == changed->at[i].price) {
				t->at[k] = t->at[--t->n];
				break;
			}
}

static void note_mark(struct market *m)
{
	int64_t mark = market_twice_mid(m);
	if (m->state != book_state_trusted || mark == 0 || book_crossed(&m->book))
		return;
	m->mark = mark;
	m->marks.bid = book_level(&m->book, side_buy, 0)->price;
	m->marks.ask = book_level(&m->book, side_sell, 0)->price;
}

static int settle_book(struct market *m, int64_t at, int rc)
{
	if (rc != 0) {
		market_lose_book(m);
		return rc;
	}
	m->updated_at = at;
	note_mark(m);
	return 0;
}

/* What the levels we took from showed before a snapshot. */
struct shown {
	int64_t qty[2][MARKET_TAKEN_MAX];
};

static void note_shown(const struct market *m, struct shown *ret_shown)
{
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < m->taken[side].n; i++)
			ret_shown->qty[side][i] =
				book_qty_at(&m->book, (enum side)(side + 1), m->taken[side].at[i].price);
}

/* A book that was whole all the time shows itself anew: only where a level has changed is what we took renewed. */
static void keep_taken(struct market *m, const struct shown *before)
{
	for (int side = 0; side < 2; side++) {
		struct taken *t = &m->taken[side];
		uint32_t kept = 0;
		for (uint32_t i = 0; i < t->n; i++)
			if (book_qty_at(&m->book, (enum side)(side + 1), t->at[i].price) == before->qty[side][i])
				t->at[kept++] = t->at[i];
		t->n = kept;
	}
}

int market_on_snapshot(struct market *m, int64_t at, const struct ev_book_snapshot *s)
{
	bool same = s->price_scale == m->def.price_scale && s->qty_scale == m->def.qty_scale;
	struct shown shown;
	if (m->has_book)
		note_shown(m, &shown);
	int rc = same ? book_snapshot(&m->book, s) : ERR_TYPE;
	if (rc == 0) {
		if (m->has_book)
			keep_taken(m, &shown);
		m->has_book = true;
		m->foreign = false;
	}
	return settle_book(m, at, rc);
}

int market_on_delta(struct market *m, int64_t at, const struct ev_book_delta *d)
{
	if (!m->has_book)
		return ERR_AGAIN;
	bool same = d->price_scale == m->def.price_scale && d->qty_scale == m->def.qty_scale;
	int rc = same ? book_delta(&m->book, d) : ERR_TYPE;
	if (rc == 0) {
		renew(&m->taken[0], &d->bids);
		renew(&m->taken[1], &d->asks);
	}
	return settle_book(m, at, rc);
}

/* syncing and untrusted mean that deltas were missed: what follows must begin with a snapshot. */
void market_on_state(struct market *m, int64_t at, const struct ev_book_state *s)
{
	bool lost = s->state == book_state_syncing || s->state == book_state_untrusted;
	m->state = s->state;
	if (lost)
		market_lose_book(m);
	else if (s->state == book_state_trusted && m->has_book)
		settle_book(m, at, 0);
}

enum reject market_usable(const struct market *m, int64_t now, int64_t stale_ns)
{
	if (m->foreign)
		return reject_origin;
	if (m->state == book_state_none || (m->state == book_state_trusted && !m->has_book))
		return reject_no_book;
	if (m->state == book_state_stale || (m->has_book && now - m->updated_at > stale_ns))
		return reject_book_stale;
	if (m->state != book_state_trusted || book_crossed(&m->book))
		return reject_book_untrusted;
	return reject_none;
}

static struct level *find_taken(const struct market *m, enum side side, int64_t price)
{
	struct taken *t = &m->taken[side - 1];
	for (uint32_t i = 0; i < t->n; i++)
		if (t->at[i].price == price)
			return &t->at[i];
	return NULL;
}

int64_t market_left(const struct market *m, enum side side, const struct level *l)
{
	const struct level *t = find_taken(m, side, l->price);
	if (!t)
		return l->qty;
	return t->qty < l->qty ? l->qty - t->qty : 0;
}

bool market_can_take(const struct market *m, enum side side, uint32_t levels)
{
	return m->taken[side - 1].n + levels <= MARKET_TAKEN_MAX;
}

void market_take(struct market *m, enum side side, int64_t price, int64_t qty)
{
	struct level *t = find_taken(m, side, price);
	if (!t) {
		must(market_can_take(m, side, 1));
		t = &m->taken[side - 1].at[m->taken[side - 1].n++];
		*t = (struct level){.price = price};
	}
	t->qty += qty;
}

int64_t market_twice_mid(const struct market *m)
{
	if (!m->has_book || book_depth(&m->book, side_buy) == 0 ||
	    book_depth(&m->book, side_sell) == 0)
		return 0;
	int64_t bid = book_level(&m->book, side_buy, 0)->price;
	int64_t ask = book_level(&m->book, side_sell, 0)->price;
	bool sound = bid > 0 && ask > 0 && bid <= ORDERS_PRICE_MAX && ask <= ORDERS_PRICE_MAX;
	return sound ? bid + ask : 0;
}
